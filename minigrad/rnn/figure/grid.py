"""Where everything in the textbook figure stands: one column of circles a step or more, and gaps between steps.

All lengths are points. A model's ``layout`` says at which column and row of a step a role stands; a gap is as wide as a
little more than the space between two steps.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import index
from typing import Any

COLUMN, ROW = 60.0, 62.0  # from role to role
SPACE = 98.0  # from the last column of a step to the first of the next
LEFT, RIGHT = 38.0, 52.0  # from a step's first and last column to the edge of its box
BUS = 30.0  # from bus to bus
MANY, ENDS = 12, 3  # of more steps than this, only so many are drawn at either end


@dataclass(frozen=True)
class Gap:
    """The steps ``first`` ... ``last`` are left out; ``before`` is the step drawn before them, 0 if none is."""

    first: int
    last: int
    before: int

    def __len__(self) -> int:
        return self.last - self.first + 1


def chosen(steps: Any, T: int) -> list[int]:
    """Which of T steps ``steps`` asks for: "auto", "all", "ends", a range or a sequence of numbers."""
    everything = list(range(1, T + 1))
    if isinstance(steps, str):
        if steps not in ("auto", "all", "ends"):
            raise ValueError(f"steps={steps!r} is not known: choose one of auto, all, ends, or pass range(5, 12)")
        long = T > 2 * ENDS if steps == "ends" else T > MANY and steps == "auto"
        return [*everything[:ENDS], *everything[-ENDS:]] if long else everything
    try:
        numbers = sorted({index(t) for t in steps})
    except TypeError:
        raise TypeError(f"steps={steps!r} names no steps: pass all, ends, or numbers such as range(5, 12)") from None
    if wrong := [t for t in numbers if not 1 <= t <= T]:
        raise ValueError(f"steps names {wrong[:5]}, but the steps of this run are 1 ... {T}")
    if not numbers:
        raise ValueError("steps names no step at all: pass auto, all, ends, or numbers such as range(5, 12)")
    return numbers


def gaps(visible: Sequence[int], T: int) -> list[Gap]:
    """What is left out of 1 ... T."""
    edges = zip([0, *visible], [*visible, T + 1], strict=True)
    return [Gap(a + 1, b - 1, a) for a, b in edges if b - a > 1]


class Grid:
    """Positions of steps and roles.

    Parameters
    ----------
    layout : dict of str to (float, float)
        Column and row of every role.
    roles : iterable of str
        Those that occur.
    visible : sequence of int
        The steps that are drawn.
    T : int
        How many there are.
    """

    def __init__(
        self, layout: dict[str, tuple[float, float]], roles: Iterable[str], visible: Sequence[int], T: int
    ) -> None:
        self.roles = set(roles)
        if missing := sorted(self.roles - layout.keys()):
            raise ValueError(f"the model's layout has no place for {', '.join(missing)}: give it a column and a row")
        self.layout, self.visible = layout, visible
        self.gaps = gaps(visible, T)
        self.width = max(layout[role][0] for role in self.roles) * COLUMN
        rows = [layout[role][1] for role in self.roles]
        self.low, self.high = min(rows) * ROW - 26, max(rows) * ROW + 44
        after_gap = {gap.last + 1 for gap in self.gaps}
        self._x, x = {0: -SPACE}, 0.0
        for t in visible:
            x += SPACE * (t in after_gap)
            self._x[t], x = x, x + self.width + SPACE

    def shows(self, t: int) -> bool:
        """Whether a step is drawn; step 0 is."""
        return t in self._x

    def x(self, t: int) -> float:
        """Where the first column of step t stands; step 0 is a column for the initial values."""
        return self._x[t]

    def at(self, place: tuple[str, int]) -> tuple[float, float]:
        """The centre of a circle."""
        column, row = self.layout[place[0]]
        return self.x(place[1]) + (column * COLUMN if place[1] else 0.0), row * ROW

    def box(self, t: int) -> tuple[float, float]:
        """The left and right edge of what belongs to step t."""
        if t == 0:
            return -SPACE - 30, -SPACE + 30
        return self.x(t) - LEFT, self.x(t) + self.width + RIGHT

    @property
    def right(self) -> float:
        """Where the picture of the steps ends."""
        last = self.visible[-1]
        return max([self.box(last)[1], *(self.span(gap)[1] for gap in self.gaps if gap.before == last)])

    def span(self, gap: Gap) -> tuple[float, float]:
        """From where to where a gap reaches."""
        left = self.box(gap.before)[1]
        return left, self.box(gap.last + 1)[0] if self.shows(gap.last + 1) else left + 2 * SPACE - LEFT - RIGHT

    def gap_with(self, t: int) -> Gap:
        """The gap that step t is left out in."""
        return self.gaps[bisect_right(self.gaps, t, key=lambda gap: gap.first) - 1]

    def towards(self, source: tuple[str, int], target: tuple[str, int]) -> tuple[float, float]:
        """Where on the edge of a gap a connection ends of which only one end is drawn.

        It keeps the direction that it would have between two neighbouring steps.
        """
        (column, row), (to_column, to_row) = self.layout[source[0]], self.layout[target[0]]
        whole = (self.width - column * COLUMN if source[1] else 0.0) + SPACE + to_column * COLUMN
        if self.shows(source[1]):
            x, end = self.at(source)[0], self.span(self.gap_with(target[1]))[0] + 14
            part = min((end - x) / whole, 1.0)
        else:
            x, end = self.at(target)[0], self.span(self.gap_with(source[1]))[1] - 14
            part = max(1 - (x - end) / whole, 0.0)
        return end, (row + (to_row - row) * part) * ROW

    def free(self, role: str, direction: int) -> bool:
        """Whether nothing stands right (1) or left (-1) of a role in its row."""
        column, row = self.layout[role]
        return not any(
            (self.layout[other][0] - column) * direction > 0 and self.layout[other][1] == row for other in self.roles
        )
