"""Is this gradient right? Pass, fail, or inconclusive, with the reason.

A gradient g is compared with the function itself: along a random direction v, ⟨g, v⟩ has to be the function's numerical
derivative, whose error bar is known (`windows`, `verdict`). If it is not, bisection finds the element to blame
(`localize`), the numbers are searched for the traces of common mistakes (`hints`), and the report holds what is needed
to see it again. What a pullback has to be besides right is in `contract`, and what functions of tensors are, in
`recorded`.

Three verdicts, since two would lie: where the numerical derivative is itself uncertain, or where there is none (at a
kink), nothing has been shown, and a checker that says "pass" or "fail" there is wrong in one case or the other. A
function that cannot be differentiated at all, and says so, is "not supported".
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Literal, TypedDict, Unpack

import numpy as np

from minigrad.testing import recorded
from minigrad.testing.comparison import DIRECTIONS, Comparison, Project, elsewhere
from minigrad.testing.contract import contract as clauses
from minigrad.testing.judging import weights
from minigrad.testing.line import silence
from minigrad.testing.problem import NoQuestion, Problem, checked, dtype_of, values
from minigrad.testing.report import GradReport, Results, Row, TimeUp, impossible, raised, report_of, reproducer

__tracebackhide__ = True  # pytest shows no line of this file where a user's test fails

RTOL = 1e-9  # of the sum of the sizes of all terms: what rounding may cost the claimed gradient, in float64


class Options(TypedDict, total=False):
    """What every check takes."""

    rtol: float
    seed: int
    directions: int
    contract: bool
    points: Sequence[Sequence[Any]]
    budget: float | None
    project: Project | None


def check_grads(
    f: Callable[..., Any],
    args: Sequence[Any],
    kwargs: dict[str, Any] | None = None,
    *,
    order: int = 2,
    wrt: Sequence[int] | None = None,
    method: Literal["auto", "reverse", "forward"] = "auto",
    strict: bool = False,
    **options: Unpack[Options],
) -> GradReport:
    """Check the gradients of a function of tensors; like `grad_report`, but a wrong one is an error.

    Parameters
    ----------
    f, args, kwargs, order, wrt, method, **options
        As for `grad_report`.
    strict : bool
        That nothing could be told is an error, too.

    Returns
    -------
    GradReport
        Which is false if nothing could be told.

    Raises
    ------
    GradCheckError
        If the verdict is "fail" or "not supported". "inconclusive" does not raise, unless ``strict`` is set. What ``f``
        itself raises at the point is raised again.

    Examples
    --------
    >>> W = np.array([[0.5, -0.25], [0.125, 0.75]])
    >>> bool(check_grads(lambda W, x: np.tanh(W @ x), (W, np.array([1.0, -0.5]))))
    True
    """
    return raised(grad_report(f, args, kwargs, order=order, wrt=wrt, method=method, **options), strict)


def grad_report(
    f: Callable[..., Any],
    args: Sequence[Any],
    kwargs: dict[str, Any] | None = None,
    *,
    order: int = 2,
    wrt: Sequence[int] | None = None,
    method: Literal["auto", "reverse", "forward"] = "auto",
    **options: Unpack[Options],
) -> GradReport:
    """Check the gradients of a function of tensors against the function itself.

    Parameters
    ----------
    f : callable
        Of arrays, or nested dicts, lists and tuples of them; so is its value. It is called with tensors where it is
        differentiated, and with arrays elsewhere.
    args : sequence
        The point. Floating-point arrays are checked in float64, whatever their dtype, since float32 could not tell a
        gradient that is 0.1 % wrong; that the dtype is kept, and the same comes out, is checked as well. Integers,
        booleans and strings are passed on. A `minigrad.Module` is checked by all of its parameters.
    kwargs : dict, optional
        Passed on.
    order : int
        Up to which derivative: 2 checks the gradient's gradient too, and that the Hessian is symmetric.
    wrt : sequence of int, optional
        Which arguments; all that hold floating-point numbers by default.
    method : {"auto", "reverse", "forward"}
        "reverse" checks pullbacks, "forward" what `minigrad.jvp` gives; "auto" pullbacks, and that the two agree.
    rtol : float
        What rounding may cost the claimed gradient, relative to the sum of the sizes of its terms; 1e-9.
    seed : int
        Of the random directions; 0.
    directions : int
        How many of them there are for each argument. If nothing is said there are 2, and for the higher orders one of
        all arguments together. Only by chance is a wrong number missed along one.
    contract : bool
        Whether to check what a pullback has to be besides right: linear, repeatable, free of side effects ...
    points : sequence of sequences
        More points, each like ``args``. The report is about all of them.
    budget : float, optional
        Seconds after which no further comparison is begun.
    project : callable, optional
        Makes of any array one that the function is meant for, ``lambda a: (a + a.T) / 2`` or ``np.tril``. The argument
        is moved only along such directions, and its gradient counts only as far as it says something about these.

    Returns
    -------
    GradReport
        Also where the function raised an error: the verdict is "inconclusive" then, or "not supported".

    Raises
    ------
    TypeError, ValueError
        If there is nothing to check: no floating-point argument, an unknown method, an order below 1.

    Notes
    -----
    A claim fails if windows of at least three widths around the point exclude it and none contains it
    (`minigrad.testing.verdict`); it is inconclusive where they cannot tell, as at a kink.
    """
    if method not in ("auto", "reverse", "forward"):
        raise ValueError(f"method={method!r} is not known: choose 'auto', 'reverse' or 'forward'")
    _order(order)
    named = kwargs or {}

    def check(begin: Callable[..., Comparison]) -> None:
        function: Callable[..., Any] = lambda *point: f(*recorded.with_modules(tuple(args), point), **named)
        recorded.attempted(function, begin(lambda args, wrt: recorded.of_tensors(function, args, wrt), "").problem)
        for level in range(1, order + 1):
            comparison = begin(lambda args, wrt, f=function: recorded.of_tensors(f, args, wrt), f"order {level}")
            results, problem = comparison.results, comparison.problem
            comparison = replace(comparison, nan_is_none=level > 1)  # docs/conventions.md
            if not comparison.settled():
                return
            if method != "forward":
                # higher orders cost more, and symmetry and forward mode are exact checks of them
                comparison.run(together=level > 1 and options.get("directions") is None)
            if method != "reverse":
                recorded.forward(function, comparison, alone=method == "forward")
            if options.get("contract", True) and level == 1 and not results.broken:
                _contract(comparison, [np.dtype(np.float64), np.dtype(np.float32)])
                for promise, broken in recorded.promises(function, comparison):
                    results.add(_clause(promise, broken))
            if level == 2 and not results.broken:
                recorded.symmetric(function, comparison)
            if results.broken:
                return  # of a wrong gradient, the gradient is wrong too
            if level < order:
                function = recorded.gradient(function, comparison.weights(problem.y), problem.wrt)

    return _report("grad_report", ["f"], args, wrt, check, **options)


def check_vjp(
    forward: Callable[..., Any],
    vjp: Callable[..., Any],
    args: Sequence[Any],
    *,
    order: int = 1,
    second: Callable[..., Any] | None = None,
    wrt: Sequence[int] | None = None,
    strict: bool = False,
    **options: Unpack[Options],
) -> GradReport:
    """Check a formula for a gradient; like `vjp_report`, but a wrong one is a `GradCheckError`.

    Parameters
    ----------
    forward, vjp, args, order, second, wrt, **options
        As for `vjp_report`.
    strict : bool
        That nothing could be told is an error, too.

    Raises
    ------
    GradCheckError
        As for `check_grads`; what ``forward`` raises at the point is raised again.

    Examples
    --------
    >>> report = vjp_report(np.sin, lambda g, x: g * np.sin(x), (np.array([0.5, 1.0]),))
    >>> report.verdict, report.findings[0].argument
    ('fail', 'args[0]')
    """
    return raised(vjp_report(forward, vjp, args, order=order, second=second, wrt=wrt, **options), strict)


def vjp_report(
    forward: Callable[..., Any],
    vjp: Callable[..., Any],
    args: Sequence[Any],
    *,
    order: int = 1,
    second: Callable[..., Any] | None = None,
    wrt: Sequence[int] | None = None,
    **options: Unpack[Options],
) -> GradReport:
    """Check a formula for a gradient, with no tensor in sight: a student's, or another framework's.

    Parameters
    ----------
    forward : callable
        ``forward(*args)``: an array, or nested dicts, lists and tuples of arrays.
    vjp : callable
        ``vjp(cotangent, *args)``: the cotangents of the arguments, one array for one argument and a tuple for several;
        None for those that have none. The cotangent has the structure and shapes of the value.
    order : {1, 2}
        2 checks the formula's own formula as well.
    second : callable, optional
        For that, ``second(u, cotangent, *args)``: the cotangents of ``cotangent`` and of ``args``, a tuple, where ``u``
        has the structure of what ``vjp`` returns. It is the pullback of ``vjp``.
    args, wrt, **options
        As for `grad_report`.

    Returns
    -------
    GradReport
        An exception from ``vjp`` is a finding, too. Where ``forward`` raised one the verdict is "inconclusive".

    Raises
    ------
    ValueError
        If second order is asked for without ``second``, or ``second`` without it; and as `grad_report`.
    """
    _order(order)
    if order > 2 or (order == 2) != (second is not None):
        raise ValueError(f"order={order} with second={second!r}: second order takes the pullback of vjp, second=")

    def check(begin: Callable[..., Comparison]) -> None:
        comparison = begin(lambda args, wrt: Problem(forward, vjp, args, wrt), "order 1")
        if not comparison.settled():
            return
        comparison.run()
        results = comparison.results
        if results.has("shape", "raised", "unsupported"):
            return
        if options.get("contract", True):
            if not results.broken:
                elsewhere(comparison)
            _contract(comparison, [dtype_of(args)])
        if second is None or results.broken:
            return
        w = comparison.weights(comparison.problem.y)
        further = begin(lambda args, wrt: Problem(vjp, second, (w, *args), (0, *(i + 1 for i in wrt))), "order 2")
        if further.settled():
            further.run()

    return _report("vjp_report", ["forward", "vjp"], args, wrt, check, **options)


def check_adjoint(
    jvp: Callable[..., Any],
    vjp: Callable[..., Any],
    args: Sequence[Any],
    *,
    strict: bool = False,
    **options: Unpack[Options],
) -> GradReport:
    """Check that two derivatives of one function are each other's adjoint; like `adjoint_report`, but raises.

    Parameters
    ----------
    jvp, vjp, args, **options
        As for `adjoint_report`.
    strict : bool
        That nothing could be told is an error, too.

    Raises
    ------
    GradCheckError
        If they are not.
    """
    return raised(adjoint_report(jvp, vjp, args, **options), strict)


def adjoint_report(
    jvp: Callable[..., Any], vjp: Callable[..., Any], args: Sequence[Any], **options: Unpack[Options]
) -> GradReport:
    """Check that two derivatives of one function are each other's adjoint: ⟨w, J v⟩ = ⟨Jᵀw, v⟩.

    It needs no function values and no step, so it is exact to rounding, whose size is measured; but two wrong
    derivatives may well agree.

    Parameters
    ----------
    jvp : callable
        ``jvp(tangents, *args)``: J v, for a tuple of tangents of the shapes of ``args``.
    vjp : callable
        ``vjp(cotangent, *args)``: Jᵀw, one array for one argument and a tuple for several.
    args, **options
        As for `grad_report`.
    """

    def check(begin: Callable[..., Comparison]) -> None:
        comparison = begin(lambda args, wrt: Problem(lambda *xs: None, vjp, args, wrt), "adjoint")
        problem, rng = comparison.problem, comparison.rng
        for _ in range(comparison.directions):
            v = tuple(comparison.weights(x) for x in problem.args)

            def push(v: Any) -> Any:
                return values(jvp(v, *problem.copies()))

            w = weights(push(v), rng)
            row = recorded.adjoint("adjoint", push, problem.cotangents, w, v, comparison.rtol)
            comparison.results.add(row, "J and Jᵀ are not each other's adjoint: one of the two is wrong")

    return _report("adjoint_report", ["jvp", "vjp"], args, None, check, **options)


# -- the parts of a check ---------------------------------------------------------------------------------------------


def _report(
    name: str,
    functions: Sequence[str],
    args: Sequence[Any],
    wrt: Sequence[int] | None,
    check: Callable[[Callable[..., Comparison]], None],
    rtol: float = RTOL,
    seed: int = 0,
    directions: int | None = None,
    contract: bool = True,
    points: Sequence[Sequence[Any]] = (),
    budget: float | None = None,
    project: Project | None = None,
) -> GradReport:
    """What ``check`` finds at every point; it is given what makes a comparison of a problem and its name."""
    if directions is not None and (not isinstance(directions, int) or directions < 1):
        raise ValueError(f"directions={directions!r} given: 1 of each argument is the least")
    if budget is not None and not budget > 0:
        raise ValueError(f"budget={budget!r} given: some seconds, or None")
    results = Results(deadline=None if budget is None else time.monotonic() + budget)
    at = list(args)
    for number, place in enumerate([args, *points]):
        point, positions = checked(place, wrt)
        results.point = f"point {number}, " if points else ""
        before, rng = len(results.findings), np.random.default_rng(seed)
        settings = {"rng": rng, "rtol": rtol, "results": results, "project": project}
        settings["directions"] = directions or DIRECTIONS
        begin = partial(_begun, point, positions, settings)
        try:
            with silence():
                check(begin)
        except TimeUp:
            break
        except NoQuestion:
            raise
        except Exception as error:
            results.add(impossible(error))
            results.error = results.error or error
        if before == 0 and results.findings:
            at = list(place)
    return report_of(results, seed, reproducer(name, functions, at, seed))


def _begun(
    point: tuple[Any, ...],
    wrt: tuple[int, ...],
    options: dict[str, Any],
    problem: Callable[..., Problem],
    name: str,
) -> Comparison:
    """A comparison at a point of what ``problem`` makes of it."""
    return Comparison(problem=problem(point, wrt), name=name, **options)


def _order(order: int) -> None:
    if not isinstance(order, int) or order < 1:
        raise ValueError(f"order={order!r} given: 1 checks gradients, 2 gradients of gradients too")


def _contract(comparison: Comparison, dtypes: Sequence[Any]) -> None:
    """What a pullback has to be besides right."""
    for promise, broken in clauses(comparison.problem, dtypes, comparison.rng):
        comparison.results.add(_clause(promise, broken))


def _clause(promise: str, broken: str) -> Row:
    return Row("contract", promise, "fail" if broken else "pass", note=broken, kind="contract" if broken else None)
