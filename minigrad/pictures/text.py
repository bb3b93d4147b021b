"""A recorded graph in words: what a node is called, how it was computed, and the whole as a tree for terminals.

The pictures of `operations` take their labels and tooltips from here, so that a node has one name wherever it is shown:
its own, the transpose of a named one's (``Wᵀ``), or its number in topological order, ``n7``.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.engine.tables import Function, name_of
from minigrad.engine.tensor import Array, Tensor
from minigrad.graph import Graph, graph_of
from minigrad.pictures.style import clean, pretty

SIGNS: dict[Function | None, str] = {
    np.add: "+", np.subtract: "−", np.multiply: "×", np.divide: "÷", np.matmul: "@", np.power: "**",
    np.remainder: "%", np.floor_divide: "//",
}  # fmt: skip
"""Functions of two arguments that are written between them."""
LONGEST = 24  # characters of a label, before it is cut


def names_in(graph: Graph) -> list[str]:
    """What each node of ``graph`` is called."""
    names: list[str] = []
    for number, tensor in enumerate(graph.nodes):
        name = pretty(clean(tensor.name)) if tensor.name else f"n{number}"
        if not tensor.name and _transposed(tensor):
            turned = tensor.args[0]
            name = f"{names[graph.numbers[turned.index]]}ᵀ" if turned.name else name
        names.append(name)
    return names


def operation(tensor: Tensor) -> str:
    """How the function that made ``tensor`` is written in short: ``+``, ``tanh``, ``× 2``, ``[0]``."""
    fn, args = tensor.fn, tensor.args
    if fn is operator.getitem:
        return f"[{_index(args[1])}]"
    if fn is np.negative:
        return "−"
    if fn not in SIGNS:
        return "transpose" if fn is np.transpose else clean(name_of(fn))
    sign = SIGNS[fn]
    if len(args) == 2 and np.isscalar(args[1]):
        return f"{sign} {_value(args[1])}"
    if len(args) == 2 and np.isscalar(args[0]):
        return f"{_value(args[0])} {sign}"
    return sign


def formula(tensor: Tensor, graph: Graph, names: Sequence[str]) -> str:
    """How ``tensor`` was computed from others: ``z₁ = n12 + b``. Empty for a leaf."""
    if tensor.fn is None:
        return ""
    args = [names[graph.numbers[a.index]] if isinstance(a, Tensor) else _value(a) for a in tensor.args]
    name = names[graph.numbers[tensor.index]]
    if tensor.fn in SIGNS and len(args) == 2:
        return f"{name} = {args[0]} {SIGNS[tensor.fn]} {args[1]}"
    if tensor.fn is operator.getitem:
        return f"{name} = {args[0]}[{_index(tensor.args[1])}]"
    options = [f"{key}={_value(value)}" for key, value in tensor.kwargs.items()]
    return f"{name} = {clean(name_of(tensor.fn))}({_listed([*args, *options])})"


def shape(tensor: Tensor) -> str:
    """``4×3``; nothing for a number."""
    return "×".join(map(str, tensor.shape))


def values(array: Array) -> str:
    """What is in an array, in a few words."""
    if array.size == 0:
        return "no values"
    if array.dtype.kind not in "fiub":
        return f"values of dtype {array.dtype}"
    if array.size == 1:
        return f"value {array.item():.4g}"
    finite = array[np.isfinite(array)]
    if not finite.size:
        return "no value is finite"
    strange = f", {array.size - finite.size} of {array.size} not finite" if finite.size < array.size else ""
    return f"values {finite.min():.3g} … {finite.max():.3g}{strange}"


def tree(output: Tensor | Sequence[Tensor], max_lines: int = 60) -> str:
    """The graph of ``output`` as an indented tree, for terminals: under each tensor stand its arguments.

    Parameters
    ----------
    output : Tensor or sequence of Tensor
        The roots.
    max_lines : int
        Of a larger tree only so many lines are shown, and a last one that says how many tensors are missing.

    Returns
    -------
    str
        A tensor that was shown before is not unfolded again: ``↑ n3`` refers to the line that begins with n3.

    Raises
    ------
    ValueError
        If there is no output, or ``max_lines`` is below 1.
    TypeError
        If an output is no tensor.

    Examples
    --------
    >>> x = Tensor(3.0, requires_grad=True, name="x")
    >>> y = x * x
    >>> print(tree(np.tanh(y) + y))
    n3 = n2 + n1
    ├─ n2 = tanh(n1)
    │  └─ n1 = x × x
    │     ├─ x, a leaf
    │     └─ ↑ x
    └─ ↑ n1
    """
    if max_lines < 1:
        raise ValueError(f"max_lines={max_lines} given: at least one line is needed")
    graph = graph_of(outputs_in(output))
    names, entering = names_in(graph), graph.arguments()
    lines: list[str] = []
    shown: set[int] = set()
    # What remains to be shown, the next one last: a node, what stands before it, and before what is below it.
    waiting = [(number, "", "") for number in reversed(graph.outputs)]
    while waiting and len(lines) < max_lines:
        number, before, below = waiting.pop()
        if number in shown:
            lines.append(f"{before}↑ {names[number]}")
            continue
        shown.add(number)
        lines.append(before + _line(graph, names, number))
        branches = [edge.source for edge in entering[number]]
        for i, source in enumerate(reversed(branches)):
            corner, line = ("├─ ", "│  ") if i else ("└─ ", "   ")
            waiting.append((source, below + corner, below + line))
    if missing := len(graph.nodes) - len(shown):
        lines.append(f"… {missing:,} more tensor{'s' * (missing > 1)}: tree(..., max_lines=...) shows them")
    return "\n".join(lines)


def outputs_in(output: Any) -> list[Tensor]:
    """``output`` as a list of tensors, or an error that says what was wrong with it."""
    outputs = [output] if isinstance(output, Tensor) else list(output) if isinstance(output, (list, tuple)) else None
    if outputs is None or not all(isinstance(each, Tensor) for each in outputs):
        wrong = output if outputs is None else next(each for each in outputs if not isinstance(each, Tensor))
        raise TypeError(
            f"a {type(wrong).__name__} has no recorded graph: pass a Tensor, or a list of them, that was computed from"
            " tensors with requires_grad=True"
        )
    if not outputs:
        raise ValueError("there is nothing to draw: the list of outputs is empty")
    return outputs


def _line(graph: Graph, names: Sequence[str], number: int) -> str:
    tensor = graph.nodes[number]
    words = formula(tensor, graph, names)
    if not words:
        words = f"{names[number]}, {'a leaf' if tensor.requires_grad else 'a constant'}"
    size = f"  ({shape(tensor)})" if tensor.shape else ""
    place = f"  [{clean('/'.join(tensor.scope))}]" if tensor.scope else ""
    return words + size + place


def _transposed(tensor: Tensor) -> bool:
    return tensor.fn is np.transpose and tensor.ndim == 2 and len(tensor.args) + len(tensor.kwargs) == 1


def _listed(parts: Sequence[str]) -> str:
    if len(parts) > 6:
        parts = [*parts[:3], f"… {len(parts) - 4} more …", parts[-1]]
    return ", ".join(parts)


def _index(index: Any) -> str:
    return ", ".join(map(_value, index)) if isinstance(index, tuple) and index else _value(index)


def _value(value: Any) -> str:
    """An argument that is no tensor, in few characters, the same on every run (so without addresses)."""
    if isinstance(value, slice):
        ends = ["" if end is None else _value(end) for end in (value.start, value.stop)]
        return ":".join(ends if value.step is None else [*ends, _value(value.step)])
    if isinstance(value, np.ndarray):
        return f"{value.item():.4g}" if value.ndim == 0 and value.dtype.kind == "f" else f"array {value.shape}"
    if isinstance(value, (bool, np.bool_)) or value is None:
        return str(value)
    if isinstance(value, (float, np.floating)):
        return f"{value:.4g}"
    if value is Ellipsis:
        return "..."
    if isinstance(value, (tuple, list)):
        inner = _listed([_value(each) for each in value])
        return f"[{inner}]" if isinstance(value, list) else f"({inner}{',' * (len(value) == 1)})"
    if isinstance(value, (int, np.integer)):
        return str(value) if abs(int(value)) < 10**12 else "a large number"
    if isinstance(value, str):
        return repr(clean(value))
    return clean(name_of(value) if callable(value) else type(value).__name__)
