"""The oscillator m x'' + x = F(t), and why stepping through it is already a recurrent network.

This is where the lecture opens. A differential equation is solved by small steps: with the state s = (x, v), Euler's
method is s_{i+1} = h(s_i, F_i), the same function applied over and over to the last state and the next input. That is
the definition of a recurrent network, and since h is linear here, the network is

    s_{i+1} = W s_i + U F_i,        W = [[1, Δ], [-Δ/m, 1]],        U = (0, Δ/m)ᵀ.

Its eigenvalues 1 ± iΔ/√m lie outside the unit circle: the first exploding network of the story. The other classical
methods are linear networks too, and differ in nothing but their matrices. So there is one loop in this file,
`simulate`, and two tables, `step_matrix` (the W of each method) and `input_matrix` (its U):

    "euler"       explicit Euler: both derivatives where the step starts                          order 1
    "symplectic"  symplectic Euler: v first, then x with the new v                                order 1
    "implicit"    implicit Euler: both derivatives where the step ends                            order 1
    "rk4"         the classical Runge-Kutta method (Kutta 1901), which asks for F at half steps   order 4

m, Δ, x_0 and v_0 may be tensors. The loop is then recorded, and back-propagation through it answers how the state after
a thousand steps depends on each of them. Units are those in which the spring constant is 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from minigrad.engine.tensor import Tensor

Scalar: TypeAlias = float | Tensor
Force: TypeAlias = Callable[[Any], Any]

NODES: dict[str, tuple[float, ...]] = {
    "euler": (0.0,),
    "symplectic": (0.0,),
    "implicit": (1.0,),
    "rk4": (0.0, 0.5, 1.0),
}
"""The methods, and where in a step each of them asks for the force: at the times t_i + cΔ, one c a column of U."""


# -- the problem ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Harmonic:
    """The force F(t) = a cos(ωt + φ), for which the oscillator can be solved `exact` ly.

    Parameters
    ----------
    amplitude, omega, phase : float or Tensor
        a, ω (radians per unit of time; 0 gives a constant force) and φ (radians).

    Raises
    ------
    ValueError
        If one of them is not a finite number.
    """

    amplitude: Scalar = 1.0
    omega: Scalar = 1.0
    phase: Scalar = 0.0

    def __post_init__(self) -> None:
        _finite("amplitude", self.amplitude)
        _finite("omega", self.omega)
        _finite("phase", self.phase)

    def __call__(self, t: Any) -> Any:
        return self.amplitude * np.cos(self.omega * t + self.phase)


@dataclass(frozen=True)
class Oscillator:
    """The initial value problem m x'' + x = F(t), x(0) = x_0, x'(0) = v_0.

    Parameters
    ----------
    m : float or Tensor
        Mass, positive.
    x0, v0 : float or Tensor
        Position and velocity at time 0.
    force : callable, optional
        F, called with all times at once, an array (T,) (a tensor if Δ is one); it returns as many values, or a single
        one for a constant force. None for free oscillation. For a force that is known at samples only, pass
        ``lambda t: np.interp(t, sample_times, samples)``; if they are Δ apart, "rk4" comes down to order 2.

    Raises
    ------
    ValueError
        If ``m`` is not positive, or ``x0`` or ``v0`` not finite, or one of them not a single number.
    """

    m: Scalar = 1.0
    x0: Scalar = 1.0
    v0: Scalar = 0.0
    force: Force | None = None

    def __post_init__(self) -> None:
        _positive("m", self.m)
        _finite("x0", self.x0)
        _finite("v0", self.v0)

    @property
    def natural_frequency(self) -> Any:
        """ω_0 = 1/√m, in radians per unit of time: of free oscillation, and of a force that is in resonance."""
        return 1 / np.sqrt(self.m)


# -- the methods are matrices -----------------------------------------------------------------------------------------


def step_matrix(method: str, m: Scalar, dt: Scalar) -> Any:
    """The matrix A of one step, s_{i+1} = A s_i + B f_i, which acts on the state s = (x, v).

    With θ = Δ/√m the eigenvalues have the modulus

    - "euler": √(1 + θ²), always growing;
    - "symplectic": 1 for θ < 2, and det A = 1 always;
    - "implicit": 1/√(1 + θ²), always decaying;
    - "rk4": √(1 - θ⁶/72 + θ⁸/576), at most 1 for θ ≤ 2√2.

    Parameters
    ----------
    method : str
        One of `NODES`.
    m, dt : float or Tensor
        Mass and step Δ.

    Returns
    -------
    ndarray or Tensor (2, 2)

    Raises
    ------
    ValueError
        If the method is unknown, or ``m`` or ``dt`` is not positive.

    Notes
    -----
    For Runge-Kutta methods A is the stability function R at ΔL, where s' = Ls is the free oscillator (Hairer and
    Wanner 1996, chapter IV): R(z) = 1 + z, 1/(1 - z) and 1 + z + z²/2 + z³/6 + z⁴/24. Since (ΔL)² = -θ² it is a
    multiple of the identity plus a multiple of ΔL.
    """
    _check(method, m, dt)
    theta2 = dt * dt / m
    if method == "euler":
        return _matrix((1.0, dt), (-dt / m, 1.0))
    if method == "symplectic":
        return _matrix((1 - theta2, dt), (-dt / m, 1.0))
    if method == "implicit":
        return _matrix((1.0, dt), (-dt / m, 1.0)) / (1 + theta2)
    even, odd = 1 - theta2 / 2 + theta2 * theta2 / 24, 1 - theta2 / 6
    return _matrix((even, odd * dt), (-odd * dt / m, even))


def input_matrix(method: str, m: Scalar, dt: Scalar) -> Any:
    """The matrix B of one step, s_{i+1} = A s_i + B f_i, where f_i are the forces that the step asks for.

    Parameters
    ----------
    method : str
        One of `NODES`, which also says at which k times the forces are taken.
    m, dt : float or Tensor
        Mass and step Δ.

    Returns
    -------
    ndarray or Tensor (2, k)
        k = 1, and 3 for "rk4".

    Raises
    ------
    ValueError
        If the method is unknown, or ``m`` or ``dt`` is not positive.
    """
    _check(method, m, dt)
    kick = dt / m  # what a unit of force adds to the velocity in a step
    theta2 = dt * kick
    if method == "euler":
        return _matrix((0.0,), (kick,))
    if method == "symplectic":
        return _matrix((dt * kick,), (kick,))
    if method == "implicit":
        return _matrix((dt * kick,), (kick,)) / (1 + theta2)
    # The four stages of Kutta's method, written out for s' = Ls + bF; the two at the half step share one force.
    return _matrix(
        (dt * kick * (1 - theta2 / 4) / 6, dt * kick / 3, 0.0),
        (kick * (1 - theta2 / 2) / 6, kick * (4 - theta2 / 2) / 6, kick / 6),
    )


def euler_as_rnn(m: Scalar, dt: Scalar) -> tuple[Any, Any]:
    """Euler's method as the linear recurrent network h_t = W h_{t-1} + U F_{t-1}, with the state (x, v) as h.

    Parameters
    ----------
    m, dt : float or Tensor
        Mass and step Δ.

    Returns
    -------
    W : ndarray or Tensor (2, 2)
        [[1, Δ], [-Δ/m, 1]].
    U : ndarray or Tensor (2, 1)
        (0, Δ/m)ᵀ.

    Raises
    ------
    ValueError
        If ``m`` or ``dt`` is not positive.
    """
    return step_matrix("euler", m, dt), input_matrix("euler", m, dt)


# -- the loop ---------------------------------------------------------------------------------------------------------


def simulate(oscillator: Oscillator, method: str = "euler", *, dt: Scalar = 0.1, steps: int = 1000) -> tuple[Any, Any]:
    """Step through the oscillator's motion.

    Parameters
    ----------
    oscillator : Oscillator
    method : str
        "euler", "symplectic", "implicit" or "rk4".
    dt : float or Tensor
        The step Δ.
    steps : int
        How many, T.

    Returns
    -------
    times : ndarray (T + 1,)
        0, Δ, ..., TΔ. A tensor if ``dt`` is one.
    states : ndarray (T + 1, 2)
        (x, v) at these times. A tensor if one of m, Δ, x_0, v_0 and the force is.

    Raises
    ------
    ValueError
        If the method is unknown, ``m`` or ``dt`` not positive, ``steps`` not a positive integer, or the force does
        not give a finite number for each time.

    Examples
    --------
    How the position after a thousand steps depends on the mass:

    >>> m = Tensor(1.0, requires_grad=True)
    >>> times, states = simulate(Oscillator(m), "rk4", dt=0.1, steps=1000)
    >>> states[-1, 0].backward()
    >>> print(f"{m.grad:.3f}")
    -25.322
    """
    m, x0, v0 = oscillator.m, oscillator.x0, oscillator.v0
    dtype = np.result_type(m, dt, x0, v0, 1.0)
    times = _times(dt, steps)
    A = _as(dtype, step_matrix(method, m, dt))
    drive = None
    if oscillator.force is not None:
        forces = inputs(oscillator.force, method, dt=dt, steps=steps)
        drive = _as(dtype, forces) @ _as(dtype, input_matrix(method, m, dt)).T  # of all steps at once: (T, 2)
    state: Any = np.stack([_as(dtype, x0), _as(dtype, v0)])
    states = [state]
    for i in range(steps):
        state = A @ state if drive is None else A @ state + drive[i]
        states.append(state)
    return times, np.stack(states)


def inputs(force: Force, method: str = "euler", *, dt: Scalar = 0.1, steps: int = 1000) -> Any:
    """The forces that each step of a method asks for: the input sequence of the linear network.

    Parameters
    ----------
    force : callable
        As in `Oscillator`.
    method : str
        One of `NODES`.
    dt : float or Tensor
        The step Δ.
    steps : int
        How many, T.

    Returns
    -------
    ndarray or Tensor (T, k)
        F(t_i + cΔ), a column for each c of ``NODES[method]``: F(t_i) for "euler".

    Raises
    ------
    ValueError
        If the method is unknown, ``dt`` not positive, ``steps`` not a positive integer, or the force does not give
        a finite number for each time.
    """
    _known(method)
    starts = _times(dt, steps)[:-1]
    return np.stack([_force_at(force, starts + c * dt) for c in NODES[method]], axis=1)


def _force_at(force: Force, t: Any) -> Any:
    """The forces at the times ``t`` (T,), looked at before they enter the loop."""
    try:
        values = force(t)
    except (TypeError, ValueError) as error:  # such as `if t < 1` and `math.sin(t)` raise for arrays
        error.add_note("A force is called with all times at once: write np.sin, not math.sin, and np.where, not if.")
        raise
    if np.shape(values) not in ((), t.shape):
        raise ValueError(
            f"the force gave values of shape {np.shape(values)} for times of shape {t.shape}:"
            " return one number for each time, or a single number for a constant force"
        )
    finite = np.broadcast_to(np.isfinite(values), t.shape)
    if not finite.all():
        first = int(np.argmin(finite))
        value = np.broadcast_to(_raw(values), t.shape)[first]
        raise ValueError(
            f"the force is {value} at t = {float(t[first]):g}: return finite numbers up to the end of the last step,"
            " or simulate fewer steps"
        )
    return np.broadcast_to(values, t.shape)


# -- what the loop is measured against --------------------------------------------------------------------------------


def exact(oscillator: Oscillator, times: Any) -> Any:
    """The exact motion, free or under a `Harmonic` force, resonance included.

    Parameters
    ----------
    oscillator : Oscillator
        With ``force`` None or `Harmonic`.
    times : array_like (...)

    Returns
    -------
    ndarray (..., 2)
        (x, v) at these times. A tensor if a parameter or ``times`` is one.

    Raises
    ------
    TypeError
        If the force is another one: there is no closed form.
    ValueError
        If a time is not finite.

    Notes
    -----
    The free motion plus Duhamel's integral, x(t) = (1/(mω_0)) ∫_0^t sin(ω_0(t - τ)) F(τ) dτ. With the product turned
    into a sum of sines, both integrals are of the form ∫_0^t sin(p + qτ) dτ = t sinc(qt/2) sin(p + qt/2), where
    sinc u = sin(u)/u. Unlike a/(1 - mω²) of the textbooks that stays accurate near resonance, and holds at it.
    """
    t = times if isinstance(times, Tensor) else np.asarray(times, dtype=float)
    if not np.all(np.isfinite(t)):
        raise ValueError(f"the times {times!r} are not all finite: ask for the motion at finite times")
    m, x0, v0, omega0 = oscillator.m, oscillator.x0, oscillator.v0, oscillator.natural_frequency
    c, s = np.cos(omega0 * t), np.sin(omega0 * t)
    x = x0 * c + v0 / omega0 * s
    v = v0 * c - x0 * omega0 * s
    force = oscillator.force
    if isinstance(force, Harmonic):
        difference, total = (force.omega - omega0) * t / 2, (force.omega + omega0) * t / 2
        slow, fast = np.sinc(difference / np.pi), np.sinc(total / np.pi)  # NumPy's sinc u is sin(πu)/(πu)
        pull = force.amplitude * t / (2 * m)
        x = x + pull / omega0 * (slow * np.sin(total + force.phase) - fast * np.sin(difference + force.phase))
        v = v + pull * (slow * np.cos(total + force.phase) + fast * np.cos(difference + force.phase))
    elif force is not None:
        raise TypeError(
            f"no closed form for the force {force!r}: use Harmonic(...) or None, or simulate(..., 'rk4') with small dt"
        )
    return np.stack([x, v], axis=-1)


def energy(states: Any, m: Scalar) -> Any:
    """E = ½mv² + ½x², which the free oscillator keeps and Euler's method multiplies by 1 + Δ²/m at every step.

    Parameters
    ----------
    states : ndarray or Tensor (..., 2)
        (x, v), as `simulate` and `exact` return them.
    m : float or Tensor
        Mass.

    Returns
    -------
    ndarray or Tensor (...)

    Raises
    ------
    ValueError
        If ``m`` is not positive or the last axis of ``states`` is not (x, v).
    """
    _positive("m", m)
    x, v = _coordinates(states)
    return (m * v * v + x * x) / 2


def symplectic_invariant(states: Any, m: Scalar, dt: Scalar) -> Any:
    """½mv² + ½x² - ½Δxv, which symplectic Euler (v first) keeps exactly when there is no force.

    Its energy errs, but never drifts: it is the energy of a slightly different oscillator (Hairer, Lubich and Wanner
    2006, chapter IX). For Δ < 2√m its levels are ellipses, so the motion stays bounded for ever.

    Parameters
    ----------
    states : ndarray or Tensor (..., 2)
        (x, v).
    m, dt : float or Tensor
        Mass and step Δ.

    Returns
    -------
    ndarray or Tensor (...)

    Raises
    ------
    ValueError
        If ``m`` or ``dt`` is not positive or the last axis of ``states`` is not (x, v).
    """
    _positive("dt", dt)
    x, v = _coordinates(states)
    return energy(states, m) - dt * x * v / 2


# -- small print ------------------------------------------------------------------------------------------------------


def _matrix(*rows: tuple[Any, ...]) -> Any:
    """Numbers and 0-d tensors as one matrix, in the precision of the tensors."""
    entries = [entry for row in rows for entry in row]
    dtype = np.result_type(*entries)
    return np.stack([_as(dtype, entry) for entry in entries]).reshape(len(rows), -1)


def _as(dtype: Any, value: Any) -> Any:
    """Numbers follow the precision of the tensors that they are computed with; tensors keep their own."""
    return value if isinstance(value, Tensor) else np.asarray(value, dtype)


def _raw(value: Any) -> Any:
    return value.data if isinstance(value, Tensor) else value


def _times(dt: Scalar, steps: int) -> Any:
    _positive("dt", dt)
    if not isinstance(steps, (int, np.integer)) or steps < 1:
        raise ValueError(f"steps is {steps!r}: expected how many steps to take, an integer of at least 1")
    return dt * np.arange(steps + 1, dtype=np.result_type(dt, 1.0))


def _coordinates(states: Any) -> tuple[Any, Any]:
    states = states if isinstance(states, Tensor) else np.asarray(states)
    if states.shape[-1:] != (2,):
        raise ValueError(f"states of shape {states.shape}: expected (..., 2), with x and v along the last axis")
    return states[..., 0], states[..., 1]


def _check(method: str, m: Scalar, dt: Scalar) -> None:
    _known(method)
    _positive("m", m)
    _positive("dt", dt)


def _known(method: str) -> None:
    if method not in NODES:
        raise ValueError(f"unknown method {method!r}: choose one of {', '.join(map(repr, NODES))}")


def _finite(name: str, value: Scalar) -> None:
    if np.ndim(_raw(value)) != 0:
        raise ValueError(f"{name} has shape {np.shape(_raw(value))}: expected a single number, as in {name}=1.0")
    if not np.isfinite(_raw(value)):
        raise ValueError(f"{name} is {float(value)}: expected a finite number, as in {name}=1.0")


def _positive(name: str, value: Scalar) -> None:
    _finite(name, value)
    if not value > 0:
        raise ValueError(f"{name} is {float(value)}: expected a positive number, as in {name}=0.1")
