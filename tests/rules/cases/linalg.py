"""Calls of every function in `minigrad.rules.linalg`, `contractions` and `decompositions`."""

from __future__ import annotations

from itertools import product

import numpy as np

from minigrad.engine.tensor import record
from minigrad.rules.decompositions import cofactor, eigh_factors, least_squares, logabsdet, qr_factors, svd_factors
from minigrad.rules.linalg import crossed
from minigrad.rules.networks import affine, preactivation
from tests.rules.cases.grid import Case, grid, nonzero

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

PAIRS = {
    np.dot: [
        *[((3,), (3,)), ((2, 3), (3, 4)), ((5, 2, 3), (3,)), ((5, 2, 3), (3, 4)), ((), (2, 3)), ((2, 3), ()), ((), ())],
        *[((3,), (2, 3, 4)), ((2, 3), (5, 3, 4)), ((2, 2, 3), (4, 3, 2)), ((0, 3), (2, 3, 4)), ((), (2, 3, 4))],
    ],
    np.vdot: [((2, 3), (2, 3)), ((6,), (6,)), ((), ()), ((0, 3), (0, 3)), ((2, 3), (6,))],
    np.inner: [
        ((), (2, 3)),
        ((2, 3), ()),
        ((3,), (3,)),
        ((2, 3), (4, 3)),
        ((2, 2, 3), (3,)),
        ((2, 3), (2, 4, 3)),
        ((0, 3), (3,)),
    ],
    np.outer: [((), (2, 3)), ((3,), (2,)), ((2, 3), (4, 3)), ((0, 3), (3,)), ((), ())],
    np.kron: [
        ((), (2, 3)),
        ((3,), (2,)),
        ((2, 3), (4,)),
        ((2,), (2, 3, 2)),
        ((2, 3), (3, 2)),
        ((0, 3), (3,)),
        ((), ()),
    ],
    np.cross: [((3,), (3,)), ((2, 3), (3,)), ((3,), (2, 3)), ((4, 1, 3), (2, 3)), ((0, 3), (3,))],
    np.vecdot: [((3,), (3,)), ((2, 3), (3,)), ((5, 1, 3), (2, 3)), ((0, 3), (3,)), ((2, 0), (0,))],
}
if hasattr(np, "matvec"):  # NumPy 2.2
    PAIRS |= {
        np.matvec: [((2, 3), (3,)), ((2, 3), (5, 3)), ((5, 2, 3), (3,)), ((5, 1, 2, 3), (4, 3)), ((0, 3), (3,))],
        np.vecmat: [((2,), (2, 3)), ((5, 2), (2, 3)), ((2,), (5, 2, 3)), ((5, 2), (5, 2, 3)), ((0,), (0, 3))],
    }
EINSUMS = [
    *[
        ("ij,jk->ik", (2, 3), (3, 4)),
        ("ij,jk", (2, 3), (3, 4)),
        ("ba,ac", (2, 3), (3, 4)),
        ("ij,kj->ik", (2, 3), (4, 3)),
    ],
    *[("ii", (3, 3)), ("ii->i", (3, 3)), ("iij->ji", (3, 3, 2)), ("iii->i", (3, 3, 3)), ("...ii->...i", (2, 3, 3))],
    *[("iji->j", (3, 2, 3)), ("ijij->ji", (2, 3, 2, 3))],
    *[("ij->", (2, 3)), ("ij->ji", (2, 3)), ("ji", (2, 3)), ("ij->ij", (2, 3)), ("ij->j", (0, 3)), ("->", ())],
    *[("i,j->ji", (2,), (3,)), ("i,i", (3,), (3,)), ("i,i->i", (3,), (3,)), ("ij,ij->", (2, 3), (2, 3))],
    *[("bij,bjk->bik", (2, 2, 3), (2, 3, 2)), ("ij,bj->bi", (2, 3), (4, 3)), ("bj,ij->bi", (4, 3), (2, 3))],
    *[("...ij,...jk->...ik", (5, 2, 3), (3, 4)), ("...ij,jk", (5, 2, 3), (3, 4)), ("...i,...i", (2, 1, 3), (4, 3))],
    *[("i...->...", (3, 2)), ("...", (2, 3)), ("i...->i...", (2,)), ("i..., ...j -> ij...", (2, 3), (3, 2))],
    *[
        ("ij,jk,kl->il", (2, 3), (3, 2), (2, 2)),
        ("i,i,i->i", (3,), (3,), (3,)),
        ("ba,bc,cd->ad", (2, 3), (2, 2), (2, 3)),
    ],
    *[("ijk,ilm,kn->jlmn", (2, 2, 2), (2, 2, 3), (2, 2)), (",ij->ij", (), (2, 3)), ("ij, jk -> k", (2, 3), (3, 2))],
    *[("ij,jk->ik", (2, 1), (3, 4)), ("i,i->", (3,), (1,)), ("i,i->", (1,), (3,)), ("i,i,i->", (3,), (1,), (3,))],
    *[("ij,jk->ik", (0, 3), (3, 2)), ("ij,jk->ik", (2, 0), (0, 2)), ("ij,k->ik", (2, 3), (4,)), ("ii,i", (3, 3), (3,))],
]


