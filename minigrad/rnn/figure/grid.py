"""Where everything in the textbook figure stands: one `Template` after the other, and gaps between steps.

All lengths are points.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import index
from typing import Any

from minigrad.rnn.figure.geometry import Line, Point, shifted
from minigrad.rnn.figure.lattice import TRACK
from minigrad.rnn.figure.pattern import Link, Start
from minigrad.rnn.figure.routes import plain
from minigrad.rnn.figure.template import Template
from minigrad.rnn.figure.wiring import Place

GAP = 98.0  # how much wider a gap is than the space between two steps
INTO = 14.0, 18.0, 10.0, 22.0, 6.0  # how far lines lead into it: where they can be told apart
NEAR = 4.5  # from end to end
BESIDE = 30.0  # from initial values to the edge of their column
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
    """Positions of steps, and of circles and lines in them.

    Parameters
    ----------
    template : Template
        A step laid out.
    visible : sequence of int
        The steps that are drawn.
    T : int
        How many there are.
    gap : float
        How much wider a gap is than the space between two steps.
    """

    def __init__(self, template: Template, visible: Sequence[int], T: int, gap: float = GAP) -> None:
        self.template, self.visible, self.T, self.gap = template, visible, T, gap
        self.spacing = template.spacing
        self.low, self.high = template.low, template.high
        self.into = max(INTO, key=lambda into: _room(template, into))
        self.gaps = gaps(visible, T)
        after_gap = {gap.last + 1 for gap in self.gaps}
        period = self.spacing.period
        self._x, x = {0: -period}, 0.0
        for t in visible:
            x += gap * (t in after_gap)
            self._x[t], x = x, x + period
        self._last = (
            self._x[T] if T in self._x else x - period + gap
        )  # what stands behind the last step is seen from it

    def shows(self, t: int) -> bool:
        """Whether a step is drawn; step 0 is."""
        return t in self._x

    def x(self, t: int) -> float:
        """Where the first column of step t stands; step 0 has the initial values in its last."""
        return self._x[t]

    def at(self, place: Place) -> Point:
        """The centre of a circle."""
        role, t = place
        if t:  # a ghost or a joint, too
            x, y = self.template.spots[role]
            return self.x(t) + x, y
        x, y = self.template.initial[role]
        return x + (self._last if self._stands_behind(role) else 0.0), y

    def _stands_behind(self, role: str) -> bool:
        return self.template.initial[role][0] > 0

    def box(self, t: int) -> tuple[float, float]:
        """The left and right edge of what belongs to step t."""
        if t == 0:
            middle = self.spacing.width - self.spacing.period
            return middle - BESIDE, middle + BESIDE
        return self.x(t) - self.spacing.left, self.x(t) + self.spacing.width + self.spacing.right

    @property
    def right(self) -> float:
        """Where the picture of the steps ends."""
        last = self.visible[-1]
        behind = [self.at((role, 0))[0] + BESIDE for role in self.template.initial if self._stands_behind(role)]
        return max([self.box(last)[1], *(self.span(gap)[1] for gap in self.gaps if gap.before == last), *behind])

    def span(self, gap: Gap) -> tuple[float, float]:
        """From where to where a gap reaches."""
        left = self.box(gap.before)[1]
        return left, self.box(gap.last + 1)[0] if self.shows(gap.last + 1) else left + self.gap + TRACK

    def gap_with(self, t: int) -> Gap:
        """The gap that step t is left out in."""
        return self.gaps[bisect_right(self.gaps, t, key=lambda gap: gap.first) - 1]

    # -- lines --------------------------------------------------------------------------------------------------------

    def key(self, source: Place, target: Place) -> Link | Start:
        """What a connection is called in the template."""
        (role, s), (to_role, t) = source, target
        if s:
            return Link(role, to_role, t - s)
        return Start(role, to_role, t - self.T - 1 if self._stands_behind(role) else t)

    def ghost(self, source: Place, target: Place) -> Place | None:
        """The ghost that a connection is drawn from, if it is."""
        role = self.template.ghosts.get(self.key(source, target))
        return None if role is None else (role, target[1])

    def line(self, source: Place, target: Place) -> tuple[Line | None, Line | None]:
        """What is drawn of a connection, from its source and to its target; both are one line if nothing is hidden.

        A line keeps its way up to the edge of the gap that it leads into.
        """
        s, t, key = source[1], target[1], self.key(source, target)
        begin, origin = s, s
        if isinstance(key, Link):
            line = self.template.links[key]
        else:
            begin, origin = (0, 1) if key.t > 0 else (self.T + 1, self.T)
            line = self.template.starts[key]
        ahead = 1 if t > begin else -1
        hidden = [u for u in range(begin, t + ahead, ahead) if 0 < u <= self.T and not self.shows(u)]
        start = end = None
        if not s or self.shows(s):
            shift = self._last if begin > self.T else self.x(begin) + (origin - begin) * self.spacing.period
            start = self._until(shifted(line, shift), hidden[:1], ahead)
        if self.shows(t):
            backwards = shifted(line, self.x(t) - (t - origin) * self.spacing.period)[::-1]
            end = self._until(backwards, hidden[-1:], -ahead)[::-1]
        if start and end:
            start = end = plain([*start, *end]) if hidden else start
        return start, end

    def _until(self, line: Line, hidden: list[int], ahead: int) -> Line:
        """A line until it is in the gap of a hidden step."""
        if not hidden:
            return line
        left, right = self.span(self.gap_with(hidden[0]))
        edge = left + self.into if ahead > 0 else right - self.into
        found = [line[0]]
        for (x, y), (to_x, to_y) in pairwise(line):
            if (to_x - edge) * ahead >= 0:
                return (*found, (edge, y + (to_y - y) * (edge - x) / (to_x - x)))
            found.append((to_x, to_y))
        return line


def _room(template: Template, into: float) -> float:
    """How far lines would be from one another where a gap hides them, so far from the edges of the steps beside it."""
    spacing = template.spacing
    right, left, first = spacing.width + spacing.right, -spacing.left, spacing.width - spacing.period + BESIDE
    links = [
        shifted(line, copy * spacing.period)
        for link, line in template.links.items()
        for copy in range(-abs(link.lag), abs(link.lag) + 1)
    ]
    starts = [line for start, line in template.starts.items() if start.t > 0]
    least = NEAR
    for edge, lines in ((right + into, links), (left - into, links), (first + into, starts)):
        ys = [
            a[1] + (b[1] - a[1]) * (edge - a[0]) / (b[0] - a[0])
            for line in lines
            for a, b in pairwise(line)
            if min(a[0], b[0]) <= edge < max(a[0], b[0])
        ]
        least = min([least, *(b - a for a, b in pairwise(sorted(ys)))])
    return least
