"""The picture: its stored texts, what engines make of them, and what its ids stand for."""

from __future__ import annotations

import os
import re
from collections import Counter
from shutil import which
from xml.dom import minidom

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.pictures.finding import NoGraphvizError
from minigrad.pictures.style import pretty
from minigrad.rnn.figure.attribution import Figure
from minigrad.rnn.figure.drawing import draw
from minigrad.rnn.figure.grid import gaps
from minigrad.rnn.figure.picture import Picture
from minigrad.rnn.figure.wiring import Wiring
from minigrad.rnn.unrolling import unroll
from tests.rnn.figure import golden
from tests.rnn.figure.models import CELLS, Named, data, example, wired
from tests.rnn.figure.shapes import faults, outside
from tests.rnn.figure.sources import place_of, statements

NIGHTLY = settings.default.max_examples if settings.default.max_examples > 100 else 0
KINDS = ("place", "parameter", "connection", "tap", "bus", "gap", "folded")


@pytest.mark.parametrize("name", golden.PROGRAMS)
def test_the_text_is_the_stored_one(name):
    stored = (golden.FOLDER / f"{name}.dot").read_text(encoding="utf-8")
    assert golden.PROGRAMS[name]().source == stored, "look at the picture, then run python -m tests.rnn.figure.golden"


def test_every_stored_text_has_a_program():
    assert {path.stem for path in golden.FOLDER.glob("*.dot")} == golden.PROGRAMS.keys()


@pytest.mark.parametrize("name", golden.PROGRAMS)
def test_every_engine_draws_all_of_it(name, real):
    """Every node and edge has its own stable id, which SVG keeps, and stands where it was put."""
    picture = golden.PROGRAMS[name]()
    nodes, edges = statements(picture.source)
    assert all(node["id"] == name for name, node in nodes.items())
    assert all(edge["id"] == f"{tail}--{head}" for (tail, head), edge in edges.items())
    svg = minidom.parseString(picture.pipe("svg"))
    groups = {g.getAttribute("id"): g for g in svg.getElementsByTagName("g")}
    seen = {name for name, node in nodes.items() if "invis" not in node.get("style", "")}
    assert seen <= groups.keys()
    assert {edge["id"] for edge in edges.values()} <= groups.keys()
    for name in seen:
        texts = "".join(c.data for t in groups[name].getElementsByTagName("text") for c in t.childNodes)
        assert texts.replace("\xa0", " ") == nodes[name].get("label", "").replace("\\n", "")
    centres = [
        (place_of(nodes[name]), tuple(float(ellipse.getAttribute(a)) for a in ("cx", "cy")))
        for name in seen
        for ellipse in groups[name].getElementsByTagName("ellipse")
    ]
    (x, y), (cx, cy) = centres[0]
    for (x1, y1), (cx1, cy1) in centres:
        assert (cx1 - cx, cy1 - cy) == pytest.approx((x1 - x, y - y1), abs=0.2)


def test_pictures_are_painted_too(real, tmp_path):
    assert golden.forced().render(tmp_path / "forced.png").read_bytes()[:4] == b"\x89PNG"
    assert golden.by_cost().render(tmp_path / "cost.pdf").read_bytes()[:5] == b"%PDF-"


def test_without_an_engine_there_is_the_text(tmp_path, monkeypatch):
    monkeypatch.setenv("MINIGRAD_DOT", str(tmp_path / "none"))
    with pytest.raises(NoGraphvizError, match="the DOT text is now in"):
        draw(example()).render(tmp_path / "rnn.svg")
    assert (tmp_path / "rnn.dot").read_text(encoding="utf-8") == draw(example()).source
    assert os.listdir(tmp_path) == ["rnn.dot"]


# -- ids --------------------------------------------------------------------------------------------------------------

names = st.lists(st.sampled_from(["h", "h_2", "h_3", "h_2_2", "W"]), min_size=1, max_size=8)


