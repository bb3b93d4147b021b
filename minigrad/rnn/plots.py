"""Curves and spectra: matplotlib figures as functions of data.

Each draws on the axes that it is given, or on new ones, and returns them: titles, legends and whatever else is to stand
there are up to the caller. Nothing is computed here that has not its place elsewhere (`oscillator`, `spectral`, `flow`,
`training`). This is the only file that imports matplotlib, and nothing else in `minigrad.rnn` imports this file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import cycle, product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from minigrad.engine.tensor import Array
from minigrad.files import writing
from minigrad.rnn.dynamics.spectrum import eigenvalues
from minigrad.rnn.sweeping import Sweep
from minigrad.rnn.training import History

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
UNDATED = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}


def trajectory(
    times: npt.ArrayLike,
    truth: npt.ArrayLike,
    forecasts: Mapping[str, npt.ArrayLike],
    *,
    label: str = "the truth",
    ax: Axes | None = None,
) -> Axes:
    """A motion, and forecasts of its last part.

    Parameters
    ----------
    times, truth : array_like (T,)
        Where the motion really was.
    forecasts : dict of str to array_like (k,)
        By their labels, for the last k of these times. A dotted line shows the last time before them.
    label : str
        Of the motion itself.
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    ax = _new_axes(1)[0] if ax is None else ax
    times, truth = np.asarray(times), np.asarray(truth)
    ax.plot(times, truth, color="black", linewidth=3, alpha=0.25, label=label)
    start = len(times)
    for (name, values), color in zip(forecasts.items(), cycle((BLUE, ORANGE, GREEN))):
        start = len(times) - len(np.asarray(values))
        ax.plot(times[start:], values, color=color, linewidth=1.4, label=name)
    if 0 < start < len(times):
        ax.axvline(times[start - 1], color=GREY, linewidth=0.8, linestyle=":")
    span = 1.35 * np.abs(truth).max()  # a forecast that runs away does not make the motion a straight line
    ax.set(xlabel="time t", ylabel="position x", ylim=(-span, span))
    return ax


def gradient_flow(norms: npt.ArrayLike, *, ax: Axes | None = None, **line: Any) -> Axes:
    """How the gradient of the last step's cost shrinks or grows on its way back.

    Parameters
    ----------
    norms : array_like (T,)
        ‖∂C_T/∂h_t‖ for t = 1 ... T, from `minigrad.rnn.flow.gradient_norms`. They are drawn relative to the last.
    ax : Axes, optional
    **line
        Options of `Axes.semilogy`: label, color, linestyle ...

    Returns
    -------
    Axes
    """
    ax = _new_axes(1)[0] if ax is None else ax
    norms = np.asarray(norms)
    ax.semilogy(np.arange(len(norms))[::-1], norms / norms[-1], **line)
    ax.set(xlabel=r"steps back from the cost, $T - t$")
    ax.set(ylabel=r"$\|\partial C_T/\partial h_t\|\;/\;\|\partial C_T/\partial h_T\|$")
    return ax


def spectrum(W: Any, *, label: str = "W", ax: Axes | None = None, **points: Any) -> Axes:
    """The eigenvalues of a recurrent matrix in the complex plane; on empty axes the unit circle, too.

    Parameters
    ----------
    W : (n, n) array_like or Tensor
    label : str
        Its spectral radius is added.
    ax : Axes, optional
    **points
        Options of `Axes.plot`: marker, color ...

    Returns
    -------
    Axes
    """
    ax = _new_axes(1)[0] if ax is None else ax
    if not ax.has_data():
        turns = np.exp(1j * np.linspace(0, 2 * np.pi, 200))
        ax.plot(turns.real, turns.imag, color=GREY, linewidth=1)
        ax.set(aspect="equal", xlabel="Re λ", ylabel="Im λ")
    values = eigenvalues(W)
    look = {"marker": "o", "linestyle": "none", "label": f"{label}, ρ = {np.abs(values).max():.3f}"}
    ax.plot(values.real, values.imag, **(look | points))
    return ax


def training(history: History, *, max_norm: float | None = None, axes: Sequence[Axes] | None = None) -> Sequence[Axes]:
    """What happened in a training, update by update: the cost above, the norm of the gradient below.

    Parameters
    ----------
    history : History
        From `minigrad.rnn.fit`. Updates that were clipped are marked.
    max_norm : float, optional
        What the gradient was clipped to: a dotted line.
    axes : sequence of two Axes, optional

    Returns
    -------
    sequence of two Axes
    """
    axes = _new_axes(2) if axes is None else axes
    cost, norm = axes
    updates, clipped = history.updates, np.array(history.clipped, bool)
    cost.semilogy(updates, history.costs, color=BLUE, linewidth=1, label="training batch")
    if history.validation:
        cost.semilogy(*zip(*history.validation, strict=True), "o-", color=ORANGE, markersize=3, label="validation")
    if history.best_step:
        cost.plot(history.best_step, history.best_cost, "*", color="black", markersize=11, label="best: kept")
    cost.set(ylabel=r"cost per step, $\Sigma\,C_t / T$")
    norm.semilogy(updates, history.norms, color=BLUE, linewidth=0.8, label="‖g‖₂")
    norm.semilogy(
        updates[clipped], np.array(history.norms)[clipped], ".", color=ORANGE, label=f"clipped ({clipped.sum()})"
    )
    if max_norm is not None:
        norm.axhline(max_norm, color="black", linewidth=0.8, linestyle=":", label=f"ε = {max_norm:g}")
    norm.set(xlabel="update", ylabel="gradient norm before clipping")
    return axes


