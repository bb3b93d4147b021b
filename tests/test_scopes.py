"""What surrounds a computation holds while it runs: in functions, generators and coroutines, and in threads."""

from __future__ import annotations

import asyncio
import contextlib
import threading

import pytest

import minigrad as mg
from minigrad import Tensor, no_grad, scope


def leaf():
    return Tensor(2.0, requires_grad=True)


def recorded():
    return (leaf() * 2).requires_grad


WAYS = {"no_grad": no_grad, "scope": lambda: scope("inside"), "detect_anomaly": mg.detect_anomaly}


def inside(way):
    """Whether it is so that ``way`` holds."""
    t = leaf() * 2
    if way == "no_grad":
        return not t.requires_grad
    if way == "scope":
        return t.scope[-1:] == ("inside",)
    try:
        t / 0.0
    except FloatingPointError:
        return True
    return False


every_way = pytest.mark.parametrize("way", WAYS)
pytestmark = pytest.mark.filterwarnings("ignore:divide by zero")


@every_way
def test_a_decorated_function_is_inside(way):
    @WAYS[way]()
    def f(depth):
        return inside(way) and (depth == 0 or f(depth - 1))

    assert f(3)
    assert not inside(way)


@every_way
def test_a_decorated_generator_is_inside_and_its_caller_is_not(way):
    @WAYS[way]()
    def generator(n):
        """Its documentation."""
        try:
            for i in range(n):
                got = yield i, inside(way)
                assert got is None or got == "sent"
            return "returned"
        except ZeroDivisionError:
            yield "caught", inside(way)
        finally:
            closed.append(inside(way))

    closed = []
    assert generator.__doc__ == "Its documentation."
    for _, held in generator(3):
        assert held and not inside(way)
    g = generator(2)
    assert next(g) == (0, True)
    assert g.send("sent") == (1, True)
    with pytest.raises(StopIteration) as stop:
        g.send("sent")
    assert stop.value.value == "returned"
    g = generator(2)
    next(g)
    assert g.throw(ZeroDivisionError) == ("caught", True)
    g.close()
    g = generator(2)
    next(g)
    g.close()
    assert closed == [True] * 4
    with pytest.raises(RuntimeError, match="from inside"):
        list(WAYS[way]()(fails)())
    assert not inside(way)


def fails():
    yield 1
    raise RuntimeError("from inside")


@every_way
def test_a_decorated_coroutine_is_inside_and_others_are_not(way):
    @WAYS[way]()
    async def coroutine():
        held = [inside(way)]
        await asyncio.sleep(0)
        return [*held, inside(way)]

    async def other():
        held = []
        for _ in range(3):
            held.append(inside(way))
            await asyncio.sleep(0)
        return held

    async def both():
        one, two = await asyncio.gather(coroutine(), other())
        return one, two, inside(way), await coroutine(), inside(way)

    assert asyncio.run(both()) == ([True, True], [False] * 3, False, [True, True], False)


@every_way
def test_an_asynchronous_generator_is_told_what_to_write(way):
    with pytest.raises(TypeError, match=r"steps is an asynchronous generator: write the with block inside"):

        @WAYS[way]()
        async def steps():
            yield 1


@every_way
def test_threads_do_not_share_it(way):
    held = []
    with WAYS[way]():
        thread = threading.Thread(target=lambda: held.append(inside(way)))
        thread.start()
        thread.join()
        assert inside(way)
    assert held == [False]


def test_a_block_that_is_left_open_by_a_paused_generator_is_noticed():
    def batches():
        with no_grad():
            for i in range(2):
                assert not recorded()
                yield i

    paused = batches()
    next(paused)
    with pytest.raises(RuntimeError, match=r"the generator batches \(.*test_scopes\.py:\d+\) has paused inside"):
        recorded()
    assert (Tensor(1.0) * 2).data == 2.0  # where there is no gradient, none is lost
    paused.close()
    assert recorded()


def test_a_block_that_is_closed_before_each_yield_is_fine():
    def batches():
        for i in range(3):
            with no_grad():
                assert not recorded()
            yield i

    for _ in batches():
        assert recorded()


def test_a_context_manager_leaves_it_open_on_purpose():
    @contextlib.contextmanager
    def evaluation():
        with no_grad():
            yield

    with evaluation():
        assert not recorded()
    assert recorded()
