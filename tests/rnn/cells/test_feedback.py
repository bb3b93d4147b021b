"""The variant that hears its own output: one step, and how it starts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st

from minigrad.engine.tensor import Tensor
from minigrad.rnn.cells import RNN, OutputFeedbackRNN

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
