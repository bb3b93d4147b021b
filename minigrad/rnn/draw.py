"""The textbook figure: a network folded and unrolled, drawn from the graph of a real run, coloured by its gradient.

`Figure` is what is to be drawn, found in the recorded graph: which of a step's tensors (their *roles* are known to the
run) were made from which others, what gradient each of these connections carried, and what every step contributed to
the gradient of every parameter. `draw` puts that on a grid: one column a step, roles where the model says, parameters
as buses along the bottom and the top. Along a bus, from right to left, the steps' contributions add up to the
parameter's gradient. That is back-propagation through time.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np

from minigrad.backward import backward
from minigrad.cotangents import dense
from minigrad.draw.engines import Digraph
from minigrad.draw.style import DATA, FONT, INK, PARAMETER, Scale, legend, pin, subscript, text
from minigrad.graph import Edge, Flow, Graph, flow_through, graph_of, rms
from minigrad.primitives import name_of
from minigrad.rnn.unroll import Run
from minigrad.tensor import Tensor

Place = tuple[str, int]
"""A role and a step: ``("h", 3)`` is h_3."""

# All lengths in points.
COLUMN, ROW = 60.0, 62.0  # from role to role
SPACE = 98.0  # from the last column of a step to the first of the next
CIRCLE, COST = 37.4, 30.0  # diameters
BUS = 30.0  # from bus to bus
MANY, ENDS = 12, 3  # of more steps than this, only so many are drawn at either end


@dataclass(frozen=True)
class Figure:
    """An unrolled run as connections between roles, with the RMS of the gradient that each of them carried.

    Sizes are None where no gradient was asked for, and 0 where exactly nothing flowed.

    Attributes
    ----------
    tensors : dict of Place to Tensor
        What is drawn as a circle; step 0 holds the initial values, and forced targets stand at their own step.
    sizes : dict of Place to float or None
    connections : dict of (Place, Place) to float or None
        From argument to result.
    taps : dict of (str, Place) to float
        What the use of a parameter at a place contributed to the parameter's gradient.
    accumulated : dict of (str, int) to float
        The contributions of steps t ... T to a parameter's gradient together: the size of their sum.
    recurrent : dict of str to str
        The parameters that act on what is carried from step to step, and the role that they act on.
    """

    tensors: dict[Place, Tensor]
    sizes: dict[Place, float | None]
    connections: dict[tuple[Place, Place], float | None]
    taps: dict[tuple[str, Place], float]
    accumulated: dict[tuple[str, int], float]
    recurrent: dict[str, str]

    @classmethod
    def of_run(cls, run: Run, of: Tensor, colored: bool = True) -> Figure:
        """Find the figure in the graph that was recorded for ``run``; ``colored``, differentiate ``of``."""
        tensors: dict[Place, Tensor] = {(role, 0): tensor for role, tensor in run.carried[0].items()}
        for t, (step, carried) in enumerate(zip(run.steps, run.carried, strict=True), 1):
            if run.forced and t > 1:
                tensors["target", t - 1] = carried["y"]
            tensors.update({(role, t): tensor for role, tensor in step.items()})
        graph = graph_of([of, *tensors.values()])
        flow = flow_through(graph, of) if colored else Flow({}, {})
        places = {graph.numbers[tensor.index]: place for place, tensor in tensors.items()}
        owners = _owners(graph, run)

        connections: dict[tuple[Place, Place], float | None] = {}
        uses: dict[tuple[str, Place], list[Edge]] = defaultdict(list)
        recurrent: dict[str, str] = {}
        entering = graph.arguments()
        for number, place in places.items():
            if place[1] == 0 or place[0] in ("x", "target"):
                continue
            arrivals: dict[Place, list[Edge]] = defaultdict(list)
            open_, seen = [number], {number}
            while open_:
                for edge in entering[open_.pop()]:
                    if edge.source in places:
                        arrivals[places[edge.source]].append(edge)
                    elif edge.source in owners:
                        uses[owners[edge.source], place].append(edge)
                        for partner in entering[edge.target]:
                            role, t = places.get(partner.source, place)
                            if t < place[1]:
                                recurrent[owners[edge.source]] = "y" if role == "target" else role
                    elif edge.source not in seen:
                        seen.add(edge.source)
                        open_.append(edge.source)
            for source, edges in arrivals.items():
                asked = graph.nodes[edges[0].source].requires_grad
                connections[source, place] = rms(_sum(flow, edges)) if asked else None
        taps, accumulated = _contributions(run, graph, flow, uses)
        sizes: dict[Place, float | None] = {
            place: rms(flow.totals.get(number, 0.0)) if tensors[place].requires_grad else None
            for number, place in places.items()
        }
        return cls(tensors, sizes, connections, taps, accumulated, recurrent)


def draw(
    run: Run,
    of: Tensor | None = None,
    *,
    steps: Literal["all", "ends", "auto"] = "auto",
    color: Literal["gradient", "none"] = "gradient",
    folded: bool = True,
) -> Digraph:
    """Draw a run as the textbooks do: folded on the left, unrolled on the right.

    Parameters
    ----------
    run : Run
        An unrolling with costs.
    of : Tensor, optional
        What is differentiated for the colours: ``run["C"][-1]`` for the last step's cost alone; Σ C_t by default.
    steps : {"auto", "all", "ends"}
        Draw all steps, or the first and last three; "auto" leaves out the middle of runs of more than 12 steps.
    color : {"gradient", "none"}
        Without colours nothing is differentiated.
    folded : bool
        Whether to draw the folded network too.

    Returns
    -------
    Digraph
        Positions are part of it, so that any engine keeps them. ``.render("unrolled.svg")`` writes a picture.

    Raises
    ------
    ValueError
        If the run has no cost and ``of`` is not given, or an option is unknown.
    """
    for name, value, known in (("steps", steps, ("auto", "all", "ends")), ("color", color, ("gradient", "none"))):
        if value not in known:
            raise ValueError(f"{name}={value!r} is not known: choose one of {', '.join(known)}")
    if not isinstance(run, Run):
        raise TypeError(
            f"a {type(run).__name__} cannot be drawn unrolled: pass what unroll(model, xs, targets) returns"
        )
    of = run.cost if of is None else of
    if of is None:
        raise ValueError("a picture of gradients needs a cost: unroll with targets, or name a number with of=")
    if not of.requires_grad:
        raise ValueError("the run was not recorded, so there is no graph to draw: unroll it outside no_grad")
    colored = color == "gradient"
    return _Drawing(run, Figure.of_run(run, of, colored), of, steps, colored).drawn(folded)


def _owners(graph: Graph, run: Run) -> dict[int, str]:
    """The nodes that stand for a parameter: itself, and what was made from it alone outside the steps (its Wᵀ)."""
    inside = {tensor.scope for step in run.steps for tensor in step.values()}
    names = {graph.numbers.get(parameter.index): name for name, parameter in run.model.parameters().items()}
    owners: dict[int, str] = {}
    for number, entering in enumerate(graph.arguments()):
        owned = {owners.get(edge.source) for edge in entering}
        if number in names:
            owners[number] = names[number]
        elif len(owned) == 1 and graph.nodes[number].scope not in inside and (owner := owned.pop()) is not None:
            owners[number] = owner
    return owners


def _sum(flow: Flow, edges: list[Edge]) -> Any:
    return sum((dense(flow.shares[edge]) for edge in edges if edge in flow.shares), start=0.0)


def _contributions(
    run: Run, graph: Graph, flow: Flow, uses: dict[tuple[str, Place], list[Edge]]
) -> tuple[dict[tuple[str, Place], float], dict[tuple[str, int], float]]:
    """The sizes of what each use of a parameter contributed, and of the contributions of steps t ... T together."""
    parameters = run.model.parameters()
    taps: dict[tuple[str, Place], float] = {}
    accumulated: dict[tuple[str, int], float] = {}
    sums: dict[str, Any] = defaultdict(float)
    for (name, place), edges in sorted(uses.items(), key=lambda use: -use[0][1][1]):
        contribution: Any = 0.0
        for edge in edges:
            bound, share = graph.nodes[edge.source], _sum(flow, [edge])
            if bound is not parameters[name] and np.ndim(share):  # from the shape of Wᵀ to that of W
                (share,) = backward(bound, share, wrt=[parameters[name]]) or ()
            contribution = contribution + share
        taps[name, place] = rms(contribution)
        sums[name] = sums[name] + contribution
        accumulated[name, place[1]] = rms(sums[name])
    return taps, accumulated


class _Drawing:
    """A `Figure` on its grid."""

    def __init__(self, run: Run, figure: Figure, of: Tensor, steps: str, colored: bool) -> None:
        self.run, self.figure, self.of, self.colored = run, figure, of, colored
        self.layout = run.model.layout
        T = len(run)
        elided = steps == "ends" or (steps == "auto" and T > MANY)
        self.visible = (
            [*range(1, ENDS + 1), *range(T - ENDS + 1, T + 1)] if elided and T > 2 * ENDS else range(1, T + 1)
        )
        self.gap = T - 2 * ENDS if len(self.visible) < T else 0
        roles = {role for role, _ in figure.tensors}
        self.width = max(self.layout[role][0] for role in roles) * COLUMN
        rows = [self.layout[role][1] for role in roles]
        self.low, self.high = min(rows) * ROW - 26, max(rows) * ROW + 44
        used = dict(reversed(figure.taps))  # where each parameter is used first
        order = sorted(used, key=lambda name: name not in figure.recurrent)
        self.above = [name for name in run.model.parameters() if name in used and self.layout[used[name][0]][1] > 0]
        self.below = [name for name in order if name not in self.above]
        sizes = [*figure.sizes.values(), *figure.connections.values()]
        self.scale = Scale.covering([*sizes, *figure.taps.values(), *figure.accumulated.values()])
        self.graph = Digraph("unrolled", strict=False)

    def drawn(self, folded: bool) -> Digraph:
        """The whole picture."""
        self.graph.attr(layout="nop", splines="line", outputorder="edgesfirst", pad="0.15", fontname=FONT)
        self.graph.attr("node", shape="circle", style="filled", fixedsize="true", margin="0", fontname=FONT)
        self.graph.attr("node", fillcolor="white", fontsize="13", label="")
        self.graph.attr("edge", arrowsize="0.7", fontname=FONT)
        for role, t in self.figure.tensors:
            if t == 0:
                self._circle(self.graph, (role, t))
        for t in self.visible:
            self._step(t)
        for connection, size in self.figure.connections.items():
            self._connection(*connection, size)
        for side, names in (("below", self.below), ("above", self.above)):
            for i, name in enumerate(names):
                self._bus(name, side, i)
        if self.gap:
            self._elision()
        if folded:
            self._folded()
        if self.colored:
            title = "Σ C" if self.of is self.run.cost else _label(self.of.name or "C")
            right = self._x(self.visible[-1]) + self.width + 40
            top = self._bus_y("below", len(self.below)) - 6
            legend(self.graph, self.scale, f"RMS gradient of {title} (log scale)", right, top)
        return self.graph

    # -- places -------------------------------------------------------------------------------------------------------

    def _x(self, t: int) -> float:
        """Where the first column of step t stands; step 0 is a column for the initial values."""
        if t == 0:
            return -SPACE
        column = self.visible.index(t)
        return column * (self.width + SPACE) + (SPACE if self.gap and column >= ENDS else 0.0)

    def _at(self, place: Place) -> tuple[float, float]:
        role, t = place
        column, row = self.layout[role]
        return self._x(t) + (column * COLUMN if t else 0.0), row * ROW

    def _shown(self, place: Place) -> bool:
        return place[1] == 0 or place[1] in self.visible

    def _bus_y(self, side: str, i: int) -> float:
        return self.low - BUS * (i + 1) if side == "below" else self.high + BUS * (i + 0.9)

    # -- looks --------------------------------------------------------------------------------------------------------

    def _edge_style(self, size: float | None) -> dict[str, str]:
        return self.scale.edge(size) if self.colored else {"color": INK}

    def _circle(self, graph: Any, place: Place) -> None:
        tensor, size = self.figure.tensors[place], self.figure.sizes[place]
        style = self.scale.node(size) if self.colored else {}
        label = _label("_".join(map(str, place)))
        if place[0] in ("x", "target"):
            style = {"fillcolor": DATA, "fontcolor": "black"}
        if place[0] == "target":
            label, style["fontsize"] = "target", "10"
        shape, diameter = ("doublecircle", COST) if place[0] == "C" else ("circle", CIRCLE)
        (x, y), tooltip = self._at(place), _tooltip(tensor, size, self.colored)
        pin(graph, _id(place), label, x, y, diameter, diameter, shape=shape, tooltip=tooltip, **style)

    def _step(self, t: int) -> None:
        left, right = self._x(t) - 38, self._x(t) + self.width + 52
        with self.graph.subgraph(name=f"cluster_{t}") as box:
            box.attr(
                bb=f"{left:.0f},{self.low:.0f},{right:.0f},{self.high:.0f}", label=f"t = {t}", labelloc="b",
                lp=f"{(left + right) / 2:.0f},{self.high - 10:.0f}", lheight="0.2", lwidth="0.5", fontsize="12",
                style="rounded,filled", color="#c8d0da", fillcolor="#f6f8fa", fontcolor=INK, tooltip=f"step {t}",
            )  # fmt: skip
            for place in self.figure.tensors:
                if place[1] == t:
                    self._circle(box, place)

    def _connection(self, source: Place, target: Place, size: float | None) -> None:
        if self._shown(source) and self._shown(target):
            self.graph.edge(_id(source), _id(target), **self._edge_style(size))
        elif self._shown(source) or self._shown(target):  # it leads into the gap, or out of it
            (_, row), inward = self.layout[source[0]], self._shown(source)
            x = self._x(self.visible[ENDS - 1]) + self.width + 66 if inward else self._x(self.visible[ENDS]) - 52
            end = f"gap_{source[0]}_{'in' if inward else 'out'}"
            self._bend(end, x, row * ROW)
            ends = (_id(source), end) if inward else (end, _id(target))
            self.graph.edge(*ends, **self._edge_style(size))

    def _bend(self, name: str, x: float, y: float) -> None:
        pin(self.graph, name, "", x, y, 0.72, 0.72, shape="point", style="invis")

    def _bus(self, name: str, side: str, i: int) -> None:
        """A parameter's box, its bus, and a tap to every place where it is used."""
        figure, y = self.figure, self._bus_y(side, i)
        total = figure.accumulated[name, min(t for n, t in figure.accumulated if n == name)]  # of all steps
        style = self.scale.node(total) if self.colored else {"fontcolor": "black"}
        style |= {"color": PARAMETER, "style": "filled,rounded", "penwidth": "2", "shape": "box"}
        parameter = self.run.model.parameters()[name]
        pin(self.graph, name, name, -SPACE, y, 30.0, 26.0, tooltip=_tooltip(parameter, total, self.colored), **style)
        before = name
        for place in sorted((p for n, p in figure.taps if n == name and self._shown(p)), key=lambda p: p[1]):
            (x, node_y), tap, size = self._at(place), f"{name}_{_id(place)}", figure.taps[name, place]
            if side == "above":
                x, bend = x + 32 + 10 * i, node_y - 20 * i
            elif name in figure.recurrent:
                x, bend = x - 27 - 8 * list(figure.recurrent).index(name), node_y - 27
            else:
                k = i - len([n for n in self.below if n in figure.recurrent])
                x, bend = x + 25 + 8 * k, node_y - 27 + 7 * k
            style = {"shape": "point", "color": PARAMETER, "fillcolor": PARAMETER}
            pin(self.graph, tap, "", x, y, 4.3, 4.3, tooltip=f"{name} used at t = {place[1]}", **style)
            self._bend(f"{tap}_bend", x, bend)
            if (
                self.gap and place[1] == self.visible[ENDS]
            ):  # the steps left out add their share in the middle of the gap
                middle = f"{name}_gap"
                self._bend(middle, (self._x(self.visible[ENDS - 1]) + self.width + self._x(place[1])) / 2, y)
                hidden = figure.accumulated.get((name, self.visible[ENDS - 1] + 1))
                self.graph.edge(before, middle, dir="none", **self._edge_style(hidden))
                before = middle
            self.graph.edge(before, tap, dir="none", **self._edge_style(figure.accumulated[name, place[1]]))
            self.graph.edge(tap, f"{tap}_bend", dir="none", **self._edge_style(size))
            self.graph.edge(f"{tap}_bend", _id(place), **(self._edge_style(size) | {"arrowsize": "0.5"}))
            before = tap

    def _elision(self) -> None:
        """What the gap in the middle leaves out, and how much of the gradient is lost or gained across it."""
        early, late = self.visible[ENDS - 1], self.visible[ENDS]
        x = (self._x(early) + self.width + 52 + self._x(late) - 38) / 2
        text(self.graph, "gap", f"… {self.gap} step{'s' * (self.gap > 1)} …", x, self.high - 40)
        role = self.run.model.carried[0]
        first, last = self.figure.sizes[role, early], self.figure.sizes[role, late]
        if self.colored and self.of is not self.run.cost and first is not None and last:  # of Σ C every step adds some
            text(self.graph, "gap_drop", f"gradient × {first / last:.2g}", x, self.high - 58, size=10)

    # -- the folded network -------------------------------------------------------------------------------------------

    def _folded(self) -> None:
        """One circle a row, what is carried as loops with a square for the delay; all left of the unrolled one."""
        x, figure = -SPACE - 160, self.figure
        rows: dict[float, str] = {}
        for role, (_, row) in sorted(self.layout.items(), key=lambda item: item[1][0]):
            if (role, 1) in figure.tensors and role != "target":
                rows[row] = role
        chain = sorted(rows)
        for row in chain:
            shape, diameter = ("doublecircle", COST) if rows[row] == "C" else ("circle", CIRCLE)
            pin(self.graph, f"folded_{rows[row]}", f"{rows[row]}ₜ", x, row * ROW, diameter, diameter, shape=shape)
        for low, high in pairwise(chain):
            self.graph.edge(f"folded_{rows[low]}", f"folded_{rows[high]}")
            used = {n for n, p in figure.taps if self.layout[p[0]][1] == high and n not in figure.recurrent}
            if used:
                label = ", ".join(name for name in self.run.model.parameters() if name in used)
                text(self.graph, f"folded_{rows[high]}_by", label, x + 24, (low + high) / 2 * ROW, fontcolor="black")
        hidden = rows[0]
        for k, role in enumerate(self.run.model.carried):
            left, row = x - 44 - 34 * k, self.layout[role][1]
            top, bottom = (26.0, -26.0) if row == 0 else (row * ROW, -40.0 * k)
            by = ", ".join(name for name, on in figure.recurrent.items() if on == role)
            self._bend(f"loop_{role}_top", left, top)
            self._bend(f"loop_{role}_bottom", left, bottom)
            middle = (top + bottom) / 2
            square = {"shape": "square", "fillcolor": "black", "tooltip": "one step later"}
            pin(self.graph, f"loop_{role}", "", left, middle, 10, 10, **square)
            text(self.graph, f"loop_{role}_by", by, left - 10 - 4 * len(by), middle, fontcolor="black")
            self.graph.edge(f"folded_{role}", f"loop_{role}_top", dir="none")
            self.graph.edge(f"loop_{role}_top", f"loop_{role}", dir="none")
            self.graph.edge(f"loop_{role}", f"loop_{role}_bottom", dir="none")
            self.graph.edge(f"loop_{role}_bottom", f"folded_{hidden}")
        text(self.graph, "unfold", "unfold →", -SPACE - 80, 0)


def _id(place: Place) -> str:
    return f"{place[0]}{place[1]}"


def _label(name: str) -> str:
    """``h_12`` as h₁₂."""
    role, _, number = name.rpartition("_")
    return role + subscript(int(number)) if role and number.isdigit() else name


def _tooltip(tensor: Tensor, size: float | None, colored: bool) -> str:
    values = tensor.data
    parts = [tensor.name or "", f"shape {tensor.shape}"]
    parts += [f"= {values:.3g}" if tensor.ndim == 0 else f"values {values.min():.3g} … {values.max():.3g}"]
    parts += [f"made by {name_of(tensor.fn)}"] if tensor.fn else []
    if colored:
        parts += ["no gradient asked for" if size is None else f"gradient rms {size:.3g}"]
    return ", ".join(parts)
