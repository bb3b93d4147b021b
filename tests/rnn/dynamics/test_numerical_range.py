"""The numerical radius: what is known of it in closed form, and that no vector says more."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given

from minigrad.rnn.dynamics.numerical_range import numerical_radius
from minigrad.rnn.dynamics.spectrum import spectral_radius
from tests.rnn.dynamics.matrices import BITS, every_matrix, generators, orthogonal, quick, sizes


@every_matrix
def test_known_matrices_have_the_radius_that_others_have_found(known):
    assert numerical_radius(known["W"]) == pytest.approx(known["numerical_radius"], **BITS)


@quick
@given(generators, sizes)
def test_no_vector_says_more_and_one_says_as_much(rng, n):
    W = rng.standard_normal((n, n))
    x = rng.standard_normal((n, 100)) + 1j * rng.standard_normal((n, 100))
    x /= np.linalg.norm(x, axis=0)
    r = numerical_radius(W)
    assert np.abs(np.sum(x.conj() * (W @ x), axis=0)).max() <= r * (1 + 1e-12)
    angles = np.linspace(0, np.pi, 721)
    grid = max(np.linalg.eigvalsh((np.exp(1j * a) * W + np.exp(-1j * a) * W.T) / 2)[-1] for a in angles)
    assert grid <= r * (1 + 1e-12)
    assert r <= grid * (1 + 1e-4)


@quick
@given(generators, sizes)
def test_of_a_normal_matrix_it_is_the_spectral_radius(rng, n):
    Q = orthogonal(rng, n)
    for W in (Q, Q * rng.standard_normal(n) @ Q.T):
        assert numerical_radius(W) == pytest.approx(spectral_radius(W), rel=1e-12)


@pytest.mark.parametrize("n", [1, 2, 3, 6])
def test_of_a_shift_it_is_a_cosine(n):
    """cos π/(n + 1): Haagerup, de la Harpe (1992). It looks the same at every angle."""
    assert numerical_radius(np.eye(n, k=1)) == pytest.approx(math.cos(math.pi / (n + 1)), **BITS)


@pytest.mark.parametrize("scale", [1e200, 1e-200, -1.0])
def test_it_scales(scale):
    W = np.array([[0.9, 10.0], [0.0, 0.9]])
    assert numerical_radius(scale * W) == pytest.approx(5.9 * abs(scale), rel=1e-14, abs=0)
