"""Pictures for paper and slide: as wide as asked, with text that can be read, in the font that is named."""

from __future__ import annotations

import io
import re
import shutil
import struct
import subprocess

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.engine.tensor import Tensor
from minigrad.pictures.dot import Digraph, picture
from minigrad.pictures.operations import draw
from minigrad.pictures.paper import PRESETS, READABLE, in_font, width_of, with_attributes
from minigrad.pictures.style import TIGHT


def size_of(svg):
    return [float(n) for n in re.search(r'<svg width="([\d.]+)pt" height="([\d.]+)pt"', svg).groups()]


def texts_of(svg):
    """The sizes of all words as they are printed: what they are set in, times the scale of the picture."""
    scale = re.search(r'<g id="graph0"[^>]*transform="scale\(([\d.]+)', svg)
    return [float(scale[1] if scale else 1) * float(size) for size in re.findall(r'font-size="([\d.]+)"', svg)]


def chain(n):
    """A picture whose width grows with n."""
    y = x = Tensor([1.0, 2.0], requires_grad=True, name="x")
    for _ in range(n):
        y = np.tanh(y)
    return draw(np.sum(y * x))


# -- widths -----------------------------------------------------------------------------------------------------------


@given(st.floats(0.1, 1000), st.sampled_from([("in", 72.0), ("pt", 1.0), ("cm", 72 / 2.54), ("mm", 72 / 25.4)]))
def test_a_length_is_a_number_and_its_unit(number, unit):
    name, points = unit
    for written in (f"{number}{name}", f" {number!r} {name.upper()} "):
        assert width_of(written)[:2] == (pytest.approx(number * points), READABLE)


def test_presets_are_widths():
    assert {name: (width.points, width.text) for name, width in PRESETS.items()} == {
        "column": (pytest.approx(244.8), 7),
        "page": (504, 7),
        "slide": (864, 14),
    }
    assert width_of("column") is PRESETS["column"]


@pytest.mark.parametrize("asked", ["3.4", "", "wide", "3.4 furlongs", "3..4in", "-3in", "0pt", "1e999in", "3.4in 2in"])
def test_what_is_no_width_is_refused(asked, tmp_path):
    with pytest.raises(ValueError, match=rf"width={re.escape(repr(asked))} is no width.*'3\.4in'.*column, page, slide"):
        chain(0).render(tmp_path / "a.svg", width=asked)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("asked", [3.4, 245, ("3.4", "in")])
def test_a_number_has_no_unit(asked):
    with pytest.raises(TypeError, match=rf"width={re.escape(repr(asked))} has no unit: write .*'3\.4in'"):
        width_of(asked)


@pytest.mark.parametrize("n", [0, 1, 5])
@pytest.mark.parametrize("width", ["3.4in", "page", "slide", "200mm"])
def test_a_picture_is_as_wide_as_asked_or_refused_and_its_text_can_be_read(real, tmp_path, n, width):
    asked = width_of(width)
    try:
        svg = chain(n).render(tmp_path / "a.svg", width=width).read_text(encoding="utf-8")
    except ValueError as error:
        found = re.search(r"would be ([\d.]+) pt and could not be read .* allow a width of ([\d.]+)in$", str(error))
        assert float(found[1]) <= asked.text and float(found[2]) > asked.points / 72
        svg = chain(n).render(tmp_path / "a.svg", width=f"{found[2]}in").read_text(encoding="utf-8")
        assert min(texts_of(svg)) >= READABLE - 0.02
        return
    assert size_of(svg)[0] == pytest.approx(asked.points, abs=0.6)
    assert asked.text - 0.02 <= min(texts_of(svg)) <= 1.5 * asked.text


def test_a_pdf_is_as_wide_as_asked_and_has_no_margin(real, tmp_path):
    for width in (None, "3.4in", "page"):
        path = chain(0).render(tmp_path / "a.pdf", width=width)
        box = re.search(rb"/MediaBox \[ 0 0 (\d+) (\d+) \]", path.read_bytes())
        svg = chain(0).render(tmp_path / "a.svg", width=width).read_text(encoding="utf-8")
        assert [float(n) for n in box.groups()] == pytest.approx(size_of(svg), abs=1.01)


def test_no_white_is_left_around_a_picture(real):
    image = pytest.importorskip("PIL.Image", reason="Pillow, which reads the bitmap, is not installed")
    for graph in (draw(Tensor(1.0, requires_grad=True) * 2, color="none"), Digraph(body=["\ta\n"], graph_attr=TIGHT)):
        bitmap = image.open(io.BytesIO(graph.pipe("png"))).convert("L").point(lambda grey: 255 * (grey < 250))
        left, top, right, bottom = bitmap.getbbox()
        assert max(left, top, bitmap.width - right, bitmap.height - bottom) <= 3


