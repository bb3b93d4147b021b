"""Calls that are alike: which may be the same one of each step, and which need each other, one after the other."""

from __future__ import annotations

import operator
from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np

from minigrad.compiler.node import Node, Trace, leaves_in

LAYERS = 8  # calls that are alike may stand so often in a step


def arguments(node: Node) -> list[Any]:
    """The arguments that a family has columns for: those of a joining one by one."""
    if node.fn is np.concatenate or node.fn is np.stack:
        return list(node.args[0])
    return list(node.args)


def signature(node: Node) -> Any:
    """What calls have in common that may be one of each step."""
    args = arguments(node)
    kinds = tuple((a.shape, a.dtype) if type(a) is Node or _is_array(a) else type(a) for a in args)
    rest = repr(node.args[1:]) if node.fn is np.concatenate or node.fn is np.stack else ""
    return node.fn, node.shape, node.dtype, kinds, rest, _static(node)


def _static(node: Node) -> Any:
    """Options and indices, which have to be the same."""
    options = node.args[1:] if node.fn in (operator.getitem, np.reshape, np.transpose, np.swapaxes) else ()
    if node.fn is operator.getitem and type(options[0]) is int:
        options = ()
    if any(type(leaf) is Node or _is_array(leaf) for leaf in leaves_in((options, node.kwargs))):
        return node.index  # there is no other like it
    return repr(options), repr(node.kwargs) if node.kwargs else ""


def _is_array(value: Any) -> bool:
    """Whether it is an array, or a number of NumPy's."""
    return isinstance(value, (np.ndarray, np.generic))


def chains(trace: Trace) -> list[list[Node]]:
    """Calls that are alike, each of which needs the one before: what is left of steps that meet only in the last."""
    kinds: dict[Any, list[Node]] = {}
    for node in trace.nodes:
        if node.fn is not None:
            kinds.setdefault(signature(node), []).append(node)
    found: list[list[Node]] = []
    for group in kinds.values():
        for stride in range(1, min(LAYERS, len(group) // LAYERS) + 1):
            each = [chain for i in range(stride) for chain in linked(group[i::stride])]
            if all(len(chain) > LAYERS for chain in each):  # as layers one above the other in one step cannot be
                found += each
                break
    usual = Counter(map(len, found)).most_common(1)  # two calls of a step, one made from the other, are a longer chain
    found = [chain for chain in found if len(chain) == usual[0][0]]
    return sorted(found, key=lambda chain: chain[-1].index, reverse=True)  # what is last in a step goes first


def linked(nodes: list[Node]) -> list[list[Node]]:
    """Cut where one does not need the one before: one layer goes along the sequence after another, perhaps."""
    found = [nodes[:1]]
    for before, node in pairwise(nodes):
        if needs(node, before):
            found[-1].append(node)
        else:
            found.append([node])
    return found


def needs(node: Node, other: Node) -> bool:
    """Whether ``other`` is among what a call was made from, be it by others in between."""
    open_, seen = [node], {node}
    while open_:
        for each in open_.pop().nodes:
            if each is other:
                return True
            if each.index > other.index and each not in seen:
                seen.add(each)
                open_.append(each)
    return False
