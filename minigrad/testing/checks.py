"""Is this gradient right? Pass, fail, or inconclusive, with the reason.

A gradient g is compared with the function itself: along a random direction v, ⟨g, v⟩ has to be the function's numerical
derivative, whose error bar is known (`numerical`). If it is not, bisection finds the element to blame (`localize`), the
numbers are searched for the traces of common mistakes (`hints`), and the report holds what is needed to see it again.
What a pullback has to be besides right is in `contract`.

Three verdicts, since two would lie: where the numerical derivative is itself uncertain, or where there is none (at a
kink), nothing has been shown, and a checker that says "pass" or "fail" there is wrong in one case or the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from minigrad.containers import leaves, mapped
from minigrad.tensor import Array, Tensor
from minigrad.testing import hints
from minigrad.testing.contract import adjoint, contract
from minigrad.testing.localize import bisect
from minigrad.testing.numerical import SATISFACTORY, SPREAD, near_kink
from minigrad.testing.problem import Problem, inner, is_float, values
from minigrad.transforms import jvp, vjp

Verdict = Literal["pass", "fail", "inconclusive"]

DIRECTIONS = 3  # random directions for each argument
KINK = "at a kink or the edge of the domain, there is no derivative"
RTOL = 1e-9  # of the sum of the sizes of all terms: what rounding may cost the claimed gradient, in float64
NOTHING = 1e-12  # of what a derivative could have been is none: where slopes cancel, rounding is left
SMALL = 64  # arguments of up to so many numbers are differentiated one by one for a hint
SHOWN = 64  # and are printed in the reproducer


class GradCheckError(AssertionError):
    """A gradient is wrong; the message is the report, which is also in ``report``."""

    def __init__(self, report: GradReport) -> None:
        super().__init__(str(report))
        self.report = report


@dataclass(frozen=True)
class Row:
    """One comparison: what was compared, for which argument, and how it came out."""

    check: str
    argument: str
    verdict: Verdict
    analytic: float | None = None
    numerical: float | None = None
    error: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Finding:
    """What is wrong, and where.

    Attributes
    ----------
    check, argument : str
        The comparison that failed, and the argument as one writes it: ``args[0]["W"]``.
    index : tuple of int or None
        The element that bisection found.
    analytic, numerical, error : float or None
        Its claimed derivative, the numerical one, and the error bar of that.
    hint : str
        What may be the matter.
    """

    check: str
    argument: str
    index: tuple[int, ...] | None
    analytic: float | None
    numerical: float | None
    error: float | None
    hint: str

    @property
    def ratio(self) -> float | None:
        """Claimed over numerical: 2 for a derivative that is counted twice."""
        return self.analytic / self.numerical if self.numerical and self.analytic is not None else None

    def __str__(self) -> str:
        where = f"{self.argument}{list(self.index)}" if self.index else self.argument
        told = f"\n    {self.hint}"
        if self.analytic is None or self.numerical is None:
            return f"{self.check}, {where}:{told}"
        ratio = f", ratio {self.ratio:.6g}" if self.ratio is not None else ""
        return (
            f"{self.check}, {where}: claimed {self.analytic:.9g}, numerical {self.numerical:.9g}"
            f" ± {self.error:.1g}{ratio}{told}"
        )


@dataclass(frozen=True)
class GradReport:
    """The outcome of a check; true if it passed.

    Attributes
    ----------
    verdict : {"pass", "fail", "inconclusive"}
    reason : str
        One sentence.
    rows : tuple of Row
        All comparisons.
    findings : tuple of Finding
        What is wrong, the first order first.
    seed : int
        Of the random directions.
    reproducer : str
        Python to paste.
    """

    verdict: Verdict
    reason: str
    rows: tuple[Row, ...]
    findings: tuple[Finding, ...]
    seed: int
    reproducer: str

    def __bool__(self) -> bool:
        return self.verdict == "pass"

    def __str__(self) -> str:
        lines = [f"{self.verdict}: {self.reason}", ""]
        lines += _table(self.rows)
        if self.findings:
            lines += ["", *map(str, self.findings)]
        if self.verdict != "pass":
            lines += ["", f"To see it again (seed {self.seed}):", self.reproducer]
        return "\n".join(lines)


def check_grads(
    f: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any] | None = None, **options: Any
) -> GradReport:
    """Check the gradients of a function of tensors; like `grad_report`, but a wrong one is an error.

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
    return _raised(grad_report(f, args, kwargs, **options))


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
    is inconclusive where that error is more than 1e-4 of the derivative, or at a kink. Of each argument, three random
    directions are checked.
    """
    if method not in ("auto", "reverse", "forward"):
        raise ValueError(f"method={method!r} is not known: choose 'auto', 'reverse' or 'forward'")
    if not isinstance(order, int) or order < 1:
        raise ValueError(f"order={order!r} given: 1 checks gradients, 2 gradients of gradients too")
    named = kwargs or {}

    def function(*inner_args: Any) -> Any:
        return f(*inner_args, **named)

    point, positions = _checked(args, wrt)
    rng = np.random.default_rng(seed)
    rows: list[Row] = []
    findings: list[Finding] = []
    problem = _of_tensors(function, point, positions)
    for level in range(1, order + 1):
        name = f"order {level}"
        start = len(findings)
        if method != "forward":
            _compare(problem, name, rng, rtol, rows, findings)
        if method != "reverse":
            _forward(function, problem, name, rng, rtol, rows, findings, alone=method == "forward")
        if contract and level == 1:
            _contract(problem, [np.dtype(np.float64), np.dtype(np.float32)], rng, rows, findings)
            _shared(function, problem, rng, rows, findings)
        if level == 2 and len(findings) == start:
            _symmetric(function, point, positions, rng, rows, findings, level)
        if len(findings) > start or level == order:
            break  # of a wrong gradient, the gradient is wrong too
        weights = _weights(problem.value(), rng)
        function = _gradient(function, weights, positions)
        problem = _of_tensors(function, point, positions)
    return _report(rows, findings, seed, _reproducer("grad_report", ["f"], args, seed))


def check_vjp(forward: Callable[..., Any], vjp: Callable[..., Any], args: Sequence[Any], **options: Any) -> GradReport:
    """Check a formula for a gradient; like `vjp_report`, but a wrong one is a `GradCheckError`.

    Examples
    --------
    >>> report = vjp_report(np.sin, lambda g, x: g * np.sin(x), (np.array([0.5, 1.0]),))
    >>> report.verdict, report.findings[0].argument
    ('fail', 'args[0]')
    """
    return _raised(vjp_report(forward, vjp, args, **options))


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
    point, positions = _checked(args, wrt)
    rng = np.random.default_rng(seed)
    rows: list[Row] = []
    findings: list[Finding] = []
    problem = Problem(forward, vjp, point, positions)
    _compare(problem, "order 1", rng, rtol, rows, findings)
    if contract and not any(finding.index is None for finding in findings):
        _contract(problem, [_dtype(args)], rng, rows, findings)
        if not findings:
            _elsewhere(problem, rng, rtol, rows, findings)
    return _report(rows, findings, seed, _reproducer("vjp_report", ["forward", "vjp"], args, seed))


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
    point, positions = _checked(args, None)
    rng = np.random.default_rng(seed)
    rows: list[Row] = []
    findings: list[Finding] = []
    problem = Problem(lambda *xs: None, vjp, point, positions)
    for _ in range(DIRECTIONS):
        v = tuple(_weights(x, rng) for x in point)
        pushed = values(jvp(v, *point))
        w = _weights(pushed, rng)
        left, right, size = adjoint(pushed, w, problem.cotangents(w), v)
        bad = not abs(left - right) <= rtol * size
        rows.append(Row("adjoint", "⟨w, Jv⟩ = ⟨Jᵀw, v⟩", "fail" if bad else "pass", right, left, 0.0))
        if bad and not findings:
            hint = "J and Jᵀ are not each other's adjoint: one of the two is wrong"
            findings.append(Finding("adjoint", "args", None, right, left, 0.0, hint))
    return _raised(_report(rows, findings, seed, _reproducer("check_adjoint", ["jvp", "vjp"], args, seed)))


# -- the parts of a check ---------------------------------------------------------------------------------------------


def _compare(
    problem: Problem, name: str, rng: np.random.Generator, rtol: float, rows: list[Row], findings: list[Finding]
) -> None:
    """The claimed cotangents of each argument against the numerical derivative, along random directions."""
    y = problem.value()
    for leaf in leaves(y):
        if leaf.dtype.kind != "f":
            raise TypeError(f"the function gives numbers of type {leaf.dtype}, which have no gradient")
    w = _weights(y, rng)
    even = _evened(w, y)
    try:
        cotangents = problem.cotangents(w)
    except (ValueError, IndexError, TypeError) as error:
        hint = f"the pullback raised {type(error).__name__}: {error}"
        hint += "; was an axis lost (keepdims), or a sum forgotten?" if "broadcast" in str(error) else ""
        rows.append(Row(name, "pullback", "fail", note="raised an error"))
        findings.append(Finding(name, "pullback", None, None, None, None, hint))
        return
    for i, k, path in problem.parts():
        x, g = np.asarray(leaves(problem.args[i])[k]), leaves(cotangents[i])[k]
        if g.shape != x.shape:
            numerical = _numerical(problem, w, i, k, x) if x.size <= SMALL else np.zeros(x.shape)
            hint = f"its cotangent has shape {g.shape}, the argument {x.shape}: {hints.of_shape(g, numerical)}"
            rows.append(Row(name, path, "fail", note=f"shape {g.shape} for {x.shape}"))
            findings.append(Finding(name, path, None, None, None, None, hint))
            continue
        start = len(rows)
        _along(problem, name, w, (i, k, path), g, rng, rtol, rows, findings)
        if even is not w and any(row.verdict == "inconclusive" and row.note != KINK for row in rows[start:]):
            del rows[start:]  # the large numbers of the value drowned the small ones
            g = leaves(problem.cotangents(even)[i])[k]
            _along(problem, name, even, (i, k, path), g, rng, rtol, rows, findings)
    if not findings and any(row.note == KINK for row in rows):
        _past_ties(problem, name, w, cotangents, rng, rtol, rows, findings)


def _along(
    problem: Problem, name: str, w: Any, part: tuple[int, int, str], g: Array, rng: np.random.Generator,
    rtol: float, rows: list[Row], findings: list[Finding],
) -> None:  # fmt: skip
    """One argument's cotangent ``g`` along several directions; the first wrong one is followed up."""
    i, k, path = part
    x = np.asarray(leaves(problem.args[i])[k])

    def compared(v: Array) -> Row:
        return _judged(problem, name, path, w, problem.direction(i, k, v), float(np.sum(g * v)), _size(g, v), rtol)

    for _ in range(DIRECTIONS if x.size else 0):
        v = rng.uniform(0.5, 1.0, x.shape) * rng.choice([-1.0, 1.0], x.shape)
        row = compared(v)
        rows.append(row)
        if row.verdict == "fail":
            findings.append(_followed(problem, name, w, part, g, v, row, compared))
            return
        if x.size == 1:
            return  # there is only one direction


