"""Numerical derivatives that know how far off they are.

A difference quotient has two errors: with a large step it sees the function's curvature, with a small one the rounding
of its values. No fixed step suits every function, and a checker with a wrong reference raises false alarms or, worse,
lets wrong gradients pass. So here a derivative comes with an error bar.

Central differences at steps h, h/2, h/4 ... have errors in powers of h², which Richardson's extrapolation removes one
after the other; Ridders (1982) takes the entry of that table whose neighbours agree best, and their disagreement for
its error. From a single starting step this fails where the step is far from the function's own scale (sin 100x), so
there are three, relative to the size of the arguments, and two finer ones if none of them will do. What two starts
claim has to agree; else the disagreement is the error.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from minigrad.containers import leaves, mapped
from minigrad.engine.tensor import Array, Tensor

STARTS = (0.2, 5e-3, 1e-4)  # the largest steps of three tables, relative to the size of the arguments
FINER = (1e-6, 1e-8)  # two more, for points very near to a pole, a kink or the edge of a domain
LEVELS = 7  # halvings of a starting step
SATISFACTORY = 1e-4  # relative error above which an estimate tells nothing
SPREAD = 1e4  # numbers that differ by more than this factor are not moved by the same step
PROBES = (2e-15, -2e-15, 5e-15, -5e-15)  # steps of some units in the last place: what changes there is rounding
COLUMNS = ("value", "error", "step", "secant")
EPS = float(np.finfo(np.float64).eps)

Function = Callable[..., Any]


@dataclass(frozen=True)
class Estimate:
    """A numerical derivative and how far to trust it.

    Attributes
    ----------
    value : ndarray or float64
        The derivative.
    error : ndarray or float64
        Estimate of its absolute error, element by element; infinite where the function was not finite on either side.
    step : ndarray or float64
        The smallest step that went into it, relative to the size of the arguments.
    evaluations : int
        How often the function was called.
    secant : ndarray or float64
        The largest slope of the secants through the point: what a derivative could have been. Where all slopes cancel
        to nothing, this tells what nothing is.
    """

    value: Any
    error: Any
    step: Any
    evaluations: int
    secant: Any = 0.0

    @property
    def conclusive(self) -> Any:
        """Where the error is small enough, 1e-4 of the value, that a wrong derivative would be told from it."""
        return self.error <= SATISFACTORY * np.abs(self.value)


def numerical_jvp(
    f: Function, args: Sequence[Any], tangents: Sequence[Any], *, holomorphic: bool = False, scale: float = 1.0
) -> Any:
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
    scale : float
        Multiplies all steps: 0.7 gives a second opinion, with other roundings.

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
    47 evaluations, and 28 more where these do not suffice. Arguments whose sizes differ by more than 10⁴ are moved one
    after the other, at that cost each. Warnings and floating-point errors of ``f`` are silenced: the steps may well
    leave its domain.

    Examples
    --------
    >>> slope = numerical_jvp(np.sin, (1.0,), (1.0,))
    >>> bool(abs(slope.value - np.cos(1.0)) <= slope.error <= 1e-10)
    True
    """
    moves = _Line(f, args, tangents)
    with silence():
        base = moves.at(0.0)
        if holomorphic:
            step = 1e-30 * max((size for _, size in moves.groups), default=1.0)
            slope = np.imag(moves.at(step * 1j)) / step
            return moves.shaped(Estimate(slope, 8 * EPS * np.abs(slope), np.full(base.shape, step), 2, np.abs(slope)))
        parts = [_ridders(moves.along(some), base, size * scale) for some, size in moves.groups]
    return moves.shaped(_total(parts, base))


def numerical_vjp(f: Function, args: Sequence[Any], cotangents: Any) -> Any:
    """The cotangents of the arguments: the derivatives of ⟨cotangents, f(*args)⟩ by every number in ``args``.

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
    Some 47 evaluations for each number in ``args``: for large arguments, check directions with `numerical_jvp`.
    """
    weights = leaves(cotangents)

    def weighted(*inner: Any) -> Any:
        values = leaves(f(*inner))
        shapes = [np.shape(_raw(y)) for y in values], [np.shape(w) for w in weights]
        if shapes[0] != shapes[1]:
            raise ValueError(f"cotangents of shapes {shapes[1]} were given where {shapes[0]} are needed")
        return sum((np.sum(_raw(y) * np.asarray(w)) for y, w in zip(values, weights, strict=True)), start=np.float64(0))

    point = leaves(tuple(args))
    still = [np.zeros(np.shape(x)) for x in point]
    found: list[Any] = []
    for i, x in enumerate(point):
        if not _is_float(x):
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
    """The gradient of the number ``f(*args)``: `numerical_vjp` for the cotangent 1."""
    with silence():
        y = f(*args)
    if np.size(_raw(y)) != 1:
        raise ValueError(f"a gradient needs a function that returns one number, got shape {np.shape(_raw(y))}")
    return numerical_vjp(f, args, np.ones(np.shape(_raw(y))))


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
    line = _Line(f, args, direction)
    with silence():
        base = line.at(0.0)
        return any(bool(np.any(_bent(line.along(some), base, size))) for some, size in line.groups)


