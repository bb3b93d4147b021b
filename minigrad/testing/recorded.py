"""Functions of tensors, as this package differentiates them, in the checker's terms; and what they promise besides.

A function of tensors has more doors than a pair of formulas: it is recorded or not, pushed forward or pulled back, its
arguments are differentiated alone or together, its outputs too, and it stands among other operations. All have to tell
the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from minigrad.containers import Parts, leaves, mapped
from minigrad.engine.tensor import Tensor
from minigrad.testing.comparison import Comparison
from minigrad.testing.exact import Scaled, compared
from minigrad.testing.judging import finite_only, weights
from minigrad.testing.problem import Problem, absolute, all_finite, as_array, inner, is_float, scaled, values
from minigrad.testing.report import Row, refused
from minigrad.testing.windows import EPS
from minigrad.transforms import jvp, vjp

__tracebackhide__ = True  # pytest shows no line of this file where a user's test fails

Function = Callable[..., Any]
CANCELLED = 1e-12  # of the terms ⟨w, f⟩: where slopes cancel, rounding of the values is left


def of_tensors(f: Function, args: tuple[Any, ...], wrt: tuple[int, ...]) -> Problem:
    """A function of tensors with the pullback that minigrad gives it."""

    def pullback(w: Any, *point: Any) -> tuple[Any, ...]:
        pulled = iter(gradient(f, w, wrt)(*point))
        return tuple(next(pulled) if i in wrt else None for i in range(len(point)))

    return Problem(f, pullback, args, wrt)


def with_modules(like: Any, given: Any) -> Any:
    """The containers ``given`` with a module in the place of every dict that stands for one in ``like``."""
    if isinstance(like, Parts):
        tensors = {name: x if isinstance(x, Tensor) else Tensor(x, requires_grad=True) for name, x in given.items()}
        return like.with_parameters(tensors)
    if isinstance(like, dict):
        return {key: with_modules(part, given[key]) for key, part in like.items()}
    if isinstance(like, (list, tuple)):
        parts = [with_modules(part, other) for part, other in zip(like, given, strict=True)]
        return type(like)(*parts) if hasattr(like, "_fields") else type(like)(parts)
    return given


def attempted(f: Function, problem: Problem) -> None:
    """Call ``f`` once as it will be called when it is differentiated: what it raises then is no fault of a gradient."""
    problem.value()
    vjp(of_some(f, problem.args, problem.wrt), *[problem.args[i] for i in problem.wrt])


def gradient(f: Function, w: Any, wrt: tuple[int, ...]) -> Function:
    """The function that computes the gradient of ⟨w, f⟩, itself differentiable."""
    return lambda *point: vjp(of_some(f, point, wrt), *[point[i] for i in wrt])[1](w)


def of_some(f: Function, args: Sequence[Any], wrt: Sequence[int]) -> Function:
    """``f`` as a function of some of its arguments, the others being ``args``."""

    def partial(*some: Any) -> Any:
        given = dict(zip(wrt, some, strict=True))
        return f(*[given.get(i, arg) for i, arg in enumerate(args)])

    return partial


def equal(
    name: str, of: str, left: Scaled, right: Scaled, size: float, rtol: float, ones: float, whole: bool = True
) -> Row:
    """Two ways to the same number, as a row of the report; ``whole`` is whether the function's value is finite."""
    once = float(left(1.0)), float(right(1.0))
    verdict = compared(left, right, size if np.isfinite(size) else 0.0, rtol, once, 8 * EPS * ones)
    if not whole and not np.isfinite(once).all():
        verdict = "inconclusive"
    kind: Any = {"fail": "wrong", "inconclusive": "noise" if np.isfinite(once).all() else "pole"}.get(verdict)
    told = {"noise": "so small that differences of ones hide it", "pole": "neither is finite here"}
    return Row(name, of, verdict, *once, 0.0, told.get(kind, ""), kind)


def adjoint(
    name: str,
    push: Callable[[Any], Any],
    pull: Callable[[Any], Any],
    w: Any,
    v: Any,
    rtol: float,
    rounding: float = 0.0,
    whole: bool = True,
) -> Row:
    """⟨w, J v⟩ = ⟨Jᵀw, v⟩, up to what rounding may do to the terms."""
    pushed, pulled = push(v), pull(w)
    size = float(inner(absolute(w), absolute(pushed))) + float(inner(absolute(pulled), absolute(v)))
    left = lambda factor: inner(pulled if factor == 1 else pull(scaled(w, factor)), v) / factor
    right = lambda factor: inner(w, pushed if factor == 1 else push(scaled(v, factor))) / factor
    return equal(name, "⟨w, Jv⟩ = ⟨Jᵀw, v⟩", left, right, size + rounding / rtol, rtol, total(w) * total(v), whole)


