"""Differences of neighbours, and what is made of them: `numpy.diff`, `numpy.gradient`, and the integral, `trapezoid`.

They are linear in the values, and written in terms of slices; the places at which the values stand have gradients too.
"""

from __future__ import annotations

import numpy as np

from minigrad.engine.tables import rewrite
from minigrad.engine.tensor import Tensor


def diff(a, n=1, axis=-1, prepend=None, append=None):
    """`numpy.diff`."""
    if n < 0 or np.ndim(a) == 0:
        raise ValueError(f"np.diff takes differences along an axis n >= 0 times, got n={n} and shape {np.shape(a)}")
    one = list(np.shape(a))
    one[axis] = 1
    parts = [np.broadcast_to(x, one) if np.ndim(x) == 0 else x for x in (prepend, a, append) if x is not None]
    a = np.concatenate(parts, axis) if len(parts) > 1 else a
    lead = (slice(None),) * (axis % len(one))
    for _ in range(n):
        a = a[(*lead, slice(1, None))] - a[(*lead, slice(None, -1))]
    return a


def slope(f, x, edge_order):
    """The derivative of ``f`` along its last axis by central differences, as `numpy.gradient` defines it.

    ``x`` is the distance of neighbours, or the coordinates of all points.
    """
    x = x if isinstance(x, Tensor) or np.ndim(x) == 0 else np.asarray(x) * 1.0
    np.gradient(np.zeros(f.shape[-1]), np.arange(len(x)) if np.ndim(x) else 1.0, edge_order=edge_order)  # may complain
    h = np.diff(x) if np.ndim(x) else x
    if np.ndim(h) and not isinstance(h, Tensor) and np.all(h == h[:1]):
        h = h[0]  # a simpler formula; not for tensors, which have a derivative with respect to each coordinate
    if np.ndim(h):
        p, q = h[:-1], h[1:]
        inner = (-q / (p * (p + q)) * f[..., :-2] + (q - p) / (p * q) * f[..., 1:-1] + p / (q * (p + q)) * f[..., 2:])
    else:
        inner = (f[..., 2:] - f[..., :-2]) / (2.0 * h)
    if edge_order == 1:
        first, last = (h[0], h[-1]) if np.ndim(h) else (h, h)
        return np.concatenate([(f[..., 1:2] - f[..., :1]) / first, inner, (f[..., -1:] - f[..., -2:-1]) / last], -1)
    if np.ndim(h):
        p, q = h[0], h[1]
        left = -(2.0 * p + q) / (p * (p + q)), (p + q) / (p * q), -p / (q * (p + q))
        p, q = h[-2], h[-1]
        right = q / (p * (p + q)), -(q + p) / (p * q), (2.0 * q + p) / (q * (p + q))
    else:
        left, right = (-1.5 / h, 2.0 / h, -0.5 / h), (0.5 / h, -2.0 / h, 1.5 / h)
    first = left[0] * f[..., :1] + left[1] * f[..., 1:2] + left[2] * f[..., 2:3]
    last = right[0] * f[..., -3:-2] + right[1] * f[..., -2:-1] + right[2] * f[..., -1:]
    return np.concatenate([first, inner, last], -1)


def gradient(f, *varargs, axis=None, edge_order=1):
    """`numpy.gradient`; also with respect to spacings and coordinates."""
    f = f if isinstance(f, Tensor) else np.asarray(f) * 1.0
    axes = range(f.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    xs = varargs * len(axes) if len(varargs) == 1 and np.ndim(varargs[0]) == 0 else varargs or (1.0,) * len(axes)
    if len(xs) != len(axes):
        raise TypeError(f"np.gradient along {len(axes)} axes takes one spacing, or one an axis, got {len(xs)}")
    slopes = [np.moveaxis(slope(np.moveaxis(f, i, -1), x, edge_order), -1, i) for i, x in zip(axes, xs, strict=True)]
    slopes = [s if s.dtype == f.dtype else s.astype(f.dtype) for s in slopes]
    return slopes[0] if len(slopes) == 1 else tuple(slopes)


def steps(a, axis):
    """``a`` without its first and without its last entry along ``axis``."""
    a = a if isinstance(a, Tensor) else np.asarray(a)
    lead = (slice(None),) * (axis % a.ndim)
    return a[(*lead, slice(1, None))], a[(*lead, slice(None, -1))]


def trapezoid(y, x=None, dx=1.0, axis=-1):
    """`numpy.trapezoid`; the places ``x`` have a gradient as well."""
    if x is not None:
        after, before = steps(x, -1 if np.ndim(x) == 1 else axis)
        dx = after - before
        if np.ndim(x) == 1:
            dx = np.reshape(dx, (-1,) + (1,) * (np.ndim(y) - 1 - axis % np.ndim(y)))
    after, before = steps(y, axis)
    return np.sum(dx * (after + before) / 2, axis=axis)


rewrite(np.diff, diff)
rewrite(np.gradient, gradient)
rewrite(np.trapezoid, trapezoid)
