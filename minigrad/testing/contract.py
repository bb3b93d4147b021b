"""What a pullback has to be besides right: linear, repeatable, of its argument's shape and dtype, without side effects.

Mistakes of this kind leave the numbers right in a small test and wrong in a network: a gradient that is a view of a
parameter, a buffer used twice, float32 that comes back as float64.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from minigrad.containers import leaves, mapped
from minigrad.engine.tensor import Array, Tensor
from minigrad.testing.numerical import silence
from minigrad.testing.problem import Problem, is_float

RTOL = 1e-8  # linearity, in float64


class Clause(NamedTuple):
    """One promise, and the way in which it is broken; empty if it is kept."""

    promise: str
    broken: str


def contract(problem: Problem, dtypes: Sequence[Any], rng: np.random.Generator) -> Iterator[Clause]:
    """Check every promise at the point of ``problem``; that dtypes are kept, in each of ``dtypes``.

    The memory of a returned cotangent may be that of the cotangent passed in (the rule of ``a + b`` is ``(g, g)``): an
    engine that keeps gradients has to copy them. It may not be that of an argument, or of an earlier call's result.
    """
    y = problem.value()
    w, u = (
        mapped(lambda leaf: rng.uniform(0.5, 1.0, leaf.shape) * rng.choice([-1, 1], leaf.shape), y) for _ in range(2)
    )
    promises: list[tuple[str, Callable[[], str]]] = [
        ("shape and dtype are the argument's", lambda: _kept(problem, dtypes, w)),
        ("nothing is written to", lambda: _mutated(problem, w)),
        ("memory is not an argument's, nor an earlier result's", lambda: _aliased(problem, w)),
        ("twice gives the same", lambda: _repeated(problem, w)),
        ("zero gives exactly zero", lambda: _zero(problem, w)),
        ("linear in the cotangent", lambda: _nonlinear(problem, w, u)),
        ("memory layout does not matter", lambda: _layout(problem, w)),
        ("numbers and empty arrays are taken too", lambda: _small(problem)),
    ]
    for promise, how in promises:
        try:
            broken = how()
        except PullbackError as error:
            broken = str(error)
        yield Clause(promise, broken)


class PullbackError(Exception):
    """The pullback raised an error where it had given a cotangent of other numbers, or of another layout."""


def _pulled(problem: Problem, w: Any, args: Sequence[Any]) -> tuple[Any, ...]:
    """What the pullback gives for just these arrays."""
    try:
        return problem.pull(w, args)
    except Exception as error:
        raise PullbackError(f"the pullback raised {type(error).__name__}: {error}") from error


def _each(problem: Problem, w: Any, args: Sequence[Any] | None = None) -> Iterator[tuple[str, Array, Array]]:
    """Each array among the arguments that is differentiated by, as one writes it, and its cotangent.

    The pullback gets copies unless ``args`` is given.
    """
    found = _pulled(problem, mapped(np.array, w), problem.copies()) if args is None else _pulled(problem, w, args)
    for i, k, path in problem.parts():
        cotangent = None if found[i] is None else leaves(found[i])[k]
        if cotangent is not None:
            raw = cotangent.data if isinstance(cotangent, Tensor) else cotangent
            yield path, np.asarray(leaves(problem.args[i] if args is None else args[i])[k]), np.asarray(raw)


def _kept(problem: Problem, dtypes: Sequence[Any], w: Any) -> str:
    for dtype in dtypes:
        there = problem.in_dtype(dtype)
        y = there.value()
        for path, x, g in _each(there, _cast(w, y)):
            if g.shape != x.shape:
                return f"{path} has shape {x.shape}, its cotangent {g.shape}"
            if g.dtype != x.dtype and all(leaf.dtype == x.dtype for leaf in leaves(y)):
                return f"{path} has dtype {x.dtype}, its cotangent {g.dtype}: a wrong dtype grows through a network"
    return ""


def _cast(w: Any, y: Any) -> Any:
    """Weights in the dtypes of what they weigh."""
    dtypes = iter([leaf.dtype for leaf in leaves(y)])
    return mapped(lambda weight: weight.astype(next(dtypes)), w)


def _mutated(problem: Problem, w: Any) -> str:
    args, given = problem.copies(), mapped(np.array, w)
    before = [np.array(leaf) for leaf in leaves((args, given))]
    _pulled(problem, given, args)
    for old, new in zip(before, leaves((args, given)), strict=True):
        if not np.array_equal(old, new, equal_nan=old.dtype.kind == "f"):
            return f"an array of shape {old.shape} was changed by the pullback: work on a copy"
    return ""


def _aliased(problem: Problem, w: Any) -> str:
    first, second = (list(_each(problem, mapped(np.array, w), problem.copies())) for _ in range(2))
    for path, _, g in first:
        for (owner, x, _), (_, _, later) in zip(first, second, strict=True):
            if np.shares_memory(g, x):
                return f"the cotangent of {path} is memory of {owner}: changing one changes the other; return a copy"
            if g.flags.writeable and np.shares_memory(g, later):
                return f"the cotangent of {path} is overwritten by the next call: return a new array"
    return ""


def _repeated(problem: Problem, w: Any) -> str:
    once, again = [(path, np.array(g)) for path, _, g in _each(problem, w)], list(_each(problem, w))
    for (path, g), (_, _, h) in zip(once, again, strict=True):
        if not np.array_equal(g, h, equal_nan=True):
            return f"a second call gave another cotangent of {path}: something is remembered, and stale"
    return ""


def _zero(problem: Problem, w: Any) -> str:
    for path, _, g in _each(problem, mapped(np.zeros_like, w)):
        if np.any(g):
            largest = float(np.max(np.abs(g)))
            return f"a cotangent of zeros gave {path} {largest:.3g}: the upstream cotangent is ignored, or added to"
    return ""


def _nonlinear(problem: Problem, w: Any, u: Any) -> str:
    others = iter(leaves(u))
    both = mapped(lambda a: 2.0 * a - 3.0 * next(others), w)
    value = _largest(w) * _largest(problem.value())
    calls = (_each(problem, cotangent) for cotangent in (both, w, u))
    for (path, x, g), (_, _, g_w), (_, _, g_u) in zip(*calls, strict=True):
        # Where the terms of a cotangent cancel, rounding is left: some 1e-16 of w y / x, the size of the terms.
        allowed = RTOL * (_largest(g_w) + _largest(g_u)) + 1e-13 * value / (_largest(x) or 1.0)
        if np.all(np.isfinite(g)) and not np.all(np.abs(g - (2.0 * g_w - 3.0 * g_u)) <= allowed):
            return f"the cotangent of {path} is not linear: P(2w − 3u) is not 2 P(w) − 3 P(u)"
    return ""


def _largest(tree: Any) -> float:
    """The largest absolute value of all numbers."""
    return max(
        (float(np.max(np.abs(leaf), initial=0.0, where=np.isfinite(leaf))) for leaf in leaves(tree)), default=0.0
    )


def _layout(problem: Problem, w: Any) -> str:
    """Views of the arguments, and then one of the cotangent: each alone, as a rule may read both in one wrong order.

    Tensors hold copies, of which the column order is left: what rules meet inside of a graph is compared in `checks`.
    """
    right = list(_each(problem, w))
    args = mapped(lambda x: _scattered(x) if is_float(x) else x, problem.args)
    for what, cotangent, point in (
        ("arguments", mapped(np.array, w), args),
        ("the cotangent", mapped(_scattered, w), problem.copies()),
    ):
        try:
            found = list(_each(problem, cotangent, point))
        except PullbackError as error:
            return f"for views of {what} {error}"
        if path := _first_other(right, found):
            return f"the cotangent of {path} is another one for views of {what}: the same numbers in another order"
    return ""


def _first_other(right: Sequence[Any], found: Sequence[Any]) -> str:
    """The first argument whose cotangent is another one, up to the order of additions; empty if there is none."""
    for (path, _, g), (_, _, h) in zip(right, found, strict=True):
        if g.shape != h.shape or not np.allclose(g, h, rtol=1e-7, atol=1e-7 * _largest(g), equal_nan=True):
            return str(path)
    return ""


def _scattered(x: Any) -> Array:
    """The same numbers in column order, backwards, at every second place of their memory."""
    x = np.asarray(x)
    wide = np.zeros([2 * n for n in x.shape], x.dtype, order="F")
    window: Array = wide[(*[slice(None, None, -2)] * x.ndim, ...)]  # type: ignore[arg-type]
    window[...] = x
    return window


def _small(problem: Problem) -> str:
    """Of an elementwise function, the same at the first number of each argument, and at none."""
    arrays = [np.asarray(x) for x in leaves(problem.args) if is_float(x)]
    (y,) = leaves(problem.value()) if len(leaves(problem.value())) == 1 else (np.zeros(0),)
    if y.size == 0 or any(x.ndim == 0 for x in arrays) or {x.shape for x in arrays} != {y.shape}:
        return ""
    for what, index in (("numbers", 0), ("empty arrays", slice(0))):
        there = problem.at([_firsts(arg, index) for arg in problem.args])
        try:
            with silence():
                y = there.value()
                found = list(_each(there, mapped(np.ones_like, y)))
        except Exception:  # made for other shapes: it says so, and gives nothing wrong
            continue
        if not isinstance(y, np.ndarray) or any(x.shape != y.shape for _, x, _ in found):
            continue
        wrong = [f"{path} {g.shape} for {x.shape}" for path, x, g in found if g.shape != x.shape]
        if wrong:
            return f"of {what} it gives the wrong shape: {', '.join(wrong)}"
    return ""


def _firsts(arg: Any, index: Any) -> Any:
    """Of every array its first number, or none."""

    def first(x: Any) -> Any:
        return np.array(np.ravel(x)[0] if index == 0 else x[index]) if is_float(x) else x

    return mapped(first, arg)
