"""The limit of many units: known values, its two sides, and a network of many units."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.rnn.dynamics.lyapunov import lyapunov_spectrum
from minigrad.rnn.dynamics.mean_field import mean_field
from tests.rnn.dynamics.matrices import quick, stored


@pytest.mark.parametrize("known", stored("lyapunov.json")["mean_field"]["values"], ids=lambda known: f"g={known['g']}")
def test_values_are_those_that_others_have_found(known):
    found = mean_field(known["g"])
    assert found.q == pytest.approx(known["q"], rel=1e-13)
    assert found.exponent == pytest.approx(known["lambda_1"], rel=1e-12)


@quick
@given(st.floats(1.001, 50))
def test_above_1_it_is_chaotic_but_less_so_than_the_logarithm_says(g):
    """q solves its equation, by another quadrature."""
    q, exponent = mean_field(g)
    x, w = np.polynomial.hermite_e.hermegauss(150)
    if g < 4:  # beyond, that one is too coarse
        assert g * g * (w @ np.tanh(math.sqrt(q) * x) ** 2) / w.sum() == pytest.approx(q, rel=1e-3)
    assert 0 < q < g * g
    assert 0 < exponent < math.log(g)


def test_far_above_1_every_unit_saturates():
    """q → g², and E[sech⁴(√q z)] → (4/3)/√(2πq)."""
    q, exponent = mean_field(500.0)
    assert q == pytest.approx(500.0**2, rel=2e-3)
    assert exponent == pytest.approx(0.5 * math.log(500.0**2 * 4 / 3 / math.sqrt(2 * math.pi * q)), rel=1e-5)


def test_below_1_nothing_is_left():
    assert mean_field(0.5) == (0.0, math.log(0.5))
    assert mean_field(1.0) == (0.0, 0.0)
    for g in (0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match=f"g is {g}: expected a"):
            mean_field(g)


@pytest.mark.parametrize("g", [0.7, 2.0])
def test_a_network_of_many_units_does_as_foretold(g):
    """n = 200, of which the largest exponent alone is followed; finite networks are a little less chaotic."""
    n, rng = 200, np.random.default_rng(1)
    J, h = rng.normal(0, g / math.sqrt(n), (n, n)), rng.normal(size=n)

    def steps():
        nonlocal h
        for _ in range(600):
            yield J * (1 - np.tanh(h) ** 2)
            h = J @ np.tanh(h)

    found = lyapunov_spectrum(steps(), k=1, burn=100)
    assert found.exponents[0] == pytest.approx(mean_field(g).exponent, abs=0.06)
