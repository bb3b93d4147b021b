"""The last look at a step that has been laid out: three steps of it as they will be drawn, and whether any line lies.

How the lines were found does not matter here. A line lies if it touches a circle that it does not lead to, or runs so
near to another line, or crosses it at so small an angle, that one could be taken for the other.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator
from itertools import combinations, pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from minigrad.rnn.figure.geometry import RADIUS, Line, Outline, shifted
from minigrad.rnn.figure.pattern import Pattern
from minigrad.rnn.figure.template import Template

STEPS = 3
TOUCHES = 5.5  # nearer to a circle a line touches it; those who lead it keep 6
SAME = 2.0  # nearer to another line it could be that
ACUTE = 12.0  # at a smaller angle nothing crosses
MEET = 4.0  # from end to end at a circle, if it has room for that
STAND = 8.0  # from circle to circle
LABEL = 24.0  # half the width of "t = 1000"

Array = NDArray[np.float64]


class Drawn(NamedTuple):
    """A line, and the circles that it may touch."""

    name: str
    line: Line
    ends: tuple[Hashable, ...]


def circles_of(template: Template, pattern: Pattern) -> dict[tuple[str, int], Outline]:
    """The circles of some steps, 0 being the initial values."""
    period = template.spacing.period
    found = {
        (role, 0): Outline(x + (STEPS - 1) * period * (role in pattern.at_the_end), y, pattern.starts_as_box(role))
        for role, (x, y) in template.initial.items()
    }
    for k in range(STEPS):
        for role, (x, y) in template.spots.items():
            found[role, k + 1] = Outline(x + k * period, y, pattern.is_box(role))
    return found


def lines_of(template: Template, circles: dict[tuple[str, int], Outline]) -> Iterator[Drawn]:
    """Their lines, as far as circles do not hide them; those from parameters end where they come into the step."""
    period = template.spacing.period
    for k in range(STEPS):
        for (source, target, lag), line in template.links.items():
            if 1 <= k + 1 + lag <= STEPS:
                yield _seen(circles, shifted(line, k * period), (source, k + 1), (target, k + 1 + lag))
        for (name, role), line in template.taps.items():
            yield _seen(circles, shifted(line, k * period), name, (role, k + 1))
    for (source, target, t), line in template.starts.items():
        moved = shifted(line, (STEPS - 1) * period * (t < 0))
        if abs(t) <= STEPS:
            yield _seen(circles, moved, (source, 0), (target, t % (STEPS + 1)))


def _seen(
    circles: dict[tuple[str, int], Outline], line: Line, source: tuple[str, int] | str, target: tuple[str, int]
) -> Drawn:
    points = list(line)
    points[-1] = circles[target].edge(line[-2])
    if isinstance(source, str):
        return Drawn(f"{source} → {_named(target)}", tuple(points), (target,))
    points[0] = circles[source].edge(line[1])
    return Drawn(f"{_named(source)} → {_named(target)}", tuple(points), (source, target))


def _named(place: tuple[str, int]) -> str:
    return f"{place[0]}_{place[1]}"


def faults_of(template: Template, pattern: Pattern) -> list[str]:
    """What is wrong with a step, in words; nothing if all is well."""
    circles = circles_of(template, pattern)
    drawn = list(lines_of(template, circles))
    return [
        *_standing_together(circles),
        *_touching(drawn, circles),
        *_confused(drawn, min(MEET, template.spacing.fan / 180 * math.pi * RADIUS - 0.1)),
        *_through_labels(template),
    ]


def _standing_together(circles: dict[tuple[str, int], Outline]) -> Iterator[str]:
    for (a, one), (b, other) in combinations(circles.items(), 2):
        if abs(one.x - other.x) < 60 and abs(one.y - other.y) < 46 and _room(one, other) < STAND - 1e-6:
            yield f"{_named(a)} stands too near to {_named(b)}"


def _room(one: Outline, other: Outline) -> float:
    """Between two outlines, along the line of their centres."""
    if (one.x, one.y) == (other.x, other.y):
        return 0.0
    edges = np.subtract(one.edge((other.x, other.y)), other.edge((one.x, one.y)))
    apart = float(np.hypot(*edges))
    return apart if np.dot(edges, (other.x - one.x, other.y - one.y)) < 0 else -apart


def _pieces(drawn: list[Drawn]) -> tuple[Array, Array, NDArray[np.int64]]:
    """The starts and ends of all segments, and whose they are."""
    found = [(a, b, k) for k, each in enumerate(drawn) for a, b in pairwise(each.line)]
    return (
        np.array([a for a, _, _ in found]),
        np.array([b for _, b, _ in found]),
        np.array([k for _, _, k in found]),
    )


def _touching(drawn: list[Drawn], circles: dict[tuple[str, int], Outline]) -> Iterator[str]:
    starts, ends, owners = _pieces(drawn)
    for place, outline in circles.items():
        low, high = np.minimum(starts, ends) - 40, np.maximum(starts, ends) + 40
        centre = (outline.x, outline.y)
        for k in np.flatnonzero(np.all((low <= centre) & (centre <= high), axis=1)):
            if place not in drawn[owners[k]].ends and outline.clear_of(tuple(starts[k]), tuple(ends[k])) < TOUCHES:
                yield f"{drawn[owners[k]].name} touches {_named(place)}"


def _confused(drawn: list[Drawn], meet: float) -> Iterator[str]:
    starts, ends, owners = _pieces(drawn)
    for i, j in zip(*_near(starts, ends), strict=True):
        one, other = drawn[owners[i]], drawn[owners[j]]
        same = owners[i] == owners[j]
        if same and abs(i - j) == 1:
            continue
        apart, sine, crossing = _relation(starts[i], ends[i], starts[j], ends[j])
        if crossing and (same or sine < np.sin(np.radians(ACUTE))):
            yield f"{one.name} crosses {other.name} at too small an angle" if not same else f"{one.name} crosses itself"
        elif not crossing and apart < SAME:
            yield f"{one.name} runs into {other.name}"
    seen: dict[Hashable, list[tuple[tuple[float, float], str]]] = {}
    for name, line, places in drawn:
        for place, tip in zip(places[::-1], (line[-1], line[0]), strict=False):
            seen.setdefault(place, []).append((tip, name))
    for tips in seen.values():
        for (p, one_name), (q, other_name) in combinations(tips, 2):
            if np.hypot(p[0] - q[0], p[1] - q[1]) < meet:
                yield f"{one_name} and {other_name} end together"


def _near(starts: Array, ends: Array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of segments whose surroundings overlap."""
    low, high = np.minimum(starts, ends) - SAME, np.maximum(starts, ends) + SAME
    overlap = np.all((low[:, None] <= high) & (low <= high[:, None]), axis=-1)
    one, other = np.nonzero(np.triu(overlap, 1))
    return one, other


