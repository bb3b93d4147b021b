"""Names may hold anything, and are shortened where there is no room."""

from __future__ import annotations

from xml.dom import minidom

import numpy as np
import pytest

from minigrad.rnn.figure.drawing import draw
from minigrad.rnn.unrolling import unroll
from tests.rnn.figure.models import Named, data, network
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
    model.a_parameter_with_a_very_long_name = model.W
    del model.W
    model.bind = lambda: (model.U.T, model.a_parameter_with_a_very_long_name.T, model.V.T)
    nodes, _ = statements(draw(unroll(model, *data(3))).source)
    node = nodes["a_parameter_with_a_very_long_name"]
    assert node["label"] == "a_parameter_with_a_…"
    assert place_of(node)[0] + float(node["width"]) * 36 < place_of(nodes["z1"])[0] - 20
