"""The functions of networks against their formulas, where the formulas overflow too."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minigrad import Tensor, grad, hvp
from minigrad.functions import (
    binary_cross_entropy,
    cross_entropy,
    identity,
    log_softmax,
    logistic,
    logsumexp,
    relu,
    softmax,
    squared_error,
)

GRIDS = hnp.arrays(np.int64, hnp.array_shapes(max_dims=3, max_side=4), elements=st.integers(-80, 79))
POINTS = GRIDS.map(lambda k: (k + 0.5) / 16)
HUGE = np.array([-1e300, -1e4, -800.0, -1.0, 0.0, 1.0, 800.0, 1e4, 1e300])


@given(POINTS)
def test_logistic(x):
    np.testing.assert_allclose(logistic(x), 1 / (1 + np.exp(-x)), rtol=1e-13)
    np.testing.assert_allclose(logistic(x) + logistic(-x), 1, rtol=1e-15)
    slope = grad(lambda t: np.sum(logistic(t)))(x)
    np.testing.assert_allclose(slope, logistic(x) * (1 - logistic(x)), rtol=1e-12)


@given(POINTS)
def test_relu_and_identity(x):
    np.testing.assert_array_equal(relu(x), np.where(x > 0, x, 0))
    np.testing.assert_array_equal(grad(lambda t: np.sum(relu(t)))(x), np.where(x > 0, 1.0, 0.0))
    np.testing.assert_array_equal(identity(x), x)
    np.testing.assert_array_equal(grad(lambda t: np.sum(identity(t)))(x), np.ones(x.shape))
    t = Tensor(x, requires_grad=True)
    assert identity(t) is not t


def test_relu_at_zero_has_slope_one_half():
    assert grad(relu)(0.0) == 0.5


@given(POINTS, st.data())
def test_logsumexp_and_its_gradient_softmax(x, data):
    axis = data.draw(st.integers(-x.ndim, x.ndim - 1))
    direct = np.log(np.sum(np.exp(x), axis=axis))
    np.testing.assert_allclose(logsumexp(x, axis), direct, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(logsumexp(x, axis, keepdims=True), np.expand_dims(direct, axis), rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(logsumexp(x), np.log(np.sum(np.exp(x))), rtol=1e-13, atol=1e-13)
    p = softmax(x, axis)
    np.testing.assert_allclose(p, np.exp(x) / np.sum(np.exp(x), axis=axis, keepdims=True), rtol=1e-12)
    np.testing.assert_allclose(np.sum(p, axis=axis), 1, rtol=1e-14)
    np.testing.assert_allclose(grad(lambda t: np.sum(logsumexp(t, axis)))(x), p, rtol=1e-12)
    np.testing.assert_allclose(log_softmax(x, axis), np.log(p), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(softmax(x + 3.0, axis), p, rtol=1e-12)


@given(POINTS)
def test_softmax_has_the_jacobian_of_the_textbook(x):
    """∂p_i/∂x_j = p_i (δ_ij - p_j), so that v·∂p is p (v - p·v)."""
    v = np.random.default_rng(0).standard_normal(x.shape)
    p = softmax(x)
    g = grad(lambda t: np.sum(softmax(t) * v))(x)
    np.testing.assert_allclose(g, p * (v - np.sum(p * v, axis=-1, keepdims=True)), atol=1e-14)
    (h,) = hvp(lambda t: np.sum(logsumexp(t, -1)), (x,), (v,))
    np.testing.assert_allclose(h, g, atol=1e-14)


@pytest.mark.parametrize("f", [logistic, relu, logsumexp, softmax, log_softmax, identity])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_arguments_of_any_size_give_finite_numbers_without_a_warning(f, dtype):
    x = HUGE.clip(np.finfo(dtype).min / 4, np.finfo(dtype).max / 4).astype(dtype)
    t = Tensor(x, requires_grad=True)
    y = f(t)
    y.backward(np.ones(y.shape))
    assert y.dtype == t.grad.dtype == dtype
    assert np.all(np.isfinite(y.data))
    assert np.all(np.isfinite(t.grad))
    np.testing.assert_array_equal(f(x), y.data)


SMOOTH = [logistic, softmax, log_softmax, logsumexp, lambda x: logsumexp(x, axis=-1, keepdims=True), relu]
COSTS = [squared_error, cross_entropy, binary_cross_entropy]


@pytest.mark.parametrize("f", SMOOTH + [lambda x, cost=cost: cost(np.eye(2, 3), x) for cost in COSTS])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("row", [[1e4, -1e4, 0.0], [1e4, 1e4, 1e4], [-1e4, -1e4, 1e4], [-1e4, -1e4, -1e4]])
def test_second_derivatives_are_finite_too(f, dtype, row):
    x, v = np.array([row, row[::-1]], dtype), np.array([[0.5, -1.0, 2.0], [1.0, 0.25, -2.0]], dtype)
    weights = np.arange(1.0, 1 + np.size(f(x))).reshape(np.shape(f(x))).astype(dtype)
    (h,) = hvp(lambda t: np.sum(f(t) * weights), (x,), (v,))
    assert (h.shape, h.dtype) == (x.shape, dtype)
    assert np.all(np.isfinite(h))


def test_saturation_is_exact():
    np.testing.assert_array_equal(logistic(HUGE)[[0, 1, 2, 6, 7, 8]], [0, 0, 0, 1, 1, 1])
    assert logistic(0.0) == 0.5
    assert logsumexp(np.array([1e300, -1e300])) == 1e300
    np.testing.assert_array_equal(softmax(np.array([1000.0, 0.0])), [1.0, 0.0])
    np.testing.assert_array_equal(log_softmax(np.array([1000.0, 0.0])), [0.0, -1000.0])  # not log 0


@given(st.integers(1, 4), st.integers(1, 4))
def test_squared_error(batch, n):
    rng = np.random.default_rng([batch, n])
    target, output = rng.standard_normal((batch, n)), rng.standard_normal((batch, n))
    assert squared_error(target, output) == pytest.approx(np.sum((output - target) ** 2) / (batch * n), rel=1e-14)
    g = grad(squared_error, argnums=1)(target, output)
    np.testing.assert_allclose(g, 2 * (output - target) / (batch * n), rtol=1e-13)


@pytest.mark.parametrize("size", [1e150, 1e153, 1e154])
def test_squared_error_overflows_only_where_the_mean_does(size):
    output = np.full((100, 100), size)
    assert squared_error(np.zeros((100, 100)), output) == pytest.approx(size * size, rel=1e-12)
    np.testing.assert_allclose(grad(squared_error, argnums=1)(np.zeros((100, 100)), output), size / 5000, rtol=1e-13)


def test_squared_error_in_float16():
    output = np.full(70_000, 0.5, np.float16)
    assert squared_error(np.float16(0), output) == 0.25
    assert np.all(grad(squared_error, argnums=1)(np.float16(0), output) == np.float16(1 / 70_000))


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")
def test_squared_error_too_large_is_infinite_and_its_gradient_is_not():
    output = np.array([1e200, -1e300, 0.0])
    assert squared_error(0.0, output) == np.inf
    np.testing.assert_allclose(grad(squared_error, argnums=1)(0.0, output), output / 1.5, rtol=1e-15)


def test_masked_logits_cost_nothing_where_the_target_is_0():
    """As if they were not there."""
    logits, kept = np.array([[-np.inf, 0.5, 2.0], [1.0, -np.inf, -np.inf]]), np.array([[0.5, 2.0]])
    target = np.array([[0.0, 0.25, 0.75], [1.0, 0.0, 0.0]])
    assert cross_entropy(target, logits) == pytest.approx(cross_entropy(np.array([[0.25, 0.75]]), kept) / 2, rel=1e-15)
    g = grad(cross_entropy, argnums=1)(target, logits)
    np.testing.assert_allclose(g[0, 1:], grad(cross_entropy, argnums=1)(target[:1, 1:], kept)[0] / 2, rtol=1e-14)
    np.testing.assert_array_equal([g[0, 0], *g[1]], np.zeros(4))
    assert cross_entropy(1 - target, logits) == np.inf
    assert np.isfinite(hvp(lambda z: cross_entropy(target, z), (logits,), (np.ones((2, 3)),))[0]).all()


def test_infinite_logits_that_are_right_cost_nothing():
    target, logits = np.array([1.0, 0.0]), np.array([np.inf, -np.inf])
    assert binary_cross_entropy(target, logits) == 0
    assert binary_cross_entropy(1 - target, logits) == np.inf
    np.testing.assert_array_equal(grad(binary_cross_entropy, argnums=1)(target, logits), [0, 0])
    np.testing.assert_array_equal(grad(binary_cross_entropy, argnums=1)(1 - target, logits), [0.5, -0.5])


@given(st.integers(1, 4), st.integers(1, 4))
def test_cross_entropy(batch, n):
    """Its gradient is (softmax - target)/batch, and it is least, the target's entropy, where softmax is the target."""
    rng = np.random.default_rng([batch, n])
    target, logits = softmax(rng.standard_normal((batch, n))), rng.standard_normal((batch, n))
    expected = -np.sum(target * np.log(softmax(logits))) / batch
    assert cross_entropy(target, logits) == pytest.approx(expected, rel=1e-12, abs=1e-14)
    g = grad(cross_entropy, argnums=1)(target, logits)
    np.testing.assert_allclose(g, (softmax(logits) - target) / batch, atol=1e-14)
    entropy = -np.sum(target * np.log(target)) / batch
    assert cross_entropy(target, np.log(target) + 5.0) == pytest.approx(entropy, rel=1e-12, abs=1e-14)
    assert cross_entropy(target, logits) >= entropy - 1e-12


