"""Options that are out of range, told with their value and with what they have to be."""

from __future__ import annotations

import math
from numbers import Integral
from typing import Any


def check(what: str, value: Any, holds: bool, expected: str) -> None:
    """Raise ValueError unless it ``holds``."""
    if not holds:
        raise ValueError(f"{what} is {value!r}; it has to be {expected}")


def positive(**options: float) -> None:
    """All of them are finite and above 0."""
    for what, value in options.items():
        check(what, value, 0 < value < math.inf, "a finite number above 0")


def not_negative(**options: float) -> None:
    """All of them are finite and at least 0."""
    for what, value in options.items():
        check(what, value, 0 <= value < math.inf, "finite and at least 0")


def forgetting(**options: float) -> None:
    """All of them are shares of a memory that are kept: at least 0, and below 1."""
    for what, value in options.items():
        check(what, value, 0 <= value < 1, "at least 0 and below 1")


def betas(pair: tuple[float, float]) -> tuple[float, float]:
    """How slowly two moments forget."""
    check("betas", pair, len(pair) == 2 and all(0 <= b < 1 for b in pair), "two, each at least 0 and below 1")
    return float(pair[0]), float(pair[1])


def count(least: int, **options: int) -> None:
    """All of them are whole numbers, and at least that."""
    for what, value in options.items():
        check(what, value, isinstance(value, Integral) and value >= least, f"a whole number, at least {least}")
