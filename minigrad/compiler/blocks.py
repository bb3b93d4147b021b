"""What is only summed: never computed one by one, or in blocks of steps, where what is summed up is overwritten.

A loop back in time computes ∂C/∂z_t, which is needed a step later, and in Σ ∂C/∂z_tᵀ h_{t-1} and its like. Where its
rows are large, all of them together are as much memory as all states are. So the sums are added to after every `BLOCK`
steps, and the rows used again, the last one first: it is another one than the first step of a block needs still.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from minigrad.compiler.algebra import gathered, mean_product, outer, total
from minigrad.compiler.families import ENDS, Family, Numbers, Rows, Same
from minigrad.compiler.homes import Homes
from minigrad.compiler.merging import Merge
from minigrad.compiler.naming import Value
from minigrad.compiler.node import Node, Trace
from minigrad.compiler.running import is_sum_of_rows
from minigrad.compiler.schedule import CACHED, Loop
from minigrad.compiler.text import Text

SUMMED = (outer, mean_product)
"""Families that are never computed if only their totals are wanted."""
BLOCK = 32
"""Steps after which a loop adds to its sums: so many that their products take no longer than one of all steps."""
HEAVY = 8
"""So many times as large as a block may be the sums that it is added to: with few sequences, those of wide layers are
larger, and take longer than is won."""


@dataclass(eq=False)
class Sum:
    """What is summed for ``node``: members of ``family`` at these steps, ``shift`` steps later in the loop."""

    family: Family
    steps: range
    node: Node | None
    shift: int = 0
    value: Value | None = None

    @property
    def span(self) -> range:
        """The steps of the loop."""
        return range(self.steps.start + self.shift, self.steps.stop + self.shift)


@dataclass(eq=False)
class Ring:
    """The rows of a family of a loop back in time, of which there is one block only.

    Attributes
    ----------
    steps : range
        Of the loop, in the order of time; the last one comes first.
    rows : int
    sums : list of Sum
    """

    steps: range
    rows: int
    sums: list[Sum] = field(default_factory=list)

    def row(self, step: int) -> str:
        """In time order within a block. As text that is the same for sequences of any length, but for numbers."""
        i, last = self.steps.stop - 1 - step, self.rows - 1
        return str(last - i) if i < ENDS else f"{last} - {i} % {self.rows}"


class Blocks(Homes):
    """Homes, and what is summed of them: families of which only the total is wanted, and loops that sum on the way."""

    def __init__(self, text: Text, place: dict[Node, tuple[Family, int]], ends: set[Node], trace: Trace) -> None:
        super().__init__(text, place, ends)
        self.trace = trace
        self.merges: dict[Family, Merge] = {}
        self.gone: set[Family] = set()
        self.rings: dict[Family, Ring] = {}
        self.running: dict[Family, Any] = {}  # what is added up step by step, and the sums
        self.totals: dict[Family, Node] = {}  # what these are sums for
        self.so_far: dict[Node, tuple[int, Value]] = {}  # how many terms of a total have run up, and to what

    def operand(self, column: Any, steps: range) -> Value | None:
        """An argument at all of these steps, if it is an array with a row for each."""
        if type(column) is Rows:
            return self.rows(column.family, range(steps.start + column.shift, steps.stop + column.shift))
        if type(column) is Numbers and all(np.shape(v) == np.shape(column.values[0]) for v in column.values):
            start = steps.start - column.start
            return self.text.constant(np.stack(column.values[start : start + len(steps)]))
        return None

    def only_summed(self, family: Family) -> bool:
        """Whether a family is wanted for its totals alone, which are computed from its arguments."""
        if family.like.fn in SUMMED:
            able = all(type(column) is not Same for column in family.columns)
        else:
            able = is_sum_of_rows(family)
        return able and family not in self.used_alone

    @cached_property
    def used_alone(self) -> set[Family]:
        """Families of which single members, or all, are used otherwise than in totals of them."""
        columns = [column for family in self.stays for column in family.columns]
        found = {column.family for column in columns if type(column) is Rows}
        alone = [*self.ends, *(node for column in columns for node in column.singles)]
        found.update(self.place[node][0] for node in alone if node in self.place)
        for node in self.trace.nodes:
            if node not in self.place and node.fn is not None:
                count = Counter(self.place[arg][0] for arg in node.nodes if arg in self.place)
                summed = node.fn is (gathered if self.text.in_order else total)
                found.update(f for f, n in count.items() if not summed or n < 2 or f.like.shape != node.shape)
        return found

    def ring(self, family: Family, loop: Loop) -> Ring | None:
        """How a family of a loop is summed up on the way, if that can be."""
        steps = range(min(loop.steps), max(loop.steps) + 1)
        row = family.like.bytes
        stay = self.stays[family]
        if loop.common.step > 0 or loop.common[-1] != steps.start or not stay.kept or stay.extra or row < CACHED:
            return None
        if family.steps.stop != steps.stop or len(family.like.shape) < 2 or self.base(family) is not None or stay.width:
            return None
        if not self.gone.isdisjoint(loop.families) or not self.merges.keys().isdisjoint(loop.families):
            return None
        users = [(family, 0)]
        members = set(family.members)
        for other in self.stays:
            columns = [column for column in other.columns if type(column) is Rows and column.family is family]
            if any(not members.isdisjoint(column.singles) for column in other.columns):
                return None
            if columns and other not in loop.families:
                if not self._summed(other, columns, loop):
                    return None
                users.append((other, columns[0].shift))
            elif any(column.others for column in columns) or self.base(other) is family:
                return None
        found = Ring(steps, BLOCK)
        for user, shift in users:
            summed = self._sum(user, shift)
            if summed is None or (
                summed.node and (summed.span.stop != steps.stop or summed.span.start > steps.start + 1)
            ):
                return None
            found.sums += [summed] if summed.node else []
        if not found.sums:
            return None if self.running.keys().isdisjoint(loop.families) else found
        sums = sum(one.node.bytes for one in found.sums if one.node)
        return found if sums <= HEAVY * BLOCK * row else None

    def _summed(self, user: Family, columns: list[Any], loop: Loop) -> bool:
        """Whether a family is wanted for its total, and of this one and of what was there before the loop."""
        if not self.only_summed(user) or user.like.fn not in (outer, np.sum) or len(columns) > 1:
            return False
        if columns[0].others:
            return False
        return all(
            column is columns[0] or self._there(column, loop) for column in user.columns if type(column) is Rows
        ) and (user.like.fn is np.sum or all(type(column) is Rows for column in user.columns))

    def _there(self, column: Rows, loop: Loop) -> bool:
        """Whether all rows of an argument are there before a loop."""
        family = self.root(column.family)
        made = self.stays[family].home is not None or self.sequence(family) is not None
        return made and family not in loop.families and family not in self.rings

    def _sum(self, family: Family, shift: int) -> Sum | None:
        """The one total that members of a family are in, or a sum for nothing; None if they are in something else."""
        members = set(family.members)
        if not members.isdisjoint(self.ends):
            return None
        nodes = [node for node in self.trace.nodes if node not in self.place and not members.isdisjoint(node.nodes)]
        sums = [node for node in nodes if node.fn in (total, gathered) and node.shape == family.like.shape]
        others = [self.place[term][1] for node in nodes if node not in sums for term in node.nodes if term in members]
        if self.text.in_order and any(node.fn is gathered for node in sums):  # one product, not one a block
            return None
        if len(sums) > 1 or any(step - family.start >= ENDS for step in others):  # the rows of the last block are there
            return None
        if not sums:
            return Sum(family, range(0), None)
        steps = sorted(self.place[term][1] for term in sums[0].nodes if term in members)
        whole = len(steps) > 1 and steps == list(range(steps[0], steps[-1] + 1))
        return Sum(family, range(steps[0], steps[-1] + 1), sums[0], shift) if whole else None

    def begin(self, each: Ring) -> None:
        """The sums before the loop: nothing."""
        for one in each.sums:
            assert one.node is not None
            one.value = self.text.zeros(one.node.name or "total", one.node)

    def added(self, family: Family, each: Ring) -> list[str]:
        """The statements that add a block, from the step ``low`` to the one before ``high``."""
        text, lines, home = self.text, [], self.home(family)
        assert text.loop is not None
        for one in each.sums:
            first = one.span.start - each.steps.start
            low = "low" if not first else f"max(low, {first})"
            mine = f"{home.name}[{each.rows} + {low} - high :]"
            assert one.value is not None
            if one.family is family:
                lines.append(f"{one.value.name} += {text.function(np.add)}.reduce({mine}, 0)")
            elif one.family.like.fn is np.sum:
                lines.append(f"{one.value.name} += {text.function(np.add)}.reduce({mine}.reshape({_flat(family)}), 0)")
            else:
                sides = []
                for column in one.family.columns:
                    if column.family is family:
                        sides.append(f"{mine}.reshape({_flat(family)})")
                    else:
                        rows = self.operand(column, one.steps)
                        assert rows is not None
                        text.loop.homes |= rows.homes
                        span = f"[{low}{f' - {first}' if first else ''} : high{f' - {first}' if first else ''}]"
                        sides.append(f"{rows.name}{span}.reshape({(-1, rows.shape[-1])})")
                lines.append(f"{one.value.name} += {text.function(np.dot)}({sides[0]}.T, {sides[1]})")
            text.calls += 1
        return lines


def _flat(family: Family) -> tuple[int, ...]:
    return -1, *family.like.shape[1:]
