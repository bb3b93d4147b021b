"""What is summed over steps, in the order of the engine: rows, what stands between them, and products made at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minigrad import compile, rnn, value_and_grad
from minigrad.compiler import lengths
from minigrad.engine.cotangents import Sum
from tests.compiler.test_compiled import agree

BUILD: dict[str, Any] = {
    "RNN": rnn.RNN,
    "identity": lambda *sizes, rng: rnn.RNN(*sizes, f="identity", rng=rng),
    "feedback": rnn.OutputFeedbackRNN,
    "LSTM": rnn.LSTM,
    "peepholes": lambda *sizes, rng: rnn.LSTM(*sizes, peepholes=True, rng=rng),
    "GRU": rnn.GRU,
    "MinGRU": rnn.MinGRU,
    "both ways": lambda n, m, k, rng: rnn.Bidirectional(
        rnn.GRU(n, m, rng=rng), rnn.RNN(n, m, rng=rng), n_out=k, rng=rng
    ),
}


def compared(model: Any, T: int, B: int | None, **options: Any) -> Any:
    """The program for a model and a sequence, which gives to the last bit what the engine gives."""
    rng, shape = np.random.default_rng(0), (T,) if B is None else (T, B)
    slopes = value_and_grad(lambda model, xs, ys: rnn.unroll(model, xs, ys, **options).cost)
    step = compile(slopes, without="reorder")
    data = rng.normal(size=(*shape, model.n_in)), rng.normal(size=(*shape, model.n_out))
    agree(step(model, *data), slopes(model, *data), exact=True)
    assert step.report().rolled
    return step


@pytest.mark.parametrize("B", [None, 1, 16])
@pytest.mark.parametrize("name", BUILD)
def test_a_single_output(name: str, B: int | None) -> None:
    """NumPy adds up numbers that lie in a line in pairs, and rows one after the other."""
    compared(BUILD[name](2, 5, 1, rng=0), 40, B)


def test_steps_unlike_the_others() -> None:
    """Sequences of their own lengths: products of the last steps are in the one of all, and their sums come first."""
    step = compared(rnn.RNN(2, 3, 1, rng=0), 20, 4, lengths=[20, 19, 18, 17])
    assert "concatenate((" in step.listing()
    assert "gathered(" not in step.listing()


@pytest.mark.parametrize("limit", [100, 500, 3000])
@pytest.mark.parametrize("name", ["RNN", "LSTM"])
def test_as_many_products_as_the_engine_makes(name: str, limit: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Sum, "LIMIT", limit)
    compared(BUILD[name](2, 5, 1, rng=0), 40, 3)


def test_one_product_where_no_last_bit_is_worth_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of long sequences all is not traced for it."""
    monkeypatch.setattr(Sum, "LIMIT", 500)
    assert compared(rnn.RNN(2, 5, 1, rng=0), 40, 3).listing().count("rows.T, dzs_") > 1
    monkeypatch.setattr(lengths, "LONG", 30)
    slopes = value_and_grad(lambda model, xs, ys: rnn.unroll(model, xs, ys).cost)
    step, data = compile(slopes, without="reorder"), (np.ones((40, 3, 2)), np.ones((40, 3, 1)))
    agree(step(rnn.RNN(2, 5, 1, rng=0), *data), slopes(rnn.RNN(2, 5, 1, rng=0), *data))
    assert step.listing().count("dot(xs_rows.T, dzs_rows)") == 1
