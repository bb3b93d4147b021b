"""Lines as Graphviz draws them: with round corners, and an arrowhead where they end.

Under ``layout=nop2`` an edge runs along its own ``pos``: "e,x,y", the arrow's tip, and 3n + 1 points of a Bézier curve,
the last of them at the arrow's base. With another number of points Graphviz would silently draw a straight line.
"""

from __future__ import annotations

from math import dist

from minigrad.rnn.figure.geometry import Line, Point

HEAD = 10.0  # the length of an arrowhead of size 1
CORNER, ROUND = 6.0, 0.55  # where a corner begins, and how far towards it its control points lie


def spline(line: Line, arrowsize: float = 0.0) -> dict[str, str]:
    """The attribute that leads an edge along a polyline; without a size there is no arrowhead."""
    tip, points = "", list(line)
    if arrowsize:
        tip = f"e,{_written(points[-1])} "
        points[-1] = _towards(points[-1], points[-2], min(HEAD * arrowsize, 0.8 * dist(*points[-2:])))
    return {"pos": tip + " ".join(map(_written, bezier(points)))}


def bezier(points: list[Point]) -> list[Point]:
    """A polyline with round corners, as the points of a cubic spline."""
    found, last = points[:1], len(points) - 1
    for k in range(1, last + 1):
        corner = points[k]
        if k == last:
            found += _straight(found[-1], corner)
            break
        room = [min(CORNER, dist(corner, points[k + way]) / (1 if k + way in (0, last) else 2)) for way in (-1, 1)]
        into, out = (_towards(corner, points[k + way], 0.98 * size) for way, size in zip((-1, 1), room, strict=True))
        found += _straight(found[-1], into)
        found += [_part(into, corner, ROUND), _part(out, corner, ROUND), out]
    return found


def _straight(a: Point, b: Point) -> list[Point]:
    return [_part(a, b, 1 / 3), _part(a, b, 2 / 3), b]


def _part(a: Point, b: Point, part: float) -> Point:
    return a[0] + (b[0] - a[0]) * part, a[1] + (b[1] - a[1]) * part


def _towards(a: Point, b: Point, far: float) -> Point:
    """So far from a towards b."""
    return _part(a, b, far / max(dist(a, b), 1e-9))


def _written(point: Point) -> str:
    return ",".join(f"{round(value, 1) + 0.0:g}" for value in point)  # + 0.0: no "-0"
