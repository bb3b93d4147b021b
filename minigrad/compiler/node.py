"""What a traced program is made of: calls in the order in which they were made, each result named once."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, final

import numpy as np

Tree = Any  # nested lists, tuples and dicts of nodes and constants


@final  # so that what is no Node can be told from its type
@dataclass(slots=True, eq=False, repr=False)
class Node:
    """One call, ``fn(*args, **kwargs)``, and its result; an input of the program has no ``fn``.

    Attributes
    ----------
    args, kwargs
        Nested in lists and tuples as they were given: nodes, and constants of any kind.
    index : int
        Arguments have smaller ones.
    shape, dtype
        Of the result; None for several results in a tuple.
    name, scope
        Of the tensor that it became, if it became one.
    in_order : bool
        Whether its elements lie in memory one row after the other, as those of a new array do.
    recorded : int
        The number of the call of the function that it stands for, whatever the passes have made of it.
    """

    fn: Callable[..., Any] | None
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    index: int
    shape: Any = None
    dtype: Any = None
    name: str = ""
    scope: tuple[str, ...] = ()
    in_order: bool = True
    recorded: int = -1

    def __repr__(self) -> str:
        name = getattr(self.fn, "__name__", "input")
        return f"<{self.index}: {name} {self.shape} {self.name}>"

    @property
    def nodes(self) -> list[Node]:
        """The arguments that are nodes, in order; one that is used twice stands there twice."""
        return nodes_in(self.args) + (nodes_in(self.kwargs) if self.kwargs else [])

    @property
    def bytes(self) -> int:
        """Of the result."""
        return int(math.prod(self.shape) * self.dtype.itemsize)


@dataclass(eq=False)
class Trace:
    """All that a function did with its inputs.

    Attributes
    ----------
    nodes : list of Node
        Oldest first.
    inputs : list of Node
        One for each array that the function was given.
    outputs : Tree
        What it returned: nodes in the places of arrays.
    assigned : dict of Effect to Node
        What is left behind: see `minigrad.compiler.keeping`.
    checks : list of Node
        Calls that are made for the errors that they may raise.
    lenient : dict of str to str
        The floating-point warnings that were switched off somewhere: `numpy.errstate`.
    asked : set of int
        Lengths of arrays that were asked for, or gone along.
    uneven : bool
        Whether somebody said that steps are unlike each other.
    cleared : list of Effect
        Gradients that are None afterwards.
    """

    nodes: list[Node]
    inputs: list[Node]
    outputs: Tree
    assigned: dict[tuple[int, str], Node] = field(default_factory=dict)
    checks: list[Node] = field(default_factory=list)
    lenient: dict[str, str] = field(default_factory=dict)
    asked: set[int] = field(default_factory=set)
    cleared: list[tuple[int, str]] = field(default_factory=list)
    uneven: bool = False

    def wanted(self) -> list[Node]:
        """What the program is run for."""
        return self.checks + nodes_in(self.outputs) + list(self.assigned.values())


NESTED = {tuple, list, dict, slice}


def walked(f: Callable[[Any], Any], tree: Tree) -> Tree:
    """The same lists, tuples and dicts with ``f(leaf)`` for every leaf."""
    if type(tree) is tuple or type(tree) is list:
        return type(tree)([walked(f, part) if type(part) in NESTED else f(part) for part in tree])
    if type(tree) is dict:
        return {key: walked(f, part) for key, part in tree.items()}
    if type(tree) is slice:
        return slice(f(tree.start), f(tree.stop), f(tree.step))
    return f(tree)


def leaves_in(tree: Tree) -> Iterator[Any]:
    """The leaves, in the order of `walked`."""
    if type(tree) is tuple or type(tree) is list:
        for part in tree:
            yield from leaves_in(part)
    elif type(tree) is dict:
        for part in tree.values():
            yield from leaves_in(part)
    elif type(tree) is slice:
        yield from (tree.start, tree.stop, tree.step)
    else:
        yield tree


def nodes_in(tree: Tree) -> list[Node]:
    """The nodes among the leaves."""
    if type(tree) is tuple and NESTED.isdisjoint(map(type, tree)):
        return [leaf for leaf in tree if type(leaf) is Node]
    return [leaf for leaf in leaves_in(tree) if type(leaf) is Node]


def same(a: Any, b: Any) -> bool:
    """Whether two constants are the same to the last bit, and of one type."""
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if isinstance(a, (np.ndarray, np.generic)):
        return bool(a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes())
    if isinstance(a, float):
        return bool(a.hex() == b.hex())
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, slice):
        return same((a.start, a.stop, a.step), (b.start, b.stop, b.step))
    try:
        return bool(a == b)
    except Exception:  # it is somebody else's, and may not be comparable
        return False


def equal(a: Any, b: Any) -> bool:
    """Whether two arguments are one node, or the same constant."""
    return a is b or (type(a) is not Node and type(b) is not Node and same(a, b))


class Unusual(ArithmeticError):
    """Numbers that a program has no statements for: the function itself has to be called."""


class Differing(Unusual):
    """Numbers that decide which calls there are, and are not those that the program was made for."""


def as_traced(value: Any, shape: tuple[int, ...], dtype: str) -> Any:
    """``value``, if its shape and dtype, which other numbers may change, are those that the program was made for."""
    array = np.asarray(value)
    if array.shape != shape or array.dtype != dtype:
        raise Unusual
    return value


def copied(trace: Trace) -> Trace:
    """The same trace of other nodes, which may be changed."""
    place: dict[Node, Node] = {}

    def placed(leaf: Any) -> Any:
        return place[leaf] if type(leaf) is Node else leaf

    for node in trace.nodes:
        args, kwargs = walked(placed, node.args), walked(placed, node.kwargs)
        place[node] = replace(node, args=args, kwargs=kwargs, in_order=True)
    return Trace(
        [place[node] for node in trace.nodes],
        [place[node] for node in trace.inputs],
        walked(placed, trace.outputs),
        walked(placed, trace.assigned),
        walked(placed, trace.checks),
        trace.lenient,
        trace.asked,
        trace.cleared,
    )
