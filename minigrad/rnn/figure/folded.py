"""The folded network: one circle for all steps of a role, and what goes on to the next step as a loop with a delay.

It is read off a single step of the real graph. Roles that the model leaves out (z) are passed through: what enters h_t
by way of z_t is drawn as an arrow to h.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import graphviz  # type: ignore[import-untyped]

from minigrad.pictures.style import pin, text
from minigrad.rnn.figure.grid import COLUMN, ROW
from minigrad.rnn.figure.names import CIRCLE, COST, TARGET, label, safe, short
from minigrad.rnn.figure.wiring import Figure, Place
from minigrad.rnn.unrolling import Run

REACH = 44.0  # from a circle to the loop that leads back to it
LANE = 62.0  # from the last column to the loops between different roles
POINT = {"shape": "point", "style": "invis"}


class Arrow(NamedTuple):
    """From role to role, one step later or not, with the parameters that act on it."""

    source: str
    target: str
    later: bool
    by: list[str]


def roles_of(run: Run, figure: Figure) -> dict[str, tuple[float, float]]:
    """Column and row of every role that is drawn folded."""
    layout = run.model.layout
    told = getattr(run.model, "folded", None)
    if told is None:
        told = {role: (0.0, layout[role][1]) for role in ("x", *run.model.carried, "y", "C") if role in layout}
        told |= {"target": (1.2, layout["target"][1])} if "target" in layout else {}
    present = {role for role, _ in figure.tensors}
    return {role: place for role, place in told.items() if role in present}


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


@dataclass
class Folded:
    """The drawing; ``x`` is the column of the hidden units."""

    graph: graphviz.Digraph
    run: Run
    figure: Figure
    x: float
    places: dict[str, tuple[float, float]] = field(init=False)
    arrows: list[Arrow] = field(init=False)

    def __post_init__(self) -> None:
        self.places = roles_of(self.run, self.figure)
        self.arrows = arrows_of(self.run, self.figure, self.places)
        columns = [column for column, _ in self.places.values()]
        across = any(arrow.later and arrow.source != arrow.target for arrow in self.arrows)
        self.x -= max(columns) * COLUMN if not across else max(LANE, max(columns) * COLUMN) + 20

    def at(self, role: str) -> tuple[float, float]:
        """The centre of a role's circle."""
        column, row = self.places[role]
        return self.x + column * COLUMN, row * ROW

    def draw(self) -> None:
        """Circles, arrows, loops."""
        for role in self.places:
            self._circle(role)
        loops: dict[str, int] = {}
        for arrow in self.arrows:
            if not arrow.later:
                self._arrow(arrow)
            elif arrow.source == arrow.target:
                self._back(arrow)
            else:
                self._across(arrow, loops.setdefault(arrow.target, 0))
                loops[arrow.target] += 1

    def _circle(self, role: str) -> None:
        (x, y), look = self.at(role), {"shape": "circle"}
        width = height = CIRCLE
        if role == "C":
            width, height, look = COST, COST, {"shape": "doublecircle"}
        elif role == "target":
            (width, height), look = TARGET, {"shape": "box", "fontsize": "11"}
        pin(self.graph, f"folded_{safe(role)}", label(short(role, 6)) + "ₜ", x, y, width, height, **look)

    def _arrow(self, arrow: Arrow) -> None:
        self.graph.edge(f"folded_{safe(arrow.source)}", f"folded_{safe(arrow.target)}")
        if arrow.by:
            words, (x1, y1), (x2, y2) = self._words(arrow), self.at(arrow.source), self.at(arrow.target)
            x = (x1 + x2) / 2 + 12 + 3.2 * len(words)
            text(self.graph, f"folded_{safe(arrow.target)}_by", words, x, (y1 + y2) / 2, fontcolor="black")

    def _back(self, arrow: Arrow) -> None:
        """A loop on the left, from a role to itself."""
        x, y = self.at(arrow.source)
        self._loop(arrow, -1, (x - REACH, y + 26), (x - REACH, y - 26))

    def _across(self, arrow: Arrow, k: int) -> None:
        """A loop on the right, from a role to another; the k-th into that one."""
        (x, y), (_, end) = self.at(arrow.source), self.at(arrow.target)
        lane = max(x, self.x + LANE) + 34 * k
        self._loop(arrow, 1, (lane, y), (lane, end - 18 * k))

    def _loop(self, arrow: Arrow, side: int, *ends: tuple[float, float]) -> None:
        """Out of a circle, through a square that stands for the delay, and in again."""
        source, target, words = safe(arrow.source), safe(arrow.target), self._words(arrow)
        name = f"loop_{source}" if arrow.source in (arrow.target, "y", "target") else f"loop_{source}_{target}"
        (x, top), (_, bottom) = ends
        middle = (top + bottom) / 2
        square: dict[str, Any] = {"shape": "square", "fillcolor": "black", "tooltip": "one step later"}
        pin(self.graph, name, "", x, middle, 10, 10, **square)
        text(self.graph, f"{name}_by", words, x + side * (12 + 3.6 * len(words)), middle, fontcolor="black")
        for end, y in (("top", top), ("bottom", bottom)):
            pin(self.graph, f"{name}_{end}", "", x, y, 0.72, 0.72, **POINT)
        self.graph.edge(f"folded_{source}", f"{name}_top", dir="none")
        self.graph.edge(f"{name}_top", name, dir="none")
        self.graph.edge(name, f"{name}_bottom", dir="none")
        self.graph.edge(f"{name}_bottom", f"folded_{target}")

    def _words(self, arrow: Arrow) -> str:
        return ", ".join(map(label, arrow.by))