def _past_ties(
    problem: Problem, name: str, w: Any, cotangents: tuple[Any, ...], rng: np.random.Generator, rtol: float,
    rows: list[Row], findings: list[Finding],
) -> None:  # fmt: skip
    """At a tie: along a direction in which equal numbers stay equal the function may well have a derivative."""
    parts = [(i, k) for i, k, _ in problem.parts()]
    arrays = [leaves(problem.args[i])[k] for i, k in parts]
    _, ranks = np.unique(np.concatenate([np.ravel(x) for x in arrays]), return_inverse=True)
    speeds = iter(rng.uniform(0.5, 1.0, np.max(ranks) + 1)[ranks])
    along = {
        part: np.reshape([next(speeds) for _ in range(x.size)], x.shape) for part, x in zip(parts, arrays, strict=True)
    }

    def placed(i: int, arg: Any) -> Any:
        numbers = iter(range(len(leaves(arg))))
        return mapped(lambda x: along.get((i, next(numbers)), np.zeros(np.shape(x))), arg)

    direction = tuple(placed(i, arg) for i, arg in enumerate(problem.args))
    claims = [(leaves(cotangents[i])[k], along[i, k]) for i, k in parts]
    claimed, size = sum(float(np.sum(g * v)) for g, v in claims), sum(_size(g, v) for g, v in claims)
    row = _judged(problem, name, "all, ties kept", w, direction, claimed, size, rtol)
    rows.append(row)
    if row.verdict == "fail":
        hint = "ties counted too often: of numbers that tie, each got the whole cotangent, not a share"
        findings.append(Finding(name, row.argument, None, row.analytic, row.numerical, row.error, hint))


