"""How all figures look: colours, sizes, and how they become files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from minigrad.files import writing

BLUE, ORANGE, GREEN, GREY = "#2b6cb0", "#dd6b20", "#2f855a", "#888888"

STYLE: Any = {
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.size": 10,
    "grid.alpha": 0.3,
    "legend.frameon": False,
    "svg.fonttype": "path",  # the labels look the same wherever the picture is opened
    "svg.hashsalt": "minigrad",  # the same picture has the same bytes
}
"""How the lecture's figures look: ``with matplotlib.rc_context(plots.STYLE): ...``."""
SIZES: dict[str, tuple[tuple[float, float], dict[str, Any]]] = {
    "column": ((3.4, 2.7), {"font.size": 8, "legend.fontsize": 7}),
    "slide": ((10.0, 5.6), {"font.size": 16, "legend.fontsize": 14, "lines.linewidth": 2.2}),
}
"""For a column of a paper and for a slide: inches, and what differs from `STYLE`. No text is below 7 pt."""
UNDATED = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}


def legend_beside(ax: Axes, **options: Any) -> None:
    """A legend right of the axes, where no curve runs through it."""
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), **options)


@contextmanager
def saved_as(
    path: str | os.PathLike[str], *shape: int, size: tuple[float, float] | Literal["column", "slide"], **options: Any
) -> Iterator[Any]:
    """New axes in the lecture's style, which are written to a file when the block ends.

        with saved_as("spectrum.svg", size=(4, 4)) as ax:
            plot_spectrum(model.W, ax=ax)

    Parameters
    ----------
    path : path-like
        Ends in ``.svg``, ``.png`` or ``.pdf``. It is written whole or not at all; the same figure has the same bytes.
    *shape : int
        Rows and columns of axes; one by default.
    size : (float, float), "column" or "slide"
        In inches; or one of `SIZES`, with letters and lines to match.
    **options
        Of `Figure.subplots`, such as sharex, or ``subplot_kw={"projection": "3d"}``.
    """
    suffix = Path(path).suffix.lower()
    if isinstance(size, str) and size not in SIZES:
        raise ValueError(f"size={size!r} is not known: choose one of {', '.join(SIZES)}, or give two numbers in inches")
    inches, look = SIZES[size] if isinstance(size, str) else (size, {})
    with rc_context(STYLE | look):
        figure = Figure(figsize=inches, layout="constrained")
        yield figure.subplots(*shape, **options)
        with writing(Path(path), "wb") as file:
            figure.savefig(file, format=suffix[1:], metadata=UNDATED.get(suffix))


def new_axes(rows: int = 1) -> Sequence[Axes]:
    """Axes below each other, in a new figure."""
    from matplotlib import pyplot  # which finds out what it can show figures with: not needed for files

    _, axes = pyplot.subplots(rows, 1, sharex=True, squeeze=False, layout="constrained")
    return list(axes[:, 0])
