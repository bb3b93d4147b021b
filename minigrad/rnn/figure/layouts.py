"""Where the roles of a model stand in the figure: at which column and row of a step, rows upwards from row 0.

A cell knows its step, not its picture: so the layouts of the known models are here, found by their class. A model of
your own may tell its own,

    layout = {"x": (0, -1), "z": (0, 0), "h": (1, 0), "y": (1, 1), "C": (1, 2), "target": (2.1, 1)}
    folded = {"x": (0, -1), "h": (0, 0), "y": (0, 1), "C": (0, 2), "target": (1.2, 1)}

the second for the folded network, where roles may be left out: what leads through them is drawn as one arrow. It need
not: without a layout its roles are placed where they look best (`slots`). Either way lines find their own way.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from itertools import product
from typing import NamedTuple

import numpy as np

from minigrad.rnn.bidirectional import Bidirectional
from minigrad.rnn.cells import GRU, LRU, LSTM, RNN, EulerOscillator, MinGRU, OutputFeedbackRNN
from minigrad.rnn.figure.pattern import Link, Pattern
from minigrad.rnn.figure.placing import Spots, template_of
from minigrad.rnn.figure.template import Template
from minigrad.rnn.figure.wiring import Connection, Wiring
from minigrad.rnn.unrolling import Run, unroll


class Layout(NamedTuple):
    """Of a model, unrolled and folded."""

    unrolled: Spots
    folded: Spots


ONE_COLUMN: Spots = {"x": (0, -1), "h": (0, 0), "y": (0, 1), "C": (0, 2), "target": (1.2, 1)}
KNOWN: dict[type, Layout] = {
    RNN: Layout(
        {"x": (0, -1), "z": (0, 0), "h": (1, 0), "y": (1, 1), "C": (1, 2), "target": (2.1, 1)},
        ONE_COLUMN,
    ),
    LSTM: Layout(
        {
            "x": (0, -1), "z": (0, 0), "f": (0, 1), "i": (1, 1), "g": (2, 1), "c": (2, 2), "o": (2, 0),
            "h": (3, 0), "y": (3, 1), "C": (4, 1), "target": (4, -1),
        },
        {"x": (0, -1), "z": (0, 0), "c": (-1, 1), "h": (0, 2), "y": (0, 3), "C": (0, 4), "target": (1.2, 3)},
    ),
    GRU: Layout(
        {
            "x": (0, -1), "z": (0, 0), "u": (0, 1), "r": (1, 0), "n": (1, 1), "h": (1, 2),
            "y": (1, 3), "C": (1, 4), "target": (2.1, 3),
        },
        ONE_COLUMN,
    ),
    MinGRU: Layout(
        {
            "x": (0, -1), "z": (0, 0), "i": (0, 1), "n": (1, 1), "h": (1, 2),
            "y": (1, 3), "C": (1, 4), "target": (2.1, 3),
        },
        ONE_COLUMN,
    ),
    LRU: Layout(
        {"x": (0, -1), "z": (1, -1), "h": (2.5, 0), "y": (2.5, 1), "C": (2.5, 2), "target": (3.6, 1)},
        {**ONE_COLUMN, "h": (-1.4, 0)},  # D leads from x to y
    ),
    EulerOscillator: Layout(
        ONE_COLUMN,
        ONE_COLUMN,
    ),
}  # fmt: skip
"""The layouts of the models of `minigrad.rnn.cells`; of a subclass too, if it has no further roles."""

PEEPHOLES = Layout(
    {
        "x": (0, -1), "z": (0, 0), "i": (0, 1), "f": (0, 3), "g": (1, 1), "c": (1, 2), "o": (2, 0),
        "h": (3, 0), "y": (3, 1), "C": (4, 1), "target": (4, -1),
    },
    KNOWN[LSTM].folded,
)  # fmt: skip
"""With the gates that see c around it."""

BOTH_WAYS = Layout(
    {"x": (0, -1), "→z": (0, 0), "→h": (1, 0), "←h": (0, 1), "←z": (1, 1), "y": (0, 2), "C": (1, 2), "target": (2, 2)},
    {"x": (0, -1), "→h": (-1, 0), "←h": (1, 0), "y": (0, 1), "C": (0, 2), "target": (1.2, 2)},
)
"""Two networks without gates: each way has a lane of its own."""


def template_for(run: Run, wiring: Wiring) -> Template:
    """A step laid out: with its roles where the model tells, where is known of its class, or where they look best."""
    pattern = Pattern.of(wiring)
    told: Spots | None = getattr(run.model, "layout", None)
    if told is None:
        known = known_of(run, wiring.connections)
        return template_of(pattern, None if known is None else known.unrolled)
    if missing := sorted(set(run.roles) & set(pattern.roles) - told.keys()):
        raise ValueError(f"the model's layout has no place for {', '.join(missing)}: give it a column and a row")
    return template_of(pattern, told)


def known_of(run: Run, connections: Iterable[Connection]) -> Layout | None:
    """The layout that is known of the model's class, or of what is made like it, with a place for every role."""
    roles = {*run.carried[0], *run.roles} | {role for (role, _), _ in connections} - {"target"}
    if isinstance(run.model, LSTM) and run.model.peepholes and roles <= PEEPHOLES.unrolled.keys():
        return PEEPHOLES
    for kind in type(run.model).__mro__:
        if kind in KNOWN and roles <= KNOWN[kind].unrolled.keys():
            return KNOWN[kind]
    return by_structure().get(structure(connections))


def structure(connections: Iterable[Connection]) -> frozenset[Link]:
    """What leads where in a step; initial values are the step before the first, but for what goes back in time."""
    back = {a for (a, s), (_, t) in connections if s > t}
    seen = [((a, s), (b, t)) for (a, s), (b, t) in connections if (s or a not in back) and (a, b) != ("target", "C")]
    return frozenset(Link(a, b, t - s) for (a, s), (b, t) in seen)


@cache
def by_structure() -> dict[frozenset[Link], Layout]:
    """The layouts that are known, for whatever does what these models do and calls it as they do."""
    xs = np.zeros((2, 1))
    runs = [(unroll(kind(1, 2, 1), xs, xs), KNOWN[kind]) for kind in (RNN, LSTM, GRU, MinGRU, LRU)]
    runs += [(unroll(LSTM(1, 2, 1, peepholes=True), xs, xs), PEEPHOLES)]
    both = Bidirectional(RNN(1, 2), RNN(1, 2), n_out=1)
    runs += [(unroll(both, xs, xs), BOTH_WAYS)]
    for hidden, forced in product((False, True), repeat=2):
        model = OutputFeedbackRNN(1, 2, 1, hidden=hidden)
        runs += [(unroll(model, xs, xs, teacher_forcing=forced), KNOWN[RNN])]
    found = {structure(Wiring.of_run(run).connections): layout for run, layout in runs}
    by_hand = [Link("x", "h", 0), Link("h", "h", 1), Link("h", "y", 0), Link("y", "C", 0)]  # where z is no role
    return {**found, frozenset(by_hand): KNOWN[EulerOscillator]}
