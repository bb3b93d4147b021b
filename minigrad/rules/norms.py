"""Norms of vectors and matrices, in terms of sums and extrema; their derivative at 0 is 0."""

from __future__ import annotations

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from minigrad.engine.primitive import primitive
from minigrad.engine.tables import defvjp, rewrite
from minigrad.rules.kinks import creased, kinked


@primitive
def root(s, p):
    """The p-th root of a sum of powers."""
    return np.sqrt(s) if p == 2 else np.where(s == 0, 0 if p > 0 else np.inf, np.where(s == 0, 1, s) ** (1 / p))


def share_of_root(g, y, s, p):
    """Where the sum is 0, the derivative is 0 by convention, and there is no second one."""
    zero = s == 0
    slope = 0.5 / np.where(zero, 1, y) if p == 2 else np.where(zero, 1, s) ** (1 / p - 1) / p
    return kinked(np.where(zero, 0, g * slope), s)


defvjp(root, share_of_root, None)


def flat_at_0(x):
    """Of x, which is not negative; the derivative at 0, where it has its minimum, is 0."""
    return np.where(x == 0, 0, creased(x))


def vector_norm(x, p, axis):
    """(Σ |x|ᵖ)^(1/p) over ``axis``, which is kept."""
    if isinstance(p, str):
        raise ValueError(f"{p!r} is no norm of vectors: ord=None, 1, 2, np.inf, -np.inf or another number")
    if p == 0:
        raise TypeError("np.linalg.norm(..., ord=0) counts and has no gradient: write np.count_nonzero(x, axis)")
    if p is None or p == 2:
        return root(np.sum(x * x, axis=axis, keepdims=True), 2)
    if p == 1 or (p == np.inf and x.size == 0):  # the largest of nothing is taken as 0
        return np.sum(np.abs(x), axis=axis, keepdims=True)
    if abs(p) == np.inf:
        return (np.max if p > 0 else np.min)(np.abs(x), axis=axis, keepdims=True)
    p, zero = float(p), x == 0  # float: a NumPy number would widen float32
    x = creased(x) if p < 3 else x  # |x|³ is smooth enough to be flat at 0 twice
    powers = np.where(zero, 0 if p > 0 else np.inf, np.abs(np.where(zero, 1, x)) ** p)
    return root(np.sum(powers, axis=axis, keepdims=True), p)


def matrix_norm(x, p, axis):
    """The norm of the matrices whose rows and columns are the two of ``axis``, which are kept."""
    if p in (None, "fro", "f"):
        return root(np.sum(x * x, axis=axis, keepdims=True), 2)
    if p in (1, -1, np.inf, -np.inf):
        down, across = axis if abs(p) == 1 else axis[::-1]
        lengths = np.sum(np.abs(x), axis=down, keepdims=True)
        if x.size == 0 and p > 0:
            return np.sum(lengths, axis=across, keepdims=True)
        return (np.max if p > 0 else np.min)(lengths, axis=across, keepdims=True)
    if p in (2, -2, "nuc"):
        rest = [i for i in range(x.ndim) if i not in axis]
        values = np.linalg.svd(np.transpose(x, (*rest, *axis)), compute_uv=False)
        if p == "nuc" or (p == 2 and x.size == 0):
            return np.expand_dims(np.sum(flat_at_0(values), axis=-1), axis)
        return np.expand_dims(flat_at_0((np.max if p == 2 else np.min)(values, axis=-1)), axis)
    raise ValueError(f"{p!r} is no norm of matrices: ord=None, 'fro', 'nuc', 1, -1, 2, -2, np.inf or -np.inf")


def norm(x, ord=None, axis=None, keepdims=False):
    """`numpy.linalg.norm`."""
    x = x if x.dtype.kind == "f" else x.astype(float)
    axes = normalize_axis_tuple(range(x.ndim) if axis is None else axis, x.ndim)
    if axis is None and ord is None:
        y = root(np.sum(x * x, keepdims=True), 2)
    elif len(axes) in (1, 2):
        y = vector_norm(x, ord, axes) if len(axes) == 1 else matrix_norm(x, ord, axes)
    else:
        raise ValueError(f"a norm is over one axis or two, not {len(axes)}: pass axis=, or no ord for all axes")
    return y if keepdims else np.squeeze(y, axes)


def norm_of_vectors(x, *, axis=None, keepdims=False, ord=2):
    """`numpy.linalg.vector_norm`: over several axes as over one."""
    axes = normalize_axis_tuple(range(x.ndim) if axis is None else axis, x.ndim)
    y = vector_norm(x, ord, axes)
    return y if keepdims else np.squeeze(y, axes)


rewrite(np.linalg.norm, norm)
rewrite(np.linalg.vector_norm, norm_of_vectors)
rewrite(np.linalg.matrix_norm, lambda x, *, keepdims=False, ord="fro": norm(x, ord, (-2, -1), keepdims))
