"""Products of Jacobians, however small or large they become.

∂h_T/∂h_0 = J_T ... J_1 leaves the range of double precision within some hundred steps. A `JacobianProduct` therefore
carries a power of two beside its matrix.

References
----------
I. Gelfand (1941), "Normierte Ringe", Matematicheskii Sbornik 9.
L. N. Trefethen, M. Embree (2005), "Spectra and Pseudospectra", Princeton University Press.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import numpy as np

from minigrad.engine.tensor import Array
from minigrad.rnn.dynamics.incoming import count, real, square
from minigrad.rnn.dynamics.spectrum import normalised


def jacobians(f_prime: Any, W: Any) -> Array:
    """The Jacobians of the steps of one run of the lecture's network, ∂h_t/∂h_{t-1} = diag(f'(z_t)) W.

    Those of any network, and of all that it carries, come from `flow.step_jacobians`.

    Parameters
    ----------
    f_prime : (T, n) array_like or Tensor
        The slopes f'(z_t), a row a step: 1 - h_t² for tanh. Of a batch, pass one sequence, ``slopes[:, b]``.
    W : (n, n) array_like or Tensor

    Returns
    -------
    (T, n, n) ndarray

    Raises
    ------
    ValueError
        If W is not square, or there is not a slope for each of its rows and each step.
    """
    W, slopes = square("W", W), real("f_prime", f_prime)
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
        factor, e1 = normalised(square("jacobian", jacobian))
        matrix, e2 = normalised(factor @ self.matrix)
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
    W, steps = square("W", W), count("steps", steps)
    return np.array([product.norm for product in _running(len(W), repeat(W, steps))])


@dataclass(frozen=True, eq=False)
class Transient:
    """How far a linear network grows before it decays.

    Attributes
    ----------
    norms : (t_max + 1,) ndarray
        ‖W^t‖₂ for t = 0 ... t_max.
    t : int
        When the largest of them is reached first.
    value : float
        It.
    """

    norms: Array
    t: int
    value: float


def transient_growth(W: Any, t_max: int) -> Transient:
    """max ‖W^t‖₂ over t = 0 ... ``t_max``, and when: what eigenvalues do not tell (Trefethen, Embree 2005, §14).

    With a t_max beyond the maximum, it lies between `kreiss_constant` and e n times that.
    """
    norms = powers_norm(W, t_max)
    t = int(np.argmax(norms))
    return Transient(norms, t, float(norms[t]))


def gelfand(W: Any, steps: int) -> Array:
    """‖W^k‖₂^(1/k) for k = 1 ... ``steps``: upper bounds of the spectral radius, which they tend to (Gelfand 1941).

    A normal matrix has its radius there from the beginning, a nilpotent one 0 from k = n.

    Returns
    -------
    (steps,) ndarray
    """
    W, steps = square("W", W), count("steps", steps)
    logs = [product.log_norm for product in _running(len(W), repeat(W, steps))][1:]
    return np.exp(np.array(logs) / np.arange(1, steps + 1))


def jacobian_products(jacobians: Any) -> Array:
    """How the derivative grows or shrinks along a run: ln ‖J_t ... J_1‖₂ = ln ‖∂h_t/∂h_0‖₂ for t = 1, ..., T.

    Parameters
    ----------
    jacobians : (T, n, n) array_like or Tensor
        J_1, ..., J_T, as `jacobians` or `flow.step_jacobians` give them. To follow the gradient from the last step back
        to the first, which is J_T ... J_t for t = T, ..., 1, pass the transposes in reverse:
        ``jacobians[::-1].transpose(0, 2, 1)``.

    Returns
    -------
    (T,) ndarray
        Natural logarithms, so that 1100 Jacobians of size ½, whose product is no double-precision number, are
        -762.5; -inf from where the product is zero.

    Raises
    ------
    ValueError
        If they are no square matrices, one a step.
    """
    stack = real("jacobians", jacobians)
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
