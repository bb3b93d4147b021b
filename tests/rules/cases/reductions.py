"""Calls of every function in `minigrad.rules.reductions`."""

from __future__ import annotations

from itertools import product

import numpy as np

from minigrad.rules.networks import log_softmax, logsumexp, softmax, softmax_by, squared_error, surprise, weighted
from minigrad.rules.norms import root
from tests.rules.cases.grid import Case, grid, nonzero, positive

REDUCTIONS = (np.sum, np.mean, np.nansum, np.nanmean, np.var, np.prod, np.max, np.min, np.ptp, np.median)


def reductions():
    for calls in (over_axes, deviations, gaps, running, averages, integrals, norms, networks):
        yield from calls()


def along(fn, a, axis, **options):
    return Case(fn, lambda a: fn(a, axis=axis, **options), (a,))


def over_axes():
    for fn, axis in product(REDUCTIONS, (None, 0, -1, (0, 2), (1,), ())):
        yield along(fn, small(fn, (2, 3, 4)), axis)
    for fn, axis in product(REDUCTIONS, (None, 1, (0, 2))):
        yield along(fn, small(fn, (2, 3, 4)), axis, keepdims=True)
        yield along(fn, small(fn, (1, 4, 1)), axis)
    for fn in (*REDUCTIONS, np.std):
        yield Case(fn, fn, (grid(()),))
        yield Case(fn, lambda a, f=fn: f(a, 1), (grid((2, 3)),))
        yield along(fn, grid((2, 1)), -1, keepdims=True)
        yield along(fn, grid((0, 3)), 1)
    for fn, shape, axis in product((np.sum, np.nansum, np.prod), [(0, 3), (3, 0)], (None, 0, 1, (0, 1))):
        yield along(fn, grid(shape), axis)
    for fn in (np.amax, np.amin):
        yield from (along(fn, grid((2, 3)), axis, keepdims=True) for axis in (None, 0, (0, -1)))
        yield Case(fn, lambda a, f=fn: f(a, 1), (grid((0, 3)),))


def deviations():
    for axis, keepdims in product((None, 0, -1, (0, 2), (1,)), (False, True)):
        yield along(np.std, grid((2, 3, 4)), axis, keepdims=keepdims)
        yield along(np.std, grid((4, 3, 2)), 0, ddof=1, keepdims=keepdims)
        yield along(np.var, grid((2, 3, 4)), axis, ddof=1.5 if axis is None else 1, keepdims=keepdims)
    for fn in (np.var, np.std):
        yield Case(fn, lambda a, f=fn: f(a, 0, None, None, 1), (grid((3, 2)),))


def gaps():
    kept = (np.arange(24) % 5 > 0).reshape(2, 3, 4)
    for fn, axis in product((np.nansum, np.nanmean), (None, 0, 1, (0, -1))):
        yield Case(fn, lambda a, f=fn, x=axis: f(np.where(kept, a, np.nan), x), (grid((2, 3, 4)),))


def small(fn, shape):
    """A point; products of many numbers stay near 1."""
    return 1 + grid(shape) / 2 if fn is np.prod else grid(shape)


ZEROS = (np.array([0.0, 2.0, -1.5]), np.array([[0.0, 2.0, 0.0], [1.5, 0.0, -0.5]]), np.zeros((3, 2)), np.zeros(4))


def running():
    for fn in (np.cumsum, np.cumprod):
        for axis in (None, 0, 1, -1):
            yield along(fn, small(np.prod, (2, 3, 4)), axis)
            yield along(fn, grid((2, 1)), min(axis or 0, 1))
            yield along(fn, grid((0, 3)), axis)
        yield Case(fn, fn, (grid(()),))
        yield along(fn, grid(()), 0)
        yield from (along(fn, grid((n,)), 0) for n in (1, 2, 3, 5, 9))
    for a in ZEROS:
        for fn, axis in product((np.prod, np.cumprod), (None, 0, -1)):
            yield along(fn, a, axis)
        yield along(np.prod, a, tuple(range(a.ndim)), keepdims=True)


def averages():
    a, whole = grid((2, 3, 4)), positive(grid((2, 3, 4), 1))
    for axis, keepdims in product((None, 0, -1, (0, 2), (2, 0)), (False, True)):
        yield along(np.average, a, axis, keepdims=keepdims)
        yield Case(np.average, lambda a, w, x=axis, k=keepdims: np.average(a, x, w, keepdims=k), (a, whole))
    for axis, shape in ((1, (3,)), (-1, (4,)), ((0, 2), (2, 4)), ((2, 0), (4, 2)), ((-1, 0, 1), (4, 2, 3))):
        weights = positive(grid(shape, 1))
        yield Case(np.average, lambda a, w, x=axis: np.average(a, axis=x, weights=w), (a, weights))
        yield Case(np.average, lambda a, w=weights, x=axis: np.average(a, axis=x, weights=w, keepdims=True), (a,))
    for weights in (None, whole):
        call = lambda a, w=weights: np.stack(np.average(a, axis=1, weights=w, returned=True))
        yield Case(np.average, call, (a,))
    yield Case(np.average, lambda w: np.average(np.ones((2, 3)), 1, w, returned=True)[1], (positive(grid((3,))),))
    yield Case(np.average, lambda w: np.average([1, 2, 4], weights=w), (positive(grid((3,))),))
    yield Case(np.average, lambda a, w: np.average(a, weights=w), (grid(()), positive(grid((), 1))))
    yield Case(np.average, lambda a, w: np.average(a, 1, w), (grid((0, 3)), positive(grid((3,), 1))))


