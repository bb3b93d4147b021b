"""Convolutions as products of polynomials, interpolation as straight lines."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.engine.tensor import Tensor
from tests.rules.cases import grid
from tests.rules.gradients import gradient, tensor


@given(st.integers(1, 6), st.integers(1, 6), st.floats(-2, 2))
def test_a_convolution_multiplies_polynomials(m, n, t):
    """∂(a·v)(t)/∂a = v(t) times the powers of t."""
    a, v = grid((m,)), grid((n,), 1)
    powers = lambda k: t ** np.arange(k)
    g = gradient(lambda x: np.sum(np.convolve(x, v) * powers(m + n - 1)), a)
    np.testing.assert_allclose(g, np.sum(v * powers(n)) * powers(m), atol=1e-9)


@given(st.integers(1, 6), st.integers(1, 6), st.sampled_from(["full", "same", "valid"]))
def test_convolution_and_correlation_are_numpys_for_all_lengths(m, n, mode):
    a, v = grid((m,)), grid((n,), 1)
    for fn in (np.convolve, np.correlate):
        np.testing.assert_allclose(fn(Tensor(a, requires_grad=True), v, mode).data, fn(a, v, mode), atol=1e-14)
        np.testing.assert_allclose(fn(a, Tensor(v, requires_grad=True), mode).data, fn(a, v, mode), atol=1e-14)


def test_modes_have_names():
    with pytest.raises(ValueError, match="'half' is none of"):
        np.convolve(tensor(3), [1.0], "half")


@given(st.floats(-2, 5))
def test_interpolated_values_are_weighted_means_of_samples(x):
    places, values = np.array([0.0, 0.5, 2.0, 3.0]), np.array([1.0, 3.0, 2.0, 7.0])
    y, pullback = mg.vjp(lambda f: np.interp(x, places, f), values)
    (g,) = pullback(1.0)
    assert y == np.interp(x, places, values)
    np.testing.assert_allclose([np.sum(g), np.sum(g * values)], [1, y])
    np.testing.assert_allclose(np.sum(g * places), np.clip(x, 0, 3), atol=1e-12)


def test_moving_everything_moves_nothing():
    x, places, values = (Tensor(v, requires_grad=True) for v in ([0.3, 1.7], [0.0, 1.0, 2.0], [1.0, 3.0, 2.0]))
    gx, gp, _ = mg.gradients(np.interp(x, places, values), [x, places, values], np.ones(2))
    assert np.sum(gx) + np.sum(gp) == pytest.approx(0)


def test_interpolation_of_infinity_nan_and_mismatches():
    places = [0.0, 1.0]
    x = Tensor([np.inf, -np.inf, np.nan, 0.5], requires_grad=True)
    np.testing.assert_array_equal(np.interp(x, places, places).data, [1.0, 0.0, np.nan, 0.5])
    with pytest.raises(ValueError, match="as many samples as places"):
        np.interp(x, places, [1.0])


def test_every_element_is_in_as_many_windows_as_its_gradient_says():
    g = gradient(lambda x: np.lib.stride_tricks.sliding_window_view(x, 3), np.arange(6.0))
    np.testing.assert_array_equal(g, [1, 2, 3, 3, 2, 1])


def test_phases_are_shifted_by_whole_periods():
    p = np.array([0.0, 3.0, -3.0, 0.5])
    np.testing.assert_array_equal(gradient(np.unwrap, p), np.ones(4))
