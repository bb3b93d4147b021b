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


# -- one mode at a time -----------------------------------------------------------------------------------------------


@quick
@given(generators, st.integers(1, 3), st.integers(0, 2), st.integers(0, 40))
def test_modes_add_up_to_the_whole(rng, reals, pairs, t):
    W, _ = with_modes(rng, reals, pairs)
    expansion = expand(W, rng.standard_normal(len(W)))
    modes = expansion.modes
    assert [mode.pair for mode in modes].count(True) == pairs
    assert len(modes) == reals + pairs
    np.testing.assert_allclose(sum(mode.at(t) for mode in modes), expansion.at(t), atol=1e-11)
    assert expansion.condition == pytest.approx(np.linalg.cond(expansion.eigenvectors))


@quick
@given(generators, st.integers(1, 3), st.integers(0, 2))
def test_the_condition_of_a_mode_is_how_far_its_eigenvalue_moves(rng, reals, pairs):
    W, _ = with_modes(rng, reals, pairs)
    values, vectors = np.linalg.eig(W)
    rows = np.linalg.inv(vectors)
    for mode in expand(W, np.ones(len(W))).modes:
        i = int(np.argmin(np.abs(values - mode.eigenvalue)))
        E = np.outer(rows[i].conj(), vectors[:, i].conj())  # y w*, the worst direction
        E *= 1e-7 / np.linalg.norm(E, 2)
        moved = np.linalg.eigvals(W + E)
        assert np.min(np.abs(moved - values[i])) == pytest.approx(1e-7 * mode.condition, rel=1e-3)


def test_a_normal_matrix_has_modes_of_condition_1_and_a_turn_has_its_period():
    turn = 2 * math.pi / 12
    rotation = 0.5 * np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    (mode,) = expand(rotation, [1.0, 0.0]).modes
    assert (mode.pair, mode.period) == (True, pytest.approx(12))
    assert mode.condition == pytest.approx(1)
    assert [mode.period for mode in expand(np.diag([-2.0, 1.0]), [1.0, 1.0]).modes] == [2, math.inf]


@pytest.mark.filterwarnings("ignore::minigrad.rnn.dynamics.expansion.DefectiveMatrixWarning")
def test_what_overflows_is_infinite_and_what_is_zero_stays_zero():
    """Neither 0 · inf nor inf - inf."""
    np.testing.assert_array_equal(expand([[2.0, 0.0], [0.0, -3.0]], [1.0, 1.0]).at(2001), [np.inf, -np.inf])
    np.testing.assert_array_equal(expand([[1e200, 0.0], [0.0, 0.5]], [1.0, 0.0]).at(5), [np.inf, 0.0])
    np.testing.assert_array_equal(expand([[1e-200, 0.0], [0.0, 1.0]], [1.0, 1.0]).at(9), [0.0, 1.0])
    turning = expand([[0.0, -5.0], [5.0, 0.0]], [1.0, 1.0])
    np.testing.assert_array_equal(turning.at(4001), [-np.inf, np.inf])
    np.testing.assert_array_equal(turning.modes[0].at(4001), [-np.inf, np.inf])
    repetition = expand(jordan_like(2.0, -1.0), [1.0, 1.0])
    assert isinstance(repetition, Repetition)
    np.testing.assert_array_equal(repetition.at(3000), [-np.inf, np.inf])
    np.testing.assert_array_equal(expand(np.zeros((2, 2)), [1.0, 2.0]).at(0), [1.0, 2.0])
    np.testing.assert_array_equal(expand(np.zeros((2, 2)), [1.0, 2.0]).at(1), [0.0, 0.0])


@quick
@given(generators, st.integers(1, 4), st.integers(0, 30))
def test_a_power_of_two_changes_no_digit(rng, n, t):
    """Growth by g = 2^k a step is g^t in the end, exactly."""
    W, h0 = rng.standard_normal((n, n)), rng.standard_normal(n)
    a, b = expand(W, h0), expand(8.0 * W, h0)
    if isinstance(a, Expansion) and isinstance(b, Expansion):
        np.testing.assert_allclose(b.at(t), 8.0**t * a.at(t), rtol=1e-9, atol=1e-9 * 8.0**t * np.abs(a.at(t)).max())