def plot_sweep(found: Sweep, *, along: str = "T", what: str = "solved", ax: Axes | None = None) -> Axes:
    """The share of the seeds with which a task was solved, with 95 % intervals: one line a method.

    Parameters
    ----------
    found : Sweep
        From `minigrad.rnn.sweep`.
    along : str
        The option of the grid that the horizontal axis shows; the others that have several values are the methods.
    what : str
        Which of the values that the jobs returned, 1 or 0. A job that failed counts as 0.
    ax : Axes, optional

    Returns
    -------
    Axes

    Notes
    -----
    The intervals are Wilson's (1927), which are sensible for few seeds and shares of 0 and 1.
    """
    ax = _new_axes(1)[0] if ax is None else ax
    if along not in found.grid:
        raise ValueError(f"the sweep has no option {along!r}: it has {', '.join(found.grid)}")
    names, places = list(found.grid), np.asarray(found.grid[along], float)
    values = np.moveaxis(np.nan_to_num(found.values(what)), names.index(along), -2)
    others = [name for name in names if name != along]
    methods = list(product(*(found.grid[name] for name in others)))
    looks = zip(cycle((BLUE, ORANGE, GREEN, GREY, "black")), cycle("os^Dv"), strict=False)
    shift = 0.006 * float(np.ptp(places) or 1.0)
    for k, (method, seeds, (color, marker)) in enumerate(
        zip(methods, values.reshape(len(methods), len(places), -1), looks, strict=False)
    ):
        told = [f"{n}={v}" for n, v in zip(others, method, strict=True) if len(found.grid[n]) > 1]
        share, n = seeds.mean(axis=-1), seeds.shape[-1]
        low, high = wilson(share, n)
        x = places + shift * (k - (len(methods) - 1) / 2)  # bars that coincide are hidden by one another
        label = ", ".join(told).replace("None", "none") or what
        look: Any = {"color": color, "marker": marker, "markersize": 4, "linewidth": 1.4, "capsize": 2}
        ax.errorbar(x, share, [share - low, high - share], label=label, **look)
    ax.set(xlabel=along, ylabel=f"share {what}", ylim=(-0.05, 1.05))
    return ax


def wilson(share: Any, n: int, z: float = 1.96) -> tuple[Array, Array]:
    """The interval of a share that was seen in n trials (Wilson, 1927), 95 % by default."""
    share = np.asarray(share, float)
    middle, half = share + z * z / (2 * n), z * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    low, high = (middle - half) / (1 + z * z / n), (middle + half) / (1 + z * z / n)
    return np.clip(low, 0.0, share), np.clip(high, share, 1.0)  # rounding leads beyond the ends


def legend_beside(ax: Axes, **options: Any) -> None:
    """A legend right of the axes, where no curve runs through it."""
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), **options)


@contextmanager
def saved_as(path: str | os.PathLike[str], *shape: int, size: tuple[float, float], **options: Any) -> Iterator[Any]:
    """New axes in the lecture's style, which are written to a file when the block ends.

        with saved_as("spectrum.svg", size=(4, 4)) as ax:
            spectrum(model.W, ax=ax)

    Parameters
    ----------
    path : path-like
        Ends in ``.svg``, ``.png`` or ``.pdf``. It is written whole or not at all; the same figure has the same bytes.
    *shape : int
        Rows and columns of axes; one by default.
    size : (float, float)
        In inches.
    **options
        Of `Figure.subplots`, such as sharex.
    """
    suffix = Path(path).suffix.lower()
    with rc_context(STYLE):
        figure = Figure(figsize=size, layout="constrained")
        yield figure.subplots(*shape, **options)
        with writing(Path(path), "wb") as file:
            figure.savefig(file, format=suffix[1:], metadata=UNDATED.get(suffix))


def _new_axes(rows: int) -> Sequence[Axes]:
    from matplotlib import pyplot  # which finds out what it can show figures with: not needed for files

    _, axes = pyplot.subplots(rows, 1, sharex=True, squeeze=False, layout="constrained")
    return list(axes[:, 0])
