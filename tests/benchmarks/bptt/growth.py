"""How time and memory grow with T, n and B; what a first call costs; and the memory of every row of the grid."""

from __future__ import annotations

from typing import Any

from tests.benchmarks.bptt.problem import GRID
from tests.benchmarks.bptt.races import Pace, race, said
from tests.benchmarks.bptt.worker import Failed, Worker

BASE = {"T": 200, "B": 8, "n_in": 2, "n": 64}
AXES = {
    "T": (10, 30, 100, 300, 1000, 3000, 10000),
    "n": (16, 32, 64, 128, 256, 512),
    "B": (1, 4, 16, 64, 256),
}
GROWING = ("NumPy", "eager unroll", "compiled unroll", "torch.nn", "lax.scan")
REMEMBERING = ("NumPy", "eager unroll", "compiled unroll")
"""Of whose memory tracemalloc knows."""
LONG = {1000: 60.0, 100_000: 60.0}
"""Steps of which the first call is timed, and for how many seconds one waits for it."""


def along(axis: str, value: int) -> tuple[int, ...]:
    return tuple((BASE | {axis: value}).values())


def growth(there: dict[str, Worker], pace: Pace, found: dict[str, Any]) -> None:
    """For every axis and value: time, and memory."""
    ours = {name: worker for name, worker in there.items() if name in GROWING}
    for axis, values in AXES.items():
        for value in values:
            said(f"growth: {axis} = {value}")
            sizes = along(axis, value)
            times = race(ours, "RNN", sizes, "float64", pace)
            found.setdefault(axis, []).append({"value": value, "times": times, "bytes": memory(there, sizes)})


def memory(there: dict[str, Worker], sizes: Any) -> dict[str, int]:
    """Bytes at the worst moment of a pass."""
    found = {}
    for name in REMEMBERING:
        there[name].ask("make", kind="RNN", sizes=sizes, dtype="float64")
        found[name] = there[name].ask("memory")
        there[name].ask("end")
    return found


def memories(there: dict[str, Worker]) -> list[Any]:
    """For every row of the grid."""
    said("memory")
    return [{"sizes": sizes, "bytes": memory(there, sizes)} for sizes in GRID]


def first_calls() -> list[Any]:
    """Seconds, or nothing where patience ended."""
    found = []
    for T, patience in LONG.items():
        for name in ("compiled unroll", "compiled loop"):
            said(f"first call of {name}: T = {T}")
            worker, seconds = Worker(name), None
            try:
                seconds = worker.ask("make", patience, kind="RNN", sizes=(T, 1, 2, 64), dtype="float64")
            except Failed as failed:
                said(f"  {failed}")
            worker.stop()
            found.append({"name": name, "T": T, "seconds": seconds, "patience": patience})
    return found
