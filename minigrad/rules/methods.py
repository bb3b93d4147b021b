"""Methods of ufuncs: ``np.add.reduce``, ``np.maximum.accumulate``, ``np.multiply.outer`` and their kin.

Where NumPy has a function that does the same, it is called; and an associative ufunc is applied in log₂ n steps.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from minigrad.engine.tables import Function, plain, rewrite
from minigrad.rules.partial import NOTHING, cast


def reducing(fn):
    """``fn.reduce`` of a ufunc, by way of the function that it is known by."""

    def reduce(array, axis=0, dtype=None, out=None, keepdims=False, initial=NOTHING, where=True):
        if out is not None or (dtype is not None and fn in (np.max, np.min)):
            raise TypeError(f"a reduction like np.{fn.__name__} has no rule with out= or dtype=: write a.astype(dtype)")
        options = {"axis": axis, "keepdims": keepdims, "where": where, **({} if dtype is None else {"dtype": dtype})}
        return fn(array, **options, **({} if initial is NOTHING or initial is None else {"initial": initial}))

    return reduce


def halving(fn):
    """``fn.reduce`` of an associative ufunc: of each two neighbours, then of the results, and so on."""

    def reduce(array, axis=0, dtype=None, out=None, keepdims=False):
        axes = normalize_axis_tuple(range(array.ndim) if axis is None else axis, array.ndim)
        y = cast(array, dtype)
        if out is not None:
            raise TypeError(f"np.{fn.__name__}.reduce(..., out=...) would overwrite an array: write y = ...")
        for i in axes:
            y = np.moveaxis(y, i, 0)
            if not len(y):
                y = np.sum(y, axis=0, keepdims=True) + fn.identity
            while len(y) > 1:
                rest = y[len(y) // 2 * 2 :]
                y = fn(y[: len(y) // 2 * 2 : 2], y[1::2])
                y = np.concatenate([y, rest]) if len(rest) else y
            y = np.moveaxis(y, 0, i)
        return y if keepdims else np.squeeze(y, tuple(axes))

    return reduce


def doubling(fn):
    """``fn.accumulate`` of an associative ufunc: the reach of each result doubles until it goes back to the start."""

    def accumulate(array, axis=0, dtype=None, out=None):
        if out is not None:
            raise TypeError(f"np.{fn.__name__}.accumulate(..., out=...) would overwrite an array: write y = ...")
        y, reach = np.moveaxis(cast(array, dtype), axis, 0), 1
        while reach < len(y):
            y = np.concatenate([y[:reach], fn(y[:-reach], y[reach:])])
            reach *= 2
        return np.moveaxis(y, 0, axis)

    return accumulate


def outer(fn):
    """``fn.outer`` of a ufunc: of every element of ``A`` with every one of ``B``."""
    return lambda A, B: fn(np.reshape(A, np.shape(A) + (1,) * np.ndim(B)), B)


ufunc: Any
fn: Function
for ufunc, fn in ((np.add, np.sum), (np.multiply, np.prod), (np.maximum, np.max), (np.minimum, np.min)):
    rewrite(ufunc.reduce, reducing(fn))
rewrite(np.add.accumulate, lambda array, axis=0, dtype=None: np.cumsum(array, axis=axis, dtype=dtype))
rewrite(np.multiply.accumulate, lambda array, axis=0, dtype=None: np.cumprod(array, axis=axis, dtype=dtype))
for ufunc in (np.fmax, np.fmin, np.logaddexp, np.logaddexp2, np.hypot):
    rewrite(ufunc.reduce, halving(ufunc))
for ufunc in (np.maximum, np.minimum, np.fmax, np.fmin, np.logaddexp, np.logaddexp2, np.hypot):
    rewrite(ufunc.accumulate, doubling(ufunc))
for ufunc in (np.add, np.subtract, np.multiply, np.divide, np.power, np.float_power, np.remainder, np.fmod, np.maximum,
              np.minimum, np.fmax, np.fmin, np.logaddexp, np.logaddexp2, np.hypot, np.arctan2, np.copysign,
              np.heaviside, np.floor_divide):
    rewrite(ufunc.outer, outer(ufunc))
for ufunc in (np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal):
    plain(ufunc.outer)
for ufunc in (np.logical_and, np.logical_or, np.logical_xor):
    plain(ufunc.reduce, ufunc.accumulate, ufunc.outer)
