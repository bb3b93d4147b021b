"""Where the roles of a model stand in the figure: at which column and row of a step, rows upwards from row 0.

A cell knows its step, not its picture: so the layouts of the known models are here, found by their class. A model of
your own may tell its own,

    layout = {"x": (0, -1), "z": (0, 0), "h": (1, 0), "y": (1, 1), "C": (1, 2), "target": (2.1, 1)}
    folded = {"x": (0, -1), "h": (0, 0), "y": (0, 1), "C": (0, 2), "target": (1.2, 1)}

the second for the folded network, where roles may be left out: what leads through them is drawn as one arrow. It need
not: without a layout its roles are arranged, in the order of computation, so that no line passes through a circle.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise, product
from typing import NamedTuple

from minigrad.rnn.cells import GRU, LRU, LSTM, RNN, EulerOscillator, MinGRU
from minigrad.rnn.figure.buses import Buses
from minigrad.rnn.figure.crossings import Line, through_circles
from minigrad.rnn.figure.grid import Grid
from minigrad.rnn.figure.wiring import Wiring
from minigrad.rnn.unrolling import Run

Spots = dict[str, tuple[float, float]]
"""Column and row of each role."""


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
            "x": (0, -1), "z": (0, 0), "f": (0, 1), "i": (1, 1), "g": (2, 1), "o": (1.5, 0),
            "c": (2, 2), "h": (3, 0), "y": (3, 3), "C": (3, 4), "target": (4.1, 3),
        },
        {"x": (0, -1), "z": (0, 0), "c": (-1, 1), "h": (0, 2), "y": (0, 3), "C": (0, 4), "target": (1.2, 3)},
    ),
    GRU: Layout(
        {
            "x": (0, -1), "z": (0, 0), "r": (1, -1), "n": (2, 0), "u": (1, 2), "h": (3, 1),
            "y": (3, 2), "C": (3, 3), "target": (4.1, 2),
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
        "x": (0, -1), "z": (0, 0), "f": (0, 1), "i": (1, 1), "g": (1.8, 1), "o": (2.75, 0), "c": (3, 2.6),
        "h": (3.8, 0), "y": (3.8, 3.6), "C": (3.8, 4.6),
    },
    KNOWN[LSTM].folded,
)  # fmt: skip
"""With room between c and the gates that see it."""


def layout_of(run: Run, wiring: Wiring) -> Spots:
    """Where every role stands in a step: as the model tells, as is known of its class, or arranged."""
    told: Spots | None = getattr(run.model, "layout", None)
    if told is not None:
        return told
    known = known_of(run)
    return arranged(wiring) if known is None else known.unrolled


def known_of(run: Run) -> Layout | None:
    """The layout that is known of the model's class, if it has a place for every role of the run."""
    roles = {*run.carried[0], *run.steps[0]}
    if isinstance(run.model, LSTM) and run.model.peepholes and roles <= PEEPHOLES.unrolled.keys():
        return PEEPHOLES
    for kind in type(run.model).__mro__:
        if kind in KNOWN and roles <= KNOWN[kind].unrolled.keys():
            normalised = getattr(run.model, "layer_norm", False)
            return _widened(KNOWN[kind]) if normalised else KNOWN[kind]
    return None


def _widened(layout: Layout) -> Layout:
    """With room for the lanes of gains."""
    return Layout({role: (1.5 * column, row) for role, (column, row) in layout.unrolled.items()}, layout.folded)


# -- without a layout -------------------------------------------------------------------------------------------------

NEAR = 80  # so many spots are tried for a role
TRIES, ROUNDS = 4, 3  # as long as something is crossed


