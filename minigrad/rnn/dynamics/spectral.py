"""Why gradients vanish and explode, read off the recurrent matrix.

Unrolled, a recurrent network applies the same matrix at every step, so the derivative of a late state with respect to
an early one is a product of T Jacobians, ∂h_T/∂h_0 = J_T ... J_1 with J_t = diag(f'(z_t)) W. What such a product does
in the long run is a question about W, and this file asks it in three ways:

- *for ever*: the eigenvalues. In a linear network the product is W^t, and `expand` writes W^t h_0 as a sum of modes,
  each of which grows or decays by its own factor λ a step. `classify` turns that into the famous verdict.
- *meanwhile*: the norms. A matrix that is far from normal (`henrici`) can amplify a hundredfold before it decays,
  which its eigenvalues do not tell. `powers_norm` does.
- *in a given run*: `jacobians` and `jacobian_products` follow the true product, however small or large it becomes.

Nothing here is differentiated: these are plain arrays in double precision. A `Tensor` may be passed for its values.

References
----------
R. Pascanu, T. Mikolov, Y. Bengio (2013), "On the difficulty of training recurrent neural networks", ICML.
P. Henrici (1962), "Bounds for iterates, inverses, spectral variation and fields of values of non-normal matrices",
Numerische Mathematik 4.
L. N. Trefethen, M. Embree (2005), "Spectra and Pseudospectra", Princeton University Press.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import repeat
from typing import Any

import numpy as np

from minigrad.engine.tensor import Array, Tensor

CONDITION_LIMIT = 1e6
"""Beyond this condition number of the eigenvectors `expand` does not trust an expansion in them: it may cost six of
the sixteen digits. Gaussian matrices of some hundred rows have about 1e3; defective ones, whose eigenvalues rounding
has torn apart a little, from 1e6 up to 1e16."""


class DefectiveMatrixWarning(UserWarning):
    """A matrix has no basis of eigenvectors, or none that double precision can tell from none."""


# -- the matrix alone -------------------------------------------------------------------------------------------------


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
        If ``W`` is not square, not real, or holds a NaN or an infinity. So do all functions of this file.
    """
    values = np.linalg.eigvals(_square(W))
    return values[_by_modulus(values)]


def spectral_radius(W: Any) -> float:
    """The largest modulus of an eigenvalue of ``W`` (n, n): the growth a step of ‖W^t‖ in the long run.

    Gelfand (1941): it is the limit of ‖W^k‖^(1/k).
    """
    return float(np.abs(eigenvalues(W)[0]))


def spectral_norm(W: Any) -> float:
    """The largest singular value of ``W`` (n, n): the largest growth of a vector's length in a single step."""
    return float(np.linalg.norm(_square(W), 2))


def numerical_abscissa(W: Any) -> float:
    """The largest eigenvalue of (W + Wᵀ)/2: the growth rate that exp(tW) starts with.

    Trefethen and Embree (2005). It matters for continuous time, x' = Wx, as the norm does for steps.
    """
    W = _square(W)
    return float(np.linalg.eigvalsh(W / 2 + W.T / 2)[-1])


def henrici(W: Any) -> float:
    """The departure from normality, √(‖W‖_F² - Σ|λ_i|²), of ``W`` (n, n).

    Henrici (1962). It is the Frobenius norm of what stands above the diagonal in a Schur form, and 0 if
    and only if the matrix is normal. It is a difference of nearly equal numbers then: what rounding leaves of the 0
    is of the order 1e-8 ‖W‖.
    """
    W, exponent = _normalised(_square(W))  # so that no square overflows
    whole, diagonal = float(np.linalg.norm(W)), float(np.linalg.norm(np.linalg.eigvals(W)))
    return float(np.ldexp(math.sqrt(max(whole - diagonal, 0.0) * (whole + diagonal)), exponent))


def powers_norm(W: Any, steps: int) -> Array:
    """‖W^t‖₂ for t = 0, 1, ..., ``steps``: how much a linear network amplifies, at most, in t steps.

    Parameters
    ----------
    W : (n, n) array_like or Tensor
    steps : int
        The last t, at least 0.

    Returns
    -------
    (steps + 1,) ndarray
        Infinite, with NumPy's warning of an overflow, beyond 1.8e308; `jacobian_products` gives the logarithm.
    """
    W, steps = _square(W), _count(steps, "steps")
    return np.array([product.norm for product in _running(len(W), repeat(W, steps))])


# -- the expansion in eigenvectors ------------------------------------------------------------------------------------


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
        t = _count(t, "t")
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
        for _ in range(_count(t, "t")):
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
    W, h0 = np.array(_square(W)), np.array(_real(h0, "h0"))  # copies: the result outlives this call
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
    order = _by_modulus(values)
    values, vectors = values[order], vectors[:, order]
    return Expansion(np.linalg.solve(vectors, h0), values, vectors)  # solved for: an inverse would be less accurate


