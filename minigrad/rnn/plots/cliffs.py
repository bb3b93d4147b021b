"""The cliff: an error surface with a wall, and what gradient descent does there with and without clipping."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle
from typing import Any

import numpy as np
from matplotlib import rcParams
from matplotlib.axes import Axes

from minigrad.rnn.dynamics.cliff import Cliff, Descent
from minigrad.rnn.plots.style import BLUE, ORANGE, new_axes

Range = tuple[float, float]


def plot_cliff(
    cliff: Cliff,
    paths: Mapping[str, Descent] | None = None,
    *,
    w: Range = (3.6, 6.0),
    b: Range = (-2.9, -1.1),
    points: int = 160,
    ax: Axes | None = None,
) -> Axes:
    """The error surface of a network with one unit, from above or, on axes with ``projection="3d"``, from the side.

    Parameters
    ----------
    cliff : Cliff
    paths : dict of str to Descent, optional
        By their labels. Arrows tell the direction; a path that leaves the picture is cut at its edge.
    w, b : (float, float)
        The part of the plane that is shown.
    points : int
        On a side of the grid; half as many in space.
    ax : Axes, optional

    Returns
    -------
    Axes
    """
    ax = new_axes()[0] if ax is None else ax
    solid: Any = ax if ax.name == "3d" else None
    points = points if solid is None else points // 2
    ws, bs = np.linspace(*w, points), np.linspace(*b, points)
    heights = cliff.error(ws, bs[:, None])
    looks = zip(cycle((ORANGE, "black", BLUE)), cycle((":", "-", "-.")), strict=False)
    if solid is None:
        shades = ax.contourf(ws, bs, heights, 24, cmap="Greys", vmax=1.6 * heights.max())  # paths stand out
        ax.figure.colorbar(shades, ax=ax, label="E(w, b)")
    else:
        solid.computed_zorder = False  # else the surface hides the paths that run on it
        solid.plot_surface(ws, bs[:, None], heights, cmap="Greys", alpha=0.8, rstride=1, cstride=1, linewidth=0)
        larger = 1.2 * (rcParams["font.size"] - 10)  # numbers of axes in space do not push their labels away
        solid.set_zlabel("E(w, b)", labelpad=2 + larger)
        solid.xaxis.labelpad = solid.yaxis.labelpad = 4 + larger
        solid.set_box_aspect(None, zoom=0.9)  # its labels stand outside of what the layout reckons with
        solid.view_init(elev=40, azim=50)
        solid.locator_params(nbins=4)
    for (label, path), (color, style) in zip((paths or {}).items(), looks, strict=False):
        look: Any = {"color": color, "zorder": 5}
        x, y = path.points.T
        drawn = [x, y]
        if solid is not None:
            inside = (x >= w[0]) & (x <= w[1]) & (y >= b[0]) & (y <= b[1])
            drawn = [np.where(inside, each, np.nan) for each in (x, y, path.errors)]  # 3-D axes cut nothing
        ax.plot(*drawn, label=label, linestyle=style, linewidth=1.3, **look)
        for k, marker, size in ((0, "o", 4), (-1, "*", 9)):  # whence and whither
            ax.plot(*(each[k:][:1] for each in drawn), marker=marker, markersize=size, **look)
        if solid is None:
            _arrows(ax, path.points, color)
    ax.set(xlabel="w", ylabel="b", xlim=w, ylim=b)
    return ax


def _arrows(ax: Axes, points: Any, color: str) -> None:
    """Heads on the longest steps: they are what a path is about."""
    steps = np.diff(points, axis=0)
    for k in np.argsort(-np.linalg.norm(steps, axis=1))[:4]:
        if np.any(steps[k]):
            look: Any = {"arrowstyle": "-|>", "color": color, "linewidth": 1.2, "shrinkA": 0, "shrinkB": 0}
            ax.annotate("", points[k] + steps[k], points[k], arrowprops=look, annotation_clip=False, clip_on=True)
