"""The textbook figure: a network folded and unrolled, drawn from the graph of a real run, coloured by its gradient.

`wiring` finds what is to be drawn, `layouts`, `grid` and `buses` say where it stands, and `paint` how it is coloured.
`draw` puts them together: one `template` a step, parameters as buses along the bottom and the top. Along a bus, from
right to left, the steps' contributions add up to the parameter's gradient. That is back-propagation through time.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, Literal

from minigrad.engine.tensor import Tensor
from minigrad.graph import graph_of
from minigrad.pictures.notebook import shown
from minigrad.pictures.style import FONT, INK, PARAMETER, TIGHT, hint, pin, text
from minigrad.rnn.figure.buses import Buses
from minigrad.rnn.figure.compact import Asked, compact
from minigrad.rnn.figure.folded import Folded
from minigrad.rnn.figure.grid import Gap, Grid, chosen
from minigrad.rnn.figure.layouts import template_for
from minigrad.rnn.figure.names import IN_BOXES as IN_LABEL
from minigrad.rnn.figure.names import Names, box_width, escaped, safe, short
from minigrad.rnn.figure.numbers import IN_BOXES, Numbers
from minigrad.rnn.figure.paint import Paint, called, painted
from minigrad.rnn.figure.pattern import Tap
from minigrad.rnn.figure.picture import Part, Picture
from minigrad.rnn.figure.room import Room
from minigrad.rnn.figure.splines import spline
from minigrad.rnn.figure.steps import ARROW, AWAY, TAP, Steps, nth, told
from minigrad.rnn.figure.strokes import Box
from minigrad.rnn.figure.wiring import OF, Place, Wiring
from minigrad.rnn.unrolling import Run

SHORT = 100  # steps of a run that a notebook draws without being asked


def draw(
    run: Run,
    of: Tensor | None = None,
    *,
    folded: bool | None = None,
    steps: Literal["auto", "all", "ends"] | Sequence[int] = "auto",
    color: Literal["gradient", "value", "none"] = "gradient",
    by: Literal["gradient", "cost"] = "gradient",
    targets: bool = False,
    names: Mapping[str, str] | None = None,
    numbers: bool = False,
) -> Picture:
    """Draw a run as the textbooks do: folded on the left, unrolled on the right.

    Parameters
    ----------
    run : Run
        What `unroll` returned.
    of : Tensor, optional
        What is differentiated for the colours: ``run["C"][-1]`` for the last step's cost alone; Σ C_t by default. If it
        is told, and is no circle of the figure, it is drawn as a node, called by its name.
    folded : bool, optional
        Whether to draw the folded network too; without, unless there are ``numbers``, which want the room.
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
    targets : bool
        Whether to draw the targets too. Where they are drawn, the output is ỹ and the target y.
    names : dict of str to str, optional
        How roles and parameters are to be written: ``{"h": "s", "C": "L", "target": "y*"}``. Without, a parameter is
        called as its tensor is, or else as its attribute; what has the same name is told apart by where it stands
        (W⁽¹⁾, W⁽²⁾). ``W_hh`` is written Wₕₕ, and ``alpha`` α.
    numbers : bool
        Whether to write values and, below them, gradients into circles and boxes: a worked example. For networks of one
        or two units and a few steps; of more than four numbers, their root mean square is told.

    Returns
    -------
    Picture
        A `Digraph`. Positions are part of it, so that every Graphviz keeps them. ``.render("unrolled.svg")`` writes a
        picture; ``.render("unrolled.pdf", width="column")`` lays it out anew, for the column of a paper. Every node has
        its name as ``id``, every edge ``source--target``, and SVG keeps them; what they stand for ``.parts`` tells.

    Raises
    ------
    ValueError
        If there is nothing to differentiate for the colours, an option, step or name is unknown, there are no targets
        to draw, or the model's own layout leaves a role without a place, or a line without a way.
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
    folded = not numbers if folded is None else folded
    visible, told_of = chosen(steps, len(run)), of is not None
    if not any(tensor.requires_grad for tensor in run.steps[-1].values()):
        raise ValueError("the run was not recorded, so there is no graph to draw: unroll it outside no_grad")
    if color == "gradient" and by == "cost":
        if of is not None or not run.costs:
            raise ValueError('by="cost" tells the costs of a run apart: unroll with targets, and leave out of=')
    elif color == "gradient":
        of = differentiable(run, of)
    if targets and not run.targets:
        raise ValueError("targets=True, but the run has none: unroll it with targets")
    wiring = Wiring.of_run(run, *([] if of is None else [of]), targets=targets, ending=told_of)
    try:
        template = template_for(run, wiring)
    except ValueError:
        if not wiring.ends:
            raise
        wiring.beside.update(wiring.ends)  # there is no way for so many lines
        template = template_for(run, wiring)
    wiring = wiring.from_left(template.comes)
    written = Names(wiring, names)
    paint = painted(run, wiring, visible, of, color, by, written)
    drawing = _Drawing(run, wiring, visible, paint, of, written)
    if numbers:
        cost = (run.cost if of is None else of) if color == "gradient" else None
        tensors = [*wiring.tensors.values(), *wiring.parameters.values()]
        drawing.work_out(Numbers(tensors, cost, "" if cost is None else called(cost, run, wiring, written)))
    picture = drawing.drawn(folded)
    picture.title, _, roles = repr(run).strip("<>").partition(": ")
    picture.alt = f"{picture.title}, {'folded and ' * folded}unrolled: {roles}"
    picture.alt += "" if color == "none" else f", coloured by the RMS of the {color}"
    if not numbers:  # which want large circles
        asked = Asked(run, of, told_of, color, by, folded, targets, names, None if steps == "auto" else visible)
        picture.redrawn = partial(compact, asked)
    return picture


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


