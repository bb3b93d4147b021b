"""The command that asks the same question many times: ``sweep``."""

from __future__ import annotations

import itertools
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from minigrad.commands.common import clear_errors

if TYPE_CHECKING:
    from minigrad.rnn import Sweep


def sweep(
    task: Annotated[str, typer.Argument(help="Where answers are right or wrong: adding, copy or order.")],
    cell: Annotated[str, typer.Option(metavar="A,B", help="Networks: rnn, lstm, gru ...")] = "rnn",
    radius: Annotated[str | None, typer.Option(metavar="A,B or FROM:TO:N", help="Spectral radii of W.")] = None,
    init: Annotated[str | None, typer.Option(metavar="A,B", help="How W starts: normal, orthogonal ...")] = None,
    clip: Annotated[str | None, typer.Option(metavar="A,B", help="Clip gradients to this norm; none does not.")] = None,
    omega: Annotated[str | None, typer.Option(metavar="A,B", help="Weights of Pascanu's regulariser; or none.")] = None,
    steps: Annotated[str | None, typer.Option(metavar="A,B or FROM:TO:N", help="Lengths of the sequences.")] = None,
    optimizer: Annotated[str | None, typer.Option(metavar="A,B", help="Rules of an update: sgd, adam ...")] = None,
    lr: Annotated[str | None, typer.Option(metavar="A,B", help="Learning rates.")] = None,
    hidden: Annotated[str | None, typer.Option(metavar="A,B or FROM:TO:N", help="Hidden units.")] = None,
    batch: Annotated[int | None, typer.Option(min=1, metavar="B", help="Sequences in each update.")] = None,
    updates: Annotated[int | None, typer.Option(min=1, metavar="N", help="How often the weights change.")] = None,
    seeds: Annotated[int, typer.Option(min=1, metavar="N", help="Each is tried with so many seeds.")] = 3,
    workers: Annotated[int | None, typer.Option(min=1, metavar="N", help="Processes at once.")] = None,
    scheduler: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Of dask.distributed: tcp://...")] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="A file each for what is done, and the picture.")] = Path(
        "minigrad-sweep"
    ),
) -> None:
    """Train with every combination of what is given, and show how often the task is solved.

    Prints a table and writes sweep.svg: the share solved against the length of the sequences, a line for each method,
    with its 95 % interval. What is done is stored: after Ctrl-C, or worse, the same command goes on.
    """
    with clear_errors():
        if workers is not None and scheduler is not None:
            raise ValueError("--workers and --scheduler: choose processes here, or workers of dask elsewhere")
        from minigrad import rnn
        from minigrad.rnn import plots
        from minigrad.rnn.experiments import attempt

        axes = {
            "cell": words(cell), "init": words(init), "optimizer": words(optimizer),
            "radius": numbers("radius", radius), "clip": numbers("clip", clip), "lr": numbers("lr", lr),
            "omega": numbers("omega", omega),
            "hidden": numbers("hidden", hidden, whole=True), "T": numbers("steps", steps, whole=True),
            "batch": [batch] * (batch is not None), "updates": [updates] * (updates is not None),
        }  # fmt: skip
        grid = {"task": [task], **{name: values for name, values in axes.items() if values}}
        if type(rnn.Experiment.usual(task).build_task()).wrong is rnn.Task.wrong:
            raise ValueError(f"the task {task!r} has no right and wrong answers to count: take adding, copy or order")
        with ExitStack() as open_:
            executor = _executor(open_, workers, scheduler)
            found = rnn.sweep(attempt, grid, seeds=seeds, executor=executor, out=out, progress=True)
        if found.interrupted:
            raise typer.Exit(130)
        show(found)
        with plots.saved_as(out / "sweep.svg", size=(7, 3.6)) as ax:
            plots.plot_sweep(found, ax=ax)
            ax.set(title=task)
            plots.legend_beside(ax)
        print(out / "sweep.svg")


def words(text: str | None) -> list[str]:
    """``rnn,lstm`` as a list."""
    return [each.strip() for each in (text or "").split(",") if each.strip()]


def numbers(name: str, text: str | None, *, whole: bool = False) -> list[Any]:
    """``none,1`` as [None, 1.0], ``0.5:1.5:5`` as five numbers from the first to the second."""
    try:
        if text is not None and text.count(":") == 2:
            low, high, count = text.split(":")
            found: list[Any] = np.linspace(float(low), float(high), int(count)).tolist()
        else:
            found = [None if each == "none" else float(each) for each in words(text)]
        if any(each is not None and not np.isfinite(each) for each in found):
            raise ValueError
    except ValueError:
        raise ValueError(
            f"--{name} {text}: numbers are needed, such as 0.9,1.1 or, for five of them, 0.5:1.5:5"
        ) from None
    return list(dict.fromkeys(None if each is None else round(each) for each in found)) if whole else found


def _executor(open_: ExitStack, workers: int | None, scheduler: str | None) -> Executor | None:
    """What the jobs run on, closed in the end."""
    if scheduler is not None:
        try:
            distributed: Any = import_module("distributed")
        except ModuleNotFoundError:
            advice = 'run pip install ".[distributed]" in a clone of minigrad'
            raise ValueError(f"--scheduler needs dask.distributed: {advice}") from None
        executor: Executor = open_.enter_context(distributed.Client(scheduler, timeout="20s")).get_executor()
        return executor
    if workers is not None and workers > 1:
        return open_.enter_context(ProcessPoolExecutor(workers))
    return None


def show(found: Sweep) -> None:
    """A row for each method, a column for each length: how many of the seeds have solved it."""
    along = found.grid.get("T", [None])
    others = {name: values for name, values in found.grid.items() if name != "T"}
    varied = [name for name, values in others.items() if len(values) > 1]
    table = Table(box=SIMPLE_HEAD)
    for name in varied or ["task"]:
        table.add_column(name)
    for T in along:
        table.add_column("solved" if T is None else f"T = {T}", justify="right")
    of = {(tuple(o.options.items()), o.seed): o for o in found.outcomes}
    for values in itertools.product(*others.values()):
        options = dict(zip(others, values, strict=True))
        cells = []
        for T in along:
            job = {name: T if name == "T" else options[name] for name in found.grid}
            some = [outcome for seed in found.seeds if (outcome := of.get((tuple(job.items()), seed)))]
            failed = sum(outcome.error is not None for outcome in some)
            solved = sum(int(outcome.values["solved"]) for outcome in some if outcome.error is None)
            cells.append(f"{solved}/{len(some)}" + (f" ({failed} failed)" if failed else ""))
        table.add_row(*(str(options[name]).lower() for name in varied or ["task"]), *cells)
    Console().print(table)
    for outcome in found.failed[:3]:
        print(outcome)
