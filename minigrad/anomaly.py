"""Where the first NaN or infinity came from.

A NaN is found at the end of a training run and made somewhere at its beginning. Inside ``with detect_anomaly():`` each
result, forward and backward, is looked at as soon as it exists, and the first that is not finite raises an error that
names the function, its arguments, the scopes that were open, and the line of code that made the call.

The engine knows nothing of this: `Context.watch` names someone to tell what happens, and here is someone who listens.
"""

from __future__ import annotations

import linecache
import os
import sys
import weakref
from collections.abc import Iterator
from types import FrameType
from typing import Any

import numpy as np

from minigrad.engine.context import Context, Within
from minigrad.engine.cotangents import dense
from minigrad.engine.tables import Function, name_of
from minigrad.engine.tensor import Tensor
from minigrad.engine.walk import propagate
from minigrad.scopes import Around

LIBRARIES = tuple(os.path.join(os.path.dirname(module), "") for module in (__file__, np.__file__))

_lines: dict[int, tuple[str, int, Any]] = {}  # file and line that made a tensor, by its index, as long as it lives


def detect_anomaly() -> Around:
    """Context manager and decorator: raise an error at the first NaN or infinity, and say where it was made.

    Wrap the forward and the backward pass in it; each thread has its own. It takes time (every number is looked at,
    every matrix product of a walk carried out at once), so use it to find a bug, not to run with.

    Raises
    ------
    FloatingPointError
        Names the function and its arguments, the scope, and the line ``file:line`` outside minigrad and NumPy that
        called it: in a backward pass, the line whose *forward* call is being differentiated.

    Examples
    --------
    The square root is finite at 0, its derivative is not:

    >>> x = Tensor([1.0, 0.0], requires_grad=True, name="x")
    >>> with np.errstate(divide="ignore"), detect_anomaly():
    ...     np.sqrt(x).sum().backward()
    Traceback (most recent call last):
    ...
    FloatingPointError: backward: sqrt(x (2,)) gave argument 0 the cotangent inf at [1]
      sqrt in scope '' at <doctest minigrad.anomaly.detect_anomaly[1]>:2: np.sqrt(x).sum().backward()
    """
    return Around(lambda outer: outer._replace(watch=Watch()))


class Watch:
    """Looks at everything that is made, and remembers the line that made it."""

    def made(self, tensor: Tensor, fn: Function, args: tuple[Any, ...]) -> None:
        """A result: of the forward pass, or of a walk that is itself recorded."""
        frames = list(_stack(sys._getframe(1)))
        index, caller = tensor.index, next((f for f in frames if not _library(f)), frames[-1])
        gone = weakref.ref(tensor, lambda _: _lines.pop(index, None))
        _lines[index] = caller.f_code.co_filename, caller.f_lineno, gone
        if any(frame.f_code is propagate.__code__ for frame in frames):
            return  # what a walk computes is looked at when it crosses an edge
        if bad := _bad(tensor.data):
            call = f"{name_of(fn)}({', '.join(map(_described, args))})"
            came = [str(i) for i, arg in enumerate(args) if isinstance(arg, (Tensor, np.ndarray, float)) and _bad(arg)]
            came_with = f", which came with argument {' and '.join(came)}" if came else ""
            raise FloatingPointError(f"forward: {call} gave {bad}{came_with}\n{_where(tensor, fn)}")

    def crossed(self, consumer: Tensor, position: int, share: Any) -> None:
        """A share of a cotangent, which the rule of ``consumer.fn`` made."""
        if bad := _bad(share):
            call = f"{name_of(consumer.fn)}({', '.join(map(_described, consumer.args))})"
            raise FloatingPointError(
                f"backward: {call} gave argument {position} the cotangent {bad}\n{_where(consumer, consumer.fn)}"
            )

    def reached(self, tensor: Tensor, cotangent: Any) -> None:
        """A whole cotangent. Its shares were finite, so their sum overflowed; or the walk was started with it."""
        if bad := _bad(cotangent):
            whose = f"the result of {name_of(tensor.fn)}" if tensor.fn else "the leaf"
            raise FloatingPointError(
                f"backward: {whose} {_described(tensor)} got the cotangent {bad}: its shares overflowed when added up,"
                f" or the walk was started with it\n{_where(tensor, tensor.fn)}"
            )


def _bad(value: Any) -> str:
    """The first number in ``value`` that is not finite, and its place; nothing if there is none."""
    with Within(lambda _: Context(recording=False)):
        value = dense(value)
    array = np.asarray(value.data if isinstance(value, Tensor) else value)
    if array.dtype.kind != "f" or np.isfinite(array).all():
        return ""
    place = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
    return f"{array[place]} at {list(place)}" if place else f"{array[()]}"


def _described(arg: Any) -> str:
    """An argument in a message: a tensor by its name and shape."""
    if isinstance(arg, (Tensor, np.ndarray)):
        return " ".join(filter(None, [getattr(arg, "name", None), str(arg.shape)]))
    return repr(arg)


def _where(tensor: Tensor, fn: Function | None) -> str:
    """The second line of a message: the scope, and the line of code."""
    file, line, _ = _lines.get(tensor.index, ("", 0, None))
    place = f"{file}:{line}: {linecache.getline(file, line).strip()}" if file else "a line outside of detect_anomaly()"
    return f"  {name_of(fn) if fn else 'made'} in scope {'/'.join(tensor.scope)!r} at {place}"


def calling_line() -> str:
    """The line ``file:line: code`` outside minigrad and NumPy that is being carried out; in there, if there is none."""
    frames = list(_stack(sys._getframe(2)))
    frame = next((f for f in frames if not _library(f)), frames[0])
    file, line = frame.f_code.co_filename, frame.f_lineno
    return f"{file}:{line}: {linecache.getline(file, line).strip()}"


def _stack(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _library(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(LIBRARIES)
