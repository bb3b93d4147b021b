"""How DOT text becomes files and bytes, and what the pictures of the real Graphviz show."""

import os
import re
import shutil
import struct
import sys
from importlib.util import find_spec
from pathlib import Path

import graphviz
import pytest

from minigrad.pictures import dot
from minigrad.pictures.dot import Digraph, GraphvizError, NoGraphvizError

SYSTEM_DOT = shutil.which("dot")
posix = pytest.mark.skipif(os.name != "posix", reason="a Graphviz faked by an executable script needs a POSIX system")
needs_pygraphviz = pytest.mark.skipif(find_spec("pygraphviz") is None, reason="pygraphviz is not installed")
needs_dot = pytest.mark.skipif(SYSTEM_DOT is None, reason="no Graphviz is installed: there is no dot on the PATH")

SVG = b'<svg width="72pt" height="36pt">drawn</svg>'
PICTURES = {"svg": SVG, "png": b"\x89PNG ...", "pdf": b"%PDF ..."}
PAINTED = f"sys.stdout.buffer.write({PICTURES!r}[sys.argv[2][2:]])"
pytestmark = pytest.mark.usefixtures("nothing_installed")


@pytest.fixture(params=[pytest.param("pygraphviz", marks=needs_pygraphviz), pytest.param("dot", marks=needs_dot)])
def real(request, monkeypatch):
    """Each Graphviz that this machine really has."""
    if request.param == "dot":
        monkeypatch.setenv("MINIGRAD_DOT", SYSTEM_DOT)
    else:
        monkeypatch.delitem(sys.modules, "pygraphviz")
    return request.param


def small():
    graph = Digraph()
    graph.edge("x", "y")
    return graph


def pinned():
    """What the unrolled figure consists of: pinned nodes, some without a label of their own, and a pinned cluster."""
    graph = Digraph(graph_attr={"layout": "nop", "splines": "line", "outputorder": "edgesfirst"})
    graph.attr("node", fixedsize="true", shape="circle", style="filled", width="0.5", height="0.5")
    with graph.subgraph(name="cluster_t1") as box:
        frame = {"bb": "-30,-30,130,100", "lp": "50,90", "lwidth": "0.5", "lheight": "0.2"}
        box.attr(label="t = 1", style="rounded,filled", fillcolor="#0000ff", **frame)
        box.node("h", label="h₁", pos="0,0", fillcolor="#ff0000", tooltip="h₁ = tanh(z₁), |∂C| = 2e-3")
        box.node("plain", pos="100,40", shape="box")
    graph.edge("h", "plain", style="dashed", tooltip="∂C/∂h")
    return graph


@pytest.mark.parametrize("name", ["graph.svg", "graph.png", "graph.pdf"])
def test_without_graphviz_the_dot_text_is_written_beside(out, name):
    with pytest.raises(NoGraphvizError, match=r"install Graphviz.*; the DOT text is now in .*graph\.dot$"):
        small().render(out / name)
    assert [path.name for path in out.iterdir()] == ["graph.dot"]
    assert (out / "graph.dot").read_text() == small().source


# -- calling it -------------------------------------------------------------------------------------------------------


@posix
def test_it_is_asked_as_dot_is(fake):
    fake("sys.stdout.write(' '.join(sys.argv[1:]) + '|' + sys.stdin.buffer.read().decode('utf-8').upper())")
    graph = Digraph(engine="neato", format="json", body=["\tä -> ω\n"])
    assert graph.pipe(encoding="utf-8") == "-Kneato -Tjson|" + graph.source.upper()
    assert graph.pipe("xdot", engine="circo").startswith(b"-Kcirco -Txdot|")


@posix
@pytest.mark.parametrize("name", ["a.svg", "a.PDF", "a.b.png"])
def test_render_writes_what_graphviz_drew_and_says_where(fake, out, name):
    fake(PAINTED)
    written = small().render(str(out / name))
    assert type(written) is type(Path()) and written == out / name
    assert written.read_bytes() == PICTURES[name.rpartition(".")[2].lower()]
    assert list(out.iterdir()) == [written]


@posix
def test_a_format_may_be_named_as_graphviz_does(fake, out):
    fake(PAINTED)
    assert small().render(out / "rnn", format="svg") == out / "rnn.svg"
    assert small().render(out / "rnn.png", "png") == out / "rnn.png"
    assert small().render(out / "v1.2", "pdf") == out / "v1.2.pdf"


@pytest.mark.parametrize("name", ["a.dot", "a.gv", "a.DOT"])
def test_dot_text_needs_no_graphviz(out, name):
    assert small().render(out / name) == out / name
    assert (out / name).read_text() == small().source


