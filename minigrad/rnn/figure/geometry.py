"""Points, segments and outlines: what stands in a line's way, and when two lines are too near to be told apart.

All lengths are points, all angles degrees; y grows upwards.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple

from minigrad.rnn.figure.names import CIRCLE, TARGET

Point = tuple[float, float]
Line = tuple[Point, ...]
"""A polyline."""

RADIUS = CIRCLE / 2
APART = 3.0  # from line to line, where they do not cross
ACUTE = 18.0  # lines that cross at less could be taken for one another
END = 2.0  # so near to an end nothing crosses


class Outline(NamedTuple):
    """A circle, or the box of a target, by its centre."""

    x: float
    y: float
    box: bool = False

    def moved(self, x: float) -> Outline:
        """The same further right."""
        return Outline(self.x + x, self.y, self.box)

    def away(self, p: Point) -> float:
        """How far a point is from the edge; negative or 0 inside."""
        x, y = abs(p[0] - self.x), abs(p[1] - self.y)
        if not self.box:
            return math.hypot(x, y) - RADIUS
        return math.hypot(max(x - TARGET[0] / 2, 0.0), max(y - TARGET[1] / 2, 0.0))

    def clear_of(self, a: Point, b: Point) -> float:
        """How far a segment is from the edge; negative or 0 where it runs into it."""
        if not self.box:
            return to_segment((self.x, self.y), a, b) - RADIUS
        half_x, half_y = TARGET[0] / 2, TARGET[1] / 2
        corners = [(self.x + i * half_x, self.y + j * half_y) for i, j in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
        if not self.away(a) or not self.away(b):
            return 0.0
        return min(between(a, b, corners[k - 1], corners[k]) for k in range(4))

    def edge(self, towards: Point) -> Point:
        """Where a line from the centre towards a point outside leaves."""
        x, y = towards[0] - self.x, towards[1] - self.y
        if not x and not y:  # nowhere
            return towards
        if self.box:
            part = min(TARGET[0] / 2 / abs(x) if x else math.inf, TARGET[1] / 2 / abs(y) if y else math.inf)
        else:
            part = RADIUS / math.hypot(x, y)
        return self.x + part * x, self.y + part * y


def to_segment(p: Point, a: Point, b: Point) -> float:
    """From a point to a segment."""
    x, y = b[0] - a[0], b[1] - a[1]
    whole = x * x + y * y
    part = min(max(((p[0] - a[0]) * x + (p[1] - a[1]) * y) / whole, 0.0), 1.0) if whole else 0.0
    return math.hypot(p[0] - a[0] - part * x, p[1] - a[1] - part * y)


def meeting(a: Point, b: Point, c: Point, d: Point) -> tuple[float, float, float] | None:
    """Where two segments cross: how far along each, between 0 and 1, and the sine of the angle; None if they do not."""
    x, y, to_x, to_y = b[0] - a[0], b[1] - a[1], d[0] - c[0], d[1] - c[1]
    area, lengths = x * to_y - y * to_x, math.hypot(x, y) * math.hypot(to_x, to_y)
    if abs(area) <= 1e-9 * lengths:
        return None
    along = ((c[0] - a[0]) * to_y - (c[1] - a[1]) * to_x) / area
    other = ((c[0] - a[0]) * y - (c[1] - a[1]) * x) / area
    return (along, other, abs(area) / lengths) if 0 <= along <= 1 and 0 <= other <= 1 else None


def between(a: Point, b: Point, c: Point, d: Point) -> float:
    """From segment to segment; 0 if they cross."""
    if meeting(a, b, c, d):
        return 0.0
    return min(to_segment(a, c, d), to_segment(b, c, d), to_segment(c, a, b), to_segment(d, a, b))


def confusing(a: Point, b: Point, c: Point, d: Point, acute: float = ACUTE, apart: float = APART) -> bool:
    """Whether two segments are too near to be told apart: side by side, at too small an angle, or end upon line."""
    if (max(a[0], b[0]) + apart < min(c[0], d[0])) or (max(c[0], d[0]) + apart < min(a[0], b[0])):
        return False
    if (max(a[1], b[1]) + apart < min(c[1], d[1])) or (max(c[1], d[1]) + apart < min(a[1], b[1])):
        return False
    met = meeting(a, b, c, d)
    if met is None:
        return between(a, b, c, d) < apart
    along, other, sine = met
    ends = [part * math.dist(*line) for line, at in (((a, b), along), ((c, d), other)) for part in (at, 1 - at)]
    return sine < math.sin(math.radians(acute)) or min(ends) < END


def angle(centre: Point, towards: Point) -> float:
    """The direction of a point from another one, 0 to 360 from the right counterclockwise."""
    return math.degrees(math.atan2(towards[1] - centre[1], towards[0] - centre[0])) % 360


def turned(a: float, b: float) -> float:
    """The angle between two directions, 0 to 180."""
    return abs((a - b + 180) % 360 - 180)


def length(line: Line) -> float:
    """Of a polyline."""
    return sum(math.dist(a, b) for a, b in pairwise(line))


def shifted(line: Line, x: float) -> Line:
    """A polyline further right."""
    return tuple((px + x, py) for px, py in line)


def middle(line: Line) -> Point:
    """Of the longest straight piece of a polyline."""
    a, b = max(pairwise(line), key=lambda piece: math.dist(*piece))
    return (a[0] + b[0]) / 2, (a[1] + b[1]) / 2
