"""Gradient descent against closed forms."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minigrad.optim import SGD
from tests.optim.steps import ENTRIES, GRADIENTS, parameter, run


@given(st.floats(0.01, 0.3), hnp.arrays(np.float64, 3, elements=ENTRIES))
def test_descent_on_a_quadratic_has_a_closed_form(lr, start):
    """C = ½ Σ a p²: each coordinate shrinks by (1 − lr a) a step."""
    a = np.array([1.0, 2.0, 0.5])
    p = parameter(start)
    optimizer = SGD([p], lr)
    for _ in range(20):
        optimizer.zero_grad()
        (0.5 * a * p * p).sum().backward()
        optimizer.step()
    np.testing.assert_allclose(p.data, start * (1 - lr * a) ** 20, rtol=1e-12)


@given(GRADIENTS, st.floats(0, 0.99), st.floats(1e-3, 1))
def test_momentum_is_a_weighted_sum_of_all_past_gradients(gradients, mu, lr):
    """v_t = Σ μ^{t−s} g_s, the recurrence solved."""
    p = parameter(np.zeros(3))
    trajectory = run(SGD([p], lr, momentum=mu), p, gradients)
    v = [sum(mu ** (t - s) * gradients[s] for s in range(t + 1)) for t in range(6)]
    np.testing.assert_allclose(trajectory, -lr * np.cumsum(v, axis=0), rtol=1e-12, atol=1e-12)


def test_a_new_learning_rate_takes_effect_at_once():
    p = parameter([0.0])
    optimizer = SGD([p], 1.0, momentum=0.5)
    run(optimizer, p, [[1.0]])
    optimizer.lr = 0.1
    assert run(optimizer, p, [[0.0]]).tolist() == [[-1.0 - 0.1 * 0.5]]


def test_clipping_comes_before_momentum():
    p = parameter([0.0])
    trajectory = run(SGD([p], 1.0, momentum=0.5, max_norm=1.0), p, [[100.0], [100.0]])
    assert trajectory.tolist() == [[-1.0], [-1.0 - 1.5]]  # after momentum it would be -1, -2


@given(GRADIENTS, st.floats(0.01, 0.99), st.floats(0, 0.9), st.floats(1e-3, 1))
def test_dampening_leaves_the_first_gradient_whole(gradients, mu, d, lr):
    """v_t = μᵗ g₀ + (1 − d) Σ μ^{t−s} g_s over s ≥ 1."""
    p = parameter(np.zeros(3))
    trajectory = run(SGD([p], lr, momentum=mu, dampening=d), p, gradients)
    shares = np.array([1.0, *[1 - d] * 5])[:, None]
    v = [sum(mu ** (t - s) * (shares * gradients)[s] for s in range(t + 1)) for t in range(6)]
    np.testing.assert_allclose(trajectory, -lr * np.cumsum(v, axis=0), rtol=1e-11, atol=1e-11)


def test_dampening_knows_the_first_gradient_of_each_parameter():
    p = parameter([0.0])
    trajectory = run(SGD([p], 1.0, momentum=0.5, dampening=0.5), p, [None, [1.0], None, [1.0]])
    assert trajectory.ravel().tolist() == [0.0, -1.0, -1.0, -2.0]


@given(hnp.arrays(np.float64, 3, elements=ENTRIES), st.floats(0.01, 0.1), st.floats(0.1, 0.9))
def test_nesterovs_momentum_is_the_gradient_one_step_ahead(start, lr, mu):
    """Sutskever et al. (2013), Eq. 3 and 4: what is trained here is their θ + μ v, at which the gradient is taken."""
    a = np.array([1.0, 2.0, 0.5])
    p, theta, v = parameter(start), start, np.zeros(3)
    optimizer = SGD([p], lr, momentum=mu, nesterov=True)
    for _ in range(10):
        p.grad = a * p.data
        optimizer.step()
        v = mu * v - lr * a * (theta + mu * v)
        theta = theta + v
        np.testing.assert_allclose(p.data, theta + mu * v, rtol=1e-10, atol=1e-12)
