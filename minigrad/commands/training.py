"""The commands that train a network and let it go on: ``train`` and ``generate``."""

from __future__ import annotations

import sys
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from minigrad.commands.common import Cell, clear_errors, seed_of

if TYPE_CHECKING:  # the networks are imported when one is trained
    from minigrad.rnn.experiments import Experiment, Trained

Optimizer = StrEnum("Optimizer", ["sgd", "rmsprop", "adagrad", "adadelta", "adam", "adamw", "adamax", "nadam", "radam"])


def train(
    task: Annotated[
        str, typer.Argument(help="adding, copy, order, sine, oscillator, lorenz, henon, text, series or mass.")
    ],
    cell: Annotated[Cell | None, typer.Option(help="The network.")] = None,
    layers: Annotated[int | None, typer.Option(min=1, metavar="N", help="How many layers of it.")] = None,
    hidden: Annotated[int | None, typer.Option(min=1, metavar="N", help="Hidden units of each.")] = None,
    init: Annotated[str | None, typer.Option(help="How W starts: normal, orthogonal, identity ...")] = None,
    f: Annotated[str | None, typer.Option("--f", help="The hidden units' function: tanh, relu ...")] = None,
    radius: Annotated[float | None, typer.Option(min=0.0, metavar="RHO", help="Spectral radius of W.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, metavar="T", help="Length of a sequence.")] = None,
    updates: Annotated[int | None, typer.Option(min=1, metavar="N", help="How often the weights change.")] = None,
    batch: Annotated[int | None, typer.Option(min=1, metavar="B", help="Sequences in each update.")] = None,
    optimizer: Annotated[Optimizer | None, typer.Option(help="The rule of an update.")] = None,
    lr: Annotated[float | None, typer.Option(metavar="LR", help="Learning rate; it falls along a cosine.")] = None,
    clip: Annotated[
        str | None, typer.Option(metavar="EPS", help="Clip gradients to this norm; none does not clip.")
    ] = None,
    omega: Annotated[
        float | None, typer.Option(min=0.0, metavar="WEIGHT", help="Pascanu's regulariser beside the cost.")
    ] = None,
    truncate: Annotated[
        int | None, typer.Option(min=1, metavar="K", help="Go back through so many steps at most.")
    ] = None,
    patience: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="End after so many validations that were no better.")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="A CSV file for series, a text file for text.")] = None,
    column: Annotated[str | None, typer.Option(help="Its column: a name, or a number from 1 on.")] = None,
    missing: Annotated[str | None, typer.Option(help="What to do about gaps: refuse, or hold the last value.")] = None,
    parts: Annotated[
        str | None, typer.Option(metavar="A,B,C", help="Rows, or shares, for training, validation, test.")
    ] = None,
    checkpoint: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to keep all that it takes to go on; in --out by default.")
    ] = None,
    resume: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Go on from this checkpoint, bit for bit.")
    ] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for checkpoint and pictures.")] = Path(
        "minigrad-train"
    ),
    seed: Annotated[int | None, typer.Option(parser=seed_of, metavar="N", help="Of weights and batches.")] = None,
    compile: Annotated[
        bool, typer.Option("--compile/--no-compile", help="Run as a program, several times as fast; or by the engine.")
    ] = True,
) -> None:
    """Train a network on a task, and print what it reaches beside the task's baselines.

    What is not said is usual for the task. Writes the checkpoint, training.svg and, where values are forecast,
    forecast.svg. Ctrl-C keeps what there is, and tells how to go on.
    """
    chosen = {
        "cell": cell, "layers": layers, "hidden": hidden, "init": init, "f": f, "radius": radius, "updates": updates,
        "batch": batch, "optimizer": optimizer, "lr": lr, "clip": clip, "omega": omega,
        "truncate": truncate, "patience": patience,
        "seed": seed,
    }  # fmt: skip
    settings = {name: str(value) if isinstance(value, StrEnum) else value for name, value in chosen.items()}
    with clear_errors():
        from minigrad.rnn.tasks import KNOWN

        if task not in KNOWN:
            raise ValueError(f"{task!r} is no task: choose one of {', '.join(KNOWN)}")
        options = {
            "T": steps, "data": data and str(data.resolve()), "missing": missing, "parts": parts and _parts(parts),
            "column": int(column) if column and column.isdecimal() else column,
        }  # fmt: skip
        given: dict[str, Any] = {name: value for name, value in settings.items() if value is not None}
        if clip is not None:
            given["clip"] = None if clip == "none" else _number("clip", clip)
        experiment = _experiment(task, {name: v for name, v in options.items() if v is not None}, given, resume)
        file = checkpoint or resume or out / f"{task}.npz"
        if file != resume and file.is_file():
            raise ValueError(
                f"{file} is there already: --resume {file} goes on from it; for another training name another --out"
            )
        built = experiment.build_task()  # before there is a folder: what is wrong with the data leaves nothing
        out.mkdir(parents=True, exist_ok=True)
        trained = experiment.train(checkpoint=file, resume=resume, progress=True, task=built, compile=compile)
    if trained.history.interrupted:
        print(f"minigrad train {task} --resume {file} goes on from there", file=sys.stderr)
        raise typer.Exit(130)
    with clear_errors():
        _told(trained)
        for picture in _drawn(trained, out):
            print(picture)
        print(file)


