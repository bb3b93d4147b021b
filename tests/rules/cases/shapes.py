"""Calls of every function in `minigrad.rules.shapes`."""

from __future__ import annotations

import operator

import numpy as np

from minigrad.rules.shapes import concatenate, scatter, stack
from minigrad.tensor import record
from tests.rules.cases.grid import Case, grid


def shapes():
    whole, empty, single, none = grid((2, 3, 4)), grid((0, 3)), grid((1, 3, 1)), grid(())
    for shape in ((4, 6), (-1,), [3, 8], 24, (2, 1, -1, 4)):
        yield Case(np.reshape, lambda a, s=shape: np.reshape(a, s), (whole,))
    yield Case(np.reshape, lambda a: np.reshape(a, shape=(6, 4)), (whole,))
    yield Case(np.reshape, lambda a: np.reshape(a, (3, 0, 2)), (empty,))
    yield Case(np.reshape, lambda a: np.reshape(a, (1, 1)), (none,))
    for x in (whole, empty, none):
        yield Case(np.ravel, np.ravel, (x,))
        yield Case(np.transpose, np.transpose, (x,))
        yield Case(np.squeeze, np.squeeze, (x,))
    for axis in (None, 0, -1, (0, 2)):
        yield Case(np.squeeze, lambda a, x=axis: np.squeeze(a, x), (single,))
        yield Case(np.squeeze, lambda a, x=axis: np.squeeze(a, axis=x), (single,))
    for axis in (0, -1, (0, 2), (1, -1)):
        yield Case(np.expand_dims, lambda a, x=axis: np.expand_dims(a, x), (whole,))
        yield Case(np.expand_dims, lambda a, x=axis: np.expand_dims(a, axis=x), (empty,))
    yield Case(np.expand_dims, lambda a: np.expand_dims(a, 0), (none,))
    for x, shape in (
        (none, (2, 3)),
        (single, (2, 1, 3, 5)),
        (empty, (2, 0, 3)),
        (grid((1, 3)), (0, 3)),
        (whole, (2, 3, 4)),
    ):
        yield Case(np.broadcast_to, lambda a, s=shape: np.broadcast_to(a, s), (x,))
    for axes in (None, (0, 1, 2), (2, 0, 1), [1, 2, 0], (-1, 0, 1), (0, -1, -2), (1, 2, -3)):
        yield Case(np.transpose, lambda a, x=axes: np.transpose(a, x), (whole,))
        yield Case(np.transpose, lambda a, x=axes: np.transpose(a, axes=x), (whole,))
    for axes in ((0, 1), (0, -1), (-2, 0), (1, 1)):
        yield Case(np.swapaxes, lambda a, x=axes: np.swapaxes(a, *x), (whole,))
    yield Case(np.swapaxes, lambda a: np.swapaxes(a, axis1=0, axis2=1), (empty,))


def sequences():
    a, b, none = grid((2, 3)), grid((2, 3), 1), grid(())
    for axis in (0, 1, -1, -2):
        yield Case(concatenate, lambda *xs, x=axis: np.concatenate(xs, x), (a, b))
        yield Case(np.concatenate, lambda *xs, x=axis: np.concatenate([*xs, np.ones((2, 3))], axis=x), (a, b))
    yield Case(concatenate, lambda *xs: np.concatenate(xs), (a, grid((0, 3)), grid((1, 3))))
    yield Case(concatenate, lambda *xs: np.concatenate(xs, axis=1), (grid((0, 3)), grid((0, 1))))
    yield Case(np.concatenate, lambda x: np.concatenate([x, x, 2 * x]), (a,))
    for axis in (0, 1, 2, -1, -3):
        yield Case(stack, lambda *xs, x=axis: np.stack(xs, x), (a, b))
        yield Case(np.stack, lambda *xs, x=axis: np.stack([np.ones((2, 3)), *xs], axis=x), (a, b))
    yield Case(stack, lambda *xs: np.stack([*xs, 1.0]), (none, grid((), 1)))
    yield Case(stack, lambda *xs: np.stack(xs), (grid((0, 3)), grid((0, 3), 1)))
    for index in (0, -1, (slice(None), 1), (..., None), slice(None, None, -2), [0, 0, 1], ([1, 1, 0], [2, 2, -1])):
        yield Case(operator.getitem, lambda x, i=index: x[i], (a,))
    yield Case(operator.getitem, lambda x: x[a > 0], (b,))
    yield Case(operator.getitem, lambda x: x[()], (none,))
    yield Case(operator.getitem, lambda x: x[1:], (grid((0, 3)),))
    two = {"indices": [(0,), (slice(None), 1)], "shape": (2, 3)}
    yield Case(scatter, lambda *xs: record(scatter, xs, two), (grid((3,)), grid((2,), 1)))
    one = {"indices": [([0, 0, 1], [2, 2, -1])], "shape": (2, 3)}
    yield Case(scatter, lambda *xs: record(scatter, xs, one), (grid((3,)),))
