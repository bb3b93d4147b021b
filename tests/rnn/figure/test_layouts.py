"""Where roles stand: as the model tells, as is known of it, or so that nothing lies on anything else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.rnn.bidirectional import Bidirectional
from minigrad.rnn.cells import LSTM, RNN
from minigrad.rnn.cells import Stacked as Layers
from minigrad.rnn.figure.drawing import draw
from minigrad.rnn.figure.layouts import KNOWN, known_of, template_for
from minigrad.rnn.figure.pattern import Link
from minigrad.rnn.figure.wiring import Wiring
from minigrad.rnn.unrolling import unroll
from tests.rnn.figure.models import CELLS, Gated, Stacked, Truncated, data, example, network, wired
from tests.rnn.figure.shapes import faults
from tests.rnn.figure.sources import place_of, statements

BOOLEAN = st.booleans()
NIGHTLY = settings.default.max_examples > 100


def where(run):
    return template_for(run, Wiring.of_run(run))


def arranged(kind):
    """The same model without a layout."""
    return type(kind.__name__, (kind,), {"layout": None, "folded": None})


# -- known, told ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("known", KNOWN.values())
def test_every_role_has_a_place_of_its_own(known):
    for layout in known:
        assert {"x", "y", "C", "target"} <= layout.keys()
        assert len(set(layout.values())) == len(layout)


@pytest.mark.parametrize("kind", ["W", "R", "WR"])
def test_subclasses_stand_as_what_they_are_made_from(kind):
    assert known_of(example(kind), ()) is KNOWN[RNN]


def test_a_cell_knows_its_step_not_its_picture():
    model = network("WR")
    assert not hasattr(model, "layout") and not hasattr(model, "folded")


def test_what_a_model_tells_goes_before_what_is_known():
    class Told(RNN):
        layout = {"x": (0, -1), "z": (0, 1), "h": (2, 0), "y": (1, 1), "C": (1, 2)}  # noqa: RUF012

    run = unroll(Told(2, 4, 3), *data(2))
    assert where(run).spots["z"] == (0, 62)
    assert place_of(statements(draw(run).source)[0]["h1"]) == (120.0, 0.0)


def test_a_subclass_with_further_roles_is_arranged():
    class Longer(RNN):
        roles = ("z", "a", "h", "y")

        def step(self, bound, x, carried):
            step = super().step(bound, x, carried)
            return {"z": step["z"], "a": step["z"] * 2.0, "h": np.tanh(step["z"] * 2.0), "y": step["y"]}

    assert where(unroll(Longer(2, 4, 3), *data(2))).spots.keys() == {"x", "z", "a", "h", "y", "C"}


def test_a_role_without_a_place_is_named():
    class Homeless(RNN):
        layout = {"x": (0, -1), "h": (0, 0), "C": (0, 2)}  # noqa: RUF012

    with pytest.raises(ValueError, match="the model's layout has no place for y, z: give it a column and a row"):
        draw(unroll(Homeless(2, 4, 3), *data(2)))


# -- what is drawn of it ----------------------------------------------------------------------------------------------

DRAWN = {
    **{name: lambda build=build: unroll(build(), *data(3)) for name, build in CELLS.items()},
    "feedback": lambda: example("WR", T=3),
    "forced": lambda: example("WR", T=3, teacher_forcing=True),
    "bidirectional": lambda: unroll(Bidirectional(RNN(2, 4), RNN(2, 4), n_out=3), *data(3)),
    "three layers": lambda: unroll(Layers([RNN(2, 4), RNN(4, 4), RNN(4, 4, 3)]), *data(3)),
    "gates by hand": lambda: unroll(Gated(2, 3, 3), *data(3)),
    "layers by hand": lambda: unroll(Stacked(2, 3, 3), *data(3)),
    "no layout": lambda: unroll(arranged(Gated)(2, 3, 3), *data(3)),
    "windows": lambda: unroll(Truncated(2, 4, 3, every=2), *data(5)),
    "many steps": lambda: unroll(LSTM(2, 4, 3), *data(30)),
    "many steps, both ways": lambda: unroll(Bidirectional(RNN(2, 4), RNN(2, 4), n_out=3), *data(30)),
    "one step": lambda: example("WR", T=1),
}


@pytest.mark.parametrize("name", DRAWN)
def test_no_line_of_a_drawing_lies(name):
    """Read out of the DOT text: nothing lies on anything else, and no line can be taken for another."""
    assert faults(draw(DRAWN[name]()), folded=False) == []


@settings(max_examples=2000 if NIGHTLY else 12)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 4), T=st.integers(1, 4), forced=BOOLEAN, both=BOOLEAN)
def test_whatever_hears_whatever_no_line_lies(seed, n, T, forced, both):
    """In both halves: no line on another one, through a circle, a box or words, and none of these on one another."""
    run = wired(n, seed, T, forced)
    assert faults(draw(run, color="none", targets=both)) == []


@pytest.mark.parametrize(
    ("seed", "n", "T", "forced", "targets"), [(1450, 4, 2, True, False), (1598, 4, 4, False, True)]
)
def test_nor_where_it_did(seed, n, T, forced, targets):
    """A square stood on another arrow; very many lines met at y."""
    assert faults(draw(wired(n, seed, T, forced), color="none", targets=targets)) == []


@pytest.mark.parametrize("kind", ["LSTM", "peepholes", "GRU", "reset before", "MinGRU", "LRU"])
def test_what_goes_on_to_itself_has_a_lane_of_its_own(kind):
    """From c_{t-1} straight to c_t, or from h_{t-1} to h_t: nothing else stands in that row, nor is in the way."""
    run, lane = unroll(CELLS[kind](), *data(2)), "c" if kind in ("LSTM", "peepholes") else "h"
    template = where(run)
    (_, row), line = template.spots[lane], template.links[Link(lane, lane, 1)]
    assert [role for role, (_, other) in template.spots.items() if other == row] == [lane]
    assert len(line) == 2


@pytest.mark.parametrize(("kind", "known"), [("W", RNN), ("R", RNN), ("WR", RNN)])
@pytest.mark.parametrize("forced", [False, True])
def test_what_does_the_same_by_the_same_names_stands_where_that_does(kind, known, forced):
    run = example(kind, T=3, teacher_forcing=forced and "R" in kind)
    connections = Wiring.of_run(run).connections
    stranger = replace(run, model=arranged(Stacked)(2, 3, 3))
    assert known_of(stranger, connections) is KNOWN[known]
    assert known_of(stranger, [*connections, (("x", 1), ("y", 1))]) is None


def test_so_does_a_cell_with_gates_of_somebody_else():
    run = unroll(arranged(Gated)(2, 3, 3), *data(3))
    assert where(run).spots == where(unroll(LSTM(2, 3, 3), *data(3))).spots


@pytest.mark.parametrize("T", [2, 3, 20])
def test_both_ways_have_lanes_of_their_own(T):
    template = where(unroll(Bidirectional(RNN(2, 4), RNN(2, 4), n_out=3), *data(T)))
    for way, lag in (("→", 1), ("←", -1)):
        line = template.links[Link(f"{way}h", f"{way}z", lag)]
        assert len(line) == 2 and line[0][1] == line[1][1]
    assert template.spots["→z"][0] < template.spots["→h"][0] and template.spots["←h"][0] < template.spots["←z"][0]


@pytest.mark.parametrize("T", [2, 3, 20])
def test_the_layout_does_not_change_with_the_number_of_steps(T):
    assert where(unroll(arranged(Stacked)(2, 3, 3), *data(T))) is where(unroll(arranged(Stacked)(2, 3, 3), *data(50)))
