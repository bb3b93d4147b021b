"""Is this gradient right? Pass, fail, or inconclusive, with the reason.

A gradient g is compared with the function itself: along a random direction v, ⟨g, v⟩ has to be the function's numerical
derivative, whose error bar is known (`numerical`). If it is not, bisection finds the element to blame (`localize`), the
numbers are searched for the traces of common mistakes (`hints`), and the report holds what is needed to see it again.
What a pullback has to be besides right is in `contract`.

Three verdicts, since two would lie: where the numerical derivative is itself uncertain, or where there is none (at a
kink), nothing has been shown, and a checker that says "pass" or "fail" there is wrong in one case or the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from minigrad.containers import leaves, mapped
from minigrad.testing.comparison import DIRECTIONS, NOTHING, Comparison, Results, elsewhere, weights
from minigrad.testing.contract import contract as clauses
from minigrad.testing.problem import Problem, as_array, checked, dtype_of, inner, is_float, values
from minigrad.testing.report import GradReport, Row, raised, report_of, reproducer
from minigrad.transforms import jvp, vjp

RTOL = 1e-9  # of the sum of the sizes of all terms: what rounding may cost the claimed gradient, in float64


def check_grads(
    f: Callable[..., Any],
    args: Sequence[Any],
    kwargs: dict[str, Any] | None = None,
    *,
    order: int = 2,
    wrt: Sequence[int] | None = None,
    method: Literal["auto", "reverse", "forward"] = "auto",
    rtol: float = RTOL,
    seed: int = 0,
    directions: int = DIRECTIONS,
    contract: bool = True,
) -> GradReport:
    """Check the gradients of a function of tensors; like `grad_report`, but a wrong one is an error.

    Parameters
    ----------
    f, args, kwargs, order, wrt, method, rtol, seed, directions, contract
        As for `grad_report`.

    Returns
    -------
    GradReport
        Which is false if nothing could be told.

    Raises
    ------
    GradCheckError
        If the verdict is "fail". "inconclusive" does not raise: look at the ``verdict`` where that matters.

    Examples
    --------
    >>> W = np.array([[0.5, -0.25], [0.125, 0.75]])
    >>> bool(check_grads(lambda W, x: np.tanh(W @ x), (W, np.array([1.0, -0.5]))))
    True
    """
    options: dict[str, Any] = {"rtol": rtol, "seed": seed, "directions": directions, "contract": contract}
    return raised(grad_report(f, args, kwargs, order=order, wrt=wrt, method=method, **options))


def grad_report(
    f: Callable[..., Any],
    args: Sequence[Any],
    kwargs: dict[str, Any] | None = None,
    *,
    order: int = 2,
    wrt: Sequence[int] | None = None,
    method: Literal["auto", "reverse", "forward"] = "auto",
    rtol: float = RTOL,
    seed: int = 0,
    directions: int = DIRECTIONS,
    contract: bool = True,
) -> GradReport:
    """Check the gradients of a function of tensors against the function itself.

    Parameters
    ----------
    f : callable
        Of arrays, or nested dicts, lists and tuples of them; so is its value. It is called with tensors where it is
        differentiated, and with arrays elsewhere.
    args : sequence
        The point. Floating-point arrays are checked in float64, whatever their dtype, since float32 could not tell a
        gradient that is 0.1 % wrong; that the dtype is kept is checked as well. Integers, booleans and strings are
        passed on.
    kwargs : dict, optional
        Passed on.
    order : int
        Up to which derivative: 2 checks the gradient's gradient too, and that the Hessian is symmetric.
    wrt : sequence of int, optional
        Which arguments; all that hold floating-point numbers by default.
    method : {"auto", "reverse", "forward"}
        "reverse" checks pullbacks, "forward" what `minigrad.jvp` gives; "auto" pullbacks, and that the two agree.
    rtol : float
        What rounding may cost the claimed gradient, relative to the sum of the sizes of its terms.
    seed : int
        Of the random directions.
    directions : int
        How many of them there are for each argument. Only by chance is a wrong number missed along one, which takes
        less than half of the time.
    contract : bool
        Whether to check what a pullback has to be besides right: linear, repeatable, free of side effects ...

    Returns
    -------
    GradReport

    Raises
    ------
    TypeError, ValueError
        If there is nothing to check: no floating-point argument, an unknown method, an order below 1.

    Notes
    -----
    A claim fails if it is off by more than 10 times the estimated error of the numerical derivative, plus ``rtol``; it
    is inconclusive where that error is more than 1e-4 of the derivative, or at a kink.
    """
    if method not in ("auto", "reverse", "forward"):
        raise ValueError(f"method={method!r} is not known: choose 'auto', 'reverse' or 'forward'")
    if not isinstance(order, int) or order < 1:
        raise ValueError(f"order={order!r} given: 1 checks gradients, 2 gradients of gradients too")
    if not isinstance(directions, int) or directions < 1:
        raise ValueError(f"directions={directions!r} given: 1 of each argument is the least")
    named = kwargs or {}

    def function(*inner_args: Any) -> Any:
        return f(*inner_args, **named)

    point, positions = checked(args, wrt)
    rng = np.random.default_rng(seed)
    results = Results()
    for level in range(1, order + 1):
        problem = _of_tensors(function, point, positions)
        comparison = Comparison(problem, f"order {level}", rng, rtol, results, directions)
        if method != "forward":
            comparison.run()
        if method != "reverse":
            _forward(function, comparison, alone=method == "forward")
        if contract and level == 1:
            _contract(comparison, [np.dtype(np.float64), np.dtype(np.float32)])
            _shared(function, comparison)
            _among_others(function, comparison)
        if level == 2 and not results.findings:
            _symmetric(function, comparison)
        if results.findings:
            break  # of a wrong gradient, the gradient is wrong too
        if level < order:
            function = _gradient(function, weights(comparison.problem.value(), rng), positions)
    return report_of(results.rows, results.findings, seed, reproducer("grad_report", ["f"], args, seed))


def check_vjp(
    forward: Callable[..., Any],
    vjp: Callable[..., Any],
    args: Sequence[Any],
    *,
    wrt: Sequence[int] | None = None,
    rtol: float = RTOL,
    seed: int = 0,
    contract: bool = True,
) -> GradReport:
    """Check a formula for a gradient; like `vjp_report`, but a wrong one is a `GradCheckError`.

    Parameters
    ----------
    forward, vjp, args, wrt, rtol, seed, contract
        As for `vjp_report`.

    Raises
    ------
    GradCheckError
        If the verdict is "fail".

    Examples
    --------
    >>> report = vjp_report(np.sin, lambda g, x: g * np.sin(x), (np.array([0.5, 1.0]),))
    >>> report.verdict, report.findings[0].argument
    ('fail', 'args[0]')
    """
    return raised(vjp_report(forward, vjp, args, wrt=wrt, rtol=rtol, seed=seed, contract=contract))


def vjp_report(
    forward: Callable[..., Any],
    vjp: Callable[..., Any],
    args: Sequence[Any],
    *,
    wrt: Sequence[int] | None = None,
    rtol: float = RTOL,
    seed: int = 0,
    contract: bool = True,
) -> GradReport:
    """Check a formula for a gradient, with no tensor in sight: a student's, or another framework's.

    Parameters
    ----------
    forward : callable
        ``forward(*args)``: an array, or nested dicts, lists and tuples of arrays.
    vjp : callable
        ``vjp(cotangent, *args)``: the cotangents of the arguments, one array for one argument and a tuple for several;
        None for those that have none. The cotangent has the structure and shapes of the value.
    args, wrt, rtol, seed, contract
        As for `grad_report`.

    Returns
    -------
    GradReport
        An exception from ``vjp`` is a finding, too. One from ``forward`` is raised.
    """
    point, positions = checked(args, wrt)
    rng = np.random.default_rng(seed)
    results = Results()
    comparison = Comparison(Problem(forward, vjp, point, positions), "order 1", rng, rtol, results)
    comparison.run()
    if contract and not any(finding.index is None for finding in results.findings):
        _contract(comparison, [dtype_of(args)])
        if not results.findings:
            elsewhere(comparison)
    text = reproducer("vjp_report", ["forward", "vjp"], args, seed)
    return report_of(results.rows, results.findings, seed, text)


def check_adjoint(
    jvp: Callable[..., Any], vjp: Callable[..., Any], args: Sequence[Any], *, rtol: float = RTOL, seed: int = 0
) -> GradReport:
    """Check that two derivatives of one function are each other's adjoint: ⟨w, J v⟩ = ⟨Jᵀw, v⟩.

    It needs no function values and no step, so it is exact to rounding; but two wrong derivatives may well agree.

    Parameters
    ----------
    jvp : callable
        ``jvp(tangents, *args)``: J v, for a tuple of tangents of the shapes of ``args``.
    vjp : callable
        ``vjp(cotangent, *args)``: Jᵀw, one array for one argument and a tuple for several.
    args, rtol, seed
        As for `grad_report`.

    Raises
    ------
    GradCheckError
        If they are not.
    """
    point, positions = checked(args, None)
    rng = np.random.default_rng(seed)
    results = Results()
    problem = Problem(lambda *xs: None, vjp, point, positions)
    for _ in range(DIRECTIONS):
        v = tuple(weights(x, rng) for x in point)
        pushed = values(jvp(v, *point))
        w = weights(pushed, rng)
        row = _adjoint("adjoint", pushed, w, problem.cotangents(w), v, rtol)
        results.add(row, "J and Jᵀ are not each other's adjoint: one of the two is wrong")
    text = reproducer("check_adjoint", ["jvp", "vjp"], args, seed)
    return raised(report_of(results.rows, results.findings, seed, text))


# -- the parts of a check ---------------------------------------------------------------------------------------------


def _contract(comparison: Comparison, dtypes: Sequence[Any]) -> None:
    """What a pullback has to be besides right."""
    for promise, broken in clauses(comparison.problem, dtypes, comparison.rng):
        comparison.results.add(Row("contract", promise, "fail" if broken else "pass"), broken)


def _adjoint(name: str, pushed: Any, w: Any, pulled: Any, tangents: Any, rtol: float, rounding: float = 0.0) -> Row:
    """⟨w, J v⟩ = ⟨Jᵀw, v⟩, up to what rounding may do to the terms."""
    left, right = float(inner(w, pushed)), float(inner(pulled, tangents))
    size = float(inner(_absolute(w), _absolute(pushed))) + float(inner(_absolute(pulled), _absolute(tangents)))
    good = abs(left - right) <= rtol * size + rounding
    return Row(name, "⟨w, Jv⟩ = ⟨Jᵀw, v⟩", "pass" if good else "fail", right, left, 0.0)


def _forward(f: Callable[..., Any], comparison: Comparison, *, alone: bool) -> None:
    """What `minigrad.jvp` gives: against the numerical derivative or, cheaper, against the pullback."""
    problem, rng, name = comparison.problem, comparison.rng, f"{comparison.name}, forward"
    still = mapped(lambda x: np.zeros(np.shape(x)), problem.args)
    direction = tuple(weights(still[i], rng) if i in problem.wrt else still[i] for i in range(len(still)))
    chosen, along = ([whole[i] for i in problem.wrt] for whole in (problem.args, direction))
    pushed = values(jvp(_of_some(f, problem.args, problem.wrt), chosen, along)[1])
    w = weights(pushed, rng)
    if alone:
        terms = np.concatenate([np.ravel(a * b) for a, b in zip(leaves(w), leaves(pushed), strict=True)])
        row = replace(comparison, name=name).judged("all", w, direction, terms)
        comparison.results.add(row, "the tangent is wrong")
    else:
        rounding = NOTHING * float(inner(_absolute(w), _absolute(problem.value())))
        row = _adjoint(name, pushed, w, problem.cotangents(w), direction, comparison.rtol, rounding)
        comparison.results.add(row, "forward and reverse mode disagree")


def _symmetric(f: Callable[..., Any], comparison: Comparison) -> None:
    """uᵀ H v = vᵀ H u for the Jacobian H of the gradient ``f``, the derivatives being exact."""
    problem, rng = comparison.problem, comparison.rng
    partial, chosen = _of_some(f, problem.args, problem.wrt), [problem.args[i] for i in problem.wrt]
    u, v = (tuple(mapped(lambda x: weights(x, rng) if is_float(x) else x, arg) for arg in chosen) for _ in range(2))
    Hu, Hv = (values(jvp(partial, chosen, direction)[1]) for direction in (u, v))
    left, right = float(inner(Hu, v)), float(inner(Hv, u))
    size = float(inner(_absolute(Hu), _absolute(v))) + float(inner(_absolute(Hv), _absolute(u)))
    size += 1e-4 * float(inner(_absolute(u), _absolute(values(partial(*chosen)))))  # a Hessian of nothing but rounding
    good = abs(left - right) <= 1e-8 * size
    comparison.results.add(
        Row(comparison.name, "uᵀHv = vᵀHu", "pass" if good else "fail", left, right, 0.0),
        "the Hessian is not symmetric: what the second derivative walks back through is not the gradient's graph",
    )


def _shared(f: Callable[..., Any], comparison: Comparison) -> None:
    """One tensor in the place of several arguments gets the sum of their gradients."""
    args, wrt = comparison.problem.args, comparison.problem.wrt
    same = [i for i in wrt if isinstance(args[i], np.ndarray) and args[i].shape == np.shape(args[wrt[0]])]
    if len(same) < 2:
        return
    x = args[same[0]]
    there = comparison.problem.at([x if i in same else arg for i, arg in enumerate(args)])
    try:
        w = weights(there.value(), comparison.rng)
    except Exception:  # not a point at which this function can be computed
        return
    cotangents = there.cotangents(w)
    apart = sum(cotangents[i] for i in same)
    _, pullback = vjp(lambda x: f(*[x if i in same else arg for i, arg in enumerate(args)]), x)
    (together,) = pullback(w)
    size = sum(np.max(np.abs(cotangents[i]), initial=0.0) for i in same)
    good = bool(np.all(np.abs(np.asarray(together) - apart) <= 1e-9 * size)) or not np.all(np.isfinite(apart))
    comparison.results.add(
        Row("contract", "shared arguments accumulate", "pass" if good else "fail"),
        "one tensor passed twice does not get the sum of both gradients",
    )


def _among_others(f: Callable[..., Any], comparison: Comparison) -> None:
    """Between operations that hand on views, reversed and column by column, the gradients are those that ``f`` has."""
    problem = comparison.problem
    there = _of_tensors(lambda *args: _turned(f(*_turned(args))), _in_rows(_turned(problem.args)), problem.wrt)
    w = weights(problem.value(), comparison.rng)
    right, hint = leaves(problem.cotangents(w)), ""
    try:
        found = leaves(_turned(there.cotangents(_in_rows(_turned(w)))))
    except Exception as error:
        hint = f"where arguments and cotangents are views the pullback raised {type(error).__name__}: {error}"
    else:
        size = 1e-7 * max((np.max(np.abs(g), initial=0.0) for g in right), default=0.0)
        if not all(np.allclose(g, h, 1e-7, size, equal_nan=True) for g, h in zip(right, found, strict=True)):
            hint = "another gradient where arguments and cotangents are views: something is read in memory order"
    row = Row("contract", "the same among other operations", "fail" if hint else "pass")
    comparison.results.add(row, hint)


def _turned(tree: Any) -> Any:
    """Every array with its axes exchanged and reversed, as a view; twice, and all is as it was."""

    def turn(x: Any) -> Any:
        view: Any = np.flip(np.transpose(x)) if is_float(as_array(x)) else x
        return view

    return mapped(turn, tree)


def _in_rows(tree: Any) -> Any:
    """Copies that lie in memory row by row, whatever they were made of."""
    return mapped(lambda x: np.array(x, order="C") if is_float(x) else x, tree)


def _absolute(tree: Any) -> Any:
    return mapped(np.abs, tree)


# -- functions of tensors as problems ---------------------------------------------------------------------------------


def _of_tensors(f: Callable[..., Any], args: tuple[Any, ...], wrt: tuple[int, ...]) -> Problem:
    """A function of tensors with the pullback that minigrad gives it."""

    def pullback(w: Any, *point: Any) -> tuple[Any, ...]:
        pulled = iter(_gradient(f, w, wrt)(*point))
        return tuple(next(pulled) if i in wrt else None for i in range(len(point)))

    return Problem(f, pullback, args, wrt)


def _gradient(f: Callable[..., Any], w: Any, wrt: tuple[int, ...]) -> Callable[..., Any]:
    """The function that computes the gradient of ⟨w, f⟩, itself differentiable."""
    return lambda *point: vjp(_of_some(f, point, wrt), *[point[i] for i in wrt])[1](w)


def _of_some(f: Callable[..., Any], args: Sequence[Any], wrt: Sequence[int]) -> Callable[..., Any]:
    """``f`` as a function of some of its arguments, the others being ``args``."""

    def partial(*some: Any) -> Any:
        given = dict(zip(wrt, some, strict=True))
        return f(*[given.get(i, arg) for i, arg in enumerate(args)])

    return partial
