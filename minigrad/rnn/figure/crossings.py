"""What a layout is judged by: how often lines pass through circles that they do not lead to, and cross one another."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

CLEAR = 21.0  # from a line to the centre of a circle that it passes: a radius and a little
APART = 42.0  # from centre to centre

Point = tuple[float, float]


class Line(NamedTuple):
    """A straight line between two points, and the circles that it may touch."""

    start: Point
    end: Point
    leads_to: tuple[Hashable, ...]


def through_circles(circles: Mapping[Any, Point], lines: Iterable[Line]) -> int:
    """How many lines pass through which circles; and how many circles lie on one another.

    Vertical lines count fivefold, being those that run along rows of circles, and circles tenfold.
    """
    number = {circle: i for i, circle in enumerate(circles)}
    foreign, segments = [], []
    for start, end, leads_to in lines:
        foreign.append([True] * len(number))
        for circle in leads_to:
            foreign[-1][number[circle]] = False
        segments.append((start, end))
    centres = np.array(list(circles.values()))
    apart = np.linalg.norm(centres[:, None] - centres, axis=-1)
    found = 10 * int(np.sum(np.triu(apart < APART, 1)))
    if not segments:
        return found
    starts, ends = np.array(segments)[:, :, None].swapaxes(0, 1)
    along = ends - starts
    part = np.sum((centres - starts) * along, axis=-1) / np.maximum(np.sum(along**2, axis=-1), 1e-9)
    nearest = starts + np.clip(part, 0.0, 1.0)[..., None] * along
    weight = np.where(np.abs(along[..., 0]) < 1, 5, 1)
    return found + int(np.sum(weight * (foreign & (np.linalg.norm(centres - nearest, axis=-1) < CLEAR))))


def of_one_another(lines: Iterable[Line]) -> int:
    """How many pairs of lines cross; those that only touch do not."""
    return sum(
        _side(a, b.start) * _side(a, b.end) < 0 and _side(b, a.start) * _side(b, a.end) < 0
        for a, b in combinations(lines, 2)
    )


def _side(line: Line, point: Point) -> float:
    """On which side of a line a point lies: the sign of twice the area between them, 0 next to it."""
    (x1, y1), (x2, y2), _ = line
    area = (x2 - x1) * (point[1] - y1) - (y2 - y1) * (point[0] - x1)
    return area if abs(area) > 1e-6 else 0.0
