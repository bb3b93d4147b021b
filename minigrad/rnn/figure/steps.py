"""The steps of the textbook figure: their circles, the arrows between them, and the gaps where some are left out.

How the parameters come to them is not told here: `drawing` leads buses to them, `compact` writes names beside arrows.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.engine.tables import name_of
from minigrad.engine.tensor import Tensor
from minigrad.engine.walk import gradients
from minigrad.graph import rms
from minigrad.pictures.style import INK, hint, pin, text
from minigrad.pictures.text import values
from minigrad.rnn.figure.geometry import Line, Outline, Point, middle
from minigrad.rnn.figure.grid import MANY, Gap, Grid
from minigrad.rnn.figure.names import CIRCLE, COST, IN_BOXES, TARGET, Names, circle, escaped, safe, short
from minigrad.rnn.figure.numbers import ZOOM, Numbers
from minigrad.rnn.figure.paint import ByGradient, Paint, called
from minigrad.rnn.figure.picture import Part, Picture
from minigrad.rnn.figure.room import Room
from minigrad.rnn.figure.splines import spline
from minigrad.rnn.figure.wiring import OF, Connection, Place, Wiring
from minigrad.rnn.unrolling import Run

ARROW, TAP = 0.7, 0.5  # the sizes of arrowheads
AWAY = 18.0  # from a parameter's box to the word "elsewhere"


class Steps:
    """A `Figure` on its `Grid`, in its `Paint`.

    Attributes
    ----------
    graph : Picture
        What is drawn so far.
    circles : dict of Place to str
        What the circles are called in there.
    lines : dict of Connection to Line
        What is seen of the arrows to the steps that are drawn.
    vanishing : list of Line
        And of those to others.
    """

    small, smaller, least = 11.0, 10.0, 0.0  # sizes of words in points, and the size that none are smaller than

    def __init__(self, run: Run, wiring: Wiring, grid: Grid, paint: Paint, of: Tensor | None, names: Names) -> None:
        self.run, self.wiring, self.figure, self.grid = run, wiring, paint.figure, grid
        self.paint, self.of, self.names = paint, of, names
        self.graph = Picture("unrolled", least=self.least, strict=False)
        self.numbers: Numbers | None = None
        self.circles = {place: self.graph.unique(circle(place)) for place in wiring.tensors}
        self.ends: dict[tuple[str, float, float], str] = {}  # where connections vanish in gaps
        self.lines: dict[Connection, Line] = {}
        self.vanishing: list[Line] = []

    def work_out(self, numbers: Numbers) -> None:
        """Write numbers into the circles and boxes, of a figure that is larger for that."""
        self.numbers, self.graph.zoom = numbers, ZOOM

    def circle(self, graph: Any, place: Place) -> None:
        """Draw what stands at a place; targets are boxes."""
        role = place[0]
        look, words = self.paint.node("sizes", place), escaped(self.names.place(place))
        mark = "" if self.numbers else self.paint.mark("sizes", place)
        width = height = CIRCLE
        if len(words) > 4 or mark:
            look["fontsize"] = f"{self.smaller:g}"
        if role == "C":
            width = height = COST
            look["shape"] = "doublecircle"
            look |= {"fontsize": "8"} if mark else {}
        elif role == "target" or self._stands_for_target(place):
            (width, height), look["shape"], look["fontsize"] = TARGET, "box", "9" if mark else f"{self.small:g}"
        x, y = self.grid.at(place)
        tensor = self.figure.tensors[place]
        if self.numbers:
            words, look["fontsize"] = self.numbers.in_circle(words, tensor, width)
        tooltip = told(tensor.name or "", tensor, self.paint.words("sizes", place))
        id = self.circles[place]
        self.graph.parts[id] = Part("place", place, place)
        pin(graph, id, f"{words}\n{mark}" if mark else words, x, y, width, height, tooltip=tooltip, **look)

    def _stands_for_target(self, place: Place) -> bool:
        """Whether it is y_0 where targets are fed back: what the first step hears in the place of a target."""
        return self.run.forced and place == ("y", 0)

    def connection(self, source: Place, target: Place) -> None:
        """An arrow; of one that leads into a gap, or out of it, the part that is not hidden."""
        ghost = self.grid.ghost(source, target)
        if ghost is not None:
            self._haunted(source, target, ghost)
            return
        start, end = self.grid.line(source, target)
        line = end or start
        if line is None:
            return
        tail, head, look = self.circles[source], self.circles[target], self.paint.line("connections", (source, target))
        at: Place | Gap = target
        if not start:
            tail = self._end_in_gap(source, "out", *line[0])
        if not end:
            head, at = self._end_in_gap(source, "in", *line[-1]), self.grid.gap_with(target[1])
        line = self.seen(line, source if start else None, target if end else None)
        if end:
            self.lines[source, target] = line
        else:
            self.vanishing.append(line)
        self.graph.edge(tail, head, Part("connection", (source, target), at), **look, **spline(line, ARROW))
        if (source, target) in self.figure.cuts:
            bars = {"style": "filled", "fillcolor": "white", "tooltip": "cut: the values pass, no gradient does"}
            x, y = middle(line)
            text(self.graph, self.graph.unique(f"cut_{tail}_{head}"), "‖", x, y, size=13, **bars)

    def _haunted(self, source: Place, target: Place, ghost: Place) -> None:
        """An arrow that comes from too far away: from its source, drawn once more."""
        if not self.grid.shows(target[1]):
            return
        line, _ = self.grid.line(ghost, target)
        name = self.graph.unique(f"{self.circles[source]}_ghost_{self.circles[target]}")
        look = {"style": "dashed,filled", "color": INK, "fontcolor": INK, "fontsize": f"{self.smaller:g}"}
        words = escaped(self.names.place(source))
        x, y = self.grid.at(ghost)
        pin(self.graph, name, words, x, y, CIRCLE, CIRCLE, tooltip=hint(f"{words}, once more"), **look)
        seen = self.lines[source, target] = self.seen(line or (), ghost, target)
        look = self.paint.line("connections", (source, target))
        use = Part("connection", (source, target), target)
        self.graph.edge(name, self.circles[target], use, **look, **spline(seen, ARROW))

    def seen(self, line: Line, source: Place | None, target: Place | None) -> Line:
        """A line as far as circles do not hide it."""
        if source is not None:
            line = (self._outline(source).edge(line[1]), *line[1:])
        return line if target is None else (*line[:-1], self._outline(target).edge(line[-2]))

    def _outline(self, place: Place) -> Outline:
        return Outline(*self.grid.at(place), place[0] == "target" or self._stands_for_target(place))

    def _end_in_gap(self, source: Place, way: str, x: float, y: float) -> str:
        """A point where a connection vanishes, by the name of what it carries."""
        end = f"gap_{safe(source[0])}_{way}", x, y
        if end not in self.ends:
            self.ends[end] = self.graph.unique(end[0])
            pin(self.graph, self.ends[end], "", x, y, 0.72, 0.72, shape="point", style="invis")
        return self.ends[end]

    # -- what leads out of the steps ---------------------------------------------------------------------------------

    def ending(self, place: Place, room: Room, letter: tuple[float, float]) -> bool:
        """What is differentiated, drawn beside a circle that it was made from; whether there was room for that."""
        if self.of is None:
            return True
        words = escaped(short(called(self.of, self.run, self.wiring, self.names), IN_BOXES))
        width, height = max(30.0, letter[0] * len(words) + 8), letter[1] + 4
        found = room.near(self._outline(place), width + 9, height + 9)  # for the outer of its two lines
        if found is None:
            return False
        ((x, y), end), box = found
        id = self.graph.unique(f"of_{self.circles[place]}")
        self.graph.parts[id] = Part("of", OF)
        look = {"style": "filled", "fontcolor": "black"} | self.paint.of() | {"shape": "box", "peripheries": "2"}
        tooltip = told(self.of.name or "", self.of, "this is differentiated")
        pin(self.graph, id, words, box.x, box.y, width, height, tooltip=tooltip, **look)
        use = Part("ending", place, place)
        self.graph.edge(self.circles[place], id, use, **self.paint.line("ends", place), **spline(((x, y), end), ARROW))
        return True

    def led_elsewhere(self, box: str, name: str, at: Point, end: float, word: Point, size: float) -> None:
        """A line from a parameter's box to the word that says that it is used outside of the steps, too."""
        id, share = self.graph.unique(f"{box}_elsewhere"), self.paint.words("elsewhere", name)
        about = hint(f"{name} is used outside of these steps, too" + f": {share}" * bool(share))
        text(self.graph, id, "elsewhere", *word, size=size, tooltip=about)
        look = {"arrowsize": f"{TAP}"} | self.paint.line("elsewhere", name) | spline((at, (end, at[1])), TAP)
        self.graph.edge(box, id, Part("elsewhere", name), **look)

    # -- gaps ---------------------------------------------------------------------------------------------------------

    def elision(self, gap: Gap, number: int) -> None:
        """What a gap leaves out, and how much of the gradient is lost or gained across it."""
        name, x = self.graph.unique(nth("gap", number + 1)), sum(self.grid.span(gap)) / 2
        self.graph.parts[name] = Part("gap", gap, gap)
        words, drop = f"… {len(gap)} step{'s' * (len(gap) > 1)} …", self._drop(gap)
        top = self.above(len(drop))
        text(self.graph, name, words, x, top)
        for i, line in enumerate(drop):
            text(self.graph, self.graph.unique(f"{name}_drop"), line, x, top - 14.6 - 14.1 * i, size=10)

    def above(self, more: int) -> float:
        """Where the words over a gap stand, with so many lines below them: above the lanes of the uppermost circles."""
        return self.grid.high - (3 if more else 10)

    @np.errstate(all="ignore")
    def _drop(self, gap: Gap) -> list[str]:
        """How the gradient changes from the far end of a gap to the near one, in words.

        Of Σ C every step in between adds some: what is told then is the gradient of the costs beyond alone. That takes
        a walk for each gap, so of many gaps it is not told.
        """
        if type(self.paint) is not ByGradient or not gap.before or gap.last == len(self.run):
            return []
        if not self.run.model.carried:  # then nothing comes across
            return []
        role, early, late = self.run.model.carried[0], gap.before, gap.last + 1
        near, far = self.figure.sizes.get((role, early)), self.figure.sizes.get((role, late))
        if near is None or not far:  # what is differentiated lies within the gap, or before it
            return []
        if self.of is not self.run.cost:
            return [f"gradient × {near / far:.2g}"]
        if len(self.grid.gaps) > MANY:
            return []
        beyond = [C for t, C in self.run.costs.items() if t >= late and C.requires_grad]
        if not beyond:  # one cost for all steps
            return []
        ends = [self.figure.tensors[role, t] for t in (early, late)]
        near, far = map(rms, gradients(beyond, ends, [np.ones_like(C.data) for C in beyond]))
        return [f"from t ≥ {late}:", f"gradient × {near / far:.2g}"] if far else []


def nth(name: str, n: int) -> str:
    """The first is called by its name alone."""
    return name if n == 1 else f"{name}_{n}"


def told(name: str, tensor: Tensor, size: str) -> str:
    """Name, shape, values, how it was made, and what its colour says."""
    parts = [name, f"shape {tensor.shape}", values(tensor.data)]
    parts += [f"made by {name_of(tensor.fn)}"] if tensor.fn else []
    return hint(", ".join([*parts, size] if size else parts))
