"""Pascanu's regulariser: known values and gradients, second derivatives by differences, and that it can be trained."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.engine.tensor import Tensor
from minigrad.engine.walk import gradients
from minigrad.optim import Adam
from minigrad.rnn.cells import RNN
from minigrad.rnn.cells.initial import orthogonal
from minigrad.rnn.dynamics.flow import gradient_norms
from minigrad.rnn.dynamics.regulariser import omega
from minigrad.rnn.unrolling import unroll
from tests.rnn.dynamics.runs import FIXED, fixed_loop, fixed_run
from tests.rnn.dynamics.test_flow import MODELS, models
from tests.rnn.dynamics.test_shares import some_run

readings = pytest.mark.parametrize("squared", [False, True])


@readings
@pytest.mark.parametrize("which", ["sum_of_costs", "last_cost"])
@pytest.mark.parametrize("full", [False, True])
def test_values_and_gradients_are_what_others_have_found(which, squared, full):
    known, run = FIXED["omega"][which + "_squared" * squared], fixed_run()
    of = run["C"][-1] if which == "last_cost" else None
    found = omega(run, squared, full, of)
    assert found.item() == pytest.approx(known["value"], rel=1e-13)
    assert found.item() == pytest.approx(np.sum(known["terms"]), rel=1e-13)
    grads = dict(zip(run.model.parameters(), gradients(found, [*run.model.parameters().values()]), strict=True))
    if full:
        for name, expected in known["full_gradient"].items():
            np.testing.assert_allclose(grads[name], expected, rtol=1e-11, atol=1e-14)
    else:
        np.testing.assert_allclose(grads["W"], known["immediate_gradient_W"], rtol=1e-11, atol=1e-14)
        assert not any(np.any(grads[name]) for name in "UVbc")


@readings
@pytest.mark.parametrize("full", [False, True])
def test_of_a_loop_by_hand_they_are_the_same(squared, full):
    known, run = FIXED["omega"]["sum_of_costs" + "_squared" * squared], fixed_loop()
    found = omega(run, squared, full)
    assert found.item() == pytest.approx(known["value"], rel=1e-13)
    expected = known["full_gradient"]["W"] if full else known["immediate_gradient_W"]
    np.testing.assert_allclose(gradients(found, [run.model.parameters()["W"]])[0], expected, rtol=1e-11, atol=1e-14)


@readings
@models
def test_the_full_gradient_is_the_derivative_in_any_model(kind, squared):
    run, rng = some_run(kind, T=4), np.random.default_rng(2)
    model, xs, targets = run.model, np.array([x.data for x in run["x"]]), np.array([y.data for y in run.targets])
    values = model.state_dict()
    role = "h2" if kind == "layers" else "h"
    ways = {name: rng.normal(size=value.shape) for name, value in values.items()}

    def moved(shift):
        model.load_state_dict({name: values[name] + shift * ways[name] for name in values})
        return omega(unroll(model, xs, targets), squared, role=role).item()

    slope = (moved(1e-5) - moved(-1e-5)) / 2e-5
    model.load_state_dict(values)
    grads = gradients(omega(unroll(model, xs, targets), squared, role=role), [*model.parameters().values()])
    found = sum(float(np.sum(g * ways[name])) for g, name in zip(grads, model.parameters(), strict=True))
    assert found == pytest.approx(slope, rel=1e-4, abs=1e-7)


@settings(max_examples=15)
@given(st.integers(0, 2**32 - 1), st.floats(0.2, 2), st.booleans())
def test_of_a_linear_network_it_counts_how_far_the_matrix_is_from_orthogonal(seed, a, squared):
    rng = np.random.default_rng(seed)
    model = RNN(1, 3, 1, f="identity", rng=rng)
    model.W.data = a * orthogonal(3, rng)
    run = unroll(model, rng.normal(size=(8, 2, 1)), rng.normal(size=(8, 2, 1)))
    step = (a**2 - 1 if squared else a - 1) ** 2
    assert omega(run, squared).item() == pytest.approx(7 * step, rel=1e-9, abs=1e-12)


def test_of_a_batch_it_is_the_mean_over_sequences():
    rng = np.random.default_rng(0)
    model, xs, ys = RNN(2, 4, 1, rng=rng), rng.normal(size=(5, 3, 2)), rng.normal(size=(5, 3, 1))
    alone = [omega(unroll(model, xs[:, b], ys[:, b])).item() for b in range(3)]
    assert omega(unroll(model, xs, ys)).item() == pytest.approx(np.mean(alone), rel=1e-12)


def test_where_no_gradient_arrives_nothing_is_to_be_kept():
    rng = np.random.default_rng(0)
    run = unroll(RNN(1, 3, 1, rng=rng), rng.normal(size=(5, 1)), rng.normal(size=(5, 1)))
    found = omega(run, of=run["C"][2])  # d_4 = d_5 = 0
    assert 0 < found.item() < np.inf
    for g in gradients(found, [run.model.W]):
        assert np.all(np.isfinite(g))
    single = omega(unroll(RNN(1, 3, 1), [[1.0]], [[1.0]]))
    assert isinstance(single, Tensor)
    assert single.item() == 0


@readings
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_gradient_too_small_for_its_square_counts(squared, dtype):
    """W = ¼ I: (¼ - 1)² a term, however far back; ‖d‖² has no double below 1e-162."""
    T = 400 if dtype == np.float64 else 50
    model = RNN(1, 2, 1, f="identity", dtype=dtype, rng=0)
    model.W.data = np.eye(2, dtype=dtype) / 4
    run = unroll(model, np.ones((T, 1), dtype), np.ones((T, 1), dtype))
    found = omega(run, squared, of=run["C"][-1])
    assert found.dtype == dtype
    assert found.item() == pytest.approx((T - 1) * ((1 / 16 if squared else 1 / 4) - 1) ** 2, rel=1e-5)


@pytest.mark.parametrize("full", [False, True])
def test_a_network_can_be_trained_to_keep_its_gradient(full):
    rng = np.random.default_rng(0)
    model, xs, targets = RNN(1, 8, 1, radius=0.5, rng=0), rng.normal(size=(20, 4, 1)), rng.normal(size=(20, 4, 1))

    def kept():
        run = unroll(model, xs, targets)
        norms = gradient_norms(run, run["C"][-1])
        return run, norms[0] / norms[-1]

    optimizer, before = Adam(model, lr=0.01), kept()[1]
    for _ in range(80):
        optimizer.zero_grad()
        run = unroll(model, xs, targets)
        (run.cost + 4.0 * omega(run, full=full, of=run["C"][-1])).backward()
        optimizer.step()
    assert before < 1e-6
    assert kept()[1] > 1e-3


def test_without_a_cost_there_is_nothing_to_keep():
    with pytest.raises(ValueError, match="no recorded cost whose gradient could be kept"):
        omega(unroll(MODELS["RNN"](np.random.default_rng(0)), np.ones((3, 2))))


@pytest.mark.parametrize("squared", [False, True])
def test_where_nothing_comes_back_a_term_is_1_and_has_no_slope(squared):
    """h_2 does not hear h_1 at all: relu is shut there."""
    model = RNN(1, 1, 1, f="relu", rng=0)
    model.load_state_dict({"W": [[0.5]], "U": [[1.0]], "V": [[1.0]], "b": [0.0], "c": [0.0]})
    run = unroll(model, [[1.0], [-5.0], [1.0]], np.full((3, 1), 2.0))
    value = omega(run, squared=squared)
    assert value.item() == pytest.approx(1.0 + (0.5 ** (1 + squared) - 1) ** 2)  # of h_2, and of h_3
    value.backward()
    assert all(np.all(np.isfinite(p.grad)) for p in model.parameters().values() if p.grad is not None)
