"""Trainings, forecasts and sweeps: that figures show the data that they are given."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from minigrad.rnn import plots, sweep
from minigrad.rnn.training import History
from tests.rnn.plots.lines import assert_shows, curve


def test_a_trajectory_and_forecasts_of_its_end(ax):
    times, truth = 0.3 * np.arange(10), np.sin(np.arange(10.0))
    forecasts = {"good": truth[6:] + 0.01, "wild": 1e6 * truth[6:]}
    assert plots.plot_trajectory(times, truth, forecasts, label="really", ax=ax) is ax
    assert_shows(curve(ax, "really"), times, truth)
    for name, values in forecasts.items():
        assert_shows(curve(ax, name), times[6:], values)
    (dotted,) = (line for line in ax.lines if line.get_linestyle() == ":")
    assert {*dotted.get_xdata()} == {times[5]}
    assert ax.get_ylim() == pytest.approx((-1.35 * np.abs(truth).max(), 1.35 * np.abs(truth).max()))


def test_a_trajectory_without_forecasts_or_with_one_of_all_of_it(ax):
    for forecasts in ({}, {"all": np.ones(3)}):
        ax.clear()
        plots.plot_trajectory(np.arange(3), np.ones(3), forecasts, ax=ax)
        assert len(ax.lines) == 1 + len(forecasts)


def test_a_training_shows_its_history(history):
    axes = Figure().subplots(2, 1)
    assert plots.plot_training(history, max_norm=3.0, axes=axes) is axes
    cost, norm = axes
    assert_shows(curve(cost, "training batch"), [1, 2, 3, 4], history.costs)
    assert_shows(curve(cost, "validation"), [2, 4], [2.5, 1.5])
    assert_shows(curve(cost, "best: kept"), [4], [1.5])
    assert_shows(curve(norm, "‖g‖₂"), [1, 2, 3, 4], history.norms)
    assert_shows(curve(norm, "clipped (2)"), [1, 3], [5.0, 4.0])
    assert {*curve(norm, "ε = 3").get_ydata()} == {3.0}


def test_a_training_without_validation_and_clipping():
    cost, norm = plots.plot_training(History([2.0, 1.0], [1.0, 1.0], [False, False]), axes=Figure().subplots(2, 1))
    assert [line.get_label() for line in cost.lines] == ["training batch"]
    assert [line.get_label() for line in norm.lines] == ["‖g‖₂", "clipped (0)"]


def test_the_legend_counts_all_clippings():
    """Of a long training some updates stand in the history, and all are counted."""
    history = History(limit=4)
    for norm in (5.0, 5.0, 5.0, 1.0, 5.0, 5.0):
        history.note(1.0, norm, norm > 3)
    _, norm = plots.plot_training(history, axes=Figure().subplots(2, 1))
    assert_shows(curve(norm, "clipped (5)"), [1, 3, 5], [5.0, 5.0, 5.0])


@pytest.fixture
def found():
    """A sweep in which the second method solves everything, the first nothing, and one job has failed."""

    def train(T, clip, kind, seed):
        if (T, clip, seed) == (20, 1.0, 1):
            raise ArithmeticError("too bad")
        return {"solved": clip is not None, "T": T}

    return sweep(train, {"T": [10, 20, 40], "clip": [None, 1.0], "kind": ["RNN"]}, seeds=4)


def test_a_sweep_is_a_line_a_method_with_its_intervals(found, ax):
    assert plots.plot_sweep(found, ax=ax) is ax
    none, clipped = ax.containers
    assert [c.get_label() for c in ax.containers] == ["clip=none", "clip=1.0"]
    assert none.lines[0].get_ydata().tolist() == [0, 0, 0]
    assert clipped.lines[0].get_ydata().tolist() == [1, 0.75, 1]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("T", "share solved")
    with pytest.raises(ValueError, match="no option 'steps': it has T, clip, kind"):
        plots.plot_sweep(found, along="steps", ax=ax)


@given(st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilsons_interval_holds_the_share_and_what_would_not_surprise(counts):
    """It is where (share - p)² = z² p (1 - p) / n."""
    k, n = counts
    low, high = (float(each) for each in plots.wilson(k / n, n))
    assert 0 <= low <= k / n <= high <= 1
    for end in (low, high):
        if end != k / n:
            assert (k / n - end) ** 2 == pytest.approx(1.96**2 * end * (1 - end) / n, rel=1e-6, abs=1e-12)


def test_wilsons_interval_in_a_textbook():
    """Of 0 in 10: up to z²/(n + z²); of 5 in 10: 0.2366 to 0.7634 (Brown, Cai and DasGupta 2001, eq. 4)."""
    assert plots.wilson(0.0, 10)[1] == pytest.approx(1.96**2 / (10 + 1.96**2))
    assert np.array(plots.wilson(0.5, 10)) == pytest.approx([0.2366, 0.7634], abs=1e-4)
