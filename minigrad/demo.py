"""The lecture, once through, on real input: what ``minigrad demo`` runs.

A forced oscillator is simulated; a network learns to predict it by clipped back-propagation through time; and five
pictures show the unrolled graph with its gradient, the forecasts, why gradients vanish and explode, where the
eigenvalues went, and the training itself. Read `run` first: the rest is the parts that it names.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure

import minigrad as mg
from minigrad.engine.tensor import Array
from minigrad.files import writing
from minigrad.pictures.dot import find_graphviz
from minigrad.pictures.style import subscript
from minigrad.rnn import RNN, History, oscillator
from minigrad.rnn.dynamics.flow import gradient_norms
from minigrad.rnn.dynamics.spectral import eigenvalues, spectral_radius
from minigrad.rnn.training import fit
from minigrad.rnn.unrolling import unroll

M, DT = 1.0, 0.3  # mass, and time from sample to sample, in units in which the spring constant is 1
T, WARMUP = 60, 20  # samples of a sequence, and how many of them a forecast is given before it runs freely
N_HIDDEN, MAX_NORM = 24, 3.0
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


@dataclass(frozen=True)
class Row:
    """A line of the closing table: a picture, and what it shows."""

    file: str
    shows: str


@dataclass(frozen=True)
class Outcome:
    """What the demo made.

    Attributes
    ----------
    rows : list of Row
        Empty if the training was interrupted.
    history : History
    model : path
        The best parameters.
    """

    rows: list[Row]
    history: History
    model: Path


def run(out: Path, seed: int = 0, quick: bool = False, progress: bool = True) -> Outcome:
    """Run the demo and write its pictures.

    Parameters
    ----------
    out : Path
        Folder to write to; made if it is not there.
    seed : int
        Fixes all random numbers: the same seed gives the same table.
    quick : bool
        A tenth of the training.
    progress : bool
        Show a bar on standard error.

    Raises
    ------
    OSError
        If ``out`` cannot be written.
    NoGraphvizError
        If there is no Graphviz, before anything is computed.
    """
    find_graphviz()
    if out.exists() and not out.is_dir():
        raise NotADirectoryError(f"{out} is a file: name a folder to write the pictures to")
    out.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    updates = 60 if quick else 600
    model = RNN(2, N_HIDDEN, 1, rng=rng)
    W_before = model.W.data
    validation = sequences(rng, 64)
    model.save(out / "model.npz")  # a folder that cannot be written shows itself before the training
    history = fit(
        model,
        mg.optim.Adam(model, lr=5e-3, max_norm=MAX_NORM),
        Batches(sequences(rng, 512), 32, updates, rng),
        validation=validation,
        checkpoint=out / "model.npz",
        progress=progress,
    )
    if history.interrupted:
        return Outcome([], history, out / "model.npz")
    xs, targets = sequences(rng, 256)
    forecasts = forecast(model, xs, targets)
    with rc_context(STYLE):
        rows = [
            draw_unrolled(out / "unrolled.svg", model, xs, targets),
            draw_trajectory(out / "trajectory.svg", xs, targets, forecasts),
            draw_gradient_flow(out / "gradient_flow.svg", xs, targets, rng),
            draw_spectrum(out / "spectrum.svg", W_before, model.W.data),
            draw_training(out / "training.svg", history),
        ]
    return Outcome(rows, history, out / "model.npz")


# -- the data ---------------------------------------------------------------------------------------------------------


def sequences(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    """``n`` motions of the forced oscillator, from random starts and under random harmonic forces.

    Returns
    -------
    xs : ndarray (T, n, 2)
        Position x and force F at the times 0, Δ, ...
    targets : ndarray (T, n, 1)
        The position one sample later.
    """
    xs, targets = np.empty((T, n, 2)), np.empty((T, n, 1))
    for i in range(n):
        x0, v0 = rng.normal(0.0, 0.7, 2)
        force = oscillator.Harmonic(rng.uniform(0.2, 0.6), rng.uniform(0.3, 0.8), rng.uniform(0, 2 * np.pi))
        times = DT * np.arange(T + 1)
        x = oscillator.exact(oscillator.Oscillator(M, x0, v0, force), times)[:, 0]
        xs[:, i, 0], xs[:, i, 1], targets[:, i, 0] = x[:-1], force(times[:-1]), x[1:]
    return xs, targets


@dataclass(frozen=True)
class Batches:
    """``updates`` batches, each of ``size`` sequences drawn from those of ``data``."""

    data: tuple[Array, Array]
    size: int
    updates: int
    rng: np.random.Generator

    def __len__(self) -> int:
        return self.updates

    def __iter__(self) -> Iterator[tuple[Array, Array]]:
        xs, targets = self.data
        for _ in range(self.updates):
            chosen = self.rng.integers(xs.shape[1], size=self.size)
            yield xs[:, chosen], targets[:, chosen]


# -- forecasts, and what they have to beat ----------------------------------------------------------------------------


def forecast(model: RNN, xs: Array, targets: Array) -> dict[str, Array]:
    """Forecasts of ``targets`` (T, n, 1) from ``WARMUP`` on, each in open loop (the true position is given at every
    step) and in closed loop (the forecast's own is)."""
    x, x_before = xs[1:, :, :1], xs[:-1, :, :1]
    ahead = np.arange(1, T - WARMUP + 2)[:, None, None]
    last, slope = xs[WARMUP - 1, :, :1], xs[WARMUP - 1, :, :1] - xs[WARMUP - 2, :, :1]
    return {
        "network, open loop": unroll(model, xs).outputs[WARMUP - 1 :],
        "persistence, open loop": x[WARMUP - 2 :],
        "linear, open loop": (2 * x - x_before)[WARMUP - 2 :],
        "network, closed loop": free_run(model, xs)[WARMUP - 1 :],
        "persistence, closed loop": np.broadcast_to(last, targets[WARMUP - 1 :].shape),
        "linear, closed loop": last + slope * ahead,
    }


def free_run(model: RNN, xs: Array) -> Array:
    """Outputs (T, n, 1) when, from sample ``WARMUP`` on, the network is given its own forecasts for positions."""
    outputs: list[Array] = []
    with mg.no_grad():
        bound = model.bind()
        carried = {role: mg.Tensor(value) for role, value in model.initial(xs.shape[1:-1]).items()}
        for t, x in enumerate(xs):
            heard = x if t < WARMUP else np.concatenate([outputs[-1], x[:, 1:]], axis=1)
            step = model.step(bound, mg.Tensor(heard), carried)
            carried = {role: step[role] for role in model.carried}
            outputs.append(step["y"].data)
    return np.stack(outputs)


def rmse(forecasts: Array, targets: Array) -> float:
    """Root mean squared error of forecasts from ``WARMUP`` on."""
    return float(np.sqrt(np.mean((forecasts - targets[WARMUP - 1 :]) ** 2)))


# -- the pictures -----------------------------------------------------------------------------------------------------


def draw_unrolled(path: Path, model: RNN, xs: Array, targets: Array) -> Row:
    """The trained network along one sequence, and the gradient of the last cost alone."""
    run = unroll(model, mg.Tensor(xs[:, 0], requires_grad=True), targets[:, 0])
    mg.rnn.draw(run, run["C"][-1]).render(path)
    norms = gradient_norms(run, run["C"][-1])
    end = subscript(T)
    return Row(path.name, f"BPTT of C{end} alone: at h₁ its gradient is {norms[0] / norms[-1]:.1e} of that at h{end}")


def draw_trajectory(path: Path, xs: Array, targets: Array, forecasts: dict[str, Array]) -> Row:
    """One sequence, and how long each forecast stays with it."""
    figure = Figure(figsize=(9, 5.2), layout="constrained")
    axes = figure.subplots(2, 1, sharex=True)
    times = DT * np.arange(1, T + 1)
    colors = {"network": BLUE, "linear": ORANGE, "persistence": GREEN}
    for ax, loop in zip(axes, ("open loop", "closed loop"), strict=True):
        ax.plot(times, targets[:, 0, 0], color="black", linewidth=3, alpha=0.25, label="the oscillator")
        for name, color in colors.items():
            values, error = forecasts[f"{name}, {loop}"], rmse(forecasts[f"{name}, {loop}"], targets)
            ax.plot(times[WARMUP - 1 :], values[:, 0, 0], color=color, linewidth=1.4, label=f"{name} ({error:.2g})")
        ax.axvline(times[WARMUP - 2], color=GREY, linewidth=0.8, linestyle=":")
        span = 1.35 * np.abs(targets[:, 0, 0]).max()
        ax.set(ylim=(-span, span), ylabel="position x")
        given = "the true x at every step" if loop == "open loop" else "x up to the dotted line, then its own forecasts"
        ax.set_title(f"{loop}: given {given}", loc="left", fontsize=10)
        title = f"(RMSE of {targets.shape[1]} sequences)"
        ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), title=title, title_fontsize=9)
    axes[-1].set_xlabel("time t")
    _save(figure, path)
    errors = {name: rmse(values, targets) for name, values in forecasts.items()}
    return Row(
        path.name,
        "RMSE of network / linear / persistence: "
        + ", ".join(
            f"{loop} " + " / ".join(f"{errors[f'{name}, {loop}']:.2g}" for name in ("network", "linear", "persistence"))
            for loop in ("open loop", "closed loop")
        ),
    )