def _judged(
    problem: Problem, name: str, path: str, w: Any, direction: tuple[Any, ...], claimed: float, size: float, rtol: float
) -> Row:
    """The rule of three verdicts, for one direction.

    Nobody is accused on one estimate: a second one, at other steps, has to say the same, or both are uncertain.
    """
    found = problem.slope(w, direction)
    numerical, error = float(found.value), float(found.error)
    reference, nothing = max(abs(numerical), size), NOTHING * float(found.secant)

    def agrees() -> bool:
        return bool(np.isfinite(claimed) and abs(claimed - numerical) <= 10 * error + rtol * reference + nothing)

    if not agrees():
        second = problem.slope(w, direction, scale=0.7)
        error = float(np.max([error, second.error, abs(second.value - numerical)]))
    value = abs(float(inner(w, problem.value())))
    certain = np.isfinite(error) and error <= max(SATISFACTORY * reference, nothing, 1e-9 * (1 + value))
    verdict: Verdict = "pass" if agrees() and certain else "inconclusive"
    note = "" if verdict == "pass" else f"the numerical derivative is only good to {error:.1g}"
    if verdict != "pass":
        if near_kink(lambda *args: inner(w, values(problem.forward(*args))), problem.args, direction):
            note = KINK
        elif not agrees():
            verdict, note = "fail", ""
    return Row(name, path, verdict, claimed, numerical, error, note)


