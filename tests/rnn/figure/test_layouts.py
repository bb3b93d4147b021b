"""Where roles stand: as the model tells, as is known of it, or so that nothing lies on anything else."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.rnn.cells import RNN
from minigrad.rnn.figure.crossings import APART, CLEAR
from minigrad.rnn.figure.drawing import draw
from minigrad.rnn.figure.layouts import KNOWN, layout_of
from minigrad.rnn.figure.wiring import Wiring
from minigrad.rnn.unrolling import unroll
from tests.rnn.figure.models import CELLS, Gated, Stacked, data, example, network, wired
from tests.rnn.figure.sources import place_of, statements


def where(run):
    return layout_of(run, Wiring.of_run(run))


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
    assert where(example(kind)) is KNOWN[RNN].unrolled


def test_a_cell_knows_its_step_not_its_picture():
    model = network("WR")
    assert not hasattr(model, "layout") and not hasattr(model, "folded")


def test_what_a_model_tells_goes_before_what_is_known():
    class Told(RNN):
        layout = {"x": (0, -1), "z": (0, 1), "h": (2, 0), "y": (1, 1), "C": (1, 2)}  # noqa: RUF012

    run = unroll(Told(2, 4, 3), *data(2))
    assert where(run) is Told.layout
    assert place_of(statements(draw(run).source)[0]["h1"]) == (120.0, 0.0)


def test_a_subclass_with_further_roles_is_arranged():
    class Longer(RNN):
        roles = ("z", "a", "h", "y")

        def step(self, bound, x, carried):
            step = super().step(bound, x, carried)
            return {"z": step["z"], "a": step["z"] * 2.0, "h": np.tanh(step["z"] * 2.0), "y": step["y"]}

    layout = where(unroll(Longer(2, 4, 3), *data(2)))
    assert layout.keys() == {"x", "z", "a", "h", "y", "C"}


def test_a_role_without_a_place_is_named():
    class Homeless(RNN):
        layout = {"x": (0, -1), "h": (0, 0), "C": (0, 2)}  # noqa: RUF012

    with pytest.raises(ValueError, match="the model's layout has no place for y, z: give it a column and a row"):
        draw(unroll(Homeless(2, 4, 3), *data(2)))


# -- arranged ---------------------------------------------------------------------------------------------------------


def lies_on_others(run, **options):
    """How many circles of a drawing lie on one another, and how many lines pass through circles, vertical and not."""
    picture = draw(run, **options)
    nodes, _ = statements(re.sub(r"\n.* -> .*", "", picture.source))
    edges = re.findall(r'(\w+|"[^"]*") -> (\w+|"[^"]*")', picture.source)
    kinds = {id: part.kind for id, part in picture.parts.items()}
    circles = {name: np.array(place_of(nodes[name])) for name in nodes if kinds.get(name) in ("place", "folded")}
    stacked = sum(np.linalg.norm(circles[a] - circles[b]) < APART for a in circles for b in circles if a < b)
    crossed = {True: 0, False: 0}
    for edge in edges:
        tail, head = (end.strip('"') for end in edge)
        start, end = (np.array(place_of(nodes[name])) for name in (tail, head))
        for centre in circles.values():
            if not any(np.array_equal(centre, point) for point in (start, end)):
                part = np.clip((centre - start) @ (end - start) / max((end - start) @ (end - start), 1e-9), 0, 1)
                if np.linalg.norm(start + part * (end - start) - centre) < CLEAR - 1:
                    crossed[abs(start[0] - end[0]) < 1] += 1
    return stacked, crossed[True], crossed[False]


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 6), forced=st.booleans())
def test_whatever_hears_whatever_nothing_stands_on_anything_else(seed, n, forced):
    """And no vertical line passes through a circle; of one or two roles, no line at all."""
    run = wired(n, seed, 3, forced)
    stacked, vertical, slanted = lies_on_others(run, color="none")
    assert (stacked, vertical) == (0, 0)
    if n <= 2:
        assert slanted == 0
    rows = {role: row for role, (_, row) in where(run).items()}
    inner = {role: row for role, row in rows.items() if role not in ("x", "y", "C", "target")}
    assert rows["x"] == -1 < min(inner.values(), default=0)
    assert max(inner.values(), default=-1) < rows["y"] == rows["C"] - 1


@pytest.mark.parametrize("kind", [Gated, Stacked])
def test_well_known_models_look_well(kind):
    assert lies_on_others(unroll(arranged(kind)(2, 3, 3), *data(3))) == (0, 0, 0)


@pytest.mark.parametrize("kind", [kind for kind in CELLS if kind != "layers of gates"])
def test_the_models_of_the_house_look_well(kind):
    """Unrolled and folded, no line passes through a circle that it does not lead to."""
    assert lies_on_others(unroll(CELLS[kind](), *data(3))) == (0, 0, 0)


@pytest.mark.parametrize("kind", ["LSTM", "peepholes", "GRU", "reset before", "MinGRU", "LRU"])
def test_what_goes_on_to_itself_has_a_lane_of_its_own(kind):
    """From c_{t-1} straight to c_t, or from h_{t-1} to h_t: nothing else stands in that row, nor is in the way."""
    spots, lane = where(unroll(CELLS[kind](), *data(2))), "c" if kind in ("LSTM", "peepholes") else "h"
    assert [role for role in spots if spots[role][1] == spots[lane][1]] == [lane]


def test_the_lectures_network_would_be_arranged_as_it_is_known():
    """But for the target, which it has only if it is fed back."""
    known = KNOWN.pop(RNN)
    try:
        found = where(example("W"))
    finally:
        KNOWN[RNN] = known
    assert found == {role: known.unrolled[role] for role in found}


@pytest.mark.parametrize("T", [2, 3, 20])
def test_the_layout_does_not_change_with_the_number_of_steps(T):
    assert where(unroll(arranged(Stacked)(2, 3, 3), *data(T))) == where(unroll(arranged(Stacked)(2, 3, 3), *data(50)))
