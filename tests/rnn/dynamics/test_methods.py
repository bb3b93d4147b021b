"""The methods: properties of every one first, then the reference numbers, then gradients and errors.

The judge is a second implementation, `textbook`: each method as the books write it, in scalars. It takes complex
numbers, so that derivatives come from it to the last digit, by the complex step Im f(x + ih)/h.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from minigrad.engine.tensor import Tensor
from minigrad.rnn.dynamics.methods import (
    NODES,
    euler_as_rnn,
    input_matrix,
    inputs,
    simulate,
    step_matrix,
    symplectic_invariant,
)
from minigrad.rnn.dynamics.motion import Harmonic, Oscillator, energy, exact
from tests.rnn.dynamics.motions import dts, masses, numbers, properties, starts

METHODS = tuple(NODES)
ORDER = {"euler": 1, "symplectic": 1, "implicit": 1, "rk4": 4}

every_method = pytest.mark.parametrize("method", METHODS)


def no_force(t):
    return 0.0


def textbook(method, m, x, v, force, dt, steps):
    """(x, v) after each step, as two lists."""

    def rate(t, x, v):
        return v, (force(t) - x) / m

    xs, vs = [x], [v]
    for i in range(steps):
        t = i * dt
        if method == "euler":
            dx, dv = rate(t, x, v)
            x, v = x + dt * dx, v + dt * dv
        elif method == "symplectic":
            v = v + dt * rate(t, x, v)[1]
            x = x + dt * v
        elif method == "implicit":  # x' = x + Δv' and v' = v + Δ(F' - x')/m, solved for v'
            v = (v + dt * (force(t + dt) - x) / m) / (1 + dt * dt / m)
            x = x + dt * v
        else:
            k1 = rate(t, x, v)
            k2 = rate(t + dt / 2, x + dt / 2 * k1[0], v + dt / 2 * k1[1])
            k3 = rate(t + dt / 2, x + dt / 2 * k2[0], v + dt / 2 * k2[1])
            k4 = rate(t + dt, x + dt * k3[0], v + dt * k3[1])
            x = x + dt / 6 * (k1[0] + 2 * k2[0] + 2 * k3[0] + k4[0])
            v = v + dt / 6 * (k1[1] + 2 * k2[1] + 2 * k3[1] + k4[1])
        xs.append(x)
        vs.append(v)
    return xs, vs


def spectral_radius(matrix):
    return np.abs(np.linalg.eigvals(matrix)).max()


# -- the methods are what the books say -------------------------------------------------------------------------------


@every_method
@properties
@given(m=masses, start=starts, dt=dts, omega=st.floats(0.0, 5.0), phase=numbers)
def test_methods_are_the_textbooks(method, m, start, dt, omega, phase):
    force = Harmonic(1.3, omega, phase)
    times, states = simulate(Oscillator(m, *start, force), method, dt=dt, steps=20)
    expected = np.stack(textbook(method, m, *start, force, dt, 20), axis=1)
    np.testing.assert_allclose(states, expected, rtol=1e-11, atol=1e-11 * np.abs(expected).max())
    np.testing.assert_array_equal(times, dt * np.arange(21))


@every_method
@properties
@given(m=masses, dt=dts, start=starts)
def test_free_motion_is_the_power_of_the_step_matrix(method, m, dt, start):
    _, states = simulate(Oscillator(m, *start), method, dt=dt, steps=30)
    expected = np.linalg.matrix_power(step_matrix(method, m, dt), 30) @ start
    np.testing.assert_allclose(states[-1], expected, rtol=1e-11, atol=1e-11 * np.abs(states).max())


@every_method
def test_no_force_is_a_zero_force(method):
    free = simulate(Oscillator(1.7, 0.4, -0.9), method, steps=50)[1]
    np.testing.assert_array_equal(simulate(Oscillator(1.7, 0.4, -0.9, no_force), method, steps=50)[1], free)


@every_method
@properties
@given(m=masses, dt=dts, force=st.floats(-2.0, 2.0))
def test_rest_under_a_constant_force_is_kept(method, m, dt, force):
    _, states = simulate(Oscillator(m, force, 0.0, lambda t: force), method, dt=dt, steps=10)
    np.testing.assert_allclose(states, np.tile([force, 0.0], (11, 1)), atol=1e-12 * (1 + 1 / m) ** 10)


@pytest.mark.parametrize(
    "force",
    [None, Harmonic(0.7, 0.0, 0.4), Harmonic(0.7, 1.9, 0.4), Harmonic(0.7, -1.9, 0.4), Harmonic(0.7, 0.5, 0.4)],
    ids=["free", "constant", "harmonic", "negative", "resonance"],
)
@every_method
def test_order_of_convergence(method, force):
    oscillator = Oscillator(4.0, 0.8, 0.6, force)  # in resonance with ω = 1/√4

    def error(steps):
        times, states = simulate(oscillator, method, dt=5.0 / steps, steps=steps)
        return np.linalg.norm(states[-1] - exact(oscillator, times[-1]))

    n = 1000 if ORDER[method] == 1 else 100
    assert math.log2(error(n) / error(2 * n)) == pytest.approx(ORDER[method], abs=0.05)


def test_a_sampled_force_brings_rk4_down_to_order_two():
    smooth = Harmonic(1.0, 2.0)

    def error(steps):
        sample_times = 5.0 / steps * np.arange(steps + 1)
        samples = smooth(sample_times)
        sampled = Oscillator(force=lambda t: np.interp(t, sample_times, samples))
        states = simulate(sampled, "rk4", dt=5.0 / steps, steps=steps)[1]
        return np.linalg.norm(states[-1] - exact(Oscillator(force=smooth), 5.0))

    assert math.log2(error(100) / error(200)) == pytest.approx(2, abs=0.05)


# -- spectra, energies and invariants ---------------------------------------------------------------------------------


@properties
@given(m=masses, dt=dts)
def test_euler_eigenvalues(m, dt):
    eigenvalues = np.linalg.eigvals(step_matrix("euler", m, dt))
    expected = 1 + 1j * dt / math.sqrt(m)
    np.testing.assert_allclose(eigenvalues[np.argsort(eigenvalues.imag)], [expected.conjugate(), expected], rtol=1e-12)
    assert spectral_radius(step_matrix("euler", m, dt)) == pytest.approx(math.sqrt(1 + dt**2 / m), rel=1e-12)


@properties
@given(m=masses, dt=dts, start=starts)
def test_euler_energy_grows_by_the_same_factor_at_every_step(m, dt, start):
    energies = energy(simulate(Oscillator(m, *start), "euler", dt=dt, steps=40)[1], m)
    np.testing.assert_allclose(energies[1:] / energies[:-1], 1 + dt**2 / m, rtol=1e-12)


@properties
@given(m=masses, dt=dts, start=starts)
def test_implicit_euler_energy_decays_by_the_same_factor_at_every_step(m, dt, start):
    energies = energy(simulate(Oscillator(m, *start), "implicit", dt=dt, steps=40)[1], m)
    np.testing.assert_allclose(energies[:-1] / energies[1:], 1 + dt**2 / m, rtol=1e-12)
    assert spectral_radius(step_matrix("implicit", m, dt)) ** 2 == pytest.approx(1 / (1 + dt**2 / m), rel=1e-12)


@properties
@given(m=masses, theta=st.floats(0.01, 1.99), start=starts)
def test_symplectic_euler_keeps_its_invariant_and_the_area(m, theta, start):
    dt = theta * math.sqrt(m)
    states = simulate(Oscillator(m, *start), "symplectic", dt=dt, steps=200)[1]
    invariant = symplectic_invariant(states, m, dt)
    assert invariant[0] == pytest.approx(
        (m * start[1] ** 2 + start[0] ** 2 - dt * start[0] * start[1]) / 2, rel=1e-12, abs=1e-12
    )
    # The states are as much larger than the invariant as the ellipse is elongated, and rounding is relative to them.
    np.testing.assert_allclose(invariant, invariant[0], rtol=0, atol=1e-12 * energy(states, m).max())
    matrix = step_matrix("symplectic", m, dt)
    assert np.linalg.det(matrix) == pytest.approx(1, rel=1e-12)
    assert spectral_radius(matrix) == pytest.approx(1, rel=1e-10)


@properties
@given(m=masses, theta=st.floats(2.01, 4.0))
def test_symplectic_euler_is_unstable_beyond_two(m, theta):
    matrix = step_matrix("symplectic", m, theta * math.sqrt(m))
    assert np.linalg.det(matrix) == pytest.approx(1, rel=1e-9)
    assert spectral_radius(matrix) > 1.1


@properties
@given(m=masses, theta=st.floats(0.01, 4.0), start=starts)
@example(m=1.0, theta=2 * math.sqrt(2), start=(1.0, 0.0))
def test_rk4_amplification(m, theta, start):
    dt = theta * math.sqrt(m)
    squared = 1 - theta**6 / 72 + theta**8 / 576
    assert spectral_radius(step_matrix("rk4", m, dt)) ** 2 == pytest.approx(squared, rel=1e-9)
    energies = energy(simulate(Oscillator(m, *start), "rk4", dt=dt, steps=3)[1], m)
    np.testing.assert_allclose(energies[1:] / energies[:-1], squared, rtol=1e-9)


@pytest.mark.parametrize("m", [0.3, 1.0, 5.0])
def test_rk4_stability_bound(m):
    bound = 2 * math.sqrt(2) * math.sqrt(m)
    assert spectral_radius(step_matrix("rk4", m, bound * 0.999)) < 1
    assert spectral_radius(step_matrix("rk4", m, bound)) == pytest.approx(1, rel=1e-12)
    assert spectral_radius(step_matrix("rk4", m, bound * 1.001)) > 1


# -- Euler's method is a recurrent network ----------------------------------------------------------------------------


@properties
@given(m=masses, dt=dts, start=starts, seed=st.integers(0, 1000))
def test_euler_is_a_linear_rnn(m, dt, start, seed):
    steps = 50
    samples = np.random.default_rng(seed).normal(size=steps)
    W, U = euler_as_rnn(m, dt)
    np.testing.assert_array_equal(W, [[1, dt], [-dt / m, 1]])
    np.testing.assert_array_equal(U, [[0], [dt / m]])
    h = np.array(start)
    hs = [h]
    for F in samples:
        h = U @ [F] + W @ h
        hs.append(h)
    _, states = simulate(Oscillator(m, *start, lambda t: samples), "euler", dt=dt, steps=steps)
    np.testing.assert_allclose(states, hs, rtol=1e-12, atol=1e-12 * np.abs(hs).max())


@every_method
def test_every_method_is_a_linear_rnn(method):
    oscillator = Oscillator(0.7, 0.3, -0.5, Harmonic(1.1, 2.0, 0.2))
    W, U = step_matrix(method, 0.7, 0.1), input_matrix(method, 0.7, 0.1)
    xs = inputs(oscillator.force, method, dt=0.1, steps=40)
    h = np.array([0.3, -0.5])
    for x in xs:
        h = W @ h + U @ x
    np.testing.assert_allclose(simulate(oscillator, method, dt=0.1, steps=40)[1][-1], h, rtol=1e-12)


@every_method
def test_inputs_are_the_forces_at_the_nodes(method):
    xs = inputs(lambda t: t, method, dt=0.5, steps=3)
    nodes = {"euler": [0], "symplectic": [0], "implicit": [0.5], "rk4": [0, 0.25, 0.5]}[method]
    np.testing.assert_array_equal(xs, np.array([[0.0], [0.5], [1.0]]) + nodes)


def test_gradient_of_the_recurrent_matrix_is_the_sum_over_time():
    """dC/dW = Σ_t (Wᵀ)^{T-t} e h_{t-1}ᵀ, e = ∂C/∂h_T, for a cost of the last state."""
    steps, e = 100, np.array([0.3, -1.2])
    values, U = euler_as_rnn(0.8, 0.1)
    W = Tensor(values, requires_grad=True)
    samples = inputs(Harmonic(), dt=0.1, steps=steps)
    h = Tensor([1.0, 0.5])
    hs = [h.data]
    for F in samples:
        h = U @ F + W @ h
        hs.append(h.data)
    (e @ h).backward()
    power = np.linalg.matrix_power
    expected = sum(np.outer(power(values.T, steps - t) @ e, hs[t - 1]) for t in range(1, steps + 1))
    np.testing.assert_allclose(W.grad, expected, rtol=1e-10)


# -- reference numbers ------------------------------------------------------------------------------------------------


def test_reference_energy_growth():
    states = simulate(Oscillator(), "euler", dt=0.1, steps=1000)[1]
    energies = energy(states, 1.0)
    assert f"{energies[-1] / energies[0]:.4f}" == "20959.1556"
    assert energies[-1] / energies[0] == pytest.approx((1 + 0.1**2) ** 1000, rel=1e-12)


def test_reference_matrices():
    m, dt = 0.5, 0.25
    np.testing.assert_array_equal(step_matrix("euler", m, dt), [[1, 0.25], [-0.5, 1]])
    np.testing.assert_array_equal(step_matrix("symplectic", m, dt), [[1 - 0.125, 0.25], [-0.5, 1]])
    np.testing.assert_allclose(step_matrix("implicit", m, dt), np.linalg.inv([[1, -0.25], [0.5, 1]]), rtol=1e-15)
    z = np.array([[0, 0.25], [-0.5, 0]])
    taylor = np.eye(2) + z + z @ z / 2 + z @ z @ z / 6 + z @ z @ z @ z / 24
    np.testing.assert_allclose(step_matrix("rk4", m, dt), taylor, rtol=1e-15)


# -- gradients through a thousand steps -------------------------------------------------------------------------------

POINT = {"m": 1.3, "x0": 0.8, "v0": -0.6, "dt": 0.07}


def gradients(method, component, force, steps):
    """The engine's derivatives of x_T or v_T, by name."""
    p = {name: Tensor(value, requires_grad=True, name=name) for name, value in POINT.items()}
    oscillator = Oscillator(p["m"], p["x0"], p["v0"], force)
    _, states = simulate(oscillator, method, dt=p["dt"], steps=steps)
    states[-1, component].backward()
    return {name: tensor.grad for name, tensor in p.items()}


