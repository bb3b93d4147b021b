"""The cliff: against closed forms, and numbers that were computed with many digits."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.functions import logistic
from minigrad.optim.clips import ByValue
from minigrad.rnn.dynamics.cliff import Cliff

CASES = json.loads((Path(__file__).parents[1] / "cliff.json").read_text(encoding="utf-8"))["cases"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"w={case['w']:g}, b={case['b']:.3g}, T={case['T']}")
def test_reference_numbers(case):
    """E = (σ(x_T) - 0.7)² of x_t = w σ(x_{t-1}) + b from x_0 = ½; where J is told, b is b*."""
    cliff, still = Cliff(steps=case["T"]), case["J_to_T"] is not None
    error, slope = cliff.slope(case["w"], cliff.still(case["w"]) if still else case["b"])
    assert error == pytest.approx(case["E"], rel=1e-9)
    np.testing.assert_allclose(slope, [case["dE_dw"], case["dE_db"]], rtol=1e-6 if still else 1e-9)


def test_where_nothing_recurs_much():
    error, slope = Cliff().slope(1.0, 0.0)
    assert error == pytest.approx(0.001677224513, rel=1e-9)
    np.testing.assert_allclose(slope, [-0.01564535773, -0.02373939923], rtol=1e-9)


@given(st.floats(0.1, 6), st.integers(1, 30), st.floats(-2, 2))
def test_along_the_wall_the_slope_is_a_geometric_sum(w, steps, x0):
    """∂E/∂b = 2 (s - target) s (1 - s) (J^T - 1)/(J - 1) with s = σ(x_0), J = w σ'(x_0); ∂E/∂w is s times that."""
    cliff = Cliff(steps=steps, x0=x0)
    s = float(logistic(x0))
    J = w * s * (1 - s)
    db = 2 * (s - cliff.target) * s * (1 - s) * np.sum(J ** np.arange(steps))
    _, slope = cliff.slope(w, cliff.still(w))
    scale = max(1.0, J) ** steps
    np.testing.assert_allclose(slope, [s * db, db], rtol=1e-7 * scale, atol=1e-10 * scale)


def test_a_clipped_descent_stays_and_a_plain_one_is_thrown():
    cliff = Cliff()
    plain = cliff.descend((5, -2), lr=0.1, steps=200)
    clipped = cliff.descend((5, -2), lr=0.1, steps=200, max_norm=0.5)
    by_value = cliff.descend((5, -2), lr=0.1, steps=200, clip=ByValue(0.3))
    assert plain.norms.max() > 10
    assert clipped.clipped.any()
    assert not plain.clipped.any()
    assert clipped.errors[-1] < 0.02 < 0.05 < plain.errors[-1]
    assert np.abs(np.diff(by_value.points, axis=0)).max() <= 0.1 * 0.3 * (1 + 1e-12)
    assert np.linalg.norm(np.diff(clipped.points, axis=0), axis=1).max() <= 0.1 * 0.5 * (1 + 1e-12)
    assert np.linalg.norm(np.diff(plain.points, axis=0), axis=1).max() > 1


def test_what_a_descent_tells_belongs_together():
    cliff = Cliff(steps=7)
    path = cliff.descend((4.5, -2.0), lr=0.3, steps=5, max_norm=0.2)
    assert (path.points.shape, path.errors.shape, path.norms.shape) == ((6, 2), (6,), (5,))
    np.testing.assert_array_equal(path.errors, cliff.error(*path.points.T))
    for before, after, norm in zip(path.points, path.points[1:], path.norms, strict=False):
        _, g = cliff.slope(*before)
        assert norm == pytest.approx(np.linalg.norm(g))
        np.testing.assert_allclose(after, before - 0.3 * g * min(1, 0.2 / norm), rtol=1e-12)
    assert cliff.descend((4.5, -2.0), lr=0.3, steps=0).errors.shape == (1,)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Cliff(steps=-1), "steps is -1: expected a number of steps"),
        (lambda: Cliff(x0=np.nan), "x0 is nan: expected a finite number"),
        (
            lambda: Cliff().descend((1, 2, 3), lr=0.1, steps=2),
            r"start has shape \(3,\): expected \(w, b\), two numbers",
        ),
        (lambda: Cliff().descend((1, np.inf), lr=0.1, steps=2), "start holds inf"),
        (lambda: Cliff().descend((1, 2), lr=-1, steps=2), "lr"),
    ],
)
def test_what_is_wrong_is_said(call, message):
    with pytest.raises(ValueError, match=message):
        call()
