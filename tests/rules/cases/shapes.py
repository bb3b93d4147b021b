"""Calls of every function in `minigrad.rules.shapes` and `minigrad.rules.indexing`."""

from __future__ import annotations

import operator

import numpy as np

from minigrad.engine.tensor import record
from minigrad.rules.indexing import index_add, scatter
from minigrad.rules.shapes import concatenate, stack
from tests.rules.cases.grid import Case, grid


def joined(parts):
    """Several results as one."""
    return np.concatenate([np.ravel(part) for part in parts])


def calls(fn, points, *arguments, several=False, **options):
    """A row for ``fn(*points, *args)``, for each of ``arguments``; ``several`` results are joined."""
    for args in arguments or ((),):
        yield Case(
            fn,
            lambda *xs, a=args: joined(fn(*xs, *a, **options)) if several else fn(*xs, *a, **options),
            tuple(points),
        )


def basic():
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


def joins():
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


def orders():
    """In the order of Fortran, and in blocks."""
    a, b = grid((2, 3)), grid((2, 3), 1)
    for shape in ((3, 2), (-1,), 6, [1, -1]):
        yield Case(np.reshape, lambda a, s=shape: np.reshape(a, s, order="F"), (a,))
    yield Case(np.reshape, lambda a: np.reshape(a, (4, 6), order="F", copy=True), (grid((2, 3, 4)),))
    for x in (a, grid((2, 3, 4)), grid(()), grid((0, 3))):
        yield Case(np.ravel, lambda a: np.ravel(a, order="F"), (x,))
    yield Case(np.block, lambda a, b: np.block([[a, b], [b, a]]), (a, b))
    yield Case(np.block, lambda a, b: np.block([a, b, 1.0]), (grid((3,)), grid((), 1)))
    yield Case(np.block, lambda a: np.block([[a, np.ones((2, 1))], [np.zeros((1, 4))]]), (a,))
    yield Case(np.block, np.block, (a,))
    yield Case(np.block, lambda a, b: np.block([[[a]], [[b]]]), (a, b))
    for axis in (0, 1, -1) if hasattr(np, "unstack") else ():
        yield Case(np.unstack, lambda a, x=axis: joined(np.unstack(a, axis=x)[::-1]), (grid((2, 3, 4)),))
    yield Case(np.append, lambda a: np.append([[1.0, 2.0, 3.0]], a, axis=0), (a,))
    yield Case(np.append, lambda a, b: np.append(a, [b, b + 1]), (a, grid((), 1)))
    yield Case(np.concatenate, lambda a, b: np.concatenate([a, [b[0], b[1]]], dtype=np.float64), (a, b))
    for fn in (np.stack, np.vstack, np.hstack):
        yield Case(fn, lambda a, b, f=fn: f([a, b], dtype=np.float64), (a, b))


def axes():
    x, flat, empty, one, none = grid((2, 3, 4)), grid((5,)), grid((0, 3)), grid((1, 1)), grid(())
    yield from calls(np.moveaxis, [x], (0, -1), (-1, 0), ((0, 1), (2, 0)), ([0, -1], [-1, 1]), (1, 1))
    yield from calls(np.moveaxis, [empty], (0, 1))
    yield from calls(np.rollaxis, [x], (2,), (-1, 1), (0, 3), (1, 1), (0, -1))
    yield from calls(np.matrix_transpose, [x])
    for a in (x, empty, one):
        for fn in (np.flip, np.fliplr, np.flipud, np.rot90):
            yield from calls(fn, [a])
    yield from calls(np.flip, [none])
    yield from calls(np.flip, [x], (0,), (-1,), ((0, -1),), ((),))
    yield from calls(np.rot90, [x], (2,), (-1,), (0,), (5, (1, 2)), (1, (-1, 0)))
    yield from calls(np.roll, [x], (1,), (-5,), (2, 1), (-1, -1), ((1, 2), (0, 2)), (1, (0, 1)), ([1, 1], [1, 1]))
    yield from calls(np.roll, [x], shift=7, axis=2)
    yield from calls(np.roll, [empty], (1,), (1, 0))
    yield from calls(np.roll, [none], (1,))
    for a in (x, flat, empty, one, none):
        for fn in (np.atleast_1d, np.atleast_2d, np.atleast_3d):
            yield from calls(fn, [a])
    for fn in (np.atleast_1d, np.atleast_2d, np.atleast_3d):
        yield from calls(fn, [flat, none], (2.0,), several=True)
    yield from calls(np.broadcast_arrays, [flat, none], (np.ones((2, 1)),), several=True)
    yield from calls(np.broadcast_arrays, [empty], several=True)
    for options in ({}, {"sparse": True}, {"indexing": "ij"}, {"copy": False}):
        yield from calls(np.meshgrid, [flat, grid((3,), 1)], ([1.0, 2.0],), several=True, **options)
    yield from calls(np.meshgrid, [flat], several=True)
    yield from calls(np.meshgrid, [none, grid((0,), 1)], several=True)