def complex_step(method, component, force, steps):
    """The same derivatives, from the textbook's method."""

    def derivative(name):
        p = {**POINT, name: POINT[name] + 1e-100j}
        return textbook(method, p["m"], p["x0"], p["v0"], force, p["dt"], steps)[component][-1].imag / 1e-100

    return {name: derivative(name) for name in POINT}


@pytest.mark.parametrize("component", [0, 1], ids=["x", "v"])
@pytest.mark.parametrize("forced", [False, True], ids=["free", "forced"])
@every_method
def test_gradients_through_a_thousand_steps_are_the_complex_step_s(method, forced, component):
    force = Harmonic(0.9, 1.7, 0.3) if forced else None
    found = gradients(method, component, force, 1000)
    expected = complex_step(method, component, force or no_force, 1000)
    for name in POINT:
        assert found[name] == pytest.approx(expected[name], rel=1e-9), name


@pytest.mark.parametrize("component", [0, 1], ids=["x", "v"])
@pytest.mark.parametrize("method", ["euler", "implicit", "rk4"])
def test_gradients_of_the_free_oscillator_are_the_analytic_ones(method, component):
    """With w = x - i√m v a step is w ← R(iθ) w, θ = Δ/√m: w_T = R(iθ)^T w_0 is differentiated by hand."""
    steps = 1000
    m, x0, v0, dt = (POINT[name] for name in ("m", "x0", "v0", "dt"))
    root = math.sqrt(m)
    z = 1j * dt / root
    R, slope = {
        "euler": (1 + z, 1),
        "implicit": (1 / (1 - z), 1 / (1 - z) ** 2),
        "rk4": (1 + z + z**2 / 2 + z**3 / 6 + z**4 / 24, 1 + z + z**2 / 2 + z**3 / 6),
    }[method]
    w0 = x0 - 1j * root * v0
    along_z = steps * R ** (steps - 1) * slope * w0
    dw = {
        "m": along_z * -z / (2 * m) + R**steps * -1j * v0 / (2 * root),
        "x0": R**steps,
        "v0": R**steps * -1j * root,
        "dt": along_z * 1j / root,
    }
    found = gradients(method, component, None, steps)
    v_last = -(R**steps * w0).imag / root
    for name in POINT:
        expected = dw[name].real if component == 0 else -dw[name].imag / root
        if component == 1 and name == "m":
            expected -= v_last / (2 * m)  # v = -Im w/√m depends on m once more
        assert found[name] == pytest.approx(expected, rel=1e-9), name


