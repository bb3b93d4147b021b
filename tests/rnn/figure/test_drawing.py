"""The drawing of the textbook figure: that it shows what was found (test_figure.py), and how it looks."""

from __future__ import annotations

import os
import re
from xml.dom import minidom

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.engine.tensor import Tensor
from minigrad.module import Module
from minigrad.pictures.dot import NoGraphvizError
from minigrad.pictures.style import DATA, NONFINITE
from minigrad.rnn.figure.drawing import Figure, draw
from minigrad.rnn.figure.grid import gaps
from minigrad.rnn.figure.paint import ByCost
from minigrad.rnn.figure.wiring import Wiring
from minigrad.rnn.unrolling import unroll
from minigrad.scopes import no_grad, scope
from tests.rnn import handmade
from tests.rnn.figure import golden
from tests.rnn.figure.models import Gated, Stacked, Truncated, data, example, network, textbook
from tests.tables import ruled

GREY = "#bbbbbb"
kinds = pytest.mark.parametrize("kind", ["W", "R", "WR"])


# -- reading DOT ------------------------------------------------------------------------------------------------------


def statements(source):
    """The nodes and edges of a DOT text with their attributes: {"h1": {...}}, {("h1", "y1"): {...}}."""
    nodes, edges = {}, {}
    for line in source.splitlines():
        name = r'("[^"]*"|[\w.]+)'
        if match := re.fullmatch(rf"\s*{name}(?: -> {name})?(?: \[(.*)\])?", line):
            tail, head, attributes = match.groups()
            pairs = re.findall(r'(\w+)=("(?:[^"\\]|\\.)*"|\S+)', attributes or "")
            found = {key: value.strip('"') for key, value in pairs}
            if head:
                assert (tail, head) not in edges
                edges[tail.strip('"'), head.strip('"')] = found
            elif tail not in ("graph", "node", "edge"):
                assert tail not in nodes
                nodes[tail.strip('"')] = found
    return nodes, edges


def place_of(node):
    x, y = node["pos"].split(",")
    return float(x), float(y)


def steps_shown(source, role="h"):
    return [int(t) for t in re.findall(rf"^\s*{role}(\d+) \[", source, re.MULTILINE) if t != "0"]


def zero(attributes):
    return "dashed" in attributes.get("style", "") and attributes["color"] == GREY


# -- the drawing is of the figure -------------------------------------------------------------------------------------


def test_inside_a_scope_of_the_users_it_is_the_same_figure():
    with scope("lecture"), scope("one"):
        run = example("WR", T=3)
    assert set(Figure.of_run(run, run.cost).connections) == textbook("WR", 3)
    assert draw(run).source == draw(example("WR", T=3)).source


def test_a_function_that_returns_its_argument():
    """``f=lambda z: z`` is linear just like ``f="identity"``."""
    run = unroll(network("W", f=lambda z: z, g=lambda o: o), *data(3))
    assert set(Figure.of_run(run, run.cost).connections) == textbook("W", 3)
    assert steps_shown(draw(run).source) == [1, 2, 3]


def test_drawing_leaves_gradients_alone():
    run = example("WR")
    draw(run)
    parameters = run.model.parameters().values()
    assert all(parameter.grad is None for parameter in parameters)
    assert all(tensor.grad is None for tensor in run.carried[0].values())
    run.cost.backward()
    before = [parameter.grad for parameter in parameters]
    draw(run, run["C"][-1])
    assert all(parameter.grad is old for parameter, old in zip(parameters, before, strict=True))


# -- what it looks like -----------------------------------------------------------------------------------------------


@kinds
def test_the_same_program_gives_the_same_text(kind):
    run = example(kind)
    source = draw(run).source
    assert draw(run).source == source
    example("WR", T=9)  # other tensors take other running numbers
    assert draw(example(kind)).source == source


def test_every_arrow_of_the_figure_is_drawn():
    run = example("WR", T=4, teacher_forcing=True)
    _, edges = statements(draw(run).source)
    for (tail, s), (head, t) in textbook("WR", 4, forced=True):
        assert (f"{tail}{s}", f"{head}{t}") in edges


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


