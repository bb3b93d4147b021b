"""Products of layers, to the bit; sums of exponentials at infinities and in float16, against what their limits are."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minigrad import grad, hessian
from minigrad.rules.networks import log_softmax, logsumexp, softmax, times, weighted
from tests.rules.gradients import gradient

ROWS = [
    np.array(row)
    for n in (1, 2, 3)
    for row in itertools.product([-np.inf, -700.0, 0.5, np.inf], repeat=n)
]  # fmt: skip


def limit(row):
    """The shares in Σ exp(row): infinities share equally, -inf has none."""
    if np.max(row) == np.inf:
        return (row == np.inf) / np.sum(row == np.inf)
    weights = np.array([math.exp(z) for z in row])
    return weights / (np.sum(weights) or 1)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_infinities_in_every_combination(row):
    shares = limit(row)
    largest = np.max(row)
    total = largest if np.isinf(largest) else largest + math.log(sum(math.exp(z - largest) for z in row))
    assert logsumexp(row) == pytest.approx(total, rel=1e-15)
    np.testing.assert_allclose(gradient(logsumexp, row), shares, rtol=1e-12)
    np.testing.assert_allclose(softmax(row), shares, rtol=1e-14)
    with np.errstate(divide="ignore"):
        expected = np.log(shares)
    inside = shares > 1e-300
    np.testing.assert_allclose(log_softmax(row)[inside], expected[inside], rtol=1e-15, atol=1e-15)
    for i, p in enumerate(shares):
        np.testing.assert_allclose(gradient(lambda x, i=i: softmax(x)[i], row), p * (np.eye(row.size)[i] - shares))
        np.testing.assert_allclose(gradient(lambda x, i=i: log_softmax(x)[i], row), np.eye(row.size)[i] - shares)
    assert np.all(np.isfinite(hessian(logsumexp)(row)))


@pytest.mark.parametrize("f", [logsumexp, softmax, log_softmax, lambda x: logsumexp(x, axis=0, keepdims=True)])
@pytest.mark.parametrize("other", [-np.inf, 0.0, np.inf])
def test_nan_is_passed_on_without_a_warning(f, other):
    x = np.array([np.nan, other])
    assert np.all(np.isnan(f(x)))
    assert np.all(np.isnan(gradient(f, x)))


@given(st.lists(st.floats(-30, 30), min_size=2, max_size=5), st.sampled_from([0.0, 1e10, -1e15]))
def test_an_offset_costs_no_digits(row, offset):
    """Shares and their logarithms depend on differences only; those are exact here."""
    x = np.array(row) + offset
    low = x - np.max(x)
    shares = np.exp(low) / np.sum(np.exp(low))
    np.testing.assert_allclose(gradient(logsumexp, x), shares, rtol=1e-14)
    np.testing.assert_allclose(softmax(x), shares, rtol=1e-14)
    np.testing.assert_allclose(log_softmax(x), low - np.log(np.sum(np.exp(low))), rtol=1e-14, atol=1e-15)


def test_no_weight_makes_nothing_of_an_infinite_cost():
    weight, cost = np.array([0.0, 0.0, 2.0, 0.0]), np.array([np.inf, -np.inf, 3.0, np.nan])
    np.testing.assert_array_equal(weighted(weight, cost), [0, 0, 6, 0])
    np.testing.assert_array_equal(gradient(lambda t: weighted(weight, t), cost), weight)
    np.testing.assert_array_equal(gradient(lambda t: weighted(t, cost), weight), cost)
    assert grad(grad(lambda x: weighted(x, x)))(0.0) == 2


# -- layers -----------------------------------------------------------------------------------------------------------

SIZES = st.integers(1, 5)
LAYOUTS = [lambda a: a, lambda a: a.T.copy().T, lambda a: a[..., ::-1]]
NUMBERS = st.one_of(st.sampled_from([0.0, -0.0, np.inf, np.nan]), st.integers(-48, 48).map(lambda k: k / 16))
"""Whose sums are exact in any order."""


@st.composite
def factors(draw):
    """Rows x (..., m) and a matrix (m, n) of one dtype, laid out in memory in any way."""
    m, n = draw(SIZES), draw(SIZES)
    shape = (*draw(st.lists(SIZES, max_size=2)), m)
    dtype = draw(st.sampled_from([np.float64, np.float32]))
    x, U = (draw(hnp.arrays(dtype, s, elements=NUMBERS.map(dtype))) for s in (shape, (m, n)))
    return draw(st.sampled_from(LAYOUTS))(x), draw(st.sampled_from(LAYOUTS))(U)


@given(factors())
@example((np.array([[np.inf], [1.0]]), np.array([[0.0]])))
@example((np.array([0.0]), np.array([[np.inf, 1.0]])))
def test_a_product_with_rows_is_numpys(pair):
    x, U = pair
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(times(x, U), x @ U, strict=True)  # 0 · ∞ is NaN
