"""What is summed over steps, in the order of the engine: rows, what stands between them, and products made at once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minigrad import compile, rnn, value_and_grad
from minigrad.compiler import lengths
from minigrad.engine.cotangents import Sum
from tests.compiler.test_compiled import agree, dirty

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


WIDE: dict[str, Any] = {
    "layer norm": lambda n, k: rnn.RNN(2, n, k, layer_norm=True, rng=0),
    "LSTM": lambda n, k: rnn.LSTM(2, n, k, layer_norm=True, peepholes=True, rng=0),
    "GRU": lambda n, k: rnn.GRU(2, n, k, layer_norm=True, rng=0),
}


@pytest.mark.parametrize("name", WIDE)
def test_wide_ones_add_up_forwards_or_back_as_the_engine_does(name: str) -> None:
    """What a gain has been given by its entries is added up in the order of time."""
    compared(WIDE[name](128, 2), 12, 33)


@pytest.mark.parametrize("penalty", [lambda p: np.sum(p**2), lambda p: np.sum(np.abs(p)) + np.sum(p * p[:1])])
@pytest.mark.parametrize("n", [5, 64, 128])
def test_sums_begin_with_what_comes_first(penalty: Any, n: int) -> None:
    """The penalty of the weights themselves, which the walk meets before all steps."""
    rng, model = np.random.default_rng(0), rnn.RNN(2, n, 1, rng=0)

    def cost(model: Any, xs: Any, ys: Any) -> Any:
        run = rnn.unroll(model, xs, ys)
        again = rnn.unroll(model, xs[::-1], ys)
        return run.cost + again.cost + sum(map(penalty, model.parameters().values()))

    slopes, data = value_and_grad(cost), (rng.normal(size=(12, 40, 2)), rng.normal(size=(12, 40, 1)))
    step = compile(slopes, without="reorder")
    for sign in (1, -1):
        agree(step(model, sign * data[0], data[1]), slopes(model, sign * data[0], data[1]), exact=True)
    assert step.report().rolled


def test_what_is_wanted_for_itself_is_there() -> None:
    """Sums over rows, and products LᵀR, of single steps: large ones are not overwritten by those of the next step."""

    def rows(W: Any, M: Any, xs: Any) -> Any:
        h, cost = np.zeros(xs.shape[1:]), 0.0
        for x in xs:
            h = np.tanh(h @ W + x)
            cost = cost + np.sum(np.sum(x, 0) * M[0]) + np.sum(np.sum(h, 0) * M[1])
        return cost

    def products(W: Any, M: Any, xs: Any) -> Any:
        h, cost = np.zeros(xs.shape[1:]), 0.0
        for x in xs:
            h = np.tanh(h @ W + x)
            cost = cost + np.sum(np.tanh(h.T @ x) * M) + np.sum((x.T @ x) * M)
        return cost

    def both(W: Any, M: Any, xs: Any) -> Any:
        h, first, last = np.zeros(xs.shape[1:]), 0.0, 0.0
        for t in range(len(xs)):
            h = np.tanh(h @ W + xs[t])
            step = h.T @ xs[t]
            first = step + first
            last = last + step if t > 4 else step
        return np.sum(first * M) + np.sum(np.tanh(last) * M)

    rng = np.random.default_rng(0)
    for f in (rows, products, both):
        slopes = value_and_grad(f, argnums=(0, 1))
        for B, n in ((4, 3), (40, 128)):
            data = rng.normal(size=(n, n)) / n, rng.normal(size=(n, n)), rng.normal(size=(12, B, n))
            step = compile(slopes, without="reorder")
            agree(step(*data), slopes(*data))
            dirty(step)
            agree(step(*data), slopes(*data))


def test_the_cost_of_one_step_is_no_sum() -> None:
    """Of 0 for all other steps, which it would take longer to put together than all products."""
    model, data = rnn.RNN(2, 5, 1, rng=0), (np.ones((40, 3, 2)), np.ones((3, 1)))
    slopes = value_and_grad(lambda model, xs, ys: rnn.unroll(model, xs, ys, at="last").cost)
    step = compile(slopes, without="reorder")
    agree(step(model, *data), slopes(model, *data), exact=True)
    assert "stack" not in step.listing()
