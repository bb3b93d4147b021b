"""Recovering the mass: the data are Euler's method's own, and gradient descent through it finds what made them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.optim import Adam
from minigrad.rnn.tasks.mass import Mass
from minigrad.rnn.unrolling import unroll
from minigrad.scopes import no_grad


@given(st.floats(0.5, 4), st.floats(0.01, 0.3), st.floats(-1, 1), st.floats(-1, 1), st.integers(0, 2**32 - 1))
@settings(max_examples=30)
def test_without_noise_the_true_mass_is_exact(m, dt, x0, v0, seed):
    task = Mass(m, 20, dt, x0, v0, noise=0.0)
    batch = task.batch(np.random.default_rng(seed), 4)
    with no_grad():
        run = unroll(task.start(m), batch.xs, batch.targets)
    np.testing.assert_allclose(run.outputs, batch.targets, rtol=1e-12, atol=1e-12)


def test_of_the_true_mass_the_noise_is_left():
    found = Mass(noise=0.1).baselines()
    assert found["true mass 2"] == pytest.approx(0.01, rel=0.02)
    assert found["constant"] > 1


def test_gradient_descent_through_eulers_method_finds_the_mass():
    task = Mass(noise=0.1)
    model, rng = task.start(1.0), np.random.default_rng(0)
    optimizer = Adam(model, 0.05)
    for _ in range(150):
        batch = task.batch(rng, 16)
        optimizer.zero_grad()
        unroll(model, batch.xs, batch.targets).cost.backward()
        optimizer.step()
    assert model.m.item() == pytest.approx(2.0, abs=0.01)
    with no_grad():
        score = task.score(unroll(model, task.test.xs).outputs, task.test)
    assert score == pytest.approx(task.baselines()["true mass 2"], rel=0.01)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"m": 0.0}, "m is 0.0: expected a positive number"),
        ({"dt": -1.0}, "dt is -1.0: expected a positive number"),
        ({"T": 0}, "T is 0"),
        ({"noise": -1.0}, "noise is -1.0: expected a standard deviation"),
        ({"x0": np.nan}, "x0 is nan: expected a finite number"),
    ],
)
def test_what_cannot_be_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Mass(**options)
