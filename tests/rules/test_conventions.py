"""The page on conventions, line by line: its tables are the tests."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from minigrad import Tensor, functions, gradients

PAGE = Path(__file__).parents[2] / "docs" / "conventions.md"
LINES = re.findall(r"^\| `(.+?)` \| `(.+?)` \| `(.+?)` \|", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
INFINITE = [line for line in LINES if "inf" in line[2]]
FINITE = [line for line in LINES if line not in INFINITE]


def grads(expression, at, second=False):
    """The gradients of the sum of ``expression`` or, of second order, those of a weighted sum of these."""
    values = eval(f"dict({at})", {"np": np})
    xs = {key: Tensor(value, requires_grad=True, dtype=float) for key, value in values.items()}
    y = np.sum(eval(expression, {"np": np, "functions": functions, **xs}))
    first = gradients(y, list(xs.values()), create_graph=second)
    if not second:
        return first
    weighted = sum(np.sum(g * (i + np.arange(1.0, 1 + g.size).reshape(g.shape))) for i, g in enumerate(first))
    return gradients(weighted, list(xs.values()))


def test_the_page_has_been_read():
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    assert len(rows) == len(LINES) == len(set(LINES)) > 50


@pytest.mark.parametrize(("expression", "at", "expected"), FINITE)
def test_gradient(expression, at, expected):
    for g, exact in zip(grads(expression, at), eval(f"({expected},)"), strict=True):
        np.testing.assert_allclose(g, exact, rtol=1e-15, atol=0)


@pytest.mark.parametrize(("expression", "at", "expected"), FINITE)
def test_second_derivatives_are_finite(expression, at, expected):
    assert all(np.all(np.isfinite(g)) for g in grads(expression, at, second=True))


@pytest.mark.parametrize(("expression", "at", "expected"), INFINITE)
def test_infinite_slopes_are_infinite_and_warn(expression, at, expected):
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        (g,) = grads(expression, at)
    assert g == eval(expected, {"np": np})
