"""A claimed derivative against `minigrad.testing`: for tests of derivatives that are no gradients of a function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.testing import numerical_jvp


def assert_derivative(claimed: Any, f: Callable[..., Any], points: Sequence[Any], directions: Sequence[Any]) -> None:
    """Fail unless ``claimed`` is the derivative of ``f(*points)`` along ``directions``, as far as can be told."""
    estimate = numerical_jvp(f, points, directions)
    assert np.shape(claimed) == np.shape(estimate.value)
    scale = 1 + abs(estimate.value)
    assert np.all(estimate.error < 1e-7 * scale), f"the numerical derivative is too inexact: ±{estimate.error}"
    np.testing.assert_array_less(abs(claimed - estimate.value) / scale, 10 * estimate.error / scale + 1e-9)
