"""The unrolled figure in the width of a column, of a page or of a slide: less of it, never smaller letters.

There are no buses and no boxes. Roles that only lead on (z) are passed through, as in the folded half, so a step is
often a single column. A parameter is a label beside the arrow that it acts on, in the colour of what that step
contributed. Of long runs as many steps are drawn as there is room for, from both ends. All is laid out as in `drawing`,
in its units; the graph's ``viewport`` then makes it as wide as asked.
"""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise, product
from math import dist
from typing import Any, NamedTuple

from minigrad.engine.tensor import Tensor
from minigrad.pictures.paper import LARGEST, Width
from minigrad.pictures.style import FONT, PARAMETER, TIGHT, hint, pin
from minigrad.rnn.figure.attribution import Figure
from minigrad.rnn.figure.folded import Folded, spots_of
from minigrad.rnn.figure.geometry import Point, length
from minigrad.rnn.figure.grid import Grid
from minigrad.rnn.figure.layouts import known_of
from minigrad.rnn.figure.names import Names, escaped, safe, told_apart
from minigrad.rnn.figure.paint import Paint, painted
from minigrad.rnn.figure.pattern import Pattern
from minigrad.rnn.figure.picture import Part, Picture
from minigrad.rnn.figure.placing import template_of
from minigrad.rnn.figure.room import Room
from minigrad.rnn.figure.steps import ARROW, AWAY, Steps, told
from minigrad.rnn.figure.strokes import ALONG, Box
from minigrad.rnn.figure.template import Template
from minigrad.rnn.figure.wiring import Connection, Place, Use, Wiring
from minigrad.rnn.unrolling import Run

TEXT, ROLE = 12.8, 14.0  # the least size of words, and that in circles, in the units of the drawing
FOLDED, SKIP = 40.0, 50.0  # from the folded half to the steps, and how much wider a gap is than what is between steps
LETTER, TALL, BETWEEN = 7.6, 15.0, 2.0  # the width and height of a letter in a label, and from label to label
RIM = 4.0  # for the width of lines at the picture's edges
GAPS, ALONE = (
    (4.0, 6.0, 9.0, 14.0, 20.0),
    2.0,
)  # how far from its arrow a label may stand, and how much further from others
ENOUGH = 3  # with fewer steps than this there is no room for the folded half
NAMES, IN_CIRCLES, IN_LABELS = 4, 4, 6  # so many parameters are named at an arrow; and so many letters of names


class Asked(NamedTuple):
    """What is to be drawn: see `drawing.draw`. Without ``steps``, as many as there is room for.

    ``told`` is whether it was said what is differentiated: then it is drawn.
    """

    run: Run
    of: Tensor | None
    told: bool
    color: str
    by: str
    folded: bool
    targets: bool
    names: Mapping[str, str] | None
    steps: Sequence[int] | None


def compact(asked: Asked, width: Width) -> Picture:
    """Draw a run in this width.

    Raises
    ------
    ValueError
        If there is no room for what is asked for, or for a single step.
    """
    run = passing(asked.run)
    of = [] if asked.of is None else [asked.of]
    wiring = Wiring.of_run(run, *of, targets=asked.targets, ending=asked.told)
    names = Names(wiring, _of_these(asked.names or {}, wiring))
    names.roles, names.parameters = told_apart(names.roles, IN_CIRCLES), told_apart(names.parameters, IN_LABELS)
    least, narrowest = width.text / TEXT, math.inf
    found: list[Picture] = []
    paints: dict[tuple[int, ...], Paint] = {}
    for roomy in (False, True):
        template = column(run, wiring, roomy)
        for folded, steps in _choices(asked, template, width.points / least):
            if (shown := tuple(steps)) not in paints:
                paints[shown] = painted(run, wiring, steps, asked.of, asked.color, asked.by, names)
            grid = Grid(template, steps, len(run), SKIP)
            drawing = _Compact(run, wiring, grid, paints[shown], asked.of, names)
            picture = drawing.drawn(folded)
            left, low, right, high = picture.extent
            scale = min(width.points / (right - left + RIM), LARGEST * least)
            if scale >= least:
                picture.attr(viewport=f"{width.points:.2f},{(high - low + RIM) * scale:.2f},{scale:.5f}")
                picture.redrawn = partial(compact, asked)
                found.append(picture)
                break
            narrowest = min(narrowest, (right - left + RIM) * least / 72)
        if found and drawing.complete:
            return found[-1]
    if found:  # a label may be missing; the arrows tell it
        return found[0]
    what = "a single step" if asked.steps is None else f"the {len(asked.steps)} steps that were named"
    raise ValueError(
        f"{width.asked} wide, {what} could not be drawn with text that can be read (at least {width.text:g} pt): allow"
        f" a width of {math.ceil(10 * narrowest) / 10:g}in" + ", or name fewer steps" * (asked.steps is not None)
    )