@every_method
def test_gradients_are_the_numerical_ones(method):
    force, h = Harmonic(0.9, 1.7, 0.3), 1e-6

    def last(**changes):
        p = {**POINT, **changes}
        return simulate(Oscillator(p["m"], p["x0"], p["v0"], force), method, dt=p["dt"], steps=100)[1][-1, 0]

    found = gradients(method, 0, force, 100)
    for name, value in POINT.items():
        numerical = (last(**{name: value + h}) - last(**{name: value - h})) / (2 * h)
        assert found[name] == pytest.approx(numerical, rel=1e-6), name


def test_gradient_of_the_force_s_parameters():
    p = [Tensor(value, requires_grad=True) for value in (0.9, 1.7, 0.3)]
    states = simulate(Oscillator(force=Harmonic(*p)), "rk4", steps=100)[1]
    states[-1, 0].backward()

    def last(values):
        return textbook("rk4", 1.0, 1.0, 0.0, Harmonic(*values), 0.1, 100)[0][-1]

    class ComplexForce:
        """`Harmonic` refuses complex numbers, and is right to."""

        def __init__(self, a, omega, phase):
            self.a, self.omega, self.phase = a, omega, phase

        def __call__(self, t):
            return self.a * np.cos(self.omega * t + self.phase)

    for i, tensor in enumerate(p):
        values = [0.9, 1.7, 0.3]
        values[i] += 1e-100j
        derivative = textbook("rk4", 1.0, 1.0, 0.0, ComplexForce(*values), 0.1, 100)[0][-1].imag / 1e-100
        assert tensor.grad == pytest.approx(derivative, rel=1e-10)