def stacks():
    a, b, flat, empty, none = grid((2, 3)), grid((2, 3), 1), grid((3,)), grid((0, 3)), grid(())
    for fn in (np.hstack, np.vstack, np.dstack, np.column_stack):
        for points in ((a, b), (flat, grid((3,), 1)), (none, grid((), 1)), (empty, empty), (flat,)):
            yield Case(fn, lambda *xs, f=fn: f(xs), points)
    yield Case(np.vstack, lambda x, y: np.vstack([x, y, np.ones((2, 3)), [1.0, 2.0, 3.0]]), (a, flat))
    yield Case(np.hstack, lambda x: np.hstack([x, np.ones((2, 0)), x]), (a,))
    yield Case(np.column_stack, lambda x, y: np.column_stack([x, y]), (grid((3, 2)), flat))
    yield from calls(np.append, [a, b], (), (0,), (1,), (-1,))
    yield from calls(np.append, [a], (1.0,), ([1.0, 2.0],), ([[1.0, 2.0, 3.0]], 0))
    yield from calls(np.append, [none, flat])
    for points in ((a,), (flat,), (empty,)):
        axis = points[0].ndim - 1
        yield from calls(np.array_split, points, (2, axis), (5, -1), ([1, 1, 2], axis), ([2, 1],), ([],), several=True)
        yield from calls(np.split, points, (3, axis), (1,), ([1, 5], axis), ((-1,), -1), several=True)
    yield from calls(np.hsplit, [a], (3,), ([1],), several=True)
    yield from calls(np.hsplit, [flat], (3,), several=True)
    yield from calls(np.vsplit, [a], (2,), (np.array([1]),), several=True)
    yield from calls(np.dsplit, [grid((2, 1, 4))], (2,), ([1, 3],), several=True)


FALLING = np.array([9, 7, 4, 1, 0], np.uint8)  # whose differences are negative, and not of this type


def differences():
    x, flat, none = grid((3, 4)), grid((5,)), grid((), 1)
    yield from calls(np.diff, [x], (), (2,), (0,), (3, 0), (1, 0), (1, -2), (9,))
    yield from calls(np.diff, [grid((0, 3))], (), (1, 0))
    yield from calls(np.diff, [x], axis=0, prepend=0, append=grid((2, 4), 1))
    yield from calls(np.diff, [flat], n=2, append=1.0)
    yield Case(np.diff, lambda a, p, q: np.diff(a, prepend=p, append=q), (x, none, grid((3, 2), 2)))
    points = np.array([0.0, 1.0, 1.5, 3.0, 7.0])
    for order in (1, 2):
        along = (points, [0, 1, 3, 4, 9], points.astype(np.float32), np.arange(5), FALLING)
        yield from calls(np.gradient, [flat], (), (0.5,), *((x,) for x in along), edge_order=order)
        yield from calls(np.gradient, [grid((3, 5))], (), (0.3,), (2, points), several=True, edge_order=order)
        yield from calls(np.gradient, [grid((3, 5))], (), (0.3,), axis=0, edge_order=order)
        yield from calls(np.gradient, [grid((5, 3, 4))], (points, 2), axis=(0, -1), several=True, edge_order=order)
        yield Case(np.gradient, lambda a, h, k=order: np.gradient(a, 2 + h, edge_order=k), (flat, none))
        coordinates = np.linspace(0, 3, 5) ** 2 + grid((5,), 1) / 16
        yield Case(np.gradient, lambda a, x, k=order: np.gradient(a, x, edge_order=k), (flat, coordinates))
        yield Case(np.gradient, lambda x, k=order: np.gradient(np.arange(5), x, edge_order=k), (coordinates,))
        yield Case(np.gradient, lambda x, k=order: np.gradient([1.0, 3, 0, 2, 2], x, edge_order=k), (np.arange(5) / 2,))
    yield from calls(np.gradient, [grid((2,))], (), ([1.0, 3.0],))
    yield from calls(np.gradient, [grid((7,))], ([0.0, 1, 3, 4, 9, 11, 12.5],), edge_order=2)
    yield from calls(np.gradient, [grid((0, 2))], axis=1)


