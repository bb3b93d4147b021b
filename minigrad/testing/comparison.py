"""Claimed cotangents against numerical derivatives: along random directions and, where one of them fails, further.

Here are the three verdicts. A claim passes if it lies within ten times the error bar of the numerical derivative, and
that is small enough to tell; it fails if it does not, on a second estimate either; else it is inconclusive. So it is at
kinks, where there is no derivative to compare with.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from minigrad.containers import leaves, mapped
from minigrad.engine.tensor import Array
from minigrad.testing import hints
from minigrad.testing.localize import bisect
from minigrad.testing.numerical import SATISFACTORY, SPREAD, near_kink
from minigrad.testing.problem import Problem, inner, is_float, values
from minigrad.testing.report import Finding, Row, Verdict

DIRECTIONS = 3  # random directions for each argument, unless told otherwise
KINK = "at a kink or the edge of the domain, there is no derivative"
NOTHING = 1e-12  # of what a derivative could have been is none: where slopes cancel, rounding is left
SMALL = 64  # arguments of up to so many numbers are differentiated one by one for a hint


@dataclass
class Results:
    """What is known so far: all comparisons, and what is wrong."""

    rows: list[Row] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def add(self, row: Row, hint: str = "") -> None:
        """A comparison; a failed one is a finding, of the first of its kind."""
        self.rows.append(row)
        if row.verdict == "fail":
            self.findings.append(
                Finding(row.check, row.argument, None, row.analytic, row.numerical, row.error, hint or row.note)
            )


@dataclass(frozen=True)
class Comparison:
    """A problem's claimed cotangents, compared with its function.

    Attributes
    ----------
    problem : Problem
    name : str
        What the comparison is called in the report: ``"order 1"``.
    rng : numpy.random.Generator
        Of the random directions.
    rtol : float
        What rounding may cost the claimed gradient, relative to the sum of the sizes of its terms.
    results : Results
        Where it all goes.
    directions : int
        How many for each argument.
    """

    problem: Problem
    name: str
    rng: np.random.Generator
    rtol: float
    results: Results
    directions: int = DIRECTIONS

    def run(self) -> None:
        """Compare the cotangents of all arguments."""
        y, rows = self.problem.value(), self.results.rows
        for leaf in leaves(y):
            if leaf.dtype.kind != "f":
                raise TypeError(f"the function gives numbers of type {leaf.dtype}, which have no gradient")
        w = weights(y, self.rng)
        even = evened(w, y)
        try:
            cotangents = self.problem.cotangents(w)
        except (ValueError, IndexError, TypeError) as error:
            hint = f"the pullback raised {type(error).__name__}: {error}"
            hint += "; was an axis lost (keepdims), or a sum forgotten?" if "broadcast" in str(error) else ""
            self.results.add(Row(self.name, "pullback", "fail", note="raised an error"), hint)
            return
        before = len(self.results.findings)
        for i, k, path in self.problem.parts():
            x, g = np.asarray(leaves(self.problem.args[i])[k]), leaves(cotangents[i])[k]
            if g.shape != x.shape:
                numerical = self.gradient(w, i, k, x) if x.size <= SMALL else np.zeros(x.shape)
                hint = f"its cotangent has shape {g.shape}, the argument {x.shape}: {hints.of_shape(g, numerical)}"
                self.results.add(Row(self.name, path, "fail", note=f"shape {g.shape} for {x.shape}"), hint)
                continue
            start = len(rows)
            OneArgument(self, w, i, k, path, x, g).run()
            if even is not w and any(row.verdict == "inconclusive" and row.note != KINK for row in rows[start:]):
                del rows[start:]  # the large numbers of the value drowned the small ones
                OneArgument(self, even, i, k, path, x, leaves(self.problem.cotangents(even)[i])[k]).run()
        if len(self.results.findings) == before and any(row.note == KINK for row in rows):
            self.past_ties(w, cotangents)

    def past_ties(self, w: Any, cotangents: tuple[Any, ...]) -> None:
        """At a tie: along a direction in which equal numbers stay equal the function may well have a derivative."""
        parts = [(i, k) for i, k, _ in self.problem.parts()]
        arrays = [leaves(self.problem.args[i])[k] for i, k in parts]
        _, ranks = np.unique(np.concatenate([np.ravel(x) for x in arrays]), return_inverse=True)
        speeds = np.split(
            self.rng.uniform(0.5, 1.0, np.max(ranks) + 1)[ranks], np.cumsum([np.size(x) for x in arrays])[:-1]
        )
        along = {part: v.reshape(np.shape(x)) for part, v, x in zip(parts, speeds, arrays, strict=True)}

        def placed(i: int, arg: Any) -> Any:
            numbers = iter(range(len(leaves(arg))))
            return mapped(lambda x: along.get((i, next(numbers)), np.zeros(np.shape(x))), arg)

        direction = tuple(placed(i, arg) for i, arg in enumerate(self.problem.args))
        terms = np.concatenate([np.ravel(leaves(cotangents[i])[k] * along[i, k]) for i, k in parts])
        row = self.judged("all, ties kept", w, direction, terms)
        self.results.add(row, "ties counted too often: of numbers that tie, each got the whole cotangent, not a share")

    def judged(self, path: str, w: Any, direction: tuple[Any, ...], terms: Array) -> Row:
        """The rule of three verdicts, for a direction v and the ``terms`` of the sum ⟨g, v⟩ that is claimed there.

        Nobody is accused on one estimate: a second one, at other steps, has to say the same, or both are uncertain.
        And nobody on an uncertain one.
        """
        claimed, found = float(np.sum(terms)), self.problem.slope(w, direction)
        numerical, error = float(found.value), float(found.error)
        reference = max(abs(numerical), float(np.sum(np.abs(terms))))
        nothing = NOTHING * float(found.secant)

        def agrees() -> bool:
            allowed = 10 * error + self.rtol * reference + nothing
            return bool(np.isfinite(claimed) and abs(claimed - numerical) <= allowed)

        if not agrees():
            second = self.problem.slope(w, direction, scale=0.7)
            error = float(np.max([error, second.error, abs(second.value - numerical)]))
        value = abs(float(inner(w, self.problem.value())))
        certain = np.isfinite(error) and error <= max(SATISFACTORY * reference, nothing, 1e-9 * (1 + value))
        verdict: Verdict = "pass" if agrees() and certain else "inconclusive"
        note = "" if verdict == "pass" else f"the numerical derivative is only good to {error:.1g}"
        if verdict != "pass":
            weighted = lambda *args: inner(w, values(self.problem.forward(*args)))
            if near_kink(weighted, self.problem.args, direction):
                note = KINK
            elif certain and not agrees():
                verdict, note = "fail", ""
        return Row(self.name, path, verdict, claimed, numerical, error, note)

    def gradient(self, w: Any, i: int, k: int, x: Array) -> Array:
        """All of an argument's numerical gradient, one number after the other."""
        return np.reshape([self.element(w, i, k, x, place).value for place in np.ndindex(x.shape)], x.shape)

    def element(self, w: Any, i: int, k: int, x: Array, place: tuple[int, ...]) -> Any:
        """The numerical derivative by one number."""
        unit = np.zeros(x.shape)
        unit[place] = 1.0
        return self.problem.slope(w, self.problem.direction(i, k, unit))


