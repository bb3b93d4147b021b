"""The page on conventions, line by line: its tables are the tests."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from minigrad import Tensor, functions, gradients, hessian
from minigrad.engine.tables import name_of
from tests.rules.cases import CASES

PAGE = Path(__file__).parents[2] / "docs" / "conventions.md"


def tables():
    """The name of the third column, and whether second derivatives are NaN, besides what a line says."""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("| expression"):
            kind = [cell.strip() for cell in line.split("|")][3:5]
        elif line.startswith("| `"):
            expression, at, expected, rest = re.match(r"\| `(.+?)` \| `(.+?)` \| `(.+?)` \|(.*)", line).groups()
            second = rest.split("|")[0].strip() if kind[1] == "second" else "finite"
            yield kind[0], second, (expression, at, expected)


LINES = list(tables())
GRADIENTS = [line for kind, _, line in LINES if kind == "gradient"]
HESSIANS = [line for kind, _, line in LINES if kind == "Hessian"]
INFINITE = [line for line in GRADIENTS if "inf" in line[2]]
UNKNOWN = [line for kind, second, line in LINES if kind == "gradient" and "nan" in line[2]]
CALM = [line for line in GRADIENTS if line not in INFINITE and (line not in UNKNOWN or "np.nan" in line[1])]
SECOND = [(*line, second) for kind, second, line in LINES if line in CALM and "np.nan" not in line[2]]
NAMES = {"np": np, "functions": functions}


def point(at):
    return eval(f"dict({at})", NAMES)


def grads(expression, at, second=False):
    """The gradients of the sum of ``expression`` or, of second order, those of a weighted sum of these."""
    xs = {key: Tensor(value, requires_grad=True, dtype=float) for key, value in point(at).items()}
    y = np.sum(eval(expression, {**NAMES, **xs}))
    first = gradients(y, list(xs.values()), create_graph=second)
    if not second:
        return first
    weighted = sum(np.sum(g * (i + np.arange(1.0, 1 + g.size).reshape(g.shape))) for i, g in enumerate(first))
    return gradients(weighted, list(xs.values()))


def test_the_page_has_been_read():
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    assert len(rows) == len(LINES) == len({line for _, _, line in LINES}) > 100
    assert len(SECOND) > 70
    assert {second for *_, second in SECOND} == {"finite", "NaN"}


@pytest.mark.parametrize(("expression", "at", "expected"), CALM)
def test_gradient(expression, at, expected):
    for g, exact in zip(grads(expression, at), eval(f"({expected},)", NAMES), strict=True):
        np.testing.assert_allclose(g, exact, rtol=1e-15, atol=0)


@pytest.mark.parametrize(("expression", "at", "expected", "second"), SECOND)
def test_second_derivatives(expression, at, expected, second):
    """Finite; or NaN in all that have a part in the kink."""
    numbers = np.concatenate([np.ravel(g) for g in grads(expression, at, second=True)])
    assert np.all(np.isfinite(numbers)) if second == "finite" else np.any(np.isnan(numbers))


@pytest.mark.parametrize(("expression", "at", "expected"), HESSIANS)
@pytest.mark.filterwarnings("ignore:invalid value encountered in log:RuntimeWarning")  # of a negative base
def test_hessian(expression, at, expected):
    x = np.asarray(point(at)["x"], float)
    h = hessian(lambda x: eval(expression, {**NAMES, "x": x}))(x)
    np.testing.assert_allclose(
        np.reshape(h, (x.size, x.size)), eval(f"np.atleast_2d({expected})", NAMES), rtol=1e-15, atol=1e-15
    )


@pytest.mark.parametrize(("expression", "at", "expected"), INFINITE)
def test_infinite_slopes_are_infinite_and_warn(expression, at, expected):
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        (g,) = grads(expression, at)
    assert g == eval(expected, NAMES)


@pytest.mark.parametrize(("expression", "at", "expected"), [line for line in UNKNOWN if line not in CALM])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_zero_times_infinity_is_not_a_number(expression, at, expected):
    assert np.isnan(grads(expression, at)[0])


# -- at NaN -----------------------------------------------------------------------------------------------------------

LOOKS_AWAY = {np.clip, np.frexp, np.interp, np.sort, np.partition, np.quantile, np.percentile}
FAMILIES = ("nan", "maximum", "minimum", "fmax", "fmin")  # of these, the methods too: fmax.reduce
"""Functions whose gradient at NaN is a number, as the page says, though it is another one elsewhere."""


def looks_away(case, k):
    initial = k == 1 and case.fn in (np.max, np.min, np.amax, np.amin)  # a maximum of two
    return initial or case.fn in LOOKS_AWAY or name_of(case.fn).startswith(FAMILIES)


def slope_at(case, k, value):
    """The derivative by the first number of the k-th argument, there; NaN if NumPy refuses to compute at NaN."""
    points = [np.array(point, float) for point in case.points]
    points[k].flat[0] = value
    xs = [Tensor(point, requires_grad=True) for point in points]
    try:
        y = case.call(*xs)
        return gradients(y, [xs[k]], np.linspace(0.5, 1, y.size).reshape(y.shape))[0].flat[0]
    except (np.linalg.LinAlgError, ValueError):
        return np.nan


@pytest.mark.parametrize("fn", dict.fromkeys(case.fn for case in CASES if not looks_away(case, 0)), ids=name_of)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_no_rule_makes_a_number_of_nan(fn):
    """The derivative at NaN is NaN, unless it does not depend on the argument at all: then it is that constant."""
    for case in CASES:
        for k in [k for k, x in enumerate(case.points) if case.fn is fn and np.size(x) and not looks_away(case, k)]:
            slope, beside = slope_at(case, k, np.nan), [slope_at(case, k, value) for value in (0.8125, 1.4375)]
            if not np.isnan(slope):
                np.testing.assert_allclose(beside, slope, rtol=1e-12, atol=1e-13, err_msg=f"of argument {k}")
