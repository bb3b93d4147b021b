"""What a drawing shows of a large graph: tensors one by one, closed scopes as boxes, long rows of either folded.

A reader takes in about a hundred boxes. So scopes are closed, and where that is not enough, the middle of a row is
folded into one box, "… 4994 scopes …" (`boxes_of`). Then they are connected (`lines_of`): a tensor that many scopes
use, such as a parameter, is repeated in each of them as a ghost, since one node tied to all of them is what makes
layouts slow and pictures unreadable. All of this is decided from the graph and the names of its scopes alone.
"""

from __future__ import annotations

from bisect import bisect
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, Literal, NamedTuple

from minigrad.engine.tensor import Tensor
from minigrad.graph import Edge, Graph

Path = tuple[str, ...]
Kind = Literal["tensor", "scope", "run"]
ENDS = 3  # of a row that is folded, so many stay at either end
MANY = 3  # what more scopes than that use, parameter or not, is repeated in each


@dataclass
class Box:
    """What is drawn as one.

    Attributes
    ----------
    kind : {"tensor", "scope", "run"}
        One tensor, a scope that is closed, or a run of several of one of these.
    inside : tuple of str
        The open scope that it stands in.
    what : str
        For a scope its name; for a run what it is one of, such as "scopes".
    folded : int
        For a run, of how many.
    members : list of int
        The nodes.
    id : str
        Its name in DOT.
    """

    kind: Kind
    inside: Path
    what: str = ""
    folded: int = 1
    members: list[int] = field(default_factory=list)
    id: str = ""

    @property
    def place(self) -> Path:
        """The scope that it stands for, or that a tensor stands in; a run counts as a scope of its own."""
        return self.inside if self.kind == "tensor" else (*self.inside, self.id)


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
        return all(places) and places[0] != places[1] and not self.ghostly


@dataclass(frozen=True)
class Ghost:
    """Shared tensors, repeated in the scope ``inside`` where they are used."""

    inside: Path
    sources: dict[int, None]  # an ordered set


class _Key(NamedTuple):
    """What a node is shown as; the nodes with one key share a box."""

    kind: Kind
    inside: Path
    which: object
    what: str


def boxes_of(
    graph: Graph, paths: Sequence[Path], opened: set[Path] | None, named: set[Path], limit: float
) -> list[Box]:
    """The boxes to be drawn, in the order of their oldest tensors.

    Parameters
    ----------
    graph : Graph
    paths : sequence of tuple of str
        For each node its scopes.
    opened : set of tuple of str or None
        The scopes whose contents are drawn; None for all.
    named : set of tuple of str
        The scopes in which nothing is folded, however many boxes that takes.
    limit : float
        Above so many boxes the longest rows are folded.
    """
    visible = {path: _closed(path, opened) for path in set(paths)}
    leaf = ["operations" if node.fn else "tensors" for node in graph.nodes]
    members: dict[_Key, list[int]] = defaultdict(list)
    for number, path in enumerate(paths):
        closed = visible[path]
        if closed is None:
            members[_Key("tensor", path, number, leaf[number])].append(number)
        else:
            members[_Key("scope", closed[:-1], closed, "scopes")].append(number)
    boxes = []
    runs = _folded(members, named, limit)
    for key, numbers in members.items():
        if key in runs:
            box = runs[key]
            if not box.members:
                boxes.append(box)
            box.members += numbers
        else:
            what = str(key.which[-1]) if isinstance(key.which, tuple) else key.what
            boxes.append(Box(key.kind, key.inside, what, 1, numbers))
    for i, box in enumerate(boxes):
        box.members.sort()
        box.id = f"n{box.members[0]}" if box.kind == "tensor" else f"b{i}"
    return boxes


def matching(paths: Iterable[Path], names: Sequence[str]) -> set[Path]:
    """The scopes that ``names`` mean, with all that they stand in: ``"t=3"``, or ``"t=3/gate"`` for a scope in it.

    Raises
    ------
    ValueError
        If no scope has one of the names.
    """
    prefixes = {path[:depth]: None for path in dict.fromkeys(paths) for depth in range(1, len(path) + 1)}
    found: set[Path] = set()
    for name in names:
        hits = [path for path in prefixes if name in (path[-1], "/".join(path))]
        if not hits:
            known = list(dict.fromkeys(path[-1] for path in prefixes))
            known = known if len(known) <= 6 else [*known[:3], "...", *known[-2:]]
            listed = f"the scopes are {', '.join(known)}" if known else "it has no scopes, see minigrad.scope"
            raise ValueError(f"expand names {name!r}, which is no scope of this graph: {listed}")
        found.update(hit[:depth] for hit in hits for depth in range(1, len(hit) + 1))
    return found


