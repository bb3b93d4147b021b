"""Is this claimed slope right? Pass, fail or inconclusive, from what windows of many widths have seen.

A claim fails only if several windows refute it and none that could tell supports it; and then the function has to
behave as functions with a derivative do, and the claim has to stay where it is as its own rounding changes. Each of
these conditions acquits right gradients that the others would accuse: a test switches them off one by one.

Neither "the finer step is right" (it is not where rounding has made stairs of the values) nor "the coarser" (nor that,
near ties) holds: each window can veto an accusation, and none can make it alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from minigrad.testing.windows import EPS, Ladder

__tracebackhide__ = True  # pytest shows no line of this file where a user's test fails

Verdict = Literal["pass", "fail", "inconclusive", "not supported"]
FIRST = (0.03, 0.003)  # half-widths, relative to the size of the arguments: mostly, these suffice
ABSOLUTE = (0.03, 0.003, 3e-4)  # of arguments near 0, whose own size may be too small for anything to move
FINER = tuple(3.0 * 10.0**-k for k in range(4, 11))
CERTAIN = 1e-4  # relative error above which a slope tells nothing
NOTHING = 1e-12  # of what a slope could have been is none
SCALES = 3  # so many windows have to agree on another slope
ONES = 8 * EPS  # over a window, a difference of ones is no more certain than this
SINGLE_ONES = 8 * 2.0**-23  # the same of a function whose values are those of float32
FACTORS = (1.1, 0.9, 1.3, 0.7, 1.7)  # none a power of two: everything computed from them is rounded anew


class Ruling(NamedTuple):
    """A verdict, and the slope and error bar that it rests on; the windows that refuted the claim, the best first."""

    verdict: Verdict
    slope: float
    error: float
    why: str = ""
    refuting: tuple[float, ...] = ()


@dataclass(frozen=True)
class Seen:
    """A window of a single function, beside a claim."""

    half: float
    slope: float
    error: float
    own: float  # the error by the window's own account
    residual: float
    reach: float  # of the values, from the smallest to the largest
    usable: bool
    poor: bool
    flat: bool
    off: float  # |claim - slope|
    tolerance: float

    @property
    def holds(self) -> bool:
        """Whether it contains the claim."""
        return self.off <= self.tolerance

    @property
    def excludes(self) -> bool:
        """Whether it does not, and can be trusted with that."""
        return self.usable and not self.poor and not self.holds

    @property
    def refutes(self) -> bool:
        """Whether it excludes the claim, and by more than what ones that cancelled could hide."""
        return self.excludes and self.off * self.half > ONES

    def against(self, others: Sequence[Seen]) -> bool:
        """Whether it contains the claim and excludes one of ``others``: by all that is known, or by what it saw itself.

        Of that a window that saw nothing move is no witness.
        """
        known = [self.tolerance] if self.flat else [self.tolerance, self.own + self.tolerance - self.error]
        return self.usable and any(
            self.off <= mine and any(abs(self.slope - other.slope) > mine + other.tolerance for other in others)
            for mine in known
        )


@dataclass(frozen=True)
class Claim:
    """What is claimed of a slope, and what can be asked about it.

    Attributes
    ----------
    slope : float
    size : float
        Σ|gᵢ vᵢ|, the sizes of the terms it was summed from.
    rtol : float
        Of the size: what rounding may cost the claim.
    spread : callable
        How much the claim changes as its own rounding does.
    additive : callable
        ``additive(half, off)``: whether the slope along a + b is the sum of those along a and b, seen at that width,
        and to better than ``off``.
    single : callable
        Whether the function gives numbers of float32 only, in whatever dtype.
    whole : callable
        Whether it gives whole numbers only, as steps do; beyond 2⁵² no step is seen.
    """

    slope: float
    size: float
    rtol: float
    spread: Callable[[], float]
    additive: Callable[[float, float], bool]
    single: Callable[[], bool] = lambda: False
    whole: Callable[[], bool] = lambda: False

    def beside(self, ladder: Ladder) -> list[Seen]:
        """The windows of a ladder, the widest first."""
        seen = []
        for w, error in zip(ladder.windows, ladder.errors()[:, 0].tolist(), strict=True):
            slope, half = w.slope.item(), w.half
            allowed = error + self.rtol * max(self.size, abs(slope))
            off = abs(self.slope - slope) if np.isfinite(self.slope) else np.inf
            numbers: Any = [each.item() for each in (w.error, w.residual, w.reach, w.usable, w.poor, w.flat)]
            seen.append(Seen(half, slope, error, *[*numbers, off, allowed]))
        return seen

    def informative(self, window: Seen) -> bool:
        """Whether a wrong claim would be told from a right one here."""
        return window.error <= CERTAIN * max(self.size, abs(window.slope))


def halves(size: float) -> Iterator[float]:
    """Half-widths after the first, in the order in which they are tried."""
    yield 0.3 * size
    yield from (half for half in ABSOLUTE if half > size / 2)
    yield from (factor * size for factor in FINER)


def judge(ladder: Ladder, claim: Claim, first: Sequence[float] = FIRST) -> Ruling:
    """The ruling on a claim: windows are added to the ladder until it passes, or there are no more.

    ``first`` are those with which it may pass at once; the others of `FIRST` are looked through next.
    """
    for factors in (first, FIRST[len(first) :]):
        for factor in factors:
            ladder.look(factor * ladder.size)
        seen = claim.beside(ladder)
        if passes(claim, seen):
            return ruled("pass", seen)
    wide = 1 + sum(half > ladder.size / 2 for half in ABSOLUTE)
    for count, half in enumerate(halves(ladder.size), 1):
        ladder.look(half)
        seen = claim.beside(ladder)
        if passes(claim, seen, ladder if count >= wide else None):
            return ruled("pass", seen)
    return convicted(ladder, claim, seen)


def passes(claim: Claim, seen: Sequence[Seen], ladder: Ladder | None = None) -> bool:
    """Some window that could tell supports the claim, and none excludes it; or it is supported from closer by.

    With a ``ladder``, in which the wide windows are, a claim of nothing is told too, of slopes as small as rounding.
    """
    telling = [w for w in seen if claim.informative(w)]
    if ladder is not None:  # of what a slope could have been: where slopes cancel, rounding is left
        near = [w for w in seen if w.usable and w.half <= ladder.size]  # further out it may be gigantic
        steepest = max((w.reach / w.half for w in near), default=0.0)
        nothing = NOTHING * max(abs(ladder.base.item()) / ladder.size, steepest)
        none = abs(claim.slope) <= nothing
        told = [w for w in seen if (none and w.error <= nothing) or (w.flat and not claim.slope)]
        telling += [w for w in told if w not in telling]
    support, against = [w for w in telling if w.usable and w.holds], [w for w in seen if w.excludes]
    if not against:
        return bool(support)
    if len(support) < SCALES or any(w.flat for w in support):
        return False
    closer = max(w.half for w in support) < min(w.half for w in against)
    return closer and min(w.error for w in support) <= 0.1 * min(w.error for w in against)


def convicted(ladder: Ladder, claim: Claim, seen: Sequence[Seen]) -> Ruling:
    """Of a claim that did not pass: does it fail?"""
    against = [w for w in seen if w.refutes]
    if not np.isfinite(claim.slope):
        against = [w for w in seen if w.usable and not w.poor]  # the function has a slope here, whatever it is
    best = agreeing(against)
    fail = ruled("fail", best or seen, refuting=best)

    def no(why: str) -> Ruling:
        return ruled("inconclusive", best or seen, why)

    if not best:
        return no("uncertain")
    if any(w.against(best) for w in seen):
        return no("scales disagree")
    if len(best) < SCALES:
        return no("seen at too few scales")
    if averaged(ladder, best, seen):
        return no("steps")
    if np.isfinite(claim.slope) and ladder.nearby(claim.slope, best[0].slope):
        return no("another slope close by")
    where = next((w for w in best if w.half <= 0.1 * ladder.size), best[0])  # parts may bend more than the whole
    if not claim.additive(where.half, where.off):
        return no("not additive")
    if np.isfinite(claim.slope) and best[0].off <= best[0].tolerance + 10 * claim.spread():
        return no("the claim itself is rounded")
    if claim.whole():
        return no("whole numbers")
    if claim.single() and sum(w.off * w.half > SINGLE_ONES for w in best) < SCALES:
        return no("float32 inside")
    return fail


def averaged(ladder: Ladder, best: Sequence[Seen], seen: Sequence[Seen]) -> bool:
    """Whether those that refute may have averaged over steps, as of `floor`, or of float32 inside.

    Steps are met at every width. What is rougher from closer by, than some of the best have seen it, are values that
    lose their digits at the point only; and where a window finer than all steps refutes the claim as well, it is
    refuted.
    """
    noise, least = ladder.rough()[:, 0].tolist(), 1e-10 * ladder.unit.item()
    rough = [(w.half, n) for n, w in zip(noise, seen, strict=True) if n > least and w.half <= 0.3 * ladder.size]
    clean = [w for w in best if w.residual <= 0.01 * max((n for half, n in rough if half < w.half), default=0.0)]
    if not rough or len(clean) >= SCALES:
        return False
    through = [w for w in seen if w.usable and not w.poor and w.half < min(rough)[0]]
    if sum(not w.flat for w in best) < 2 or not through:
        return True
    return any(w.off <= w.own + w.tolerance - w.error for w in through)


def agreeing(windows: Sequence[Seen]) -> list[Seen]:
    """The largest set of windows that agree with one of them, the most certain first."""
    sets = [[v for v in windows if abs(v.slope - w.slope) <= v.tolerance + w.tolerance] for w in windows]
    largest: list[Seen] = max(sets, key=len, default=[])
    return sorted(largest, key=lambda w: w.error)


def ruled(verdict: Verdict, windows: Sequence[Seen], why: str = "", refuting: Sequence[Seen] = ()) -> Ruling:
    """A ruling, with the slope of the most certain window."""
    best = min(windows, key=lambda w: w.error if w.usable else np.inf)
    return Ruling(verdict, best.slope, best.error, why, tuple(w.half for w in refuting))
