"""Lines with round corners."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.rnn.figure.geometry import to_segment, turned
from minigrad.rnn.figure.splines import CORNER, HEAD, bezier, spline
from tests.rnn.figure.shapes import curve

steps = st.lists(st.tuples(st.sampled_from([0, 1, 2, 3]), st.integers(8, 60)), min_size=1, max_size=6)
AHEAD = ((1.0, 0.0), (0.0, 1.0), (0.6, 0.8), (0.8, -0.6))


def polyline(moves):
    """One that never goes back."""
    line = [(0.0, 0.0)]
    for direction, far in moves:
        (x, y), (dx, dy) = line[-1], AHEAD[direction]
        if len(line) < 2 or turned(
            *(np.degrees(np.arctan2(*v[::-1])) for v in (np.subtract(line[-1], line[-2]), (dx, dy)))
        ):
            line.append((x + far * dx, y + far * dy))
    return tuple(line)


@given(steps, st.sampled_from([0.0, 0.5, 0.7]))
def test_a_spline_follows_its_polyline_and_ends_where_it_ends(moves, size):
    line = polyline(moves)
    points = curve(spline(line, size)["pos"])
    assert points[0] == pytest.approx(line[0], abs=0.06)
    assert points[-1] == pytest.approx(line[-1], abs=0.06)
    for point in points:
        assert min(to_segment(tuple(point), a, b) for a, b in pairwise(line)) < CORNER / 2
    for a, b in pairwise(line):  # and all of the way, but for the corners
        middle = ((a[0] + b[0]) / 2, (a[1] + b[1]) / 2)
        assert min(to_segment(middle, tuple(p), tuple(q)) for p, q in pairwise(points)) < 3


def test_corners_are_round():
    points = np.array(bezier([(0.0, 0.0), (50.0, 0.0), (50.0, 50.0)]))
    assert len(points) == 10
    assert 1 < np.min(np.linalg.norm(points - (50, 0), axis=1)) < CORNER
    assert points[3] == pytest.approx((50 - CORNER, 0), abs=0.2)


def test_an_arrow_begins_at_the_base_of_its_head():
    written = spline(((0.0, 0.0), (-0.01, 40.0)), 0.7)["pos"]
    assert written.startswith("e,0,40 0,0 ")
    assert written.endswith(f" 0,{40 - 0.7 * HEAD:g}")
    assert not spline(((0.0, 0.0), (0.0, 40.0)))["pos"].startswith("e")
