"""NAdam against its recurrences, solved."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from minigrad.optim import NAdam
from tests.optim.steps import GRADIENTS, forgetting, parameter, run


@given(GRADIENTS, st.floats(0.05, 0.99), st.floats(0.05, 0.999), st.floats(0, 1), st.floats(1e-10, 1))
def test_steps_are_the_formula(gradients, b1, b2, decay, eps):
    p, t = parameter(np.zeros(3)), np.arange(1, 8)[:, None]
    mu = b1 * (1 - 0.5 * 0.96 ** (t * decay))
    products = np.cumprod(mu, axis=0)
    mean = (1 - mu[:-1]) * gradients / (1 - products[:-1]) + mu[1:] * forgetting(gradients, b1) / (1 - products[1:])
    steps = mean / (np.sqrt(forgetting(gradients**2, b2) / (1 - b2 ** t[:-1])) + eps)
    trajectory = run(NAdam([p], 0.1, betas=(b1, b2), eps=eps, momentum_decay=decay), p, gradients)
    np.testing.assert_allclose(trajectory, -0.1 * np.cumsum(steps, axis=0), rtol=1e-9, atol=1e-12)
