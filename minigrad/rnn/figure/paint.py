"""How the textbook figure is coloured: by the gradient, by the costs that it comes from, by values, or not at all.

A `Paint` gives the attributes of circles, boxes and lines. What it is asked about is a table of a `Figure` and a key in
it: ``("connections", (("h", 1), ("z", 2)))``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import graphviz  # type: ignore[import-untyped]

from minigrad.engine.tensor import Tensor
from minigrad.pictures.style import (
    DATA,
    INK,
    ZERO_MEANS,
    Scale,
    clean,
    legend,
    number,
    pin,
    pretty,
    subscript,
    text,
)
from minigrad.rnn.figure.attribution import Figure
from minigrad.rnn.figure.names import Names, escaped, short
from minigrad.rnn.figure.wiring import Wiring
from minigrad.rnn.unrolling import Run

Table = Literal["sizes", "connections", "taps", "accumulated", "ends", "elsewhere", "parameters"]
Look = dict[str, str]

GIVEN = ("x", "target")  # data: nothing flows on from there
# From light to dark, so that they can be told apart in grey, but none too dark to be written on in black; the costs'
# steps are spread along them.
HUES = ((255, 240, 130), (252, 200, 95), (240, 160, 100), (205, 125, 140), (150, 105, 185), (85, 100, 190))
OTHERS = "#b4bcc6"
FLOOR = 1e-290  # gradients that have vanished further have the palest colour
LEAST = 0.02  # of an edge or circle: a smaller share would not be seen


class Paint:
    """No colours; what the others do differently is in their classes."""

    def __init__(self, figure: Figure) -> None:
        self.figure = figure

    def node(self, table: Table, key: Any) -> Look:
        """Attributes of a circle or a parameter's box."""
        return {"fillcolor": DATA} if _is_given(table, key) else {}

    def of(self) -> Look:
        """Attributes of what is differentiated."""
        return {}

    def line(self, table: Table, key: Any) -> Look:
        """Attributes of an edge."""
        return _CUT if table == "connections" and key in self.figure.cuts else {"color": INK}

    def words(self, table: Table, key: Any) -> str:
        """What a tooltip says about the size."""
        return ""

    def mark(self, table: Table, key: Any) -> str:
        """What is written where there is no finite size, so that it can be seen without colours."""
        return ""

    def legend(self, graph: graphviz.Digraph, right: float, top: float) -> None:
        """Explain the colours, the corner being given."""


class ByGradient(Paint):
    """Colour and pen width tell the RMS of the gradient."""

    def __init__(self, figure: Figure, name: str, steps: Sequence[int]) -> None:
        super().__init__(figure)
        self.sizes = _drawn(figure, {0, *steps})  # what is left out has no say in the scale
        finite = [size for size in self.sizes if math.isfinite(size)] or [1.0]
        least = max(FLOOR, FLOOR * max(finite))  # or quotients would overflow
        self.scale = Scale.covering(max(size, least) for size in finite)
        self.title = f"RMS gradient of {name} (log scale)"

    def size(self, table: Table, key: Any) -> float | None:
        """The size of something in the figure."""
        found: float | None = getattr(self.figure, table)[key]
        return found

    def node(self, table: Table, key: Any) -> Look:
        size = self.size(table, key)
        return (super().node(table, key) if size is None else {}) or self.scale.node(size)

    def of(self) -> Look:
        return self.scale.node(1.0)

    def line(self, table: Table, key: Any) -> Look:
        plain = super().line(table, key)
        return plain if plain is _CUT else self.scale.edge(self.size(table, key))

    def words(self, table: Table, key: Any) -> str:
        size = self.size(table, key)
        other = self.figure.elsewhere.get(key) if table == "parameters" else None
        elsewhere = "" if other is None else f", {other:.3g} of that which comes from elsewhere"
        return "no gradient asked for" if size is None else f"gradient rms {size:.3g}{elsewhere}"

    def mark(self, table: Table, key: Any) -> str:
        size = self.size(table, key)
        return "" if size is None or math.isfinite(size) else "NaN" if math.isnan(size) else "∞"

    def _cut_means(self, graph: graphviz.Digraph, x: float, y: float) -> None:
        if self.figure.cuts:
            text(graph, "legend_cut", "dotted ‖: detached, no gradient passes", x, y, size=10)

    def legend(self, graph: graphviz.Digraph, right: float, top: float) -> None:
        nonfinite = not all(math.isfinite(size) for size in self.sizes)
        legend(graph, self.scale, self.title, right, top, nonfinite=nonfinite)
        self._cut_means(graph, right - 90, top - (80 if nonfinite else 64))


class ByValue(ByGradient):
    """Circles and parameters are coloured by the RMS of their values; the edges tell nothing."""

    def __init__(self, figure: Figure, steps: Sequence[int]) -> None:
        super().__init__(figure, "", steps)
        self.title = "RMS value (log scale)"

    def node(self, table: Table, key: Any) -> Look:
        return self.scale.node(self.size(table, key))

    def of(self) -> Look:
        return {}

    def line(self, table: Table, key: Any) -> Look:
        return Paint.line(self, table, key)

    def words(self, table: Table, key: Any) -> str:
        return f"rms {size:.3g}" if (size := self.size(table, key)) is not None else ""


