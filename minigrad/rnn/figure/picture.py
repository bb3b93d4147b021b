"""The picture, and what each id in it stands for.

Ids are made here, once: a name in the DOT text is the ``id`` of a node in the SVG, and an edge's is made of the names
of its ends. Whoever wants to do something with what is drawn, as the film does, looks up what an id stands for in
`Picture.parts`; nothing is ever read back out of a name.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from itertools import chain, count
from typing import Any, Literal, NamedTuple

from minigrad.pictures.dot import TIMEOUT, Digraph
from minigrad.pictures.paper import Width, width_of
from minigrad.pictures.style import breadth, pin
from minigrad.rnn.figure.attribution import Figure
from minigrad.rnn.figure.grid import Gap
from minigrad.rnn.figure.wiring import Place

TABLES = {
    "place": "sizes",
    "parameter": "parameters",
    "connection": "connections",
    "tap": "taps",
    "bus": "accumulated",
    "ending": "ends",
    "elsewhere": "elsewhere",
}
"""Where a `Figure` keeps the sizes of what kind of part."""


_LENGTHS = {"pos", "bb", "lp", "lwidth", "lheight", "width", "height", "fontsize", "penwidth", "arrowsize"}
_NUMBER = re.compile(r"-?\d+(\.\d+)?")


class Part(NamedTuple):
    """What something drawn stands for.

    Attributes
    ----------
    kind : {"place", "parameter", "connection", "tap", "bus", "elsewhere", "ending", "of", "joint", "gap", "folded"}
        A circle, a parameter's box, an arrow from circle to circle, a tap, a piece of a bus, what leads from a
        parameter to where else it is used, what leads from a circle to what is differentiated, or is that; the arrow
        that many taps share; the words in the place of steps that are left out; or anything in the folded network.
    key : Place, Connection, Use, (str, int), Gap or str
        Which one, as a `Figure` knows it: a piece of a bus by the first of the uses whose contributions it
        holds. Of the folded network, the role that it is or leads to.
    at : Place, Gap or None
        The circle or gap that it leads to: when that is reached, this is. Both lead to themselves.
    """

    kind: Literal[
        "place", "parameter", "connection", "tap", "bus", "elsewhere", "ending", "of", "joint", "gap", "folded"
    ]
    key: Any
    at: Place | Gap | None = None

    def size(self, figure: Figure) -> float | None:
        """The size of the gradient that belongs here; None for joints, gaps and the folded network, which have none."""
        table = TABLES.get(self.kind)
        found: float | None = None if table is None else getattr(figure, table)[self.key]
        return found


class Picture(Digraph):
    """A graph whose nodes and edges have stable ids in the SVG; ``h1--z2--2`` is a second edge from h1 to z2.

    Attributes
    ----------
    parts : dict of str to Part
        What stands for something in the network, by its id; not words, dots, bends and the legend.
    zoom : float
        How many times larger all that is added from now on is drawn than it is told.
    redrawn : callable or None
        Draws the same for a `Width`.
    """

    def __init__(self, *args: Any, least: float = 0.0, **options: Any) -> None:
        super().__init__(*args, **options)
        self.zoom = 1.0
        self.parts: dict[str, Part] = {}
        self.redrawn: Callable[[Width], Picture] | None = None
        self.least, self.extent = least, (math.inf, math.inf, -math.inf, -math.inf)
        self._taken: set[str] = set()
        self._edges: dict[tuple[str, str], int] = {}

    def unique(self, *names: str) -> str:
        """The first of ``names`` that nothing has yet, or else the last of them with a number; now it is taken."""
        wanted = [f"_{name}" if name.startswith("legend_") else name for name in names]  # the legend has those
        numbered = (f"{wanted[-1]}_{n}" for n in count(2))
        name = next(name for name in chain(wanted, numbered) if name not in self._taken)
        self._taken.add(name)
        return name

    def node(self, name: str, label: str | None = None, **attributes: str) -> None:
        """Add a node; its words are not set in less than the ``least`` size."""
        small = float(attributes.get("fontsize", self.least)) / (self.least or 1.0)
        if 0 < small < 1 and self.least:
            attributes["fontsize"] = f"{self.least:g}"
            if attributes.get("shape") == "plaintext":
                attributes["width"] = f"{float(attributes['width']) / small:.3f}"
        if "pos" in attributes:
            x, y = map(float, attributes["pos"].split(","))
            rim = 4.0 if attributes.get("peripheries") == "2" or attributes.get("shape") == "doublecircle" else 0.0
            half_x, half_y = (36 * float(attributes[side]) + rim for side in ("width", "height"))
            if attributes.get("shape") == "plaintext":
                half_x = max(half_x, breadth(label or "") * float(attributes["fontsize"]) / 2)
            self.reached(x - half_x, y - half_y, x + half_x, y + half_y, float(attributes.get("penwidth", 1.0)))
        super().node(name, label, **{"id": name, **self._zoomed(attributes)})

    def attr(self, kw: str | None = None, **attributes: str) -> None:
        super().attr(kw, **self._zoomed(attributes))

    def _zoomed(self, attributes: dict[str, str]) -> dict[str, str]:
        if self.zoom == 1:
            return attributes
        return {
            key: _NUMBER.sub(lambda found: f"{round(float(found[0]) * self.zoom, 3):.9g}", value)
            if key in _LENGTHS
            else value
            for key, value in attributes.items()
        }

    def reached(self, left: float, low: float, right: float, high: float, pen: float = 0.0) -> None:
        """Note how far the picture goes, with half the width of a pen."""
        old, half = self.extent, pen / 2
        self.extent = (
            min(old[0], left - half),
            min(old[1], low - half),
            max(old[2], right + half),
            max(old[3], high + half),
        )

    def closed(self) -> Picture:
        """Let Graphviz know how far all reaches: words and lines count for nothing there, only these corners do."""
        for name, corner in (("corner_low", self.extent[:2]), ("corner_high", self.extent[2:])):
            pin(self, self.unique(name), "", *corner, 0.0, 0.0, shape="point", style="invis")
        return self

    def for_width(self, width: str, *, timeout: float | None = TIMEOUT) -> Digraph:
        """The same run laid out for that width: see `Digraph.for_width`."""
        if self.redrawn is None:
            return super().for_width(width, timeout=timeout)
        drawn = self.redrawn(width_of(width))
        drawn.title, drawn.alt = self.title, self.alt
        return drawn

    def edge(self, tail: str, head: str, part: Part | None = None, **attributes: str) -> None:
        nth = self._edges[tail, head] = self._edges.get((tail, head), 0) + 1
        id = f"{tail}--{head}" + f"--{nth}" * (nth > 1)
        if part is not None:
            self.parts[id] = part
        pen = float(attributes.get("penwidth", 1.0))
        for x, y in (map(float, point.split(",")) for point in attributes.get("pos", "").removeprefix("e,").split()):
            self.reached(x, y, x, y, pen)
        super().edge(tail, head, id=id, **self._zoomed(attributes))
