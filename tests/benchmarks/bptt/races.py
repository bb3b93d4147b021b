"""Who is asked what: contenders by turns, each alone on the one core, after their gradients have been compared."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from tests.benchmarks.bptt.problem import disagreement
from tests.benchmarks.bptt.worker import CONTENDERS, Failed, Worker, installed

RACERS = {
    "RNN": tuple(CONTENDERS),
    "LSTM": ("eager unroll", "compiled unroll", "torch.nn", "lax.scan"),
    "GRU": ("eager unroll", "compiled unroll", "torch.nn", "lax.scan"),
}
"""Whose gradients are compared with those of the first one, for every model."""


def said(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


@contextmanager
def workers(names: tuple[str, ...]) -> Iterator[dict[str, Worker]]:
    """Those that are installed; they are stopped in the end."""
    with ExitStack() as stack:
        found = {}
        for name in names:
            if installed(name):
                found[name] = Worker(name)
                stack.callback(found[name].stop)
        yield found


@dataclass(frozen=True)
class Pace:
    """How many turns, and of how many seconds."""

    turns: int = 3
    seconds: float = 0.15


def race(there: dict[str, Worker], kind: str, sizes: Any, dtype: str, pace: Pace) -> dict[str, dict[str, float]]:
    """Every contender's medians of the seconds of a pass, on the processor and by the clock, and those of its first."""
    ready, times = first_passes(there, kind, sizes, dtype), {}
    samples: dict[str, list[tuple[float, float]]] = {name: [] for name in ready}
    for _ in range(pace.turns):
        for name in list(samples):
            try:
                samples[name] += there[name].ask("turn", seconds=pace.seconds)
            except Failed as failed:
                said(f"  left out: {failed}")
                del samples[name]
    for name, found in samples.items():
        there[name].ask("end")
        processor, clock = (statistics.median(each) for each in zip(*found, strict=True))
        times[name] = {"seconds": processor, "clock": clock, "first": ready[name]}
    return times


def first_passes(there: dict[str, Worker], kind: str, sizes: Any, dtype: str) -> dict[str, float]:
    """Their seconds; whoever computes another gradient ends the run."""
    ready: dict[str, float] = {}
    gradients: dict[str, Any] = {}
    with TemporaryDirectory() as folder:
        for name in RACERS[kind]:
            if name not in there:
                continue
            file = Path(folder) / f"{name}.npz"
            try:
                ready[name] = there[name].ask("make", kind=kind, sizes=sizes, dtype=dtype, gradients=str(file))
            except Failed as failed:
                said(f"  left out: {failed}")
                continue
            gradients[name] = dict(np.load(file))
    reference = gradients[RACERS[kind][0]]
    for name, found in gradients.items():
        if wrong := disagreement(found, reference, dtype):
            raise AssertionError(f"{name}, {kind} {sizes}, {dtype}: {wrong}")
    return ready