@kinds
def test_every_parameter_is_one_bus_with_a_tap_a_step(kind):
    run = example(kind, T=4)
    nodes, edges = statements(draw(run, folded=False).source)
    for name in run.model.parameters():
        role = "y" if name in "Vc" else "z"
        assert nodes[name]["label"] == name
        heads = {head for tail, head in edges if tail == name or tail.startswith(f"{name}_")}
        assert {f"{role}{t}" for t in range(1, 5)} == {head for head in heads if "_" not in head}


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


def test_a_gap_swallows_what_leads_into_it():
    """Each bus goes on with the sum of the later steps, each arrow with what really crosses the border."""
    run = example("WR", T=20)
    figure = Figure.of_run(run, run.cost)
    nodes, edges = statements(draw(run, steps=range(5, 9)).source)

    def told(*edge):
        return float(edges[edge]["tooltip"].removeprefix("gradient rms "))

    for name in run.model.parameters():
        role = "y" if name in "Vc" else "z"
        whole, before, after = (figure.accumulated[name, t] for t in (1, 5, 9))
        assert told(name, f"{name}_gap") == pytest.approx(whole, rel=0.01)
        assert told(f"{name}_gap", f"{name}_{role}5") == pytest.approx(before, rel=0.01)
        assert told(f"{name}_{role}8", f"{name}_2_gap") == pytest.approx(after, rel=0.01)
        assert nodes[f"{name}_gap"]["tooltip"] == f"{name} used 4 times, t = 1 … 4"
    assert told("gap_h_out", "z5") == pytest.approx(figure.connections[("h", 4), ("z", 5)], rel=0.01)
    assert told("y8", "gap_y_in_2") == pytest.approx(figure.connections[("y", 8), ("z", 9)], rel=0.01)


@pytest.mark.parametrize("of_sum", [False, True])
def test_the_loss_across_the_gap_is_written_on_it(of_sum):
    """Of Σ C, to which every step in between adds, that of the costs beyond it: as if there were no other costs."""
    run = example(T=100)
    beyond = np.sum(np.stack(run["C"][97:])) if of_sum else run["C"][-1]
    sizes = Figure.of_run(run, beyond).sizes
    drop = f"gradient × {sizes['h', 3] / sizes['h', 98]:.2g}"
    source = draw(run, run.cost if of_sum else beyond).source
    assert drop in source
    assert ("from t ≥ 98:" in source) == of_sum


def test_of_what_lies_before_the_gap_nothing_is_lost_across_it():
    run = example(T=100)
    assert "gradient ×" not in draw(run, run["C"][1]).source


@pytest.mark.parametrize("T", [12, 100, 5000])
def test_of_any_number_of_steps_a_readable_number_is_drawn(T):
    run = example(T=T)
    nodes, _ = statements(draw(run, run["C"][-1]).source)
    assert len(nodes) < (380 if T == 12 else 260)
    assert max(place_of(node)[0] for node in nodes.values()) < 2800


@pytest.mark.parametrize("factor", [1e-4, 1e4])
def test_gradients_that_vanish_or_explode_beyond_all_numbers(factor):
    """Subnormal sizes, zeros by underflow and infinities do not break the scale."""
    model = network("W", f="identity", init="identity", radius=factor)
    with np.errstate(all="ignore"):
        run = unroll(model, *data(100))
        source = draw(run, run["C"][-1], steps="all").source
    assert (NONFINITE in source) == (factor > 1)
    assert ("NaN or infinite" in source) == (factor > 1)


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


# -- by cost ----------------------------------------------------------------------------------------------------------


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
    assert zero(edges["W_z1", "W_z1_bend"])


def test_costs_that_are_not_drawn_are_told_together():
    source = draw(example(T=30), by="cost").source
    names = re.findall(r'legend_\d_name \[label="?([^" ]+)"?', source)
    assert names == ["C₁", "C₂", "C₃", "C₂₈", "C₂₉", "C₃₀", "others"]
    assert "others" in statements(source)[0]["h3"]["tooltip"]
    many = draw(example(T=30), by="cost", steps="all").source
    assert re.findall(r'legend_\d+_name \[label="?([^" ]+)"?', many) == ["C₁", "C₃₀"]


