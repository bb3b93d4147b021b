"""A function that is computed again on the way back, so that nothing of what happens inside is kept.

Memory is what reverse mode costs: every result waits until the walk comes back to it. Inside of a checkpoint nothing
waits. The function is called without being recorded and stands in the graph as one operation; when the walk arrives, it
is called again, recorded, and gone back through at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

import numpy as np

from minigrad.containers import leaves, mapped, twin
from minigrad.engine.context import recording
from minigrad.engine.standin import StandIn
from minigrad.engine.tables import defvjp, name_of
from minigrad.engine.tensor import Tensor, apply, record
from minigrad.engine.walk import gradients
from minigrad.module import Module


def checkpoint(f: Callable[..., Any], *used: Tensor | Module) -> Callable[..., Any]:
    """``f``, of whose insides nothing is remembered.

    Parameters
    ----------
    f : callable
        Of tensors, arrays, or nested dicts, lists and tuples of them; so is its value. It has to compute the same when
        it is called again: what is random in it needs a seed of its own.
    *used : Tensor or Module
        What ``f`` uses besides its arguments and a gradient is wanted for, such as the model whose method it is.

    Returns
    -------
    callable
        It takes what ``f`` takes, and its gradients are those of ``f``, to any order; one more call of ``f`` is their
        price. (Not in what `minigrad.compile` writes: a program computes it once, and keeps what it needs.)

    Raises
    ------
    TypeError
        On the way back, if ``f`` used a tensor that requires grad and was not named: its gradient would be lost.
    RuntimeError
        On the way back, if ``f`` gave other numbers than before.

    Examples
    --------
    >>> from minigrad import Tensor
    >>> x = Tensor([0.5, 1.0], requires_grad=True)
    >>> np.sum(checkpoint(lambda x: np.tanh(np.sin(x)))(x)).backward()
    >>> bool(np.allclose(x.grad, np.cos(x.data) / np.cosh(np.sin(x.data)) ** 2))
    True
    """
    named = [tensor for each in used for tensor in _tensors_of(each) if tensor.requires_grad]

    @wraps(f)
    def again(*args: Any) -> Any:
        moved = [leaf for leaf in leaves(args) if _is_float(leaf)]
        call = Call(f, args, named)
        return call.shaped(computed_again(*moved, *named, call=call))

    return again


def _tensors_of(used: Tensor | Module) -> Sequence[Tensor]:
    if isinstance(used, Module):
        return list(used.parameters().values())
    if isinstance(used, Tensor):
        return [used]
    raise TypeError(f"checkpoint(f, {used!r}): name the tensors, or modules, that f uses besides its arguments")


@dataclass(frozen=True, eq=False)
class Call:
    """A call of ``f`` with ``args``, that can be made again with other numbers, and tensors, in their places."""

    f: Callable[..., Any]
    args: tuple[Any, ...]
    used: list[Tensor]
    made: list[Any] = field(default_factory=list)  # the value's containers, a shape and dtype in each place

    def __call__(self, moved: Sequence[Any]) -> Any:
        numbers = iter(moved)
        return self.f(*mapped(lambda leaf: next(numbers) if _is_float(leaf) else leaf, self.args, twin))

    def flat(self, value: Any) -> Any:
        """All numbers of the value one after the other: an operation of the graph has one result."""
        arrays = mapped(_raw, value)
        for array in leaves(arrays):
            if array.dtype.kind != "f":
                raise TypeError(f"{name_of(self.f)} gave numbers of dtype {array.dtype}, which have no gradient")
        self.made[:] = [mapped(lambda array: _Place(array.shape, array.dtype), arrays)]
        return _strung(leaves(arrays))

    def shaped(self, flat: Any) -> Any:
        """The value, of its numbers one after the other."""
        pieces = iter(self.split(flat))
        return mapped(lambda _: next(pieces), self.made[0])

    def split(self, flat: Any) -> Iterator[Any]:
        """The arrays of the value."""
        start, places = 0, leaves(self.made[0])
        for place in places:
            size = int(np.prod(place.shape))
            part = flat if len(places) == 1 else flat[start : start + size]
            yield np.reshape(part, place.shape).astype(place.dtype)
            start += size


@dataclass(frozen=True)
class _Place:
    shape: tuple[int, ...]
    dtype: Any


def computed_again(*numbers: Any, call: Call) -> Any:
    """The value of a call, without its graph.

    No `primitive`: in a program that `minigrad.compile` writes it is not one call, of what ``f`` was given once.
    """
    if Tensor in map(type, numbers):
        return apply(computed_again, numbers, {"call": call})
    with recording(False):
        return call.flat(call(numbers[: len(numbers) - len(call.used)]))


def pulled_back(g: Any, y: Any, *primals: Any, call: Call) -> Sequence[Any]:
    """The cotangents of a call's arguments, and of what it used besides: recorded now, and gone back through."""
    nested = isinstance(g, Tensor)
    count = len(primals) - len(call.used)
    with recording(True):
        lifted = [record(np.positive, (p,)) if _asked(p) else Tensor(_raw(p), True) for p in primals[:count]]
        outputs = leaves(call(lifted))
    wrt = [*lifted, *call.used]
    _no_strays([y for y in outputs if isinstance(y, Tensor)], wrt, call.f)
    again = _strung([_raw(out) for out in outputs])
    if not isinstance(again, StandIn) and not np.array_equal(again, _raw(y), equal_nan=True):
        raise RuntimeError(
            f"{name_of(call.f)} gave other numbers when it was computed again: give what is random in it a seed"
        )
    pairs = [(out, c) for out, c in zip(outputs, call.split(g), strict=True) if _asked(out)]
    return gradients([out for out, _ in pairs], wrt, [c for _, c in pairs], create_graph=nested)


defvjp(computed_again, joint=pulled_back)


def _no_strays(outputs: Sequence[Tensor], known: Sequence[Tensor], f: Callable[..., Any]) -> None:
    """Every leaf that requires grad is reached through what is known."""
    seen, stack = {tensor.index for tensor in known}, list(outputs)
    while stack:
        tensor = stack.pop()
        if tensor.index in seen or not tensor.requires_grad:
            continue
        seen.add(tensor.index)
        if tensor.fn is None:
            raise TypeError(
                f"{name_of(f)} uses {tensor.name or 'a tensor'} {tensor.shape} besides its arguments, whose gradient"
                " would be lost: name it, or its module: checkpoint(f, model)"
            )
        stack += [argument for argument in tensor.args if isinstance(argument, Tensor)]


def _strung(arrays: Sequence[Any]) -> Any:
    """All numbers one after the other."""
    flat = [np.ravel(array) for array in arrays]
    return np.concatenate(flat) if len(flat) != 1 else flat[0]


def _is_float(leaf: Any) -> bool:
    return isinstance(leaf, (Tensor, np.ndarray, np.floating, float, StandIn)) and _raw(leaf).dtype.kind == "f"


def _asked(leaf: Any) -> bool:
    return isinstance(leaf, Tensor) and leaf.requires_grad


def _raw(leaf: Any) -> Any:
    value = leaf.data if isinstance(leaf, Tensor) else leaf
    return value if isinstance(value, StandIn) else np.asarray(value)
