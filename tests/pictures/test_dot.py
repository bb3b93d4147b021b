"""Which Graphviz is chosen, what happens when it fails, and what the pictures of the real ones show."""

import os
import re
import shutil
import struct
import sys
from importlib.util import find_spec
from pathlib import Path

import graphviz
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from minigrad.pictures import dot
from minigrad.pictures.dot import Digraph, GraphvizError, NoGraphvizError, find_graphviz, picture

SYSTEM_DOT = shutil.which("dot")
posix = pytest.mark.skipif(os.name != "posix", reason="a Graphviz faked by an executable script needs a POSIX system")
needs_pygraphviz = pytest.mark.skipif(find_spec("pygraphviz") is None, reason="pygraphviz is not installed")
needs_dot = pytest.mark.skipif(SYSTEM_DOT is None, reason="no Graphviz is installed: there is no dot on the PATH")

SVG = b'<svg width="72pt" height="36pt">drawn</svg>'


@pytest.fixture(autouse=True)
def nothing_installed(tmp_path, monkeypatch):
    """A machine without any Graphviz; the folder for pictures is empty."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "out").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("MINIGRAD_DOT", raising=False)
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    return tmp_path


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


@pytest.fixture
def fake(tmp_path):
    """Make an executable called ``name`` on the PATH out of a few lines of Python."""

    def make(body, name="dot", folder="bin"):
        script = tmp_path / folder / name
        script.write_text(f"#!{sys.executable}\nimport os, sys, time\n{body}\n")
        script.chmod(0o755)
        return script

    return make


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


# -- the choice -------------------------------------------------------------------------------------------------------


@posix
def test_the_environment_goes_before_the_path_and_the_path_before_pygraphviz(fake, monkeypatch):
    monkeypatch.setitem(sys.modules, "pygraphviz", sys.modules[__name__])  # something that can be imported
    assert find_graphviz().name == "pygraphviz"
    on_path = fake("")
    assert find_graphviz() == (str(on_path), (str(on_path),))
    wanted = fake("", name="my-dot", folder="out")
    monkeypatch.setenv("MINIGRAD_DOT", str(wanted))
    assert find_graphviz() == (str(wanted), (str(wanted),))
    monkeypatch.setenv("MINIGRAD_DOT", "")
    assert find_graphviz().name == str(on_path)


@posix
def test_the_environment_may_name_a_command_on_the_path(fake, monkeypatch):
    wanted = fake("", name="dot-14")
    monkeypatch.setenv("MINIGRAD_DOT", "dot-14")
    assert find_graphviz().name == str(wanted)


@posix
def test_an_environment_that_names_nothing_is_an_error_not_ignored(fake, monkeypatch, out):
    fake("sys.exit('must not be called')")
    monkeypatch.setenv("MINIGRAD_DOT", "/no/such/dot")
    with pytest.raises(NoGraphvizError, match=r"MINIGRAD_DOT names '/no/such/dot', which does not exist"):
        small().pipe("svg")
    (out / "text").write_text("not executable")
    monkeypatch.setenv("MINIGRAD_DOT", str(out / "text"))
    with pytest.raises(NoGraphvizError, match=r"text', which is not executable: .* unset it"):
        small().pipe("svg")


def test_without_graphviz_one_sentence_names_three_ways_out():
    with pytest.raises(NoGraphvizError) as caught:
        small().pipe("svg")
    message = str(caught.value)
    ways = ("install Graphviz", 'pip install ".[dot]" in a clone', "open the .dot file")
    assert all(way in message for way in ways)
    assert "\n" not in message and ". " not in message


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
    graph = Digraph(engine="neato", format="svg", body=["\tä -> ω\n"])
    assert graph.pipe(encoding="utf-8") == "-Kneato -Tsvg|" + graph.source.upper()
    assert graph.pipe("json", engine="circo").startswith(b"-Kcirco -Tjson|")


@posix
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(codec="utf-8")))
@example("ä\r\n\x00" + "x" * 200_000)
def test_the_text_reaches_graphviz_byte_for_byte(fake, text):
    fake("sys.stdout.buffer.write(b'|' + sys.stdin.buffer.read())")
    assert picture(text, "svg") == b"|" + text.encode("utf-8")


@posix
@pytest.mark.parametrize("name", ["a.svg", "a.PDF", "a.b.png"])
def test_render_writes_what_graphviz_drew_and_says_where(fake, out, name):
    fake(f"sys.stdout.buffer.write({SVG!r} + sys.argv[2].encode())")
    written = small().render(str(out / name))
    assert type(written) is type(Path()) and written == out / name
    assert written.read_bytes() == SVG + b"-T" + name.rpartition(".")[2].lower().encode()
    assert list(out.iterdir()) == [written]


@posix
def test_a_format_may_be_named_as_graphviz_does(fake, out):
    fake(f"sys.stdout.buffer.write({SVG!r} + sys.argv[2].encode())")
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
    with pytest.raises(ValueError, match=rf"has the suffix {suffix}, .*use \.svg \.png \.pdf \.eps \.dot \.gv"):
        small().render(out / name)
    assert list(out.iterdir()) == []


def test_a_missing_folder_is_told_before_anything_is_drawn(out):
    with pytest.raises(FileNotFoundError, match="there is no folder"):  # not NoGraphvizError
        small().render(out / "missing" / "a.svg")


@posix
def test_what_graphviz_prints_besides_a_picture_does_not_matter(fake):
    fake(f"print('Fontconfig warning: Error: none', file=sys.stderr); sys.stdout.buffer.write({SVG!r})")
    assert small().pipe("svg") == SVG


@posix
@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("time.sleep(60)", r"dot was stopped after 0\.5 s .*allow more with timeout="),
        ("os.kill(os.getpid(), 9)", r"dot crashed \(signal 9\) on drawing svg"),
        ("sys.stdout.write('half'); sys.exit('oh dear\\nline 2')", r"failed \(exit 1\).*said:\noh dear\nline 2$"),
        ("sys.stdout.write('half'); sys.stderr.write('Warning: x\\nError: y')", r"said:\nWarning: x\nError: y$"),
        ("sys.stderr.buffer.write(b'\\xff\\n' * 1000); sys.exit(3)", r"failed \(exit 3\).*said:\n\ufffd(\n\ufffd){4}$"),
        ("pass", r"failed \(exit 0\).*it said nothing"),
    ],
    ids=["hangs", "crashes", "fails", "reports an error", "writes garbage", "draws nothing"],
)
def test_a_graphviz_that_fails_leaves_nothing(fake, out, body, message):
    fake(body)
    (out / "old.svg").write_text("old")
    for name in ("old.svg", "new.svg"):
        timeout = 0.5 if "sleep" in body else 60
        with pytest.raises(GraphvizError, match=re.compile(message, re.DOTALL)):
            small().render(out / name, timeout=timeout)
    assert [path.name for path in out.iterdir()] == ["old.svg"]
    assert (out / "old.svg").read_text() == "old"


@posix
def test_something_that_cannot_be_executed(out, monkeypatch):
    (out / "dot").write_bytes(b"\x00\x01 no program")
    (out / "dot").chmod(0o755)
    monkeypatch.setenv("MINIGRAD_DOT", str(out / "dot"))
    with pytest.raises(GraphvizError, match="could not be started"):
        small().pipe("svg")


@posix
def test_an_svg_that_is_none(fake):
    fake("print('hello')")
    with pytest.raises(GraphvizError, match="is it Graphviz's dot"):
        small().pipe("png")


@posix
@pytest.mark.parametrize("format", ["png", "PNG", "jpeg"])
@pytest.mark.parametrize("size", [(24576, 10), (10, 24576), (7600, 7600)], ids=["wide", "high", "large"])
def test_a_bitmap_too_large_is_refused_before_it_is_painted(fake, out, size, format):
    width, height = size  # in points: 96/72 pixels each
    fake(f"""
