"""How lines run from circle to circle: straight where nothing is in the way, and else along the lattice.

A line that turns leaves its circle, and enters another one, by a stub: a straight piece between the circle's centre and
a vertex nearby. Straight lines and stubs keep away from other circles, from lines that are already there, and at their
own circles from one another. What has found its way stays; so what has few ways should come first.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, dist, floor
from typing import Any, NamedTuple

from minigrad.rnn.figure.geometry import Line, Outline, Point, angle, confusing, meeting, turned
from minigrad.rnn.figure.lattice import ACROSS, ALONG, CLEAR, FANS, OUTSIDE, TURN, Lattice
from minigrad.rnn.figure.search import AHEAD, Vertex, Way, shortest

STUB_X, STUB_Y = 44.0, 46.0  # how far from a circle a stub may begin
FLAT, STEEP = 4.0, 4.5  # what is flatter or steeper could be taken for level or upright
TURNING = 7.0  # what it costs if a stub is no straight continuation
WRONG_SIDE, BELOW_CIRCLE = 24.0, 8.0  # what it costs a tap to come from the other side, or straight from below
TRIES = 12  # to find a line that does not run over its own copies


class End(NamedTuple):
    """A circle, and so many steps later."""

    circle: Hashable
    copy: int = 0


@dataclass
class _Stub:
    """A stub of a circle, in its own step; with how many pieces it was compared, and which of them forbids it."""

    vertex: Vertex
    direction: float
    length: float
    piece: Line
    compared: int = 0
    blocked: int | None = None


class Routes:
    """A lattice, the circles on it, and the lines that have been found.

    Parameters
    ----------
    lattice : Lattice
    circles : dict of Outline
        By any name.
    fan : float
        The least angle between two lines at a circle, in degrees.
    """

    def __init__(self, lattice: Lattice, circles: Mapping[Any, Outline], fan: float = FANS[0]) -> None:
        self.lattice, self.circles, self.fan, self.period = lattice, circles, fan, lattice.period
        self.pieces: list[tuple[Point, Point]] = []
        self.directions: dict[Hashable, list[float]] = {circle: [] for circle in circles}
        self.stubs: dict[Hashable, list[_Stub]] = {}

    # -- what is there already ----------------------------------------------------------------------------------------

    def add(self, line: Line, source: End | None, target: End | None) -> None:
        """Let a line run where it runs; it need not begin or end at a circle."""
        self.lattice.occupied(line)
        self.pieces += pairwise(self.trimmed(line, source, target))
        for end, centre, beside in ((source, line[0], line[1]), (target, line[-1], line[-2])):
            if end is not None:
                self.directions[end.circle].append(angle(centre, beside))

    def memory(self) -> Any:
        """What is there now, for `restore`."""
        return bytes(self.lattice.used), len(self.pieces), {key: len(found) for key, found in self.directions.items()}

    def restore(self, memory: Any) -> None:
        """Forget what has been added since."""
        used, pieces, directions = memory
        self.lattice.used[:] = used
        del self.pieces[pieces:]
        for key, n in directions.items():
            del self.directions[key][n:]
        for stubs in self.stubs.values():
            for stub in stubs:
                stub.compared = min(stub.compared, pieces)
                if stub.blocked is not None and stub.blocked >= pieces:
                    stub.blocked = None

    def outline(self, end: End) -> Outline:
        """A circle where it stands."""
        return self.circles[end.circle].moved(end.copy * self.period)

    def trimmed(self, line: Line, source: End | None, target: End | None) -> Line:
        """What is seen of a line: its ends are hidden by circles."""
        points = list(line)
        if source is not None:
            points[0] = self.outline(source).edge(line[1])
        if target is not None:
            points[-1] = self.outline(target).edge(line[-2])
        return tuple(points)

    # -- straight lines and stubs -------------------------------------------------------------------------------------

    def straight(self, source: End, target: End) -> Line | None:
        """The straight line, if it can be drawn."""
        start, end = self.outline(source), self.outline(target)
        line: Line = ((start.x, start.y), (end.x, end.y))
        if not _plain(*line) or not self._fans(source.circle, angle(*line)):
            return None
        if not self._fans(target.circle, angle(line[1], line[0])):
            return None
        piece = self.trimmed(line, source, target)
        if not self._clear(piece, (source, target)) or not all(self._apart_from(piece, other) for other in self.pieces):
            return None
        return None if self._lies_on_itself((piece,)) else line

    def fits(self, line: Line, source: End, target: End) -> bool:
        """Whether a line can be drawn that somebody else has thought of."""
        ends = (source, line[0], line[1]), (target, line[-1], line[-2])
        return all(self._fans(end.circle, angle(centre, beside)) for end, centre, beside in ends) and all(
            self._clear(piece, (source, target)) and all(self._apart_from(piece, other) for other in self.pieces)
            for piece in pairwise(self.trimmed(line, source, target))
        )

    def _fans(self, circle: Hashable, direction: float) -> bool:
        return all(turned(direction, other) >= self.fan - 1e-9 for other in self.directions[circle])

    def _clear(self, piece: Line, ends: tuple[End, ...]) -> bool:
        """Whether a piece keeps away from all circles but those at its ends."""
        a, b = piece
        low, high = min(a[0], b[0]), max(a[0], b[0])
        for circle, outline in self.circles.items():
            for copy in self._copies(low - outline.x - 35, high - outline.x + 35):
                if End(circle, copy) not in ends and outline.moved(copy * self.period).clear_of(a, b) < CLEAR - 1e-6:
                    return False
        return True

    def _apart_from(self, piece: Line, other: tuple[Point, Point]) -> bool:
        """Whether a piece can be told from another one in all its copies."""
        (a, b), (c, d) = piece, other
        if min(c[1], d[1]) > max(a[1], b[1]) + 3 or max(c[1], d[1]) < min(a[1], b[1]) - 3:
            return True
        for copy in self._copies(min(a[0], b[0]) - max(c[0], d[0]) - 3, max(a[0], b[0]) - min(c[0], d[0]) + 3):
            x = copy * self.period
            if confusing(a, b, (c[0] + x, c[1]), (d[0] + x, d[1])):
                return False
        return True

    def _copies(self, low: float, high: float) -> range:
        """How many periods further something would lie between two distances."""
        return range(ceil(low / self.period), floor(high / self.period) + 1) if self.period else range(1)

    def _lies_on_itself(self, pieces: tuple[Line, ...]) -> bool:
        """Whether the first piece of a line would be taken for one of the line's copies in other steps."""
        if not self.period:
            return False
        for a, b in pieces[:1]:
            for c, d in pieces:
                for copy in self._copies(min(a[0], b[0]) - max(c[0], d[0]) - 3, max(a[0], b[0]) - min(c[0], d[0]) + 3):
                    x = copy * self.period
                    if copy and confusing(a, b, (c[0] + x, c[1]), (d[0] + x, d[1])):
                        return True
        return False

    def _stubs(self, end: End) -> Iterator[tuple[Vertex, float, float]]:
        """The vertices at which a line to or from a circle may begin, with the stubs' directions and lengths."""
        if end.circle not in self.stubs:
            self.stubs[end.circle] = list(self._around(end.circle))
        lattice, further = self.lattice, end.copy * self.lattice.nx
        for stub in self.stubs[end.circle]:
            i, j = stub.vertex
            if lattice.used[lattice.cell(i, j)] & TURN or not self._fans(end.circle, stub.direction):
                continue
            if self._still_apart(stub):
                yield (i + further, j), stub.direction, stub.length

    def _around(self, circle: Hashable) -> Iterator[_Stub]:
        """What no other circle forbids."""
        outline, lattice = self.circles[circle], self.lattice
        centre = outline.x, outline.y
        rows = [j for j, y in enumerate(lattice.ys) if abs(y - outline.y) <= STUB_Y and lattice.rows[j] != OUTSIDE]
        for i in lattice.within(outline.x - STUB_X, outline.x + STUB_X):
            for j in rows:
                at = lattice.at((i, j))
                if lattice.there[lattice.cell(i, j)] and _plain(centre, at):
                    piece = outline.edge(at), at
                    if self._clear(piece, (End(circle),)):
                        yield _Stub((i, j), angle(centre, at), dist(centre, at), piece)

    def _still_apart(self, stub: _Stub) -> bool:
        """Whether a stub can be told from all that is there; what has been compared is not compared again."""
        if stub.blocked is None:
            for k in range(stub.compared, len(self.pieces)):
                if not self._apart_from(stub.piece, self.pieces[k]):
                    stub.blocked = k
                    break
            stub.compared = len(self.pieces)
        return stub.blocked is None

    def _ports(self, end: End, leaving: bool, side: int = 0) -> dict[tuple[Vertex, int], float]:
        """At which vertices, going in which directions, a line may begin or end, and what that costs.

        With ``side`` 1 or -1 stubs on the right or the left of the circle are preferred.
        """
        found: dict[tuple[Vertex, int], float] = {}
        for vertex, direction, length in self._stubs(end):
            used = self.lattice.used[self.lattice.cell(*vertex)]
            across = self.lattice.at(vertex)[0] - self.outline(end).x
            cost = length
            if side:
                cost += WRONG_SIDE * (across * side < -1e-6) + BELOW_CIRCLE * (abs(across) < 1e-6)
            for d, (di, _) in enumerate(AHEAD):
                bend = turned(direction, 90.0 * d if leaving else 90.0 * d + 180)
                if bend < 1e-6 and not used & (ALONG if di else ACROSS):
                    found[vertex, d] = cost
                elif 1e-6 < bend < 90 + 1e-6 and not used:
                    found[vertex, d] = cost + TURNING
        return found

    # -- lines along the lattice --------------------------------------------------------------------------------------

    def led(self, source: End, target: End) -> tuple[float, Line] | None:
        """The cheapest line along the lattice, with its cost, or None if there is none."""
        goal = self.outline(target)

        def left_to_go(vertex: Vertex) -> float:
            x, y = self.lattice.at(vertex)
            return max(abs(x - goal.x) + abs(y - goal.y) - 27.0, 0.0)  # a stub may cut the corner

        starts, ends = self._ports(source, True), self._ports(target, False)
        columns = range((target.copy + 1) * self.lattice.nx) if self.period else range(self.lattice.nx)
        banned: set[Vertex] = set()
        for _ in range(TRIES):
            found = shortest(self.lattice, starts, ends, columns, left_to_go, banned)
            if found is None:
                return None
            cost, way = found
            line = self._line(way, self.outline(source), goal)
            again = self._meeting_itself(way, line, source, target)
            if not again:
                return cost, line
            banned |= again
        return None

    def tap(self, end: End, above: bool, left: bool) -> tuple[float, Line] | None:
        """The cheapest line that comes to a circle from below or above all steps, with its cost."""
        lattice = self.lattice
        j, d = (lattice.ny - 1, 1) if above else (0, 3)
        out = {((i, j), d): 0.0 for i in range(lattice.nx)}

        def left_to_go(vertex: Vertex) -> float:
            return abs(lattice.ys[vertex[1]] - lattice.ys[j])

        starts, banned = self._ports(end, True, -1 if left else 1), set[Vertex]()
        for _ in range(TRIES):
            found = shortest(lattice, starts, out, range(lattice.nx), left_to_go, banned)
            if found is None:
                return None
            cost, way = found
            line = self._line(way, self.outline(end), None)
            again = self._meeting_itself(way, line, end, None)
            if not again:
                return cost, line[::-1]
            banned |= again
        return None

    def _line(self, way: Way, source: Outline, target: Outline | None) -> Line:
        """From the centre of a circle along the way, its straight pieces whole, to the centre of another one."""
        points = [(source.x, source.y), *map(self.lattice.at, way)]
        if target is not None:
            points.append((target.x, target.y))
        return plain(points)

    def _meeting_itself(self, way: Way, line: Line, source: End, target: End | None) -> set[Vertex]:
        """The vertices at which a line would cross itself, or meet its own copy in another step and not cross it."""
        marks: dict[int, tuple[Vertex, int]] = {}
        found: set[Vertex] = set()
        for k, vertex in enumerate(way):
            before, after = way[max(k - 1, 0)], way[min(k + 1, len(way) - 1)]
            mark = ALONG if before[1] == after[1] else ACROSS if before[0] == after[0] else TURN
            if k in (0, len(way) - 1):
                mark = TURN
            cell = self.lattice.cell(*vertex)
            if cell in marks and marks[cell][0] != vertex and (mark | marks[cell][1] != ALONG | ACROSS):
                found.add(marks[cell][0])
            marks.setdefault(cell, (vertex, mark))
        pieces = list(pairwise(self.trimmed(line, source, target)))
        stubs = [(pieces[0], pieces[2:], way[0])]
        stubs += [(pieces[-1], pieces[:-2], way[-1])] if target else []
        for stub, others, vertex in stubs:
            if any(meeting(*stub, *other) for other in others) or self._lies_on_itself((stub, *pieces)):
                found.add(vertex)
        return found


def _plain(a: Point, b: Point) -> bool:
    """Whether a line is level, upright, or clearly neither."""
    x, y = abs(b[0] - a[0]), abs(b[1] - a[1])
    return x < 1e-6 or y < 1e-6 or (FLAT * y >= x - 1e-6 and STEEP * x >= y - 1e-6)


def plain(points: list[Point]) -> Line:
    """A polyline without points at which it does not turn."""
    found = points[:1]
    for point, after in zip(points[1:], [*points[2:], None], strict=True):
        if after is None or turned(angle(found[-1], point), angle(point, after)) > 1e-6:
            found.append(point)
    return tuple(found)
