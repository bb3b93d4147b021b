"""fit: feed forward, propagate back, clip, step; and keep the best parameters, whatever happens."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterable, Iterator, Sized
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from minigrad.optim.optimizer import Optimizer
from minigrad.rnn.unrolling import Cost, Model, Run, unroll
from minigrad.scopes import no_grad

Batch = tuple[Any, Any]


class Trainable(Model, Protocol):
    """A model whose parameters can be saved and put back."""

    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state: Any) -> None: ...
    def save(self, path: str | os.PathLike[str]) -> Path: ...


@dataclass(repr=False)
class History:
    """What happened, one entry an update.

    Attributes
    ----------
    costs : list of float
        The cost a step, Σ C_t / T, of the batch before the update.
    norms : list of float
        ‖g‖₂ before clipping.
    clipped : list of bool
        Whether the gradient was scaled down.
    validation : list of (int, float)
        The update after which the model was validated, and its cost a step there.
    best_step, best_cost : int, float
        When the best parameters were found (after this many updates), and their cost a step.
    interrupted : bool
        Whether Ctrl-C ended the training.
    """

    costs: list[float] = field(default_factory=list)
    norms: list[float] = field(default_factory=list)
    clipped: list[bool] = field(default_factory=list)
    validation: list[tuple[int, float]] = field(default_factory=list)
    best_step: int = 0
    best_cost: float = np.inf
    interrupted: bool = False

    def __repr__(self) -> str:
        return f"<History of {len(self.costs)} updates: best cost {self.best_cost:.4g} after {self.best_step}>"


def fit(
    model: Trainable,
    optimizer: Optimizer,
    batches: Iterable[Batch],
    *,
    validation: Batch | None = None,
    every: int = 25,
    cost: str | Cost = "squared_error",
    teacher_forcing: bool = False,
    checkpoint: str | os.PathLike[str] | None = None,
    progress: bool = False,
) -> History:
    """Train ``model`` by back-propagation through time, and leave it with the best parameters that were met.

    Parameters
    ----------
    model : Trainable
        Such as `RNN`.
    optimizer : Optimizer
        Made for the model's parameters; it clips.
    batches : iterable of (xs, targets)
        One an update: (T, B, n_in) and (T, B, n_out), see `unroll`.
    validation : (xs, targets), optional
        Judges the parameters after every ``every`` updates and at the end. Without it, a batch's own cost does.
    cost, teacher_forcing
        As in `unroll`.
    checkpoint : path, optional
        The best parameters are written here at the end, on Ctrl-C and on errors too.
    progress : bool
        Show a bar with the live cost on standard error (needs the extra ``cli``).

    Returns
    -------
    History
        On Ctrl-C (`KeyboardInterrupt`) what has happened so far, with ``interrupted`` set.

    Raises
    ------
    ValueError
        If ``every`` is below 1, or a batch has no targets; and what `unroll` and the optimizer raise.

    Warns
    -----
    UserWarning
        If the sequences have a single step: the gradient with respect to the recurrent weights is then exactly 0 from
        a zero start, and nothing is learnt through time.
    """
    if every < 1:
        raise ValueError(f"every={every}: the model is judged after every so many updates, at least 1")
    options: Any = {"cost": cost, "teacher_forcing": teacher_forcing}
    history = History()
    current = best = model.state_dict()  # of arrays that nobody can change: snapshots cost nothing
    done = 0, current, optimizer.memory()  # how many updates have happened wholly, and what is so after them

    def judge(updates: int, found: float) -> None:
        nonlocal best
        if found < history.best_cost:
            best, history.best_step, history.best_cost = current, updates, found

    def validate() -> None:
        updates = len(history.costs)
        if validation is not None and updates > max((step for step, _ in history.validation), default=0):
            history.validation.append((updates, evaluate(model, *validation, **options)))
            judge(*history.validation[-1])

    try:
        with _bar(len(batches) if isinstance(batches, Sized) else None, progress) as advance:
            for batch in batches:
                if not isinstance(batch, (tuple, list)) or len(batch) != 2:
                    raise TypeError("batches gave something else than a pair: pass [(xs, targets), ...], one an update")
                xs, targets = batch
                if np.shape(xs)[0] == 1 and not history.costs:
                    warnings.warn(
                        "sequences of length 1 give the recurrent weights a gradient of exactly 0: use longer windows",
                        stacklevel=2,
                    )
                optimizer.zero_grad()
                run = unroll(model, xs, targets, **options)
                total = run.cost
                if total is None:
                    raise ValueError("a batch came without targets: batches are pairs (xs, targets)")
                total.backward()
                report = optimizer.step()
                history.costs.append(total.item() / len(run))
                history.norms.append(report.norm)
                history.clipped.append(report.clipped)
                if validation is None:
                    judge(len(history.costs) - 1, history.costs[-1])  # a batch judges the parameters before its update
                current = model.state_dict()
                done = len(history.costs), current, optimizer.memory()
                if len(history.costs) % every == 0:
                    validate()
                advance(history)
        validate()
    except KeyboardInterrupt:  # an update, or the note of it, may have been half done
        history.interrupted = True
        updates, current, memory = done
        for column in (history.costs, history.norms, history.clipped):
            del column[updates:]
        model.load_state_dict(current)
        optimizer.recall(memory)
        validate()
    finally:
        model.load_state_dict(best)
        _keep(model, history, checkpoint)
    return history


def _keep(model: Trainable, history: History, checkpoint: str | os.PathLike[str] | None) -> None:
    """Write the model to the checkpoint, and say after Ctrl-C where it is."""
    places = "in the model"
    try:
        if checkpoint is not None:
            places += f" and in {model.save(checkpoint)}"
    finally:
        if history.interrupted:
            print(
                f"interrupted after {len(history.costs)} updates: the best parameters (after {history.best_step}, cost"
                f" {history.best_cost:.4g}) are {places}",
                file=sys.stderr,
            )


def evaluate(
    model: Model, xs: Any, targets: Any, *, cost: str | Cost = "squared_error", teacher_forcing: bool = False
) -> float:
    """The cost a step, Σ C_t / T, without recording anything."""

    def unrecorded() -> Run:
        with no_grad():
            return unroll(model, xs, targets, cost=cost, teacher_forcing=teacher_forcing)

    run = copy_context().run(unrecorded)  # so that Ctrl-C just before `no_grad` ends does not leave it on for good
    return float(run.cost.item() / len(run))  # type: ignore[union-attr]  # there are targets


@contextmanager
def _bar(total: int | None, shown: bool) -> Iterator[Any]:
    if not shown:
        yield lambda history: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("training"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("cost {task.fields[cost]:.2e}  ‖g‖ {task.fields[norm]:.2e}  {task.fields[clipped]} clipped"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=total, cost=np.nan, norm=np.nan, clipped=0)
        yield lambda history: bar.update(
            task, advance=1, cost=history.costs[-1], norm=history.norms[-1], clipped=sum(history.clipped)
        )
