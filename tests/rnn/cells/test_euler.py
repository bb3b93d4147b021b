"""Euler's method as a cell: against the loop in plain NumPy, reference derivatives, and in the figure."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.rnn.cells import EulerOscillator
from minigrad.rnn.dynamics import flow, oscillator
from minigrad.rnn.unrolling import unroll

MASS = {
    "dt": 0.1, "steps": 50, "m_true": 2.0, "m": 1.0, "x0": 1.0, "v0": 0.0,
    "C": 0.0973069076564421, "dC_dm": -0.390181436660452, "d2C_dm2": 1.6273135744818183, "x_N": 0.028878742882988195,
}  # fmt: skip
"""C(m) = Σ_{i=1}^N (x_i(m) - x_i(m_true))² / 2N under the force 0.2 cos(0.5 t): mpmath, to 40 digits and rounded."""

numbers = st.floats(-3, 3)
masses = st.floats(0.2, 5)


def forces(steps, dt=0.1):
    return 0.2 * np.cos(0.5 * dt * np.arange(steps))[:, None]


@given(masses, st.floats(0.01, 0.5), numbers, numbers, st.integers(1, 20))
def test_it_is_eulers_method(m, dt, x0, v0, steps):
    force = oscillator.Harmonic(0.2, 0.5)
    problem = oscillator.Oscillator(m, x0, v0, force)
    _, states = oscillator.simulate(problem, "euler", dt=dt, steps=steps)
    run = unroll(EulerOscillator(m, dt=dt, x0=x0, v0=v0), force(dt * np.arange(steps))[:, None])
    np.testing.assert_allclose([h.data for h in run["h"]], states[1:], rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(run.outputs, np.stack(run["h"]).data[:, :1])


def cost(m):
    """C as above, and x_N."""
    model, steps = EulerOscillator(dt=MASS["dt"], x0=MASS["x0"], v0=MASS["v0"]), MASS["steps"]
    wanted = unroll(EulerOscillator(MASS["m_true"]), forces(steps)).outputs
    model.m = m
    run = unroll(model, forces(steps), wanted)
    return run.cost / (2 * steps), run["y"][-1]


def test_cost_and_derivatives_are_the_reference_numbers():
    value, last = cost(mg.Tensor(MASS["m"], requires_grad=True))
    assert value.item() == pytest.approx(MASS["C"], rel=1e-13)
    assert last.item() == pytest.approx(MASS["x_N"], rel=1e-12)
    of_mass = lambda m: cost(m)[0]
    assert mg.grad(of_mass)(MASS["m"]) == pytest.approx(MASS["dC_dm"], rel=1e-13)
    assert mg.grad(mg.grad(of_mass))(MASS["m"]) == pytest.approx(MASS["d2C_dm2"], rel=1e-12)


def test_its_jacobians_are_w():
    run = unroll(EulerOscillator(1.7, dt=0.2), forces(4), np.zeros((4, 1)))
    W, _ = oscillator.euler_as_rnn(1.7, 0.2)
    np.testing.assert_allclose(flow.step_jacobians(run), [W] * 4, rtol=1e-15)


def test_every_sequence_starts_at_the_same_place():
    found = EulerOscillator(x0=2.0, v0=-1.0, dtype=np.float32).initial((3,))["h"]
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, [[2.0, -1.0]] * 3)


def test_the_mass_is_the_only_parameter_and_is_saved(tmp_path):
    model, other = EulerOscillator(1.5), EulerOscillator(1.0)
    assert {name: p.shape for name, p in model.parameters().items()} == {"m": ()}
    other.load(model.save(tmp_path / "mass.npz"))
    assert other.m.item() == 1.5


def test_the_figure_shows_one_bus_the_masses():
    run = unroll(EulerOscillator(), forces(3), np.zeros((3, 1)))
    drawing = mg.rnn.draw(run)
    assert "m" in drawing.source
    assert list(run.steps[0]) == ["x", "h", "y", "C"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"m": 0.0}, r"m is 0\.0: expected a positive number"),
        ({"dt": -1.0}, r"dt is -1\.0: expected a positive number"),
        ({"x0": np.nan}, "x0 is nan: expected a finite number"),
        ({"v0": np.inf}, "v0 is inf: expected a finite number"),
    ],
)
def test_what_cannot_be_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        EulerOscillator(**options)


def test_a_mass_that_has_become_negative_is_told():
    model = EulerOscillator()
    model.m.data = -0.5
    with pytest.raises(ValueError, match=r"m is -0\.5: expected a positive number"):
        unroll(model, forces(2))
