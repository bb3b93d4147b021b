"""How lines run from circle to circle."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.rnn.figure.geometry import Outline, angle, between, meeting, shifted, turned
from minigrad.rnn.figure.lattice import CLEAR, FANS, Lattice, Spacing
from minigrad.rnn.figure.routes import End, Routes, plain

placements = st.dictionaries(
    st.sampled_from("abcde"), st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=2
).filter(lambda slots: len(set(slots.values())) == len(slots))


def routes_of(slots, boxes=(), **options):
    spacing = Spacing(slots, boxes, **options)
    circles = {role: Outline(spacing.x[c], spacing.y[r], role in boxes) for role, (c, r) in slots.items()}
    return Routes(Lattice(spacing.columns(), spacing.rows(), circles.values(), spacing.period), circles)


def led(routes, source, target):
    line = routes.straight(source, target)
    if line is None:
        found = routes.led(source, target)
        line = found and found[1]
    if line is not None:
        routes.add(line, source, target)
    return line


@settings(max_examples=40)
@given(placements, st.data())
def test_lines_keep_away_from_circles_and_from_one_another(slots, choose):
    routes = routes_of(slots)
    drawn = []
    for _ in range(choose.draw(st.integers(1, 6), label="lines")):
        a, b = (choose.draw(st.sampled_from(sorted(slots))) for _ in range(2))
        lag = 1 if a == b else choose.draw(st.integers(0, 2))
        line = led(routes, End(a), End(b, lag))
        if line is not None:
            assert line[0] == (routes.circles[a].x, routes.circles[a].y)
            assert line[-1] == pytest.approx((routes.circles[b].x + lag * routes.period, routes.circles[b].y))
            drawn.append((routes.trimmed(line, End(a), End(b, lag)), {(a, 0), (b, lag)}))
    copies = [
        (shifted(line, k * routes.period), {(role, at + k) for role, at in ends})
        for line, ends in drawn
        for k in (-2, -1, 0, 1, 2)
    ]
    for line, ends in drawn:
        for role, outline in routes.circles.items():
            for k in range(-2, 5):
                if (role, k) not in ends:
                    there = outline.moved(k * routes.period)
                    assert all(there.clear_of(p, q) >= CLEAR - 1e-6 for p, q in pairwise(line))
        for other, others in copies:
            if (line, ends) != (other, others):
                for p, q in pairwise(line):
                    for r, s in pairwise(other):
                        met = meeting(p, q, r, s)
                        assert met[2] > 0.2 if met else between(p, q, r, s) > 1.9
    for role, directions in routes.directions.items():
        assert all(turned(a, b) >= FANS[0] - 1e-6 for a, b in combinations(directions, 2)), role


def test_what_stands_in_the_way_is_led_around():
    routes = routes_of({"a": (0, 0), "b": (1, 0), "c": (2, 0)})
    assert routes.straight(End("a"), End("b")) == ((0.0, 0.0), (60.0, 0.0))
    assert routes.straight(End("a"), End("c")) is None
    cost, line = routes.led(End("a"), End("c"))
    assert len(line) == 4 and cost > 120


def test_what_is_neither_level_nor_steep_is_not_drawn_straight():
    routes = routes_of({"a": (0, 0), "b": (5, 1), "c": (2, 1)})
    assert routes.straight(End("a"), End("b")) is None
    assert routes.straight(End("a"), End("c")) is not None


@given(st.booleans(), st.booleans())
def test_a_tap_comes_from_its_side_and_goes_straight_out(above, left):
    routes = routes_of({"a": (0, 0), "b": (0, 1), "c": (0, 2)})
    _, line = routes.tap(End("b"), above, left)
    assert line[-1] == (0.0, 62.0)
    assert line[0][1] == (routes.lattice.ys[-1] if above else routes.lattice.ys[0])
    assert line[0][0] == line[1][0]
    assert (line[-2][0] < 0) == left
    assert (line[-2][1] > 62) == above


def test_what_is_forgotten_leaves_nothing():
    routes = routes_of({"a": (0, 0), "b": (1, 0)})
    before = routes.memory()
    _, line = routes.tap(End("b"), False, True)
    routes.add(line, None, End("b"))
    assert routes.tap(End("b"), False, True)[1] != line
    routes.restore(before)
    assert routes.memory() == before
    assert routes.tap(End("b"), False, True)[1] == line


def test_a_point_in_a_straight_line_is_none():
    assert plain([(0.0, 0.0), (1.0, 0.0), (5.0, 0.0), (5.0, 2.0)]) == ((0.0, 0.0), (5.0, 0.0), (5.0, 2.0))
    assert angle((0.0, 0.0), (0.0, 2.0)) == 90
