"""The figure in the width of a column: as wide as asked, readable, without a false line, and telling the same."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.pictures.paper import PRESETS, UNITS, width_of
from minigrad.rnn.bidirectional import Bidirectional
from minigrad.rnn.cells import LRU, RNN
from minigrad.rnn.figure.attribution import Figure
from minigrad.rnn.figure.compact import acted_on, passing
from minigrad.rnn.figure.drawing import draw
from minigrad.rnn.figure.wiring import Wiring
from minigrad.rnn.unrolling import unroll
from tests.rnn.figure.models import CELLS, Truncated, data, example, wired
from tests.rnn.figure.shapes import faults, nodes_of, rectangle
from tests.rnn.figure.sources import steps_shown

NIGHTLY = settings.default.max_examples if settings.default.max_examples > 100 else 0
MODELS = {
    **CELLS,
    "both ways": lambda: Bidirectional(RNN(2, 3), RNN(2, 3), n_out=3),
    "truncated": lambda: Truncated(2, 4, 3, every=2),
}


def viewport(picture):
    """Width, height and scale."""
    return [float(n) for n in re.search(r'viewport="([\d.]+),([\d.]+),([\d.]+)"', picture.source).groups()]


def sizes_of_words(picture):
    """All sizes in which something is written, in points on paper."""
    source, (_, _, scale) = picture.source, viewport(picture)
    default = float(re.search(r"node \[fillcolor=white fontsize=([\d.]+) label", source)[1])
    return [
        scale * float(node.get("fontsize", default))
        for node in nodes_of(source).values()
        if node.get("label", '""') not in ("", '""')
    ]


def check(picture, width):
    """As wide as asked, all of it inside, words that can be read, nothing on anything else."""
    asked = width_of(width)
    wide, high, scale = viewport(picture)
    assert wide == pytest.approx(asked.points, abs=0.01)
    assert min(sizes_of_words(picture)) >= asked.text - 0.01
    boxes = [rectangle(node) for node in nodes_of(picture.source).values()]
    low, top = (f([centre + side * half for centre, half in boxes], axis=0) for f, side in ((np.min, -1), (np.max, 1)))
    assert np.all((top - low) * scale <= (wide + 0.01, high + 0.01))
    assert faults(picture) == []


def drawn(run, width, **options):
    """The picture, or at the least width that the error allows."""
    try:
        picture = draw(run, **options).for_width(width)
    except ValueError as error:
        least = re.search(r"wide, .* could not be drawn .*allow a width of ([\d.]+)in", str(error))[1]
        assert float(least) > width_of(width).points / 72
        width = f"{least}in" if width != "slide" else f"{float(least) * 72:g}pt"
        picture = draw(run, **options).for_width(width)
    check(picture, width)
    return picture


# -- any model, any width ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", PRESETS)
@pytest.mark.parametrize("name", MODELS)
def test_every_model_fits_every_width(name, width):
    for T in {"column": (1, 3, 30), "page": (30,), "slide": (3,)}[width]:
        run = unroll(MODELS[name](), *data(T)) if name != "without outputs" else unroll(MODELS[name](), data(T)[0])
        picture = drawn(run, width, color="gradient" if run.cost is not None else "none")
        labels = {part.key for part in picture.parts.values() if part.kind == "tap"}
        shown = set(steps_shown(picture.source, "x"))
        uses = {use for use in acted_on(Wiring.of_run(passing(run))) if use[1][1] in shown}
        assert labels == uses or "…" in picture.source


@settings(max_examples=NIGHTLY or 8)
@given(
    seed=st.integers(0, 2**32 - 1), T=st.integers(1, 9), forced=st.booleans(), n=st.integers(1, 5),
    length=st.floats(60, 900), unit=st.sampled_from(sorted(UNITS)), folded=st.booleans(), choose=st.data(),
)  # fmt: skip
def test_random_models_fit_random_widths(seed, T, forced, n, length, unit, folded, choose):
    steps = choose.draw(st.just("auto") | st.lists(st.integers(1, T), min_size=1, unique=True), label="steps")
    run = wired(n, seed, T, forced)
    picture = drawn(run, f"{length / UNITS[unit]:.3f}{unit}", steps=steps, folded=folded, color="none")
    if steps != "auto":
        assert steps_shown(picture.source, "y") == sorted(steps)


@pytest.mark.parametrize("options", [{"by": "cost"}, {"color": "value"}, {"color": "none"}])
def test_every_paint_fits(options):
    drawn(example(T=4), "column", **options)
    drawn(example("WR", T=4, teacher_forcing=True), "page", **options)


def test_it_is_as_wide_on_paper(real, tmp_path):
    for width in ("column", "86mm", "page", "slide"):
        points = width_of(width).points
        picture = draw(example("WR", T=20))
        svg = picture.render(tmp_path / "a.svg", width=width).read_text(encoding="utf-8")
        assert float(re.search(r'<svg width="([\d.]+)pt"', svg)[1]) == pytest.approx(points, abs=0.6)
        pdf = picture.render(tmp_path / "a.pdf", width=width).read_bytes()
        assert float(re.search(rb"/MediaBox \[ 0 0 (\d+)", pdf)[1]) == pytest.approx(points, abs=1.01)


def test_nothing_is_cut_off(real):
    """The outermost dots are white, and those beside them soon are not."""
    image = pytest.importorskip("PIL.Image", reason="Pillow, which reads the bitmap, is not installed")
    picture = draw(example("WR", T=20)).for_width("column")
    bitmap = image.open(io.BytesIO(picture.pipe("png"))).convert("L").point(lambda grey: 255 * (grey < 200))
    left, top, right, bottom = bitmap.getbbox()
    for margin in (left, top, bitmap.width - right, bitmap.height - bottom):
        assert 0 < margin <= 12


# -- how much is shown ------------------------------------------------------------------------------------------------


def test_wider_shows_more():
    run, shown = example(T=40), []
    for inches in (2, 3.4, 5, 7, 14):
        steps = steps_shown(drawn(run, f"{inches}in").source)
        assert steps[-1] == 40 and (steps[0] == 1 or len(steps) == 1)
        shown.append(len(steps))
    assert shown == sorted(shown) and shown[0] < 3 < shown[-1]


def test_the_folded_half_is_there_if_there_is_room():
    assert "folded_h" in drawn(example(T=3), "column").source
    assert "folded_h" not in drawn(example(T=3), "column", folded=False).source
    assert "folded_h" not in drawn(example(T=40), "column").source
    assert "folded_h" in drawn(example(T=40), "page").source


def test_steps_that_were_named_are_drawn_or_refused():
    picture = draw(example(T=40), steps=[3, 4, 30])
    assert steps_shown(drawn(example(T=40), "page", steps=[3, 4, 30]).source) == [3, 4, 30]
    with pytest.raises(
        ValueError, match=r"^1\.5in wide, the 3 steps that were named could not .* or name fewer steps$"
    ):
        picture.for_width("1.5in")
    with pytest.raises(ValueError, match=r"^20mm wide, a single step could not be drawn .* allow a width of [\d.]+in$"):
        draw(example(T=40)).for_width("20mm")


def test_what_was_laid_out_can_be_laid_out_again():
    column = draw(example(T=9)).for_width("column")
    assert column.for_width("page").source == draw(example(T=9)).for_width("page").source
    assert column.for_width("column").source == column.source


# -- that it tells the same -------------------------------------------------------------------------------------------


@settings(max_examples=20)
@given(T=st.integers(1, 5), kind=st.sampled_from(["W", "R", "WR"]))
def test_colours_are_those_of_the_whole_figure(T, kind):
    run = example(kind, T=T)
    short = passing(run)
    whole, part = Figure.of_run(run, run.cost), Figure.of_run(short, run.cost)
    assert all(part.sizes[place] == pytest.approx(whole.sizes[place]) for place in part.sizes)
    through = {"z": "h" if "W" in kind or "z" not in short.steps[0] else "z"}
    for (name, (role, t)), size in whole.taps.items():
        assert part.taps[name, (through.get(role, role), t)] == pytest.approx(size)
    for (source, (role, t)), size in whole.connections.items():
        if source[0] != "z":
            assert part.connections[source, (through.get(role, role), t)] == pytest.approx(size, nan_ok=True)


def test_a_label_is_coloured_as_its_share():
    run = example(T=3)
    picture, figure = draw(run).for_width("column"), Figure.of_run(run, run.cost)
    chips = {id: part for id, part in picture.parts.items() if part.kind == "tap"}
    assert {part.key[0] for part in chips.values()} == {"W", "U", "b", "V", "c"} and len(chips) == 15
    nodes = nodes_of(picture.source)
    for id, part in chips.items():
        name, (role, t) = part.key
        size = figure.taps[name, ("z" if role == "h" else role, t)]
        assert nodes[id]["label"] == name
        assert f"gradient rms {size:.3g}" in nodes[id]["tooltip"]


def test_a_label_stands_at_the_arrow_that_it_acts_on():
    def arrows(model, t=2):
        found = acted_on(Wiring.of_run(passing(unroll(model, *data(3)))))
        return {name: [(s[0], e[0]) for s, e in arrows] for (name, place), arrows in found.items() if place[1] == t}

    assert arrows(RNN(2, 4, 3)) == {
        "W": [("h", "h")], "U": [("x", "h")], "b": [("x", "h")], "V": [("h", "y")], "c": [("h", "y")]
    }  # fmt: skip
    assert arrows(LRU(2, 4, 3))["D"] == [("x", "y")]


def test_labels_are_nearest_to_their_arrow():
    picture = draw(unroll(RNN(2, 4, 3), *data(3))).for_width("column")
    nodes = nodes_of(picture.source)
    centres = {id: rectangle(node)[0] for id, node in nodes.items()}
    for t in (1, 2, 3):
        assert abs(centres[f"W_h{t}"][1] - centres[f"h{t}"][1]) < 20
        assert centres[f"x{t}"][1] < centres[f"U_h{t}"][1] < centres[f"h{t}"][1] < centres[f"V_y{t}"][1]


# -- what leads out of the steps --------------------------------------------------------------------------------------


def test_what_comes_from_elsewhere_is_told_in_a_column_too():
    """The label at a step tells that step's share; the whole gradient, most of it the penalty's, stands below."""
    run = example(T=3)
    of = run.cost + 100 * np.sum(run.model.W**2)
    figure = Figure.of_run(run, of)
    picture = drawn(run, "column", of=of)
    nodes = nodes_of(picture.source)
    assert nodes["W_elsewhere"]["label"] == "elsewhere"
    assert nodes["W_elsewhere"]["tooltip"].endswith(f"too: gradient rms {figure.elsewhere['W']:.3g}")
    assert f"gradient rms {figure.parameters['W']:.3g}, {figure.elsewhere['W']:.3g} of" in nodes["W"]["tooltip"]
    assert {part.key for part in picture.parts.values() if part.kind == "elsewhere"} == {"W"}
    assert "elsewhere" not in drawn(example(T=3), "column").source
    for color in ("value", "none"):
        assert "W_elsewhere" in drawn(run, "column", of=of, color=color).source


def test_what_is_differentiated_is_drawn_in_a_column_too():
    """Beside every circle that it was made from, with the share that went straight there."""
    run = example(T=3)
    of = run["C"][0] + 3 * run["C"][2] + np.sum(run["h"][1] ** 2) + np.sum(run.carried[0]["h"])
    of.name = "loss"
    picture = drawn(run, "column", of=of)
    leading = {part.key: id for id, part in picture.parts.items() if part.kind == "ending"}
    assert leading == {place: f"{id}--of_{id}" for place, id in {
        ("h", 0): "h0", ("C", 1): "C1", ("h", 2): "h2", ("C", 3): "C3"
    }.items()}  # fmt: skip
    for place, size in Figure.of(Wiring.of_run(passing(run), of, ending=True), of).ends.items():
        assert re.search(rf'id="{leading[place]}".* tooltip="gradient rms {size:.3g}"', picture.source)
    assert nodes_of(picture.source)["of_h2"]["label"] == "loss"
    assert "of_" not in drawn(run, "column").source  # Σ C need not be told


@settings(max_examples=NIGHTLY or 8)
@given(seed=st.integers(0, 2**32 - 1), T=st.integers(1, 5), n=st.integers(1, 5), choose=st.data())
def test_random_models_show_all_that_is_differentiated(seed, T, n, choose):
    run = wired(n, seed, T)
    places = [(role, t) for t in range(1, T + 1) for role in run.model.roles] + [(role, 0) for role in run.carried[0]]
    chosen = choose.draw(st.lists(st.sampled_from(places), min_size=1, max_size=4, unique=True))
    tensors = [run.carried[0][role] if t == 0 else run.steps[t - 1][role] for role, t in chosen]
    of = sum((np.sum(tensor**2) for tensor in tensors), start=np.sum(run.steps[-1]["y"]))
    of.name = "L"
    for picture in (drawn(run, "page", of=of), drawn(run, "24in", of=of)):
        shown = {place for place, id in picture.parts.items() if id.kind == "place"}
        shown = {picture.parts[id].key for id in shown}
        ends = {part.key for part in picture.parts.values() if part.kind == "ending"}
        assert ends == ({*chosen} | {("y", T)}) & shown
