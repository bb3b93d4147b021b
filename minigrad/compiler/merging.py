"""Sums of products as one product: W h + U x + b is [W U b] times h, x and 1, one below the other.

In a loop that saves each step a sum, and all steps together the products with their inputs. States lie in memory with a
few more numbers beside each, and that pays where these are few, and the state a short row.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad.compiler.algebra import total
from minigrad.compiler.families import Family, Rows, Same
from minigrad.compiler.node import Node
from minigrad.compiler.schedule import Loop, Schedule

NARROW = 4  # so many times as wide as what comes beside it is a state, at least
SHORT = 512  # bytes of a state, at most, and it is a single one: larger products take longer for a few numbers more


@dataclass(eq=False)
class Merge:
    """How a sum in a loop is computed as one product.

    Attributes
    ----------
    state, beside : Rows
        The families of which the rows lie side by side, seen from a step of the sum; ``gone`` are never computed.
    above, below : Node
        The matrices that they are multiplied by.
    bias : Node or None
    """

    state: Rows
    above: Node
    beside: Rows
    below: Node
    bias: Node | None
    gone: list[Family]

    @property
    def widths(self) -> tuple[int, int]:
        """How many numbers a row has, without and with what is beside the state."""
        n = self.state.family.like.shape[-1]
        return n, n + self.beside.family.like.shape[-1] + (self.bias is not None)


def merges(schedule: Schedule, ends: set[Node]) -> dict[Family, Merge]:
    """All sums in loops for which it pays, and how."""
    uses = _uses(schedule, ends)
    found: dict[Family, Merge] = {}
    wide: set[Family] = set()
    for loop in [unit for unit in schedule.units if type(unit) is Loop]:
        for family in loop.families:
            merge = _merge(family, loop, uses)
            if merge is not None and merge.state.family not in wide:
                wide.add(merge.state.family)
                found[family] = merge
    return found


def _uses(schedule: Schedule, ends: set[Node]) -> Counter[Family]:
    """In how many places a family is used, as a whole or in part."""
    uses: Counter[Family] = Counter()
    nodes = [*ends, *(arg for node in schedule.singles for arg in node.nodes)]
    for family in schedule.finder.families:
        for column in family.columns:
            nodes += column.singles
            if type(column) is Rows:
                uses[column.family] += 1
    return uses + Counter(schedule.place[node][0] for node in nodes if node in schedule.place)


def _merge(family: Family, loop: Loop, uses: Counter[Family]) -> Merge | None:
    """How this one is merged; None if it is no sum of the state's product and an input's, or does not pay."""
    if family.like.fn is not total or len(family.columns) != 2 or not all(map(_now, family.columns)):
        return None
    parts = [column.family for column in family.columns]
    inside, outside = [[each for each in parts if (each in loop.families) is here] for here in (True, False)]
    if len(inside) != 1 or len(outside) != 1 or sorted(loop.common) != list(family.steps):
        return None
    first, gone, bias = inside[0], [*inside, *outside], None
    second = outside[0]
    if second.like.fn is total and len(second.columns) == 2 and _now(second.columns[0]):
        bias = second.columns[1].value if type(second.columns[1]) is Same else None
        if type(bias) is not Node or bias.shape != family.like.shape[-1:] or bias.dtype != family.like.dtype:
            return None
        second = second.columns[0].family
        gone.append(second)
    if not (_product(first, family) and _product(second, family) and all(uses[each] == 1 for each in gone)):
        return None
    state, beside = first.columns[0], second.columns[0]
    if state.family not in loop.families or state.family in (family, first) or not state.shift or beside.others:
        return None
    like = state.family.like
    if beside.family in loop.families or math.prod(like.shape[:-1]) > 1 or like.shape[-1] * like.dtype.itemsize > SHORT:
        return None
    merge = Merge(state, first.columns[1].value, beside, second.columns[1].value, bias, gone)
    narrow, broad = merge.widths
    return merge if NARROW * (broad - narrow) <= narrow else None


def _now(column: Any) -> bool:
    """Whether it is a family of which each step sees its own member."""
    return type(column) is Rows and not column.shift and not column.others


def _product(family: Family, like: Family) -> bool:
    """Whether it is the product of a row, or of several, and one matrix, at the steps of another family."""
    if family.like.fn is not np.matmul or family.like.kwargs or family.steps != like.steps:
        return False
    rows, matrix = family.columns
    if type(rows) is not Rows or type(matrix) is not Same or type(matrix.value) is not Node:
        return False
    one, two = rows.family.like, matrix.value
    ranks = len(one.shape) == len(like.like.shape) in (1, 2) and len(two.shape) == 2
    return bool(ranks and one.dtype == two.dtype == like.like.dtype and one.dtype.kind == "f")
