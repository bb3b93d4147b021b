"""Vanishing and exploding: properties of matrices and their products first, then the reference numbers, then errors.

Wherever a property can be had by brute force (the power of a matrix, a plain product, a derivative by the complex
step), that is the judge; the reference numbers are computed from their formulas.
"""

from __future__ import annotations

import math
import warnings
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.engine.tensor import Array, Tensor
from minigrad.rnn.dynamics.spectral import (
    CONDITION_LIMIT,
    DefectiveMatrixWarning,
    Expansion,
    Fate,
    JacobianProduct,
    Repetition,
    classify,
    eigenvalues,
    expand,
    henrici,
    jacobian_products,
    jacobians,
    numerical_abscissa,
    powers_norm,
    spectral_norm,
    spectral_radius,
    vanishing_bound,
)

generators = st.integers(0, 2**32 - 1).map(np.random.default_rng)
sizes = st.integers(1, 6)
quick = settings(deadline=None, derandomize=True, max_examples=30)


def orthogonal(rng: np.random.Generator, n: int) -> Array:
    return np.linalg.qr(rng.standard_normal((n, n)))[0]


def well_conditioned(rng: np.random.Generator, n: int) -> Array:
    """Singular values between 1 and 3: as a change of basis it loses next to nothing."""
    return orthogonal(rng, n) * rng.uniform(1, 3, n) @ orthogonal(rng, n)


def with_modes(rng: np.random.Generator, reals: int, pairs: int) -> tuple[Array, Array]:
    """A matrix with that many real eigenvalues and conjugate pairs, of different moduli in (0.2, 1.5), and these."""
    n, count = reals + 2 * pairs, reals + pairs
    moduli = rng.permutation(0.25 + 0.2 * np.arange(count) + rng.uniform(0, 0.1, count))
    blocks, values = np.zeros((n, n)), []
    for i in range(reals):
        blocks[i, i] = moduli[i] * rng.choice([-1, 1])
        values.append(blocks[i, i])
    for i in range(pairs):
        k, z = reals + 2 * i, moduli[reals + i] * np.exp(1j * rng.uniform(0.2, np.pi - 0.2))
        blocks[k : k + 2, k : k + 2] = [[z.real, -z.imag], [z.imag, z.real]]
        values += [z, z.conjugate()]
    basis = well_conditioned(rng, n)
    return basis @ blocks @ np.linalg.inv(basis), np.array(sorted(values, key=abs, reverse=True))


def jordan_like(a: float, k: float) -> Array:
    return np.array([[a, k], [0.0, a]])


def jordan_like_norm(a: float, k: float, t: int) -> float:
    """‖[[p, q], [0, p]]‖₂ = (|q| + √(q² + 4p²))/2, for p = a^t and q = t a^(t-1) k."""
    p, q = a**t, t * a ** (t - 1) * k
    return (abs(q) + math.sqrt(q * q + 4 * p * p)) / 2


# -- the matrix alone -------------------------------------------------------------------------------------------------


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
def test_the_radius_is_at_most_the_norm_and_powers_lie_between_theirs(rng, n):
    W = rng.standard_normal((n, n))
    radius, norm = spectral_radius(W), spectral_norm(W)
    assert radius <= norm * (1 + 1e-12)
    norms, t = powers_norm(W, 12), np.arange(13)
    assert np.all(norms <= norm**t * (1 + 1e-12))
    assert np.all(norms >= radius**t * (1 - 1e-9))


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
def test_an_orthogonal_matrix_keeps_every_length_for_ever(rng, n):
    Q = orthogonal(rng, n)
    np.testing.assert_allclose(np.abs(eigenvalues(Q)), 1, rtol=1e-12)
    np.testing.assert_allclose(powers_norm(Q, 50), 1, rtol=1e-12)
    np.testing.assert_allclose(jacobian_products([Q, Q.T, Q]), 0, atol=1e-12)
    assert henrici(Q) < 1e-6
    assert classify(Q).linear is classify(Q).nonlinear is Fate.BORDERLINE


@quick
@given(generators, sizes)
def test_henrici_is_the_size_of_what_stands_above_the_diagonal(rng, n):
    diagonal, above = np.diag(rng.standard_normal(n)), np.triu(rng.standard_normal((n, n)), 1)
    Q = orthogonal(rng, n)
    assert henrici(Q @ (diagonal + above) @ Q.T) == pytest.approx(np.linalg.norm(above), abs=1e-6)


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


