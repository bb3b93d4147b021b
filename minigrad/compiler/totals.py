"""What is summed over steps: computed from what it is made of, and in the engine's order if that matters.

Σ LᵀR is one product of arrays in which the steps stand one below the other already. In order, rows are added up one
after the other, with what stands between them; and what the engine has multiplied at once is copied together first, as
it does, unless it stands together.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, TypeAlias

from minigrad.compiler.algebra import gathered, mean_product, outer, total
from minigrad.compiler.blocks import Blocks
from minigrad.compiler.families import Family
from minigrad.compiler.naming import Value
from minigrad.compiler.node import Node
from minigrad.compiler.running import terms_before

Steps: TypeAlias = Mapping[Family, range]


class Totals(Blocks):
    """Totals of families: statements before, or after, the loops."""

    @cached_property
    def inside(self) -> set[Node]:
        """Single products that nobody wants but for what they are gathered in."""
        others = [node for node in self.trace.nodes if node.fn is not gathered]
        wanted = {arg for node in others for arg in node.nodes} | self.ends | self.place.keys()
        found = set()
        for node in self.trace.nodes:
            if node.fn is gathered:  # only where the order matters
                whole = self.whole_families(node)
                terms = {run for run in self.runs(node, whole) if type(run) is not Family}
                if all(term.fn is outer and term not in wanted for term in terms) and all(map(self.only_summed, whole)):
                    found |= terms
        return found

    def family_of(self, term: Any) -> Family | None:
        """The family of a term; none of a single call, or of a constant."""
        return self.place[term][0] if type(term) is Node and term in self.place else None

    def whole_families(self, node: Node) -> Steps:
        """The families that several terms of a total are of, and their steps in the order of the terms."""
        groups: dict[Family, list[int]] = {}
        for term in node.args:
            if (family := self.family_of(term)) is not None:
                groups.setdefault(family, []).append(self.place[term][1])
        terms = {f: _in_line(steps) for f, steps in groups.items() if len(steps) > 1 and f.like.shape == node.shape}
        return {f: steps for f, steps in terms.items() if steps is not None}

    def totalled(self, node: Node) -> bool:
        """A total of whole families, and of what else there is; False if there are none."""
        whole = self.whole_families(node)
        runs = self.runs(node, whole) if self.text.in_order else []
        if len(runs) > 1:
            made = self.one_by_one(node, runs, whole) if node.fn is total else self.at_once(node, runs, whole)
            if made is not None:
                self.values[node] = made
                return True
        if not whole:
            return False
        done, so_far = self.so_far.get(node, (0, None))
        parts: list[Any] = [] if so_far is None else [so_far]
        seen: list[Family] = []
        for term in node.args[done:]:
            family = self.family_of(term)
            if family is None or family not in whole:
                parts.append(self.value(term))
            elif family not in seen:
                seen.append(family)
                parts.append(self.summed(family, whole[family], node))
        self.values[node] = self.text.added(parts, node)
        return True

    def begin_to_add_up(self, families: list[Family]) -> None:
        """Running sums of a loop begin with the terms before them, if these are there already; or else with nothing."""
        found = {}
        for family in families:
            whole, members = self.totals[family], set(family.members)
            first = len(terms_before(family, whole))
            done, so_far = self.so_far.get(whole, (0, None))
            before = whole.args[done:first]
            there = done <= first and all(self.is_there(term, whole) for term in before)
            parts = [each for each in (so_far, *map(self.value, before)) if each is not None] if there else []
            if len(parts) == 1:
                value = parts[0] if so_far is not None else self.text.copied(parts[0])
            else:
                value = self.text.added(parts, whole) if parts else self.text.zeros("total", whole)
            self.running[family] = value
            last = first + len(members)
            if there and members.issuperset(whole.args[first:last]):
                found[whole] = last, value
        self.so_far |= found

    def is_there(self, term: Any, whole: Node) -> bool:
        """Whether a term has been computed, and is as large as the total."""
        single = type(term) is Node and term not in self.place and term in self.values
        return single and (term.shape, term.dtype) == (whole.shape, whole.dtype)

    def runs(self, node: Node, whole: Steps) -> list[Any]:
        """Families, and single terms between them, as the terms follow each other; none if members of one are apart."""
        found: list[Any] = []
        for term in node.args:
            family = self.family_of(term)
            if family not in whole:
                found.append(term)
            elif family not in found:
                found.append(family)
            elif found[-1] is not family:
                return []
        return found

    def one_by_one(self, node: Node, runs: list[Any], whole: Steps) -> Value | None:
        """Rows added up, with what stands between them; None if they are added up elsewhere, or there are none."""
        if not whole or any(family in self.running or self.only_summed(family) for family in whole):
            return None
        pieces = [self.rows(run, forwards(whole[run])) if type(run) is Family else self.value(run) for run in runs]
        return self.text.reduced(self.below(pieces, runs, whole), node)

    def at_once(self, node: Node, runs: list[Any], whole: Steps) -> Value | None:
        """One product of all factors; None if some of the terms are wanted for themselves."""
        if any(not self.only_summed(run) if type(run) is Family else run not in self.inside for run in runs):
            return None
        sides = []
        for i in (0, 1):
            pieces = [
                self.operand(run.columns[i], forwards(whole[run])) if type(run) is Family else self.value(run.args[i])
                for run in runs
            ]
            sides.append(self.below(pieces, runs, whole))
        return self.text.product(sides[0], sides[1], node)

    def below(self, pieces: list[Any], runs: list[Any], whole: Steps) -> Value:
        """What is there for each of these runs, one below the other."""
        text = self.text
        rows = [
            self.turned(piece, whole[run]) if type(run) is Family
            else text.view(piece if type(piece) is Value else text.constant(piece), "{}[None]")
            for piece, run in zip(pieces, runs, strict=True)
        ]  # fmt: skip
        return text.below(rows)

    def turned(self, rows: Value, steps: range) -> Value:
        """Rows in the order of these steps."""
        return self.text.view(rows, "{}[::-1]") if steps.step < 0 and self.text.in_order else rows

    def summed(self, family: Family, steps: range, node: Node) -> Value:
        """The total of the members of these steps, in this order if it matters."""
        if family in self.running:
            so_far: Value = self.running[family]
            return so_far
        like, columns = family.like, family.columns
        for ring in self.rings.values():
            for one in ring.sums:
                if one.family is family and one.node is node and one.value:
                    return one.value
        if not self.only_summed(family):
            return self.text.reduced(self.turned(self.rows(family, forwards(steps)), steps), node)
        sides: list[Any] = [self.operand(column, forwards(steps)) for column in columns]
        if like.fn is outer:
            if steps.step < 0 and self.text.in_order:
                sides = [self.text.laid_out(self.turned(side, steps)) for side in sides]
            return self.text.product(sides[0], sides[1], node)
        if like.fn is mean_product:
            return self.text.mean(sides[0], sides[1], node, like.args[0].shape)
        flat = self.text.flat(sides[0], len(sides[0].shape) - 1)
        return self.text.reduced(sides[0], node, (0, 1)) if flat is None else self.text.reduced(flat, node)


def forwards(steps: range) -> range:
    """The same steps in the order of time."""
    return range(min(steps), max(steps) + 1)


def _in_line(steps: list[int]) -> range | None:
    """Steps as a range, from the first to the last or the other way; None if some are missing."""
    low, high = min(steps), max(steps) + 1
    if sorted(steps) != list(range(low, high)):
        return None
    return range(low, high) if steps[0] <= steps[-1] else range(low, high)[::-1]