# -- what goes in and what comes out ----------------------------------------------------------------------------------


@every_method
def test_numbers_give_arrays(method):
    times, states = simulate(Oscillator(m=1, x0=1, v0=0, force=lambda t: 1), method, dt=1, steps=3)
    assert type(times) is np.ndarray and times.shape == (4,) and times.dtype == np.float64
    assert type(states) is np.ndarray and states.shape == (4, 2) and states.dtype == np.float64
    np.testing.assert_array_equal(states, np.tile([1.0, 0.0], (4, 1)))


@every_method
def test_tensors_and_numbers_agree(method):
    force = Harmonic(0.9, 1.7, 0.3)
    times, states = simulate(Oscillator(1.3, 0.8, -0.6, force), method, dt=0.1, steps=20)
    for name in POINT:
        p: dict = {"m": 1.3, "x0": 0.8, "v0": -0.6, "dt": 0.1}
        p[name] = Tensor(p[name], requires_grad=True)
        t, s = simulate(Oscillator(p["m"], p["x0"], p["v0"], force), method, dt=p["dt"], steps=20)
        assert isinstance(s, Tensor) and s.requires_grad
        assert isinstance(t, Tensor) == (name == "dt")
        np.testing.assert_array_equal(s.data, states)
        np.testing.assert_array_equal(t.data if name == "dt" else t, times)


