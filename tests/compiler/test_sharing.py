"""Buffers share memory only where one is not needed any more when the other is written."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from minigrad.compiler.sharing import Home, Over, memories

FLOAT = np.dtype(float)


def home(name: str, rows: int, first: int, last: int, over: dict[str, Over] | None = None) -> Home:
    return Home(name, (rows, 3), FLOAT, first, last, over or {})


@st.composite
def buffers(draw: Any) -> list[Home]:
    """Some, and over which others they may lie."""
    found: list[Home] = []
    for i in range(draw(st.integers(1, 8))):
        first = draw(st.integers(0, 6))
        made = home(f"h{i}", draw(st.integers(8, 14)), first, first + draw(st.integers(0, 4)))
        for other in draw(st.lists(st.sampled_from(found), max_size=2)) if found else ():
            begin = draw(st.integers(0, 6))
            made.over[other.name] = Over(begin, begin + draw(st.integers(0, 3)), draw(st.integers(-2, 2)))
        found.append(made)
    return found


@given(buffers())
def test_what_is_needed_is_not_overwritten(homes: list[Home]) -> None:
    found = memories(homes, True)
    assert sorted(each.name for memory in found for each in memory.begins) == sorted(each.name for each in homes)
    for memory in found:
        held = sorted(memory.begins, key=lambda each: each.first)
        assert memory.low == min(memory.begins.values())
        assert memory.high == max(begin + each.rows for each, begin in memory.begins.items())
        assert (memory.whole() is None) == all(each.rows < memory.high - memory.low for each in held)
        for i, later in enumerate(held):
            for earlier in held[:i]:
                over = later.over.get(earlier.name)
                allowed = over and over.first <= later.first and earlier.last <= over.last
                apart = memory.begins[later] - memory.begins[earlier]
                assert earlier.last < later.first or (allowed and apart == over.row)  # type: ignore[union-attr]


def test_memory_is_as_large_as_what_lies_in_it() -> None:
    over = {"drive": Over(1, 2, -1)}
    found = memories([home("drive", 10, 0, 2), home("h", 11, 1, 5, over), home("dz", 9, 6, 7)], True)
    assert [(memory.shape, memory.bytes) for memory in found] == [((11, 3), 264)]
    assert {each.name: begin for each, begin in found[0].begins.items()} == {"drive": 0, "h": -1, "dz": -1}
    assert len(memories([home("a", 10, 0, 0), home("b", 10, 1, 1)], False)) == 2


def test_other_rows_and_other_lengths_are_apart() -> None:
    """How many rows there are goes with the sequences: only those that are as many for all lengths are alike."""
    first = home("a", 10, 0, 0)
    for shape, dtype in (((13, 3), FLOAT), ((10, 4), FLOAT), ((10, 3), np.dtype("f")), ((), FLOAT)):
        assert len(memories([first, Home("b", shape, dtype, 1, 1)], True)) == 2
    assert len(memories([first, home("b", 12, 1, 1)], True)) == 1


def test_what_lay_there_before_is_needed_as_long_as_it_was() -> None:
    """The step behind a loop still reads rows of what the loop overwrites, though what it writes is not needed."""
    homes = [home("a", 9, 0, 5), home("b", 9, 3, 4, {"a": Over(3, 5)}), home("c", 9, 5, 6)]
    assert [sorted(each.name for each in memory.begins) for memory in memories(homes, True)] == [["a", "b"], ["c"]]
