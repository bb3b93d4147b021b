"""How the arrows of the folded network run, and where the names of the parameters stand that act on them.

The lattice is that of `routes`, without a period. What goes on to the next step never runs straight: it leaves its
circle, passes a square that stands for the delay, and comes back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise, product
from math import dist
from typing import NamedTuple

from minigrad.pictures.style import letters
from minigrad.rnn.figure.geometry import Line, Outline, Point, to_segment
from minigrad.rnn.figure.lattice import Lattice, Spacing
from minigrad.rnn.figure.names import escaped
from minigrad.rnn.figure.routes import End, Routes

WIDER = 5  # so often with more tracks
REACH, WIDE = (44.0, 56.0), 26.0  # from a circle to the loop that leads back to it, and half of what it is wide there
SQUARE = 10.0
ALONG = (0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8)  # where on a piece of a line something may stand
EVERYWHERE = tuple(sorted((k / 40 for k in range(1, 40)), key=lambda part: abs(part - 0.5)))
GAPS = 5.0, 8.0, 12.0, 3.0  # and how far from it words may
ROOM, ROOM_AT_BOX = 21.0, 27.0  # from the centre of a circle, or of a box, to words
SIZE = 11.0  # of words, in points
LETTER, TALL = 3.3, 7.5  # half the width and height of a letter in it
NAMES = 4  # so many names are written; tooltips have them all


class Arrow(NamedTuple):
    """From role to role, one step later or not, with the parameters that act on it, as they are written."""

    source: str
    target: str
    later: bool
    by: list[str]

    @property
    def words(self) -> str:
        """The names of the parameters, as far as there is room for them."""
        shown = self.by if len(self.by) <= NAMES else self.by[: NAMES - 1]
        more = [f"{len(self.by) - len(shown)} more"] if len(shown) < len(self.by) else []
        return ", ".join([*map(escaped, shown), *more])


class Stroke(NamedTuple):
    """An arrow as it is drawn: from circle to circle, past a square if it leads to the next step, and words beside it.

    Words for which there is no room have no place.
    """

    arrow: Arrow
    line: Line
    square: Point | None
    beside: Point | None


class Box(NamedTuple):
    """Of words, or a square: its centre and half its size."""

    x: float
    y: float
    width: float
    height: float

    def away(self, a: Point, b: Point) -> float:
        """How far it is from a segment, measured at points along that."""
        steps = max(int(dist(a, b) / 3), 1)
        points = [(a[0] + (b[0] - a[0]) * k / steps, a[1] + (b[1] - a[1]) * k / steps) for k in range(steps + 1)]
        return min(max(abs(x - self.x) - self.width, abs(y - self.y) - self.height) for x, y in points)

    def beside(self, other: Box) -> bool:
        """Whether two do not overlap."""
        return abs(self.x - other.x) >= self.width + other.width or abs(self.y - other.y) >= self.height + other.height


class Sketch:
    """The folded network, laid out; its words are set in this ``size``, and may stand so far ``beyond`` its right.

    Attributes
    ----------
    centres : dict of str to Point
    strokes : list of Stroke
    """

    def __init__(
        self, spots: Mapping[str, tuple[float, float]], arrows: list[Arrow], size: float = SIZE, beyond: float = 45.0
    ) -> None:
        self.larger, self.beyond = size / SIZE, beyond
        for more in range(WIDER):
            spacing = Spacing(spots, [role for role in spots if role == "target"], more, more, 1)
            self.centres = {role: (spacing.x[column], spacing.y[row]) for role, (column, row) in spots.items()}
            circles = {role: Outline(*centre, role == "target") for role, centre in self.centres.items()}
            self.routes = Routes(Lattice(spacing.columns(), spacing.rows(), circles.values()), circles)
            lines = self._lines(arrows)
            if len(lines) == len(arrows):
                break
        lines |= {k: self._through(arrow) for k, arrow in enumerate(arrows) if k not in lines}
        self.boxes: list[Box] = []
        ends = {k: (End(arrows[k].source), End(arrows[k].target)) for k in lines}
        lines = {k: self.routes.trimmed(line, *ends[k]) for k, line in lines.items()}
        squares = {k: self._square(line) for k, line in lines.items() if arrows[k].later}
        self.strokes = [
            Stroke(arrow, lines[k], squares.get(k), self._beside(arrow, lines[k], squares.get(k)))
            for k, arrow in enumerate(arrows)
        ]

    def _lines(self, arrows: list[Arrow]) -> dict[int, Line]:
        """A line for each arrow that finds one: straight ones first, then loops, then what is led along the lattice."""

        def difficulty(k: int) -> tuple[bool, bool, bool, float]:
            a, b = (self.centres[role] for role in arrows[k][:2])
            straight = self.routes.straight(End(arrows[k].source), End(arrows[k].target)) is not None
            return (
                arrows[k].later,
                arrows[k].source != arrows[k].target and not straight,
                min(abs(a[0] - b[0]), abs(a[1] - b[1])) > 1e-6,
                dist(a, b),
            )

        lines: dict[int, Line] = {}
        for k in sorted(range(len(arrows)), key=difficulty):
            source, target = End(arrows[k].source), End(arrows[k].target)
            line = None if arrows[k].later else self.routes.straight(source, target)
            if source == target:
                line = next(self._loops(source), None)
            elif line is None:
                found = self.routes.led(source, target)
                line = None if found is None else found[1]
            if line is None:
                continue
            self.routes.add(line, source, target)
            lines[k] = line
        return lines

    def _through(self, arrow: Arrow) -> Line:
        """Where no way is free: straight through what is there, since an arrow that is missing would be false."""
        a, b = (self.centres[role] for role in (arrow.source, arrow.target))
        reach = max(REACH)
        return (a, b) if a != b else (a, (a[0] - reach, a[1] + WIDE), (a[0] - reach, a[1] - WIDE), a)

    def _loops(self, end: End) -> Iterator[Line]:
        """From a circle back to it: on the left or, if it stands there, the right; on the other side, above, below."""
        x, y = self.centres[str(end.circle)]
        outside = 1 if x > sum(x for x, _ in self.centres.values()) / len(self.centres) + 1 else -1
        for reach in REACH:
            for across, up in ((outside, 0), (-outside, 0), (0, 1), (0, -1)):
                corners = [
                    (x + reach * across + side * WIDE * abs(up), y + reach * up + side * WIDE * abs(across))
                    for side in (1, -1)
                ]
                line: Line = ((x, y), corners[0], corners[1], (x, y))
                if self.routes.fits(line, end, end):
                    yield line

    @property
    def right(self) -> float:
        """How far it reaches to the right."""
        boxes = [box.x + box.width - self.beyond for box in self.boxes]  # words may stand below "unfold"
        lines = [x + 20 for stroke in self.strokes if stroke.square for x, _ in stroke.line]
        return max([*(x for x, _ in self.centres.values()), *boxes, *lines])

    # -- squares and words --------------------------------------------------------------------------------------------

    def _square(self, line: Line) -> Point:
        """In the middle of the longest straight piece, or where nothing else is near."""
        pieces = sorted(pairwise(line), key=lambda piece: -dist(*piece))
        halves = [SQUARE / 2 + room for room in (3, 1)]
        tried = product((ALONG, EVERYWHERE), halves)
        places = ((_at(a, b, part), half) for parts, half in tried for a, b in pieces for part in parts)
        free = (at for at, half in places if self._free(Box(*at, half, half), line))
        x, y = next(free, _at(*pieces[0], ALONG[0]))
        self.boxes.append(Box(x, y, SQUARE / 2, SQUARE / 2))
        return x, y

    def _beside(self, arrow: Arrow, line: Line, square: Point | None) -> Point | None:
        """Beside the square, or else beside the longest straight piece that has room."""
        if not arrow.words:
            return None
        width, tall = LETTER * letters(arrow.words) * self.larger, TALL * self.larger
        pieces = sorted(pairwise(line), key=lambda piece: -dist(*piece))
        if square is not None:
            pieces.sort(key=lambda piece: to_segment(square, *piece) > 1e-6)
        for a, b in pieces:
            x, y = (b[0] - a[0]) / max(dist(a, b), 1e-9), (b[1] - a[1]) / max(dist(a, b), 1e-9)
            for gap in GAPS:
                for at in [*([square] if square and a in pieces[0] else []), *(_at(a, b, part) for part in ALONG)]:
                    far = gap + width * abs(y) + tall * abs(x) + SQUARE / 2 * (at is square)
                    sides = [Box(at[0] + side * y * far, at[1] - side * x * far, width, tall) for side in (1, -1)]
                    if arrow.later:  # outside of a loop
                        sides.sort(key=lambda box: -dist(line[0], box[:2]))
                    else:  # on the right
                        sides.sort(key=lambda box: -box.x)
                    for box in filter(self._free, sides):
                        self.boxes.append(box)
                        return box.x, box.y
        return None

    def _free(self, box: Box, line: Line = ()) -> bool:
        """Whether nothing is where a box would be; ``line`` may be."""
        own = set(pairwise(line))
        circles = self.routes.circles.values()
        if any(box.away(each[:2], each[:2]) < (ROOM_AT_BOX if each.box else ROOM) for each in circles) or not all(
            map(box.beside, self.boxes)
        ):
            return False
        return all(box.away(a, b) > 1 for a, b in self.routes.pieces if not any(_on(a, b, piece) for piece in own))


def parted(line: Line, at: Point) -> tuple[Line, Line]:
    """A line up to a square, and on from there."""
    k = min(range(len(line) - 1), key=lambda k: to_segment(at, line[k], line[k + 1]))
    ends = [_at(at, line[i], SQUARE / 2 / max(dist(at, line[i]), 1e-9)) for i in (k, k + 1)]
    return (*line[: k + 1], ends[0]), (ends[1], *line[k + 1 :])


def _at(a: Point, b: Point, part: float) -> Point:
    return a[0] + (b[0] - a[0]) * part, a[1] + (b[1] - a[1]) * part


def _on(a: Point, b: Point, piece: tuple[Point, Point]) -> bool:
    """Whether a segment is part of another one."""
    return to_segment(a, *piece) < 1e-6 and to_segment(b, *piece) < 1e-6
