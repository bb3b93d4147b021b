"""In which order the calls are made: single ones, families as a whole, and loops over what depends on the step before.

A family that does not need itself, by whatever way, can be computed for all steps at once. Those that need each other
in a circle (Tarjan's strongly connected components) are the recurrence: a loop forwards in time or, in a backward pass,
backwards. A sum inside a loop is split into what depends on the circle and the rest, which goes before the loop
(loop distribution: Allen and Kennedy 1987): that takes the products with the inputs out of it.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from minigrad.compiler.algebra import total
from minigrad.compiler.families import Family, Finder, Rows, Same
from minigrad.compiler.node import Node, Trace, nodes_in
from minigrad.compiler.running import adding, terms_before

Unit: TypeAlias = Family | Node
SHORT = 3
"""So few steps are easier to read one after the other."""
CACHED = 1 << 13
"""Bytes of a row from which on it is computed where it is used."""
PEELED = 4  # how many steps may be written beside a loop, since they lack some of its calls


class NoLoop(Exception):
    """The steps cannot be written as a loop; straight line it is."""


@dataclass(eq=False)
class Loop:
    """Families that need each other, in the order in which a step computes them.

    Attributes
    ----------
    families : list of Family
    steps : range
        Of all of them together, in the order in which the loop runs: with a negative stride, back in time.
    common : range
        The steps at which all are there; at the few others, some are.
    """

    families: list[Family]
    steps: range
    common: range


class Schedule:
    """The units of a trace in order; ``split``, ``sink`` and ``reorder`` can be left out."""

    def __init__(self, trace: Trace, without: Collection[str] = ()) -> None:
        self.trace = trace
        self.finder = Finder(trace)
        if max((len(family.members) for family in self.finder.families), default=0) <= SHORT:
            raise NoLoop(f"there are no more than {SHORT} steps that are alike")
        self.place = self.finder.place
        self.units: list[Node | Family | Loop] = []
        circles = self.circles()
        inside = [unit for circle in circles for unit in circle if len(circle) > 1 and type(unit) is Family]
        if self.finder.complete(trace, inside):
            self.finder.settle()
            circles = self.circles()
        for _ in range(PEELED):
            peeled = [self.peel(circle) for circle in circles if len(circle) > 1]
            if not any(peeled):
                break
            self.finder.settle()
            circles = self.circles()
        aligned = [self.align(circle) or self.regroup(circle) for circle in circles if len(circle) > 1]
        if any(aligned):
            self.finder.settle()
            circles = self.circles()
        if "split" not in without:
            parted = [self.split(circle, "reorder" in without) for circle in circles if len(circle) > 1]
            if any(parted):
                circles = self.circles()
        if "sink" not in without:
            self.sink(circles)
        self.running = adding(self, circles) if "reorder" in without else {}
        for circle in self.ordered(circles):
            if len(circle) == 1 and circle[0] not in self.needed(circle[0]):
                self.units.append(circle[0])
            elif all(type(unit) is Family for unit in circle):
                self.units.append(self.loop(circle))  # type: ignore[arg-type]  # all are
            else:
                raise NoLoop("a step of the recurrence is unlike the others")

    def unit(self, node: Node) -> Unit:
        """The family of a node, or itself."""
        return self.place[node][0] if node in self.place else node

    def needed(self, unit: Unit) -> list[Unit]:
        """What has to be computed first."""
        if type(unit) is Node:
            return [self.unit(arg) for arg in unit.nodes if arg.fn is not None]
        found: list[Unit] = []
        for column in unit.columns:
            found += [column.family] if type(column) is Rows else []
            found += [self.unit(node) for node in column.singles if node.fn is not None]
        return found

    @property
    def singles(self) -> list[Node]:
        """Calls that belong to no family."""
        return [node for node in self.trace.nodes if node.fn is not None and node not in self.place]

    def everything(self) -> list[Unit]:
        """All units."""
        return [*self.singles, *self.finder.families]

    def circles(self) -> list[list[Unit]]:
        """Tarjan's components (1972), without recursion; each after those that it needs."""
        number: dict[Unit, int] = {}
        low: dict[Unit, int] = {}
        path: list[Unit] = []
        on_path: set[Unit] = set()
        found: list[list[Unit]] = []
        for root in self.everything():
            start: Any = root
            stack: list[tuple[Unit, Any]] = [] if root in number else [(start, None)]
            while stack:
                unit, rest = stack.pop()
                if rest is None:
                    number[unit] = low[unit] = len(number)
                    path.append(unit)
                    on_path.add(unit)
                    rest = iter(self.needed(unit))
                for other in rest:
                    if other not in number:
                        stack += [(unit, rest), (other, None)]
                        break
                    if other in on_path:
                        low[unit] = min(low[unit], low[other])
                else:
                    if low[unit] == number[unit]:
                        circle: list[Unit] = []
                        while not circle or circle[-1] is not unit:
                            circle.append(path.pop())
                            on_path.discard(circle[-1])
                        found.append(circle)
                    if stack:
                        above = stack[-1][0]
                        low[above] = min(low[above], low[unit])
        return found

    def ordered(self, circles: list[list[Unit]]) -> list[list[Unit]]:
        """As early as in the function, but after what is needed, and if that can be after what is added up before."""
        home = {unit: i for i, circle in enumerate(circles) for unit in circle}
        needs = [{home[n] for unit in circle for n in self.needed(unit)} - {i} for i, circle in enumerate(circles)]
        for family, whole in self.running.items():
            i = home[family]
            for term in nodes_in(terms_before(family, whole)):
                j = home.get(self.unit(term))
                if j is not None and not _reaches(needs, j, i):
                    needs[i].add(j)
        after: list[list[int]] = [[] for _ in circles]
        for i, need in enumerate(needs):
            for j in need:
                after[j].append(i)
        waiting = [len(need) for need in needs]

        def first(i: int) -> int:
            return min(unit.index if type(unit) is Node else unit.like.index for unit in circles[i])

        ready = [(first(i), i) for i, count in enumerate(waiting) if not count]
        heapq.heapify(ready)
        done = []
        while ready:
            i = heapq.heappop(ready)[1]
            done.append(circles[i])
            for j in after[i]:
                waiting[j] -= 1
                if not waiting[j]:
                    heapq.heappush(ready, (first(j), j))
        return done

    def peel(self, circle: Sequence[Unit]) -> bool:
        """Take a step out of a circle in which a single call stands for a family's; whether there was any.

        Its calls, which are at an end of their families, are single ones from now on.
        """
        singles = {unit for unit in circle if type(unit) is Node}
        families = [unit for unit in circle if type(unit) is Family]
        columns = [column for family in families for column in family.columns if type(column) is Rows]
        ends = {family.steps[i] for family in families for i in (0, -1)}
        odd = {
            step + column.shift if step + column.shift in ends else step
            for column in columns
            for step, other in column.others.items()
            if type(other) is Node and self.unit(other) in singles
        }
        changed = False
        for family in families:
            for step in odd & {family.steps[0], family.steps[-1]} if len(family.members) > SHORT else ():
                node = family.members.pop(0 if step == family.start else -1)
                family.start += step == family.start
                del self.place[node]
                changed = True
        return changed

    def align(self, circle: Sequence[Unit]) -> bool:
        """Number anew the steps of families that were found from different ends, so that none needs what comes after.

        A family that needs another one's step τ + s is moved by at least s more than that (Bellman and Ford).
        """
        families = [unit for unit in circle if type(unit) is Family]
        edges = [
            (family, column.family, column.shift)
            for family in families
            for column in family.columns
            if type(column) is Rows and column.family in families
        ]
        shifts = [shift for _, _, shift in edges]
        if not min(shifts, default=0) < 0 < max(shifts, default=0):
            return False
        for sign in (1, -1):  # forwards, backwards
            moved = dict.fromkeys(families, 0)
            for _ in families:
                late = [(f, g, s) for f, g, s in edges if sign * (moved[g] + s - moved[f]) > 0]
                if not late:
                    break
                for family, other, shift in late:
                    if sign * (moved[other] + shift - moved[family]) > 0:
                        moved[family] = moved[other] + shift
            else:
                continue
            for family, by in moved.items():
                family.start += by
                self.place.update({node: (family, family.start + i) for i, node in enumerate(family.members)})
            return True
        return False

    def regroup(self, circle: Sequence[Unit]) -> bool:
        """Number calls on what the step before has made, and on nothing else of the circle, as calls of that step."""
        changed = False
        for family in [unit for unit in circle if type(unit) is Family]:
            columns = [column for column in family.columns if type(column) is Rows and column.family in circle]
            if len(columns) != 1 or not (shift := columns[0].shift) or columns[0].others:
                continue
            if range(family.start + shift, family.steps.stop + shift) == columns[0].family.steps != family.steps:
                family.start += shift
                self.place.update({node: (family, family.start + i) for i, node in enumerate(family.members)})
                changed = True
        return changed

    def split(self, circle: Sequence[Unit], in_order: bool) -> bool:
        """Take out of the sums in a circle what does not depend on it, or what comes first; whether there was any."""
        inside, changed = set(circle), False
        for family in circle:
            if type(family) is not Family or family.like.fn is not total:
                continue
            outside = [i for i, column in enumerate(family.columns) if not self._within(column, inside)]
            if in_order:
                outside = [i for i, place in enumerate(outside) if i == place]
            if len(outside) < 2 or len(outside) == len(family.columns):
                continue
            rest = [family.columns[i] for i in outside]
            made = []
            for node in family.members:
                terms = [node.args[i] for i in outside]
                sizes = [getattr(t, "shape", ()) for t in terms]
                shape = np.broadcast_shapes(*sizes)
                part = Node(total, tuple(terms), {}, node.index, shape, node.dtype, "", node.scope)
                others = [arg for i, arg in enumerate(node.args) if i not in outside]
                node.args = (part, *others) if in_order else (*others, part)
                made.append(part)
            new = Family(made, family.start, rest)
            self.finder.families.append(new)
            self.place.update({node: (new, family.start + i) for i, node in enumerate(made)})
            columns = [column for i, column in enumerate(family.columns) if i not in outside]
            family.columns = [Rows(new, 0, {}), *columns] if in_order else [*columns, Rows(new, 0, {})]
            changed = True
        return changed

    def sink(self, circles: list[list[Unit]]) -> None:
        """Put back into a loop what only its own step needs and is so large that it would leave the cache meanwhile."""
        users: dict[Unit, set[tuple[Unit, int]]] = {}
        for unit in self.everything():
            now = [c.family for c in unit.columns if type(c) is Rows and c.shift == 0] if type(unit) is Family else []
            for other in self.needed(unit):
                same_step = other in now
                if same_step:
                    now.remove(other)  # type: ignore[arg-type]  # which it is in
                users.setdefault(other, set()).add((unit, 0 if same_step else 1))
        wanted = {self.unit(node) for node in self.trace.wanted()}
        for loop in [c for c in circles if len(c) > 1 and all(type(unit) is Family for unit in c)]:
            steps = {step for family in loop for step in family.steps}  # type: ignore[union-attr]  # all are
            for circle in circles[::-1]:  # what is needed by others that sink comes later
                family = circle[0]
                if len(circle) > 1 or type(family) is Node or family in wanted or (family, 1) in users.get(family, ()):
                    continue
                here = all(user in loop and not shift for user, shift in users.get(family, {(family, 1)}))
                if here and family.like.bytes >= CACHED and self._sinks(family, steps):
                    loop.append(family)
                    circles.remove(circle)

    def _sinks(self, family: Family, steps: set[int]) -> bool:
        """Whether it may be computed step by step as well: elementwise or by one matrix, of steps that it has."""
        elementwise = family.like.fn is total or isinstance(family.like.fn, np.ufunc)
        if family.like.fn is np.matmul:
            elementwise = type(family.columns[1]) is Same and type(family.columns[0]) is not Same
        return elementwise and steps.issuperset(family.steps)

    def _within(self, column: Any, inside: set[Unit]) -> bool:
        rows = [column.family] if type(column) is Rows else []
        return any(unit in inside for unit in [*rows, *map(self.unit, column.singles)])

    def loop(self, families: Sequence[Family]) -> Loop:
        """The loop over a circle, or over one family."""
        inside = set(families)
        gaps = set()
        now: dict[Family, list[Family]] = {family: [] for family in families}
        for family in families:
            for column in family.columns:
                if type(column) is Rows and column.family in inside:
                    gaps.add(column.shift)
                    if column.shift == 0:
                        now[family].append(column.family)
                if any(self.unit(node) in inside for node in column.singles):
                    raise NoLoop("a step of the recurrence needs a single other one")
        if min(gaps, default=0) < 0 < max(gaps, default=0):
            raise NoLoop("a recurrence needs what comes before and what comes after")
        body: list[Family] = []
        waiting = sorted(families, key=lambda family: family.like.index)
        while waiting:
            free = next((family for family in waiting if all(n in body for n in now[family])), None)
            if free is None:
                raise NoLoop("a step of the recurrence needs itself")
            waiting.remove(free)
            body.append(free)
        low, high = min(f.steps.start for f in families), max(f.steps.stop for f in families)
        inner = range(max(f.steps.start for f in families), min(f.steps.stop for f in families))
        if len(inner) < 1 or (high - low) - len(inner) > PEELED:
            raise NoLoop("the steps of a recurrence are too unlike each other")
        back = max(gaps, default=0) > 0
        return Loop(body, range(low, high)[::-1] if back else range(low, high), inner[::-1] if back else inner)


def _reaches(needs: Sequence[set[int]], start: int, end: int) -> bool:
    """Whether one needs the other, or is it."""
    seen, open_ = {start}, [start]
    while open_:
        found = needs[open_.pop()] - seen
        seen |= found
        open_ += found
    return end in seen
