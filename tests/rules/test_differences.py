"""Differences, slopes and integrals: what they are of polynomials, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.engine.tensor import Tensor
from tests.rules.gradients import gradient, tensor

PLACES = st.lists(st.integers(1, 32), min_size=2, max_size=6).map(lambda gaps: np.cumsum(gaps) / 8)


@given(PLACES, st.integers(0, 2**32))
def test_slopes_of_a_parabola_are_exact_and_a_constant_has_none(x, seed):
    """So the cotangent of the values, being orthogonal to all constants, sums to zero, and its moment is that of 1."""
    order = 2 if x.size > 2 else 1
    slopes, pullback = mg.vjp(lambda f: np.gradient(f, x, edge_order=order), x * x if order == 2 else x)
    np.testing.assert_allclose(slopes, 2 * x if order == 2 else 1.0, rtol=1e-10)
    w = np.random.default_rng(seed).normal(size=x.size)
    (g,) = pullback(w)
    assert abs(np.sum(g)) <= 1e-9 * np.sum(abs(g))
    np.testing.assert_allclose(np.sum(g * x), np.sum(w), atol=1e-9 * np.sum(abs(g * x)))


@given(PLACES)
def test_an_integral_of_one_is_the_length_of_the_way(x):
    """Its gradient by the values are the weights of the trapezoids; by the places, what the length is made of."""
    y, at = Tensor(np.ones(x.size), requires_grad=True), Tensor(x, requires_grad=True)
    mg.backward(np.trapezoid(y, at))
    assert np.sum(y.grad) == pytest.approx(x[-1] - x[0], rel=1e-12)
    np.testing.assert_allclose(y.grad[1:-1], (x[2:] - x[:-2]) / 2)
    np.testing.assert_array_equal(at.grad, [-1.0, *[0.0] * (x.size - 2), 1.0])


@given(st.integers(0, 5), st.integers(0, 2**32))
def test_differences_telescope(n, seed):
    """Of the n-th differences of a polynomial of degree n nothing is left but n! times its first coefficient."""
    values, pullback = mg.vjp(lambda a: np.diff(a, n), np.arange(8.0) ** n)
    np.testing.assert_array_equal(values, np.prod(np.arange(1.0, n + 1)))
    g = pullback(np.random.default_rng(seed).normal(size=8 - n))[0]
    for power in range(n):  # and polynomials of lower degree are not seen at all
        assert abs(np.sum(g * np.arange(8.0) ** power)) <= 1e-8 * 8.0**power


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_slopes_along_several_axes_come_as_numpy_gives_them(dtype):
    a = tensor(3, 4, dtype=dtype)
    got, expected = np.gradient(a), np.gradient(a.data)
    assert type(got) is type(expected)
    for y, array in zip(got, expected, strict=True):
        np.testing.assert_array_equal(y.data, array, strict=True)


def test_an_integral_of_nothing_is_nothing():
    assert np.trapezoid(Tensor([3.0], requires_grad=True)).data == 0
    np.testing.assert_array_equal(gradient(np.trapezoid, [3.0]), [0.0])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda a: np.diff(a, n=-1), ValueError, "n=-1"),
        (lambda a: np.diff(a[0, 0]), ValueError, r"shape \(\)"),
        (lambda a: np.gradient(a, 1.0, 2.0, 3.0), TypeError, "2 axes .* got 3"),
        (lambda a: np.gradient(a, [0.0, 1.0, 3.0]), TypeError, "2 axes .* got 1"),
        (lambda a: np.gradient(a[:1]), ValueError, "too small"),
        (lambda a: np.gradient(a[:2], edge_order=2), ValueError, "too small"),
        (lambda a: np.gradient(a, [0.0, 1.0], axis=0), ValueError, "length of the corresponding dimension"),
    ],
)
def test_refusals(call, error, message):
    with pytest.raises(error, match=message):
        call(tensor(3, 4))
