"""The cliff, from above and from the side."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from matplotlib.figure import Figure

from minigrad.rnn import plots
from minigrad.rnn.dynamics.cliff import Cliff
from tests.rnn.plots.lines import assert_shows, curve

CLIFF = Cliff(steps=20)


@pytest.fixture(scope="module")
def paths():
    return {
        "plain": CLIFF.descend((5, -2), lr=0.1, steps=40),
        "clipped": CLIFF.descend((5, -2), lr=0.1, steps=40, max_norm=0.5),
    }


def test_from_above(ax, paths):
    assert plots.plot_cliff(CLIFF, paths, points=30, ax=ax) is ax
    for label, path in paths.items():
        assert_shows(curve(ax, label), *path.points.T)
    assert curve(ax, "plain").get_linestyle() != curve(ax, "clipped").get_linestyle()  # in grey, too
    assert (ax.get_xlim(), ax.get_ylim()) == ((3.6, 6.0), (-2.9, -1.1))
    assert len(ax.texts) == 8  # arrows


def test_from_the_side_nothing_is_drawn_outside(paths):
    ax = Figure().add_subplot(projection="3d")
    plots.plot_cliff(CLIFF, paths, w=(4.0, 5.5), b=(-2.4, -1.5), points=30, ax=ax)
    for label, path in paths.items():
        w, b, error = curve(ax, label).get_data_3d()
        inside = np.isfinite(w)
        assert 0 < inside.sum() <= len(w)
        np.testing.assert_array_equal(error[inside], path.errors[inside])
        assert np.all((w[inside] >= 4) & (w[inside] <= 5.5) & (b[inside] >= -2.4) & (b[inside] <= -1.5))


def test_faces_of_the_surface_have_all_corners():
    """Those with fewer are filled with what is in memory, and warn of it now and then."""
    ax = Figure().add_subplot(projection="3d")
    plots.plot_cliff(CLIFF, ax=ax)
    ax.figure.savefig(BytesIO())
    (surface,) = ax.collections
    assert {len(path.vertices) for path in surface.get_paths()} == {5}


def test_without_paths(ax):
    plots.plot_cliff(CLIFF, points=20, ax=ax)
    assert not ax.lines
