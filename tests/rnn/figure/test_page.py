"""The page of an animation: that it is harmless, can be read by everybody, and plays.

The last part opens pages in a real Chromium, if there is one, and clicks through them.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from xml.dom import minidom

import numpy as np
import pytest

from minigrad.pictures.finding import NoGraphvizError, find_graphviz
from minigrad.pictures.style import clean
from minigrad.rnn.bidirectional import Bidirectional
from minigrad.rnn.cells import RNN
from minigrad.rnn.figure.drawing import draw
from minigrad.rnn.figure.film import animate
from minigrad.rnn.reading import run_of
from minigrad.rnn.unrolling import unroll
from tests.browser import dom, in_a_browser
from tests.rnn import loops
from tests.rnn.figure.models import CELLS, data, example, network
from tests.rnn.figure.pages import drawn, film_of, rms, sizes_of, svg_of

try:
    find_graphviz()
except NoGraphvizError:
    pytest.skip("no Graphviz on this machine", allow_module_level=True)


# -- the page ---------------------------------------------------------------------------------------------------------


def test_the_page_needs_nothing_from_anywhere():
    page = animate(example("WR", T=20)).html
    addresses = set(re.findall(r"\w+://[^\s\"'<>]*", page))
    assert addresses <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert not re.search(r"\b(src|href|action)\s*=|@import|url\(|\bfetch\b|XMLHttpRequest|\bimport\b", page)
    assert "default-src 'none'" in page


def test_only_the_pages_own_script_may_run():
    page = animate(example()).html
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in page
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|\son\w+=", page)


EVIL = "η\u2028</script><script>alert(1)</script><!-- \"'&{{svg}}{{film}}\\"


def test_names_are_text_wherever_they_stand():
    assert EVIL != (name := clean(EVIL)) == clean(name)
    run = unroll(network("W"), data(3)[0])
    of = np.sum(run["h"][-1])
    of.name = EVIL
    page = animate(run, of, title=EVIL).html
    assert page.count("<script") == 2
    assert page.count("</script>") == 2
    assert page.count("<svg ") == animate(example()).html.count("<svg ")
    assert f"<h1>{html.escape(name)}</h1>" in page
    assert film_of(page)["choices"][0]["label"] == name
    (title,) = (t for t in svg_of(page).documentElement.childNodes if t.nodeName == "title")
    assert title.firstChild.data == name


class Renamed(RNN):
    """With parameters whose names mean something to Graphviz, to the page or to JavaScript."""

    def __init__(self):
        super().__init__(2, 4, 3)
        self.a, self.frame, self.constructor = self.b, self.U, self.W
        del self.b, self.U, self.W

    def bind(self):
        return self.frame.T, self.constructor.T, self.V.T

    def step(self, bound, x, carried):
        F, C, V = bound
        z = x @ F + carried["h"] @ C + self.a
        h = self._hidden(z)
        return {"z": z, "h": h, "y": h @ V + self.c}


def test_names_may_be_those_of_others():
    run = unroll(Renamed(), *data(3))
    page = animate(run).html
    found, _ = sizes_of(film_of(page))
    edges = [id for id in drawn(page, "edge") if not id.startswith(("folded_", "loop_"))]
    assert set(edges) <= found.keys()
    run.cost.backward()
    for name, parameter in run.model.parameters().items():
        assert found[name] == pytest.approx(rms(parameter.grad), rel=1e-5)


def test_the_same_program_gives_the_same_page():
    page = animate(example("WR")).html
    example("W", T=9)  # other tensors take other running numbers
    assert animate(example("WR")).html == page


def test_the_figure_can_be_walked_through_with_the_keyboard():
    """Parameters first, then forwards: the order of the document is the order of the Tab key."""
    svg = svg_of(animate(example(T=2)).html)
    stops = [g for g in svg.getElementsByTagName("g") if g.getAttribute("tabindex") == "0"]
    order = [g.getAttribute("id") for g in stops]
    assert order[:5] == ["W", "U", "V", "b", "c"]
    assert order[5:] == ["h0", *(f"{role}{t}" for t in (1, 2) for role in "xzhyC")]
    assert [g.getAttribute("aria-label") for g in stops[-2:]] == ["y₂", "C₂"]
    assert {g.getAttribute("role") for g in stops} == {"img"}
    names = [child.nodeName for child in svg.documentElement.childNodes if child.nodeType == child.ELEMENT_NODE]
    assert names[:2] == ["title", "desc"]


def test_the_figure_is_that_of_draw():
    run = example("WR", T=20)
    svg = minidom.parseString(draw(run, color="none").pipe("svg"))
    count = lambda tree, tag: len(tree.getElementsByTagName(tag))
    for tag in ("ellipse", "polygon", "text"):
        assert count(svg_of(animate(run).html), tag) == count(svg, tag)


def test_a_notebook_shows_the_page_in_a_frame():
    animation = animate(example(), title='"quoted" & <b>')
    (frame,) = re.findall(r"<iframe (.*?)></iframe>", animation._repr_html_(), re.DOTALL)
    attributes = dict(re.findall(r'(\w+)="([^"]*)"', frame))
    assert html.unescape(attributes["srcdoc"]) == animation.html
    assert html.unescape(attributes["title"]) == '"quoted" & <b>'
    assert attributes["sandbox"] == "allow-scripts"
    assert 'save("bptt.html")' in repr(animation)
    assert len(repr(animation)) < 200


# -- files, and what is refused ---------------------------------------------------------------------------------------


def test_it_is_saved_whole(tmp_path):
    animation = animate(example("WR"))
    path = animation.save(tmp_path / "bptt.html")
    assert path == tmp_path / "bptt.html"
    assert path.read_text(encoding="utf-8") == animation.html
    assert animation.render(str(tmp_path / "again.HTM")).read_bytes() == path.read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["again.HTM", "bptt.html"]


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("bptt.svg", ValueError, "has the suffix '.svg', but an animation is a page: use .html"),
        ("bptt", ValueError, "has the suffix '', but an animation is a page: use .html"),
        ("nowhere/bptt.html", FileNotFoundError, "there is no folder"),
        ("folder.html", IsADirectoryError, "is a folder: name a file in it"),
    ],
)
def test_a_path_that_cannot_be_written_leaves_nothing(tmp_path, name, error, message):
    (tmp_path / "folder.html").mkdir()
    with pytest.raises(error, match=message):
        animate(example()).save(tmp_path / name)
    assert [p.name for p in tmp_path.rglob("*")] == ["folder.html"]


# -- in a browser -----------------------------------------------------------------------------------------------------


def look(path, tmp_path, fragment="", *options, seconds=2):
    """The page at ``path`` as Chromium sees it after some seconds of its own time."""
    return dom(path, tmp_path / "profile", *options, fragment=fragment, seconds=seconds)


def states(dom):
    """{"h1": "forward", ...}: what is shown of every circle, arrow and parameter."""
    groups = svg_of(dom).getElementsByTagName("g")
    return {g.getAttribute("id"): g.getAttribute("data-state") for g in groups if g.hasAttribute("data-state")}


def text_of(dom, part):
    (inside,) = re.findall(rf'<(\w+)[^>]*data-part="{part}"[^>]*>(.*?)</\1>', dom, re.DOTALL)
    return html.unescape(re.sub("<.*?>", " ", inside[1]))


@in_a_browser
@pytest.mark.parametrize("reduced", [False, True])
def test_a_frame_is_shown_that_the_address_names(tmp_path, reduced):
    path = animate(example()).save(tmp_path / "bptt.html")
    film = film_of(path.read_text(encoding="utf-8"))
    at = next(i for i, f in enumerate(film["frames"]) if f["pass"] == "backward" and f["id"] == "z2")
    options = ["--force-prefers-reduced-motion"] if reduced else []
    dom = look(path, tmp_path, f"#frame={at}&cost=2", *options)
    shown = states(dom)
    assert shown.keys() == set(film["about"])
    for t in (3, 4):  # C_2 knows nothing of what came after it
        assert {shown[f"{role}{t}"] for role in "zhyC"} == {"zero"}
    assert {shown[id] for id in ("C2", "y2", "h2", "z2", "h1--z2", "y2--C2", "W", "W_z1--W_z2")} == {"gradient"}
    assert {shown[id] for id in ("C1", "h1", "z1--h1", "W--W_z1")} == {"forward"}
    assert {shown["x2"], shown["x1"], shown["x2--z2"]} == {"forward", "none"}
    assert text_of(dom, "counter") == f"{at} / {len(film['frames']) - 1}"
    assert text_of(dom, "told") == film["frames"][at]["text"]
    assert "∂ C₂ / ∂ z₂" in text_of(dom, "panel")
    assert f"rms {sizes_of(film, '2')[0]['z2']:.3g}" in text_of(dom, "panel")


PLAYED = {
    "LSTM": lambda: unroll(CELLS["LSTM"](), *data(3)),
    "GRU": lambda: unroll(CELLS["GRU"](), *data(3)),
    "layers": lambda: unroll(CELLS["layers"](), *data(3)),
    "both ways": lambda: unroll(Bidirectional(RNN(2, 4), RNN(2, 4), n_out=3), *data(3)),
    "loop": lambda: run_of(loops.nameless()[0]),
    "encoder and decoder": lambda: run_of(loops.translation(6)[0]),
}


@in_a_browser
@pytest.mark.parametrize("name", PLAYED)
def test_every_kind_of_model_is_played_to_its_end(tmp_path, name):
    run = PLAYED[name]()
    path = animate(run, targets=True).save(tmp_path / "bptt.html")
    film = film_of(path.read_text(encoding="utf-8"))
    turn = next(i for i, frame in enumerate(film["frames"]) if frame["pass"] == "turn")
    assert {*states(look(path, tmp_path, f"#frame={turn}")).values()} == {"forward"}
    shown, (sizes, _) = states(look(path, tmp_path, f"#frame={len(film['frames']) - 1}")), sizes_of(film)
    assert shown.keys() == sizes.keys()
    for id, size in sizes.items():
        assert shown[id] == ("gradient" if size else "zero" if size == 0 else shown[id]), id
        assert shown[id] in ("gradient", "zero", "forward", "none")


DRIVER = """
<script>
const $ = (name) => document.querySelector(`[data-part="${name}"]`);
const wait = (ms) => new Promise((done) => setTimeout(done, ms));
const press = (key, on = document.body) => on.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
const choose = (name, value, kind) => { $(name).value = value; $(name).dispatchEvent(new Event(kind)); };
const frame = () => Number($("counter").textContent.split("/")[0]);
const seen = {};
(async () => {
  seen.start = frame();
  $("next").click(); $("next").click(); $("back").click(); seen.stepped = frame();
  press("ArrowRight"); press("ArrowRight"); press("ArrowLeft"); seen.arrows = frame();
  press("ArrowRight", $("seek")); seen.slidersOwn = frame();
  press("End"); seen.end = frame(); seen.last = Number($("counter").textContent.split("/")[1]);
  press("ArrowRight"); seen.beyond = frame();
  press("Home"); seen.home = frame();
  choose("speed", "8", "change");
  $("play").click(); seen.label = $("play-label").textContent;
  await wait(400); $("play").click(); seen.paused = frame(); await wait(400); seen.still = frame();
  press(" "); await wait(10000); seen.played = frame(); seen.stopped = $("play-label").textContent;
  choose("seek", "7", "input"); seen.sought = frame();
  press("End");
  choose("choice", "1", "change"); seen.chosen = document.getElementById("h2").dataset.state;
  seen.kept = frame();
  const circle = document.getElementById("h1");
  circle.dispatchEvent(new PointerEvent("pointerenter")); seen.pointed = $("panel").textContent;
  circle.dispatchEvent(new PointerEvent("pointerleave")); seen.left = $("panel").textContent;
  document.getElementById("W").focus(); seen.focused = $("panel").textContent;
  document.getElementById("W").blur();
  location.hash = "#frame=3&cost=all"; await wait(50); seen.recalled = [frame(), $("choice").value];
  location.hash = "#frame=1e9&cost=none"; await wait(50); seen.nonsense = [frame(), $("choice").value];
  document.title = JSON.stringify(seen);
})();
</script>
"""


@in_a_browser
def test_clicking_through(tmp_path):
    animation = animate(example(T=2))
    page = re.sub(r'<meta http-equiv="Content-Security-Policy".*?>', "", animation.html)  # which forbids other scripts
    path = tmp_path / "driven.html"
    path.write_text(page.replace("</body>", DRIVER + "</body>"), encoding="utf-8")
    dom = look(path, tmp_path, seconds=20)
    (title,) = re.findall("<title>(.*?)</title>", dom)[:1]
    seen = json.loads(html.unescape(title))
    last = len(film_of(page)["frames"]) - 1
    assert (seen["start"], seen["stepped"], seen["arrows"], seen["slidersOwn"]) == (0, 1, 2, 2)
    assert (seen["end"], seen["last"], seen["beyond"], seen["home"]) == (last, last, last, 0)
    assert seen["label"] == "Pause"
    assert 0 < seen["paused"] == seen["still"] < last
    assert (seen["played"], seen["stopped"]) == (last, "Play")
    assert (seen["sought"], seen["chosen"], seen["kept"]) == (7, "zero", last)
    assert re.search(r"h₁.*shape \(4,\).*value.*∂ C₁ / ∂ h₁.*rms", seen["pointed"], re.DOTALL)
    assert "h₁" not in seen["left"]
    assert re.search(r"W.*shape \(4, 4\), parameter.*∂ C₁ / ∂ W.*exactly 0", seen["focused"], re.DOTALL)
    assert seen["recalled"] == [3, "all"]
    assert seen["nonsense"] == [last, "all"]


@in_a_browser
def test_its_script_runs_in_a_notebooks_frame(tmp_path):
    """Nothing gets out of a sandbox but the picture: it is another one where the script is forbidden."""
    frame = animate(example(T=2))._repr_html_()
    pictures = []
    for name, inside in (("free", frame), ("forbidden", frame.replace("sha256-", "sha256-0"))):
        path, picture = tmp_path / f"{name}.html", tmp_path / f"{name}.png"
        path.write_text(f"<!DOCTYPE html><body>{inside}</body>", encoding="utf-8")
        look(path, tmp_path, "", f"--screenshot={picture}")
        pictures.append(picture.read_bytes())
    assert pictures[0] != pictures[1]


@in_a_browser
def test_evil_names_do_nothing_but_stand_there(tmp_path):
    run = example(T=2)
    run["C"][0].name = EVIL
    path = animate(run, title=EVIL).save(tmp_path / "evil.html")
    dom = look(path, tmp_path, "#frame=<script>alert(1)</script>&cost=1")
    assert text_of(dom, "counter").startswith("0 / ")
    assert text_of(dom, "of") == clean(EVIL)
    assert states(dom)["h1"] == "waiting"
