"""RMSProp against its recurrences, solved."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from minigrad.optim import RMSProp
from tests.optim.steps import GRADIENTS, forgetting, parameter, run


@given(GRADIENTS, st.floats(0.05, 0.99), st.floats(1e-10, 1), st.floats(0, 0.9), st.booleans())
def test_steps_are_gradients_by_the_root_of_a_moment(gradients, alpha, eps, momentum, centered):
    p = parameter(np.zeros(3))
    optimizer = RMSProp([p], 0.1, alpha=alpha, eps=eps, momentum=momentum, centered=centered)
    v = forgetting(gradients**2, alpha) - centered * forgetting(gradients, alpha) ** 2
    scaled = gradients / (np.sqrt(v) + eps)
    steps = forgetting(scaled, momentum) / (1 - momentum)
    np.testing.assert_allclose(run(optimizer, p, gradients), -0.1 * np.cumsum(steps, axis=0), rtol=1e-6, atol=1e-9)


@given(GRADIENTS, st.integers(-20, 20))
def test_it_does_not_mind_the_scale_of_the_cost(gradients, power):
    p, q = parameter(np.zeros(3)), parameter(np.zeros(3))
    plain = run(RMSProp([p], eps=1e-300), p, gradients)
    scaled = run(RMSProp([q], eps=1e-300), q, np.ldexp(gradients, power))
    np.testing.assert_allclose(scaled, plain, rtol=1e-12)


@given(st.floats(0.1, 10), st.floats(0.1, 0.9))
def test_a_variance_of_nothing_is_no_nan(g, alpha):
    """v and m² are then the same in the end, and rounding may make their difference less than 0."""
    p = parameter(np.zeros(3))
    run(RMSProp([p], alpha=alpha, centered=True), p, np.full((400, 3), g))
    assert np.all(np.isfinite(p.data))
