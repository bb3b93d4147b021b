"""One call for all steps: how a function of one step is called on arrays that have a row for each."""

from __future__ import annotations

import operator
import re
from typing import Any

import numpy as np

from minigrad.compiler.algebra import axis_of, outer, total
from minigrad.compiler.families import ENDS
from minigrad.compiler.node import Node
from minigrad.engine.tables import primitives
from minigrad.engine.tensor import astype
from minigrad.rules import kinks
from minigrad.rules.networks import log_softmax, logsumexp, softmax


class NoPlan(Exception):
    """The rolled program cannot be laid out; straight line it is."""


REDUCTIONS = {np.sum: np.add.reduce, np.prod: np.multiply.reduce, np.max: np.maximum.reduce, np.min: np.minimum.reduce}
AXES = (*REDUCTIONS, np.mean, np.var, np.std, np.any, np.all, np.argmax, np.argmin)
LAST = (softmax, log_softmax, logsumexp)
"""Functions along an axis."""


def elementwise(fn: Any) -> bool:
    """Whether an element of the result depends on the same element of the arguments alone."""
    if isinstance(fn, np.ufunc):
        return fn.signature is None and fn.nout == 1
    return fn in (astype, np.where, kinks.marked) or (fn in primitives and primitives[fn].form == "elementwise")


SETTLED = {
    np.transpose, np.swapaxes, np.reshape, np.ravel, np.squeeze, np.expand_dims, np.broadcast_to, np.moveaxis, np.roll,
    np.flip, np.sort, np.argsort, np.cumsum, np.cumprod, np.take_along_axis, np.take, np.clip, np.round, np.dot,
    np.inner, np.outer, np.tensordot, np.einsum, np.trace, np.diagonal, np.diag, np.tril, np.triu, np.var, np.std,
    np.median, np.real, np.imag, np.zeros_like, np.ones_like, np.full_like, np.copy, np.hstack, np.vstack,
}  # fmt: skip
"""Functions of NumPy's whose results have shapes and dtypes that follow from those of their arguments."""


def settled(fn: Any) -> bool:
    """Whether the shape of a result is the same whatever the numbers are."""
    house = str(getattr(fn, "__module__", "")).startswith("minigrad.")
    return isinstance(fn, np.ufunc) or isinstance(getattr(fn, "__self__", None), np.ufunc) or house or fn in SETTLED


def in_place(node: Node) -> bool:
    """Whether a call may write where one of its arguments stands."""
    fn = node.fn
    return (isinstance(fn, np.ufunc) and elementwise(fn)) or (fn is total and len(node.args) == 2)


SPOKEN = {np.matmul: "product", outer: "outer", total: "total", np.subtract: "difference", np.multiply: "multiple",
          np.divide: "quotient", np.negative: "opposite", np.exp: "power", np.concatenate: "whole", np.where: "choice",
          operator.getitem: "part", np.transpose: "turned", np.add: "sum_", np.tanh: "bend"}  # fmt: skip
"""What the result of a function is called if it has no name."""

# -- names and indices as text ----------------------------------------------------------------------------------------


def singular(node: Node) -> str:
    """What the result of one step is called: the tensor's name without its step."""
    name = re.sub(r"_\d+$", "", node.name or "")
    return name or SPOKEN.get(node.fn, getattr(node.fn, "__name__", "v"))


def plural(node: Node) -> str:
    """What the results of all steps are called."""
    name = singular(node)
    return name if not node.name and name.endswith("s") else f"{name}s"


def part_of(template: str) -> str:
    """What a part is called, behind the name of the whole."""
    match = re.fullmatch(r"\{\}\[(-?\d*)(:?)(-?\d*)(?:, \.\.\.)?\]", template)
    if match is None:
        return {"{}[::-1]": "_back", "{}.T": "T"}.get(template, "_rows" if "reshape" in template else "_part")
    start, colon, stop = match.groups()
    if not colon:
        return {"-1": "_last", "-2": "_last_but_one"}.get(start, f"_at_{start}")
    end = {"-1": "_but_last", "-2": "_but_two", "": ""}.get(stop, f"_to_{stop}")
    return (f"_from_{start}" if start else "") + end


def sliced(start: int, stop: int, length: int, stride: int = 1) -> str:
    """A slice of an array of this length; the whole of it is nothing at all."""
    if stride == 1 and start == 0 and stop == length:
        return "{}"
    step = f":{stride}" if stride != 1 else ""
    return f"{{}}[{start or ''}:{'' if stop >= length else from_end(stop, length)}{step}]"


def one(place: int, length: int, shape: tuple[int, ...]) -> str:
    """One row of so many, as an array that can be written to."""
    place = from_end(place, length)
    return f"{{}}[{place}]" if shape else f"{{}}[{place}, ...]"


def from_end(place: int, length: int) -> int:
    """An index as one reads it: near the end it is counted from there, and so the same for sequences of any length."""
    return place - length if place and length - place <= ENDS else place


def index_text(index: Any) -> str:
    if index is ...:
        return "..."
    if isinstance(index, slice):
        parts = ["" if each is None else repr(each) for each in (index.start, index.stop, index.step)]
        return ":".join(parts[:2] if index.step is None else parts)
    return repr(index)