def passing(run: Run) -> Run:
    """The run without the roles that only lead from one to another: those that the folded half leaves out, too."""
    folded = getattr(run.model, "folded", None)
    if folded is None:
        known = known_of(run, Wiring.of_run(run).connections)
        folded = {} if known is None else known.folded
    kept = {"x", "y", "C", "target", *run.carried[0], *folded}
    return replace(run, steps=[{role: each for role, each in step.items() if role in kept} for step in run.steps])


def column(run: Run, wiring: Wiring, roomy: bool = False) -> Template:
    """A step without parameters, its roles one above the other, or where they stand in the folded half."""
    pattern = Pattern.of(wiring)._replace(taps=(), recurrent=frozenset(), roomy=roomy)
    spots = spots_of(run, Figure.of_nothing(wiring))
    if spots.keys() >= set(pattern.roles):
        folded = {role: spots[role] for role in pattern.roles}
        order = sorted((role for role in pattern.roles if not pattern.is_box(role)), key=lambda role: folded[role][1])
        for slots in (folded | {role: (0.0, row - 1.0) for row, role in enumerate(order)}, folded):
            try:
                return template_of(pattern, slots)
            except ValueError:  # there is no way for some arrow from step to step, which the folded half has not
                continue
    return template_of(pattern)


def _of_these(names: Mapping[str, str], wiring: Wiring) -> dict[str, str]:
    """Names without those of roles that are passed through."""
    shown = {"C", *(role for role, _ in wiring.tensors), *(name for name, _ in wiring.uses)}
    return {name: written for name, written in names.items() if name in shown}


