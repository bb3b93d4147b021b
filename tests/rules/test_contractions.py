"""Products along named axes: cotangents that stay factored, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from minigrad.engine.walk import backward
from minigrad.rules.linalg import Product
from tests.rules.cases import grid
from tests.rules.gradients import leaf


@pytest.mark.parametrize(
    "f",
    [
        lambda W, x: np.einsum("ij,j->i", W, x[0]),
        lambda W, x: np.einsum("ij,bj->bi", W, x),
        lambda W, x: np.einsum("bj,ji->bi", x, W),
        lambda W, x: np.einsum("...ij,...j->...i", W, x),
        lambda W, x: np.tensordot(x, W, 1),
        lambda W, x: np.tensordot(W, x[0], 1),
        lambda W, x: np.linalg.multi_dot([x, W, x[0]]),
        lambda W, x: np.vecmat(x, W),
    ],
)
def test_the_cotangent_of_a_matrix_stays_factored(f):
    W, shares = leaf(grid((3, 3))), []
    y = f(W, grid((3, 3), 1))
    backward(y, np.ones(y.shape), observe=lambda y, i, share: shares.append(share) if y.args[i] is W else None)
    assert [type(share) for share in shares] == [Product]


@pytest.mark.parametrize(
    "operands",
    [
        *[("ij,jk",), ("ijk",), ("i",), ("ij->ik",), ("ij->ii",), ("i...->i",), ("ii",), ("......",)],
        *[("ij,jk", np.ones((2, 2))), ("...,...", np.ones(2))],
    ],
)
def test_einsum_refuses_what_numpy_refuses(operands):
    a = grid((2, 3))
    spec, *more = operands
    for x in (a, leaf(a)):
        with pytest.raises(ValueError, match=r"."):
            np.einsum(spec, x, *more)


@pytest.mark.parametrize("spec", ["ij->ij", "...", "ij->ji"])
def test_a_contraction_of_one_operand_is_never_that_operand(spec):
    a = leaf(grid((2, 3)))
    y = np.einsum(spec, a)
    assert y is not a and y.fn is not None