def forward(f: Function, comparison: Comparison, *, alone: bool) -> None:
    """What `minigrad.jvp` gives: against the numerical derivative or, cheaper, against the pullback."""
    problem, rng, name = comparison.problem, comparison.rng, f"{comparison.name}, forward"
    still = mapped(lambda x: np.zeros(np.shape(x)), problem.args)
    direction = tuple(weights(still[i], rng) if i in problem.wrt else still[i] for i in range(len(still)))
    chosen = [problem.args[i] for i in problem.wrt]

    def push(v: Any) -> Any:
        return values(jvp(of_some(f, problem.args, problem.wrt), chosen, [v[i] for i in problem.wrt])[1])

    try:
        pushed = push(direction)
    except Exception as error:
        comparison.results.add(*refused(name, error))
        return
    w = finite_only(weights(pushed, rng), problem.y)
    if alone:
        claimed = mapped(lambda a: np.where(a != 0, a, 0.0), w)
        slope = float(inner(claimed, pushed))
        line = leaves(direction)
        share = [slope * v / np.sum(np.concatenate([np.ravel(u * u) for u in line])) for v in line]
        row = replace(comparison, name=name).judged("all", w, line, share).row
        comparison.results.add(row, "the tangent is wrong")
    else:
        rounding = CANCELLED * float(inner(absolute(w), mapped(np.nan_to_num, absolute(problem.y))))
        whole = all_finite(problem.y)
        row = adjoint(name, push, problem.cotangents, w, direction, comparison.rtol, rounding, whole)
        comparison.results.add(row, "forward and reverse mode disagree")


def symmetric(f: Function, comparison: Comparison) -> None:
    """uᵀ H v = vᵀ H u for the Jacobian H of the gradient ``f``, the derivatives being exact."""
    problem, rng = comparison.problem, comparison.rng
    partial, chosen = of_some(f, problem.args, problem.wrt), [problem.args[i] for i in problem.wrt]
    u, v = (tuple(mapped(lambda x: weights(x, rng) if is_float(x) else x, arg) for arg in chosen) for _ in range(2))

    def times(direction: Any) -> Any:
        return values(jvp(partial, chosen, direction)[1])

    of_u, of_v = times(u), times(v)
    size = float(inner(absolute(of_u), absolute(v))) + float(inner(absolute(of_v), absolute(u)))
    size += 1e-4 * float(inner(absolute(u), absolute(values(partial(*chosen)))))  # a Hessian of nothing but rounding
    left = lambda factor: inner(of_u if factor == 1 else times(scaled(u, factor)), v) / factor
    right = lambda factor: inner(of_v if factor == 1 else times(scaled(v, factor)), u) / factor
    comparison.results.add(
        equal(
            comparison.name,
            "uᵀHv = vᵀHu",
            left,
            right,
            size,
            1e-8,
            total(u) * total(v),
            all_finite(values(partial(*chosen))),
        ),
        "the Hessian is not symmetric: what the second derivative walks back through is not the gradient's graph",
    )


def total(tree: Any) -> float:
    """Σ|a| of all numbers."""
    return float(sum(np.sum(np.abs(leaf)) for leaf in leaves(tree)))


def promises(f: Function, comparison: Comparison) -> Iterator[tuple[str, str]]:
    """What holds of functions of tensors besides: each promise, and how it is broken; empty if it is kept."""
    problem = comparison.problem
    y = problem.y
    w = finite_only(weights(y, comparison.rng), y)
    ways: list[tuple[str, Callable[[], str | None]]] = [
        ("the same value, recorded or not", lambda: _valued(f, problem, y)),
        ("each argument alone, and all together", lambda: _apart(f, problem, w)),
        ("each output alone", lambda: _outputs(f, problem, w)),
        ("shared arguments accumulate", lambda: _shared(f, problem, comparison)),
        ("the same among other operations", lambda: _among_others(f, problem, w)),
    ]
    for promise, how in ways:
        try:
            broken = how()
        except Exception as error:
            broken = f"{type(error).__name__} was raised: {error}"
        if broken is not None:
            yield promise, broken


def same(found: Any, right: Any, rtol: float = 1e-9) -> bool:
    """Whether two like containers hold the same numbers, up to rounding."""
    pairs = list(zip(leaves(found), leaves(right), strict=True))
    size = rtol * max((float(np.max(np.abs(b), initial=0.0, where=np.isfinite(b))) for _, b in pairs), default=0.0)
    return all(a.shape == b.shape and np.allclose(a, b, rtol, size, equal_nan=True) for a, b in pairs)


