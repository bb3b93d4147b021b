"""Points, segments and outlines, judged by points along them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from minigrad.rnn.figure.geometry import (
    RADIUS,
    Outline,
    angle,
    between,
    confusing,
    length,
    meeting,
    middle,
    shifted,
    to_segment,
    turned,
)
from minigrad.rnn.figure.names import TARGET

whole = st.integers(-100, 100).map(float)
points = st.tuples(whole, whole)


def along(a, b, n=801):
    return np.linspace(a, b, n)


@given(points, points, points)
def test_a_point_is_as_far_from_a_segment_as_from_its_nearest_point(p, a, b):
    sampled = np.min(np.linalg.norm(along(a, b) - p, axis=1))
    assert to_segment(p, a, b) <= sampled + 1e-9
    assert to_segment(p, a, b) == pytest.approx(sampled, abs=0.2)


@given(points, points, points, points)
def test_segments_are_as_far_apart_as_their_nearest_points(a, b, c, d):
    apart = np.min(np.linalg.norm(along(a, b, 201)[:, None] - along(c, d, 201), axis=-1))
    assert between(a, b, c, d) == pytest.approx(apart, abs=2.0)
    met = meeting(a, b, c, d)
    if met is not None:
        first, second, sine = met
        assert np.add(a, np.subtract(b, a) * first) == pytest.approx(np.add(c, np.subtract(d, c) * second), abs=1e-6)
        assert sine == pytest.approx(np.sin(np.radians(turned(angle(a, b), angle(c, d)))), abs=1e-9)


@given(points, points, points, points)
def test_lines_are_confused_if_they_are_near_or_cross_at_a_small_angle_or_at_an_end(a, b, c, d):
    assume(a != b and c != d)
    met = meeting(a, b, c, d)
    if met is None:
        expected = between(a, b, c, d) < 3
    else:
        spot = np.add(a, np.subtract(b, a) * met[0])
        expected = met[2] < np.sin(np.radians(18)) or min(np.linalg.norm(spot - end) for end in (a, b, c, d)) < 2
    assert confusing(a, b, c, d) == confusing(c, d, a, b) == confusing(b, a, c, d) == expected


@given(points, points, points, st.booleans())
def test_outlines(p, a, b, box):
    outline = Outline(*p, box)
    assume(outline.away(a) > 0)
    x, y = np.subtract(outline.edge(a), p)
    if box:
        assert max(abs(x) / (TARGET[0] / 2), abs(y) / (TARGET[1] / 2)) == pytest.approx(1)
    else:
        assert np.hypot(x, y) == pytest.approx(RADIUS)
    assert outline.away(outline.edge(a)) == pytest.approx(0, abs=1e-9)
    assert turned(angle(p, a), angle(p, outline.edge(a))) == pytest.approx(0, abs=1e-6)
    nearest = min(outline.away(tuple(point)) for point in along(a, b))
    assert max(outline.clear_of(a, b), 0) == pytest.approx(max(nearest, 0), abs=0.3)


def test_polylines():
    line = ((0.0, 0.0), (3.0, 4.0), (3.0, 10.0))
    assert length(line) == 11
    assert middle(line) == (3, 7)
    assert shifted(line, 2.0) == ((2.0, 0.0), (5.0, 4.0), (5.0, 10.0))
    assert Outline(1.0, 2.0, True).moved(3.0) == Outline(4.0, 2.0, True)
