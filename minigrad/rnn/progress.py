"""How far a training is: a bar where rich is installed and somebody looks, plain lines otherwise, or nothing."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec

import numpy as np

from minigrad.rnn.history import History

SECONDS = 10.0  # between two lines, at most; a tenth of the training at most, too
Report = Callable[[History], None]


@contextmanager
def reporting(shown: bool, total: int | None, done: int = 0) -> Iterator[Report]:
    """Show on standard error how far a training is.

    Parameters
    ----------
    shown : bool
        False for silence.
    total : int, optional
        How many updates there will be.
    done : int
        How many there have been.

    Yields
    ------
    callable
        To be called with the history after every update.
    """
    if not shown:
        yield lambda history: None
    elif find_spec("rich") is not None and sys.stderr.isatty():
        with _bar(total, done) as report:
            yield report
    else:
        lines = Lines(total, done)
        try:
            yield lines
        finally:
            lines.close()


class Lines:
    """A line every ten seconds, and after every tenth of the training."""

    def __init__(self, total: int | None, done: int) -> None:
        self.total, self.written, self.seen = total, done, done
        self.told = self.begun = time.monotonic()
        self.start, self.history = done, History()

    def __call__(self, history: History) -> None:
        self.history, self.seen = history, history.steps
        tenth = self.total is not None and 10 * (self.seen - self.written) >= self.total
        if tenth or time.monotonic() - self.told >= SECONDS:
            self.tell()

    def tell(self) -> None:
        """Write a line."""
        self.written, self.told = self.seen, time.monotonic()
        left = ""
        if self.total is not None and self.seen > self.start:
            rate = (self.told - self.begun) / (self.seen - self.start)
            left = f"  {rate * (self.total - self.seen):.0f} s left"
        of = "" if self.total is None else f"/{self.total}"
        print(f"training {self.seen}{of}  {said(self.history)}{left}", file=sys.stderr, flush=True)

    def close(self) -> None:
        """The last line, unless it stands there."""
        if self.seen > self.written:
            self.tell()


def said(history: History) -> str:
    """The newest numbers."""
    cost, norm = (column[-1] if column else np.nan for column in (history.costs, history.norms))
    validation = f"  validation {history.validation[-1][1]:.2e}" if history.validation else ""
    return f"cost {cost:.2e}{validation}  ‖g‖ {norm:.2e}  {history.clippings} clipped"


@contextmanager
def _bar(total: int | None, done: int) -> Iterator[Report]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("training"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[said]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("", total=total, completed=done, said="")
        yield lambda history: bar.update(task, completed=history.steps, said=said(history))
