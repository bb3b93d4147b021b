"""A function along a line through a point, x + t v: what numerical derivatives are taken of."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from minigrad.containers import leaves, mapped
from minigrad.engine.tensor import Array, Tensor

__tracebackhide__ = True  # pytest shows no line of this file where a user's test fails

SPREAD = 1e4  # numbers that differ by more than this factor are not moved by the same step
Function = Callable[..., Any]
Directions = list[Array | None]


class Line:
    """``f(*args)`` along ``tangents``, where parts of the arguments may be moved on their own.

    Attributes
    ----------
    groups : list of (list, float)
        The direction in parts that one step fits, as numbers of about one size are moved together; and how far each
        has to go to change the numbers by their own size.
    stuck : bool
        Whether some of the direction is about numbers that are not finite, and cannot be moved.
    """

    def __init__(self, f: Function, args: Sequence[Any], tangents: Sequence[Any]) -> None:
        self.f, self.args = f, tuple(args)
        self.point = [np.asarray(raw(x), np.float64)[()] if is_moved(x) else x for x in leaves(self.args)]
        given = leaves(tuple(tangents))
        shapes = [np.shape(v) for v in given], [np.shape(raw(x)) for x in self.point]
        if shapes[0] != shapes[1]:
            raise ValueError(f"tangents of shapes {shapes[0]} were given where {shapes[1]} are needed")
        self.direction: Directions = [
            np.asarray(v, np.float64) if is_moved(x) else None for x, v in zip(self.point, given, strict=True)
        ]
        self.stuck = False
        self.groups = list(self._groups())
        self.plain = all(isinstance(arg, (np.ndarray, np.generic)) for arg in self.args)
        self.value: Any = None

    def at(self, t: complex, direction: Directions | None = None) -> Array:
        """The value at x + t v, all of its numbers one after the other; NaN where the function raised an error."""
        direction = self.direction if direction is None else direction
        moved = [x if v is None else (x + t * v)[()] for x, v in zip(self.point, direction, strict=True)]
        try:
            numbers = iter(moved)
            self.value = self.f(*(moved if self.plain else mapped(lambda _: next(numbers), self.args)))
        except Exception:
            if self.value is None:
                raise  # at the point itself
            return np.full(sum(np.size(raw(y)) for y in leaves(self.value)), np.nan)  # a step left the domain
        if type(self.value) in (np.ndarray, np.float64) and self.value.dtype.kind == "f":
            return np.array(self.value, np.float64).reshape(-1)  # a copy: it may be a buffer that is used again
        flat = [np.array(raw(y)).reshape(-1) for y in leaves(self.value)]
        for y in flat:
            if y.dtype.kind != ("f" if t.imag == 0 else "c") and y.size:
                raise TypeError(
                    f"the function gave numbers of type {y.dtype}: only real floating-point ones have slopes"
                )
        return np.concatenate(flat) if flat else np.zeros(0)

    def along(self, direction: Directions) -> Callable[[float], Array]:
        """The same function of t alone, for a part of the direction."""
        return lambda t: self.at(t, direction)

    def _groups(self) -> Iterator[tuple[Directions, float]]:
        moved = [(np.ravel(x), np.ravel(v)) for x, v in zip(self.point, self.direction, strict=True) if v is not None]
        if not moved:
            return
        x, v = (np.concatenate(arrays) for arrays in zip(*moved, strict=True))
        left = (v != 0) & np.isfinite(x)
        self.stuck = bool(np.any((v != 0) & ~np.isfinite(x)))
        largest = float(np.max(np.abs(x[left]), initial=0.0)) or 1.0
        sizes = np.where(x == 0, largest, np.abs(x))  # 0 has no size of its own: it moves with the largest
        while np.any(left):
            top = float(np.max(sizes[left]))
            part = left & ~(sizes < top / SPREAD)
            yield self._unravelled(np.where(part, v, 0.0)), top / float(np.max(np.abs(v[part])))
            left &= ~part

    def _unravelled(self, flat: Array) -> Directions:
        """A direction's numbers in the shapes of the arguments, None for those that do not move."""
        ends = np.cumsum([0 if v is None else v.size for v in self.direction])
        pieces = np.split(flat, ends[:-1])
        return [
            None if v is None else np.reshape(piece, v.shape) for v, piece in zip(self.direction, pieces, strict=True)
        ]


@contextmanager
def silence() -> Iterator[None]:
    """The steps may leave a function's domain: what it says there is of no interest."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


def is_moved(x: Any) -> bool:
    """Whether this argument is moved: arrays of floating-point numbers and floats are."""
    return np.asarray(raw(x)).dtype.kind == "f"


def raw(x: Any) -> Any:
    return x.data if isinstance(x, Tensor) else x
