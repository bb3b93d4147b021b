"""Names may hold anything, and are shortened where there is no room."""

from __future__ import annotations

from xml.dom import minidom

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.engine.tensor import Tensor
from minigrad.rnn.bidirectional import Bidirectional
from minigrad.rnn.cells import GRU, LSTM, RNN
from minigrad.rnn.cells import Stacked as Layers
from minigrad.rnn.figure.drawing import draw
from minigrad.rnn.figure.film import animate
from minigrad.rnn.figure.names import IN_BOXES, Names, qualified, told_apart
from minigrad.rnn.figure.wiring import Wiring
from minigrad.rnn.unrolling import unroll
from tests.rnn.figure.models import Named, Stacked, data, example, network
from tests.rnn.figure.pages import film_of
from tests.rnn.figure.shapes import faults
from tests.rnn.figure.sources import place_of, statements

AWKWARD = ['a"b', "a<b>", "<b>", "a\nb", "a&amp;b", "a:b", "\\N", "é☃", "{|}", "node", "h1", "2", "x y", "a\\"]


@pytest.mark.parametrize("name", AWKWARD)
def test_names_may_hold_anything(name, real):
    """Roles, parameters and what is differentiated, in both engines."""

    run = Named(name, name).run()
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
    model.a_parameter_with_a_very_long_name = Tensor(model.W.data, requires_grad=True)
    del model.W
    model.bind = lambda: (model.U.T, model.a_parameter_with_a_very_long_name.T, model.V.T)
    nodes, _ = statements(draw(unroll(model, *data(3))).source)
    node = nodes["a_parameter_with_a_very_long_name"]
    assert node["label"] == "a_parameter_with_a_…"
    assert place_of(node)[0] + float(node["width"]) * 36 < place_of(nodes["z1"])[0] - 20


# -- equal names ------------------------------------------------------------------------------------------------------

parts = st.sampled_from(
    ["W", "b", "0", "1", "layers", "encoder", "W_hh", "W⁽¹⁾", "alpha", "α", "a_very_long_name_of_one"]
)
paths = st.lists(parts, min_size=1, max_size=4).map(".".join)


@given(st.dictionaries(paths, st.none() | parts, max_size=8))
def test_what_has_the_same_name_is_told_apart(tensors):
    parameters = {path: Tensor(0.0, name=name) for path, name in tensors.items()}
    written = told_apart(qualified(parameters), IN_BOXES)
    assert written.keys() == parameters.keys()
    assert len(set(written.values())) == len(written)
    assert all(len(name) <= IN_BOXES for name in written.values())


@pytest.mark.parametrize(
    ("tensors", "written"),
    [
        ({"W": "W", "b": None}, ["W", "b"]),
        ({"recurrent": "W_hh", "b": None}, ["Wₕₕ", "b"]),  # a tensor's own name wins
        ({"layers.0.W": "W", "layers.1.W": "W", "layers.1.V": "V"}, ["W⁽¹⁾", "W⁽²⁾", "V"]),
        ({"encoder.W": "W", "decoder.W": "W"}, ["encoder.W", "decoder.W"]),
        ({"a.0.W": "W", "b.0.W": "W", "a.1.W": "W"}, ["a.W⁽¹⁾", "b.W⁽¹⁾", "W⁽²⁾"]),
        ({"a.0.b.9.W": "W", "a.0.b.10.W": "W", "a.1.b.9.W": "W"}, ["b.W⁽¹⁾⁽¹⁰⁾", "W⁽¹¹⁾", "b.W⁽²⁾⁽¹⁰⁾"]),
        ({"lambda_0": None, "x.W": "W", "y": "x.W", "z.W": "W"}, ["λ₀", "x.W", "y", "z.W"]),
    ],
)
def test_how_parameters_are_written(tensors, written):
    parameters = {path: Tensor(0.0, name=name) for path, name in tensors.items()}
    assert [*told_apart(qualified(parameters), IN_BOXES).values()] == written


def test_layers_show_whose_parameters_they_are():
    picture = draw(unroll(Layers([LSTM(2, 4), GRU(4, 4, 3)]), *data(2)))
    nodes, _ = statements(picture.source)
    boxes = {part.key: nodes[id] for id, part in picture.parts.items() if part.kind == "parameter"}
    assert boxes["layers.0.W"]["label"] == "W⁽¹⁾" and boxes["layers.1.W"]["label"] == "W⁽²⁾"
    assert boxes["layers.0.W"]["tooltip"].startswith("layers.0.W, ")
    assert "U⁽¹⁾, b⁽¹⁾" in picture.source  # in the folded network


