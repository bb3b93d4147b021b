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
from typing import Any, Literal

import numpy as np

from minigrad.engine.cotangents import dense, met
from minigrad.engine.tables import Function, name_of
from minigrad.engine.tensor import Tensor
from minigrad.graph import Cotangents, Edge, Graph, cotangents_through, graph_of, rms_together
from minigrad.pictures.boxes import Box, Line, Path, boxes_of, lines_of, matching
from minigrad.pictures.dot import Digraph
from minigrad.pictures.style import DATA, FONT, INK, PARAMETER, TIGHT, Scale, hint, key, printed
from minigrad.pictures.text import LONGEST, formula, names_in, operation, outputs_in, shape, values

MAX_NODES = 100
"""More boxes than that are not drawn unless they are asked for."""
HALVES = ("forward", "backward")
COMMUTATIVE: set[Function | None] = {
    np.add, np.multiply, np.maximum, np.minimum, np.logaddexp, np.hypot, np.vdot, np.inner
}  # fmt: skip
"""Functions whose arguments need not be told apart in a picture."""
LISTED = 6  # so many parameters are named in the ghost of a closed scope
FRAME = {"style": "rounded,filled", "color": "#c8d0da", "fillcolor": "#f6f8fa", "fontcolor": INK, "fontsize": "12"}
GHOST = {"style": "rounded,dashed,filled", "color": PARAMETER, "fontcolor": PARAMETER, "fillcolor": "white"}

