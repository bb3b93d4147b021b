"""The folded network: one circle for all steps of a role, and what goes on to the next step as a loop with a delay.

It is read off a single step of the real graph. Roles that the model leaves out (z) are passed through: what enters h_t
by way of z_t is drawn as an arrow to h.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import product

from minigrad.pictures.style import hint, pin, text
from minigrad.rnn.figure.attribution import Figure
from minigrad.rnn.figure.crossings import Line, of_one_another, through_circles
from minigrad.rnn.figure.geometry import Line as Polyline
from minigrad.rnn.figure.geometry import Point, shifted
from minigrad.rnn.figure.lattice import COLUMN, ROW
from minigrad.rnn.figure.layouts import known_of
from minigrad.rnn.figure.names import CIRCLE, COST, TARGET, Names, escaped, safe
from minigrad.rnn.figure.picture import Part, Picture
from minigrad.rnn.figure.placing import Spots
from minigrad.rnn.figure.splines import spline
from minigrad.rnn.figure.strokes import SQUARE, Arrow, Sketch, Stroke, parted
from minigrad.rnn.figure.wiring import KEPT, Place
from minigrad.rnn.unrolling import Run

ARROW = 0.7  # the size of arrowheads
ASIDE = (0.0, 1.5, -1.5)  # columns that a role may be moved to


def arrows_of(run: Run, figure: Figure, kept: Iterable[str]) -> list[Arrow]:
    """The arrows between the roles that are kept, as they are in the last step that has them, or in the first."""
    entering: dict[Place, list[Place]] = {}
    for source, target in figure.connections:
        entering.setdefault(target, []).append(source)
    kept = set(kept)
    places = sorted((place for place in figure.tensors if place[1]), key=lambda place: place[1])
    last, first = dict(places), dict(reversed(places))
    found: dict[tuple[str, str, bool], Arrow] = {}
    for role in kept_in_order(kept, figure):
        for start in dict.fromkeys([(role, last[role]), (role, first[role])]):
            inner, sources = _behind(start, entering, kept)
            used = [name for name in run.model.parameters() if any((name, place) in figure.taps for place in inner)]
            now = [name for name in used if name not in figure.recurrent]
            for heard, t in sources:
                later = t != start[1]
                by = [name for name in used if figure.recurrent.get(name) == ("y" if heard == "target" else heard)]
                heard = "target" if later and run.forced and heard == "y" else heard  # at t = 1 it is y_0
                found.setdefault((heard, role, later), Arrow(heard, role, later, by if later else now))
                now = now if later else []
    return list(found.values())


def _behind(start: Place, entering: dict[Place, list[Place]], kept: set[str]) -> tuple[set[Place], dict[Place, None]]:
    """The places of its step through which a place is made, and those of kept roles from which."""
    open_, inner, sources = [start], {start}, dict[Place, None]()
    while open_:
        for place in entering.get(open_.pop(), ()):
            if place[0] in kept:
                sources[place] = None
            elif place not in inner and place[1] >= start[1] - place[0].endswith(KEPT):
                inner.add(place)
                open_.append(place)
    return inner, sources


def kept_in_order(kept: set[str], figure: Figure) -> list[str]:
    """Roles in the order in which a step computes them."""
    return [role for role in dict.fromkeys(role for role, t in figure.tensors if t) if role in kept]


# -- where it stands --------------------------------------------------------------------------------------------------


def spots_of(run: Run, figure: Figure) -> Spots:
    """Column and row of every role that is drawn folded: as the model tells, as is known of its class, or arranged."""
    present = {role for role, _ in figure.tensors}
    told: Spots | None = getattr(run.model, "folded", None)
    if told is None:
        known = known_of(run, [(a, b) for a, b in figure.connections if not (a[0] + b[0]).count(KEPT)])
        told = arranged(run, figure) if known is None else known.folded
    return {role: spot for role, spot in told.items() if role in present}


def arranged(run: Run, figure: Figure) -> Spots:
    """x, what is carried, outputs and C, one above the other; what is in the way of an arrow stands aside."""
    roles = {role for role, t in figure.tensors if t}
    outputs = outputs_of(figure)
    carried = kept_in_order(set(run.model.carried) - {*outputs}, figure)
    column: Spots = {role: (0.0, row - 1.0) for row, role in enumerate(["x", *carried, *outputs, "C"])}
    column["target"] = 1.2, column["C"][1]
    for k, role in enumerate(kept_in_order(inputs_of(figure) - column.keys(), figure), 1):
        column[role] = 1.2 * k, -1.0
    column = {role: spot for role, spot in column.items() if role in roles}
    arrows = arrows_of(run, figure, column)
    aside = product(ASIDE, repeat=len(carried)) if len(carried) <= 6 else [(0.0,) * len(carried)]
    tried = sorted(aside, key=lambda columns: (sum(map(abs, columns)), [abs(x) for x in columns[::-1]]))
    moved = [
        column | {role: (x, column[role][1]) for x, role in zip(columns, carried, strict=True)} for columns in tried
    ]
    return min(moved, key=lambda spots: _crossings(spots, arrows))


def outputs_of(figure: Figure) -> list[str]:
    """y, or the last of those that lead to costs alone, or nowhere."""
    roles, given = {role for role, t in figure.tensors if t}, {"x", "target", "C"}
    heard = {source for (source, _), (target, _) in figure.connections if target != "C"}
    return ["y"] if "y" in roles else kept_in_order(roles - heard - given, figure)[-1:]


def inputs_of(figure: Figure) -> set[str]:
    """The roles that nothing in the figure leads to."""
    return {role for role, t in figure.tensors if t} - {target for _, (target, _) in figure.connections}


def _crossings(spots: Spots, arrows: list[Arrow]) -> tuple[int, int]:
    """How often straight arrows would run through circles, and cross."""
    circles = {role: (column * COLUMN, row * ROW) for role, (column, row) in spots.items()}
    ends = [(arrow.source, arrow.target) for arrow in arrows if not arrow.later]
    lines = [Line(circles[a], circles[b], (a, b)) for a, b in ends]
    return through_circles(circles, lines), of_one_another(lines)


# -- the drawing ------------------------------------------------------------------------------------------------------


class Folded:
    """The folded network left of ``right``; of the sizes see `Sketch`."""

    def __init__(self, picture: Picture, run: Run, figure: Figure, names: Names, right: float, *sizes: float) -> None:
        self.picture, self.figure, spots = picture, figure, spots_of(run, figure)
        self.written = names
        arrows = arrows_of(run, figure, spots)
        self.sketch = Sketch(
            spots, [arrow._replace(by=[names.parameters[name] for name in arrow.by]) for arrow in arrows], *sizes
        )
        self.x = right - self.sketch.right
        self.names = {role: picture.unique(f"folded_{safe(role)}") for role in spots}

    def draw(self) -> None:
        """Circles, arrows, loops."""
        for role in self.names:
            self._circle(role)
        for stroke in self.sketch.strokes:
            name = self.names[stroke.arrow.target]
            if stroke.square is None:
                self._line(stroke, self.names[stroke.arrow.source], name, stroke.line, ARROW)
            else:
                name = self._loop(stroke, stroke.square)
            if stroke.beside is not None:
                (x, y), words = stroke.beside, stroke.arrow.words
                look = {"fontcolor": "black", "tooltip": self._told(stroke.arrow)}
                text(self.picture, self.picture.unique(f"{name}_by"), words, self.x + x, y, size=11, **look)

    def _told(self, arrow: Arrow) -> str:
        """The parameters that act on an arrow, all of them."""
        names = [name for name, written in self.written.parameters.items() if written in arrow.by]
        beyond = " (used elsewhere, too)"
        return hint(", ".join(f"{name}{beyond * (name in self.figure.elsewhere)}" for name in names))

    def _circle(self, role: str) -> None:
        (x, y), look = self.sketch.centres[role], {"shape": "circle"}
        width = height = CIRCLE
        if role == "C":
            width, height, look = COST, COST, {"shape": "doublecircle"}
        elif role == "target":
            (width, height), look = TARGET, {"shape": "box", "fontsize": "11"}
        self.picture.parts[self.names[role]] = Part("folded", role)
        pin(
            self.picture,
            self.names[role],
            escaped(self.written.roles[role]) + "ₜ",
            self.x + x,
            y,
            width,
            height,
            **look,
        )

    def _line(self, stroke: Stroke, tail: str, head: str, line: Polyline, arrow: float = 0.0) -> None:
        look = {} if arrow else {"dir": "none"}
        look |= {"tooltip": self._told(stroke.arrow)} if stroke.arrow.by else {}
        part = Part("folded", stroke.arrow.target)
        self.picture.edge(tail, head, part, **look, **spline(shifted(line, self.x), arrow))

    def _loop(self, stroke: Stroke, at: Point) -> str:
        """Out of a circle, through a square that stands for the delay, and on."""
        source, target = stroke.arrow.source, stroke.arrow.target
        name = f"loop_{safe(source)}"
        if source not in (target, "y", "target"):
            name += f"_{safe(target)}"
        name = self.picture.unique(name)
        square = {"shape": "square", "fillcolor": "black", "tooltip": "one step later"}
        pin(self.picture, name, "", self.x + at[0], at[1], SQUARE, SQUARE, **square)
        before, after = parted(stroke.line, at)
        self._line(stroke, self.names[source], name, before)
        self._line(stroke, name, self.names[target], after, ARROW)
        return name
