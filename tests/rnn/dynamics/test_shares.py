"""Shares in the gradient: known ones, sums that are the whole, linear networks, and what is no gradient."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.engine.walk import gradients
from minigrad.rnn.bidirectional import Bidirectional
from minigrad.rnn.cells import GRU, LSTM, RNN, OutputFeedbackRNN
from minigrad.rnn.cells.initial import orthogonal
from minigrad.rnn.dynamics.flow import gradient_norms
from minigrad.rnn.dynamics.regulariser import omega
from minigrad.rnn.dynamics.shares import (
    Contributions,
    contributions,
    decay_rate,
    gradient_flow,
    memory_horizon,
    parameter_contributions,
)
from minigrad.rnn.unrolling import unroll
from minigrad.scopes import no_grad, scope
from tests.rnn.dynamics.runs import FIXED, fixed_loop, fixed_run
from tests.rnn.dynamics.test_flow import MODELS, models

seeds = st.integers(0, 2**32 - 1)
TIGHT = {"rtol": 1e-12, "atol": 1e-15}


def some_run(kind, seed=0, T=6, batch=(2,)):
    rng = np.random.default_rng(seed)
    model = MODELS[kind](rng)
    return unroll(model, rng.normal(size=(T, *batch, 2)), rng.normal(size=(T, *batch, 2)))


def test_the_flow_is_what_others_have_found():
    found = gradient_flow(fixed_run())
    np.testing.assert_allclose(found.total, FIXED["flow_total"], **TIGHT)
    np.testing.assert_allclose(found.direct, FIXED["flow_direct"], **TIGHT)
    np.testing.assert_allclose(found.indirect, FIXED["flow_indirect"], **TIGHT)


def test_contributions_are_what_others_have_found():
    run = fixed_run()
    found = contributions(run)
    np.testing.assert_allclose(found.norms, FIXED["contributions"], **TIGHT)
    np.testing.assert_allclose(parameter_contributions(run)["W"], FIXED["per_step_dW_norm"], **TIGHT)
    assert decay_rate(found.norms[-1, 1:]) == pytest.approx(FIXED["ln_slope_last_cost"], rel=1e-12)


@models
@pytest.mark.parametrize("batch", [(), (2,)])
def test_they_agree_with_the_gradients_of_each_cost_in_any_model(kind, batch):
    run = some_run(kind, batch=batch)
    role = "h2" if kind == "layers" else "h"
    found, flow = contributions(run, role), gradient_flow(run, role)
    for t, cost in enumerate(run["C"]):
        np.testing.assert_allclose(found.norms[t, 1:], gradient_norms(run, cost, role), **TIGHT)
    np.testing.assert_allclose(flow.total[1:], gradient_norms(run, role=role), **TIGHT)
    np.testing.assert_allclose(flow.direct, np.diagonal(found.norms, 1), **TIGHT)
    later = [gradients(np.sum(np.stack(run["C"][k + 1 :])), [run[role][k]])[0] for k in range(5)]
    np.testing.assert_allclose(flow.indirect, [*map(np.linalg.norm, later), 0.0], **TIGHT)
    if role in run.carried[0]:
        (first,) = gradients(run.cost, [run.carried[0][role]])
        assert flow.total[0] == pytest.approx(np.linalg.norm(first))
    else:
        assert flow.total[0] == 0
        assert np.all(found.norms[:, 0] == 0)


def test_of_other_roles_too():
    run = some_run("LSTM")
    np.testing.assert_allclose(contributions(run, "c").norms[-1, 1:], gradient_norms(run, run["C"][-1], "c"), **TIGHT)
    np.testing.assert_allclose(gradient_flow(run, "c").total[1:], gradient_norms(run, role="c"), **TIGHT)


@settings(max_examples=20)
@given(seed=seeds, radius=st.floats(0.3, 1.2))
def test_of_a_linear_network_with_an_orthogonal_matrix_they_are_as_predicted(seed, radius):
    rng = np.random.default_rng(seed)
    model = RNN(1, 4, 1, f="identity", rng=rng)
    model.W.data = radius * orthogonal(4, rng)
    found = contributions(unroll(model, rng.normal(size=(12, 1)), rng.normal(size=(12, 1))))
    assert found.radius == pytest.approx(radius)
    np.testing.assert_allclose(found.norms, found.predicted, rtol=1e-9)


def test_a_model_without_a_square_matrix_has_no_prediction():
    assert math.isnan(contributions(some_run("GRU")).radius)


# -- parameters -------------------------------------------------------------------------------------------------------


@models
def test_a_run_of_one_step_has_one_share_and_it_is_the_gradient(kind):
    run = some_run(kind, T=1)
    parameters = run.model.parameters()
    whole = gradients(run.cost, list(parameters.values()))
    for (name, shares), gradient in zip(parameter_contributions(run).items(), whole, strict=True):
        np.testing.assert_allclose(shares, [np.linalg.norm(gradient)], err_msg=name, **TIGHT)


@models
def test_shares_are_what_changes_if_only_that_step_has_other_weights(kind):
    """By differences: a step with weights of its own, one step after the other."""
    run, xs = some_run(kind, T=4), None
    model, xs = run.model, [x.data for x in run["x"]]
    rng = np.random.default_rng(1)
    ways = {name: rng.normal(size=p.shape) for name, p in model.parameters().items()}
    values = {name: p.data for name, p in model.parameters().items()}
    targets = [y.data for y in run.targets]

    def cost(t, name, shift):
        carried, total = model.initial((2,)), 0.0
        with no_grad():
            for s, (x, y) in enumerate(zip(xs, targets, strict=True)):
                model.load_state_dict({**values, name: values[name] + (shift if s == t else 0.0) * ways[name]})
                after = unroll(model, x[None], y[None], initial=carried)
                carried, total = {r: v.data for r, v in after.final.items()}, total + after.cost.item()
        return total

    slopes = {n: [(cost(t, n, 1e-5) - cost(t, n, -1e-5)) / 2e-5 for t in range(4)] for n in ways}
    model.load_state_dict(values)
    found = parameter_contributions(some_run_again(model, xs, targets))
    for name, shares in found.items():  # |share·way| <= ‖share‖ ‖way‖, so this is a bound; its sum is the gradient
        assert np.all(np.abs(slopes[name]) <= shares * np.linalg.norm(ways[name]) * (1 + 1e-5) + 1e-9), name
        assert (np.max(np.abs(slopes[name])) < 1e-9) == (np.max(shares) < 1e-9), name


def some_run_again(model, xs, targets):
    return unroll(model, np.array(xs), np.array(targets))


def test_they_are_those_of_the_formula():
    """‖δ_t h_{t-1}ᵀ‖, ‖δ_t x_tᵀ‖ and ‖δ_t‖ for W, U and b."""
    run = fixed_run()
    deltas = np.array(gradients(run.cost, run["z"]))
    before = np.array([run.carried[t]["h"].data for t in range(6)])
    norm = lambda a: np.linalg.norm(a, axis=-1)
    found = parameter_contributions(run)
    np.testing.assert_allclose(found["W"], norm(deltas) * norm(before), **TIGHT)
    np.testing.assert_allclose(found["U"], norm(deltas) * norm(FIXED["x"]), **TIGHT)
    np.testing.assert_allclose(found["b"], norm(deltas), **TIGHT)
    last = parameter_contributions(run, run["C"][-1])
    np.testing.assert_allclose(last["V"][:-1], 0)
    assert last["V"][-1] > 0


def test_of_a_loop_by_hand_they_are_the_same():
    run = fixed_loop()
    np.testing.assert_allclose(contributions(run).norms[:, 1:], np.array(FIXED["contributions"])[:, 1:], **TIGHT)
    found, expected = parameter_contributions(run), parameter_contributions(fixed_run())
    for name, shares in expected.items():
        np.testing.assert_allclose(found[name], shares, err_msg=name, **TIGHT)


def test_steps_in_disorder_are_refused():
    """Rather than told as each other's."""
    run = fixed_loop()
    with pytest.raises(ValueError, match="not computed one after the other, and have no scopes t=1"):
        parameter_contributions(replace(run, steps=run.steps[::-1]))
    with pytest.raises(ValueError, match="not computed one after the other"):
        parameter_contributions(replace(run, steps=[*run.steps[:-1], {**run.steps[-1], "s": run.steps[0]["h"]}]))