def test_powers_are_exact_where_the_numbers_are():
    assert powers_norm([[2.0]], 5).tolist() == [1, 2, 4, 8, 16, 32]
    assert powers_norm([[0.0, 3.0], [0.0, 0.0]], 3).tolist() == [1, 3, 0, 0]
    assert powers_norm([[0.5]], 0).tolist() == [1]
    assert powers_norm([[0.5]], 2000)[[1, 1074, 1075]].tolist() == [0.5, 5e-324, 0]
    with pytest.warns(RuntimeWarning, match="overflow"):
        assert powers_norm([[2.0]], 1024).tolist()[-2:] == [2.0**1023, np.inf]


def test_a_jordan_block_amplifies_before_it_decays():
    a, k = 0.9, 10.0
    norms = powers_norm(jordan_like(a, k), 1000)
    np.testing.assert_allclose(norms, [jordan_like_norm(a, k, t) for t in range(1001)], rtol=1e-10)
    assert norms.argmax() == 9
    assert norms.max() == pytest.approx(38.7459, abs=5e-5)
    for t, gelfand, half_a_digit in ((10, 1.4415, 5e-5), (100, 0.96538, 5e-6), (1000, 0.90842, 5e-6)):
        assert norms[t] ** (1 / t) == pytest.approx(gelfand, abs=half_a_digit)
    assert spectral_radius(jordan_like(a, k)) == pytest.approx(a)


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


# -- the expansion in eigenvectors ------------------------------------------------------------------------------------


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


def test_the_example_of_the_docstring():
    assert expand([[0.5, 0.0], [0.0, 2.0]], [8.0, 1.0]).at(3).tolist() == [1, 8]


# -- products of Jacobians --------------------------------------------------------------------------------------------


@quick
@given(generators, sizes, st.integers(0, 8))
def test_jacobians_are_the_derivatives_of_the_steps(rng, n, steps):
    W, b, h = rng.standard_normal((n, n)), rng.standard_normal(n), rng.standard_normal(n)
    states, expected, tiny = [], [], 1e-30
    for _ in range(steps):
        expected.append(np.tanh(W @ (h[:, np.newaxis] + 1j * tiny * np.eye(n)) + b[:, np.newaxis]).imag / tiny)
        h = np.tanh(W @ h + b)
        states.append(h)
    slopes = 1 - np.reshape(states, (steps, n)) ** 2
    found = jacobians(slopes, W)
    assert found.shape == (steps, n, n)
    np.testing.assert_allclose(found, np.reshape(expected, (steps, n, n)), rtol=1e-10, atol=1e-14)


@quick
@given(generators, sizes, st.integers(0, 12))
def test_log_norms_are_those_of_the_plain_products(rng, n, steps):
    factors = rng.standard_normal((steps, n, n)) * 10.0 ** rng.integers(-8, 9, (steps, 1, 1))
    plain, scaled, expected = np.eye(n), JacobianProduct(np.eye(n), 0), []
    for factor in factors:
        plain, scaled = factor @ plain, scaled.then(factor)
        expected.append(math.log(np.linalg.norm(plain, 2)))
        np.testing.assert_array_equal(np.ldexp(scaled.matrix, scaled.exponent), plain)
        assert 0.5 <= np.abs(scaled.matrix).max() < 1
        assert scaled.norm == pytest.approx(np.linalg.norm(plain, 2), rel=1e-13, abs=0)
        assert scaled.log_scale == pytest.approx(scaled.exponent * math.log(2))
    found = jacobian_products(factors)
    assert found.shape == (steps,)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("size", [0.5, 2.0, 1e-300, 1e300, 5e-324, 1.7e308])
def test_a_product_of_1100_jacobians_stays_in_range(size):
    log_norms = jacobian_products(np.broadcast_to(size * np.eye(3), (1100, 3, 3)))
    expected = np.arange(1, 1101) * math.log(size)
    np.testing.assert_allclose(log_norms, expected, rtol=1e-14)
    assert abs(log_norms[-1] - 1100 * math.log(size)) < 1e-9
    assert JacobianProduct(0.5 * np.eye(2), -1099).norm == 0  # whereas the plain product is lost


def test_a_product_that_is_zero_has_the_logarithm_minus_infinity():
    nilpotent = [[0.0, 4.0], [0.0, 0.0]]
    log_norms = jacobian_products([nilpotent, nilpotent, np.eye(2)])
    np.testing.assert_allclose(log_norms, [math.log(4), -np.inf, -np.inf])


