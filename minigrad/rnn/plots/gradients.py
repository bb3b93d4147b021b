"""Where the gradient goes along a sequence: how much is left, which cost it comes from, and the exponents behind it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm

from minigrad.rnn.dynamics.incoming import real
from minigrad.rnn.dynamics.lyapunov import Spectrum
from minigrad.rnn.dynamics.shares import Contributions, relative
from minigrad.rnn.plots.style import BLUE, GREY, ORANGE, new_axes


def plot_gradient_flow(
    norms: npt.ArrayLike, *, radius: float | None = None, ax: Axes | None = None, **line: Any
) -> Axes:
    """How the gradient of the last step's cost shrinks or grows on its way back.

    Parameters
    ----------
    norms : array_like (T,)
        ‖∂C_T/∂h_t‖ for t = 1 ... T, from `minigrad.rnn.flow.gradient_norms`. They are drawn relative to the last, which
        must not be 0: of an earlier cost C_t, pass the first t of them.
    radius : float, optional
        Of W: the line ρ^(T - t) that a linear network would follow in the end.
    ax : Axes, optional
    **line
        Options of `Axes.semilogy`: label, color, linestyle ...

    Returns
    -------
    Axes
    """
    ax = new_axes()[0] if ax is None else ax
    norms = relative(norms)
    ax.semilogy(np.arange(len(norms))[::-1], norms, **line)
    if radius is not None:
        back = np.arange(len(norms))
        with np.errstate(under="ignore", over="ignore"):
            theory = np.float64(radius) ** back
        ax.semilogy(back, theory, color="black", linewidth=1, linestyle=":", label=rf"$\rho^{{T-t}}$, ρ = {radius:.3g}")
    ax.set(xlabel=r"steps back from the cost, $T - t$")
    ax.set(ylabel=r"$\|\partial C_T/\partial h_t\|\;/\;\|\partial C_T/\partial h_T\|$")
    return ax


def plot_contributions(
    found: Contributions, *, predicted: bool = False, decades: float = 8.0, ax: Axes | None = None, **image: Any
) -> Axes:
    """In which state, how long ago, each cost still has a share: ‖∂C_t/∂h_k‖, a row a cost and a column a state.

    Parameters
    ----------
    found : Contributions
        From `minigrad.rnn.flow.contributions`.
    predicted : bool
        Draw what the spectral radius says, ‖∂C_t/∂h_t‖ ρ^(t - k), in the same colours: on axes beside the others.
    decades : float
        How many powers of ten below the largest are told apart. What is smaller has the colour of the smallest, and
        what is exactly 0 none at all.
    ax : Axes, optional
    **image
        Options of `Axes.pcolormesh`.

    Returns
    -------
    Axes
    """
    ax = new_axes()[0] if ax is None else ax
    highest = float(real("norms", found.norms).max(initial=0.0)) or 1.0
    lowest = highest * 10.0**-decades
    if predicted and math.isnan(found.radius):
        raise ValueError("nothing is predicted: the model has no square W, and so no spectral radius")
    norms = found.predicted if predicted else found.norms
    shown = np.ma.masked_equal(np.where(norms == 0, 0, np.maximum(norms, lowest)), 0)
    T = len(norms)
    look: Any = {"cmap": "viridis_r", "norm": LogNorm(lowest, highest), "rasterized": True}
    mesh = ax.pcolormesh(np.arange(T + 2) - 0.5, np.arange(T + 1) + 0.5, shown, **(look | image))
    name = r"$\|\partial C_t/\partial h_t\|\,\rho^{t-k}$" if predicted else r"$\|\partial C_t/\partial h_k\|$"
    ax.figure.colorbar(mesh, ax=ax, label=name, extend="both" if norms.max(initial=0.0) > highest else "min")
    ax.invert_yaxis()
    ax.set(xlabel="state k", ylabel="cost t")
    return ax


def plot_lyapunov(
    found: Spectrum,
    *,
    predicted: float | None = None,
    label: str = r"$\lambda_i$",
    ax: Axes | None = None,
    **points: Any,
) -> Axes:
    """The Lyapunov exponents in order, with their standard errors: above 0 what explodes, below what vanishes.

    Parameters
    ----------
    found : Spectrum
        From `minigrad.rnn.lyapunov.lyapunov_spectrum`. Exponents of -inf, lost directions, are left out and counted.
    predicted : float, optional
        λ₁ as theory has it, such as ``spectral.mean_field(g).exponent``: a dashed line.
    label : str
    ax : Axes, optional
    **points
        Options of `Axes.errorbar`.

    Returns
    -------
    Axes
    """
    ax = new_axes()[0] if ax is None else ax
    order = np.argsort(-found.exponents, kind="stable")
    exponents, errors = found.exponents[order], np.nan_to_num(found.standard_errors[order])
    kept = np.isfinite(exponents)
    if lost := int(np.sum(~kept)):
        label += f" ({lost} at -∞)"
    look: Any = {"color": BLUE, "fmt": "o", "markersize": 3, "linewidth": 1, "capsize": 2, "label": label}
    ax.errorbar(np.arange(1, len(kept) + 1)[kept], exponents[kept], errors[kept], **(look | points))
    ax.axhline(0, color=GREY, linewidth=1)
    if predicted is not None:
        ax.axhline(
            predicted, color=ORANGE, linewidth=1.2, linestyle="--", label=rf"$\lambda_1$ predicted, {predicted:.3g}"
        )
    ax.set(xlabel="i", ylabel=r"Lyapunov exponent $\lambda_i$, a step")
    return ax
