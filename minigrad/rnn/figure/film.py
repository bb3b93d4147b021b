"""The textbook figure in motion: one HTML file that plays the forward pass and then the backward pass along it.

A picture shows where the gradient went; only a film shows that it went *backwards*. The figure is that of `rnn.draw`,
and what is told about it is decided here: the order in which its circles light up (the engine's own order of recording,
and the walk's, which is the same backwards), and the size of the gradient at every circle and arrow, once for Σ C and
once for each C_t alone. Page, style and behaviour stand beside this file as ``film.html``, ``.css`` and ``.js``.
The page asks for nothing from anywhere else: it works from a stick, offline, and in a notebook.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import math
import os
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, NamedTuple
from xml.dom import minidom

import numpy as np

from minigrad.engine.tables import name_of
from minigrad.engine.tensor import Tensor
from minigrad.engine.walk import gradients
from minigrad.files import writing
from minigrad.graph import rms
from minigrad.pictures.style import COLORS, NONFINITE, ZERO, Scale, clean, pretty, subscript
from minigrad.rnn.figure.drawing import ENDS, MANY, Figure, Place, differentiable, draw
from minigrad.rnn.unrolling import Run

FIRST = 6  # so many of a tensor's numbers are told
DECADES = 8  # a gradient so much smaller than the largest has vanished: colours need not tell it from smaller ones
HEIGHT = 840  # of the frame in a notebook, in pixels


@dataclass(frozen=True, repr=False)
class Animation:
    """A page that plays a run; it shows itself in a notebook.

    Attributes
    ----------
    title : str
    html : str
        The whole page.
    """

    title: str
    html: str

    def __repr__(self) -> str:
        return f'<Animation "{self.title}", {len(self.html) / 1000:.0f} kB of HTML: .save("bptt.html") writes it>'

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page to ``path``, which ends in ``.html`` or ``.htm``, whole or not at all.

        Raises
        ------
        ValueError
            For another suffix.
        OSError
            If the file cannot be written.
        """
        path = Path(path)
        if path.suffix.lower() not in (".html", ".htm"):
            raise ValueError(f"{str(path)!r} has the suffix {path.suffix!r}, but an animation is a page: use .html")
        with writing(path) as file:
            file.write(self.html)
        return path

    render = save  # as pictures are written

    def _repr_html_(self) -> str:
        """The page in a frame of its own: neither its style nor its script can meet the notebook's."""
        page = html.escape(self.html, quote=True)
        return (
            f'<iframe title="{html.escape(self.title, quote=True)}" srcdoc="{page}" sandbox="allow-scripts"'
            f' style="width: 100%; height: {HEIGHT}px; border: 0"></iframe>'
        )


def animate(
    run: Run,
    of: Tensor | None = None,
    *,
    steps: Literal["all", "ends", "auto"] = "auto",
    costs: Sequence[int] | None = None,
    title: str | None = None,
) -> Animation:
    """Play the forward pass of a run and then its backward pass, along the figure that `draw` draws of it.

    Parameters
    ----------
    run : Run
        An unrolling with costs.
    of : Tensor, optional
        What is differentiated at first; Σ C_t by default.
    steps : {"auto", "all", "ends"}
        The steps that are drawn, as in `draw`: all, or the first and last three of long runs.
    costs : sequence of int, optional
        The steps t whose C_t can be chosen, each to be differentiated alone. By default those of the steps drawn, and
        if these are more than 12, the first and last three. Every one costs a backward pass.
    title : str, optional
        The page's heading.

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
    """
    drawing = draw(run, of, steps=steps, color="none")  # it refuses what cannot be drawn
    chosen = differentiable(run, of)
    svg: Any = minidom.parseString(drawing.pipe("svg")).documentElement
    _with_ids(svg)
    figure = Figure.of_run(run, chosen)
    stage = _Stage.of_svg(svg, figure, list(run.model.parameters()))
    choices = {"all": chosen} | {str(t): run["C"][t - 1] for t in _costs(run, stage, costs)}
    title = clean(f"Back-propagation through time: {type(run.model).__name__}" if title is None else title)
    film = _film(run, stage, choices)
    _furnish(svg, stage, title, f"{_count(len(run), 'step')}, unrolled; {len(film['frames'])} frames")
    return Animation(title, _page(title, clean(repr(run).strip("<>")), svg.toxml(), film))


def _costs(run: Run, stage: _Stage, costs: Sequence[int] | None) -> list[int]:
    """The steps whose costs can be chosen alone."""
    priced = "C" in run.steps[0]
    if costs is None:
        shown = sorted({t for _, t in stage.places.values() if t > 0}) if priced else []
        return shown if len(shown) <= MANY else [*shown[:ENDS], *shown[-ENDS:]]
    if not priced:
        raise ValueError("costs names steps, but the run has no costs: unroll it with targets")
    if wrong := [t for t in costs if t not in range(1, len(run) + 1)]:
        raise ValueError(f"costs names {wrong}, but the steps of this run are 1 ... {len(run)}")
    return list(dict.fromkeys(int(t) for t in costs))


