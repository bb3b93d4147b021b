"""A recorded graph as plain data: numbered nodes and edges, and what flowed through them.

The engine keeps no graph, only tensors that remember their arguments. Whoever wants to draw, count or analyse takes a
`Graph` of it first: nodes are numbered in topological order, so the same program gives the same numbers on every run,
and an edge is an argument's *position*, so that ``x * x`` has two.

Examples
--------
>>> import numpy as np
>>> import minigrad as mg
>>> from minigrad.graph import cotangents_through, graph_of, rms, rms_together
>>> x = mg.Tensor([1.0, 2.0], requires_grad=True)
>>> total = np.sum(x * x)
>>> graph = graph_of(total)
>>> len(graph.nodes), [(edge.source, edge.target, edge.position) for edge in graph.edges]
(3, [(0, 1, 0), (0, 1, 1), (1, 2, 0)])
>>> flowed = cotangents_through(graph, total)
>>> flowed.totals[0]
array([2., 4.])
>>> shares = [flowed.shares[edge] for edge in graph.edges[:2]]  # x twice, by x each
>>> [round(rms(share), 4) for share in shares], round(rms_together(shares), 4)
([1.5811, 1.5811], 1.5811)
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minigrad.engine.ancestors import ancestors
from minigrad.engine.cotangents import dense
from minigrad.engine.tensor import Array, Tensor
from minigrad.engine.walk import gradients


@dataclass(frozen=True)
class Edge:
    """The ``position``-th argument of node ``target`` is node ``source``."""

    source: int
    target: int
    position: int


@dataclass(frozen=True)
class Graph:
    """All tensors that some outputs were made from, constants included.

    Attributes
    ----------
    nodes : list of Tensor
        Oldest first; a node's number is its place in this list.
    edges : list of Edge
        In the order of their targets, then of positions.
    outputs : list of int
        The nodes that the graph was taken of.
    numbers : dict of int to int
        From a tensor's index to its node.
    """

    nodes: list[Tensor]
    edges: list[Edge]
    outputs: list[int]
    numbers: dict[int, int] = field(repr=False)

    def arguments(self) -> list[list[Edge]]:
        """For each node the edges that enter it."""
        entering: list[list[Edge]] = [[] for _ in self.nodes]
        for edge in self.edges:
            entering[edge.target].append(edge)
        return entering


def graph_of(outputs: Tensor | Sequence[Tensor]) -> Graph:
    """The graph of everything that ``outputs`` were made from."""
    outputs = [outputs] if isinstance(outputs, Tensor) else list(outputs)
    nodes = ancestors(outputs, constants=True)[::-1]
    numbers = {tensor.index: number for number, tensor in enumerate(nodes)}
    edges = [
        Edge(numbers[arg.index], number, position)
        for number, tensor in enumerate(nodes)
        for position, arg in enumerate(tensor.args)
        if isinstance(arg, Tensor)
    ]
    return Graph(nodes, edges, [numbers[output.index] for output in outputs], numbers)


@dataclass(frozen=True)
class Cotangents:
    """The gradient that flowed through a `Graph` when ``of`` was differentiated.

    Attributes
    ----------
    shares : dict of Edge to array
        What the walk sent along an edge; edges that it did not cross are missing.
    totals : dict of int to array
        The whole cotangent of a node, in its shape.
    """

    shares: dict[Edge, Any]
    totals: dict[int, Array]


def cotangents_through(graph: Graph, of: Tensor) -> Cotangents:
    """Differentiate ``of``, a node of ``graph``, and note what crosses each edge; no `Tensor.grad` is touched."""
    shares: dict[Edge, Any] = {}

    def observe(consumer: Tensor, position: int, share: Any) -> None:
        shares[Edge(graph.numbers[consumer.args[position].index], graph.numbers[consumer.index], position)] = share

    wanted = [tensor for tensor in graph.nodes if tensor.requires_grad]
    grads = gradients(of, wanted, np.ones_like(of.data), observe=observe)
    return Cotangents(shares, {graph.numbers[t.index]: g for t, g in zip(wanted, grads, strict=True)})


def rms(cotangent: Any) -> float:
    """Root mean square of a cotangent: a size that does not grow with the number of its elements."""
    values = np.asarray(dense(cotangent), np.float64)
    if values.size == 1:
        return abs(values.item())
    largest = np.abs(values).max(initial=0.0)
    if largest == 0.0 or not np.isfinite(largest):
        return float(largest)
    return float(largest * np.sqrt(np.mean(np.square(values / largest))))  # scaled: squares of 1e-200 would underflow


def rms_together(cotangents: Iterable[Any]) -> float:
    """The `rms` of the elements of several cotangents together."""
    sizes = [(rms(cotangent), math.prod(cotangent.shape)) for cotangent in cotangents]
    if len(sizes) == 1:
        return sizes[0][0]
    largest = max((size for size, _ in sizes), default=0.0)
    if largest == 0.0 or not all(math.isfinite(size) for size, _ in sizes):
        return sum(size for size, _ in sizes)
    squares = math.fsum(count * (size / largest) ** 2 for size, count in sizes)
    return largest * math.sqrt(squares / sum(count for _, count in sizes))