def _bent(along: Callable[[float], Array], base: Array, size: float) -> Any:
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


class _Line:
    """A function along a line through a point: x + t v, where parts of the arguments may be moved on their own."""

    def __init__(self, f: Function, args: Sequence[Any], tangents: Sequence[Any]) -> None:
        self.f, self.args = f, tuple(args)
        self.point = [np.asarray(x, np.float64)[()] if _is_float(x) else x for x in leaves(self.args)]
        given = leaves(tuple(tangents))
        shapes = [np.shape(v) for v in given], [np.shape(x) for x in self.point]
        if shapes[0] != shapes[1]:
            raise ValueError(f"tangents of shapes {shapes[0]} were given where {shapes[1]} are needed")
        self.direction = [
            np.asarray(v, np.float64) if _is_float(x) else None for x, v in zip(self.point, given, strict=True)
        ]
        self.groups = list(self._groups())
        self.value: Any = None

    def at(self, t: complex, direction: Sequence[Array | None] | None = None) -> Array:
        """The value at x + t v, all of its numbers one after the other."""
        direction = self.direction if direction is None else direction
        moved = iter([x if v is None else (x + t * v)[()] for x, v in zip(self.point, direction, strict=True)])
        try:
            self.value = self.f(*mapped(lambda _: next(moved), self.args))
        except (ArithmeticError, ValueError, np.linalg.LinAlgError):
            if self.value is None:
                raise  # at the point itself
            return np.full(sum(np.size(_raw(y)) for y in leaves(self.value)), np.nan)  # a step left the domain
        flat = [np.ravel(np.asarray(_raw(y))) for y in leaves(self.value)]
        for y in flat:
            if y.dtype.kind != ("f" if t.imag == 0 else "c") and y.size:
                raise TypeError(
                    f"the function gave numbers of type {y.dtype}: only real floating-point ones have slopes"
                )
        return np.concatenate(flat) if flat else np.zeros(0)

    def along(self, direction: Sequence[Array | None]) -> Callable[[float], Array]:
        """The same function of t alone, for a part of the direction."""
        return lambda t: self.at(t, direction)

    def shaped(self, flat: Estimate) -> Any:
        """An estimate for each array of the value, in the containers of the value."""
        start = 0

        def cut(y: Any) -> Estimate:
            nonlocal start
            shape = np.shape(_raw(y))
            end = start + int(np.prod(shape))
            columns = {name: np.reshape(getattr(flat, name)[start:end], shape)[()] for name in COLUMNS}
            start = end
            return Estimate(**columns, evaluations=flat.evaluations)

        return mapped(cut, self.value)

    def _groups(self) -> Iterator[tuple[list[Array | None], float]]:
        """The direction in parts that one step fits, and the step: what is of about one size is moved together."""
        moved = [(np.ravel(x), np.ravel(v)) for x, v in zip(self.point, self.direction, strict=True) if v is not None]
        if not moved:
            return
        x, v = (np.concatenate(arrays) for arrays in zip(*moved, strict=True))
        left = v != 0
        largest = float(np.max(np.abs(x[left]), initial=0.0)) or 1.0
        sizes = np.where(x == 0, largest, np.abs(x))  # 0 has no size of its own: it moves with the largest
        while np.any(left):
            top = float(np.max(sizes[left]))
            part = left & (sizes >= top / SPREAD)
            yield self._unravelled(np.where(part, v, 0.0)), top / float(np.max(np.abs(v[part])))
            left &= ~part

    def _unravelled(self, flat: Array) -> list[Array | None]:
        """A direction's numbers in the shapes of the arguments, None for those that do not move."""
        ends = np.cumsum([0 if v is None else v.size for v in self.direction])
        pieces = np.split(flat, ends[:-1])
        return [
            None if v is None else np.reshape(piece, v.shape) for v, piece in zip(self.direction, pieces, strict=True)
        ]


