"""The colours: by the gradient, by the costs that it comes from, by values, or none."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import pytest

from minigrad.engine.tensor import Tensor
from minigrad.pictures.style import DATA, NONFINITE
from minigrad.rnn.figure.attribution import Figure
from minigrad.rnn.figure.drawing import draw
from minigrad.rnn.figure.paint import ByCost, hue
from minigrad.rnn.figure.wiring import Wiring
from minigrad.rnn.unrolling import unroll
from tests.rnn import handmade
from tests.rnn.figure.models import data, example, network, textbook
from tests.rnn.figure.sources import statements, steps_shown, zero
from tests.tables import ruled

kinds = pytest.mark.parametrize("kind", ["W", "R", "WR"])


@pytest.mark.parametrize("kind", ["W", "WR"])
def test_exactly_zero_is_dashed_grey_and_nothing_else_is(kind):
    """The last cost alone: C_1 ... C_{T-1} do not matter, nor does W in the first step, where h_0 = 0."""
    T = 4
    run = example(kind, T=T)
    nodes, edges = statements(draw(run, run["C"][-1], folded=False).source)
    dashed = {name for name, node in nodes.items() if zero(node)}
    assert dashed == {f"C{t}" for t in range(1, T)} | ({f"y{t}" for t in range(1, T)} if kind == "W" else set())
    arrows = {(f"{tail}{s}", f"{head}{t}") for (tail, s), (head, t) in textbook(kind, T)}
    expected = {(f"y{t}", f"C{t}") for t in range(1, T)}
    if kind == "W":
        expected |= {(f"h{t}", f"y{t}") for t in range(1, T)}
    assert {edge for edge in arrows if zero(edges[edge])} == expected
    into_z1 = {tail.split("_")[0]: zero(edge) for (tail, head), edge in edges.items() if head == "z1" and "_" in tail}
    assert into_z1 == {"U": False, "b": False} | dict.fromkeys(kind, True)
    into_y1 = {tail.split("_")[0]: zero(edge) for (tail, head), edge in edges.items() if head == "y1" and "_" in tail}
    assert into_y1 == dict.fromkeys("Vc", kind == "W")


def test_a_larger_gradient_is_drawn_with_a_broader_pen():
    run = example(T=4)
    figure = Figure.of_run(run, run.cost)
    _, edges = statements(draw(run).source)
    asked = sorted((size, arrow) for arrow, size in figure.connections.items() if size)
    widths = [float(edges[f"{a}{s}", f"{b}{t}"]["penwidth"]) for _, ((a, s), (b, t)) in asked]
    assert widths == sorted(widths)
    assert widths[0] < widths[-1]
    assert edges["x1", "z1"]["tooltip"] == "no gradient asked for"


@pytest.mark.parametrize("factor", [1e-4, 1e4])
def test_gradients_that_vanish_or_explode_beyond_all_numbers(factor):
    """Subnormal sizes, zeros by underflow and infinities do not break the scale."""
    model = network("W", f="identity", init="identity", radius=factor)
    with np.errstate(all="ignore"):
        run = unroll(model, *data(100))
        source = draw(run, run["C"][-1], steps="all").source
    assert (NONFINITE in source) == (factor > 1)
    assert ("NaN or infinite" in source) == (factor > 1)


@pytest.mark.parametrize(("factor", "word"), [(np.nan, "NaN"), (np.inf, "∞")])
def test_what_is_not_finite_is_written_and_nobody_is_warned(factor, word):
    """So that it is seen without colours, and told apart."""
    run = example("W", T=2)
    nodes, _ = statements(draw(run, run["C"][1] * Tensor(factor), folded=False).source)
    assert [nodes[id]["label"] for id in ("C2", "y2", "c")] == [f"C₂\\n{word}", f"y₂\\n{word}", f"c\\n{word}"]
    assert nodes["x2"]["label"] == "x₂"
    assert f"gradient rms {factor}" in nodes["C2"]["tooltip"]


def test_inputs_whose_gradient_is_asked_for_are_coloured():
    xs, targets = data(3)
    run = unroll(network("W"), Tensor(xs, requires_grad=True), targets)
    figure = Figure.of_run(run, run.cost)
    for options in ({}, {"by": "cost"}):
        nodes, _ = statements(draw(run, **options).source)
        for t in range(1, 4):
            assert nodes[f"x{t}"]["fillcolor"] != DATA
            assert f"gradient rms {figure.sizes['x', t]:.3g}" in nodes[f"x{t}"]["tooltip"]
    nodes, _ = statements(draw(unroll(network("W"), xs, targets)).source)
    assert nodes["x1"]["fillcolor"] == DATA


def test_the_legend_names_what_was_differentiated():
    run = example()
    assert "RMS gradient of Σ C " in draw(run).source
    assert "RMS gradient of C₅ " in draw(run, run["C"][-1]).source


def test_colours_can_be_left_out():
    source = draw(example(), color="none").source
    assert "legend" not in source
    assert "dashed" not in source
    _, edges = statements(source)
    assert {edge["color"] for edge in edges.values() if "color" in edge} == {"#555566"}
    assert set(edges) == set(statements(draw(example()).source)[1])


def test_without_colours_nothing_is_differentiated(monkeypatch):
    def rule(*args):
        raise AssertionError("a derivative was asked for")

    run = example()
    ruled(monkeypatch, np.tanh, rule)
    with pytest.raises(AssertionError, match="a derivative was asked for"):
        draw(run)
    source = draw(run, color="none").source
    assert steps_shown(source) == [1, 2, 3, 4, 5]
    assert "gradient rms" not in source
    assert "exactly 0" not in source


def test_values_can_be_shown():
    run = example("WR", T=3)
    source = draw(run, color="value").source
    nodes, edges = statements(source)
    assert zero(nodes["h0"])
    assert "RMS value" in source
    assert nodes["h2"]["fillcolor"] != nodes["x2"]["fillcolor"] != DATA
    assert {edge["color"] for edge in edges.values() if "color" in edge} == {"#555566"}
    assert f"rms {np.sqrt(np.mean(run['h'][1].data ** 2)):.3g}" in nodes["h2"]["tooltip"]


def test_without_costs_there_is_still_a_picture():
    run = unroll(network("W"), data(3)[0])
    for color in ("none", "value"):
        assert steps_shown(draw(run, color=color).source) == [1, 2, 3]


@pytest.mark.parametrize("kind", ["W", "WR"])
def test_the_share_of_every_cost_is_derived_by_hand(kind):
    T, (xs, targets) = 4, data(4)
    model = network(kind)
    run = unroll(model, xs, targets)
    paint = ByCost(Wiring.of_run(run), run, [1, 2, 3, 4])
    trace = handmade.feed_forward(model.state_dict(), xs, targets)
    backs = [handmade.propagate_back(trace, np.eye(T)[s]) for s in range(T)]
    for t in range(1, T + 1):
        for table, key, role, by in (
            ("sizes", ("h", t), "h", 1.0),
            ("connections", (("h", t - 1), ("z", t)), "z", "W"),
        ):
            factor = by if by == 1.0 else model.W.data
            sizes = [np.linalg.norm(np.dot(back.deltas[role][t - 1], factor)) for back in backs]
            expected = {f"C{'₁₂₃₄'[s]}": size / sum(sizes) for s, size in enumerate(sizes) if size / sum(sizes) >= 0.02}
            assert {name: share for name, _, share in paint.shares(table, key)} == pytest.approx(expected, rel=1e-9)
        assert [name for name, *_ in paint.shares("sizes", ("C", t))] == [f"C{'₁₂₃₄'[t - 1]}"]


def test_bars_and_pies_have_a_part_for_every_cost():
    nodes, edges = statements(draw(example(T=4), by="cost").source)
    assert nodes["h1"]["style"] == "wedged"
    assert len(nodes["h1"]["fillcolor"].split(":")) == len(edges["h1", "z2"]["color"].split(":")) + 1 == 4
    assert nodes["C4"]["fillcolor"] == nodes["h4"]["fillcolor"] == nodes["legend_3"]["fillcolor"]
    for attributes in [*nodes.values(), *edges.values()]:
        *most, _ = (attributes.get("fillcolor", "") + attributes.get("color", "")).split(":")
        assert sum(float(part.split(";")[1]) for part in most) < 1
    assert zero(edges["W_z1", "z1"])


def test_costs_that_are_not_drawn_are_told_together():
    source = draw(example(T=30), by="cost").source
    names = re.findall(r'legend_\d_name \[label="?([^" ]+)"?', source)
    assert names == ["C₁", "C₂", "C₃", "C₂₈", "C₂₉", "C₃₀", "others"]
    assert "others" in statements(source)[0]["h3"]["tooltip"]
    many = draw(example(T=30), by="cost", steps="all").source
    assert re.findall(r'legend_\d+_name \[label="?([^" ]+)"?', many) == ["C₁", "C₃₀"]


def test_costs_can_be_told_apart_in_grey():
    """From light to dark in even steps, and black can be read on all (ITU-R BT.709)."""
    colors = [hue(k / 11) for k in range(12)]
    grey = [0.2126 * int(c[1:3], 16) + 0.7152 * int(c[3:5], 16) + 0.0722 * int(c[5:], 16) for c in colors]
    assert min(a - b for a, b in pairwise(grey)) > 6
    assert grey[-1] > 95
