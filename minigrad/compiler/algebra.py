"""The same mathematics in another order: what makes the steps of a recurrence look alike, and their sums one product.

These passes change the last bits. Primitives of this house are written out in NumPy's functions, sums of sums become
one `total`, and a product of concatenations, ``concat(L).T @ concat(R)``, becomes the total of its terms LᵀR, which
`minigrad.compiler.planning` makes one product again: of arrays in which the steps stand already.
"""

from __future__ import annotations

import math
from collections import Counter
from functools import partial
from typing import Any

import numpy as np

from minigrad.compiler.node import Node, Trace, leaves_in
from minigrad.compiler.simplify import rebuilt
from minigrad.rules.elementwise import logistic
from minigrad.rules.indexing import scatter
from minigrad.rules.networks import affine, preactivation, squared_error


def total(*terms: Any) -> Any:
    """Their sum, from left to right."""
    y = terms[0]
    for term in terms[1:]:
        y = np.add(y, term)
    return y


def gathered(*terms: Any) -> Any:
    """Their sum, which is to be one product: the engine has multiplied them at once as well."""
    return total(*terms)


def outer(left: Any, right: Any) -> Any:
    """LᵀR."""
    return left.T @ right


def mean_product(a: Any, b: Any) -> Any:
    """The mean of a · b."""
    return np.vdot(a, b) / a.size


def lowered(trace: Trace, in_order: bool = False) -> Trace:
    """Primitives of this house in terms of NumPy's functions; that a gate is closed, 1 / ∞, nobody is warned of.

    The sum of a stack of numbers is their `total`, unless the order matters: NumPy adds more than two up in pairs.
    """
    if any(node.fn is logistic for node in trace.nodes):
        trace.lenient = trace.lenient | {"over": "ignore"}
    return rebuilt(rebuilt(trace, _lowered), partial(_unstacked, most=2 if in_order else math.inf))


def parted(trace: Trace, summed: Any = total) -> Trace:
    """Products of concatenations as sums of products, to be ``summed`` so."""
    return rebuilt(trace, lambda node: _parted(node, summed))


def flattened(trace: Trace, first: bool = False) -> Trace:
    """Sums of sums as one; only their ``first`` terms if the order of additions matters."""
    uses = Counter(arg for node in trace.nodes for arg in node.nodes) + Counter(trace.wanted())
    return rebuilt(trace, lambda node: _flat(node, uses, first))


def turned(trace: Trace) -> Trace:
    """Transposes of products as products the other way round."""
    return rebuilt(trace, _turned)


def new(fn: Any, args: Any, like: Node, **changes: Any) -> Node:
    """A node in the place of another one."""
    node = Node(fn, tuple(args), {}, -1, like.shape, like.dtype, like.name, like.scope, recorded=like.recorded)
    for name, value in changes.items():
        setattr(node, name, value)
    return node


def _lowered(node: Node) -> Node:
    """Primitives in terms of NumPy's functions, which can write where they are told to."""
    args = node.args
    if node.fn is logistic and node.dtype.kind == "f" and type(args[0]) is Node and args[0].dtype == node.dtype:
        exponential = new(np.exp, [new(np.negative, args, node, name="")], node, name="")
        return new(np.divide, [1, new(np.add, [1, exponential], node, name="")], node)
    if node.fn in (affine, preactivation):
        b, *pairs = args
        x, U, *rest = pairs
        z = new(np.add, [new(np.matmul, [x, U], node, name=""), b], node, name="" if rest else node.name)
        return new(np.add, [z, new(np.matmul, rest, node, name="")], node) if rest else z
    if node.fn is squared_error and not node.kwargs.keys() - {"weight"} and node.dtype.itemsize > 2:
        target, output = args
        shapes = [np.shape(each) if type(each) is not Node else each.shape for each in args]
        error = new(np.subtract, [output, target], node, name="", shape=np.broadcast_shapes(*shapes))
        weight = node.kwargs.get("weight")
        other = error if weight is None else new(np.multiply, [error, weight], error)
        return new(mean_product, [error, other], node)
    if node.fn is scatter:
        return _placed(_gathered(node))
    return node


def _unstacked(node: Node, most: float) -> Node:
    """The sum of a stack of numbers as a total, if no more than so many are not 0."""
    args = node.args
    if node.fn is np.sum and type(args[0]) is Node and args[0].fn is np.stack and not node.kwargs and len(args) == 1:
        stacked = args[0]
        first = (len(stacked.args) == 1 and not stacked.kwargs) or stacked.args[1:] == (0,)
        if first and len(stacked.args[0]) > 1 and all(getattr(term, "shape", None) == () for term in stacked.args[0]):
            terms = [term for term in stacked.args[0] if type(term) is Node or term]  # steps without a cost have 0
            if 0 < len(terms) <= most:
                return new(total, terms, node) if len(terms) > 1 else terms[0]
    return node


