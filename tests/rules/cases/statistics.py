"""Calls of every function in `minigrad.rules.statistics` and `signals`."""

from __future__ import annotations

from itertools import product

import numpy as np

from minigrad.engine.tensor import record
from minigrad.rules.statistics import ranked
from tests.rules.cases.grid import Case, grid, positive
from tests.rules.cases.shapes import calls

METHODS = ("linear", "lower", "higher", "nearest", "midpoint", "hazen", "weibull", "median_unbiased", "normal_unbiased")
METHODS += ("inverted_cdf", "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf")


def statistics():
    for rows in (quantiles, covariances, convolutions, interpolations):
        yield from rows()


def quantiles():
    a, gaps = grid((2, 3, 4)), (np.arange(24) % 7 != 3).reshape(2, 3, 4)
    yield Case(ranked, lambda a: record(ranked, (a,), {"at": np.array([[0, 2, 2], [1, 0, 3]])}), (grid((2, 4)),))
    for fn, scale in ((np.quantile, 1), (np.percentile, 100), (np.nanquantile, 1), (np.nanpercentile, 100)):
        tables = [[[0.1], [0.9]]] if fn in (np.quantile, np.percentile) else []  # the others get lost in them
        for q, axis in product((0.3, [0.0, 0.5, 1.0], *tables), (None, 0, -1, (0, 2))):
            options = {"q": np.multiply(q, scale), "axis": axis, "keepdims": axis == 0}
            yield Case(fn, lambda a, f=fn, o=options: f(a, **o), (a,), 32)
            yield Case(fn, lambda a, f=fn, s=scale: f(a, 0.25 * s), (grid((3,)),), 32)
        yield from (Case(fn, lambda a, f=fn, m=m, s=scale: f(a, 0.4 * s, method=m), (grid((7,)),), 32) for m in METHODS)
        yield Case(fn, lambda a, f=fn, s=scale: f(a, 0.25 * s), (grid(()),))
    for fn, scale in ((np.nanquantile, 1), (np.nanpercentile, 100)):
        for axis in (None, 0, -1, (0, 2)):
            call = lambda a, f=fn, s=scale, x=axis: f(np.where(gaps, a, np.nan), [0.25 * s, 0.6 * s], x)
            yield Case(fn, call, (a,), 32)


def covariances():
    x, y, single = grid((3, 5)), grid((2, 5), 1), grid((5,))
    counts, weights = np.array([1, 2, 0, 1, 3]), np.array([0.5, 1.0, 2.0, 0.25, 1.5])
    for fn in (np.cov, np.corrcoef):
        yield Case(fn, fn, (x,), 32)
        yield Case(fn, fn, (x, y), 32)
        yield Case(fn, fn, (single, grid((5,), 1)), 32)
        yield Case(fn, lambda x, f=fn: f(x, rowvar=False), (x,), 32)
        yield Case(fn, lambda x, f=fn: f(x, dtype=np.float64), (x,), 32)
    yield Case(np.cov, np.cov, (single,), 32)
    yield Case(np.corrcoef, np.corrcoef, (single,), 32)
    for options in ({"bias": True}, {"ddof": 0}, {"ddof": 2}, {"fweights": counts}, {"aweights": weights}):
        yield Case(np.cov, lambda x, o=options: np.cov(x, **o), (x,), 32)
    yield Case(np.cov, lambda x: np.cov(x, fweights=counts, aweights=weights), (x,), 32)
    yield Case(np.bincount, lambda w: np.bincount([0, 2, 2, 1, 0], w), (single,))
    yield Case(np.bincount, lambda w: np.bincount([0, 2, 2, 1, 0], weights=w, minlength=5), (single,))


def convolutions():
    for fn, mode in product((np.convolve, np.correlate), ("full", "same", "valid")):
        for m, n in ((5, 3), (3, 5), (4, 4), (1, 3), (5, 2), (2, 5), (6, 3), (1, 1), (4, 3), (3, 4)):
            yield Case(fn, lambda a, v, f=fn, k=mode: f(a, v, mode=k), (grid((m,)), grid((n,), 1)), 8)
        yield Case(fn, lambda a, f=fn, k=mode: f(a, [1.0, 2.0], k), (grid((4,)),), 8)
        yield Case(fn, lambda a, f=fn, k=mode: f([1.0, 2.0], a, k), (grid((4,)),), 8)
    yield Case(np.convolve, np.convolve, (grid(()), grid((3,), 1)))
    for fn in (np.convolve, np.correlate):
        yield Case(fn, fn, (grid((5,)), grid((3,), 1)), 8)


def interpolations():
    places, values = np.array([-1.0, -0.3, 0.21, 0.8]), grid((4,), 1)
    for x in (grid((2, 3)) + 0.01, grid(()), grid((0, 3)), np.array([-3.0, 0.01, 3.0])):
        for options in ({}, {"left": 5.0}, {"right": -5.0}, {"left": 1.0, "right": 2.0}, {"period": 1.3}):
            yield Case(np.interp, lambda x, f, o=options: np.interp(x, places, f, **o), (x, values), 32)
    x = np.array([-3.0, -0.5, 0.01, 0.5, 3.0])
    yield Case(np.interp, np.interp, (x, places, values), 32)
    yield Case(np.interp, lambda p: np.interp(x, p, [1.0, 3.0, 2.0, 5.0]), (places,), 32)
    yield Case(np.interp, lambda f: np.interp(0.5, [1.0], f), (grid((1,)),), 32)
    view = np.lib.stride_tricks.sliding_window_view
    yield from calls(view, [grid((3, 4))], ((2, 2),), (2, 0), ((2, 1), (1, 1)), (4, -1))
    yield from calls(view, [grid((5,))], (2,))
    for options in ({}, {"period": 2.0}, {"axis": 0}, {"discont": 4.0}):
        yield Case(np.unwrap, lambda p, o=options: np.unwrap(p, **o), (20 * positive(grid((3, 4))),), 8)
