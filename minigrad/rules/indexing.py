"""What indexing differentiates to, and all that is indexing by another name.

A part of an array hands its cotangent back to where it was taken from, and where a place was taken twice, both add up:
`scatter` is the twin of ``a[index]``, and each is the other's derivative. Functions that only move numbers about
(``np.repeat``, ``np.tile``, ``np.take_along_axis``) do to ``a`` what they do to the *positions* of its elements, which
makes them an index.
"""

from __future__ import annotations

import inspect
import operator

import numpy as np

from minigrad.engine.cotangents import Deferred
from minigrad.engine.primitive import primitive
from minigrad.engine.tables import Function, defvjp, linear, rewrite
from minigrad.engine.tensor import Tensor, frozen

ONCE = (int, np.integer, np.bool, slice, type(None), type(...))  # kinds of indices that name no place twice


@primitive
def scatter(*values, indices, shape):
    """Zeros of ``shape`` to which ``values[i]`` is added at ``indices[i]``; places named twice receive twice."""
    out, places = np.zeros(shape, values[0].dtype), None
    for index, value in zip(indices, values, strict=True):
        if all(isinstance(i, ONCE) or np.asarray(i).dtype == bool for i in index):
            out[index] += value
        else:  # `out[index] += value` would add only once; and `add.at` is ten times faster in one dimension
            places = np.arange(out.size).reshape(shape) if places is None else places
            here = places[index]
            np.add.at(out.reshape(-1), here.ravel(), np.broadcast_to(value, here.shape).ravel())
    return out


class Scatter(Deferred):
    """``g`` in the place of ``a[index]`` and zeros elsewhere: T of them fill one array, not T arrays."""

    def __init__(self, g, shape, index):
        self.g, self.shape, self.size = g, shape, g.size
        self.index = index if isinstance(index, tuple) else (index,)

    @staticmethod
    def combine(parts):
        return scatter(*(p.g for p in parts), indices=[p.index for p in parts], shape=parts[0].shape)


def common_dtype(*values):
    """The dtype that arithmetic gives; NumPy's answer, in which a Python number is weak, but for lists."""
    return np.result_type(*(np.asarray(v) if isinstance(v, (list, tuple)) else v for v in values))


def index_add(a, index, values):
    """``a`` with ``values`` added at ``a[index]``, as a new array: what ``a[index] += values`` cannot be for tensors.

    Parameters
    ----------
    a : array_like or Tensor
    index : int, slice, None, Ellipsis, bool, array, or tuple of these
        Any index that ``a[index]`` takes. A place that it names several times receives several values, as in
        `numpy.add.at`.
    values : array_like or Tensor
        Broadcast to the shape of ``a[index]``.

    Returns
    -------
    ndarray or Tensor
        Of the shape of ``a``.

    Examples
    --------
    >>> index_add(np.zeros(3), [0, 2, 2], np.array([1.0, 2.0, 3.0]))
    array([1., 0., 5.])
    """
    values = values if isinstance(values, Tensor) else np.array(values, common_dtype(a, values))
    index = frozen(index)
    return a + scatter(values, indices=[index if isinstance(index, tuple) else (index,)], shape=np.shape(a))


defvjp(operator.getitem, lambda g, y, a, index: Scatter(g, a.shape, index), None)
defvjp(scatter, joint=lambda g, y, *values, indices, shape: [g[index] for index in indices])
linear(operator.getitem)


# -- indexing by another name -----------------------------------------------------------------------------------------


def positions(a):
    """Where each element of ``a`` stands in ``np.ravel(a)``, in the shape of ``a``."""
    return np.arange(np.size(a)).reshape(np.shape(a))


def moving(fn):
    """A function that only moves numbers about, as an index."""
    form = inspect.signature(fn)

    def moved(*args, **options):
        call = form.bind(*args, **options)
        call.apply_defaults()
        a, *others = call.args
        return np.ravel(a)[fn(positions(a), *frozen(others))]

    return moved




