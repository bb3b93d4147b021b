"""Norms at zero and beside it, by singular values, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

from minigrad.engine.tables import primitives
from minigrad.engine.tensor import Tensor
from minigrad.engine.walk import gradients
from minigrad.testing import check_grads
from tests.rules.cases import grid
from tests.rules.gradients import gradient, hessian

NORMS = [
    *[(shape, None, None) for shape in [(), (3,), (2, 3), (2, 2, 2)]],
    *[((3,), p, None) for p in (1, 2, 3, 1.5, 0.5, -1, np.inf, -np.inf)],
    *[((2, 3), p, None) for p in ("fro", 1, -1, np.inf, -np.inf)],
]


@pytest.mark.parametrize(("shape", "ord", "axis"), NORMS)
def test_norm_at_0_has_gradient_0_and_no_second_derivative(shape, ord, axis):
    """Nor has what is smooth, but leads through the kink: x² by |x| must not come out as something flat."""
    norm = lambda x: np.linalg.norm(x, ord, axis)
    for f in (norm, lambda x: norm(x) ** 2):
        np.testing.assert_array_equal(gradient(f, np.zeros(shape)), np.zeros(shape))
        if ord != 3:
            assert np.all(np.any(np.isnan(hessian(f, np.zeros(shape))), axis=0))


@pytest.mark.parametrize("p", [1.5, 3, 2.5, 0.5])
def test_norm_of_a_vector_with_a_zero(p):
    g = gradient(lambda x: np.linalg.norm(x, p), np.array([0.0, 1.0, -2.0]))
    rest = gradient(lambda x: np.linalg.norm(x, p), np.array([1.0, -2.0]))
    np.testing.assert_allclose(g, [0, *rest])
    h = hessian(lambda x: np.linalg.norm(x, p), np.array([0.0, 1.0, -2.0]))
    np.testing.assert_array_equal(h[0], [0.0 if p == 3 else np.nan, 0, 0])  # |x|³ is flat at 0, |x|^2.5 is too
    np.testing.assert_allclose(h[1:, 1:], hessian(lambda x: np.linalg.norm(x, p), np.array([1.0, -2.0])), rtol=1e-14)


def test_a_negative_order_with_a_zero_is_0_and_stays_there():
    x = Tensor([0.0, 1.0, -2.0], requires_grad=True)
    y = np.linalg.norm(x, -1)
    assert y.data == 0
    np.testing.assert_array_equal(gradients(y, [x])[0], np.zeros(3))


@pytest.mark.parametrize("ord", [2, -2, "nuc"])
def test_norms_by_singular_values_need_a_rule_of_svd(ord):
    a, norm = grid((2, 3), 1), lambda x: np.linalg.norm(x, ord, keepdims=True)
    x = Tensor(a, requires_grad=True)
    if np.linalg.svd not in primitives:
        with pytest.raises(TypeError, match=r"np\.linalg\.svd has no derivative rule"):
            norm(x)
        return
    np.testing.assert_allclose(norm(x).data, norm(a), strict=True)
    assert check_grads(norm, (a,), contract=False)
    assert check_grads(lambda x: np.linalg.norm(x, ord, (2, 0)), (grid((2, 3, 4), 1),), order=1, contract=False)
    np.testing.assert_array_equal(gradient(norm, np.zeros((2, 3))), np.zeros((2, 3)))
    if ord != -2:
        assert np.linalg.norm(Tensor(np.zeros((0, 3))), ord).data == 0


def test_counting_has_no_gradient():
    with pytest.raises(TypeError, match=r"np\.count_nonzero"):
        np.linalg.norm(Tensor(np.arange(3.0), requires_grad=True), ord=0)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda x: np.linalg.norm(x, 3), ValueError),
        (lambda x: np.linalg.norm(x, "abc"), ValueError),
        (lambda x: np.linalg.norm(x, "fro", axis=0), ValueError),
        (lambda x: np.linalg.norm(x, axis=(0, 0)), ValueError),
        (lambda x: np.linalg.norm(x, 2, axis=(0, 2)), np.exceptions.AxisError),
        (lambda x: np.linalg.norm(x[None], 1), ValueError),
        (lambda x: np.linalg.norm(x[0, 0], 1), ValueError),
    ],
)
def test_wrong_arguments_are_wrong_for_tensors_too(call, error):
    x = Tensor(grid((2, 3)), requires_grad=True)
    for argument in (x.data, x):
        with pytest.raises(error):
            call(argument)
