"""What the textbook figure shows, found in the graph of a real run: connections, and the gradient in each of them.

A step's *roles* (x, z, h, y, C) are known to the run. `Wiring` follows the recorded graph from each of them back to
others, in the same step or in the one before, and to the parameters; it does so once. A `Figure` then holds the sizes
of what flowed through these connections when something was differentiated: one walk each. Nothing here knows where
anything is drawn.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

import numpy as np

from minigrad.engine.cotangents import dense
from minigrad.engine.tensor import Tensor
from minigrad.engine.walk import gradients
from minigrad.graph import Edge, Graph, graph_of, rms
from minigrad.rnn.unrolling import Run

Place = tuple[str, int]
"""A role and a step: ``("h", 3)`` is h_3."""
Connection = tuple[Place, Place]
"""From argument to result."""
Use = tuple[str, Place]
"""A parameter, by its name, and where it is used."""


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
    accumulated : dict of (str, int) to float or None
        The contributions of steps t ... T to a parameter's gradient together: the size of their sum.
    recurrent : dict of str to str
        The parameters that act on what is carried from step to step, and the role that they act on.
    cuts : set of Connection
        Those through which values pass and gradients do not, because the argument was detached.
    """

    tensors: dict[Place, Tensor]
    sizes: dict[Place, float | None]
    connections: dict[Connection, float | None]
    taps: dict[Use, float | None]
    accumulated: dict[tuple[str, int], float | None]
    recurrent: dict[str, str]
    cuts: set[Connection]

    @classmethod
    def of_run(cls, run: Run, of: Tensor) -> Figure:
        """Find the figure in the graph that was recorded for ``run``, and differentiate ``of``."""
        return Wiring.of_run(run, of).differentiated(of)