def take(a, indices, axis=None, *, mode="raise"):
    """`numpy.take`."""
    a, axis = (np.ravel(a), 0) if axis is None else (a, axis)
    here = np.take(np.arange(a.shape[axis]), frozen(indices), mode=mode)
    return a[(*(slice(None),) * (axis % a.ndim), here)]


def select(condlist, choicelist, default=0):
    """`numpy.select`: of the conditions that hold, the first decides."""
    dtype = common_dtype(*choicelist, default)
    result = default if isinstance(default, Tensor) else np.asarray(default, dtype)
    for condition, choice in reversed(list(zip(condlist, choicelist, strict=True))):
        result = np.where(condition, choice, result)
    return result


def choose(a, choices, *, mode="raise"):
    """`numpy.choose`; fine for a few choices, as in NumPy."""
    which = np.choose(frozen(a), range(len(choices)), mode=mode)
    return select([which == i for i in range(len(choices))], list(choices))


def insert(arr, obj, values, axis=None):
    """`numpy.insert`: an index into the elements of ``arr`` and ``values`` one after another."""
    both = np.concatenate([np.ravel(arr), np.ravel(values).astype(np.result_type(arr))])
    return both[np.insert(positions(arr), frozen(obj), np.size(arr) + positions(values), axis)]


def sort(a, axis=-1, kind=None, order=None, *, stable=None):
    """`numpy.sort`. Always stable, so that it is defined which of two equals goes where."""
    a, axis = (np.ravel(a), 0) if axis is None else (a, axis)
    return np.take_along_axis(a, np.argsort(a, axis, stable=True), axis)


def partition(a, kth, axis=-1, kind="introselect", order=None):
    """`numpy.partition`: the sorted ``a``, put in the order in which NumPy leaves it."""
    a, axis = (np.ravel(a), 0) if axis is None else (a, axis)
    left = np.partition(a.data, kth, axis)
    ranks = np.argsort(np.argsort(left, axis, stable=True), axis)
    return np.take_along_axis(sort(a, axis), ranks, axis)


def pad(array, pad_width, mode="constant", **options):
    """`numpy.pad`, where what it adds are constants or elements of ``array``."""
    if mode == "constant":
        inside = np.pad(np.ones(array.shape, bool), pad_width)
        return index_add(np.pad(np.zeros_like(array), pad_width, **options), inside, np.ravel(array))
    if mode not in ("edge", "reflect", "symmetric", "wrap") or options.get("reflect_type", "even") != "even":
        raise TypeError(
            f"np.pad with mode={mode!r} and {options} has no derivative rule: compute the borders, and join them with"
            " np.concatenate"
        )
    return moving(np.pad)(array, pad_width, mode)


def diag(v, k=0):
    """`numpy.diag`: the diagonal of a matrix, or the matrix with that diagonal."""
    if v.ndim == 2:
        return np.diagonal(v, k)
    if v.ndim != 1:
        raise ValueError(f"np.diag takes 1 or 2 dimensions, got shape {v.shape}: write np.diagonal")
    i = np.arange(v.size)
    return index_add(np.zeros((v.size + abs(k),) * 2, v.dtype), (i + max(-k, 0), i + max(k, 0)), v)


fn: Function
twin: Function
for mover in (np.delete, np.diagonal, np.repeat, np.resize, np.take_along_axis, np.tile):
    rewrite(mover, moving(mover))
TWINS: dict[Function, Function] = {
    np.take: take, np.choose: choose, np.select: select, np.insert: insert,
    np.sort: sort, np.partition: partition, np.pad: pad, np.diag: diag,
    np.diagflat: lambda v, k=0: np.diag(np.ravel(v), k),
    np.compress: lambda condition, a, axis=None: np.take(a, np.flatnonzero(condition), axis),
    np.tril: lambda m, k=0: np.where(np.tril(np.ones(m.shape[-2:], bool), k), m, 0),
    np.triu: lambda m, k=0: np.where(np.triu(np.ones(m.shape[-2:], bool), k), m, 0),
}
for moved, twin in TWINS.items():
    rewrite(moved, twin)
