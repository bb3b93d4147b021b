"""The variant that hears its own output: one step, and how it starts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st

from minigrad.engine.tensor import Tensor
from minigrad.rnn.cells import RNN, OutputFeedbackRNN
from minigrad.rnn.dynamics.flow import hidden_jacobians, state_slices, step_jacobians
from minigrad.rnn.unrolling import unroll
from tests.rnn.cells.gradients import check_cost
from tests.rnn.cells.reference import stored

seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 7)
some = settings(max_examples=50)


@pytest.mark.parametrize("hidden", [False, True])
def test_one_step_with_feedback_of_the_output(hidden):
    rng = np.random.default_rng(0)
    model = OutputFeedbackRNN(2, 4, 3, hidden=hidden, rng=rng)
    assert model.carried == (("h", "y") if hidden else ("y",))
    x, h_0, y_0 = rng.normal(size=2), rng.normal(size=4), rng.normal(size=3)
    carried = {role: Tensor(value) for role, value in (("h", h_0), ("y", y_0)) if role in model.carried}
    step = model.step(model.bind(), Tensor(x), carried)
    z = model.R.data @ y_0 + model.U.data @ x + (model.W.data @ h_0 if hidden else 0)
    np.testing.assert_allclose(step["z"].data, z, rtol=1e-14, atol=1e-15)
    np.testing.assert_allclose(step["y"].data, model.V.data @ np.tanh(z), rtol=1e-14, atol=1e-15)


def test_an_output_fed_network_starts_like_its_sibling():
    plain, fed = RNN(2, 3, 4, rng=1).state_dict(), OutputFeedbackRNN(2, 3, 4, hidden=True, rng=1).state_dict()
    for name, value in plain.items():
        np.testing.assert_array_equal(fed[name], value)


def test_the_feedback_of_the_output_starts_like_the_other_matrices():
    R = OutputFeedbackRNN(1, 200, 100).R.data
    assert R.std() * np.sqrt(100) == pytest.approx(1, rel=4 / np.sqrt(2 * R.size))


def test_output_feedback_by_another_program():
    """J_t = ∂h_t/∂h_{t-1} = diag(f')(W + R diag(g')V), and from the blocks of the whole state."""
    known = stored("output_feedback.json")
    model = OutputFeedbackRNN(2, 3, 1, hidden=True, g="tanh")
    model.load_state_dict(known["params"] | {"R": known["R"]})
    run = unroll(model, known["x"][:3])
    np.testing.assert_allclose([h.data for h in run["h"]], known["h"], rtol=1e-12)
    np.testing.assert_allclose(hidden_jacobians(run)[1:], known["J"], rtol=1e-12, atol=1e-14)
    s, J = state_slices(run), step_jacobians(run)
    output = [(1 - y.data**2)[:, None] * model.V.data for y in run["y"]]
    for t in (1, 2):
        through_h, through_y = J[t, s["h"], s["h"]], J[t, s["h"], s["y"]]
        np.testing.assert_allclose(through_h + through_y @ output[t - 1], known["J"][t - 1], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("hidden", [False, True])
def test_the_gradient_of_the_cost_to_second_order(hidden):
    check_cost(OutputFeedbackRNN(2, 2, 2, hidden=hidden, g="tanh"))


@pytest.mark.parametrize("options", [{"layer_norm": True}, {"dropout": 0.5, "recurrent_dropout": 0.1}])
def test_options_that_it_has_not_are_refused(options):
    with pytest.raises(ValueError, match=f"OutputFeedbackRNN has no {' and no '.join(options)}"):
        OutputFeedbackRNN(1, 2, 1, **options)
