"""The commands that tell why gradients vanish and explode: ``spectrum`` of a matrix, and the ``cliff``."""

from __future__ import annotations

import math
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from minigrad.commands.common import clear_errors
from minigrad.files import read_arrays

if TYPE_CHECKING:
    from minigrad.engine.tensor import Array
    from minigrad.rnn.dynamics.products import Transient

LARGE = 100
"""Units from which on a picture leaves out pseudospectra: 3600 singular value decompositions."""


def spectrum(
    file: Annotated[Path, typer.Argument(help="A checkpoint (.npz), or a matrix (.npy, or .csv with commas).")],
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Which of a checkpoint's matrices: layers.0.W, or W[0:64].")
    ] = None,
    steps: Annotated[int, typer.Option(min=1, metavar="T", help="How many powers are looked at.")] = 100,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Write spectrum.svg and transient.svg there.")] = None,
) -> None:
    """Say what a recurrent matrix does to gradients: its radius, its norm, and how far they rise before they fall.

    Each number comes with what it means. W of an LSTM or a GRU holds a block for each gate, W[0:64] and so on.
    """
    with clear_errors():
        label, W = chosen(matrices_in(file), name, file)
        show(label, W, steps)
        if out is not None:
            from minigrad.rnn import plots

            out.mkdir(parents=True, exist_ok=True)
            largest = float(np.linalg.norm(W, 2))
            eps = [float(f"{share * largest:.1g}") for share in (0.01, 0.03, 0.1)] if len(W) <= LARGE else []
            with plots.saved_as(out / "spectrum.svg", size=(5.5, 5)) as ax:
                plots.plot_spectrum(W, label=label, eps=[each for each in eps if each], ax=ax)
                ax.legend(loc="upper right")
            with plots.saved_as(out / "transient.svg", size=(6.5, 3.6)) as ax:
                plots.plot_transient(W, steps, ax=ax)
                plots.legend_beside(ax)
            print(out / "spectrum.svg", out / "transient.svg", sep="\n")


def matrices_in(file: Path) -> dict[str, Array]:
    """The square matrices of a file, and the square blocks of those that hold one for each gate."""
    suffix = file.suffix.lower()
    try:
        if suffix == ".npy":
            arrays = {file.stem: np.load(file, allow_pickle=False)}
        elif suffix == ".csv":
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "loadtxt: input contained no data")  # is told below
                arrays = {file.stem: np.loadtxt(file, delimiter=",", ndmin=2, encoding="utf-8-sig")}
        elif suffix == ".npz":
            arrays = read_arrays(file, "checkpoint or archive of matrices")
        else:
            raise ValueError("name a file that ends in .npz, .npy or .csv")
    except (ValueError, EOFError) as error:
        raise ValueError(f"{file} holds no matrices: {error}") from None
    for part in ("best/", "last/"):  # of a training: what validation chose, else where it ended
        if some := {key.removeprefix(part): values for key, values in arrays.items() if key.startswith(part)}:
            arrays = some
            break
    found: dict[str, Array] = {}
    for key, values in arrays.items():
        if values.ndim == 2 and values.dtype.kind in "fiub" and values.size:
            values, (rows, n) = values.astype(np.float64), values.shape
            if rows == n:
                found[key] = values
            elif rows % n == 0 and key.rpartition(".")[2] == "W":
                found |= {f"{key}[{k}:{k + n}]": values[k : k + n] for k in range(0, rows, n)}
    recurrent = {key: W for key, W in found.items() if key.partition("[")[0].rpartition(".")[2] == "W"}
    if not found:
        shapes = ", ".join(f"{key} {values.shape}" for key, values in arrays.items()) or "nothing"
        raise ValueError(f"{file} holds no square matrix: it has {shapes}")
    return recurrent or found


def chosen(found: dict[str, Array], name: str | None, file: Path) -> tuple[str, Array]:
    """The matrix that is asked for, or the only one."""
    if name is None and len(found) == 1:
        return next(iter(found.items()))
    if name is None or name not in found:
        wrong = "several matrices" if name is None else f"no {name!r}"
        raise ValueError(f"{file} holds {wrong}: choose with --name one of {', '.join(found)}")
    return name, found[name]


