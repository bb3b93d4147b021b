"""From a trace to a program that runs: its text, and the functions that the text makes, one for each thread."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad.compiler.algebra import rearranged
from minigrad.compiler.batching import NoPlan
from minigrad.compiler.keeping import Effect
from minigrad.compiler.masks import factored
from minigrad.compiler.node import Trace, copied
from minigrad.compiler.planning import Plan
from minigrad.compiler.schedule import NoLoop, Schedule
from minigrad.compiler.simplify import simplified


@dataclass(frozen=True)
class Figures:
    """How much there is of what: see `minigrad.compiler.compiled.Report`."""

    inputs: int
    recorded: int
    simplified: int
    calls: int
    buffers: int
    bytes: int


@dataclass(frozen=True)
class Source:
    """All that a program is made of.

    Attributes
    ----------
    text : str
        ``build()`` in it gives the program.
    space : dict of str to object
        What the text cannot say: functions that cannot be imported.
    structure : Tree
        The containers of what it returns; ``count`` leaves.
    effects : list of Effect
        What is given what it returns besides, see `minigrad.compiler.keeping`; the last ones, for which it returns
        nothing, are gradients that are None then.
    lenient : dict of str to str
        `numpy.errstate` for all of it.
    why : str
        If it is not rolled: why.
    """

    text: str
    space: dict[str, Any]
    structure: Any
    count: int
    effects: list[Effect]
    lenient: dict[str, str]
    figures: Figures
    why: str


def written(trace: Trace, structure: Any, roll: bool) -> Source:
    """A trace as a program: rolled if that can be, and else a straight line."""
    recorded = len(trace.inputs) + sum(node.fn is not None for node in trace.nodes)
    cleared = trace.cleared
    trace = simplified(trace)
    needed = len(trace.nodes) - len(trace.inputs)
    plan, why = _planned(trace, roll)
    text = plan.text
    source = text.source()
    return Source(
        source, text.space, structure, len(trace.outputs), [*trace.assigned, *cleared], trace.lenient,
        Figures(len(text.inputs), recorded, needed, text.calls, text.buffers, text.bytes), why,
    )  # fmt: skip


def _planned(trace: Trace, roll: bool) -> tuple[Plan, str]:
    why = "roll=False"
    if roll:
        try:
            other = factored(rearranged(copied(trace)))
            return Plan(other, Schedule(other), exact=False), ""
        except (NoLoop, NoPlan) as error:
            why = str(error)
    return Plan(trace, None, exact=True), why


class Program:
    """A program for one kind of arguments; its buffers belong to a thread."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.space: dict[str, Any] = {"__name__": "program", **source.space}
        exec(source.text, self.space)
        self.threads = threading.local()

    def run(self, arrays: list[Any]) -> Any:
        """The program's results, in a tuple."""
        program = getattr(self.threads, "program", None)
        if program is None or self.threads.busy:
            program = self.space["build"]()
            self.threads.program = program
        self.threads.busy = True
        try:
            if self.source.lenient:
                with np.errstate(**self.source.lenient):  # type: ignore[arg-type]
                    return program(*arrays)
            return program(*arrays)
        finally:
            self.threads.busy = False
