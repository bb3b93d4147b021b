"""The textbook figure in motion: the forward pass of a run, and then its backward pass, played along the figure.

A picture shows where the gradient went; only a film shows that it went *backwards*. The figure is that of `rnn.draw`,
which tells what each id in it stands for. What happens there is decided here: the order in which its circles light up
(the engine's own order of recording, and the walk's, which is the same backwards), and the size of the gradient at
every circle and arrow, once for Σ C and once for each C_t alone. `page` puts it on a page.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal

import numpy as np

from minigrad.engine.tables import name_of
from minigrad.engine.tensor import Tensor
from minigrad.engine.walk import gradients
from minigrad.graph import rms
from minigrad.pictures.style import COLORS, NONFINITE, ZERO, Scale, clean
from minigrad.rnn.figure.attribution import Figure
from minigrad.rnn.figure.drawing import differentiable, draw
from minigrad.rnn.figure.grid import ENDS, MANY, Gap
from minigrad.rnn.figure.layouts import template_for
from minigrad.rnn.figure.names import Names
from minigrad.rnn.figure.page import Animation, furnished, page
from minigrad.rnn.figure.paint import GIVEN, called
from minigrad.rnn.figure.picture import Part, Picture
from minigrad.rnn.figure.wiring import Place, Wiring
from minigrad.rnn.unrolling import Run

FIRST = 6  # so many of a tensor's numbers are told
DECADES = 8  # a gradient so much smaller than the largest has vanished: colours need not tell it from smaller ones


def animate(
    run: Run,
    of: Tensor | None = None,
    *,
    steps: Literal["auto", "all", "ends"] | Sequence[int] = "auto",
    costs: Sequence[int] | None = None,
    title: str | None = None,
    targets: bool = False,
    names: Mapping[str, str] | None = None,
) -> Animation:
    """Play the forward pass of a run and then its backward pass, along the figure that `draw` draws of it.

    Parameters
    ----------
    run : Run
        An unrolling with costs.
    of : Tensor, optional
        What is differentiated at first; Σ C_t by default.
    steps : {"auto", "all", "ends"}, range or sequence of int
        The steps that are drawn, as in `draw`: all, or the first and last three of long runs, or these.
    costs : sequence of int, optional
        The steps t whose C_t can be chosen, each to be differentiated alone. By default those of the steps drawn, and
        if these are more than 12, the first and last three. Every one costs a backward pass.
    title : str, optional
        The page's heading.
    targets, names
        As in `draw`.

    Returns
    -------
    Animation
        ``.save("bptt.html")`` writes one file that needs no other and no network. Opened with ``#frame=12&cost=3`` it
        shows frame 12 for C_3 alone.

    Raises
    ------
    NoGraphvizError, GraphvizError
        If there is no Graphviz to draw the figure, or it fails.
    ValueError
        If the run has no cost and ``of`` is not given, or it was not recorded, or an option is unknown.
    TypeError
        If ``run`` is no `Run`.

    Examples
    --------
    >>> import numpy as np
    >>> from minigrad.rnn import RNN, animate, unroll
    >>> animate(unroll(RNN(1, 2, 1), np.ones((2, 1)), np.zeros((2, 1)))).title
    'Back-propagation through time: RNN'
    """
    picture = draw(run, of, steps=steps, color="none", targets=targets, names=names)  # it refuses what cannot be drawn
    chosen = differentiable(run, of)
    wiring = Wiring.of_run(run, chosen, targets=targets)
    wiring = wiring.from_left(template_for(run, wiring).comes)
    stage = _Stage.of_picture(picture, Figure.of(wiring, chosen), Names(wiring, names))
    choices = {"all": chosen} | {str(t): run.costs[t] for t in _costs(run, stage, costs)}
    title = clean(f"Back-propagation through time: {type(run.model).__name__}" if title is None else title)
    film = _film(run, wiring, stage, choices)
    description = f"{_count(len(run), 'step')}, unrolled; {len(film['frames'])} frames"
    svg: Any = picture.pipe("svg")
    return page(title, clean(repr(run).strip("<>")), furnished(svg, stage.stops, title, description), film)


def _costs(run: Run, stage: _Stage, costs: Sequence[int] | None) -> list[int]:
    """The steps whose costs can be chosen alone."""
    recorded = [t for t, C in run.costs.items() if C.requires_grad]
    if costs is None:
        drawn = {part.key[1] for part in stage.circles.values()}
        shown = [t for t in recorded if t in drawn]
        return shown if len(shown) <= MANY else [*shown[:ENDS], *shown[-ENDS:]]
    if not run.costs:
        raise ValueError("costs names steps, but the run has no costs: unroll it with targets")
    if wrong := [t for t in costs if t not in range(1, len(run) + 1)]:
        raise ValueError(f"costs names {wrong}, but the steps of this run are 1 ... {len(run)}")
    if wrong := [t for t in costs if t not in recorded]:
        raise ValueError(f"costs names {wrong}, whose C_t depend on nothing that requires grad: leave them out")
    return list(dict.fromkeys(int(t) for t in costs))


@dataclass(frozen=True)
class _Stage:
    """What is drawn and takes part, by its id in the SVG; the folded network does not.

    Attributes
    ----------
    figure : Figure
        With the gradient of what is differentiated at first.
    boxes, circles, lines, gaps : dict of str to Part
        The parameters, the circles in the order in which they were recorded, all that leads anywhere, and the words in
        the place of steps that are left out.
    names : Names
    """

    figure: Figure
    boxes: dict[str, Part]
    circles: dict[str, Part]
    lines: dict[str, Part]
    gaps: dict[str, Part]
    names: Names

    @classmethod
    def of_picture(cls, picture: Picture, figure: Figure, names: Names) -> _Stage:
        """What takes part of what a picture shows."""
        kinds: dict[str, dict[str, Part]] = defaultdict(dict)
        for id, part in picture.parts.items():
            kinds["line" if part.kind in ("connection", "tap", "bus", "elsewhere") else part.kind][id] = part
        order = list(names.parameters)
        boxes = sorted(kinds["parameter"].items(), key=lambda box: order.index(box[1].key))
        recorded = {place: (float(tensor.index), tensor.index) for place, tensor in figure.tensors.items()}
        for source, target in figure.connections:  # what stands for plain numbers is made when a loop is read, too late
            recorded[source] = min(recorded[source], (figure.tensors[target].index - 0.5, recorded[source][1]))
        circles = sorted(kinds["place"].items(), key=lambda circle: recorded[circle[1].key])
        return cls(figure, dict(boxes), dict(circles), kinds["line"], kinds["gap"], names)

    @property
    def measured(self) -> dict[str, Part]:
        """All that has a gradient."""
        return {**self.circles, **self.boxes, **self.lines}

    @property
    def stops(self) -> dict[str, str]:
        """Where the Tab key stops, and what is read aloud there: the parameters, then forwards."""
        return {id: self.called(part) for id, part in (self.boxes | self.circles).items()}

    def called(self, part: Part) -> str:
        """What a circle or a parameter is called."""
        return self.names.place(part.key) if part.kind == "place" else self.names.parameters[part.key]


# -- what happens on it -----------------------------------------------------------------------------------------------


def _film(run: Run, wiring: Wiring, stage: _Stage, choices: dict[str, Tensor]) -> dict[str, Any]:
    """All that the page needs to know, as it will find it in its JSON."""
    watched = {id: wiring.tensors[part.key] for id, part in stage.circles.items()}
    watched |= {id: wiring.parameters[part.key] for id, part in stage.boxes.items()}
    asked = {id: tensor for id, tensor in watched.items() if tensor.requires_grad}
    reels = [_reel(run, wiring, stage, value, of, asked) for value, of in choices.items()]
    scale = Scale.covering(size for reel in reels for size in reel["sizes"] if not isinstance(size, str))
    low = max(scale.low, scale.high * 10.0**-DECADES)
    return {
        "ids": list(stage.measured),
        "gaps": list(stage.gaps),
        "about": {id: _about(stage.measured[id], tensor, stage) for id, tensor in watched.items()}
        | {id: _about_line(part, stage) for id, part in stage.lines.items()},
        "frames": _frames(stage, len(run)),
        "choices": reels,
        "scale": {"low": low, "high": scale.high, "clipped": low > scale.low, "colors": COLORS}
        | {"zero": ZERO, "nonfinite": NONFINITE},
    }


@np.errstate(all="ignore")
def _reel(run: Run, wiring: Wiring, stage: _Stage, value: str, of: Tensor, asked: dict[str, Tensor]) -> dict[str, Any]:
    """What there is to know about the gradient of ``of``, which the page calls ``value``."""
    figure = stage.figure if value == "all" else Figure.of(wiring, of)
    grads = gradients(of, list(asked.values()), np.ones_like(of.data))
    label = called(of, run, wiring, stage.names)
    return {
        "value": value,
        "label": label,
        "total": f"{label} = {float(np.sum(of.data)):.4g}",
        "sizes": [_json_number(part.size(figure)) for part in stage.measured.values()],
        "first": {id: _first(gradient) for id, gradient in zip(asked, grads, strict=True)},
        "across": _across(run, stage, figure, 0 if value == "all" else int(value)),
    }


def _across(run: Run, stage: _Stage, figure: Figure, t: int) -> dict[str, float | str | None]:
    """How the gradient of C_t changes across the steps left out, gap by gap, where all of it comes from beyond them."""
    found: dict[str, float | str | None] = {}
    for role, (id, part) in product(run.model.carried[:1], stage.gaps.items()):
        gap: Gap = part.key
        if t > gap.last and (far := figure.sizes.get((role, gap.last + 1))):
            near = figure.sizes.get((role, gap.before))
            found |= {} if near is None else {id: _json_number(near / far)}
    return found


def _frames(stage: _Stage, T: int) -> list[dict[str, Any]]:
    """The frames in their order.

    Circles light up in the order in which their tensors were recorded, and backwards in the reverse of it, which is how
    the walk visits them. The arrows that lead to a circle light up with it: forwards they bring what it is computed
    from, backwards they carry the shares of its cotangent away.
    """
    order = list(stage.circles.items())
    for id, gap in stage.gaps.items():
        beyond = (i for i, (_, part) in enumerate(order) if part.kind == "place" and part.key[1] > gap.key.last)
        order.insert(next(beyond, len(order)), (id, gap))
    lights: dict[Place | Gap | None, list[str]] = defaultdict(list)
    for id, part in stage.lines.items():
        lights[part.at].append(id)
    forward = [_frame("forward", id, part, lights[part.at], stage, T) for id, part in order]
    reached = [each for each in reversed(order) if each[0] in stage.gaps or each[1].size(stage.figure) is not None]
    back = [_frame("backward", id, part, lights[part.at], stage, T) for id, part in reached]
    _against_the_bus(back, stage)
    back += [_from_elsewhere(id, part, stage) for id, part in stage.lines.items() if part.kind == "elsewhere"]
    start = {"pass": "start", "text": "Given are the parameters and the initial state. Nothing is computed yet."}
    turn = {"pass": "turn"}  # what is said then depends on what is differentiated
    end = {"pass": "end", "text": "Done: in every parameter the contributions of all steps have been added up."}
    return [start, *forward, turn, *back, end]


def _frame(direction: str, id: str, part: Part, lights: list[str], stage: _Stage, T: int) -> dict[str, Any]:
    """What lights up with a circle or a gap, and one sentence about it."""
    lines = {line: stage.lines[line] for line in lights}
    arrows = [line for line in lines.values() if line.kind == "connection"]
    names = stage.names
    sources = [names.place(line.key[0]) for line in arrows]
    asked = [names.place(line.key[0]) for line in arrows if line.size(stage.figure) is not None]
    uses = [names.parameters[line.key[0]] for line in lines.values() if line.kind == "tap"]
    boxes = {box.key: box_id for box_id, box in stage.boxes.items()}
    sums = {boxes[line.key[0]]: line_id for line_id, line in lines.items() if line.kind == "bus"}
    if part.kind == "gap":
        text = f"{_left_out(part.key, T)}: "
        text += "computed likewise." if direction == "forward" else "the walk goes back through them likewise."
    elif direction == "forward":
        made = [f"from {_list(sources)}"] if sources else []
        made += [f"with {_list(uses)}"] if uses else []
        text = stage.called(part) + (f" is computed {', '.join(made)}." if made else " is given.")
    else:
        deeds = [f"passes shares to {_list(asked)}"] if asked else []
        deeds += [f"adds to the gradient of {_list(uses)}"] if uses else []
        text = f"{stage.called(part)} has its whole cotangent{'; it ' * bool(deeds)}{' and '.join(deeds)}."
    # From the frame of a bus's piece on, the parameter's box shows the sum that it holds.
    return {"pass": direction, "id": id, "lights": lights, "sums": sums, "text": text}


def _against_the_bus(back: list[dict[str, Any]], stage: _Stage) -> None:
    """Let a parameter show its sum when that is whole, and not before, if steps add to it in another order.

    Along a bus the shares of later steps come first. A network that goes back in time has them last.
    """
    for box in stage.boxes:
        adding = [frame for frame in back if box in frame["sums"]]
        steps = [stage.lines[frame["sums"][box]].key[1] for frame in adding]
        if steps != sorted(steps, reverse=True):
            for frame in adding[:-1]:
                del frame["sums"][box]
            adding[-1]["sums"][box] = box


def _from_elsewhere(id: str, part: Part, stage: _Stage) -> dict[str, Any]:
    """The last frame of a parameter that is used outside of the run as well: that share completes its sum."""
    box = next(box for box, other in stage.boxes.items() if other.key == part.key)
    text = f"{stage.called(part)} is used elsewhere, too, and that adds to its gradient."
    return {"pass": "backward", "id": box, "lights": [id], "sums": {box: box}, "text": text}


# -- words and numbers ------------------------------------------------------------------------------------------------


def _about(part: Part, tensor: Tensor, stage: _Stage) -> dict[str, Any]:
    """What is told of a circle or a parameter."""
    kind = "parameter" if part.kind == "parameter" else "given" if tensor.fn is None else "computed"
    made = f"made by {name_of(tensor.fn)}" if kind == "computed" else kind
    return {
        "label": stage.called(part),
        "kind": "data" if part.kind == "place" and part.key[0] in GIVEN else kind,
        "facts": f"shape {tensor.shape}, {made}",
        "count": tensor.size,
        "value": {"rms": _json_number(rms(tensor.data)), "first": _first(tensor.data)},
    }


def _about_line(part: Part, stage: _Stage) -> dict[str, str]:
    """What is told of an arrow, a tap or a piece of a bus."""
    if part.kind == "connection":
        source, target = map(stage.names.place, part.key)
        return {"label": f"{source} → {target}", "facts": f"the share that goes to {source}", "to": source}
    if part.kind == "elsewhere":
        name = stage.names.parameters[part.key]
        return {"label": f"{name}, elsewhere", "facts": f"what comes to {name} from outside the steps", "to": name}
    name = stage.names.parameters[part.key[0]]
    if part.kind == "tap":
        label = f"{name} → {stage.names.place(part.key[1])}"
        return {"label": label, "facts": f"contribution to the gradient of {name}", "to": name}
    first = part.key[1][1]
    last = max(t for other, (_, t) in stage.figure.accumulated if other == part.key[0])
    steps = f"step {last}" if first == last else f"steps {last} … {first}"
    return {"label": f"{name}, {steps}", "facts": f"gradient of {name} accumulated so far"}


def _left_out(gap: Gap, T: int) -> str:
    where = "in between" if gap.last < T else "more"
    return f"{_count(len(gap), 'step')} {where}, t = {gap.first}" + (f" … {gap.last}" if len(gap) > 1 else "")


def _list(names: Iterable[str]) -> str:
    """``x, h and y``."""
    *most, last = dict.fromkeys(names)
    return f"{', '.join(most)} and {last}" if most else last


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'s' * (n != 1)}"


def _first(values: Any) -> list[float | str]:
    return [_json_number(float(v), 4) for v in np.ravel(values)[:FIRST]]  # type: ignore[misc]


def _json_number(size: float | None, digits: int = 6) -> float | str | None:
    """A number as JSON knows it: NaN and infinities, which it does not, as text."""
    if size is None or math.isfinite(size):
        return size if size is None else float(f"{size:.{digits}g}")
    return str(size)
