"""Numerical derivatives that know how far off they are.

No fixed step suits every function, and a checker with a wrong reference raises false alarms or, worse, lets wrong
gradients pass. So a derivative comes with an error bar here: polynomials are fitted in windows of many widths
(`windows`), the most certain one gives the value, and those that exclude it enlarge its error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad.containers import leaves, mapped
from minigrad.engine.tensor import Array
from minigrad.testing.line import Function, Line, is_moved, raw, silence
from minigrad.testing.verdict import CERTAIN, FIRST, halves
from minigrad.testing.windows import EPS, PLACES, Ladder

__tracebackhide__ = True  # pytest shows no line of this file where a user's test fails

COLUMNS = ("value", "error", "step")
PRECISE = 1e-8  # relative error at which no further window is looked through


@dataclass(frozen=True)
class Estimate:
    """A numerical derivative and how far to trust it.

    Attributes
    ----------
    value : ndarray or float64
        The derivative.
    error : ndarray or float64
        Bound of its absolute error, element by element; infinite where the function was not finite on either side.
    step : ndarray or float64
        The half-width of the window in which it was seen, relative to the size of the arguments.
    evaluations : int
        How often the function was called.
    """

    value: Any
    error: Any
    step: Any
    evaluations: int

    @property
    def conclusive(self) -> Any:
        """Where the error is small enough, 1e-4 of the value, that a wrong derivative would be told from it."""
        return self.error <= CERTAIN * np.abs(self.value)


def numerical_jvp(f: Function, args: Sequence[Any], tangents: Sequence[Any], *, holomorphic: bool = False) -> Any:
    """The derivative of ``f(*args)`` along ``tangents``: ∂f(x + t v)/∂t at t = 0.

    Parameters
    ----------
    f : callable
        Of arrays, numbers or nested dicts, lists and tuples of them; so is its value. It may work on tensors inside.
    args : sequence
        The point. Floating-point numbers are passed on as float64; integers, booleans and strings as they are.
    tangents : sequence
        The direction, in the structure and shapes of ``args``; what stands for an integer is ignored.
    holomorphic : bool
        The function is analytic and takes complex numbers: one evaluation at an imaginary step gives all digits
        (Squire, Trapp 1998). Never claim this of `abs`, norms, `sign`, maxima or comparisons: it is silently wrong.

    Returns
    -------
    Estimate
        Of the value's shape; in containers where ``f`` returns them.

    Raises
    ------
    TypeError
        If the value is not made of real floating-point numbers.
    ValueError
        If a tangent's shape is not its argument's.

    Notes
    -----
    23 evaluations, and 11 more for each window where two do not suffice. Arguments whose sizes differ by more than 10⁴
    are moved one after the other, at that cost each. Warnings and floating-point errors of ``f`` are silenced: the
    steps may well leave its domain.

    Examples
    --------
    >>> slope = numerical_jvp(np.sin, (1.0,), (1.0,))
    >>> bool(abs(slope.value - np.cos(1.0)) <= slope.error <= 1e-10)
    True
    """
    line = Line(f, args, tangents)
    with silence():
        base = line.at(0.0)
        if holomorphic:
            step = 1e-30 * max((size for _, size in line.groups), default=1.0)
            slope = np.imag(line.at(step * 1j)) / step
            return _shaped(line, Estimate(slope, 8 * EPS * np.abs(slope), np.full(base.shape, step), 2))
        parts = [_estimate(Ladder(line.along(some), size, base)) for some, size in line.groups]
    zero, unknown = np.zeros(base.shape), np.full(base.shape, np.inf if line.stuck else 0.0)
    value, error = (
        sum((getattr(part, k) for part in parts), start) for k, start in [("value", zero), ("error", unknown)]
    )
    steps: Any = [part.step for part in parts] or [np.full(base.shape, np.nan)]
    step = np.min(steps, axis=0)
    return _shaped(line, Estimate(value, error, step, 1 + sum(part.evaluations for part in parts)))


def _estimate(ladder: Ladder) -> Estimate:
    """The slope that the most certain window saw; what others exclude of it is added to its error."""
    rest = halves(ladder.size)
    for factor in FIRST:
        ladder.look(factor * ladder.size)
    while True:
        usable = np.stack([w.usable for w in ladder.windows])
        slopes, errors = np.stack([w.slope for w in ladder.windows]), np.where(usable, ladder.errors(), np.inf)
        best = np.argmin(errors, axis=0)[None]
        value, error = (np.take_along_axis(each, best, axis=0)[0] for each in (slopes, errors))
        poor = np.stack([w.poor for w in ladder.windows])
        apart = np.abs(slopes - value)
        error = np.maximum(error, np.max(np.where((apart > errors + error) & ~poor, apart, 0.0), axis=0))
        half = next(rest, None)
        if half is None or np.all(
            error <= np.maximum(PRECISE * np.abs(value), 1e-12 * np.abs(ladder.base) / ladder.size)
        ):
            steps = np.array([w.half for w in ladder.windows])[best[0]] / ladder.size
            return Estimate(value, error, steps, PLACES * len(ladder.windows))
        ladder.look(half)


def _shaped(line: Line, flat: Estimate) -> Any:
    """An estimate for each array of the value, in the containers of the value."""
    start = 0

    def cut(y: Any) -> Estimate:
        nonlocal start
        shape = np.shape(raw(y))
        end = start + int(np.prod(shape))
        columns = {name: np.reshape(getattr(flat, name)[start:end], shape)[()] for name in COLUMNS}
        start = end
        return Estimate(**columns, evaluations=flat.evaluations)

    return mapped(cut, line.value)


def numerical_vjp(f: Function, args: Sequence[Any], cotangents: Any) -> Any:
    """The cotangents of the arguments: the derivatives of ⟨cotangents, ``f(*args)``⟩ by every number in ``args``.

    Parameters
    ----------
    f, args
        As for `numerical_jvp`.
    cotangents : array_like or containers of them
        In the structure and shapes of ``f(*args)``.

    Returns
    -------
    tuple
        For each argument an `Estimate` of its shape, in the containers of the argument; None for what is no
        floating-point number.

    Raises
    ------
    TypeError, ValueError
        As `numerical_jvp`.

    Notes
    -----
    Some 23 evaluations for each number in ``args``: for large arguments, check directions with `numerical_jvp`.
    """
    weights = leaves(cotangents)

    def weighted(*inner: Any) -> Any:
        values = leaves(f(*inner))
        shapes = [np.shape(raw(y)) for y in values], [np.shape(w) for w in weights]
        if shapes[0] != shapes[1]:
            raise ValueError(f"cotangents of shapes {shapes[1]} were given where {shapes[0]} are needed")
        return sum((np.sum(raw(y) * np.asarray(w)) for y, w in zip(values, weights, strict=True)), start=np.float64(0))

    point = leaves(tuple(args))
    still = [np.zeros(np.shape(x)) for x in point]
    found: list[Any] = []
    for i, x in enumerate(point):
        if not is_moved(x):
            found.append(None)
            continue
        each = []
        for place in np.ndindex(np.shape(x)):
            unit = np.zeros(np.shape(x))
            unit[place] = 1.0
            pieces = iter([*still[:i], unit, *still[i + 1 :]])
            each.append(numerical_jvp(weighted, args, _refilled(args, pieces)))
        evaluations = sum(e.evaluations for e in each)
        columns = {name: np.reshape([getattr(e, name) for e in each], np.shape(x))[()] for name in COLUMNS}
        found.append(Estimate(**columns, evaluations=evaluations))
    return _refilled(args, iter(found))


def _refilled(args: Sequence[Any], replacements: Iterator[Any]) -> tuple[Any, ...]:
    """The containers of ``args`` with other things in them."""
    return tuple(mapped(lambda _: next(replacements), tuple(args)))


def numerical_gradient(f: Function, args: Sequence[Any]) -> Any:
    """The gradient of the number ``f(*args)``: `numerical_vjp` for the cotangent 1.

    Raises
    ------
    ValueError
        If ``f`` does not return one number; and as `numerical_vjp`.
    """
    with silence():
        y = f(*args)
    if np.size(raw(y)) != 1:
        raise ValueError(f"a gradient needs a function that returns one number, got shape {np.shape(raw(y))}")
    return numerical_vjp(f, args, np.ones(np.shape(raw(y))))


def near_kink(f: Function, args: Sequence[Any], direction: Sequence[Any]) -> bool:
    """Whether the slopes to the left and to the right of the point disagree, so that there is no derivative.

    Parameters
    ----------
    f, args
        As for `numerical_jvp`.
    direction : sequence
        In the structure and shapes of ``args``.

    Returns
    -------
    bool
        True at (and within about 1e-8, relative to the size of the arguments, of) a kink such as that of ``abs`` at 0,
        a jump, a cusp, and the edge of a domain.

    Notes
    -----
    One-sided slopes of second order, at a step and at a sixteenth of it. For a smooth function their difference falls
    by 16² as the step does; at a kink it stays, at a cusp or a jump the slopes themselves grow.
    """
    line = Line(f, args, direction)
    with silence():
        base = line.at(0.0)
        return any(bool(np.any(bent(line.along(some), base, size))) for some, size in line.groups)


def bent(along: Callable[[float], Array], base: Array, size: float) -> Any:
    """For each number of the value, whether its slopes disagree at all of three scales."""
    tiny = 1e-13 * size  # over which a function hardly changes: what is seen there is the rounding of its values
    rounding = 64 * EPS * np.abs(base) + 4 * np.maximum(np.abs(along(tiny) - base), np.abs(along(-tiny) - base))
    verdict: Any = True
    for start in (1e-3, 1e-5, 1e-7):
        gaps, slopes = [], []
        for h in (start * size, start * size / 16):
            right = (4 * along(h) - along(2 * h) - 3 * base) / (2 * h)
            left = (3 * base - 4 * along(-h) + along(-2 * h)) / (2 * h)
            gaps.append(np.abs(right - left))
            slopes.append(np.maximum(np.abs(right), np.abs(left)))
        noise = rounding / (start * size / 16)
        there = (gaps[1] > 0.3 * gaps[0]) & ~(gaps[1] <= noise) & (gaps[1] > 1e-4 * slopes[1])
        steep = (slopes[1] > 2.5 * slopes[0]) & (slopes[1] > 1024 * EPS * np.abs(base) / (start * size / 16))
        edge = ~(np.isfinite(slopes[1]) & np.isfinite(gaps[1])) & np.isfinite(base)
        verdict = verdict & (there | steep | edge)
    return verdict
