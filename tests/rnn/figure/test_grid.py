"""Where steps stand: any of them can be chosen, and gaps say what they leave out."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.engine.tensor import Tensor
from minigrad.rnn.figure.drawing import draw
from minigrad.rnn.figure.grid import gaps
from minigrad.rnn.unrolling import unroll
from tests.rnn.figure.models import data, example, network
from tests.rnn.figure.sources import place_of, statements, steps_shown


def test_roles_stand_on_a_grid():
    nodes, _ = statements(draw(example(T=4)).source)
    position = {name: tuple(map(float, node["pos"].split(","))) for name, node in nodes.items()}
    for t in range(1, 5):
        heights = [position[f"{role}{t}"][1] for role in "xhyC"]
        assert heights == sorted(set(heights))
        assert position[f"z{t}"][0] < position[f"h{t}"][0] < position[f"z{t + 1}" if t < 4 else "legend_high"][0]
        for role in "xzhyC":
            assert position[f"{role}{t}"][1] == position[f"{role}1"][1]
            assert position[f"{role}{t}"][0] - position[f"{role}1"][0] == pytest.approx(
                (t - 1) * (position["h2"][0] - position["h1"][0])
            )


@pytest.mark.parametrize(
    ("T", "steps", "shown"),
    [
        (100, "auto", [1, 2, 3, 98, 99, 100]),
        (13, "auto", [1, 2, 3, 11, 12, 13]),
        (12, "auto", range(1, 13)),
        (9, "ends", [1, 2, 3, 7, 8, 9]),
        (6, "ends", range(1, 7)),
        (1, "ends", [1]),
        (1, "auto", [1]),
        (20, "all", range(1, 21)),
    ],
)
def test_many_steps_are_drawn_from_both_ends(T, steps, shown):
    run = example("WR", T=T)
    source = draw(run, steps=steps).source
    for role in "xzhyC":
        assert steps_shown(source, role) == list(shown)
    assert (f"… {T - 6} steps …" in source) == (len(shown) < T)
    assert ("steps …" in source) == (len(shown) < T)
    nodes, edges = statements(source)
    assert {end for edge in edges for end in edge} <= set(nodes)  # nothing leads to a node that is not there


@settings(max_examples=30)
@given(T=st.integers(1, 14), kind=st.sampled_from(["W", "WR", "forced"]), choose=st.data())
def test_any_steps_can_be_chosen(T, kind, choose):
    steps = choose.draw(st.lists(st.integers(1, T), min_size=1, unique=True), label="steps")
    run = example(kind.replace("forced", "WR"), T=T, teacher_forcing=kind == "forced")
    source = draw(run, steps=steps).source
    assert steps_shown(source) == sorted(steps)
    nodes, edges = statements(source)
    assert {end for edge in edges for end in edge} <= set(nodes)
    said = [int(n) for n in re.findall(r"… (\d+) steps? …", source)]
    assert said == [len(gap) for gap in gaps(sorted(steps), T)]
    assert sum(said) == T - len(steps)
    points = [place_of(nodes[f"h{t}"])[0] for t in sorted(steps)]
    assert points == sorted(points)


def test_what_skips_steps_ends_in_the_gap_that_its_other_end_is_in():
    class Skipping(type(network("W"))):
        """z_t hears h_{t-3} besides h_{t-1}."""

        def bind(self):
            self.past = [Tensor(np.zeros(4))] * 3
            return super().bind()

        def step(self, bound, x, carried):
            step = super().step(bound, x, {"h": carried["h"] + self.past[-3]})
            self.past.append(step["h"])
            return step

    run = unroll(Skipping(2, 4, 3), *data(20))
    edges = re.findall(r"(\w+) -> (\w+) .*id=\"([^\"]*)\"", draw(run, steps=[1, 2, 3, 4, 11, 12]).source)
    found = {id: ends for *ends, id in edges}
    assert len(found) == len(edges)
    assert {"h1--z4", "h2--gap_h_in", "h4--gap_h_in", "h4--gap_h_in--2", "gap_h_out--z11"} <= found.keys()
    assert found["h4--gap_h_in--2"] == ["h4", "gap_h_in"]


@pytest.mark.parametrize("T", [12, 100, 5000])
def test_of_any_number_of_steps_a_readable_number_is_drawn(T):
    run = example(T=T)
    nodes, _ = statements(draw(run, run["C"][-1]).source)
    assert len(nodes) < (380 if T == 12 else 260)
    assert max(place_of(node)[0] for node in nodes.values()) < 2800


@pytest.mark.parametrize("steps", [3, None, [1.5], object()])
def test_steps_that_are_no_numbers_are_refused(steps):
    with pytest.raises(TypeError, match="names no steps: pass all, ends, or numbers"):
        draw(example(), steps=steps)