def selections():
    x, flat, square, empty, none = grid((2, 3, 4)), grid((5,)), grid((3, 3)), grid((0, 3)), grid(())
    yield from calls(np.repeat, [x], (2,), (2, 0), ([0, 3, 1], 1), (0, -1), (np.array([2]), 2))
    yield from calls(np.repeat, [none], (3,), (0,))
    yield from calls(np.repeat, [empty], (2,), (2, 1))
    yield from calls(np.tile, [x], (2,), ((2, 1, 1, 2),), ((0, 2),), ((),))
    yield from calls(np.tile, [none], (2,), ((2, 3),))
    yield from calls(np.tile, [empty], ((2, 2),))
    yield from calls(np.resize, [x], (5,), ((5, 7),), ((0,),))
    yield from calls(np.diagonal, [x], (), (1,), (-1, 1, 2), (0, -1, 0), (5,))
    yield from calls(np.diagonal, [empty])
    yield from calls(np.diag, [grid((3, 4))], (), (1,), (-1,), (9,))
    yield from calls(np.diag, [flat], (), (1,), (-2,))
    yield from calls(np.diag, [grid((0,))], (), (2,))
    yield from calls(np.diag, [empty])
    yield from calls(np.diagflat, [square], (), (-1,))
    for fn in (np.tril, np.triu):
        for a in (x, square, flat, empty, grid((1, 1))):
            yield from calls(fn, [a], (), (1,), (-1,), (9,))
    table = np.array([[0, 2, -1], [1, 1, 0]])
    yield from calls(
        np.take, [x], (3,), (-1, 1), ([0, 0, -2], 2), (table, 1), ([1, 0], -1), ([], 0), ([[5]],), (True, 0)
    )
    yield from calls(np.take, [x], ([9, -7], 1), mode="wrap")
    yield from calls(np.take, [x], ([9, -7],), mode="clip")
    yield from calls(np.take, [empty], ([0, 2, 2], 1))
    yield Case(np.compress, lambda a: np.compress([True, False, True], a, axis=1), (x,))
    yield Case(np.compress, lambda a: np.compress([0, 1, 1], a), (x,))
    index = np.argsort(grid((2, 3, 4), 1), axis=1)
    yield from calls(np.take_along_axis, [x], (index, 1), (index[:, :1], 1), (index[:, [0, 0, 0, 0, 1]], -2))
    yield from calls(np.take_along_axis, [x], (index[:1, :, :1], 1), (np.array([5, 5, -1]), None))
    yield from calls(np.take_along_axis, [empty], (np.zeros((0, 2), int), 1))
    yield from calls(np.delete, [x], (3,), (0, 0), ([0, 2], 1), (slice(None, None, 2), -1), ([], 0))
    yield from calls(np.delete, [x], (np.array([True, False, True]), 1))
    for fn in (np.sort, lambda a, *args: np.partition(a, 1, *args)):
        for a, args in ((x, ()), (x, (0,)), (x, (-2,)), (x, (None,)), (empty, (1,)), (flat, ())):
            if a.size:
                yield Case(np.sort if fn is np.sort else np.partition, lambda v, f=fn, r=args: f(v, *r), (a,))
    yield from calls(np.sort, [empty], (), (0,))
    yield from calls(np.sort, [x], axis=1, kind="heapsort")
    yield from calls(np.partition, [grid((40,))], (7,), ((3, 30),), (-1,))
    for obj, axis in ((0, None), (2, None), ([0, 3], None), ([-1], None), (slice(0, 2), None)):
        yield Case(np.insert, lambda a, v, o=obj, x=axis: np.insert(a, o, v, x), (flat, none))
    yield Case(np.insert, lambda a, v: np.insert(a, 1, v, axis=1), (square, grid((3,), 1)))
    yield Case(np.insert, lambda a, v: np.insert(a, [0, 3], v, axis=0), (square, grid((2, 3), 1)))
    yield Case(np.insert, lambda a: np.insert(a, [1, 1], [5, 6], axis=-1), (square,))
    for mode in ("constant", "edge", "reflect", "symmetric", "wrap"):
        yield from calls(np.pad, [x], (1, mode), (((2, 0), (0, 1), (7, 3)), mode), ((1, 2), mode), ([(3,)], mode))
        yield from calls(np.pad, [grid((1, 2))], (3, mode), (0, mode))
        yield from calls(np.pad, [grid((0, 3))], ([(0, 0), (1, 2)], mode))
    yield from calls(np.pad, [empty], (2,))
    yield from calls(np.pad, [square], (1,), constant_values=((1, 2), (3, 4)))
    conditions = [np.array([True, False, True]), np.array([[True], [False], [False]])]
    yield Case(np.select, lambda a, b: np.select(conditions, [a, b]), (square, none))
    yield Case(np.select, lambda a, b: np.select(conditions, [a, 2], default=b), (none, grid((3,), 1)))
    yield Case(np.select, lambda a, b: np.select(conditions, [1.0, b], a), (square, none))
    yield Case(np.choose, lambda a, b: np.choose([[0], [1], [0]], [a, b]), (square, grid((3,), 1)))
    yield Case(np.choose, lambda a: np.choose([4, -1, 1], a, mode="wrap"), (square,))
    yield Case(np.choose, lambda a: np.choose([4, -1, 1], (a, 1.0), mode="clip"), (none,))


