"""How the arrows of the folded network run, and where their words stand."""

from __future__ import annotations

import random
from itertools import combinations, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.rnn.figure.geometry import Outline, between, meeting, to_segment
from minigrad.rnn.figure.strokes import LETTER, SQUARE, TALL, Arrow, Box, Sketch, parted

COLUMN = {"x": (0.0, -1.0), "a": (0.0, 0.0), "b": (0.0, 1.0), "y": (0.0, 2.0)}


def sketch_of(seed):
    """Some roles in a column, and arrows between them as they please."""
    rng = random.Random(seed)
    pairs = [(a, b, False) for a, b in pairwise(COLUMN)]
    pairs += [(a, b, True) for a in "aby" for b in "ab" if rng.random() < 0.4]
    pairs += [(a, b, False) for a, b in (("x", "b"), ("x", "y"), ("a", "y")) if rng.random() < 0.3]
    arrows = [Arrow(a, b, later, [f"W{k}" for k in range(rng.randint(0, 3))]) for a, b, later in pairs]
    return Sketch(COLUMN, arrows), arrows


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1))
def test_arrows_keep_away_from_circles_and_from_one_another_and_words_from_all(seed):
    sketch, arrows = sketch_of(seed)
    assert [stroke.arrow for stroke in sketch.strokes] == arrows
    for stroke in sketch.strokes:
        for role, centre in sketch.centres.items():
            if role not in stroke.arrow[:2]:
                assert all(Outline(*centre).clear_of(a, b) >= 5.9 for a, b in pairwise(stroke.line))
        if stroke.arrow.later:
            assert min(to_segment(stroke.square, a, b) for a, b in pairwise(stroke.line)) < 1e-6
        else:
            assert stroke.square is None
    for one, other in combinations(sketch.strokes, 2):
        for a, b in pairwise(one.line):
            for c, d in pairwise(other.line):
                met = meeting(a, b, c, d)
                assert met[2] > 0.2 if met else between(a, b, c, d) > 1.9
    words = [
        (stroke, Box(*stroke.beside, LETTER * len(stroke.arrow.words), TALL))
        for stroke in sketch.strokes
        if stroke.beside
    ]
    for stroke, box in words:
        assert all(box.away(a, b) > 0 for other in sketch.strokes for a, b in pairwise(other.line)), stroke.arrow
        assert all(box.away(centre, centre) > 20 for centre in sketch.centres.values())
    assert all(one.beside(other) for (_, one), (_, other) in combinations(words, 2))


def test_what_a_role_hands_on_to_itself_comes_back_on_its_left():
    (stroke,) = Sketch(COLUMN, [Arrow("a", "a", True, ["W"])]).strokes
    assert stroke.square == pytest.approx((-44.0, 0.0 + 0.0))
    assert stroke.beside[0] < -44 and stroke.beside[1] == stroke.square[1]


def test_there_is_room_for_words_in_the_lectures_network():
    arrows = [Arrow("x", "a", False, ["U", "b"]), Arrow("a", "a", True, ["W"]), Arrow("a", "y", False, ["V", "c"])]
    beside = [
        stroke.beside
        for stroke in Sketch({"x": (0.0, -1.0), "a": (0.0, 0.0), "y": (0.0, 1.0)}, arrows).strokes
        if stroke.arrow.by
    ]
    assert [x > 0 for x, _ in beside] == [True, False, True]
    assert [y for _, y in beside] == pytest.approx([-31, 0, 31])


def test_a_line_is_parted_by_its_square():
    before, after = parted(((0.0, 0.0), (0.0, 40.0), (30.0, 40.0)), (0.0, 20.0))
    assert before == ((0.0, 0.0), (0.0, 20 - SQUARE / 2))
    assert after == ((0.0, 20 + SQUARE / 2), (0.0, 40.0), (30.0, 40.0))


def test_of_very_many_names_some_are_told():
    assert Arrow("a", "b", False, ["W₁", "U", "b", "c"]).words == "W₁, U, b, c"
    assert Arrow("a", "b", False, list("VWUbc")).words == "V, W, U, 2 more"


def test_an_arrow_that_finds_no_way_is_drawn_all_the_same(monkeypatch):
    monkeypatch.setattr(Sketch, "_lines", lambda self, arrows: {})
    arrows = [Arrow("x", "a", False, ["U"]), Arrow("a", "a", True, ["W"]), Arrow("a", "x", True, [])]
    strokes = Sketch(COLUMN, arrows).strokes
    assert [stroke.arrow for stroke in strokes] == arrows
    assert all(len(stroke.line) > 1 for stroke in strokes)
    assert [stroke.square is not None for stroke in strokes] == [False, True, True]
