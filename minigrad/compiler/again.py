"""Whether a call is like an earlier one, told at a glance.

`look` goes through everything that a function is given and uses, which takes as long as a small program. Most calls are
an earlier one with other numbers: the same function and modules, and arrays of the same shapes. If what was opened then
consists of the very same objects still, and the arrays and tensors in it are of the same shapes, `look` would find what
it found then.
"""

from __future__ import annotations

from dataclasses import dataclass
from operator import is_
from types import FunctionType
from typing import Any

import numpy as np

from minigrad.compiler.arguments import Found, Methods, global_names, inside, look, opened
from minigrad.engine.tensor import Tensor
from minigrad.module import Module

EMPTY = object()
"""What is in a cell of a closure that has not been filled."""


@dataclass(frozen=True)
class Sight:
    """A call: the program that it ran, and what to see again before that is run once more.

    Attributes
    ----------
    program : object
    found : list
        What `look` found, with gaps where the arguments' arrays go.
    places : tuple of (int, int)
        Those gaps, and which arguments go there.
    opened : tuple of (object, list)
        Functions, modules and containers, and what they consisted of.
    tensors, arrays : tuple
        Those in them, each with what it was like.
    """

    program: Any
    found: list[Any]
    places: tuple[tuple[int, int], ...]
    opened: tuple[tuple[Any, list[Any]], ...]
    tensors: tuple[tuple[Tensor, Any, Any, bool], ...]
    arrays: tuple[tuple[Any, Any, Any], ...]

    def filled(self, args: Any) -> list[Any] | None:
        """What `look` would find in a call with the same `outline`; nothing where it has to look."""
        for value, parts in self.opened:
            now = glance(value)
            if len(now) != len(parts) or not all(map(is_, now, parts)):
                return None
        for tensor, shape, dtype, asks in self.tensors:
            data = tensor._data
            if data.shape != shape or data.dtype != dtype:
                return None
            if tensor.requires_grad is not asks:
                return None
        for array, shape, dtype in self.arrays:
            if array.shape != shape or array.dtype != dtype:
                return None
        found = self.found.copy()
        for number, position in self.places:
            found[number] = args[position]
        return found


def outline(args: Any, kwargs: Any) -> Any:
    """What tells calls apart at first; nothing if they take more than arrays, modules and None."""
    if kwargs or any(type(arg) is not np.ndarray and arg is not None and not isinstance(arg, Module) for arg in args):
        return None
    return tuple([(arg.shape, arg.dtype) if type(arg) is np.ndarray else id(arg) for arg in args])


def sighted(f: Any, args: Any, program: Any) -> Sight:
    """A call that was made."""
    found = Found()
    seen: dict[int, int] = {}
    look(f, [], found, seen)
    places = []
    for position, arg in enumerate(args):
        if type(arg) is np.ndarray:
            places.append((len(found), position))
        look(arg, [], found, seen)
    for number, _ in places:
        found[number] = None
    tensors = [(t, t._data.shape, t._data.dtype, t.requires_grad) for t in found if type(t) is Tensor]
    arrays = [(a, a.shape, a.dtype) for a in found if isinstance(a, np.ndarray)]
    parts = tuple([(value, glance(value)) for value in inside([f, *args])])
    return Sight(program, found, tuple(places), parts, tuple(tensors), tuple(arrays))


def glance(value: Any) -> list[Any]:
    """What decides how `opened` opens it: the same objects, the same parts."""
    if type(value) is FunctionType:
        code, space = value.__code__, value.__globals__
        parts: list[Any] = [code, value.__defaults__, value.__kwdefaults__]
        for cell in value.__closure__ or ():
            try:
                parts.append(cell.cell_contents)
            except ValueError:
                parts.append(EMPTY)
        for name in global_names(code):
            parts.append(space.get(name))
        return parts
    if isinstance(value, Module):
        return [*vars(value), *vars(value).values()]
    if isinstance(value, Methods):
        return [part for cls in value.written for part in (*vars(cls), *vars(cls).values())]
    return opened(value)[1]
