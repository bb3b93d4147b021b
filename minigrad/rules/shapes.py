"""What functions that change shapes and move axes differentiate to: the cotangents are moved back.

Where NumPy itself writes a function in terms of others, so does minigrad: `rewrite`.
"""

from __future__ import annotations

import inspect
from operator import index

import numpy as np

from minigrad.engine.tables import defvjp, linear, plain, rewrite
from minigrad.engine.tensor import Tensor, record


def inverse(axes, ndim):
    """The permutation that undoes ``axes``."""
    return None if axes is None else np.argsort([axis % ndim for axis in np.atleast_1d(axes)])


defvjp(np.reshape, lambda g, y, a, shape: np.reshape(g, a.shape), None)
defvjp(np.ravel, lambda g, y, a: np.reshape(g, a.shape))
defvjp(np.squeeze, lambda g, y, a, axis=None: np.reshape(g, a.shape))
defvjp(np.expand_dims, lambda g, y, a, axis: np.reshape(g, a.shape), None)
defvjp(np.broadcast_to, lambda g, y, a, shape: g, None)  # the walk undoes broadcasting
defvjp(np.transpose, lambda g, y, a, axes=None: np.transpose(g, inverse(axes, a.ndim)))
defvjp(np.swapaxes, lambda g, y, a, axis1, axis2: np.swapaxes(g, axis1, axis2), None, None)
defvjp(np.moveaxis, lambda g, y, a, source, destination: np.moveaxis(g, destination, source), None, None)
defvjp(np.flip, lambda g, y, m, axis=None: np.flip(g, axis))
defvjp(np.rot90, lambda g, y, m, k=1, axes=(0, 1): np.rot90(g, -k, axes))
defvjp(np.roll, lambda g, y, a, shift, axis=None: np.roll(g, np.negative(shift), axis), None)


def reshape(a, shape, *, order="C", copy=None):
    """`numpy.reshape` in the order of Fortran; a ``copy`` of what nobody changes makes no difference."""
    if order == "C":
        return np.reshape(a, shape)
    if order != "F":
        raise TypeError(f"np.reshape has no rule with order={order!r}, which is about memory: write order='C' or 'F'")
    return np.transpose(np.reshape(np.transpose(a), shape[::-1] if isinstance(shape, (tuple, list)) else shape))


def ravel(a, *, order="C"):
    """`numpy.ravel` in the order of Fortran."""
    if order != "F":
        raise TypeError(f"np.ravel has no rule with order={order!r}, which is about memory: write order='C' or 'F'")
    return np.ravel(np.transpose(a))


rewrite(np.reshape, reshape)
rewrite(np.ravel, ravel)
rewrite(np.rollaxis, inspect.unwrap(np.rollaxis))  # NumPy's own definition, by way of transpose
rewrite(np.matrix_transpose, lambda x: np.swapaxes(x, -1, -2))
rewrite(np.fliplr, lambda m: np.flip(m, 1))
rewrite(np.flipud, lambda m: np.flip(m, 0))


def widened(fn):
    """`numpy.atleast_1d` and its like, which insert axes: where, they tell by the shape of an empty array."""

    def at_least(*arrays):
        wide = tuple(np.reshape(a, fn(np.empty(np.shape(a))).shape) for a in arrays)
        return wide if len(wide) != 1 else wide[0]

    return at_least


for widening in (np.atleast_1d, np.atleast_2d, np.atleast_3d):
    rewrite(widening, widened(widening))


def broadcast_arrays(*args):
    """`numpy.broadcast_arrays`."""
    shape = np.broadcast_shapes(*map(np.shape, args))
    return tuple(np.broadcast_to(a, shape) for a in args)


def meshgrid(*xi, copy=True, sparse=False, indexing="xy"):
    """`numpy.meshgrid`; ``copy`` makes no difference to what is never written to."""
    open_ = np.meshgrid(*(np.empty(np.size(x)) for x in xi), sparse=True, indexing=indexing)
    grids = tuple(np.reshape(x, grid.shape) for x, grid in zip(xi, open_, strict=True))
    return grids if sparse else np.broadcast_arrays(*grids)


rewrite(np.broadcast_arrays, broadcast_arrays)
rewrite(np.meshgrid, meshgrid)


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


