"""RAdam: first like momentum, then like Adam."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.optim import Adam, RAdam
from tests.optim.steps import GRADIENTS, forgetting, parameter, run


@given(GRADIENTS, st.floats(0, 0.99), st.floats(0, 0.6))
def test_where_so_few_squares_are_remembered_they_are_never_relied_on(gradients, b1, b2):
    """ρ∞ is 4 for β₂ = 0.6: what is left of Adam is its mean."""
    p, t = parameter(np.zeros(3)), np.arange(1, 7)[:, None]
    steps = forgetting(gradients, b1) / (1 - b1**t)
    trajectory = run(RAdam([p], 0.1, betas=(b1, b2)), p, gradients)
    np.testing.assert_allclose(trajectory, -0.1 * np.cumsum(steps, axis=0), rtol=1e-10, atol=1e-12)


def test_from_the_sixth_step_on_steps_do_not_mind_the_scale_of_the_cost():
    """With β₂ = 0.999, ρₜ is about t − 1 at first: above 5 from t = 6 on (4.99 before)."""
    gradients = np.random.default_rng(0).normal(size=(8, 3))
    p, q = parameter(np.zeros(3)), parameter(np.zeros(3))
    plain, scaled = (
        np.diff(run(RAdam([w], eps=1e-300), w, c * gradients), axis=0, prepend=0) for w, c in ((p, 1.0), (q, 16.0))
    )
    ratios = scaled / plain
    np.testing.assert_allclose(ratios[:5], 16.0, rtol=1e-10)
    np.testing.assert_allclose(ratios[5:], 1.0, rtol=1e-10)


@pytest.mark.parametrize("b2", [0.9, 0.99])
def test_in_the_end_it_is_adam(b2):
    gradients = np.random.default_rng(0).normal(size=(3000, 3))
    p, q = parameter(np.zeros(3)), parameter(np.zeros(3))
    ours, adams = (
        np.diff(run(kind([w], betas=(0.9, b2)), w, gradients), axis=0) for kind, w in ((RAdam, p), (Adam, q))
    )
    np.testing.assert_allclose(ours[-100:], adams[-100:], rtol=1e-6)
