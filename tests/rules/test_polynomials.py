"""Polynomials at a place: each coefficient counts by its power."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rules.cases import grid
from tests.rules.gradients import gradient, leaf, tensor


@given(st.integers(1, 6), st.floats(-2, 2))
def test_values_differentiate_to_powers_and_to_the_derivative(n, t):
    p = grid((n,))
    np.testing.assert_allclose(gradient(lambda p: np.polyval(p, t), p), t ** np.arange(n - 1.0, -1, -1), atol=1e-12)
    np.testing.assert_allclose(gradient(lambda x: np.polyval(p, x), t), np.polyval(np.polyder(p), t), atol=1e-12)


@given(st.integers(1, 5), st.floats(-2, 2))
def test_the_derivative_undoes_the_integral(n, t):
    p = grid((n,))
    through = gradient(lambda p: np.polyval(np.polyder(np.polyint(p)), t), p)
    np.testing.assert_allclose(through, gradient(lambda p: np.polyval(p, t), p), atol=1e-12)


def test_zeros_that_lead_are_left_out_as_in_numpy():
    a, b = np.array([0.0, 0.0, 1.0, 2.0]), np.array([0.0, 3.0])
    np.testing.assert_array_equal(np.polymul(leaf(a), b).data, np.polymul(a, b))
    np.testing.assert_array_equal(gradient(lambda x: np.polymul(x, b), a), [0, 0, 3, 3])


def test_vandermonde_matrices_are_of_vectors():
    with pytest.raises(ValueError, match="1 dimension"):
        np.vander(tensor(2, 2))
