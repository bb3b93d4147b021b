"""What a large random network does, before anything is computed: the limit n → ∞ of h ← J tanh(h), J ~ N(0, g²/n).

References
----------
H. Sompolinsky, A. Crisanti, H. J. Sommers (1988), "Chaos in random neural networks", Physical Review Letters 61.
L. Molgedey, J. Schuchhardt, H. G. Schuster (1992), "Suppressing chaos in neural networks by noise", Physical Review
Letters 69.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from minigrad.engine.tensor import Array
from minigrad.rnn.dynamics.incoming import positive


class MeanField(NamedTuple):
    """The prediction.

    Attributes
    ----------
    q : float
        The variance of a component of h; 0 for g ≤ 1, where h dies out.
    exponent : float
        λ₁: negative below g = 1, ln g there, and positive above: chaos.
    """

    q: float
    exponent: float


def mean_field(g: float) -> MeanField:
    """q = g² E[tanh²(√q z)] and λ₁ = ½ ln(g² E[sech⁴(√q z)]) with z ~ N(0, 1).

    For g ≤ 1, q = 0 and λ₁ = ln g, which is wrong above: there tanh saturates.

    Parameters
    ----------
    g : float
        Above 0.

    Examples
    --------
    >>> round(mean_field(2.0).exponent, 5)
    0.15472
    """
    positive("g", g)
    if g <= 1:
        return MeanField(0.0, math.log(g))
    low, high = 0.0, float(g * g)  # g² E tanh² - q is positive right of 0, and negative at g²
    z, weights = _gaussian(g)
    while (q := (low + high) / 2) not in (low, high):
        low, high = (q, high) if g * g * (weights @ np.tanh(math.sqrt(q) * z) ** 2) > q else (low, q)
    with np.errstate(over="ignore"):
        slopes = float(weights @ np.cosh(math.sqrt(q) * z) ** -4)
    return MeanField(q, 0.5 * math.log(g * g * slopes))


def _gaussian(g: float) -> tuple[Array, Array]:
    """Nodes and weights of E over z ~ N(0, 1).

    The trapezoidal rule is exact to rounding where its step is small beside the distance to the nearest pole, of
    tanh(√q z) π/(2√q) with q < g², and ends do not matter.
    """
    z = np.linspace(-12.0, 12.0, 4001 + 2 * math.ceil(100 * g))
    density = np.exp(-z * z / 2)
    return z, density / density.sum()