# -- what stands on the stage -----------------------------------------------------------------------------------------


class _Edge(NamedTuple):
    id: str
    source: str
    target: str


class _Size(NamedTuple):
    """Where in a `Figure` the gradient of something drawn is found: ``getattr(figure, table)[key]``."""

    table: Literal["sizes", "connections", "taps", "accumulated"]
    key: Any

    def of(self, figure: Figure) -> float | None:
        size: float | None = getattr(figure, self.table)[self.key]
        return size


@dataclass(frozen=True)
class _Stage:
    """What is drawn, and what it stands for.

    Attributes
    ----------
    figure : Figure
    places : dict of str to Place
        The circles that are drawn, by their ids in the SVG, in the order in which they were recorded.
    parameters : list of str
    gap : range
        The steps that are left out.
    edges : list of _Edge
        The arrows and lines that are drawn, those of the folded network apart.
    cue : dict of str to str
        For each edge the circle together with which it lights up, the one that it leads to; or "gap".
    sizes : dict of str to _Size
        Whose gradient is shown, for each circle, edge and parameter.
    """

    figure: Figure
    places: dict[str, Place]
    parameters: list[str]
    gap: range
    edges: list[_Edge]
    cue: dict[str, str]
    sizes: dict[str, _Size]

    @classmethod
    def of_svg(cls, svg: Any, figure: Figure, parameters: list[str]) -> _Stage:
        """Recognise a `figure` and its parameters in their drawing."""
        nodes = {_name(g) for g in _drawn(svg, "node")}
        order = sorted(figure.tensors, key=lambda place: figure.tensors[place].index)
        places = {f"{role}{t}": (role, t) for role, t in order if f"{role}{t}" in nodes}
        shown = sorted({t for _, t in places.values()})
        gap = next((range(s + 1, t) for s, t in pairwise(shown) if t - s > 1), range(0))
        edges = [_Edge(g.getAttribute("id"), *_name(g).split("->")) for g in _drawn(svg, "edge")]
        meanings = _meanings(figure, places, gap, edges)
        edges = [edge for edge in edges if edge.id in meanings]
        parameters = [name for name in parameters if name in nodes]
        sizes = {id: _Size("sizes", place) for id, place in places.items()}
        for name in parameters:
            sizes[name] = _Size("accumulated", (name, min(t for n, t in figure.accumulated if n == name)))
        sizes |= {id: size for id, (size, _) in meanings.items()}
        return cls(figure, places, parameters, gap, edges, {id: cue for id, (_, cue) in meanings.items()}, sizes)


def _with_ids(svg: Any) -> None:
    for g in [*_drawn(svg, "node"), *_drawn(svg, "edge")]:
        if re.fullmatch("(node|edge)\\d+", g.getAttribute("id")):
            g.setAttribute("id", _name(g).replace("->", "--"))


def _drawn(svg: Any, kind: str) -> list[Any]:
    return [g for g in svg.getElementsByTagName("g") if g.getAttribute("class") == kind]


def _name(g: Any) -> str:
    """What Graphviz calls a node, or an edge: ``h1->z2``."""
    return "".join(child.data for child in g.getElementsByTagName("title")[0].childNodes)


def _meanings(figure: Figure, places: dict[str, Place], gap: range, edges: list[_Edge]) -> dict[str, tuple[_Size, str]]:
    """For each edge whose gradient it shows, and its cue. Edges of the folded network have neither, and are missing."""
    taps = {f"{name}_{role}{t}": (name, (role, t)) for name, (role, t) in figure.taps}
    hidden = [pair for pair in figure.connections if (pair[0][1] in gap) != (pair[1][1] in gap)]
    found = {}
    for edge in edges:
        source, target = places.get(edge.source), places.get(edge.target)
        tap = taps.get(edge.source.removesuffix("_bend"))
        if source and target:
            found[edge.id] = _Size("connections", (source, target)), edge.target
        elif source:  # it leads into the gap; of several from one circle, the first is the first in the figure
            pair = hidden.pop(next(i for i, (start, _) in enumerate(hidden) if start == source))
            found[edge.id] = _Size("connections", pair), "gap"
        elif target and edge.source.startswith("gap_"):
            pair = hidden.pop(next(i for i, (_, end) in enumerate(hidden) if end == target))
            found[edge.id] = _Size("connections", pair), edge.target
        elif edge.target in taps:  # a piece of a bus
            name, (role, t) = taps[edge.target]
            found[edge.id] = _Size("accumulated", (name, t)), f"{role}{t}"
        elif edge.target.endswith("_gap"):
            name = edge.target.removesuffix("_gap")
            first = min(t for n, t in figure.accumulated if n == name and t >= gap[0])
            found[edge.id] = _Size("accumulated", (name, first)), "gap"
        elif tap:
            name, (role, t) = tap
            found[edge.id] = _Size("taps", tap), f"{role}{t}"
    return found


