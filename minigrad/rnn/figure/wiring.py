"""What the textbook figure shows, found in the graph of a real run: what is connected with what.

A step's *roles* (x, z, h, y, C) are known to the run. `Wiring` follows the recorded graph from each of them back to
others, in the same step or in the one before, and to the parameters. Nothing here knows gradients, or where anything is
drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from minigrad.engine.tensor import Tensor
from minigrad.graph import Edge, Graph, graph_of
from minigrad.rnn.unrolling import Run
from minigrad.rules.networks import affine, preactivation

Place = tuple[str, int]
"""A role and a step: ``("h", 3)`` is h_3."""
Connection = tuple[Place, Place]
"""From argument to result."""
Use = tuple[str, Place]
"""A parameter, by its name, and where it is used."""
KEPT = "⁺"
"""Behind the name of a role, what is handed on in its place."""
OF = "\0of"
"""What is differentiated, in the place of a parameter's name: lines lead to it from what it was made from."""


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
        The edges by which a parameter, or what was made from parameters alone (Wᵀ), goes into what leads to a place;
        step by step.
    recurrent : dict of str to str
    inner : dict of Place to set of int
        A place that the run computed, and the nodes from which it was made, back to other places and to parameters.
    shared : set of Place
        Those whose inner nodes were used for something else as well.
    forced : bool
        Whether targets are fed back.
    called : dict of str to str
        Names that a loop that was read back has of its own.
    ends : dict of Place to list of Edge
        The edges by which a place goes into what is differentiated, on a way on which the run computed nothing else.
    beside : set of Place
        Those of them beside which what is differentiated is drawn, and no line leads to a common one: initial values,
        or all.
    elsewhere : set of str
        The parameters that are used without the run's steps, in what is differentiated or in what the run was given.
    """

    graph: Graph
    parameters: dict[str, Tensor]
    tensors: dict[Place, Tensor]
    forced: bool = False
    called: Mapping[str, str] = field(default_factory=dict)
    connections: dict[Connection, list[Edge]] = field(default_factory=dict)
    uses: dict[Use, list[Edge]] = field(default_factory=dict)
    recurrent: dict[str, str] = field(default_factory=dict)
    inner: dict[Place, set[int]] = field(default_factory=dict)
    shared: set[Place] = field(default_factory=set)
    ends: dict[Place, list[Edge]] = field(default_factory=dict)
    beside: set[Place] = field(default_factory=set)
    elsewhere: set[str] = field(default_factory=set)

    @classmethod
    def of_run(cls, run: Run, *others: Tensor, targets: bool = False, ending: bool = False) -> Wiring:
        """Follow the recorded graph of a run; ``others`` are tensors made from it that will be differentiated.

        With ``targets``, those that some cost was made from have places, too, fed back or not. ``ending`` tells from
        which places the others were made.
        """
        if run.targets and "y" in run.model.carried and not (targets or run.forced):
            found = cls.of_run(run, *others, targets=True, ending=ending)
            if any(source == "target" and role != "C" for (source, _), (role, _) in found.connections):
                return found  # some are fed back
        tensors = places_of(run)
        graph = graph_of([*others, *tensors.values()])
        if targets and not run.forced:
            plain = any(operand.role == "target" for operand in run.operands)
            known = {t: y for t, y in zip(run.costs, run.targets, strict=True) if plain or y.index in graph.numbers}
            tensors |= {("target", t): y for t, y in known.items()}
            graph = graph_of([*others, *tensors.values()])
        parameters: dict[int, tuple[str, Tensor]] = {}  # one that has two names is called by the first
        for name, parameter in run.model.parameters().items():
            parameters.setdefault(parameter.index, (name, parameter))
        found = cls(graph, dict(parameters.values()), tensors, run.forced, getattr(run.model, "called", {}))
        found._follow({(graph.numbers[o.consumer.index], o.position): (o.role, o.t) for o in run.operands})
        if ending:
            found._end(others)
        used, outside = {name for name, _ in found.uses}, found.outside(others)
        found.elsewhere.update(name for name in used if graph.numbers[found.parameters[name].index] in outside)
        return found

    @property
    def cuts(self) -> set[Connection]:
        """The connections whose argument was detached; plain numbers had no gradient before."""
        return {
            (source, target)
            for (source, target), edges in self.connections.items()
            if not edges and self.tensors[source].requires_grad
        }

    def from_left(self, where: Callable[[str, str], float]) -> Wiring:
        """The same, with the uses of a step from left to right; ``where`` tells where a parameter comes to a role."""
        order = sorted(self.uses, key=lambda use: (use[1][1], where(use[0], use[1][0])))
        return replace(self, uses={use: self.uses[use] for use in order})

    @property
    def given(self) -> set[int]:
        """The indices of the tensors that stand at places and that the run did not compute."""
        computed = {self.tensors[place].index for place in self.inner}
        return {tensor.index for tensor in self.tensors.values()} - computed

    def _follow(self, operands: dict[tuple[int, int], Place]) -> None:
        """Go back from every place to others and to parameters; ``operands`` stand for plain numbers."""
        graph, entering = self.graph, self.graph.arguments()
        places = {graph.numbers[tensor.index]: place for place, tensor in self.tensors.items()}
        twins = self._detached(places)
        standing = places | twins
        owners = self._owners(standing, {consumer for consumer, _ in operands})
        plain: dict[int, list[Place]] = {}
        for (consumer, _), operand in operands.items():
            plain.setdefault(consumer, []).extend([operand] * (operand in self.tensors))
        for number, place in places.items():
            if self.tensors[place].fn is None or place[1] == 0 or place[0] in ("x", "target"):
                continue
            open_, seen = [number], {number}
            self.inner[place] = seen
            while open_:
                consumer = open_.pop()
                for operand in plain.get(consumer, ()):
                    self.connections.setdefault((operand, place), [])
                for edge in entering[consumer]:
                    source = edge.source
                    if source in places:
                        self.connections.setdefault((places[source], place), []).append(edge)
                    elif source in twins:
                        self.connections.setdefault((twins[source], place), [])
                    elif source in owners:
                        beside = [other.source for other in entering[consumer] if self.meet(edge, other)]
                        partners = [standing[other] for other in beside if other in standing] + plain.get(consumer, [])
                        self._use(owners[source], place, edge, partners)
                    elif source not in seen:
                        seen.add(source)
                        open_.append(source)
        self._share(places)

    def meet(self, edge: Edge, other: Edge) -> bool:
        """Whether two arguments of a call act on each other: in a layer, a matrix on the rows before it, b on none."""
        layer = self.graph.nodes[edge.target].fn in (affine, preactivation)
        return not layer or (other.position == edge.position - 1 and edge.position % 2 == 0)

    def _share(self, places: dict[int, Place]) -> None:
        """Find out whose inner nodes lead to other places."""
        of: dict[int, Place] = {}
        for place, inner in self.inner.items():
            for number in inner:
                if (other := of.setdefault(number, place)) != place:
                    self.shared.update((place, other))
        for edge in self.graph.edges:
            if edge.source in of and edge.source not in places and of.get(edge.target) != of[edge.source]:
                self.shared.add(of[edge.source])

    def _use(self, names: frozenset[str], place: Place, edge: Edge, partners: list[Place]) -> None:
        for name in names:
            self.uses.setdefault((name, place), []).append(edge)
            for role, t in partners:
                if t < place[1]:
                    self.recurrent[name] = "y" if role == "target" else role.removesuffix(KEPT)

    def _owners(self, standing: dict[int, Place], given: set[int]) -> dict[int, frozenset[str]]:
        """The nodes that are parameters or made from nothing else (Wᵀ, A Bᵀ, a mask times W), and from which.

        What was ``given`` numbers that stand for a role is not among them.
        """
        indices = ((name, self.graph.numbers.get(parameter.index)) for name, parameter in self.parameters.items())
        names = {number: frozenset([name]) for name, number in indices if number is not None}
        owners: dict[int, frozenset[str]] = {}
        in_steps = given | standing.keys()
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

    def _end(self, outputs: Sequence[Tensor]) -> None:
        """Find the places from which ``outputs`` were made."""
        places = {self.graph.numbers[tensor.index]: place for place, tensor in self.tensors.items()}
        beyond = self.outside(outputs, given=False)
        for edge in self.graph.edges:
            if edge.target in beyond and edge.source in places and self.graph.nodes[edge.source].requires_grad:
                self.ends.setdefault(places[edge.source], []).append(edge)
        self.beside.update(place for place in self.ends if not place[1])

    def outside(self, outputs: Sequence[Tensor], given: bool = True) -> set[int]:
        """What leads to ``outputs``, or to what the run was given, on ways on which the run computed nothing."""
        numbers, entering = self.graph.numbers, self.graph.arguments()
        places = {numbers[tensor.index] for tensor in self.tensors.values()}
        open_ = [numbers[index] for index in self.given] if given else []
        open_ += {numbers[output.index] for output in outputs} - places
        seen = set(open_)
        while open_:
            sources = {edge.source for edge in entering[open_.pop()]} - seen - places
            seen |= sources
            open_ += sources
        return seen


def places_of(run: Run) -> dict[Place, Tensor]:
    """Everything that is drawn as a circle: initial values, the roles of all steps, and targets that are fed back.

    A cost that counts for nothing, of many to one, is a number that nothing was made from, and none. What is handed on
    may be neither of a step's roles nor a target, but put together from some (the state of sequences that have ended
    stays; targets are fed back for a share of them): then it has a place of its own.
    """
    tensors: dict[Place, Tensor] = {(role, 0): tensor for role, tensor in run.carried[0].items()}
    for t, step in enumerate(run.steps, 1):
        if run.forced:
            tensors["target", t] = run.targets[t - 1]
        tensors.update({(role, t): tensor for role, tensor in step.items() if role != "C" or tensor.fn is not None})
    standing = {tensor.index for tensor in (*tensors.values(), *run.targets)}
    for t, given in enumerate(run.carried[1:], 1):
        for role, tensor in given.items():
            if tensor.fn is not None and tensor.index not in standing:
                after = tensors.get((role, t + 2))  # a network that goes back in time is given what comes after
                behind = after is not None and any(argument is after for argument in tensor.args)
                tensors[role + KEPT, t + 2 if behind else t] = tensor
    return tensors
