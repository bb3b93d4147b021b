"""The textbook figure: a network folded and unrolled, drawn from the graph of a real run, coloured by its gradient.

`figure` finds what is to be drawn, `grid` says where it stands, and `paint` how it is coloured. `draw` puts the three
together: one column a step, roles where the model says, parameters as buses along the bottom and the top. Along a bus,
from right to left, the steps' contributions add up to the parameter's gradient. That is back-propagation through time.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from minigrad.engine.tables import name_of
from minigrad.engine.tensor import Tensor
from minigrad.engine.walk import gradients
from minigrad.graph import graph_of, rms
from minigrad.pictures.dot import Digraph
from minigrad.pictures.notebook import shown
from minigrad.pictures.style import FONT, INK, PARAMETER, hint, pin, text
from minigrad.rnn.figure.folded import Folded
from minigrad.rnn.figure.grid import BUS, ENDS, MANY, SPACE, Gap, Grid, chosen
from minigrad.rnn.figure.names import CIRCLE, COST, TARGET, circle, label, safe, short
from minigrad.rnn.figure.paint import ByCost, ByGradient, ByValue, Paint
from minigrad.rnn.figure.wiring import Figure, Place, Wiring
from minigrad.rnn.unrolling import Run

SHORT = 100  # steps of a run that a notebook draws without being asked

__all__ = ["ENDS", "MANY", "Figure", "Place", "differentiable", "draw"]


def draw(
    run: Run,
    of: Tensor | None = None,
    *,
    folded: bool = True,
    steps: Literal["auto", "all", "ends"] | Sequence[int] = "auto",
    color: Literal["gradient", "value", "none"] = "gradient",
    by: Literal["gradient", "cost"] = "gradient",
) -> Digraph:
    """Draw a run as the textbooks do: folded on the left, unrolled on the right.

    Parameters
    ----------
    run : Run
        What `unroll` returned.
    of : Tensor, optional
        What is differentiated for the colours: ``run["C"][-1]`` for the last step's cost alone; Σ C_t by default.
    folded : bool
        Whether to draw the folded network too.
    steps : {"auto", "all", "ends"}, range or sequence of int
        Draw all steps, or the first and last three, or those with these numbers; "auto" leaves out the middle of runs
        of more than 12 steps. Every gap says what it leaves out.
    color : {"gradient", "value", "none"}
        By the RMS of the gradient, on a logarithmic scale: circles by their whole gradient, lines by the share of it
        that went through them. Or circles by the RMS of their values. Or not at all: then nothing is differentiated.
    by : {"gradient", "cost"}
        With ``color="gradient"``: colour by its size, or by the costs that it comes from. Every line is then a bar and
        every circle a pie with a share for each C_t of the steps that are drawn (and one for all others), the share
        being its RMS over the sum of these. Width still tells the size. This takes one walk for each of these costs.

    Returns
    -------
    Digraph
        Positions are part of it, so that any Graphviz keeps them. ``.render("unrolled.svg")`` writes a picture. Every
        node has its name as ``id``, every edge ``source--target``, and SVG keeps them.

    Raises
    ------
    ValueError
        If there is nothing to differentiate for the colours, or an option or step is unknown.
    TypeError
        If ``run`` is no `Run`, or ``of`` no tensor.

    Notes
    -----
    Where a role stands is told by the model's ``layout`` and ``folded``: see `minigrad.rnn.cells`. What was detached
    on its way to the next step, as truncated back-propagation through time does, is drawn dotted and cut through.

    Examples
    --------
    >>> import numpy as np
    >>> from minigrad.rnn import RNN, draw, unroll
    >>> run = unroll(RNN(1, 3, 1), np.ones((100, 1)), np.zeros((100, 1)))
    >>> picture = draw(run, run["C"][-1])
    >>> "… 94 steps …" in picture.source
    True
    """
    known = {"color": (color, ("gradient", "value", "none")), "by": (by, ("gradient", "cost"))}
    for name, (value, values) in known.items():
        if value not in values:
            raise ValueError(f"{name}={value!r} is not known: choose one of {', '.join(values)}")
    if not isinstance(run, Run):
        raise TypeError(
            f"a {type(run).__name__} cannot be drawn unrolled: pass what unroll(model, xs, targets) returns"
        )
    visible = chosen(steps, len(run))
    if not any(tensor.requires_grad for tensor in run.steps[-1].values()):
        raise ValueError("the run was not recorded, so there is no graph to draw: unroll it outside no_grad")
    if color == "gradient" and by == "cost":
        if of is not None or run.cost is None:
            raise ValueError('by="cost" tells the costs of a run apart: unroll with targets, and leave out of=')
    elif color == "gradient":
        of = differentiable(run, of)
    wiring = Wiring.of_run(run, *([] if of is None else [of]))
    return _Drawing(run, wiring, visible, _paint(run, wiring, visible, of, color, by), of).drawn(folded)


def differentiable(run: Run, of: Tensor | None) -> Tensor:
    """What is differentiated, if it can be."""
    of = run.cost if of is None else of
    if of is None:
        raise ValueError(
            'a picture of gradients needs a cost: unroll with targets, or name a number with of=, or pass color="none"'
        )
    if not isinstance(of, Tensor):
        raise TypeError(f"of is a {type(of).__name__}: name a Tensor that is to be differentiated")
    made_from = graph_of(of).numbers if of.requires_grad else {}
    if not any(tensor.index in made_from for step in run.steps for tensor in step.values()):
        raise ValueError(
            f"of={of!r} was not made from this run with its graph recorded: name a number that was, such as run.cost"
        )
    return of


def _paint(run: Run, wiring: Wiring, visible: Sequence[int], of: Tensor | None, color: str, by: str) -> Paint:
    if color == "none":
        return Paint(wiring.of_nothing())
    if color == "value":
        return ByValue(wiring.of_values(), visible)
    if of is None:
        return ByCost(wiring, run, visible)
    name = "Σ C" if of is run.cost else "Σ " * (of.size > 1) + label(short(of.name or "C", 30))
    return ByGradient(wiring.differentiated(of), name, visible)


class _Identified(Digraph):
    """A graph whose nodes and edges have stable ids in the SVG; ``h1--z2--2`` is a second edge from h1 to z2."""

    def node(self, name: str, label: str | None = None, **attributes: str) -> None:
        super().node(name, label, **{"id": name, **attributes})

    def edge(self, tail: str, head: str, **attributes: str) -> None:
        seen = self.__dict__.setdefault("_seen", {})
        count = seen[tail, head] = seen.get((tail, head), 0) + 1
        super().edge(tail, head, id=f"{tail}--{head}" + f"--{count}" * (count > 1), **attributes)


class _Drawing:
    """A `Figure` on its `Grid`, in its `Paint`."""

    def __init__(self, run: Run, wiring: Wiring, visible: Sequence[int], paint: Paint, of: Tensor | None) -> None:
        self.run, self.figure, self.paint, self.of = run, paint.figure, paint, of
        self.parameters = wiring.parameters
        self.grid = Grid(run.model.layout, {role for role, _ in wiring.tensors}, visible, len(run))
        self.used: dict[str, list[Place]] = {}  # where each parameter is used, from left to right
        for name, place in sorted(wiring.uses, key=lambda use: (use[1][1], self.grid.layout[use[1][0]])):
            self.used.setdefault(name, []).append(place)
        self.roles = {name: {role for role, _ in places} for name, places in self.used.items()}
        names = [name for name in wiring.parameters if name in self.used]
        self.above = [name for name in names if self.grid.layout[self.used[name][0][0]][1] > 0]
        below = [name for name in names if name not in self.above]
        self.below = sorted(below, key=lambda name: name not in self.figure.recurrent)
        circles = {circle(place) for place in wiring.tensors}
        self.ids = {name: safe(name) + "_parameter" * (safe(name) in circles) for name in names}
        self.ends: dict[str, list[tuple[float, float]]] = {}  # where connections vanish in gaps
        self.graph = _Identified("unrolled", strict=False)

    def drawn(self, folded: bool) -> Digraph:
        """The whole picture."""
        self.graph.attr(layout="nop", splines="line", outputorder="edgesfirst", pad="0.15", fontname=FONT)
        self.graph.attr("node", shape="circle", style="filled", fixedsize="true", margin="0", fontname=FONT)
        self.graph.attr("node", fillcolor="white", fontsize="13", label="")
        self.graph.attr("edge", arrowsize="0.7", fontname=FONT)
        steps: dict[int, list[Place]] = {t: [] for t in (0, *self.grid.visible)}
        for place in self.figure.tensors:
            steps.get(place[1], []).append(place)
        for place in steps.pop(0):
            self._circle(self.graph, place)
        for t, places in steps.items():
            self._step(t, places)
        for connection in self.figure.connections:
            self._connection(*connection)
        for names in (self.below, self.above):
            for i, name in enumerate(names):
                self._bus(name, i)
        for number, gap in enumerate(self.grid.gaps):
            self._elision(gap, number)
        if folded:
            Folded(self.graph, self.run, self.figure, -SPACE - 160 - max(map(self._width, self.used)) + 30).draw()
            text(self.graph, "unfold", "unfold →", -SPACE - 50 - max(map(self._width, self.used)), 0)
        self.paint.legend(self.graph, max(self.grid.right - 12, 160.0), self._bus_y(len(self.below), above=False) - 6)
        return self.graph

    def _bend(self, name: str, x: float, y: float) -> None:
        pin(self.graph, name, "", x, y, 0.72, 0.72, shape="point", style="invis")

    # -- steps --------------------------------------------------------------------------------------------------------

    def _circle(self, graph: Any, place: Place) -> None:
        role, t = place
        look, words = self.paint.node("sizes", place), label(f"{short(role, 6)}_{t}")
        width = height = CIRCLE
        if len(words) > 4:
            look["fontsize"] = "10"
        if role == "C":
            width = height = COST
            look["shape"] = "doublecircle"
        elif role == "target" or self._stands_for_target(place):
            (width, height), look["shape"], look["fontsize"] = TARGET, "box", "11"
        x, y = self.grid.at(place)
        tooltip = _tooltip(self.figure.tensors[place], self.paint.words("sizes", place))
        pin(graph, circle(place), words, x, y, width, height, tooltip=tooltip, **look)

    def _stands_for_target(self, place: Place) -> bool:
        """Whether it is y_0 where targets are fed back: what the first step hears in the place of a target."""
        return self.run.forced and place == ("y", 0)

    def _step(self, t: int, places: list[Place]) -> None:
        left, right = self.grid.box(t)
        low, high = self.grid.low, self.grid.high
        with self.graph.subgraph(name=f"cluster_{t}") as box:
            box.attr(
                bb=f"{left:.0f},{low:.0f},{right:.0f},{high:.0f}", label=f"t = {t}", labelloc="b",
                lp=f"{(left + right) / 2:.0f},{high - 10:.0f}", lheight="0.2", lwidth="0.5", fontsize="12",
                style="rounded,filled", color="#c8d0da", fillcolor="#f6f8fa", fontcolor=INK, tooltip=f"step {t}",
            )  # fmt: skip
            for place in places:
                self._circle(box, place)

    def _connection(self, source: Place, target: Place) -> None:
        """An arrow; of one that leads into a gap, or out of it, the part that is not hidden."""
        shown = self.grid.shows(source[1]), self.grid.shows(target[1])
        if not any(shown):
            return
        tail, head, look = circle(source), circle(target), self.paint.line("connections", (source, target))
        ends = [
            self.grid.at(place) if seen else self.grid.towards(source, target)
            for place, seen in zip((source, target), shown, strict=True)
        ]
        if not shown[1]:
            head = self._end_in_gap(source, "in", *ends[1])
        elif not shown[0]:
            tail = self._end_in_gap(source, "out", *ends[0])
        self.graph.edge(tail, head, **look)
        if (source, target) in self.figure.cuts:
            (x1, y1), (x2, y2) = ends
            bars = {"style": "filled", "fillcolor": "white", "tooltip": "cut: the values pass, no gradient does"}
            text(self.graph, f"cut_{tail}_{head}", "‖", (x1 + x2) / 2, (y1 + y2) / 2, size=13, **bars)

    def _end_in_gap(self, source: Place, way: str, x: float, y: float) -> str:
        """A point where a connection vanishes, by the name of what it carries."""
        stem = f"gap_{safe(source[0])}_{way}"
        same = self.ends.setdefault(stem, [])
        if (x, y) not in same:
            same.append((x, y))
            self._bend(_nth(stem, len(same)), x, y)
        return _nth(stem, same.index((x, y)) + 1)

    # -- parameters ---------------------------------------------------------------------------------------------------

    def _bus_y(self, i: int, above: bool) -> float:
        return self.grid.high + BUS * (i + 0.9) if above else self.grid.low - BUS * (i + 1)

    def _width(self, name: str) -> float:
        return max(30.0, 7.5 * len(short(name, 20)) + 12)

    def _bus(self, name: str, i: int) -> None:
        """A parameter's box, its bus, and a tap to every place where it is used."""
        above, places, id = name in self.above, self.used[name], self.ids[name]
        y, first = self._bus_y(i, above), (name, places[0][1])  # the sum from there on is that of all steps
        look = {"style": "filled", "fontcolor": "black"} | self.paint.node("accumulated", first)
        look |= {"color": PARAMETER, "penwidth": "2", "shape": "box"}
        if look["style"] != "striped":
            look["style"] += ",rounded"
        width = self._width(name)
        tooltip = _tooltip(self.parameters[name], self.paint.words("accumulated", first))
        pin(self.graph, id, label(short(name, 20)), 15 - SPACE - width / 2, y, width, 26.0, tooltip=tooltip, **look)
        before, passed = id, 0
        for place in [place for place in places if self.grid.shows(place[1])]:
            while passed < len(self.grid.gaps) and self.grid.gaps[passed].before < place[1]:
                before = self._bus_in_gap(name, before, y, passed)
                passed += 1
            tap = f"{id}_{circle(place)}"
            x = self._tap(name, place, tap, y, above)
            point = {"shape": "point", "color": PARAMETER, "fillcolor": PARAMETER}
            pin(self.graph, tap, "", x, y, 4.3, 4.3, tooltip=hint(f"{name} used at t = {place[1]}"), **point)
            self.graph.edge(before, tap, dir="none", **self.paint.line("accumulated", (name, place[1])))
            before = tap
        for number in range(passed, len(self.grid.gaps)):
            before = self._bus_in_gap(name, before, y, number)

    def _bus_in_gap(self, name: str, before: str, y: float, number: int) -> str:
        """Lead a bus to the middle of a gap, where the steps that are left out add their share; where it is then."""
        gap = self.grid.gaps[number]
        used = self.used[name]
        first, last = (bisect_left(used, t, key=lambda place: place[1]) for t in (gap.first, gap.last + 1))
        hidden = [t for _, t in used[first:last]]
        if not hidden:
            return before
        middle = _nth(self.ids[name], number + 1) + "_gap"
        dot = {"color": PARAMETER, "tooltip": hint(f"{name} used {len(hidden)} times, t = {gap.first} … {gap.last}")}
        pin(self.graph, middle, "", sum(self.grid.span(gap)) / 2, y, 5.0, 5.0, **dot)
        self.graph.edge(before, middle, dir="none", **self.paint.line("accumulated", (name, hidden[0])))
        return middle

    def _tap(self, name: str, place: Place, tap: str, y: float, above: bool) -> float:
        """A line from a bus to a place, along a lane of its own; where it leaves the bus."""
        x, bend = self._lane(name, place, above)
        look = self.paint.line("taps", (name, place))
        self._bend(f"{tap}_bend", x, bend)
        self.graph.edge(tap, f"{tap}_bend", dir="none", **look)
        end = {"color": look["color"].rpartition(":")[2], "arrowsize": "0.5"}  # of a bar of many colours the last
        self.graph.edge(f"{tap}_bend", circle(place), **(look | end))
        return x

    def _lane(self, name: str, place: Place, above: bool) -> tuple[float, float]:
        """Where a tap comes down, or up, beside its circle, and where it turns towards it.

        The parameters that act on what comes from the step before come from the left, the others from the right. From
        above all come from the side where nothing stands, unless the step before comes from there.
        """
        role, (x, y) = place[0], self.grid.at(place)
        along, recurrent = (self.above if above else self.below), self.figure.recurrent
        users = [other for other in along if role in self.roles[other]]
        heard = any(other in recurrent for other in users)
        right, left = self.grid.free(role, 1), self.grid.free(role, -1) and self.grid.layout[role][0] > 0
        if above and not heard and (right or left):
            k = users.index(name)
            return x + (32 + 10 * k) * (1 if right else -1), y - 20 * k
        k = [other for other in users if (other in recurrent) == (name in recurrent)].index(name)
        turn = 27 if name in recurrent else 27 - 7 * k
        return x + (-27 - 8 * k if name in recurrent else 25 + 8 * k), y + (turn if above else -turn)

    # -- gaps ---------------------------------------------------------------------------------------------------------

    def _elision(self, gap: Gap, number: int) -> None:
        """What a gap leaves out, and how much of the gradient is lost or gained across it."""
        name, x = _nth("gap", number + 1), sum(self.grid.span(gap)) / 2
        text(self.graph, name, f"… {len(gap)} step{'s' * (len(gap) > 1)} …", x, self.grid.high - 10)
        for i, line in enumerate(self._drop(gap)):
            text(self.graph, _nth(f"{name}_drop", i + 1), line, x, self.grid.high - 25 - 12 * i, size=10)

    def _drop(self, gap: Gap) -> list[str]:
        """How the gradient changes from the far end of a gap to the near one, in words.

        Of Σ C every step in between adds some: what is told then is the gradient of the costs beyond alone. That takes
        a walk for each gap, so of many gaps it is not told.
        """
        if type(self.paint) is not ByGradient or not gap.before or gap.last == len(self.run):
            return []
        role, early, late = self.run.model.carried[0], gap.before, gap.last + 1
        near, far = self.figure.sizes[role, early], self.figure.sizes[role, late]
        if near is None or not far:  # what is differentiated lies within the gap, or before it
            return []
        if self.of is not self.run.cost:
            return [f"gradient × {near / far:.2g}"]
        if len(self.grid.gaps) > MANY:
            return []
        beyond = [C for C in self.run["C"][late - 1 :] if C.requires_grad]
        ends = [self.figure.tensors[role, t] for t in (early, late)]
        near, far = map(rms, gradients(beyond, ends, [np.ones_like(C.data) for C in beyond]))
        return [f"from t ≥ {late}:", f"gradient × {near / far:.2g}"] if far else []


def _nth(name: str, n: int) -> str:
    """The first is called by its name alone."""
    return name if n == 1 else f"{name}_{n}"


def _tooltip(tensor: Tensor, size: str) -> str:
    """Name, shape, values, how it was made, and what its colour says."""
    values = tensor.data
    parts = [tensor.name or "", f"shape {tensor.shape}"]
    parts += [f"= {values:.3g}" if tensor.ndim == 0 else f"values {values.min():.3g} … {values.max():.3g}"]
    parts += [f"made by {name_of(tensor.fn)}"] if tensor.fn else []
    return hint(", ".join([*parts, size] if size else parts))


def of_run(run: Run) -> dict[str, str]:
    """What a notebook shows of a run: the figure, if it is not long, and else how to draw it."""
    color: Any = "none" if run.cost is None else "gradient"
    words = "<p><code>minigrad.rnn.draw(run)</code> draws it, <code>minigrad.rnn.animate(run)</code> plays it.</p>"
    return shown(repr(run), (lambda: draw(run, color=color)) if len(run) <= SHORT else None, words)
