"""A recorded graph in words: what a node is called, how it was computed, and the whole as a tree for terminals.

The pictures of `operations` take their labels and tooltips from here, so that a node has one name wherever it is shown:
its own, the transpose of a named one's (``Wᵀ``), or its number in topological order, ``n7``.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.engine.calls import face, usual
from minigrad.engine.tables import Function, name_of
from minigrad.engine.tensor import Array, Tensor
from minigrad.graph import Graph, graph_of
from minigrad.pictures.style import clean, pretty, superscript
from minigrad.rules.networks import affine, preactivation

SIGNS: dict[Function | None, str] = {
    np.add: "+", np.subtract: "−", np.multiply: "×", np.divide: "÷", np.matmul: "@", np.power: "**",
    np.remainder: "%", np.floor_divide: "//",
}  # fmt: skip
"""Functions of two arguments that are written between them."""
WRITTEN: dict[Function | None, str] = {affine: "{} + {} @ {}", preactivation: "{} + {} @ {} + {} @ {}"}
"""How layers are written out."""
LONGEST = 24  # characters of a label, before it is cut
FEW = 2  # so many numbers of an array are written out
_DRAWN = "·"  # in a label, for an argument that is drawn


def names_in(graph: Graph) -> list[str]:
    """What each node of ``graph`` is called: no two the same, but for transposes of one tensor.

    Tensors that were given the same name are told apart by their age: W⁽¹⁾, W⁽²⁾.
    """
    given = [pretty(clean(tensor.name)) if tensor.name else "" for tensor in graph.nodes]
    often, counted, taken = Counter(given), Counter[str](), set(given)
    names: list[str] = []
    for number, tensor in enumerate(graph.nodes):
        name = given[number] or f"n{number}"
        if not tensor.name and _transposed(tensor) and tensor.args[0].name:
            name = f"{names[graph.numbers[tensor.args[0].index]]}ᵀ"
        elif often[name] > bool(tensor.name):
            plain = name
            while name in taken:
                counted[plain] += 1
                name = f"{plain}{superscript(counted[plain])}"
            taken.add(name)
        names.append(name)
    return names


def operation(tensor: Tensor, arrays: bool = True) -> str:
    """How the function that made ``tensor`` is written in short: ``+``, ``tanh``, ``× 2``, ``[0]``, ``maximum(·, 0)``.

    Numbers and options are part of it; with ``arrays`` the operands that are plain arrays too, and a dot stands for
    every one that is drawn.
    """
    fn, args, options = tensor.fn, tensor.args, _options(tensor)
    told = [_DRAWN if _drawn(arg, arrays) else written(arg) for arg in args]
    if fn is operator.getitem:
        return f"[{_DRAWN if _drawn(args[1], arrays) else _index(args[1])}]"
    if fn is np.negative:
        return "−"
    if fn in SIGNS and len(args) == 2 and not options:
        return " ".join(part for part in (told[0], SIGNS[fn], told[1]) if part != _DRAWN)
    name = "transpose" if fn is np.transpose else clean(name_of(fn))
    inside = [*([] if set(told) == {_DRAWN} else told), *options]
    return f"{name}({_listed(inside)})" if inside else name


def is_layer(tensor: Tensor) -> bool:
    """Whether it was made by a layer, of operands that all have names: its formula is short, and tells them apart."""
    named = (isinstance(a, Tensor) and (a.name or (_transposed(a) and a.args[0].name)) for a in tensor.args)
    return tensor.fn in WRITTEN and all(named)


def formula(tensor: Tensor, graph: Graph, names: Sequence[str]) -> str:
    """How ``tensor`` was computed from others: ``z₁ = n12 + b``. Empty for a leaf."""
    if tensor.fn is None:
        return ""
    args = [names[graph.numbers[a.index]] if isinstance(a, Tensor) else written(a) for a in tensor.args]
    name = names[graph.numbers[tensor.index]]
    if tensor.fn in SIGNS and len(args) == 2:
        return f"{name} = {args[0]} {SIGNS[tensor.fn]} {args[1]}"
    if tensor.fn in WRITTEN:
        return f"{name} = {WRITTEN[tensor.fn].format(*args)}"
    if tensor.fn is operator.getitem:
        return f"{name} = {args[0]}[{_index(tensor.args[1])}]"
    return f"{name} = {clean(name_of(tensor.fn))}({_listed([*args, *_options(tensor)])})"


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


def in_short(array: Array) -> str:
    """The numbers of a vector, if they are few, to two digits; otherwise nothing."""
    if array.ndim != 1 or not 0 < array.size <= FEW or array.dtype.kind not in "fiub":
        return ""
    return f"[{', '.join(f'{n:.2g}' if isinstance(n, float) else str(n) for n in array.tolist())}]"


def ordinal(number: int) -> str:
    """``2nd``."""
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if number // 10 % 10 == 1 else ending}"


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


def operand(argument: Any) -> bool:
    """Whether an argument that is no tensor is an array, rather than a number or an option."""
    return isinstance(argument, np.ndarray) and argument.ndim > 0


def _options(tensor: Tensor) -> list[str]:
    """Those that have not their default value."""
    defaults = face(tensor.fn)[0] if tensor.kwargs else {}
    return [f"{key}={written(value)}" for key, value in tensor.kwargs.items() if not usual(key, value, defaults)]


def _drawn(argument: Any, arrays: bool) -> bool:
    return isinstance(argument, Tensor) or (not arrays and operand(argument))


def _transposed(tensor: Tensor) -> bool:
    return tensor.fn is np.transpose and tensor.ndim == 2 and len(tensor.args) + len(tensor.kwargs) == 1


def _listed(parts: Sequence[str]) -> str:
    if len(parts) > 6:
        parts = [*parts[:3], f"… {len(parts) - 4} more …", parts[-1]]
    return ", ".join(parts)


def _index(index: Any) -> str:
    return ", ".join(map(written, index)) if isinstance(index, tuple) and index else written(index)


def written(value: Any) -> str:
    """An argument that is no tensor, in few characters, the same on every run (so without addresses)."""
    if isinstance(value, slice):
        ends = ["" if end is None else written(end) for end in (value.start, value.stop)]
        return ":".join(ends if value.step is None else [*ends, written(value.step)])
    if isinstance(value, np.ndarray):
        if value.ndim == 0 and value.dtype.kind in "fiub":
            return written(value.item())
        few = value.ndim == 1 and 0 < value.size <= FEW and value.dtype.kind in "fiub"
        return f"[{', '.join(map(written, value.tolist()))}]" if few else f"array {'×'.join(map(str, value.shape))}"
    if isinstance(value, (bool, np.bool_)) or value is None:
        return str(value)
    if isinstance(value, (float, np.floating)):
        return f"{value:.4g}"
    if value is Ellipsis:
        return "..."
    if isinstance(value, (tuple, list)):
        inner = _listed([written(each) for each in value])
        return f"[{inner}]" if isinstance(value, list) else f"({inner}{',' * (len(value) == 1)})"
    if isinstance(value, (int, np.integer)):
        return str(value) if abs(int(value)) < 10**12 else "a large number"
    if isinstance(value, str):
        return repr(clean(value))
    return clean(name_of(value) if callable(value) else type(value).__name__)
