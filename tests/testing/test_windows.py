"""Error bars hold: of one window wherever it is looked at, and of a ladder whatever is between its windows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.testing import windows
from minigrad.testing.line import silence
from minigrad.testing.windows import EPS, SETS, Ladder, window
from tests.testing.hard import smooth

WIDTHS = (0.3, 0.03, 0.003, 3e-4, 3e-6, 3e-8)
places = pytest.mark.parametrize("places", SETS, ids=range(len(SETS)))


def look(f, half, places=SETS[0], size=1.0):
    """A window on a function of one number, at 0."""
    along = lambda t: np.array([f(t)], float)
    return window(along, along(0.0), size, half, places)


def ladder(f, widths=WIDTHS, size=1.0):
    made = Ladder(lambda t: np.array([f(t)], float), size)
    for half in widths:
        made.look(half * size)
    return made


def off_by_kinks(places):
    """How far beyond its error bar a slope is, where there is a kink at any place but the point."""
    return max(
        abs(seen.slope.item() + np.sign(kink)) / seen.error.item()
        for kink in np.linspace(-1.2, 1.2, 600)
        for seen in [look(lambda t, kink=kink: abs(t - kink), 1.0, places)]
    )


@places
def test_a_kink_anywhere_is_within_the_error_bar(places, monkeypatch):
    assert off_by_kinks(places) <= 1
    monkeypatch.setattr(windows, "FACTOR", 6)
    assert off_by_kinks(places) > 1  # so the factor is not idle


@places
@pytest.mark.parametrize("power", range(7, 13))
def test_powers_beyond_the_polynomial_are_within_the_error_bar(power, places):
    seen = look(lambda t: t**power, 1.0, places)
    assert seen.usable.item() and abs(seen.slope.item()) <= seen.error.item()


@places
@given(st.lists(st.integers(-8, 8), min_size=1, max_size=7), st.integers(-30, 30))
def test_of_polynomials_only_rounding_is_left(places, coefficients, power):
    half = 2.0**power
    seen = look(np.polynomial.Polynomial(coefficients), half, places, half)
    slope = float(([*coefficients, 0])[1])
    assert abs(seen.slope.item() - slope) <= seen.error.item()
    largest = max(abs(c) * half**k for k, c in enumerate(coefficients))
    assert seen.error.item() <= 1e-12 * (largest / half + abs(slope)) + 1e-300


def test_a_window_tells_what_it_sees():
    with silence():
        smooth, jump, edge, still = (look(f, 0.1) for f in (np.sin, np.sign, np.sqrt, lambda t: 3.0))
    assert smooth.usable and not smooth.poor and not smooth.flat
    assert jump.poor
    assert not edge.usable and edge.error == np.inf
    assert still.flat and still.usable and still.slope == 0
    alone = look(lambda t: 1.0 if t == 0 else t, 0.1)  # the value at the point lies off the curve
    assert not alone.usable


@given(st.integers(0, 10**6))
def test_at_a_kink_the_error_is_half_the_jump_at_least_or_it_is_seen(seed):
    left, right = np.random.default_rng(seed).normal(size=2)
    made = ladder(lambda t: (left if t < 0 else right) * t + np.sin(t) - t)
    for seen, error in zip(made.windows, made.errors()[:, 0], strict=True):
        assert seen.poor or error >= abs(left - right) / 2 or not seen.usable


@given(st.integers(0, 10**6), st.sampled_from([1e-8, 1.0, 1e8]))
def test_errors_are_honest_on_random_smooth_functions(seed, size):
    rng = np.random.default_rng(seed)
    f, x, v, w = smooth(rng, 3), rng.normal(size=3), rng.normal(size=3), rng.normal(size=3)
    phi = lambda t: w @ f(x + t / size * v)
    made = ladder(phi, size=size)
    finest = Ladder(lambda t: np.array([phi(t)]), size)
    finest.look(0.01 * size)
    slope, known = finest.windows[0].slope.item(), finest.windows[0].error.item()
    for seen, error in zip(made.windows, made.errors()[:, 0], strict=True):
        assert not seen.usable or abs(seen.slope.item() - slope) <= error + known


@given(st.integers(0, 10**6), st.sampled_from([0.0, 1e-14, 1e-10, 1e-7, 1e-3]))
def test_a_ladder_knows_no_less_than_its_windows(seed, noise):
    rng = np.random.default_rng(seed)
    made = ladder(lambda t: np.sin(t) + noise * rng.normal())
    assert np.all(made.errors() >= np.stack([w.error for w in made.windows]))
    assert [w.half for w in made.windows] == sorted((w.half for w in made.windows), reverse=True)


@given(st.integers(0, 10**6), st.sampled_from([1e-13, 1e-11, 1e-9]))
def test_between_two_roundings_nobody_is_certain(seed, unit):
    """A saturated function stands still at the finest widths: the error is what a rounding may hide there."""
    x, slope = np.random.default_rng(seed).uniform(0.1, 0.9, 2)
    made = ladder(lambda t: np.round((x + slope * t) / unit) * unit)
    for seen, error in zip(made.windows, made.errors()[:, 0], strict=True):
        assert not seen.usable or abs(seen.slope.item() - slope) <= error


@pytest.mark.parametrize("unit", [1e-7, 1e-10, 1e-13])
def test_the_quantum_is_the_step_of_the_stairs(unit):
    made = ladder(lambda t: 1 + np.floor(t / unit + 0.3) * unit, (1e-9, 1e-14))
    assert made.quantum().item() == pytest.approx(unit, rel=0.01)


@pytest.mark.parametrize(
    "f", [np.floor, lambda t: np.maximum(t - 0.5, 0), lambda t: 0.0 * t], ids=["floor", "relu", "zero"]
)
def test_without_stairs_of_rounding_the_quantum_is_that_of_the_values(f):
    """The function's own steps; what begins to move smoothly; and what never does."""
    made = ladder(lambda t: 1.0 + f(t + 0.3), (0.003,))
    assert made.quantum().item() <= 1e-4


def test_the_unit_is_one_or_more():
    assert ladder(lambda t: 1e-9 * t).unit.item() == 1.0
    assert ladder(lambda t: 1e9 + t).unit.item() == pytest.approx(1e9, rel=1e-6)


def test_stairs_too_narrow_for_any_window_are_met_close_by():
    floor, line = (ladder(lambda t, f=f: f(1e10 + 0.5 + t), size=1e10) for f in (np.floor, lambda x: x))
    assert floor.nearby(0.0, 1.0) and not floor.nearby(1.0, 0.0)
    assert not line.nearby(0.0, 1.0)


@given(st.integers(0, 10**6), st.sampled_from([0.0, 2.0, -1.0, 1.001]))
def test_close_by_a_smooth_function_moves_as_it_does_elsewhere(seed, factor):
    x = np.random.default_rng(seed).uniform(-3, 3)
    made = ladder(lambda t: np.exp(np.sin(x + t)))
    slope = np.exp(np.sin(x)) * np.cos(x)
    assert not made.nearby(factor * slope, slope)


def test_the_rounding_of_the_arguments_counts():
    """At 1e8 the argument itself is rounded: sin(1e8 + t) cannot be known better."""
    x = 1e8
    made = ladder(lambda t: np.sin(x + t), (3e-9, 3e-10), size=x)
    for seen, error in zip(made.windows, made.errors()[:, 0], strict=True):
        assert abs(seen.slope.item() - np.cos(x)) <= error
        assert error >= 4 * EPS * abs(seen.slope.item()) * x / seen.half