@quick
@given(generators, st.integers(1, 4), st.integers(1, 6))
def test_transposes_in_reverse_follow_the_gradient_back_from_the_last_step(rng, n, steps):
    J = rng.standard_normal((steps, n, n))
    found = jacobian_products(J[::-1].transpose(0, 2, 1))
    for back in range(steps):
        product = np.eye(n)
        for factor in J[steps - 1 - back :]:
            product = factor @ product
        assert found[back] == pytest.approx(math.log(np.linalg.norm(product, 2)))


# -- the verdict ------------------------------------------------------------------------------------------------------


@quick
@given(generators, sizes, st.sampled_from([1.0, 0.25]), st.floats(0.05, 0.99))
def test_with_a_norm_below_the_bound_every_run_vanishes(rng, n, gamma, fraction):
    W = rng.standard_normal((n, n))
    W *= fraction * vanishing_bound(gamma) / spectral_norm(W)
    assert classify(W, gamma).nonlinear is Fate.VANISH
    slopes = rng.uniform(0, gamma, (30, n))
    assert np.all(jacobian_products(jacobians(slopes, W)) <= np.arange(1, 31) * math.log(fraction) + 1e-9)


@quick
@given(generators, sizes, st.floats(1.01, 3))
def test_with_a_radius_above_1_a_linear_network_explodes(rng, n, radius):
    W = rng.standard_normal((n, n))
    W *= radius / spectral_radius(W)
    verdict = classify(W)
    assert verdict.linear is verdict.nonlinear is Fate.MAY_EXPLODE
    log_norms = jacobian_products(jacobians(np.ones((50, n)), W))
    assert np.all(log_norms >= np.arange(1, 51) * math.log(radius) - 1e-6)


def test_a_norm_above_the_bound_is_necessary_for_exploding_but_not_sufficient():
    verdict = classify(jordan_like(0.9, 10.0))
    assert (verdict.linear, verdict.nonlinear) == (Fate.VANISH, Fate.MAY_EXPLODE)
    assert powers_norm(jordan_like(0.9, 10.0), 1000)[-1] < 1e-40


def test_a_radius_below_1_does_not_suffice_with_a_nonlinearity():
    W = np.array([[2.0, -4.0], [1.0, -2.0]])  # W² = 0, and yet a unit that saturates lets the other explode:
    verdict = classify(W)  # with slopes (1, 0), J = [[2, -4], [0, 0]] and J^t = 2^(t-1) J
    assert (verdict.linear, verdict.nonlinear) == (Fate.VANISH, Fate.MAY_EXPLODE)
    log_norms = jacobian_products(jacobians(np.tile([1.0, 0.0], (20, 1)), W))
    np.testing.assert_allclose(log_norms, np.log(2.0 ** np.arange(20) * math.sqrt(20)), rtol=1e-13)


def test_the_logistic_function_allows_four_times_the_norm_of_tanh():
    assert (vanishing_bound(1.0), vanishing_bound(0.25)) == (1.0, 4.0)
    W = 3.9 * np.eye(2)
    assert classify(W).nonlinear is Fate.MAY_EXPLODE
    assert classify(W, gamma=0.25).nonlinear is Fate.VANISH
    assert classify(W, gamma=0.25).linear is Fate.MAY_EXPLODE
    assert classify(4 * np.eye(2), gamma=0.25).nonlinear is Fate.BORDERLINE


def test_a_verdict_is_a_caption():
    verdict = classify(jordan_like(0.9, 10.0))
    assert str(verdict) == (
        "linear: vanish (spectral radius 0.9 against 1); with f: may explode (spectral norm 10.08 against 1)"
    )
    assert verdict.norm == pytest.approx(jordan_like_norm(0.9, 10.0, 1))
    assert f"{Fate.BORDERLINE}" == "borderline"


# -- what comes in ----------------------------------------------------------------------------------------------------

OF_A_MATRIX = [
    eigenvalues,
    spectral_radius,
    spectral_norm,
    numerical_abscissa,
    henrici,
    classify,
    lambda W: powers_norm(W, 3),
    lambda W: expand(W, [1.0, 1.0]),
    lambda W: jacobians([[1.0, 1.0]], W),
]