def indices():
    x, mask = grid((2, 3, 4)), grid((2, 3), 1) > 0
    for index in (
        *((np.int64(1),), np.int8(-1), (np.uint8(1), ..., np.int64(-1)), (0, 1, 2), (None, ..., None), (), ..., None),
        *(True, False, np.True_, (0, True), (slice(None), False), (np.array(1), 0), np.array(True)),
        *(mask, (mask, 1), (mask, slice(None, None, -1)), (mask, [0, 0, 1]), (0, mask[0]), (..., grid((4,)) > 0)),
        *([], [[0, 1], [1, 1]], (slice(None), [0, 0, -1]), (0, [1, 1, -2]), ([0, 1], slice(None), [3, 3])),
        *((np.array([[0], [1]]), [2, 2, -1], slice(1, None)), (None, [1, 1], ..., 0), (slice(1, 1), [0, 0])),
        *(((0, 0, 1),), (range(2), 0), np.ix_([0, 0], [2, 1], [3, 3]), (np.array([1, 1], np.int8), np.int64(0))),
    ):
        yield Case(operator.getitem, lambda a, i=index: a[i], (x,))
        yield Case(scatter, lambda a, v, i=index: index_add(a, i, v), (x, grid(np.shape(x[index]), 1)))
    for index in (1, mask, (0, [1, 1, -2])):  # one number for all places
        yield Case(scatter, lambda a, v, i=index: index_add(a, i, v), (x, grid((), 1)))
    yield Case(scatter, lambda v: index_add(np.zeros(3), [0, 0, 2], v), (grid((3,)),))
    yield Case(scatter, lambda a: index_add(a, [0, 0, 2], 1.0), (grid((3,)),))
    yield Case(scatter, lambda a, v: index_add(a, (), v), (grid(()), grid((), 1)))


def shapes():
    for rows in (basic, orders, axes, differences):
        yield from rows()


def sequences():
    for rows in (joins, stacks, selections, indices):
        yield from rows()