def _followed(
    problem: Problem, name: str, w: Any, part: tuple[int, int, str], g: Array, v: Array, row: Row,
    compared: Callable[[Array], Row],
) -> Finding:  # fmt: skip
    """Where a direction fails: the element, its numbers, and a hint."""
    i, k, path = part
    x = np.asarray(leaves(problem.args[i])[k])
    if not np.all(np.isfinite(g)):
        index = tuple(int(n) for n in np.argwhere(~np.isfinite(g))[0])
        hint = "not finite: the derivative overflows, or 0/0 was computed"
        return Finding(name, path, index or None, float(g[index]), None, None, hint)
    index = bisect(lambda part_of_v: compared(part_of_v).verdict == "fail", v)
    unit = np.zeros(x.shape)
    unit[index] = 1.0
    there = problem.slope(w, problem.direction(i, k, unit))
    if x.size <= SMALL:
        positive, plain = _absolute(w), mapped(np.ones_like, w)  # so that what is missing makes a sum smaller
        claimed = leaves(problem.cotangents(positive)[i])[k]
        hint = hints.of_numbers(claimed, _numerical(problem, positive, i, k, x), _numerical(problem, plain, i, k, x))
    else:
        hint = _sampled_hint(problem, w, part, g, x, index)
    if name in ("order 2", "order 3"):
        hint += "; the gradient itself is right, its own derivative is not: is something cut out of the graph?"
    return Finding(name, path, index or None, float(g[index]), float(there.value), float(there.error), hint)


