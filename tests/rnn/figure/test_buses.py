"""How parameters come to the circles."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.rnn.figure.buses import Buses
from minigrad.rnn.figure.drawing import draw
from minigrad.rnn.figure.grid import Grid
from minigrad.rnn.figure.layouts import template_for
from minigrad.rnn.figure.wiring import Wiring
from tests.rnn.figure.models import example, wired
from tests.rnn.figure.sources import statements

kinds = pytest.mark.parametrize("kind", ["W", "R", "WR"])


@kinds
def test_every_parameter_is_one_bus_with_a_tap_a_step(kind):
    run = example(kind, T=4)
    nodes, edges = statements(draw(run, folded=False).source)
    for name in run.model.parameters():
        role = "y" if name in "Vc" else "z"
        assert nodes[name]["label"] == name
        heads = {head for tail, head in edges if tail == name or tail.startswith(f"{name}_")}
        assert {f"{role}{t}" for t in range(1, 5)} == {head for head in heads if "_" not in head}


@settings(max_examples=15)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 4))
def test_every_use_has_a_line_of_its_own_from_its_bus(seed, n):
    run = wired(n, seed, 2)
    wiring = Wiring.of_run(run)
    grid = Grid(template_for(run, wiring), [1, 2], 2)
    buses = Buses(grid, wiring.uses)
    assert sorted([*buses.above, *buses.below]) == sorted({name for name, _ in wiring.uses})
    heights = [buses.y(name) for name in [*reversed(buses.below), *buses.above]]
    assert heights == sorted(set(heights))
    assert buses.bottom < heights[0]
    assert Counter((name, place) for name, places in buses.used.items() for place in places) == Counter(
        list(wiring.uses)
    )
    for name, places in buses.used.items():
        taps = [buses.tap(name, place) for place in places]
        xs = [x for (x, _), *_ in taps]
        assert xs == sorted(set(xs))
        for place, ((x, y), (to_x, to_y), *_, end) in zip(places, taps, strict=True):
            assert y == buses.y(name) and x == to_x
            assert (y > grid.high > to_y) if name in buses.above else (y < grid.low < to_y)
            assert end == grid.at(place)
