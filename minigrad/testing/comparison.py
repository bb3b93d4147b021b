"""Claimed cotangents against numerical derivatives: along random directions and, where one of them fails, further.

Whether a claim passes, fails, or cannot be told is for `judging` to say; here are the directions, and what is looked
at besides: at ties the directions that keep them, at a failure the element to blame, and a second point.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from minigrad.containers import leaves, mapped
from minigrad.engine.tensor import Array
from minigrad.testing import hints
from minigrad.testing.judging import Judge, Judged, evened, finite_only, flat, pole, weighed, weights
from minigrad.testing.line import Directions, Line, silence
from minigrad.testing.localize import bisect
from minigrad.testing.problem import NoQuestion, all_finite, is_float
from minigrad.testing.report import Finding, Kind, Results, Row, refused
from minigrad.testing.verdict import FIRST
from minigrad.testing.windows import Ladder

__tracebackhide__ = True  # pytest shows no line of this file where a user's test fails

DIRECTIONS = 2  # random directions for each argument, unless told otherwise
SMALL = 64  # arguments of up to so many numbers are differentiated one by one for a hint
Project = Callable[[Any], Any]


@dataclass(frozen=True)
class Comparison(Judge):
    """A problem's claimed cotangents, compared with its function.

    Attributes
    ----------
    problem, name, rng, rtol
        As for `Judge`.
    results : Results
        Where it all goes.
    directions : int
        How many for each argument.
    project : callable, optional
        What makes any array one that the function is meant for: symmetric, triangular. Only such moves are made.
    """

    results: Results
    directions: int = DIRECTIONS
    project: Project | None = None

    def settled(self) -> bool:
        """Whether the function has one value here; if it has another at every call, that is noted."""
        y, again = self.problem.y, self.problem.value()
        for leaf in leaves(y):
            if leaf.dtype.kind != "f":
                raise NoQuestion(f"the function gives numbers of type {leaf.dtype}, which have no gradient")
        for a, b in zip(leaves(y), leaves(again), strict=True):
            if a.shape != b.shape or not np.allclose(a, b, rtol=1e-9, atol=0.0, equal_nan=True):
                note = "two calls gave different values: fix the seed of what is random"
                self.results.add(Row(self.name, "value", "inconclusive", note=note, kind="random"))
                return False
        return True

    def run(self, *, together: bool = False) -> None:
        """Compare the cotangents of all arguments: one after the other, or at first all ``together``."""
        y, results = self.problem.y, self.results
        w = finite_only(weights(y, self.rng), y)
        even = evened(w, y)
        try:
            cotangents = self.problem.cotangents(w)
        except Exception as error:
            results.add(*refused(self.name, error))
            return
        start, whole = len(results.rows), all_finite(y)
        if not whole and any(np.size(leaves(self.problem.args[i])[k]) for i, k, _ in self.problem.parts()):
            note = "the function is not finite here"
            results.add(Row(self.name, "value", "inconclusive", note=note, kind=pole(y)))
        if together and whole and self.together(w, cotangents):
            return
        for i, k, path in self.problem.parts():
            x, g = np.asarray(leaves(self.problem.args[i])[k]), leaves(cotangents[i])[k]
            if g.shape != x.shape:
                numerical = self.gradient(w, i, k, x) if x.size <= SMALL else np.zeros(x.shape)
                hint = f"its cotangent has shape {g.shape}, the argument {x.shape}: {hints.of_shape(g, numerical)}"
                results.add(Row(self.name, path, "fail", note=f"shape {g.shape} for {x.shape}", kind="shape"), hint)
                continue
            before = results.mark()
            OneArgument(self, w, i, k, path, x, g, whole).run()
            if even is not w and any(row.kind == "noise" for row in results.since(before)):
                results.back(before)  # the large numbers of the value drowned the small ones
                OneArgument(self, even, i, k, path, x, leaves(self.problem.cotangents(even)[i])[k], whole).run()
        kinds = {row.kind for row in results.rows[start:]}
        finite = all_finite(cotangents)  # NaN says itself that there is no derivative
        if finite and "kink" in kinds and not kinds & {"wrong", "precision", "shape"}:
            self.past_ties(w, cotangents)

    def together(self, w: Any, cotangents: tuple[Any, ...]) -> bool:
        """Whether the cotangents pass along one direction in which all arguments are moved."""
        given = {(i, k): leaves(cotangents[i])[k] for i, k, _ in self.problem.parts()}
        arrays = {(i, k): np.asarray(leaves(self.problem.args[i])[k]) for i, k in given}
        if any(given[part].shape != x.shape for part, x in arrays.items()):
            return False
        v, g = (
            leaves(self.problem.directions(each))
            for each in ({part: self.weights(x) for part, x in arrays.items()}, given)
        )
        row = self.judged("all arguments", w, v, g, first=FIRST[:1]).row
        if row.verdict == "pass":
            self.results.add(row)
        return row.verdict == "pass"

    def past_ties(self, w: Any, cotangents: tuple[Any, ...]) -> None:
        """At a tie: along a direction in which equal numbers stay equal the function may well have a derivative."""
        parts = [(i, k) for i, k, _ in self.problem.parts()]
        arrays = [leaves(self.problem.args[i])[k] for i, k in parts]
        together = np.concatenate([np.ravel(x) for x in arrays])
        _, ranks = np.unique(together, return_inverse=True)
        if np.max(ranks) + 1 == together.size:
            return

        def alike(low: float, high: float) -> Directions:
            """A random number for each argument's number, the same for equal ones."""
            numbers = self.rng.uniform(low, high, np.max(ranks) + 1)[ranks]
            pieces = iter(np.split(numbers, np.cumsum([np.size(x) for x in arrays])[:-1]))
            along = {part: next(pieces).reshape(np.shape(x)) for part, x in zip(parts, arrays, strict=True)}
            return leaves(self.problem.directions(along))

        direction = alike(0.5, 1.0)
        given = {part: leaves(cotangents[part[0]])[part[1]] for part in parts}
        row = self.judged("all, ties kept", w, direction, leaves(self.problem.directions(given)), alike).row
        self.results.add(row, "ties counted too often: of numbers that tie, each got the whole cotangent, not a share")

    def gradient(self, w: Any, i: int, k: int, x: Array) -> Array:
        """All of an argument's numerical gradient, one number after the other."""
        return np.reshape([self.element(w, i, k, x, place).value for place in np.ndindex(x.shape)], x.shape)

    def element(self, w: Any, i: int, k: int, x: Array, place: tuple[int, ...]) -> Any:
        """The numerical derivative by one number."""
        unit = np.zeros(x.shape)
        unit[place] = 1.0
        return self.problem.slope(w, self.problem.direction(i, k, self.projected(unit)))

    def projected(self, v: Array) -> Array:
        """A direction of those that the function is meant for."""
        return v if self.project is None else np.asarray(self.project(v), np.float64)

    def weights(self, like: Any) -> Any:
        """Random directions in the structure of ``like``, of those that the function is meant for."""
        return mapped(self.projected, weights(like, self.rng))