# -- fonts and dots ---------------------------------------------------------------------------------------------------


def test_fonts_are_embedded(real, tmp_path):
    tool = shutil.which("pdffonts", path="/usr/bin:/usr/local/bin")
    if tool is None:
        pytest.skip("pdffonts, which lists the fonts of a PDF, is not installed")
    path = chain(0).render(tmp_path / "a.pdf", width="3.4in", font="Helvetica")
    _, _, *fonts = subprocess.run([tool, path], capture_output=True, text=True, check=True).stdout.splitlines()
    assert fonts and all(re.search(r"\byes +yes\b", font) for font in fonts)


def test_eps_has_every_letter_and_no_margin(real, tmp_path):
    graph = Digraph(body=['\th [label="h₁ ỹ₂"]\n'], graph_attr={"margin": "0", "pad": "0"})
    text = graph.render(tmp_path / "a.eps").read_bytes()
    assert text.startswith(b"%!PS-Adobe-3.0 EPSF-3.0") and b"cairo" in text[:200]
    left, bottom, right, top = map(int, re.search(rb"%%BoundingBox: (\d+) (\d+) (\d+) (\d+)", text).groups())
    width, height = size_of(graph.pipe("svg", encoding="utf-8"))
    assert (left, right, bottom, top) == pytest.approx((0, width, 0, height), abs=14)


@given(st.text(st.characters(codec="utf-8"), max_size=30))
def test_words_stay_what_they_are_in_another_font(words):
    graph = Digraph(graph_attr={"fontname": "Arial"}, node_attr={"fontname": "Arial"})
    graph.node("a", f'fontname=Arial "fontname=Times" {words}', fontname="Times New Roman")
    source = in_font(graph.source, "Fira Sans")
    label = re.search(r'label="((?:[^"\\]|\\.)*)"', graph.source)[0]
    assert label in source
    assert set(re.findall(r'fontname=("[^"]*"|\w+)', source.replace(label, ""))) == {'"Fira Sans"'}


def test_a_font_is_used(real, tmp_path):
    for graph in (chain(0), Digraph(body=["\ta\n"])):
        svg = graph.render(tmp_path / "a.svg", font="Courier").read_text(encoding="utf-8")
        assert set(re.findall(r'font-family="([^",]*)', svg)) == {"Courier"}


@pytest.mark.parametrize("font", ["", "  ", 'a"b', "a\\b", "a\nb", 7])
def test_what_is_no_font_is_refused(font, tmp_path):
    with pytest.raises(ValueError, match=r"is no name of a font: name one .*'Helvetica'"):
        chain(0).render(tmp_path / "a.dot", font=font)
    assert list(tmp_path.iterdir()) == []


def test_dots_are_an_inch(real, tmp_path):
    def pixels(**options):
        return struct.unpack(">II", chain(0).render(tmp_path / "a.png", **options).read_bytes()[16:24])

    plain, fine = pixels(), pixels(dpi=192)
    assert fine == pytest.approx([2 * n for n in plain], abs=2)
    assert pixels(width="3.4in")[0] == pytest.approx(3.4 * 300, abs=3)
    assert pixels(width="3.4in", dpi=100)[0] == pytest.approx(340, abs=2)
    with pytest.raises(ValueError, match=r"pixels was asked for"):
        pixels(dpi=1e5)


@pytest.mark.parametrize("name", ["a.svg", "a.pdf", "a.eps", "a.dot"])
def test_dots_are_for_bitmaps(name, tmp_path):
    with pytest.raises(ValueError, match=r"dpi=300 told of a \.\w+ file, which has no dots: leave it, or render to"):
        chain(0).render(tmp_path / name, dpi=300)


@pytest.mark.parametrize("dpi", [0, -1, float("nan"), float("inf"), "300"])
def test_what_is_no_number_of_dots_is_refused(dpi, tmp_path):
    with pytest.raises(ValueError, match="is no number of dots an inch: give a positive one"):
        chain(0).render(tmp_path / "a.png", dpi=dpi)


def test_attributes_go_before_those_that_are_there(real):
    graph = Digraph(body=["\ta -> b\n"], graph_attr={"rankdir": "LR"})
    (width, height), (turned, high) = (
        size_of(picture(source, "svg").decode())
        for source in (graph.source, with_attributes(graph.source, rankdir="TB"))
    )
    assert width > height and turned < high
