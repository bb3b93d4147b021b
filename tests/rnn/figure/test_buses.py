"""How parameters come to the circles."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.rnn.figure.buses import Buses
from minigrad.rnn.figure.drawing import draw
from minigrad.rnn.figure.grid import Grid
from minigrad.rnn.figure.layouts import layout_of
from minigrad.rnn.figure.names import CIRCLE
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


@settings(max_examples=30)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 4))
def test_every_use_has_a_lane_from_the_side_that_its_bus_is_on(seed, n):
    run = wired(n, seed, 2)
    wiring = Wiring.of_run(run)
    grid = Grid(layout_of(run, wiring), {role for role, _ in wiring.tensors}, [1, 2], 2)
    buses = Buses(grid, wiring.uses, wiring.parameters, wiring.recurrent)
    assert sorted(buses.above + buses.below) == sorted({name for name, _ in wiring.uses})
    heights = [buses.y(name) for name in [*reversed(buses.below), *buses.above]]
    assert heights == sorted(set(heights))
    assert buses.bottom < heights[0]
    for name, place in wiring.uses:
        (lane, bend), (x, y) = buses.lane(name, place), grid.at(place)
        assert abs(lane - x) > CIRCLE / 2
        assert abs(bend - y) <= abs(buses.y(name) - y)
        assert (buses.y(name) > grid.high) == (name in buses.above)
        assert abs(buses.y(name) - y) > CIRCLE / 2
