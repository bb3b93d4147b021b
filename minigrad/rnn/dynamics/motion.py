"""The oscillator m x'' + x = F(t): the problem, its exact motion, and its energy.

m, x_0, v_0 and the force's parameters may be tensors, and the exact motion can then be differentiated with respect to
them. Units are those in which the spring constant is 1.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from minigrad.engine.tensor import Tensor
from minigrad.rnn.dynamics.incoming import finite, positive

Scalar: TypeAlias = float | Tensor
Force: TypeAlias = Callable[[Any], Any]


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
        finite("amplitude", self.amplitude)
        finite("omega", self.omega)
        finite("phase", self.phase)

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
        positive("m", self.m)
        finite("x0", self.x0)
        finite("v0", self.v0)

    @property
    def natural_frequency(self) -> Any:
        """ω_0 = 1/√m, in radians per unit of time: of free oscillation, and of a force that is in resonance."""
        return 1 / np.sqrt(self.m)


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
    positive("m", m)
    x, v = coordinates(states)
    return (m * v * v + x * x) / 2


def coordinates(states: Any) -> tuple[Any, Any]:
    """x and v of ``states`` (..., 2)."""
    states = states if isinstance(states, Tensor) else np.asarray(states)
    if states.shape[-1:] != (2,):
        raise ValueError(f"states of shape {states.shape}: expected (..., 2), with x and v along the last axis")
    return states[..., 0], states[..., 1]
