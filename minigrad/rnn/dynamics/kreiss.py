"""Kreiss's constant: how high the powers of a matrix must rise, and how high they can, before they decay.

References
----------
H.-O. Kreiss (1962), "Über die Stabilitätsdefinition für Differenzengleichungen die partielle Differentialgleichungen
approximieren", BIT 2.
M. N. Spijker (1991), "On a conjecture by LeVeque and Trefethen related to the Kreiss matrix theorem", BIT 31.
T. Mitchell (2020), "Computing the Kreiss constant of a matrix", SIAM Journal on Matrix Analysis and Applications 41.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from minigrad.engine.tensor import Array
from minigrad.rnn.dynamics.incoming import square
from minigrad.rnn.dynamics.level_sets import smallest_singular, smallest_triple
from minigrad.rnn.dynamics.pseudospectra import lowest_on_circle
from minigrad.rnn.dynamics.spectrum import eigenvalues, is_normal

FLOOR = 1e-8
"""How near to the unit circle anything is looked at: nearer, rounding has the better of (|z| - 1)/σ_min."""
TINY = float(np.finfo(float).tiny)
UNSTABLE = 1e-10  # of a radius above 1 by less, rounding may be the reason


class Kreiss(NamedTuple):
    """Kreiss's constant, and where it is reached.

    Attributes
    ----------
    value : float
    z : complex or None
        Outside of the unit circle; None where there is no such point, since the constant is 1 or infinite.
    """

    value: float
    z: complex | None


def kreiss_constant(W: Any) -> float:
    """K(W) = sup (|z| - 1) ‖(zI - W)⁻¹‖₂ over |z| > 1, which says how high powers rise: K ≤ sup_t ‖W^t‖₂ ≤ e n K.

    Both bounds are Kreiss's theorem (1962), the second with the constant of Spijker (1991). K is also the supremum of
    (ρ_ε - 1)/ε over all ε > 0. It is 1, the least it can be, if W is normal with ρ ≤ 1, and infinite if ρ > 1 or an
    eigenvalue of modulus 1 is defective.

    Parameters
    ----------
    W : (n, n) array_like or Tensor

    Returns
    -------
    float
        How it is found: see `kreiss_point`.

    Raises
    ------
    FloatingPointError
        If σ_min is nothing but rounding where the constant is reached: if W is too far from normal.
    """
    return kreiss_point(W).value


def kreiss_point(W: Any) -> Kreiss:
    """`kreiss_constant`, and the point where it is reached.

    Newton's method starts from the best points of a grid of radii and angles, those of the eigenvalues among them; a
    stationary point is left again if a better one lies on the circle through it, which is searched without a grid
    (`level_sets`). Any point gives a lower bound, and this is the largest one known; a certificate that there is none
    higher exists (Mitchell 2020), at far greater cost. Where an eigenvalue of modulus 1 makes the supremum a limit, it
    is what is reached at |z| - 1 = 1e-8.

    Parameters
    ----------
    W : (n, n) array_like or Tensor
    """
    W = square("W", W)
    values = eigenvalues(W)
    radius = abs(values[0])
    if radius > 1 + UNSTABLE:
        return Kreiss(math.inf, None)
    if is_normal(W) or np.linalg.norm(W, 2) <= 1:  # a contraction's powers are never longer than 1
        return Kreiss(1.0, None)
    floor = max((1 - radius) / 8, FLOOR)
    found = [_climb(W, *start, floor) for start in _starts(W, values, floor)]
    best = max(found, key=lambda each: each[0])
    while True:
        outer = 1 + math.exp(best[1])
        if radius > 1 - FLOOR and _without_end(W, best, floor):
            return Kreiss(math.inf, None)
        _refuse_rounding(W, best)
        sigma, angle = lowest_on_circle(W, outer, np.array([best[2]]))
        if not (outer - 1) / sigma > math.exp(best[0]) * (1 + 1e-10):
            break
        best = _climb(W, best[1], angle, floor)
    return Kreiss(math.exp(best[0]), complex(outer * np.exp(1j * best[2]))) if best[0] > 0 else Kreiss(1.0, None)


def _without_end(W: Array, best: tuple[float, float, float], floor: float) -> bool:
    """Whether the best point is on its way to a defective eigenvalue: ten times nearer is ten times better there."""
    farther = max(float(smallest_singular(W, (1 + 10 * floor) * np.exp(1j * best[2]))), TINY)
    return best[1] <= math.log(2 * floor) and best[0] - math.log(10 * floor / farther) > math.log(5)


def _refuse_rounding(W: Array, best: tuple[float, float, float]) -> None:
    z, log_sigma = (1 + math.exp(best[1])) * np.exp(1j * best[2]), best[1] - best[0]
    if log_sigma <= math.log(8 * np.finfo(float).eps * np.linalg.norm(z * np.eye(len(W)) - W, 2)):
        raise FloatingPointError(
            f"Kreiss's constant of this W, of norm {np.linalg.norm(W, 2):.3g}, is beyond double precision: where it is"
            f" reached, near z = {z:.3g}, σ_min(zI - W) is {math.exp(log_sigma):.1e}, nothing but rounding"
        )


def _starts(W: Array, values: Array, floor: float) -> list[tuple[float, float]]:
    """ln(|z| - 1) and the angle of the best points of a coarse grid, each the best of its angle and its neighbours."""
    upper = np.angle(values[np.imag(values) >= 0])[:24]  # W is real: the lower half is the upper one's mirror image
    angles = np.unique(np.concatenate([upper, np.linspace(0, np.pi, 25)]))
    heights = np.linspace(math.log(floor), math.log(4 * (1 + np.linalg.norm(W, 2))), 16)
    outside = np.exp(heights)[:, None]
    ratios = np.log(outside) - np.log(np.maximum(smallest_singular(W, (1 + outside) * np.exp(1j * angles)), TINY))
    rows = np.argmax(ratios, axis=0)
    best = ratios[rows, np.arange(len(angles))]
    padded = np.pad(best, 1, mode="reflect")
    peaks = np.flatnonzero((best >= padded[:-2]) & (best >= padded[2:]))
    chosen = peaks[np.argsort(-best[peaks])][:6]
    return [(float(heights[rows[i]]), float(angles[i])) for i in chosen]


def _climb(W: Array, height: float, angle: float, floor: float) -> tuple[float, float, float]:
    """The stationary point of ln(|z| - 1) - ln σ_min(zI - W) uphill from z = (1 + e^height) e^{i angle}.

    Newton's method: the gradient by singular vectors, the Hessian by differences of it; where that is not negative
    definite, its eigenvalues are taken to be (which leads uphill), and steps that do not are halved.
    """

    def slope(at: Array) -> tuple[float, Array]:
        outside, towards = math.exp(at[0]), np.exp(1j * at[1])
        sigma, direction = smallest_triple(W, (1 + outside) * towards)
        sigma = max(sigma, TINY)
        turning = (direction * 1j * (1 + outside) * towards).real
        return at[0] - math.log(sigma), np.array([1 - (direction * towards).real * outside / sigma, -turning / sigma])

    at = np.array([height, angle])
    value, gradient = slope(at)
    for _ in range(40):
        h = 1e-5
        rows = [(slope(at + h * e)[1] - slope(at - h * e)[1]) / (2 * h) for e in np.eye(2)]
        curvatures, axes = np.linalg.eigh((np.array(rows) + np.array(rows).T) / 2)
        step = axes @ (axes.T @ gradient / np.maximum(np.abs(curvatures), 1e-6))
        step *= min(1.0, 0.5 / max(np.max(np.abs(step)), 1e-300))
        while True:
            new = at + step
            new[0] = max(new[0], math.log(floor))
            higher, following = slope(new)
            if higher > value or np.max(np.abs(step)) < 1e-9:
                break
            step = step / 2
        gain = higher - value
        if gain <= 0:
            break
        at, value, gradient = new, higher, following
        if gain < 1e-15 * max(abs(value), 1):
            break
    return value, float(at[0]), float(at[1])
