"""The recurrent matrix alone: its eigenvalues, its norm, and how far from normal it is.

References
----------
P. Henrici (1962), "Bounds for iterates, inverses, spectral variation and fields of values of non-normal matrices",
Numerische Mathematik 4.
L. Elsner, M. H. C. Paardekooper (1987), "On measures of nonnormality of matrices", Linear Algebra and its
Applications 92.
L. N. Trefethen, M. Embree (2005), "Spectra and Pseudospectra", Princeton University Press.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.engine.tensor import Array
from minigrad.rnn.dynamics.incoming import square


def eigenvalues(W: Any) -> Array:
    """All eigenvalues of ``W``, the largest modulus first.

    Parameters
    ----------
    W : (n, n) array_like or Tensor

    Returns
    -------
    (n,) ndarray
        Complex, unless all are real. The two of a conjugate pair stand next to each other.

    Raises
    ------
    ValueError
        If ``W`` is not square, not real, or holds a NaN or an infinity. So do all functions of `spectral`.
    """
    values = np.linalg.eigvals(square("W", W))
    return values[by_modulus(values)]


def spectral_radius(W: Any) -> float:
    """The largest modulus of an eigenvalue of ``W`` (n, n): the growth a step of ‖W^t‖ in the long run.

    Gelfand (1941): it is the limit of ‖W^k‖^(1/k).
    """
    return float(np.abs(eigenvalues(W)[0]))


def spectral_norm(W: Any) -> float:
    """The largest singular value of ``W`` (n, n): the largest growth of a vector's length in a single step."""
    return float(np.linalg.norm(square("W", W), 2))


def numerical_abscissa(W: Any) -> float:
    """The largest eigenvalue of (W + Wᵀ)/2: the growth rate that exp(tW) starts with.

    Trefethen and Embree (2005). It matters for continuous time, x' = Wx, as the norm does for steps.
    """
    W = square("W", W)
    return float(np.linalg.eigvalsh(W / 2 + W.T / 2)[-1])


def is_normal(W: Any) -> bool:
    """Whether WᵀW = WWᵀ for ``W`` (n, n) but for rounding: whether its eigenvectors are at right angles.

    The entries of the commutator are compared with what rounding leaves of them, n 2.2e-16 ‖W‖_F².
    """
    W, _ = normalised(square("W", W))
    return bool(_commutator(W) <= len(W) * np.finfo(float).eps * float(np.sum(W * W)))


def henrici(W: Any) -> float:
    """The departure from normality, √(‖W‖_F² - Σ|λ_i|²), of ``W`` (n, n).

    Henrici (1962). It is the Frobenius norm of what stands above the diagonal in a Schur form, and 0 if and only if the
    matrix is normal. It is a difference of nearly equal numbers then: of a 0, rounding would leave 1e-8 ‖W‖. So it is 0
    if `is_normal`, and never below what the commutator says, ‖WᵀW - WWᵀ‖_F/(√6 ‖W‖_F) (see Elsner, Paardekooper 1987).
    Henrici's bound from above is ((n³ - n)/12)^¼ ‖WᵀW - WWᵀ‖_F^½.
    """
    W, exponent = normalised(square("W", W))  # so that no square overflows
    if is_normal(W):
        return 0.0
    whole, diagonal = float(np.linalg.norm(W)), float(np.linalg.norm(np.linalg.eigvals(W)))
    departure = math.sqrt(max(whole - diagonal, 0.0) * (whole + diagonal))
    return float(np.ldexp(max(departure, _commutator(W) / (math.sqrt(6) * whole)), exponent))


def _commutator(W: Array) -> float:
    return float(np.linalg.norm(W.T @ W - W @ W.T))


def by_modulus(values: Array) -> Array:
    """The order that puts the largest modulus first and, being stable, leaves conjugate pairs together."""
    return np.argsort(-np.abs(values), stable=True)


def normalised(matrix: Array) -> tuple[Array, int]:
    """``matrix`` as one whose largest entry is in [½, 1), times 2^exponent; of zeros, as itself, times 1.

    This rounds nothing but entries that are 1e-308 of the largest.
    """
    exponent = int(np.frexp(np.max(np.abs(matrix)))[1])
    return np.ldexp(matrix, -exponent), exponent
