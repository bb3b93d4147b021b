"""From a function to all calls that it made: it is run twice on stand-ins, which has to give the same program.

What is random, or depends on the clock, or was kept from the first run, makes the second one differ, and is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import numpy as np

from minigrad.compiler.arguments import exchanged, inside
from minigrad.compiler.held import Held
from minigrad.compiler.node import Node, Trace, leaves_in, same
from minigrad.compiler.traced import Open, Refused, Traced, Tracer, refuse
from minigrad.containers import Keeper, leaves, mapped
from minigrad.engine.context import Within
from minigrad.engine.tensor import Tensor

KEEPING = "which would be lost: return what the next call needs, and pass it to that call"
CONSTANTS = (np.ndarray, np.generic, int, float, complex, str, bytes, type(None))


class Names:
    """Notes what tensors the results become, for their names, and that none comes from elsewhere."""

    def __init__(self) -> None:
        self.first = Tensor(0.0).index
        self.made_: list[tuple[Node, Tensor, str]] = []

    def made(self, tensor: Tensor, fn: Any, args: tuple[Any, ...]) -> None:
        for arg in args:
            if type(arg) is Tensor and arg.index < self.first:
                what = f"{arg.name or 'a tensor'} {arg.shape}"
                raise refuse(f"{what} comes from outside: pass it, or the module that it belongs to, as an argument")
        data: Any = tensor._data
        if type(data) is Traced:
            self.made_.append((data.node, tensor, ""))

    def reached(self, tensor: Tensor, cotangent: Any) -> None:
        if type(cotangent) is Traced:
            self.made_.append((cotangent.node, tensor, "d"))

    def crossed(self, consumer: Tensor, position: int, share: Any) -> None:
        pass

    def give(self) -> None:
        """All nodes get their names."""
        for node, tensor, prefix in self.made_:
            if not node.name and node.fn is not None and tensor.name not in (None, "argument"):
                node.name, node.scope = f"{prefix}{tensor.name}", tensor.scope


def traced(
    f: Callable[..., Any], args: Any, kwargs: Any, found: Sequence[Any], names: Sequence[str]
) -> tuple[Trace, Any]:
    """What ``f(*args, **kwargs)`` does, in which `look` has ``found`` arrays; and the containers of what it returns.

    ``names`` are those of the arrays, or empty.
    """
    first, structure = once(f, args, kwargs, found, names)
    second, _ = once(f, args, kwargs, found, names, graded=False)
    _compare(first, second)
    return first, structure


def once(
    f: Callable[..., Any], args: Any, kwargs: Any, found: Sequence[Any], known: Sequence[str], graded: bool = True
) -> tuple[Trace, Any]:
    """What one run does; whether there are gradients on the tensors, or None, must not make a difference."""
    with Open() as tracer:
        names = Names()
        with Within(lambda outer: outer._replace(watch=names)):
            inputs: list[Node] = []
            new: list[Any] = []
            before: list[Traced | None] = []
            for each, name in zip(found, known, strict=True):
                traced = tracer.input(each._data if type(each) is Tensor else each)
                traced.node.name = getattr(each, "name", None) or name
                inputs.append(traced.node)
                new.append(Tensor(traced, each.requires_grad, each.name) if type(each) is Tensor else traced)
                before.append(tracer.input(each._data) if type(each) is Tensor and each.requires_grad else None)
                if before[-1] is not None and graded:
                    new[-1].grad = before[-1]
            made: dict[int, Any] = {}
            g, args, kwargs = exchanged((f, args, kwargs), iter(new), made)
            held = Held(inside([g, args, kwargs], closed=Keeper))
            try:
                result = g(*args, **kwargs)
            except ValueError as error:  # NumPy's own, of an array that was given what depends on values
                if isinstance(error.__cause__, Refused):
                    raise error.__cause__ from None
                raise
            finally:
                changed = held.put_back()
        if changed:
            raise Refused(f"mg.compile: {changed[0]} was changed, {KEEPING}")
        names.give()
        outputs = [_output(leaf) for leaf in leaves(result)]
        assigned: dict[tuple[int, str], Node] = {}
        cleared = []
        for number, tensor in enumerate(new):
            if type(tensor) is not Tensor:
                continue
            if tensor.requires_grad is not found[number].requires_grad:
                raise Refused(f"mg.compile: requires_grad of {tensor.name or 'a tensor'} was changed, {KEEPING}")
            if (node := _node(tensor._data, tracer)) is not inputs[number]:
                assigned[number, "data"] = _renamed(node, f"new_{inputs[number].name}")
            if tensor.grad is None and before[number] is not None:
                cleared.append((number, "grad"))
            elif (grad := cast(Any, tensor.grad)) is not before[number]:
                assigned[number, "grad"] = _node(grad, tracer)
        for number, keeper in enumerate(getattr(found, "keepers", ())):
            for name, value in made[id(keeper)].left().items():
                assigned[-1 - number, name] = _renamed(_node(value, tracer), f"new_{name}")
        ends = outputs, assigned, tracer.checks, tracer.lenient, tracer.asked, cleared
        trace = Trace(tracer.nodes, inputs, *ends, uneven=tracer.uneven)
        _anew(trace, {each.node for each in before if each is not None})
        return trace, _structure(result)


def _node(value: Any, tracer: Tracer) -> Node:
    """What was assigned; of a constant, one of its own at every run."""
    return value.node if type(value) is Traced else tracer.node(np.array, (value,), {}, np.asarray(value))


def _renamed(node: Node, name: str) -> Node:
    node.name = node.name or name
    return node


def _anew(trace: Trace, gradients: set[Node]) -> None:
    """Raise an error if something is made of the gradients that were there before."""
    needed = set(trace.wanted())
    for node in reversed(trace.nodes):
        if node in needed:
            needed.update(node.nodes)
    if not needed.isdisjoint(gradients):
        raise Refused(
            "mg.compile: gradients were added to those of the call before: call optimizer.zero_grad(), or"
            " model.zero_grad(), in the function before backward"
        )


def _structure(result: Any) -> Any:
    return mapped(lambda leaf: None, result)


def _output(leaf: Any) -> Any:
    """A node, or a constant."""
    if isinstance(leaf, Tensor):
        leaf = leaf._data
    if type(leaf) is Traced:
        return leaf.node
    if not isinstance(leaf, CONSTANTS):
        raise Refused(
            f"mg.compile: the function returned a {type(leaf).__name__}: return arrays, in containers if there are many"
        )
    return leaf


def _compare(one: Trace, two: Trace) -> None:
    """Raise an error unless both runs did the same."""
    if len(one.nodes) != len(two.nodes):
        raise Refused(f"mg.compile: two runs made {len(one.nodes)} and {len(two.nodes)} calls: {ADVICE}")
    for a, b in zip(one.nodes, two.nodes, strict=True):
        alike = a.fn == b.fn and a.shape == b.shape and a.dtype == b.dtype
        if not (alike and _alike(a.args, b.args) and _alike(a.kwargs, b.kwargs)):
            raise Refused(f"mg.compile: two runs differ at {a!r}: {ADVICE}")
    ends = [trace.outputs + list(trace.assigned.values()) for trace in (one, two)]
    if not _alike(*ends):
        raise Refused(f"mg.compile: two runs returned different numbers: {ADVICE}")


ADVICE = "what is random, or depends on the clock, has to be an argument"


def _alike(a: Any, b: Any) -> bool:
    """Whether the arguments of two calls are the same nodes, by number, and the same constants."""
    x, y = list(leaves_in(a)), list(leaves_in(b))
    return len(x) == len(y) and all(
        p.index == q.index if type(p) is Node and type(q) is Node else same(p, q) for p, q in zip(x, y, strict=True)
    )
