"""The last look finds what is wrong, if anything is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from minigrad.rnn.cells import RNN
from minigrad.rnn.figure.layouts import KNOWN
from minigrad.rnn.figure.pattern import Link, Pattern, Start, Tap
from minigrad.rnn.figure.placing import template_of
from minigrad.rnn.figure.scrutiny import faults_of
from minigrad.rnn.figure.wiring import Wiring
from tests.rnn.figure.models import example

PATTERN = Pattern.of(Wiring.of_run(example("WR")))
GOOD = template_of(PATTERN, KNOWN[RNN].unrolled)


def test_what_is_well_is_well():
    assert faults_of(GOOD, PATTERN) == []


def spoilt(table, key, line):
    return replace(GOOD, **{table: {**getattr(GOOD, table), key: line}})


@pytest.mark.parametrize(
    ("template", "fault"),
    [
        (replace(GOOD, spots={**GOOD.spots, "h": (40.0, 0.0)}), "z_1 stands too near to h_1"),
        (replace(GOOD, spots={**GOOD.spots, "h": GOOD.spots["z"]}), "z_1 stands too near to h_1"),
        (spoilt("links", Link("x", "z", 0), ((0.0, -62.0), (60.0, -20.0), (0.0, 0.0))), "x_1 → z_1 touches h_1"),
        (spoilt("links", Link("h", "z", 1), ((60.0, 0.0), (60.0, 62.0), (158.0, 0.0))), "h_1 → z_2 touches y_1"),
        (spoilt("starts", Start("h", "z", 1), ((-98.0, 0.0), (-98.0, 62.0), (0.0, 0.0))), "h_0 → z_1 touches y_0"),
        (spoilt("taps", Tap("V", "y"), GOOD.taps[Tap("c", "y")]), "V → y_1 runs into c → y_1"),
        (spoilt("taps", Tap("V", "y"), GOOD.taps[Tap("c", "y")]), "V → y_1 and c → y_1 end together"),
        (
            spoilt("taps", Tap("V", "y"), ((90.0, 180.0), (90.0, -30.0), (85.0, 30.0), (120.0, 31.0), (60.0, 62.0))),
            "V → y_1 crosses",
        ),
        (
            spoilt("taps", Tap("V", "y"), ((30.0, 200.0), (30.0, 90.0), (60.0, 62.0))),
            "V → y runs through the words above the step",
        ),
        (
            spoilt("taps", Tap("U", "z"), ((26.0, -130.0), (26.0, -35.0), (20.0, -70.0), (50.0, -50.0), (0.0, 0.0))),
            "U → z_1 crosses itself",
        ),
    ],
)
def test_what_is_wrong_is_found(template, fault):
    assert [found for found in faults_of(template, PATTERN) if found.startswith(fault)]
