"""The textbook figure: a network folded and unrolled, drawn from the graph of a real run, coloured by its gradient.

`wiring` finds what is to be drawn, `layouts`, `grid` and `buses` say where it stands, and `paint` how it is coloured.
`draw` puts them together: one `template` a step, parameters as buses along the bottom and the top. Along a bus, from
right to left, the steps' contributions add up to the parameter's gradient. That is back-propagation through time.
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
from minigrad.pictures.notebook import shown
from minigrad.pictures.style import FONT, INK, PARAMETER, TIGHT, hint, pin, text
from minigrad.rnn.figure.buses import Buses
from minigrad.rnn.figure.folded import Folded
from minigrad.rnn.figure.geometry import Line, Outline, middle
from minigrad.rnn.figure.grid import MANY, Gap, Grid, chosen
from minigrad.rnn.figure.layouts import template_for
from minigrad.rnn.figure.names import CIRCLE, COST, TARGET, box_width, circle, label, safe, short
from minigrad.rnn.figure.paint import ByGradient, Paint, painted
from minigrad.rnn.figure.pattern import Tap
from minigrad.rnn.figure.picture import Part, Picture
from minigrad.rnn.figure.splines import spline
from minigrad.rnn.figure.wiring import Place, Wiring
from minigrad.rnn.unrolling import Run

ARROW, TAP = 0.7, 0.5  # sizes of arrowheads
SHORT = 100  # steps of a run that a notebook draws without being asked


def draw(
    run: Run,
    of: Tensor | None = None,
    *,
    folded: bool = True,
    steps: Literal["auto", "all", "ends"] | Sequence[int] = "auto",
    color: Literal["gradient", "value", "none"] = "gradient",
    by: Literal["gradient", "cost"] = "gradient",
) -> Picture:
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
    Picture
        A `Digraph`. Positions are part of it, so that every Graphviz keeps them. ``.render("unrolled.svg")`` writes a
        picture. Every node has its name as ``id``, every edge ``source--target``, and SVG keeps them; what they stand
        for is told by ``.parts``.

    Raises
    ------
    ValueError
        If there is nothing to differentiate for the colours, an option or step is unknown, or the model's own layout
        leaves a role without a place, or a line without a way.
    TypeError
        If ``run`` is no `Run`, or ``of`` no tensor.

    Notes
    -----
    Where a role stands may be told by the model's ``layout`` and ``folded``: see `minigrad.rnn.figure.layouts`. No line
    runs through a circle that it does not lead to, or over another line; where that cannot be, because a value is used
    many steps later or very many lines meet, it comes from a dashed copy of its source (a ghost). What
    was detached on its way to the next step, as truncated back-propagation through time does, is drawn dotted and cut
    through.

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
    return _Drawing(run, wiring, visible, painted(run, wiring, visible, of, color, by), of).drawn(folded)


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


class _Drawing:
    """A `Figure` on its `Grid`, with its `Buses`, in its `Paint`."""

    def __init__(self, run: Run, wiring: Wiring, visible: Sequence[int], paint: Paint, of: Tensor | None) -> None:
        self.run, self.figure, self.paint, self.of = run, paint.figure, paint, of
        self.parameters = wiring.parameters
        self.grid = Grid(template_for(run, wiring), visible, len(run))
        self.buses = Buses(self.grid, wiring.uses)
        self.graph = Picture("unrolled", strict=False)
        self.circles = {place: self.graph.unique(circle(place)) for place in wiring.tensors}
        names = [*self.buses.below, *self.buses.above]
        self.boxes = {name: self.graph.unique(safe(name), f"{safe(name)}_parameter") for name in names}
        self.joints: dict[Place, str] = {}
        self.ends: dict[tuple[str, float, float], str] = {}  # where connections vanish in gaps

    def drawn(self, folded: bool) -> Picture:
        """The whole picture."""
        self.graph.attr(layout="nop2", outputorder="edgesfirst", fontname=FONT, **TIGHT)
        self.graph.attr("node", shape="circle", style="filled", fixedsize="true", margin="0", fontname=FONT)
        self.graph.attr("node", fillcolor="white", fontsize="13", label="")
        self.graph.attr("edge", arrowsize=f"{ARROW}", fontname=FONT)
        steps: dict[int, list[Place]] = {t: [] for t in (0, *self.grid.visible)}
        for place in self.figure.tensors:
            steps.get(place[1], []).append(place)
        for place in steps.pop(0):
            self._circle(self.graph, place)
        for t, places in steps.items():
            self._step(t, places)
        for connection in self.figure.connections:
            self._connection(*connection)
        for name in self.boxes:
            self._bus(name)
        for number, gap in enumerate(self.grid.gaps):
            self._elision(gap, number)
        if folded:
            width = max(map(box_width, self.boxes), default=0.0)
            left = self.grid.box(0)[0]
            Folded(self.graph, self.run, self.figure, left - 100 - width).draw()
            text(self.graph, self.graph.unique("unfold"), "unfold →", left - 20 - width, 0)
        self.paint.legend(self.graph, max(self.grid.right - 12, 160.0), self.buses.bottom - 6)
        return self.graph

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
        id = self.circles[place]
        self.graph.parts[id] = Part("place", place, place)
        pin(graph, id, words, x, y, width, height, tooltip=tooltip, **look)

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
        line = self._seen(line, source if start else None, target if end else None)
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
        look = {"style": "dashed,filled", "color": INK, "fontcolor": INK, "fontsize": "10"}
        words = label(f"{short(source[0], 6)}_{source[1]}")
        x, y = self.grid.at(ghost)
        pin(self.graph, name, words, x, y, CIRCLE, CIRCLE, tooltip=hint(f"{words}, once more"), **look)
        seen = self._seen(line or (), ghost, target)
        look = self.paint.line("connections", (source, target))
        use = Part("connection", (source, target), target)
        self.graph.edge(name, self.circles[target], use, **look, **spline(seen, ARROW))

    def _seen(self, line: Line, source: Place | None, target: Place | None) -> Line:
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

    # -- parameters ---------------------------------------------------------------------------------------------------

    def _bus(self, name: str) -> None:
        """A parameter's box, its bus, and a tap to every place where it is used."""
        places, id, y = self.buses.used[name], self.boxes[name], self.buses.y(name)
        first = name, places[0][1]  # the sum from there on is that of all steps
        look = {"style": "filled", "fontcolor": "black"} | self.paint.node("accumulated", first)
        look |= {"color": PARAMETER, "penwidth": "2", "shape": "box"}
        if look["style"] != "striped":
            look["style"] += ",rounded"
        width = box_width(name)
        tooltip = _tooltip(self.parameters[name], self.paint.words("accumulated", first))
        self.graph.parts[id] = Part("parameter", first)
        right = self.grid.box(0)[0] + 45
        pin(self.graph, id, label(short(name, 20)), right - width / 2, y, width, 26.0, tooltip=tooltip, **look)
        before, passed = (id, right), 0
        for place in [place for place in places if self.grid.shows(place[1])]:
            while passed < len(self.grid.gaps) and self.grid.gaps[passed].before < place[1]:
                before = self._bus_in_gap(name, before, passed)
                passed += 1
            before = self._tap(name, place, before)
        for number in range(passed, len(self.grid.gaps)):
            before = self._bus_in_gap(name, before, number)

    def _bus_in_gap(self, name: str, before: tuple[str, float], number: int) -> tuple[str, float]:
        """Lead a bus to the middle of a gap, where the steps that are left out add their share; where it is then."""
        gap = self.grid.gaps[number]
        used = self.buses.used[name]
        first, last = (bisect_left(used, t, key=lambda place: place[1]) for t in (gap.first, gap.last + 1))
        hidden = [t for _, t in used[first:last]]
        if not hidden:
            return before
        middle = self.graph.unique(_nth(self.boxes[name], number + 1) + "_gap")
        dot = {"color": PARAMETER, "tooltip": hint(f"{name} used {len(hidden)} times, t = {gap.first} … {gap.last}")}
        x = sum(self.grid.span(gap)) / 2
        pin(self.graph, middle, "", x, self.buses.y(name), 5.0, 5.0, **dot)
        self._piece(name, hidden[0], before[0], middle, (before[1], x), gap)
        return middle, x

    def _piece(self, name: str, t: int, tail: str, head: str, xs: tuple[float, float], at: Place | Gap) -> None:
        """A piece of a bus: what steps t ... T contribute together."""
        look, y = self.paint.line("accumulated", (name, t)), self.buses.y(name)
        along = spline(((xs[0], y), (xs[1], y)))
        self.graph.edge(tail, head, Part("bus", (name, t), at), dir="none", **look, **along)

    def _tap(self, name: str, place: Place, before: tuple[str, float]) -> tuple[str, float]:
        """Lead a bus on to where a use leaves it, and from there to its place; return where it is then."""
        line = self.buses.tap(name, place)
        id, (x, y) = self.graph.unique(f"{self.boxes[name]}_{self.circles[place]}"), line[0]
        point = {"shape": "point", "color": PARAMETER, "fillcolor": PARAMETER}
        pin(self.graph, id, "", x, y, 4.3, 4.3, tooltip=hint(f"{name} used at t = {place[1]}"), **point)
        self._piece(name, place[1], before[0], id, (before[1], x), place)
        look, use = self.paint.line("taps", (name, place)), Part("tap", (name, place), place)
        joint = self.grid.template.joints.get(Tap(name, place[0]))
        if joint is None:
            along = spline(self._seen(line, None, place), TAP)
            self.graph.edge(id, self.circles[place], use, arrowsize=f"{TAP}", **look, **along)
        else:
            self.graph.edge(id, self._joint((joint, place[1]), place), use, dir="none", **look, **spline(line))
        return id, x

    def _joint(self, joint: Place, place: Place) -> str:
        """A point where parameters meet, and the arrow that leads on from there, drawn once."""
        if joint not in self.joints:
            name = self.joints[joint] = self.graph.unique(f"joint_{self.circles[place]}")
            pin(self.graph, name, "", *self.grid.at(joint), 4.3, 4.3, shape="point", color=PARAMETER)
            line, _ = self.grid.line(joint, place)
            look = {"color": INK, "tooltip": "several parameters"} | spline(self._seen(line or (), None, place), ARROW)
            self.graph.edge(name, self.circles[place], Part("joint", joint, place), **look)
        return self.joints[joint]

    # -- gaps ---------------------------------------------------------------------------------------------------------

    def _elision(self, gap: Gap, number: int) -> None:
        """What a gap leaves out, and how much of the gradient is lost or gained across it."""
        name, x = self.graph.unique(_nth("gap", number + 1)), sum(self.grid.span(gap)) / 2
        self.graph.parts[name] = Part("gap", gap, gap)
        words, drop = f"… {len(gap)} step{'s' * (len(gap) > 1)} …", self._drop(gap)
        top = self.grid.high - (3 if drop else 10)  # all of it above the lanes of the uppermost circles
        text(self.graph, name, words, x, top)
        for i, line in enumerate(drop):
            text(self.graph, self.graph.unique(f"{name}_drop"), line, x, top - 14.6 - 14.1 * i, size=10)

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