def is_view(node: Node) -> bool:
    """Whether indexing or reshaping names a part of its argument, and copies nothing."""
    if type(node.args[0]) is not Node or node.args[0].shape is None or node.kwargs:
        return False
    if node.fn is operator.getitem:
        index = node.args[1] if isinstance(node.args[1], tuple) else (node.args[1],)
        return all(type(i) in (int, slice, type(None), type(...)) for i in index) and all(
            type(part) in (int, type(None)) for i in index if type(i) is slice for part in (i.start, i.stop, i.step)
        )
    return all(type(arg) in (int, tuple, list, type(None)) for arg in node.args[1:])


def view_text(node: Node, lead: int) -> str:
    """The view as text, of an array with so many axes before those of a step."""
    fn, rest, first = node.fn, node.args[1:], node.args[0]
    if fn is operator.getitem:
        index = rest[0] if isinstance(rest[0], tuple) else (rest[0],)
        index = index or (...,)
        if lead and not (index and index[0] is ...):
            index = (slice(None),) * lead + index
        if not lead and node.shape == () and ... not in index:
            index = (*index, ...)
        return f"{{}}[{', '.join(map(index_text, index))}]"
    if fn is np.reshape:
        return f"{{}}.reshape({('{n}', *node.shape) if lead else node.shape})".replace("'{n}'", "{n}")
    ndim = len(first.shape)
    if fn is np.swapaxes:
        axes = list(range(ndim))
        i, j = rest
        axes[i], axes[j] = axes[j], axes[i]
    else:
        axes = list(range(ndim))[::-1] if not rest or rest[0] is None else [axis % ndim for axis in rest[0]]
    if not lead and axes == list(range(ndim))[::-1]:
        return "{}.T"
    return f"{{}}.transpose({(*range(lead), *(axis + lead for axis in axes))})"


# -- whole calls ------------------------------------------------------------------------------------------------------


def whole(text: Any, like: Node, sides: list[tuple[bool, Any]], out: Any) -> bool:
    """Write the calls of all steps at once to ``out``, if it is known how; ``sides`` are (one a step?, value)."""
    fn, values = like.fn, [value for _, value in sides]
    many = [rows for rows, _ in sides]
    if elementwise(fn) or fn is total:
        rank = len(like.shape)
        lifted = [text.lifted(value, rank) if rows else value for rows, value in sides]
        if any(not rows and len(text.shape(value)) > rank for rows, value in sides):
            return False
        text.into(like, tuple(lifted), out)
        return True
    if fn is outer and all(many):
        text.product_into(text.view(values[0], "{}.swapaxes(1, 2)"), values[1], out)
        return True
    if fn is np.matmul and not like.kwargs:
        return _product(text, many, values, out, like)
    if fn in (np.concatenate, np.stack):
        options = list(like.args[1:]) or [like.kwargs.get("axis", 0)]
        axis = options[0] + 1 if options[0] >= 0 else options[0]
        if not all(many):
            return False
        text.into(_with(like, (tuple(values), axis)), (tuple(values), axis), out)
        return True
    if (fn in AXES or fn in LAST) and many[0] and not any(many[1:]):
        return _along(text, like, values, out)
    if (
        fn in (operator.getitem, np.reshape, np.transpose, np.swapaxes)
        and many[0]
        and not any(many[1:])
        and is_view(like)
    ):
        text.copy(out, text.view(values[0], view_text(like, 1)))
        return True
    return False


def _with(like: Node, args: Any, kwargs: Any = None) -> Node:
    return Node(like.fn, args, kwargs or {}, like.index, like.shape, like.dtype, like.name, like.scope)


def _product(text: Any, many: list[bool], values: list[Any], out: Any, like: Node) -> bool:
    """Products of all steps with one matrix as one product."""
    a, b = values
    ranks = [len(text.shape(value)) - rows for value, rows in zip(values, many, strict=True)]
    if text.in_order and many == [True, False] and ranks == [1, 2]:
        text.product_into(
            text.view(a, f"{{}}.reshape({(-1, 1, text.shape(a)[-1])})"),
            b,
            text.view(out, f"{{}}.reshape({(-1, 1, out.shape[-1])})"),
        )
        return True
    if (
        not text.in_order
        and many == [True, False]
        and ranks[1] in (1, 2)
        and ranks[0] >= 1
        and (flat := text.flat(a)) is not None
    ):
        text.product_into(flat, b, text.flat(out, ranks[1]))
        return True
    if many == [False, True] and ranks == [2, 1]:
        text.product_into(b, text.view(a, "{}.T") if not isinstance(a, np.ndarray) else a.T, out)
        return True
    if ranks[0] >= 2 and ranks[1] >= 2 and max(ranks) == len(like.shape):
        text.product_into(
            *[text.lifted(v, max(ranks)) if rows else v for v, rows in zip(values, many, strict=True)], out
        )
        return True
    return False


def _along(text: Any, like: Node, values: list[Any], out: Any) -> bool:
    """Along an axis that is one further now."""
    rank = len(like.args[0].shape)
    axis = axis_of(like)
    if axis is None and like.fn in LAST:
        if "axis" in like.kwargs or like.fn is logsumexp:
            return False
        axis = -1
    if len(like.args) > 2 or like.kwargs.keys() - {"axis", "keepdims", "ddof"}:
        return False
    axes = range(rank) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    if not all(isinstance(a, (int, np.integer)) for a in axes) or (axis is None and like.fn in (np.argmax, np.argmin)):
        return False
    moved: Any = tuple([int(a) % rank + 1 for a in axes]) if rank else ()
    moved = moved[0] if len(moved) == 1 else moved
    if not rank:
        return False
    kwargs = {**like.kwargs, "axis": moved}
    text.into(_with(like, (values[0],), kwargs), (values[0],), out)
    return True