def integrals():
    y = grid((2, 3, 4))
    for axis in (0, 1, -1, -3):
        yield Case(np.trapezoid, lambda y, x=axis: np.trapezoid(y, axis=x), (y,))
        yield Case(np.trapezoid, lambda y, x=axis: np.trapezoid(y, None, 0.25, x), (y,))
        for shape in ((y.shape[axis],), y.shape):
            yield Case(np.trapezoid, lambda y, x, i=axis: np.trapezoid(y, x, axis=i), (y, grid(shape, 1)))
    yield Case(np.trapezoid, lambda x: np.trapezoid([1.0, 3.0, 2.0], x), (grid((3,)),))
    yield Case(np.trapezoid, lambda y: np.trapezoid(y, [0.0, 0.5, 2.0]), (grid((3,)),))
    yield Case(np.trapezoid, lambda y, dx: np.trapezoid(y, dx=dx), (grid((2, 3)), grid((), 1)))
    yield from (Case(np.trapezoid, np.trapezoid, (grid(shape),)) for shape in ((1,), (0, 3), (3, 0)))


def norms():
    x, f = grid((2, 3, 4), 1), np.linalg.norm  # at this point no two numbers have the same size
    for a in (x, x[0], x[0, 0], grid(()), grid((1,)), grid((1, 1)), grid((0, 3))):
        yield from (Case(f, lambda a, k=keepdims: f(a, keepdims=k), (a,)) for keepdims in (False, True))
    for p in (None, 1, 2, 2.0, 3, 1.5, 0.5, -1, -2.5, np.inf, -np.inf):
        a = x if p in (None, 1, 2) else nonzero(x)  # where other powers are smooth enough to be judged
        yield Case(f, lambda a, p=p: f(a, p), (a[1, 2],))
        yield from (Case(f, lambda a, p=p, i=i: f(a, p, i), (a,)) for i in (0, (1,)))
        yield Case(f, lambda a, p=p: f(a, p, -1, True), (a,))
    for p in (None, "fro", "f", 1, -1, np.inf, -np.inf):
        yield Case(f, lambda a, p=p: f(a, ord=p), (x[0],))
        yield from (Case(f, lambda a, p=p, i=i: f(a, p, i), (x,)) for i in ((0, 1), (-1, -2)))
        yield Case(f, lambda a, p=p: f(a, p, (2, 0), True), (x,))
    for p in (None, 1, 2, 3, np.inf):
        yield Case(f, lambda a, p=p: f(a, p, axis=1), (grid((0, 3)),))
        yield Case(f, lambda a, p=p: f(a, p, axis=0), (grid((0, 3)),))
        yield Case(f, lambda a, p=p: f(a, p), (grid((1,)),))
    for p in ("fro", 1, np.inf):
        yield Case(f, lambda a, p=p: f(a, p), (grid((0, 3)),))
        yield Case(f, lambda a, p=p: f(a, p), (grid((3, 0)),))


def networks():
    for fn, axis in product((logsumexp, softmax, log_softmax), (None, 0, -1, (0, 2))):
        yield along(fn, 4 * grid((2, 3, 4)), axis)
        yield along(fn, grid((2, 1, 1)), axis)
    for axis in (1, -1):
        yield Case(
            softmax_by, lambda x, i=axis: softmax_by(x, logsumexp(x, axis=i, keepdims=True), axis=i), (grid((2, 3)),)
        )
    for axis in (None, 1):
        yield along(logsumexp, grid((2, 3)), axis, keepdims=True)
    for p, shape in product((2, 2.0, 3.0, 0.5), ((), (1, 1), (2, 3))):
        yield Case(root, lambda s, p=p: root(s, p), (positive(grid(shape)),))
    for shape in ((), (0, 3), (2, 3)):
        yield Case(weighted, weighted, (grid(shape), grid(shape, 1)))
        yield Case(surprise, surprise, (grid(shape), 3 * grid(shape, 1)))
    yield Case(weighted, lambda cost: weighted(np.eye(2, 3), cost), (grid((2, 3)),))
    for target, output in (((), ()), ((2, 3), (2, 3)), ((3,), (2, 1, 3)), ((2, 3), ())):
        yield Case(squared_error, squared_error, (grid(target), grid(output, 1)))
    for shape in ((3,), (2, 3)):
        yield Case(
            squared_error, lambda a, b: squared_error(a, b, weight=np.array([0, 0.5, 2])), (grid(shape), grid(shape, 1))
        )
