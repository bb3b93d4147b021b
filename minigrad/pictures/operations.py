"""Any recorded graph as a picture: one node a tensor, one cluster a scope, coloured by the gradient that flowed.

The textbook figure of `minigrad.rnn` knows steps and roles, and where each of them belongs. Here nothing is known but
the graph, so Graphviz's ``dot`` finds the places. What is drawn one by one, what in closed boxes, and what is repeated
as a ghost was decided before (`boxes`); here is how large its gradient is, and what it looks like.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import chain
from textwrap import wrap
from typing import Literal

from minigrad.engine.tables import name_of
from minigrad.engine.tensor import Tensor
from minigrad.graph import Graph, graph_of
from minigrad.pictures.boxes import Box, Line, boxes_of, lines_of, successions
from minigrad.pictures.dot import Digraph
from minigrad.pictures.nesting import Scope, descending, matching, rows_of, scopes_of
from minigrad.pictures.operands import told_apart, with_arrays
from minigrad.pictures.sizes import Sizes, differentiable
from minigrad.pictures.style import DATA, FONT, INK, PARAMETER, TIGHT, ZERO, Scale, hint, key, printed
from minigrad.pictures.style import number as rounded
from minigrad.pictures.text import (
    LONGEST,
    formula,
    in_short,
    is_layer,
    names_in,
    operation,
    ordinal,
    outputs_in,
    shape,
    values,
)  # fmt: skip

MAX_NODES = 100
"""More boxes than that are not drawn unless they are asked for."""
ROW = 12
"""Rows of more scopes than that are folded, as long figures of `minigrad.rnn` are."""
HALVES = ("forward", "backward")
LINES = 4  # of the label of an operation
LISTED = 6  # so many parameters are named in the ghost of a closed scope
FRAME = {"style": "rounded,filled", "color": "#c8d0da", "fillcolor": "#f6f8fa", "fontcolor": INK, "fontsize": "12"}
GHOST = {"style": "rounded,dashed,filled", "color": PARAMETER, "fontcolor": PARAMETER, "fillcolor": "white"}

_CHOICES = {
    "arrays": ("node", "label"),
    "level": ("auto", "operation", "scope"),
    "color": ("gradient", "value", "none"),
    "direction": ("LR", "TB", "RL", "BT"),
}


def draw(
    output: Tensor | Sequence[Tensor],
    of: Tensor | None = None,
    *,
    level: Literal["auto", "operation", "scope"] = "auto",
    color: Literal["gradient", "value", "none"] = "gradient",
    expand: str | Sequence[str] = (),
    direction: Literal["LR", "TB", "RL", "BT"] = "LR",
    max_nodes: int | None = None,
    forward: Tensor | Sequence[Tensor] | None = None,
    arrays: Literal["node", "label"] = "node",
) -> Digraph:
    """Draw everything that ``output`` was made from.

    Parameters
    ----------
    output : Tensor or sequence of Tensor
        Results of a recorded computation; gradients made with ``create_graph=True`` are such results too.
    of : Tensor, optional
        What is differentiated for the colours: a number in the graph, such as one of several costs; by default the
        output, if there is only one.
    level : {"auto", "operation", "scope"}
        "operation" draws every tensor, in a cluster for each scope; "scope" draws each outermost scope as one box that
        says how many operations are in it. "auto" is "operation" where no more than ``max_nodes`` tensors, in at most
        12 scopes side by side, are to be drawn, and "scope" otherwise.
    color : {"gradient", "value", "none"}
        By the RMS of the gradient of ``of``, on a logarithmic scale: nodes by their whole gradient, edges by the share
        of it that went through them. Or nodes by the RMS of their values. Or not at all.
    expand : str or sequence of str
        Scopes that are drawn open where others are closed: ``"t=3"``, or ``"t=3/gate"`` for a scope within a scope.
        What stands directly in them is all drawn, whatever ``max_nodes`` says.
    direction : {"LR", "TB", "RL", "BT"}
        Where time goes: from left to right, from top to bottom, and the reverse of these. Whatever is drawn, arguments
        point to what was made from them in this direction, and of steps, which are scopes called ``t=1`` and the like,
        the first operation of each stands behind that of the one recorded before it. A plain chain of 25 operations
        or more is wrapped, as a text is, into rows, unless a level or another direction is told.
    max_nodes : int, optional
        Except at level "operation", rows are folded, "… 4994 scopes …", if there are more boxes than that. By default
        100 are drawn, and no more than 12 scopes in a row.
    forward : Tensor or sequence of Tensor, optional
        For a picture of gradients: what was differentiated. All that it was made from is framed as the "forward" half,
        and everything else as the "backward" half.
    arrays : {"node", "label"}
        Draw every operand that is a plain array as a small grey node, or write it into the label of the operation, as
        numbers are: ``− [1, 2]``, ``array 3×2 @``. A `Tensor` with a name is drawn with that name.

    Returns
    -------
    Digraph
        Nodes are called ``n0``, ``n1`` ... in topological order, which is also their ``id`` in SVG; that of an edge is
        ``n0--n1``, and of a second one between the same nodes ``n0--n1--2``. The DOT text of the same program is the
        same on every run. ``.render("graph.svg")`` writes a picture.

    Raises
    ------
    ValueError
        If an option is unknown, there are no outputs, ``expand`` names no scope, or, coloured by the gradient, ``of``
        is not one number, does not require grad or is not in the graph.
    TypeError
        If an output is no tensor.

    Notes
    -----
    A tensor's shape is written where it is new, differing from those of all arguments. Where exchanging arguments
    would make a difference, arrows say "2nd", "3rd" ...; that without a word is the first. Dashed blue boxes repeat a
    parameter that is used in several scopes; it stands itself outside of them, coloured by its whole gradient. Tensors
    that were given one name are told apart as W⁽¹⁾, W⁽²⁾. What is not finite is said in words.

    Examples
    --------
    >>> import numpy as np
    >>> x = Tensor([1.0, 2.0], requires_grad=True, name="x")
    >>> picture = draw(np.sum(x * x))
    >>> picture.source.count("->")  # x enters the product twice
    3
    """
    chosen: dict[str, str] = {"level": level, "color": color, "direction": direction, "arrays": arrays}
    for option, value in chosen.items():
        if value not in _CHOICES[option]:
            raise ValueError(f"{option}={value!r} is not known: choose one of {', '.join(_CHOICES[option])}")
    if max_nodes is not None and max_nodes < 1:
        raise ValueError(f"max_nodes={max_nodes} given: at least one box is needed")
    limit: float = MAX_NODES if max_nodes is None else max_nodes
    row: float = ROW if max_nodes is None else math.inf
    outputs = outputs_in(output)
    first_half = [] if forward is None else outputs_in(forward)
    recorded = graph_of([*outputs, *first_half])
    of = differentiable(recorded, outputs, of) if color == "gradient" else None
    graph, data = with_arrays(recorded) if arrays == "node" else (recorded, set())
    paths = _paths(graph, first_half, data)
    asked = level != "auto" or direction != "LR" or any(paths) or len(graph.nodes) > limit
    rows = None if asked else rows_of(graph)
    root, scopes = scopes_of(paths if rows is None else rows)
    named = matching(root, [expand] if isinstance(expand, str) else expand)
    if level == "auto":
        widest = max(len(scope.within) for scope in (root, *descending(root)))
        level = "operation" if len(graph.nodes) <= limit and widest <= row else "scope"
    if level == "operation":
        limit = row = math.inf
    opened = None if level == "operation" else named | {root.inner(half) for half in HALVES if first_half}
    boxes = boxes_of(graph, root, scopes, opened, named, limit, row)
    sizes = Sizes(graph, color, of)
    marked = {graph.numbers[each.index] for each in outputs}
    return _Drawing(graph, root, scopes, boxes, sizes, marked, data, arrays == "node", rows is not None).drawn(
        direction
    )


def _paths(graph: Graph, first_half: list[Tensor], data: set[int]) -> list[tuple[str, ...]]:
    """The scopes of all nodes, within the two halves if there are such."""
    if not first_half:
        return [node.scope for node in graph.nodes]
    before, half, paths = {node.index for node in graph_of(first_half).nodes}, "", []
    for number, node in reversed(list(enumerate(graph.nodes))):
        if number not in data:  # an array goes with the operation behind it
            half = HALVES[node.index not in before]
        paths.append((half, *node.scope))
    return paths[::-1]


class _Drawing:
    """A graph in boxes, on its way to DOT."""

    def __init__(
        self,
        graph: Graph,
        root: Scope,
        places: list[Scope],
        boxes: list[Box],
        sizes: Sizes,
        outputs: set[int],
        data: set[int],
        arrays: bool,
        wraps: bool,
    ) -> None:
        self.wraps = wraps
        self.graph, self.root, self.places, self.boxes, self.sizes = graph, root, places, boxes, sizes
        self.outputs, self.data, self.arrays = outputs, data, arrays
        self.names = names_in(graph)
        self.ids: dict[str, int] = defaultdict(int)
        self.scopes: dict[Scope, str] = {root: "c0"}  # the open ones, outermost first
        for box in boxes:
            closed = [scope for scope in box.inside.chain() if scope not in self.scopes]
            self.scopes |= {scope: f"c{len(self.scopes) + i}" for i, scope in enumerate(reversed(closed))}
        self.box_sizes = {box.id: sizes.of_nodes(box.members) for box in boxes}
        self.lines, self.ghosts = lines_of(graph, boxes, self.scopes)
        self.line_sizes = [sizes.of_edges(line.edges) for line in self.lines]
        self.scale = Scale.covering([*self.box_sizes.values(), *self.line_sizes])

    def drawn(self, direction: str) -> Digraph:
        """The whole picture."""
        whole = Digraph("graph", strict=False)
        whole.attr(rankdir=direction, newrank="true", nodesep="0.18", ranksep="0.35", fontname=FONT, **TIGHT)
        whole.attr("node", shape="box", style="rounded,filled", fillcolor="white", fontname=FONT, fontsize="13")
        whole.attr("node", width="0.3", height="0.3", margin="0.08,0.04", label="")
        whole.attr("edge", color=INK, arrowsize="0.7", fontname=FONT, fontsize="9", fontcolor=INK)
        self._key(whole)
        inside: dict[Scope, list[str]] = {scope: [] for scope in self.scopes}
        for name, ghost in self.ghosts.items():
            inside[ghost.inside].append(self._ghost(name, ghost.sources))
        # From left to right, dot puts what comes first in its text lowest.
        for box in reversed(self.boxes) if direction in ("LR", "RL") else self.boxes:
            inside[box.inside].append(self._box(box))
        whole.body += self._nested(inside)
        whole.body += [self._line(line, size) for line, size in zip(self.lines, self.line_sizes, strict=True)]
        for first, second in successions(self.graph, self.boxes, self.lines):
            whole.body.append(_entry(f"{first.id} -> {second.id}", {"style": "invis", "weight": "0"}))
        whole.title = f"Graph of {', '.join(map(self._output, sorted(self.outputs)[:LISTED]))}"
        whole.alt = f"{whole.title}: {', '.join(self._told())}"
        return whole

    def _output(self, number: int) -> str:
        node = self.graph.nodes[number]
        return self.names[number] if node.name or not node.fn else formula(node, self.graph, self.names)

    def _told(self) -> list[str]:
        """What is to be seen, in words."""
        operations = sum(1 for node in self.graph.nodes if node.fn)
        parameters = [
            name for name, node in zip(self.names, self.graph.nodes, strict=True) if not node.fn and node.requires_grad
        ]
        told = [f"{operations:,} operation{'s' * (operations != 1)}"]
        if parameters:
            told.append(f"parameters {' '.join(parameters[:LISTED])}{' …' * (len(parameters) > LISTED)}")
        if self.sizes.color != "none":
            what, ends = "values" if self.sizes.of is None else "gradient", (self.scale.low, self.scale.high)
            told.append(f"coloured by the RMS of the {what}, {' … '.join(map(rounded, ends))}")
        return told

    def _nested(self, inside: dict[Scope, list[str]]) -> list[str]:
        """The text of the clusters within each other, each line written once however deep it stands."""
        text = inside[self.root]
        within: dict[Scope, list[Scope]] = defaultdict(list)
        for each in self.scopes:
            if each.parent is not None:
                within[each.parent].append(each)
        open_: list[Scope | None] = [*reversed(within[self.root])]
        while open_:
            if (scope := open_.pop()) is None:  # the end of a cluster
                text.append("\t}\n")
                continue
            name, tooltip = self.scopes[scope], hint(f"scope {scope.told()}")
            frame = {"label": printed(_titled(scope.name)), "id": name, "tooltip": tooltip, "margin": "8", **FRAME}
            text += [f"\tsubgraph cluster_{name} {{\n", _entry("graph", frame), *inside[scope]]
            open_ += [None, *reversed(within[scope])]
        return text

    def _key(self, whole: Digraph) -> None:
        if self.sizes.color == "none":
            return
        title = "RMS of the values"
        if self.sizes.of is not None:
            number = self.graph.numbers[self.sizes.of.index]
            unnamed = self.outputs == {number} and not self.sizes.of.name
            title = f"RMS gradient of {'the output' if unnamed else _cut(self.names[number])}"
        shown = [size for size in chain(self.box_sizes.values(), self.line_sizes) if size is not None]
        key(whole, self.scale, title, 0.0 in shown, not all(map(math.isfinite, shown)))

    def _box(self, box: Box) -> str:
        size = self.box_sizes[box.id]
        style = {} if self.sizes.color == "none" else self.scale.node(size)
        if "style" in style:
            style["style"] = f"rounded,{style['style']}"
        if self.outputs.intersection(box.members):
            style["peripheries"] = "2"
        if box.kind == "tensor":
            number = box.members[0]
            style |= self._tensor_style(number)
            label, tooltip = self._tensor_label(number), self._tensor_tooltip(number, size)
        else:
            style |= {"margin": "0.14,0.08"} | ({"style": "filled,dashed"} if box.kind == "run" else {})
            label, tooltip = self._closed(box, size)
        label += _in_words(size)
        return _entry(box.id, {"label": printed(*label), "id": box.id, "tooltip": hint(*tooltip), **style})

    def _closed(self, box: Box, size: float | None) -> tuple[list[str], list[str]]:
        """Label and tooltip of a closed scope or of a run."""
        count = sum(1 for number in box.members if self.graph.nodes[number].fn)
        about, measured = f"{count:,} operation{'s' * (count != 1)}", self._measured(size)
        if box.kind == "scope":
            told = box.place.told()
            opens = [] if "…" in told else [f'expand="{told}" opens it']
            return [_titled(box.what), about], [f"scope {told}", about, *measured, *opens]
        folded = f"… {box.folded:,} {box.what} …"
        label = [folded, about] if box.what == "scopes" else [folded]
        return label, [*label, *measured]

    def _tensor_style(self, number: int) -> dict[str, str]:
        tensor = self.graph.nodes[number]
        if tensor.fn is not None:
            return {}
        style = {"shape": "ellipse", "margin": "0.03,0.02", "width": "0.55"}
        if tensor.requires_grad:
            return style | {"color": PARAMETER, "penwidth": "1.5"}
        grey = {"fillcolor": DATA} if self.sizes.color == "none" else {}
        if number in self.data:
            grey |= {"color": ZERO, "width": "0.3", "height": "0.22", "fontsize": "10"}
        return style | grey

    def _tensor_label(self, number: int) -> list[str]:
        tensor, name = self.graph.nodes[number], _cut(self.names[number])
        if number in self.data:
            few = in_short(tensor.data)
            return [few] if few else ["array", shape(tensor)]
        given = [arg for arg in tensor.args if isinstance(arg, Tensor)]
        new = [shape(tensor)] if tensor.shape and all(arg.shape != tensor.shape for arg in given) else []
        if tensor.fn is None:
            known = tensor.name or tensor.requires_grad or tensor.size != 1 or tensor.dtype.kind not in "fiub"
            return [name, *new] if known else [f"{tensor.item():.4g}"]
        words = operation(tensor, arrays=not self.arrays)
        if is_layer(tensor):
            words = formula(tensor, self.graph, self.names).partition(" = ")[2]
        made = [_cut(line) for line in wrap(words, LONGEST, break_long_words=False)]
        made = made if len(made) <= LINES else [*made[: LINES - 1], "…"]
        if tensor.name:
            return [name, *made, *new]
        return [*([name] if name.endswith("ᵀ") else made), *new]

    def _tensor_tooltip(self, number: int, size: float | None) -> list[str]:
        tensor = self.graph.nodes[number]
        kind = f"made by {name_of(tensor.fn)}" if tensor.fn else "parameter" if tensor.requires_grad else "constant"
        kind = "plain array" if number in self.data else kind
        told = [formula(tensor, self.graph, self.names) or self.names[number], kind]
        told += [f"shape {tensor.shape}, {tensor.dtype}", values(tensor.data), *self._measured(size, tensor.size)]
        return told + ([f"scope {self.places[number].told()}"] if tensor.scope else [])

    def _measured(self, size: float | None, count: int = 1) -> list[str]:
        """A size in words; of one tensor with several elements, the norm too."""
        if self.sizes.color == "none":
            return []
        what = "values" if self.sizes.color == "value" else "gradient"
        if size is None:
            return ["no gradient asked for"] if what == "gradient" else []
        norm = f", norm {size * math.sqrt(count):.3g}" if count > 1 else ""
        return [f"{what} exactly 0" if size == 0 else f"{what} rms {size:.3g}{norm}"]

    def _ghost(self, name: str, sources: Iterable[int]) -> str:
        names = [self.names[number] for number in sources]
        listed = names if len(names) <= LISTED else [*names[:LISTED], "…"]
        tooltip = hint(f"{', '.join(names[:50])}, shared: drawn once outside, and repeated where used")
        size = {"fontsize": "11", "height": "0.25", "margin": "0.05,0.02"}
        return _entry(
            name, {"label": printed(" ".join(map(_cut, listed))), "id": name, "tooltip": tooltip, **size, **GHOST}
        )

    def _line(self, line: Line, size: float | None) -> str:
        style = self.scale.edge(size) if self.sizes.of is not None else {"color": INK}
        first, count = line.edges[0], len(line.edges)
        words = _in_words(size) if self.sizes.of is not None else []
        if line.single:
            target = self.graph.nodes[first.target]
            about = f"argument {first.position} of {operation(target, arrays=not self.arrays)}"
            if first.position and told_apart(target, self.arrays):
                style |= {"headlabel": ordinal(first.position + 1), "labeldistance": "1.4", "labelangle": "-20"}
        else:
            about = f"{count:,} edge{'s' * (count > 1)} drawn as one"
            words = [*([f"×{count:,}"] if count > 1 and not line.ghostly else []), *words]
        if words:
            style["label"] = " ".join(words)
        if line.recurrent:
            style |= {"constraint": "false"} if self.wraps else {"weight": "8"}
        tooltip = [f"{self._called(line.source)} to {self._called(line.target)}", about]
        tooltip += [style["tooltip"]] if "tooltip" in style else []
        self.ids[name := f"{line.start}--{line.target.id}"] += 1
        name += f"--{self.ids[name]}" * (self.ids[name] > 1)
        return _entry(f"{line.start} -> {line.target.id}", style | {"id": name, "tooltip": hint(*tooltip)})

    def _called(self, box: Box) -> str:
        return self.names[box.members[0]] if box.kind == "tensor" else box.what


def _entry(what: str, attributes: dict[str, str]) -> str:
    """A node or an edge as text. `Digraph.node` and `Digraph.edge` take three times as long, felt at 10^5 nodes."""
    listed = " ".join([f'{name}="{value}"' for name, value in attributes.items()])
    return f"\t{what} [{listed}]\n"


def _in_words(size: float | None) -> list[str]:
    """What no colour can say: of a size that is not finite, which of the two it is."""
    return [] if size is None or math.isfinite(size) else ["NaN" if math.isnan(size) else "∞"]


def _titled(name: str) -> str:
    """The name of a scope as a heading: ``t = 3``."""
    return _cut(re.sub(r"(?<=\w)=(?=\w)", " = ", name))


def _cut(name: str) -> str:
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
