"""A program for sequences of any length, found from a few short ones.

What a recurrence comes down to has the same text for all lengths T but for some numbers: sizes such as T and T + 1, and
factors such as 1 / (3 T). Texts for four lengths say how each of them goes with T; they have to agree in all else, and
two of them would be enough: the others are the proof. That the function does at step 1000 what it does at step 10 is
for `minigrad.compiler.steady` to say; and where the user's own code goes from step to step, its first program for each
length has to give what the function itself gives (`confirmed`).
"""

from __future__ import annotations

import re
from ast import literal_eval
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from minigrad.compiler.arguments import exchanged
from minigrad.compiler.node import same
from minigrad.compiler.program import Figures, Program, Source
from minigrad.containers import leaves
from minigrad.engine.cotangents import Sum
from minigrad.engine.tensor import Tensor

SHORTEST, MANY = 11, 4  # the lengths that are run
TRIED = 3  # numbers of rows are taken for T, the largest first
MOST = 257  # a number is looked for as a ratio of whole ones, up to so many
ROUNDED = 0.65  # of the digits there are, so many have to agree
LONG = 5000  # steps, from which on to trace all of them, two milliseconds each, takes longer than many runs
APART = 4  # so far from all of them are other sizes, so that no number means two things
NUMBER = re.compile(r"(\d+(?:\.\d+)?(?:e[-+]?\d+)?)")
BYTES = re.compile(r'fromhex\("(\w*)"\)')
WORD = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True)
class Sequences:
    """Arrays that may be sequences of the same length T, by their ``places``, and what shorter ones are tried."""

    T: int
    places: tuple[int, ...]
    short: range

    def cut(self, found: Sequence[Any], T: int) -> list[Any]:
        """All arrays and tensors, the sequences among them with their first T steps alone."""
        made = list(found)
        for i in self.places:
            made[i] = Tensor(made[i]._data[:T], name=made[i].name) if type(made[i]) is Tensor else made[i][:T]
        return made


def candidates(found: Sequence[Any]) -> Iterator[Sequences]:
    """What may be sequences among these arrays, the longest first."""
    shapes = [np.shape(each) for each in found]
    may = [i for i, each in enumerate(found) if shapes[i] and not getattr(each, "requires_grad", False)]
    for T in sorted({shapes[i][0] for i in may}, reverse=True)[:TRIED]:
        places = tuple(i for i in may if shapes[i][0] == T)
        others = {n for i, shape in enumerate(shapes) for n in (shape[1:] if i in places else shape)}
        first = SHORTEST
        while any(n in others for n in range(first - APART, first + MANY + APART)):
            first += 1
        if first + MANY <= T:
            yield Sequences(T, places, range(first, first + MANY))


@dataclass(frozen=True)
class Whole:
    """The number slope · T + offset."""

    slope: int
    offset: int

    def at(self, T: int) -> int:
        return self.slope * T + self.offset

    def __call__(self, T: int) -> str:
        return str(self.at(T))


@dataclass(frozen=True)
class Ratio:
    """A ratio of two, rounded to a floating-point number of this kind."""

    above: Whole
    below: Whole
    kind: Any

    def __call__(self, T: int) -> str:
        return repr(self.kind(self.above.at(T) / self.below.at(T)).item())


@dataclass(frozen=True)
class Pattern:
    """A text, in pieces of which some go with T."""

    pieces: list[str | Whole | Ratio]
    names: int

    def __call__(self, T: int) -> str | None:
        """For sequences of length T; None if two names would be one."""
        text = "".join([piece if isinstance(piece, str) else piece(T) for piece in self.pieces])
        return text if _names(text) == self.names else None


def fitted(texts: Sequence[str], lengths: Sequence[int]) -> Pattern | None:
    """What these are for these lengths; None if they differ in more than in T."""
    split = [NUMBER.split(text) for text in texts]
    if len({len(parts) for parts in split}) != 1 or len({tuple(BYTES.findall(text)) for text in texts}) != 1:
        return None
    pieces: list[str | Whole | Ratio] = []
    for parts in zip(*split, strict=True):
        piece = parts[0] if len(set(parts)) == 1 else _number(parts, lengths)
        if piece is None:
            return None
        pieces.append(piece)
    pattern = Pattern(pieces, _names(texts[0]))
    return pattern if [pattern(T) for T in lengths] == list(texts) else None


def _names(text: str) -> int:
    return len(set(WORD.findall(text)))


def _number(parts: Sequence[str], lengths: Sequence[int]) -> Whole | Ratio | None:
    """The number that is these at these lengths."""
    if not all(NUMBER.fullmatch(part) for part in parts):
        return None
    values = [Fraction(float(part)) for part in parts]
    if all(part.isdigit() for part in parts):
        line = _line(values, lengths)
        return line if line is not None and line.slope >= 0 else None
    for k in range(1, MOST):
        ratios: list[tuple[Whole | None, Whole | None]] = [(_line([k * v for v in values], lengths), Whole(0, k))]
        if all(values):
            ratios.append((Whole(0, k), _line([k / v for v in values], lengths)))
        for above, below in ratios:
            for kind in (np.float64, np.float32):
                if above is None or below is None or min(below.at(T) for T in lengths) <= 0:
                    continue
                ratio = Ratio(above, below, kind)
                if [ratio(T) for T in lengths] == list(parts):
                    return ratio
    return None