@dataclass(frozen=True, repr=False)
class Wiring:
    """Which of a run's tensors were made from which others, and where its parameters were used.

    Attributes
    ----------
    graph : Graph
    parameters : dict of str to Tensor
    tensors : dict of Place to Tensor
    connections : dict of Connection to list of Edge
        The edges of the graph by which a connection leaves its source; none if it is cut.
    uses : dict of Use to list of Edge
        The edges by which a parameter, or what was made from parameters alone (Wᵀ), goes into what leads to a place.
    recurrent : dict of str to str
    """

    graph: Graph
    parameters: dict[str, Tensor]
    tensors: dict[Place, Tensor]
    connections: dict[Connection, list[Edge]]
    uses: dict[Use, list[Edge]]
    recurrent: dict[str, str]

    @classmethod
    def of_run(cls, run: Run, *others: Tensor) -> Wiring:
        """Follow the recorded graph of a run; ``others`` are tensors made from it that will be differentiated."""
        tensors = places_of(run)
        graph = graph_of([*others, *tensors.values()])
        found = cls(graph, run.model.parameters(), tensors, {}, {}, {})
        found._follow()
        return found

    @property
    def cuts(self) -> set[Connection]:
        """The connections whose argument was detached."""
        return {connection for connection, edges in self.connections.items() if not edges}

    def _follow(self) -> None:
        graph, entering = self.graph, self.graph.arguments()
        places = {graph.numbers[tensor.index]: place for place, tensor in self.tensors.items()}
        twins = self._detached(places)
        standing = places | twins
        owners = self._owners(standing)
        for number, place in places.items():
            if self.tensors[place].fn is None or place[1] == 0 or place[0] in ("x", "target"):
                continue
            open_, seen = [number], {number}
            while open_:
                for edge in entering[open_.pop()]:
                    source = edge.source
                    if source in places:
                        self.connections.setdefault((places[source], place), []).append(edge)
                    elif source in twins:
                        self.connections.setdefault((twins[source], place), [])
                    elif source in owners:
                        beside = [other.source for other in entering[edge.target]]
                        partners = [standing[other] for other in beside if other in standing]
                        self._use(owners[source], place, edge, partners)
                    elif source not in seen:
                        seen.add(source)
                        open_.append(source)

    def _use(self, names: frozenset[str], place: Place, edge: Edge, partners: list[Place]) -> None:
        for name in names:
            self.uses.setdefault((name, place), []).append(edge)
            for role, t in partners:
                if t < place[1]:
                    self.recurrent[name] = "y" if role == "target" else role

    def _owners(self, standing: dict[int, Place]) -> dict[int, frozenset[str]]:
        """The nodes that are parameters or made from nothing else (Wᵀ, A Bᵀ, a mask times W), and from which."""
        indices = ((name, self.graph.numbers.get(parameter.index)) for name, parameter in self.parameters.items())
        names = {number: frozenset([name]) for name, number in indices if number is not None}
        owners: dict[int, frozenset[str]] = {}
        in_steps = set(standing)
        for number, entering in enumerate(self.graph.arguments()):
            sources = [edge.source for edge in entering]
            if number in names:
                owners[number] = names[number]
            elif number in in_steps or not in_steps.isdisjoint(sources):
                in_steps.add(number)
            elif owned := [owners[source] for source in sources if source in owners]:
                owners[number] = frozenset().union(*owned)
        return owners

    def _detached(self, places: dict[int, Place]) -> dict[int, Place]:
        """Leaves that hold the very numbers of a place: its `Tensor.detach`, through which values go on."""
        originals = {id(tensor.data): place for place, tensor in self.tensors.items() if tensor.requires_grad}
        return {
            number: originals[id(node.data)]
            for number, node in enumerate(self.graph.nodes)
            if node.fn is None and number not in places and id(node.data) in originals
        }

    # -- sizes --------------------------------------------------------------------------------------------------------

    def differentiated(self, *outputs: Tensor) -> Figure:
        """The sizes of the gradient of the sum of all ``outputs``; no `Tensor.grad` is touched."""
        numbers, shares = self.graph.numbers, dict[Edge, Any]()
        wanted = {edge for edges in [*self.connections.values(), *self.uses.values()] for edge in edges}

        def observe(consumer: Tensor, position: int, share: Any) -> None:
            edge = Edge(numbers[consumer.args[position].index], numbers[consumer.index], position)
            if edge in wanted:
                shares[edge] = share

        asked = [tensor for tensor in [*self.tensors.values(), *self.parameters.values()] if tensor.requires_grad]
        grads = gradients(outputs, asked, [np.ones_like(output.data) for output in outputs], observe=observe)
        totals = {tensor.index: rms(gradient) for tensor, gradient in zip(asked, grads or (), strict=True)}
        connections = {
            (source, target): rms(_sum(shares, edges)) if edges and self.tensors[source].requires_grad else None
            for (source, target), edges in self.connections.items()
        }
        sizes = {place: totals.get(tensor.index) for place, tensor in self.tensors.items()}
        return self._figure(sizes, connections, *self._contributions(shares))

    def of_values(self) -> Figure:
        """The sizes of the values themselves, for circles and parameters; nothing is differentiated."""
        sizes: dict[Place, float | None] = {place: rms(tensor.data) for place, tensor in self.tensors.items()}
        held = {name: rms(parameter.data) for name, parameter in self.parameters.items()}
        return self._figure(sizes, {}, {}, {(name, t): held[name] for name, (_, t) in self.uses})

    def of_nothing(self) -> Figure:
        """The connections alone."""
        return self._figure({}, {}, {}, {})

    def _figure(
        self,
        sizes: dict[Place, float | None],
        connections: dict[Connection, float | None],
        taps: dict[Use, float | None],
        accumulated: dict[tuple[str, int], float | None],
    ) -> Figure:
        """What has no size has None."""
        return Figure(
            self.tensors,
            dict.fromkeys(self.tensors) | sizes,
            dict.fromkeys(self.connections) | connections,
            dict.fromkeys(self.uses) | taps,
            dict.fromkeys((name, t) for name, (_, t) in self.uses) | accumulated,
            self.recurrent,
            self.cuts,
        )

    def _contributions(
        self, shares: dict[Edge, Any]
    ) -> tuple[dict[Use, float | None], dict[tuple[str, int], float | None]]:
        """The sizes of what each use of a parameter contributed, and of the contributions of steps t ... T together."""
        taps: dict[Use, float | None] = {}
        accumulated: dict[tuple[str, int], float | None] = {}
        sums: dict[str, Any] = defaultdict(float)
        for (name, place), edges in sorted(self.uses.items(), key=lambda use: -use[0][1][1]):
            parameter = self.parameters[name]
            if not parameter.requires_grad:
                continue
            contribution: Any = 0.0
            for edge in edges:
                share = _sum(shares, [edge])
                if (made := self.graph.nodes[edge.source]) is not parameter and np.ndim(share):
                    (share,) = gradients(made, [parameter], share)  # from the shape of Wᵀ to that of W
                contribution = contribution + share
            taps[name, place] = rms(contribution)
            sums[name] = sums[name] + contribution
            accumulated[name, place[1]] = rms(sums[name])
        return taps, accumulated


def places_of(run: Run) -> dict[Place, Tensor]:
    """Everything that is drawn as a circle: initial values, the roles of all steps, and targets that are fed back."""
    tensors: dict[Place, Tensor] = {(role, 0): tensor for role, tensor in run.carried[0].items()}
    for t, step in enumerate(run.steps, 1):
        if run.forced:
            tensors["target", t] = run.targets[t - 1]
        tensors.update({(role, t): tensor for role, tensor in step.items()})
    return tensors


def _sum(shares: dict[Edge, Any], edges: list[Edge]) -> Any:
    found = [dense(shares[edge]) for edge in edges if edge in shares]
    return reduce(add, found) if found else 0.0