if sys.argv[2] != "-Tsvg":
    open({str(out / "painted")!r}, "w")
sys.stdout.write('<svg width="{width}pt" height="{height}.00pt"')""")
    with pytest.raises(ValueError, match=rf"of {width * 4 / 3:.0f} x {height * 4 / 3:.0f} pixels .*render to \.svg"):
        small().pipe(format)
    assert list(out.iterdir()) == []
    assert small().pipe("svg") and small().pipe("pdf")


@posix
@pytest.mark.parametrize("size", [(24575, 10), (7500, 7500)], ids=["wide", "large"])
def test_a_bitmap_of_just_the_limit_is_drawn(fake, size):
    fake(f"""sys.stdout.write('<svg width="%dpt" height="%dpt"' % {size})""")
    assert small().pipe("png")


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
    assert set(bundle) == {"image/svg+xml"} and "h₁" in bundle["image/svg+xml"]
    both = pinned()._repr_mimebundle_(include=["image/png", "image/jpeg"])
    assert both["image/png"][:4] == b"\x89PNG" and both["image/jpeg"][:2] == b"\xff\xd8"


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


@needs_pygraphviz
def test_a_pygraphviz_that_cannot_be_imported_says_so(fake, out, monkeypatch):
    monkeypatch.delitem(sys.modules, "pygraphviz")
    (out / "pygraphviz.py").write_text("raise ImportError('libcgraph.so.8: not found')")
    monkeypatch.setenv("PYTHONPATH", str(out))
    with pytest.raises(GraphvizError, match=r"pygraphviz failed.*\nImportError: libcgraph\.so\.8: not found$"):
        small().pipe("svg")


@needs_pygraphviz
def test_files_in_the_current_folder_are_not_mistaken_for_modules(out, monkeypatch):
    monkeypatch.delitem(sys.modules, "pygraphviz")
    monkeypatch.delenv("PYTHONPATH", raising=False)  # it may contain the current folder
    (out / "random.py").write_text("raise SystemExit('the wrong random')")
    monkeypatch.chdir(out)
    assert b"<svg" in small().pipe("svg")


@needs_pygraphviz
def test_pygraphviz_too_is_stopped(monkeypatch, out):
    monkeypatch.delitem(sys.modules, "pygraphviz")
    with pytest.raises(GraphvizError, match=r"pygraphviz was stopped after 0\.001 s"):
        small().render(out / "a.svg", timeout=0.001)
    assert list(out.iterdir()) == []