def test_save_writes_the_dot_text(out, monkeypatch):
    assert small().save(out / "any.thing") == out / "any.thing"
    assert (out / "any.thing").read_text() == small().source
    monkeypatch.chdir(out)
    assert small().save() == Path("Digraph.gv")
    assert Digraph("name", directory=out).save() == out / "name.gv"


@pytest.mark.parametrize("name", ["a", "a.xyz", "a.svg.", ".svg"])
def test_an_unknown_suffix_names_the_known_ones(out, name):
    suffix = re.escape(repr(Path(name).suffix))
    with pytest.raises(ValueError, match=rf"has the suffix {suffix}, .*use \.svg \.png \.pdf \.eps \.tex \.dot \.gv"):
        small().render(out / name)
    assert list(out.iterdir()) == []


def test_a_missing_folder_is_told_before_anything_is_drawn(out):
    with pytest.raises(FileNotFoundError, match="there is no folder"):  # not NoGraphvizError
        small().render(out / "missing" / "a.svg")


@posix
def test_a_graphviz_that_fails_leaves_nothing(fake, out):
    fake("sys.exit('oh dear')")
    (out / "old.svg").write_text("old")
    for name in ("old.svg", "new.svg"):
        with pytest.raises(GraphvizError, match="oh dear"):
            small().render(out / name)
    assert [path.name for path in out.iterdir()] == ["old.svg"]
    assert (out / "old.svg").read_text() == "old"


@posix
def test_an_svg_without_a_size(fake):
    fake("print('<svg></svg>')")
    with pytest.raises(GraphvizError, match="an SVG without a size"):
        small().pipe("png")


@posix
@pytest.mark.parametrize("format", ["png", "PNG", "jpeg"])
@pytest.mark.parametrize("size", [(24576, 10), (10, 24576), (7600, 7600)], ids=["wide", "high", "large"])
def test_a_bitmap_too_large_is_refused_before_it_is_painted(fake, out, size, format):
    width, height = size  # in points: 96/72 pixels each
    fake(f"""
if sys.argv[2] != "-Tsvg":
    open({str(out / "painted")!r}, "w")
sys.stdout.write('<svg width="{width}pt" height="{height}.00pt"></svg>')""")
    with pytest.raises(ValueError, match=rf"of {width * 4 / 3:.0f} x {height * 4 / 3:.0f} pixels .*render to \.svg"):
        small().pipe(format)
    assert list(out.iterdir()) == []
    assert small().pipe("svg") and small().pipe("json")


@posix
@pytest.mark.parametrize("size", [(24575, 10), (7500, 7500)], ids=["wide", "large"])
def test_a_bitmap_of_just_the_limit_is_drawn(fake, size):
    svg = b'<svg width="%dpt" height="%dpt"></svg>' % size
    fake(f"sys.stdout.buffer.write({dict(PICTURES, svg=svg)!r}[sys.argv[2][2:]])")
    assert small().pipe("png") == PICTURES["png"]


@posix
def test_view_opens_a_picture(fake, monkeypatch, out):
    fake(f"sys.stdout.buffer.write({SVG!r})")
    monkeypatch.setattr(dot.tempfile, "tempdir", str(out))
    opened = []
    monkeypatch.setattr(graphviz, "view", opened.append)
    path = small().view()
    assert opened == [path] and path.suffix == ".svg" and path.read_bytes() == SVG


# -- the pictures -----------------------------------------------------------------------------------------------------


def circle(svg):
    """The centres of the circles in an SVG."""
    return [tuple(map(float, c)) for c in re.findall(r'<ellipse [^>]*cx="([-\d.]+)" cy="([-\d.]+)"', svg)]


def test_a_pinned_picture_keeps_everything(real):
    svg = pinned().pipe("svg", encoding="utf-8")
    assert re.findall(r"<text [^>]*>([^<]*)</text>", svg) == ["t = 1", "h₁", "plain"]
    titles = re.findall(r'xlink:title="([^"]*)"', svg.replace("&#45;", "-"))
    assert "h₁ = tanh(z₁), |∂C| = 2e-3" in titles and "∂C/∂h" in titles
    ((x, y),) = circle(svg)
    box = re.search(r'<polygon fill="lightgrey"[^>]*points="([^"]*)"', svg)
    corners = [tuple(map(float, corner.split(","))) for corner in box[1].split()]
    xs, ys = zip(*corners, strict=True)
    assert (max(xs) + min(xs)) / 2 == pytest.approx(x + 100) and (max(ys) + min(ys)) / 2 == pytest.approx(y - 40)
    assert max(xs) - min(xs) == pytest.approx(36)  # 0.5 inches: not widened for its label
    (cluster,) = re.findall(r'<g id="clust1" class="cluster">(.*?)</g>\n', svg, re.DOTALL)
    numbers = list(map(float, re.findall(r"-?\d+(?:\.\d+)?", re.search(r' d="([^"]*)"', cluster)[1])))
    assert (min(numbers[::2]), max(numbers[::2])) == pytest.approx((x - 30, x + 130))
    assert (min(numbers[1::2]), max(numbers[1::2])) == pytest.approx((y - 100, y + 30))
    (edge,) = re.findall(r'<path [^>]*stroke-dasharray[^>]* d="M([^"]*)"', svg)
    (x0, y0), *_, (x1, y1) = [tuple(map(float, p.split(","))) for p in re.split("[C ]", edge)]
    assert (y1 - y0) / (x1 - x0) == pytest.approx(-0.4, abs=0.01)  # straight from centre to centre