def _line(values: Sequence[Fraction], lengths: Sequence[int]) -> Whole | None:
    """The whole numbers nearest to these values, if they lie on a line."""
    near = [round(value) for value in values]
    slope = (near[-1] - near[0]) // (lengths[-1] - lengths[0])
    line = Whole(slope, near[0] - slope * lengths[0])
    return line if [line.at(T) for T in lengths] == near else None


def any_length(sources: Sequence[Source], lengths: Sequence[int]) -> Callable[[int], Source | None] | None:
    """From programs for a few lengths to those for all; None if they differ in more than in T."""
    first = sources[0]
    text = fitted([source.text for source in sources], lengths)
    figures = fitted([repr(astuple(source.figures)) for source in sources], lengths)
    waiting = fitted([str(source.waiting) for source in sources], lengths)
    if text is None or figures is None or waiting is None or any(source.why for source in sources):
        return None
    if not all(_alike(first, source) for source in sources[1:]):
        return None

    def source(T: int) -> Source | None:
        written, numbers = text(T), figures(T)
        if written is None or numbers is None:
            return None
        if T <= LONG and int(waiting(T) or 0) > Sum.LIMIT:  # the engine makes several products of them, as a trace will
            return None
        return replace(first, text=written, figures=Figures(*literal_eval(numbers)))

    return source


def _alike(a: Source, b: Source) -> bool:
    return (
        a.space.keys() == b.space.keys()
        and all(same(a.space[name], b.space[name]) for name in a.space)
        and (a.structure, a.count, a.effects, a.lenient) == (b.structure, b.count, b.effects, b.lenient)
    )


def confirmed(program: Program, f: Callable[..., Any], args: Any, kwargs: Any, found: Sequence[Any]) -> bool:
    """Whether the program gives what ``f`` gives on other numbers than these, since zeros would hide much.

    On masks and indices that are others too; if these mean nothing to the function, on numbers near by; else on these.
    """
    rng = np.random.default_rng(0)
    near = [_nudged(each, rng) for each in found]
    for each in ([_drawn(each, rng) for each in near], near, found):
        agree = _agree(program, f, args, kwargs, each)
        if agree is not None:
            return agree
    return False


def _nudged(value: Any, rng: np.random.Generator) -> Any:
    """Floating-point numbers near these."""
    array = np.asarray(_data(value))
    if array.dtype.kind != "f":
        return value
    factors = 1 + 0.1 * rng.uniform(-1, 1, array.shape)
    array = (array * factors + 1e-3 * rng.uniform(-1, 1, array.shape)).astype(array.dtype)
    return Tensor(array, value.requires_grad, value.name) if type(value) is Tensor else array


def _drawn(value: Any, rng: np.random.Generator) -> Any:
    """Booleans, and whole numbers 0 and 1, at random; other whole numbers out of those that there are."""
    array = np.asarray(_data(value))
    if array.dtype.kind not in "biu" or not array.ndim or not array.size:
        return value
    bits = array.dtype.kind == "b" or (array.min() >= 0 and array.max() <= 1)
    return rng.choice(np.array([0, 1]) if bits else array.ravel(), array.shape).astype(array.dtype)


def _agree(program: Program, f: Any, args: Any, kwargs: Any, found: Sequence[Any]) -> bool | None:
    """Whether both give the same numbers but for rounding; None if one fails, or numbers are not finite."""
    new = [Tensor(each._data, each.requires_grad, each.name) if type(each) is Tensor else each for each in found]
    f, args, kwargs = exchanged((f, args, kwargs), iter(new), {})
    try:
        with np.errstate(all="ignore"):
            got = [np.asarray(each) for each in program.run([_data(each) for each in new])]
            wanted = leaves(f(*args, **kwargs))
            left = program.source.effects[: len(got) - len(wanted)]
            wanted += [new[number] if what == "data" else new[number].grad for number, what in left]
    except Exception:
        return None
    want = [np.asarray(_data(each)) for each in wanted]
    if len(got) != len(want):
        return False
    if not all(np.all(np.isfinite(b)) for b in want if b.dtype.kind == "f"):
        return None
    overall = max((np.max(np.abs(b), initial=0.0) for b in want if b.dtype.kind == "f"), default=0.0)
    return all(_near(a, b, overall) for a, b in zip(got, want, strict=True))


def _data(value: Any) -> Any:
    return value._data if type(value) is Tensor else value


def _near(got: Any, want: Any, overall: float) -> bool:
    if got.shape != want.shape or got.dtype != want.dtype:
        return False
    if want.dtype.kind != "f":
        return bool(np.all(got == want))
    eps = float(np.finfo(want.dtype).eps)
    return bool(np.all(np.abs(got - want) <= eps**ROUNDED * np.max(np.abs(want), initial=0.0) + 10 * eps * overall))
