"""The scopes of a graph as a tree, so that nothing takes longer because scopes are deep.

A tensor carries the names of its scopes, outermost first. Drawings ask all the time which scope another one stands in:
with the tuples of names themselves that would take as long as they are, at every node. A long chain without scopes gets
some: its rows (`rows_of`).
"""

from __future__ import annotations

import re
from bisect import bisect
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from minigrad.graph import Graph

STEP = re.compile(r"(.+)=\d+")
"""The names of steps: `minigrad.rnn.unroll` calls its own ``t=1``, ``t=2`` ..."""
WRAPPED, LINE = 25, 14  # a chain of so many operations is wrapped, and at most so many are in a row
NAMES = 6  # of so many scopes are the names written out, those around more are cut in the middle


class Scope:
    """A scope, or the `root` that all of them stand in. Each is there once, so they are told apart by identity.

    Attributes
    ----------
    name : str
    parent : Scope or None
        The one that it stands in; None for the root.
    depth : int
        How many scopes are around it, the root among them.
    within : dict of str to Scope
        Those directly in it.
    """

    __slots__ = ("depth", "name", "parent", "within")

    def __init__(self, name: str = "", parent: Scope | None = None) -> None:
        self.name, self.parent = name, parent
        self.depth: int = 0 if parent is None else parent.depth + 1
        self.within: dict[str, Scope] = {}

    def inner(self, name: str) -> Scope:
        """The scope of this name directly in it."""
        if name not in self.within:
            self.within[name] = Scope(name, self)
        return self.within[name]

    def chain(self) -> Iterator[Scope]:
        """Itself and those around it, without the root, the innermost first."""
        scope = self
        while scope.parent is not None:
            yield scope
            scope = scope.parent

    def up_to(self, depth: int) -> Scope:
        """The one of its chain that has this depth."""
        scope = self
        while scope.depth > depth and scope.parent is not None:
            scope = scope.parent
        return scope

    @property
    def path(self) -> str:
        """All names, ``"t=3/gate"``."""
        return "/".join([scope.name for scope in self.chain()][::-1])

    def told(self) -> str:
        """The path in short: of very deep ones the ends."""
        names = [scope.name for scope in self.chain()][::-1] if self.depth <= NAMES else []
        if not names:
            half = NAMES // 2
            names = [self.up_to(depth).name for depth in range(1, half + 1)]
            names += ["…", *(self.up_to(depth).name for depth in range(self.depth - half + 1, self.depth + 1))]
        return "/".join(names)

    @property
    def series(self) -> str | None:
        """What it is a step of, ``"t"`` for ``t=3``; None if it is none."""
        found = STEP.fullmatch(self.name)
        return found[1] if found else None


def scopes_of(paths: Iterable[tuple[str, ...]]) -> tuple[Scope, list[Scope]]:
    """The root, and the innermost scope of each path."""
    root = Scope()
    known: dict[tuple[str, ...], Scope] = {(): root}
    found = []
    for path in paths:
        if path not in known:
            scope = root
            for name in path:
                scope = scope.inner(name)
            known[path] = scope
        found.append(known[path])
    return root, found


def common(scopes: Iterable[Scope]) -> Scope:
    """The innermost scope around all of these, which may be one of them."""
    first, *others = scopes
    for other in others:
        depth = min(first.depth, other.depth)
        first, other = first.up_to(depth), other.up_to(depth)
        while first is not other and first.parent is not None and other.parent is not None:
            first, other = first.parent, other.parent
    return first


def matching(root: Scope, names: Sequence[str]) -> set[Scope]:
    """The scopes that ``names`` mean, with all that they stand in: ``"t=3"``, or ``"t=3/gate"`` for a scope in it.

    Raises
    ------
    ValueError
        If no scope has one of the names.
    """
    found: set[Scope] = set()
    for name in names:
        last = name.rpartition("/")[2]
        hits = [s for s in descending(root) if s.name == name or (s.name.endswith(last) and s.path == name)]
        if not hits:
            known = list(dict.fromkeys(scope.name for scope in descending(root)))
            known = known if len(known) <= 6 else [*known[:3], "...", *known[-2:]]
            listed = f"the scopes are {', '.join(known)}" if known else "it has no scopes, see minigrad.scope"
            raise ValueError(f"expand names {name!r}, which is no scope of this graph: {listed}")
        for scope in hits:
            for each in scope.chain():
                if each in found:
                    break
                found.add(each)
    return found


def descending(root: Scope) -> Iterator[Scope]:
    """All scopes in ``root``, each before those in it, in the order in which they were first seen."""
    open_ = [root]
    while open_:
        scope = open_.pop()
        if scope is not root:
            yield scope
        open_ += reversed(scope.within.values())


def rows_of(graph: Graph) -> list[tuple[str, ...]] | None:
    """For a long chain of operations the rows that it is written in, like the lines of a text, as scopes.

    A row ends where a single line leads on. Where there is none, or more comes in below the first row, Graphviz would
    not put the rows in their order, and they would make nothing clearer.
    """
    made = [node.fn is not None for node in graph.nodes]
    depth = [0] * len(made)
    for edge in graph.edges:  # in the order of their targets
        depth[edge.target] = max(depth[edge.target], depth[edge.source] + made[edge.source])
    longest = max(depth)
    if longest + 1 < WRAPPED:
        return None
    latest = [longest] * len(made)  # everything stands where it is first used
    for edge in reversed(graph.edges):
        latest[edge.source] = min(latest[edge.source], latest[edge.target] - made[edge.source])
    lines = [(latest[edge.source], latest[edge.target]) for edge in graph.edges if made[edge.source]]
    crossing = Counter(d for begin, end in lines for d in range(begin + 1, end + 1))
    starts = [0]
    while longest - starts[-1] >= LINE:
        free = [d for d in range(starts[-1] + LINE // 2, starts[-1] + LINE + 1) if crossing[d] == 1]
        if not free:
            return None
        starts.append(free[-1])
    rows = [bisect(starts, each) for each in latest]
    if any(rows[edge.target] > 1 and not made[edge.source] for edge in graph.edges):
        return None
    return [(f"row {row}",) for row in rows]
