"""Where there is room beside what is drawn."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from minigrad.rnn.figure.geometry import Outline, between
from minigrad.rnn.figure.room import APART, CLEAR, Room
from minigrad.rnn.figure.strokes import Box

ALONE = Outline(0.0, 0.0)


def test_what_stands_beside_a_circle_alone_stands_above_it():
    (start, end), box = Room([ALONE], [], []).near(ALONE, 40, 20)
    np.testing.assert_allclose((start[0], end[0], box.x), 0, atol=1e-9)
    assert ALONE.away(start) < 1e-9 and end[1] + box.height == box.y


def test_a_box_is_free_if_nothing_is_in_the_way():
    room, box = Room([ALONE], [((60.0, -50.0), (60.0, 50.0))], [Box(0, 60, 10, 10)]), Box(40, 0, 10, 10)
    assert room.free(box)
    assert not room.free(box, alone=12)
    assert room.free(box, own=room.lines[0], alone=12)
    assert not room.free(Box(25, 0, 10, 10))  # the circle
    assert not room.free(Box(55, 0, 10, 10))  # the line
    assert not room.free(Box(0, 45, 10, 10))  # the other box


def test_a_line_is_crossed_only_where_there_is_no_other_way():
    fence = [((-25.0, -25.0), (25.0, -25.0), (25.0, 25.0), (-25.0, 25.0), (-25.0, -25.0))]
    assert Room([ALONE], [fence[0][:4]], []).near(ALONE, 30, 20)[1].x < -30
    assert Room([ALONE], fence, []).near(ALONE, 30, 20) is not None
    wall = [Outline(x, y) for x in (-30, 0, 30) for y in (-30, 0, 30)]
    assert Room(wall, [], []).near(ALONE, 30, 20) is None


@given(spots=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 4)), min_size=1, max_size=12, unique=True))
def test_whatever_stands_there_nothing_is_touched(spots):
    circles = [Outline(62.0 * x, 62.0 * y) for x, y in spots]
    room, found = Room(circles, [], []), []
    for circle in circles:
        if place := room.near(circle, 38, 26):
            found.append((circle, *place))
    assert found
    for circle, (start, end), box in found:
        assert all(other.clear_of(start, end) >= CLEAR for other in circles if other != circle)
        assert all(other.away((box.x, box.y)) > 0 for other in circles)
    for (_, line, box), (_, other_line, other) in combinations(found, 2):
        assert box.beside(other)
        assert between(*line, *other_line) >= APART or between(*line, *other_line) == 0
