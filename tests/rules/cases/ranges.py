"""Calls of every function in `minigrad.rules.ranges`, `polynomials` and `calling`."""

from __future__ import annotations

from itertools import product

import numpy as np

from tests.rules.cases.grid import Case, grid, nonzero, positive
from tests.rules.cases.shapes import calls, joined


def ranges():
    for rows in (spaced, polynomials, called):
        yield from rows()


def spaced():
    a, b = grid((3,)), grid((3,), 1) + 2
    for num, endpoint in product((0, 1, 2, 7), (True, False)):
        options = {"num": num, "endpoint": endpoint}
        yield Case(np.linspace, lambda a, b, o=options: np.linspace(a, b, **o), (a, b), 8)
        yield Case(np.linspace, lambda a, o=options: np.linspace(a, 3.0, **o), (grid(()),), 8)
        yield Case(np.linspace, lambda b, o=options: np.linspace(0, b, **o), (grid((), 1),), 8)
        if num:
            yield Case(np.logspace, lambda a, b, o=options: np.logspace(a, b, **o), (a, b), 64)
            yield Case(np.geomspace, lambda a, b, o=options: np.geomspace(a, b, **o), (positive(a), positive(b)), 64)
    yield Case(np.linspace, lambda a, b: np.linspace(a, b, 4, axis=1), (grid((2, 3)), grid((1, 3), 1)), 8)
    yield Case(
        np.linspace, lambda a, b: np.linspace(a, b, 4, axis=-1, dtype=np.float64), (grid((2, 1)), grid((3,), 1)), 8
    )
    yield Case(np.linspace, lambda a, b: joined(np.linspace(a, b, 4, retstep=True)), (a, b), 8)
    yield Case(np.linspace, lambda a: np.linspace(a, a, 4), (a,), 8)
    yield Case(np.logspace, lambda a, c: np.logspace(a, 1.5, 4, base=c), (grid(()), positive(grid((), 1))), 64)
    yield Case(np.logspace, lambda a, c: np.logspace(a, 1.5, 4, base=c, axis=-1), (a, positive(grid((3,), 1))), 64)
    yield Case(np.geomspace, lambda a: np.geomspace(-a, -3.0, 4, axis=1), (positive(a),), 64)
    for fn in (np.logspace, np.geomspace):
        yield Case(fn, lambda a, f=fn: f(a, 3.0, 4, dtype=np.float64), (positive(grid(())),), 64)
    for options in ({}, {"shape": (4, 2, 3)}, {"dtype": np.float64}):
        yield Case(np.full_like, lambda a, v, o=options: np.full_like(a, v, **o), (grid((2, 3)), grid((3,), 1)))
        yield Case(
            np.full_like, lambda a, v, o=options: np.full_like(a, fill_value=v, **o), (grid((2, 3)), grid((), 1))
        )


def polynomials():
    p, x = grid((4,)), grid((2, 3), 1)
    yield Case(np.polyval, np.polyval, (p, x), 8)
    yield Case(np.polyval, lambda x: np.polyval([1.0, 0.5, 2.0], x), (x,), 8)
    yield Case(np.polyval, lambda p: np.polyval(p, 0.5), (p,), 8)
    yield from calls(np.vander, [grid((3,))], (), (5,), (1,), (0,), (4, True))
    yield from calls(np.vander, [grid((0,))], (2,))
    for fn in (np.polyadd, np.polysub, np.polymul):
        yield Case(fn, fn, (p, grid((4,), 1)), 8)
        yield Case(fn, fn, (p, grid((2,), 1)), 8)
        yield Case(fn, lambda a, f=fn: f([1.0, 2.0, 3.0], a), (grid((2,)),), 8)
    yield from calls(np.polyder, [p], (), (2,), (0,))
    yield from calls(np.polyint, [p], (), (2,), (0,))
    yield Case(np.polyint, lambda p, k: np.polyint(p, 2, k), (p, grid((2,), 1)))
    yield Case(np.polyint, lambda p, k: np.polyint(p, 1, k), (p, grid((), 1)))


def called():
    a = grid((2, 3, 4))
    for axis in (0, 1, -1):
        for function in (np.sum, np.sort, lambda v: np.outer(v, v), lambda v: v[0] * np.ones((2, 1))):
            yield Case(np.apply_along_axis, lambda a, x=axis, f=function: np.apply_along_axis(f, x, a), (a,), 8)
    yield Case(
        np.apply_along_axis, lambda a: np.apply_along_axis(lambda v, n, scale: scale * v**n, 0, a, 2, scale=3), (a,)
    )
    yield Case(np.apply_over_axes, lambda a: np.apply_over_axes(np.sum, a, [0, 2]), (a,), 8)
    yield Case(np.apply_over_axes, lambda a: np.apply_over_axes(np.cumsum, a, -1), (a,), 8)
    double, square = lambda v: 2 * v, lambda v: v * v
    for x in (nonzero(grid((2, 3))), nonzero(grid(())), grid((0, 3))):
        for conditions, functions in (
            ([x < 0, x > 0.6], [double, square]),
            ([x < 0, x > -0.6], [double, 3.0, square]),
            ([x < 0], [square, lambda v: v]),
        ):
            yield Case(np.piecewise, lambda x, c=conditions, f=functions: np.piecewise(x, c, f), (x,))
    x = nonzero(grid((2, 3)))
    yield Case(np.piecewise, lambda v: np.piecewise(v, [x < 0], [lambda v, n: v**n, 1], 3), (x,))
    yield Case(np.extract, lambda a: np.extract(np.arange(24).reshape(a.shape) % 3 == 0, a), (a,))
    yield from calls(np.ediff1d, [a], (), (1.0,), ([1.0, 2.0], 3.0))
    yield from calls(np.ediff1d, [grid((0,))], ())
    yield Case(
        np.ediff1d, lambda a, b, c: np.ediff1d(a, to_begin=b, to_end=c), (grid((4,)), grid((2,), 1), grid((), 2))
    )
