"""Sums of a loop are added to after every block of steps, and are what they are; that takes half of the memory."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad.compiler import blocks, schedule
from tests.compiler.test_compiled import MODELS, agree, dirty, problem

BLOCK = 4
LENGTHS = st.integers(4, 3 * BLOCK + 2)


@pytest.fixture(autouse=True)
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """All rows are large, and blocks are short."""
    monkeypatch.setattr(schedule, "CACHED", 0)
    monkeypatch.setattr(blocks, "CACHED", 0)
    monkeypatch.setattr(blocks, "BLOCK", BLOCK)


@pytest.mark.usefixtures("large")
@settings(max_examples=settings.default.max_examples // 8)
@given(
    st.sampled_from(sorted(MODELS)),
    LENGTHS,
    st.sampled_from([None, 1, 3]),
    st.sampled_from(["every", "last", "entropy", "lengths", "weights"]),
)
def test_networks_in_blocks(name: str, T: int, B: int | None, kind: str) -> None:
    f, model, data = problem(name, T, B, 0, kind)
    step = mg.compile(f)
    agree(step(model, *data[0]), f(model, *data[0]))
    dirty(step)
    for each in (data[1], data[0]):
        agree(step(model, *each), f(model, *each))


@pytest.mark.parametrize("name", ["f=tanh", "g=softmax", "LSTM", "GRU", "stacked"])
@pytest.mark.parametrize("T", [5, 8, 9, 40])
def test_blocks_and_their_memory(name: str, T: int) -> None:
    """Of ∂C/∂z there is one block of rows, and the text is that for any length."""
    f, model, data = problem(name, T, 3, 0, "every")
    step = mg.compile(f)
    agree(step(model, *data[0]), f(model, *data[0]))
    assert f"for start in range(0, {T}, {BLOCK}):" in step.listing()
    assert f"empty(({BLOCK}, 3, " in step.listing()
    if T == 40:
        assert any(step.patterns.values())


def test_gradients_of_h_0_are_made_of_the_last_row() -> None:
    """The row of the first step, which the loop comes to last, is used once more behind it."""
    model, rng = mg.rnn.RNN(2, 3, 1), np.random.default_rng(0)

    def loss(model: Any, h: Any, xs: Any, ys: Any) -> Any:
        return mg.rnn.unroll(model, xs, ys, initial={"h": h}).cost

    f = mg.value_and_grad(loss, (0, 1))
    for T in range(5, 15):
        h, xs, ys = rng.normal(size=(4, 3)), rng.normal(size=(T, 4, 2)), rng.normal(size=(T, 4, 1))
        step = mg.compile(f)
        agree(step(model, h, xs, ys), f(model, h, xs, ys))
        dirty(step)
        agree(step(model, h, xs, ys), f(model, h, xs, ys))
        assert "for start in" in step.listing()


@pytest.mark.parametrize(("n", "blocked"), [(8, True), (200, False)])
def test_sums_that_are_larger_than_many_blocks_are_one_product(n: int, blocked: bool) -> None:
    model, rng = mg.rnn.RNN(2, n, 1), np.random.default_rng(0)
    f = mg.value_and_grad(lambda model, xs, ys: mg.rnn.unroll(model, xs, ys).cost)
    step, xs, ys = mg.compile(f), rng.normal(size=(9, 2, 2)), rng.normal(size=(9, 2, 1))
    agree(step(model, xs, ys), f(model, xs, ys))
    assert ("for start in" in step.listing()) == blocked


def test_inputs_of_a_loop_may_want_their_gradient_too() -> None:
    """Then all rows are wanted, and there are no blocks."""
    model, rng = mg.rnn.RNN(2, 3, 1), np.random.default_rng(0)
    f = mg.value_and_grad(lambda model, xs, ys: mg.rnn.unroll(model, xs, ys).cost, (0, 1))
    step, xs, ys = mg.compile(f), rng.normal(size=(40, 4, 2)), rng.normal(size=(40, 4, 1))
    agree(step(model, xs, ys), f(model, xs, ys))
    assert "for start in" not in step.listing()


@pytest.mark.parametrize(
    ("sizes", "dtype"),
    [
        ((200, 32, 32, 64), "float64"),
        ((100, 32, 2, 64), "float32"),
        ((200, 4, 2, 256), "float64"),
        ((500, 1, 2, 256), "float64"),
    ],
)
def test_a_program_takes_less_memory_than_the_engine(
    sizes: tuple[int, ...], dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "CACHED", 1 << 13)
    monkeypatch.setattr(blocks, "CACHED", 1 << 13)
    monkeypatch.setattr(blocks, "BLOCK", 32)
    T, B, n_in, n = sizes
    rng = np.random.default_rng(0)
    model = mg.rnn.RNN(n_in, n, 1, rng=rng, dtype=dtype)
    f = mg.value_and_grad(lambda model, xs, ys: mg.rnn.unroll(model, xs, ys).cost)
    step, (xs, ys) = mg.compile(f), [rng.normal(size=(T, B, m)).astype(dtype) for m in (n_in, 1)]
    step(model, xs, ys)
    tracemalloc.start()
    try:
        f(model, xs, ys)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert step.report().bytes < 0.7 * peak
