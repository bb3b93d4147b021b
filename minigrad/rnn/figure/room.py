"""Where there is room beside what is drawn: for names beside arrows, and for what is differentiated beside circles."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise, product

from minigrad.rnn.figure.geometry import ACUTE, RADIUS, Line, Outline, Point, between, meeting
from minigrad.rnn.figure.names import TARGET
from minigrad.rnn.figure.strokes import Box

NEAR = 1.5  # from a box to a line
CLEAR, APART = 5.0, 4.0  # from a line to a circle that it does not leave, and to another line
REACHES = (14.0, 20.0, 28.0, 38.0, 50.0, 66.0, 90.0)  # how long lines to what stands beside a circle may be
DIRECTIONS = (90, 60, 120, 0, 30, 150, 45, 135, 180, 270, 300, 240, 330, 210, 75, 105, 15, 165)  # what looks best first


@dataclass
class Room:
    """What stands and runs in a drawing: circles, lines, and boxes of words."""

    outlines: list[Outline]
    lines: list[Line]
    boxes: list[Box]

    def free(self, box: Box, own: Line = (), alone: float = NEAR) -> bool:
        """Whether there is no circle, no line and no box, and no line but its ``own`` is nearer than ``alone``."""
        for x, y, boxed in self.outlines:
            half_x, half_y = (TARGET[0] / 2, TARGET[1] / 2) if boxed else (RADIUS, RADIUS)
            if not box.beside(Box(x, y, half_x + 0.5, half_y + 0.5)):
                return False
        return all(map(box.beside, self.boxes)) and all(
            box.away(a, b) > (NEAR if line == own else max(alone, NEAR))
            for line in self.lines
            for a, b in pairwise(line)
        )

    def near(self, circle: Outline, width: float, height: float) -> tuple[Line, Box] | None:
        """A box of this size near a circle, and a line to it; it crosses others only where there is no other way."""
        for crossing, reach, degrees in product((False, True), REACHES, DIRECTIONS):
            x, y = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
            start = circle.edge((circle.x + 100 * x, circle.y + 100 * y))
            end = start[0] + reach * x, start[1] + reach * y
            half = min(each / 2 / abs(along) for each, along in ((width, x), (height, y)) if abs(along) > 1e-9)
            box = Box(end[0] + half * x, end[1] + half * y, width / 2, height / 2)
            if self.free(box) and self._clear(start, end, circle, crossing):
                self.boxes.append(box)
                self.lines.append((start, end))
                return (start, end), box
        return None

    def _clear(self, start: Point, end: Point, circle: Outline, crossing: bool) -> bool:
        """Whether a line touches nothing; it may cross others, at an angle."""
        if any(other.clear_of(start, end) < CLEAR for other in self.outlines if other != circle):
            return False
        if any(box.away(start, end) < NEAR for box in self.boxes):
            return False
        pieces = [piece for line in self.lines for piece in pairwise(line)]
        near = [piece for piece in pieces if between(start, end, *piece) < APART]
        met = [meeting(start, end, *piece) for piece in near]
        return not near or (crossing and all(each and each[2] > math.sin(math.radians(ACUTE)) for each in met))
