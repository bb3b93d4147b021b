"""All statements of a program: single calls, families as one call on their homes, and loops."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from typing import Any

import numpy as np

from minigrad.compiler import batching, blocks
from minigrad.compiler.algebra import gathered, mean_product, new, reverses, total
from minigrad.compiler.families import Family, Numbers, Rows, Same
from minigrad.compiler.homes import VIEWS
from minigrad.compiler.merging import Merge, merges
from minigrad.compiler.naming import Value
from minigrad.compiler.node import Node, Trace, equal, nodes_in, walked
from minigrad.compiler.overwriting import overwrite
from minigrad.compiler.running import is_back, laid_out_alike
from minigrad.compiler.schedule import Loop, Schedule
from minigrad.compiler.text import Text
from minigrad.compiler.totals import Totals

ROWS, REPEATED = 8, 128
"""From so many rows on, and so many in all steps, it pays to lay out the transpose of a matrix before a loop."""
SHORT_ROW = 128  # numbers of a row, up to which it is repeated for each of many rows
LARGE = 1 << 12  # bytes of a matrix from which on it matters where it begins


class Plan(Totals):
    """All statements of a program; ``merge``, what `minigrad.compiler.merging` finds, can be left out."""

    def __init__(self, trace: Trace, schedule: Schedule | None, exact: bool, without: Collection[str] = ()) -> None:
        ends = set(nodes_in(trace.outputs)) | set(trace.assigned.values())
        text = Text(exact, in_order="reorder" in without)
        super().__init__(text, schedule.place if schedule else {}, ends, trace)
        self.checks = set(trace.checks)
        for node in trace.inputs:
            self.values[node] = self.text.input(node)
        units = schedule.units if schedule else [node for node in trace.nodes if node.fn is not None]
        self.in_blocks = "blocks" not in without
        if schedule:
            self.look(schedule)
            for family, whole in schedule.running.items():
                self.stays[family].kept, self.running[family] = False, None
                self.totals[family] = whole
            self.merges = {} if "merge" in without else merges(schedule, ends)
        self.gone = {family for merge in self.merges.values() for family in merge.gone}
        for merge in self.merges.values():
            self.stays[merge.state.family].kept = True
            self.stays[merge.state.family].width = merge.widths[1]
        for unit in units:
            if type(unit) is Loop:
                self.loop(unit)
            elif type(unit) is Family:
                self.whole(unit)
            else:
                self.single(unit)  # type: ignore[arg-type]  # a node: what is left
        self.text.results([self.result(leaf) for leaf in [*trace.outputs, *trace.assigned.values()]])

    def result(self, leaf: Any) -> Any:
        """What is returned: the caller's own."""
        value = self.value(leaf)
        return self.text.copied(value) if type(value) is Value and not value.fresh else value

    # -- statements ---------------------------------------------------------------------------------------------------

    def single(self, node: Node) -> None:
        """One call."""
        if node in self.inside:
            return
        if node.fn in (total, gathered) and self.place and self.totalled(node):
            return
        if (joined := self.joined(node)) is not None:
            self.values[node] = joined
            return
        args, kwargs = walked(self.value, node.args), walked(self.value, node.kwargs)
        if node.fn in VIEWS and type(args[0]) is Value and batching.is_view(node):
            self.values[node] = self.text.view(args[0], batching.view_text(node, 0), node.name)
            return
        if node in self.checks:
            self.text.check(node, args)
            return
        if node.fn is mean_product:
            self.values[node] = self.text.mean(args[0], args[1], node)
            return
        self.values[node] = self.text.call(node, args, kwargs, fresh=node in self.ends)

    def joined(self, node: Node) -> Value | None:
        """A stack or concatenation of a family is the family's home."""
        axis = node.args[1] if len(node.args) > 1 else node.kwargs.get("axis", 0)
        if node.fn not in (np.stack, np.concatenate) or axis != 0 or not self.place:
            return None
        operands = list(node.args[0])
        middle = operands[len(operands) // 2]
        if type(middle) is not Node or middle not in self.place:
            return None
        family, at = self.place[middle]
        first = at - len(operands) // 2
        stay = self.stays[family]
        for i, each in enumerate(operands):
            here = type(each) is Node and self.place.get(each) == (family, first + i)
            if not here and not ((first + i) in stay.extra and equal(stay.extra[first + i], each)):
                return None
        rows = self.rows(family, range(first, first + len(operands)))
        return rows if node.fn is np.stack else self.text.view(rows, f"{{}}.reshape({node.shape})")

    def whole(self, family: Family) -> None:
        """A family as one call, or a loop of its own."""
        if self.base(family) is not None or self.sequence(family) is not None or self.only_summed(family):
            return
        if family in self.gone:
            return
        steps = family.steps
        sides: list[Any] = []
        for column in family.columns:
            if type(column) is Same:
                sides.append((False, self.value(column.value)))
            else:
                sides.append((True, self.operand(column, steps)))
        if family in self.running:
            steps = steps[::-1] if is_back(family, self.totals[family]) else steps
            self.loop(Loop([family], steps, steps))
            return
        self.stays[family].kept = True
        if not any(rows and side is None for rows, side in sides):
            home = self.home(family)
            low = self.stays[family].low
            out = self.text.view(home, batching.sliced(steps.start - low, steps.stop - low, home.shape[0]))
            if batching.whole(self.text, family.like, sides, out):
                return
        self.loop(Loop([family], steps, steps))

    def run_up(self, family: Family, write: Callable[..., None]) -> None:
        """Add what a step has made to what has run up so far, if it is added up so."""
        if family in self.running:
            so_far = self.running[family]
            write(new(np.add, (), family.like), (so_far, self.stays[family].row), so_far)

    def loop(self, loop: Loop) -> None:
        """A loop, and the steps beside it that lack some of its calls."""
        summed = loop.families if self.in_blocks else ()
        rings = {family: found for family in summed if (found := self.ring(family, loop))}
        self.rings |= rings
        lines = self.text.lines
        first = len(lines)
        self.scratch(loop)
        steps = list(loop.steps)
        for ring in rings.values():
            self.begin(ring)
        self.begin_to_add_up([family for family in loop.families if family in self.running])
        before = len(lines)
        for step in steps[: steps.index(loop.common[0])]:
            self.one_step(loop, step)
        after = len(lines)
        broad = {f: self.side_by_side(self.merges[f], f, loop) for f in loop.families if f in self.merges}
        self.text.open_loop(len(loop.common))
        for family in loop.families:
            if family in broad:
                rows, matrix = broad[family]
                like = new(np.matmul, (), family.like)
                self.text.in_loop(like, (self.text.each(rows, "row"), matrix), self.target(family, loop))
            elif self.base(family) is None and family not in self.gone:
                args = [self.looped(column, loop) for column in family.columns]
                if self.pays_to_lay_out(family, loop):
                    args[1] = self.text.laid_out(args[1])
                elif self.pays_to_align(family, loop):
                    args[1] = self.aligned(family.columns[1].value)
                if batching.elementwise(family.like.fn) or family.like.fn is total:
                    args = [self.in_all_rows(arg, family) for arg in args]
                self.text.in_loop(family.like, self.arranged(family, args), self.target(family, loop))
            self.run_up(family, self.text.in_loop)
        sums = [line for family, ring in rings.items() for line in self.added(family, ring)]
        apart = set().union(*(names for _, names in [*lines[first:before], *lines[after:]]))
        self.text.close_loop(len(steps), steps.index(loop.common[0]), sums, blocks.BLOCK)
        for step in steps[steps.index(loop.common[-1]) + 1 :]:
            self.one_step(loop, step)
        overwrite(self, loop, first, apart)

    def side_by_side(self, merge: Merge, family: Family, loop: Loop) -> tuple[Value, Value]:
        """States with what is multiplied besides, in the order of the loop, and all that they are multiplied by."""
        text, like, (n, width) = self.text, family.like, merge.widths
        stay, shift = self.stays[merge.state.family], merge.state.shift
        steps = range(family.steps.start + shift, family.steps.stop + shift)
        self.rows(merge.state.family, steps)  # with what they begin with
        rows = text.view(
            stay.broad, batching.sliced(steps.start - stay.low, steps.stop - stay.low, stay.broad.shape[0])
        )
        if reverses(merge.above):  # laid out as it is
            matrix = text.view(text.home("matrix", (like.shape[-1], width), like.dtype), "{}.T")
        else:
            matrix = text.home("matrix", (width, like.shape[-1]), like.dtype)
        m = n + merge.beside.family.like.shape[-1]
        text.copy(text.view(rows, f"{{}}[..., {n}:{m}]"), self.operand(merge.beside, family.steps))
        text.copy(text.view(matrix, f"{{}}[:{n}]"), self.value(merge.above))
        text.copy(text.view(matrix, f"{{}}[{n}:{m}]"), self.value(merge.below))
        if merge.bias is not None:
            text.copy(text.view(rows, f"{{}}[..., {m}:]"), 1)
            text.copy(text.view(matrix, f"{{}}[{m}:]"), self.value(merge.bias))
        return text.view(rows, "{}[::-1]") if loop.common.step < 0 and len(loop.common) > 1 else rows, matrix

    def pays_to_lay_out(self, family: Family, loop: Loop) -> bool:
        """Whether each step multiplies many rows by the same Wᵀ: along its rows, that takes up to half the time."""
        like = family.like
        if like.fn is not np.matmul or len(like.shape) != 2 or type(family.columns[1]) is not Same:
            return False
        many = like.shape[0] >= ROWS and like.shape[0] * len(loop.common) >= REPEATED
        if not many or not reverses(family.columns[1].value) or len(family.columns[1].value.shape) != 2:
            return False
        return not self.text.in_order or laid_out_alike(*like.shape, family.columns[1].value.shape[0], like.dtype)

    def pays_to_align(self, family: Family, loop: Loop) -> bool:
        """Whether each of some steps multiplies few rows by the same matrix, which has to be read anew for them."""
        like = family.like
        if like.fn is not np.matmul or type(family.columns[1]) is not Same or len(like.shape) > 2:
            return False
        matrix = family.columns[1].value
        if type(matrix) is not Node or len(matrix.shape) != 2:
            return False
        large = matrix.bytes >= LARGE
        return large and math.prod(like.shape[:-1]) < ROWS <= len(loop.common)

    def aligned(self, matrix: Node) -> Value:
        """A matrix in a buffer, which begins with a line of the cache; a transpose as that of such a buffer."""
        if reverses(matrix):
            return self.text.view(self.aligned(matrix.args[0]), "{}.T")
        value: Value = self.value(matrix)
        return self.text.laid_out(value)

    def in_all_rows(self, arg: Any, family: Family) -> Any:
        """A short row that each step adds to many, such as b, once for each of them: NumPy takes half the time then."""
        many, short = math.prod(family.like.shape[:-1]) >= ROWS, family.like.shape[-1:] <= (SHORT_ROW,)
        if type(arg) is not Value or not arg.shape or arg.shape != family.like.shape[-1:] or not (many and short):
            return arg
        return self.text.laid_out(arg, family.like.shape)

    def arranged(self, family: Family, args: list[Any]) -> tuple[Any, ...]:
        """Arguments as the function takes them."""
        like = family.like
        return (type(like.args[0])(args), *like.args[1:]) if like.fn in (np.stack, np.concatenate) else tuple(args)

    def scratch(self, loop: Loop) -> None:
        """One row for what is used within its own step alone; the same for two of which one is not needed any more."""
        body = [family for family in loop.families if self.base(family) is None and family not in self.gone]
        last: dict[Family, int] = {}
        for i, family in enumerate(body):
            for column in family.columns:
                if type(column) is Rows:
                    last[self.root(column.family)] = i
        free: list[Value] = []
        for i, family in enumerate(body):
            stay, like = self.stays[family], family.like
            ending = [f for f in body[:i] if not self.stays[f].kept and last.get(f, i) == i]
            direct = {c.family for c in family.columns if type(c) is Rows and c.shift == 0}
            seen = {self.root(f) for f in direct if self.base(f) is not None}  # parts of a row are not overwritten
            early = [f for f in ending if batching.in_place(like) and f in direct and f not in seen]
            free += [self.stays[f].row for f in early]
            if not stay.kept:
                fits = [v for v in free if v.shape == like.shape and v.dtype == like.dtype]
                if fits:
                    stay.row = fits[-1]
                    free.remove(fits[-1])
                else:
                    stay.row = self.text.home(batching.singular(like), like.shape, like.dtype)
            free += [self.stays[f].row for f in ending if f not in early]

    def target(self, family: Family, loop: Loop) -> Any:
        """Where a call in a loop writes."""
        stay = self.stays[family]
        if not stay.kept:
            return stay.row
        return self.text.each(self.along(family, 0, loop), batching.singular(family.like))

    def along(self, family: Family, shift: int, loop: Loop) -> Value:
        """The rows of a family in the order of a loop."""
        low, high = min(loop.common) + shift, max(loop.common) + 1 + shift
        if family in self.rings:
            first = self.rings[family].steps.stop - high
            return self.text.turns(self.home(family), range(first, first + len(loop.common)))
        rows = self.rows(family, range(low, high))
        return self.text.view(rows, "{}[::-1]") if loop.common.step < 0 and len(loop.common) > 1 else rows

    def looped(self, column: Any, loop: Loop) -> Any:
        """An argument of a call in a loop."""
        if type(column) is Same:
            return self.value(column.value)
        if type(column) is Numbers:
            steps = range(min(loop.common), max(loop.common) + 1)
            values = column.values[steps.start - column.start : steps.stop - column.start]
            values = values[::-1] if loop.common.step < 0 else values
            return self.text.each(self.text.constant(np.stack(values)), "k")
        family = column.family
        if column.shift == 0 and not self.kept(family):
            return self.at(family, 0)  # its only row
        return self.text.each(self.along(family, column.shift, loop), batching.singular(family.like))

    def one_step(self, loop: Loop, step: int) -> None:
        """A step that lacks some of the calls."""
        for family in loop.families:
            if step not in family.steps or self.base(family) is not None:
                continue
            args = []
            for column in family.columns:
                if type(column) is Same:
                    args.append(self.value(column.value))
                elif type(column) is Numbers:
                    args.append(column.values[step - column.start])
                else:
                    other = column.others.get(step)
                    args.append(self.value(other) if other is not None else self.at(column.family, step + column.shift))
            self.text.into(family.like, self.arranged(family, args), self.at(family, step))
            self.run_up(family, self.text.into)
