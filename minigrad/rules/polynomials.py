"""Polynomials as arrays of coefficients, the highest power first."""

from __future__ import annotations

import numpy as np

from minigrad.engine.tables import rewrite
from minigrad.rules.contractions import operand


def polyval(p, x):
    """`numpy.polyval`, by Horner's scheme."""
    p, x = operand(p), operand(x)
    y = np.zeros(x.shape, np.result_type(p.dtype, x.dtype))
    for i in range(len(p)):
        y = y * x + p[i]
    return y


def vander(x, N=None, increasing=False):
    """`numpy.vander`: running products of ``x`` and 1."""
    x = operand(x)
    if x.ndim != 1:
        raise ValueError(f"np.vander takes 1 dimension, got shape {x.shape}")
    n, x = len(x) if N is None else N, x.astype(np.promote_types(x.dtype, int))
    one = np.ones((len(x), min(n, 1)), x.dtype)
    powers = np.cumprod(np.concatenate([one, np.broadcast_to(x[:, None], (len(x), max(n - 1, 0)))], 1), axis=1)
    return powers if increasing else powers[:, ::-1]


def polynomial_sum(fn):
    """`numpy.polyadd` or `numpy.polysub`: the shorter one begins with zeros."""

    def added(a1, a2):
        a1, a2 = np.atleast_1d(a1), np.atleast_1d(a2)
        n = max(len(a1), len(a2))
        return fn(np.concatenate([np.zeros(n - len(a1), a1.dtype), a1]),
                  np.concatenate([np.zeros(n - len(a2), a2.dtype), a2]))

    return added


def polymul(a1, a2):
    """`numpy.polymul`, a convolution without the zeros that lead."""
    a1, a2 = trimmed(a1), trimmed(a2)
    return np.convolve(a1, a2)


def trimmed(a):
    """``a`` without the zeros that lead, but for the last."""
    a = np.atleast_1d(a)
    nonzero = np.flatnonzero(a)
    return a[nonzero[0] :] if nonzero.size else a[-1:]


def polyder(p, m=1):
    """`numpy.polyder`."""
    for _ in range(m):
        p = p[:-1] * np.arange(len(p) - 1, 0, -1)
    return p


def polyint(p, m=1, k=None):
    """`numpy.polyint`; the constants of integration have gradients too."""
    k = np.zeros(m) if k is None else np.atleast_1d(k)
    k = np.broadcast_to(k, (m,)) if len(k) == 1 else k
    for i in range(m):
        p = np.concatenate([p / np.arange(len(p), 0, -1), k[i : i + 1]])
    return p


rewrite(np.polyval, polyval)
rewrite(np.vander, vander)
rewrite(np.polyadd, polynomial_sum(np.add))
rewrite(np.polysub, polynomial_sum(np.subtract))
rewrite(np.polymul, polymul)
rewrite(np.polyder, polyder)
rewrite(np.polyint, polyint)
