"""How large what is drawn counts for its colour: by the gradient that flowed, by its values, or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.engine.cotangents import dense, met
from minigrad.engine.tensor import Tensor
from minigrad.graph import Cotangents, Edge, Graph, cotangents_through, rms_together


def differentiable(graph: Graph, outputs: list[Tensor], of: Tensor | None) -> Tensor:
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


class Sizes:
    """The sizes of nodes and edges; None where there is nothing to be measured."""

    def __init__(self, graph: Graph, color: str, of: Tensor | None) -> None:
        self.graph, self.color, self.of = graph, color, of
        with np.errstate(all="ignore"):  # a picture shows what is not finite, and is no place for warnings
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
