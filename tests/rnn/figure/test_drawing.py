"""The drawing of the textbook figure: that it shows what was found (test_wiring), and how it looks."""

from __future__ import annotations

import numpy as np
import pytest

from minigrad.engine.tensor import Tensor
from minigrad.graph import rms as size_of
from minigrad.pictures.style import DATA, INK
from minigrad.rnn.figure import drawing
from minigrad.rnn.figure.attribution import Attribution, Figure
from minigrad.rnn.figure.drawing import draw
from minigrad.rnn.figure.layouts import template_for
from minigrad.rnn.figure.wiring import Wiring
from minigrad.rnn.unrolling import unroll
from minigrad.scopes import no_grad, scope
from tests.rnn.figure.models import CELLS, Truncated, data, example, network, textbook
from tests.rnn.figure.shapes import faults
from tests.rnn.figure.sources import place_of, statements, steps_shown

kinds = pytest.mark.parametrize("kind", ["W", "R", "WR"])


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


def test_a_gap_swallows_what_leads_into_it():
    """Each bus goes on with the sum of the later steps, each arrow with what really crosses the border."""
    run = example("WR", T=20)
    figure = Figure.of_run(run, run.cost)
    nodes, edges = statements(draw(run, steps=range(5, 9)).source)

    def told(*edge):
        return float(edges[edge]["tooltip"].removeprefix("gradient rms "))

    for name in run.model.parameters():
        role = "y" if name in "Vc" else "z"
        whole, before, after = (figure.accumulated[name, (role, t)] for t in (1, 5, 9))
        assert told(name, f"{name}_gap") == pytest.approx(whole, rel=0.01)
        assert told(f"{name}_gap", f"{name}_{role}5") == pytest.approx(before, rel=0.01)
        assert told(f"{name}_{role}8", f"{name}_2_gap") == pytest.approx(after, rel=0.01)
        assert nodes[f"{name}_gap"]["tooltip"] == f"{name} used 4 times, t = 1 … 4"
    assert told("gap_h_out", "z5") == pytest.approx(figure.connections[("h", 4), ("z", 5)], rel=0.01)
    assert told("y8", "gap_y_in_2") == pytest.approx(figure.connections[("y", 8), ("z", 9)], rel=0.01)


def test_what_comes_from_elsewhere_is_told_beside_the_parameter():
    """The penalty is most of W's gradient: W is painted by all of it, its bus by what the steps contribute."""
    run = example("W")
    of = run.cost + 100 * np.sum(run.model.W**2)
    figure = Figure.of_run(run, of)
    picture = draw(run, of)
    nodes, edges = statements(picture.source)
    assert nodes["W_elsewhere"]["label"] == "elsewhere"
    assert [id for id, part in picture.parts.items() if part.kind == "elsewhere"] == ["W--W_elsewhere"]
    share = f"gradient rms {figure.elsewhere['W']:.3g}"
    assert edges["W", "W_elsewhere"]["tooltip"] == share
    assert nodes["W_elsewhere"]["tooltip"].endswith(f"too: {share}")
    assert f"gradient rms {figure.parameters['W']:.3g}, {figure.elsewhere['W']:.3g} of that" in nodes["W"]["tooltip"]
    assert edges["W", "W_z1"]["tooltip"] == f"gradient rms {figure.accumulated['W', ('z', 1)]:.3g}"
    assert figure.parameters["W"] > 100 * figure.accumulated["W", ("z", 1)]
    assert edges["W", "W_elsewhere"]["color"] == nodes["W"]["fillcolor"] != edges["W", "W_z1"]["color"]
    assert "W (used elsewhere, too)" in draw(run, of).source
    for color in ("value", "none"):
        assert "W_elsewhere" in draw(run, of, color=color).source


