"""Sine, oscillator, Lorenz and Hénon: that they are the systems that they are called after."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.rnn.dynamics.oscillator import Harmonic, exact
from minigrad.rnn.dynamics.oscillator import Oscillator as Problem
from minigrad.rnn.tasks.systems import Henon, Lorenz, Oscillator, Sine, damped, henon, lorenz

LORENZ = ([1.0, 1.0, 1.0], 0.01, 60, [-4.833086625659786, -8.061257551056043, 26.673195246909607])
"""Start, dt, steps of the classical Runge-Kutta method, and the last state."""
HENON = ([0.1, 0.1], 30, [0.7347286900587212, -0.05003449061243581])
"""Start, steps, and the last state."""

seeds = st.integers(0, 2**32 - 1)


def test_lorenz_and_henon_arrive_at_the_reference_states():
    """Chaos makes the last digits of the order of operations grow: e-fold in a hundred steps, and in 2.4."""
    start, dt, steps, last = LORENZ
    np.testing.assert_allclose(lorenz(np.array(start), dt, steps)[-1], last, rtol=1e-12)
    start, steps, last = HENON
    np.testing.assert_allclose(henon(np.array(start), steps)[-1], last, rtol=1e-9)


@given(
    st.floats(0.3, 3), st.floats(0.01, 0.9), st.floats(-2, 2), st.floats(-2, 2), st.floats(0.1, 1), st.floats(0.1, 2),
    st.floats(0, 6),
)  # fmt: skip
def test_the_damped_motion_solves_its_equation(m, share, x0, v0, a, omega, phase):
    c, h = share * 2 * np.sqrt(m), 1e-3
    force = Harmonic(a, omega, phase)
    times = np.arange(0.5, 10, 0.5)
    x = [damped(Problem(m, x0, v0, force), force, c, times + k * h) for k in (-1, 0, 1)]
    residual = m * (x[2] - 2 * x[1] + x[0]) / h**2 + c * (x[2] - x[0]) / (2 * h) + x[1] - force(times)
    np.testing.assert_allclose(residual, 0, atol=1e-3)
    start = damped(Problem(m, x0, v0, force), force, c, np.array([-h, 0, h]))
    np.testing.assert_allclose([start[1], (start[2] - start[0]) / (2 * h)], [x0, v0], atol=1e-4)


@given(st.floats(0.3, 3), st.floats(-2, 2), st.floats(-2, 2), st.floats(0.1, 0.4))
def test_without_damping_it_is_the_oscillator_of_the_lecture(m, x0, v0, omega):
    force, times = Harmonic(0.5, omega, 0.3), np.linspace(0, 20, 50)
    expected = exact(Problem(m, x0, v0, force), times)[:, 0]
    np.testing.assert_array_equal(damped(Problem(m, x0, v0, force), force, 0.0, times), expected)
    nearly = damped(Problem(m, x0, v0, force), force, 1e-9, times)
    np.testing.assert_allclose(nearly, expected, atol=1e-5)


@given(seeds)
@settings(max_examples=25)
def test_sines_are_sines(seed):
    """x_{t+1} = 2 cos(2π/P) x_t - x_{t-1}, with one P a sequence, between 10 and 30."""
    task = Sine(20, n_test=5)
    x = task.own_units(task.batch(np.random.default_rng(seed), 6).xs)[..., 0]
    assert np.abs(x).max() <= 1 + 1e-12
    cosines = np.sum((x[2:] + x[:-2]) * x[1:-1], axis=0) / np.sum(2 * x[1:-1] ** 2, axis=0)
    np.testing.assert_allclose(x[2:] + x[:-2], 2 * cosines * x[1:-1], atol=1e-10)
    periods = 2 * np.pi / np.arccos(cosines)
    assert np.all((periods > 9.99) & (periods < 30.01))


def test_noise_is_added_to_sines():
    quiet, noisy = (Sine(20, noise=noise).test for noise in (0.0, 0.3))
    assert Sine(20, noise=0.3).baselines()["AR(2)"] > 0.09 > Sine(20).baselines()["AR(2)"]
    assert quiet.xs.shape == noisy.xs.shape


def test_of_one_period_two_samples_tell_the_next():
    assert Sine(20, periods=(12.0, 12.0)).baselines()["AR(2)"] < 1e-20


def test_the_oscillator_is_forced_by_what_is_given():
    """Undamped, and by a force that is sampled finely, Duhamel's integral of what stands in the second column."""
    task = Oscillator(40, damping=0.0, dt=0.02, n_test=3)
    raw = task.motions(np.random.default_rng(0), 4, 200)
    x, force = raw[..., 0], raw[..., 1]
    acceleration = (x[2:] - 2 * x[1:-1] + x[:-2]) / 0.02**2
    np.testing.assert_allclose(acceleration + x[1:-1], force[1:-1], atol=1e-3)


def test_lorenz_is_on_its_attractor_and_not_where_it_was():
    task = Lorenz(n=3000)
    states = task.own_units(task.record)
    assert np.all(np.abs(states[:, 0]) < 25)
    assert np.all((states[:, 2] > 0) & (states[:, 2] < 55))
    assert states[:, 0].min() < -10 < 10 < states[:, 0].max()
    np.testing.assert_array_equal(task.record, Lorenz(n=3000).record)
    assert not np.allclose(task.record[0], Lorenz(n=3000, seed=1).record[0])


def test_two_values_of_henon_tell_the_next():
    x = Henon(n=500).own_units(Henon(n=500).record)[:, 0]
    np.testing.assert_allclose(x[2:], 1 - 1.4 * x[1:-1] ** 2 + 0.3 * x[:-2], atol=1e-12)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Sine(1), "T is 1"),
        (lambda: Sine(horizon=0), "horizon is 0"),
        (lambda: Sine(orders=(0,)), r"orders\[0\] is 0"),
        (lambda: Sine(periods=(1.0, 5.0)), r"periods=\(1\.0, 5\.0\): the shortest and the longest"),
        (lambda: Sine(periods=(9.0, 5.0)), "periods"),
        (lambda: Sine(noise=-1), "noise=-1"),
        (lambda: Oscillator(m=0.0), "m is 0.0: expected a positive number"),
        (lambda: Oscillator(dt=np.nan), "dt is nan"),
        (lambda: Oscillator(damping=2.0), "damping is 2.0: expected at least 0 and below 2√m = 2"),
        (lambda: Lorenz(dt=0.2), "dt is 0.2: expected a step between 0 and 0.05"),
        (lambda: Lorenz(n=0), "n is 0"),
        (lambda: Lorenz(n=50), "is left for the validation part"),
        (lambda: Henon(seed=-1), "seed is -1"),
    ],
)
def test_what_cannot_be_is_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()