def _relation(a: Array, b: Array, c: Array, d: Array) -> tuple[float, float, bool]:
    """How far apart two segments are, the sine of the angle between them, and whether they cross."""
    one, other = b - a, d - c
    area = one[0] * other[1] - one[1] * other[0]
    lengths = np.hypot(*one) * np.hypot(*other)
    sine = abs(area) / max(lengths, 1e-12)
    if sine > 1e-9:
        t = ((c[0] - a[0]) * other[1] - (c[1] - a[1]) * other[0]) / area
        u = ((c[0] - a[0]) * one[1] - (c[1] - a[1]) * one[0]) / area
        if 0 <= t <= 1 and 0 <= u <= 1:
            return 0.0, float(sine), True
    return min(_away(a, c, d), _away(b, c, d), _away(c, a, b), _away(d, a, b)), float(sine), False


def _away(p: Array, a: Array, b: Array) -> float:
    along = b - a
    part = np.clip(np.dot(p - a, along) / max(np.dot(along, along), 1e-12), 0, 1)
    return float(np.hypot(*(p - a - part * along)))


def _through_labels(template: Template) -> Iterator[str]:
    """What comes from above could come down through the words "t = 1"; all else stays below them."""
    spacing = template.spacing
    middle = (spacing.width + spacing.right - spacing.left) / 2
    for (name, role), line in template.taps.items():
        if name in template.above and abs(line[0][0] - middle) < LABEL:
            yield f"{name} → {role} runs through the words above the step"