def arranged(wiring: Wiring) -> Spots:
    """A layout for any model: x at the bottom, then what is computed, from left to right, y above it, and C on top.

    Each role is put right of what it is made from, or as near to there as no line passes through a circle that it does
    not lead to: in the order of computation, once more when all others are there, and if need be in other orders.
    """
    early = _first_steps(wiring)
    roles = list(dict.fromkeys(role for role, t in early.tensors if t))
    order = [role for role in roles if role not in ("x", "y", "C", "target")] + ["y"]
    tries = TRIES if len(order) <= 6 else 1
    found: list[Spots] = []
    for k in range(min(tries, len(order))):
        found.append(_settled(early, order[k:] + order[:k]))
        if not crossings_of(early, found[-1]):
            break
    best = min(found, key=lambda layout: crossings_of(early, layout))
    return {role: best[role] for role in roles}


def _first_steps(wiring: Wiring) -> Wiring:
    """Two of them: all steps are alike."""
    return replace(
        wiring,
        tensors={place: tensor for place, tensor in wiring.tensors.items() if place[1] <= 2},
        connections={ends: edges for ends, edges in wiring.connections.items() if ends[1][1] <= 2},
        uses={use: edges for use, edges in wiring.uses.items() if use[1][1] <= 2},
    )


def _settled(wiring: Wiring, order: list[str]) -> Spots:
    """Put each role where it is best with the others there, until that crosses nothing."""
    spots: Spots = {}
    for _ in range(ROUNDS):
        for role in order:
            spots.pop(role, None)
            made_from = [a for (a, s), (b, t) in wiring.connections if b == role and s == t and a in spots]
            column, row = max((spots[source] for source in made_from), default=(-1.0, 0.0))
            column = max(column if role == "y" else column + 1, 0.0)
            spots[role] = _best(wiring, spots, role, (column, row), len(order))
        if not crossings_of(wiring, _whole(spots)):
            break
    return _whole(spots)


def _best(wiring: Wiring, others: Spots, role: str, ideal: tuple[float, float], size: int) -> tuple[float, float]:
    """Of the spots with the fewest crossings the one nearest to the ideal one."""
    column, row = ideal
    rows = [row] if role == "y" else map(float, range(max(size - 1, 3)))
    away = {
        (i / 2, j): (abs(i / 2 - column) + 1.1 * abs(j - row), j, i)  # rather aside than up
        for i, j in product(range(2 * size + 2), rows)
    }
    tried: list[tuple[int, tuple[float, float]]] = []
    for spot in sorted(away, key=away.__getitem__)[:NEAR]:
        tried.append((crossings_of(wiring, _whole({**others, role: spot})), spot))
        if not tried[-1][0]:
            break
    return min(tried, key=lambda found: found[0])[1]


def _whole(spots: Spots) -> Spots:
    """With x below what is computed, and y, C and the target above all of it."""
    top = max((row for role, (_, row) in spots.items() if role != "y"), default=-1.0) + 1
    column, _ = spots.get("y", (0.0, 0.0))
    above = {"y": (column, top), "C": (column, top + 1), "target": (column + 1.1, top)}
    return {**spots, "x": (0.0, -1.0), **(above if "y" in spots else {})}


def crossings_of(wiring: Wiring, layout: Spots) -> int:
    """How often lines pass through circles, or lanes run over one another, in a drawing of two steps.

    What has no place yet does not count.
    """
    there = [place for place in wiring.tensors if place[0] in layout]
    grid = Grid(layout, {role for role, _ in there}, [1, 2], 2)
    circles = {place: grid.at(place) for place in there}
    lines = [Line(circles[a], circles[b], (a, b)) for a, b in wiring.connections if a in circles and b in circles]
    uses = [(name, place) for name, place in wiring.uses if place in circles]
    buses = Buses(grid, uses, wiring.parameters, wiring.recurrent)
    lanes: dict[bool, list[float]] = {True: [], False: []}
    for name, place in uses:
        x, bend = buses.lane(name, place)
        lines += [Line((x, buses.y(name)), (x, bend), (place,)), Line((x, bend), circles[place], (place,))]
        lanes[name in buses.above].append(x)
    return through_circles(circles, lines) + sum(b - a < 5 for xs in lanes.values() for a, b in pairwise(sorted(xs)))
