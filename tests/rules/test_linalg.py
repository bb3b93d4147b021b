"""Products of vectors and matrices: of all shapes, factored, in the cheapest order; and options that are refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
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


def test_multi_dot_multiplies_in_the_cheapest_order():
    a, v = leaf(np.ones((20, 20))), np.ones(20)
    y = np.linalg.multi_dot([a, a, v])
    assert y.args[0] is a
    assert y.args[1].shape == (20,)


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
