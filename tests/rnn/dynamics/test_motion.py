"""The exact motion: derived in another way first, then the reference numbers, gradients and errors."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.engine.tensor import Tensor
from minigrad.rnn.dynamics.motion import Harmonic, Oscillator, energy, exact
from tests.rnn.dynamics.motions import masses, numbers, properties, starts


@properties
@given(m=masses, start=starts, t=st.floats(0.0, 50.0))
def test_exact_free_motion(m, start, t):
    omega0 = 1 / math.sqrt(m)
    c, s = math.cos(omega0 * t), math.sin(omega0 * t)
    expected = [start[0] * c + start[1] / omega0 * s, start[1] * c - start[0] * omega0 * s]
    states = exact(Oscillator(m, *start), t)
    np.testing.assert_allclose(states, expected, rtol=1e-12, atol=1e-12)
    assert energy(states, m) == pytest.approx(energy(np.array(start), m), rel=1e-12)


@properties
@given(m=masses, start=starts, ratio=st.one_of(st.floats(0.0, 0.9), st.floats(1.1, 4.0)), phase=numbers)
def test_exact_forced_motion_is_the_method_of_undetermined_coefficients(m, start, ratio, phase):
    x0, v0 = start
    omega0, a = 1 / math.sqrt(m), 0.7
    omega = ratio * omega0
    t = np.linspace(0, 30, 50)
    gain = a / (1 - m * omega**2)  # of the particular solution gain · cos(ωt + φ)
    c1, c2 = x0 - gain * math.cos(phase), (v0 + gain * omega * math.sin(phase)) / omega0
    x = c1 * np.cos(omega0 * t) + c2 * np.sin(omega0 * t) + gain * np.cos(omega * t + phase)
    v = omega0 * (c2 * np.cos(omega0 * t) - c1 * np.sin(omega0 * t)) - gain * omega * np.sin(omega * t + phase)
    states = exact(Oscillator(m, x0, v0, Harmonic(a, omega, phase)), t)
    np.testing.assert_allclose(states, np.stack([x, v], axis=1), atol=1e-10)


@pytest.mark.parametrize("detuning", [0.0, 1e-13, -1e-10])
@properties
@given(m=masses, phase=numbers)
def test_exact_motion_at_and_near_resonance(detuning, m, phase):
    oscillator = Oscillator(m, 0.0, 0.0)
    omega0, a, t = oscillator.natural_frequency, 0.7, np.linspace(0, 30, 50)
    # The particular solution a t sin(ω_0 t + φ)/(2mω_0), and the free motion that takes away its velocity at 0.
    scale = a / (2 * m * omega0)
    x = scale * (t * np.sin(omega0 * t + phase) - math.sin(phase) / omega0 * np.sin(omega0 * t))
    v = scale * (
        np.sin(omega0 * t + phase) + omega0 * t * np.cos(omega0 * t + phase) - math.sin(phase) * np.cos(omega0 * t)
    )
    force = Harmonic(a, omega0 * (1 + detuning), phase)
    states = exact(Oscillator(m, 0.0, 0.0, force), t)
    np.testing.assert_allclose(states, np.stack([x, v], axis=1), atol=1e-11 + 1e4 * abs(detuning))


@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
def test_exact_keeps_the_shape_of_the_times(shape):
    assert exact(Oscillator(force=Harmonic()), np.ones(shape)).shape == (*shape, 2)


@pytest.mark.parametrize(("m", "printed"), [(1.0, "0.9999990"), (2.0, "0.9999995")])
def test_reference_persistence(m, printed):
    """Predicting that nothing changes scores R² = 1 - Δ²/m over whole periods."""
    steps = round(2 * math.pi * math.sqrt(m) / 0.001)
    x = exact(Oscillator(m), 0.001 * np.arange(steps + 1))[:, 0]
    r2 = 1 - np.sum((x[1:] - x[:-1]) ** 2) / np.sum((x[1:] - x[1:].mean()) ** 2)
    assert f"{r2:.7f}" == printed
    assert 1 - r2 == pytest.approx(0.001**2 / m, rel=1e-3)


def test_gradient_of_exact_free_motion_and_energy():
    m, x0, v0, t = 1.3, 0.8, -0.6, 2.1
    p = [Tensor(value, requires_grad=True) for value in (m, x0, v0)]
    state = exact(Oscillator(*p), t)
    state[0].backward()
    root = math.sqrt(m)
    c, s = math.cos(t / root), math.sin(t / root)
    # x = x_0 cos(t/√m) + v_0 √m sin(t/√m)
    expected = [x0 * s * t / (2 * m * root) + v0 * (s / (2 * root) - c * t / (2 * m)), c, root * s]
    np.testing.assert_allclose([tensor.grad for tensor in p], expected, rtol=1e-12)

    states = Tensor([[0.8, -0.6]], requires_grad=True)
    mass = Tensor(1.3, requires_grad=True)
    energy(states, mass).sum().backward()
    np.testing.assert_allclose(states.grad, [[0.8, 1.3 * -0.6]], rtol=1e-15)
    assert mass.grad == pytest.approx(0.6**2 / 2)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, Tensor(math.nan)])
@pytest.mark.parametrize("name", ["x0", "v0"])
def test_bad_start(name, bad):
    with pytest.raises(ValueError, match=f"{name} is {float(bad)}: expected a finite number"):
        Oscillator(**{name: bad})


@pytest.mark.parametrize("name", ["amplitude", "omega", "phase"])
def test_bad_harmonic(name):
    with pytest.raises(ValueError, match=f"{name} is nan: expected a finite number"):
        Harmonic(**{name: math.nan})


@pytest.mark.parametrize("name", ["m", "x0", "v0"])
def test_one_oscillator_at_a_time(name):
    with pytest.raises(ValueError, match=rf"{name} has shape \(2,\): expected a single number"):
        Oscillator(**{name: Tensor([1.0, 2.0])})


def test_exact_knows_its_limits():
    with pytest.raises(TypeError, match="no closed form for the force"):
        exact(Oscillator(force=lambda t: 0.0), 1.0)
    with pytest.raises(ValueError, match="not all finite"):
        exact(Oscillator(), [0.0, math.nan])


@pytest.mark.parametrize("omega", [0.6, 1.0, 1.0 + 1e-9])  # off resonance, in it, and next to it
def test_the_exact_motion_is_differentiable_at_resonance_too(omega):
    m = Tensor(1.0, requires_grad=True)
    x = exact(Oscillator(m, force=Harmonic(0.5, omega)), 7.0)[0]
    x.backward()
    step = 1e-4
    above, below = (exact(Oscillator(1.0 + s, force=Harmonic(0.5, omega)), 7.0)[0] for s in (step, -step))
    assert m.grad == pytest.approx((above - below) / (2 * step), rel=1e-6)
