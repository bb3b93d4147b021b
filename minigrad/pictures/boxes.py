"""What a drawing shows of a large graph: tensors one by one, closed scopes as boxes, long rows of either folded.

A reader takes in about a hundred boxes. So scopes are closed, and where that is not enough, the middle of a row is
folded into one box, "… 4994 scopes …" (`boxes_of`). Then they are connected (`lines_of`): a tensor that many scopes
use, such as a parameter, is repeated in each of them as a ghost, since one node tied to all of them is what makes
layouts slow and pictures unreadable. All of this is decided from the graph and its scopes alone.
"""

from __future__ import annotations

import math
from bisect import bisect
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import groupby, pairwise
from typing import Any, Literal, NamedTuple

from minigrad.engine.tensor import Tensor
from minigrad.graph import Edge, Graph
from minigrad.pictures.nesting import Scope, common, descending

Kind = Literal["tensor", "scope", "run"]
ENDS = 3  # of a row that is folded, so many stay at either end
MANY = 5  # what more scopes than that use, parameter or not, is repeated in each


@dataclass
class Box:
    """What is drawn as one.

    Attributes
    ----------
    kind : {"tensor", "scope", "run"}
        One tensor, a scope that is closed, or a run of several of one of these.
    inside : Scope
        The open scope that it stands in.
    what : str
        For a scope its name; for a run what it is one of, such as "scopes".
    folded : int
        For a run, of how many.
    members : list of int
        The nodes.
    id : str
        Its name in DOT.
    place : Scope
        The scope that it stands for, or that a tensor stands in; a run counts as a scope of its own.
    """

    kind: Kind
    inside: Scope
    what: str = ""
    folded: int = 1
    members: list[int] = field(default_factory=list)
    id: str = ""
    place: Scope = field(init=False)

    def __post_init__(self) -> None:
        self.place = self.inside if self.kind == "tensor" else Scope(self.what, self.inside)


@dataclass(frozen=True)
class Line:
    """What is drawn as one edge: between tensors an edge of the graph, otherwise all edges between the same two boxes.

    Attributes
    ----------
    start : str
        The id of the box, or ghost, that it comes from.
    source, target : Box
        The boxes, also behind a ghost.
    edges : list of Edge
    """

    start: str
    source: Box
    target: Box
    edges: list[Edge]

    @property
    def single(self) -> bool:
        """Whether it stands for one argument, and not for all between two boxes."""
        return self.source.kind == self.target.kind == "tensor"

    @property
    def ghostly(self) -> bool:
        """Whether it comes from a ghost."""
        return self.start != self.source.id

    @property
    def recurrent(self) -> bool:
        """Whether it leads from scope to scope, as what is carried from step to step does."""
        places = self.source.place, self.target.place
        return all(place.depth for place in places) and places[0] is not places[1] and not self.ghostly


@dataclass(frozen=True)
class Ghost:
    """Shared tensors, repeated in the scope ``inside`` where they are used."""

    inside: Scope
    sources: dict[int, None]  # an ordered set


class _Key(NamedTuple):
    """What a node is shown as; the nodes with one key share a box."""

    kind: Kind
    inside: Scope
    which: object
    what: str


def boxes_of(
    graph: Graph,
    root: Scope,
    scopes: Sequence[Scope],
    opened: Collection[Scope] | None,
    named: Collection[Scope],
    limit: float,
    row: float = math.inf,
) -> list[Box]:
    """The boxes to be drawn, in the order of their oldest tensors.

    Parameters
    ----------
    graph : Graph
    root : Scope
    scopes : sequence of Scope
        For each node the innermost that it stands in.
    opened : collection of Scope or None
        The scopes whose contents are drawn, each with all around it; None for all.
    named : collection of Scope
        The scopes in which nothing is folded, however many boxes that takes.
    limit : float
        Above so many boxes the longest rows are folded.
    row : float
        Rows of more closed scopes than that are folded anyway.
    """
    closed: dict[Scope, Scope | None] = {root: None}  # the outermost around each that is closed
    for scope in descending(root):
        assert scope.parent is not None
        around = closed[scope.parent]
        closed[scope] = scope if around is None and opened is not None and scope not in opened else around
    leaf = ["operations" if node.fn else "tensors" for node in graph.nodes]
    members: dict[_Key, list[int]] = defaultdict(list)
    for number, scope in enumerate(scopes):
        shut = closed[scope]
        if shut is None:
            members[_Key("tensor", scope, number, leaf[number])].append(number)
        else:
            members[_Key("scope", shut.parent or root, shut, "scopes")].append(number)
    boxes = []
    runs = _folded(members, named, limit, row)
    for key, numbers in members.items():
        if key in runs:
            box = runs[key]
            if not box.members:
                boxes.append(box)
            box.members += numbers
        else:
            what = key.which.name if isinstance(key.which, Scope) else key.what
            boxes.append(Box(key.kind, key.inside, what, 1, numbers))
    for i, box in enumerate(boxes):
        box.members.sort()
        box.id = f"n{box.members[0]}" if box.kind == "tensor" else f"b{i}"
    return boxes


