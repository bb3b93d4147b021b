"""Sums of products as one product: where that pays, and to the same numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from minigrad import compile, rnn, value_and_grad
from minigrad.compiler import merging
from tests.compiler.test_compiled import agree, dirty
from tests.compiler.test_planning import Recurrence, recurrences
from tests.compiler.test_planning import test_loops_give_what_they_give_uncompiled as loops_agree

loss = value_and_grad(lambda model, xs, ys: rnn.unroll(model, xs, ys).cost)


def data(B: int | None, seed: int) -> Any:
    return np.random.default_rng(seed).normal(size=(2, 9, 2) if B is None else (2, 9, B, 2))


@pytest.mark.parametrize("B", [None, 1])
@pytest.mark.parametrize(
    "model",
    [
        lambda: rnn.RNN(2, 16, 2),
        lambda: rnn.RNN(2, 16, 2, f="relu"),
        lambda: rnn.RNN(2, 16, 2, f="identity"),
        lambda: rnn.LSTM(2, 16, 2),
        lambda: rnn.GRU(2, 16, 2),
        lambda: rnn.OutputFeedbackRNN(2, 16, 2),
        lambda: rnn.Stacked([rnn.RNN(2, 12), rnn.RNN(12, 16, 2)]),
    ],
)
def test_networks_give_the_same(model: Any, B: int | None) -> None:
    step, made = compile(loss), model()
    for seed in range(3):
        agree(step(made, *data(B, seed)), loss(made, *data(B, seed)))
        dirty(step)


def test_a_step_of_one_short_sequence_is_two_calls() -> None:
    step, model = compile(loss), rnn.RNN(2, 16, 2)
    step(model, *data(1, 0))
    assert step.listing().count("        dot(row") == 2  # forwards and backwards
    few, many = (step.report(model, *np.ones((2, T, 1, 2))).calls for T in (9, 12))
    assert many - few == 3 * (2 + 2)


@pytest.mark.parametrize(("n", "B"), [(4, 1), (128, 1), (16, 3)])
def test_not_where_it_does_not_pay(n: int, B: int) -> None:
    """What comes beside a state is too much, the state too long, or of several sequences."""
    step = compile(loss)
    step(rnn.RNN(2, n, 2), *data(B, 0))
    assert "row" not in step.listing().replace("_rows", "")


@settings(max_examples=settings.default.max_examples // 2)
@given(recurrences())
def test_loops_of_all_kinds_give_the_same(recurrence: Recurrence) -> None:
    """However much comes beside a state."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(merging, "NARROW", 0)
        loops_agree.hypothesis.inner_test(recurrence)
