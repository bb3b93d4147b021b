"""fit: feed forward, propagate back, clip, step; and keep the best parameters, whatever happens."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from minigrad.module import Module
from minigrad.optim import Optimizer
from minigrad.rnn.unroll import Cost, Model, unroll
from minigrad.tensor import no_grad

Batch = tuple[Any, Any]


class Trainable(Model, Protocol):
    """A model whose parameters can be saved and put back."""

    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state: Any) -> None: ...


@dataclass
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
        Judges the parameters after every ``every`` updates. Without it, a batch's own cost does.
    cost, teacher_forcing
        As in `unroll`.
    checkpoint : path, optional
        The best parameters are written here at the end, and on Ctrl-C.
    progress : bool
        Show a bar with the live cost on standard error (needs the extra ``cli``).

    Returns
    -------
    History
        On Ctrl-C (`KeyboardInterrupt`) what has happened so far, with ``interrupted`` set.

    Warns
    -----
    UserWarning
        If the sequences have a single step: the gradient with respect to the recurrent weights is then exactly 0 from
        a zero start, and nothing is learnt through time.
    """
    history = History()
    best = model.state_dict()
    total = len(batches) if hasattr(batches, "__len__") else None  # type: ignore[arg-type]  # just asked
    try:
        with _bar(total, progress) as advance:
            for update, (xs, targets) in enumerate(batches):
                if np.shape(xs)[0] == 1 and update == 0:
                    warnings.warn(
                        "sequences of length 1 give the recurrent weights a gradient of exactly 0: use longer windows",
                        stacklevel=2,
                    )
                before = model.state_dict()
                optimizer.zero_grad()
                run = unroll(model, xs, targets, cost=cost, teacher_forcing=teacher_forcing)
                run.cost.backward()  # type: ignore[union-attr]  # there are targets
                report = optimizer.step()
                history.costs.append(run.cost.item() / len(run))  # type: ignore[union-attr]
                history.norms.append(report.norm)
                history.clipped.append(report.clipped)
                if validation is None:
                    if history.costs[-1] < history.best_cost:
                        best, history.best_step, history.best_cost = before, update, history.costs[-1]
                elif (update + 1) % every == 0:
                    judged = evaluate(model, *validation, cost=cost, teacher_forcing=teacher_forcing)
                    history.validation.append((update + 1, judged))
                    if judged < history.best_cost:
                        best, history.best_step, history.best_cost = model.state_dict(), update + 1, judged
                advance(history)
    except KeyboardInterrupt:
        history.interrupted = True
    model.load_state_dict(best)
    if checkpoint is not None and isinstance(model, Module):
        model.save(checkpoint)
    if history.interrupted:
        kept = f" and in {Path(checkpoint)}" if checkpoint is not None else ""
        print(
            f"interrupted after {len(history.costs)} updates: the best parameters (after {history.best_step}, cost"
            f" {history.best_cost:.4g}) are in the model{kept}",
            file=sys.stderr,
        )
    return history


def evaluate(
    model: Model, xs: Any, targets: Any, *, cost: str | Cost = "squared_error", teacher_forcing: bool = False
) -> float:
    """The cost a step, Σ C_t / T, without recording anything."""
    with no_grad():
        run = unroll(model, xs, targets, cost=cost, teacher_forcing=teacher_forcing)
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
