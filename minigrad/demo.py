"""The lecture, once through, on real input: what ``minigrad demo`` runs.

A forced oscillator is simulated; a network learns to predict it by clipped back-propagation through time; and five
pictures show the unrolled graph with its gradient, the forecasts, why gradients vanish and explode, where the
eigenvalues went, and the training itself. Read `run` first: the rest is the parts that it names.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import minigrad as mg
from minigrad.engine.tensor import Array
from minigrad.pictures.finding import GraphvizError, NoGraphvizError
from minigrad.pictures.style import subscript
from minigrad.rnn import RNN, History, oscillator, plots
from minigrad.rnn.dynamics.flow import gradient_norms
from minigrad.rnn.dynamics.spectrum import spectral_radius
from minigrad.rnn.plots import BLUE, GREEN, GREY, ORANGE
from minigrad.rnn.training import fit
from minigrad.rnn.unrolling import unroll

M, DT = 1.0, 0.3  # mass, and time from sample to sample, in units in which the spring constant is 1
T, WARMUP = 60, 20  # samples of a sequence, and how many of them a forecast is given before it runs freely
N_HIDDEN, MAX_NORM = 24, 3.0


@dataclass(frozen=True)
class Row:
    """A line of the closing table: a picture, and what it shows, or why there is none."""

    file: str
    shows: str
    written: bool = True


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
    """
    if out.exists() and not out.is_dir():
        raise NotADirectoryError(f"{out} is a file: name a folder to write the pictures to")
    out.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    updates = 60 if quick else 600
    model = RNN(2, N_HIDDEN, 1, rng=rng)
    W_before = model.W.data
    validation = sequences(rng, 64)
    model.save(out / "model.npz")  # a folder that cannot be written shows itself before the training
    try:
        history = fit(
            model,
            mg.optim.Adam(model, lr=5e-3, max_norm=MAX_NORM),
            Batches(sequences(rng, 512), 32, updates, rng),
            validation=validation,
            progress=progress,
        )
        if history.interrupted and history.best is not None:
            model.load_state_dict(history.best)
    finally:
        model.save(out / "model.npz")
    if history.interrupted:
        return Outcome([], history, out / "model.npz")
    xs, targets = sequences(rng, 256)
    forecasts = forecast(model, xs, targets)
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
    """The trained network along one sequence, and the gradient of the last cost alone.

    Of all pictures only this one needs Graphviz: without, the others are drawn nevertheless.
    """
    run = unroll(model, mg.Tensor(xs[:, 0], requires_grad=True), targets[:, 0])
    try:
        mg.rnn.draw(run, run["C"][-1], steps=(1, 2, T - 1, T)).render(path)  # so few that it is read in a page
    except (GraphvizError, NoGraphvizError) as error:
        return Row(path.name, f"not drawn: {error}", written=False)
    norms = gradient_norms(run, run["C"][-1])
    end = subscript(T)
    return Row(path.name, f"BPTT of C{end} alone: at h₁ its gradient is {norms[0] / norms[-1]:.1e} of that at h{end}")


def draw_trajectory(path: Path, xs: Array, targets: Array, forecasts: dict[str, Array]) -> Row:
    """One sequence, and how long each forecast stays with it."""
    times, names, loops = DT * np.arange(1, T + 1), ("network", "linear", "persistence"), ("open loop", "closed loop")
    errors = {name: rmse(values, targets) for name, values in forecasts.items()}
    with plots.saved_as(path, 2, sharex=True, size=(9, 5.2)) as axes:
        for ax, loop in zip(axes, loops, strict=True):
            shown = {f"{n} ({errors[f'{n}, {loop}']:.2g})": forecasts[f"{n}, {loop}"][:, 0, 0] for n in names}
            plots.plot_trajectory(times, targets[:, 0, 0], shown, label="the oscillator", ax=ax)
            given = "the true x at every step"
            if loop == "closed loop":
                given = "x up to the dotted line, then its own forecasts"
            ax.set_title(f"{loop}: given {given}", loc="left", fontsize=10)
            ax.label_outer()
            plots.legend_beside(ax, title=f"(RMSE of {targets.shape[1]} sequences)", title_fontsize=9)
    told = [f"{loop} " + " / ".join(f"{errors[f'{name}, {loop}']:.2g}" for name in names) for loop in loops]
    return Row(path.name, "RMSE of network / linear / persistence: " + ", ".join(told))


def draw_gradient_flow(path: Path, xs: Array, targets: Array, rng: np.random.Generator) -> Row:
    """‖∂C_T/∂h_t‖ for recurrent matrices of spectral radius 0.5, 1 and 1.5, orthogonal but for the scale."""
    ends = []
    with plots.saved_as(path, size=(9, 4)) as ax:
        for radius, color in ((0.5, BLUE), (1.0, GREEN), (1.5, ORANGE)):
            for f, style in (("identity", "-"), ("tanh", "--")):
                model = RNN(2, N_HIDDEN, 1, f=f, init="orthogonal", radius=radius, rng=rng)
                run = unroll(model, xs[:, :1], targets[:, :1])
                norms = gradient_norms(run, run["C"][-1])
                plots.plot_gradient_flow(
                    norms, ax=ax, linestyle=style, color=color, label=f"ρ(W) = {radius:g}, f = {f}"
                )
                if f == "identity":
                    ends.append(f"{norms[0] / norms[-1]:.1e}")
        plots.legend_beside(ax)
    return Row(
        path.name,
        f"untrained, W orthogonal times ρ = 0.5, 1, 1.5: {T - 1} steps back the gradient is × {', '.join(ends)}",
    )


def draw_spectrum(path: Path, before: Array, after: Array) -> Row:
    """Eigenvalues of W before and after training, beside those of Euler's method as a recurrent network."""
    with plots.saved_as(path, 1, 2, size=(9, 4.4)) as (learnt, euler):
        plots.plot_spectrum(before, label="before training", ax=learnt, marker="x", color=GREY)
        plots.plot_spectrum(after, label="after training", ax=learnt, color=BLUE)
        learnt.set_title("the network's W", loc="left", fontsize=10)
        for dt, color in ((DT, ORANGE), (0.6, GREEN), (1.0, BLUE)):
            W, _ = oscillator.euler_as_rnn(M, dt)
            plots.plot_spectrum(W, label=f"Δ = {dt:g}", ax=euler, marker="s", color=color)
        euler.set_title("Euler's method as a network: 1 ± iΔ/√m", loc="left", fontsize=10)
        for ax in (learnt, euler):
            ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14))
    return Row(
        path.name,
        f"ρ(W) went from {spectral_radius(before):.3f} to {spectral_radius(after):.3f}; Euler's at Δ = {DT:g} is"
        f" {spectral_radius(oscillator.step_matrix('euler', M, DT)):.3f} > 1: its energy explodes",
    )


def draw_training(path: Path, history: History) -> Row:
    """Cost and gradient norm, update by update; clipped updates are marked."""
    with plots.saved_as(path, 2, sharex=True, size=(9, 5)) as axes:
        for ax in plots.plot_training(history, max_norm=MAX_NORM, axes=axes):
            plots.legend_beside(ax)
    return Row(
        path.name,
        f"cost per step {history.costs[0]:.2g} → {history.best_cost:.2g};"
        f" {sum(history.clipped)} of {len(history.clipped)} updates clipped to ‖g‖₂ = {MAX_NORM:g}",
    )
