"""Rows that a loop overwrites: what a step writes may lie where it has just read, if nothing reads that again.

Back in time, ∂C/∂z_t so takes over the memory of f'(z_t), which it is computed from: an array less that is as long as
the sequence. Which of two buffers is needed when is for `minigrad.compiler.sharing` to say; here, that the steps do not
stand in each other's way.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from minigrad.compiler import batching
from minigrad.compiler.families import Family, Rows, Same
from minigrad.compiler.homes import Homes
from minigrad.compiler.node import Node
from minigrad.compiler.schedule import Loop
from minigrad.compiler.sharing import Over

LARGE = 1 << 10
"""Bytes of a row from which on a call may overwrite its own argument: NumPy takes longer over that, if it is small."""


def overwrite(plan: Homes, loop: Loop, first: int, apart: Collection[str]) -> None:
    """Tell the buffers that a loop writes to which ones they may lie over, row by row.

    Parameters
    ----------
    plan : Homes
    loop : Loop
        That has been written, steps beside it included, from the statement ``first`` on.
    apart : collection of str
        Buffers that other statements among these use.
    """
    body = [family for family in loop.families if plan.base(family) is None]
    barred = _used_otherwise(plan, loop).union(apart)
    read: dict[Family, int] = {}
    for i, family in enumerate(body):
        rows = [column for column in family.columns if type(column) is Rows]
        for other in {plan.root(column.family) for column in rows}:
            whole = all(column.family is other for column in rows if plan.root(column.family) is other)
            itself = whole and batching.in_place(family.like) and family.like.bytes >= LARGE
            read[other] = i if itself else i + 1  # the first call that may overwrite it
    for i, family in enumerate(body):
        mine, home = plan.stays[family], _buffer(plan, family)
        for other, least in read.items():
            theirs, under = plan.stays[other], _buffer(plan, other)
            if home is None or under is None or under in barred or other in loop.families or i < least:
                continue
            if not theirs.extra and mine.extra.keys().isdisjoint(other.steps):
                plan.text.homes[home].over[under] = Over(first, len(plan.text.lines) - 1, mine.low - theirs.low)


def _buffer(plan: Homes, family: Family) -> str | None:
    """The buffer that has a row for each member, and nothing beside it."""
    home = plan.stays[family].home
    return str(home.name) if home and family not in plan.rings and home.name in plan.text.homes else None


def _used_otherwise(plan: Homes, loop: Loop) -> set[str]:
    """The buffers that a step uses more of than the row of its own."""
    uses: list[Any] = [node for stay in plan.stays.values() for node in stay.extra.values()]
    columns = [column for family in loop.families for column in family.columns]
    for family in loop.families:
        for each in plan.rings[family].sums if family in plan.rings else ():
            uses += [column.family for column in each.family.columns if type(column) is Rows]
    for column in columns:
        uses += column.singles
        if type(column) is Rows:
            root = plan.root(column.family)
            if _shift(plan, column) or plan.sequence(root):
                uses.append(root)
    return set().union(*(_buffers(plan, each) for each in uses))


def _shift(plan: Homes, column: Rows) -> int:
    """How much later the row is that a step sees, at the bottom of views of views."""
    shift, family = column.shift, column.family
    while (base := plan.base(family)) is not None:
        shift += family.columns[0].shift
        family = base
    return shift


def _buffers(plan: Homes, value: Any) -> frozenset[str]:
    """Where a node or a family is; nowhere, if it is computed later."""
    if type(value) is Node and value in plan.place:
        value = plan.place[value][0]
    if type(value) is not Family:
        found = plan.values.get(value) if type(value) is Node else None
        return getattr(found, "homes", frozenset())
    root = plan.root(value)
    home, whole = plan.stays[root].home, root.columns[0]
    if home is None and type(whole) is Same:  # entries of an array
        return _buffers(plan, whole.value)
    return getattr(home, "homes", frozenset())