def draw_gradient_flow(path: Path, xs: Array, targets: Array, rng: np.random.Generator) -> Row:
    """‖∂C_T/∂h_t‖ for recurrent matrices of spectral radius 0.5, 1 and 1.5, orthogonal but for the scale."""
    figure = Figure(figsize=(9, 4), layout="constrained")
    ax = figure.subplots()
    lags = np.arange(T)[::-1]
    ends = []
    for radius, color in ((0.5, BLUE), (1.0, GREEN), (1.5, ORANGE)):
        for f, style in (("identity", "-"), ("tanh", "--")):
            model = RNN(2, N_HIDDEN, 1, f=f, init="orthogonal", radius=radius, rng=rng)
            run = unroll(model, xs[:, :1], targets[:, :1])
            norms = gradient_norms(run, run["C"][-1])
            ax.semilogy(lags, norms / norms[-1], style, color=color, label=f"ρ(W) = {radius:g}, f = {f}")
            if f == "identity":
                ends.append(f"{norms[0] / norms[-1]:.1e}")
    ax.set(xlabel=r"steps back from the cost, $T - t$")
    ax.set(ylabel=r"$\|\partial C_T/\partial h_t\|\;/\;\|\partial C_T/\partial h_T\|$")
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    _save(figure, path)
    return Row(
        path.name,
        f"untrained, W orthogonal times ρ = 0.5, 1, 1.5: {T - 1} steps back the gradient is × {', '.join(ends)}",
    )


