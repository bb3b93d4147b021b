"""Maps h ← F(h) of the lecture, and of the literature: recurrences without inputs, whose exponents are known.

Ordinary functions of NumPy, so that `lyapunov.map_spectrum` can differentiate them.

References
----------
M. Hénon (1976), "A two-dimensional mapping with a strange attractor", Communications in Mathematical Physics 50.
E. N. Lorenz (1963), "Deterministic nonperiodic flow", Journal of the Atmospheric Sciences 20.
H. Sompolinsky, A. Crisanti, H. J. Sommers (1988), "Chaos in random neural networks", Physical Review Letters 61.

Examples
--------
>>> import numpy as np
>>> from minigrad.rnn import maps
>>> maps.henon(np.zeros(2)), maps.lorenz(np.ones(3)).round(3)
(array([1., 0.]), array([1.013, 1.26 , 0.985]))
>>> W = np.array([[0.0, 1.0], [-1.0, 0.0]])
>>> maps.linear(W)(np.array([1.0, 2.0])), maps.random_network(W)(np.array([1.0, 2.0])).round(3)
(array([ 2., -1.]), array([ 0.964, -0.762]))
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = [
    "henon",
    "linear",
    "lorenz",
    "random_network",
]

Map = Callable[[Any], Any]


def henon(h: Any, a: float = 1.4, b: float = 0.3) -> Any:
    """x ← 1 - a x² + y, y ← b x. Its exponents add up to ln b."""
    return np.stack([1.0 - a * h[0] * h[0] + h[1], b * h[0]])


def lorenz(h: Any, dt: float = 0.01, sigma: float = 10.0, rho: float = 28.0, beta: float = 8.0 / 3.0) -> Any:
    """One step of Runge and Kutta's classical method along Lorenz's system. Exponents are those of a step: ÷ dt."""

    def slope(s: Any) -> Any:
        x, y, z = s[0], s[1], s[2]
        return np.stack([sigma * (y - x), x * (rho - z) - y, x * y - beta * z])

    k1 = slope(h)
    k2 = slope(h + dt / 2 * k1)
    k3 = slope(h + dt / 2 * k2)
    k4 = slope(h + dt * k3)
    return h + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def linear(W: Any) -> Map:
    """h ← W h; with `oscillator.step_matrix`, Euler's method. Its exponents are ln|λ_i|."""
    return lambda h: W @ h


def random_network(J: Any) -> Map:
    """h ← J tanh(h): a network that drives itself. For J ~ N(0, g²/n) `mean_field` foretells its exponent."""
    return lambda h: J @ np.tanh(h)
