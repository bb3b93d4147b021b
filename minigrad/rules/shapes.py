"""What functions that move numbers about differentiate to: the cotangents are moved back."""

from __future__ import annotations

import operator

import numpy as np

from minigrad.cotangents import Deferred
from minigrad.primitives import defvjp, plain, rewrites
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
rewrites[np.stack] = lambda arrays, axis=0: record(stack, tuple(arrays), {"axis": axis})


def concatenation(arrays, axis=0):
    """`numpy.concatenate`; ``axis=None`` joins the flattened arrays."""
    return record(concatenate, tuple(map(np.ravel, arrays) if axis is None else arrays), {"axis": axis or 0})


rewrites[np.concatenate] = concatenation


# -- indexing and its twin --------------------------------------------------------------------------------------------


def scatter(*values, indices, shape):
    """Zeros of ``shape`` to which ``values[i]`` is added at ``indices[i]``; places named twice receive twice."""
    out = np.zeros(shape, values[0].dtype)
    for index, value in zip(indices, values, strict=True):
        if all(isinstance(i, (int, slice, type(None), type(...))) for i in index):
            out[index] += value
        else:  # `out[index] += value` would add only once where an index repeats
            np.add.at(out, index, value)
    return out


class Scatter(Deferred):
    """``g`` in the place of ``a[index]`` and zeros elsewhere: T of them fill one array, not T arrays."""

    def __init__(self, g, shape, index):
        self.g, self.shape, self.size = g, shape, g.size
        self.index = index if isinstance(index, tuple) else (index,)

    @staticmethod
    def combine(parts):
        values, kwargs = [p.g for p in parts], {"indices": [p.index for p in parts], "shape": parts[0].shape}
        return record(scatter, tuple(values), kwargs) if isinstance(values[0], Tensor) else scatter(*values, **kwargs)


defvjp(operator.getitem, lambda g, y, a, index: Scatter(g, a.shape, index), None)
defvjp(scatter, joint=lambda g, y, *values, indices, shape: [g[index] for index in indices])

plain.update({np.shape, np.ndim, np.size, np.zeros_like, np.ones_like, np.empty_like, np.result_type})
