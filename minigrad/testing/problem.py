"""What is checked: a function, its claimed pullback, and a point. Everything else in the checker is in these terms.

A function of tensors, a pair of NumPy functions, and the gradient of either, are all brought into this one form. From
here on nothing knows tensors any more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from minigrad.containers import leaves, mapped
from minigrad.engine.tensor import Array, Tensor
from minigrad.testing.numerical import Estimate, numerical_jvp

__tracebackhide__ = True  # pytest shows no line of this file where a user's test fails


class NoQuestion(TypeError):
    """What was asked has no answer, at any point."""


def values(tree: Any) -> Any:
    """The same containers with arrays in them: the data of tensors, numbers as arrays of no dimensions."""
    return mapped(lambda leaf: np.asarray(leaf.data if isinstance(leaf, Tensor) else leaf), tree)


def is_float(leaf: Any) -> bool:
    """Whether a derivative by this makes sense."""
    return bool(np.asarray(leaf).dtype.kind == "f")


@dataclass(frozen=True)
class Problem:
    """A function, its claimed pullback, and the point at which they are compared.

    Attributes
    ----------
    forward : callable
        ``forward(*args)``: arrays, or containers of them.
    pullback : callable
        ``pullback(cotangent, *args)``: a tuple with the cotangent of each argument, in its containers; None for zero.
    args : tuple
        Arrays, or containers of them.
    wrt : tuple of int
        The arguments by which it is differentiated.
    """

    forward: Callable[..., Any]
    pullback: Callable[..., Any]
    args: tuple[Any, ...]
    wrt: tuple[int, ...]

    def at(self, args: Sequence[Any]) -> Problem:
        """The same at another point."""
        return replace(self, args=tuple(args))

    def in_dtype(self, dtype: Any) -> Problem:
        """The same with all floating-point arguments in ``dtype``."""
        return self.at(mapped(lambda x: np.asarray(x).astype(dtype) if is_float(x) else x, self.args))

    def value(self) -> Any:
        """``forward(*args)`` as arrays."""
        return values(self.forward(*self.copies()))

    @cached_property
    def y(self) -> Any:
        """The same, computed when it is first asked for."""
        return mapped(np.array, self.value())

    def copies(self) -> tuple[Any, ...]:
        """The arguments for somebody who might write to them."""
        return tuple(mapped(lambda x: np.array(x)[()] if is_float(x) else x, self.args))

    def cotangents(self, w: Any) -> tuple[Any, ...]:
        """The claimed cotangents of all arguments, as arrays in the containers of the arguments; None became zeros."""
        found = self.pull(mapped(np.array, w), self.copies())
        if len(found) != len(self.args):
            raise ValueError(f"the pullback gave {len(found)} cotangents for {len(self.args)} arguments")
        return tuple(_filled(g, x) for g, x in zip(found, self.args, strict=True))

    def pull(self, w: Any, args: Sequence[Any]) -> tuple[Any, ...]:
        """What the pullback gives for just these arrays; pass copies where it must not matter if it writes to them."""
        found = self.pullback(w, *args)
        return found if isinstance(found, tuple) else (found,)

    def slope(self, w: Any, direction: Sequence[Any]) -> Estimate:
        """The numerical derivative of ⟨w, forward⟩ along a direction."""

        def weighted(*args: Any) -> Any:
            return inner(w, values(self.forward(*args)))

        estimate: Estimate = numerical_jvp(weighted, self.args, direction)
        return estimate

    def parts(self) -> Iterator[tuple[int, int, str]]:
        """What can be differentiated by: the number of an argument, of an array in it, and how one writes that."""
        for i in self.wrt:
            paths = list(_paths(self.args[i]))
            for k, (leaf, path) in enumerate(zip(leaves(self.args[i]), paths, strict=True)):
                if is_float(leaf):
                    yield i, k, f"args[{i}]{path}"

    def direction(self, argument: int, leaf: int, v: Array) -> tuple[Any, ...]:
        """``v`` for one array of one argument, and zeros for all others."""
        return self.directions({(argument, leaf): v})

    def directions(self, given: dict[tuple[int, int], Array]) -> tuple[Any, ...]:
        """The same for several arrays, by the numbers of their argument and of the array in it."""

        def placed(i: int, arg: Any) -> Any:
            numbers = iter(range(len(leaves(arg))))
            return mapped(lambda x: given[at] if (at := (i, next(numbers))) in given else np.zeros(np.shape(x)), arg)

        return tuple(placed(i, arg) for i, arg in enumerate(self.args))


def checked(args: Sequence[Any], wrt: Sequence[int] | None) -> tuple[tuple[Any, ...], tuple[int, ...]]:
    """The arguments as float64 arrays, and which of them are checked."""
    if not isinstance(args, (tuple, list)):
        raise TypeError(f"args is of type {type(args).__name__}: pass the arguments as a tuple, (x,) for a single one")
    point = tuple(mapped(_as_float64, arg) for arg in args)
    differentiable = [i for i, arg in enumerate(point) if any(is_float(leaf) for leaf in leaves(arg))]
    if wrt is None:
        positions = tuple(i for i in differentiable if all(is_float(leaf) for leaf in leaves(point[i])))
    else:
        positions = tuple(wrt)
    for i in positions:
        if i not in differentiable:
            raise ValueError(
                f"wrt names argument {i}: there are {len(point)}, with floating-point numbers in {differentiable}"
            )
    if not positions:
        raise TypeError("nothing to check: no argument holds floating-point numbers (write 1.0, not 1)")
    return point, positions


def dtype_of(args: Sequence[Any]) -> Any:
    """float32 if that is what floating-point arguments are given in."""
    kinds = {np.asarray(as_array(leaf)).dtype for leaf in leaves(tuple(args)) if is_float(as_array(leaf))}
    return np.dtype(np.float32 if kinds == {np.dtype(np.float32)} else np.float64)


def as_array(leaf: Any) -> Any:
    return leaf.data if isinstance(leaf, Tensor) else leaf


def _as_float64(leaf: Any) -> Any:
    leaf = as_array(leaf)
    return np.array(leaf, np.float64) if is_float(leaf) else leaf


def inner(a: Any, b: Any) -> Any:
    """⟨a, b⟩ over all arrays of two like containers."""
    return sum(
        (np.sum(np.asarray(x) * np.asarray(y)) for x, y in zip(leaves(a), leaves(b), strict=True)), start=np.float64(0)
    )


def scaled(tree: Any, factor: float) -> Any:
    """All floating-point numbers times a factor, in their own precision."""
    return mapped(lambda x: x * np.asarray(x).dtype.type(factor) if is_float(x) else x, tree)


def all_finite(tree: Any) -> bool:
    """Whether all numbers are."""
    return all(np.all(np.isfinite(leaf)) for leaf in leaves(tree))


def absolute(tree: Any) -> Any:
    """The sizes of all numbers."""
    return mapped(np.abs, tree)


def _filled(cotangent: Any, arg: Any) -> Any:
    """A cotangent in the containers of its argument, with zeros for None and for what has no derivative."""
    if cotangent is None:
        return mapped(lambda x: np.zeros(np.shape(x), np.asarray(x).dtype if is_float(x) else float), arg)
    given = iter(_matching(cotangent, arg))
    return mapped(lambda x: np.zeros(np.shape(x)) if (g := next(given)) is None or not is_float(x) else values(g), arg)


def _matching(cotangent: Any, arg: Any) -> list[Any]:
    found = leaves(cotangent)
    if len(found) != len(leaves(arg)):
        raise ValueError(f"a cotangent of {len(found)} arrays was given for an argument of {len(leaves(arg))}")
    return found


def _paths(tree: Any) -> Iterator[str]:
    """How one writes each leaf of a container: ``["W"][0]``."""
    if isinstance(tree, dict):
        items: Any = ((f"[{key!r}]", value) for key, value in tree.items())
    elif isinstance(tree, tuple) and hasattr(tree, "_fields"):
        items = ((f".{name}", value) for name, value in zip(tree._fields, tree, strict=True))
    elif isinstance(tree, (list, tuple)):
        items = ((f"[{i}]", value) for i, value in enumerate(tree))
    else:
        yield ""
        return
    for here, value in items:
        for path in _paths(value):
            yield here + path
