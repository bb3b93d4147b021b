"""What functions that change shapes and move axes differentiate to: the cotangents are moved back.

Where NumPy itself writes a function in terms of others, so does minigrad: `rewrites`.
"""

from __future__ import annotations

import inspect

import numpy as np

from minigrad.primitives import defvjp, linear, plain, rewrites
from minigrad.tensor import Tensor, record


def inverse(axes, ndim):
    """The permutation that undoes ``axes``."""
    return None if axes is None else np.argsort([axis % ndim for axis in axes])


defvjp(np.reshape, lambda g, y, a, shape: np.reshape(g, a.shape), None)
defvjp(np.ravel, lambda g, y, a: np.reshape(g, a.shape))
defvjp(np.squeeze, lambda g, y, a, axis=None: np.reshape(g, a.shape))
defvjp(np.expand_dims, lambda g, y, a, axis: np.reshape(g, a.shape), None)
defvjp(np.broadcast_to, lambda g, y, a, shape: g, None)  # the walk undoes broadcasting
defvjp(np.transpose, lambda g, y, a, axes=None: np.transpose(g, inverse(axes, a.ndim)))
defvjp(np.swapaxes, lambda g, y, a, axis1, axis2: np.swapaxes(g, axis1, axis2))
defvjp(np.moveaxis, lambda g, y, a, source, destination: np.moveaxis(g, destination, source), None, None)
defvjp(np.flip, lambda g, y, m, axis=None: np.flip(g, axis))
defvjp(np.rot90, lambda g, y, m, k=1, axes=(0, 1): np.rot90(g, -k, axes))
defvjp(np.roll, lambda g, y, a, shift, axis=None: np.roll(g, np.negative(shift), axis), None)

rewrites[np.rollaxis] = inspect.unwrap(np.rollaxis)  # NumPy's own definition, by way of transpose
rewrites[np.matrix_transpose] = lambda x: np.swapaxes(x, -1, -2)
rewrites[np.fliplr] = lambda m: np.flip(m, 1)
rewrites[np.flipud] = lambda m: np.flip(m, 0)


def widened(fn):
    """`numpy.atleast_1d` and its like, which insert axes: where, they tell by the shape of an empty array."""

    def at_least(*arrays):
        wide = tuple(np.reshape(a, fn(np.empty(np.shape(a))).shape) for a in arrays)
        return wide if len(wide) != 1 else wide[0]

    return at_least


for widening in (np.atleast_1d, np.atleast_2d, np.atleast_3d):
    rewrites[widening] = widened(widening)


def broadcast_arrays(*args):
    """`numpy.broadcast_arrays`."""
    shape = np.broadcast_shapes(*map(np.shape, args))
    return tuple(np.broadcast_to(a, shape) for a in args)


def meshgrid(*xi, copy=True, sparse=False, indexing="xy"):
    """`numpy.meshgrid`; ``copy`` makes no difference to what is never written to."""
    open_ = np.meshgrid(*(np.empty(np.size(x)) for x in xi), sparse=True, indexing=indexing)
    grids = tuple(np.reshape(x, grid.shape) for x, grid in zip(xi, open_, strict=True))
    return grids if sparse else np.broadcast_arrays(*grids)


rewrites[np.broadcast_arrays] = broadcast_arrays
rewrites[np.meshgrid] = meshgrid


# -- joining: the arrays become arguments of their own, and one rule returns all their cotangents ---------------------


def concatenate(*arrays, axis=0):
    """`numpy.concatenate` with the arrays as separate arguments."""
    return np.concatenate(arrays, axis)


def stack(*arrays, axis=0):
    """`numpy.stack` with the arrays as separate arguments."""
    return np.stack(arrays, axis)


def pieces(g, y, *arrays, axis=0):
    """The part of ``g`` that belongs to each of the ``arrays`` that were concatenated."""
    ends = np.cumsum([np.shape(a)[axis] for a in arrays])
    lead = (slice(None),) * (axis % y.ndim)
    return [g[(*lead, slice(end - np.shape(a)[axis], end))] for a, end in zip(arrays, ends, strict=True)]


def layers(g, y, *arrays, axis=0):
    """The layer of ``g`` that belongs to each of the ``arrays`` that were stacked."""
    lead = (slice(None),) * (axis % y.ndim)
    return [g[(*lead, i)] for i in range(len(arrays))]


defvjp(concatenate, joint=pieces)
defvjp(stack, joint=layers)


def stacking(arrays, axis=0):
    """`numpy.stack`."""
    return record(stack, tuple(arrays), {"axis": axis})


def concatenation(arrays, axis=0):
    """`numpy.concatenate`; ``axis=None`` joins the flattened arrays."""
    return record(concatenate, tuple(map(np.ravel, arrays) if axis is None else arrays), {"axis": axis or 0})


def hstack(tup):
    """`numpy.hstack`: along the second axis, or along the only one."""
    arrays = [np.atleast_1d(a) for a in tup]
    return concatenation(arrays, axis=0 if arrays[0].ndim == 1 else 1)


rewrites[np.stack] = stacking
rewrites[np.concatenate] = concatenation
rewrites[np.hstack] = hstack
rewrites[np.vstack] = lambda tup: concatenation([np.atleast_2d(a) for a in tup])
rewrites[np.dstack] = lambda tup: concatenation([np.atleast_3d(a) for a in tup], axis=2)
rewrites[np.column_stack] = lambda tup: concatenation(
    [a if np.ndim(a) > 1 else np.reshape(a, (np.size(a), 1)) for a in tup], axis=1
)
rewrites[np.append] = lambda arr, values, axis=None: concatenation((arr, values), axis)


# -- splitting: one slice a part --------------------------------------------------------------------------------------


def array_split(ary, indices_or_sections, axis=0):
    """`numpy.array_split`: slices of ``ary``, of the lengths that NumPy gives to the parts of its axis."""
    parts = np.array_split(np.arange(ary.shape[axis]), indices_or_sections)
    lead = (slice(None),) * (axis % ary.ndim)
    return [ary[(*lead, slice(part[0], part[-1] + 1) if part.size else slice(0))] for part in parts]


rewrites[np.array_split] = array_split
for splitting in (np.split, np.hsplit, np.vsplit, np.dsplit):
    rewrites[splitting] = inspect.unwrap(splitting)  # NumPy's own definitions, by way of array_split


# -- differences of neighbours ----------------------------------------------------------------------------------------


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


rewrites[np.diff] = diff
rewrites[np.gradient] = gradient

linear |= {np.reshape, np.ravel, np.squeeze, np.expand_dims, np.broadcast_to, np.transpose, np.swapaxes, np.moveaxis}
linear |= {np.flip, np.rot90, np.roll, concatenate, stack}
plain |= {np.shape, np.ndim, np.size, np.zeros_like, np.ones_like, np.empty_like, np.result_type}
