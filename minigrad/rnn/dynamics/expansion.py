"""W^t h_0 as a sum of modes, each of which grows or decays by its own factor λ a step.

Where there is no such sum, because the eigenvectors are no basis, the steps are taken one by one.

References
----------
J. H. Wilkinson (1965), "The Algebraic Eigenvalue Problem", Oxford University Press.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad.engine.tensor import Array
from minigrad.rnn.dynamics.incoming import count, real, square
from minigrad.rnn.dynamics.spectrum import by_modulus, normalised

CONDITION_LIMIT = 1e6
"""Beyond this condition number of the eigenvectors `expand` does not trust an expansion in them: it may cost six of
the sixteen digits. Gaussian matrices of some hundred rows have about 1e3; defective ones, whose eigenvalues rounding
has torn apart a little, from 1e6 up to 1e16."""


class DefectiveMatrixWarning(UserWarning):
    """A matrix has no basis of eigenvectors, or none that double precision can tell from none."""


@dataclass(frozen=True, eq=False)
class Mode:
    """What one real eigenvalue, or a conjugate pair of them, contributes to W^t h_0: α λ^t w, or 2 Re(α λ^t w).

    Attributes
    ----------
    eigenvalue : complex
        λ; of a pair, the one above the real line.
    alpha : complex
        Its coordinate of h_0.
    vector : (n,) ndarray
        w, of length 1.
    condition : float
        1/|y*w| with the left eigenvector y of length 1: how far λ moves, per ‖E‖, if W becomes W + E (Wilkinson 1965).
        1 for a normal matrix, infinite for a defective one.
    """

    eigenvalue: complex
    alpha: complex
    vector: Array
    condition: float

    @property
    def pair(self) -> bool:
        """Whether the conjugate counts too."""
        return self.eigenvalue.imag != 0

    @property
    def period(self) -> float:
        """So many steps does it take to come round, 2π/|arg λ|; infinite for a positive λ, 2 for a negative one."""
        angle = abs(math.atan2(self.eigenvalue.imag, self.eigenvalue.real))
        return 2 * math.pi / angle if angle else math.inf

    def at(self, t: int) -> Array:
        """Its share of W^t h_0, a real (n,) array."""
        share = _sum_of_powers(self.vector[:, None], np.array([self.alpha]), np.array([self.eigenvalue]), count("t", t))
        return 2 * share if self.pair else share


@dataclass(frozen=True, eq=False)
class Expansion:
    """W^t h_0 = Σ_i alpha_i λ_i^t w_i, a sum of modes that do not know of each other.

    Attributes
    ----------
    alphas : (n,) ndarray
        The coordinates of h_0 in the basis of eigenvectors.
    eigenvalues : (n,) ndarray
        The λ_i, the largest modulus first. With the other two, complex unless all are real.
    eigenvectors : (n, n) ndarray
        The w_i, of length 1, as columns.
    condition : float
        The condition number of the matrix of eigenvectors: by so much errors of h_0 may grow in the alphas.
    """

    alphas: Array
    eigenvalues: Array
    eigenvectors: Array
    condition: float

    def at(self, t: int) -> Array:
        """W^t h_0, a real (n,) array, for a whole number of steps ``t`` >= 0; infinite beyond 1.8e308."""
        # Conjugate modes come in pairs, alpha λ^t w and its conjugate, and add up to 2 Re(alpha λ^t w): the imaginary
        # part of the sum is nothing but rounding.
        return _sum_of_powers(self.eigenvectors, self.alphas, self.eigenvalues, count("t", t))

    @property
    def modes(self) -> list[Mode]:
        """The same sum by real eigenvalues and conjugate pairs, the largest modulus first."""
        left = np.linalg.norm(np.linalg.inv(self.eigenvectors), axis=1)  # rows are y*/(y*w)
        parts = zip(self.eigenvalues, self.alphas, self.eigenvectors.T, left, strict=True)
        return [Mode(complex(v), complex(a), w, float(c)) for v, a, w, c in parts if np.imag(v) >= 0]


@dataclass(frozen=True, eq=False)
class Repetition:
    """W^t h_0 for a matrix without a basis of eigenvectors: t products, one after the other.

    Attributes
    ----------
    W : (n, n) ndarray
    h0 : (n,) ndarray
    """

    W: Array
    h0: Array

    def at(self, t: int) -> Array:
        """W^t h_0, a real (n,) array, for a whole number of steps ``t`` >= 0; infinite beyond 1.8e308. In t steps."""
        (W, step), (h, exponent) = normalised(self.W), normalised(self.h0)
        for _ in range(count("t", t)):
            h, more = normalised(W @ h)
            exponent += step + more
        return _scaled(h, exponent)


def _sum_of_powers(vectors: Array, alphas: Array, values: Array, t: int) -> Array:
    """Re Σ alpha_i λ_i^t w_i, each number as one near 1 and a power of two: no sum of infinities is NaN."""
    powers, exponents = np.ones(len(values), np.complex128), np.zeros(len(values), np.int64)
    square, of_square = _near_one(values.astype(np.complex128), exponents)
    while t:  # λ^13 = λ^8 λ^4 λ
        if t % 2:
            powers, exponents = _near_one(powers * square, exponents + of_square)
        square, of_square = _near_one(square * square, 2 * of_square)
        t //= 2
    shares, exponents = _near_one(powers * alphas, exponents)
    terms, exponents = _near_one(vectors * shares, np.broadcast_to(exponents, vectors.shape))
    largest = np.max(exponents, axis=1, initial=-(2**62), where=terms != 0)[:, None]
    return _scaled(np.sum(np.ldexp(terms.real, np.maximum(exponents - largest, -1100)), axis=1), largest[:, 0])


def _near_one(values: Array, exponents: Array) -> tuple[Array, Array]:
    """The same numbers, values 2^exponents, with larger parts in [½, 1)."""
    more = np.frexp(np.maximum(np.abs(values.real), np.abs(values.imag)))[1]
    return np.ldexp(values.real, -more) + 1j * np.ldexp(values.imag, -more), exponents + more


def _scaled(vector: Array, exponents: Any) -> Array:
    """``vector`` times 2^exponents: 0 or infinite where that is no double-precision number."""
    with np.errstate(over="ignore", under="ignore"):
        scaled: Array = np.ldexp(vector, np.clip(exponents, -(10**6), 10**6))
    return scaled


def expand(W: Any, h0: Any) -> Expansion | Repetition:
    """Write h_0 in the eigenvectors of ``W``, so that t steps of h_t = W h_{t-1} become t-th powers of numbers.

    Parameters
    ----------
    W : (n, n) array_like or Tensor
    h0 : (n,) array_like or Tensor

    Returns
    -------
    Expansion or Repetition
        Both give W^t h_0 by ``at(t)``. A `Repetition` if ``W`` is defective, or too nearly so.

    Warns
    -----
    DefectiveMatrixWarning
        If the eigenvectors' condition number exceeds `CONDITION_LIMIT`, and there is no `Expansion` to be had.

    Raises
    ------
    ValueError
        If ``W`` is not square, ``h0`` does not fit it, or either is not real and finite.

    Examples
    --------
    >>> expand([[0.5, 0.0], [0.0, 2.0]], [8.0, 1.0]).at(3)
    array([1., 8.])
    """
    W, h0 = np.array(square("W", W)), np.array(real("h0", h0))  # copies: the result outlives this call
    if h0.shape != W.shape[:1]:
        raise ValueError(f"h0 has shape {h0.shape}: W of shape {W.shape} acts on vectors of shape {W.shape[:1]}")
    values, vectors = np.linalg.eig(W)
    condition = np.linalg.cond(vectors)
    if condition > CONDITION_LIMIT:
        # The textbook's way out is a Schur form, W = QTQᵀ. NumPy has none; one made from these eigenvectors would
        # inherit their errors; and the powers of T need either products, as those of W do, or Parlett's recurrence,
        # which divides by the differences of eigenvalues that are the trouble here. Products of a matrix and a vector
        # are what the recurrence itself computes, have rounding errors of the order t n eps |W|^t |h_0|, and cost
        # less than powers by squaring unless t exceeds n log t.
        warnings.warn(
            f"W {W.shape} is defective, or nearly so: its matrix of eigenvectors has condition number {condition:.1e}"
            f" (limit {CONDITION_LIMIT:.0e}), so h0 has no reliable expansion in them; returning a Repetition, which"
            " multiplies by W t times instead",
            DefectiveMatrixWarning,
            stacklevel=2,
        )
        return Repetition(W, h0)
    order = by_modulus(values)
    values, vectors = values[order], vectors[:, order]
    alphas = np.linalg.solve(vectors, h0)  # solved for: an inverse would be less accurate
    return Expansion(alphas, values, vectors, float(condition))
