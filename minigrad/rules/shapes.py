"""What functions that change shapes and move axes differentiate to: the cotangents are moved back.

Where NumPy itself writes a function in terms of others, so does minigrad: `rewrite`.
"""

from __future__ import annotations

import inspect

import numpy as np

from minigrad.engine.primitive import primitive
from minigrad.engine.tables import defvjp, linear, plain, rewrite


def inverse(axes, ndim):
    """The permutation that undoes ``axes``."""
    return None if axes is None else np.argsort([axis % ndim for axis in np.atleast_1d(axes)])


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


@primitive
def concatenate(*arrays, axis=0):
    """`numpy.concatenate` with the arrays as separate arguments."""
    return np.concatenate(arrays, axis)


@primitive
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
    return stack(*arrays, axis=axis)


def concatenation(arrays, axis=0):
    """`numpy.concatenate`; ``axis=None`` joins the flattened arrays."""
    return concatenate(*(map(np.ravel, arrays) if axis is None else arrays), axis=axis or 0)


def hstack(tup):
    """`numpy.hstack`: along the second axis, or along the only one."""
    arrays = [np.atleast_1d(a) for a in tup]
    return concatenation(arrays, axis=0 if arrays[0].ndim == 1 else 1)


rewrite(np.stack, stacking)
rewrite(np.concatenate, concatenation)
rewrite(np.hstack, hstack)
rewrite(np.vstack, lambda tup: concatenation([np.atleast_2d(a) for a in tup]))
rewrite(np.dstack, lambda tup: concatenation([np.atleast_3d(a) for a in tup], axis=2))
rewrite(np.column_stack, lambda tup: concatenation(
    [a if np.ndim(a) > 1 else np.reshape(a, (np.size(a), 1)) for a in tup], axis=1
))
rewrite(np.append, lambda arr, values, axis=None: concatenation((arr, values), axis))


# -- splitting: one slice a part --------------------------------------------------------------------------------------


def array_split(ary, indices_or_sections, axis=0):
    """`numpy.array_split`: slices of ``ary``, of the lengths that NumPy gives to the parts of its axis."""
    parts = np.array_split(np.arange(ary.shape[axis]), indices_or_sections)
    lead = (slice(None),) * (axis % ary.ndim)
    return [ary[(*lead, slice(part[0], part[-1] + 1) if part.size else slice(0))] for part in parts]


rewrite(np.array_split, array_split)
for splitting in (np.split, np.hsplit, np.vsplit, np.dsplit):
    rewrite(splitting, inspect.unwrap(splitting))  # NumPy's own definitions, by way of array_split

linear(np.reshape, np.ravel, np.squeeze, np.expand_dims, np.broadcast_to, np.transpose, np.swapaxes, np.moveaxis)
linear(np.flip, np.rot90, np.roll, concatenate, stack)
plain(np.shape, np.ndim, np.size, np.zeros_like, np.ones_like, np.empty_like, np.result_type)
