"""Kreiss's constant: its definition on a grid, closed forms, known values; and where there is none."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given

from minigrad.rnn.dynamics.kreiss import kreiss_constant, kreiss_point
from minigrad.rnn.dynamics.pseudospectra import pseudospectrum
from minigrad.rnn.dynamics.spectrum import spectral_radius
from tests.rnn.dynamics.matrices import every_matrix, generators, jordan_like, orthogonal, quick, sizes


@every_matrix
def test_known_matrices_have_the_constant_that_others_have_found(known):
    found = kreiss_point(known["W"])
    if known["kreiss"] == "inf":
        assert found == (math.inf, None)
        return
    assert found.value == pytest.approx(known["kreiss"], rel=1e-12)
    if known["kreiss_at"] is None:
        assert found.z is None
    else:  # where a maximum is flat, it is known to half of the digits
        assert abs(found.z) == pytest.approx(known["kreiss_at"]["abs_z"], rel=1e-6)


@quick
@given(generators, sizes)
def test_no_point_of_a_fine_grid_is_better_and_its_own_point_is_as_good(rng, n):
    W = rng.standard_normal((n, n))
    W *= rng.uniform(0.2, 0.99) / spectral_radius(W)
    K, z = kreiss_point(W)
    outside = np.geomspace(1e-4, 30, 60)[:, None]
    grid = outside / pseudospectrum(W, (1 + outside) * np.exp(1j * np.linspace(0, np.pi, 61)))
    assert grid.max() <= K * (1 + 1e-9)
    if z is not None:
        assert (abs(z) - 1) / pseudospectrum(W, z) == pytest.approx(K, rel=1e-9)


@quick
@given(generators, sizes)
def test_of_a_normal_matrix_with_radius_1_or_less_it_is_1(rng, n):
    Q = orthogonal(rng, n)
    assert kreiss_constant(Q) == kreiss_constant(Q * rng.uniform(-1, 1, n) @ Q.T) == 1


@quick
@given(generators, sizes)
def test_of_a_contraction_it_is_1_too(rng, n):
    W = rng.standard_normal((n, n))
    assert kreiss_constant(W / np.linalg.norm(W, 2)) == 1


@pytest.mark.parametrize("k", [0.5, 3.0, 100.0])
def test_of_a_nilpotent_matrix_it_is_known_in_closed_form(k):
    """[[0, k], [0, 0]]: σ_min(zI - W) = (√(k² + 4|z|²) - k)/2, and the supremum is found along one line."""
    r = 1 + np.geomspace(1e-3, 1e3, 200_001)
    ratio = 2 * (r - 1) / (np.sqrt(k * k + 4 * r * r) - k)
    assert kreiss_constant([[0.0, k], [0.0, 0.0]]) == pytest.approx(max(ratio.max(), 1), rel=1e-8)


def test_a_hill_that_is_not_the_highest_is_left(monkeypatch):
    """Two Jordan blocks, at 0 and at π: the second hill is higher, on the circle through the top of the first."""
    W = np.zeros((4, 4))
    W[:2, :2], W[2:, 2:] = jordan_like(0.9, 9.0), jordan_like(-0.9, 10.0)
    assert kreiss_constant(W) == pytest.approx(kreiss_constant(jordan_like(0.9, 10.0)), rel=1e-12)
    monkeypatch.setattr("minigrad.rnn.dynamics.kreiss._starts", lambda W, values, floor: [(math.log(0.1), 0.0)])
    assert kreiss_constant(W) == pytest.approx(25.01, rel=1e-12)


def test_it_is_infinite_above_1_and_for_a_defective_eigenvalue_on_the_circle():
    blocks = [np.eye(n) + np.eye(n, k=1) for n in (2, 3, 8)]
    for W in (*blocks, [[1.001]], jordan_like(-1.0, 1e-3)):
        assert kreiss_constant(W) == math.inf


def test_on_the_circle_a_simple_eigenvalue_leaves_it_finite():
    """W^t tends to the projector of norm 1/|y*w| = √101, which is also the supremum of (|z| - 1) ‖(zI - W)⁻¹‖."""
    assert kreiss_constant([[1.0, 5.0], [0.0, 0.5]]) == pytest.approx(math.sqrt(101), rel=1e-6)


def test_small_matrices_are_tame_and_what_rounding_hides_is_said():
    assert kreiss_constant(1e-200 * jordan_like(1.0, 1.0)) == kreiss_constant(np.zeros((3, 3))) == 1
    for k in (1e10, 1e200):
        with pytest.raises(FloatingPointError, match=r"of norm 1e\+.*is beyond double precision.*nothing but rounding"):
            kreiss_constant([[0.0, k], [0.0, 0.0]])
        with pytest.raises(FloatingPointError, match="beyond double precision"):  # finite, though an eigenvalue is 1
            kreiss_constant([[0.0, k, 0.0], [0.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
