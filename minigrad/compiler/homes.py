"""Where the results of families are: which of them have an array with a row for each step, and what its rows are.

A family that is needed outside of its loop, or a step later, has a *home*: one array with a row for each step, and
sometimes rows for what stands at the ends (h_0). Others have one row that each step overwrites. A part of an array
(``z[..., :n]``, a transpose) is a view of where the array is, and the steps of an input (``xs[t]``) are the input.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minigrad.compiler import batching
from minigrad.compiler.families import Family, Numbers, Rows, Same
from minigrad.compiler.naming import Value
from minigrad.compiler.node import Node, equal
from minigrad.compiler.schedule import Loop, Schedule
from minigrad.compiler.text import Text

VIEWS = (operator.getitem, np.reshape, np.transpose, np.swapaxes)


@dataclass(eq=False)
class Stay:
    """Where a family is.

    Attributes
    ----------
    extra : dict of int to node or constant
        What stands in rows beside those of the members, by step; ``filled`` are those that have been written.
    kept : bool
        Whether it has a home, all rows, that of step ``low`` the first; else there is a single one, ``row``.
    width : int
        How long rows are in memory, if something is to lie beside each: ``broad`` are all these.
    """

    family: Family
    extra: dict[int, Any] = field(default_factory=dict)
    kept: bool = False
    home: Any = None
    row: Any = None
    low: int = 0
    filled: set[int] = field(default_factory=set)
    width: int = 0
    broad: Any = None


class Homes:
    """Families, and single nodes, as values of a program that is being written."""

    def __init__(self, text: Text, place: dict[Node, tuple[Family, int]], ends: set[Node]) -> None:
        self.text, self.place, self.ends = text, place, ends
        self.values: dict[Node, Any] = {}
        self.stays: dict[Family, Stay] = {}
        self.loop_of: dict[Family, Loop] = {}
        self.rings: dict[Family, Any] = {}  # of `blocks`: those of which there is one block of rows only

    # -- who needs a home ---------------------------------------------------------------------------------------------

    def look(self, schedule: Schedule) -> None:
        """Which families are needed where they are not computed, and what stands beside their rows."""
        self.stays = {family: Stay(family) for family in schedule.finder.families}
        for unit in schedule.units:
            if type(unit) is Loop:
                self.loop_of.update(dict.fromkeys(unit.families, unit))
        for family in self.stays:
            loop = self.loop_of.get(family)
            for column in family.columns:
                if type(column) is Rows:
                    stay = self.stays[column.family]
                    together = loop is not None and self.loop_of.get(column.family) is loop
                    stay.kept |= column.shift != 0 or not together
                    for step, other in column.others.items():
                        if loop is None or step in loop.common:
                            self.beside(stay, step + column.shift, other)
                        elif type(other) is Node:
                            self.keep(other)
                elif type(column) is Same and type(column.value) is Node:
                    self.keep(column.value)
        for node in [*schedule.singles, *self.ends]:
            for each in [node, *node.nodes]:  # a single one is no member of a family
                self.keep(each)
        for stay in self.stays.values():
            for other in stay.extra.values():
                if type(other) is Node:
                    self.keep(other)
        for family in reversed(self.stays):  # a view is where its base is
            self.keep_base(family)

    def keep(self, node: Node) -> None:
        if node in self.place:
            self.stays[self.place[node][0]].kept = True

    def keep_base(self, family: Family) -> None:
        while self.stays[family].kept and (base := self.base(family)) is not None and not self.stays[base].kept:
            self.stays[base].kept = True
            family = base

    def kept(self, family: Family) -> bool:
        """Whether a family, or what it is a view of, has a home."""
        return self.stays[self.root(family)].kept

    def root(self, family: Family) -> Family:
        """What a family is a view of a view of; itself, if it is none."""
        while (base := self.base(family)) is not None:
            family = base
        return family

    def beside(self, stay: Stay, step: int, other: Any) -> None:
        if step in stay.family.steps or not equal(stay.extra.setdefault(step, other), other):
            raise batching.NoPlan("a row would have to hold two things")

    def base(self, family: Family) -> Family | None:
        """What a family is a view of."""
        if family.like.fn not in VIEWS or self.stays[family].extra:
            return None
        column = family.columns[0]
        if type(column) is not Rows or column.others or any(type(c) is not Same for c in family.columns[1:]):
            return None
        return column.family if all(type(c.value) is not Node for c in family.columns[1:]) else None

    # -- values -------------------------------------------------------------------------------------------------------

    def value(self, arg: Any) -> Any:
        """Where a node is; a constant as it is."""
        if type(arg) is not Node:
            return arg
        if arg in self.place:
            family, step = self.place[arg]
            return self.at(family, step)
        return self.values[arg]

    def home(self, family: Family) -> Value:
        """All rows of a family that has a home."""
        stay, like = self.stays[family], family.like
        if stay.home is None and family in self.rings:
            stay.home = self.text.home(batching.plural(like), (self.rings[family].rows, *like.shape), like.dtype)
        if stay.home is None:
            steps = [*family.steps, *stay.extra]
            stay.low = min(steps)
            rows = max(steps) + 1 - stay.low
            if sorted(steps) != list(range(stay.low, stay.low + rows)):
                raise batching.NoPlan("rows beside a home are missing")
            if stay.width:
                stay.broad = self.text.home("broad", (rows, *like.shape[:-1], stay.width), like.dtype)
                stay.home = self.text.view(stay.broad, f"{{}}[..., :{like.shape[-1]}]", batching.plural(like))
            else:
                stay.home = self.text.home(batching.plural(like), (rows, *like.shape), like.dtype)
        home: Value = stay.home
        return home

    def rows(self, family: Family, steps: range) -> Value:
        """The rows of these steps, in order."""
        base = self.base(family)
        if base is not None and not self.stays[family].home:
            column = family.columns[0]
            shift = column.shift
            inner = self.rows(base, range(steps.start + shift, steps.stop + shift))
            found = self.text.view(inner, batching.view_text(family.like, 1))
            if found.shape != (len(steps), *family.like.shape):
                raise batching.NoPlan("a view of all steps has another shape")
            return found
        sequence = self.sequence(family)
        if sequence is not None:
            whole, start, stride = sequence
            first = start + (steps.start - family.start) * stride
            last = first + len(steps) * stride
            if stride > 0:
                return self.text.view(whole, batching.sliced(first, last, whole.shape[0], stride))
            return self.text.view(whole, f"{{}}[{first}:{last if last >= 0 else ''}:{stride}]")
        home = self.home(family)
        if family in self.rings:
            raise batching.NoPlan("rows that have been summed up are wanted again")
        self.fill(self.stays[family], steps)
        low = self.stays[family].low
        return self.text.view(home, batching.sliced(steps.start - low, steps.stop - low, home.shape[0]))

    def sequence(self, family: Family) -> tuple[Any, int, int] | None:
        """The array that a family is the entries of, the place of the first, and the stride."""
        if family.like.fn is not operator.getitem or self.stays[family].extra:
            return None
        whole, index = family.columns
        if type(whole) is not Same or type(whole.value) is not Node or type(index) is not Numbers or not index.stride:
            return None
        first, last, length = index.values[0], index.values[-1], whole.value.shape[0]
        if (first < 0) != (last < 0):  # around the end: x[-1], x[0], x[1]
            return None
        return self.value(whole.value), first % length, index.stride

    def fill(self, stay: Stay, steps: range) -> None:
        """Write what stands beside the rows, if it is asked for the first time."""
        for step in sorted(stay.extra):
            if step in steps and step not in stay.filled:
                stay.filled.add(step)
                row = self.text.view(
                    stay.home, batching.one(step - stay.low, stay.home.shape[0], stay.family.like.shape)
                )
                self.text.copy(row, self.value(stay.extra[step]))

    def at(self, family: Family, step: int) -> Value:
        """The row of one step."""
        stay = self.stays[family]
        base = self.base(family)
        if base is not None and not stay.home:
            inner = self.at(base, step + family.columns[0].shift)
            return self.text.view(inner, batching.view_text(family.like, 0))
        sequence = self.sequence(family)
        if sequence is not None:
            whole, start, stride = sequence
            place = start + (step - family.start) * stride
            return self.text.view(whole, batching.one(place, whole.shape[0], family.like.shape))
        if not stay.kept:
            row: Value = stay.row
            return row
        home = self.home(family)
        if family in self.rings:
            return self.text.view(home, f"{{}}[{self.rings[family].row(step)}]")
        if step in stay.extra:
            self.fill(stay, range(step, step + 1))
        return self.text.view(home, batching.one(step - stay.low, home.shape[0], family.like.shape))