@pytest.mark.parametrize("name", ["m", "x0", "v0", "dt"])
@every_method
def test_float32_stays_float32(method, name):
    p: dict = {"m": 1.3, "x0": 0.8, "v0": -0.6, "dt": 0.1}
    p[name] = Tensor(p[name], requires_grad=True, dtype=np.float32)
    _, states = simulate(Oscillator(p["m"], p["x0"], p["v0"], Harmonic()), method, dt=p["dt"], steps=5)
    assert states.dtype == np.float32
    states[-1, 0].backward()
    assert p[name].grad.dtype == np.float32


def test_a_tensor_may_be_the_sampled_force():
    samples = Tensor(np.zeros(30), requires_grad=True)
    states = simulate(Oscillator(force=lambda t: samples), "euler", dt=0.1, steps=30)[1]
    states[-1, 0].backward()
    W, U = euler_as_rnn(1.0, 0.1)
    impulse_response = [(np.linalg.matrix_power(W, 29 - i) @ U)[0, 0] for i in range(30)]
    np.testing.assert_allclose(samples.grad, impulse_response, rtol=1e-12, atol=1e-15)


# -- errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [0.0, -1.0, math.nan, math.inf, Tensor(-1.0)])
@pytest.mark.parametrize(
    "call",
    [
        lambda bad: Oscillator(m=bad),
        lambda bad: step_matrix("euler", bad, 0.1),
        lambda bad: input_matrix("euler", bad, 0.1),
        lambda bad: energy(np.ones(2), bad),
        lambda bad: symplectic_invariant(np.ones(2), bad, 0.1),
    ],
)
def test_bad_mass(call, bad):
    with pytest.raises(ValueError, match=rf"m is {float(bad)}: expected a (positive|finite) number, as in m="):
        call(bad)


