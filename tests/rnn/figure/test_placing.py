"""Laying out a step: of whatever model, no line lies."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.rnn.cells import RNN
from minigrad.rnn.figure import placing
from minigrad.rnn.figure.layouts import KNOWN
from minigrad.rnn.figure.pattern import Link, Pattern, Start, Tap
from minigrad.rnn.figure.placing import crossings_of, template_of
from minigrad.rnn.figure.scrutiny import faults_of
from minigrad.rnn.figure.standins import Stood
from minigrad.rnn.figure.wiring import Wiring
from tests.rnn.figure.models import example
from tests.rnn.figure.patterns import pattern_of

NIGHTLY = settings.default.max_examples > 100


@settings(max_examples=2000 if NIGHTLY else 25)
@given(seed=st.integers(0, 2**32 - 1))
def test_of_whatever_model_no_line_lies(seed):
    """The test looks at all of a step; that the look finds something is tested in test_scrutiny."""
    pattern = pattern_of(seed, most=12 if NIGHTLY else 6)
    template = template_of(pattern)
    pattern = Stood.of(pattern).with_ghosts(template.ghosts).pattern
    assert faults_of(template, pattern) == []
    assert template.spots.keys() == set(pattern.roles)
    assert template.initial.keys() == set(pattern.initial)
    assert template.links.keys() == set(pattern.links)
    assert template.starts.keys() == set(pattern.starts)
    assert template.taps.keys() == set(pattern.taps)
    assert {*template.above, *template.below} == {name for name, _ in pattern.taps}
    period = template.spacing.period
    for (source, target, lag), line in template.links.items():
        (x, y), (to_x, to_y) = template.spots[source], template.spots[target]
        assert line[0] == pytest.approx((x, y))
        assert line[-1] == pytest.approx((to_x + lag * period, to_y))
    for (source, target, t), line in template.starts.items():
        assert line[0] == pytest.approx(template.initial[source])
        x, y = template.spots[target]
        assert line[-1] == pytest.approx((x + (t - 1 if t > 0 else t + 1) * period, y))
    exits = [(name in template.above, round(line[0][0], 3)) for (name, _), line in template.taps.items()]
    assert len(set(exits)) == len(exits)  # no two taps share a line


def test_the_lectures_network_looks_as_it_always_did():
    """W comes from below on the left of z, U and b on the right; V and c from above, beside y."""
    template = template_of(Pattern.of(Wiring.of_run(example("W"))))
    assert template.links == template_of(Pattern.of(Wiring.of_run(example("W"))), KNOWN[RNN].unrolled).links
    assert template.spots == {"x": (0, -62), "z": (0, 0), "h": (60, 0), "y": (60, 62), "C": (60, 124)}
    assert template.initial == {"h": (-98, 0)}
    assert (template.spacing.period, template.low, template.high) == (158, -88, 168)
    assert all(len(line) == 2 for line in (*template.links.values(), *template.starts.values()))
    x = {name: line[0][0] for (name, _), line in template.taps.items()}
    assert -30 < x["W"] < 0 < x["U"] < x["b"] < 40 < x["V"] < x["c"]
    assert (template.below, template.above) == (("W", "U", "b"), ("V", "c"))


def test_a_step_is_laid_out_once():
    run = example("W", 3)
    first = template_of(Pattern.of(Wiring.of_run(run)))
    assert template_of(Pattern.of(Wiring.of_run(example("W", 30, batch=(2,))))) is first


@pytest.mark.parametrize("n", [6, 12, 18, 30])
def test_many_parameters_find_their_way_to_one_role(n):
    taps = tuple(Tap(f"W{k}", "h") for k in range(n))
    links = (Link("x", "h", 0), Link("h", "y", 0), Link("h", "h", 1))
    pattern = Pattern(("x", "h", "y"), links, (Start("h", "h", 1),), ("h",), taps, frozenset())
    template = template_of(pattern)
    assert faults_of(template, Stood.of(pattern).pattern) == []
    assert len(set(template.joints.values())) == {6: 0, 12: 0, 18: 2, 30: 4}[n]


def test_what_the_last_look_rejects_is_not_drawn(monkeypatch):
    stood = Stood.of(Pattern.of(Wiring.of_run(example("W"))))
    seen = []

    def strict(template, pattern):
        seen.append(template)
        return ["a fault"] if len(seen) < 3 else []

    monkeypatch.setattr(placing, "faults_of", strict)
    found, _ = placing.laid_out(stood, KNOWN[RNN].unrolled)
    assert found.links == seen[2].links
    assert [each.spacing.more for each in seen] == [(0, 0), (1, 1), (2, 1)]


def test_slots_that_leave_no_room_are_refused():
    pattern = Pattern.of(Wiring.of_run(example("W")))
    with pytest.raises(ValueError, match=r"the model's layout puts h at \(0.1, 0\), too near to z at \(0, 0\)"):
        template_of(pattern, {**KNOWN[RNN].unrolled, "h": (0.1, 0)})


def test_crossings_are_counted_once_in_every_step():
    plus = [((0.0, 0.0), (10.0, 0.0)), ((5.0, -5.0), (5.0, 5.0))]
    assert crossings_of(plus, 100.0) == 1
    over = [((0.0, 0.0), (110.0, 0.0)), ((105.0, -5.0), (105.0, 5.0))]
    assert crossings_of(over, 100.0) == 2  # at 105, and at 5 with the copy
    assert crossings_of(plus[:1], 100.0, plus[1:]) == 1