# -- folded -----------------------------------------------------------------------------------------------------------


def test_the_folded_network_can_be_left_out():
    run = example("WR")
    nodes, _ = statements(draw(run).source)
    assert [nodes[f"folded_{role}"]["label"] for role in "xhyC"] == ["xₜ", "hₜ", "yₜ", "Cₜ"]
    alone, _ = statements(draw(run, folded=False).source)
    assert set(alone) == {name for name in nodes if not re.match("folded_|loop_|unfold", name)}


def test_two_loops_end_in_two_arrowheads():
    """What comes from h itself enters from the left, what comes from the output from the right."""
    nodes, edges = statements(draw(example("WR")).source)
    h, own, output = (place_of(nodes[name])[0] for name in ("folded_h", "loop_h_bottom", "loop_y_bottom"))
    assert own < h < output
    assert {("loop_h_bottom", "folded_h"), ("loop_y_bottom", "folded_h")} <= edges.keys()
    assert (nodes["loop_h_by"]["label"], nodes["loop_y_by"]["label"]) == ("W", "R")


def folded_arrows(source):
    """From role to role, and those through a delay."""
    _, edges = statements(source)
    arrows = {
        (a.removeprefix("folded_"), b.removeprefix("folded_")) for a, b in edges if "folded" in a and "folded" in b
    }
    starts = {b.removesuffix("_top"): a.removeprefix("folded_") for a, b in edges if b.endswith("_top")}
    later = {(starts[a.removesuffix("_bottom")], b.removeprefix("folded_")) for a, b in edges if a.endswith("_bottom")}
    return arrows, later


@pytest.mark.parametrize("T", [1, 3])
def test_the_folded_network_says_what_is_heard_later(T):
    chain = {("x", "h"), ("h", "y"), ("y", "C")}
    assert folded_arrows(draw(example("W", T=T)).source) == (chain, {("h", "h")})
    assert folded_arrows(draw(example("WR", T=T)).source) == (chain, {("h", "h"), ("y", "h")})
    forced = draw(example("R", T=T, teacher_forcing=True)).source
    assert folded_arrows(forced) == (chain | {("target", "C")}, {("target", "h")})
    layers = {("x", "h1"), ("h1", "h2"), ("h2", "y"), ("y", "C")}
    assert folded_arrows(draw(unroll(Stacked(2, 4, 3), *data(T))).source) == (layers, {("h1", "h1"), ("h2", "h2")})
    gates = {("x", "z"), ("z", "c"), ("z", "h"), ("c", "h"), ("h", "y"), ("y", "C")}
    assert folded_arrows(draw(unroll(Gated(2, 4, 3), *data(T))).source) == (gates, {("c", "c"), ("h", "z")})


def test_a_model_that_tells_nothing_is_folded_all_the_same():
    class Silent(type(network("W"))):
        folded = None

    arrows = folded_arrows(draw(unroll(Silent(2, 4, 3), *data(3))).source)
    assert arrows == folded_arrows(draw(example("W", T=3)).source)


# -- targets, cuts, names ---------------------------------------------------------------------------------------------


def test_targets_that_are_fed_back_are_sources():
    nodes, edges = statements(draw(example("WR", T=3, teacher_forcing=True)).source)
    for t in range(1, 4):
        assert (nodes[f"target{t}"]["shape"], nodes[f"target{t}"]["fillcolor"]) == ("box", DATA)
        assert edges[f"target{t}", f"C{t}"]["tooltip"] == "no gradient asked for"
    assert nodes["y0"]["shape"] == "box"  # it stands for a target, not for an output
    assert ("y1", "z2") not in edges
    # No tap comes down between a target and its cost.
    for t in range(1, 4):
        left, right = sorted(place_of(nodes[f"{role}{t}"])[0] for role in ("C", "target"))
        assert not any(left < place_of(nodes[f"{name}_y{t}"])[0] < right for name in "Vc")


