"""Newton's method along a sequence: what steps give, in few iterations; and how many there are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad.rnn.bidirectional import Bidirectional
from minigrad.rnn.cells import LRU, LSTM, RNN, EulerOscillator, MinGRU
from minigrad.rnn.dynamics.lyapunov import lyapunov_spectrum
from minigrad.rnn.solving import newton
from minigrad.rnn.unrolling import unroll
from tests.rnn.dynamics.test_flow import MODELS, models

seeds = st.integers(0, 2**32 - 1)


def gained(g, n=12, seed=1):
    """A network with W ~ N(0, g²/n)."""
    model = RNN(1, n, 1, rng=0)
    model.W.data = np.random.default_rng(seed).normal(0, g / np.sqrt(n), (n, n))
    return model


@models
@pytest.mark.parametrize("batch", [(), (2,)])
@pytest.mark.parametrize("damping", [0.0, 0.3, 1.0])
@settings(max_examples=5)
@given(seed=seeds)
def test_it_arrives_where_steps_arrive_in_any_model(kind, batch, damping, seed):
    rng = np.random.default_rng(seed)
    model, xs = MODELS[kind](rng), rng.normal(size=(9, *batch, 2))
    given_ = {role: rng.normal(size=value.shape) for role, value in model.initial(batch).items()}
    run, solved = unroll(model, xs, initial=given_), newton(model, xs, initial=given_, damping=damping)
    assert solved.converged
    assert solved.iterations <= 9
    for role, states in solved.states.items():
        expected = [*(carried[role].data for carried in run.carried[1:]), run.final[role].data]
        np.testing.assert_allclose(states, expected, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("kind", [MinGRU, LRU])
def test_what_is_linear_takes_a_single_iteration(kind):
    xs = np.random.default_rng(0).normal(size=(300, 2))
    assert newton(kind(2, 4, 1), xs).iterations == 1
    assert newton(EulerOscillator(), np.ones((50, 1))).iterations == 1


@given(seed=seeds, i=st.integers(0, 6))
@settings(max_examples=20)
def test_after_i_iterations_the_first_i_states_are_right_whatever_the_guess(seed, i):
    rng, model = np.random.default_rng(seed), gained(3.0)
    xs, guess = rng.normal(size=(8, 1)), {"h": rng.normal(size=(8, 12))}
    found = newton(model, xs, guess=guess, max_iterations=i, tol=0.0)
    expected = np.stack([h.data for h in unroll(model, xs)["h"]])
    np.testing.assert_allclose(found.states["h"][:i], expected[:i], rtol=1e-9, atol=1e-9)
    assert found.iterations == i


def test_the_convergence_is_quadratic():
    """The exponent of the residual doubles, until rounding stops it."""
    residuals = newton(gained(0.9), np.random.default_rng(0).normal(size=(100, 1)), tol=1e-15).residuals
    last = np.log10(residuals[residuals > 1e-13])
    assert last[-1] < 1.5 * last[-2] < 0


def test_from_the_solution_itself_there_is_nothing_to_do():
    model, xs = gained(0.9), np.random.default_rng(0).normal(size=(50, 1))
    h = np.stack([h.data for h in unroll(model, xs)["h"]])
    assert newton(model, xs, guess={"h": h}).iterations == 0


def test_one_number_has_three_faces():
    """λ₁ < 0: the gradient vanishes, and a handful of iterations is enough for any length. λ₁ > 0: it explodes, and the
    number grows with the length."""
    found = {}
    for g in (0.5, 0.8, 3.0):
        model = gained(g, 20)
        xs = 0.1 * np.random.default_rng(1).normal(size=(240, 1))
        exponent = lyapunov_spectrum(unroll(model, xs), k=1).exponents[0]
        found[g] = exponent, newton(model, xs[:120]).iterations, newton(model, xs).iterations
    for g in (0.5, 0.8):
        exponent, short, long = found[g]
        assert exponent < -0.05
        assert long <= short + 1 <= 8
    exponent, short, long = found[3.0]
    assert exponent > 0.05
    assert short > 40
    assert long > 1.6 * short


def test_damping_keeps_iterations_steady_where_newton_s_overshoot():
    model, xs = gained(3.0), 0.1 * np.random.default_rng(1).normal(size=(150, 1))
    plain, damped = newton(model, xs), newton(model, xs, damping=0.5)
    assert np.max(damped.residuals) < 1e-3 * np.max(plain.residuals)
    assert damped.converged


def test_what_overflows_on_the_way_does_not_spread():
    """W^400 of radius 50 is no number, and inf - inf is none."""
    model, xs = RNN(1, 8, 1, radius=50.0, rng=0), np.ones((400, 1))
    found = newton(model, xs, max_iterations=20)
    assert np.all(np.isfinite(found.states["h"]))
    assert np.all(np.isfinite(found.residuals))
    np.testing.assert_allclose(found.states["h"][:20], [h.data for h in unroll(model, xs[:20])["h"]], atol=1e-9)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_in_the_precision_of_the_model(dtype):
    model = LSTM(2, 3, 1, dtype=dtype, rng=0)
    solved = newton(model, np.random.default_rng(0).normal(size=(40, 2)))
    assert solved.converged
    assert {states.dtype for states in solved.states.values()} == {np.dtype(dtype)}


def test_it_goes_on_from_a_run():
    model, xs = gained(0.9), np.random.default_rng(0).normal(size=(20, 1))
    first = unroll(model, xs[:10])
    found = newton(model, xs[10:], initial=first).states["h"]
    np.testing.assert_allclose(found, [h.data for h in unroll(model, xs)["h"][10:]], rtol=1e-12)


def test_sequences_are_taken_in_chunks(monkeypatch):
    model, xs = gained(0.9), np.random.default_rng(0).normal(size=(20, 3, 1))
    whole = newton(model, xs).states["h"]
    monkeypatch.setattr("minigrad.rnn.solving.CHUNK", 7 * 12**2)
    np.testing.assert_allclose(newton(model, xs).states["h"], whole, rtol=1e-13)


def test_what_cannot_be_solved_is_told():
    with pytest.raises(TypeError, match="Bidirectional has no steps of its own"):
        newton(Bidirectional(RNN(1, 2, rng=0), RNN(1, 2, rng=1)), np.ones((3, 1)))
    for damping in (-0.1, 1.1, np.nan):
        with pytest.raises(ValueError, match=f"damping is {damping}: expected a number between 0"):
            newton(gained(1.0), np.ones((3, 1)), damping=damping)
    assert mg.rnn.newton is newton
