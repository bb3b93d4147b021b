"""New axes, and figures in files."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from matplotlib import pyplot

import minigrad as mg
from minigrad.rnn import plots


@pytest.mark.parametrize(
    "draw",
    [
        lambda history: plots.plot_trajectory([0, 1], [1, 2], {}),
        lambda history: plots.plot_gradient_flow([0.5, 1.0]),
        lambda history: plots.plot_spectrum(np.eye(2)),
        lambda history: plots.plot_training(history)[0],
    ],
)
def test_without_axes_there_are_new_ones(draw, history):
    pyplot.switch_backend("agg")
    first, second = draw(history), draw(history)
    assert first.figure is not second.figure
    assert first.lines and second.lines
    pyplot.close("all")


def test_a_figure_is_saved_in_the_lectures_style_and_the_same_every_time(tmp_path):
    for name in ("one", "other"):
        for suffix in ("svg", "pdf", "png"):
            with plots.saved_as(tmp_path / f"{name}.{suffix}", 1, 2, size=(4, 3)) as (left, right):
                plots.plot_spectrum(np.eye(2), ax=left)
                plots.plot_gradient_flow([0.5, 1.0], ax=right, label="g")
                plots.legend_beside(right)
                assert not left.spines["top"].get_visible()
    for suffix in ("svg", "pdf", "png"):
        one, other = ((tmp_path / f"{name}.{suffix}").read_bytes() for name in ("one", "other"))
        assert one == other
        assert len(one) > 1000


def test_of_a_figure_that_fails_nothing_is_saved(tmp_path):
    with pytest.raises(ZeroDivisionError), plots.saved_as(tmp_path / "half.svg", size=(4, 3)) as ax:
        plots.plot_spectrum(np.eye(2), ax=ax)
        1 / 0  # noqa: B018
    assert list(tmp_path.iterdir()) == []


def test_networks_load_without_matplotlib():
    code = "import sys, minigrad.rnn; assert 'plots' in dir(minigrad.rnn); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "minigrad.rnn" in loaded
    assert not {"matplotlib", "minigrad.rnn.plots"} & {*loaded}
    with pytest.raises(AttributeError, match="no attribute 'plot'"):
        mg.rnn.plot  # noqa: B018


@pytest.mark.parametrize("size", plots.SIZES)
def test_a_column_and_a_slide_have_their_size_and_letters_one_can_read(size, tmp_path):
    with plots.saved_as(tmp_path / "one.png", size=size) as ax:
        plots.plot_transient([[0.9, 10.0], [0.0, 0.9]], 40, ax=ax)
        ax.legend()
    width, height = ax.figure.get_size_inches()
    assert (width, height) == plots.SIZES[size][0]
    texts = [*ax.get_xticklabels(), ax.xaxis.label, ax.yaxis.label, *ax.get_legend().get_texts()]
    assert min(text.get_fontsize() for text in texts) >= 7
    pixels = pyplot.imread(tmp_path / "one.png")
    assert pixels.shape[:2] == (round(100 * height), round(100 * width))
    assert np.all(pixels[[0, -1]] == 1)
    assert np.all(pixels[:, [0, -1]] == 1)  # nothing is cut


def test_a_size_that_is_not_known():
    with (
        pytest.raises(ValueError, match="size='poster' is not known: choose one of column, slide"),
        plots.saved_as("none.png", size="poster"),
    ):
        pass
