"""Two directions: what each hears, in whatever order it is computed; another program's numbers; and what is refused."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.engine.tensor import Tensor
from minigrad.engine.walk import gradients
from minigrad.rnn.bidirectional import Bidirectional
from minigrad.rnn.cells import GRU, LRU, LSTM, RNN, MinGRU, Stacked
from minigrad.rnn.exchange import from_torch
from minigrad.rnn.figure.drawing import draw
from minigrad.rnn.figure.film import animate
from minigrad.rnn.remembering import bptt
from minigrad.rnn.unrolling import unroll
from tests.rnn.cells.gradients import check_cost
from tests.rnn.cells.reference import NETWORKS, X, agree, half_squares

seeds = st.integers(0, 2**32 - 1)
BUILT = {
    "RNN": lambda rng=0: Bidirectional(RNN(2, 3, rng=rng), RNN(2, 3, rng=1), n_out=2, g="tanh"),
    "unlike": lambda rng=0: Bidirectional(LSTM(2, 2, rng=rng), MinGRU(2, 3, 1, rng=1)),
    "layers": lambda rng=0: Bidirectional(
        GRU(2, 2, rng=rng), LRU(2, 1, rng=1), RNN(4, 2, rng=2), RNN(4, 2, rng=3), n_out=1
    ),
    "stacked": lambda rng=0: Bidirectional(
        Stacked([RNN(2, 3, rng=rng), GRU(3, 2)]), Stacked([RNN(2, 2, rng=1), RNN(2, 2)])
    ),
}
built = pytest.mark.parametrize("kind", BUILT)


def test_two_layers_by_another_program():
    known = NETWORKS["GRU_2layer_bidirectional"]
    model, xs = from_torch(known["params"]), Tensor(X, requires_grad=True)
    run = model.unroll(xs, np.zeros((4, 2, 6)), cost=half_squares)
    run.cost.backward()
    np.testing.assert_allclose(run.outputs, known["outputs"], rtol=1e-12, atol=1e-14)
    assert run.cost.item() == pytest.approx(known["cost"], rel=1e-12)
    agree({"x": xs.grad}, known["grads"])
    for cell, suffix in zip(model.cells, ["_l0", "_l0_reverse", "_l1", "_l1_reverse"], strict=True):
        found = {"weight_ih": cell.U.grad, "weight_hh": cell.W.grad, "bias_ih": cell.b.grad}
        agree({f"{name}{suffix}": gradient for name, gradient in found.items()}, known["grads"])
        inner = known["grads"][f"bias_hh{suffix}"][cell.rows("candidate")]
        np.testing.assert_allclose(cell.d.grad, inner, rtol=1e-12, atol=1e-14)
    ends = [run["→h1"][-1], run["←h1"][0], run["→h2"][-1], run["←h2"][0]]
    np.testing.assert_allclose([h.data for h in ends], known["h_T"], rtol=1e-12, atol=1e-14)


@built
@pytest.mark.parametrize("batch", [(), (2,)])
@settings(max_examples=5)
@given(seed=seeds)
def test_each_direction_is_a_network_of_its_own(kind, batch, seed):
    model, xs = BUILT[kind](seed), np.random.default_rng(seed).normal(size=(5, *batch, 2))
    run, below = model.unroll(xs), xs
    assert tuple(run.steps[0]) == ("x", *model.roles)
    for forward, backward in zip(model.cells[::2], model.cells[1::2], strict=True):
        below = np.concatenate([unroll(forward, below).outputs, unroll(backward, below[::-1]).outputs[::-1]], axis=-1)
    expected = model.g(below @ model.V.data.T + model.c.data) if model.reads_out else below
    np.testing.assert_allclose(run.outputs, expected, rtol=1e-12, atol=1e-14)


@built
@settings(max_examples=5)
@given(seed=seeds, lengths=st.lists(st.integers(1, 5), min_size=2, max_size=3))
def test_a_sequence_that_ends_is_gone_back_along_from_its_own_end(kind, seed, lengths):
    model, rng = BUILT[kind](seed), np.random.default_rng(seed)
    xs, targets = rng.normal(size=(5, len(lengths), 2)), rng.normal(size=(5, len(lengths), model.n_out))
    parameters = [*model.parameters().values()]
    for i, length in enumerate(lengths):
        xs[length:, i] = targets[length:, i] = np.nan
    run = unroll(model, xs, targets, lengths=lengths)
    alone = [unroll(model, xs[:length, i], targets[:length, i]) for i, length in enumerate(lengths)]
    for i, (one, length) in enumerate(zip(alone, lengths, strict=True)):
        np.testing.assert_allclose(run.outputs[:length, i], one.outputs, rtol=1e-13, atol=1e-14)
    separately = [gradients(one.cost, parameters) for one in alone]
    for whole, *parts in zip(gradients(run.cost, parameters), *separately, strict=True):
        np.testing.assert_allclose(whole, np.mean(parts, axis=0), rtol=1e-12, atol=1e-13)


@given(seed=seeds)
def test_time_reversed_the_directions_change_places(seed):
    there, back = LSTM(2, 3, rng=seed), LSTM(2, 3, rng=seed + 1)
    xs = np.random.default_rng(seed).normal(size=(6, 2))
    one, other = Bidirectional(there, back).unroll(xs), Bidirectional(back, there).unroll(xs[::-1])
    np.testing.assert_array_equal(one.outputs[::-1][:, [3, 4, 5, 0, 1, 2]], other.outputs)


def test_every_output_hears_every_input():
    model, xs = BUILT["RNN"](), Tensor(np.ones((4, 2)), requires_grad=True)
    for t in range(4):
        xs.grad = None
        np.sum(model.unroll(xs)["y"][t]).backward()
        assert np.all(xs.grad != 0)


@built
def test_the_gradient_of_the_cost_to_second_order(kind):
    check_cost(BUILT[kind](), T=2, batch=(), unrolled=lambda model, *args, **options: model.unroll(*args, **options))


def test_initial_values_stand_at_both_ends():
    model, xs = BUILT["RNN"](), np.ones((3, 2))
    first = {"→h": np.full(3, 0.5), "←h": np.full(3, -0.5)}
    run = model.unroll(xs, initial=first)
    there, back = (unroll(cell, xs, initial={"h": h}) for cell, h in zip(model.cells, first.values(), strict=True))
    np.testing.assert_array_equal([h.data for h in run["→h"]], [h.data for h in there["h"]])
    np.testing.assert_array_equal([h.data for h in run["←h"]][::-1], [h.data for h in back["h"]])
    assert run.carried[1] == {"→h": run["→h"][0], "←h": run["←h"][2]}
    assert run.carried[2] == {"→h": run["→h"][1], "←h": run.carried[0]["←h"]}


@built
def test_it_draws_plays_copies_and_pickles(kind):
    model = BUILT[kind]()
    run = model.unroll(np.ones((3, 2)), np.ones((3, model.n_out)))
    assert "z" in draw(run).source
    assert animate(run).html
    for again in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(again.unroll(np.ones((3, 2))).outputs, run.outputs)
    assert next(iter(model.state_dict())) in ("cells.0.W", "cells.0.layers.0.W")
    again = pickle.loads(pickle.dumps(run))
    np.testing.assert_array_equal(again.outputs, run.outputs)


@pytest.mark.parametrize(
    ("built", "message"),
    [
        (lambda: Bidirectional(), "0 cells are no pairs"),
        (lambda: Bidirectional(RNN(1, 2)), "1 cells are no pairs"),
        (lambda: Bidirectional(*[RNN(1, 2)] * 2), "the same cell"),
        (lambda: Bidirectional(RNN(1, 2), RNN(2, 2)), "layer 1 is given 1 numbers.*n_in=1 and 2"),
        (lambda: Bidirectional(RNN(1, 2), RNN(1, 2), RNN(2, 2), RNN(2, 2)), "layer 2 is given 4 numbers"),
        (lambda: Bidirectional(RNN(1, 2), RNN(1, 2, dtype=np.float32)), "dtypes float64 and float32"),
        (lambda: Bidirectional(RNN(1, 2), RNN(1, 2), n_out=0), "n_out must be at least 1, got 0"),
        (lambda: BUILT["RNN"]().unroll(np.ones((3, 5))), "5 components a step, the model takes n_in=2"),
        (lambda: BUILT["RNN"]().unroll(np.ones((3, 2)), np.ones((3, 3))), r"\(3, 3\) do not go with 2 outputs"),
        (lambda: BUILT["RNN"]().unroll(np.ones((3, 2)), initial={"h": np.ones(3)}), "carries →h, ←h"),
    ],
)
def test_what_does_not_fit_is_refused(built, message):
    with pytest.raises(ValueError, match=message):
        built()


def test_it_cannot_be_unrolled_step_by_step():
    with pytest.raises(TypeError, match=r"whole sequence, and has no step"):
        bptt(BUILT["RNN"](), np.ones((3, 2)), np.ones((3, 2)))
    run, own = unroll(BUILT["RNN"](), np.ones((3, 2))), BUILT["RNN"]().unroll(np.ones((3, 2)))
    np.testing.assert_array_equal(run.outputs, own.outputs)
    with pytest.raises(TypeError, match="pairs of cells in one Bidirectional"):
        Stacked([RNN(2, 2), BUILT["RNN"]()])