# -- what happens on it -----------------------------------------------------------------------------------------------


def _film(run: Run, stage: _Stage, choices: dict[str, Tensor]) -> dict[str, Any]:
    """All that the page needs to know, as it will find it in its JSON."""
    watched = {id: stage.figure.tensors[place] for id, place in stage.places.items()}
    watched |= {name: run.model.parameters()[name] for name in stage.parameters}
    asked = {id: tensor for id, tensor in watched.items() if tensor.requires_grad}
    reels = [_reel(run, stage, value, of, asked) for value, of in choices.items()]
    scale = Scale.covering(size for reel in reels for size in reel["sizes"] if not isinstance(size, str))
    low = max(scale.low, scale.high * 10.0**-DECADES)
    return {
        "ids": list(stage.sizes),
        "about": {id: _about(id, tensor, stage) for id, tensor in watched.items()}
        | {edge.id: _about_edge(edge, stage) for edge in stage.edges},
        "frames": _frames(stage),
        "choices": reels,
        "scale": {"low": low, "high": scale.high, "clipped": low > scale.low, "colors": COLORS}
        | {"zero": ZERO, "nonfinite": NONFINITE},
    }


def _reel(run: Run, stage: _Stage, value: str, of: Tensor, asked: dict[str, Tensor]) -> dict[str, Any]:
    """What there is to know about the gradient of ``of``, which the page calls ``value``."""
    figure = stage.figure if value == "all" else Figure.of_run(run, of)
    grads = gradients(of, list(asked.values()), np.ones_like(of.data))
    label = "Σ C" if of is run.cost else "Σ " * (of.size > 1) + pretty(clean(of.name or "C"))
    return {
        "value": value,
        "label": label,
        "total": f"{label} = {float(np.sum(of.data)):.4g}",
        "sizes": [_json_number(size.of(figure)) for size in stage.sizes.values()],
        "first": {id: _first(gradient) for id, gradient in zip(asked, grads, strict=True)},
        "across": _across(run, stage.gap, figure, 0 if value == "all" else int(value)),
    }


def _across(run: Run, gap: range, figure: Figure, t: int) -> float | str | None:
    """How the gradient of C_t changes across the steps left out; None if some of it does not come from beyond them."""
    role = run.model.carried[0]
    if not gap or t <= gap[-1] or not (late := figure.sizes[role, gap[-1] + 1]):
        return None
    return _json_number((figure.sizes[role, gap[0] - 1] or 0.0) / late)


def _frames(stage: _Stage) -> list[dict[str, Any]]:
    """The frames in their order.

    Circles light up in the order in which their tensors were recorded, and backwards in the reverse of it, which is how
    the walk visits them. The arrows that lead to a circle light up with it: forwards they bring what it is computed
    from, backwards they carry the shares of its cotangent away.
    """
    lights = defaultdict(list)
    for edge in stage.edges:
        lights[stage.cue[edge.id]].append(edge)
    order = list(stage.places)
    if gap := stage.gap:
        order.insert(next(i for i, id in enumerate(order) if stage.places[id][1] > gap[-1]), "gap")
    forward = [_frame("forward", id, lights[id], stage) for id in order]
    reached = [id for id in reversed(order) if id == "gap" or stage.figure.sizes[stage.places[id]] is not None]
    back = [_frame("backward", id, lights[id], stage) for id in reached]
    start = {"pass": "start", "text": "Given are the parameters and the initial state. Nothing is computed yet."}
    turn = {"pass": "turn"}  # what is said then depends on what is differentiated
    end = {"pass": "end", "text": "Done: in every parameter the contributions of all steps have been added up."}
    return [start, *forward, turn, *back, end]


