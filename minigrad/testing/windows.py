"""Slopes with an honest error bar: a polynomial fitted in a window, and windows of many widths.

A difference quotient has two errors: with a large step it sees the function's curvature, with a small one the rounding
of its values. Here neither is guessed. In a *window* of half-width H around the point the function is evaluated at
eleven places, and a polynomial of degree six is fitted to the values by least squares. Its linear term is the slope;
what the polynomial misses, curvature, kinks and rounding alike, is left over as the residual s, and bounds the error:

    |slope - f'(x)| <= a (20 s + ...) / H,    a = |row 1 of the pseudo-inverse|.

The factor 20 is measured (a kink anywhere inside costs up to 8.9 s a/H, powers up to t¹² no more than 2.0). The
places are a Chebyshev grid with each place moved at random, since evenly placed ones hide kinks and give exact ties on
even functions.

One window may be wrong about its error, where the function has structure that the eleven places miss. What the windows
of different widths know about each other is in `Ladder.errors`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from minigrad.engine.tensor import Array

__tracebackhide__ = True  # pytest shows no line of this file where a user's test fails

EPS = 2.0**-52
TINY = 5e-324
PLACES, DEGREE = 11, 6
FACTOR = 20  # of the error of a slope, over that which the residual would cause were it spread at random
POOR = 0.02  # of the range of the values: a polynomial that misses more does not describe the function


class Places(NamedTuple):
    """Where a window looks, in (-1, 1), and what fits the polynomial there."""

    t: Array
    basis: Array  # of the powers 0 ... DEGREE, (PLACES, DEGREE + 1)
    inverse: Array  # its pseudo-inverse
    gains: tuple[float, float]  # norms of rows 0 and 1 of that: of the value, and of the slope


def _sets(seeds: tuple[int, ...] = (2723, 2080, 2705, 914)) -> list[Places]:
    """Sets of places, by the seeds of their moves: of some thousand, those in which a kink costs least."""
    even = -np.cos(np.pi * (np.arange(PLACES) + 0.5) / PLACES)
    room = np.minimum(np.diff(even, prepend=-2.0), np.diff(even, append=2.0))
    sets = []
    for seed in seeds:
        t = even + np.random.default_rng(seed).uniform(-0.25, 0.25, PLACES) * room
        basis = np.vander(t, DEGREE + 1, increasing=True)
        inverse = np.linalg.pinv(basis)
        sets.append(Places(t, basis, inverse, (float(np.linalg.norm(inverse[0])), float(np.linalg.norm(inverse[1])))))
    return sets


SETS = _sets()  # used in turn, so that what one set of places misses is not missed by all


@dataclass(frozen=True)
class Window:
    """What is seen of m functions in a window; all arrays but ``t`` and ``values`` are of shape (m,).

    Attributes
    ----------
    half : float
        Its half-width.
    t, values : ndarray
        The places, (11,), and the values there less the one at the point, (11, m).
    slope, error : ndarray
        Error by this window's own account.
    reach : ndarray
        From the smallest value to the largest.
    residual : ndarray
        Root of the mean square of what the polynomial leaves over, s.
    gain : float
        a: an error of s in the values is one of about a s / half in the slope.
    usable : ndarray of bool
        All is finite, and the value at the point lies on the curve (it does not at a jump).
    poor : ndarray of bool
        The polynomial does not describe the function: that may prevent an accusation, and can make none.
    flat : ndarray of bool
        All values are the same.
    """

    half: float
    t: Array
    values: Array
    slope: Array
    error: Array
    residual: Array
    reach: Array
    gain: float
    usable: Array
    poor: Array
    flat: Array


def window(along: Callable[[float], Array], base: Array, size: float, half: float, places: Places) -> Window:
    """Look at ``along``, functions of t with the values ``base`` at 0, for |t| < ``half``.

    ``size`` is how far one has to go for the arguments to change by their own size: x + t v is rounded by eps size.
    """
    t = places.t * half
    values = np.stack([along(float(each)) for each in t]) - base
    finite = np.isfinite(values).all(axis=0)
    y = np.where(finite, values, 0.0)
    fitted = places.inverse @ y
    slope = fitted[1] / half
    left = y - places.basis @ fitted
    residual = np.sqrt(np.sum(left * left, axis=0) / (PLACES - DEGREE - 1))
    ordered = np.sort(y, axis=0)
    steps, reach = np.diff(ordered, axis=0), ordered[-1] - ordered[0]
    positive = np.where(steps > 0, steps, np.inf).min(axis=0)
    quantum = np.where((steps == 0).any(axis=0) & (reach > 0), positive, 0.0)  # values are met twice: they are counted
    largest = np.maximum(np.abs(ordered[0] + base), np.abs(ordered[-1] + base))
    noise = FACTOR * residual + 2 * quantum + 2 * EPS * largest + 4 * TINY
    error = places.gains[1] * noise / half + 4 * EPS * np.abs(slope) * size / half
    usable = finite & (np.abs(fitted[0]) <= places.gains[0] * noise)
    return Window(
        half, t, values, slope, np.where(finite, error, np.inf), residual, reach, places.gains[1],
        usable, residual > POOR * reach, finite & (reach == 0),
    )  # fmt: skip


class Ladder:
    """Windows of several widths on the same m functions of t, the widest first.

    Parameters
    ----------
    along : callable
        ``along(t)``, an array (m,).
    size : float
        How far to go for the arguments to change by their own size.
    """

    def __init__(self, along: Callable[[float], Array], size: float, base: Array | None = None) -> None:
        self.along, self.size = along, size
        self.base = along(0.0) if base is None else base
        self.windows: list[Window] = []
        self._quantum: Array | None = None

    def look(self, half: float) -> None:
        """One more window."""
        places = SETS[len(self.windows) % len(SETS)]
        self.windows.append(window(self.along, self.base, self.size, half, places))
        self.windows.sort(key=lambda each: -each.half)

    @property
    def unit(self) -> Array:
        """The size of the values seen, or 1: a difference of ones may be behind smaller ones."""
        largest: Array = np.max([self._unit(w) for w in self.windows], axis=0)
        return largest

    def _unit(self, w: Window) -> Array:
        """The same in one window."""
        seen = np.max(np.abs(np.where(np.isfinite(w.values), w.values, 0.0) + self.base), axis=0)
        return np.maximum(1.0, np.where(np.isfinite(seen), seen, 0.0))

    def rough(self) -> Array:
        """For each window (k, m) what of its residual is noise: a smooth function's falls by 10⁷ as the width by ten.

        That of a kink falls by ten. What falls by less than four is rounding, or steps.
        """
        usable = np.stack([w.usable for w in self.windows])
        residuals = np.where(usable, [w.residual for w in self.windows], np.inf)
        stays = np.zeros(usable.shape, bool)
        stays[1:] = usable[1:] & (residuals[1:] >= residuals[:-1] / 4)
        return np.where(stays, residuals, 0.0)

    def errors(self) -> Array:
        """The error of each window's slope, (k, m), after all that the others know.

        Rounding does not get less at finer scales, only rarer: a fine window may lie between two roundings, be smooth,
        and certain of a wrong slope. So the largest noise that a wider window met counts for the finer ones. Where
        values do not move at all, the size of the rounding is what they move by at last (`quantum`).
        """
        rough = self.rough()
        near = np.array([w.half <= 0.3 * self.size for w in self.windows])[:, None]
        rough = np.where(near, rough, 0.0)  # beyond the arguments' own size a function may well be uneven
        found = np.max(rough, axis=0)
        sigma, errors = np.zeros(self.base.shape), []
        for w, noise in zip(self.windows, rough, strict=True):
            error = np.maximum(w.error, 10 * w.gain * sigma / w.half)
            if w.flat.any():
                least = np.maximum(10 * found, 2 * self.quantum())
                error = np.where(w.flat, np.maximum(error, w.gain * least / w.half), error)
            errors.append(error)
            unit = self._unit(w)  # how large values are further out is no matter here
            stairs = np.where(w.usable & w.poor & (w.residual <= 1e3 * EPS * unit), w.residual, 0.0)
            sigma = np.maximum(sigma, np.maximum(stairs, np.where(noise <= 1e-6 * unit, noise, 0.0)))
        return np.stack(errors)

    def quantum(self) -> Array:
        """By how much the values jump where they first move, if that is a matter of rounding; else that of ``unit``.

        Where the movement begins smoothly (the dead side of a relu) the jump shrinks to nothing as it is bracketed.
        """
        if self._quantum is None:
            rounding = EPS * self.unit
            found = np.array([self._first_jump(k) for k in range(self.base.size)])
            self._quantum = np.where((found > 1e-6 * self.unit) | np.isnan(found), rounding, found)
        return self._quantum

    def nearby(self, claim: float, slope: float) -> bool:
        """Whether within some roundings of the point a single function moves by ``claim``, and not by ``slope``.

        So do stairs like those of `floor` at 1e10, where even the finest window is wider than a step.
        """
        reach = 2.0 ** np.arange(2, 15) * EPS * self.size
        for t in (reach, -reach):
            moved = np.array([self.along(float(each))[0] for each in t]) - self.base[0]
            claimed, seen = (
                np.maximum.accumulate(np.abs(moved - each * t)) / (EPS * self.unit[0]) for each in (claim, slope)
            )
            if np.any(seen >= np.maximum(8.0, 4 * claimed)):
                return True
        return False

    def _first_jump(self, k: int) -> float:
        jumps = [jump for sign in (1.0, -1.0) if (jump := self._jump(k, sign)) is not None]
        return max(jumps, default=np.nan)

    def _jump(self, k: int, sign: float) -> float | None:
        """The jump on one side: the nearest place where the value is another one, bracketed to a part in 10⁴."""

        def moved(t: float) -> bool:
            y = self.along(t)[k]
            return bool(np.isfinite(y) and y != self.base[k])

        seen = [
            float(t)
            for w in self.windows
            for t, v in zip(w.t, w.values[:, k], strict=True)
            if v != 0 and np.isfinite(v)
        ]
        outer = min((abs(t) for t in seen if t * sign > 0), default=None)
        if outer is None:
            fractions = [*(2.0**k for k in range(-1, 14)), *(1 - 2.0**-k for k in range(2, 8)), 0.1, 1.0]
            outer = next((f * self.size for f in fractions if moved(sign * f * self.size)), None)
        if outer is None:
            return None
        inner = max((abs(float(t)) for w in self.windows for t in w.t if t * sign > 0 and abs(t) < outer), default=0.0)
        for _ in range(64):  # of which some 13 are needed, unless it moves from the start
            if outer - inner <= 1e-4 * outer:
                break
            middle = (inner + outer) / 2
            inner, outer = (inner, middle) if moved(sign * middle) else (middle, outer)
        return float(abs(self.along(sign * outer)[k] - self.along(sign * inner)[k]))
