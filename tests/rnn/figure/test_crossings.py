"""What a layout is judged by: lines and circles, judged in turn by points along the lines."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from minigrad.rnn.figure.crossings import APART, CLEAR, Line, of_one_another, through_circles

whole = st.integers(-100, 100).map(float)
points = st.tuples(whole, whole)
far_apart = st.lists(points, min_size=1, max_size=5, unique=True).filter(
    lambda centres: all(np.hypot(a - c, b - d) >= APART for i, (a, b) in enumerate(centres) for c, d in centres[:i])
)


@given(centres=far_apart, ends=st.lists(st.tuples(points, points), max_size=5))
def test_lines_through_circles_are_found_by_walking_along_them(centres, ends):
    expected = 0
    for start, end in ends:
        walk = np.linspace(start, end, 20_001)
        for centre in centres:
            nearest = np.min(np.linalg.norm(walk - centre, axis=1))
            if abs(nearest - CLEAR) < 1e-3:
                return  # a matter of rounding
            expected += (5 if abs(start[0] - end[0]) < 1 else 1) * bool(nearest < CLEAR)
    circles = dict(enumerate(centres))
    assert through_circles(circles, [Line(start, end, ()) for start, end in ends]) == expected


def test_a_line_may_touch_what_it_leads_to():
    circles = {"a": (0.0, 0.0), "b": (100.0, 0.0), "c": (50.0, 0.0)}
    assert through_circles(circles, [Line((0.0, 0.0), (100.0, 0.0), ("a", "b"))]) == 1
    assert through_circles(circles, [Line((0.0, 0.0), (100.0, 0.0), ("a", "b", "c"))]) == 0


def test_circles_that_lie_on_one_another_weigh_most():
    assert through_circles({"a": (0.0, 0.0), "b": (30.0, 0.0), "c": (0.0, 1.0)}, []) == 30


@given(points, points, points, points)
def test_lines_that_cross_are_those_whose_equations_have_a_common_solution(a, b, c, d):
    lines = [Line(a, b, ()), Line(c, d, ())]
    along = np.array([np.subtract(b, a), np.subtract(c, d)]).T
    if abs(np.linalg.det(along)) < 1e-6:
        assert of_one_another(lines) == 0
    else:
        parts = np.linalg.solve(along, np.subtract(c, a))
        if np.min(np.abs([parts, parts - 1])) > 1e-9:  # else they only touch
            assert of_one_another(lines) == np.all((parts > 0) & (parts < 1))


def test_lines_that_only_touch_do_not_cross():
    corner = [Line((0.0, 0.0), (10.0, 0.0), ()), Line((10.0, 0.0), (10.0, 10.0), ()), Line((5.0, 0.0), (5.0, 9.0), ())]
    assert of_one_another(corner) == 0
    assert of_one_another([*corner, Line((0.0, 5.0), (20.0, 5.0), ())]) == 2
