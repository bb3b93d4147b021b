"""The verdict, judged by what products of Jacobians then really do."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.rnn.dynamics.products import jacobian_products, jacobians, powers_norm
from minigrad.rnn.dynamics.spectrum import spectral_norm, spectral_radius
from minigrad.rnn.dynamics.verdict import Fate, classify, vanishing_bound
from tests.rnn.dynamics.matrices import generators, jordan_like, jordan_like_norm, quick, sizes


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


@pytest.mark.parametrize("gamma", [0.0, -1.0, np.nan, np.inf])
def test_gamma_is_a_positive_number(gamma):
    with pytest.raises(ValueError, match=f"gamma is {gamma}: expected"):
        vanishing_bound(gamma)
    with pytest.raises(ValueError, match=f"gamma is {gamma}: expected"):
        classify(np.eye(2), gamma)
