"""What notebooks show: a picture where there can be one, words otherwise, and never an error."""

from __future__ import annotations

import html
import json
import re
import shutil
import sys
import warnings
from importlib.util import find_spec

import numpy as np
import pytest

from minigrad import Module, Tensor
from minigrad.pictures import draw, notebook
from minigrad.pictures.notebook import SMALL, of_module, of_tensor, shown
from minigrad.rnn import RNN
from tests.browser import dom, in_a_browser
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


# -- a notebook, and a browser that shows it --------------------------------------------------------------------------

CELLS = (
    """import numpy as np, minigrad as mg
from minigrad.rnn import RNN, draw, unroll
run = unroll(RNN(2, 8, 1, rng=0), np.ones((12, 2)), np.zeros((12, 1)))""",
    "run",
    "draw(run)",
    "mg.draw(run.cost)",
    "mg.draw(run['C'][2], direction='TB')",
    "run['C'][0]",
)
LOOK = """
<script>
addEventListener("load", () => {
  const seen = [];
  for (const svg of document.querySelectorAll("svg[role=img]")) {
    const box = svg.getBoundingClientRect(), around = svg.closest(".jp-RenderedHTMLCommon").getBoundingClientRect();
    const drawn = svg.querySelector("g.graph").getBoundingClientRect();
    const pointed = [...svg.querySelectorAll("g.node")].filter((g) => g.querySelector(":scope > title")).map((g) => {
      const own = g.getBoundingClientRect();
      svg.scrollIntoView(); scrollBy(0, g.getBoundingClientRect().top - 100);
      const now = g.getBoundingClientRect();
      const at = document.elementFromPoint(now.left + now.width / 2, now.top + now.height / 2);
      return [g.id, at && at.closest("g[id]").id, g.querySelector(":scope > title").textContent];
    });
    scrollTo(0, 0);
    seen.push({
      label: svg.getAttribute("aria-label"), title: svg.querySelector(":scope > title").textContent, pointed,
      box: [box.left, box.right, box.top, box.bottom], around: [around.left, around.right, around.top, around.bottom],
      drawn: [drawn.left, drawn.right, drawn.top, drawn.bottom],
      ratio: svg.viewBox.baseVal.width / svg.viewBox.baseVal.height,
    });
  }
  const told = document.createElement("script");
  told.id = "seen"; told.type = "application/json"; told.textContent = JSON.stringify({ width: innerWidth, seen });
  document.body.append(told);
});
</script>
"""


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A notebook that was executed, as a page."""
    nbformat, nbclient, nbconvert = map(pytest.importorskip, ("nbformat", "nbclient", "nbconvert"))
    pytest.importorskip("ipykernel")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS])
    nbclient.NotebookClient(notebook, timeout=120).execute()
    outputs = [output for cell in notebook.cells for output in cell.outputs]
    assert [output.output_type for output in outputs] == ["execute_result"] * (len(CELLS) - 1)  # and no warning
    assert all(output.data.keys() == {"text/html", "image/svg+xml", "text/plain"} for output in outputs)
    source, _ = nbconvert.HTMLExporter().from_notebook_node(notebook)
    path = tmp_path_factory.mktemp("notebook") / "page.html"
    path.write_text(source.replace("</body>", LOOK + "</body>"), encoding="utf-8")
    return path


@needs_graphviz
@in_a_browser
@pytest.mark.filterwarnings("ignore")  # of Jupyter's own
@pytest.mark.parametrize("width", [1280, 830, 390])
def test_a_page_shows_all_of_every_picture_whatever_its_width(page, width, tmp_path):
    shown_as = dom(page, tmp_path / "profile", width=width)
    found = json.loads(html.unescape(re.search(r'<script id="seen"[^>]*>(.*?)</script>', shown_as, re.DOTALL)[1]))
    assert len(found["seen"]) == len(CELLS) - 1
    for picture in found["seen"]:
        left, right, top, bottom = picture["box"]
        assert picture["around"][0] - 1 <= left < right <= picture["around"][1] + 1  # it fits
        assert left >= 0 and right <= found["width"] + 1
        assert (right - left) / (bottom - top) == pytest.approx(picture["ratio"], rel=0.02)  # undistorted
        for low, high, at, end in ((left, right, *picture["drawn"][:2]), (top, bottom, *picture["drawn"][2:])):
            assert low - 1 <= at < end <= high + 1  # whole
        assert picture["title"] and picture["label"].startswith(picture["title"])
        assert len(picture["pointed"]) > 5
        for node, at, tooltip in picture["pointed"]:
            assert tooltip and (at == node or node.startswith("legend"))


# -- what it is made of -----------------------------------------------------------------------------------------------


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
def test_a_picture_that_nobody_asked_for_warns_of_nothing():
    """Warnings are errors here, and would leave words alone."""
    x = leaf([0.0, 2.0])
    assert "∞" in of_tensor(np.sum(np.sqrt(x)))["text/html"]

    def warning():
        warnings.warn("dot is broken", stacklevel=1)
        return draw(leaf(1.0))

    assert "<svg" in shown("text", warning)["text/html"]


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
