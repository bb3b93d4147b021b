"""Where the roles of an unknown model stand, before anything is drawn."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.rnn.figure.geometry import RADIUS, to_segment
from minigrad.rnn.figure.lattice import CLEAR, COLUMN, ROW
from minigrad.rnn.figure.pattern import Pattern
from minigrad.rnn.figure.slots import annealed, crossings, passed
from minigrad.rnn.figure.wiring import Wiring
from tests.rnn.figure.models import example
from tests.rnn.figure.patterns import pattern_of

small = st.integers(-4, 4)
slots = st.tuples(small, small)


@settings(max_examples=8)
@given(seed=st.integers(0, 2**32 - 1))
def test_every_role_has_a_slot_of_its_own_and_none_is_wasted(seed):
    pattern = pattern_of(seed, most=6)
    found = annealed(pattern, keep=3)
    assert found == annealed(pattern, keep=3)  # the same every time
    assert 1 <= len(found) <= 3
    assert [cost for cost, _ in found] == sorted(cost for cost, _ in found)
    for _, placed in found:
        assert tuple(placed) == pattern.roles
        assert len(set(placed.values())) == len(placed)
        for axis in (0, 1):
            used = {slot[axis] + axis for slot in placed.values()}
            assert used == set(range(len(used)))


def test_the_lectures_network_stands_as_in_the_textbooks():
    (_, found), *_ = annealed(Pattern.of(Wiring.of_run(example("W"))), 1)
    assert found == {"x": (0, -1), "z": (0, 0), "h": (1, 0), "y": (1, 1), "C": (1, 2)}


@given(small, small)
def test_a_line_passes_the_circles_that_it_would_run_into(right, up):
    spots = [(c, r) for c in range(-5, 6) for r in range(-5, 6) if (c, r) not in ((0, 0), (right, up))]
    end = (COLUMN * right, ROW * up)
    near = [(c, r) for c, r in spots if to_segment((COLUMN * c, ROW * r), (0.0, 0.0), end) < RADIUS + CLEAR]
    assert sorted(passed(right, up)) == near


@given(slots, slots, slots, slots)
def test_lines_cross_where_their_equations_have_a_common_solution(a, b, c, d):
    along = np.array([np.subtract(b, a), np.subtract(c, d)]).T
    expected = 0
    if abs(np.linalg.det(along)) > 1e-9:
        parts = np.linalg.solve(along, np.subtract(c, a))
        if np.min(np.abs([parts, parts - 1])) < 1e-9:
            return  # they only touch
        expected = int(np.all((parts > 0) & (parts < 1)))
    assert crossings([(*a, *b), (*c, *d)]) == expected
