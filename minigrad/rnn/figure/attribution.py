"""How much of a gradient went through each connection of the figure, and came from each use of a parameter.

A `Figure` holds the sizes of what flowed through a `Wiring` when something was differentiated: one walk. Every way from
a parameter to what is differentiated is told once: by the first place that it comes to, if the run computed that, and
else as *elsewhere*, where penalties, other runs and what went on before the run belong. So the contributions of a
parameter's uses and its gradient from elsewhere add up to its whole gradient, vector by vector (`Attribution`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add
from types import MappingProxyType, SimpleNamespace
from typing import Any

import numpy as np

from minigrad.engine.context import recording
from minigrad.engine.cotangents import dense
from minigrad.engine.tensor import Tensor
from minigrad.engine.walk import gradients, propagate
from minigrad.graph import Edge, rms
from minigrad.rnn.figure.wiring import Connection, Place, Use, Wiring
from minigrad.rnn.unrolling import Run

NOTHING: Mapping[Any, None] = MappingProxyType({})


@dataclass(frozen=True)
class Figure:
    """An unrolled run as connections between roles, with the RMS of the gradient that each of them carried.

    Sizes are None where no gradient was asked for, and 0 where exactly nothing flowed.

    Attributes
    ----------
    tensors : dict of Place to Tensor
        What is drawn as a circle; step 0 holds the initial values, and targets that are fed back stand at their own
        step.
    sizes : dict of Place to float or None
    connections : dict of Connection to float or None
    taps : dict of Use to float or None
        What the use of a parameter at a place contributed to the parameter's gradient.
    accumulated : dict of Use to float or None
        What this use of a parameter and all later ones contributed to its gradient together: the size of their sum.
    ends : dict of Place to float or None
        What went straight from what is differentiated to a place.
    elsewhere : dict of str to float or None
        What comes to a parameter's gradient from outside the run's steps, of those parameters to which anything may.
    parameters : dict of str to float or None
        The whole gradient of each parameter that is used: all contributions, and what comes from elsewhere.
    recurrent : dict of str to str
        The parameters that act on what is carried from step to step, and the role that they act on.
    cuts : set of Connection
        Those through which values pass and gradients do not, because the argument was detached.
    """

    tensors: dict[Place, Tensor]
    sizes: dict[Place, float | None]
    connections: dict[Connection, float | None]
    taps: dict[Use, float | None]
    accumulated: dict[Use, float | None]
    ends: dict[Place, float | None]
    elsewhere: dict[str, float | None]
    parameters: dict[str, float | None]
    recurrent: dict[str, str]
    cuts: set[Connection]

    @classmethod
    def of_run(cls, run: Run, of: Tensor) -> Figure:
        """Find the figure in the graph that was recorded for ``run``, and differentiate ``of``."""
        return cls.of(Wiring.of_run(run, of), of)

    @classmethod
    @np.errstate(all="ignore")  # what is not finite is shown as such, and nobody need be warned
    def of(cls, wiring: Wiring, *outputs: Tensor) -> Figure:
        """The sizes of the gradient of the sum of all ``outputs``; no `Tensor.grad` is touched."""
        found = Attribution(wiring, outputs)
        connections = {
            (source, target): rms(found.through((source, target)))
            for (source, target), edges in wiring.connections.items()
            if edges and wiring.tensors[source].requires_grad
        }
        taps: dict[Use, float] = {}
        accumulated: dict[Use, float] = {}
        sums: dict[str, Any] = defaultdict(float)
        for (name, place), contribution in found.contributions():
            taps[name, place] = rms(contribution)
            sums[name] = sums[name] + contribution
            accumulated[name, place] = rms(sums[name])
        sizes = {place: found.size(tensor) for place, tensor in wiring.tensors.items()}
        elsewhere = {name: rms(share) for name, share in found.elsewhere().items()}
        wholes = {name: found.size(parameter) for name, parameter in wiring.parameters.items()}
        ends = {place: rms(share) for place, share in found.ends().items()}
        return cls._of(wiring, sizes, connections, taps, accumulated, ends, elsewhere, wholes)

    @classmethod
    def of_values(cls, wiring: Wiring) -> Figure:
        """The sizes of the values themselves, for circles and parameters; nothing is differentiated."""
        sizes = {place: rms(tensor.data) for place, tensor in wiring.tensors.items()}
        return cls._of(wiring, sizes, wholes={name: rms(each.data) for name, each in wiring.parameters.items()})

    @classmethod
    def of_nothing(cls, wiring: Wiring) -> Figure:
        """The connections alone."""
        return cls._of(wiring)

    @classmethod
    def _of(
        cls,
        wiring: Wiring,
        sizes: Mapping[Place, float | None] = NOTHING,
        connections: Mapping[Connection, float | None] = NOTHING,
        taps: Mapping[Use, float | None] = NOTHING,
        accumulated: Mapping[Use, float | None] = NOTHING,
        ends: Mapping[Place, float | None] = NOTHING,
        elsewhere: Mapping[str, float | None] = NOTHING,
        wholes: Mapping[str, float | None] = NOTHING,
    ) -> Figure:
        """What has no size has None."""
        used = dict.fromkeys(name for name, _ in wiring.uses)
        return cls(
            wiring.tensors,
            {place: sizes.get(place) for place in wiring.tensors},
            {connection: connections.get(connection) for connection in wiring.connections},
            {use: taps.get(use) for use in wiring.uses},
            {use: accumulated.get(use) for use in wiring.uses},
            {place: ends.get(place) for place in wiring.ends},
            {name: elsewhere.get(name) for name in used if name in wiring.elsewhere},
            {name: wholes.get(name) for name in used},
            wiring.recurrent,
            wiring.cuts,
        )


class Attribution:
    """What flowed through a `Wiring` when the sum of ``outputs`` was differentiated: the cotangents themselves.

    One walk tells it, but for places whose inner nodes lead to other places as well (two gates cut from one product
    that has no name) or are differentiated themselves: what a share in there came by is not told by the walk. Each of
    them gets one of its own, from the place back to its arguments.
    """

    def __init__(self, wiring: Wiring, outputs: Sequence[Tensor]) -> None:
        self.wiring, self.graph, self.outputs = wiring, wiring.graph, outputs
        numbers = self.graph.numbers
        asked = [each for each in [*wiring.tensors.values(), *wiring.parameters.values()] if each.requires_grad]
        wanted = {edge for edges in [*wiring.connections.values(), *wiring.uses.values()] for edge in edges}
        self.shares: dict[Edge, Any] = {}
        observer = self._observer(wanted, self.shares)
        seeds = [np.ones_like(output.data) for output in outputs]
        found = gradients(outputs, asked, seeds, observe=observer.crossed) if asked else ()
        self.totals = dict(zip((tensor.index for tensor in asked), found, strict=True))
        self.seeds = {output.index: seed for output, seed in zip(outputs, seeds, strict=True)}
        self.own: dict[Place, dict[Edge, Any]] = {}
        inner = {numbers[output.index] for output in outputs} - {
            numbers[each.index] for each in wiring.tensors.values()
        }
        within = {place for place in wiring.inner if not inner.isdisjoint(wiring.inner[place])} if inner else set()
        for place in wiring.shared | within:
            if wiring.tensors[place].requires_grad:
                self.own[place] = self._own(place, wanted)

    def size(self, tensor: Tensor) -> float | None:
        """The size of a whole cotangent; None if no gradient was asked for."""
        return rms(self.totals[tensor.index]) if tensor.index in self.totals else None

    def through(self, connection: Connection) -> Any:
        """The share that went through a connection."""
        edges, shares = self.wiring.connections[connection], self.own.get(connection[1], self.shares)
        return _sum(edges, shares)

    def contributions(self) -> Iterator[tuple[Use, Any]]:
        """What each use contributed to the gradient of its parameter, the last one first."""
        for (name, place), edges in reversed(self.wiring.uses.items()):
            parameter = self.wiring.parameters[name]
            if not parameter.requires_grad:
                continue
            contribution: Any = np.zeros_like(parameter.data)
            shares = self.own.get(place, self.shares)
            for edge in edges:
                if edge in shares:
                    share = dense(shares[edge])
                    if (made := self.graph.nodes[edge.source]) is not parameter:
                        (share,) = gradients(made, [parameter], share)  # from the shape of Wᵀ to that of W
                    contribution = contribution + share
            yield (name, place), contribution

    def elsewhere(self) -> dict[str, Any]:
        """What comes to parameters by ways on which there is nothing that the run computed."""
        parameters = {name: self.wiring.parameters[name] for name in self.wiring.elsewhere}
        if not parameters:
            return {}
        given = self.wiring.given
        pending = {index: seed for index, seed in self.seeds.items() if index not in self.totals}
        pending |= {index: self.totals[index] for index in given if index in self.totals}
        nodes = self._nodes(self.wiring.outside(self.outputs))
        active = {node.index for node in nodes if node.requires_grad} - given
        asked = {parameter.index for parameter in parameters.values()}
        reached = _walked(nodes, pending, active, asked)
        return {name: reached.get(p.index, np.zeros_like(p.data)) for name, p in parameters.items()}

    def ends(self) -> dict[Place, Any]:
        """What goes from the outputs to places, on ways on which there is nothing else that the run computed."""
        wanted, shares = {edge for edges in self.wiring.ends.values() for edge in edges}, dict[Edge, Any]()
        if not wanted:
            return {}
        nodes = self._nodes(self.wiring.outside(self.outputs, given=False))
        active = {arg.index for node in nodes for arg in node.args if isinstance(arg, Tensor) and arg.requires_grad}
        pending = {index: seed for index, seed in self.seeds.items() if index not in self.totals}
        _walked(nodes, pending, active, set(), [self._observer(wanted, shares)])
        return {place: _sum(edges, shares) for place, edges in self.wiring.ends.items()}

    def _own(self, place: Place, wanted: set[Edge]) -> dict[Edge, Any]:
        """The shares that come by a place."""
        tensor, shares = self.wiring.tensors[place], dict[Edge, Any]()
        nodes = self._nodes(self.wiring.inner[place])
        active = {arg.index for node in nodes for arg in node.args if isinstance(arg, Tensor) and arg.requires_grad}
        _walked(nodes, {tensor.index: self.totals[tensor.index]}, active, set(), [self._observer(wanted, shares)])
        return shares

    def _nodes(self, numbers: set[int]) -> list[Tensor]:
        """The youngest first, as a walk visits them."""
        return [self.graph.nodes[number] for number in sorted(numbers, reverse=True)]

    def _observer(self, wanted: set[Edge], shares: dict[Edge, Any]) -> Any:
        """Notes the shares that cross the edges that are wanted."""
        numbers = self.graph.numbers

        def crossed(consumer: Tensor, position: int, share: Any) -> None:
            edge = Edge(numbers[consumer.args[position].index], numbers[consumer.index], position)
            if edge in wanted:
                shares[edge] = share

        return SimpleNamespace(crossed=crossed, reached=lambda tensor, cotangent: None)


def _sum(edges: Sequence[Edge], shares: Mapping[Edge, Any]) -> Any:
    return reduce(add, [dense(shares[edge]) for edge in edges if edge in shares] or [0.0])


def _walked(
    nodes: Sequence[Tensor], pending: dict[int, Any], active: set[int], asked: set[int], observers: Sequence[Any] = ()
) -> dict[int, Any]:
    """A walk through some nodes only: shares go to what is ``active``, and no further than the nodes."""
    with recording(False):
        return propagate(nodes, pending, active, asked, False, observers)
