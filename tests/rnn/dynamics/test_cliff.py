"""The cliff: against closed forms, and numbers that were computed with many digits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.functions import logistic
from minigrad.optim.clips import ByValue
from minigrad.rnn.dynamics.cliff import Cliff


@pytest.mark.parametrize(
    ("w", "b", "steps", "error", "dw", "db"),
    [
        (5.0, None, 50, 0.0060125553176636854, -411.8706339790709, -661.6828013226573),
        (5.0, -0.3, 50, 0.08442218012798003, 0.005649709028083227, 0.005703579611320703),
        (3.0, None, 20, 0.0060125553176636854, -0.07683158027992186, -0.12343228935386702),
        (3.0, -0.3, 20, 0.049127514014209554, 0.03766300773653378, 0.04086488269904776),
        (1.0, 0.0, 50, 0.001677224513, -0.01564535773, -0.02373939923),
    ],
)
def test_reference_numbers(w, b, steps, error, dw, db):
    """E = (σ(x_T) - 0.7)² of x_t = w σ(x_{t-1}) + b from x_0 = ½, by mpmath; b = None stands for b*."""
    cliff = Cliff(steps=steps)
    found, slope = cliff.slope(w, cliff.still(w) if b is None else b)
    assert found == pytest.approx(error, rel=1e-6 if b is None else 1e-9)
    np.testing.assert_allclose(slope, [dw, db], rtol=1e-6 if b is None else 1e-9)


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
