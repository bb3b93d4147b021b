"""The shortest way along a lattice, against all ways that there are."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.rnn.figure.lattice import ACROSS, ALONG, MIDDLE, NEAR, OUTSIDE, STUB, TRAVEL, TURN, Lattice
from minigrad.rnn.figure.search import AHEAD, BEND, CENTRAL, CROSSING, shortest

kinds = st.sampled_from([TRAVEL, TRAVEL, MIDDLE, STUB])
SIZE = 4


def cost_of(lattice, way, direction):
    """What a way costs that sets out in a direction; None if it may not be gone."""
    total, d = 0.0, direction
    for k, ((i, j), (to_i, to_j)) in enumerate(pairwise(way)):
        new = AHEAD.index((to_i - i, to_j - j))
        kind = (lattice.rows[j], lattice.columns[i])[new % 2]
        if new != d:
            turning = k and (new - d) % 4 != 2 and not lattice.used[lattice.cell(i, j)]
            if not turning or STUB in (lattice.columns[i], lattice.rows[j]):
                return None
            total += BEND
        entered = lattice.used[lattice.cell(to_i, to_j)]
        if kind in (STUB, OUTSIDE) or entered & (TURN | (ACROSS if new % 2 else ALONG)):
            return None
        if not lattice.there[lattice.cell(to_i, to_j)]:
            return None
        step = abs(lattice.xs[to_i] - lattice.xs[i]) + abs(lattice.ys[to_j] - lattice.ys[j])
        total += step * (1 + CENTRAL * (kind == MIDDLE)) + CROSSING * bool(entered)
        d = new
    return total, d


def ways(start, end):
    """All ways that come nowhere twice."""
    open_ = [[start]]
    while open_:
        way = open_.pop()
        if way[-1] == end and len(way) > 1:
            yield way
            continue
        for di, dj in AHEAD:
            i, j = way[-1][0] + di, way[-1][1] + dj
            if 0 <= i < SIZE and 0 <= j < SIZE and (i, j) not in way:
                open_.append([*way, (i, j)])


@settings(max_examples=60)
@given(draw=st.data())
def test_of_all_ways_the_cheapest_is_found(draw):
    lines = [[(20.0 * k, draw.draw(kinds)) for k in range(SIZE)] for _ in range(2)]
    lattice = Lattice(*lines, [])
    for cell in range(SIZE * SIZE):
        lattice.there[cell] = draw.draw(st.integers(0, 7)) > 0
        lattice.used[cell] = draw.draw(st.sampled_from([0, 0, 0, ALONG, ACROSS, NEAR, TURN]))
    start, end = (0, draw.draw(st.integers(0, 3))), (3, draw.draw(st.integers(0, 3)))
    starts = {(start, d): float(d) for d in range(4)}
    ends = {(end, d): 2.0 * d for d in range(4)}
    possible = []
    for way in ways(start, end):
        for d in range(4):
            found = cost_of(lattice, way, d)
            if found is not None:
                possible.append(d + found[0] + 2.0 * found[1])
    found = shortest(lattice, starts, ends, range(SIZE), lambda vertex: 20.0 * abs(vertex[0] - 3))
    assert (found is None) == (not possible)
    if found is not None:
        cost, way = found
        assert cost == pytest.approx(min(possible))
        assert (way[0], way[-1]) == (start, end)
        assert all(abs(a[0] - b[0]) + abs(a[1] - b[1]) == 1 for a, b in pairwise(way))


def test_crossing_and_turning_and_running_between_circles_costs_more():
    lattice = Lattice([(10.0 * k, TRAVEL) for k in range(4)], [(0.0, TRAVEL), (10.0, MIDDLE), (20.0, TRAVEL)], [])

    def cost(start, d, end, e):
        return shortest(lattice, {(start, d): 0.0}, {(end, e): 0.0}, range(4), lambda vertex: 0.0)[0]

    assert cost((1, 0), 0, (2, 0), 0) == 10
    assert cost((1, 1), 0, (2, 1), 0) == 10 * (1 + CENTRAL)
    assert cost((0, 0), 0, (1, 1), 1) == 20 + BEND
    lattice.used[lattice.cell(2, 0)] = ACROSS
    assert cost((1, 0), 0, (2, 0), 0) == 10 + CROSSING


def test_what_is_banned_or_out_of_reach_is_not_used():
    lattice = Lattice([(10.0 * k, TRAVEL) for k in range(5)], [(10.0 * k, TRAVEL) for k in range(3)], [])
    lattice.there[0 : lattice.ny] = lattice.there[4 * lattice.ny :] = b"\1" * lattice.ny  # outwards, too
    starts, ends = {((0, 1), 0): 0.0}, {((4, 1), 0): 0.0}

    def way(**options):
        found = shortest(lattice, starts, ends, options.pop("reach", range(5)), lambda vertex: 0.0, **options)
        return found and found[1]

    assert way() == [(k, 1) for k in range(5)]
    assert (2, 1) not in way(banned={(2, 1)})
    assert way(banned={(2, 0), (2, 1), (2, 2)}) is None
    assert way(reach=range(4)) is None
