"""All singular values of a long product of Jacobians, the smallest of them too.

They are the factors by which ∂h_t/∂h_0 stretches: after a hundred steps the largest and the smallest are often farther
apart than double precision reaches, and of the product itself only the largest can be read off. Here the product is
kept as Q D U: an orthogonal matrix, scales of which only the logarithms are stored, and a matrix U that stays tame. The
singular values of D U are found by turning its rows in pairs until they are orthogonal (one-sided Jacobi), in which
only ratios of scales appear: each value comes out to nearly all digits, whatever the others are.

References
----------
J. Demmel, K. Veselić (1992), "Jacobi's method is more accurate than QR", SIAM Journal on Matrix Analysis 13.
G. W. Stewart (1997), "On graded QR decompositions of products of matrices", ETNA 5.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from minigrad.engine.tensor import Array
from minigrad.rnn.dynamics.incoming import square

TAME = 10.0  # scales that differ by no more than e^10 are left to the ordinary decomposition


def log_singular_values(jacobians: Iterable[Any], at: Iterable[int] | None = None) -> Array:
    """ln σ_i(J_t ... J_1): how the derivative ∂h_t/∂h_0 stretches in each direction.

    Divided by t they tend to the Lyapunov exponents.

    Parameters
    ----------
    jacobians : iterable of (n, n) array_like
        J_1 ... J_T, such as a stack (T, n, n), or what yields them one by one.
    at : iterable of int, optional
        Only for these t; for 1, 2 ... T otherwise.

    Returns
    -------
    (T, n) ndarray, or (number of t, n)
        Natural logarithms, the largest first; -inf for 0.
    """
    wanted, found, n = None if at is None else set(at), [], 0
    for t, jacobian in enumerate(jacobians, 1):
        jacobian = square("jacobian", jacobian)
        if t == 1:
            n = len(jacobian)
            Q, logs, U = np.eye(n), np.zeros(n), np.eye(n)
        Q, R = np.linalg.qr(jacobian @ Q)
        logs, U = _scaled_rows(R, logs, U)
        if wanted is None or t in wanted:
            found.append(_graded(logs, U))
    return np.array(found).reshape(len(found), n)


def _scaled_rows(R: Array, logs: Array, U: Array) -> tuple[Array, Array]:
    """R D U as D' U', where the largest entry of each row of D'⁻¹ R D is 1."""
    with np.errstate(divide="ignore"):
        sizes = np.log(np.abs(R)) + logs
    new = np.max(sizes, axis=1)
    with np.errstate(invalid="ignore", under="ignore"):
        weights = np.where(np.isfinite(sizes), np.sign(R) * np.exp(sizes - new[:, None]), 0.0)
    return new, weights @ U


def _graded(logs: Array, rows: Array) -> Array:
    """The logarithms of the singular values of diag(e^logs) rows, in order."""
    alive = np.isfinite(logs)
    values = np.full(len(logs), -np.inf)
    if not alive.any():
        return values
    logs, rows = logs[alive], rows[alive]
    with np.errstate(divide="ignore"):
        if np.ptp(logs) <= TAME:
            values[: len(logs)] = np.log(np.linalg.svd(np.exp(logs - logs.max())[:, None] * rows)[1]) + logs.max()
        else:
            order = np.argsort(-logs)
            values[: len(logs)] = _by_jacobi(logs[order], rows[order].copy())
    return np.sort(values)[::-1]


def _by_jacobi(logs: Array, rows: Array) -> Array:
    """Rows a and b of scales 1 and s are made orthogonal: a ← c (a - τs²b), b ← c (b + τa), t = τs the tangent."""
    n, eps = len(rows), np.finfo(float).eps
    for _ in range(40):
        turned = False
        for i in range(n - 1):
            for j in range(i + 1, n):
                a, b, s = rows[i], rows[j], np.exp(min(logs[j] - logs[i], 0.0))
                aa, bb, ab = a @ a, b @ b, a @ b
                if abs(ab) <= n * eps * np.sqrt(aa * bb):
                    continue
                turned, zeta = True, (bb * s * s - aa) / (2 * ab)
                tau = (1.0 if zeta >= 0 else -1.0) / (abs(zeta) + np.hypot(s, zeta))
                c = 1 / np.hypot(1.0, tau * s)
                rows[i], rows[j] = c * (a - tau * s * s * b), c * (b + tau * a)
        if not turned:
            break
    found: Array = np.log(np.linalg.norm(rows, axis=1)) + logs
    return found
