"""Buffers in the same memory: one begins where the other is not needed any more.

Also row by row: what a step of a loop writes may lie where it has just read, if nothing reads that again. So the
cotangents of a backward pass take over the memory of what they are computed from.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from minigrad.compiler.families import ENDS


@dataclass(frozen=True)
class Over:
    """From when to when, by the numbers of statements, a buffer may be written where another one is still read.

    Its own first row then lies at this ``row`` of the other.
    """

    first: int
    last: int
    row: int = 0


@dataclass(eq=False)
class Home:
    """A buffer: the statements, by number, during which it is needed, and what it may lie ``over``, by name."""

    name: str
    shape: tuple[int, ...]
    dtype: Any
    first: int = -1
    last: int = -1
    over: dict[str, Over] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        return self.shape[0] if self.shape else 1


@dataclass(eq=False)
class Memory:
    """An array of the rows from ``low`` to ``high`` for buffers that begin at these; ``latest`` came last."""

    latest: Home
    low: int
    high: int
    last: int
    begins: dict[Home, int]

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.high - self.low, *self.latest.shape[1:]) if self.latest.shape else ()

    @property
    def bytes(self) -> int:
        return int(math.prod(self.shape) * self.latest.dtype.itemsize)

    def fits(self, home: Home, row: int) -> bool:
        """Whether a buffer may begin there: it has about as many rows, whatever the length of the sequences is."""
        near = abs(row - self.low) <= ENDS and abs(row + home.rows - self.high) <= ENDS
        like = (self.latest.shape[1:], self.latest.dtype) == (home.shape[1:], home.dtype)
        return near and like and bool(home.shape and self.latest.shape)

    def take(self, home: Home, row: int) -> None:
        """A buffer, for which there is room then."""
        self.low, self.high = min(self.low, row), max(self.high, row + home.rows)
        self.latest, self.last = home, max(self.last, home.last)
        self.begins[home] = row

    def whole(self) -> Home | None:
        """A buffer that is all of it."""
        return next((home for home in self.begins if home.rows == self.high - self.low), None)


def memories(homes: Iterable[Home], share: bool) -> list[Memory]:
    """The arrays that buffers lie in: the fewest that are found by going through them as they begin."""
    found: list[Memory] = []
    for home in sorted(homes, key=lambda home: home.first):
        places = _over(home, found) or [
            (memory, memory.low) for memory in sorted(found, key=lambda memory: memory.last) if memory.last < home.first
        ]
        fits = [(memory, row) for memory, row in places if memory.fits(home, row)]
        if fits and share:
            memory, row = fits[-1]  # written last, and so in the cache
            memory.take(home, row)
        else:
            found.append(Memory(home, 0, home.rows, home.last, {home: 0}))
    return found


def _over(home: Home, found: list[Memory]) -> list[tuple[Memory, int]]:
    """Where it may lie over what is needed still."""
    places = []
    for memory in found:
        over = home.over.get(memory.latest.name)
        others = (each.last for each in memory.begins if each is not memory.latest)
        if over and over.first <= home.first > max(others, default=-1) and memory.last <= over.last:
            row = memory.begins[memory.latest] + over.row
            places += [(memory, row)] if memory.fits(home, row) else []
    return places
