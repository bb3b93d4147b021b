"""Calls of every function in `minigrad.rules.reductions`."""

from __future__ import annotations

from itertools import product

import numpy as np

from tests.rules.cases.grid import Case, grid


def reductions():
    for fn, axis, keepdims in product(
        (np.sum, np.mean, np.max, np.min), (None, 0, -1, (0, 2), (1,), ()), (False, True)
    ):
        yield Case(fn, lambda a, f=fn, x=axis, k=keepdims: f(a, axis=x, keepdims=k), (grid((2, 3, 4)),))
        yield Case(fn, lambda a, f=fn, x=axis, k=keepdims: f(a, axis=x, keepdims=k), (grid((1, 4, 1)),))
    for fn in (np.sum, np.mean, np.max, np.min):
        yield Case(fn, fn, (grid(()),))
        yield Case(fn, lambda a, f=fn: f(a, 1), (grid((0, 3)),))
        yield Case(fn, lambda a, f=fn: f(a, -1, keepdims=True), (grid((2, 1)),))
    for shape, axis in product([(0, 3), (3, 0)], (None, 0, 1, (0, 1))):
        yield Case(np.sum, lambda a, x=axis: np.sum(a, axis=x), (grid(shape),))