def test_a_cut_is_drawn_as_one():
    run = unroll(Truncated(2, 4, 3, every=2), *data(5))
    nodes, edges = statements(draw(run).source)
    dotted = {edge for edge, attributes in edges.items() if attributes.get("style") == "dotted"}
    assert dotted == {("h2", "z3"), ("h4", "z5")}
    assert "no gradient passes" in nodes["legend_cut"]["label"]
    assert "legend_cut" not in statements(draw(example(T=5)).source)[0]
    for t in (2, 4):
        bars = nodes[f"cut_h{t}_z{t + 1}"]
        assert bars["label"] == "‖"
        assert place_of(nodes[f"h{t}"])[0] < place_of(bars)[0] < place_of(nodes[f"z{t + 1}"])[0]
    assert "gradient × 0" in draw(unroll(Truncated(2, 4, 3, every=2), *data(20))).source


def test_a_cut_that_leads_into_a_gap_is_drawn_too():
    nodes, _ = statements(draw(unroll(Truncated(2, 4, 3, every=1), *data(20))).source)
    assert {"cut_h3_gap_h_in", "cut_gap_h_out_z18"} <= nodes.keys()


AWKWARD = ['a"b', "a<b>", "<b>", "a\nb", "a&amp;b", "a:b", "\\N", "é☃", "{|}", "node", "h1", "2", "x y", "a\\"]


@pytest.mark.parametrize("name", AWKWARD)
def test_names_may_hold_anything(name, real):
    """Roles, parameters and what is differentiated, by either Graphviz."""

    class Named(Module):
        roles, carried = (name, "y"), (name,)
        layout = {"x": (0, -1), name: (0, 0), "y": (0, 1), "C": (0, 2)}  # noqa: RUF012
        n_in, dtype = 1, np.dtype(float)

        def __init__(self):
            setattr(self, name, Tensor(np.eye(1), requires_grad=True, name=name))

        def initial(self, batch):
            return {name: np.zeros((*batch, 1))}

        def bind(self):
            return (getattr(self, name).T,)

        def step(self, bound, x, carried):
            h = np.tanh(x @ bound[0] + carried[name])
            return {name: h, "y": h * 1.0}

    run = unroll(Named(), np.ones((3, 1)), np.zeros((3, 1)))
    of = np.sum(run["y"][-1])
    of.name = name
    picture = draw(run, of)
    svg = minidom.parseString(picture.pipe("svg"))
    texts = ["".join(child.data for child in text.childNodes) for text in svg.getElementsByTagName("text")]
    shown = name.replace("\n", "␊")
    assert shown in texts
    assert any(f"RMS gradient of {shown} (log" in text.replace("\xa0", " ") for text in texts)
    assert all(g.getAttribute("id") for g in svg.getElementsByTagName("g"))
    assert len({g.getAttribute("id") for g in svg.getElementsByTagName("g")}) == len(svg.getElementsByTagName("g"))


def test_long_names_are_shortened_where_there_is_no_room():
    model = network("W")
    model.a_parameter_with_a_very_long_name = model.W
    del model.W
    model.bind = lambda: (model.U.T, model.a_parameter_with_a_very_long_name.T, model.V.T)
    nodes, _ = statements(draw(unroll(model, *data(3))).source)
    node = nodes["a_parameter_with_a_very_long_name"]
    assert node["label"] == "a_parameter_with_a_…"
    assert place_of(node)[0] + float(node["width"]) * 36 < place_of(nodes["z1"])[0] - 20


# -- stored texts, and pictures by either Graphviz --------------------------------------------------------------------


@pytest.mark.parametrize("name", golden.PROGRAMS)
def test_the_text_is_the_stored_one(name):
    stored = (golden.FOLDER / f"{name}.dot").read_text(encoding="utf-8")
    assert golden.PROGRAMS[name]().source == stored, "look at the picture, then run python -m tests.rnn.golden"


def test_every_stored_text_has_a_program():
    assert {path.stem for path in golden.FOLDER.glob("*.dot")} == golden.PROGRAMS.keys()


@pytest.mark.parametrize("name", golden.PROGRAMS)
def test_every_graphviz_draws_all_of_it(name, real):
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
        assert texts.replace("\xa0", " ") == nodes[name].get("label", "")
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


