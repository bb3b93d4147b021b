"""Calls of every function in `minigrad.rules.elementwise`."""

from __future__ import annotations

from itertools import product

import numpy as np

from minigrad.tensor import Tensor, astype
from tests.rules.cases.grid import Case, grid, nonzero, positive, real

UNARY = {
    np.negative: real,
    np.positive: real,
    np.absolute: real,
    np.sign: real,
    np.square: real,
    np.sqrt: positive,
    np.reciprocal: nonzero,
    np.exp: real,
    np.expm1: real,
    np.log: positive,
    np.log1p: lambda x: abs(x) - 0.5,
    np.sin: real,
    np.cos: real,
    np.tanh: real,
}
BINARY = {
    np.add: (real, real),
    np.subtract: (real, real),
    np.multiply: (real, real),
    np.divide: (real, nonzero),
    np.power: (positive, real),
    np.logaddexp: (real, real),
    np.maximum: (real, real),
    np.minimum: (real, real),
}


def elementwise():
    for (fn, domain), shape in product(UNARY.items(), [(), (1,), (0, 3), (2, 3)]):
        yield Case(fn, fn, (domain(grid(shape)),))
    for (fn, domains), shape in product(BINARY.items(), [(), (1,), (0, 3), (2, 3)]):
        yield Case(fn, fn, tuple(domain(grid(shape, i)) for i, domain in enumerate(domains)))
    for constant in (2.0, np.array([0.25, -1.5, 3.0]), Tensor([[2.0], [0.75]])):
        for fn in BINARY:
            yield Case(fn, lambda a, fn=fn, c=constant: fn(a, abs(c)), (positive(grid((2, 3))),))
            yield Case(fn, lambda b, fn=fn, c=constant: fn(abs(c), b), (positive(grid((2, 3))),))
    for exponent in (0, 1, 2, 3, -2, 2.0, np.array([0, 1, 2]), np.array([3.0, 0.0, -1.0])):
        yield Case(np.power, lambda a, n=exponent: a**n, (nonzero(grid((2, 3))),))
    for mask in (True, np.array([True, False, True]), Tensor([[True], [False]])):
        yield Case(np.where, lambda a, b, m=mask: np.where(m, a, b), (grid((2, 3)), grid((2, 3), 1)))
    yield Case(np.where, lambda a: np.where(np.array([True, False]), a, 0), (grid(()),))
    yield Case(np.where, lambda b: np.where(np.array([True, False]), 1.0, b), (grid((2, 1)),))
    for shape in ((), (0, 3), (2, 3)):
        yield Case(astype, lambda a: a.astype(np.float64), (grid(shape),))
