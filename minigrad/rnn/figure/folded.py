"""The folded network: one circle for all steps of a role, and what goes on to the next step as a loop with a delay.

It is read off a single step of the real graph. Roles that the model leaves out (z) are passed through: what enters h_t
by way of z_t is drawn as an arrow to h.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import pairwise, product
from typing import NamedTuple

from minigrad.pictures.style import pin, text
from minigrad.rnn.figure.crossings import Line, Point, of_one_another, through_circles
from minigrad.rnn.figure.geometry import Outline
from minigrad.rnn.figure.lattice import COLUMN, ROW
from minigrad.rnn.figure.layouts import known_of
from minigrad.rnn.figure.names import CIRCLE, COST, TARGET, label, safe, short
from minigrad.rnn.figure.picture import Part, Picture
from minigrad.rnn.figure.placing import Spots
from minigrad.rnn.figure.splines import spline
from minigrad.rnn.figure.wiring import Figure, Place
from minigrad.rnn.unrolling import Run

ARROW = 0.7  # the size of arrowheads
REACH = 44.0  # from a circle to the loop that leads back to it
LANE = 62.0  # from the last column to the loops between different roles
ASIDE = (0.0, 1.5, -1.5)  # columns that a role may be moved to
POINT = {"shape": "point", "style": "invis"}


class Arrow(NamedTuple):
    """From role to role, one step later or not, with the parameters that act on it."""

    source: str
    target: str
    later: bool
    by: list[str]


def arrows_of(run: Run, figure: Figure, kept: Iterable[str]) -> list[Arrow]:
    """The arrows between the roles that are kept, as they are in the last step."""
    entering: dict[Place, list[Place]] = {}
    for source, target in figure.connections:
        entering.setdefault(target, []).append(source)
    kept = set(kept)
    found: list[Arrow] = []
    for role in kept_in_order(kept, figure):
        start = (role, len(run))
        open_, inner, sources = [start], {start}, dict[Place, None]()
        while open_:
            for place in entering.get(open_.pop(), ()):
                if place[0] in kept:
                    sources[place] = None
                elif place not in inner and place[1] == len(run):
                    inner.add(place)
                    open_.append(place)
        used = [name for name in run.model.parameters() if any((name, place) in figure.taps for place in inner)]
        now = [name for name in used if name not in figure.recurrent]
        for heard, t in sources:
            later = t < len(run)
            by = [name for name in used if figure.recurrent.get(name) == ("y" if heard == "target" else heard)]
            heard = "target" if later and run.forced and heard == "y" else heard  # at t = 1 it is y_0
            found.append(Arrow(heard, role, later, by if later else now))
            now = now if later else []
    return found


def kept_in_order(kept: set[str], figure: Figure) -> list[str]:
    """Roles in the order in which a step computes them."""
    return [role for role in dict.fromkeys(role for role, t in figure.tensors if t) if role in kept]


# -- where it stands --------------------------------------------------------------------------------------------------


class Stroke(NamedTuple):
    """An arrow as it is drawn: from circle to circle through some points, with words in a place beside it."""

    arrow: Arrow
    points: list[Point]
    words: str
    beside: Point


def spots_of(run: Run, figure: Figure) -> Spots:
    """Column and row of every role that is drawn folded: as the model tells, as is known of its class, or arranged."""
    present = {role for role, _ in figure.tensors}
    told: Spots | None = getattr(run.model, "folded", None)
    if told is None:
        known = known_of(run)
        told = arranged(run, figure) if known is None else known.folded
    return {role: spot for role, spot in told.items() if role in present}


def arranged(run: Run, figure: Figure) -> Spots:
    """x, what is carried, y and C, one above the other; and what is in the way of an arrow stands aside."""
    carried = kept_in_order(set(run.model.carried) - {"y"}, figure)
    column: Spots = {role: (0.0, row - 1.0) for row, role in enumerate(["x", *carried, "y", "C"])}
    column["target"] = 1.2, column["C"][1]
    column = {role: spot for role, spot in column.items() if any(role == other for other, _ in figure.tensors)}
    arrows = arrows_of(run, figure, column)
    aside = product(ASIDE, repeat=len(carried)) if len(carried) <= 6 else [(0.0,) * len(carried)]
    tried = sorted(aside, key=lambda columns: sum(map(abs, columns)))
    moved = [
        column | {role: (x, column[role][1]) for x, role in zip(columns, carried, strict=True)} for columns in tried
    ]
    return min(moved, key=lambda spots: _crossings(spots, arrows))


def _crossings(spots: Spots, arrows: list[Arrow]) -> tuple[int, int]:
    circles, lines = {role: _centre(spot) for role, spot in spots.items()}, []
    for arrow, points, words, (x, y) in strokes_of(spots, arrows):
        lines += [Line(a, b, (arrow.source, arrow.target)) for a, b in pairwise(points)]
        lines += [Line((x - 3.1 * len(words), y), (x + 3.1 * len(words), y), ())] if words else []
    return through_circles(circles, lines), of_one_another(lines)


def _centre(spot: tuple[float, float]) -> Point:
    column, row = spot
    return column * COLUMN, row * ROW


def strokes_of(spots: Spots, arrows: list[Arrow]) -> list[Stroke]:
    """Straight arrows, loops beside a role that goes on to itself, and loops on the right from a role to another."""
    centres = {role: _centre(spot) for role, spot in spots.items()}
    across = [arrow for arrow in arrows if arrow.later and arrow.source != arrow.target]
    busy = {role for arrow in across for role in (arrow.source, arrow.target)}  # on its right
    lane = LANE + max(x for role, (x, _) in centres.items() if role != "target")
    strokes, touched = [], Counter[str]()
    for arrow in arrows:
        (x, y), (to_x, to_y), words = centres[arrow.source], centres[arrow.target], _words(arrow)
        side = 1
        if not arrow.later:
            beside = (x + to_x) / 2 + 12 + 3.2 * len(words), (y + to_y) / 2
            strokes.append(Stroke(arrow, [(x, y), (to_x, to_y)], words, beside))
            continue
        if arrow.source == arrow.target:
            side = 1 if x > 0 and arrow.source not in busy else -1
            turn, top, bottom = x + side * REACH, y + 26, y - 26
        else:  # of several each has a lane of its own, and starts and ends a little below the one before
            turn, top, bottom = max(x, lane), y - 18 * touched[arrow.source], to_y - 18 * touched[arrow.target]
            touched.update([arrow.source, arrow.target])
            lane += 34 + 7.2 * len(words)
        beside = turn + side * (12 + 3.6 * len(words)), (top + bottom) / 2
        strokes.append(Stroke(arrow, [(x, y), (turn, top), (turn, bottom), (to_x, to_y)], words, beside))
    return strokes


def _words(arrow: Arrow) -> str:
    return ", ".join(map(label, arrow.by))


# -- the drawing ------------------------------------------------------------------------------------------------------


class Folded:
    """The folded network left of ``right``."""

    def __init__(self, picture: Picture, run: Run, figure: Figure, right: float) -> None:
        self.picture, self.spots = picture, spots_of(run, figure)
        self.strokes = strokes_of(self.spots, arrows_of(run, figure, self.spots))
        columns = max(_centre(spot)[0] for spot in self.spots.values())
        lanes = [stroke.points[1][0] for stroke in self.strokes if stroke.arrow.later and stroke.points[1][0] > 0]
        words = [stroke.beside[0] + 3.1 * len(stroke.words) for stroke in self.strokes]
        self.x = right - max([columns, *(lane + 20 for lane in lanes), *(end - 45 for end in words)])
        self.names = {role: picture.unique(f"folded_{safe(role)}") for role in self.spots}

    def draw(self) -> None:
        """Circles, arrows, loops."""
        for role in self.spots:
            self._circle(role)
        for stroke in self.strokes:
            if stroke.arrow.later:
                self._loop(stroke)
            else:
                self._arrow(stroke)

    def _circle(self, role: str) -> None:
        (x, y), look = _centre(self.spots[role]), {"shape": "circle"}
        width = height = CIRCLE
        if role == "C":
            width, height, look = COST, COST, {"shape": "doublecircle"}
        elif role == "target":
            (width, height), look = TARGET, {"shape": "box", "fontsize": "11"}
        self.picture.parts[self.names[role]] = Part("folded", role)
        pin(self.picture, self.names[role], label(short(role, 6)) + "ₜ", self.x + x, y, width, height, **look)

    def _edge(self, stroke: Stroke, tail: str, head: str, a: Point, b: Point, **look: str) -> None:
        line, size = ((self.x + a[0], a[1]), (self.x + b[0], b[1])), 0.0 if look else ARROW
        self.picture.edge(tail, head, Part("folded", stroke.arrow.target), **look, **spline(line, size))

    def _edge_of(self, role: str, towards: Point) -> Point:
        """Where a line leaves a circle."""
        return Outline(*_centre(self.spots[role]), role == "target").edge(towards)

    def _text(self, name: str, stroke: Stroke) -> None:
        x, y = stroke.beside
        text(self.picture, self.picture.unique(name), stroke.words, self.x + x, y, fontcolor="black")

    def _arrow(self, stroke: Stroke) -> None:
        source, target = stroke.arrow.source, stroke.arrow.target
        a, b = stroke.points
        self._edge(stroke, self.names[source], self.names[target], self._edge_of(source, b), self._edge_of(target, a))
        if stroke.words:
            self._text(f"{self.names[target]}_by", stroke)

    def _loop(self, stroke: Stroke) -> None:
        """Out of a circle, through a square that stands for the delay, and in again."""
        source, target = stroke.arrow.source, stroke.arrow.target
        name = f"loop_{safe(source)}"
        if source not in (target, "y", "target"):
            name += f"_{safe(target)}"
        name = self.picture.unique(name)
        _, (x, top), (_, bottom), _ = stroke.points
        middle = (top + bottom) / 2
        square = {"shape": "square", "fillcolor": "black", "tooltip": "one step later"}
        pin(self.picture, name, "", self.x + x, middle, 10, 10, **square)
        self._text(f"{name}_by", stroke)
        ends = [self.picture.unique(f"{name}_{end}") for end in ("top", "bottom")]
        for end, y in zip(ends, (top, bottom), strict=True):
            pin(self.picture, end, "", self.x + x, y, 0.72, 0.72, **POINT)
        below = _centre(self.spots[source]) == (x, top)
        out, into = self._edge_of(source, (x, bottom if below else top)), self._edge_of(target, (x, bottom))
        half = 5.0 if top > bottom else -5.0
        self._edge(stroke, self.names[source], ends[0], out, (x, top), dir="none")
        self._edge(stroke, ends[0], name, (x, top), (x, middle + half), dir="none")
        self._edge(stroke, name, ends[1], (x, middle - half), (x, bottom), dir="none")
        self._edge(stroke, ends[1], self.names[target], (x, bottom), into)