@pytest.mark.parametrize("bad", [0.0, -0.1, math.nan, math.inf, Tensor(-1.0)])
@pytest.mark.parametrize(
    "call",
    [
        lambda bad: simulate(Oscillator(), dt=bad),
        lambda bad: inputs(no_force, dt=bad),
        lambda bad: step_matrix("rk4", 1.0, bad),
        lambda bad: input_matrix("rk4", 1.0, bad),
        lambda bad: euler_as_rnn(1.0, bad),
        lambda bad: symplectic_invariant(np.ones(2), 1.0, bad),
    ],
)
def test_bad_step(call, bad):
    with pytest.raises(ValueError, match=rf"dt is {float(bad)}: expected a (positive|finite) number, as in dt="):
        call(bad)


@pytest.mark.parametrize("bad", [0, -3, 2.0, "ten"])
def test_bad_steps(bad):
    for call in (lambda: simulate(Oscillator(), steps=bad), lambda: inputs(no_force, steps=bad)):
        with pytest.raises(ValueError, match=f"steps is {bad!r}: expected how many steps to take, an integer"):
            call()


def test_unknown_method():
    for call in (
        lambda: simulate(Oscillator(), "heun"),
        lambda: inputs(no_force, "heun"),
        lambda: step_matrix("heun", 1.0, 0.1),
        lambda: input_matrix("heun", 1.0, 0.1),
    ):
        with pytest.raises(ValueError, match="'heun': choose one of 'euler', 'symplectic', 'implicit', 'rk4'"):
            call()


@pytest.mark.parametrize("as_tensor", [False, True])
def test_force_that_is_not_finite(as_tensor):
    def force(t):
        values = np.where(t > 0.45, np.nan, 1.0)
        return Tensor(values) if as_tensor else values

    with pytest.raises(ValueError, match=r"the force is nan at t = 0\.5: return finite numbers"):
        simulate(Oscillator(force=force), dt=0.1, steps=10)
    simulate(Oscillator(force=force), dt=0.1, steps=5)  # the last force is asked for at t = 0.4
    with pytest.raises(ValueError, match=r"the force is inf at t = 0:"):
        simulate(Oscillator(force=lambda t: math.inf))


def test_force_of_the_wrong_shape():
    with pytest.raises(ValueError, match=r"values of shape \(7,\) for times of shape \(10,\): return one number"):
        simulate(Oscillator(force=lambda t: np.zeros(7)), steps=10)


@pytest.mark.parametrize("force", [lambda t: 1.0 if t < 3 else 0.0, lambda t: math.sin(t)])
def test_force_written_for_single_times(force):
    with pytest.raises((TypeError, ValueError)) as caught:
        simulate(Oscillator(force=force), steps=10)
    assert "write np.sin, not math.sin, and np.where, not if" in caught.value.__notes__[0]


def test_states_of_the_wrong_shape():
    for call in (lambda s: energy(s, 1.0), lambda s: symplectic_invariant(s, 1.0, 0.1)):
        with pytest.raises(ValueError, match=r"states of shape \(2, 3\): expected \(\.\.\., 2\)"):
            call(np.ones((2, 3)))
