"""The dominant eigenvalue by repeated multiplication, which is what a linear network does by itself.

Whatever h_0 is, W^t h_0 turns towards the eigenvector of the largest modulus: that is why the long run of a recurrence
is told by one number. And it is how the method fails: with two eigenvalues of the same modulus, a conjugate pair or λ
and -λ, it turns for ever.

References
----------
R. von Mises, H. Pollaczek-Geiringer (1929), "Praktische Verfahren der Gleichungsauflösung", ZAMM 9.
J. H. Wilkinson (1965), "The Algebraic Eigenvalue Problem", Oxford University Press, chapter 9.
"""

from __future__ import annotations

import cmath
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from minigrad.engine.tensor import Array
from minigrad.rnn.dynamics.incoming import count, positive, real, square
from minigrad.rnn.dynamics.spectrum import normalised

DISTINCT = 1e-6
"""Two roots of a quadratic are told from a double one if they differ by more: rounding tears that apart by 1e-8."""


class Ending(StrEnum):
    """How a power iteration ends."""

    CONVERGED = "converged"
    PAIR = "complex pair"
    TIE = "tie of λ and -λ"
    UNDECIDED = "undecided"


@dataclass(frozen=True, eq=False)
class PowerIteration:
    """What repeated multiplication has found.

    Attributes
    ----------
    ending : Ending
        Only if it has "converged" is there a dominant eigenvalue. "complex pair" and "tie of λ and -λ": the vectors
        stay in a plane, but turn in it. "undecided": the steps did not suffice; the two largest moduli are close.
    eigenvalues : tuple of complex
        One if it has converged, two of a pair or a tie, and none otherwise.
    vector : (n,) ndarray
        The last one, of length 1: the eigenvector, if it has converged.
    steps : int
        How many multiplications.
    residuals : (steps,) ndarray
        ‖W v - (v·Wv) v‖ ÷ ‖W‖_F of each: they shrink by |λ₂/λ₁| a step.
    """

    ending: Ending
    eigenvalues: tuple[complex, ...]
    vector: Array
    steps: int
    residuals: Array

    @property
    def converged(self) -> bool:
        """Whether there is a dominant eigenvalue, and this is it."""
        return self.ending is Ending.CONVERGED


def power_iteration(W: Any, start: Any = None, *, tol: float = 1e-12, max_steps: int = 10_000) -> PowerIteration:
    """The eigenvalue of largest modulus by v ← Wv/‖Wv‖, if there is only one.

    Three vectors in a row, v, Wv and W²v, in one plane satisfy W²v = p Wv + q v, and λ² = pλ + q has the two
    eigenvalues of that plane (Wilkinson 1965, §9): so a conjugate pair and a tie are told from slow convergence.

    Parameters
    ----------
    W : (n, n) array_like or Tensor
    start : (n,) array_like or Tensor, optional
        Random otherwise, but the same for each n. One without a share in the dominant eigenvector finds another.
    tol : float
        The residual, relative to ‖W‖_F, with which it ends.
    max_steps : int
        At most so many multiplications.

    Returns
    -------
    PowerIteration

    Raises
    ------
    ValueError
        If W is no real, finite, square matrix, or ``start`` does not fit it or is zero.

    Examples
    --------
    >>> power_iteration([[2.0, 1.0], [0.0, 1.0]]).ending, power_iteration([[0.0, -1.0], [1.0, 0.0]]).ending
    (<Ending.CONVERGED: 'converged'>, <Ending.PAIR: 'complex pair'>)
    """
    W, exponent = normalised(square("W", W))
    positive("tol", tol)
    v = real("start", np.random.default_rng(0).normal(size=len(W)) if start is None else start)
    if v.shape != W.shape[:1] or not v.any():
        raise ValueError(
            f"start has shape {v.shape} and norm {np.linalg.norm(v)}: expected a vector {W.shape[:1]}, not 0"
        )
    v = normalised(v)[0]
    v, size, residuals = v / np.linalg.norm(v), float(np.linalg.norm(W)) or 1.0, list[float]()
    for _ in range(max(count("max_steps", max_steps), 1)):
        once = W @ v
        value = float(v @ once)
        residuals.append(float(np.linalg.norm(once - value * v)) / size)
        if residuals[-1] <= tol:
            return _ended(Ending.CONVERGED, [value], v, residuals, exponent)
        twice = W @ once
        if residuals[1:] and (pair := _in_a_plane(v, once, twice, tol)) is not None:
            one, other = pair
            if abs(one.imag) > DISTINCT * abs(one):
                return _ended(Ending.PAIR, [one, other], v, residuals, exponent)
            if abs(one + other) < DISTINCT * abs(one - other):
                return _ended(Ending.TIE, [one, other], v, residuals, exponent)
        v = once / np.linalg.norm(once)
    return _ended(Ending.UNDECIDED, [], v, residuals, exponent)


def _in_a_plane(v: Array, once: Array, twice: Array, tol: float) -> tuple[complex, complex] | None:
    """The two eigenvalues of the plane of v and Wv, if W²v is in it too."""
    basis = np.stack([once, v], axis=1)
    (p, q), *_ = np.linalg.lstsq(basis, twice, rcond=None)
    if np.linalg.norm(twice - basis @ np.array([p, q])) > tol * np.linalg.norm(twice):
        return None
    root = cmath.sqrt(p * p / 4 + q)
    return p / 2 + root, p / 2 - root


def _ended(ending: Ending, values: list[Any], v: Array, residuals: list[float], exponent: int) -> PowerIteration:
    scaled = tuple(complex(*np.ldexp([x.real, x.imag], exponent)) for x in values)
    return PowerIteration(ending, scaled, v, len(residuals), np.array(residuals))
