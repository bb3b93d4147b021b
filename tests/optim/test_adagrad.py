"""Adagrad against its sums."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from minigrad.optim import Adagrad
from tests.optim.steps import GRADIENTS, parameter, run


@given(GRADIENTS, st.floats(0, 1), st.floats(0, 10), st.floats(1e-10, 1))
def test_steps_are_gradients_by_the_root_of_all_squares(gradients, decay, start, eps):
    p = parameter(np.zeros(3))
    optimizer = Adagrad([p], 0.1, lr_decay=decay, initial_accumulator_value=start, eps=eps)
    steps = gradients / (np.sqrt(start + np.cumsum(gradients**2, axis=0)) + eps) / (1 + decay * np.arange(6))[:, None]
    np.testing.assert_allclose(run(optimizer, p, gradients), -0.1 * np.cumsum(steps, axis=0), rtol=1e-11, atol=1e-12)


def test_the_decay_counts_the_gradients_of_each_parameter():
    early, late = parameter([0.0], "early"), parameter([0.0], "late")
    optimizer = Adagrad([early, late], 0.1, lr_decay=1.0)
    for t in range(5):
        early.grad, late.grad = np.array([1.0]), np.array([1.0]) if t == 4 else None
        optimizer.step()
    np.testing.assert_allclose(late.data, [-0.1], rtol=1e-9)
