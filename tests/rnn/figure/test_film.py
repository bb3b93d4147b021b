"""The film of a run: that its numbers are those derived by hand, that the page is harmless, and that it plays.

The last part opens pages in a real Chromium, if there is one, and clicks through them.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import shutil
import subprocess
from collections import Counter
from xml.dom import minidom

import numpy as np
import pytest

from minigrad.engine.tensor import Tensor
from minigrad.pictures.dot import NoGraphvizError, find_graphviz
from minigrad.pictures.style import clean
from minigrad.rnn.cells import RNN, OutputFeedbackRNN
from minigrad.rnn.figure.drawing import draw
from minigrad.rnn.figure.film import FIRST, animate
from minigrad.rnn.unrolling import unroll
from minigrad.scopes import no_grad
from tests.rnn import handmade

try:
    find_graphviz()
except NoGraphvizError:
    pytest.skip("no Graphviz on this machine", allow_module_level=True)

kinds = pytest.mark.parametrize("kind", ["W", "R", "WR"])


def network(kind, **options):
    sizes = {"n_in": 2, "n_hidden": 4, "n_out": 3, "rng": 0, **options}
    return OutputFeedbackRNN(hidden="W" in kind, **sizes) if "R" in kind else RNN(**sizes)


def data(T, batch=(), seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(T, *batch, 2)), rng.uniform(0, 1, size=(T, *batch, 3))


def example(kind="W", T=4, batch=(), **options):
    return unroll(network(kind), *data(T, batch), **options)


def rms(values):
    return np.sqrt(np.mean(np.square(values)))


def film_of(page):
    (text,) = re.findall(r'<script type="application/json" data-part="film">(.*?)</script>', page, re.DOTALL)
    return json.loads(text)


def svg_of(page):
    (text,) = re.findall(r'<div class="figure".*?>\s*(<svg.*?</svg>)', page, re.DOTALL)
    return minidom.parseString(text)


def drawn(page, kind):
    """The ids of nodes or edges in the figure."""
    return [g.getAttribute("id") for g in svg_of(page).getElementsByTagName("g") if g.getAttribute("class") == kind]


def sizes_of(film, value="all"):
    (choice,) = (choice for choice in film["choices"] if choice["value"] == value)
    return dict(zip(film["ids"], choice["sizes"], strict=True)), choice


def steps_of(ids, role="h"):
    return sorted(int(id[len(role) :]) for id in ids if re.fullmatch(rf"{role}\d+", id))


# -- the numbers ------------------------------------------------------------------------------------------------------


@kinds
@pytest.mark.parametrize("batch", [(), (3,)])
@pytest.mark.parametrize("forced", [False, True])
def test_every_number_is_derived_by_hand(kind, batch, forced):
    """For Σ C and for each C_t alone: circles, arrows, taps, and the sums that grow along the buses."""
    T, (xs, targets), forced = 4, data(4, batch), forced and "R" in kind
    model = network(kind)
    run = unroll(model, Tensor(xs, requires_grad=True), targets, teacher_forcing=forced)
    film = film_of(animate(run).html)
    assert [choice["value"] for choice in film["choices"]] == ["all", "1", "2", "3", "4"]
    p = model.state_dict()
    trace = handmade.feed_forward(p, xs, targets, forced=forced)
    for value, weights in {"all": np.ones(T), **{str(t + 1): np.eye(T)[t] for t in range(T)}}.items():
        back = handmade.propagate_back(trace, weights)
        dx, dz, dh, do, dy = (back.deltas[role] for role in ("x", "z", "h", "o", "y"))
        own = handmade.COST_SLOPES["squared_error"](targets, trace.y) * weights.reshape(-1, *[1] * (targets.ndim - 1))
        terms = handmade.contributions(trace, back)
        found, choice = sizes_of(film, value)
        expected = {f"{role}0": gradient for role, gradient in back.initial.items()}
        expected |= back.parameters
        arrays = dict(expected)
        for t in range(1, T + 1):
            i = t - 1
            arrays |= {f"x{t}": dx[i], f"z{t}": dz[i], f"h{t}": dh[i], f"y{t}": dy[i], f"C{t}": weights[i]}
            expected |= arrays
            expected |= {f"x{t}--z{t}": dx[i], f"z{t}--h{t}": dz[i], f"h{t}--y{t}": do[i] @ p["V"]}
            expected |= {f"y{t}--C{t}": own[i]}
            expected |= {f"h{t - 1}--z{t}": dz[i] @ p["W"]} if "W" in kind else {}
            expected |= {f"y{t - 1}--z{t}": dz[i] @ p["R"]} if "R" in kind and (t == 1 or not forced) else {}
            for name in p:
                at = f"{name}_{'y' if name in 'Vc' else 'z'}"
                before = name if t == 1 else f"{at}{t - 1}"
                expected[f"{before}--{at}{t}"] = terms[name][i:].sum(axis=0)
                taps = [id for id in found if id.startswith(f"{at}{t}") and not id.endswith(f"--{at}{t + 1}")]
                assert len(taps) >= 1
                expected |= dict.fromkeys(taps, terms[name][i])
        aside = {id for id in found if "target" in id}
        assert found.keys() - aside == expected.keys()
        assert all(found[id] is None for id in aside)
        assert bool(aside) == forced
        for id, gradient in expected.items():
            assert found[id] == pytest.approx(rms(gradient), rel=1e-5, abs=1e-15), (value, id)
            assert (found[id] == 0) == (not np.any(gradient)), (value, id)
        assert choice["first"].keys() == arrays.keys()
        for id, gradient in arrays.items():
            assert choice["first"][id] == pytest.approx(np.ravel(gradient)[:FIRST], rel=1e-3, abs=1e-15), (value, id)


def test_values_are_told():
    run = example("W", batch=(2,))
    about = film_of(animate(run).html)["about"]
    for t in range(1, 5):
        for role in ("x", "z", "h", "y", "C"):
            values = run[role][t - 1].data
            told = about[f"{role}{t}"]
            assert told["value"]["first"] == pytest.approx(np.ravel(values)[:FIRST], rel=1e-3)
            assert told["value"]["rms"] == pytest.approx(rms(values), rel=1e-5)
            assert told["count"] == values.size
            assert str(values.shape) in told["facts"]
    assert about["W"]["kind"] == "parameter"
    assert about["W"]["value"]["rms"] == pytest.approx(rms(run.model.W.data), rel=1e-5)


def test_the_scale_covers_all_choices_but_not_what_has_vanished():
    film = film_of(animate(example("W", T=5)).html)
    positive = [size for choice in film["choices"] for size in choice["sizes"] if size]
    assert film["scale"]["low"] <= min(positive) <= max(positive) <= film["scale"]["high"]
    assert not film["scale"]["clipped"]
    run = unroll(network("W", radius=0.1), *data(12))
    scale = film_of(animate(run).html)["scale"]
    assert scale["low"] == pytest.approx(scale["high"] * 1e-8)
    assert scale["clipped"]


def test_animating_leaves_gradients_alone():
    run = example("WR")
    animate(run)
    assert all(parameter.grad is None for parameter in run.model.parameters().values())
    assert all(tensor.grad is None for tensor in run.carried[0].values())


def test_gradients_that_are_not_finite_are_told_in_json():
    with np.errstate(all="ignore"):
        run = unroll(network("W", f="identity", radius=1e200), *data(4))
        film = film_of(animate(run).html)
    told = {size for choice in film["choices"] for size in choice["sizes"] if isinstance(size, str)}
    assert told
    assert told <= {"nan", "inf"}


# -- the order --------------------------------------------------------------------------------------------------------


def frames_of(film, direction):
    return [frame for frame in film["frames"] if frame["pass"] == direction]


def test_circles_light_up_as_they_were_computed_and_back():
    film = film_of(animate(example(T=3)).html)
    assert [frame["pass"] for frame in film["frames"]] == (
        ["start"] + 16 * ["forward"] + ["turn"] + 13 * ["backward"] + ["end"]
    )
    order = ["h0"] + [f"{role}{t}" for t in (1, 2, 3) for role in "xzhyC"]
    assert [frame["id"] for frame in frames_of(film, "forward")] == order
    asked = [id for id in reversed(order) if not id.startswith("x")]  # nobody asked for the gradient of the inputs
    assert [frame["id"] for frame in frames_of(film, "backward")] == asked


@kinds
@pytest.mark.parametrize("T", [1, 4, 20])
@pytest.mark.parametrize("forced", [False, True])
def test_everything_that_is_drawn_lights_up_once_each_way(kind, T, forced):
    page = animate(example(kind, T, teacher_forcing=forced and "R" in kind)).html
    film = film_of(page)
    edges = [id for id in drawn(page, "edge") if not id.startswith(("folded_", "loop_"))]
    nodes = drawn(page, "node")
    assert len(edges) == len(set(edges))
    assert len(nodes) == len(set(nodes))
    circles = {id for id, about in film["about"].items() if about.get("kind") not in (None, "parameter")}
    for direction in ("forward", "backward"):
        lit = Counter(id for frame in frames_of(film, direction) for id in frame["lights"])
        assert lit == Counter(edges)
    assert {frame["id"] for frame in frames_of(film, "forward")} - {"gap"} == circles
    asked = set(film["choices"][0]["first"])
    assert {frame["id"] for frame in frames_of(film, "backward")} - {"gap"} == circles & asked
    assert set(film["ids"]) == circles | set(edges) | set(network(kind).parameters())
    assert set(film["ids"]) == set(film["about"]) <= set(edges) | set(nodes)


@kinds
def test_an_arrow_lights_up_with_the_circle_that_it_leads_to(kind):
    """A piece of a bus does so with the step whose contribution it takes up, on its way to the parameter."""
    film = film_of(animate(example(kind)).html)
    for direction in ("forward", "backward"):
        for frame in frames_of(film, direction):
            for edge in frame["lights"]:
                _, target = edge.split("--")
                assert re.fullmatch(rf"(\w+_)?{frame['id']}(_bend)?", target), (frame["id"], edge)
    for name in network(kind).parameters():
        sums = [frame["sums"][name] for frame in frames_of(film, "backward") if name in frame["sums"]]
        at = f"{name}_{'y' if name in 'Vc' else 'z'}"
        assert sums == [*(f"{at}{t - 1}--{at}{t}" for t in (4, 3, 2)), f"{name}--{at}1"]


def test_what_is_said():
    film = film_of(animate(example("WR", T=20)).html)
    said = {
        (frame["pass"], frame["id"]): frame["text"] for d in ("forward", "backward") for frame in frames_of(film, d)
    }
    assert said["forward", "x2"] == "x₂ is given."
    assert said["forward", "h2"] == "h₂ is computed from z₂."
    assert re.match(r"z₂ is computed from .*h₁.*, with .*W.* and ", said["forward", "z2"])
    assert said["backward", "C20"] == "C₂₀ has its whole cotangent; it passes shares to y₂₀."
    assert re.match(
        r"z₂ has its whole cotangent; it passes shares to .* and adds to the gr.* of ", said["backward", "z2"]
    )
    assert "x₂" not in said["backward", "z2"]
    assert said["backward", "h0"] == "h₀ has its whole cotangent."
    assert said["forward", "gap"] == "14 steps in between, t = 4 … 17: computed likewise."


# -- many steps -------------------------------------------------------------------------------------------------------


def test_of_many_steps_only_those_drawn_are_told():
    page = animate(example("WR", T=100)).html
    film = film_of(page)
    shown = [1, 2, 3, 98, 99, 100]
    assert steps_of(film["ids"]) == [0, *shown]
    assert [choice["value"] for choice in film["choices"]] == ["all", *map(str, shown)]
    order = [frame["id"] for frame in frames_of(film, "forward")]
    assert order.index("C3") < order.index("gap") < order.index("x98")
    order = [frame["id"] for frame in frames_of(film, "backward")]
    assert order.index("z98") < order.index("gap") < order.index("C3")
    assert len(page) < 250_000


def test_what_the_gap_swallows_and_adds():
    run = example("WR", T=20)
    found, _ = sizes_of(film_of(animate(run).html))
    p = run.model.state_dict()
    trace = handmade.feed_forward(p, *data(20))
    back = handmade.propagate_back(trace)
    terms, dz = handmade.contributions(trace, back), back.deltas["z"]
    expected = {f"{name}_{'y' if name in 'Vc' else 'z'}3--{name}_gap": terms[name][3:].sum(axis=0) for name in p}
    expected |= {"h3--gap_h_in": dz[3] @ p["W"], "y3--gap_y_in": dz[3] @ p["R"]}  # towards t = 4
    expected |= {"gap_h_out--z18": dz[17] @ p["W"], "gap_y_out--z18": dz[17] @ p["R"]}  # from t = 17
    assert {id for id in found if re.search("gap", id)} == expected.keys() | {
        f"{name}_gap--{name}_{'y' if name in 'Vc' else 'z'}18" for name in p
    }
    for id, gradient in expected.items():
        assert found[id] == pytest.approx(rms(gradient), rel=1e-5), id


def test_the_change_across_the_gap_is_told_for_costs_beyond_it():
    run = example("W", T=100)
    film = film_of(animate(run).html)
    across = {choice["value"]: choice["across"] for choice in film["choices"]}
    assert [value for value, change in across.items() if change is not None] == ["98", "99", "100"]
    trace = handmade.feed_forward(run.model.state_dict(), *data(100))
    dh = handmade.propagate_back(trace, np.eye(100)[-1]).deltas["h"]
    assert across["100"] == pytest.approx(rms(dh[2]) / rms(dh[97]), rel=1e-5)


@pytest.mark.parametrize(
    ("T", "options", "values"),
    [
        (20, {"steps": "all"}, [1, 2, 3, 18, 19, 20]),
        (12, {}, range(1, 13)),
        (8, {"steps": "ends"}, [1, 2, 3, 6, 7, 8]),
        (4, {"costs": [4, 2, 4]}, [4, 2]),
        (4, {"costs": []}, []),
        (100, {"costs": [50]}, [50]),
    ],
)
def test_which_costs_can_be_chosen(T, options, values):
    film = film_of(animate(example(T=T), **options).html)
    assert [choice["value"] for choice in film["choices"]] == ["all", *map(str, values)]


def test_a_run_without_targets_can_be_animated():
    run = unroll(network("W"), data(3)[0])
    film = film_of(animate(run, np.sum(run["h"][-1])).html)
    assert [choice["value"] for choice in film["choices"]] == ["all"]
    assert sizes_of(film)[0]["h3"] == 1


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


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": "some"}, "steps='some'"),
        ({"costs": [1, 5]}, r"costs names \[5\], but the steps of this run are 1 ... 4"),
        ({"costs": [0]}, r"costs names \[0\]"),
    ],
)
def test_unknown_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        animate(example(), **options)


def test_a_run_without_a_cost_is_refused():
    run = unroll(network("W"), data(3)[0])
    with pytest.raises(ValueError, match="needs a cost: unroll with targets, or name a number with of="):
        animate(run)
    with pytest.raises(ValueError, match="the run has no costs: unroll it with targets"):
        animate(run, np.sum(run["h"][-1]), costs=[1])


def test_what_is_no_recorded_run_is_refused():
    with pytest.raises(TypeError, match="Tensor cannot be drawn unrolled"):
        animate(Tensor(1.0))
    with no_grad():
        run = example()
    with pytest.raises(ValueError, match="not recorded"):
        animate(run)


def test_without_graphviz_there_is_advice(monkeypatch):
    monkeypatch.setenv("MINIGRAD_DOT", "/no/such/dot")
    with pytest.raises(NoGraphvizError, match="does not exist: let it name Graphviz's dot"):
        animate(example())


# -- in a browser -----------------------------------------------------------------------------------------------------

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
in_a_browser = pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")


def look(path, tmp_path, fragment="", *options, seconds=2):
    """The page at ``path`` as Chromium sees it after some seconds of its own time."""
    command = [
        BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync",
        f"--user-data-dir={tmp_path / 'profile'}", "--window-size=1400,900", *options,
        f"--virtual-time-budget={1000 * seconds}", "--dump-dom", path.as_uri() + fragment,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, timeout=120, check=True)
    return done.stdout.decode("utf-8")


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
