"""W^t h_0 as a sum of modes, each of which grows or decays by its own factor λ a step.

Where there is no such sum, because the eigenvectors are no basis, the steps are taken one by one.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad.engine.tensor import Array
from minigrad.rnn.dynamics.incoming import count, real, square
from minigrad.rnn.dynamics.spectrum import by_modulus

CONDITION_LIMIT = 1e6
"""Beyond this condition number of the eigenvectors `expand` does not trust an expansion in them: it may cost six of
the sixteen digits. Gaussian matrices of some hundred rows have about 1e3; defective ones, whose eigenvalues rounding
has torn apart a little, from 1e6 up to 1e16."""


class DefectiveMatrixWarning(UserWarning):
    """A matrix has no basis of eigenvectors, or none that double precision can tell from none."""


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
    """

    alphas: Array
    eigenvalues: Array
    eigenvectors: Array

    def at(self, t: int) -> Array:
        """W^t h_0, a real (n,) array, for a whole number of steps ``t`` >= 0."""
        t = count("t", t)
        # Conjugate modes come in pairs, alpha λ^t w and its conjugate, and add up to 2 Re(alpha λ^t w): the imaginary
        # part of the sum is nothing but rounding.
        return np.real(self.eigenvectors @ (self.alphas * self.eigenvalues**t))


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
        """W^t h_0, a real (n,) array, for a whole number of steps ``t`` >= 0. Takes t steps."""
        h = self.h0.copy()
        for _ in range(count("t", t)):
            h = self.W @ h
        return h


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
    return Expansion(np.linalg.solve(vectors, h0), values, vectors)  # solved for: an inverse would be less accurate
