"""Stepping through the oscillator's motion: every method is a linear recurrent network.

One step of Euler's method, of its variants and of Runge and Kutta's is s_{i+1} = A s_i + B f_i, where f_i are the
forces that the step asks for. So there are two tables, `step_matrix` (the A of each method) and `input_matrix` (its B),
and one loop, `simulate`:

    "euler"       explicit Euler: both derivatives where the step starts                          order 1
    "symplectic"  symplectic Euler: v first, then x with the new v                                order 1
    "implicit"    implicit Euler: both derivatives where the step ends                            order 1
    "rk4"         the classical Runge-Kutta method (Kutta 1901), which asks for F at half steps   order 4
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.engine.tensor import Tensor
from minigrad.rnn.dynamics.incoming import positive
from minigrad.rnn.dynamics.motion import Force, Oscillator, Scalar, coordinates, energy

NODES: dict[str, tuple[float, ...]] = {
    "euler": (0.0,),
    "symplectic": (0.0,),
    "implicit": (1.0,),
    "rk4": (0.0, 0.5, 1.0),
}
"""The methods, and where in a step each of them asks for the force: at the times t_i + cΔ, one c a column of B."""


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
    positive("dt", dt)
    x, v = coordinates(states)
    return energy(states, m) - dt * x * v / 2


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
    positive("dt", dt)
    if not isinstance(steps, (int, np.integer)) or steps < 1:
        raise ValueError(f"steps is {steps!r}: expected how many steps to take, an integer of at least 1")
    return dt * np.arange(steps + 1, dtype=np.result_type(dt, 1.0))


def _check(method: str, m: Scalar, dt: Scalar) -> None:
    _known(method)
    positive("m", m)
    positive("dt", dt)


def _known(method: str) -> None:
    if method not in NODES:
        raise ValueError(f"unknown method {method!r}: choose one of {', '.join(map(repr, NODES))}")
