"""What products of vectors, matrices and tensors differentiate to.

`matmul` has a rule, and most of the others are written in terms of it. The cotangent of a matrix in a
product is itself a product, LᵀR, and is returned unmultiplied (`Product`), summed over leading batch axes by stacking
the rows.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from minigrad.engine.cotangents import Deferred
from minigrad.engine.primitive import primitive
from minigrad.engine.tables import defvjp, linear, rewrite
from minigrad.rules.contractions import operand, shaped, tensordot


class Product(Deferred):
    """LᵀR, the cotangent of a matrix: ``left`` (rows, m) and ``right`` (rows, n), arrays or tensors."""

    __slots__ = ("left", "right")

    def __init__(self, left, right):
        self.left, self.right = left, right
        (rows, m), (_, n) = left.shape, right.shape
        self.shape, self.size = (m, n), rows * (m + n)

    @staticmethod
    def combine(parts):
        if len(parts) < 3:  # as of a state, which few have used
            products = [p.left.T @ p.right for p in parts]
            return products[0] if len(parts) == 1 else products[0] + products[1]
        return np.concatenate([p.left for p in parts]).T @ np.concatenate([p.right for p in parts])


def rows(a):
    """All leading axes of ``a`` as one: a vector becomes a single row."""
    return a if a.ndim == 2 else a.reshape(math.prod(a.shape[:-1]), a.shape[-1])


def swap(a):
    """``a`` with its last two axes exchanged."""
    return a.T if a.ndim == 2 else a.swapaxes(-1, -2)


def product(left, right):
    """LᵀR, deferred where it pays.

    Deferring keeps L and R, copies them and reads them again; multiplying now writes LᵀR and adds it up later. What
    handles fewer numbers is done. (What a call costs in itself is worth a thousand numbers.)
    """
    (count, m), n = left.shape, right.shape[1]
    return Product(left, right) if count * (m + n) < m * n // 3 + 1024 else left.T @ right


def matmul_left(g, y, a, b):
    """The cotangent g bᵀ of ``a`` in ``y = a @ b``."""
    if a.ndim == b.ndim == 2:
        return product(g.T, b.T)
    if b.ndim == 1:  # each row of a was dotted with b
        return product(rows(g), rows(b)) if a.ndim == 2 else g[..., None] * b
    return (b @ g[..., None])[..., 0] if a.ndim == 1 else g @ swap(b)


def matmul_right(g, y, a, b):
    """The cotangent aᵀ g of ``b`` in ``y = a @ b``."""
    if b.ndim == 2:
        return product(rows(a), rows(g))
    if b.ndim == 1:
        return a * g if a.ndim == 1 else (swap(a) @ g[..., None])[..., 0]
    return a[..., None] * g[..., None, :] if a.ndim == 1 else swap(a) @ g


defvjp(np.matmul, matmul_left, matmul_right)
defvjp(np.vdot, lambda g, y, a, b: g * shaped(b, np.shape(a)),
                lambda g, y, a, b: g * shaped(a, np.shape(b)))


def dot(a, b):
    """`numpy.dot`: matmul up to two dimensions, a product with a number, and else a sum over one axis of each."""
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return np.multiply(a, b)
    return np.matmul(a, b) if np.ndim(b) <= 2 else tensordot(a, b, (-1, -2))


def kron(a, b):
    """`numpy.kron`: every number of ``a`` times all of ``b``."""
    a, b = operand(a), operand(b)
    ndim = max(a.ndim, b.ndim)
    m, n = (1,) * (ndim - a.ndim) + a.shape, (1,) * (ndim - b.ndim) + b.shape
    y = np.multiply(np.reshape(a, [k for i in m for k in (i, 1)]), np.reshape(b, [k for j in n for k in (1, j)]))
    return np.reshape(y, [i * j for i, j in zip(m, n, strict=True)])


@primitive
def crossed(a, b):
    """`numpy.cross` of vectors along the last axis."""
    return np.cross(a, b)


def cross(a, b, axisa=-1, axisb=-1, axisc=-1, axis=None):
    """`numpy.cross` of vectors in space, which are moved to the last axis."""
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = np.moveaxis(operand(a), axisa, -1), np.moveaxis(operand(b), axisb, -1)
    if a.shape[-1:] != (3,) or b.shape[-1:] != (3,):
        raise TypeError(f"np.cross has a rule for vectors of 3 elements, not {a.shape[-1]} and {b.shape[-1]}")
    return np.moveaxis(crossed(a, b), -1, axisc)


def trace(a, offset=0, axis1=0, axis2=1, dtype=None):
    """`numpy.trace`."""
    a = a if dtype is None else a.astype(dtype)
    return np.sum(np.diagonal(a, offset, axis1, axis2), axis=-1)


def multi_dot(arrays):
    """`numpy.linalg.multi_dot`: the product of all ``arrays``, in the cheapest order."""
    if len(arrays) < 2:
        raise ValueError(f"np.linalg.multi_dot multiplies at least 2 arrays, got {len(arrays)}")
    arrays = [operand(a) for a in arrays]
    ends = [1 if arrays[0].ndim == 1 else arrays[0].shape[0], *(a.shape[0] for a in arrays[1:])]
    ends += [1 if arrays[-1].ndim == 1 else arrays[-1].shape[1]]

    @cache
    def cheapest(i, j):  # how many multiplications arrays[i] @ ... @ arrays[j] takes, and the last factor on the left
        splits = ((cheapest(i, k)[0] + cheapest(k + 1, j)[0] + ends[i] * ends[k + 1] * ends[j + 1], k)
                  for k in range(i, j))
        return min(splits, default=(0, i))

    def multiplied(i, j):
        return arrays[i] if i == j else np.matmul(multiplied(i, k := cheapest(i, j)[1]), multiplied(k + 1, j))

    return multiplied(0, len(arrays) - 1)


def vecdot(a, b, axis=-1):
    """`numpy.vecdot`."""
    if axis != -1:
        a, b = np.moveaxis(operand(a), axis, -1), np.moveaxis(operand(b), axis, -1)
    return np.matmul(operand(a)[..., None, :], operand(b)[..., None])[..., 0, 0]


def matvec(a, b):
    """`numpy.matvec`; a single matrix is not repeated along the batch."""
    a, b = operand(a), operand(b)
    return np.matmul(b, swap(a)) if a.ndim == 2 and b.ndim > 1 else np.matmul(a, b[..., None])[..., 0]


def vecmat(a, b):
    """`numpy.vecmat`."""
    a, b = operand(a), operand(b)
    return np.matmul(a, b) if b.ndim == 2 else np.matmul(a[..., None, :], b)[..., 0, :]


# a·(b×c) does not change when a, b, c are rotated.
defvjp(crossed, lambda g, y, a, b: np.cross(b, g),
                lambda g, y, a, b: np.cross(g, a))
linear(np.matmul, np.vdot, crossed, form="multilinear")
rewrite(np.dot, dot)
rewrite(np.inner, lambda a, b: tensordot(a, b, (-1, -1)) if np.ndim(a) and np.ndim(b) else np.multiply(a, b))
rewrite(np.outer, lambda a, b: np.matmul(np.reshape(a, (-1, 1)), np.reshape(b, (1, -1))))
rewrite(np.kron, kron)
rewrite(np.cross, cross)
rewrite(np.trace, trace)
rewrite(np.linalg.multi_dot, multi_dot)
rewrite(np.linalg.matmul, lambda x1, x2: np.matmul(x1, x2))
rewrite(np.linalg.outer, lambda x1, x2: np.outer(x1, x2))
rewrite(np.linalg.cross, lambda x1, x2, *, axis=-1: np.cross(x1, x2, axis=axis))
rewrite(np.linalg.tensordot, lambda x1, x2, *, axes=2: np.tensordot(x1, x2, axes))
rewrite(np.linalg.trace, lambda x, *, offset=0, dtype=None: np.trace(x, offset, -2, -1, dtype))
rewrite(np.linalg.diagonal, lambda x, *, offset=0: np.diagonal(x, offset, -2, -1))
rewrite(np.linalg.matrix_transpose, lambda x: np.swapaxes(x, -1, -2))
if hasattr(np, "vecdot"):  # NumPy 2.0; the other two since 2.2
    rewrite(np.vecdot, vecdot)
    rewrite(np.linalg.vecdot, lambda x1, x2, *, axis=-1: vecdot(x1, x2, axis))
if hasattr(np, "matvec"):
    rewrite(np.matvec, matvec)
    rewrite(np.vecmat, vecmat)