@dataclass(frozen=True)
class OneArgument:
    """The claimed cotangent ``g`` of one array ``x``, the ``k``-th of argument ``i``, for the cotangent ``w``."""

    whole: Comparison
    w: Any
    i: int
    k: int
    path: str
    x: Array
    g: Array

    def run(self) -> None:
        """Along several directions; the first wrong one is followed up."""
        results, x = self.whole.results, self.x
        for _ in range(min(self.whole.directions, x.size)):
            v = weights(x, self.whole.rng)
            row = self.compared(v)
            results.rows.append(row)
            if row.verdict == "fail":
                results.findings.append(self.followed(v))
                return

    def compared(self, v: Array) -> Row:
        direction = self.whole.problem.direction(self.i, self.k, v)
        return self.whole.judged(self.path, self.w, direction, self.g * v)

    def followed(self, v: Array) -> Finding:
        """Where a direction fails: the element, its numbers, and a hint."""
        name, path, g = self.whole.name, self.path, self.g
        if not np.all(np.isfinite(g)):
            index = tuple(int(n) for n in np.argwhere(~np.isfinite(g))[0])
            hint = "not finite: the derivative overflows, or 0/0 was computed"
            return Finding(name, path, index or None, float(g[index]), None, None, hint)
        index = bisect(lambda part: self.compared(part).verdict == "fail", v)
        there = self.whole.element(self.w, self.i, self.k, self.x, index)
        hint = self.hint() if self.x.size <= SMALL else self.sampled_hint(index)
        if name in ("order 2", "order 3"):
            hint += "; the gradient itself is right, its own derivative is not: is something cut out of the graph?"
        return Finding(name, path, index or None, float(g[index]), float(there.value), float(there.error), hint)

    def hint(self) -> str:
        """What may be the matter, from all elements.

        It is asked with a positive cotangent, so that a contribution that is missing makes a sum smaller.
        """
        positive, plain = mapped(np.abs, self.w), mapped(np.ones_like, self.w)
        claimed = leaves(self.whole.problem.cotangents(positive)[self.i])[self.k]
        numerical, unweighted = (self.whole.gradient(w, self.i, self.k, self.x) for w in (positive, plain))
        return hints.of_numbers(claimed, numerical, unweighted)

    def sampled_hint(self, index: tuple[int, ...]) -> str:
        """The same from the wrong element and some others, of an array that is too large to differentiate whole."""
        size = self.x.size
        some = np.unique([np.ravel_multi_index(index, self.x.shape), *np.linspace(0, size - 1, SMALL // 2).astype(int)])
        places = [tuple(int(n) for n in np.unravel_index(place, self.x.shape)) for place in some]
        numerical, unweighted = (
            np.array([float(self.whole.element(w, self.i, self.k, self.x, place).value) for place in places])
            for w in (self.w, mapped(np.ones_like, self.w))
        )
        hint = hints.of_numbers(np.ravel(self.g)[some], numerical, unweighted)
        return f"of {len(places)} elements looked at: {hint}"


def elsewhere(comparison: Comparison) -> None:
    """Compare at a second point near the first: a pullback that remembers the first is right only there."""
    problem, rng = comparison.problem, comparison.rng
    moved = lambda x: x * rng.uniform(0.99, 1.01, np.shape(x)) if is_float(x) else x
    away = problem.at([mapped(moved, arg) for arg in problem.args])
    try:
        with np.errstate(all="ignore"):
            if not all(np.all(np.isfinite(leaf)) for leaf in leaves(away.value())):
                return
    except (ArithmeticError, ValueError, np.linalg.LinAlgError):
        return  # outside of the domain
    there = Results()
    replace(comparison, problem=away, name="a second point", results=there).run()
    comparison.results.rows += there.rows
    for finding in there.findings:
        hint = "right at the point given, wrong near it: something is remembered from an earlier call, and stale"
        comparison.results.findings.append(replace(finding, hint=f"{hint} ({finding.hint})"))


def weights(like: Any, rng: np.random.Generator) -> Any:
    """Random numbers in the structure of ``like``, none of them near zero."""
    return mapped(lambda x: rng.uniform(0.5, 1.0, np.shape(x)) * rng.choice([-1.0, 1.0], np.shape(x)), like)


def evened(w: Any, y: Any) -> Any:
    """Weights that let small numbers of the value count among large ones, if their sizes are very different."""
    sizes = np.concatenate([np.ravel(np.abs(leaf)) for leaf in leaves(y)] or [np.zeros(0)])
    sizes = sizes[(sizes > 0) & np.isfinite(sizes)]
    if sizes.size == 0 or np.max(sizes) <= SPREAD * np.min(sizes):
        return w
    scales = iter([np.where((leaf == 0) | ~np.isfinite(leaf), np.max(sizes), np.abs(leaf)) for leaf in leaves(y)])
    return mapped(lambda weight: weight / next(scales), w)