def generate(
    checkpoint: Annotated[Path, typer.Argument(metavar="CHECKPOINT", help="What minigrad train has written.")],
    steps: Annotated[int | None, typer.Option(min=1, metavar="N", help="How many outputs; all that is known.")] = None,
    prompt: Annotated[str | None, typer.Option(help="For a text: what it goes on from.")] = None,
    temperature: Annotated[
        float | None, typer.Option(min=0.0, help="For a text: 0 takes the likeliest character, 1 draws.")
    ] = None,
    out: Annotated[Path, typer.Option(metavar="FILE", help="For a series: the picture.")] = Path("forecast.svg"),
    seed: Annotated[int, typer.Option(parser=seed_of, metavar="N", help="Fixes what is drawn.")] = 0,
) -> None:
    """Let a trained network hear its own outputs: go on with a text, or forecast a series for many steps.

    For a series it prints how long the forecast holds, and how far off it is, beside forecasts without a network.
    """
    with clear_errors():
        from minigrad import rnn
        from minigrad.rnn.experiments import Experiment, Trained

        found = rnn.checkpoints.read(checkpoint)
        experiment = Experiment.of(found.configuration)
        task: Any = experiment.build_task()
        model = experiment.build_model(task)
        model.load_state_dict(found.parameters)
        trained = Trained(experiment, task, model, found.history)
        if not task.generates:
            raise ValueError(
                f"the task {task.name!r} does not forecast its own input, so that nothing can be generated"
            )
        if experiment.task == "text":
            _text(trained, prompt, steps or 500, temperature, seed)
            return
        if prompt is not None or temperature is not None:
            raise ValueError("--prompt and --temperature are for texts: leave them out")
        known = len(task.truth)
        if (steps or 1) > known:
            raise ValueError(f"--steps {steps}: what follows is known for {known} steps, to compare with")
        _show(f"{task.name}, closed loop over {known} steps", task.metric, trained.continued(), trained.name)
        print(_forecast(trained, out, steps or known))


def _experiment(task: str, options: dict[str, Any], given: dict[str, Any], resume: Path | None) -> Experiment:
    """What is asked for; of a checkpoint to go on from, what it says, but for what is given."""
    from minigrad.rnn import checkpoints
    from minigrad.rnn.experiments import Experiment

    if resume is None:
        return Experiment.usual(task, options, **given)
    found = Experiment.of(checkpoints.read(resume).configuration)
    if found.task != task:
        raise ValueError(
            f"{resume} belongs to a training on {found.task!r}: write minigrad train {found.task} --resume"
        )
    return replace(found, options={**found.options, **options}, **given)


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"--{name} {text}: a number is needed, or none") from None


