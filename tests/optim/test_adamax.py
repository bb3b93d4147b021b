"""Adamax against its recurrences, solved."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from minigrad.optim import Adamax
from tests.optim.steps import GRADIENTS, forgetting, parameter, run


@given(GRADIENTS, st.floats(0, 0.99), st.floats(0, 0.999), st.floats(1e-10, 1))
def test_steps_are_means_by_the_largest_faded_gradient(gradients, b1, b2, eps):
    p, t = parameter(np.zeros(3)), np.arange(1, 7)[:, None]
    u = [np.max([b2 ** (n - s) * (np.abs(gradients[s]) + eps) for s in range(n + 1)], axis=0) for n in range(6)]
    steps = forgetting(gradients, b1) / (1 - b1**t) / u
    trajectory = run(Adamax([p], 0.1, betas=(b1, b2), eps=eps), p, gradients)
    np.testing.assert_allclose(trajectory, -0.1 * np.cumsum(steps, axis=0), rtol=1e-10, atol=1e-12)


@given(GRADIENTS, st.floats(0.9, 0.999))
def test_no_step_is_longer_than_lr_while_the_largest_is_remembered_longer_than_the_mean(gradients, b2):
    p = parameter(np.zeros(3))
    steps = np.diff(run(Adamax([p], 0.1, betas=(0.5, b2)), p, gradients), axis=0, prepend=0)
    assert np.all(np.abs(steps) <= 0.1 / b2**5)
