"""Derivatives by differences, for tests: an opinion on a gradient that shares no line with the engine.

A central difference errs by c₁h² + c₂h⁴ + ...; halving h again and again and eliminating one power after another
(Richardson 1911) gains many digits, until rounding takes over. Ridders (1982) tells when: two neighbours in the
table of extrapolations differ by about their error, so the entry with the smallest difference is the best one, and
comes with an estimate of its error.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

STEP = (
    2.0**-7
)  # directions of entries below ½ then move a point by less than half of 1/64, the tests' distance to kinks


def derivative(
    f: Callable[..., Any], points: Sequence[Any], directions: Sequence[Any], step: float = STEP, levels: int = 6
) -> tuple[Any, Any]:
    """The derivative of ``f(*points)`` along ``directions``, and an estimate of its error, both element by element."""

    def central(h: float) -> Any:
        ahead = f(*(x + h * v for x, v in zip(points, directions, strict=True)))
        behind = f(*(x - h * v for x, v in zip(points, directions, strict=True)))
        return (np.asarray(ahead) - np.asarray(behind)) / (2 * h)

    coarser = [central(step)]
    best, error = coarser[0], np.full(coarser[0].shape, np.inf)
    for level in range(1, levels):
        finer = [central(step / 2**level)]
        for order, old in enumerate(coarser):
            finer.append(finer[order] + (finer[order] - old) / (4 ** (order + 1) - 1))
            guess = np.maximum(abs(finer[-1] - finer[-2]), abs(finer[-1] - old))
            best, error = np.where(guess < error, finer[-1], best), np.minimum(guess, error)
        coarser = finer
    return best, error


def assert_derivative(claimed: Any, f: Callable[..., Any], points: Sequence[Any], directions: Sequence[Any]) -> None:
    """Fail unless ``claimed`` is the derivative of ``f(*points)`` along ``directions``, as far as can be told."""
    estimate, error = derivative(f, points, directions)
    assert np.shape(claimed) == estimate.shape
    scale = 1 + abs(estimate)
    assert np.all(error < 1e-7 * scale), f"the numerical derivative is too inexact to judge by: ±{error}"
    np.testing.assert_array_less(abs(claimed - estimate) / scale, 10 * error / scale + 1e-9)
