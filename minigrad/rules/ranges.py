"""Arrays that are made from a few numbers: those between two of them, evenly in one sense or other, or all the same."""

from __future__ import annotations

import numpy as np

from minigrad.engine.tables import rewrite
from minigrad.engine.tensor import Tensor
from minigrad.rules.contractions import operand
from minigrad.rules.indexing import common_dtype


def linspace(start, stop, num=50, endpoint=True, retstep=False, dtype=None, axis=0):
    """`numpy.linspace`; its last number is ``stop``, not what rounding makes of it."""
    kind = common_dtype(start, stop, 0.0)
    start, stop = np.broadcast_arrays(operand(start).astype(kind), operand(stop).astype(kind))
    gap = num - 1 if endpoint else num
    step = (stop - start) / gap if gap > 0 else (stop - start) * np.nan
    y = np.reshape(np.arange(num, dtype=kind), (-1,) + (1,) * start.ndim)
    y = y * step + start if gap > 0 else y * (stop - start) + start
    if endpoint and num > 1:
        y = np.concatenate([y[:-1], stop[None]])
    y = np.moveaxis(y, 0, axis) if axis != 0 else y
    y = y if dtype is None else np.floor(y).astype(dtype) if np.issubdtype(dtype, np.integer) else y.astype(dtype)
    return (y, step) if retstep else y


def logspace(start, stop, num=50, endpoint=True, base=10.0, dtype=None, axis=0):
    """`numpy.logspace`; the base has a gradient too."""
    if np.ndim(base):
        start, stop, base = np.broadcast_arrays(*map(operand, (start, stop, base)))
        base = np.expand_dims(base, axis)
    y = np.power(base, np.linspace(start, stop, num, endpoint, axis=axis))
    return y if dtype is None else y.astype(dtype)


def geomspace(start, stop, num=50, endpoint=True, dtype=None, axis=0):
    """`numpy.geomspace`: of the same sign, with one quotient."""
    kind = common_dtype(start, stop, np.zeros((), dtype))
    start, stop = operand(start).astype(kind), operand(stop).astype(kind)
    if np.any(start == 0) or np.any(stop == 0) or np.any(np.sign(start) * np.sign(stop) < 0):
        raise ValueError("np.geomspace goes from a number to another one of the same sign, and never through 0")
    sign = np.sign(getattr(start, "data", start))
    start, stop = np.broadcast_arrays(sign * start, sign * stop)
    y = logspace(np.log10(start), np.log10(stop), num, endpoint)
    if num > 0:
        ends = [start[None], y[1:-1], stop[None]] if endpoint and num > 1 else [start[None], y[1:]]
        y = np.concatenate(ends)
    y = np.moveaxis(sign * y, 0, axis)
    return y if dtype is None else y.astype(dtype)


def full_like(a, fill_value, dtype=None, order="K", subok=True, shape=None):
    """`numpy.full_like`; what it is filled with has a gradient."""
    dtype, shape = np.result_type(a) if dtype is None else dtype, np.shape(a) if shape is None else shape
    if not isinstance(fill_value, Tensor):
        return np.full(shape, fill_value, dtype)
    return np.broadcast_to(fill_value.astype(dtype), shape)


rewrite(np.linspace, linspace)
rewrite(np.logspace, logspace)
rewrite(np.geomspace, geomspace)
rewrite(np.full_like, full_like)