def show(label: str, W: Array, steps: int) -> None:
    """A table: what is measured, how much it is, and what that means."""
    from minigrad.rnn import spectral

    radius, norm = spectral.spectral_radius(W), spectral.spectral_norm(W)
    departure, constant = spectral.henrici(W), _kreiss(W)
    with np.errstate(over="ignore"):  # is told by the table
        growth, verdict = spectral.transient_growth(W, steps), spectral.classify(W)
    table = Table(box=SIMPLE_HEAD, title=f"{escape(label)}, {len(W)} × {len(W)}")
    for column, justify in (("number", "left"), ("value", "right"), ("reading", "left")):
        table.add_column(column, justify=justify)  # type: ignore[arg-type]  # a name of rich's for three words
    side = {spectral.Fate.VANISH: "below 1", spectral.Fate.MAY_EXPLODE: "above 1"}.get(verdict.linear, "1")
    rows = [
        ("ρ = |λ₁|", radius, f"{side}: gradients of a linear network {_will(verdict.linear)}"),
        ("σ_max = ‖W‖₂", norm, f"with |f'| ≤ 1, as of tanh, they {_will(verdict.nonlinear)}"),
        ("numerical radius r", spectral.numerical_radius(W), "‖W^t‖₂ ≤ 2 r^t"),
        (
            "Henrici's number",
            departure,
            "normal: ‖W^t‖₂ = ρ^t" if departure == 0 else "not normal: the eigenvalues do not tell all",
        ),
        (f"max ‖W^t‖₂, t ≤ {steps}", growth.value, _reached(growth)),
        ("Kreiss's constant K", constant, _between(constant, len(W))),
        (
            "stability radius",
            spectral.stability_radius(W),
            "a change of W of this norm makes it unstable" if radius < 1 else "unstable already",
        ),
    ]
    for number, value, reading in rows:
        table.add_row(number, f"{value:.4g}", reading)
    Console().print(table)


def _will(fate: str) -> str:
    return "may do either" if fate == "borderline" else fate


def _reached(growth: Transient) -> str:
    return f"reached at t = {growth.t}" if math.isfinite(growth.value) else f"beyond 1.8e308 from t = {growth.t} on"


def _kreiss(W: Array) -> float:
    """NaN where it is not to be had: the other numbers are."""
    from minigrad.rnn import spectral

    try:
        return spectral.kreiss_constant(W)
    except FloatingPointError:
        return math.nan


def _between(constant: float, n: int) -> str:
    """What Kreiss's theorem says."""
    if math.isnan(constant):
        return "beyond double precision: W is too far from normal"
    if math.isinf(constant):
        return "none: the powers grow without end"
    return f"K ≤ max ‖W^t‖₂ ≤ e n K = {math.e * n * constant:.3g}"


def cliff(
    steps: Annotated[int, typer.Option(min=1, metavar="T", help="Steps of the recurrence.")] = 50,
    start: Annotated[str, typer.Option(metavar="W,B", help="Where the descents begin.")] = "5,-2",
    lr: Annotated[float, typer.Option(metavar="LR", help="Learning rate.")] = 0.1,
    clip: Annotated[float, typer.Option(metavar="EPS", help="What the clipped one clips to.")] = 0.5,
    updates: Annotated[int, typer.Option(min=0, metavar="N", help="Steps of each descent.")] = 200,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Write cliff.svg and cliff_3d.svg there.")] = Path(
        "minigrad-cliff"
    ),
) -> None:
    """Draw the error surface of a recurrent network with one unit, with its wall, and two descents on it.

    As Pascanu, Mikolov and Bengio (2013) showed it: one step of the plain descent throws away what all have found.
    """
    with clear_errors(), np.errstate(over="ignore", invalid="ignore"):  # explosions are among what is studied
        from minigrad.rnn import plots
        from minigrad.rnn.dynamics.cliff import Cliff

        surface, at = Cliff(steps=steps), _pair(start)
        paths = {
            "plain": surface.descend(at, lr=lr, steps=updates),
            f"clipped, ε = {clip:g}": surface.descend(at, lr=lr, steps=updates, max_norm=clip),
        }
        table = Table(box=SIMPLE_HEAD)
        for column in ("descent", "max ‖g‖", "max step", "last w, b", "least E", "last E"):
            table.add_column(column, justify="left" if column == "descent" else "right", no_wrap=True)
        for label, path in paths.items():
            longest = np.hypot(*np.diff(path.points, axis=0).T).max(initial=0.0)
            w, b = path.points[-1]
            table.add_row(
                label, f"{path.norms.max(initial=0.0):.3g}", f"{longest:.3g}", f"{w:.3g}, {b:.3g}",
                f"{path.errors.min():.2g}", f"{path.errors[-1]:.2g}",
            )  # fmt: skip
        Console().print(table)
        out.mkdir(parents=True, exist_ok=True)
        for file, options in (("cliff.svg", {}), ("cliff_3d.svg", {"subplot_kw": {"projection": "3d"}})):
            with plots.saved_as(out / file, size=(7, 5), **options) as ax:
                plots.plot_cliff(surface, paths, ax=ax)
                ax.legend(loc="upper left")
            print(out / file)


def _pair(text: str) -> tuple[float, float]:
    try:
        w, b = map(float, text.split(","))
    except ValueError:
        raise ValueError(f"--start {text}: two numbers are needed, as in 5,-2") from None
    return w, b
