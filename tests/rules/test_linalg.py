"""Products of vectors and matrices: of all shapes, factored, in the cheapest order; and options that are refused."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minigrad.engine.tensor import Tensor
from minigrad.engine.walk import backward, gradients
from minigrad.rules.linalg import Product
from minigrad.testing import check_grads
from tests.rules.cases import grid
from tests.rules.gradients import leaf


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda a: np.linalg.svd(a), "full_matrices"),
        (lambda a: np.linalg.svd(a, False, hermitian=True), "eigh"),
        (lambda a: np.linalg.qr(a, "complete"), "mode='complete'"),
        (lambda a: np.linalg.pinv(a, rcond=0.5), "rcond"),
        (lambda a: np.einsum("ij->i", a, dtype=np.float32), "astype"),
        (lambda a: np.cross(a[:, :2], a[:, :2]), "vectors of 3"),
    ],
)
def test_options_without_a_rule_are_type_errors(call, message):
    with pytest.raises(TypeError, match=message):
        call(leaf(grid((2, 3))))


def test_products_refuse_what_numpy_refuses():
    for x in (grid((2, 3)), leaf(grid((2, 3)))):
        with pytest.raises(ValueError, match=r"."):
            np.tensordot(x, np.ones((3, 2)), 2)
        with pytest.raises(ValueError, match=r"."):
            np.linalg.multi_dot([x])


def multiplications(y):
    """How many the products of a chain took that ``y`` was computed by; none for what is no product."""
    if not isinstance(y, Tensor) or y.fn is not np.matmul:
        return 0
    (a, b), last = y.args, y.args[1].shape[1:]
    return a.size * (last[0] if last else 1) + multiplications(a) + multiplications(b)


def fewest(sizes):
    """Of all orders of multiplying matrices of sizes[i] by sizes[i + 1]."""
    ways = (
        fewest(sizes[: k + 1]) + fewest(sizes[k:]) + sizes[0] * sizes[k] * sizes[-1] for k in range(1, len(sizes) - 1)
    )
    return min(ways, default=0)


@given(st.lists(st.integers(1, 9), min_size=4, max_size=6), st.booleans(), st.booleans())
def test_multi_dot_multiplies_in_the_cheapest_order(sizes, row, column):
    """With a vector for the first or the last matrix, which counts as one row or one column."""
    arrays = [np.ones((m, n)) for m, n in pairwise(sizes)]
    if row:
        sizes[0], arrays[0] = 1, arrays[0][0]
    if column:
        sizes[-1], arrays[-1] = 1, arrays[-1][:, 0]
    y = np.linalg.multi_dot([leaf(a) for a in arrays])
    np.testing.assert_allclose(y.data, np.linalg.multi_dot(arrays))
    assert multiplications(y) == fewest(sizes)


ROWS, COLUMN, SPACE = [[0.5, 1.0, -2.0], [0.25, 3.0, 1.0]], [0.5, -1.0, 2.0], [1.0, 0.5, -3.0]


@pytest.mark.parametrize(
    ("fn", "a", "b"),
    [
        *[(fn, ROWS, COLUMN) for fn in (np.matvec, np.dot, np.matmul, np.kron, np.inner, np.outer)],
        *[(fn, SPACE, COLUMN) for fn in (np.vecdot, np.cross, np.vdot)],
        (np.vecmat, [0.5, 2.0], ROWS),
        (lambda a, b: np.linalg.multi_dot([a, b]), ROWS, COLUMN),
    ],
)
def test_lists_are_arrays(fn, a, b):
    expected = fn(np.array(a), np.array(b))
    for y in (fn(a, leaf(b)), fn(leaf(a), b)):
        assert isinstance(y, Tensor) and y.requires_grad
        np.testing.assert_allclose(y.data, expected)


@settings(max_examples=60)
@given(hnp.mutually_broadcastable_shapes(signature=np.matmul.signature, min_side=0, max_side=3, max_dims=2))
def test_matrix_products_of_all_shapes(shapes_):
    a, b = shapes_.input_shapes
    assert check_grads(np.matmul, (grid(a), grid(b, 1)), contract=False, directions=1)


@pytest.mark.parametrize("f", [lambda W, x: W @ x, lambda W, x: x @ W.T, lambda W, x: x[None] @ W, np.dot])
def test_the_cotangent_of_a_matrix_stays_factored(f):
    W, x = Tensor(grid((3, 3)), requires_grad=True), Tensor(grid((3,), 1))
    shares = []
    y = f(W, x)
    backward(y, np.ones(y.shape), observe=lambda consumer, position, share: shares.append(share))
    assert any(isinstance(share, Product) for share in shares)


@pytest.mark.parametrize("call", [lambda x: np.vdot(x, 3.0), lambda x: np.vdot(3.0, x)])
def test_vdot_of_a_number(call):
    x = Tensor(2.0, requires_grad=True)
    assert gradients(call(x), [x]) == (3.0,)