def _closed(path: Path, opened: set[Path] | None) -> Path | None:
    """The outermost scope of ``path`` that is closed."""
    if opened is None:
        return None
    return next((path[:depth] for depth in range(1, len(path) + 1) if path[:depth] not in opened), None)


def _folded(members: dict[_Key, list[int]], named: set[Path], limit: float) -> dict[_Key, Box]:
    """Runs to be drawn as one box, for each key in them: the middles of the longest rows, until few enough are left."""
    rows: dict[tuple[Path, str], list[_Key]] = defaultdict(list)
    for key in members:
        rows[key.inside, key.what].append(key)
    first = _first_nodes(members)
    runs: dict[_Key, Box] = {}
    left = len(members)
    for (inside, what), row in sorted(rows.items(), key=lambda entry: -len(entry[1])):
        if left <= limit or len(row) < 2 * ENDS + 2:
            break
        if inside in named:
            continue
        opens = sorted(first[path] for path in first if path[:-1] == inside) if what == "scopes" else []
        for _, run in groupby(row[ENDS:-ENDS], key=lambda key: bisect(opens, members[key][0])):
            keys = list(run)
            if len(keys) > 1:
                box = Box("run", inside, what, len(keys))
                runs.update(dict.fromkeys(keys, box))
                left -= len(keys) - 1
    return runs


def _first_nodes(members: dict[_Key, list[int]]) -> dict[Path, int]:
    """The oldest node of every open scope: it tells where among its siblings the scope stands."""
    first: dict[Path, int] = {}
    for key, numbers in members.items():
        if key.kind == "tensor":
            for depth in range(len(key.inside), 0, -1):
                if key.inside[:depth] in first:
                    break
                first[key.inside[:depth]] = numbers[0]
    return first


def lines_of(graph: Graph, boxes: Sequence[Box], scopes: dict[Path, str]) -> tuple[list[Line], dict[str, Ghost]]:
    """How the boxes are connected, and the ghosts, by id, from which some of the lines come.

    Each open scope has one ghost of what it shares with others, and each closed box one for all.
    """
    box_of = {number: box for box in boxes for number in box.members}
    place_of = {box.id: box.place for box in boxes}
    shared = _shared(graph, box_of, place_of)
    ghosts: dict[str, Ghost] = {}
    lines: dict[tuple[Any, ...], Line] = {}
    for edge in graph.edges:
        source, target = box_of[edge.source], box_of[edge.target]
        if source is target:
            continue
        start, single = source.id, source.kind == target.kind == "tensor"
        if edge.source in shared and source.inside != place_of[target.id]:
            start = f"{source.id}_{scopes[target.inside]}" if single else f"{target.id}_shared"
            ghosts.setdefault(start, Ghost(target.inside, {})).sources[edge.source] = None
        key = (start, target.id, edge if single else None)
        if key in lines:
            lines[key].edges.append(edge)
        else:
            lines[key] = Line(start, source, target, [edge])
    return list(lines.values()), ghosts


def _shared(graph: Graph, box_of: dict[int, Box], place_of: dict[str, Path]) -> set[int]:
    """The tensors that are repeated as ghosts in other scopes than their own.

    These are parameters used in at least two others (or what was made from one alone, as Wᵀ is from W), and anything
    else that is used in many. A scope counts together with all that is in it: what every gate of one step uses is used
    in one.
    """
    users: dict[int, set[Path]] = defaultdict(set)
    for edge in graph.edges:
        source, place = box_of[edge.source], place_of[box_of[edge.target].id]
        if source.kind == "tensor" and place != source.inside:
            users[edge.source].add(_apart(place, source.inside))
    made_of_one: set[int] = set()
    for number, node in enumerate(graph.nodes):
        tensors = [graph.numbers[arg.index] for arg in node.args if isinstance(arg, Tensor)]
        if node.requires_grad and len(tensors) <= 1 and all(n in made_of_one for n in tensors):
            made_of_one.add(number)
    return {number for number, used in users.items() if len(used) > (1 if number in made_of_one else MANY)}


def _apart(place: Path, other: Path) -> Path:
    """The outermost scope around ``place`` that is not around ``other`` too; nothing if it is around both."""
    return next((place[: i + 1] for i in range(len(place)) if place[i : i + 1] != other[i : i + 1]), ())
