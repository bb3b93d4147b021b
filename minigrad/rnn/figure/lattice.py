"""The lattice on which lines run around circles: tracks between the columns and rows of circles, and who runs there.

A lattice of a step repeats itself in every other (it has a `period`): a line occupies its place in all steps at once,
so what is free for one copy of it is free for all. Its vertices are numbered on and on, from step to step; those of a
lattice without a period are all different.

A line passes a vertex along its row or its column, and another one may cross it there, at a right angle. Where it
turns, nothing else comes. So no two lines share a piece of the lattice.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from minigrad.rnn.figure.geometry import Line, Outline, to_segment

COLUMN, ROW = 60.0, 62.0  # from circle to circle, with two tracks between them
TRACK = 8.0  # from track to track
BESIDE, BESIDE_BOX, ABOVE = 26.0, 32.0, 27.0  # from the centre of a circle, or a box, to the first track
PORT = 20.0  # from the centre of a circle to a column where one may turn towards it
CROWDED = 10.0, 12.0  # more of these, and such rows, for circles to which very many lines lead
LEFT, RIGHT = 2, 3  # tracks left of a step's first and right of its last column
FEW = 1, 2  # and where they are to stand close together
FANS = 14.0, 14.0, 9.5  # between two lines at a circle, in degrees: in a crowd of lines less
CLEAR = 6.0  # from a line to a circle that it does not lead to
OUT = 30.0  # from the outermost track to the line that leads out
OBLIQUE = 4.0  # nearer to an oblique line nothing turns

ALONG, ACROSS, TURN, NEAR = 1, 2, 4, 8  # what is at a vertex: a line along the row, along the column, a turn, ...
# Kinds of columns and rows: a track, through the centres of circles, only to turn towards one, and outside of the step.
TRAVEL, MIDDLE, STUB, OUTSIDE = range(4)


class Spacing:
    """Where columns and rows of slots stand, when so many tracks more than usual run between them.

    ``crowd`` tells how many lines lead to a circle: 0 for few, 1 for many, 2 for very many; ``tracks`` how many tracks
    there are at a step's left and right, at least.

    Attributes
    ----------
    x, y : dict of float to float
        Of each column and row.
    width : float
        From a step's first column to its last.
    left, right, period : float
        From the first column to the step's left edge, from the last to its right edge, and from step to step.
    """

    def __init__(
        self,
        slots: Mapping[str, tuple[float, float]],
        boxes: Iterable[str],
        wider: int = 0,
        higher: int = 0,
        crowd: int = 0,
        tracks: tuple[int, int] = (LEFT, RIGHT),
    ) -> None:
        boxed = {slots[role][0] for role in boxes if role in slots}
        columns, rows = (sorted({slot[axis] for slot in slots.values()}) for axis in (0, 1))
        self.beside = {column: BESIDE_BOX if column in boxed else BESIDE for column in columns}
        pitch = COLUMN + TRACK * wider
        self.x, at = {columns[0]: 0.0}, 0.0
        for a, b in pairwise(columns):
            room = self.beside[a] + self.beside[b] + TRACK * (1 + wider)
            at += max((b - a) * pitch, room if b - a >= 1 else 0.0)
            self.x[b] = at
        self.y = {row: row * (ROW + TRACK * higher) for row in rows}
        self.width, self.more, self.crowd, self.tracks = at, (wider, higher), crowd, tracks
        self.left = self.beside[columns[0]] + TRACK * (tracks[0] - 1 + wider) + 4
        self.right = self.beside[columns[-1]] + TRACK * (tracks[1] - 1 + wider) + 10
        self.period = self.width + self.left + self.right + TRACK

    @property
    def fan(self) -> float:
        """The least angle between two lines at a circle."""
        return FANS[self.crowd]

    def columns(self) -> list[tuple[float, int]]:
        """The vertical lines of a step, from left to right, and what may be done on each."""
        xs = list(self.x.values())
        halves = list(self.beside.values())
        found = dict.fromkeys(xs, MIDDLE)
        tracks = [xs[0] - halves[0] - TRACK * k for k in range(self.tracks[0] + self.more[0])]
        tracks += [xs[-1] + halves[-1] + TRACK * k for k in range(self.tracks[1] + self.more[0])]
        for (a, half), (b, other) in pairwise(zip(xs, halves, strict=True)):
            tracks += _tracks(a + half, b - other)
        found |= dict.fromkeys(tracks, TRAVEL)
        return _with_ports(found, xs, (PORT, CROWDED[0]) if self.crowd else (PORT,))

    def rows(self) -> list[tuple[float, int]]:
        """The horizontal lines, from below; nothing runs along the first and the last, which lead out of the step."""
        ys = list(self.y.values())
        outside = [ABOVE + TRACK * k for k in range(2 + self.more[1])]
        tracks = [ys[0] - y for y in outside] + [ys[-1] + y for y in outside]
        for a, b in pairwise(ys):
            tracks += _tracks(a + ABOVE, b - ABOVE)
        found = dict.fromkeys(ys, MIDDLE) | dict.fromkeys(tracks, TRAVEL)
        inside = _with_ports(found, ys, CROWDED[1:] if self.crowd else ())
        return [(min(found) - OUT, OUTSIDE), *inside, (max(found) + OUT, OUTSIDE)]


def _with_ports(lines: dict[float, int], centres: list[float], away: tuple[float, ...]) -> list[tuple[float, int]]:
    """Lines in their order, with some more beside the centres of circles."""
    found = dict(lines)
    for at in [at + side * port for port in away for at in centres for side in (-1, 1)]:
        if min(abs(at - other) for other in found) >= OBLIQUE:
            found[at] = STUB
    return sorted(found.items())


def _tracks(first: float, last: float) -> list[float]:
    """As many as there is room for, in the middle of it."""
    room = last - first
    if room < -1e-9:
        return []
    n = int(room / TRACK + 1e-9)
    return [first + (room - TRACK * n) / 2 + TRACK * k for k in range(n + 1)]


class Lattice:
    """Vertices, and what is at each.

    A vertex is a pair of numbers, ``(i, j)``: the column and the row. What is at it stands in ``used``, and whether
    there is one at all in ``there``, both by ``cell(i, j)``.

    Parameters
    ----------
    columns, rows : sequence of (float, int)
        Their places, in order, and what may be done on each.
    outlines : iterable of Outline
        Circles and boxes, of one step if there is a period.
    period : float
        From a step to the next; 0 if there is no other.
    """

    def __init__(
        self,
        columns: Sequence[tuple[float, int]],
        rows: Sequence[tuple[float, int]],
        outlines: Iterable[Outline],
        period: float = 0.0,
    ) -> None:
        self.xs, self.ys, self.period = [x for x, _ in columns], [y for y, _ in rows], period
        self.columns, self.rows = [kind for _, kind in columns], [kind for _, kind in rows]
        self.nx, self.ny = len(self.xs), len(self.ys)
        self.used = bytearray(self.nx * self.ny)
        self.there = bytearray(b"\1" * (self.nx * self.ny))
        for outline in outlines:  # those of other steps are further away than any of its lines
            self._cleared(outline)
        for i, kind in enumerate(self.columns):  # outwards only along tracks
            if kind != TRAVEL:
                self.there[i * self.ny] = self.there[i * self.ny + self.ny - 1] = 0

    def _cleared(self, outline: Outline) -> None:
        reach = 60.0
        for i in range(bisect_left(self.xs, outline.x - reach), bisect_right(self.xs, outline.x + reach)):
            for j in range(bisect_left(self.ys, outline.y - reach), bisect_right(self.ys, outline.y + reach)):
                if outline.away((self.xs[i], self.ys[j])) < CLEAR - 1e-9:
                    self.there[i * self.ny + j] = 0

    def cell(self, i: int, j: int) -> int:
        """Where a vertex is kept."""
        return (i % self.nx) * self.ny + j if self.period else i * self.ny + j

    def x(self, i: int) -> float:
        """Where a column is."""
        return self.xs[i % self.nx] + self.period * (i // self.nx) if self.period else self.xs[i]

    def at(self, vertex: tuple[int, int]) -> tuple[float, float]:
        """Where a vertex is."""
        return self.x(vertex[0]), self.ys[vertex[1]]

    def within(self, low: float, high: float) -> range:
        """The columns between two xs."""
        if not self.period:
            return range(bisect_left(self.xs, low), bisect_right(self.xs, high))
        ends = []
        for x, side in ((low, bisect_left), (high, bisect_right)):
            copies = int((x - self.xs[0]) // self.period)
            ends.append(copies * self.nx + side(self.xs, x - copies * self.period))
        return range(*ends)

    def closed(self, xs: tuple[float, float], rows: Iterable[int]) -> None:
        """Take away the vertices in these rows between two xs, of one step."""
        for i in range(bisect_left(self.xs, xs[0]), bisect_right(self.xs, xs[1])):
            for j in rows:
                self.there[i * self.ny + j] = 0

    def occupied(self, line: Line) -> None:
        """Put a line where it runs."""
        for a, b in pairwise(line):
            (low, high), (bottom, top) = sorted((a[0], b[0])), sorted((a[1], b[1]))
            level, upright = abs(a[1] - b[1]) < 1e-6, abs(a[0] - b[0]) < 1e-6
            here = range(bisect_right(self.ys, bottom - OBLIQUE), bisect_left(self.ys, top + OBLIQUE))
            for i in self.within(low - OBLIQUE + 1e-6, high + OBLIQUE - 1e-6):
                x = self.x(i)
                for j in here:
                    y = self.ys[j]
                    if level and low - 1e-6 <= x <= high + 1e-6:
                        mark = ALONG | NEAR * (abs(y - bottom) > 1e-6)
                    elif upright and bottom - 1e-6 <= y <= top + 1e-6:
                        mark = ACROSS | NEAR * (abs(x - low) > 1e-6)
                    elif to_segment((x, y), a, b) < OBLIQUE:
                        mark = NEAR
                    else:
                        continue
                    self.used[self.cell(i, j)] |= mark
        for x, y in line[1:-1]:
            j = bisect_left(self.ys, y - 1e-6)
            for i in self.within(x - 1e-6, x + 1e-6):
                if abs(self.ys[j] - y) < 1e-6:
                    self.used[self.cell(i, j)] |= TURN
