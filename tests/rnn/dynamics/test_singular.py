"""Singular values of products, against exact arithmetic where the product itself has lost them."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.rnn.dynamics.products import jacobian_products
from minigrad.rnn.dynamics.singular import log_singular_values
from tests.rnn.dynamics.matrices import generators, orthogonal, quick, sizes


def exact_determinants(factors):
    """ln|det| of the running product of integer matrices, in exact arithmetic."""
    total = 0.0
    for factor in factors:
        rows = [[Fraction(int(x)) for x in row] for row in factor]
        det = Fraction(1)
        for k in range(len(rows)):
            pivot = next(i for i in range(k, len(rows)) if rows[i][k])
            rows[k], rows[pivot] = rows[pivot], rows[k]
            det *= rows[k][k]
            for i in range(k + 1, len(rows)):
                rows[i] = [x - rows[i][k] / rows[k][k] * y for x, y in zip(rows[i], rows[k], strict=True)]
        total += float(np.log(abs(float(det))))
        yield total


@quick
@given(generators, sizes, st.integers(1, 4))
def test_of_short_products_they_are_those_of_the_product(rng, n, steps):
    factors = rng.standard_normal((steps, n, n))
    found, plain = log_singular_values(factors), np.eye(n)
    assert found.shape == (steps, n)
    for t, factor in enumerate(factors):
        plain = factor @ plain
        np.testing.assert_allclose(np.exp(found[t]), np.linalg.svd(plain)[1], rtol=1e-8, atol=1e-12)


@quick
@given(generators, st.integers(2, 5), st.integers(20, 200))
def test_of_long_products_the_first_is_the_norm_and_all_together_the_determinant(rng, n, steps):
    """Of the plain product, the last of them would be rounding after some thirty steps."""
    factors = rng.integers(-3, 4, (steps, n, n)) + 5 * np.diag(np.arange(1, n + 1))
    factors[np.abs(np.linalg.det(factors)) < 0.5] = np.eye(n)
    found = log_singular_values(factors)
    np.testing.assert_allclose(found[:, 0], jacobian_products(factors), rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(found.sum(axis=1), list(exact_determinants(factors)), rtol=1e-10, atol=1e-9)


@quick
@given(generators, st.integers(2, 4), st.integers(30, 80))
def test_the_smallest_is_the_largest_of_the_inverse(rng, n, steps):
    """σ_n(J_t ... J_1) = 1/σ_1(J_1⁻¹ ... J_t⁻¹), whose norm is computed another way."""
    scales = np.exp(rng.uniform(-1, 1, n))
    factors = np.array([orthogonal(rng, n) * scales @ orthogonal(rng, n) for _ in range(steps)])
    last = log_singular_values(factors, at=[steps])[0, -1]
    inverse = jacobian_products(np.linalg.inv(factors)[::-1])[-1]
    assert last == pytest.approx(-inverse, rel=1e-9)


@quick
@given(generators, sizes, st.integers(1, 3000))
def test_powers_of_a_normal_matrix(rng, n, steps):
    values, Q = np.exp(rng.uniform(-2, 2, n)), orthogonal(rng, n)
    found = log_singular_values(np.broadcast_to(Q * values @ Q.T, (min(steps, 300), n, n)), at=[1, min(steps, 300)])
    np.testing.assert_allclose(found[-1], min(steps, 300) * np.sort(np.log(values))[::-1], rtol=1e-9, atol=1e-9)


def test_where_a_direction_is_lost_there_is_minus_infinity():
    lost = np.diag([2.0, 1e-30, 0.0])
    found = log_singular_values([lost, lost, np.zeros((3, 3))])
    np.testing.assert_allclose(found[1], [2 * np.log(2), -60 * np.log(10), -np.inf], rtol=1e-13)
    np.testing.assert_array_equal(found[2], [-np.inf] * 3)
    assert log_singular_values([]).shape == (0, 0)


def test_what_is_no_jacobian_is_refused():
    with pytest.raises(ValueError, match=r"jacobian has shape \(2, 3\): expected a square matrix"):
        log_singular_values([np.ones((2, 3))])
