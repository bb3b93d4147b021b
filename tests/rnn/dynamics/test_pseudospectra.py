"""Pseudospectra: their definition by perturbed matrices, what is known in closed form, and no better point anywhere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.rnn.dynamics import pseudospectra
from minigrad.rnn.dynamics.pseudospectra import outermost, pseudospectral_radius, pseudospectrum, stability_radius
from minigrad.rnn.dynamics.spectrum import spectral_radius
from tests.rnn.dynamics.matrices import BITS, every_matrix, generators, jordan_like, orthogonal, quick, sizes

EPS = st.floats(-4, 1).map(lambda power: 10.0**power)


@every_matrix
def test_known_matrices_reach_as_far_as_others_have_found(known):
    for entry in known["pseudospectral_radius"]:
        assert pseudospectral_radius(known["W"], entry["eps"]) == pytest.approx(entry["value"], **BITS)
    expected = known.get("stability_radius", 0.0)  # of the others, ρ > 1
    assert stability_radius(known["W"]) == pytest.approx(expected, **BITS)


@quick
@given(generators, sizes, EPS)
def test_the_outermost_point_is_on_the_boundary_and_none_lies_farther_out(rng, n, eps):
    W = rng.standard_normal((n, n))
    z = outermost(W, eps)
    assert pseudospectrum(W, z) == pytest.approx(eps, rel=1e-9, abs=1e-14)
    around = np.exp(1j * np.linspace(0, 2 * np.pi, 181))
    assert np.all(pseudospectrum(W, abs(z) * (1 + 1e-7) * around) > eps)


@quick
@given(generators, sizes, EPS)
def test_it_is_the_largest_radius_of_the_perturbed_matrices(rng, n, eps):
    """E = -eps u v* turns zI - W, with smallest singular value eps, into a singular matrix."""
    W = rng.standard_normal((n, n))
    z, radius = outermost(W, eps), pseudospectral_radius(W, eps)
    U, _, Vh = np.linalg.svd(z * np.eye(n) - W)
    worst = W + eps * np.outer(U[:, -1], Vh[-1])
    assert np.min(np.abs(np.linalg.eigvals(worst) - z)) < 1e-5 * (1 + abs(z))
    for _ in range(20):
        E = rng.standard_normal((n, n)) + 1j * rng.standard_normal((n, n))
        moved = np.linalg.eigvals(W + eps / np.linalg.norm(E, 2) * E)
        assert np.abs(moved).max() <= radius * (1 + 1e-9)


@quick
@given(generators, sizes, EPS)
def test_around_the_eigenvalues_of_a_normal_matrix_are_discs(rng, n, eps):
    Q = orthogonal(rng, n)
    for W in (0.7 * Q, Q * rng.uniform(-0.9, 0.9, n) @ Q.T):
        assert pseudospectral_radius(W, eps) == pytest.approx(spectral_radius(W) + eps, rel=1e-12)
        assert stability_radius(W) == pytest.approx(1 - spectral_radius(W), rel=1e-11)


@quick
@given(generators, sizes)
def test_at_the_stability_radius_the_pseudospectrum_touches_the_circle(rng, n):
    W = rng.standard_normal((n, n))
    W *= rng.uniform(0.3, 0.95) / spectral_radius(W)
    eps = stability_radius(W)
    assert pseudospectral_radius(W, eps) == pytest.approx(1, rel=1e-7)
    assert np.all(pseudospectrum(W, np.exp(1j * np.linspace(0, np.pi, 100))) >= eps * (1 - 1e-12))


def test_crossings_are_looked_at_again(monkeypatch):
    """Eigenvalues of a badly conditioned problem may be off, or none of its real ones: neither gets past."""
    W = jordan_like(0.5, 0.9)
    exact = pseudospectral_radius(W, 0.1)
    for found in ([exact * (1 + 1e-6), 7.0, -1.0], [7.0], []):
        monkeypatch.setattr(pseudospectra, "on_ray", lambda W, angle, level, found=found: np.array(found))
        assert pseudospectral_radius(W, 0.1) == pytest.approx(exact, rel=1e-13)


def test_an_unstable_matrix_is_at_no_distance_from_the_unstable_ones():
    assert stability_radius([[1.0, 5.0], [0.0, 0.2]]) == stability_radius([[3.0]]) == 0.0


@pytest.mark.parametrize("scale", [1e200, 1e-200])
def test_neither_large_nor_small_numbers_overflow(scale):
    W = scale * jordan_like(0.9, 10.0)
    assert pseudospectral_radius(W, 0.1 * scale) == pytest.approx(1.904987562112089 * scale, rel=1e-13, abs=0)
    assert stability_radius(1e-200 * np.ones((2, 2))) == pytest.approx(1.0)


@pytest.mark.parametrize("W", [np.zeros((3, 3)), np.eye(3), [[0.0, 1.0], [0.0, 0.0]], [[-0.5]], jordan_like(0.5, 1.0)])
def test_degenerate_matrices_have_pseudospectra_too(W):
    W = np.array(W)
    z = outermost(W, 0.1)
    assert pseudospectrum(W, z) == pytest.approx(0.1)
    assert np.all(pseudospectrum(W, 1.0001 * abs(z) * np.exp(1j * np.linspace(0, np.pi, 50))) > 0.1)


@pytest.mark.parametrize("eps", [0.0, -1.0, np.nan, 1e-20])
def test_what_is_no_perturbation_that_can_be_seen_is_refused(eps):
    with pytest.raises(
        ValueError, match=rf"eps is {eps}: (expected a|less than what rounding does to W of norm 10\.1)"
    ):
        pseudospectral_radius(jordan_like(0.9, 10.0), eps)


def test_points_have_to_be_finite_and_keep_their_shape():
    assert pseudospectrum(np.eye(2), [[2, 3j, 0]]).shape == (1, 3)
    with pytest.raises(ValueError, match="z holds points that are not finite"):
        pseudospectrum(np.eye(2), np.nan)
