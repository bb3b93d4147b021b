"""Functions that call a function: the same as a loop that does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.engine.tensor import Tensor
from tests.rules.cases import grid
from tests.rules.gradients import gradient, tensor


@given(st.integers(0, 2))
def test_along_an_axis_is_a_loop(axis):
    a = grid((2, 3, 4))
    f = lambda v: np.sum(v * v) * v[0]
    loop = lambda x: sum(f(row) for row in np.reshape(np.moveaxis(x, axis, -1), (-1, a.shape[axis])))
    np.testing.assert_allclose(gradient(lambda x: np.apply_along_axis(f, axis, x), a), gradient(loop, a), atol=1e-13)


def test_pieces_differentiate_to_their_own_functions():
    a = np.array([-2.0, -0.5, 0.5, 3.0])
    g = gradient(lambda x: np.piecewise(x, [x < -1, x > 1], [np.square, 7.0, np.sin]), a)
    np.testing.assert_allclose(g, [-4.0, np.cos(-0.5), np.cos(0.5), 0.0])


def test_a_function_sees_only_the_elements_that_it_is_for():
    a = np.array([-1.0, 4.0])
    g = gradient(lambda x: np.piecewise(x, [x > 0], [np.sqrt, 0.0]), a)  # no root of -1, no NaN times 0
    np.testing.assert_array_equal(g, [0.0, 0.25])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda a: np.piecewise(a, [a > 0], [1.0, 2.0, 3.0]), "a function a condition"),
        (lambda a: np.apply_along_axis(np.sum, 0, np.zeros((2, 0)) * a[:0]), "at least one vector"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(ValueError, match=message):
        call(tensor(3))


def test_functions_may_return_plain_numbers():
    y = np.apply_along_axis(lambda v: np.argmax(v), 1, Tensor([[1.0, 3.0], [5.0, 2.0]], requires_grad=True))
    np.testing.assert_array_equal(getattr(y, "data", y), [1, 0])