def draw_spectrum(path: Path, before: Array, after: Array) -> Row:
    """Eigenvalues of W before and after training, beside those of Euler's method as a recurrent network."""
    figure = Figure(figsize=(9, 4.4), layout="constrained")
    learnt, euler = figure.subplots(1, 2)
    turns = np.exp(1j * np.linspace(0, 2 * np.pi, 200))
    for ax in (learnt, euler):
        ax.plot(turns.real, turns.imag, color=GREY, linewidth=1)
        ax.set(aspect="equal", xlabel="Re λ", ylabel="Im λ")
    for W, color, marker, when in ((before, GREY, "x", "before training"), (after, BLUE, "o", "after training")):
        values = eigenvalues(W)
        learnt.plot(values.real, values.imag, marker, color=color, label=f"{when}, ρ = {np.abs(values).max():.3f}")
    learnt.set_title("the network's W", loc="left", fontsize=10)
    radii = []
    for dt, color in ((DT, ORANGE), (0.6, GREEN), (1.0, BLUE)):
        W, _ = oscillator.euler_as_rnn(M, dt)
        values = eigenvalues(W)
        radii.append(spectral_radius(W))
        euler.plot(values.real, values.imag, "s", color=color, label=f"Δ = {dt:g}, ρ = {radii[-1]:.3f}")
    euler.set_title("Euler's method as a network: 1 ± iΔ/√m", loc="left", fontsize=10)
    for ax in (learnt, euler):
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14))
    _save(figure, path)
    return Row(
        path.name,
        f"ρ(W) went from {spectral_radius(before):.3f} to {spectral_radius(after):.3f};"
        f" Euler's at Δ = {DT:g} is {radii[0]:.3f} > 1: its energy explodes",
    )


def draw_training(path: Path, history: History) -> Row:
    """Cost and gradient norm, update by update; clipped updates are marked."""
    figure = Figure(figsize=(9, 5), layout="constrained")
    cost, norm = figure.subplots(2, 1, sharex=True)
    updates = np.arange(1, len(history.costs) + 1)
    clipped = np.array(history.clipped)
    cost.semilogy(updates, history.costs, color=BLUE, linewidth=1, label="training batch")
    if history.validation:
        cost.semilogy(*zip(*history.validation, strict=True), "o-", color=ORANGE, markersize=3, label="validation")
    cost.plot(history.best_step, history.best_cost, "*", color="black", markersize=11, label="best: kept")
    cost.set(ylabel=r"cost per step, $\Sigma\,C_t / T$")
    norm.semilogy(updates, history.norms, color=BLUE, linewidth=0.8, label="‖g‖₂")
    norm.semilogy(
        updates[clipped], np.array(history.norms)[clipped], ".", color=ORANGE, label=f"clipped ({clipped.sum()})"
    )
    norm.axhline(MAX_NORM, color="black", linewidth=0.8, linestyle=":", label=f"ε = {MAX_NORM:g}")
    norm.set(xlabel="update", ylabel="gradient norm before clipping")
    for ax in (cost, norm):
        ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    _save(figure, path)
    return Row(
        path.name,
        f"cost per step {history.costs[0]:.2g} → {history.best_cost:.2g};"
        f" {clipped.sum()} of {len(clipped)} updates clipped to ‖g‖₂ = {MAX_NORM:g}",
    )


def _save(figure: Any, path: Path) -> None:
    with writing(path, "wb") as file:
        figure.savefig(file, format="svg", metadata={"Date": None})
