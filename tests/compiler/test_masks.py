"""Choices written as factors: the same numbers, also where 0 times what is not finite would make a difference."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad import compile, functions, grad
from minigrad.compiler.masks import factored, sound
from minigrad.compiler.simplify import simplified
from tests.compiler.test_algebra import rearranged
from tests.compiler.test_simplify import calls
from tests.compiler.test_tracing import trace

KINKED: dict[str, Callable[[Any], Any]] = {
    "relu": functions.relu,
    "leaky": lambda z: np.where(z > 0, z, 0.25 * z),
    "clipped": lambda z: np.clip(z, -0.5, 1.0),
    "least": lambda z: np.minimum(np.maximum(z, -z), 1.5),
    "nothing": lambda z: np.where(z > 0.5, 0, z),
    "hidden": lambda z: np.where(np.abs(z) < 1, functions.relu(z), np.tanh(z)),
}
SMALL = st.sampled_from([-1.0, -0.5, 0.0, 0.5, 1.0])
SEEDS = st.sampled_from([1.0, 1.0, -2.0, 0.0, np.inf, np.nan])


@given(
    st.sampled_from(sorted(KINKED)),
    st.lists(SMALL, min_size=18, max_size=18),
    st.lists(SEEDS, min_size=18, max_size=18),
    st.sampled_from(["float32", "float64"]),
)
def test_gradients_through_kinks_whatever_comes_back(name: str, xs: Any, seeds: Any, dtype: Any) -> None:
    """Ties are split, and an infinite cotangent is 0 where it is not wanted."""
    kinked = KINKED[name]

    def loss(w: Any, b: Any, xs: Any, seeds: Any) -> Any:
        h, total = xs[0], 0.0
        for t in range(6):
            h = kinked(h @ w + xs[t] + b)
            total = total + np.sum(h * seeds[t])
        return total

    f = grad(loss, argnums=(0, 1))
    args = [np.array(each, dtype) for each in ([[0.5, 0, -1], [1, 0.5, 0], [0, -0.5, 1]], [0.0, 0.5, 0.0])]
    args += [np.reshape(np.array(each, dtype), (6, 3)) for each in (xs, seeds)]
    step = compile(f)
    with np.errstate(invalid="ignore", over="ignore"):
        step(*args[:2], np.ones((6, 3), dtype), np.ones((6, 3), dtype))  # traced with other branches
        for got, want in zip(step(*args), f(*args), strict=True):
            assert got.dtype == want.dtype
            np.testing.assert_allclose(got, want, rtol=1e-5 if dtype == "float32" else 1e-12, atol=1e-300)
    assert step.report().traced == 1


def test_a_loop_makes_no_choices_for_relu() -> None:
    def f(x: Any, w: Any) -> Any:
        h = np.zeros(2)
        for t in range(6):
            h = functions.relu(h * w + x[t])
        return np.sum(h * h)

    step = compile(grad(f, argnums=1))
    step(np.ones((6, 2)), np.ones(2))
    assert step.report().rolled and "where(" not in step.listing()


def test_choices_stay_where_nan_may_hide() -> None:
    def f(x: Any, w: Any) -> Any:
        y = np.where(x > 0, np.sin(x), 0)
        return [np.where(w > i, y, 1.0) for i in range(20)]

    made = factored(rearranged(simplified(trace(f, np.ones(2), np.ones(2)))))
    assert calls(made).count(sound) == 1 and calls(made).count(np.where) == 20  # y itself is looked at
    many = lambda x: [np.where(x > i, x, 0) for i in range(20)]
    assert calls(factored(rearranged(simplified(trace(many, np.ones(2)))))).count(np.where) == 20


def test_not_a_number_is_unusual() -> None:
    sound(np.array([1e300, np.inf]))
    with pytest.raises(ArithmeticError):
        sound(np.array([0.0, np.nan]))
