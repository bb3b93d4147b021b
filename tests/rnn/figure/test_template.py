"""A step laid out."""

from __future__ import annotations

from dataclasses import replace

from minigrad.rnn.cells import RNN
from minigrad.rnn.figure.layouts import KNOWN
from minigrad.rnn.figure.pattern import Link, Pattern, Tap
from minigrad.rnn.figure.placing import template_of
from minigrad.rnn.figure.wiring import Wiring
from tests.rnn.figure.models import example

TEMPLATE = template_of(Pattern.of(Wiring.of_run(example("W"))), KNOWN[RNN].unrolled)


def test_a_step_reaches_as_far_as_its_circles():
    assert (TEMPLATE.low, TEMPLATE.high) == (-62 - 26, 124 + 44)


def test_and_further_if_lines_do():
    for far in (-100.0, 170.0):
        links = {**TEMPLATE.links, Link("x", "z", 0): ((0.0, -62.0), (0.0, far), (0.0, 0.0))}
        wider = replace(TEMPLATE, links=links)
        assert wider.low < min(far, -80) and wider.high > max(far + 20, 160)


def test_it_does_not_matter_where_a_parameter_comes_from():
    line = TEMPLATE.taps[Tap("W", "z")]
    taps = {**TEMPLATE.taps, Tap("W", "z"): ((line[0][0], -500.0), *line[1:])}
    assert replace(TEMPLATE, taps=taps).low == TEMPLATE.low