def products():
    for a, b in MATMUL + EMPTY_MATMUL:
        yield Case(np.matmul, np.matmul, (grid(a), grid(b, 1)))
    yield Case(np.matmul, lambda a: a @ np.transpose(a), (grid((2, 3)),))
    yield Case(np.matmul, lambda a: grid((4, 2), 1) @ a @ grid((3, 5), 1) @ grid((5,), 1), (grid((2, 3)),))
    yield Case(np.matmul, lambda b: grid((2, 3), 1) @ b, (grid((3, 4)),))
    yield Case(np.dot, lambda a: np.dot(np.array(2.0), a), (grid((2, 3)),))
    for fn, pairs in PAIRS.items():
        for a, b in pairs:
            yield Case(fn, fn, (grid(a), grid(b, 1)))
    for options in ({"axisa": 0, "axisc": 0}, {"axisa": 0, "axisb": 2, "axisc": 1}):
        yield Case(crossed, lambda a, b, o=options: np.cross(a, b, **o), (grid((3, 4)), grid((2, 4, 3), 1)))
    yield Case(np.cross, lambda a, b: np.cross(a, b, axis=0), (grid((3, 2)), grid((3, 2), 1)))
    for offset, axes in product((0, 1, -1, -5, 4), ((0, 1), (2, 0), (-1, -2))):
        yield Case(np.trace, lambda a, k=offset, x=axes: np.trace(a, k, *x), (grid((3, 2, 4)),))
    yield Case(np.trace, np.trace, (grid((0, 3)),))
    for shapes in (((2, 3), (3, 4), (4, 2)), ((3,), (3, 4), (4,)), ((2, 3), (3,)), ((2, 3), (3, 1), (1, 3), (3,))):
        points = tuple(grid(shape, i % 3) for i, shape in enumerate(shapes))
        yield Case(np.linalg.multi_dot, lambda *arrays: np.linalg.multi_dot(arrays), points)
    yield from namesakes()
    yield from layers()
    yield from contractions()
    yield from decompositions()


def layers():
    """Rows with and without a batch, columns of one number, and rows that are repeated beside others."""
    for lead, m, n in product(((), (1,), (4,), (2, 3), (0,)), (1, 3), (1, 2)):
        yield Case(affine, affine, (grid((n,), 2), grid((*lead, m)), grid((m, n), 1)))
        for other, k in ((lead, 2), ((), 1), ((2, 1), 2)):
            if other != (2, 1) or lead in ((), (4,)):
                rows = grid((*lead, m)), grid((m, n), 1), grid((*other, k), 1), grid((k, n))
                yield Case(preactivation, preactivation, (grid((n,), 2), *rows))
    points = grid((2,), 2), grid((4, 3)), grid((3, 2), 1), grid((4, 1), 1), grid((1, 2))
    yield Case(affine, lambda U: affine(0.0, grid((40, 5)), U), (grid((5, 3)),))  # multiplied at once
    for moving in ((0,), (1,), (2,), (3, 4), (1, 4), (0, 2)):  # the others are arrays

        def call(*some, moving=moving):
            return preactivation(*(dict(zip(moving, some, strict=True)).get(i, each) for i, each in enumerate(points)))

        yield Case(preactivation, call, tuple(points[i] for i in moving))