def joined(a):
    """A sequence in which there are tensors as one; anything else as it is."""
    if isinstance(a, (list, tuple)) and any(isinstance(joined(v), Tensor) for v in a):
        return np.stack([joined(v) for v in a])
    return a


def parts(arrays):
    """What is joined, one by one."""
    return [a if type(a) is Tensor else joined(a) for a in arrays]


def stacking(arrays, axis=0, *, dtype=None):
    """`numpy.stack`."""
    y = record(stack, tuple(parts(arrays)), {"axis": index(axis)})
    return y if dtype is None else y.astype(dtype)


def concatenation(arrays, axis=0, *, dtype=None):
    """`numpy.concatenate`; ``axis=None`` joins the flattened arrays."""
    arrays = map(np.ravel, parts(arrays)) if axis is None else parts(arrays)
    y = record(concatenate, tuple(arrays), {"axis": index(axis or 0)})
    return y if dtype is None else y.astype(dtype)


def hstack(tup, *, dtype=None):
    """`numpy.hstack`: along the second axis, or along the only one."""
    arrays = [np.atleast_1d(a) for a in parts(tup)]
    return concatenation(arrays, axis=0 if arrays[0].ndim == 1 else 1, dtype=dtype)


def block(arrays):
    """`numpy.block`: the innermost lists are joined along the last axis, those around them along the one before."""
    def depth(x):
        return 1 + max(map(depth, x), default=-1) if isinstance(x, list) else 0

    def ndims(x):
        return max(map(ndims, x)) if isinstance(x, list) else np.ndim(x)

    levels = depth(arrays)
    ndim = max(levels, ndims(arrays))

    def assembled(x, level):
        if depth(x) != level:
            raise ValueError("np.block takes lists of one depth everywhere, and none that are empty")
        if level:
            return np.concatenate([assembled(part, level - 1) for part in x], axis=-level)
        return np.reshape(x, (1,) * (ndim - np.ndim(x)) + np.shape(x))

    return assembled(arrays, levels)


rewrite(np.stack, stacking)
rewrite(np.concatenate, concatenation)
rewrite(np.hstack, hstack)
rewrite(np.vstack, lambda tup, *, dtype=None: concatenation([np.atleast_2d(a) for a in parts(tup)], dtype=dtype))
rewrite(np.dstack, lambda tup: concatenation([np.atleast_3d(a) for a in parts(tup)], axis=2))
rewrite(np.column_stack, lambda tup: concatenation(
    [a if np.ndim(a) > 1 else np.reshape(a, (np.size(a), 1)) for a in parts(tup)], axis=1
))
rewrite(np.append, lambda arr, values, axis=None: concatenation((arr, values), axis))
rewrite(np.block, block)


# -- splitting: one slice a part --------------------------------------------------------------------------------------


def array_split(ary, indices_or_sections, axis=0):
    """`numpy.array_split`: slices of ``ary``, of the lengths that NumPy gives to the parts of its axis."""
    parts = np.array_split(np.arange(ary.shape[axis]), indices_or_sections)
    lead = (slice(None),) * (axis % ary.ndim)
    return [ary[(*lead, slice(part[0], part[-1] + 1) if part.size else slice(0))] for part in parts]


def unstack(x, *, axis=0):
    """`numpy.unstack`: the entries along an axis, in a tuple."""
    return tuple(np.moveaxis(x, axis, 0))


rewrite(np.array_split, array_split)
if hasattr(np, "unstack"):  # NumPy 2.1
    rewrite(np.unstack, unstack)
for splitting in (np.split, np.hsplit, np.vsplit, np.dsplit):
    rewrite(splitting, inspect.unwrap(splitting))  # NumPy's own definitions, by way of array_split

linear(np.reshape, np.ravel, np.squeeze, np.expand_dims, np.broadcast_to, np.transpose, np.swapaxes, np.moveaxis)
linear(np.flip, np.rot90, np.roll, concatenate, stack)
plain(np.common_type, np.can_cast, np.min_scalar_type, np.may_share_memory, np.shares_memory)
plain(np.shape, np.ndim, np.size, np.zeros_like, np.ones_like, np.empty_like, np.result_type)
