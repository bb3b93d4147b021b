"""The expansion in eigenvectors, judged by plain powers of the matrix; and matrices that have none."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.rnn.dynamics.expansion import CONDITION_LIMIT, DefectiveMatrixWarning, Expansion, Repetition, expand
from minigrad.rnn.dynamics.spectrum import eigenvalues, spectral_radius
from tests.rnn.dynamics.matrices import generators, jordan_like, orthogonal, quick, with_modes


@quick
@given(generators, st.integers(0, 3), st.integers(0, 2), st.integers(0, 40))
def test_the_expansion_is_the_power_of_the_matrix(rng, reals, pairs, t):
    W, _ = with_modes(rng, max(reals, 1 - pairs), pairs)
    h0 = rng.standard_normal(len(W))
    expansion = expand(W, h0)
    assert isinstance(expansion, Expansion)
    h = expansion.at(t)
    assert h.dtype == np.float64
    scale = spectral_radius(W) ** t * np.linalg.norm(h0)
    np.testing.assert_allclose(h, np.linalg.matrix_power(W, t) @ h0, rtol=0, atol=1e-10 * scale)


@quick
@given(generators, st.integers(1, 3), st.integers(0, 2))
def test_the_expansion_is_made_of_eigenvectors_in_order(rng, reals, pairs):
    W, _ = with_modes(rng, reals, pairs)
    e = expand(W, rng.standard_normal(len(W)))
    np.testing.assert_allclose(e.eigenvalues, eigenvalues(W), rtol=1e-10)
    np.testing.assert_allclose(W @ e.eigenvectors, e.eigenvectors * e.eigenvalues, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(e.eigenvectors, axis=0), 1, rtol=1e-12)


@quick
@given(generators, st.integers(0, 2), st.integers(1, 2), st.integers(0, 20))
def test_a_conjugate_pair_adds_up_to_twice_the_real_part(rng, reals, pairs, t):
    W, _ = with_modes(rng, reals, pairs)
    e = expand(W, rng.standard_normal(len(W)))
    modes = e.eigenvectors * (e.alphas * e.eigenvalues**t)
    upper, real = np.imag(e.eigenvalues) > 0, np.imag(e.eigenvalues) == 0
    assert upper.sum() == pairs
    by_pairs = 2 * modes[:, upper].real.sum(axis=1) + modes[:, real].real.sum(axis=1)
    np.testing.assert_allclose(e.at(t), by_pairs, atol=1e-12)


def test_euler_s_oscillator_gains_the_energy_of_its_modes():
    step, mass, steps = 0.1, 1.0, 1000
    A = np.array([[1.0, step], [-step / mass, 1.0]])
    expected = [1 + 1j * step / math.sqrt(mass), 1 - 1j * step / math.sqrt(mass)]
    np.testing.assert_allclose(eigenvalues(A), expected, rtol=1e-14)
    x, v = expand(A, [1.0, 0.0]).at(steps)
    gain = (mass * v * v + x * x) / 1.0
    assert gain == pytest.approx((1 + step**2 / mass) ** steps, rel=1e-11)
    assert gain == pytest.approx(20959.1556, abs=5e-5)


@quick
@given(generators, st.integers(2, 4), st.floats(0.5, 5), st.integers(0, 30))
def test_a_defective_matrix_is_announced_and_multiplied_out(rng, n, k, t):
    a, Q = 0.9, orthogonal(rng, n)
    W = Q @ (a * np.eye(n) + k * np.eye(n, k=1)) @ Q.T
    h0 = rng.standard_normal(n)
    with pytest.warns(DefectiveMatrixWarning, match=rf"W \({n}, {n}\) is defective.*Repetition"):
        repetition = expand(W, h0)
    assert isinstance(repetition, Repetition)
    # (aI + kN)^t = Σ_j binom(t, j) a^(t-j) k^j N^j, where N shifts by one, so that the sum ends at j = n - 1
    power = sum(math.comb(t, j) * a ** (t - j) * k**j * np.eye(n, k=j) for j in range(min(n - 1, t) + 1))
    exact = Q @ power @ Q.T @ h0
    np.testing.assert_allclose(repetition.at(t), exact, rtol=0, atol=1e-10 * np.linalg.norm(power))


@pytest.mark.parametrize("W", [jordan_like(0.9, 10.0), jordan_like(0.0, 1.0), np.diag(np.ones(4), k=1)])
def test_a_triangular_defective_matrix_is_announced_even_if_its_eigenvectors_are_exactly_dependent(W):
    h0 = np.arange(1.0, len(W) + 1)
    with pytest.warns(DefectiveMatrixWarning, match="condition number"):
        repetition = expand(W, h0)
    for t in (0, 1, 2, 7):
        np.testing.assert_allclose(repetition.at(t), np.linalg.matrix_power(W, t) @ h0, rtol=1e-13)


def test_the_limit_divides_what_can_be_expanded_from_what_cannot():
    # [[1, 1], [0, 1 + d]] has eigenvectors (1, 0) and (1, d)/√(1 + d²): condition number nearly 2/d
    h0 = np.array([1.0, 1.0])
    expandable, hopeless = 4 / CONDITION_LIMIT, 1 / CONDITION_LIMIT
    W = np.array([[1.0, 1.0], [0.0, 1.0 + expandable]])
    np.testing.assert_allclose(expand(W, h0).at(5), np.linalg.matrix_power(W, 5) @ h0, rtol=1e-9)
    with pytest.warns(DefectiveMatrixWarning):
        expand([[1.0, 1.0], [0.0, 1.0 + hopeless]], h0)


def test_what_was_expanded_does_not_change_with_the_caller_s_arrays():
    W, h0 = jordan_like(0.5, 1.0), np.array([1.0, 1.0])
    with pytest.warns(DefectiveMatrixWarning):
        repetition = expand(W, h0)
    W[:], h0[:] = 0, 0
    assert repetition.at(1).tolist() == [1.5, 0.5]
    repetition.at(0)[:] = 7
    assert repetition.at(0).tolist() == [1, 1]