@dataclass(frozen=True)
class OneArgument:
    """The claimed cotangent ``g`` of one array ``x``, the ``k``-th of argument ``i``, for the cotangent ``w``.

    ``whole`` is whether all of the function's value is finite: where it is not, the cotangent need not be.
    """

    of: Comparison
    w: Any
    i: int
    k: int
    path: str
    x: Array
    g: Array
    whole: bool = True

    def run(self) -> None:
        """Along several directions; the first wrong one is followed up."""
        results, x = self.of.results, self.x
        for number in range(min(self.of.directions, x.size)):  # one window suffices where a first direction had two
            v = weights(x, self.of.rng)
            if not self.whole:
                v = np.where(np.isfinite(self.g), v, 0.0)
            judged = self.compared(v, FIRST if number == 0 and self.of.name == "order 1" else FIRST[:1])
            if judged.row.verdict == "fail":
                results.add(judged.row, self.followed(judged))
                return
            results.add(judged.row)

    def compared(self, v: Array, first: tuple[float, ...] = FIRST) -> Judged:
        problem, v = self.of.problem, self.of.projected(v)
        direction, gradient = (leaves(problem.direction(self.i, self.k, each)) for each in (v, self.g))
        return self.of.judged(self.path, self.w, direction, gradient, first=first)

    def followed(self, judged: Judged) -> Finding:
        """Where a direction fails: the element, its numbers, and a hint."""
        name, path, g = self.of.name, self.path, self.g
        place = sum(len(leaves(arg)) for arg in self.of.problem.args[: self.i]) + self.k
        v: Any = judged.along[place]
        if np.any(bad := ~np.isfinite(g) & (v != 0)):
            index = tuple(int(n) for n in np.argwhere(bad)[0])
            hint = "not finite: the derivative overflows, or 0/0 was computed"
            return Finding(name, path, index or None, float(g[index]), None, None, hint, "wrong")
        index = bisect(lambda part: self.refuted(part, judged.ruling.refuting[:2]), v)
        there = self.of.element(self.w, self.i, self.k, self.x, index)
        claimed, numerical = float(g[index]), float(there.value)
        hint = self.hint() if self.x.size <= SMALL else self.sampled_hint(index)
        kind: Kind = "precision" if hint.startswith(hints.PRECISION) else "wrong"
        if name in ("order 2", "order 3") and kind == "wrong":
            hint += "; the gradient itself is right, its own derivative is not: is something cut out of the graph?"
        return Finding(name, path, index or None, claimed, numerical, float(there.error), hint, kind)

    def refuted(self, v: Array, halves: tuple[float, ...]) -> bool:
        """Whether the windows that refuted the whole refute a part of it as well."""
        v = self.of.projected(v)
        direction = leaves(self.of.problem.direction(self.i, self.k, v))
        line = Line(self.of.problem.forward, self.of.problem.args, direction)
        with silence():
            ladder = Ladder(weighed(line, line.direction, flat(self.w)), max(size for _, size in line.groups))
            for half in halves:
                ladder.look(half)
        terms = np.where(v != 0, self.g, 0.0) * v
        allowed = self.of.rtol * float(np.sum(np.abs(terms)))
        return all(abs(w.slope.item() - np.sum(terms)) > w.error.item() + allowed for w in ladder.windows)

    def hint(self) -> str:
        """What may be the matter, from all elements.

        It is asked with a positive cotangent, so that a contribution that is missing makes a sum smaller.
        """
        positive, plain = mapped(np.abs, self.w), mapped(np.ones_like, self.w)
        claimed = leaves(self.of.problem.cotangents(positive)[self.i])[self.k]
        numerical, unweighted = (self.of.gradient(w, self.i, self.k, self.x) for w in (positive, plain))
        return hints.of_numbers(claimed, numerical, unweighted)

    def sampled_hint(self, index: tuple[int, ...]) -> str:
        """The same from the wrong element and some others, of an array that is too large to differentiate whole."""
        size = self.x.size
        some = np.unique([np.ravel_multi_index(index, self.x.shape), *np.linspace(0, size - 1, SMALL // 2).astype(int)])
        places = [tuple(int(n) for n in np.unravel_index(place, self.x.shape)) for place in some]
        numerical, unweighted = (
            np.array([float(self.of.element(w, self.i, self.k, self.x, place).value) for place in places])
            for w in (self.w, mapped(np.ones_like, self.w))
        )
        hint = hints.of_numbers(np.ravel(self.g)[some], numerical, unweighted)
        return f"of {len(places)} elements looked at: {hint}"


def elsewhere(comparison: Comparison) -> None:
    """Compare at a second point near the first: a pullback that remembers the first is right only there.

    Every number is moved by up to a hundredth, those that tie apart, and a zero as if it were the largest.
    """
    problem, rng = comparison.problem, comparison.rng

    def moved(x: Any) -> Any:
        if not is_float(x) or np.size(x) == 0:
            return x
        size = np.where(x == 0, float(np.max(np.abs(x))) or 1.0, np.abs(x))
        return x + comparison.projected(
            rng.uniform(0.5, 1.0, np.shape(x)) * rng.choice([-0.01, 0.01], np.shape(x)) * size
        )

    away = problem.at([mapped(moved, arg) for arg in problem.args])
    try:
        with silence():
            y = away.value()
            if not all_finite(y):
                return
    except Exception:
        return  # outside of the domain
    there = Results()
    replace(comparison, problem=away, name="a second point", results=there, directions=1).run()
    if not there.broken:
        if all(row.verdict == "pass" for row in there.rows):  # else a kink was met by chance, which nobody asked about
            comparison.results.extend(there)
        return
    w = weights(y, rng)
    try:
        with silence():
            pairs = list(zip(leaves(problem.cotangents(w)), leaves(away.cotangents(w)), strict=True))
            remembered = all(np.array_equal(a, b) for a, b in pairs) and any(np.any(a) for a, _ in pairs)
    except Exception:
        remembered = False
    hint = "right at the point given, wrong near it"
    if remembered:
        hint += ": the cotangent stays what it was; something is remembered, and stale, or the point is not looked at"
    found = [
        replace(finding, hint=f"{hint} ({finding.hint})", kind="stale" if remembered else finding.kind)
        for finding in there.findings
    ]
    comparison.results.extend(replace(there, findings=found))