def _valued(f: Function, problem: Problem, y: Any) -> str:
    chosen = [mapped(lambda x: np.array(x) if is_float(x) else x, problem.args[i]) for i in problem.wrt]
    partial = of_some(f, problem.args, problem.wrt)
    still = mapped(lambda x: np.zeros(np.shape(x)), tuple(chosen))
    for how, found in (("recorded", vjp(partial, *chosen)[0]), ("in forward mode", jvp(partial, chosen, still)[0])):
        if not same(values(found), y):
            return f"{how} the function gives another value than on plain arrays: it asks what it is given"
    return ""


def _apart(f: Function, problem: Problem, w: Any) -> str | None:
    if len(problem.wrt) < 2:
        return None
    together = problem.cotangents(w)
    for i in problem.wrt:
        try:
            alone = of_tensors(f, problem.args, (i,)).cotangents(w)
        except Exception:  # NumPy does not hand on every option that is a tensor: that is said aloud, and wrong nowhere
            continue
        if not same(alone[i], together[i], 1e-7):
            return f"args[{i}] differentiated alone gets another gradient than together with the others"
    return ""


def _outputs(f: Function, problem: Problem, w: Any) -> str | None:
    if (count := len(leaves(w))) < 2:
        return None
    for k in range(count):
        numbers, one = iter(range(count)), of_tensors(_picked(f, k), problem.args, problem.wrt)
        others = mapped(lambda a, k=k, at=numbers: a if next(at) == k else np.zeros_like(a), w)  # type: ignore[misc]
        if not same(one.cotangents(leaves(w)[k]), problem.cotangents(others), 1e-7):
            return f"output {k} differentiated alone gives other gradients than with cotangents of zeros for the others"
    return ""


def _picked(f: Function, k: int) -> Function:
    return lambda *args: leaves(f(*args))[k]


def _shared(f: Function, problem: Problem, comparison: Comparison) -> str | None:
    """One tensor in the place of several arguments gets the sum of their gradients."""
    args, wrt = problem.args, problem.wrt
    arrays = [i for i in wrt if isinstance(args[i], np.ndarray)]
    same_shape = [i for i in arrays if args[i].shape == args[arrays[0]].shape]
    if len(same_shape) < 2:
        return None
    x = args[same_shape[0]]
    there = problem.at([x if i in same_shape else arg for i, arg in enumerate(args)])
    try:
        w = weights(there.value(), comparison.rng)
    except Exception:  # not a point at which this function can be computed
        return None
    cotangents = there.cotangents(w)
    apart = sum(cotangents[i] for i in same_shape)
    _, pullback = vjp(lambda x: f(*[x if i in same_shape else arg for i, arg in enumerate(args)]), x)
    (together,) = pullback(w)
    size = sum(np.max(np.abs(cotangents[i]), initial=0.0) for i in same_shape)
    good = bool(np.all(np.abs(np.asarray(together) - apart) <= 1e-9 * size)) or not np.all(np.isfinite(apart))
    return "" if good else "one tensor passed twice does not get the sum of both gradients"


def _among_others(f: Function, problem: Problem, w: Any) -> str:
    """Between operations that hand on views, reversed and column by column, the gradients are those that ``f`` has."""
    there = of_tensors(lambda *args: _turned(f(*_turned(args))), _in_rows(_turned(problem.args)), problem.wrt)
    if not same(_turned(there.value()), problem.y):
        return ""  # numbers so large that the last digit decides, which NumPy computes otherwise for other layouts
    try:
        found = _turned(there.cotangents(_in_rows(_turned(w))))
    except Exception as error:
        return f"where arguments and cotangents are views the pullback raised {type(error).__name__}: {error}"
    if not same(found, problem.cotangents(w), 1e-7):
        return "another gradient where arguments and cotangents are views: something is read in memory order"
    return ""


def _turned(tree: Any) -> Any:
    """Every array with its axes exchanged and reversed, as a view; twice, and all is as it was."""

    def turn(x: Any) -> Any:
        view: Any = np.flip(np.transpose(x)) if is_float(as_array(x)) else x
        return view

    return mapped(turn, tree)


def _in_rows(tree: Any) -> Any:
    """Copies that lie in memory row by row, whatever they were made of."""
    return mapped(lambda x: np.array(x, order="C") if is_float(x) else x, tree)