def test_without_graphviz_there_is_the_text(tmp_path, monkeypatch):
    monkeypatch.setenv("MINIGRAD_DOT", str(tmp_path / "none"))
    with pytest.raises(NoGraphvizError, match="the DOT text is now in"):
        draw(example()).render(tmp_path / "rnn.svg")
    assert (tmp_path / "rnn.dot").read_text(encoding="utf-8") == draw(example()).source
    assert os.listdir(tmp_path) == ["rnn.dot"]


def test_a_run_without_targets_can_be_drawn():
    run = unroll(network("W"), data(3)[0])
    source = draw(run, np.sum(run["h"][-1])).source
    assert steps_shown(source) == [1, 2, 3]
    assert steps_shown(source, "C") == []


# -- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": "some"}, "steps='some' is not known: choose one of auto, all, ends"),
        ({"by": "step"}, "by='step' is not known: choose one of gradient, cost"),
        ({"steps": []}, "steps names no step at all"),
        ({"steps": range(0)}, "steps names no step at all"),
        ({"steps": [0, 1]}, r"steps names \[0\], but the steps of this run are 1 ... 5"),
        ({"steps": range(4, 9)}, r"steps names \[6, 7, 8\], but the steps of this run are 1 ... 5"),
        ({"color": "red"}, "color='red' is not known: choose one of gradient, value, none"),
    ],
)
def test_unknown_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        draw(example(), **options)


@pytest.mark.parametrize("steps", [3, None, [1.5], object()])
def test_steps_that_are_no_numbers_are_refused(steps):
    with pytest.raises(TypeError, match="names no steps: pass all, ends, or numbers"):
        draw(example(), steps=steps)


def test_what_has_nothing_to_do_with_the_run_is_refused():
    run = example()
    with pytest.raises(ValueError, match="was not made from this run"):
        draw(run, np.sum(Tensor([1.0, 2.0], requires_grad=True)))
    with pytest.raises(ValueError, match="was not made from this run"):
        draw(run, run["C"][-1].detach())
    with pytest.raises(TypeError, match="of is a float: name a Tensor"):
        draw(run, 1.0)
    with pytest.raises(TypeError, match="a list cannot be drawn unrolled"):
        draw([run])


def test_costs_are_told_apart_only_if_there_are_any():
    with pytest.raises(ValueError, match='by="cost" tells the costs of a run apart'):
        draw(unroll(network("W"), data(3)[0]), by="cost")
    with pytest.raises(ValueError, match="leave out of="):
        draw(example(), example().cost, by="cost")


def test_a_role_without_a_place_is_named():
    class Homeless(type(network("W"))):
        layout = {"x": (0, -1), "h": (0, 0), "C": (0, 2)}  # noqa: RUF012

    with pytest.raises(ValueError, match="the model's layout has no place for y, z: give it a column and a row"):
        draw(unroll(Homeless(2, 4, 3), *data(2)))


def test_a_run_without_a_cost_is_refused():
    run = unroll(network("W"), data(3)[0])
    with pytest.raises(ValueError, match=r"needs a cost: unroll with targets, or name a number with of="):
        draw(run)


@pytest.mark.parametrize("color", ["gradient", "none"])
def test_a_run_that_was_not_recorded_is_refused(color):
    """There is no graph to draw: a picture without an arrow would say that nothing is connected."""
    with no_grad():
        run = example()
    with pytest.raises(ValueError, match="not recorded"):
        draw(run, color=color)


def test_a_notebook_shows_a_run(real):
    html = example()._repr_mimebundle_()["text/html"]
    assert "<svg" in html and "Run of RNN" in html
    assert "<svg" in unroll(network("W"), data(3)[0])._repr_mimebundle_()["text/html"]  # without a cost, too


def test_a_notebook_tells_how_to_draw_a_long_run_and_what_to_do_without_graphviz(monkeypatch):
    assert "<svg" not in example(T=101)._repr_mimebundle_()["text/html"]
    monkeypatch.setenv("MINIGRAD_DOT", "/nowhere/dot")
    html = example()._repr_mimebundle_()["text/html"]
    assert "<svg" not in html and "minigrad.rnn.draw(run)" in html
