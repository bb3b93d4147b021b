"""Rulings: several scales refute a claim or it stands, and each condition acquits somebody."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.testing import vjp_report
from minigrad.testing.line import silence
from minigrad.testing.verdict import ABSOLUTE, FINER, FIRST, SCALES, Claim, agreeing, halves, judge
from minigrad.testing.windows import PLACES, Ladder
from tests.testing.hard import smooth

seeds = st.integers(0, 10**6)


def ruling(f, claim, size=1.0, spread=0.0, additive=True, terms=None):
    made = Claim(
        claim,
        (abs(claim) if np.isfinite(claim) else 0.0) if terms is None else terms,
        1e-9,
        lambda: spread,
        lambda half, off: additive,
    )
    with silence():
        return judge(Ladder(lambda t: np.array([f(t)], float), size), made)


def known(seed):
    """A random smooth function of one number, and its slope at 0."""
    rng = np.random.default_rng(seed)
    f, x, v, w = smooth(rng, 3), rng.uniform(-1, 1, 3), rng.uniform(0.5, 1, 3), rng.normal(size=3)
    phi = lambda t: w @ f(x + t * v)
    return phi, float(w @ np.asarray(mg.jvp(f, (x,), (v,))[1]))


@given(seeds)
def test_right_claims_pass_after_two_windows(seed):
    f, slope = known(seed)
    calls = []
    found = ruling(lambda t: calls.append(t) or f(t), slope)
    assert found.verdict == "pass"
    assert abs(found.slope - slope) <= 1e-6 * max(1, abs(slope)) and len(calls) <= 1 + 4 * PLACES


@given(seeds, st.sampled_from([2.0, -1.0, 1.001, 0.0, np.inf, np.nan]))
def test_wrong_ones_fail(seed, factor):
    f, slope = known(seed)
    assume(abs(slope) > 1e-3)
    found = ruling(f, factor * slope)
    assert found.verdict == "fail" and len(found.refuting) >= SCALES
    assert abs(found.slope - slope) <= found.error + 1e-9


@given(seeds)
def test_what_is_excused_is_not_told(seed):
    f, slope = known(seed)
    assume(abs(slope) > 1e-3)
    assert ruling(f, 1.001 * slope, spread=abs(slope)).why == "the claim itself is rounded"
    assert ruling(f, 1.001 * slope, additive=False).why == "not additive"


@given(st.floats(-2, 2), st.sampled_from([1e-8, 1.0, 1e8]))
def test_at_a_kink_nothing_is_told(claim, size):
    assert ruling(lambda t: abs(t / size), claim / size, size).verdict == "inconclusive"


@pytest.mark.parametrize("gap", [1e-3, 1e-5, 1e-7, 1e-8])
@pytest.mark.parametrize(("claim", "verdict"), [(1.0, "pass"), (-1.0, "fail"), (1.001, "fail"), (0.0, "fail")])
def test_beside_a_kink_the_finer_windows_are_asked(gap, claim, verdict):
    assert ruling(lambda t: abs(t + gap), claim).verdict in (verdict, "inconclusive" if verdict == "fail" else verdict)


def test_a_wrong_claim_beside_a_kink_is_found():
    assert ruling(lambda t: abs(t + 1e-5), -1.0).verdict == "fail"


@pytest.mark.parametrize(
    ("f", "claim"),
    [
        (lambda t: np.floor(1e7 + t), 0.0),
        (lambda t: 1 - np.tanh(18.3 + t) ** 2, 5e-16),
        (lambda t: np.round(np.sin(1 + t), 8), np.cos(1)),
        (lambda t: np.float64(np.sin(np.float32(1 + t))), np.cos(1)),
        (lambda t: np.cos(1e-8 + t) - 1, -1e-8),
    ],
)
def test_right_claims_never_fail_where_digits_are_lost(f, claim):
    assert ruling(f, claim).verdict != "fail"


def test_what_one_window_excludes_does_not_pass_by_another():
    """Values of 1e-9 are too small to convict with, as they may be a difference of ones: nor do they acquit."""
    f = lambda t: 1e-9 * np.sin(1 + t)
    right = 1e-9 * np.cos(1)
    assert ruling(f, right).verdict == "pass"
    assert ruling(f, right * (1 + 1e-6)).verdict == "inconclusive"
    assert ruling(f, right * 2).verdict == "fail"


@pytest.mark.parametrize("size", [1e-9, 1e-3, 1.0, 1e9])
def test_widths_come_once_and_are_those_of_the_arguments_or_of_small_ones(size):
    widths = [*(half * size for half in FIRST), *halves(size)]
    assert len(set(widths)) == len(widths)
    assert all(half > size / 2 for half in widths if half in ABSOLUTE and half / size not in (*FIRST, *FINER, 0.3))


def test_the_largest_set_that_agrees():
    class Seen:
        def __init__(self, slope, error):
            self.slope, self.error, self.tolerance = slope, error, error

    one, other, third, stranger = Seen(1.0, 0.1), Seen(1.1, 0.05), Seen(0.9, 0.2), Seen(5.0, 0.01)
    assert agreeing([one, other, third, stranger]) == [other, one, third]
    assert agreeing([]) == []


@pytest.mark.parametrize("x", [1e-4, 1e-2])
@pytest.mark.parametrize("k", [0.1, 1.0, 10.0])
@pytest.mark.parametrize(("factor", "verdict"), [(1.0, "pass"), (2.0, "fail"), (1 + 1e-6, "fail")])
def test_values_that_are_gigantic_further_out_hide_nothing(x, k, factor, verdict):
    """Up to 1e304 where the widest windows look, of which no rounding is left at the point."""

    def grown(y):
        return np.exp(np.minimum((y / x) ** 2 * k, 700.0))

    def slope(g, y):
        return factor * g * (3 * y**2 / x**2 + grown(y) * 2 * y / x**2 * k)

    point = (np.array([x]),)
    assert vjp_report(lambda y: y**3 / x**2 + grown(y), slope, point, contract=False).verdict == verdict