def _folded(members: dict[_Key, list[int]], named: Collection[Scope], limit: float, longest: float) -> dict[_Key, Box]:
    """Runs to be drawn as one box, for each key in them: the middles of the longest rows, until few enough are left."""
    rows: dict[tuple[Scope, str], list[_Key]] = defaultdict(list)
    for key in members:
        rows[key.inside, key.what].append(key)
    first = _first_nodes(members)
    runs: dict[_Key, Box] = {}
    left = len(members)
    for (inside, what), row in sorted(rows.items(), key=lambda entry: -len(entry[1])):
        if len(row) < 2 * ENDS + 2:
            break
        if inside in named or (left <= limit and (what != "scopes" or len(row) <= longest)):
            continue
        opens = sorted(first[scope] for scope in first if scope.parent is inside) if what == "scopes" else []
        for _, run in groupby(row[ENDS:-ENDS], key=lambda key: bisect(opens, members[key][0])):
            keys = list(run)
            if len(keys) > 1:
                box = Box("run", inside, what, len(keys))
                runs.update(dict.fromkeys(keys, box))
                left -= len(keys) - 1
    return runs


def _first_nodes(members: dict[_Key, list[int]]) -> dict[Scope, int]:
    """The oldest node of every open scope: it tells where among its siblings the scope stands."""
    first: dict[Scope, int] = {}
    for key, numbers in members.items():
        if key.kind == "tensor":
            for scope in key.inside.chain():
                if scope in first:
                    break
                first[scope] = numbers[0]
    return first


def lines_of(graph: Graph, boxes: Sequence[Box], scopes: dict[Scope, str]) -> tuple[list[Line], dict[str, Ghost]]:
    """How the boxes are connected, and the ghosts, by id, from which some of the lines come.

    Each open scope has one ghost of what it shares with others, and each closed box one for all.
    """
    box_of = {number: box for box in boxes for number in box.members}
    shared = _shared(graph, box_of)
    ghosts: dict[str, Ghost] = {}
    lines: dict[tuple[Any, ...], Line] = {}
    for edge in graph.edges:
        source, target = box_of[edge.source], box_of[edge.target]
        if source is target:
            continue
        start, single = source.id, source.kind == target.kind == "tensor"
        if edge.source in shared and target.place not in (source.inside, shared[edge.source]):
            start = f"{source.id}_{scopes[target.inside]}" if single else f"{target.id}_shared"
            ghosts.setdefault(start, Ghost(target.inside, {})).sources[edge.source] = None
        key = (start, target.id, edge if single else None)
        if key in lines:
            lines[key].edges.append(edge)
        else:
            lines[key] = Line(start, source, target, [edge])
    return list(lines.values()), ghosts


def _shared(graph: Graph, box_of: dict[int, Box]) -> dict[int, Scope]:
    """The tensors that are repeated as ghosts in other scopes than their own, each with the scope around all its uses.

    These are parameters used in at least two scopes (or what was made from one alone, as Wᵀ is from W), and anything
    else that is used in many. They are counted where the uses part, directly in the scope that is around all of them:
    whether everything stands in one more scope makes no difference.
    """
    users: dict[int, dict[Scope, None]] = defaultdict(dict)
    for edge in graph.edges:
        if box_of[edge.source].kind == "tensor":
            users[edge.source][box_of[edge.target].place] = None
    made_of_one: set[int] = set()
    for number, node in enumerate(graph.nodes):
        tensors = [graph.numbers[arg.index] for arg in node.args if isinstance(arg, Tensor)]
        if node.requires_grad and len(tensors) <= 1 and all(n in made_of_one for n in tensors):
            made_of_one.add(number)
    shared = {}
    for number, places in users.items():
        if len(places) > (least := 1 if number in made_of_one else MANY):
            around, own = common(places), box_of[number].inside
            apart = {place.up_to(around.depth + 1) for place in places}
            if len(apart - {around, own.up_to(around.depth + 1)}) > least:
                shared[number] = around
    return shared


def successions(graph: Graph, boxes: Sequence[Box], lines: Sequence[Line]) -> list[tuple[Box, Box]]:
    """Pairs of boxes of which the second is to be drawn behind the first, so that steps stand in their order.

    Steps that have nothing to do with each other would otherwise stand side by side, or wherever they are used.
    """
    place = {box.id: i for i, box in enumerate(_sorted(boxes, lines))}
    begins: dict[Scope, Box] = {}  # the first operation of each step
    series: dict[tuple[Scope | None, str], dict[Scope, None]] = defaultdict(dict)
    for box in sorted(boxes, key=lambda box: place[box.id]):
        if box.kind == "tensor" and graph.nodes[box.members[0]].fn is None:
            continue
        for scope in box.place.chain():
            if scope in begins:
                break
            begins[scope] = box
            if scope.series is not None:
                series[scope.parent, scope.series][scope] = None
    return [(begins[a], begins[b]) for steps in series.values() for a, b in pairwise(steps)]


def _sorted(boxes: Sequence[Box], lines: Sequence[Line]) -> list[Box]:
    """The boxes in an order in which lines lead forward, the oldest first; none does where scopes are entered again."""
    number = {box.id: i for i, box in enumerate(boxes)}
    following: dict[int, list[int]] = defaultdict(list)
    missing = [0] * len(boxes)
    for line in lines:
        following[number[line.source.id]].append(number[line.target.id])
        missing[number[line.target.id]] += 1
    ready = [i for i, count in enumerate(missing) if not count]
    found: dict[int, None] = {}
    for oldest in range(len(boxes)):
        while ready or oldest not in found:
            i = heappop(ready) if ready else oldest
            if i in found:
                continue
            found[i] = None
            for target in following[i]:
                missing[target] -= 1
                if not missing[target]:
                    heappush(ready, target)
    return [boxes[i] for i in found]