def test_long_roles_are_told_apart():
    wiring = Wiring.of_run(Named("hidden_state", "W").run())
    names = Names(wiring, {"x": "hidden_input"})
    assert names.place(("hidden_state", 2)) == "hidde…₂"
    assert names.place(("x", 2)) == "hid…ut₂"


# -- notation ---------------------------------------------------------------------------------------------------------


def test_where_targets_are_drawn_the_output_has_a_tilde():
    run = unroll(network("W"), *data(3))
    nodes, edges = statements(draw(run, targets=True).source)
    assert [nodes[id]["label"] for id in ("y2", "target2", "folded_y", "folded_target")] == ["ỹ₂", "y₂", "ỹₜ", "yₜ"]
    assert nodes["target2"]["shape"] == "box"
    assert ("target2", "C2") in edges
    nodes, edges = statements(draw(run).source)
    assert nodes["y2"]["label"] == "y₂" and "target2" not in nodes


def test_only_targets_that_count_are_drawn():
    xs, targets = data(4)
    run = unroll(network("W"), xs, targets[-1], at="last")
    nodes, _ = statements(draw(run, targets=True).source)
    assert [t for t in range(1, 5) if f"target{t}" in nodes] == [4]
    with pytest.raises(ValueError, match="targets=True, but the run has none: unroll it with targets"):
        draw(unroll(network("W"), xs), targets=True, color="none")


@pytest.mark.parametrize("model", [LSTM(2, 4, 3, peepholes=True), Stacked(2, 4, 3), RNN(2, 4, 3)])
def test_targets_have_a_place_in_every_layout(model):
    assert faults(draw(unroll(model, *data(3)), targets=True)) == []


def test_a_reader_may_have_names_of_his_own():
    run = unroll(network("W"), *data(3))
    picture = draw(run, names={"h": "s", "C": "L", "W": "W_ss", "y": "o"})
    nodes, _ = statements(picture.source)
    assert [nodes[id]["label"] for id in ("h2", "C2", "W", "y2", "folded_h")] == ["s₂", "L₂", "Wₛₛ", "o₂", "sₜ"]
    assert "RMS gradient of Σ L " in picture.source
    assert "RMS gradient of L₃ " in draw(run, run["C"][-1], names={"C": "L"}).source
    assert [name for name in ("L₁", "L₃") if name in draw(run, by="cost", names={"C": "L"}).source] == ["L₁", "L₃"]
    with pytest.raises(ValueError, match=r"names has \['o'\], but the figure shows C, h, x, z, y"):
        draw(run, names={"o": "y"})


def test_the_film_has_the_figures_names():
    html = animate(unroll(network("W"), *data(2)), targets=True, names={"C": "L", "W": "W_hh"}).html
    film = film_of(html)
    labels = {about["label"] for about in film["about"].values()}
    assert {"L₁", "ỹ₁", "y₁", "Wₕₕ", "Wₕₕ → z₁", "ỹ₁ → L₁"} <= labels
    assert film["choices"][0]["label"] == "Σ L"


def test_what_the_first_step_hears_in_the_place_of_a_target_is_called_like_one():
    nodes, _ = statements(draw(example("R", T=2, teacher_forcing=True)).source)
    assert (nodes["y0"]["label"], nodes["y0"]["shape"]) == ("y₀", "box")
    model = network("R")
    nodes, _ = statements(draw(unroll(model, *data(2)), targets=True).source)
    assert nodes["y0"]["label"] == "ỹ₀" and "shape" not in nodes["y0"]


def test_parameters_of_both_directions_have_arrows():
    run = unroll(Bidirectional(RNN(2, 3), RNN(2, 3), n_out=1), np.ones((3, 2)), np.ones((3, 1)))
    names = Names(Wiring.of_run(run))
    assert {names.parameters[f"cells.{i}.{name}"] for i in (0, 1) for name in "WUb"} == {
        *("→W", "→U", "→b"), *("←W", "←U", "←b")
    }  # fmt: skip
