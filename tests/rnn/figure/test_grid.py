"""Where steps stand: any of them can be chosen, and gaps say what they leave out."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.engine.tensor import Tensor
from minigrad.pictures.style import subscript
from minigrad.rnn.figure.compact import column, passing
from minigrad.rnn.figure.drawing import draw
from minigrad.rnn.figure.geometry import to_segment
from minigrad.rnn.figure.grid import Grid, gaps
from minigrad.rnn.figure.layouts import template_for
from minigrad.rnn.figure.wiring import Wiring
from minigrad.rnn.unrolling import unroll
from tests.rnn.figure.models import data, example, network, wired
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


def test_what_skips_steps_is_drawn_from_a_ghost_where_there_is_no_way():
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
    picture = draw(run, steps=[1, 2, 3, 4, 11, 12])
    nodes, edges = statements(picture.source)
    found = {edge["id"] for edge in edges.values()}
    assert {"h4--gap_h_in", "gap_h_out--z11", "h12--gap_h_in_2"} <= found
    for s, t in ((1, 4), (8, 11), (9, 12)):
        ghost = nodes[f"h{s}_ghost_z{t}"]
        assert "dashed" in ghost["style"] and ghost["label"] == f"h{subscript(s)}"
        assert picture.parts[f"h{s}_ghost_z{t}--z{t}"].key == (("h", s), ("z", t))


def test_a_line_that_leads_into_a_gap_keeps_its_way_up_to_there():
    run = example("WR", T=20)
    template = template_for(run, Wiring.of_run(run))
    whole, cut = Grid(template, range(1, 21), 20), Grid(template, [1, 2, 3, 18, 19, 20], 20)
    for source, target in (("h", "z"), ("y", "z")):
        start, all_of_it = whole.line((source, 3), (target, 4))
        assert start == all_of_it
        end = whole.line((source, 17), (target, 18))[1]
        into, nothing = cut.line((source, 3), (target, 4))
        assert nothing is None
        assert cut.line((source, 17), (target, 18))[0] is None
        out = cut.line((source, 17), (target, 18))[1]
        assert into[0] == start[0] and out[-1] == (end[-1][0] - whole.x(18) + cut.x(18), end[-1][1])
        left, right = cut.span(cut.gaps[0])
        assert (into[-1][0], out[0][0]) == pytest.approx((left + cut.into, right - cut.into))
        assert min(to_segment(into[-1], a, b) for a, b in pairwise(start)) < 1e-6
        assert cut.line((source, 9), (target, 10)) == (None, None)


def test_lines_are_hidden_where_they_can_be_told_apart():
    """Two that cross do so in the gap or before it, not at its edge."""
    run = passing(wired(4, 425310703, 7))
    template = column(run, Wiring.of_run(run))
    grid, least = Grid(template, [1, 7], 7), []
    for into in (14.0, grid.into):
        grid.into = into
        lines = [
            grid.line((link.source, 1), (link.target, 1 + link.lag))[0] for link in template.links if link.lag == 1
        ]
        least.append(min(b - a for a, b in pairwise(sorted(line[-1][1] for line in lines))))
    assert least[0] < 3 and least[1] >= 4


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
