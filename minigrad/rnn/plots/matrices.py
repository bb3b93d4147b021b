"""What a recurrent matrix does: its spectrum, and its powers on their way to what the spectrum promises."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from minigrad.rnn.dynamics.kreiss import kreiss_constant
from minigrad.rnn.dynamics.products import transient_growth
from minigrad.rnn.dynamics.pseudospectra import outermost, pseudospectrum
from minigrad.rnn.dynamics.spectrum import eigenvalues
from minigrad.rnn.plots.style import BLUE, GREEN, GREY, ORANGE, new_axes

SIDE = 60
"""Points on a side of the grid on which contours are drawn: each takes a singular value decomposition."""


def plot_spectrum(
    W: Any, *, label: str = "W", eps: Sequence[float] = (), ax: Axes | None = None, **points: Any
) -> Axes:
    """The eigenvalues of a recurrent matrix in the complex plane; on empty axes the unit circle, too.

    Parameters
    ----------
    W : (n, n) array_like or Tensor
    label : str
        Its spectral radius is added.
    eps : sequence of float
        Contours of the pseudospectra Λ_ε for these ε, largest outside: where eigenvalues may go if W is changed by a
        matrix of norm ε. Those of a normal W are circles of radius ε around each.
    ax : Axes, optional
        Call again with the same axes for a spectrum before and one after a training.
    **points
        Options of `Axes.plot`: marker, color ...

    Returns
    -------
    Axes
    """
    ax = new_axes()[0] if ax is None else ax
    if not ax.has_data():
        turns = np.exp(1j * np.linspace(0, 2 * np.pi, 200))
        ax.plot(turns.real, turns.imag, color=GREY, linewidth=1)
        ax.set(aspect="equal", xlabel="Re λ", ylabel="Im λ")
    values = eigenvalues(W)
    if len(eps):
        levels = sorted(float(e) for e in eps)
        far = 1.1 * max(1.0, *(abs(outermost(W, e)) for e in levels))
        line = np.linspace(-far, far, SIDE)
        heights = pseudospectrum(W, line + 1j * line[:, None])
        if levels := [e for e in levels if e > heights.min()]:  # what is smaller than a cell of the grid is not seen
            lines = ax.contour(line, line, heights, levels, colors=GREEN, linewidths=0.9)
            ax.clabel(lines, fmt=lambda e: f"ε = {e:g}")
    look: Any = {
        "marker": "o",
        "markersize": 4,
        "linestyle": "none",
        "label": f"{label}, ρ = {np.abs(values).max():.4g}",
    }
    ax.plot(values.real, values.imag, **(look | points))
    return ax


def plot_transient(W: Any, t_max: int, *, label: str = r"$\|W^t\|_2$", ax: Axes | None = None, **line: Any) -> Axes:
    """How far the powers of a matrix grow before they decay, between the two bounds of Kreiss's theorem.

    Parameters
    ----------
    W : (n, n) array_like or Tensor
    t_max : int
    label : str
        Of ‖W^t‖₂ for t = 0 ... t_max. Beside it stand ρ^t, which is what the eigenvalues alone tell, and, where
        Kreiss's constant K is finite and within reach of double precision, the heights K, which the largest norm
        reaches at least, and e n K, which it never exceeds.
    ax : Axes, optional
    **line
        Options of `Axes.semilogy`.

    Returns
    -------
    Axes
    """
    ax = new_axes()[0] if ax is None else ax
    with np.errstate(over="ignore"):  # what is infinite is not drawn
        growth, times = transient_growth(W, t_max), np.arange(t_max + 1)
    radius, n = float(np.abs(eigenvalues(W)).max()), np.shape(W)[0]
    ax.semilogy(times, growth.norms, **({"color": BLUE, "linewidth": 1.8, "label": label} | line))
    with np.errstate(under="ignore", over="ignore"):
        ax.semilogy(
            times, radius**times, color="black", linewidth=1, linestyle="--", label=rf"$\rho^t$, ρ = {radius:.4g}"
        )
    try:
        constant = kreiss_constant(W)
    except FloatingPointError:
        constant = math.inf
    if math.isfinite(constant):
        for height, style, name in ((constant, "-.", "K"), (math.e * n * constant, ":", "e n K")):
            ax.axhline(height, color=ORANGE, linewidth=1.2, linestyle=style, label=f"{name} = {height:.3g}")
    ax.plot(growth.t, growth.value, "o", color=BLUE, markersize=4)
    ax.set(xlabel="t", ylabel=r"$\|W^t\|_2$")
    return ax
