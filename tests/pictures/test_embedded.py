"""A picture on a page: nothing is lost, everything has a title, and the whole has words for those who do not see it."""

from __future__ import annotations

import re
from xml.dom import minidom

import numpy as np
import pytest

from minigrad import Tensor
from minigrad.pictures import Digraph, draw
from minigrad.pictures.embedded import embedded, sentence
from minigrad.rnn import RNN, unroll
from minigrad.rnn import draw as draw_run
from tests.pictures import golden


def titles(element):
    """Of every part with an id its title."""
    found = {}
    for g in element.getElementsByTagName("g"):
        own = [child for child in g.childNodes if child.nodeName == "title"]
        if own:
            found[g.getAttribute("id")] = own[0].firstChild.data
    return found


def texts(document):
    return [t.firstChild.data for t in document.getElementsByTagName("text")]


def pictures():
    run = unroll(RNN(2, 3, 1, rng=0), np.ones((2, 2)), np.ones((2, 1)))
    return [golden.gates(), golden.by_hand(), draw_run(run), draw_run(run, by="cost")]


@pytest.mark.parametrize("number", range(4))
def test_tooltips_become_titles_and_nothing_is_lost(number, real):
    picture = pictures()[number]
    svg = str(picture.pipe("svg", encoding="utf-8"))
    before, after = minidom.parseString(svg.encode()), minidom.parseString(embedded(svg, "title", "alt").encode())
    assert texts(before) == texts(after)
    shapes = [
        sum(len(d.getElementsByTagName(kind)) for kind in ("path", "polygon", "ellipse")) for d in (before, after)
    ]
    assert shapes[0] == shapes[1] > 0
    told = {}
    for link in before.getElementsByTagName("a"):
        told[link.parentNode.parentNode.getAttribute("id")] = link.getAttribute("xlink:title")
    assert titles(after) == told and told and not after.getElementsByTagName("a")


def test_the_whole_is_an_image_with_words_that_fits(real):
    picture = draw(np.sum(Tensor([1.0, 2.0], requires_grad=True, name='<"x">') * 2.0))
    page = picture._repr_mimebundle_()["text/html"]
    (svg,) = minidom.parseString(page.encode()).getElementsByTagName("svg")
    assert svg.getAttribute("role") == "img"
    told = 'Graph of n2 = sum(n1): 2 operations, parameters <"x">, coloured by the RMS of the gradient, 1 … 2'
    assert svg.getAttribute("aria-label") == told
    assert svg.firstChild.nodeName == "title" and svg.firstChild.firstChild.data == "Graph of n2 = sum(n1)"
    assert "max-width: 100%; height: auto" in svg.getAttribute("style")
    assert re.search(r"@media print \{ svg\.minigrad \{ max-height", page) and svg.getAttribute("class") == "minigrad"
    assert "<?xml" not in page and "<!DOCTYPE" not in page


def test_what_pictures_are_called():
    run = unroll(RNN(2, 3, 1, rng=0), np.ones((2, 2)), np.ones((2, 1)))
    picture = draw_run(run)
    assert picture.title == "Run of RNN along 2 steps"
    assert picture.alt.startswith("Run of RNN along 2 steps, folded and unrolled: x, z, h, y, C, cost ")
    assert picture.alt.endswith(", coloured by the RMS of the gradient")
    assert "coloured" not in draw_run(run, color="none", folded=False).alt
    assert re.fullmatch(r"Graph of cost: \d+ operations, parameters W U V b c h₀", draw(run.cost, color="none").alt)
    assert draw(run.cost, color="value").alt.count("coloured by the RMS of the values") == 1
    assert (Digraph().title, Digraph().alt) == ("graph", "a graph")


def test_a_sentence_is_escaped():
    assert sentence(ValueError("a < b")) == "<p>a &lt; b</p>"