@pytest.mark.parametrize("f", OF_A_MATRIX)
@pytest.mark.parametrize("W", [[1.0, 2.0], [[1.0, 2.0]], np.ones((2, 3)), np.ones((1, 2, 2)), np.ones((0, 0)), 3.0])
def test_a_matrix_has_to_be_square(f, W):
    with pytest.raises(ValueError, match="W has shape") as error:
        f(W)
    assert str(np.shape(W)) in str(error.value)


@pytest.mark.parametrize("f", OF_A_MATRIX)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_matrix_has_to_be_finite(f, bad):
    with pytest.raises(ValueError, match=rf"W holds {bad} at index \(1, 0\) \(1 of 4 entries"):
        f([[1.0, 2.0], [bad, 4.0]])


@pytest.mark.parametrize("f", OF_A_MATRIX)
@pytest.mark.parametrize(("W", "dtype"), [([[1j, 0], [0, 1]], "complex128"), ([["a", "b"], ["c", "d"]], "<U1")])
def test_a_matrix_has_to_be_real(f, W, dtype):
    with pytest.raises(ValueError, match=f"W has dtype {dtype}: expected real numbers"):
        f(W)


def test_tensors_and_other_dtypes_are_taken_for_their_values():
    W, h0 = np.array([[0.5, 0.25], [0.0, 2.0]]), np.array([8.0, 1.0])
    slopes = np.array([[1.0, 0.5]])
    for dtype in (np.float64, np.float32):
        tW, th0, ts = (Tensor(v.astype(dtype), requires_grad=True) for v in (W, h0, slopes))
        for f in (eigenvalues, spectral_radius, spectral_norm, numerical_abscissa, henrici):
            np.testing.assert_array_equal(f(tW), f(W))
        np.testing.assert_array_equal(powers_norm(tW, 3), powers_norm(W, 3))
        np.testing.assert_array_equal(expand(tW, th0).at(3), expand(W, h0).at(3))
        np.testing.assert_array_equal(jacobians(ts, tW), jacobians(slopes, W))
        np.testing.assert_array_equal(jacobian_products(Tensor(jacobians(ts, tW))), jacobian_products([slopes.T * W]))
        assert str(classify(tW)) == str(classify(W))
    assert spectral_radius([[3, 0], [0, -4]]) == 4


def test_other_arguments_that_make_no_sense_are_refused():
    W = np.eye(2)
    with pytest.raises(ValueError, match=r"h0 has shape \(3,\): W of shape \(2, 2\)"):
        expand(W, [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="h0 holds nan at index"):
        expand(W, [1.0, np.nan])
    for slopes in (np.ones(2), np.ones((4, 3)), np.ones((4, 5, 2))):
        with pytest.raises(ValueError, match=r"f_prime has shape .*expected \(T, 2\)"):
            jacobians(slopes, W)
    with pytest.raises(ValueError, match="f_prime holds inf"):
        jacobians([[1.0, np.inf]], W)
    for stack in (W, np.ones((3, 2, 1)), np.ones((3, 0, 0))):
        with pytest.raises(ValueError, match=r"jacobians has shape .*expected \(T, n, n\)"):
            jacobian_products(stack)
    with pytest.raises(ValueError, match=r"jacobians holds nan at index \(1, 0, 0\)"):
        jacobian_products([[[1.0]], [[np.nan]]])
    with pytest.raises(ValueError, match="jacobian holds nan"):
        JacobianProduct(W, 0).then([[1.0, np.nan], [0.0, 1.0]])


@pytest.mark.parametrize("steps", [-1, 1.5, "3"])
def test_a_number_of_steps_is_a_natural_number(steps):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DefectiveMatrixWarning)
        repetition = expand(jordan_like(1.0, 1.0), [1.0, 1.0])
    for call, name in ((expand(np.eye(2), [1, 1]).at, "t"), (repetition.at, "t")):
        with pytest.raises(ValueError, match=f"{name} is {steps!r}: expected"):
            call(steps)
    with pytest.raises(ValueError, match=f"steps is {steps!r}: expected"):
        powers_norm(np.eye(2), steps)


@pytest.mark.parametrize("gamma", [0.0, -1.0, np.nan, np.inf])
def test_gamma_is_a_positive_number(gamma):
    with pytest.raises(ValueError, match=f"gamma is {gamma}: expected"):
        vanishing_bound(gamma)
    with pytest.raises(ValueError, match=f"gamma is {gamma}: expected"):
        classify(np.eye(2), gamma)