# -- products of Jacobians --------------------------------------------------------------------------------------------


def jacobians(f_prime: Any, W: Any) -> Array:
    """The Jacobians of the steps of one run, ∂h_t/∂h_{t-1} = diag(f'(z_t)) W.

    Parameters
    ----------
    f_prime : (T, n) array_like or Tensor
        The slopes f'(z_t), a row a step: 1 - h_t² for tanh. Of a batch, pass one sequence, ``slopes[:, b]``.
    W : (n, n) array_like or Tensor

    Returns
    -------
    (T, n, n) ndarray
    """
    W, slopes = _square(W), _real(f_prime, "f_prime")
    if slopes.ndim != 2 or slopes.shape[1] != len(W):
        raise ValueError(
            f"f_prime has shape {slopes.shape}: with W of shape {W.shape}, expected (T, {len(W)}), a row of slopes"
            " f'(z_t) for each step of one sequence"
        )
    product: Array = slopes[:, :, np.newaxis] * W  # row i of W, scaled by the slope of unit i
    return product


@dataclass(frozen=True, eq=False)
class JacobianProduct:
    """A product of matrices that neither underflows nor overflows: 2^exponent times ``matrix``.

    The scale is a power of two, taken out again after every factor: that rounds nothing, so as long as the plain
    product fits into double precision, this one agrees with it to the last digit. The empty product, to start from,
    is ``JacobianProduct(np.eye(n), 0)``.

    Attributes
    ----------
    matrix : (n, n) ndarray
        Its largest entry lies between ½ and 1, unless the product is empty or zero.
    exponent : int
    """

    matrix: Array
    exponent: int

    def then(self, jacobian: Any) -> JacobianProduct:
        """The product with one more factor, that of the next step, at its left: ``jacobian @ self``."""
        factor, e1 = _normalised(_square(jacobian, "jacobian"))
        matrix, e2 = _normalised(factor @ self.matrix)
        return JacobianProduct(matrix, self.exponent + e1 + e2)

    @property
    def log_scale(self) -> float:
        """The natural logarithm of the scale."""
        return self.exponent * math.log(2.0)

    @property
    def log_norm(self) -> float:
        """The natural logarithm of the product's spectral norm; -inf for a product that is zero."""
        norm = float(np.linalg.norm(self.matrix, 2))
        return math.log(norm) + self.log_scale if norm > 0.0 else -math.inf

    @property
    def norm(self) -> float:
        """The product's spectral norm: 0 or infinite where it leaves the range of double precision."""
        return float(np.ldexp(np.linalg.norm(self.matrix, 2), self.exponent))


def jacobian_products(jacobians: Any) -> Array:
    """How the derivative grows or shrinks along a run: ln ‖J_t ... J_1‖₂ = ln ‖∂h_t/∂h_0‖₂ for t = 1, ..., T.

    Parameters
    ----------
    jacobians : (T, n, n) array_like or Tensor
        J_1, ..., J_T, as `jacobians` gives them. To follow the gradient from the last step back to the first, which
        is J_T ... J_t for t = T, ..., 1, pass the transposes in reverse: ``jacobians[::-1].transpose(0, 2, 1)``.

    Returns
    -------
    (T,) ndarray
        Natural logarithms, so that 1100 Jacobians of size ½, whose product is no double-precision number, are
        -762.5; -inf from where the product is zero.
    """
    stack = _real(jacobians, "jacobians")
    if stack.ndim != 3 or stack.shape[1] != stack.shape[2] or stack.shape[2] == 0:
        raise ValueError(f"jacobians has shape {stack.shape}: expected (T, n, n), a square matrix for each step")
    return np.array([product.log_norm for product in _running(stack.shape[2], stack)][1:])


def _running(n: int, factors: Iterable[Array]) -> Iterator[JacobianProduct]:
    """The empty product, then the product of the first factor, of the first two, and so on."""
    product = JacobianProduct(np.eye(n), 0)
    yield product
    for factor in factors:
        product = product.then(factor)
        yield product


# -- the verdict ------------------------------------------------------------------------------------------------------


class Fate(StrEnum):
    """What is known of gradients in the long run."""

    VANISH = "vanish"
    MAY_EXPLODE = "may explode"
    BORDERLINE = "borderline"