_CHOICES = {
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
    max_nodes: int = MAX_NODES,
    forward: Tensor | Sequence[Tensor] | None = None,
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
        says how many operations are in it. "auto" is "operation" for up to ``max_nodes`` tensors, and "scope" above.
    color : {"gradient", "value", "none"}
        By the RMS of the gradient of ``of``, on a logarithmic scale: nodes by their whole gradient, edges by the share
        of it that went through them. Or nodes by the RMS of their values. Or not at all.
    expand : str or sequence of str
        Scopes that are drawn open where others are closed: ``"t=3"``, or ``"t=3/gate"`` for a scope within a scope.
        What stands directly in them is all drawn, whatever ``max_nodes`` says.
    direction : {"LR", "TB", "RL", "BT"}
        Where arguments point to: from left to right, from top to bottom, and the reverse of these.
    max_nodes : int
        Except at level "operation", rows of more boxes are folded: "… 4994 scopes …".
    forward : Tensor or sequence of Tensor, optional
        For a picture of gradients: what was differentiated. All that it was made from is framed as the "forward" half,
        and everything else as the "backward" half.

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
    A tensor's shape is written where it is new, differing from those of all arguments. Dashed blue boxes repeat a
    parameter that is used in several scopes; it stands itself outside of them, coloured by its whole gradient.

    Examples
    --------
    >>> x = Tensor([1.0, 2.0], requires_grad=True, name="x")
    >>> picture = draw(np.sum(x * x))
    >>> picture.source.count("->")  # x enters the product twice
    3
    """
    chosen: dict[str, str] = {"level": level, "color": color, "direction": direction}
    for option, value in chosen.items():
        if value not in _CHOICES[option]:
            raise ValueError(f"{option}={value!r} is not known: choose one of {', '.join(_CHOICES[option])}")
    if max_nodes < 1:
        raise ValueError(f"max_nodes={max_nodes} given: at least one box is needed")
    outputs = outputs_in(output)
    first_half = [] if forward is None else outputs_in(forward)
    graph = graph_of([*outputs, *first_half])
    of = _differentiable(graph, outputs, of) if color == "gradient" else None
    paths = _paths(graph, first_half)
    named = matching(paths, [expand] if isinstance(expand, str) else expand)
    if level == "auto":
        level = "operation" if len(graph.nodes) <= max_nodes else "scope"
    opened = None if level == "operation" else named | {(half,) for half in HALVES if first_half}
    boxes = boxes_of(graph, paths, opened, named, math.inf if level == "operation" else max_nodes)
    sizes = _Sizes(graph, color, of)
    return _Drawing(graph, boxes, sizes, {graph.numbers[each.index] for each in outputs}).drawn(direction)


def _differentiable(graph: Graph, outputs: list[Tensor], of: Tensor | None) -> Tensor:
    """What is differentiated for the colours, if it can be."""
    otherwise = 'or draw it with color="value" or color="none"'
    if of is None:
        if len(outputs) > 1:
            raise ValueError(
                f"of {len(outputs)} outputs one has to be chosen: name with of= what to differentiate, {otherwise}"
            )
        (of,) = outputs
    elif not isinstance(of, Tensor):
        raise TypeError(f"of is a {type(of).__name__}: name a Tensor that is to be differentiated, {otherwise}")
    if graph.numbers.get(of.index) is None:
        raise ValueError(
            f"the tensor of shape {of.shape} that of= names is not in the graph of the output: draw both,"
            f" draw([output, of], of), {otherwise}"
        )
    if not of.requires_grad:
        raise ValueError(
            "nothing that the output was made from requires grad, so there is no gradient to colour it by: set"
            f" requires_grad=True on a tensor, record outside no_grad, {otherwise}"
        )
    if of.size != 1:
        raise ValueError(
            f"a tensor of shape {of.shape} is not one number, so it has no gradient: draw its sum, np.sum(y), or one"
            f" element, y[0], {otherwise}"
        )
    return of


def _paths(graph: Graph, first_half: list[Tensor]) -> list[Path]:
    """The scopes of all nodes, within the two halves if there are such."""
    if not first_half:
        return [node.scope for node in graph.nodes]
    before = {node.index for node in graph_of(first_half).nodes}
    return [(HALVES[node.index not in before], *node.scope) for node in graph.nodes]


class _Sizes:
    """How large what is drawn counts for its colour; None where there is nothing to be measured."""

    def __init__(self, graph: Graph, color: str, of: Tensor | None) -> None:
        self.graph, self.color, self.of = graph, color, of
        self.cotangents = Cotangents({}, {}) if of is None else cotangents_through(graph, of)

    def of_nodes(self, numbers: Sequence[int]) -> float | None:
        """Of tensors drawn as one."""
        nodes = self.graph.nodes
        if self.color == "value":
            arrays = [nodes[n].data for n in numbers if nodes[n].dtype.kind in "fiub"]
        else:
            arrays = [self.cotangents.totals[n] for n in numbers if n in self.cotangents.totals]
        return rms_together(arrays) if arrays else None

    def of_edges(self, edges: Sequence[Edge]) -> float | None:
        """Of edges drawn as one: for each source the sum of the shares."""
        if self.of is None:
            return None
        totals: dict[int, Any] = {}
        for edge in edges:
            share = self.cotangents.shares.get(edge)
            if share is not None:
                totals[edge.source] = met(totals[edge.source], share) if edge.source in totals else share
            elif self.graph.nodes[edge.source].requires_grad and edge.source not in totals:
                totals[edge.source] = np.zeros(self.graph.nodes[edge.source].shape)
        return rms_together(map(dense, totals.values())) if totals else None


class _Drawing:
    """A graph in boxes, on its way to DOT."""

    def __init__(self, graph: Graph, boxes: list[Box], sizes: _Sizes, outputs: set[int]) -> None:
        self.graph, self.boxes, self.sizes, self.outputs = graph, boxes, sizes, outputs
        self.names = names_in(graph)
        self.ids: dict[str, int] = defaultdict(int)
        scopes = dict.fromkeys(box.inside[:depth] for box in boxes for depth in range(len(box.inside) + 1))
        self.scopes = {path: f"c{i}" for i, path in enumerate(scopes)}  # the open ones, outermost first
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
        clusters = {path: self._cluster(path) if path else whole for path in self.scopes}
        for name, ghost in self.ghosts.items():
            self._ghost(clusters[ghost.inside], name, ghost.sources)
        # From left to right, dot puts what comes first in its text lowest.
        for box in reversed(self.boxes) if direction in ("LR", "RL") else self.boxes:
            self._box(clusters[box.inside], box)
        for path in sorted(filter(None, clusters), key=len, reverse=True):  # the innermost are complete first
            clusters[path[:-1]].subgraph(clusters[path])
        for line, size in zip(self.lines, self.line_sizes, strict=True):
            self._line(whole, line, size)
        return whole

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

    def _cluster(self, path: Path) -> Digraph:
        cluster, tooltip = Digraph(f"cluster_{self.scopes[path]}"), hint(f"scope {'/'.join(path)}")
        cluster.attr(label=printed(_titled(path[-1])), id=self.scopes[path], tooltip=tooltip, margin="8", **FRAME)
        return cluster

    def _box(self, graph: Digraph, box: Box) -> None:
        size = self.box_sizes[box.id]
        style = {} if self.sizes.color == "none" else self.scale.node(size)
        if "style" in style:
            style["style"] = f"rounded,{style['style']}"
        if self.outputs.intersection(box.members):
            style["peripheries"] = "2"
        if box.kind == "tensor":
            number = box.members[0]
            style |= self._tensor_style(self.graph.nodes[number])
            label, tooltip = self._tensor_label(number), self._tensor_tooltip(number, size)
        else:
            style |= {"margin": "0.14,0.08"} | ({"style": "filled,dashed"} if box.kind == "run" else {})
            label, tooltip = self._closed(box, size)
        _write(graph, box.id, {"label": printed(*label), "id": box.id, "tooltip": hint(*tooltip), **style})

    def _closed(self, box: Box, size: float | None) -> tuple[list[str], list[str]]:
        """Label and tooltip of a closed scope or of a run."""
        count = sum(1 for number in box.members if self.graph.nodes[number].fn)
        about, measured = f"{count:,} operation{'s' * (count != 1)}", self._measured(size)
        if box.kind == "scope":
            path = "/".join((*box.inside, box.what))
            return [_titled(box.what), about], [f"scope {path}", about, *measured, f'expand="{path}" opens it']
        folded = f"… {box.folded:,} {box.what} …"
        label = [folded, about] if box.what == "scopes" else [folded]
        return label, [*label, *measured]

    def _tensor_style(self, tensor: Tensor) -> dict[str, str]:
        if tensor.fn is not None:
            return {}
        style = {"shape": "ellipse", "margin": "0.03,0.02", "width": "0.55"}
        if tensor.requires_grad:
            return style | {"color": PARAMETER, "penwidth": "1.5"}
        return style | ({"fillcolor": DATA} if self.sizes.color == "none" else {})

    def _tensor_label(self, number: int) -> list[str]:
        tensor, name = self.graph.nodes[number], _cut(self.names[number])
        given = [arg for arg in tensor.args if isinstance(arg, Tensor)]
        new = [shape(tensor)] if tensor.shape and all(arg.shape != tensor.shape for arg in given) else []
        if tensor.fn is None:
            known = tensor.name or tensor.requires_grad or tensor.size != 1 or tensor.dtype.kind not in "fiub"
            return [name, *new] if known else [f"{tensor.item():.4g}"]
        if tensor.name:
            return [name, _cut(operation(tensor)), *new]
        return [name if name.endswith("ᵀ") else _cut(operation(tensor)), *new]

    def _tensor_tooltip(self, number: int, size: float | None) -> list[str]:
        tensor = self.graph.nodes[number]
        kind = f"made by {name_of(tensor.fn)}" if tensor.fn else "parameter" if tensor.requires_grad else "constant"
        told = [formula(tensor, self.graph, self.names) or self.names[number], kind]
        told += [f"shape {tensor.shape}, {tensor.dtype}", values(tensor.data), *self._measured(size, tensor.size)]
        return told + ([f"scope {'/'.join(tensor.scope)}"] if tensor.scope else [])

    def _measured(self, size: float | None, count: int = 1) -> list[str]:
        """A size in words; of one tensor with several elements, the norm too."""
        if self.sizes.color == "none":
            return []
        what = "values" if self.sizes.color == "value" else "gradient"
        if size is None:
            return ["no gradient asked for"] if what == "gradient" else []
        norm = f", norm {size * math.sqrt(count):.3g}" if count > 1 else ""
        return [f"{what} exactly 0" if size == 0 else f"{what} rms {size:.3g}{norm}"]

    def _ghost(self, graph: Digraph, name: str, sources: Iterable[int]) -> None:
        names = [self.names[number] for number in sources]
        listed = names if len(names) <= LISTED else [*names[:LISTED], "…"]
        tooltip = hint(f"{', '.join(names[:50])}, shared: drawn once outside, and repeated where used")
        size = {"fontsize": "11", "height": "0.25", "margin": "0.05,0.02"}
        label = printed(" ".join(map(_cut, listed)))
        _write(graph, name, {"label": label, "id": name, "tooltip": tooltip, **size, **GHOST})

    def _line(self, whole: Digraph, line: Line, size: float | None) -> None:
        style = self.scale.edge(size) if self.sizes.of is not None else {"color": INK}
        first, count = line.edges[0], len(line.edges)
        if line.single:
            about = f"argument {first.position} of {operation(self.graph.nodes[first.target])}"
            if self._told_apart(first.target):
                style |= {"headlabel": str(first.position), "labeldistance": "1.2", "labelangle": "-20"}
        else:
            about = f"{count:,} edge{'s' * (count > 1)} drawn as one"
            style |= {"label": f"×{count:,}"} if count > 1 and not line.ghostly else {}
        if line.recurrent:
            style["weight"] = "8"
        tooltip = [f"{self._called(line.source)} to {self._called(line.target)}", about]
        tooltip += [style["tooltip"]] if "tooltip" in style else []
        self.ids[name := f"{line.start}--{line.target.id}"] += 1
        name += f"--{self.ids[name]}" * (self.ids[name] > 1)
        _write(whole, f"{line.start} -> {line.target.id}", style | {"id": name, "tooltip": hint(*tooltip)})

    def _told_apart(self, number: int) -> bool:
        """Whether a picture has to say which argument of this node is which."""
        node = self.graph.nodes[number]
        given = {arg.index: arg for arg in node.args if isinstance(arg, Tensor)}
        if node.fn is np.matmul and len(given) == 2:
            left, right = (arg.shape[-2:] for arg in given.values())
            return len(left) == len(right) == 2 and left == right  # other shapes tell it
        return node.fn not in COMMUTATIVE and len(given) > 1

    def _called(self, box: Box) -> str:
        return self.names[box.members[0]] if box.kind == "tensor" else box.what


def _write(graph: Digraph, what: str, attributes: dict[str, str]) -> None:
    """Add a node or an edge. `Digraph.node` and `Digraph.edge` take three times as long, felt at 10^5 nodes."""
    listed = " ".join([f'{name}="{value}"' for name, value in attributes.items()])
    graph.body.append(f"\t{what} [{listed}]\n")


def _titled(name: str) -> str:
    """The name of a scope as a heading: ``t = 3``."""
    return _cut(re.sub(r"(?<=\w)=(?=\w)", " = ", name))


def _cut(name: str) -> str:
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
