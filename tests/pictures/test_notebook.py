"""What notebooks show: a picture where there can be one, words otherwise, and never an error."""

from __future__ import annotations

import shutil
import sys
from importlib.util import find_spec

import numpy as np
import pytest

from minigrad import Module, Tensor
from minigrad.pictures import draw, notebook
from minigrad.pictures.notebook import SMALL, of_module, of_tensor, shown
from minigrad.rnn import RNN
from tests.pictures import golden

needs_graphviz = pytest.mark.skipif(
    shutil.which("dot") is None and find_spec("pygraphviz") is None, reason="there is no Graphviz"
)


@pytest.fixture
def no_graphviz(monkeypatch):
    monkeypatch.delenv("MINIGRAD_DOT", raising=False)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "pygraphviz", None)


def leaf(data, name=None):
    return Tensor(data, requires_grad=True, name=name)


def chain_of(length):
    y = leaf(1.0)
    for _ in range(length):
        y = -y
    return y


@needs_graphviz
def test_a_small_graph_is_drawn_below_its_values():
    x = leaf([1.0, 2.0], "<x>")
    for y, words in ((np.sum(x * x), "RMS gradient"), (x * x, "RMS of the values")):
        page = y._repr_mimebundle_()["text/html"]
        assert page.startswith("<pre") and "Tensor(" in page and words in page
        assert page.count("<svg") == 1 and "<?xml" not in page and "<!DOCTYPE" not in page and "&lt;x&gt;" in page


@needs_graphviz
def test_up_to_how_many():
    assert "<svg" in of_tensor(chain_of(SMALL - 1))["text/html"]
    assert "<svg" not in of_tensor(chain_of(SMALL))["text/html"]


def test_a_large_graph_is_summarised_without_a_look_at_it(monkeypatch):
    monkeypatch.setattr(notebook, "draw", lambda *_, **__: pytest.fail("drawn"))
    page = of_tensor(golden.run(1000).cost)["text/html"]
    assert "Made by <code>sum</code>; its graph has more than 50 tensors. <code>minigrad.draw(t)</code>" in page
    assert 'draw(t, color="value")' in of_tensor(chain_of(100) * np.ones(3))["text/html"]


def test_without_graphviz_there_are_words(no_graphviz):
    page = of_tensor(np.exp(leaf(1.0)))["text/html"]
    assert "its graph has 2 tensors" in page and "Tensor(2.718" in page


def test_a_leaf_has_nothing_to_show_but_itself():
    assert of_tensor(leaf(1.0)) == {}


def test_nothing_that_fails_is_seen():
    W = leaf(np.eye(2), "W")
    y = np.sum(W @ W)
    W.data = np.ones((2, 2))  # the graph is stale from now on: it cannot be drawn
    assert "Made by <code>sum</code>" in of_tensor(y)["text/html"]
    assert shown("<run>", lambda: 1 / 0, "words")["text/html"].endswith("words")
    assert "&lt;run&gt;" in shown("<run>", None)["text/html"]


@needs_graphviz
def test_shown_is_for_others_too():
    assert "<svg" in shown("text", lambda: draw(leaf(1.0)), "words")["text/html"]


def test_a_model_is_a_table():
    model = RNN(2, 3, 1)
    model.W.grad = np.full((3, 3), 2.0)
    page = model._repr_mimebundle_(include=None, exclude=None)["text/html"]
    assert "<td>W</td><td>(3, 3)</td><td>float64</td>" in page and "<td>2</td></tr>" in page
    assert page.count("<tr>") == 6 and page.count("<td>none</td>") == 4 and "22 numbers in 5 parameters" in page
    assert "0 numbers in 0 parameters" in of_module(Module())["text/html"]