def _gathered(node: Node) -> Node:
    """A scatter of which each place is named once: what comes to the same place several times is added up before."""
    places: dict[str, list[Any]] = {}
    for value, index in zip(node.args, node.kwargs["indices"], strict=True):
        if any(type(leaf) not in (int, type(None), type(...)) for leaf in leaves_in(index)):
            return node
        places.setdefault(repr(index), []).append((value, index))
    alike = all(getattr(v, "shape", None) == group[0][0].shape for group in places.values() for v, _ in group)
    if len(places) == len(node.args) or not alike or any(type(value) is not Node for value in node.args):
        return node
    sums = [
        new(total, [v for v, _ in group], node, shape=group[0][0].shape, name="") if len(group) > 1 else group[0][0]
        for group in places.values()
    ]
    made = new(scatter, sums, node)
    made.kwargs = {"indices": [group[0][1] for group in places.values()], "shape": node.kwargs["shape"]}
    return made


def _placed(node: Node) -> Node:
    """A scatter that fills all places, each once, as a concatenation or a stack; all of them each time, as a sum."""
    indices, shape = node.kwargs["indices"], node.kwargs["shape"]
    if len(indices) < 2 or not shape or any(type(arg) is not Node for arg in node.args):
        return node
    if all(index in ((...,), (slice(None),)) for index in indices) and all(a.shape == node.shape for a in node.args):
        return new(total, node.args, node)
    if all(len(index) == 1 and type(index[0]) is int for index in indices):
        order = sorted(range(len(indices)), key=lambda i: indices[i][0] % shape[0])
        fills = [indices[i][0] % shape[0] for i in order] == list(range(shape[0]))
        if fills and all(node.args[i].shape == shape[1:] for i in order):
            return new(np.stack, ([node.args[i] for i in order],), node)
    if all(len(index) == 2 and index[0] is ... and type(index[1]) is slice for index in indices):
        spans = [range(*index[1].indices(shape[-1])) for index in indices]
        order = sorted(range(len(spans)), key=lambda i: spans[i].start)
        fills = [k for i in order for k in spans[i]] == list(range(shape[-1]))
        if fills and all(node.args[i].shape == (*shape[:-1], len(spans[i])) for i in order):
            return new(np.concatenate, ([node.args[i] for i in order], -1), node)
    return node


def axis_of(node: Node) -> Any:
    """Along which axis a reduction goes."""
    return node.args[1] if len(node.args) > 1 else node.kwargs.get("axis")


def reverses(node: Any) -> bool:
    """Whether a node is the transpose of another one, all axes reversed."""
    if type(node) is not Node or node.fn is not np.transpose or node.kwargs or type(node.args[0]) is not Node:
        return False
    return len(node.args) == 1 or node.args[1] is None


def _turned(node: Node) -> Node:
    """The transpose of products as products the other way round."""
    if reverses(node) and len(node.shape) == 2:
        inner = node.args[0]
        terms = [_of_constant(term) for term in inner.args] if inner.fn is total else []
        if terms and all(type(term) is Node and term.fn is outer for term in terms):
            return new(total, [new(outer, term.args[::-1], node, name="") for term in terms], node)
        if inner.fn is outer:
            return new(outer, inner.args[::-1], node)
    return node


def _of_constant(term: Any) -> Any:
    """The product of a constant, such as h_0ᵀ, like those of other steps."""
    constant = type(term) is Node and term.fn is np.matmul and type(term.args[0]) is np.ndarray
    if constant and term.args[0].ndim == 2 and type(term.args[1]) is Node and len(term.args[1].shape) == 2:
        return new(outer, [term.args[0].T, term.args[1]], term)
    return term


def _parted(node: Node, summed: Any) -> Node:
    """A product of concatenations as the total of its terms."""
    if node.fn is not np.matmul or len(node.shape) != 2:
        return node
    left, right = node.args
    if type(right) is not Node or not reverses(left) or len(left.shape) != 2:
        return node
    left = left.args[0]
    one, two = (_pieces(each) for each in (left, right))
    if one and two and [_rows(each) for each in one] == [_rows(each) for each in two]:
        return new(summed, [_term(*pair, node) for pair in zip(one, two, strict=True)], node)
    return new(outer, [left, right], node) if right.fn is not None and left.fn is not None else node


def _term(left: Any, right: Any, like: Node) -> Node:
    """LᵀR, where L may be a transpose itself."""
    return (
        new(np.matmul, [left.args[0], right], like, name="")
        if reverses(left)
        else new(outer, [left, right], like, name="")
    )


def _pieces(node: Node) -> list[Any] | None:
    """What was concatenated along the first axis."""
    along = node.args[1] if len(node.args) > 1 else node.kwargs.get("axis", 0)
    return list(node.args[0]) if node.fn is np.concatenate and along == 0 and len(node.args[0]) > 1 else None


def _rows(piece: Any) -> int:
    return int(piece.shape[0])


def _flat(node: Node, uses: Counter[Node], first: bool) -> Node:
    """A sum of sums that nobody else uses as one."""
    if node.fn is not np.add and node.fn is not total:
        return node
    terms: list[Any] = []
    for i, term in enumerate(node.args):
        inner = type(term) is Node and term.fn in (np.add, total) and uses[term] == 1 and not (first and i)
        if inner and term.shape == node.shape and term.dtype == node.dtype and not term.kwargs:
            terms += term.args
        else:
            terms.append(term)
    if node.fn is np.add and (node.kwargs or not all(type(t) is Node or type(t) is np.ndarray for t in terms)):
        return node
    made = new(total, terms, node)
    uses[made] = uses[node]
    return made
