"""The numbers in a worked example: that they are those of the run and its gradient, and fit into their circles."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.engine.tensor import Tensor
from minigrad.engine.walk import gradients
from minigrad.rnn.cells import LSTM, RNN
from minigrad.rnn.figure.drawing import draw
from minigrad.rnn.figure.numbers import FEW, IN_BOXES, LARGEST, LEAST, LINE, ZOOM, Numbers, largest, number, told, width
from minigrad.rnn.unrolling import unroll
from tests.rnn.figure.shapes import faults
from tests.rnn.figure.sources import place_of, statements


def example(n=1, T=3):
    rng = np.random.default_rng(0)
    return unroll(RNN(1, n, 1, rng=0), rng.normal(size=(T, 1)), rng.normal(size=(T, 1)))


@pytest.mark.parametrize("last", [False, True])
def test_every_circle_and_box_has_its_value_and_its_gradient(last):
    run = example()
    of = run["C"][-1] if last else run.cost
    picture = draw(run, of, numbers=True)
    nodes, _ = statements(picture.source)
    tensors = {f"{role}{t}": tensor for t, step in enumerate(run.steps, 1) for role, tensor in step.items()}
    tensors |= {"h0": run.carried[0]["h"]} | run.model.parameters()
    for id, tensor in tensors.items():
        name, value, *gradient = nodes[id]["label"].split("\\n")
        assert name[0] == id[0]
        assert value == number(tensor.data.item())
        assert gradient == ([f"∂ {number(gradients(of, [tensor])[0].item())}"] if tensor.requires_grad else [])
    assert nodes["legend_numbers"]["label"] == f"numbers: the values, and ∂ the gradient of {'C₃' if last else 'Σ C'}"


@pytest.mark.parametrize(
    ("options", "meaning"), [({"color": "none"}, ""), ({"by": "cost"}, ", and ∂ the gradient of Σ C")]
)
def test_without_gradients_there_are_the_values(options, meaning):
    nodes, _ = statements(draw(example(), numbers=True, **options).source)
    assert nodes["legend_numbers"]["label"] == "numbers: the values" + meaning
    assert ("∂" in nodes["h2"]["label"]) == bool(meaning)


@pytest.mark.parametrize("run", [example(2), unroll(LSTM(1, 2, 1), np.ones((2, 1)), np.ones((2, 1)))])
def test_the_figure_is_the_same_one_but_larger(run):
    plain, worked = (statements(draw(run, folded=False, numbers=numbers).source) for numbers in (False, True))
    for id, node in plain[0].items():
        if id in run.model.parameters() or id.startswith(("legend", "corner")):
            continue
        assert place_of(worked[0][id]) == pytest.approx([ZOOM * x for x in place_of(node)], abs=0.2)
        assert float(worked[0][id]["width"]) == pytest.approx(ZOOM * float(node["width"]), abs=0.002)
    assert worked[1].keys() == plain[1].keys()
    assert faults(draw(run, targets=True, numbers=True)) == []


@given(
    st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=3),
    st.sampled_from([30.0, 37.4]),
)
def test_lines_fit_into_their_circle(values, diameter):
    tensor = Tensor(np.array(values), requires_grad=True)
    numbers = Numbers([tensor], np.sum(tensor * 1e-5))
    words, size = numbers.in_circle("h₁₂", tensor, diameter)
    lines = words.split("\n")
    assert LEAST <= float(size) <= LARGEST
    assert len(lines) == 3
    whole = ["h₁₂", told(values), f"∂ {told(np.full(len(values), 1e-5))}"]
    if largest(whole, diameter) >= LEAST:
        assert lines == whole
    for k, line in enumerate(lines):
        corner = np.hypot(width(line) / 2, LINE * (abs(k - 1) + 0.4)) * float(size)
        assert corner <= diameter / 2 + 0.1 or "rms" in words


def test_boxes_are_as_wide_as_their_numbers():
    nodes, _ = statements(draw(example(2), numbers=True).source)
    assert nodes["W"]["label"].count(";") == 2
    wide = max(map(width, nodes["W"]["label"].split("\\n"))) * IN_BOXES * ZOOM
    assert float(nodes["W"]["width"]) * 72 > wide + 10


@pytest.mark.parametrize(
    ("value", "written"),
    [
        *((0.0, "0"), (-0.0, "0"), (1.23456, "1.23"), (-0.00012345, "−0.000123"), (1e-7, "1e−7"), (-2.5e12, "−2.5e12")),
        *((np.nan, "NaN"), (np.inf, "∞"), (-np.inf, "−∞"), (1234.5, "1.23e3")),
    ],
)
def test_three_digits(value, written):
    assert number(value) == written


def test_few_numbers_are_told_and_many_are_summed_up():
    assert told([[1.0, 2.0], [3.0, 4.0]]) == "1, 2; 3, 4"
    assert told(np.ones((2, 1, 2))) == "1, 1; 1, 1"
    assert told(np.ones(FEW + 1)) == "rms 1"
    assert told(2.0) == "2" and told([3.0], whole=False) == "rms 3"


@pytest.mark.parametrize("T", [1, 2, 3])
def test_a_few_steps_can_be_read_on_a_slide(T, real, tmp_path):
    """12 inches wide, which is refused where letters would have less than 7 points; the folded half leaves its room."""
    picture = draw(example(T=T), numbers=True)
    assert "folded" not in picture.source
    assert picture.render(tmp_path / "worked.png", width="12in").read_bytes()[:4] == b"\x89PNG"
    assert "folded" in draw(example(T=T), numbers=True, folded=True).source