class ByCost(ByGradient):
    """Every line is a bar and every circle a pie: what share of the gradient in it comes from which C_t.

    The share of C_t is the RMS of its own gradient over the sum of these RMS. (The gradients themselves add up, their
    sizes need not.) Pen widths tell the RMS of the gradient of Σ C_t, as they do in `ByGradient`.
    """

    def __init__(self, wiring: Wiring, run: Run, steps: Sequence[int], cost: str = "C") -> None:
        costs = {t: C for t, C in run.costs.items() if C.requires_grad}
        super().__init__(Figure.of(wiring, *costs.values()), f"Σ {cost}", steps)
        self.cost = escaped(cost)
        alone = [t for t in steps if t in costs]
        self.parts = [
            (f"{self.cost}{subscript(t)}", hue(i / max(len(alone) - 1, 1)), Figure.of(wiring, costs[t]))
            for i, t in enumerate(alone)
        ]
        if rest := [C for t, C in costs.items() if t not in set(steps)]:
            self.parts.append(("others", OTHERS, Figure.of(wiring, *rest)))

    def shares(self, table: Table, key: Any) -> list[tuple[str, str, float]]:
        """Label, colour and share of every cost that can be seen; none if nothing flows, or what flows is no number."""
        sizes = [getattr(figure, table)[key] or 0.0 for _, _, figure in self.parts]
        total = sum(sizes)
        if not (math.isfinite(total) and total > 0):
            return []
        shares = [(label, color, size / total) for (label, color, _), size in zip(self.parts, sizes, strict=True)]
        return [each for each in shares if each[2] >= LEAST]

    def node(self, table: Table, key: Any) -> Look:
        shares = self.shares(table, key)
        if not shares:
            return super().node(table, key)
        look = {"fillcolor": _list(shares), "fontcolor": "black"}
        if len(shares) > 1:
            look |= {"style": "wedged" if table == "sizes" else "striped", "color": "white"}
        return look

    def line(self, table: Table, key: Any) -> Look:
        look, shares = super().line(table, key), self.shares(table, key)
        return look | {"color": _list(shares), "tooltip": self.words(table, key)} if shares else look

    def words(self, table: Table, key: Any) -> str:
        shares = [f"{100 * share:.0f} % {label}" for label, _, share in self.shares(table, key)]
        return ", ".join([super().words(table, key), *shares])

    def legend(self, graph: graphviz.Digraph, right: float, top: float) -> None:
        n = len(self.parts)
        width = max(28.0, 180.0 / n) if n <= 14 else 400.0 / n
        named = range(n) if n <= 14 else (0, n - 1)
        left = right - width * n
        middle = (left + right) / 2
        text(graph, "legend_title", "the gradient, by the costs that it comes from", middle, top)
        for i, (words, color, _) in enumerate(self.parts):
            look = {"shape": "box", "style": "filled", "fillcolor": color, "color": color, "penwidth": "0.5"}
            x = left + (i + 0.5) * width
            pin(graph, f"legend_{i}", "", x, top - 16, width=width, height=11.0, **look)
            if i in named:
                text(graph, f"legend_{i}_name", words, x, top - 32, size=9)
        ends = f"{number(self.scale.low)} … {number(self.scale.high)}"
        text(
            graph,
            "legend_width",
            f"width: RMS gradient of Σ {self.cost}, {ends} (log scale)",
            middle,
            top - 48,
            size=10,
        )
        text(graph, "legend_zero", ZERO_MEANS, middle, top - 63, size=10)
        self._cut_means(graph, middle, top - 78)


def painted(
    run: Run, wiring: Wiring, visible: Sequence[int], of: Tensor | None, color: str, by: str, names: Names
) -> Paint:
    """The paint that is asked for; ``of`` is what is differentiated, None if nothing is, or every cost alone."""
    if color == "none":
        return Paint(Figure.of_nothing(wiring))
    if color == "value":
        return ByValue(Figure.of_values(wiring), visible)
    if of is None or by == "cost":
        return ByCost(wiring, run, visible, names.cost)
    return ByGradient(Figure.of(wiring, of), escaped(short(called(of, run, wiring, names), 30)), visible)


def called(of: Tensor, run: Run, wiring: Wiring, names: Names) -> str:
    """How what is differentiated is called: Σ C, as its circle unless it was renamed, or by its own name."""
    if of is run.cost:
        return f"Σ {names.cost}"
    own = pretty(clean(of.name or "L"))
    for (role, t), tensor in wiring.tensors.items():
        if tensor is of and of.name == f"{role}_{t}":
            own = names.place((role, t))
    return "Σ " * bool(of.size > 1) + own


_CUT = {"color": INK, "style": "dotted", "tooltip": "cut: the values pass, no gradient does"}


def hue(at: float) -> str:
    """The colour at 0 ... 1 along `HUES`."""
    place = at * (len(HUES) - 1)
    i = min(int(place), len(HUES) - 2)
    return "#" + "".join(f"{round(a + (b - a) * (place - i)):02x}" for a, b in zip(HUES[i], HUES[i + 1], strict=True))


def _drawn(figure: Figure, steps: set[int]) -> list[float]:
    """The sizes, other than 0, of all that is drawn when these steps are."""
    drawn = [
        *(size for (_, t), size in figure.sizes.items() if t in steps),
        *(size for ((_, s), (_, t)), size in figure.connections.items() if s in steps or t in steps),
        *(size for (_, (_, t)), size in figure.taps.items() if t in steps),
        *(
            size for (_, (_, t)), size in figure.accumulated.items() if t in steps or t - 1 in steps
        ),  # a bus enters a gap
        *(size for (_, t), size in figure.ends.items() if t in steps),
        1.0 if figure.ends else None,  # of what is differentiated itself
        *figure.elsewhere.values(),
        *figure.parameters.values(),
    ]
    return [size for size in drawn if size]


def _is_given(table: Table, key: Any) -> bool:
    return table == "sizes" and key[0] in GIVEN


def _list(shares: list[tuple[str, str, float]]) -> str:
    """Graphviz's list of colours with their fractions; the last takes what is left."""
    *most, (_, last, _) = shares
    return ":".join([*(f"{color};{share:.3f}" for _, color, share in most), last])