def _parts(text: str) -> list[float]:
    try:
        found = [float(part) if "." in part else int(part) for part in text.split(",")]
    except ValueError:
        found = []
    if len(found) != 3:
        raise ValueError(f"--parts {text}: three numbers are needed, such as 0.7,0.15,0.15 or 221,35,24")
    return found


# -- what is shown ----------------------------------------------------------------------------------------------------


def _told(trained: Trained) -> None:
    """What the model reaches, beside all baselines."""
    task, history, parameters = trained.task, trained.history, trained.model.parameters()
    _show(f"{task.name}, test", task.metric, trained.scores(), trained.name)
    if errors := trained.continued():
        _show(f"{task.name}, closed loop over {len(task.truth)} steps", task.metric, errors, trained.name)
    share = task.wrong(trained.outputs, task.test)
    if share is not None:
        verdict = "solved" if task.solved(trained.outputs, task.test) else "not solved"
        print(f"{verdict}: {100 * share:.1f} % of the test sequences wrong, after {history.steps} updates")
    if len(parameters) == 1:  # of a model that is one number
        print(*(f"{name} = {value.item():.5g}" for name, value in parameters.items()))


def _show(title: str, metric: str, scores: dict[str, float], model: str) -> None:
    """A table, best first."""
    print(title)
    table = Table(box=SIMPLE_HEAD)
    table.add_column("", no_wrap=True)
    table.add_column(metric, justify="right")
    for name, score in scores.items():
        table.add_row(name, f"{score:.4g}", style="bold" if name == model else None)
    Console().print(table)


def _drawn(trained: Trained, out: Path) -> list[Path]:
    """The pictures of a training."""
    from minigrad.rnn import plots

    with plots.saved_as(out / "training.svg", 2, 1, size=(7, 5), sharex=True) as axes:
        plots.plot_training(trained.history, max_norm=trained.experiment.clip, axes=list(axes))
        for ax in axes:
            plots.legend_beside(ax)
    pictures = [out / "training.svg"]
    if hasattr(trained.task, "continued"):
        pictures.append(_forecast(trained, out / "forecast.svg", len(trained.task.truth)))
    return pictures


def _forecast(trained: Trained, path: Path, steps: int) -> Path:
    """The first of the test sequences, and how it is forecast in the closed loop."""
    from minigrad import rnn

    task: Any = trained.task
    outputs = trained.generated[:steps]
    heard = task.going_on.targets[: len(task.prompt) - 1 + steps]
    own = [task.own_units(values)[:, 0, 0] for values in (heard, outputs, task.continued()["linear"][:steps])]
    with rnn.plots.saved_as(path, size=(8, 3.2)) as ax:
        rnn.plots.plot_trajectory(
            np.arange(1, len(own[0]) + 1), own[0], {trained.name: own[1], "linear": own[2]}, ax=ax
        )
        low, high = float(own[0].min()), float(own[0].max())
        ax.set(xlabel="step", ylabel=task.name, ylim=(low - 0.3 * (high - low), high + 0.3 * (high - low)))
        rnn.plots.legend_beside(ax)
    holds = rnn.horizon(outputs[:, :1], task.truth[:steps, :1], 0.5)
    print(f"the first test sequence is forecast to half a standard deviation for {int(holds[0])} steps of {steps}")
    return path


def _text(trained: Trained, prompt: str | None, steps: int, temperature: float | None, seed: int) -> None:
    from minigrad import rnn

    task: Any = trained.task
    if temperature is not None:
        task.temperature = temperature
    heard = task.prompt if prompt is None else np.eye(task.n_in)[task.encode(prompt)][:, None]
    if len(heard) == 0:
        raise ValueError("--prompt is empty: give at least one character, or leave it out")
    rng, codes = np.random.default_rng(seed), list[int]()

    def feed(output: Any, t: int, _: np.random.Generator) -> Any:
        x = task.feed(output, t, rng)
        codes.append(int(np.argmax(x[0])))
        return x

    rnn.generate(trained.model, heard, feed, steps + 1)
    print((prompt or "") + task.decode(np.array(codes)))