@given(st.lists(names, max_size=8))
def test_no_name_is_given_twice(wanted):
    """Of several that will do the first that is free is taken."""
    picture, given_out = Picture(), []
    for some in wanted:
        free = [name for name in some if name not in given_out]
        given_out.append(picture.unique(*some))
        assert given_out[-1] == free[0] if free else given_out[-1].startswith(f"{some[-1]}_")
    assert len(set(given_out)) == len(given_out)


def test_the_names_of_the_legend_are_not_given_out():
    picture = Picture()
    assert [picture.unique("legend_0") for _ in range(2)] == ["_legend_0", "_legend_0_2"]


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), T=st.integers(1, 14), forced=st.booleans(), choose=st.data())
def test_everything_drawn_is_told_what_it_stands_for(seed, T, forced, choose):
    n = choose.draw(st.integers(1, 4), label="roles")
    steps = choose.draw(st.lists(st.integers(1, T), min_size=1, unique=True), label="steps")
    run = wired(n, seed, T, forced)
    figure, picture = Figure.of_nothing(Wiring.of_run(run)), draw(run, steps=steps, color="none")
    told = {kind: Counter(part.key for part in picture.parts.values() if part.kind == kind) for kind in KINDS}
    shown = {0, *steps}
    assert told["place"] == Counter(place for place in figure.tensors if place[1] in shown)
    assert told["connection"] == Counter(ends for ends in figure.connections if {t for _, t in ends} & shown)
    assert told["tap"] == Counter(use for use in figure.taps if use[1][1] in shown)
    assert told["parameter"].total() == len({name for name, _ in figure.taps})
    assert told["gap"] == Counter(gaps(sorted(steps), T))
    assert {part.size(figure) for part in picture.parts.values()} == {None}
    edges = re.findall(r'id="([^"]*--[^"]*)"', picture.source)
    assert Counter(edges) == Counter(id for id in picture.parts if "--" in id)


CUNNING = ["gap", "unfold", "legend_title", "W_h1", "h1", "W_gap", "folded_h", "loop_h", "gap_h_in", "cut", "W_h1_bend"]


def test_names_that_look_like_those_of_the_drawing_are_told_apart():
    run = Named("h", "W", *CUNNING).run(14)
    nodes, edges = statements(draw(run).source)  # which refuses a second node or edge of a name
    boxes = {id: part.key for id, part in draw(run).parts.items() if part.kind == "parameter"}
    assert sorted(boxes.values()) == sorted(["W", *CUNNING])
    assert {id: nodes[id]["label"] for id in boxes} == {id: pretty(name) for id, name in boxes.items()}
    assert len({place_of(nodes[id]) for id in boxes}) == len(boxes)
    assert {end for edge in edges for end in edge} <= nodes.keys()


# -- nothing is cut off -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", golden.PROGRAMS)
def test_everything_is_inside(name, real):
    """Circles, words, boxes and lines: all that Graphviz draws is within the picture that it makes."""
    assert outside(golden.PROGRAMS[name]()) == []


@pytest.mark.parametrize("width", ["column", "page"])
@pytest.mark.parametrize("cell", CELLS)
def test_everything_is_inside_a_column_and_a_page(cell, width, real):
    run = unroll(CELLS[cell](), *data(8)[: 2 - (cell == "without outputs")])
    picture = draw(run, np.sum(run["h" if "h" in run.roles else run.model.carried[-1]][-1] ** 2))
    assert outside(picture) == []
    assert outside(picture.for_width(width)) == []


@pytest.mark.skipif(which("dot") is None, reason="no Graphviz is installed: there is no dot on the PATH")
@settings(max_examples=NIGHTLY or 6)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 5), T=st.integers(1, 5), forced=st.booleans())
def test_everything_of_any_model_is_inside(seed, n, T, forced):
    run = wired(n, seed, T, forced)
    of = run.cost + np.sum(run.steps[-1][run.model.roles[0]] ** 2) + np.sum(run.model.b**2)
    picture = draw(run, of)
    assert faults(picture) == []
    for each in (picture, picture.for_width("30in")):
        assert outside(each) == []
