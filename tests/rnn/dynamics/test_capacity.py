"""Memory capacity: networks that remember exactly so much, and bounds for the others."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.rnn.cells import RNN
from minigrad.rnn.dynamics.capacity import memory_capacity
from minigrad.rnn.unrolling import unroll
from tests.rnn.dynamics.matrices import generators, orthogonal, quick


def driven(W, inputs):
    """h_t = W h_{t-1} + e_1 u_t."""
    h, states = np.zeros(len(W)), []
    for u in inputs:
        h = W @ h
        h[0] += u
        states.append(h)
    return np.array(states)


@quick
@given(generators, st.integers(1, 8))
def test_a_line_of_n_units_remembers_n_numbers(rng, n):
    inputs = rng.normal(size=1500)
    total, shares = memory_capacity(driven(np.eye(n, k=-1), inputs), inputs, n + 5)
    np.testing.assert_allclose(shares[:n], 1, rtol=1e-12)
    assert np.all(shares[n:] < 0.05)
    assert total == pytest.approx(n, abs=0.05)


@quick
@given(generators, st.integers(2, 6), st.floats(0.3, 0.9))
def test_so_does_any_linear_network_without_noise_and_none_more(rng, n, radius):
    """Jaeger (2001), proposition 2 and 3: all states are sums of the inputs, and n of them tell n sums apart."""
    inputs = rng.normal(size=3000)
    states = driven(radius * orthogonal(rng, n), inputs)[200:]
    assert 0.5 < memory_capacity(states, inputs[200:], 40).total < n * 1.05 + 0.1
    units = memory_capacity(states, inputs[200:], 1)
    assert 0 <= units.total == units.shares[0] <= 1 + 1e-12


def test_a_saturated_network_remembers_less_than_one_that_is_nearly_linear():
    rng = np.random.default_rng(0)
    inputs, found = rng.normal(size=(1200, 1)), []
    for scale in (0.01, 5.0):
        model = RNN(1, 12, 1, init="orthogonal", radius=0.95, rng=0)
        model.U.data = scale * model.U.data
        run = unroll(model, inputs)
        states = np.stack([h.data for h in run["h"]])
        found.append(memory_capacity(states[100:], inputs[100:], 24).total)
    assert found[0] > 9
    assert found[1] < 5


def test_units_that_never_change_remember_nothing():
    inputs = np.random.default_rng(0).normal(size=100)
    assert memory_capacity(np.ones((100, 3)), inputs, 3).total < 0.3
    assert memory_capacity(np.zeros((100, 3)), inputs, 3).total < 1e-20
    assert memory_capacity(np.zeros((100, 3)), inputs, 0).shares.shape == (0,)


def test_what_does_not_go_together_is_told():
    with pytest.raises(ValueError, match=r"states \(10, 2\) and inputs \(9,\)"):
        memory_capacity(np.ones((10, 2)), np.ones(9), 2)
    with pytest.raises(ValueError, match="T is 10: with 8 units and 2 delays, at least 22 steps are needed"):
        memory_capacity(np.ones((10, 8)), np.ones(10), 2)
