"""Factors in the place of choices: ``where(m, g, 0)`` is g · m, which needs no decision for each element.

What comes back through a maximum or `numpy.where` is the cotangent where a mask holds, and 0 elsewhere. The mask does
not depend on the cotangent: as a factor it is computed for all steps at once. One thing is lost, since 0 times what is
not finite is NaN. So the products are followed to where NaN would make a difference, and where there are any there,
the function itself is called.
"""

from __future__ import annotations

import math
import operator
from itertools import product
from typing import Any

import numpy as np

from minigrad.compiler.algebra import gathered, mean_product, new, outer, total
from minigrad.compiler.node import Node, Trace, Unusual, equal
from minigrad.compiler.simplify import rebuilt
from minigrad.engine.tensor import astype
from minigrad.rules.indexing import scatter

TRANSPARENT = {np.add, np.subtract, np.multiply, np.negative, np.matmul, np.dot, np.vdot, np.sum, np.mean, np.reshape,
               np.transpose, np.swapaxes, np.stack, np.concatenate, np.broadcast_to, operator.getitem, astype, scatter,
               outer, total, gathered, mean_product}  # fmt: skip
"""Functions whose result is NaN wherever it is made of NaN."""
COMPARISONS = (np.greater, np.greater_equal, np.less, np.less_equal)
GUARDS = 16
"""Where NaN would have to be looked for in more places, choices stay choices."""
Share = tuple[Any, Any]  # an array, None for no matter which, and its factor: a number or a node


def factored(trace: Trace) -> Trace:
    """The trace with products in the place of choices between multiples of one array."""
    found: dict[Node, Share] = {}
    for node in trace.nodes:
        _multiple(node, found)
    guarded = _ends(trace, found)
    if not found or len(guarded) > GUARDS:
        return trace
    for node in dict.fromkeys(map(_laid_otherwise, guarded)):
        trace.checks.append(Node(sound, (node,), {}, len(trace.nodes)))
        trace.nodes.append(trace.checks[-1])
    made: dict[Node, Share] = {}
    return rebuilt(trace, lambda node: _multiple(node, made) if node in found else node)


def sound(array: Any) -> None:
    """There is no NaN."""
    if math.isnan(np.vdot(array, array)):
        raise Unusual


def _ends(trace: Trace, found: dict[Node, Share]) -> list[Node]:
    """What is made of the products and returned, or given to a function that may hide NaN."""
    reached: set[Node] = set()
    ends = dict.fromkeys(trace.wanted())
    for node in trace.nodes:
        if node in found:
            reached.add(node)
        elif not reached.isdisjoint(node.nodes):
            if node.fn in TRANSPARENT and "where" not in node.kwargs:
                reached.add(node)
            else:
                ends |= dict.fromkeys(node.nodes)
    return [node for node in ends if node in reached]


def _multiple(node: Node, made: dict[Node, Share]) -> Node:
    """A product in the place of a choice, if it is one between multiples of one array; ``made`` is told."""
    if node.fn is not np.where or len(node.args) != 3 or node.kwargs or node.dtype.kind != "f":
        return node
    mask = node.args[0]
    if type(mask) is not Node or mask.dtype != bool:
        return node
    for (one, a), (two, b) in product(*[_shares(side, node, made) for side in node.args[1:]]):
        if one is two or one is None or two is None:
            base, factor = two if one is None else one, _factor(mask, a, b, node)
            if base is not None and factor is not None:
                choice = new(np.multiply, [base, factor], node)
                made[node] = made[choice] = base, factor
                return choice
    return node


def _shares(side: Any, like: Node, made: dict[Node, Share]) -> list[Share]:
    """As what multiples a side of a choice can be seen: of what it was made from first."""
    if type(side) is not Node:
        return [(None, 0.0)] if np.ndim(side) == 0 and side == 0 else []
    if (side.shape, side.dtype) != (like.shape, like.dtype):
        return []
    found: list[Share] = [made[side]] if side in made else []
    if side.fn is np.multiply and not side.kwargs:
        for base, factor in (side.args, side.args[::-1]):
            if type(factor) in (int, float) and math.isfinite(factor) and base.shape == side.shape:
                found.append((base, float(factor)))
    return [*found, (side, 1.0)]


def _laid_otherwise(node: Node) -> Node:
    """What has the same numbers, in another shape perhaps."""
    while node.fn in (np.transpose, np.reshape) and type(node.args[0]) is Node:
        node = node.args[0]
    return node


def _compared(mask: Node) -> tuple[Any, Any, Any] | None:
    """How a side of a maximum or minimum of two compares with the other one where it is the result: a ≥ b, say."""
    if mask.fn is not np.equal or mask.kwargs:
        return None
    for side, chosen in (mask.args, mask.args[::-1]):
        if type(chosen) is Node and chosen.fn in (np.maximum, np.minimum) and not chosen.kwargs:
            other = [arg for arg in chosen.args if not equal(arg, side)]
            if len(other) == 1:
                return np.greater_equal if chosen.fn is np.maximum else np.less_equal, side, other[0]
    return None


def _halves(mask: Node, factor: Any, calculated: Any) -> Node | None:
    """Where the mask holds 2, but 1 for a tie, if ``factor`` is ½ for a tie and 1 elsewhere; as small integers."""
    if type(factor) is not Node or factor.fn is not np.add or factor.args[1] != 1:
        return None
    less = factor.args[0]
    if less.fn is not np.multiply or less.args[0].dtype != bool or less.args[1] != -0.5:
        return None
    tie, whole = less.args[0], None
    one, two = _compared(mask), _compared(tie)
    if one and two and one[0] is two[0] and equal(one[1], two[2]) and equal(one[2], two[1]):
        mask = calculated(*one)
        whole = calculated(np.greater if one[0] is np.greater_equal else np.less, *one[1:])
    halves: Node = calculated(np.add, mask, whole or calculated(np.greater, mask, tie), dtype="int8")
    return halves


def _factor(mask: Node, a: Any, b: Any, like: Node) -> Node | None:
    """a where the mask holds and b elsewhere, without a choice; None if it is not known how."""

    def calculated(fn: Any, *args: Any, **options: Any) -> Node:
        numbers = [like.dtype.type(arg) if type(arg) is float else arg for arg in args]
        shape = np.broadcast_shapes(*[arg.shape for arg in args if type(arg) is Node])
        logical = fn in COMPARISONS or all(type(arg) is Node and arg.dtype == bool for arg in args)
        dtype = options.get("dtype", bool if logical else like.dtype)
        return new(fn, numbers, like, name="", shape=shape, dtype=np.dtype(dtype), kwargs=options)

    if type(b) is float and b == 0:
        if (halves := _halves(mask, a, calculated)) is not None:
            return calculated(np.multiply, halves, 0.5)
        return mask if type(a) is float and a == 1 else calculated(np.multiply, mask, a)
    if type(a) is float and a == 0:
        return _factor(calculated(np.logical_not, mask), b, a, like)
    if type(a) is float and type(b) is float and like.dtype.type(a - b) + like.dtype.type(b) == a:
        return calculated(np.add, calculated(np.multiply, mask, a - b), b)
    return None