@dataclass(frozen=True)
class Verdict:
    """What a recurrent matrix says about gradients: ``str(verdict)`` is a caption.

    Attributes
    ----------
    radius, norm : float
        The spectral radius and the spectral norm of W.
    gamma : float
        The bound on the slope of f, sup|f'|.
    """

    radius: float
    norm: float
    gamma: float

    @property
    def linear(self) -> Fate:
        """For a linear network, decided by the spectral radius and 1."""
        return _fate(self.radius, 1.0)

    @property
    def nonlinear(self) -> Fate:
        """For a network with a nonlinearity f of slope at most gamma, decided by the spectral norm and 1/gamma."""
        return _fate(self.norm, vanishing_bound(self.gamma))

    def __str__(self) -> str:
        return (
            f"linear: {self.linear} (spectral radius {self.radius:.4g} against 1); with f: {self.nonlinear}"
            f" (spectral norm {self.norm:.4g} against {vanishing_bound(self.gamma):.4g})"
        )


def vanishing_bound(gamma: float) -> float:
    """1/gamma: with a spectral norm of W below it, gradients are bound to vanish.

    Pascanu, Mikolov and Bengio (2013), section 2.1: ‖J_t‖ <= ‖diag(f'(z_t))‖ ‖W‖ <= gamma ‖W‖ < 1 for every t.

    Parameters
    ----------
    gamma : float
        sup|f'|, positive: 1 for tanh and the identity, ¼ for the logistic function.
    """
    if not (math.isfinite(gamma) and gamma > 0.0):
        raise ValueError(f"gamma is {gamma}: expected sup|f'|, a positive number: 1 for tanh, 0.25 for the logistic")
    return 1.0 / gamma


def classify(W: Any, gamma: float = 1.0) -> Verdict:
    """Do gradients vanish, or may they explode? Both answers of Pascanu, Mikolov and Bengio (2013), section 2.1.

    In a linear network, a spectral radius below 1 is sufficient for gradients to vanish, and one above 1 necessary
    for them to explode (sufficient for ‖W^t‖ to do so, but a gradient may have no share in the mode that grows). With
    a nonlinearity, a spectral norm below 1/gamma is sufficient for them to vanish, and one above it necessary for
    them to explode, not more: a network with a norm above the bound may well have gradients that vanish.

    Parameters
    ----------
    W : (n, n) array_like or Tensor
    gamma : float
        sup|f'|: 1 for tanh, ¼ for the logistic function.

    Returns
    -------
    Verdict

    Examples
    --------
    >>> print(classify([[0.9, 10.0], [0.0, 0.9]]))
    linear: vanish (spectral radius 0.9 against 1); with f: may explode (spectral norm 10.08 against 1)
    """
    vanishing_bound(gamma)  # refuses an impossible gamma here, not when the verdict is printed
    return Verdict(spectral_radius(W), spectral_norm(W), float(gamma))


def _fate(size: float, bound: float) -> Fate:
    if math.isclose(size, bound):  # to nine digits: an orthogonal W is on the border, however its last bit came out
        return Fate.BORDERLINE
    return Fate.VANISH if size < bound else Fate.MAY_EXPLODE


# -- what comes in ----------------------------------------------------------------------------------------------------


def _real(value: Any, name: str) -> Array:
    """``value`` as a float64 array that is known to be finite."""
    array = np.asarray(value.data if isinstance(value, Tensor) else value)
    if array.dtype.kind not in "fiub":
        raise ValueError(f"{name} has dtype {array.dtype}: expected real numbers")
    array = array.astype(np.float64, copy=False)
    bad = ~np.isfinite(array)
    if bad.any():
        first = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ValueError(
            f"{name} holds {array[first]} at index {first} ({bad.sum()} of {array.size} entries are not finite):"
            " expected finite numbers; look for the step at which the run diverged"
        )
    return array


def _square(W: Any, name: str = "W") -> Array:
    matrix = _real(W, name)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or matrix.size == 0:
        raise ValueError(f"{name} has shape {matrix.shape}: expected a square matrix, (n, n), from states to states")
    return matrix


def _count(value: int, name: str) -> int:
    if not isinstance(value, (int, np.integer)) or value < 0:
        raise ValueError(f"{name} is {value!r}: expected a number of steps, an integer >= 0")
    return int(value)


def _by_modulus(values: Array) -> Array:
    """The order that puts the largest modulus first and, being stable, leaves conjugate pairs together."""
    return np.argsort(-np.abs(values), stable=True)


def _normalised(matrix: Array) -> tuple[Array, int]:
    """``matrix`` as one whose largest entry is in [½, 1), times 2^exponent; of zeros, as itself, times 1.

    This rounds nothing but entries that are 1e-308 of the largest.
    """
    exponent = int(np.frexp(np.max(np.abs(matrix)))[1])
    return np.ldexp(matrix, -exponent), exponent