def test_the_first_label_does_not_cost_the_others_theirs(real):
    graph = Digraph(body=['\ta [label="first"]\n', "\ta -> b -> c\n"])
    svg = graph.pipe("svg", encoding="utf-8")
    assert re.findall(r"<text [^>]*>([^<]*)</text>", svg) == ["first", "b", "c"]


def test_parallel_edges_are_kept(real):
    svg = Digraph(body=["\tx -> y\n", "\tx -> y\n"]).pipe("svg", encoding="utf-8")
    assert svg.count('class="edge"') == 2


def test_a_picture_is_the_same_every_time(real, out):
    first, second = (pinned().render(out / f"{i}.svg").read_bytes() for i in range(2))
    assert first == second


def test_bitmaps_are_painted(real, out):
    image = pytest.importorskip("PIL.Image", reason="Pillow, which reads the bitmap, is not installed")
    svg = pinned().pipe("svg", encoding="utf-8")
    points = [float(n) for n in re.search(r'<svg width="([\d.]+)pt" height="([\d.]+)pt"', svg).groups()]
    data = pinned().pipe("png")
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", data[16:24]) == pytest.approx([n * 4 / 3 for n in points], abs=1)
    with image.open(pinned().render(out / "a.png")) as bitmap:
        colors = {color: count for count, color in bitmap.convert("RGB").getcolors(1 << 20)}
    red, blue = colors[255, 0, 0], colors[0, 0, 255]
    assert 0.8 < red / (3.1416 * 24**2) < 1  # a circle half an inch wide, less its line and its label
    assert 0.6 < blue / (160 * 130 * 16 / 9) < 0.9  # the cluster, less the two nodes
    assert colors[0, 0, 0] > 100  # letters and lines


def test_a_pdf_is_one(real, out):
    data = pinned().render(out / "a.pdf").read_bytes()
    assert data.startswith(b"%PDF-") and data.rstrip().endswith(b"%%EOF")


def test_a_notebook_shows_svg(real):
    bundle = pinned()._repr_mimebundle_()
    assert set(bundle) == {"text/html", "image/svg+xml"} and all("h₁" in each for each in bundle.values())
    assert bundle["image/svg+xml"] == pinned().pipe("svg", encoding="utf-8")
    assert set(pinned()._repr_mimebundle_(exclude=["text/html"])) == {"image/svg+xml"}
    both = pinned()._repr_mimebundle_(include=["image/png", "image/jpeg"])
    assert both["image/png"][:4] == b"\x89PNG" and both["image/jpeg"][:2] == b"\xff\xd8"


def test_without_graphviz_a_notebook_shows_why():
    bundle = pinned()._repr_mimebundle_()
    assert bundle["text/html"].startswith("<p>there is no Graphviz") and "install Graphviz" in bundle["text/plain"]


def test_a_pinned_picture_too_wide_for_a_bitmap_is_drawn_as_svg(real, out):
    graph = pinned()
    graph.node("far", pos="30000,0")
    with pytest.raises(ValueError, match=r"pixels was asked for.*\.svg"):
        graph.render(out / "wide.png")
    assert graph.render(out / "wide.svg").stat().st_size > 0
    assert [path.name for path in out.iterdir()] == ["wide.svg"]


@pytest.mark.parametrize(
    ("line", "format", "message"),
    [
        ("\ta -> \n", "svg", "syntax error in line 3"),
        ("\ta -> b\n", "no-format", "not recognized"),
        ('\tlayout=nop a [pos="0,0"] a -> b\n', "svg", "has no position"),
    ],
    ids=["syntax", "format", "half pinned"],
)
def test_what_graphviz_reports_is_shown(real, line, format, message):
    with pytest.raises(GraphvizError, match=message):
        Digraph(body=[line]).pipe(format)
