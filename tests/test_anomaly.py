"""The first NaN or infinity is named: function, tensor, scope and line, forward and backward."""

from __future__ import annotations

import gc
import re
import threading
from contextlib import nullcontext

import numpy as np
import pytest

import minigrad as mg
from minigrad import anomaly
from minigrad.engine.context import Context, context

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy's own, which name no tensor


def leaf(*values, name="x"):
    return mg.Tensor(values, requires_grad=True, name=name)


def logarithm(x):
    with mg.scope("t=3"), mg.scope("cost"):
        return np.log(x)  # here is the forward call


def line_of(comment):
    with open(__file__, encoding="utf-8") as file:
        return next(i for i, line in enumerate(file, 1) if line.rstrip().endswith(f"# {comment}"))


def caught(call):
    with mg.detect_anomaly(), pytest.raises(FloatingPointError) as caught:
        call()
    return str(caught.value)


def test_forward_names_function_tensor_scope_and_line():
    message = caught(lambda: logarithm(leaf(1.0, 0.0, -1.0)))
    assert message.startswith("forward: log(x (3,)) gave -inf at [1]\n  log in scope 't=3/cost' at ")
    assert message.endswith(
        f"{__file__}:{line_of('here is the forward call')}: return np.log(x)  # here is the forward call"
    )


def test_backward_names_the_line_of_the_forward_call():
    def cost():
        x = leaf(4.0, 0.0)
        with mg.scope("root"):
            y = np.sqrt(x)  # here is the root
        y.sum().backward()

    message = caught(cost)
    assert message.startswith(
        "backward: sqrt(x (2,)) gave argument 0 the cotangent inf at [1]\n  sqrt in scope 'root' at"
    )
    assert f"{__file__}:{line_of('here is the root')}: y = np.sqrt(x)" in message


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda x: x * np.nan, r"multiply\(x \(2,\), nan\) gave nan at \[0\], which came with argument 1"),
        (
            lambda x: x + np.array([1.0, np.inf]),
            r"add\(x \(2,\), \(2,\)\) gave inf at \[1\], which came with argument 1",
        ),
        (lambda x: np.exp(1000 * x[1]), r"exp\(\(\)\) gave inf\n"),
        (lambda x: x.detach() / 0, r"forward: divide\(\(2,\), 0\) gave inf at \[0\]"),
        (lambda x: mg.functions.squared_error(np.nan, x), r"forward: squared_error\(nan, x \(2,\)\)"),
    ],
)
def test_what_is_said_of_a_forward_pass(call, expected):
    message = caught(lambda: call(leaf(1.0, 2.0)))
    assert re.search(expected, message)
    assert f"at {__file__}:" in message  # a line of the caller's, whatever minigrad or NumPy do in between


def test_what_is_not_recorded_is_looked_at_too():
    with mg.no_grad():
        assert "log" in caught(lambda: np.log(mg.Tensor([0.0])))


def test_sums_and_seeds_that_are_not_finite():
    x = leaf(1.0, 2.0)
    message = caught(lambda: mg.gradients(x * 2, [x], np.array([1.0, np.nan])))
    assert "backward: the result of multiply (2,) got the cotangent nan at [1]" in message
    big = np.array([1e308, 0])
    message = caught(lambda: mg.gradients([x * 1.0, x * 1.0], [x], [big, big]))
    assert "backward: the leaf x (2,) got the cotangent inf at [0]: its shares overflowed" in message
    assert "a line outside of detect_anomaly()" in message


def test_products_that_are_still_factored_are_looked_at():
    W, x = mg.Tensor(np.ones((40, 40)), requires_grad=True, name="W"), np.full(40, 1e300)
    message = caught(lambda: mg.gradients((W @ x)[0], [W], np.array(1e10)))
    assert message.startswith("backward: matmul(W (40, 40), (40,)) gave argument 0 the cotangent inf at [0, 0]")


def test_a_recorded_walk_is_looked_at_edge_by_edge():
    """np.sqrt's rule divides by zero: that is the doing of sqrt, not of the division in its rule."""
    x = np.array([1.0, 0.0])
    for call in (
        lambda: mg.hvp(lambda t: np.sum(np.sqrt(t)), (x,), (x,)),
        lambda: mg.grad(lambda p: np.sum(mg.grad(lambda t: np.sum(np.sqrt(t) * p))(x)))(2.0),
    ):
        assert caught(call).startswith("backward: sqrt(argument (2,)) gave argument 0 the cotangent inf at [1]")


def test_second_derivatives_name_a_line_too():
    """x³ᐟ² has at 0 a derivative, but no second one."""
    message = caught(lambda: mg.grad(mg.grad(lambda t: np.sqrt(t) * t + np.sqrt(t * t * t)))(0.0))
    assert message.startswith("backward: sqrt(")
    assert f"at {__file__}:" in message


def test_a_graph_from_outside_has_no_line_but_a_name():
    x = leaf(0.0)
    y = np.sqrt(x).sum()
    message = caught(lambda: y.backward())
    assert "sqrt(x (1,)) gave argument 0 the cotangent inf at [0]" in message
    assert "at a line outside of detect_anomaly()" in message
    assert x.grad is None


def test_a_graph_from_an_earlier_block_has_a_line():
    x = leaf(0.0)
    with mg.detect_anomaly():
        y = np.sqrt(x).sum()  # in an earlier block
    assert f":{line_of('in an earlier block')}:" in caught(lambda: y.backward())


@pytest.mark.parametrize("watched", [False, True])
def test_nothing_changes_where_all_is_finite(watched):
    x, edges = leaf(1.0, 2.0), []
    with mg.detect_anomaly() if watched else nullcontext():
        y = np.sum(np.tanh(x) * x)
        (g,) = mg.gradients(y, [x], observe=lambda *edge: edges.append(edge))
    assert len(edges) == 4  # one's own observer is told of every edge still
    np.testing.assert_array_equal(g, np.tanh(x.data) + x.data * (1 - np.tanh(x.data) ** 2))


def test_no_state_is_left_behind():
    for call in (lambda: logarithm(leaf(0.0)), lambda: np.sqrt(leaf(0.0)).sum().backward()):
        with pytest.raises(FloatingPointError), mg.detect_anomaly():
            call()
        assert context.get() == Context()
    with mg.detect_anomaly():
        with mg.no_grad(), mg.scope("s"):
            assert context.get().watch is not None
        np.tanh(leaf(1.0))
    np.log(leaf(0.0))  # nobody minds
    gc.collect()
    assert not anomaly._lines


def test_it_is_a_decorator_too():
    with pytest.raises(FloatingPointError, match="log"):
        mg.detect_anomaly()(logarithm)(leaf(0.0))


def test_threads_are_separate():
    seen = []

    def other():
        seen.append(np.log(leaf(0.0)).data)

    with mg.detect_anomaly():
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert seen == [-np.inf]
