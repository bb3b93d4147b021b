"""What matrix products differentiate to.

The cotangent of a matrix in a product is itself a product, LᵀR, and is returned unmultiplied (`Product`), summed over
leading batch axes by stacking the rows.
"""

from __future__ import annotations

import math

import numpy as np

from minigrad.cotangents import Product
from minigrad.primitives import defvjp, rewrites


def rows(a):
    """All leading axes of ``a`` as one: a vector becomes a single row."""
    return a if a.ndim == 2 else a.reshape(math.prod(a.shape[:-1]), a.shape[-1])


def swap(a):
    """``a`` with its last two axes exchanged."""
    return a.T if a.ndim == 2 else a.swapaxes(-1, -2)


def product(left, right):
    """LᵀR, deferred where it pays.

    Deferring copies L and R once, multiplying now writes LᵀR and adds it up later: the smaller one is done. (What a
    call costs in itself is worth a few hundred numbers.)
    """
    rows, m, n = left.shape[0], left.shape[1], right.shape[1]
    return Product(left, right) if rows * (m + n) < m * n + 256 else left.T @ right


def matmul_left(g, y, a, b):
    """The cotangent g bᵀ of ``a`` in ``y = a @ b``."""
    if b.ndim == 1:  # each row of a was dotted with b
        return product(rows(g), rows(b)) if a.ndim == 2 else g[..., None] * b
    if a.ndim == 1:
        return (b @ g[..., None])[..., 0]
    if a.ndim == 2 and b.ndim == 2:
        return product(g.T, b.T)
    return g @ swap(b)


def matmul_right(g, y, a, b):
    """The cotangent aᵀ g of ``b`` in ``y = a @ b``."""
    if a.ndim == 1:
        return product(rows(a), rows(g)) if b.ndim == 2 else a[..., None] * g[..., None, :] if b.ndim > 1 else a * g
    if b.ndim == 1:
        return (swap(a) @ g[..., None])[..., 0]
    if b.ndim == 2:
        return product(rows(a), rows(g))
    return swap(a) @ g


def dot(a, b):
    """`numpy.dot` is matmul up to two dimensions, and a product with a number."""
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return np.multiply(a, b)
    if np.ndim(b) > 2:
        raise TypeError(f"np.dot with a second argument of {np.ndim(b)} dimensions has no rule: write np.matmul")
    return np.matmul(a, b)


defvjp(np.matmul, matmul_left, matmul_right)
defvjp(
    np.vdot,
    lambda g, y, a, b: g * np.reshape(b, np.shape(a)),
    lambda g, y, a, b: g * np.reshape(a, np.shape(b)),
)
rewrites[np.dot] = dot
