"""Calls of every function in `minigrad.rules.partial`."""

from __future__ import annotations

from itertools import product

import numpy as np

from tests.rules.cases.grid import Case, grid, positive

SUMS = (np.sum, np.prod, np.nansum, np.nanprod)
EXTREMA = (np.max, np.min, np.nanmax, np.nanmin, np.amax, np.amin)
MOMENTS = (np.mean, np.var, np.std, np.nanmean, np.nanvar, np.nanstd)
MASK = (np.arange(24) % 5 != 1).reshape(2, 3, 4)
NUMBERS = (np.arange(24) % 7 != 3).reshape(2, 3, 4)


def partial():
    for calls in (of_some, of_numbers, running, methods):
        yield from calls()


def near_one(fn, a):
    """A point; products of many numbers stay near 1."""
    return 1 + a / 2 if "prod" in fn.__name__ else a


def row(fn, a, **options):
    return Case(fn, lambda a: fn(a, **options), (near_one(fn, a),), 16)


def of_some():
    a, empty = grid((2, 3, 4)), grid((0, 3))
    for axis, keepdims in product((None, 0, -1, (0, 2)), (False, True)):
        for fn in SUMS:
            yield row(fn, a, axis=axis, keepdims=keepdims, where=MASK)
            yield row(fn, a, axis=axis, keepdims=keepdims, initial=1.5)
        for fn in EXTREMA:
            yield row(fn, a, axis=axis, keepdims=keepdims, where=MASK, initial=0.1)
        for fn in MOMENTS:
            yield row(fn, a, axis=axis, keepdims=keepdims, where=MASK)
    for fn in (*SUMS, *MOMENTS):
        yield row(fn, a, dtype=np.float64)
        yield row(fn, a, axis=-1, where=np.array([True, True, False, True]))
    for fn in (*SUMS, *EXTREMA):
        yield row(fn, empty, axis=0, initial=2.0)
        yield row(fn, grid(()), initial=-1.0)
        yield Case(fn, lambda a, i, f=fn: f(a, axis=1, initial=i), (near_one(fn, a), grid((), 1) + 0.1), 16)
    for fn in (np.var, np.std, np.nanvar, np.nanstd):
        yield row(fn, a, correction=1, axis=0)
        yield row(fn, a, ddof=1, axis=1, where=MASK)
        yield row(fn, a, correction=1, axis=1, where=MASK, keepdims=True)
    for fn in (np.cumsum, np.cumprod):
        yield row(fn, a, axis=1, dtype=np.float64)


def of_numbers():
    gaps = lambda a: np.where(NUMBERS, a, np.nan)
    for fn in (np.nansum, np.nanprod, np.nanmax, np.nanmin, *MOMENTS[3:], np.nanmedian):
        for axis, keepdims in product((None, 0, -1, (0, 2)), (False, True)):
            options = {"axis": axis, "keepdims": keepdims}
            yield Case(fn, lambda a, f=fn, o=options: f(gaps(a), **o), (near_one(fn, grid((2, 3, 4))),), 16)
        yield Case(fn, fn, (grid(()),))
        yield Case(fn, lambda a, f=fn: f(a, 1), (grid((2, 3)),), 16)
    for fn in (np.nancumsum, np.nancumprod):
        for axis in (None, 0, -1):
            yield Case(fn, lambda a, f=fn, x=axis: f(gaps(a), axis=x), (near_one(fn, grid((2, 3, 4))),))
        yield row(fn, grid((0, 3)), axis=0)
        yield row(fn, grid((2, 3)), axis=0, dtype=np.float64)


def running():
    for fn in (np.cumulative_sum, np.cumulative_prod) if hasattr(np, "cumulative_sum") else ():
        for a, axis in ((grid((5,)), None), (grid((2, 3)), 0), (grid((2, 3)), -1), (grid((0, 3)), 0)):
            yield from (row(fn, a, axis=axis, include_initial=first) for first in (False, True))
        yield row(fn, grid((3,)), dtype=np.float64)


FOLDED = (np.fmax, np.fmin, np.logaddexp, np.logaddexp2, np.hypot)
OUTER = (np.add, np.subtract, np.multiply, np.divide, np.power, np.float_power, np.remainder, np.fmod, np.maximum)
OUTER += (np.minimum, np.fmax, np.fmin, np.logaddexp, np.logaddexp2, np.hypot, np.arctan2, np.copysign, np.heaviside)


def methods():
    a = grid((2, 3, 4))
    for ufunc in (np.add, np.multiply, np.maximum, np.minimum, *FOLDED):
        for axis, keepdims in product((0, -1), (False, True)):
            yield Case(ufunc.reduce, lambda a, u=ufunc, x=axis, k=keepdims: u.reduce(a, axis=x, keepdims=k), (a,))
        yield Case(ufunc.reduce, ufunc.reduce, (grid((5,)),))
        yield Case(ufunc.reduce, lambda a, u=ufunc: u.reduce(a, axis=None), (grid((3,)),))
    for ufunc in (np.add, np.multiply, np.maximum, np.minimum, *FOLDED):
        for axis in (0, 1, -1):
            yield Case(ufunc.accumulate, lambda a, u=ufunc, x=axis: u.accumulate(a, axis=x), (a,), 8)
        yield Case(ufunc.accumulate, ufunc.accumulate, (grid((9,)),), 8)
    yield Case(np.add.reduce, lambda a: np.add.reduce(a, initial=1.0, where=MASK), (a,), 8)
    yield Case(np.logaddexp.reduce, lambda a: np.logaddexp.reduce(a, axis=0), (grid((0, 3)),))
    for ufunc in (*OUTER, np.floor_divide):
        yield Case(ufunc.outer, ufunc.outer, (positive(grid((2, 3))), positive(grid((2,), 1)) + 0.01))
        yield Case(ufunc.outer, lambda a, u=ufunc: u.outer(a, [0.7, 2.3]), (positive(grid((3,))),))
