"""Names that can be shown anywhere, and legends that say what is in the picture."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.pictures import Digraph, Scale
from minigrad.pictures.style import NONFINITE, clean, color, hint, key, legend, number, pretty, printed


@given(st.text())
def test_clean_names_have_nothing_that_breaks_lines_or_documents(name):
    shown = clean(name)
    assert len(shown) == len(name)
    shown.encode("utf-8")
    assert len((shown + "x").splitlines()) == 1
    assert not re.search("[\x00-\x1f\x7f\ufffe\uffff]", shown)
    assert clean(shown) == shown
    assert shown == name or not name.isprintable()


@given(st.lists(st.text(), min_size=1))
def test_printed_text_ends_where_it_should(lines):
    for text in (printed(*lines), hint(*lines)):
        assert re.fullmatch(r'(?:[^"\\]|\\.)*', text)
        Digraph(body=[f'a [label="{text}"]']).source.encode("utf-8")


def test_what_is_printed():
    assert printed("a", 'b"\\') == r"a\nb\"\\" and hint("\\") == r"\\\\"
    assert printed("<&lt;>") == "<&amp;lt;>"


@pytest.mark.parametrize(("name", "shown"), [("h_12", "h₁₂"), ("a_b_0", "a_b₀"), ("W_hh_3", "W_hh₃")])
def test_steps_are_subscripts(name, shown):
    assert pretty(name) == shown


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        *(
            ("W_hh", "Wₕₕ"),
            ("W_in", "Wᵢₙ"),
            ("h_{t-1}", "hₜ₋₁"),
            ("long_{t}", "longₜ"),
            ("W_h1", "Wₕ₁"),
            ("alpha", "α"),
        ),
        *(("Delta", "Δ"), ("sigma_1", "σ₁"), ("lambda_max", "λₘₐₓ"), ("W_beta", "W_β"), ("omega", "ω"), ("Omega", "Ω")),
    ],
)
def test_symbols_have_real_subscripts_and_greek_letters(name, shown):
    assert pretty(name) == shown


@pytest.mark.parametrize(
    "name",
    ["h", "_1", "h_", "h_b", "b_f", "h_²", "h_1000000000000", "", "mean_x", "W_hidden", "W_{}", "W_{f}", "W_loss"],
)
def test_other_names_stay(name):
    assert pretty(name) == name


def test_numbers():
    sizes = (0.00316, 1.0, 100.0, 4e-12, 2e12)
    assert [number(size) for size in sizes] == ["0.003", "1", "100", "4e-12", "2e12"]


@pytest.mark.parametrize("zero", [False, True])
@pytest.mark.parametrize("nonfinite", [False, True])
def test_legends_tell_what_is_there(zero, nonfinite):
    free, pinned = Digraph(), Digraph()
    key(free, Scale(0.003, 2.0), 'of "C"', zero, nonfinite)
    legend(pinned, Scale(0.003, 2.0), "of C", 0.0, 0.0, nonfinite)
    assert re.search('label="0.003\xa0+2"', free.source) and r"of \"C\", log scale" in free.source
    assert ("dashed grey" in free.source) == zero
    assert ("violet" in free.source) == ("violet" in pinned.source) == nonfinite
    assert (NONFINITE in pinned.source) == nonfinite
    stripes = re.search('fillcolor="(.*?)"', free.source)[1].split(":")
    assert stripes == [color((i + 0.5) / len(stripes)) for i in range(len(stripes))]
