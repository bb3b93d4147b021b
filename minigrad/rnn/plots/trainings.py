"""What happened in a training: forecasts beside the truth, costs and norms, and shares of seeds that succeeded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import cycle, product
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from minigrad.engine.tensor import Array
from minigrad.rnn.plots.style import BLUE, GREEN, GREY, ORANGE, new_axes
from minigrad.rnn.sweeping import Sweep
from minigrad.rnn.training import History


def plot_trajectory(
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
    ax = new_axes()[0] if ax is None else ax
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


def plot_training(
    history: History, *, max_norm: float | None = None, axes: Sequence[Axes] | None = None
) -> Sequence[Axes]:
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
    axes = new_axes(2) if axes is None else axes
    cost, norm = axes
    updates, clipped = history.updates, np.array(history.clipped, bool)
    cost.semilogy(updates, history.costs, color=BLUE, linewidth=1, label="training batch")
    if history.validation:
        cost.semilogy(*zip(*history.validation, strict=True), "o-", color=ORANGE, markersize=3, label="validation")
    if history.best_step:
        cost.plot(history.best_step, history.best_cost, "*", color="black", markersize=11, label="best: kept")
    cost.set(ylabel="cost per step")
    norm.semilogy(updates, history.norms, color=BLUE, linewidth=0.8, label="‖g‖₂")
    norm.semilogy(
        updates[clipped], np.array(history.norms)[clipped], ".", color=ORANGE, label=f"clipped ({history.clippings})"
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
    ax = new_axes()[0] if ax is None else ax
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
