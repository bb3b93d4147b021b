"""Two ways to compute the same numbers: are they equal up to rounding, whose size is measured and not guessed?

Where terms cancel, rounding is left, as large as eps times the terms that were added, which nobody sees from outside.
But a linear map can be asked again: of an argument times 1.1 it has to give 1.1 times the same, and since the factor is
no power of two, every rounding inside falls anew. What the results differ by, divided by their factors, is rounding.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from minigrad.testing.verdict import FACTORS, Verdict

__tracebackhide__ = True  # pytest shows no line of this file where a user's test fails

Scaled: TypeAlias = Callable[[float], Any]
"""``left(λ)``: numbers computed from λ times the arguments, and divided by λ."""
HUGE = 1e300
TIMES = 10  # the spread of so few samples, to be on the safe side


def compared(left: Scaled, right: Scaled, size: float, rtol: float, once: Any = None, ones: float = 0.0) -> Verdict:
    """Whether two numbers, or arrays, are equal up to ``rtol`` times ``size`` and what rounding makes of them.

    Where neither is finite nothing is told: of two poles one may be approached from either side. Nor is anything where
    one of them may have overflowed on the way. ``once`` is what both give for λ = 1, if that is known. Nor is
    anything told by less than ``ones``, which differences of ones may have left.
    """
    a, b = (np.asarray(each, np.float64) for each in (once or (left(1.0), right(1.0))))
    finite = np.isfinite(a), np.isfinite(b)
    largest = np.fmax(*(np.where(there, np.abs(each), 0.0) for there, each in zip(finite, (a, b), strict=True)))
    told = (finite[0] | finite[1]) & (largest < HUGE)
    off = np.where(told, np.abs(a - b), 0.0)  # NaN where only one of them is finite
    if np.all(off <= rtol * size):
        return "pass" if told.all() else "inconclusive"
    allowed = rtol * size + TIMES * (spread(left, size) + spread(right, size))
    if np.all(off <= max(allowed, ones)) and not np.all(off <= allowed):
        return "inconclusive"
    return "fail" if not np.all(off <= allowed) else "pass" if told.all() else "inconclusive"


def spread(way: Scaled, size: float) -> float:
    """The largest difference that rounding makes; of what is not linear, none.

    To double the arguments rounds nothing anew: a linear map gives just the double.
    """
    once, twice = (np.asarray(way(factor), np.float64) for factor in (1.0, 2.0))
    if not np.all((np.abs(once - twice) <= 1e-9 * size) | ~np.isfinite(once)):
        return 0.0
    found = np.stack([np.asarray(way(factor), np.float64) for factor in FACTORS])
    seen = np.isfinite(found).all(axis=0)
    return float(np.max(np.where(seen, np.ptp(np.where(seen, found, 0.0), axis=0), 0.0), initial=0.0))
