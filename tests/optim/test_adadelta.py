"""Adadelta against the algorithm of the paper, written out once more by hand."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from minigrad.optim import Adadelta
from tests.optim.steps import GRADIENTS, parameter, run


@given(GRADIENTS, st.floats(0.05, 0.99), st.floats(1e-8, 1e-2), st.floats(0.1, 2))
def test_it_is_algorithm_1(gradients, rho, eps, lr):
    """Zeiler (2012), one weight at a time, with Python's floats: E g² and E Δx², and RMS x = √(E x² + ε)."""
    p = parameter(np.zeros(3))
    columns = []
    for weight in gradients.T.tolist():
        x = mean_g = mean_dx = 0.0
        columns.append([])
        for g in weight:
            mean_g = rho * mean_g + (1 - rho) * g**2
            dx = -math.sqrt(mean_dx + eps) / math.sqrt(mean_g + eps) * g
            mean_dx = rho * mean_dx + (1 - rho) * dx**2
            x += lr * dx
            columns[-1].append(x)
    trajectory = run(Adadelta([p], lr, rho=rho, eps=eps), p, gradients)
    np.testing.assert_allclose(trajectory, np.transpose(columns), rtol=1e-10, atol=1e-14)


def test_far_above_epsilon_the_scale_of_the_cost_makes_no_difference():
    gradients = np.random.default_rng(0).normal(size=(20, 3)) * 1e6
    p, q = parameter(np.zeros(3)), parameter(np.zeros(3))
    plain, scaled = run(Adadelta([p]), p, gradients), run(Adadelta([q]), q, 1024 * gradients)
    np.testing.assert_allclose(scaled, plain, rtol=1e-9)
