"""One step of a run, as a drawing sees it."""

from __future__ import annotations

import pytest

from minigrad.rnn.bidirectional import Bidirectional
from minigrad.rnn.cells import RNN
from minigrad.rnn.figure.pattern import Link, Pattern, Start, Tap
from minigrad.rnn.figure.wiring import Wiring
from minigrad.rnn.unrolling import unroll
from tests.rnn.figure.models import data, example

CHAIN = {Link("x", "z", 0), Link("z", "h", 0), Link("h", "y", 0), Link("y", "C", 0)}


def pattern(run):
    return Pattern.of(Wiring.of_run(run))


@pytest.mark.parametrize("T", [2, 3, 20])
def test_a_step_of_the_lectures_network(T):
    found = pattern(example("W", T))
    assert found.roles == ("x", "z", "h", "y", "C")
    assert set(found.links) == CHAIN | {Link("h", "z", 1)}
    assert found.starts == (Start("h", "z", 1),)
    assert found.initial == ("h",)
    assert set(found.taps) == {Tap(name, "y" if name in "Vc" else "z") for name in "WUVbc"}
    assert found.recurrent == {"W"}
    assert hash(found) == hash(pattern(example("W", T + 1)))
    assert found.later == [Link("h", "z", 1)]
    assert found.most_at_a_role == 6  # z: x, h', h, W, U and b


def test_one_step_alone_tells_what_would_go_on():
    found = pattern(example("W", 1))
    assert set(found.links) == CHAIN
    assert found.later == [Link("h", "z", 1)]


def test_targets_that_are_fed_back_are_boxes_and_so_is_what_they_start_with():
    found = pattern(example("WR", 3, teacher_forcing=True))
    assert {Link("target", "z", 1), Link("target", "C", 0)} <= set(found.links)
    assert Start("y", "z", 1) in found.starts
    assert [role for role in found.roles if found.is_box(role)] == ["target"]
    assert found.starts_as_box("y") and not found.starts_as_box("h")
    assert not pattern(example("WR", 3)).starts_as_box("y")


def test_what_goes_back_starts_behind_the_last_step():
    run = unroll(Bidirectional(RNN(2, 4), RNN(2, 4), n_out=3), *data(4))
    found = pattern(run)
    assert {Link("→h", "→z", 1), Link("←h", "←z", -1)} <= set(found.links)
    assert set(found.starts) == {Start("→h", "→z", 1), Start("←h", "←z", -1)}
    assert found.at_the_end == {"←h"}
