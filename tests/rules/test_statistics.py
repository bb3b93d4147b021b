"""Quantiles, covariances and counts: what they are by definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.engine.tensor import Tensor
from tests.rules.cases import grid
from tests.rules.cases.statistics import METHODS
from tests.rules.gradients import gradient, leaf, tensor


@given(st.integers(2, 9), st.floats(0, 1), st.sampled_from(METHODS))
def test_the_shares_of_a_quantile_are_a_mean_and_give_its_value(n, q, method):
    """A quantile is a weighted mean of elements, so the weights, its gradient, sum to 1 and weigh them to its value."""
    a = grid((n,))
    value, pullback = mg.vjp(lambda x: np.quantile(x, q, method=method), a)
    (g,) = pullback(1.0)
    assert np.sum(g) == pytest.approx(1, abs=1e-12) and np.all(g >= -1e-12)
    assert np.sum(g * a) == pytest.approx(value, abs=1e-12)
    assert value == pytest.approx(np.quantile(a, q, method=method), abs=1e-12)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=9))
def test_the_median_is_the_quantile_in_the_middle_ties_included(values):
    a = np.array(values, float)
    if len(values) % 2:
        np.testing.assert_allclose(gradient(lambda x: np.quantile(x, 0.5), a), gradient(np.median, a))
    np.testing.assert_allclose(gradient(lambda x: np.percentile(x, 100), a), gradient(np.max, a))
    np.testing.assert_allclose(gradient(lambda x: np.nanpercentile(x, 0), a), gradient(np.min, a))


def test_a_quantile_with_nan_is_nan():
    a = np.array([[1.0, np.nan, 2.0], [1.0, 2.0, 4.0]])
    np.testing.assert_array_equal(np.quantile(leaf(a), 0.5, axis=1).data, [np.nan, 2.0])
    np.testing.assert_array_equal(np.nanquantile(leaf(a), 0.5, axis=1).data, [1.5, 2.0])


def test_which_quantile_is_no_variable():
    with pytest.raises(TypeError, match="would lose its gradient"):
        np.quantile(tensor(3), Tensor(0.5, requires_grad=True))


def test_a_covariance_with_itself_is_the_variance():
    a = grid((7,))
    np.testing.assert_allclose(gradient(np.cov, a), gradient(lambda x: np.var(x, ddof=1), a), atol=1e-15)


@given(st.integers(0, 2**32))
def test_a_correlation_does_not_change_with_the_scale(seed):
    x = np.random.default_rng(seed).normal(size=(2, 6))
    (g,) = mg.vjp(lambda x: np.corrcoef(x)[0, 1], x)[1](1.0)
    for row in (0, 1):
        np.testing.assert_allclose([np.sum(g[row]), np.sum(g[row] * x[row])], 0, atol=1e-10)


def test_a_correlation_beyond_1_by_rounding_keeps_its_gradient():
    x = np.array([[1.0, 2.0, 4.0], [0.1, 0.2, 0.4]])
    y = np.corrcoef(leaf(x))
    np.testing.assert_allclose(y.data, np.corrcoef(x), rtol=1e-15)
    assert np.max(y.data) <= 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: np.cov(x[None, None]), "1 or 2 dimensions"),
        (lambda x: np.cov(x, aweights=[1.0, -1.0, 1.0]), "none of them negative"),
        (lambda x: np.quantile(x, 1.5), "range"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call(tensor(3))


def test_counts_without_weights_have_no_gradient():
    np.testing.assert_array_equal(np.bincount(Tensor([0, 1, 1])), [1, 2])