def _choices(asked: Asked, template: Template, room: float) -> Iterator[tuple[bool, Sequence[int]]]:
    """With the folded half or without, and which steps: what shows most first."""
    T, period = len(asked.run), template.spacing.period
    most = min(int(room / period), T)
    for folded in (True, False) if asked.folded else (False,):
        if asked.steps is not None:
            yield folded, asked.steps
            continue
        for n in range(most, 0, -1):
            if folded and n < min(T, ENOUGH):
                break
            if n * period + SKIP * (n < T) <= room + period:
                yield folded, [*range(1, n - n // 2 + 1), *range(T - n // 2 + 1, T + 1)] if n > 1 else [T]
    if not most and asked.steps is None:
        yield False, [T]


def acted_on(wiring: Wiring) -> dict[Use, list[Connection]]:
    """The arrow that each use of a parameter acts on; or several, if what they bring is put together before."""
    entering, numbers = wiring.graph.arguments(), wiring.graph.numbers
    places = {numbers[tensor.index]: place for place, tensor in wiring.tensors.items()}
    arrows: dict[Place, list[Place]] = {}
    for source, target in wiring.connections:
        arrows.setdefault(target, []).append(source)
    found: dict[Use, list[Connection]] = {}
    for (name, place), edges in wiring.uses.items():
        beside = [(edge, other) for edge in edges for other in entering[edge.target] if other.source != edge.source]
        open_ = [other.source for edge, other in beside if wiring.meet(edge, other)]
        seen, heard = set(open_), set[Place]()
        while open_:
            number = open_.pop()
            if number in places:
                heard.add(places[number])
                continue
            sources = {edge.source for edge in entering[number]} - seen
            seen |= sources
            open_ += sources
        there = arrows.get(place, [])
        exact = [source for source in there if source in heard]
        within = [source for source in there if source[1] == place[1]]
        carried = [source for source in there if source[0] == wiring.recurrent.get(name)]
        chosen = exact if len(exact) == 1 else carried or within or there
        found[name, place] = [(source, place) for source in chosen]
    return found


def _width(words: str) -> float:
    """Of words, in letters: those above and below the line are narrower, and arrows wider."""
    low = sum(unicodedata.decomposition(letter).startswith(("<sup", "<sub")) for letter in words)
    return len(words) - 0.5 * low + 0.7 * sum(letter in "→←" for letter in words)


class _Compact(Steps):
    """Steps with the names of parameters beside their arrows."""

    small, smaller, least = TEXT, TEXT, TEXT

    def __init__(self, run: Run, wiring: Wiring, grid: Grid, *rest: Any) -> None:
        super().__init__(run, wiring, grid, *rest)
        self.room = Room([], [], [])
        self.complete = True  # no label was left out for want of room

    def drawn(self, folded: bool) -> Picture:
        """The whole picture."""
        self.graph.attr(layout="nop2", outputorder="edgesfirst", fontname=FONT, **TIGHT)
        self.graph.attr("node", shape="circle", style="filled", fixedsize="true", margin="0", fontname=FONT)
        self.graph.attr("node", fillcolor="white", fontsize=f"{ROLE:g}", label="")
        self.graph.attr("edge", arrowsize=f"{ARROW}", fontname=FONT)
        for place in self.figure.tensors:
            if self.grid.shows(place[1]):
                self.circle(self.graph, place)
        for connection in self.figure.connections:
            self.connection(*connection)
        for number, gap in enumerate(self.grid.gaps):
            self.elision(gap, number)
        outlines = [self._outline(place) for place in self.figure.tensors if self.grid.shows(place[1])]
        self.room = Room(outlines, [*self.lines.values(), *self.vanishing], [])
        for place in self.figure.ends:
            if self.grid.shows(place[1]):
                self.complete &= self.ending(place, self.room, (LETTER, TALL))
        self._labels()
        left, _, right, _ = self.graph.extent
        if folded:
            Folded(self.graph, self.run, self.figure, self.names, left - FOLDED, TEXT, FOLDED - 16).draw()
        self._elsewhere()
        self.paint.legend(self.graph, (left + right) / 2 + 90, self.graph.extent[1] - 14)
        return self.graph.closed()

    # -- parameters ---------------------------------------------------------------------------------------------------

    def above(self, more: int) -> float:
        return self.grid.high - 14 + 14.1 * more  # and above the circles beside

    def _labels(self) -> None:
        """The names of parameters beside the arrows that they act on."""
        order = list(self.wiring.parameters)
        groups: dict[tuple[Connection, ...], list[str]] = {}
        for (name, place), arrows in acted_on(self.wiring).items():
            if arrows and self.grid.shows(place[1]):
                groups.setdefault(tuple(arrows), []).append(name)
        for group, names in groups.items():
            arrows = sorted(
                (arrow for arrow in group if arrow in self.lines), key=lambda each: length(self.lines[each])
            )
            self._label(arrows, sorted(names, key=order.index))

    def _elsewhere(self) -> None:
        """Below, parameters that are used outside of the steps, too: the whole gradient, and what is from there."""
        left, low, right, _ = self.graph.extent
        x, y, word = left, low - 24, LETTER * len("elsewhere")
        for name in (name for name in self.wiring.parameters if name in self.figure.elsewhere):
            words = escaped(self.names.parameters[name])
            width = max(LETTER * _width(words) + 10, 24.0)
            if x > left and x + width + AWAY + word > right:
                x, y = left, y - 28
            id = self.graph.unique(safe(name), f"{safe(name)}_parameter")
            self.graph.parts[id] = Part("parameter", name)
            look = {"style": "filled", "fontcolor": "black", "fontsize": f"{TEXT:g}"} | self.paint.node(
                "parameters", name
            )
            look |= {"color": PARAMETER, "penwidth": "2", "shape": "box"}
            about = told(name, self.wiring.parameters[name], self.paint.words("parameters", name))
            pin(self.graph, id, words, x + width / 2, y, width, TALL + 5, tooltip=about, **look)
            end = x + width + AWAY
            self.led_elsewhere(id, name, (x + width, y), end, (end + word / 2, y), TEXT)
            x = end + word + 12

    def _label(self, arrows: list[Connection], names: list[str]) -> None:
        """Beside one of these arrows, in a row or, where there is no room for that, one below the other."""
        shown = names if len(names) <= NAMES else names[: NAMES - 1]
        words = [escaped(self.names.parameters[name]) for name in shown] + ["…"] * (len(shown) < len(names))
        widths = [LETTER * _width(each) + 5 for each in words]
        row = sum(widths) + BETWEEN * (len(words) - 1), TALL
        stack = max(widths), (TALL + BETWEEN) * len(words) - BETWEEN
        tries = product((ALONE, 0.0), (row, stack), arrows)
        found = next(((box, arrow) for alone, size, arrow in tries if (box := self._beside(arrow, size, alone))), None)
        if found is None:
            self.complete = False
            return
        box, arrow = found
        x, y = box.x - box.width, box.y + box.height
        for name, written, width in zip([*shown, ""], words, widths, strict=False):
            if box.height > TALL:
                self._chip(arrow, name, names, written, (box.x, y - TALL / 2), width)
                y -= TALL + BETWEEN
            else:
                self._chip(arrow, name, names, written, (x + width / 2, box.y), width)
                x += width + BETWEEN

    def _chip(self, arrow: Connection, name: str, names: list[str], words: str, at: Point, width: float) -> None:
        place = arrow[1]
        look: dict[str, str] = {"shape": "box", "fontsize": f"{TEXT:g}", "penwidth": "0"}
        id = self.graph.unique(f"{name or 'more'}_{self.circles[place]}")
        if name:
            use = name, place
            look |= self.paint.node("taps", use)
            self.graph.parts[id] = Part("tap", use, place)
            about = [f"{name} used at t = {place[1]}", self.paint.words("taps", use)]
        else:
            about = [", ".join(names)]
        if "dashed" in look.get("style", ""):  # exactly 0: a grey letter
            look["style"] = "filled"
        elif look.get("style") != "striped":
            look["style"] = "filled,rounded"
        tooltip = hint(", ".join(filter(None, about)))
        pin(self.graph, id, words, at[0], at[1], width, TALL, tooltip=tooltip, **look)

    def _beside(self, arrow: Connection, size: tuple[float, float], alone: float) -> Box | None:
        """A place beside an arrow where nothing else is, and all others are so much further away."""
        line, half, tall = self.lines[arrow], size[0] / 2, size[1] / 2
        for gap in GAPS:
            for a, b in sorted(pairwise(line), key=lambda piece: -dist(*piece)):
                x, y = (b[0] - a[0]) / max(dist(a, b), 1e-9), (b[1] - a[1]) / max(dist(a, b), 1e-9)
                for part in ALONG:
                    at = a[0] + (b[0] - a[0]) * part, a[1] + (b[1] - a[1]) * part
                    far = gap + half * abs(y) + tall * abs(x)
                    boxes = [Box(at[0] + side * y * far, at[1] - side * x * far, half, tall) for side in (1, -1)]
                    for box in sorted(boxes, key=lambda box: (-round(box.x - at[0], 3), -box.y)):
                        if self.room.free(box, line, gap + alone):
                            self.room.boxes.append(box)
                            return box
        return None