def namesakes():
    """What `numpy.linalg` has under the names of the array interface."""
    la, a, b = np.linalg, grid((2, 3, 4)), grid((2, 4, 3), 1)
    yield Case(la.matmul, la.matmul, (a, b))
    yield Case(la.outer, la.outer, (grid((3,)), grid((2,), 1)))
    for axis in (-1, 1, 0):
        points = np.moveaxis(grid((4, 2, 3)), -1, axis), np.moveaxis(grid((4, 2, 3), 1), -1, axis)
        yield Case(la.cross, lambda a, b, x=axis: la.cross(a, b, axis=x), points)
        if hasattr(np, "vecdot"):
            yield Case(la.vecdot, lambda a, b, x=axis: la.vecdot(a, b, axis=x), points)
            yield Case(np.vecdot, lambda a, b, x=axis: np.vecdot(a, b, axis=x), points)
    yield Case(la.tensordot, la.tensordot, (a, grid((3, 4, 2), 1)))
    yield Case(la.tensordot, lambda a, b: la.tensordot(a, b, axes=1), (a, b[0]))
    for offset in (0, 1, -1):
        yield Case(la.trace, lambda a, k=offset: la.trace(a, offset=k), (a,))
        yield Case(la.diagonal, lambda a, k=offset: la.diagonal(a, offset=k), (a,))
    yield Case(la.trace, lambda a: la.trace(a, dtype=np.float64), (a,))
    yield Case(np.trace, lambda a: np.trace(a, dtype=np.float64), (a,))
    yield Case(la.matrix_transpose, la.matrix_transpose, (a,))
    for p, axis in product((2, 1, 3, np.inf), (None, 0, (0, 2))):
        call = lambda a, p=p, x=axis: la.vector_norm(a, ord=p, axis=x, keepdims=x == 0)
        yield Case(la.vector_norm, call, (nonzero(grid((2, 3, 4), 1)),), 16)
    for p in ("fro", 1, np.inf):
        yield Case(la.matrix_norm, lambda a, p=p: la.matrix_norm(a, ord=p, keepdims=p == 1), (grid((2, 3, 4), 1),))
    yield from systems()


def systems():
    """Least squares, conditions, and systems in other shapes."""
    la, tall, wide = np.linalg, grid((4, 2)) + np.eye(4, 2), grid((2, 4)) + np.eye(2, 4)
    for a in (tall, wide, square(3)):
        for b in ((a.shape[0],), (a.shape[0], 2)):
            yield Case(la.lstsq, lambda a, b: la.lstsq(a, b)[0], (a, grid(b, 1)), 64)
            yield Case(least_squares, lambda a, b: record(least_squares, (a, b)), (a, grid(b, 1)))
    yield Case(la.lstsq, lambda a, b: la.lstsq(a, b)[1], (tall, grid((4, 2), 1)), 64)
    yield Case(la.lstsq, lambda a: la.lstsq(a, np.ones(4))[3], (tall,), 64)
    for p in (None, 2, -2, "fro", 1, -1, np.inf, -np.inf):
        yield Case(la.cond, lambda a, p=p: la.cond(a, p), (square(3),), 64)
    yield Case(la.cond, la.cond, (square(2, 3),), 64)
    yield Case(la.cond, la.cond, (tall,), 64)
    four = square(6, asymmetry=0.125).reshape(2, 3, 6)
    yield Case(la.tensorinv, lambda a: la.tensorinv(a, ind=2), (four,), 64)
    yield Case(la.tensorinv, lambda a: la.tensorinv(a, ind=1), (np.moveaxis(four, -1, 0),), 64)
    yield Case(la.tensorsolve, la.tensorsolve, (four, grid((2, 3), 1)), 64)
    yield Case(
        la.tensorsolve,
        lambda a, b: la.tensorsolve(a, b, axes=(0,)),
        (np.moveaxis(four.reshape(2, 3, 6), -1, 0), grid((2, 3), 1)),
        64,
    )


def contractions():
    for axes in (0, 1, ([1], [-2]), (0, 2), (-1, 0), ([0, 2], [2, 0]), ((), ())):
        points = grid((2, 3, 4)), grid((4, 3, 2), 1)
        yield Case(np.tensordot, lambda a, b, x=axes: np.tensordot(a, b, axes=x), points)
    yield Case(np.tensordot, np.tensordot, (grid((2, 0, 3)), grid((0, 3, 2), 1)))
    yield Case(np.tensordot, lambda a: np.tensordot([[0.5, 2.0]], a, 1), (grid((2, 3)),))
    yield Case(np.tensordot, lambda a: np.tensordot(a, [0.5, 2.0, 1.0], 1), (grid((2, 3)),))
    yield Case(np.tensordot, lambda a, b: np.tensordot(a, b, 0), (grid(()), grid((2,), 1)))
    for spec, *shapes in EINSUMS:
        points = tuple(grid(shape, i) for i, shape in enumerate(shapes))
        yield Case(np.einsum, lambda *a, s=spec: np.einsum(s, *a), points)
    two = grid((2, 3)), grid((3, 4), 1)
    yield Case(np.einsum, lambda a, b: np.einsum(a, [0, 1], b, [1, 2]), two)
    yield Case(np.einsum, lambda a, b: np.einsum(a, [5, 1], b, [1, 2], [2, 5]), two)
    yield Case(np.einsum, lambda a: np.einsum(a, [..., 1], [1, ...], optimize=True), two[:1])
    yield Case(np.einsum, lambda a: np.einsum("ij,j", a, [1, 2, 3], optimize="greedy"), two[:1])


