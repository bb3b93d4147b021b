"""The numerical range of a matrix, {x*Wx, ‖x‖ = 1}: what a step can do to a state along itself.

References
----------
C. He, G. A. Watson (1997), "An algorithm for computing the numerical radius", IMA Journal of Numerical Analysis 17.
E. Mengi, M. L. Overton (2005), "Algorithms for the computation of the pseudospectral radius and the numerical radius of
a matrix", IMA Journal of Numerical Analysis 25.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.engine.tensor import Array
from minigrad.rnn.dynamics.incoming import square
from minigrad.rnn.dynamics.level_sets import highest, unimodular
from minigrad.rnn.dynamics.spectrum import normalised


def numerical_radius(W: Any) -> float:
    """r(W) = max |x*Wx| over complex x of length 1: ρ ≤ r ≤ σ_max ≤ 2r, and ‖W^t‖ ≤ 2 r^t for ever.

    The last is Berger's power inequality (1965). r is the maximum over θ of λ_max(H(θ)), where
    H(θ) = (e^{iθ}W + e^{-iθ}Wᵀ)/2. H(θ) has the eigenvalue r at the angles of the unimodular z with
    det(z²W - 2rzI + Wᵀ) = 0. No grid.

    Parameters
    ----------
    W : (n, n) array_like or Tensor

    Returns
    -------
    float
        Exact but for rounding (He, Watson 1997; Mengi, Overton 2005).
    """
    W, exponent = normalised(square("W", W))
    n, eye = len(W), np.eye(len(W))

    def height(angles: Array) -> Array:
        return np.linalg.eigvalsh(_part(W, angles))[:, -1]

    def crossings(level: float) -> Array:
        """det(z²W - 2 level z + Wᵀ) = 0, made linear in z by z x beside x."""
        trial = np.linspace(0.3, 2 * np.pi + 0.3, 8, endpoint=False)
        gap = np.min(np.abs(np.linalg.eigvalsh(_part(W, trial)) - level), axis=1)
        if gap.max() <= 1e-12 * abs(level):  # W is as good as turned by every angle
            return np.empty(0)
        A = np.block([[2 * level * eye, -W.T], [eye, 0 * eye]])
        B = np.block([[W, 0 * eye], [0 * eye, eye]])
        return unimodular(A, B, np.exp(1j * trial[np.argmax(gap)]))

    best, _ = highest(height, crossings, np.linspace(0, np.pi, n + 2))
    return float(np.ldexp(best, exponent))


def _part(W: Array, angles: Array) -> Array:
    """The Hermitian parts of the matrix turned by each angle."""
    turned = np.exp(1j * angles)[:, None, None] * W / 2
    hermitian: Array = turned + np.swapaxes(turned, 1, 2).conj()
    return hermitian
