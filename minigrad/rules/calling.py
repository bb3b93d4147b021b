"""Functions that call a function: along an axis, over some axes, one on each piece."""

from __future__ import annotations

import math

import numpy as np

from minigrad.engine.tables import rewrite
from minigrad.rules.contractions import operand
from minigrad.rules.indexing import index_add


def apply_along_axis(func1d, axis, arr, *args, **kwargs):
    """`numpy.apply_along_axis`: the function sees one tensor after the other."""
    a = np.moveaxis(operand(arr), axis, -1)
    lead, at = a.shape[:-1], axis % a.ndim
    if not math.prod(lead):
        raise ValueError("np.apply_along_axis needs at least one vector to call the function on")
    y = np.stack([operand(func1d(row, *args, **kwargs)) for row in np.reshape(a, (-1, a.shape[-1]))])
    inner = y.ndim - 1
    return np.moveaxis(np.reshape(y, lead + y.shape[1:]), range(len(lead), len(lead) + inner), range(at, at + inner))


def apply_over_axes(func, a, axes):
    """`numpy.apply_over_axes`: an axis that is gone comes back with one element."""
    y = operand(a)
    for axis in np.atleast_1d(axes):
        at = int(axis) % np.ndim(a)
        result = func(y, at)
        y = result if np.ndim(result) == y.ndim else np.expand_dims(result, at)
    return y


def piecewise(x, condlist, funclist, *args, **kw):
    """`numpy.piecewise`: each function sees the elements it is for, and the last condition that holds decides."""
    x = operand(x)
    if np.isscalar(condlist) or (not isinstance(condlist[0], (list, np.ndarray)) and x.ndim != 0):
        condlist = [condlist]
    masks = [np.broadcast_to(np.asarray(mask, bool), x.shape) for mask in condlist]
    if len(funclist) == len(masks) + 1:
        masks = [*masks, ~np.any(masks, axis=0)]
    if len(funclist) != len(masks):
        raise ValueError(f"np.piecewise takes a function a condition, and one more, got {len(funclist)}")
    y = np.zeros(x.shape, x.dtype)
    for mask, function in zip(masks, funclist, strict=True):
        value = function(x[mask], *args, **kw) if callable(function) else function
        placed = index_add(np.zeros(x.shape, x.dtype), mask, operand(value).astype(x.dtype))
        y = np.where(mask, placed, y)
    return y


def extract(condition, arr):
    """`numpy.extract`."""
    return np.take(np.ravel(arr), np.flatnonzero(condition))


def ediff1d(ary, to_end=None, to_begin=None):
    """`numpy.ediff1d`: differences, between what is put at both ends."""
    steps = np.diff(np.ravel(operand(ary)))
    ends = [None if v is None else np.ravel(operand(v)).astype(steps.dtype) for v in (to_begin, to_end)]
    kept = [v for v in (ends[0], steps, ends[1]) if v is not None]
    return np.concatenate(kept) if len(kept) > 1 else steps


rewrite(np.apply_along_axis, apply_along_axis)
rewrite(np.apply_over_axes, apply_over_axes)
rewrite(np.piecewise, piecewise)
rewrite(np.extract, extract)
rewrite(np.ediff1d, ediff1d)
