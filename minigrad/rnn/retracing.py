"""The way back from what a loop computes: places, parameters and plain numbers, and how each was come by.

Two steps do the same if the same ways lead back from them: that is how `recurrence` compares them.
"""

from __future__ import annotations

import operator
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, NamedTuple

from minigrad.engine.tensor import Tensor
from minigrad.rnn.looping import Marks, fixed

Path = tuple[int, ...]
"""From a result to one of those it was made from: positions of arguments."""


class Met(NamedTuple):
    """What is met on the way back from a place: an argument of a call, and its node if it is one."""

    consumer: int
    position: int
    source: int | None


class Ways:
    """The graph of a loop, seen from what it computes.

    Attributes
    ----------
    marks : Marks
    items : set of int
        A sequence that requires grad, and what is taken of it one by one.
    parameters : set of int
        The leaves that require grad, and what was made from them alone.
    """

    def __init__(self, marks: Marks) -> None:
        self.marks, self.graph, self.labels = marks, marks.graph, marks.labels
        self.items = self._items()
        self._find_parameters()

    def _find_parameters(self) -> None:
        self.parameters = fixed(self.graph, self.labels.keys() | self.items)

    def reached(self, number: int) -> Iterator[tuple[Path, Met]]:
        """What a node was made from: places, parameters and numbers, and not what is only on the way there."""
        open_: list[tuple[int, Path]] = [(number, ())]
        seen = {number}
        for consumer, path in open_:  # which grows
            for position, arg in enumerate(self.graph.nodes[consumer].args):
                source = self.graph.numbers[arg.index] if isinstance(arg, Tensor) else None
                if source is None or self._ends(source):
                    yield (*path, position), Met(consumer, position, source)
                elif source not in seen:
                    seen.add(source)
                    open_.append((source, (*path, position)))

    def _ends(self, number: int) -> bool:
        known = number in self.labels or number in self.parameters or number in self.items
        return known or self.marks.is_leaf(number)

    def _like(self, number: int, path: Path, met: Met) -> Met | None:
        """What stands at the end of a path from another place, if it is an argument of the same function."""
        consumer = number
        for position in path[:-1]:
            args = self.graph.nodes[consumer].args
            if position >= len(args) or not isinstance(args[position], Tensor):
                return None
            consumer = self.graph.numbers[args[position].index]
        if self.graph.nodes[consumer].fn is not self.graph.nodes[met.consumer].fn:
            return None
        found = self.graph.nodes[consumer].args[path[-1]]
        return Met(consumer, path[-1], self.graph.numbers[found.index] if isinstance(found, Tensor) else None)

    def _value(self, met: Met) -> Any:
        """The numbers that are met."""
        found = self.graph.nodes[met.consumer].args[met.position]
        return found.data if isinstance(found, Tensor) else found

    def _items(self) -> set[int]:
        """A sequence that requires grad and the xs[t] that were taken of it: inputs, and no parameters."""
        taken: dict[int, dict[int, Any]] = defaultdict(dict)
        for number, tensor in enumerate(self.graph.nodes):
            for source in filter(self.marks.is_leaf, self.marks.sources(number)):
                taken[source][number] = tensor.args[1] if tensor.fn is operator.getitem else None
        found: set[int] = set()
        for source, items in taken.items():
            keys = list(items.values())
            one_by_one = type(keys[0]) is int and keys == list(range(keys[0], keys[0] + len(keys)))
            if one_by_one and len(keys) >= min(self.marks.T, 2) and self.graph.nodes[source].requires_grad:
                found |= {source, *items}
        return found

    def _is_given(self, number: int) -> bool:
        return self.marks.is_leaf(number) or number in self.items
