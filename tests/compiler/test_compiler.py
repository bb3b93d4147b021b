"""What becomes loops: of which models, and of which uses of them, the program is no longer for longer sequences."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from minigrad import compile, rnn, value_and_grad
from minigrad.compiler.compiled import Compiled
from tests.compiler.test_compiled import MODELS, agree


def unrolled(**options: Any) -> Callable[..., Any]:
    return lambda model, xs, ys: rnn.unroll(model, xs, ys, **options).cost


def ending(lengths: Callable[[int], list[int]]) -> Callable[..., Any]:
    """Sequences that end after so many of T steps."""
    return lambda model, xs, ys: rnn.unroll(model, xs, ys, lengths=lengths(len(xs))).cost


def windows(cut: bool) -> Callable[..., Any]:
    def f(model: Any, xs: Any, ys: Any) -> Any:
        half = len(xs) // 2
        one = rnn.unroll(model, xs[:half], ys[:half])
        final = {role: each.detach() for role, each in one.final.items()} if cut else one.final
        return one.cost + rnn.unroll(model, xs[half:], ys[half:], initial=final).cost

    return f


def states(run: Any) -> list[Any]:
    return run["h"]  # type: ignore[no-any-return]


def penalty(model: Any, xs: Any, ys: Any) -> Any:
    run = rnn.unroll(model, xs, ys)
    return (
        run.cost + 0.1 * sum(np.sum(p**2) for p in model.parameters().values()) + sum(np.sum(h**2) for h in states(run))
    )


def siamese(model: Any, xs: Any, ys: Any) -> Any:
    one, two = (states(rnn.unroll(model, each, scope=name))[-1] for name, each in (("a", xs), ("b", 2 * xs[::-1])))
    return np.sum((one - two) ** 2)


USES: dict[str, Callable[..., Any]] = {
    "a cost at every step": unrolled(),
    "at the last step": lambda model, xs, ys: rnn.unroll(model, xs, ys[-1], at="last").cost,
    "cross entropy": unrolled(cost="cross_entropy"),
    "one sequence ends early": ending(lambda T: [T, T, T // 2]),
    "all end early": ending(lambda T: [T // 4, T // 2, 3 * T // 4]),
    "ends at the end": ending(lambda T: [T, T - 1, T - 2]),
    "and a cost at the ends": lambda model, xs, ys: (
        rnn.unroll(model, xs, ys[-1], lengths=[len(xs) // 2, len(xs), len(xs) // 2], at="last").cost
    ),
    "truncated": windows(cut=True),
    "windows": windows(cut=False),
    "a penalty": penalty,
    "a list of costs": lambda model, xs, ys: sum(rnn.unroll(model, xs, ys).costs.values()),
    "outputs stacked": lambda model, xs, ys: np.mean((np.stack(rnn.unroll(model, xs)["y"]) - ys) ** 2),
    "the last state": lambda model, xs, ys: np.sum(states(rnn.unroll(model, xs))[-1] ** 2),
    "siamese": siamese,
    "two runs": lambda model, xs, ys: unrolled(scope="a")(model, xs, ys) + unrolled(scope="b")(model, 2 * xs, ys),
    "encoder and decoder": lambda model, xs, ys: (
        rnn.unroll(model, 0 * xs, ys, initial=rnn.unroll(model, xs, scope="encoder").final, scope="decoder").cost
    ),
    "missing targets": lambda model, xs, ys: (
        rnn.unroll(model, xs, np.where(np.arange(ys.size).reshape(ys.shape) % 5 == 0, np.nan, ys), missing=True).cost
    ),
}


def compiled(f: Any, model: Any, T: int) -> Compiled:
    """For sequences of this length, and tried."""
    step, rng = compile(f), np.random.default_rng(0)
    xs, ys = rng.normal(size=(2, T, 3, 2))
    agree(step(model, xs, ys), f(model, xs, ys))
    assert step.report().why == ""
    return step


def grows(f: Any, model: Any) -> int:
    """How many more lines a program has for 20 steps than for 12."""
    one, two = (compiled(f, model, T).listing().count("\n") for T in (12, 20))
    return two - one


@pytest.mark.parametrize("use", USES)
def test_uses_of_a_network_are_loops(use: str) -> None:
    assert grows(value_and_grad(USES[use]), MODELS["f=tanh"]()) == 0


@pytest.mark.parametrize("use", ["truncated", "one sequence ends early", "encoder and decoder", "two runs"])
@pytest.mark.parametrize("model", ["LSTM", "g=softmax"])
def test_of_larger_ones_too(model: str, use: str) -> None:
    assert grows(value_and_grad(USES[use]), MODELS[model]()) == 0


@pytest.mark.parametrize("model", sorted(MODELS))
def test_networks_are_loops(model: str) -> None:
    assert grows(value_and_grad(unrolled()), MODELS[model]()) == 0


def test_costs_of_single_steps_are_those_of_all_for_nothing_and_only_in_loops() -> None:
    """So that steps are alike; uncompiled, and in a straight line, what has no weight is not computed."""
    rng = np.random.default_rng(0)
    xs, ys = rng.normal(size=(2, 12, 3, 2))
    f = value_and_grad(unrolled(weights=np.arange(12) % 3 == 0))
    model = MODELS["f=tanh"]()
    agree(compile(f, roll=False)(model, xs, ys), f(model, xs, ys), exact=True)
    assert compile(f).report(model, xs, ys).calls < 100


def test_rows_of_one_matrix_for_each_gate_are_added_up_before_they_are_put_together() -> None:
    def f(w: Any, xs: Any) -> Any:
        h = np.zeros(xs.shape[1:])
        for x in xs:
            h = np.tanh(x * w[0] + h * w[1]) * w[2]
        return np.sum(h)

    step, w = compile(value_and_grad(f)), np.array([0.5, -0.25, 0.75])
    lengths = []
    for T in (12, 20):
        xs = np.random.default_rng(0).normal(size=(T, 3))
        agree(step(w, xs), value_and_grad(f)(w, xs))
        lengths.append(step.listing().count("\n"))
    assert step.report().rolled and lengths[0] == lengths[1]


def test_a_program_takes_less_memory_than_the_graph() -> None:
    """Buffers, and what a run takes besides: 0.7 of what the engine takes for the user's own loop, at most."""
    rng = np.random.default_rng(0)
    for T, B, n in ((100, 1, 32), (100, 32, 64), (50, 32, 128)):
        model, (xs, ys) = rnn.RNN(2, n, 1), (rng.normal(size=(T, B, k)) for k in (2, 1))
        f = value_and_grad(by_hand)
        step = compile(f)
        assert step.report(model, xs, ys).bytes + peak(step, model, xs, ys) < 0.7 * peak(f, model, xs, ys)


def by_hand(model: Any, xs: Any, ys: Any) -> Any:
    UT, WT, VT = model.bind()
    h, hs, drive = np.zeros((xs.shape[1], model.n_hidden)), [], xs @ UT + model.b
    for t in range(len(xs)):
        h = np.tanh(drive[t] + h @ WT)
        hs.append(h)
    error = np.stack(hs) @ VT + model.c - ys
    return np.vdot(error, error)


def peak(f: Any, *args: Any) -> int:
    """Bytes that a second call takes at its worst."""
    f(*args)
    tracemalloc.start()
    try:
        f(*args)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_the_gradient_of_a_matrix_is_one_product_of_all_steps() -> None:
    """The first, with h_0 that is a constant, among them."""
    step, (xs, ys) = compile(value_and_grad(unrolled()), without="blocks"), np.ones((2, 9, 32, 2))
    step(rnn.RNN(2, 64, 2), xs, ys)
    assert "        dW = dot(dzs_rowsT, hs_but_last_rows)\n" in step.listing()
