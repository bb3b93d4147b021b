"""Products of Jacobians, judged by plain products and by derivatives with a complex step."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.rnn.dynamics.products import (
    JacobianProduct,
    gelfand,
    jacobian_products,
    jacobians,
    powers_norm,
    transient_growth,
)
from minigrad.rnn.dynamics.spectrum import spectral_radius
from tests.rnn.dynamics.matrices import (
    BITS,
    every_matrix,
    generators,
    jordan_like,
    jordan_like_norm,
    orthogonal,
    quick,
    sizes,
)


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
    assert spectral_radius(jordan_like(a, k)) == pytest.approx(a)


@every_matrix
def test_powers_of_known_matrices_are_those_that_others_have_found(known):
    powers = known["powers_norm"]
    found = transient_growth(known["W"], len(powers) - 1)
    np.testing.assert_allclose(found.norms, powers, rtol=1e-11)
    assert found.value == found.norms[found.t] == found.norms.max()
    if "sup_powers_norm" in known:
        assert (found.t, found.value) == (known["sup_powers_norm"]["t"], pytest.approx(found.value, **BITS))
    roots = gelfand(known["W"], 100)
    for k, expected in known["gelfand"].items():
        assert roots[int(k) - 1] == pytest.approx(expected, rel=1e-11, abs=0)


def test_gelfand_s_roots_come_down_to_the_radius_slowly():
    """Jordan-like, a = 0.9, k = 10: where ‖W^k‖ itself would be 1e-42 at the end."""
    roots = gelfand(jordan_like(0.9, 10.0), 1000)
    np.testing.assert_allclose(roots[[9, 99, 999]], [1.4415, 0.96538, 0.90842], rtol=4e-5)


@quick
@given(generators, sizes, st.integers(1, 20))
def test_gelfand_s_roots_are_above_the_radius_and_a_normal_matrix_starts_there(rng, n, steps):
    W = rng.standard_normal((n, n)) * 10.0 ** rng.integers(-200, 200)
    assert np.all(gelfand(W, steps) >= spectral_radius(W) * (1 - 1e-9))
    Q, values = orthogonal(rng, n), rng.standard_normal(n)
    np.testing.assert_allclose(gelfand(Q * values @ Q.T, steps), np.abs(values).max(), rtol=1e-10)


def test_a_nilpotent_matrix_has_nothing_left_after_n_steps():
    np.testing.assert_array_equal(gelfand(np.eye(4, k=1), 6), [1, 1, 1, 0, 0, 0])
