"""Programs that do not reorder: rolled, and to the last bit what the engine gives."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad import compile, rnn, value_and_grad
from minigrad.compiler import running
from tests.compiler.test_compiled import MODELS, agree, dirty, problem


@settings(max_examples=settings.default.max_examples // 2)
@given(
    st.sampled_from(sorted(MODELS)),
    st.sampled_from([4, 5, 9, 20]),
    st.sampled_from([None, 1, 3, 4, 8]),
    st.sampled_from(["every", "last", "entropy"]),
)
def test_networks_to_the_last_bit(name: str, T: int, B: int | None, kind: str) -> None:
    f, model, data = problem(name, T, B, 0, kind)
    step = compile(f, without="reorder")
    for each in data:
        agree(step(model, *each), f(model, *each), exact=True)
        dirty(step)
    assert step.report().rolled


@pytest.mark.parametrize("at", ["every", "last"])
@pytest.mark.parametrize("f", ["tanh", "relu"])
@pytest.mark.parametrize(
    ("B", "n"), [(32, 16), (8, 64), (32, 64), (16, 80)]
)  # kept for all steps, and made in the loop
def test_larger_ones_to_the_last_bit(B: int, n: int, f: str, at: str) -> None:
    model, rng = rnn.RNN(3, n, 2, f=f, rng=0), np.random.default_rng(0)
    slopes = value_and_grad(lambda model, xs, ys: rnn.unroll(model, xs, ys, at=at).cost)
    step = compile(slopes, without="reorder")
    for T in (12, 21):
        xs, ys = rng.normal(size=(T, B, 3)), rng.normal(size=(T, B, 2) if at == "every" else (B, 2))
        agree(step(model, xs, ys), slopes(model, xs, ys), exact=True)


def test_what_is_added_up_where() -> None:
    """As in a textbook where terms are large, in two calls where they are small; and otherwise as one product."""
    model, data = rnn.RNN(3, 64, 2, rng=0), (np.ones((12, 32, 3)), np.ones((12, 32, 2)))
    slopes = value_and_grad(lambda model, xs, ys: rnn.unroll(model, xs, ys).cost)
    step, free = compile(slopes, without="reorder"), compile(slopes, without="blocks")
    step(model, *data), free(model, *data)
    assert re.search(
        r"^ {12}dot\(h_\d\.T, dz_2, outer_\)\n {12}add\(total, outer_, total\)$", step.listing(), re.MULTILINE
    )
    assert "db = add.reduce(sums_back, 0)" in step.listing()
    assert "dW = dot(dzs_rowsT, hs_but_last_rows)" in free.listing()


def test_sums_whose_order_shows() -> None:
    """1 + 2⁻⁵³ + 2⁻⁵³ is 1 from the left, and more from the right."""

    def f(x: Any, w: Any) -> Any:
        h, cost = np.zeros(3), 0.0
        for t in range(len(x)):
            h = np.tanh(h) + w * x[t]
            cost = cost + np.sum(h)
        return cost

    x = np.full((9, 3), 2.0**-53)
    x[0] = 1.0
    slopes = value_and_grad(f, argnums=1)
    for data in (x, x[::-1].copy()):
        agree(compile(slopes, without="reorder")(data, np.ones(3)), slopes(data, np.ones(3)), exact=True)


def test_transposes_are_laid_out_where_the_library_does_not_mind(monkeypatch: pytest.MonkeyPatch) -> None:
    model, data = rnn.RNN(3, 64, 2, rng=0), (np.ones((12, 32, 3)), np.ones((12, 32, 2)))
    for alike in (True, False):
        monkeypatch.setattr("minigrad.compiler.planning.laid_out_alike", lambda *_, alike=alike: alike)
        step = compile(lambda model, xs, ys: rnn.unroll(model, xs, ys).cost, without="reorder")
        step(model, *data)
        assert ("WT_2[...] = WT" in step.listing()) is alike


def test_whether_it_minds_is_tried_out(monkeypatch: pytest.MonkeyPatch) -> None:
    assert running.laid_out_alike.__wrapped__(4, 6, 1, np.dtype(float))  # one product each: there is no order
    monkeypatch.setattr("numpy.dot", lambda a, b: np.matmul(a[:, ::-1], b[::-1]))
    assert not running.laid_out_alike.__wrapped__(4, 6, 500, np.dtype(float))