def square(n, *lead, asymmetry=0.25):
    """Matrices with positive and well-separated eigenvalues and singular values."""
    return grid((*lead, n, n)) * asymmetry + np.diag(2 + 0.75 * np.arange(n))


SINGULAR = [np.zeros((1, 1)), np.zeros((3, 3)), np.ones((3, 3)) / 2, np.arange(9.0).reshape(3, 3) / 4]
SINGULAR += [np.arange(16.0).reshape(4, 4) / 4, np.diag([1.0, 0, 2, 0])]


def decompositions():
    for lead in ((), (2,), (0,), (1, 2)):
        a = square(3, *lead)
        for fn in (np.linalg.inv, np.linalg.det, np.linalg.cholesky, np.linalg.pinv):
            yield Case(fn, fn, (a,))
        yield Case(cofactor, lambda a: record(cofactor, (a,)), (a,))
        yield Case(logabsdet, lambda a: record(logabsdet, (a,)), (a,))
        yield Case(np.linalg.slogdet, lambda a: np.linalg.slogdet(a)[1], (a,))
        yield Case(np.linalg.slogdet, lambda a: np.linalg.slogdet(-a).logabsdet, (a,))
        yield Case(np.linalg.cholesky, lambda a: np.linalg.cholesky(a, upper=True), (a,))
        yield Case(np.linalg.eigvalsh, np.linalg.eigvalsh, (a,))
        yield Case(np.linalg.eigvalsh, lambda a: np.linalg.eigvalsh(a, UPLO="U"), (a,))
        for uplo, part in product("LU", (0, 1)):
            yield Case(np.linalg.eigh, lambda a, u=uplo, k=part: np.linalg.eigh(a, u)[k], (a,))
        yield Case(eigh_factors, lambda a: record(eigh_factors, (a,)), (a,))
        for m, n in {(): ((3, 3), (4, 2), (2, 4), (1, 3), (3, 1)), (2,): ((4, 2), (2, 4))}.get(lead, ((4, 2),)):
            a = square(4, *lead)[..., :m, :n]
            yield Case(np.linalg.svdvals, np.linalg.svdvals, (a,))
            yield Case(np.linalg.svd, lambda a: np.linalg.svd(a, compute_uv=False), (a,))
            for part in range(3):
                yield Case(np.linalg.svd, lambda a, k=part: np.linalg.svd(a, full_matrices=False)[k], (a,))
            for part in range(2):
                yield Case(np.linalg.qr, lambda a, k=part: np.linalg.qr(a)[k], (a,))
            yield Case(np.linalg.pinv, np.linalg.pinv, (a,))
            yield Case(svd_factors, lambda a: record(svd_factors, (a,)), (a,))
            yield Case(qr_factors, lambda a: record(qr_factors, (a,)), (a,))
        if lead != (0,):
            a = square(4, *lead)[..., ::-1, :3]  # rows exchanged: a negative determinant
            yield Case(cofactor, lambda a: record(cofactor, (a,)), (a[..., 1:, :],))
            yield Case(np.linalg.det, np.linalg.det, (a[..., 1:, :],))
    for a in (*SINGULAR, np.eye(3), -np.eye(2), np.zeros((0, 0))):
        yield Case(np.linalg.det, np.linalg.det, (a,))
    for n in range(-3, 8):
        yield Case(np.linalg.matrix_power, lambda a, n=n: np.linalg.matrix_power(a, n), (square(3, 2),))
    for a, b in (
        ((), (3,)),
        ((), (3, 2)),
        ((5,), (3,)),
        ((5,), (3, 2)),
        ((), (5, 3, 2)),
        ((4, 1), (5, 3, 2)),
        ((), (3, 0)),
    ):
        yield Case(np.linalg.solve, np.linalg.solve, (square(3, *a), grid(b, 1)))