def test_a_role_that_some_steps_have_is_refused():
    run = fixed_run()
    steps = [{**run.steps[0], "s": run.steps[0]["h"]}, *run.steps[1:]]
    with pytest.raises(ValueError, match="only 1 of the 6 steps have a 's'"):
        contributions(replace(run, steps=steps), "s")
    some = [{role: tensor for role, tensor in step.items() if role != "C" or t} for t, step in enumerate(run.steps)]
    with pytest.raises(ValueError, match="C_1 depends on nothing"):
        gradient_flow(replace(run, steps=some))


def test_in_a_scope_and_in_two_directions():
    with scope("epoch"):
        inside = fixed_run()
    np.testing.assert_allclose(parameter_contributions(inside)["W"], FIXED["per_step_dW_norm"], **TIGHT)
    rng = np.random.default_rng(0)
    model = Bidirectional(GRU(2, 3, rng=rng), GRU(2, 3, rng=rng), n_out=1)
    run = unroll(model, rng.normal(size=(4, 2)), rng.normal(size=(4, 1)))
    found = parameter_contributions(run)
    assert found.keys() == model.parameters().keys()
    assert all(np.all(shares[1:3] > 0) for shares in found.values())


@given(seeds, st.booleans())
@settings(max_examples=10)
def test_in_two_directions_each_step_has_its_own_share(seed, reads_out):
    """z_t = b + ...: what step t adds to b's gradient is ∂C/∂z_t; and c is heard by the cost of its step alone."""
    rng = np.random.default_rng(seed)
    cells = [RNN(2, 3, None if reads_out else 1, rng=rng) for _ in range(2)]
    model = Bidirectional(*cells, n_out=2) if reads_out else Bidirectional(*cells)
    run = unroll(model, rng.normal(size=(4, 2)), rng.normal(size=(4, 2)))
    found = parameter_contributions(run)
    for i, way in enumerate("→←"):
        np.testing.assert_allclose(found[f"cells.{i}.b"], gradient_norms(run, role=f"{way}z"), **TIGHT)
    if reads_out:
        own = [np.linalg.norm(gradients(cost, [model.c])[0]) for cost in run["C"]]
        np.testing.assert_allclose(found["c"], own, **TIGHT)