def test_cross_entropy_of_no_idea_is_the_logarithm_of_the_classes():
    assert cross_entropy(np.eye(4), np.zeros((4, 4))) == pytest.approx(math.log(4), rel=1e-15)
    assert cross_entropy(np.eye(2), 1e4 * np.eye(2)) == 0.0
    assert cross_entropy(np.eye(2), -1e4 * np.eye(2)) == 1e4


@given(st.integers(1, 4), st.integers(1, 4))
def test_binary_cross_entropy(batch, n):
    """Its gradient is (logistic - target)/size, and it is the cross-entropy of two classes whose logits are z and 0."""
    rng = np.random.default_rng([batch, n])
    target, logits = rng.uniform(size=(batch, n)), 4 * rng.standard_normal((batch, n))
    pairs = np.stack([target, 1 - target], axis=-1), np.stack([logits, np.zeros_like(logits)], axis=-1)
    assert binary_cross_entropy(target, logits) == pytest.approx(cross_entropy(*pairs), rel=1e-13)
    g = grad(binary_cross_entropy, argnums=1)(target, logits)
    np.testing.assert_allclose(g, (logistic(logits) - target) / (batch * n), atol=1e-15)
    g = grad(binary_cross_entropy, argnums=0)(target, logits)
    np.testing.assert_allclose(g, -logits / (batch * n), atol=1e-14)


def test_binary_cross_entropy_keeps_its_digits_however_sure_the_network_is():
    assert binary_cross_entropy(np.array([0.0, 1.0]), np.zeros(2)) == pytest.approx(math.log(2), rel=1e-15)
    sure = binary_cross_entropy(np.array([1.0, 0.0]), np.array([50.0, -50.0]))
    assert sure == pytest.approx(math.exp(-50), rel=1e-15)
    for huge in (1e4, 1e300):
        assert binary_cross_entropy(np.array([1.0, 0.0]), np.array([huge, -huge])) == 0.0
        assert binary_cross_entropy(np.array([0.0, 1.0]), np.array([huge, -huge])) == huge