def test_what_is_differentiated_is_a_node():
    """A line leads to it from every circle that it was made from, with the share that went straight there."""
    run = example("W", T=4)
    of = run["C"][0] + 3 * run["C"][2] + np.sum(run["h"][3] ** 2)
    of.name = "loss"
    picture = draw(run, of)
    nodes, edges = statements(picture.source)
    assert (nodes["of"]["label"], nodes["of"]["peripheries"]) == ("loss", "2")
    leading = {(tail, head): edge["tooltip"] for (tail, head), edge in edges.items() if "of_" + tail == head}
    of_h = f"gradient rms {size_of(2 * run['h'][3].data):.3g}"
    assert leading["C1", "of_C1"] == "gradient rms 1"
    assert leading["C3", "of_C3"] == "gradient rms 3"
    assert leading["h4", "of_h4"] == of_h
    assert {end for ends in edges for end in ends if end.startswith("of_")} == {"of_C1", "of_C3", "of_h4"}
    assert edges["of_h4", "of"]["color"] == edges["of_C1", "of_C3"]["color"] == INK
    assert faults(picture) == []
    for same in (draw(run), draw(run, run["C"][1]), draw(run, color="none")):
        assert "of" not in statements(same.source)[0]  # Σ C need not be told, and C_2 is drawn anyway


def test_along_a_bus_every_use_adds_what_it_contributed():
    """A GRU's W is used twice in every step: between these taps runs what the right one and later steps add."""
    run = unroll(CELLS["GRU"](), *data(2))
    wiring = Wiring.of_run(run, run.cost)
    vectors = dict(Attribution(wiring, [run.cost]).contributions())
    picture = draw(run)
    nodes, edges = statements(picture.source)
    uses = {id.partition("--")[2]: part.key for id, part in picture.parts.items() if part.kind == "bus"}
    for name in "WUb":
        order = sorted((id for id, use in uses.items() if use[0] == name), key=lambda id: place_of(nodes[id])[0])
        assert len(order) == 4
        for k, id in enumerate(order):
            together = size_of(sum(vectors[uses[other]] for other in order[k:]))
            (piece,) = (edge for (_, head), edge in edges.items() if head == id)
            assert piece["tooltip"] == f"gradient rms {together:.3g}"


@pytest.mark.parametrize("cell", ["RNN", "LSTM", "layers of gates"])
def test_where_lines_to_what_is_differentiated_find_no_way_it_stands_beside_the_circles(cell, monkeypatch):
    def crowded(run, wiring):
        if wiring.ends.keys() - wiring.beside:
            raise ValueError("no way")
        return template_for(run, wiring)

    monkeypatch.setattr(drawing, "template_for", crowded)
    run = unroll(CELLS[cell](), *data(3))
    carried = run.model.carried[0]
    picture = draw(run, run.cost + np.sum(run[carried][-1] ** 2))
    ends = {part.key for part in picture.parts.values() if part.kind == "ending"}
    assert ends == {("C", 1), ("C", 2), ("C", 3), (carried, 3)}
    assert faults(picture) == []


@pytest.mark.parametrize("cell", CELLS)
def test_what_is_made_from_an_initial_value_stands_beside_it(cell):
    run = unroll(CELLS[cell](), *data(3))
    of = run.cost + sum(np.sum(tensor**2) for tensor in run.carried[0].values())
    picture = draw(run, of)
    ends = {part.key for part in picture.parts.values() if part.kind == "ending"}
    assert ends >= {(role, 0) for role in run.carried[0]}
    assert faults(picture) == []


@pytest.mark.parametrize("cell", CELLS)
def test_what_is_differentiated_finds_room_beside_every_cell(cell):
    run = unroll(CELLS[cell](), *data(3))
    of = run.cost + np.sum(run[run.model.carried[0]][-1])
    assert faults(draw(run, of)) == []


def test_of_what_leads_to_it_from_a_gap_the_number_is_told():
    run = example(T=20)
    nodes, edges = statements(draw(run, run.cost).source)
    assert nodes["of_gap"]["tooltip"] == "14 more from t = 4 … 17"
    assert {("of_C3", "of_gap"), ("of_gap", "of_C18"), ("of_C20", "of")} <= edges.keys()


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


def test_a_run_without_targets_can_be_drawn():
    run = unroll(network("W"), data(3)[0])
    source = draw(run, np.sum(run["h"][-1])).source
    assert steps_shown(source) == [1, 2, 3]
    assert steps_shown(source, "C") == []


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
