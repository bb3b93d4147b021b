"""In which step of a loop a tensor was made, and which role it has there: told by names, scopes, or repetition.

Who writes a loop by hand says it in one of these ways, or in several: names that count (``h_3``, ``h3``, ``h[3]``),
scopes that count (``t=3``), lists of what the steps computed; or in none, and then the same operations come again and
again. Nothing here knows what a role is for: that is `reading`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from minigrad.engine.tensor import Tensor
from minigrad.graph import Graph

Label = tuple[str, int]
"""A role, and the number of its step."""
Turn = tuple[int, int]
"""A step, and a place in it: the last operation is at -1."""

COUNTED = re.compile(r"(.+?)(?:_\{?(-?\d+)\}?|\[(-?\d+)\]|\((-?\d+)\)|(?<=\D)(\d+))")
LOW = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
SCOPE = re.compile(r"(.*?)(-?\d+)")
TIME = re.compile(r"(t|time|step)\W*", re.IGNORECASE)
ADVICE = (
    "name what a step computes (h.name = f'h_{t}'), or compute it in `with minigrad.scope(f't={t}'):`, or pass it:"
    " run_of(cost, h=hs) with hs the list of h_1 ... h_T"
)


@dataclass
class Marks:
    """What is known of the nodes of a graph, by their numbers. Steps count from 1, and 0 is before the first.

    Attributes
    ----------
    graph : Graph
    labels : dict of int to Label
    own : dict of int to int
        The steps in which nodes were made for sure: those of their scopes, or of their turns in what is repeated.
    told_by : list of str
        What the steps were known by, in words.
    T, first : int
        How many steps there are, and what the loop itself calls the first.
    when : list of (int or None)
        The steps of all nodes: their own, or the last of what they were made from; None for what comes from none.
    """

    graph: Graph
    labels: dict[int, Label]
    own: dict[int, int]
    told_by: list[str]
    T: int = 0
    first: int = 1
    when: list[int | None] = field(default_factory=list)

    @classmethod
    def of(cls, graph: Graph, listed: Mapping[str, Mapping[int, Tensor]], last: Mapping[str, Tensor]) -> Marks:
        """Look for names, scopes and, if there are neither and nothing is ``listed``, for what is repeated.

        ``last`` are tensors of the last step, by their roles: their likes in other steps get these, too.
        """
        own, stem = scoped(graph.nodes)
        lists = {graph.numbers[t.index]: (role, n) for role, tensors in listed.items() for n, t in tensors.items()}
        found = cls(graph, {**named(graph, own), **lists}, own, [])
        names = dict.fromkeys(role for number, (role, _) in found.labels.items() if number not in lists | own)
        if listed:
            found.told_by.append(f"the lists of {', '.join(listed)}")
        if names:
            found.told_by.append(f"the names of {', '.join(names)}")
        if own:
            found.told_by.append(f"the scopes {stem}{min(own.values())} … {stem}{max(own.values())}")
        if not found.told_by:
            found.own, period = repeated(graph)
            found.told_by.append(f"the same {period} operations, again and again")
        found._number()
        for role, tensor in last.items():
            found._label_likes(role, graph.numbers[tensor.index])
        found._tell_apart()
        return found

    @property
    def roles(self) -> set[str]:
        """All that have a label."""
        return {role for role, _ in self.labels.values()}

    def is_leaf(self, number: int) -> bool:
        """Whether a node was not computed."""
        return self.graph.nodes[number].fn is None

    def sources(self, number: int) -> list[int]:
        """The nodes among the arguments of another one."""
        return [self.graph.numbers[a.index] for a in self.graph.nodes[number].args if isinstance(a, Tensor)]

    def turns(self) -> dict[Turn, int]:
        """What was computed in the steps."""
        turns: dict[int, list[int]] = defaultdict(list)
        for number, step in self.own.items() if self.own else enumerate(self.when):
            if step is not None and not self.is_leaf(number):
                turns[step].append(number)
        return {(t, k - len(turn)): number for t, turn in turns.items() for k, number in enumerate(sorted(turn))}

    def _number(self) -> None:
        """Let steps count from 1."""
        made = {number: label for number, label in self.labels.items() if not self.is_leaf(number)}
        steps = sorted({*(step for _, step in made.values()), *self.own.values()})
        if not steps:
            raise ValueError(f"no steps were found in what the cost was made from: {ADVICE}")
        at_first, then = ({role for role, step in made.values() if step == wanted} for wanted in (0, 1))
        if not self.own and steps[0] == 0 and at_first < then:
            steps = steps[1:]  # h_0 was computed, and nothing else was
        if missing := set(range(steps[0], steps[-1])) - set(steps):
            raise ValueError(
                f"the steps go from {steps[0]} to {steps[-1]}, but nothing is in step {min(missing)}: number them"
                " without gaps, and give other names to what is no step"
            )
        self.T, self.first = len(steps), steps[0]
        self.labels = {number: (role, step - self.first + 1) for number, (role, step) in self.labels.items()}
        self.own = {number: step - self.first + 1 for number, step in self.own.items()}
        for number in range(len(self.graph.nodes)):
            last = max(
                (step for source in self.sources(number) if (step := self.when[source]) is not None), default=None
            )
            self.when.append(self.labels[number][1] if number in self.labels else self.own.get(number, last))

    def _label_likes(self, role: str, number: int) -> None:
        """Label what is as far from the end of its step as this is from that of the last one."""
        turns, fn = self.turns(), self.graph.nodes[number].fn
        at = next((at for (t, at), other in turns.items() if other == number and t == self.T), None)
        if at is None:
            raise ValueError(f"{role} was not computed in the last step: pass the list of what all steps computed")
        for t in range(1, self.T + 1):
            if (t, at) in turns and self.graph.nodes[turns[t, at]].fn is fn:
                self.labels[turns[t, at]] = role, t

    def _tell_apart(self) -> None:
        seen: dict[Label, int] = {}
        for number, (role, t) in self.labels.items():
            if seen.setdefault((role, t), number) != number:
                raise ValueError(
                    f"two tensors are {role} in step {t + self.first - 1}: give one of them another name, or number"
                    " the steps on"
                )


# -- names and scopes -------------------------------------------------------------------------------------------------


def counted(name: str) -> Label | None:
    """A name that ends in a number: ``h_3``, ``h3``, ``h[3]``, ``h_{3}``, ``h(3)``, ``h₃``."""
    match = COUNTED.fullmatch(name.translate(LOW))
    return None if match is None else (match[1], int(next(filter(None, match.groups()[1:]))))


def scoped(nodes: Iterable[Tensor]) -> tuple[dict[int, int], str]:
    """The steps of nodes by their scopes, and how these begin: of several scopes that count, ``t=``, or what counts on.

    What stands in one scope is in it with all that stands in scopes within.
    """
    numbers: dict[str, dict[int, int]] = defaultdict(dict)
    for number, tensor in enumerate(nodes):
        for name in tensor.scope:
            if match := SCOPE.fullmatch(name):
                numbers[match[1]][number] = int(match[2])
    if not numbers:
        return {}, ""
    stem = max(numbers, key=lambda stem: (TIME.fullmatch(stem) is not None, len(set(numbers[stem].values()))))
    return numbers[stem], stem


def named(graph: Graph, own: dict[int, int]) -> dict[int, Label]:
    """Labels by names.

    In a scope, a name is a role, and a number that goes along with that of the scope is not part of it: ``h1`` is h in
    step 1 if there is an ``h2`` in step 2, and else a role h1.
    """
    found: dict[int, Label] = {}
    families: dict[str, dict[int, int]] = defaultdict(dict)
    for number, tensor in enumerate(graph.nodes):
        if tensor.name and (label := counted(tensor.name)):
            families[label[0]][number] = label[1]
        elif tensor.name and number in own:
            found[number] = tensor.name, own[number]
    for role, members in families.items():
        ahead = {step - own[number] for number, step in members.items() if number in own}
        goes_along = ahead == {0} or (len(ahead) == 1 and len(set(members.values())) > 1)
        for number, step in members.items():
            if number not in own:
                found[number] = role, step
            else:
                found[number] = role if goes_along else graph.nodes[number].name or role, own[number]
    return _without_leaves(graph, found)


def _without_leaves(graph: Graph, labels: dict[int, Label]) -> dict[int, Label]:
    """W_1 and W_2 are no steps of W: of leaves, only data and initial values belong to steps."""
    made = [label for number, label in labels.items() if graph.nodes[number].fn is not None]
    roles, first = {role for role, _ in made}, min((step for _, step in made), default=0)
    kept = {}
    for number, (role, step) in labels.items():
        tensor = graph.nodes[number]
        if tensor.fn is not None or (role in roles and step < first) or (not tensor.requires_grad and step >= first):
            kept[number] = role, step
    return kept if made else {}


# -- repetition -------------------------------------------------------------------------------------------------------


def fixed(graph: Graph, known: Collection[int] = ()) -> set[int]:
    """The nodes that were made from leaves alone that require grad, such as Wᵀ or W / 2, and these leaves.

    What is ``known`` as something else is not among them, nor what was made with arrays, nor with numbers of which a
    loop may have another one in every step.
    """
    found: set[int] = set()
    calls: dict[Any, dict[int, tuple[Any, ...]]] = defaultdict(dict)
    for number, tensor in enumerate(graph.nodes):
        sources = [graph.numbers[a.index] for a in tensor.args if isinstance(a, Tensor)]
        if tensor.requires_grad and number not in known and all(source in found for source in sources):
            plain = [a for a in tensor.args if isinstance(a, (np.ndarray, np.generic, int, float))]
            if tensor.fn is None or all(type(a) in (int, float) for a in plain):
                found.add(number)
                calls[tensor.fn, *sources][number] = tuple(plain)
    for alike in calls.values():
        if len(set(alike.values())) > 1:
            found -= alike.keys()
    return found


def repeated(graph: Graph) -> tuple[dict[int, int], int]:
    """The steps of nodes that are repeated, counted from 1, and how many operations a step has; nothing if none are.

    Operations are alike if they are calls of one function, of the same parameters, and of what was made just as long
    before them. In the first step plain numbers may stand where there is later what the step before has made.
    """
    aside = fixed(graph)
    order = [n for n, tensor in enumerate(graph.nodes) if tensor.fn is not None and n not in aside]
    place = {number: i for i, number in enumerate(order)}
    uses: dict[int, list[int]] = defaultdict(list)
    sources: list[list[int | None]] = []
    for i, number in enumerate(order):
        args = graph.nodes[number].args
        sources.append([graph.numbers[a.index] if isinstance(a, Tensor) else None for a in args])
        for source in sources[-1]:
            if source in aside:
                uses[source].append(i)

    def alike(i: int, j: int) -> bool:
        one, other = graph.nodes[order[i]], graph.nodes[order[j]]
        if one.fn is not other.fn or len(one.args) != len(other.args):
            return False
        for a, b in zip(sources[i], sources[j], strict=True):
            if a in place and b in place and place[b] - place[a] not in (0, j - i):
                return False
            if (a in aside) != (b in aside) and a in place:
                return False
            if a in aside and b in aside and a != b and (graph.nodes[a].fn is None or graph.nodes[b].fn is None):
                return False
        return True

    best = (0, 0, 0)
    for period in sorted({b - a for places in uses.values() for a, b in pairwise(places)}):
        length = 0
        for i in range(len(order) - period):
            length = length + 1 if alike(i, i + period) else 0
            if length >= period and length + period > best[0]:
                best = length + period, period, i + period + 1
    length, period, end = best
    if not length:
        return {}, 0
    steps = -(-length // period)
    return {order[i]: steps - (end - 1 - i) // period for i in range(end - length, end)}, period
