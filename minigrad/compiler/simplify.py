"""The same numbers, to the last bit, by fewer calls: what is never used, what is computed twice, what undoes itself."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from minigrad.compiler.node import Node, Trace, nodes_in, walked
from minigrad.rules import kinks
from minigrad.rules.indexing import scatter

PURE = ("numpy", "minigrad", "_operator", "builtins")
"""Modules whose functions give the same for the same arguments, so that one call will do for two."""


def rebuilt(trace: Trace, made: Callable[[Node], Node]) -> Trace:
    """The trace with ``made(node)`` in the place of each node, whose arguments have been replaced already."""
    place: dict[int, Node] = {}

    def placed(leaf: Any) -> Any:
        return place[leaf.index] if type(leaf) is Node else leaf

    nodes: list[Node] = []
    for node in trace.nodes:
        if node.fn is not None:
            node.args = walked(placed, node.args)
            node.kwargs = walked(placed, node.kwargs) if node.kwargs else node.kwargs
        place[node.index] = made(node)
    trace.outputs, trace.assigned = walked(placed, trace.outputs), walked(placed, trace.assigned)
    trace.checks = walked(placed, trace.checks)
    trace.nodes = nodes = ordered(trace)
    for number, node in enumerate(nodes):
        node.index = number
    return trace


def ordered(trace: Trace) -> list[Node]:
    """All that the program needs, arguments before what is made of them; inputs first."""
    found: dict[int, Node] = {}
    stack: list[tuple[Node, bool]] = [(node, False) for node in reversed(trace.wanted())]
    done: list[Node] = list(trace.inputs)
    found.update((id(node), node) for node in done)
    while stack:
        node, ready = stack.pop()
        if ready:
            done.append(node)
        elif id(node) not in found:
            found[id(node)] = node
            stack.append((node, True))
            stack += [(arg, False) for arg in reversed(node.nodes) if id(arg) not in found]
    return done


def simplified(trace: Trace) -> Trace:
    """No call twice, none for nothing, and none that gives what is there already."""
    known: dict[Any, Node] = {}
    checks = {id(node) for node in trace.checks}

    def made(node: Node) -> Node:
        if node.fn is None or id(node) in checks:
            return node
        if node.fn is operator.getitem:
            node.args = node.args[0], walked(_plain, node.args[1])
        elif node.fn is scatter:
            node.kwargs = node.kwargs | {"indices": walked(_plain, node.kwargs["indices"])}
        shorter = _shorter(node)
        if shorter is not None:
            if not shorter.name or shorter.name.startswith("d"):
                shorter.name = shorter.name or node.name
            return shorter
        key = _key(node)
        if key is None:
            return node
        first = known.setdefault(key, node)
        first.name = first.name or node.name
        return first

    return rebuilt(trace, made)


def _shorter(node: Node) -> Node | None:
    """An earlier node that holds what this one gives."""
    fn, args = node.fn, node.args
    first = args[0] if args and type(args[0]) is Node else None
    if first is None:
        return None
    if fn is np.positive or fn is kinks.creased or fn is kinks.marked:
        return first if _like(first, node) else None
    if fn is np.transpose and not node.kwargs and len(args) == 1:
        if first.fn is np.transpose and not first.kwargs and len(first.args) == 1:
            inner: Node = first.args[0]
            return inner
        return first if len(node.shape) < 2 else None
    if fn is np.negative and first.fn is np.negative and not node.kwargs and not first.kwargs:
        return first.args[0] if type(first.args[0]) is Node and _like(first.args[0], node) else None
    if fn is np.reshape and first.shape == node.shape:
        return first
    if fn is np.reshape and first.fn in (np.ravel, np.reshape) and not first.kwargs and not node.kwargs:
        whole = first.args[0]
        return whole if type(whole) is Node and len(first.args) < 3 and _like(whole, node) else None
    if fn is operator.getitem and type(args[1]) is int and first.fn is np.broadcast_to and not first.kwargs:
        inner = first.args[0]
        return inner if type(inner) is Node and _like(inner, node) else None  # all rows are the same
    if fn is operator.getitem and type(args[1]) is int and first.fn is np.stack and first.kwargs.get("axis", 0) == 0:
        operands = nodes_in(first.args[:1])
        if len(operands) == len(first.args[0]) and len(first.args) == 1 and _like(operands[args[1]], node):
            return operands[args[1]]
    return None


def _plain(index: Any) -> Any:
    """An index as Python's own number: it takes a part without a copy, and tells two calls that are alike."""
    return int(index) if isinstance(index, np.integer) else index


def _like(a: Node, b: Node) -> bool:
    return bool(a.shape == b.shape and a.dtype == b.dtype)


def _key(node: Node) -> Any:
    """What two calls have in common if one will do; None if they may differ all the same."""
    module = getattr(node.fn, "__module__", None) or ("numpy" if isinstance(node.fn, np.ufunc) else None)
    owner = getattr(node.fn, "__self__", None)
    if isinstance(owner, np.ufunc):
        module = "numpy"
    if module is None or module.partition(".")[0] not in PURE:
        return None
    try:
        key = (node.fn, _hashed(node.args), _hashed(node.kwargs) if node.kwargs else ())
        hash(key)
    except TypeError:
        return None
    return key


def _hashed(tree: Any) -> Any:
    if type(tree) is Node:
        return tree.index, "node"
    if type(tree) in (tuple, list):
        return type(tree), tuple([_hashed(part) for part in tree])
    if type(tree) is dict:
        return tuple([(key, _hashed(part)) for key, part in tree.items()])
    if type(tree) is slice:
        return slice, tree.start, tree.stop, tree.step
    if isinstance(tree, np.ndarray):
        return tree.shape, tree.dtype, tree.tobytes() if tree.size < 64 else id(tree)
    return type(tree), tree.hex() if isinstance(tree, float) else tree
