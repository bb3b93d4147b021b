"""What a pullback has to be besides right: linear, repeatable, of its argument's shape and dtype, without side effects.

Mistakes of this kind leave the numbers right in a small test and wrong in a network: a gradient that is a view of a
parameter, a buffer used twice, float32 that comes back as float64.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from minigrad.containers import leaves, mapped
from minigrad.engine.tensor import Array, Tensor
from minigrad.testing.exact import Scaled, compared
from minigrad.testing.line import silence
from minigrad.testing.problem import Problem, all_finite, is_float, scaled
from minigrad.testing.verdict import FACTORS

__tracebackhide__ = True  # pytest shows no line of this file where a user's test fails

RTOL = 1e-8  # linearity, in float64
EPS32 = float(np.finfo(np.float32).eps)
TIES32 = 1e-5  # of the arguments' size
SINGLE = 4096 * EPS32  # what float32 may cost, of the size of a slope: cancellation is no mistake


class Clause(NamedTuple):
    """One promise, and the way in which it is broken; empty if it is kept."""

    promise: str
    broken: str


def contract(problem: Problem, dtypes: Sequence[Any], rng: np.random.Generator) -> Iterator[Clause]:
    """Check every promise at the point of ``problem``; that dtypes are kept, in each of ``dtypes``.

    The memory of a returned cotangent may be that of the cotangent passed in (the rule of ``a + b`` is ``(g, g)``): an
    engine that keeps gradients has to copy them. It may not be that of an argument, or of an earlier call's result.
    """
    y = problem.y
    w, u = (
        mapped(lambda leaf: rng.uniform(0.5, 1.0, leaf.shape) * rng.choice([-1, 1], leaf.shape), y) for _ in range(2)
    )
    usual = cache(lambda: [(path, x, np.array(g)) for path, x, g in _each(problem, w)])
    promises: list[tuple[str, Callable[[], str]]] = [
        ("shape and dtype are the argument's", lambda: _kept(problem, dtypes, w)),
        ("nothing is written to", lambda: _mutated(problem, w)),
        ("memory is not an argument's, nor an earlier result's", lambda: _aliased(problem, w)),
        ("twice gives the same", lambda: _repeated(problem, w, usual())),
        ("zero gives exactly zero", lambda: _zero(problem, w, usual())),
        ("float32 gives the same", lambda: _single(problem, w)),
        ("linear in the cotangent", lambda: _nonlinear(problem, w, u, usual())),
        ("memory layout does not matter", lambda: _layout(problem, w, usual())),
        ("one array may be given twice", lambda: _given_twice(problem, w)),
        ("numbers and empty arrays are taken too", lambda: _small(problem)),
    ]
    for promise, how in promises:
        try:
            broken = how()
        except PullbackError as error:
            broken = str(error)
        yield Clause(promise, broken)


Usual: TypeAlias = list[tuple[str, Array, Array]]
"""Of each array that is differentiated by, how one writes it, its numbers, and its cotangent."""


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


def _repeated(problem: Problem, w: Any, usual: Usual) -> str:
    for (path, _, g), (_, _, h) in zip(usual, _each(problem, w), strict=True):
        rounding = 1e-9 * _largest(g)  # additions may change their order
        if not np.allclose(g, h, rtol=1e-9, atol=rounding, equal_nan=True):
            return f"a second call gave another cotangent of {path}: something is remembered, and stale"
    return ""


def _zero(problem: Problem, w: Any, usual: Usual) -> str:
    """Where the pullback is finite: 0 times an infinite derivative is no number."""
    for (path, _, g), (_, _, ordinary) in zip(_each(problem, mapped(np.zeros_like, w)), usual, strict=True):
        wrong = g[np.isfinite(ordinary) & (g != 0)] if g.shape == ordinary.shape else g
        if np.any(wrong):
            largest = float(np.max(np.abs(wrong)))
            return f"a cotangent of zeros gave {path} {largest:.3g}: the upstream cotangent is ignored, or added to"
    return ""


def _nonlinear(problem: Problem, w: Any, u: Any, usual: Usual) -> str:
    others = iter(leaves(u))
    both = mapped(lambda a: 2.0 * a - 3.0 * next(others), w)
    value = _largest(w) * _largest(problem.y)
    for place, ((path, x, g), g_u, g_both) in enumerate(zip(usual, _all(problem, u), _all(problem, both), strict=True)):
        of_w, of_u, of_both = (partial(_scaled, problem, cotangent, place) for cotangent in (w, u, both))
        # Where the terms of a cotangent cancel, rounding is left: some 1e-16 of w y / x, the size of the terms.
        size = _largest(g) + _largest(g_u) + 1e-5 * value / (_largest(x) or 1.0)
        once = g_both, 2.0 * g - 3.0 * g_u
        if compared(of_both, _combined(of_w, of_u), size, RTOL, once) == "fail":
            return f"the cotangent of {path} is not linear: P(2w − 3u) is not 2 P(w) − 3 P(u)"
    return ""


def _all(problem: Problem, w: Any, args: Sequence[Any] | None = None) -> list[Array]:
    """The cotangents of all arguments."""
    return [np.array(g, np.float64) for _, _, g in _each(problem, w, args)]


def _scaled(problem: Problem, w: Any, place: int, factor: float) -> Array:
    """P(λw)/λ, of the argument at one place."""
    scaled_once: Array = _all(problem, scaled(w, factor))[place] / factor
    return scaled_once


def _combined(of_w: Scaled, of_u: Scaled) -> Scaled:
    return lambda factor: 2.0 * of_w(factor) - 3.0 * of_u(factor)


def _single(problem: Problem, w: Any) -> str:
    """The cotangent in float32 is that in float64 at the same numbers, but for what float32 costs.

    That is measured: by scaling the cotangent, and by moving the arguments in their last place.
    """
    there = problem.in_dtype(np.float32)
    try:
        y, exact = there.value(), there.in_dtype(np.float64).value()
    except Exception:  # it is not meant for float32
        return ""
    if any(leaf.dtype != np.float32 for leaf in leaves(y)):
        return ""
    if not all_finite((y, exact)):
        return ""
    lost = max(
        (_largest(a - b) / (_largest(b) or 1.0) for a, b in zip(leaves(y), leaves(exact), strict=True)), default=0.0
    )
    w = _cast(w, y)
    try:
        found = _all(there, w)
    except PullbackError:  # nor is the pullback; where it should be, its dtype has been asked for
        return ""
    double = list(_each(there.in_dtype(np.float64), _cast(w, exact)))  # the same numbers
    for place, ((path, x, g), single) in enumerate(zip(double, found, strict=True)):
        reach = _largest(x) or 1.0
        allowed = (SINGLE + 64 * lost) * max(_largest(g), _largest(w) * _largest(exact) / reach)
        allowed += EPS32 * _largest(w) / reach  # of what may have been a difference of ones
        if single.shape != g.shape or np.all(_off(single, g) <= allowed):
            continue
        nudged = [there, *(there.at(_nudged(there.args, seed)) for seed in range(4))]
        samples = np.stack([_scaled(at, w, place, factor) for factor in FACTORS for at in nudged])
        near = np.stack([_scaled(there.at(_nudged(there.args, seed, TIES32)), w, place, 1.0) for seed in range(4)])
        rounding = np.maximum(
            10 * _range(samples), _range(near)
        )  # where values tie in float32, not far away they do not
        if not np.all(_off(single, g) <= allowed + rounding):
            worst = np.unravel_index(int(np.argmax(_off(single, g))), g.shape)
            return f"in float32 the cotangent of {path} is {single[worst]:.6g} where float64 gives {g[worst]:.6g}"
    return ""


def _nudged(args: tuple[Any, ...], seed: int, share: float = 0.0) -> Any:
    """Every number moved by its last place, or by a share of the largest, at random up or down."""
    rng = np.random.default_rng(seed)

    def nudged(x: Any) -> Any:
        if not is_float(x):
            return x
        step = share * (_largest(x) or 1.0) if share else EPS32 * x
        return np.asarray(x + step * rng.choice([-1, 1], np.shape(x)), np.asarray(x).dtype)[()]

    return mapped(nudged, args)


def _range(samples: Array) -> float:
    """The largest difference between samples of the same number."""
    return float(np.max(np.nan_to_num(np.ptp(samples, axis=0)), initial=0.0))


def _off(single: Array, exact: Array) -> Array:
    """How far off, where both are numbers that float32 holds."""
    held = np.isfinite(single) & np.isfinite(exact)
    return np.where(held, np.abs(np.where(held, single, 0.0) - np.where(held, exact, 0.0)), 0.0)


def _given_twice(problem: Problem, w: Any) -> str:
    """One and the same array in the place of two arguments gives what two copies of it give."""
    args, wrt = problem.args, problem.wrt
    arrays = [i for i in wrt if isinstance(args[i], np.ndarray)]
    same = [i for i in arrays if args[i].shape == args[arrays[0]].shape]
    if len(same) < 2:
        return ""
    there = problem.at([args[same[0]] if i in same else arg for i, arg in enumerate(args)])
    try:
        y = there.value()
        apart = [np.array(g) for _, _, g in _each(there, _like(w, y))]
    except Exception:  # not a point at which this can be computed
        return ""
    one = there.copies()
    together = list(_each(there, _like(w, y), [one[same[0]] if i in same else arg for i, arg in enumerate(one)]))
    for (path, _, g), right in zip(together, apart, strict=True):
        if not np.allclose(g, right, rtol=1e-7, atol=1e-7 * _largest(right), equal_nan=True):
            return f"where one array is given twice the cotangent of {path} is another one than for two copies"
    return ""


def _like(w: Any, y: Any) -> Any:
    """Weights for another value: the same where it has the same shape."""
    shapes = [np.shape(leaf) for leaf in leaves(y)]
    return w if [np.shape(leaf) for leaf in leaves(w)] == shapes else mapped(np.ones_like, y)


def _largest(tree: Any) -> float:
    """The largest absolute value of all numbers."""
    return max(
        (float(np.max(np.abs(leaf), initial=0.0, where=np.isfinite(leaf))) for leaf in leaves(tree)), default=0.0
    )


def _layout(problem: Problem, w: Any, usual: Usual) -> str:
    """Views of the arguments, and then one of the cotangent: each alone, as a rule may read both in one wrong order.

    Tensors hold copies, of which the column order is left: what rules meet inside of a graph is compared in `recorded`.
    """
    views = mapped(lambda x: _scattered(x) if is_float(x) else x, problem.args)

    def of_views(what: str, factor: float) -> list[Array]:
        if what == "arguments":
            return _all(problem, scaled(w, factor), views)
        return _all(problem, mapped(_scattered, scaled(w, factor)), problem.copies())

    def one_of_views(what: str, place: int, factor: float) -> Array:
        return of_views(what, factor)[place] / factor

    for what in ("arguments", "the cotangent"):
        try:
            found = of_views(what, 1.0)
        except PullbackError as error:
            return f"for views of {what} {error}"
        for place, ((path, _, g), h) in enumerate(zip(usual, found, strict=True)):
            ways = partial(_scaled, problem, w, place), partial(one_of_views, what, place)
            if g.shape != h.shape or compared(*ways, _largest(g), 1e-7, (g, h)) == "fail":
                return f"the cotangent of {path} is another one for views of {what}: the same numbers in another order"
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
    (y,) = leaves(problem.y) if len(leaves(problem.y)) == 1 else (np.zeros(0),)
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