def _ridders(along: Callable[[float], Array], base: Array, size: float) -> Estimate:
    """The derivative of ``along`` at 0, by extrapolation from several starting steps."""
    noise = EPS * np.abs(base)
    for probe in PROBES:
        noise = np.fmax(noise, np.abs(along(probe * size) - base))
    tables = [_table(along, base, noise, start * size) for start in STARTS]
    best = _agreed(tables)
    for start in FINER:
        if np.all(best.conclusive | (best.error <= 1e-12 * np.abs(base) / size)):
            break
        finer = _table(along, base, noise, start * size)
        still = (finer.secant == 0) & (best.secant > 0)  # the steps are below the resolution of the function's values
        tables.append(replace(finer, error=np.where(still, np.inf, finer.error)))
        best = _agreed(tables)
    return Estimate(best.value, best.error, best.step / size, len(PROBES) + 2 * LEVELS * len(tables), best.secant)


def _table(along: Callable[[float], Array], base: Array, noise: Array, h: float) -> Estimate:
    """Ridders' table from one starting step: the entry whose neighbours agree best, for each number on its own."""
    value, error, step = np.zeros(base.shape), np.full(base.shape, np.inf), np.full(base.shape, h)
    above: list[Array] = []
    secant = np.zeros(base.shape)
    for _ in range(LEVELS):
        right, left = along(h), along(-h)
        slopes = np.maximum(np.abs(right - base), np.abs(left - base)) / h
        secant = np.maximum(secant, np.where(np.isfinite(slopes), slopes, 0.0))
        row = [(right - left) / (2 * h)]
        rounding = np.maximum(noise, EPS * np.maximum(np.abs(right), np.abs(left))) / h  # no extrapolation removes it
        for k, previous in enumerate(above):
            row.append(row[k] + (row[k] - previous) / (4.0 ** (k + 1) - 1))
            here = np.maximum(np.abs(row[k + 1] - row[k]), np.abs(row[k + 1] - previous)) + rounding
            better = here < error
            value, error = np.where(better, row[k + 1], value), np.where(better, here, error)
            step = np.where(better, h, step)
        above, h = row, h / 2
    return Estimate(value, error, step, 2 * LEVELS, secant)


def _agreed(tables: Sequence[Estimate]) -> Estimate:
    """The most certain of several estimates, and no more certain than the others allow.

    A coarse table may overlook what is finer than its steps and be certain of it, but a fine one overlooks nothing: a
    table that two finer ones exclude is left out. If only one excludes it, both are in doubt.
    """
    values, errors, steps = (np.stack([getattr(t, name) for t in tables]) for name in ("value", "error", "step"))
    excludes = np.abs(values[:, None] - values) > 10 * (errors[:, None] + errors)  # symmetric in the first two axes
    finer = np.tril(np.ones((len(tables), len(tables)), bool), -1)[..., *[None] * (values.ndim - 1)]
    refuted = np.sum(excludes & finer, axis=0) >= 2
    best = np.argmin(np.where(refuted, np.inf, errors), axis=0)[None]
    value, error, step = (np.take_along_axis(a, best, axis=0)[0] for a in (values, errors, steps))
    apart = np.abs(values - value)
    doubt = np.max(np.where((apart > 10 * (errors + error)) & ~refuted, apart, 0.0), axis=0)
    return Estimate(value, np.maximum(error, doubt), step, 0, np.max([t.secant for t in tables], axis=0))


def _total(parts: Sequence[Estimate], base: Array) -> Estimate:
    """The derivative along a direction from those along its parts."""
    zero = np.zeros(base.shape)
    value, error, secant = (sum((getattr(p, name) for p in parts), zero) for name in ("value", "error", "secant"))
    step = np.min([p.step for p in parts], axis=0) if parts else np.full(base.shape, np.nan)
    return Estimate(value, error, step, 1 + sum(p.evaluations for p in parts), secant)


@contextmanager
def silence() -> Iterator[None]:
    """The steps may leave a function's domain: what it says there is of no interest."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


def _is_float(x: Any) -> bool:
    """Whether this argument is moved: arrays of floating-point numbers and floats are."""
    return np.asarray(_raw(x)).dtype.kind == "f"


def _raw(x: Any) -> Any:
    return x.data if isinstance(x, Tensor) else x
