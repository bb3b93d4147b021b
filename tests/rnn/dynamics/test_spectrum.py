"""The matrix alone: properties of random matrices of known spectrum first, then the reference numbers."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.engine.tensor import Array
from minigrad.rnn.dynamics.spectrum import (
    eigenvalues,
    henrici,
    is_normal,
    numerical_abscissa,
    spectral_norm,
    spectral_radius,
)
from tests.rnn.dynamics.matrices import (
    BITS,
    every_matrix,
    generators,
    jordan_like,
    jordan_like_norm,
    orthogonal,
    quick,
    sizes,
    well_conditioned,
    with_modes,
)


@quick
@given(generators, st.integers(1, 3), st.integers(0, 2))
def test_eigenvalues_are_those_the_matrix_was_made_of_the_largest_first(rng, reals, pairs):
    W, expected = with_modes(rng, reals, pairs)
    found = eigenvalues(W)
    assert np.all(np.diff(np.abs(found)) <= 0)
    np.testing.assert_allclose(np.abs(found), np.abs(expected), rtol=1e-10)
    for value in expected:
        assert np.min(np.abs(found - value)) < 1e-10
    for i in np.flatnonzero(np.imag(found) > 0):
        assert found[i + 1] == found[i].conjugate()


@quick
@given(generators, st.integers(1, 3), st.integers(0, 2))
def test_the_radius_does_not_change_under_similarity(rng, reals, pairs):
    W, _ = with_modes(rng, reals, pairs)
    S = well_conditioned(rng, len(W))
    assert spectral_radius(np.linalg.solve(S, W @ S)) == pytest.approx(spectral_radius(W), rel=1e-9)


@quick
@given(generators, sizes)
def test_the_norm_is_the_largest_growth_of_a_vector(rng, n):
    W = rng.standard_normal((n, n))
    x = rng.standard_normal((n, 50))
    growth = np.linalg.norm(W @ x, axis=0) / np.linalg.norm(x, axis=0)
    assert growth.max() <= spectral_norm(W) * (1 + 1e-12)
    assert spectral_norm(W) ** 2 == pytest.approx(np.linalg.eigvalsh(W.T @ W)[-1])


@quick
@given(generators, sizes, st.integers(-60, 60))
def test_everything_scales_with_the_matrix(rng, n, exponent):
    W, g = rng.standard_normal((n, n)), 2.0**exponent
    for measure in (spectral_radius, spectral_norm, henrici, numerical_abscissa):
        # of a 1 by 1 matrix, which is normal, henrici is 0 exactly
        assert measure(g * W) == pytest.approx(g * measure(W), rel=1e-9, abs=0)


@quick
@given(generators, sizes)
def test_henrici_is_the_size_of_what_stands_above_the_diagonal(rng, n):
    diagonal, above = np.diag(rng.standard_normal(n)), np.triu(rng.standard_normal((n, n)), 1)
    Q = orthogonal(rng, n)
    assert henrici(Q @ (diagonal + above) @ Q.T) == pytest.approx(np.linalg.norm(above), abs=1e-6)


@quick
@given(generators, sizes, st.booleans())
def test_a_normal_matrix_departs_by_nothing_and_one_a_little_off_by_more(rng, n, symmetric):
    """Of the formula alone, rounding would leave 2e-8 of the 0, and nothing of what is a little more."""
    Q = orthogonal(rng, n)
    W = Q * rng.standard_normal(n) @ Q.T if symmetric else rng.uniform(0.1, 10) * Q
    assert is_normal(W)
    assert henrici(W) == 0.0
    if n > 1:
        off = Q * np.arange(1.0, n + 1) @ Q.T + 1e-9 * np.outer(Q[:, 0], Q[:, 1])
        assert not is_normal(off)
        assert 0 < henrici(off) < 1e-4


@quick
@given(generators, st.integers(2, 6))
def test_henrici_is_between_its_bounds_by_the_commutator(rng, n):
    """Elsner, Paardekooper (1987) from below, Henrici (1962) from above."""
    W = rng.standard_normal((n, n))
    commutator = np.linalg.norm(W.T @ W - W @ W.T)
    assert commutator / (math.sqrt(6) * np.linalg.norm(W)) <= henrici(W) * (1 + 1e-9)
    assert henrici(W) <= ((n**3 - n) / 12) ** 0.25 * math.sqrt(commutator)


@every_matrix
def test_known_matrices_measure_what_others_have_found(known):
    for measure in (spectral_radius, spectral_norm, numerical_abscissa, henrici):
        assert measure(known["W"]) == pytest.approx(known[measure.__name__], **BITS)
    assert is_normal(known["W"]) == (known["henrici"] == 0)


@quick
@given(generators, sizes)
def test_the_numerical_abscissa_bounds_the_growth_rate_of_every_vector_and_is_reached(rng, n):
    W = rng.standard_normal((n, n))
    x = rng.standard_normal((n, 50))
    rates = np.sum(x * (W @ x), axis=0) / np.sum(x * x, axis=0)  # d/dt ln|x| of x' = Wx
    assert rates.max() <= numerical_abscissa(W) + 1e-12
    top = np.linalg.eigh(W + W.T)[1][:, -1]
    assert top @ W @ top == pytest.approx(numerical_abscissa(W))


def test_extreme_scales_neither_overflow_nor_underflow():
    for scale in (1e200, 1e-200):
        W = scale * jordan_like(3.0, 4.0)
        assert henrici(W) == pytest.approx(4 * scale, rel=1e-12, abs=0)
        assert spectral_norm(W) == pytest.approx(scale * jordan_like_norm(3.0, 4.0, 1), rel=1e-12, abs=0)
    assert numerical_abscissa([[1.5e308, 0], [0, 1.5e308]]) == pytest.approx(1.5e308)


@cache
def gaussian_measures() -> dict[str, Array]:
    """Of four matrices W ~ N(0, 1/n), n = 400, that is, g = 1."""
    matrices = [np.random.default_rng(seed).normal(0, 1 / 20, (400, 400)) for seed in range(4)]
    measures = (spectral_radius, spectral_norm, numerical_abscissa, henrici)
    return {measure.__name__: np.array([measure(W) for W in matrices]) for measure in measures}


def test_the_radius_of_a_gaussian_matrix():
    radii = gaussian_measures()["spectral_radius"]
    assert radii.mean() == pytest.approx(1.036, abs=3 * 0.020 / math.sqrt(len(radii)))
    assert np.all(np.abs(radii - 1.036) < 3 * 0.020)


@pytest.mark.parametrize(
    ("measure", "limit", "within"),
    [
        ("spectral_norm", 2, 0.02),
        ("numerical_abscissa", math.sqrt(2), 0.025),
        ("henrici", math.sqrt(400 / 2), 0.01),
    ],
)
def test_the_norms_of_a_gaussian_matrix_are_near_their_limits(measure, limit, within):
    np.testing.assert_allclose(gaussian_measures()[measure], limit, rtol=within)
