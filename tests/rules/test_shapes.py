"""What the table of rules cannot show of functions that change shapes: several results, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from minigrad.engine.tensor import Tensor
from minigrad.engine.walk import gradients
from tests.rules.cases import grid
from tests.rules.gradients import tensor


@pytest.mark.parametrize(
    "call",
    [
        lambda a: np.array_split(a, 4),
        lambda a: np.array_split(a, [3, 1], axis=1),
        lambda a: np.split(a, 2, axis=-1),
        lambda a: np.hsplit(a, [1, 3]),
        lambda a: np.vsplit(a, 3),
        lambda a: np.atleast_3d(a, 1.0),
        lambda a: np.broadcast_arrays(a, 1.0),
        lambda a: np.meshgrid(a, [1.0, 2.0]),
        lambda a: np.meshgrid(a, [1.0, 2.0], indexing="ij", sparse=True),
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_several_results_come_as_numpy_gives_them(call, dtype):
    a = tensor(3, 4, dtype=dtype)
    got, expected = call(a), call(a.data)
    assert type(got) is type(expected)
    for y, array in zip(got, expected, strict=True):
        np.testing.assert_array_equal(y.data if isinstance(y, Tensor) else y, array, strict=True)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda a: np.split(a, 2), ValueError, "equal division"),
        (lambda a: np.hsplit(a[0, 0], 2), ValueError, "1 or more dimensions"),
        (lambda a: np.vsplit(a[0], 2), ValueError, "2 or more dimensions"),
        (lambda a: np.dsplit(a, 2), ValueError, "3 or more dimensions"),
    ],
)
def test_refusals(call, error, message):
    with pytest.raises(error, match=message):
        call(tensor(3, 4))


@pytest.mark.parametrize("axes", [0, -1, (0,), [0], None])
def test_the_axes_of_one_axis(axes):
    x, v = tensor(3), np.arange(3.0)
    (g,) = gradients(np.transpose(x, axes), [x], v)
    np.testing.assert_array_equal(g, v)


def test_joining_takes_lists_tuples_and_tensors():
    x = Tensor(grid((2, 3)), requires_grad=True)
    for y in (np.concatenate((x[0], x[1])), np.concatenate(x), np.stack([x[0], x[1]]), np.stack(x)):
        (g,) = gradients(y, [x], np.ones(y.shape))
        np.testing.assert_array_equal(g, np.ones((2, 3)))
