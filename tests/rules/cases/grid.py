"""What a row of the table is, and the points that it is checked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Case(NamedTuple):
    """A call of ``fn`` as a function of some arrays of numbers."""

    fn: Callable[..., Any]
    call: Callable[..., Any]
    points: tuple[Any, ...]
    ulps: int = 4  # how far from NumPy's value a rewritten function may be, which adds up in another order


def grid(shape, argument=0):
    """Distinct numbers near 0 (up to 65 of them), other ones for every argument."""
    k = np.random.default_rng([argument, *shape]).permutation(int(np.prod(shape))) % 65
    return ((k - min(k.size, 65) // 2 + (0.5, 0.25, 0.375)[argument]) / 16).reshape(shape)


def real(x):
    return x


def nonzero(x):
    return x + np.copysign(0.5, x)


def positive(x):
    return abs(x) + 0.5
