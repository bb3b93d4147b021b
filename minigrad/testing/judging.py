"""A claimed gradient along one direction: what a ruling on it rests on, and why nothing could be told.

`verdict` rules on a slope and windows; here a problem, a cotangent w and a direction v become that: ⟨w, f(x + t v)⟩ as
a function of t, and the claim ⟨g, v⟩, which can be asked again in other roundings and along other directions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from minigrad.containers import leaves, mapped
from minigrad.engine.tensor import Array
from minigrad.testing.line import SPREAD, Directions, Line, silence
from minigrad.testing.numerical import bent
from minigrad.testing.problem import Problem, is_float, scaled
from minigrad.testing.report import Kind, Row
from minigrad.testing.verdict import FACTORS, FIRST, Claim, Ruling, judge
from minigrad.testing.windows import Ladder

__tracebackhide__ = True  # pytest shows no line of this file where a user's test fails

KINK = "at a kink or the edge of the domain, there is no derivative"
TOLD = {
    "scales disagree": "windows of different widths see different slopes",
    "another slope close by": "within some roundings of the point it moves as claimed, and otherwise further on",
    "the claim itself is rounded": "the claim changes as much when its argument does by its last digit",
}
NUDGES = (1.0, 1 + 4e-16, 1 - 4e-16, 1 + 1e-15, 1 - 1e-15)  # of the point, by its rounding
TIES = 1e-8  # of the arguments' size: where values differ by their rounding, this far away they do not
SMALLEST = 1e-10  # of numbers of the value that are to count: of smaller ones a difference of ones would hide too much
RANK = ("pass", "inconclusive", "fail")
Mixed = Callable[[float, float], Directions]


class Judged(NamedTuple):
    """A row of the report, the ruling behind it, and along what: the part of a direction that it is about."""

    row: Row
    ruling: Ruling
    along: Directions


@dataclass(frozen=True)
class Judge:
    """Rules on what a problem's pullback claims.

    Attributes
    ----------
    problem : Problem
    name : str
        What the comparison is called in the report: ``"order 1"``.
    rng : numpy.random.Generator
        Of the random directions.
    rtol : float
        What rounding may cost the claimed gradient, relative to the sum of the sizes of its terms.
    nan_is_none : bool
        Whether a claim of NaN says that there is no derivative, as this package's second derivatives at kinks do.
    """

    problem: Problem
    name: str
    rng: np.random.Generator
    rtol: float
    nan_is_none: bool = field(default=False, kw_only=True)

    def judged(
        self,
        path: str,
        w: Any,
        v: Directions,
        g: Directions,
        mixed: Mixed | None = None,
        first: tuple[float, ...] = FIRST,
    ) -> Judged:
        """The ruling on a claimed gradient ``g`` along a direction ``v``, both with an array for each argument.

        What is moved by different steps is judged apart; the worst ruling counts.
        """
        line, weight = Line(self.problem.forward, self.problem.args, v), flat(w)
        ranked: list[tuple[int, Judged]] = []
        with silence():
            for some, size in line.groups:
                phi = weighed(line, some, weight)
                ladder = Ladder(phi, size)
                terms = product(g, some)
                sizes = float(np.sum(np.abs(terms)))
                claim = Claim(
                    slope=float(np.sum(terms)),
                    size=sizes if np.isfinite(sizes) else 0.0,
                    rtol=self.rtol,
                    spread=partial(self.rounding, w, some, mixed is not None),
                    additive=partial(self.additive, line, some, weight, size, ladder, mixed),
                    single=partial(single, line, some, size),
                    whole=partial(whole, line, some, size),
                )
                ruling = judge(ladder, claim, first)
                row = self.explained(path, ladder, claim, ruling, size)
                if self.nan_is_none and np.isnan(claim.slope) and row.verdict == "fail":
                    told = "the claim is NaN, which says that there is no derivative"
                    row = replace(row, verdict="inconclusive", note=told, kind="kink")
                ranked.append((RANK.index(row.verdict), Judged(row, ruling, some)))
        if line.stuck and all(rank == 0 for rank, _ in ranked):
            row = Row(self.name, path, "inconclusive", note="the argument is not finite here", kind="domain")
            return Judged(row, Ruling("inconclusive", np.nan, np.inf), v)
        if not ranked:
            return Judged(Row(self.name, path, "pass", 0.0, 0.0, 0.0), Ruling("pass", 0.0, 0.0), v)
        return max(ranked, key=lambda each: each[0])[1]

    def explained(self, path: str, ladder: Ladder, claim: Claim, ruling: Ruling, size: float) -> Row:
        """A ruling as a row of the report; of an inconclusive one, why."""
        note, verdict = "", ruling.verdict
        kind: Kind | None = "wrong" if verdict == "fail" else None
        if verdict == "inconclusive":
            base = ladder.base.item()
            note, kind = f"the numerical derivative is only good to {ruling.error:.1g}", "noise"
            if ruling.why in TOLD:
                note = TOLD[ruling.why]
            if not np.isfinite(base):
                note, kind = "the function is not finite here", pole(base)
            elif noisy(ladder, size):
                pass  # the slopes to the left and to the right are noise, too
            elif bool(np.all(bent(ladder.along, ladder.base, size))):
                edge = not any(w.usable.item() or np.isfinite(w.error.item()) for w in ladder.windows)
                note, kind = KINK, "domain" if edge else "kink"
            elif not np.isfinite(claim.slope):
                note, kind = "the claim is not finite, and the function too steep or uneven to tell", "pole"
            elif ruling.why == "not additive":
                note, kind = "the slopes along two directions do not add up: there is no derivative", "kink"
        return Row(self.name, path, verdict, claim.slope, ruling.slope, ruling.error, note, kind)

    def additive(
        self,
        line: Line,
        v: Directions,
        weight: Array,
        size: float,
        ladder: Ladder,
        mixed: Mixed | None,
        half: float,
        off: float,
    ) -> bool:
        """Whether the slopes along a and v - a add up to that along v: there is a derivative only where they do.

        And they have to be seen to: where the function has kinks along a and v - a that cancel along v, they are not.
        """
        drawn: Mixed = mixed or (
            lambda low, high: [None if b is None else self.rng.uniform(low, high, b.shape) for b in v]
        )
        (whole,) = [w for w in ladder.windows if w.half == half]
        for _ in range(5):
            a = [None if b is None or r is None else b * r for b, r in zip(v, drawn(-1.0, 2.0), strict=True)]
            rest = [None if b is None or c is None else b - c for b, c in zip(v, a, strict=True)]
            seen = []
            for some in (a, rest):
                part = Ladder(weighed(line, some, weight), size, ladder.base)
                part.look(half)
                seen += part.windows
            if not all(w.usable.item() for w in seen):
                continue
            gap = sum(w.slope.item() for w in seen) - whole.slope.item()
            error = sum(w.error.item() for w in [*seen, whole])
            if abs(gap) > 2 * error + 1e-9 * abs(whole.slope.item()) or error > off:
                return False
        return True

    def rounding(self, w: Any, v: Directions, tied: bool = False) -> float:
        """How much ⟨g, v⟩ changes as the cotangent is scaled, and the point moved by its own rounding.

        A tenth of how much it changes over 1e-8 of the arguments' size counts, too, unless ties are kept: near there
        values that rounding has made equal may tie no more. To scale by 2 changes no rounding: a pullback that it
        changes is not linear, and has no such excuse.
        """
        once, twice = (self.claimed(self.problem, w, v, factor) for factor in (1.0, 2.0))
        if not abs(once - twice) <= 1e-9 * abs(once):
            return 0.0
        found = []
        for nudge in NUDGES:
            there = self.problem.at(scaled(self.problem.args, nudge))
            found += [self.claimed(there, w, v, factor) for factor in FACTORS]
        away = [] if tied else [self.problem.at(self.moved(v)) for _ in range(4)]
        near = [self.claimed(there, w, v, 1.0) for there in away]
        return max(ptp(found), 0.1 * ptp(near))

    def moved(self, v: Directions) -> Any:
        """The arguments moved a little, where ``v`` moves them, at random."""
        moved = iter(v)

        def by(x: Any) -> Any:
            along = next(moved)
            if along is None or not is_float(x):
                return x
            size = np.max(np.abs(x), initial=0.0, where=along != 0) or 1.0
            return x + np.where(along != 0, TIES * size * self.rng.uniform(-1, 1, np.shape(x)), 0.0)

        return mapped(by, self.problem.args)

    def claimed(self, problem: Problem, w: Any, v: Directions, factor: float) -> float:
        """⟨P(λw), v⟩/λ."""
        try:
            return float(np.sum(product(leaves(problem.cotangents(scaled(w, factor))), v))) / factor
        except Exception:
            return np.nan


def ptp(numbers: list[float]) -> float:
    """From the smallest to the largest, of those that are numbers."""
    there = [number for number in numbers if np.isfinite(number)]
    return float(np.ptp(there)) if there else 0.0


def single(line: Line, v: Directions, size: float) -> bool:
    """Whether all values, here and nearby, are numbers of float32, and not of a few bits only, as steps are."""
    values = np.concatenate([line.at(t * size, v) for t in (0.0, 0.003, -0.002, 1e-4)])
    bits = np.frexp(values[np.isfinite(values)])[0] * 2.0**12
    return bool(np.all(values.astype(np.float32) == values) and np.any(bits != np.rint(bits)))


def whole(line: Line, v: Directions, size: float) -> bool:
    """Whether all values nearby are whole numbers, at places that are none, and differ."""
    values = np.stack([line.at(t * size, v) for t in (0.00317, -0.00229, 1.13e-4, 0.0371)])
    return bool(np.all(values == np.rint(values)) and np.any(values != values[0]))


def noisy(ladder: Ladder, size: float) -> bool:
    """Whether some of what the polynomials leave over is noise: that of a cusp falls from one width to the next."""
    left = [w.residual.item() for w in ladder.windows if 1e-7 * size < w.half <= 0.3 * size]
    rough = [r for r, w in zip(ladder.rough()[:, 0], ladder.windows, strict=True) if w.half > 1e-7 * size]
    return any(r > 0 for r in rough) and not all(fine < coarse / 1.5 for coarse, fine in pairwise(left))


def pole(y: Any) -> Kind:
    """The kind of point at which a function is not finite."""
    return "domain" if any(np.any(np.isnan(leaf)) for leaf in leaves(y)) else "pole"


def weighed(line: Line, v: Directions, weight: Array) -> Callable[[float], Array]:
    """⟨w, f⟩ along a direction, where w is not 0; NaN where the value has another size than at the point."""
    some = np.flatnonzero(weight)
    given = weight[some]

    def phi(t: float) -> Array:
        y = line.at(t, v)
        return np.array([given @ y[some] if y.size == weight.size else np.nan])

    return phi


def product(g: Directions, v: Directions) -> Array:
    """The terms of ⟨g, v⟩: of what is moved."""
    pairs = [(a, b) for a, b in zip(g, v, strict=True) if a is not None and b is not None]
    return np.concatenate([np.ravel(np.where(b != 0, a, 0.0) * b) for a, b in pairs])


def flat(tree: Any) -> Array:
    """All numbers of some containers, one after the other."""
    return np.concatenate([np.ravel(leaf) for leaf in leaves(tree)] or [np.zeros(0)])


def weights(like: Any, rng: np.random.Generator) -> Any:
    """Random numbers in the structure of ``like``, none of them near zero."""
    return mapped(lambda x: rng.uniform(0.5, 1.0, np.shape(x)) * rng.choice([-1.0, 1.0], np.shape(x)), like)


def finite_only(w: Any, y: Any) -> Any:
    """Weights of nothing for what is not finite."""
    values = iter(leaves(y))
    return mapped(lambda weight: np.where(np.isfinite(next(values)), weight, 0.0), w)


def evened(w: Any, y: Any) -> Any:
    """Weights that let small numbers of the value count among large ones, if their sizes are very different.

    None is made larger: what rounding has left of ones is to look as small as it is.
    """
    sizes = np.concatenate([np.ravel(np.abs(leaf)) for leaf in leaves(y)] or [np.zeros(0)])
    sizes = sizes[(sizes > 0) & np.isfinite(sizes)]
    if sizes.size == 0 or np.max(sizes) <= SPREAD * np.min(sizes):
        return w
    least = max(float(np.min(sizes)), SMALLEST)
    scales = iter(
        [
            np.where((leaf == 0) | ~np.isfinite(leaf), max(np.max(sizes), least), np.maximum(np.abs(leaf), least))
            for leaf in leaves(y)
        ]
    )
    return mapped(lambda weight: weight * (least / next(scales)), w)
