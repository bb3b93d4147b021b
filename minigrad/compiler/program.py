"""From a trace to a program that runs: its text, and the functions that the text makes, one for each thread."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from minigrad.compiler.algebra import flattened, gathered, lowered, mean_product, outer, parted, turned
from minigrad.compiler.batching import NoPlan
from minigrad.compiler.keeping import Effect
from minigrad.compiler.masks import factored
from minigrad.compiler.node import Node, Trace, copied
from minigrad.compiler.planning import Plan
from minigrad.compiler.schedule import NoLoop, Schedule
from minigrad.compiler.simplify import rebuilt, simplified
from minigrad.rules.networks import affine, preactivation

EXACT: dict[str, Callable[[Trace], Trace]] = {"simplify": simplified}
"""Passes after which all is the same to the last bit: those of a straight line."""
ROLLING: dict[str, Callable[[Trace], Trace]] = {
    "lower": lowered,
    "simplify again": simplified,
    "part": parted,
    "flatten": flattened,
    "turn": turned,
    "factor": factored,
}
"""What makes steps alike, in this order, before loops are looked for."""
REORDERING = ("turn", "merge")
IN_ORDER = ROLLING | {
    "lower": partial(lowered, in_order=True),
    "part": partial(parted, summed=gathered),
    "flatten": partial(flattened, first=True),
}
"""The same where sums are to be added up in the order in which the engine does; what is ``REORDERING`` rests then."""
PASSES = (*EXACT, *ROLLING, "split", "sink", "merge", "blocks", "share", "reorder")
"""All that can be left out; after `ROLLING`, those of `schedule`, `merging`, `blocks`, `sharing`, and of all."""


@dataclass(frozen=True)
class Figures:
    """How much there is of what: see `minigrad.compiler.compiled.Report`."""

    inputs: int
    recorded: int
    passes: dict[str, int]
    calls: int
    calls_a_step: int
    flops: int
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
    waiting : int
        How many numbers one product has been gathered from, where the engine has done so.
    """

    text: str
    space: dict[str, Any]
    structure: Any
    count: int
    effects: list[Effect]
    lenient: dict[str, str]
    figures: Figures
    why: str
    waiting: int = 0


def written(trace: Trace, structure: Any, roll: bool, without: Collection[str] = ()) -> Source:
    """A trace as a program, by all passes but these: rolled if that can be, and else a straight line."""
    recorded = sum(node.fn is not None for node in trace.nodes)
    trace, passes = _passed(rebuilt(trace, lambda node: node), EXACT, without)
    plan, why, rolling, waiting = None, "roll=False", ROLLING, 0
    if "reorder" in without:
        without, rolling = {*without, *REORDERING}, IN_ORDER
    if roll:
        try:
            other, more = _passed(copied(trace), rolling, without)
            plan, why = Plan(other, Schedule(other, without), exact=False, without=without), ""
            passes |= more
            waiting = max((_gathered_from(node) for node in other.nodes if node.fn is gathered), default=0)
        except (NoLoop, NoPlan) as error:
            why = str(error)
    plan = plan or Plan(trace, None, exact=True)
    text = plan.text
    source = text.source(share="share" not in without)
    flops = sum(map(_flops, plan.trace.nodes))
    return Source(
        source, text.space, structure, len(trace.outputs), [*trace.assigned, *trace.cleared], plan.trace.lenient,
        Figures(len(text.inputs), recorded, passes, text.calls, text.calls_a_step, flops, text.buffers, text.bytes),
        why, waiting,
    )  # fmt: skip


def _passed(
    trace: Trace, passes: dict[str, Callable[[Trace], Trace]], without: Collection[str]
) -> tuple[Trace, dict[str, int]]:
    """The trace after one pass after the other, and how many calls there were after each."""
    counts = {}
    for name, made in passes.items():
        if name not in without:
            trace = made(trace)
            counts[name] = len(trace.nodes) - len(trace.inputs)
    return trace, counts


def _gathered_from(node: Node) -> int:
    """How many numbers the factors of all its products are."""
    return sum(math.prod(arg.shape) for term in node.nodes for arg in term.args)


def _flops(node: Node) -> int:
    """Multiplications and additions of a product of matrices: two for each element of all that is summed up."""
    if node.fn in (affine, preactivation):
        inner = [x.shape[-1] for x in node.args[1::2]]
    elif node.fn in (np.matmul, np.dot, np.inner, outer, np.vdot, mean_product):
        a, b = (np.shape(each) if type(each) is not Node else each.shape for each in node.args[:2])
        whole = math.prod(a) if node.fn in (np.vdot, mean_product) else a[0] if node.fn is outer else a[-1] if a else 0
        inner = [whole if b else 0]
    else:
        return 0
    return int(2 * math.prod(node.shape) * sum(inner))


class Program:
    """A program for one kind of arguments; its buffers belong to a thread. ``used`` grows with every run."""

    def __init__(self, source: Source) -> None:
        self.source, self.used = source, 0
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
                with np.errstate(**self.source.lenient):  # type: ignore[arg-type]  # strings for literals
                    return program(*arrays)
            return program(*arrays)
        finally:
            self.threads.busy = False
