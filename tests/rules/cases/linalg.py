"""Calls of every function in `minigrad.rules.linalg`."""

from __future__ import annotations

import numpy as np

from tests.rules.cases.grid import Case, grid

MATMUL = [
    *[((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 4)), ((2, 3), (3, 4)), ((5, 2, 3), (3,)), ((3,), (5, 3, 4))],
    *[((5, 2, 3), (3, 4)), ((2, 3), (5, 3, 4)), ((5, 2, 3), (5, 3, 4)), ((1, 2, 3), (5, 3, 4)), ((5, 2, 3), (1, 3, 4))],
    *[((6, 1, 2, 3), (5, 3, 4)), ((5, 2, 3), (6, 1, 3, 4)), ((2, 5, 2, 3), (3, 4)), ((2, 5, 2, 3), (3,))],
    *[((1, 3), (3, 1)), ((1,), (1, 1)), ((3,), (2, 5, 3, 4)), ((2, 1), (1, 4)), ((1, 1, 1), (1, 1, 1))],
    *[((80, 50), (50, 40)), ((4, 20, 50), (50, 40))],  # large enough to be multiplied at once
]
EMPTY_MATMUL = [
    *[((0,), (0,)), ((0, 3), (3,)), ((2, 0), (0,)), ((3,), (3, 0)), ((0,), (0, 4)), ((2, 0), (0, 4)), ((0, 3), (3, 4))],
    *[((2, 3), (3, 0)), ((5, 2, 0), (0, 4)), ((5, 2, 3), (3, 0)), ((0, 2, 3), (3, 4)), ((0, 2, 3), (3,))],
    *[((0, 2, 3), (0, 3, 4)), ((5, 0, 3), (3,)), ((3,), (5, 3, 0)), ((0,), (5, 0, 4)), ((5, 2, 0), (0,))],
]


def products():
    for a, b in MATMUL + EMPTY_MATMUL:
        yield Case(np.matmul, np.matmul, (grid(a), grid(b, 1)))
    for a, b in (
        ((3,), (3,)),
        ((2, 3), (3, 4)),
        ((5, 2, 3), (3,)),
        ((5, 2, 3), (3, 4)),
        ((), (2, 3)),
        ((2, 3), ()),
        ((), ()),
    ):
        yield Case(np.dot, np.dot, (grid(a), grid(b, 1)))
    for a, b in (((2, 3), (2, 3)), ((6,), (6,)), ((), ()), ((0, 3), (0, 3)), ((2, 3), (6,))):
        yield Case(np.vdot, np.vdot, (grid(a), grid(b, 1)))
    yield Case(np.matmul, lambda a: a @ np.transpose(a), (grid((2, 3)),))
    yield Case(np.matmul, lambda a: grid((4, 2), 1) @ a @ grid((3, 5), 1) @ grid((5,), 1), (grid((2, 3)),))
    yield Case(np.matmul, lambda b: grid((2, 3), 1) @ b, (grid((3, 4)),))
    yield Case(np.dot, lambda a: np.dot(np.array(2.0), a), (grid((2, 3)),))
