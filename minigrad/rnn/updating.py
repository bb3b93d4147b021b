"""One update after the other: what `minigrad.rnn.fit` does, and how it ends after a whole number of them."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np

from minigrad.optim.optimizer import Optimizer
from minigrad.rnn import checkpoints
from minigrad.rnn.checkpoints import Checkpoint, difference
from minigrad.rnn.history import LIMIT, History, Mark, State
from minigrad.rnn.progress import reporting
from minigrad.rnn.remembering import truncated_bptt
from minigrad.rnn.slopes import Slopes
from minigrad.rnn.tasks.drawn import Drawn
from minigrad.rnn.tasks.task import Batch, Task
from minigrad.rnn.unrolling import Cost, Model, Run, unroll
from minigrad.scopes import no_grad

Name: TypeAlias = str | os.PathLike[str]
AHEAD = 8
"""How many batches are drawn in a row: after an update, what draws them has to come back into the cache."""


class Trainable(Model, Protocol):
    """A model whose parameters can be saved and put back."""

    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state: Any) -> None: ...


class Done(NamedTuple):
    """What was so after a whole number of updates: snapshots, of arrays that nobody can change."""

    mark: Mark
    state: State
    memory: Any
    generator: dict[str, Any] | None


class Drawing:
    """A task's batches one after the other.

    Attributes
    ----------
    state : dict
        Of the generator after the last batch that was handed out, be others drawn already.
    """

    def __init__(self, task: Task, seed: int, size: int) -> None:
        self.task, self.size, self.rng = task, size, np.random.default_rng(seed)
        self.ahead = AHEAD if isinstance(task, Drawn) else 1  # others may use the arrays of a batch for the next one
        self.state: dict[str, Any] = dict(self.rng.bit_generator.state)

    def go_on(self, state: dict[str, Any]) -> None:
        """As if all batches before this state had been drawn."""
        self.rng.bit_generator.state = self.state = state

    def batches(self, count: int) -> Iterator[Batch]:
        """So many of them."""
        for first in range(0, count, self.ahead):
            few = []
            for _ in range(min(self.ahead, count - first)):
                few.append((self.task.batch(self.rng, self.size), dict(self.rng.bit_generator.state)))
            for batch, self.state in few:
                yield batch


@dataclass
class Training:
    """A training on its way; `fit` tells what its parts mean."""

    model: Trainable
    optimizer: Optimizer
    options: dict[str, Any]
    validation: Batch | None
    every: int
    patience: int | None
    enough: float | None
    keep: str
    truncate: int | None
    penalty: Callable[[Run], Any] | None
    drawing: Drawing | None
    compiled: bool = False
    steepness: Slopes | None = None
    history: History = field(default_factory=History)
    file: Path | None = None
    template: Checkpoint | None = None
    closing: tuple[int, float] | None = None

    def __post_init__(self) -> None:
        self.done = self.present()

    def present(self) -> Done:
        """What is so now."""
        generator = None if self.drawing is None else self.drawing.state
        return Done(self.history.mark(), self.model.state_dict(), self.optimizer.memory(), generator)

    def run(self, source: Iterable[Any], total: int | None, progress: bool) -> History:
        """All updates, and an end that is whole."""
        ended = False
        self.save()  # a file that cannot be written shows itself before the training
        try:
            try:
                copy_context().run(self.loop, source, total, progress)  # Ctrl-C leaves no `no_grad` or scope open
                ended = True
            except KeyboardInterrupt:
                self.history.interrupted = True
        finally:
            with undisturbed():
                self.settle(ended)
        return self.history

    def loop(self, source: Iterable[Any], total: int | None, progress: bool) -> None:
        """All updates, and a validation at the end, unless it is its turn."""
        with reporting(progress, total, self.history.steps) as report:
            if self.goes_on():
                for batch in source:
                    self.update(as_batch(batch))
                    report(self.history)
                    if not self.goes_on():
                        break
        if self.validation is not None and self.history.judged < self.history.steps:
            self.closing = self.history.steps, self.evaluated()

    def update(self, batch: Batch) -> None:
        """Forward, back, clip, step."""
        xs, targets, weights = batch
        if targets is None:
            raise ValueError("a batch came without targets: batches are pairs (xs, targets)")
        if not self.history.steps and np.shape(xs)[0] == 1:
            warnings.warn(
                "sequences of length 1 give the recurrent weights a gradient of exactly 0: use longer windows",
                stacklevel=5,
            )
        self.optimizer.zero_grad()
        dropout = self.history.steps if drops(self.model) else None  # other masks for every batch
        if self.truncate is None:
            cost = self.slopes(dropout)(xs, targets, weights)
        else:
            options = {"windows": self.truncate, "weights": weights, "dropout": dropout, **self.options}
            cost = truncated_bptt(self.model, xs, targets, **options).cost
        report = self.optimizer.step()
        self.history.note(cost / _counted(batch, self.options["at"]), report.norm, report.clipped)
        if len(self.optimizer.history) > 2 * LIMIT:
            del self.optimizer.history[:-LIMIT]
        self.done = self.present()

    def slopes(self, dropout: int | None) -> Slopes:
        """What gives cost and gradients; with dropout, which draws other masks every time, it is not compiled."""
        if dropout is not None:
            return Slopes(self.model, {**self.options, "dropout": dropout}, self.penalty, compiled=False)
        if self.steepness is None:
            self.steepness = Slopes(self.model, self.options, self.penalty, self.compiled)
        return self.steepness

    def goes_on(self) -> bool:
        """After every so many updates, validate and save; whether there is to be another update."""
        steps = self.history.steps
        if steps and steps % self.every == 0:
            if self.validation is not None and self.history.judged < steps:
                cost = self.evaluated()
                self.optimizer.observe(cost)
                self.history.judge(cost, self.done.state)
                self.done = self.present()
            self.save()
        if self.enough is not None and self.history.best_cost <= self.enough:
            return False
        return self.patience is None or self.history.waited < self.patience

    def evaluated(self) -> float:
        """What validation finds now."""
        assert self.validation is not None
        return self.slopes(None).cost(*self.validation) / _counted(self.validation, self.options["at"])

    def settle(self, ended: bool) -> None:
        """Undo what was not done wholly, save, leave the model with what was asked for, and say how to go on."""
        self.history.forget(self.done.mark)
        self.put_back(self.done.state)
        self.optimizer.recall(self.done.memory)
        interrupted = self.history.interrupted or (not ended and isinstance(sys.exception(), KeyboardInterrupt))
        try:
            self.save()
        finally:
            if self.closing is not None:
                self.history.judge(self.closing[1], self.done.state)
            if self.keep == "best" and self.history.best is not None and not interrupted:
                self.put_back(self.history.best)
            if interrupted:
                print(self.interruption(), file=sys.stderr)

    def put_back(self, state: State) -> None:
        """Give the parameters these values, unless they have them."""
        if any(value is not state[name] for name, value in self.model.state_dict().items()):
            self.model.load_state_dict(state)

    def interruption(self) -> str:
        """Where everything is after Ctrl-C."""
        how = "with checkpoint=FILE another process could go on"
        if self.file is not None:
            how = f"resume={str(self.file)!r} goes on"
        best = ""
        if self.history.best is not None:
            found = f"after {self.history.best_step}, cost {self.history.best_cost:.4g}"
            best = f"; the best parameters ({found}) are in history.best"
        return (
            f"interrupted after {self.history.steps} updates, where model and optimizer stand: {how} from there{best}"
        )

    # -- files --------------------------------------------------------------------------------------------------------

    def keep_at(self, checkpoint: Name | None, resume: Name | None, belongs: Any, configuration: Any) -> None:
        """Choose the file for checkpoints, and look over what is to be written."""
        try:
            json.dumps(configuration)
        except (TypeError, ValueError) as error:
            raise TypeError(f"the configuration is stored as JSON, of plain values: {error}") from None
        name = resume if checkpoint is None else checkpoint
        self.file = None if name is None else Path(name)
        same = resume is not None and self.file is not None and self.file.resolve() == Path(resume).resolve()
        if self.file is not None and self.file.is_file() and not same:
            raise FileExistsError(
                f"{self.file} is there already: resume={str(self.file)!r} goes on from it; for another training, name"
                " another file or delete it"
            )
        self.template = Checkpoint(self.history, {}, belongs=belongs, configuration=configuration or {})

    def save(self) -> None:
        """Write the checkpoint, if there is to be one."""
        self.history.last = self.done.state
        if self.file is not None and self.template is not None:
            checkpoints.write(
                self.file,
                replace(
                    self.template,
                    history=self.history,
                    optimizer=self.optimizer.state_dict(),
                    generator=self.done.generator,
                    closing=self.closing,
                ),
            )

    def resume(self, path: Name, total: int | None) -> None:
        """Go on from a checkpoint; nothing is changed if it cannot be."""
        found, here = checkpoints.read(path), self.template
        assert here is not None
        if differs := difference(found.belongs, here.belongs):
            raise ValueError(f"{os.fspath(path)} belongs to another training: {differs}")
        if total is not None and found.steps > total:
            raise ValueError(f"{os.fspath(path)} has {found.steps} updates behind it: {total} are not enough to go on")
        with undisturbed():
            before = self.done.memory
            self.optimizer.load_state_dict(found.optimizer)
            try:
                self.model.load_state_dict(found.last)
            except BaseException:
                self.optimizer.recall(before)
                raise
            if self.drawing is not None:
                self.drawing.go_on(found.generator or {})
            self.history = found.history
            self.template = replace(here, configuration=here.configuration or found.configuration)
            self.done = self.present()


@contextmanager
def undisturbed() -> Iterator[None]:
    """Ctrl-C waits until the block has been left. (It comes to the main thread, and to no other.)"""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    waiting: list[int] = []
    before = signal.getsignal(signal.SIGINT)
    try:
        signal.signal(signal.SIGINT, lambda number, frame: waiting.append(number))
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler if before is None else before)
        if waiting:
            signal.raise_signal(signal.SIGINT)


def evaluate(
    model: Model,
    xs: Any,
    targets: Any,
    weights: Any = None,
    *,
    cost: str | Cost = "squared_error",
    at: str = "every",
    teacher_forcing: bool = False,
) -> float:
    """The cost a step that counts, or C_T where only the last one does (``at="last"``); nothing is recorded.

    That is Σ C_t / T, or, with weights w (T, B), of which C_t is the weighted mean, Σ C_t / Σ_t mean_b w_tb.

    ``evaluate(model, *batch)`` takes a `Batch`; the parameters are those of `unroll`.

    Examples
    --------
    >>> import numpy as np
    >>> from minigrad.rnn import RNN
    >>> model = RNN(1, 4, 1, rng=0)
    >>> print(f"{evaluate(model, np.ones((5, 1)), np.zeros((5, 1))):.3f}")
    0.092
    """
    with no_grad():
        run = unroll(model, xs, targets, weights=weights, cost=cost, at=at, teacher_forcing=teacher_forcing)
    return float(run.cost.item()) / _counted(Batch(xs, targets, weights), at)  # type: ignore[union-attr]


def _counted(batch: Batch, at: str) -> float:
    """By what the sum of the costs is divided: how many steps of a sequence count, on the average."""
    if at == "last":
        return 1
    weights = np.ones(len(batch.xs)) if batch.weights is None else np.asarray(batch.weights)
    return float(np.sum(weights)) * len(weights) / weights.size or len(weights)


def drops(model: Any) -> bool:
    """Whether units of a model, or of its layers, are dropped while it is trained."""
    parts = (*getattr(model, "layers", ()), *getattr(model, "cells", ()))
    return bool(getattr(model, "dropout", 0) or getattr(model, "recurrent_dropout", 0)) or any(map(drops, parts))


def as_batch(given: Any) -> Batch:
    """A pair (xs, targets), or a triple with weights, as a `Batch`."""
    if not isinstance(given, (tuple, list)) or len(given) not in (2, 3):
        raise TypeError("batches gave something else than a pair: pass [(xs, targets), ...], one an update")
    return Batch(*given)
