"""Was a *fail* just? Looked at by other means than the checker's, so that it does not confirm itself.

The claimed gradient is compared, number by number, with a reference: the function in 50 digits where `twins` knows
it, else the function itself, by differences at many steps and from both sides, that have to agree with one another
before they count. Where the two sides do not agree there is a kink, and what a library says there is a convention,
unless it is none of the slopes that it could be: along a direction in which numbers that tie move together, there may
be no kink.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from minigrad.containers import leaves, mapped
from tests.benchmarks.elsewhere.cases import Case, resolved
from tests.benchmarks.elsewhere.checking import Pair, counted, pair_of, quiet
from tests.benchmarks.elsewhere.names import CONVENTIONS
from tests.benchmarks.elsewhere.twins import precise_slope

STEPS = 10.0 ** -np.arange(0, 9)


class Judgement(NamedTuple):
    """What a *fail* is: a fault, a convention (at a kink), a false accusation, or undecided; with what shows it."""

    kind: str
    evidence: str


class Slope(NamedTuple):
    """A reference, how good it is, where it comes from, and whether both sides agree."""

    value: float
    error: float
    source: str
    kink: bool = False


def judged(case: Case, check: str) -> Judgement:
    """What becomes of an accusation."""
    path = case.function.replace("torch.Tensor.", "torch.")
    if path in CONVENTIONS:
        return Judgement("convention", CONVENTIONS[path])
    with quiet():
        if case.library == "torch" and _cut_off(case):
            return Judgement("cut off", "the result does not require grad, and nothing says so")
        if check == "adjoint":
            return _of_modes(case)
        return _first(_of_pair(case, check, pair_of(case, check)))


def _cut_off(case: Case) -> bool:
    """Whether PyTorch gives a result that has no gradient, without an error: among others it will be missing."""
    tensors = [resolved("torch").from_numpy(np.array(x)).requires_grad_() for x in case.floats]
    ys = [y for y in leaves(case.called()(*tensors)) if y.is_floating_point()]
    return not all(y.requires_grad for y in ys)


def _first(found: Iterator[Judgement]) -> Judgement:
    """The gravest of what was found, a fault being graver than a doubt, and a doubt than an acquittal."""
    ranks = ["fault", "cut off", "imprecise", "undecided", "raises", "convention", "false accusation"]
    order = sorted(found, key=lambda j: ranks.index(j.kind))
    return order[0] if order else Judgement("false accusation", "nothing differs")


def _of_pair(case: Case, check: str, pair: Pair) -> Iterator[Judgement]:
    y = leaves(pair.forward(*pair.args))
    if not all(np.all(np.isfinite(each)) for each in y):
        yield Judgement("convention", "the value is not finite here")
        return
    positive = counted(y)
    for sign in (1.0, -1.0):
        w = [sign * each for each in positive]
        try:
            g = _pulled(pair, w)
        except NotImplementedError as error:
            yield Judgement("convention", f"not supported: {error}")
            return
        except Exception as error:
            yield Judgement("raises", f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0][:200]}")
            return
        yield from _of_gradient(case, check, pair, w, g)
    yield from _of_linearity(pair, positive)
    if not _single(pair):
        yield from _of_single(pair, positive)


def _pulled(pair: Pair, w: list[Any]) -> tuple[Any, ...]:
    given = iter(w)
    found = pair.vjp(mapped(lambda _: next(given), pair.forward(*pair.args)), *pair.args)
    return found if isinstance(found, tuple) else (found,)


def _of_gradient(case: Case, check: str, pair: Pair, w: list[Any], g: tuple[Any, ...]) -> Iterator[Judgement]:
    for i, (x, claimed) in enumerate(zip(pair.args, g, strict=True)):
        if claimed.shape != np.shape(x):
            yield Judgement("fault", f"the gradient has shape {claimed.shape}, its argument {np.shape(x)}")
            continue
        if claimed.dtype != x.dtype and {y.dtype for y in leaves(pair.forward(*pair.args))} == {x.dtype}:
            yield Judgement("fault", f"the gradient has dtype {claimed.dtype}, its argument {x.dtype}")
        for place in list(np.ndindex(np.shape(x)))[:30]:
            along = [np.zeros(np.shape(each)) for each in pair.args]
            along[i][place] = 1.0
            found = slope(case, check, pair, w, along)
            yield from _compared(float(claimed[place]), found, f"args[{i}]{list(place)}", w, _single(pair))
    yield from _past_ties(case, check, pair, w, g)


def _single(pair: Pair) -> bool:
    """Whether single precision is all that there is, in an argument or in a result."""
    return any(np.asarray(x).dtype == np.float32 for x in [*pair.args, *leaves(pair.forward(*pair.args))])


def _compared(claimed: float, found: Slope, where: str, w: list[Any], single: bool) -> Iterator[Judgement]:
    told = f"{where}: {claimed!r} given, {found.value!r} ± {found.error:.1g} right ({found.source})"
    if found.kink:
        yield Judgement("convention", f"{where}: the slopes on both sides differ")
        return
    if not np.isfinite(found.error) or not np.isfinite(found.value):
        yield Judgement("undecided", f"{where}: {claimed!r} given, no reference")
        return
    scale = max(abs(found.value), 1e-300)
    allowed = 30 * found.error + (1e-4 if single else 1e-10) * scale + 1e-290
    if np.isfinite(claimed) and abs(claimed - found.value) <= allowed:
        return
    if not np.isfinite(claimed) or abs(claimed - found.value) > max(allowed, 1e-9 * scale):
        if np.isfinite(claimed) and abs(claimed - found.value) <= 1e-3 * scale and not single:
            yield Judgement("imprecise", told)
        else:
            known = abs(claimed) if np.isfinite(claimed) else 1e-6
            yield Judgement("fault" if found.error <= 1e-3 * max(scale, known) else "undecided", told)


def _past_ties(case: Case, check: str, pair: Pair, w: list[Any], g: tuple[Any, ...]) -> Iterator[Judgement]:
    """Along a direction in which equal numbers stay equal."""
    rng = np.random.default_rng(6)
    flat = np.concatenate([np.ravel(x) for x in pair.args])
    values, ranks = np.unique(flat, return_inverse=True)
    if len(values) == len(flat) or any(a.shape != np.shape(x) for a, x in zip(g, pair.args, strict=True)):
        return
    speeds = rng.uniform(0.5, 1.0, len(values))[ranks]
    sizes = np.cumsum([np.size(x) for x in pair.args])[:-1]
    along = [v.reshape(np.shape(x)) for v, x in zip(np.split(speeds, sizes), pair.args, strict=True)]
    claimed = float(sum(np.sum(a * v) for a, v in zip(g, along, strict=True)))
    yield from _compared(claimed, slope(case, check, pair, w, along), "where ties move together", w, _single(pair))


def _of_linearity(pair: Pair, w: list[Any]) -> Iterator[Judgement]:
    """P(−w) is −P(w), P(w) + P(u) is P(w + u), at kinks too."""
    rng = np.random.default_rng(7)
    u = [rng.uniform(-1.0, 1.0, each.shape) for each in w]
    both = _pulled(pair, [a - 2 * b for a, b in zip(w, u, strict=True)])
    for a, b, c in zip(_pulled(pair, w), _pulled(pair, u), both, strict=True):
        size = np.max(np.abs(a), initial=0.0) + np.max(np.abs(b), initial=0.0)
        tolerance = 1e-3 if a.dtype == np.float32 else 1e-6
        if np.all(np.isfinite([a, b, c])) and np.any(np.abs(c - (a - 2 * b)) > tolerance * size):
            yield Judgement("fault", "the pullback is not linear in the cotangent")


def _of_single(pair: Pair, w: list[Any]) -> Iterator[Judgement]:
    """What single precision gives for the same numbers, rounded: a tenth of a percent is far more than its rounding."""
    args = [np.float32(x) for x in pair.args]
    exact, rough = (
        _pulled(Pair(pair.forward, pair.vjp, tuple(map(np.float64, args))), w),
        _pulled(Pair(pair.forward, pair.vjp, tuple(args)), w),
    )
    for i, (g, h) in enumerate(zip(exact, rough, strict=True)):
        apart = np.abs(g - h) > 5e-5 * np.abs(g) + 1e-30  # 400 times the rounding
        if np.all(np.isfinite([g, h])) and np.any(apart):
            place = tuple(int(n) for n in np.argwhere(apart)[0])
            yield Judgement("imprecise", f"args[{i}]{list(place)} in float32: {h[place]!r}, in float64: {g[place]!r}")


def slope(case: Case, check: str, pair: Pair, w: list[Any], along: list[Any]) -> Slope:
    """The derivative of ⟨w, forward⟩ along a direction."""
    if check == "order 1":
        exact = precise_slope(case, w, along)
        if exact is not None:
            return Slope(exact, abs(exact) * 1e-15, "50 digits")

    def phi(t: float) -> float:
        ys = leaves(pair.forward(*[np.asarray(x + t * v, x.dtype) for x, v in zip(pair.args, along, strict=True)]))
        return float(sum(np.sum(a * np.asarray(y, np.float64)) for a, y in zip(w, ys, strict=True)))

    moved = np.concatenate([np.ravel(np.abs(x))[np.ravel(v) != 0] for x, v in zip(pair.args, along, strict=True)])
    size = float(np.max(moved, initial=0.0)) or 1.0
    return careful(phi, size)


def careful(phi: Callable[[float], float], size: float) -> Slope:
    """From differences at many steps, both sides and each: what three steps in a row agree on.

    The error is their spread and what rounding does at such steps, so that a function that does not move there proves
    nothing. Fine steps have the last word on whether there is a kink: coarse ones see those that are near, and miss the
    stairs of what is rounded.
    """
    base = phi(0.0)

    def plateau(rule: Callable[[float], float], steps: Any) -> tuple[float, float]:
        best = (np.nan, np.inf)
        for unit in {size, min(size, 1.0), max(size, 1e-3)}:
            hs = unit * steps / 4
            found = np.array([rule(h) for h in hs])
            for i in range(len(found) - 2):
                three = found[i : i + 3]
                spread = float(np.max(three) - np.min(three)) + 1e-15 * (abs(base) + 1e-300) / hs[i + 1]
                if np.isfinite(spread) and spread < best[1]:
                    best = (float(three[np.argsort(three)[1]]), spread)
        return best

    central = lambda h: (8 * (phi(h) - phi(-h)) - (phi(2 * h) - phi(-2 * h))) / (12 * h)
    right = lambda h: (-11 * base + 18 * phi(h) - 9 * phi(2 * h) + 2 * phi(3 * h)) / (6 * h)
    fine = STEPS[5:] / 10
    value, error = plateau(central, STEPS)
    near, doubt = plateau(central, fine)
    tiny = 1e-9 * min(size, 1.0)
    jump = abs(phi(tiny) - phi(-tiny)) > 100 * (2 * tiny * abs(value) + 1e-14 * abs(base))
    if jump or _apart(plateau(right, fine), plateau(lambda h: right(-h), fine)):
        return Slope(near, doubt, "differences", kink=True)
    if _apart(plateau(right, STEPS), plateau(lambda h: right(-h), STEPS)) or abs(near - value) > 30 * (doubt + error):
        return Slope(near, doubt, "differences")
    return Slope(value, error, "differences")


def _apart(left: tuple[float, float], right: tuple[float, float]) -> bool:
    """Whether two slopes, with their errors, differ by more than these explain."""
    apart = abs(left[0] - right[0])
    return not np.isfinite(apart) or apart > 100 * (left[1] + right[1]) + 1e-5 * max(abs(left[0]), abs(right[0]))


def _of_modes(case: Case) -> Judgement:
    """Which of two modes is wrong, or neither."""
    adapted = case.adapted
    rng = np.random.default_rng(8)
    pair = Pair(*adapted, case.floats)
    along = [rng.uniform(0.5, 1.0, x.shape) * rng.choice([-1, 1], x.shape) for x in case.floats]
    pushed = leaves(adapted.jvp(tuple(along), *case.floats))
    w = [rng.uniform(0.5, 1.0, y.shape) for y in pushed]
    forward = float(sum(np.sum(a * b) for a, b in zip(w, pushed, strict=True)))
    reverse = float(sum(np.sum(a * b) for a, b in zip(_pulled(pair, w), along, strict=True)))
    terms = sum(float(np.sum(np.abs(a * b))) for a, b in zip(w, pushed, strict=True))
    size = terms + sum(float(np.sum(np.abs(a * b))) for a, b in zip(_pulled(pair, w), along, strict=True))
    rounding = 1e-12 * (size + float(sum(np.sum(np.abs(y)) for y in leaves(pair.forward(*case.floats)))))
    if np.isclose(forward, reverse, rtol=1e-3 if _single(pair) else 1e-8, atol=rounding, equal_nan=True):
        return Judgement("false accusation", f"forward {forward!r}, reverse {reverse!r}")
    found = slope(case, "order 1", pair, w, along)
    for name, claimed in (("forward mode", forward), ("reverse mode", reverse)):
        for judgement in _compared(claimed, found, name, w, _single(pair)):
            return judgement
    return Judgement("undecided", f"forward {forward!r}, reverse {reverse!r}, differences {found.value!r}")
