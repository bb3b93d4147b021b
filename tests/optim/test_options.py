"""What is out of range is told with its name and value; what is in range passes. (Each method: test_optimizer.py.)"""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from minigrad.optim import options


@pytest.mark.parametrize(
    ("check", "good", "bad", "expected"),
    [
        (options.positive, [1e-300, 1, 1e300], [0, -1, math.inf, math.nan], "a finite number above 0"),
        (options.not_negative, [0, 1e300], [-1e-300, math.inf, math.nan], "finite and at least 0"),
        (options.forgetting, [0, 0.5, math.nextafter(1, 0)], [-0.1, 1, math.nan], "at least 0 and below 1"),
        (lambda **o: options.count(2, **o), [2, np.int64(3)], [1, 2.0, math.nan, "3"], "a whole number, at least 2"),
        (lambda w: options.betas(w), [(0, 0.9)], [(0.9,), (0.9, 1), (math.nan, 0)], "two, each at least 0 and below 1"),
    ],
)
def test_ranges(check, good, bad, expected):
    for value in good:
        check(w=value)
    for value in bad:
        with pytest.raises(ValueError, match=f"^(w|betas) is {re.escape(repr(value))}; it has to be {expected}$"):
            check(w=value)


def test_betas_are_plain_floats():
    assert [type(b) for b in options.betas((np.float32(0.5), 0))] == [float, float]
