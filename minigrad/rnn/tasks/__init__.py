"""Tasks: what there is to be learnt, and what a model has to beat.

`task`: what all of them are. `symbols`: memory and nothing else. `systems`: motions to be forecast. `series`: a column
of a CSV file (`table`). `text`: characters. `mass`: a single weight of Euler's method. Behind them stand `drawn` and
`windows`, parts that cannot leak; `baselines`, forecasts without a network; and `forecast`, scale and the closed loop.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from minigrad.rnn.tasks.mass import Mass
from minigrad.rnn.tasks.series import Series
from minigrad.rnn.tasks.symbols import Adding, CopyMemory, TemporalOrder
from minigrad.rnn.tasks.systems import Henon, Lorenz, Oscillator, Sine
from minigrad.rnn.tasks.task import Batch, Task
from minigrad.rnn.tasks.text import Text

__all__ = [
    "KNOWN",
    "Adding",
    "Batch",
    "CopyMemory",
    "Henon",
    "Lorenz",
    "Mass",
    "Oscillator",
    "Series",
    "Sine",
    "Task",
    "TemporalOrder",
    "Text",
    "named",
]

KNOWN: dict[str, type[Task]] = {
    kind.name: kind for kind in (Adding, CopyMemory, TemporalOrder, Sine, Oscillator, Lorenz, Henon, Text, Series, Mass)
}
"""The tasks by their names."""


def named(name: str, **options: Any) -> Task:
    """The task of this name, ``named("adding", T=50)``.

    Raises
    ------
    ValueError
        If there is no such task, or it has no such option, or needs one: the message lists them.

    Examples
    --------
    >>> named("adding", T=50).T
    50
    """
    if name not in KNOWN:
        raise ValueError(f"{name!r} is no task: choose one of {', '.join(KNOWN)}")
    kind = KNOWN[name]
    known = [each.name for each in fields(kind)]  # type: ignore[arg-type]  # all of them are dataclasses
    if unknown := options.keys() - set(known):
        raise ValueError(f"the task {name!r} has no option {', '.join(sorted(unknown))}: it has {', '.join(known)}")
    if kind is Series and options.get("data") is None:
        raise ValueError("the task 'series' needs data, a CSV file: data=\"series.csv\", or --data series.csv")
    return kind(**options)
