"""Lyapunov exponents: linear maps, whose exponents are eigenvalues; known runs; runs of models; sums of exponents."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.rnn.cells import LSTM, RNN
from minigrad.rnn.dynamics import maps
from minigrad.rnn.dynamics.flow import step_jacobians
from minigrad.rnn.dynamics.lyapunov import (
    batch_means_error,
    entropy_rate,
    kaplan_yorke,
    lyapunov_spectrum,
    map_spectrum,
    trajectory_jacobians,
)
from minigrad.rnn.dynamics.oscillator import step_matrix
from minigrad.rnn.dynamics.singular import log_singular_values
from minigrad.rnn.unrolling import unroll
from tests.rnn.dynamics.matrices import generators, quick, with_modes
from tests.rnn.dynamics.test_maps import KNOWN, MAPS, each


@each
def test_of_known_runs_they_are_those_that_others_have_found(name):
    known = KNOWN[name]["finite"]
    start = KNOWN[name].get("h0", np.ones(len(known["final_state"])))
    jacobians = list(trajectory_jacobians(MAPS[name], start, int(known["T"])))
    tolerance = 1e-11 if name == "henon" else 1e-13
    found = lyapunov_spectrum(jacobians)
    np.testing.assert_allclose(found.exponents, known["qr_exponents"], rtol=0, atol=tolerance)
    assert found.exponents.sum() == pytest.approx(known["sum"], rel=1e-12)
    stretched = log_singular_values(jacobians, at=[len(jacobians)])[0] / len(jacobians)
    np.testing.assert_allclose(stretched, known["singular_value_exponents"], rtol=0, atol=tolerance)


def test_of_long_runs_they_agree_within_their_errors():
    henon, lorenz = KNOWN["henon"], KNOWN["lorenz_rk4"]
    slopes = lambda h: np.array([[-2 * 1.4 * h[0], 1.0], [0.3, 0.0]])
    found = map_spectrum(maps.henon, henon["h0"], 20_000, burn=1000, jac=slopes)
    error = np.hypot(found.standard_errors, henon["long"]["standard_errors"])
    assert np.all(np.abs(found.exponents - henon["long"]["exponents"]) < 5 * error)
    assert found.exponents.sum() == pytest.approx(henon["exact_sum"], rel=1e-12)
    assert found.standard_errors[0] == pytest.approx(henon["long"]["standard_errors"][0] * math.sqrt(10), rel=0.6)
    assert found.dimension == pytest.approx(1.258, abs=0.01)
    found = map_spectrum(maps.lorenz, lorenz["h0"], 1500, burn=300)
    error = np.hypot(found.standard_errors, lorenz["long"]["standard_errors"])
    assert np.all(np.abs(found.exponents - lorenz["long"]["exponents"]) < 5 * error)


@quick
@given(generators, st.integers(1, 3), st.integers(0, 2))
def test_of_a_linear_map_they_are_the_logarithms_of_the_moduli(rng, reals, pairs):
    """Of a conjugate pair both are ln|λ|, and turn with an angle: they are averages over turns."""
    W, values = with_modes(rng, reals, pairs)
    found = lyapunov_spectrum(np.broadcast_to(W, (1500, *W.shape)), burn=300)
    np.testing.assert_allclose(found.exponents, np.log(np.abs(values)), atol=5e-3)
    assert found.steps == 1200


def test_known_limits_of_the_linear_map():
    found = map_spectrum(MAPS["linear_map"], np.ones(4), 600, burn=200)
    np.testing.assert_allclose(found.exponents, KNOWN["linear_map"]["limits"], atol=5e-3)


def test_euler_s_oscillator_explodes_by_half_a_logarithm():
    found = map_spectrum(maps.linear(step_matrix("euler", 1.0, 0.1)), [1.0, 0.0], 50)
    np.testing.assert_allclose(found.exponents, math.log(1.01) / 2, rtol=1e-12)
    np.testing.assert_allclose(found.standard_errors, 0, atol=1e-15)


@pytest.mark.parametrize("kind", [RNN, LSTM])
def test_of_a_run_they_are_of_its_whole_state_and_of_one_sequence(kind):
    rng = np.random.default_rng(0)
    run = unroll(kind(2, 3, 1, rng=rng), rng.normal(size=(40, 2, 2)))
    for sample in (0, 1):
        found = lyapunov_spectrum(run, burn=5, sample=sample)
        assert len(found.exponents) == (6 if kind is LSTM else 3)
        np.testing.assert_array_equal(found.exponents, lyapunov_spectrum(step_jacobians(run, sample), burn=5).exponents)
    one, other = (lyapunov_spectrum(run, sample=sample).exponents for sample in (0, 1))
    assert np.all(one != other)
    np.testing.assert_array_equal(lyapunov_spectrum(run, k=2).exponents, lyapunov_spectrum(run).exponents[:2])


@quick
@given(generators, st.integers(1, 5), st.floats(-3, 3))
def test_growth_by_a_factor_is_added_to_each(rng, n, factor):
    factors = rng.standard_normal((50, n, n))
    one, other = lyapunov_spectrum(factors), lyapunov_spectrum(math.exp(factor) * factors)
    np.testing.assert_allclose(other.exponents, one.exponents + factor, atol=1e-11)
    np.testing.assert_allclose(other.standard_errors, one.standard_errors, rtol=1e-6)
    np.testing.assert_allclose(one.exponents.sum(), np.mean(np.linalg.slogdet(factors)[1]), atol=1e-11)


def test_a_direction_that_is_lost_is_minus_infinity():
    found = lyapunov_spectrum([np.diag([2.0, 0.0])] * 4)
    np.testing.assert_allclose(found.exponents, [math.log(2), -math.inf])
    assert found.standard_errors[0] == 0


def test_the_error_of_independent_numbers_is_the_usual_one_and_of_others_more():
    x = np.random.default_rng(0).normal(size=(40_000, 1))
    assert batch_means_error(x, 50)[0] == pytest.approx(1 / 200, rel=0.3)
    correlated = np.cumsum(x, axis=0)[::100] / 100
    plain = correlated.std() / math.sqrt(len(correlated))
    assert batch_means_error(correlated, 10)[0] > 3 * plain
    assert np.isnan(batch_means_error(x[:1], 20)[0])
    assert (
        batch_means_error(np.array([9.0, 1.0, 1.0, 1.0, 1.0]), 2) == 0
    )  # what is too much is left out at the beginning
    with pytest.raises(ValueError, match="batches is 1: a scatter takes at least 2"):
        batch_means_error(x, 1)


def test_the_lecture_s_question_has_its_answer():
    """λ₁ < 0: runs that start apart meet; λ₁ > 0: runs that start together part."""
    for radius, chaotic in ((0.5, False), (3.0, True)):
        model = RNN(1, 30, 1, radius=radius, rng=3)
        xs = np.zeros((300, 1))
        start = np.random.default_rng(0).normal(size=30)
        a, b = (unroll(model, xs, initial={"h": start + shift}) for shift in (0.0, 1e-9))
        assert bool(lyapunov_spectrum(a, k=1, burn=50).exponents[0] > 0) is chaotic
        assert bool(np.linalg.norm(a["h"][-1].data - b["h"][-1].data) > 1e-3) is chaotic


# -- dimension and entropy --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("known", KNOWN["kaplan_yorke"], ids=lambda known: str(known["spectrum"]))
def test_dimension_and_entropy_are_those_that_others_have_found(known):
    assert kaplan_yorke(known["spectrum"]) == pytest.approx(known["dimension"], rel=1e-14)
    assert entropy_rate(known["spectrum"]) == pytest.approx(known["ks_entropy"], rel=1e-14)
    assert kaplan_yorke(known["spectrum"][::-1]) == kaplan_yorke(known["spectrum"])


def test_of_the_lorenz_system():
    long = KNOWN["lorenz_rk4"]["long"]["exponents"]
    assert kaplan_yorke(long) == pytest.approx(KNOWN["lorenz_rk4"]["kaplan_yorke"], rel=1e-9)
    assert entropy_rate(long) / 0.01 == pytest.approx(KNOWN["lorenz_rk4"]["ks_entropy_per_time"], rel=1e-12)
    assert kaplan_yorke([1.0, -math.inf]) == 1.0


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: lyapunov_spectrum([np.eye(2)], burn=1), "no step is left after burn=1"),
        (lambda: lyapunov_spectrum([np.eye(2)], k=3), "k is 3: of a state of 2 numbers there are 1 to 2"),
        (lambda: lyapunov_spectrum([np.ones((2, 3))]), r"a Jacobian has shape \(2, 3\)"),
        (lambda: lyapunov_spectrum([[[np.nan]]]), "a Jacobian holds nan"),
        (lambda: lyapunov_spectrum([np.eye(1)] * 3, batches=0), "batches is 0"),
        (lambda: map_spectrum(lambda h: h * h, [10.0], 20), "the state holds inf at index"),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow")
def test_what_makes_no_sense_is_refused(call, said):
    with pytest.raises(ValueError, match=said):
        call()


def test_it_is_found_where_the_lecture_is():
    assert mg.rnn.lyapunov.lyapunov_spectrum is lyapunov_spectrum
    assert mg.rnn.maps is maps
