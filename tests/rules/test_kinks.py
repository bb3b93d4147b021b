"""Slopes by convention are not differentiated as if they were formulas: exact, or NaN, to any order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad import Tensor, grad, gradients, hvp, jvp
from minigrad.rules.kinks import kinked

CONES = {
    "abs": np.abs,
    "fabs": np.fabs,
    "copysign": lambda x: np.copysign(x, 1.0),
    "norm": lambda x: np.linalg.norm(np.reshape(x, (1,))),
    "norm of two": lambda x: np.linalg.norm(np.stack([x, 2 * x])),
    "norm of order 3/2": lambda x: np.linalg.norm(np.stack([x, 2 * x]), 1.5),
    "largest of": lambda x: np.linalg.norm(np.stack([x, 2 * x]), np.inf),
    "largest singular value": lambda x: np.linalg.norm(np.reshape(np.stack([x, 2 * x]), (2, 1)), 2),
    "hypot": lambda x: np.hypot(x, 2 * x),
    "std": lambda x: np.std(np.stack([x, 2 * x, -x])),
    "maximum": lambda x: np.maximum(x, -x),
    "minimum": lambda x: -np.minimum(x, -x),
    "fmax": lambda x: np.fmax(x, -x),
    "max": lambda x: np.max(np.stack([x, -x])),
    "ptp": lambda x: np.ptp(np.stack([x, -x])),
    "where": lambda x: np.where(x > 0, x, 0) + np.abs(x),
}
"""Functions with a kink at 0, where their value is 0."""
AROUND = {
    "square": lambda f, x: f(x) ** 2,
    "product": lambda f, x: f(x) * x,
    "kernel": lambda f, x: np.exp(-f(x) * f(x)),
    "cosine": lambda f, x: np.cos(f(x)),
    "inside": lambda f, x: f(x * x),
    "cube": lambda f, x: f(x) ** 3,
}


@pytest.mark.parametrize("around", AROUND.values(), ids=AROUND.keys())
@pytest.mark.parametrize("cone", CONES.values(), ids=CONES.keys())
def test_through_a_kink_there_is_no_second_derivative(cone, around):
    """Nor a third; the first is 0, and none of them warns."""
    f = lambda x: around(cone, x)
    assert grad(f)(0.0) == 0
    assert jvp(f, (0.0,), (1.0,))[1] == 0
    assert np.isnan(grad(grad(f))(0.0))
    assert np.isnan(hvp(f, (0.0,), (1.0,))[0])
    assert np.isnan(grad(grad(grad(f)))(0.0))


@pytest.mark.parametrize("cone", CONES.values(), ids=CONES.keys())
@given(x=st.floats(0.01, 100))
def test_beside_it_there_is(cone, x):
    """Squares of cones are c x², on either side."""
    for sign in (1, -1):
        f, at = lambda x: cone(x) ** 2, sign * x
        assert grad(grad(f))(at) == pytest.approx(2 * (cone(at) / at) ** 2, rel=1e-6)


@pytest.mark.parametrize("fn", [np.maximum, np.minimum])
@given(a=st.floats(-3, 3), b=st.floats(-3, 3))
def test_a_tie_with_a_constant_stays_between_its_sides(fn, a, b):
    bend = grad(grad(lambda x: a * fn(x, 0) ** 2 + b * fn(x, 0)))(0.0)
    assert min(0, 2 * a) <= bend <= max(0, 2 * a)
    assert bend == grad(grad(lambda x: a * fn(0, x) ** 2 + b * fn(0, x)))(0.0)


def test_only_what_varies_is_marked():
    """A kink in one argument is none of the other's business."""
    x, y = Tensor(0.0, requires_grad=True), Tensor(3.0, requires_grad=True)
    g = gradients(np.abs(x) + y**2 * x, [x, y], create_graph=True)
    assert [float(each) for each in gradients(g[1], [x, y])] == [6.0, 0.0]


def test_a_walk_that_is_not_recorded_is_left_alone():
    slope = np.array([1.0, 2.0])
    assert kinked(slope, np.zeros(2)) is slope