@pytest.mark.parametrize("measure", [gradient_flow, contributions, omega])
def test_a_state_that_goes_back_in_time_is_no_past(measure):
    run = unroll(Bidirectional(GRU(2, 3, 1), GRU(2, 3, 1)), np.ones((3, 2)), np.ones((3, 2)))
    with pytest.raises(ValueError, match="'←h' was computed against the order of the steps"):
        measure(run, role="←h")
    measure(run, role="→h")


# -- rates and horizons -----------------------------------------------------------------------------------------------


@given(st.floats(0.1, 2), st.integers(2, 60))
def test_of_what_decays_by_a_factor_the_rate_is_its_logarithm(factor, T):
    norms = 3 * factor ** np.arange(T)[::-1]
    assert decay_rate(norms) == pytest.approx(-math.log(factor), abs=1e-9)
    horizon = memory_horizon(norms, 0.01)
    assert horizon == next((k for k in range(T) if factor**k < 0.01), T)


def test_norms_of_nothing_have_no_rate_and_no_horizon():
    for norms in ([1.0, 0.0], [], [[1.0]]):
        with pytest.raises(ValueError, match="a row that ends above 0"):
            memory_horizon(norms)
    for measure in (memory_horizon, decay_rate):
        with pytest.raises(ValueError, match="norms holds inf"):
            measure([np.inf, 1.0, 2.0])


def test_a_cost_without_a_gradient_foretells_none():
    norms = np.array([[1.0, 0.0, 0.0, 0.0], [1.0, 1.0, 2.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
    np.testing.assert_array_equal(
        Contributions(norms, 1e300).predicted, [[0, 0, 0, 0], [np.inf, 2e300, 2, 0], [0, 0, 0, 0]]
    )


def test_zeros_tell_nothing_of_a_rate():
    assert decay_rate([0.0, 1.0, 2.0, 4.0]) == pytest.approx(math.log(2))
    assert math.isnan(decay_rate([0.0, 1.0]))
    assert memory_horizon([0.0, 1.0, 2.0]) == 2
    assert memory_horizon([1.0]) == 1
    for tol in (0.0, 1.0, -0.5, math.nan):
        with pytest.raises(ValueError, match=f"tol is {tol}"):
            memory_horizon([1.0], tol)


@pytest.mark.parametrize("measure", [gradient_flow, contributions])
def test_what_has_no_cost_at_every_step_is_told(measure):
    model, xs = OutputFeedbackRNN(1, 2, 1), np.ones((3, 1))
    with pytest.raises(ValueError, match="no costs to differentiate: unroll it with targets"):
        measure(unroll(model, xs))
    with pytest.raises(ValueError, match="C_1 depends on nothing: every step's cost has to count"):
        measure(unroll(model, xs, np.ones(1), at="last"))
    with no_grad(), pytest.raises(ValueError, match="C_1 depends on nothing"):
        measure(unroll(model, xs, xs))
    with pytest.raises(KeyError, match="'s' is no role of this run"):
        measure(unroll(model, xs, xs), "s")
    with pytest.raises(ValueError, match="name a number with of="):
        parameter_contributions(unroll(LSTM(1, 2, 1), xs))