class _Drawing(Steps):
    """A `Figure` on its `Grid`, with its `Buses`, in its `Paint`."""

    def __init__(
        self, run: Run, wiring: Wiring, visible: Sequence[int], paint: Paint, of: Tensor | None, names: Names
    ) -> None:
        super().__init__(run, wiring, Grid(template_for(run, wiring), visible, len(run)), paint, of, names)
        self.parameters = wiring.parameters
        self.buses = Buses(
            self.grid, [*wiring.uses, *((OF, place) for place in wiring.ends if place not in wiring.beside)]
        )
        used = [name for name in (*self.buses.below, *self.buses.above) if name != OF]
        self.boxes = {name: self.graph.unique(safe(name), f"{safe(name)}_parameter") for name in used}
        self.joints: dict[Place, str] = {}

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
            self.circle(self.graph, place)
        for t, places in steps.items():
            self._step(t, places)
        for connection in self.figure.connections:
            self.connection(*connection)
        for name in self.boxes:
            self._bus(name)
        if self.of is not None and OF in self.buses.used:
            self._ending(self.of)
        self._endings_beside()
        for number, gap in enumerate(self.grid.gaps):
            self.elision(gap, number)
        if folded:
            width = max(map(self._width, self.boxes), default=0.0)
            left = self.grid.box(0)[0]
            Folded(self.graph, self.run, self.figure, self.names, left - 100 - width).draw()
            text(self.graph, self.graph.unique("unfold"), "unfold →", left - 20 - width, 0)
        right, top = max(self.grid.right - 12, 160.0), self.buses.bottom - (22 if self.numbers else 6)
        self.paint.legend(self.graph, right, top)
        if self.numbers:
            text(self.graph, "legend_numbers", self.numbers.meaning, right - 90, top + 17)
        return self.graph.closed()

    # -- steps --------------------------------------------------------------------------------------------------------

    def _step(self, t: int, places: list[Place]) -> None:
        left, right = self.grid.box(t)
        low, high = self.grid.low, self.grid.high
        self.graph.reached(left, low, right, high, 1.0)
        with self.graph.subgraph(name=f"cluster_{t}") as box:
            box.zoom = self.graph.zoom
            box.attr(
                bb=f"{left:.0f},{low:.0f},{right:.0f},{high:.0f}", label=f"t = {t}", labelloc="b",
                lp=f"{(left + right) / 2:.0f},{high - 10:.0f}", lheight="0.2", lwidth="0.5", fontsize="12",
                style="rounded,filled", color="#c8d0da", fillcolor="#f6f8fa", fontcolor=INK, tooltip=f"step {t}",
            )  # fmt: skip
            for place in places:
                self.circle(box, place)

    # -- parameters ---------------------------------------------------------------------------------------------------

    def _bus(self, name: str) -> None:
        """A parameter's box, its bus, and a tap to every place where it is used."""
        places, id, y = self.buses.used[name], self.boxes[name], self.buses.y(name)
        look = {"style": "filled", "fontcolor": "black"} | self.paint.node("parameters", name)
        look |= {"color": PARAMETER, "penwidth": "2", "shape": "box"}
        if look["style"] != "striped":
            look["style"] += ",rounded"
        width = self._width(name)
        tooltip = told(name, self.parameters[name], self.paint.words("parameters", name))
        self.graph.parts[id] = Part("parameter", name)
        right = self.grid.box(0)[0] + 45
        words = escaped(self.names.parameters[name])
        if self.numbers:
            words, look["fontsize"] = self.numbers.in_box(words, self.parameters[name])[0], f"{IN_BOXES}"
        elif mark := self.paint.mark("parameters", name):
            words, look["fontsize"] = f"{words}\n{mark}", "9"
        pin(self.graph, id, words, right - width / 2, y, width, 26.0, tooltip=tooltip, **look)
        if name in self.figure.elsewhere:
            left = right - width
            self.led_elsewhere(id, name, (left, y), left - AWAY, (left - AWAY - 28, y), 10)
        before, passed = (id, right), 0
        for place in [place for place in places if self.grid.shows(place[1])]:
            while passed < len(self.grid.gaps) and self.grid.gaps[passed].before < place[1]:
                before = self._bus_in_gap(name, before, passed)
                passed += 1
            before = self._tap(name, place, before)
        for number in range(passed, len(self.grid.gaps)):
            before = self._bus_in_gap(name, before, number)

    def _width(self, name: str) -> float:
        """Of a parameter's box."""
        least = box_width(self.names.parameters[name])
        return max(least, self.numbers.in_box("", self.parameters[name])[1]) if self.numbers else least

    def _ending(self, of: Tensor) -> None:
        """What is differentiated, on the right, and a line to it from every place that it was made from."""
        y, words = self.buses.y(OF), escaped(short(called(of, self.run, self.wiring, self.names), IN_LABEL))
        id, width = self.graph.unique("of"), max(30.0, 7.5 * len(words) + 12)
        left = self.grid.right + 12
        look = {"style": "filled", "fontcolor": "black"} | self.paint.of() | {"shape": "box", "peripheries": "2"}
        tooltip = told(of.name or "", of, "this is differentiated")
        self.graph.parts[id] = Part("of", OF)
        if self.numbers:
            words, look["fontsize"] = self.numbers.in_box(words, of)[0], f"{IN_BOXES}"
        pin(self.graph, id, words, left + width / 2, y, width, 26.0, tooltip=tooltip, **look)
        dots: list[tuple[float, str]] = []
        for place in filter(lambda place: self.grid.shows(place[1]), self.buses.used[OF]):
            line = self.buses.tap(OF, place)
            dots.append((line[0][0], self.graph.unique(f"of_{self.circles[place]}")))
            pin(self.graph, dots[-1][1], "", *line[0], 4.3, 4.3, shape="point", color=INK, fillcolor=INK)
            look, use = self.paint.line("ends", place), Part("ending", place, place)
            self.graph.edge(
                self.circles[place], dots[-1][1], use, dir="none", **look, **spline(self.seen(line, None, place)[::-1])
            )
        for gap in self.grid.gaps:
            if hidden := sum(gap.first <= t <= gap.last for _, t in self.buses.used[OF]):
                dots.append((sum(self.grid.span(gap)) / 2, self.graph.unique("of_gap")))
                about = hint(f"{hidden} more from t = {gap.first} … {gap.last}")
                pin(self.graph, dots[-1][1], "", dots[-1][0], y, 5.0, 5.0, color=INK, tooltip=about)
        dots = [*sorted(dots), (left - 2, id)]
        for (x, tail), (to_x, head) in pairwise(dots):
            arrow = ARROW if head == id else 0.0
            look = {} if arrow else {"dir": "none"}
            self.graph.edge(tail, head, Part("of", OF), color=INK, **look, **spline(((x, y), (to_x, y)), arrow))

    def _endings_beside(self) -> None:
        """What is differentiated, once more, beside circles that it was made from where no line to it comes by."""
        ends = [place for place in self.figure.ends if place in self.wiring.beside and self.grid.shows(place[1])]
        if not ends:
            return
        room = Room([], [*self.lines.values(), *self.vanishing], [])
        room.outlines += [self._outline(place) for place in self.figure.tensors if self.grid.shows(place[1])]
        for t in self.grid.visible:
            left, right = self.grid.box(t)
            room.boxes.append(Box((left + right) / 2, self.grid.high - 10, 24.0, 9.0))
            taps = (tap for tap in self.grid.template.taps)
            room.lines += [self.buses.tap(tap.name, (tap.role, t)) for tap in taps if tap.name in self.buses.used]
        edge = self.grid.box(0)[0] + 45
        for name in self.boxes:
            y, half = self.buses.y(name), self._width(name) / 2
            room.boxes.append(Box(edge - half, y, half, 13.0))
            room.lines.append(((edge, y), (self.grid.right, y)))
        for place in ends:
            self.ending(place, room, (7.5, 18.0))

    def _bus_in_gap(self, name: str, before: tuple[str, float], number: int) -> tuple[str, float]:
        """Lead a bus to the middle of a gap, where the steps that are left out add their share; where it is then."""
        gap = self.grid.gaps[number]
        used = self.buses.used[name]
        first, last = (bisect_left(used, t, key=lambda place: place[1]) for t in (gap.first, gap.last + 1))
        hidden = used[first:last]
        if not hidden:
            return before
        middle = self.graph.unique(nth(self.boxes[name], number + 1) + "_gap")
        dot = {"color": PARAMETER, "tooltip": hint(f"{name} used {len(hidden)} times, t = {gap.first} … {gap.last}")}
        x = sum(self.grid.span(gap)) / 2
        pin(self.graph, middle, "", x, self.buses.y(name), 5.0, 5.0, **dot)
        self._piece(name, hidden[0], before[0], middle, (before[1], x), gap)
        return middle, x

    def _piece(self, name: str, use: Place, tail: str, head: str, xs: tuple[float, float], at: Place | Gap) -> None:
        """A piece of a bus: what this use and all that are further right contribute together."""
        look, y = self.paint.line("accumulated", (name, use)), self.buses.y(name)
        along = spline(((xs[0], y), (xs[1], y)))
        self.graph.edge(tail, head, Part("bus", (name, use), at), dir="none", **look, **along)

    def _tap(self, name: str, place: Place, before: tuple[str, float]) -> tuple[str, float]:
        """Lead a bus on to where a use leaves it, and from there to its place; return where it is then."""
        line = self.buses.tap(name, place)
        id, (x, y) = self.graph.unique(f"{self.boxes[name]}_{self.circles[place]}"), line[0]
        point = {"shape": "point", "color": PARAMETER, "fillcolor": PARAMETER}
        pin(self.graph, id, "", x, y, 4.3, 4.3, tooltip=hint(f"{name} used at t = {place[1]}"), **point)
        self._piece(name, place, before[0], id, (before[1], x), place)
        look, use = self.paint.line("taps", (name, place)), Part("tap", (name, place), place)
        joint = self.grid.template.joints.get(Tap(name, place[0]))
        if joint is None:
            along = spline(self.seen(line, None, place), TAP)
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
            look = {"color": INK, "tooltip": "several parameters"} | spline(self.seen(line or (), None, place), ARROW)
            self.graph.edge(name, self.circles[place], Part("joint", joint, place), **look)
        return self.joints[joint]


def of_run(run: Run) -> dict[str, Any]:
    """What a notebook shows of a run: the figure, if it is not long, and else how to draw it."""
    color: Any = "none" if run.cost is None else "gradient"
    words = "<p><code>minigrad.rnn.draw(run)</code> draws it, <code>minigrad.rnn.animate(run)</code> plays it.</p>"
    return shown(repr(run), (lambda: draw(run, color=color)) if len(run) <= SHORT else None, words)
