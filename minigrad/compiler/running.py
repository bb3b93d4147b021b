"""Sums over all steps in the order in which the engine adds them up, so that the last bits are the same.

What the engine multiplies at once, since that is cheaper, is `gathered`, one product here too. The rest it adds up step
by step, and so does a program that must not reorder: within a loop that is there anyway, as textbooks have it,
``dW += dz_tᵀ h_{t-1}``; or, where terms are small, for all steps at once and then one after the other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from minigrad.compiler.algebra import axis_of, outer, total
from minigrad.compiler.families import Family, Rows
from minigrad.compiler.node import Node

SMALL = 2
"""So many times smaller than what they are made of are terms that are computed for all steps at once."""
LARGE = 1 << 15
"""Bytes of a row from which on nothing is kept for all steps that need not be."""


def is_term(family: Family) -> bool:
    """Whether its calls make what is added up over all steps: LᵀR, or a sum over rows."""
    if family.like.fn is outer:
        return all(type(column) is Rows for column in family.columns)
    return is_sum_of_rows(family)


def is_sum_of_rows(family: Family) -> bool:
    """Whether each call sums what another family has made, over the first axis."""
    like = family.like
    over_first = like.fn is np.sum and axis_of(like) in (0, (0,)) and not like.kwargs.get("keepdims")
    return over_first and type(family.columns[0]) is Rows


def is_small(family: Family) -> bool:
    """Whether terms for all steps are little beside what they are made of."""
    rows = max((column.family.like.bytes for column in family.columns if type(column) is Rows), default=0)
    return SMALL * family.like.bytes <= rows < LARGE


@lru_cache
def laid_out_alike(rows: int, n: int, inner: int, dtype: Any) -> bool:
    """Whether a product with Wᵀ has the same bits if Wᵀ is laid out row by row: libraries have code for either."""
    rng = np.random.default_rng(0)
    h, W = rng.normal(size=(rows, inner)).astype(dtype), rng.normal(size=(n, inner)).astype(dtype)
    return np.array_equal(h @ W.T, np.dot(h, W.T.copy("C")))


def adding(schedule: Any, circles: list[list[Any]]) -> dict[Family, Node]:
    """The terms that are added up as they are made, and their totals.

    In a loop that is there anyway, if it makes what they are made of in the same order: from now on they are of it.
    """
    users: dict[Any, list[Any]] = {}
    for unit in schedule.everything():
        for other in schedule.needed(unit):
            users.setdefault(other, []).append(unit)
    wanted = {schedule.unit(node) for node in schedule.trace.wanted()}
    circle_of = {unit: number for number, circle in enumerate(circles) for unit in circle}  # each after what it needs
    found, joined = {}, []
    for family in [circle[0] for circle in circles if len(circle) == 1 and type(circle[0]) is Family]:
        whole = None if family in wanted or family in users.get(family, ()) else total_of(family, users.get(family, ()))
        if whole is None or not is_term(family) or is_small(family):
            continue
        found[family] = whole
        loop = circles[max(circle_of[each] for each in schedule.needed(family))]
        inside = [column for column in family.columns if type(column) is Rows and column.family in loop]
        if len(loop) < 2 or len(inside) != 1 or inside[0].others or any(type(unit) is Node for unit in loop):
            continue
        columns = [column for each in loop for column in each.columns if type(column) is Rows and column.family in loop]
        steps = {step - inside[0].shift for each in loop for step in each.steps}
        if steps.issuperset(family.steps) and any(c.shift > 0 for c in columns) == is_back(family, whole):
            schedule.finder.renumber(family, inside[0].shift)
            loop.append(family)
            joined.append(family)
    circles[:] = [circle for circle in circles if len(circle) > 1 or circle[0] not in joined]
    return found


def total_of(family: Family, users: Sequence[Any]) -> Node | None:
    """The one total that all members of a family are in, each once; None if they are used otherwise too."""
    if not users or any(user is not users[0] or type(user) is not Node or user.fn is not total for user in users):
        return None
    whole: Node = users[0]
    members = set(family.members)
    once = Counter(arg for arg in whole.nodes if arg in members) == Counter(family.members)
    return whole if once and whole.shape == family.like.shape and whole.dtype == family.like.dtype else None


def is_back(family: Family, whole: Node) -> bool:
    """Whether a total has the members of a family from the last one to the first."""
    return whole.nodes.index(family.members[0]) > whole.nodes.index(family.members[-1])


def terms_before(family: Family, whole: Node) -> tuple[Any, ...]:
    """The terms of a total that come before all members of a family."""
    members = set(family.members)
    return whole.args[: next(i for i, term in enumerate(whole.args) if type(term) is Node and term in members)]