def _sampled_hint(
    problem: Problem, w: Any, part: tuple[int, int, str], g: Array, x: Array, index: tuple[int, ...]
) -> str:
    """A hint from the wrong element and some others, of an array that is too large to differentiate whole."""
    i, k, _ = part
    places = np.unique([np.ravel_multi_index(index, x.shape), *np.linspace(0, x.size - 1, SMALL // 2).astype(int)])
    plain = mapped(np.ones_like, w)
    columns: list[list[float]] = [[], []]
    for place in places:
        unit = np.zeros(x.shape)
        unit.flat[place] = 1.0
        for column, weights in zip(columns, (w, plain), strict=True):
            column.append(float(problem.slope(weights, problem.direction(i, k, unit)).value))
    claimed = np.ravel(g)[places]
    return f"of {len(places)} elements looked at: " + hints.of_numbers(
        claimed, np.array(columns[0]), np.array(columns[1])
    )


def _numerical(problem: Problem, w: Any, i: int, k: int, x: Array) -> Array:
    """All of an argument's gradient, one number after the other."""
    gradient = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        unit = np.zeros(x.shape)
        unit[place] = 1.0
        gradient[place] = problem.slope(w, problem.direction(i, k, unit)).value
    return gradient


def _contract(
    problem: Problem, dtypes: Sequence[Any], rng: np.random.Generator, rows: list[Row], findings: list[Finding]
) -> None:
    for promise, broken in contract(problem, dtypes, rng):
        rows.append(Row("contract", promise, "fail" if broken else "pass"))
        if broken:
            findings.append(Finding("contract", promise, None, None, None, None, broken))


def _elsewhere(
    problem: Problem, rng: np.random.Generator, rtol: float, rows: list[Row], findings: list[Finding]
) -> None:
    """The same at a second point, near the first: a pullback that remembers the first is right only there."""
    away = problem.at(
        [mapped(lambda x: x * rng.uniform(0.99, 1.01, np.shape(x)) if is_float(x) else x, arg) for arg in problem.args]
    )
    try:
        with np.errstate(all="ignore"):
            finite = all(np.all(np.isfinite(leaf)) for leaf in leaves(away.value()))
    except (ArithmeticError, ValueError, np.linalg.LinAlgError):
        return  # outside of the domain
    if not finite:
        return
    there: list[Finding] = []
    _compare(away, "a second point", rng, rtol, rows, there)
    for finding in there:
        hint = "right at the point given, wrong near it: something is remembered from an earlier call, and stale"
        findings.append(replace(finding, hint=f"{hint} ({finding.hint})"))


def _forward(
    f: Callable[..., Any], problem: Problem, name: str, rng: np.random.Generator, rtol: float,
    rows: list[Row], findings: list[Finding], *, alone: bool,
) -> None:  # fmt: skip
    """What `minigrad.jvp` gives: against the numerical derivative or, cheaper, against the pullback."""
    still = mapped(lambda x: np.zeros(np.shape(x)), problem.args)
    direction = tuple(_weights(still[i], rng) if i in problem.wrt else still[i] for i in range(len(still)))
    chosen = [problem.args[i] for i in problem.wrt]

    def partial(*some: Any) -> Any:
        return f(*_placed(problem.args, problem.wrt, some))

    pushed = values(jvp(partial, chosen, [direction[i] for i in problem.wrt])[1])
    w = _weights(pushed, rng)
    if alone:
        size = float(inner(_absolute(w), _absolute(pushed)))
        row = _judged(problem, f"{name}, forward", "all", w, direction, float(inner(w, pushed)), size, rtol)
    else:
        left, right, size = adjoint(pushed, w, problem.cotangents(w), direction)
        good = abs(left - right) <= rtol * size + NOTHING * float(inner(_absolute(w), _absolute(problem.value())))
        row = Row(f"{name}, forward", "⟨w, Jv⟩ = ⟨Jᵀw, v⟩", "pass" if good else "fail", left, right, 0.0)
    rows.append(row)
    if row.verdict == "fail" and not findings:
        hint = "forward and reverse mode disagree" if not alone else "the tangent is wrong"
        findings.append(Finding(row.check, row.argument, None, row.analytic, row.numerical, row.error, hint))


def _symmetric(
    f: Callable[..., Any], point: tuple[Any, ...], positions: tuple[int, ...], rng: np.random.Generator,
    rows: list[Row], findings: list[Finding], level: int,
) -> None:  # fmt: skip
    """uᵀ H v = vᵀ H u for the Jacobian H of the gradient ``f``, the derivatives being exact."""
    chosen = [point[i] for i in positions]

    def partial(*some: Any) -> Any:
        return f(*_placed(point, positions, some))

    u, v = (tuple(mapped(lambda x: _weights(x, rng) if is_float(x) else x, arg) for arg in chosen) for _ in range(2))
    Hu, Hv = (values(jvp(partial, chosen, direction)[1]) for direction in (u, v))
    left, right = float(inner(Hu, v)), float(inner(Hv, u))
    size = float(inner(_absolute(Hu), _absolute(v))) + float(inner(_absolute(Hv), _absolute(u)))
    size += 1e-4 * float(inner(_absolute(u), _absolute(values(partial(*chosen)))))  # a Hessian of nothing but rounding
    good = abs(left - right) <= 1e-8 * size
    rows.append(Row(f"order {level}", "uᵀHv = vᵀHu", "pass" if good else "fail", left, right, 0.0))
    if not good:
        hint = "the Hessian is not symmetric: what the second derivative walks back through is not the gradient's graph"
        findings.append(Finding(f"order {level}", "uᵀHv = vᵀHu", None, left, right, 0.0, hint))


def _shared(
    f: Callable[..., Any], problem: Problem, rng: np.random.Generator, rows: list[Row], findings: list[Finding]
) -> None:
    """One tensor in the place of several arguments gets the sum of their gradients."""
    args, wrt = problem.args, problem.wrt
    same = [i for i in wrt if isinstance(args[i], np.ndarray) and args[i].shape == np.shape(args[wrt[0]])]
    if len(same) < 2:
        return
    there = problem.at([args[same[0]] if i in same else arg for i, arg in enumerate(args)])
    try:
        w = _weights(there.value(), rng)
    except Exception:  # not a point at which this function can be computed
        return
    cotangents = there.cotangents(w)
    apart = sum(cotangents[i] for i in same)
    (together,) = vjp(lambda x: f(*[x if i in same else arg for i, arg in enumerate(there.args)]), there.args[same[0]])[
        1
    ](w)
    size = sum(np.max(np.abs(cotangents[i]), initial=0.0) for i in same)
    good = bool(np.all(np.abs(np.asarray(together) - apart) <= 1e-9 * size)) or not np.all(np.isfinite(apart))
    rows.append(Row("contract", "shared arguments accumulate", "pass" if good else "fail"))
    if not good:
        hint = "one tensor passed twice does not get the sum of both gradients"
        findings.append(Finding("contract", "shared arguments accumulate", None, None, None, None, hint))


# -- functions of tensors as problems ---------------------------------------------------------------------------------


def _of_tensors(f: Callable[..., Any], args: tuple[Any, ...], wrt: tuple[int, ...]) -> Problem:
    """A function of tensors with the pullback that minigrad gives it."""

    def pullback(w: Any, *point: Any) -> tuple[Any, ...]:
        pulled = iter(vjp(lambda *some: f(*_placed(point, wrt, some)), *[point[i] for i in wrt])[1](w))
        return tuple(next(pulled) if i in wrt else None for i in range(len(point)))

    return Problem(f, pullback, args, wrt)


def _gradient(f: Callable[..., Any], w: Any, wrt: tuple[int, ...]) -> Callable[..., Any]:
    """The function that computes the gradient of ⟨w, f⟩, itself differentiable."""

    def gradient(*point: Any) -> Any:
        return vjp(lambda *some: f(*_placed(point, wrt, some)), *[point[i] for i in wrt])[1](w)

    return gradient


def _placed(args: Sequence[Any], wrt: Sequence[int], some: Sequence[Any]) -> list[Any]:
    """All arguments, ``some`` of them in the places ``wrt``."""
    given = dict(zip(wrt, some, strict=True))
    return [given.get(i, arg) for i, arg in enumerate(args)]


# -- input and output -------------------------------------------------------------------------------------------------


def _checked(args: Sequence[Any], wrt: Sequence[int] | None) -> tuple[tuple[Any, ...], tuple[int, ...]]:
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


def _dtype(args: Sequence[Any]) -> Any:
    """float32 if that is what floating-point arguments are given in."""
    kinds = {np.asarray(_as_array(leaf)).dtype for leaf in leaves(tuple(args)) if is_float(_as_array(leaf))}
    return np.dtype(np.float32 if kinds == {np.dtype(np.float32)} else np.float64)


def _as_array(leaf: Any) -> Any:
    return leaf.data if isinstance(leaf, Tensor) else leaf


def _as_float64(leaf: Any) -> Any:
    leaf = _as_array(leaf)
    return np.array(leaf, np.float64) if is_float(leaf) else leaf


def _weights(like: Any, rng: np.random.Generator) -> Any:
    """Random numbers in the structure of ``like``, none of them near zero."""
    return mapped(lambda x: rng.uniform(0.5, 1.0, np.shape(x)) * rng.choice([-1.0, 1.0], np.shape(x)), like)


def _evened(w: Any, y: Any) -> Any:
    """Weights that let small numbers of the value count among large ones, if their sizes are very different."""
    sizes = np.concatenate([np.ravel(np.abs(leaf)) for leaf in leaves(y)] or [np.zeros(0)])
    sizes = sizes[(sizes > 0) & np.isfinite(sizes)]
    if sizes.size == 0 or np.max(sizes) <= SPREAD * np.min(sizes):
        return w
    scales = iter([np.where((leaf == 0) | ~np.isfinite(leaf), np.max(sizes), np.abs(leaf)) for leaf in leaves(y)])
    return mapped(lambda weight: weight / next(scales), w)


def _absolute(tree: Any) -> Any:
    return mapped(np.abs, tree)


def _size(g: Array, v: Array) -> float:
    return float(np.sum(np.abs(g * v)))


def _report(rows: Sequence[Row], findings: Sequence[Finding], seed: int, reproducer: str) -> GradReport:
    uncertain = [row for row in rows if row.verdict == "inconclusive"]
    verdict: Verdict = "fail" if findings else "inconclusive" if uncertain else "pass"
    if findings:
        reason = f"{findings[0].argument}: {findings[0].hint}"
    elif uncertain:
        reason = f"{uncertain[0].check}, {uncertain[0].argument}: {uncertain[0].note}"
    else:
        reason = f"{len(rows)} comparisons agree"
    return GradReport(verdict, reason, tuple(rows), tuple(findings), seed, reproducer)


def _raised(report: GradReport) -> GradReport:
    if report.verdict == "fail":
        raise GradCheckError(report)
    return report


def _table(rows: Sequence[Row]) -> Iterator[str]:
    """The comparisons as aligned text."""
    cells: list[tuple[str, ...]] = [("check", "of", "claimed", "numerical", "±", "verdict")]
    for row in rows:
        numbers = [("" if n is None else f"{n:.9g}") for n in (row.analytic, row.numerical)]
        error = "" if row.error is None else f"{row.error:.1g}"
        cells.append((row.check, row.argument, *numbers, error, f"{row.verdict} {row.note}".strip()))
    widths = [max(len(line[i]) for line in cells) for i in range(5)]
    for line in cells:
        yield "  ".join([*(text.ljust(width) for text, width in zip(line, widths, strict=False)), line[5]]).rstrip()


def _reproducer(check: str, functions: Sequence[str], args: Sequence[Any], seed: int) -> str:
    """Python that runs the same check again; large arrays are described instead of written out."""

    def written(leaf: Any) -> str:
        if isinstance(leaf, (np.ndarray, np.generic, Tensor)):
            array = np.asarray(leaf.data if isinstance(leaf, Tensor) else leaf)
            if array.size > SHOWN:
                return f"...  # {array.dtype} {array.shape}"
            return f"np.array({array.tolist()!r}, dtype=np.{array.dtype})"
        return repr(leaf)

    lines = [f"    {_written(arg, written)}," for arg in args]
    call = f"print({check}({', '.join(functions)}, args, seed={seed}))"
    return "\n".join([f"from minigrad.testing import {check}", "args = (", *lines, ")", call])


def _written(tree: Any, written: Callable[[Any], str]) -> str:
    if isinstance(tree, dict):
        return "{" + ", ".join(f"{key!r}: {_written(value, written)}" for key, value in tree.items()) + "}"
    if isinstance(tree, (list, tuple)):
        inside = ", ".join(_written(value, written) for value in tree)
        return f"[{inside}]" if isinstance(tree, list) else f"({inside},)"
    return written(tree)
