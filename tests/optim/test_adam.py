"""Adam against the algorithm of the paper, written out once more by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minigrad.optim import Adam, AdamW
from tests.optim.steps import ENTRIES, GRADIENTS, forgetting, parameter, run


def algorithm_1(gradients, alpha, beta1, beta2, epsilon):
    """Kingma and Ba (2015), Algorithm 1, one weight at a time, with Python's floats."""
    columns = []
    for weight in np.transpose(gradients).tolist():
        theta = m = v = 0.0
        column = []
        for t, g in enumerate(weight, start=1):
            m = beta1 * m + (1 - beta1) * g
            v = beta2 * v + (1 - beta2) * g**2
            m_hat = m / (1 - beta1**t)
            v_hat = v / (1 - beta2**t)
            theta -= alpha * m_hat / (math.sqrt(v_hat) + epsilon)
            column.append(theta)
        columns.append(column)
    return np.transpose(columns)


@given(hnp.arrays(np.float64, 3, elements=ENTRIES), st.floats(1e-4, 1), st.floats(1e-10, 1e-6))
def test_the_first_step_of_adam_is_lr_in_every_coordinate(g, lr, eps):
    p = parameter(np.zeros(3))
    run(Adam([p], lr, eps=eps), p, [g])
    np.testing.assert_allclose(p.data, -lr * g / (np.abs(g) + eps), rtol=1e-12)
    np.testing.assert_allclose(p.data, -lr * np.sign(g), rtol=2 * eps / np.abs(g).min())


@given(GRADIENTS, st.floats(1e-4, 1), st.floats(0, 0.99), st.floats(0, 0.9999), st.floats(1e-10, 1))
def test_adam_is_algorithm_1(gradients, lr, b1, b2, eps):
    p = parameter(np.zeros(3))
    trajectory = run(Adam([p], lr, betas=(b1, b2), eps=eps), p, gradients)
    np.testing.assert_allclose(trajectory, algorithm_1(gradients, lr, b1, b2, eps), rtol=1e-9, atol=1e-12)


@given(GRADIENTS, st.integers(-20, 20))
def test_adam_does_not_mind_the_scale_of_the_cost(gradients, power):
    p, q = parameter(np.zeros(3)), parameter(np.zeros(3))
    plain = run(Adam([p], eps=1e-300), p, gradients)
    scaled = run(Adam([q], eps=1e-300), q, np.ldexp(gradients, power))
    np.testing.assert_allclose(scaled, plain, rtol=1e-12, atol=1e-15)


def test_a_parameter_without_gradient_waits_and_then_starts_like_any_other():
    early, late = parameter([0.0], "early"), parameter([0.0], "late")
    optimizer = Adam([early, late], 0.1)
    for t in range(10):
        early.grad, late.grad = np.array([1.0]), np.array([1.0]) if t == 9 else None
        optimizer.step()
        assert late.data.item() == pytest.approx(-0.1 if t == 9 else 0.0)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_adam_stands_still_without_slope_in_low_precision(dtype):
    """In half precision ε = 1e-8 is zero, and 0 / 0 would follow if the moments were kept in it."""
    p = parameter([1.0, 1.0], dtype=dtype)
    run(Adam([p], 0.5), p, [[0.0, 1.0]])
    assert p.data.tolist() == [1.0, 0.5]


@given(GRADIENTS, st.floats(0.1, 30))
def test_clipping_comes_before_adams_moments(gradients, max_norm):
    p = parameter(np.zeros(3))
    clipped = [g * min(1, max_norm / np.linalg.norm(g)) for g in gradients]
    trajectory = run(Adam([p], 0.1, max_norm=max_norm), p, gradients)
    np.testing.assert_allclose(trajectory, algorithm_1(clipped, 0.1, 0.9, 0.999, 1e-8), rtol=1e-9, atol=1e-12)


@given(GRADIENTS, st.floats(0.1, 0.9), st.floats(0.1, 0.9))
def test_amsgrad_divides_by_the_largest_that_there_was(gradients, b1, b2):
    p, t = parameter(np.zeros(3)), np.arange(1, 7)[:, None]
    trajectory = run(Adam([p], 1.0, betas=(b1, b2), amsgrad=True), p, gradients)
    v = np.maximum.accumulate(forgetting(gradients**2, b2), axis=0)
    steps = forgetting(gradients, b1) / (1 - b1**t) / (np.sqrt(v / (1 - b2**t)) + 1e-8)
    np.testing.assert_allclose(trajectory, -np.cumsum(steps, axis=0), rtol=1e-10, atol=1e-12)


@given(st.floats(-100, 100), st.floats(1e-3, 0.5), st.floats(1e-3, 1))
def test_adamw_shrinks_every_weight_by_the_same_share(steepness, lr, decay):
    """Without a slope there is nothing else; with weight decay in the gradient, Adam would take steps of lr instead."""
    p = parameter([1.0, 10.0, -100.0])
    run(AdamW([p], lr, weight_decay=decay), p, np.zeros((5, 3)))
    np.testing.assert_allclose(p.data, np.array([1.0, 10.0, -100.0]) * (1 - lr * decay) ** 5, rtol=1e-13)
    p.data = [1.0, 10.0, -100.0]
    q = parameter([1.0, 10.0, -100.0])
    run(AdamW([p], lr, weight_decay=decay), p, [[steepness] * 3])
    run(Adam([q], lr), q, [[steepness] * 3])
    np.testing.assert_allclose(p.data - q.data, -lr * decay * np.array([1.0, 10.0, -100.0]), rtol=1e-9)
