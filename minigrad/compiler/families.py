"""Families: calls that are the same one of each step, found from the places where the steps meet.

The operands of a stack, a sum or a product of concatenations are siblings, in the order of the steps; where steps meet
nowhere, since only the last one counts and nothing goes back, so are calls of which each needs the one before. From
there one goes through the arguments, position by position: arguments of siblings are siblings too, or one and the same,
or a family that is known already, seen from a step later or earlier. A `Column` says which.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, ClassVar, TypeAlias, final

import numpy as np

from minigrad.compiler.algebra import gathered, total
from minigrad.compiler.alike import arguments, chains, signature
from minigrad.compiler.node import Node, Trace, same

FEWEST = 3  # siblings that make a family
ENDS = 2  # how many steps at each end may have something else for an argument


@final
@dataclass(eq=False)
class Family:
    """One call of each step.

    Attributes
    ----------
    members : list of Node
    start : int
        The step of the first one.
    columns : list of Column
        One for each argument.
    """

    members: list[Node]
    start: int
    columns: list[Any] = field(default_factory=list)

    @property
    def steps(self) -> range:
        return range(self.start, self.start + len(self.members))

    @property
    def like(self) -> Node:
        """One of them, for what they have in common."""
        return self.members[0]


@dataclass(eq=False)
class Same:
    """One argument for all steps: a node or a constant."""

    value: Any

    @property
    def singles(self) -> list[Node]:
        """It, if it is a node."""
        return [self.value] if type(self.value) is Node else []


@dataclass(eq=False)
class Numbers:
    """Constants, another one for each step, or indices in order."""

    values: list[Any]
    start: int
    singles: ClassVar[tuple[Node, ...]] = ()

    @property
    def stride(self) -> int | None:
        """By how much indices differ from step to step; None if these are no such indices."""
        if any(type(value) is not int for value in self.values):
            return None
        gaps = {b - a for a, b in zip(self.values, self.values[1:], strict=False)}
        return gaps.pop() if len(gaps) == 1 else None


@dataclass(eq=False)
class Rows:
    """At step τ the member of ``family`` of step τ + ``shift``; at some steps at the ends, something else."""

    family: Family
    shift: int
    others: dict[int, Any]

    @property
    def singles(self) -> list[Node]:
        """The nodes among what is at the ends."""
        return [other for other in self.others.values() if type(other) is Node]


Column: TypeAlias = Same | Numbers | Rows
"""What one argument of a family is at all steps; ``singles`` are nodes in it by themselves, not as rows."""


class Finder:
    """All families of a trace."""

    def __init__(self, trace: Trace) -> None:
        self.place: dict[Node, tuple[Family, int]] = {}
        self.families: list[Family] = []
        meeting = self.seeds(trace)
        for seed in sorted(meeting or chains(trace), key=len, reverse=True):
            members = self.oriented(seed) if meeting else seed
            if not any(node in self.place for node in members):
                self.grow(self.found(members, 0))
        self.settle()

    def seeds(self, trace: Trace) -> list[list[Node]]:
        """The lists of operands in which steps meet."""
        lists = []
        for node in trace.nodes:
            if node.fn is np.stack or node.fn is np.concatenate:
                operands = list(node.args[0])
            elif node.fn in (total, gathered):
                operands = list(node.args)
            else:
                continue
            kinds: dict[Any, list[Node]] = {}
            for operand in operands:
                if type(operand) is Node and operand.fn is not None:
                    kinds.setdefault(signature(operand), []).append(operand)
            for group in kinds.values():
                if FEWEST <= len(group) == len(set(group)):
                    summed = node.fn in (total, gathered)
                    lists.append(sorted(group, key=lambda node: node.index) if summed else group)
        return lists

    def oriented(self, members: list[Node]) -> list[Node]:
        """In the order of time: that of families that are known already, or of the earliest calls behind them."""
        # not at the ends, where steps may be unlike others, nor in the middle, where a run may follow another
        inside = 3 * len(members) // 8
        pairs, seen = deque([(members[inside], members[inside + 1])]), 0
        least: tuple[int, int] | None = None
        while pairs and seen < 256:
            a, b = pairs.popleft()
            seen += 1
            if a in self.place and b in self.place and self.place[a][0] is self.place[b][0]:
                return members if self.place[a][1] < self.place[b][1] else members[::-1]
            if a is not b and signature(a) == signature(b):
                if least is None or min(a.recorded, b.recorded) < min(least):
                    least = a.recorded, b.recorded
                pairs += [
                    (x, y) for x, y in zip(a.nodes, b.nodes, strict=False) if x is not y and x.fn and y.fn
                ]  # fmt: skip
        return members if least is None or least[0] < least[1] else members[::-1]

    def found(self, members: list[Node], start: int) -> Family:
        """A new family."""
        family = Family(members, start)
        self.families.append(family)
        self.place.update({node: (family, start + i) for i, node in enumerate(members)})
        return family

    def grow(self, family: Family) -> None:
        """Look for the families of its arguments, and of theirs."""
        open_ = [family]
        while open_:
            each = open_.pop()
            for column in zip(*[arguments(node) for node in each.members], strict=True):
                new = self.siblings(list(column), each.start)
                if new is not None:
                    open_.append(new)

    def siblings(self, column: list[Any], start: int) -> Family | None:
        """A family in the middle of this column that is new, or longer than was known; a run of like calls."""
        middle = column[len(column) // 2]
        if type(middle) is not Node or middle.fn is None or middle.shape is None:  # several results have no rows
            return None
        kind = signature(middle)
        if middle in self.place:
            family, at = self.place[middle]
            return family if self.longer(family, column, at - len(column) // 2, kind) else None
        fits = [type(c) is Node and c.fn is not None and c not in self.place and signature(c) == kind for c in column]
        low = high = len(column) // 2
        while low and fits[low - 1]:
            low -= 1
        while high < len(column) and fits[high]:
            high += 1
        members: dict[Node, None] = {}
        for node in column[low:high]:
            if node in members:  # another run, which has some in common with the first
                break
            members[node] = None
        return self.found(list(members), start + low) if len(members) >= FEWEST else None

    def longer(self, family: Family, column: list[Any], first: int, kind: Any) -> bool:
        """Whether calls at the ends of a column, which begins at this step, belong to a family as well."""
        count = len(family.members)
        for i in [*range(len(column) // 2, len(column)), *range(len(column) // 2, -1, -1)]:
            node, step = column[i], first + i
            fits = type(node) is Node and node.fn is not None and node not in self.place and signature(node) == kind
            if fits and step in (family.steps.start - 1, family.steps.stop):
                self.place[node] = family, step
                if step < family.start:
                    family.members.insert(0, node)
                    family.start = step
                else:
                    family.members.append(node)
        return len(family.members) > count

    def settle(self) -> None:
        """Describe the arguments of all families; what cannot be described is cut where it changes, until all can."""
        while True:
            wrong = []
            for family in self.families:
                columns = list(zip(*[arguments(node) for node in family.members], strict=True))
                family.columns = [self.described(list(column), family.start) for column in columns]
                if any(column is None for column in family.columns):
                    wrong.append(family)
            if not wrong:
                return
            breaks = [self.breaks(family) for family in wrong]
            kind = next((kind for kind in (0, 1) if any(each[kind] for each in breaks)), 0)
            for family, places in zip(wrong, breaks, strict=True):
                if places[kind] or not any(map(any, breaks)):
                    self.cut(family, places[kind])

    def complete(self, trace: Trace, families: list[Family]) -> bool:
        """Find calls at either end that do with the next members of others what a family does; whether there are any.

        Where only the last step has a cost, its h_T is used otherwise than all h_t before: by no family.
        """
        calls: dict[Any, Node] = {}
        used = {arg for family in self.families for node in family.members for arg in node.nodes}
        for node in trace.nodes:
            if node.fn is not None and node not in self.place and node not in used and node not in trace.checks:
                calls.setdefault((node.fn, *map(_identity, arguments(node))), node)
        open_, changed = list(families), False
        while open_:
            family = open_.pop()
            for step in (family.steps.stop, family.start - 1):
                args = [_at(column, step) for column in family.columns]
                called = calls.get((family.like.fn, *args)) if any(type(c) is Rows for c in family.columns) else None
                if called is None or called in self.place or signature(called) != signature(family.like):
                    continue
                family.start -= step < family.start
                family.members.insert(0 if step == family.start else len(family.members), called)
                self.place[called], changed = (family, step), True
                open_ += families
        return changed

    def renumber(self, family: Family, by: int) -> None:
        """Number the steps of a family, which no other family looks at, anew."""
        family.start += by
        self.place.update({node: (family, family.start + i) for i, node in enumerate(family.members)})
        columns = zip(*[arguments(node) for node in family.members], strict=True)
        family.columns = [self.described(list(column), family.start) for column in columns]

    def breaks(self, family: Family) -> tuple[list[int], list[int]]:
        """At which members another family should begin, since arguments are others from there: surely, perhaps."""
        columns = list(zip(*[arguments(node) for node in family.members], strict=True))
        sure: set[int] = set()
        perhaps: set[int] = set()
        for column, found in zip(columns, family.columns, strict=True):
            if found is None:
                changes(self.kinds(list(column), family.start), family.start, sure, perhaps)
        ends = {0, len(family.members)}
        return sorted(sure - ends), sorted(perhaps - ends)

    def cut(self, family: Family, places: list[int]) -> None:
        """Several families in the place of one, or none.

        So a sequence that goes on when others have ended, and a second run of the same network, have their own loops.
        """
        self.families.remove(family)
        for node in family.members:
            del self.place[node]
        ends = pairwise([0, *places, len(family.members)]) if places else ()
        parts = [(family.members[a:b], family.start + a) for a, b in ends if b - a >= FEWEST]
        for part in [self.found(*each) for each in parts]:
            self.grow(part)

    def kinds(self, column: list[Any], start: int) -> list[Any]:
        """What a column has at each step: a member of some family, with its distance in steps, or something else."""
        found: list[Any] = []
        for step, each in enumerate(column, start):
            if type(each) is not Node:
                found.append((None, 0))
            elif each in self.place:
                family, at = self.place[each]
                found.append((family, at - step))
            else:
                found.append((each, 0))
        return found

    def described(self, column: list[Any], start: int) -> Column | None:
        """What an argument is at all steps; None if there is no telling."""
        first, middle = column[0], column[len(column) // 2]
        if all(each is first for each in column) or (
            type(first) is not Node and all(type(each) is not Node and same(each, first) for each in column)
        ):
            return Same(first)
        if not any(type(each) is Node for each in column):
            return Numbers(column, start)
        if type(middle) is not Node or middle not in self.place:
            return None
        family, at = self.place[middle]
        shift = at - (start + len(column) // 2)
        others = {}
        for i, each in enumerate(column):
            if not (type(each) is Node and self.place.get(each) == (family, start + i + shift)):
                others[start + i] = each
        here = range(start, start + len(column))
        ends = [*here[:ENDS], *here[-ENDS:]]
        fits = all(type(o) is Node or isinstance(o, (np.ndarray, np.generic)) for o in others.values())
        alike = (
            all(o.shape == family.like.shape and o.dtype == family.like.dtype for o in others.values()) if fits else 0
        )
        alike = alike and all(step in ends and step + shift not in family.steps for step in others)
        return Rows(family, shift, others) if alike else None


def _identity(arg: Any) -> Any:
    return id(arg) if type(arg) is Node or isinstance(arg, np.ndarray) else (type(arg), repr(arg))


def _at(column: Any, step: int) -> Any:
    """What identifies an argument at a step; None if there is none yet."""
    if type(column) is Same:
        return _identity(column.value)
    if type(column) is Rows:
        place = step + column.shift - column.family.start
        return id(column.family.members[place]) if 0 <= place < len(column.family.members) else None
    return None


def changes(kinds: list[Any], start: int, sure: set[int], perhaps: set[int]) -> None:
    """Where a column changes for good: ``sure`` is told; or where some steps are unlike what is around: ``perhaps``.

    Such steps belong to what comes after them if that looks back (it begins with them), else to what was before.
    """
    starts = [0, *[i for i in range(1, len(kinds)) if kinds[i] != kinds[i - 1]], len(kinds)]
    runs = [(a, b) for a, b in pairwise(starts) if b - a >= FEWEST]
    for (_, stop), (again, _) in pairwise(runs):
        if stop == again:
            (one, shift), (two, other) = kinds[stop - 1], kinds[stop]
            same_steps = type(one) is type(two) is Family and shift == other and abs(shift) <= ENDS
            sure.add(stop + shift if same_steps else stop)  # where the families that are looked at change
        elif again - stop <= ENDS:
            perhaps.add(stop if kinds[again][1] < 0 else again)
        else:
            perhaps.update((stop, again))
    if runs and not besides(kinds[runs[0][0]], range(start, start + runs[0][0])):
        perhaps.add(runs[0][0])
    if runs and not besides(kinds[runs[-1][0]], range(start + runs[-1][1], start + len(kinds))):
        perhaps.add(runs[-1][1])


def besides(kind: Any, steps: range) -> bool:
    """Whether something else may stand at these steps, at an end: in rows beside those that the family has."""
    family, shift = kind
    return len(steps) <= ENDS and not (type(family) is Family and any(step + shift in family.steps for step in steps))
