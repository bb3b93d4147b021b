"""Points at which to check a function: numbers of a domain, drawn off every edge, and what a function says it takes.

Ordinary random numbers put ties and zeros where derivatives have none. Here numbers come from a grid, (k + ½)/16 for
integers k: never 0, never an integer, exact in float32, and, where there are enough of them, all different.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

import numpy as np

from minigrad.engine.tensor import Array

__tracebackhide__ = True  # pytest shows no line of this file where a user's test fails

Shape: TypeAlias = tuple[int, ...]
Domain: TypeAlias = str | tuple[float, float]
F = TypeVar("F", bound=Callable[..., Any])

DOMAINS: dict[str, tuple[tuple[float, float], ...]] = {
    "real": ((-8, 8),),
    "bounded": ((-2, 2),),
    "positive": ((0, 8),),
    "negative": ((-8, 0),),
    "nonzero": ((-8, -0.5), (0.5, 8)),
    "unit": ((-1, 1),),
    "probability": ((0, 1),),
    "above one": ((1, 8),),
}
"""Where numbers are drawn from: open intervals, by name. "nonzero" keeps away from zero, as divisors should."""
FINEST, MOST = 2.0**-20, 4096  # no grid is finer, nor has more points than the interval needs


def grid(domain: Domain, count: int = 1) -> list[float]:
    """The numbers (k + ½)·step inside a domain, the ones nearest to zero first.

    The step is 1/16, unless there are then fewer than ``count`` of them, or thousands: then it is halved or doubled
    until it fits.

    Raises
    ------
    ValueError
        If the domain is unknown, or holds no such numbers.
    """
    intervals = DOMAINS.get(domain, ()) if isinstance(domain, str) else (domain,)
    if not intervals:
        raise ValueError(f"no domain is called {domain!r}: take one of {', '.join(DOMAINS)}, or a pair (low, high)")
    step, length = 1 / 16, sum(high - low for low, high in intervals)
    if not 0 < length < math.inf:
        raise ValueError(f"a domain is a pair of finite numbers, the lower one first; got {domain}")
    while length / step > max(MOST, 2 * count):
        step *= 2
    points: list[float] = []
    while len(points) < count:
        if step < length * FINEST:
            raise ValueError(f"there are no {count} numbers to choose from between the ends of {domain}")
        points = [point for low, high in intervals for point in _points(low, high, step)]
        step /= 2
    return sorted(points, key=lambda point: (abs(point), point < 0))


def _points(low: float, high: float, step: float) -> list[float]:
    """All (k + ½)·step strictly between two numbers."""
    inside = (np.arange(math.floor(low / step) - 1, math.ceil(high / step) + 1) + 0.5) * step
    return [float(point) for point in inside if low < point < high]


@dataclass(frozen=True)
class Arguments:
    """What a function takes: a shape for each argument, and where its numbers come from."""

    shapes: tuple[Shape, ...]
    domain: Domain = "bounded"

    def drawn(self, rng: np.random.Generator) -> tuple[Array, ...]:
        """Arguments, all of whose numbers differ."""
        sizes = [math.prod(shape) for shape in self.shapes]
        numbers = rng.permutation(grid(self.domain, max(1, sum(sizes))))[: sum(sizes)]
        parts = np.split(numbers, np.cumsum(sizes)[:-1])
        return tuple(part.reshape(shape) for part, shape in zip(parts, self.shapes, strict=True))


def arguments(*shapes: int | Shape, domain: Domain = "bounded") -> Callable[[F], F]:
    """Decorator: what a function takes, for whoever wants to check its gradient.

    Parameters
    ----------
    *shapes : tuple of int or int
        One for each argument; ``()`` for a number.
    domain : str or (float, float)
        A name in `DOMAINS`, or the ends of an open interval.

    Examples
    --------
    >>> @arguments((3, 4), 4, domain="positive")
    ... def f(W, x):
    ...     return np.log(W @ x)
    >>> f.arguments.shapes
    ((3, 4), (4,))
    """
    taken = Arguments(tuple((shape,) if isinstance(shape, int) else tuple(shape) for shape in shapes), domain)
    grid(domain)  # complains here, not later, about a domain that there is not

    def noted(f: F) -> F:
        f.arguments = taken  # type: ignore[attr-defined]
        return f

    return noted


def arguments_of(f: Callable[..., Any], shapes: Sequence[Shape] = (), domain: Domain | None = None) -> Arguments:
    """What is given here, or else what the decorator `arguments` noted.

    Raises
    ------
    ValueError
        If neither says anything.
    """
    noted: Any = getattr(f, "arguments", None)
    if not isinstance(noted, Arguments):  # something else of that name, as parsers have it
        noted = None
    if not shapes and noted is None:
        name = getattr(f, "__name__", "the function")
        raise ValueError(
            f"what {name} takes is not known: give a shape for each argument, or decorate it with"
            " @minigrad.testing.arguments((3, 4), (4,))"
        )
    given = tuple(shapes) or (noted.shapes if noted else ())
    return Arguments(given, domain or (noted.domain if noted else "bounded"))