def _frame(direction: str, id: str, edges: list[_Edge], stage: _Stage) -> dict[str, Any]:
    """What lights up with a circle, and one sentence about it."""
    sources: dict[str, None] = {}  # sets that keep their order
    asked: dict[str, None] = {}
    uses: dict[str, None] = {}
    sums: dict[str, str] = {}
    for edge in edges:
        table, key = size = stage.sizes[edge.id]
        if table == "connections":
            sources[_named(key[0])] = None
            if size.of(stage.figure) is not None:
                asked[_named(key[0])] = None
        elif table == "taps":
            uses[key[0]] = None
        else:
            sums[key[0]] = edge.id  # from now on the parameter's box shows this sum
    if id == "gap":
        text = f"{_count(len(stage.gap), 'step')} in between, t = {stage.gap[0]} … {stage.gap[-1]}: "
        text += "computed likewise." if direction == "forward" else "the walk goes back through them likewise."
    elif direction == "forward":
        with_ = f", with {_list(uses)}" if uses else ""
        text = _named(stage.places[id]) + (f" is computed from {_list(sources)}{with_}." if sources else " is given.")
    else:
        deeds = [f"passes shares to {_list(asked)}"] if asked else []
        deeds += [f"adds to the gradient of {_list(uses)}"] if uses else []
        text = f"{_named(stage.places[id])} has its whole cotangent{'; it ' * bool(deeds)}{' and '.join(deeds)}."
    return {"pass": direction, "id": id, "lights": [edge.id for edge in edges], "sums": sums, "text": text}


# -- words and numbers ------------------------------------------------------------------------------------------------


def _about(id: str, tensor: Tensor, stage: _Stage) -> dict[str, Any]:
    """What is told of a circle or a parameter."""
    kind = "parameter" if id not in stage.places else "given" if tensor.fn is None else "computed"
    made = f"made by {name_of(tensor.fn)}" if kind == "computed" else kind
    label = id if kind == "parameter" else _named(stage.places[id])
    return {
        "label": label,
        "kind": "data" if stage.places.get(id, ("", 0))[0] in ("x", "target") else kind,
        "facts": f"shape {tensor.shape}, {made}",
        "count": tensor.size,
        "value": {"rms": _json_number(rms(tensor.data)), "first": _first(tensor.data)},
    }


def _about_edge(edge: _Edge, stage: _Stage) -> dict[str, str]:
    table, key = stage.sizes[edge.id]
    if table == "connections":
        return {
            "label": f"{_named(key[0])} → {_named(key[1])}",
            "facts": f"the share that goes to {_named(key[0])}",
            "to": _named(key[0]),
        }
    name = key[0]
    if table == "taps":
        return {"label": f"{name} → {_named(key[1])}", "facts": f"contribution to the gradient of {name}", "to": name}
    last = max(t for n, t in stage.figure.accumulated if n == name)
    steps = f"step {last}" if key[1] == last else f"steps {last} … {key[1]}"
    return {"label": f"{name}, {steps}", "facts": f"gradient of {name} accumulated so far"}


def _named(place: Place) -> str:
    return place[0] + subscript(place[1])


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


# -- the page ---------------------------------------------------------------------------------------------------------


def _furnish(svg: Any, stage: _Stage, title: str, description: str) -> None:
    """Make Graphviz's SVG a figure that can be read aloud and walked through with the keyboard, in forward order."""
    document = svg.ownerDocument
    for link in list(svg.getElementsByTagName("a")):  # <g><a xlink:title="..."> is Graphviz's way to show a tooltip
        wrapper = link.parentNode
        for child in list(link.childNodes):
            wrapper.parentNode.insertBefore(child, wrapper)
        wrapper.parentNode.removeChild(wrapper)
    for told in list(svg.getElementsByTagName("title")):
        told.parentNode.removeChild(told)
    graph = svg.getElementsByTagName("g")[0]
    graph.insertBefore(document.createElement("title"), graph.firstChild)  # empty: no tooltip over the whole figure
    for name, text in (("desc", description), ("title", title)):
        element = document.createElement(name)
        element.appendChild(document.createTextNode(text))
        svg.insertBefore(element, svg.firstChild)
    svg.setAttribute("role", "group")
    by_id = {g.getAttribute("id"): g for g in graph.getElementsByTagName("g")}
    for id in [*stage.parameters, *stage.places]:
        g = by_id[id]
        g.setAttribute("tabindex", "0")
        g.setAttribute("role", "img")
        g.setAttribute("aria-label", id if id not in stage.places else _named(stage.places[id]))
        graph.appendChild(g)  # moves it: what comes later in the document is reached later


def _page(title: str, subtitle: str, svg: str, film: dict[str, Any]) -> str:
    """Put the page together. Every part is escaped for where it stands; the only script that may run is the page's."""
    page, style, script = (_beside(f"film.{suffix}") for suffix in ("html", "css", "js"))
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    parts = {
        "title": html.escape(title),
        "subtitle": html.escape(subtitle),
        "svg": svg,
        "film": json.dumps(film, ensure_ascii=False, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c"),
        "style": style,
        "script": script,
        "policy": f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'",
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], page)


def _beside(name: str) -> str:
    return resources.files("minigrad.rnn.figure").joinpath(name).read_text(encoding="utf-8")
