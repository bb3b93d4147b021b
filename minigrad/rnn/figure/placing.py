"""Laying out a step: slots, lines between them, and a last look.

Slots, `annealed` or told, are spread out (`Spacing`), and lines are led between them (`Routes`): first those that can
be straight, then the others, then what comes from the parameters. What finds no way is led first next time; if that
does not help, there are more tracks. What is found is looked through once more (`faults_of`) before anybody sees it.
All of it depends on the model's structure alone, so it is remembered.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import combinations, pairwise
from math import dist, hypot
from typing import NamedTuple

from minigrad.rnn.figure.geometry import Line, Outline, Point, length, meeting, shifted
from minigrad.rnn.figure.lattice import COLUMN, FEW, LEFT, RIGHT, ROW, Lattice, Spacing
from minigrad.rnn.figure.names import CIRCLE
from minigrad.rnn.figure.pattern import Link, Pattern, Start, Tap
from minigrad.rnn.figure.routes import End, Routes
from minigrad.rnn.figure.scrutiny import STAND, faults_of
from minigrad.rnn.figure.slots import annealed
from minigrad.rnn.figure.standins import Stood
from minigrad.rnn.figure.template import Template

Spots = dict[str, tuple[float, float]]
"""Column and row of each role."""

WIDER, AGAIN = 4, 4  # so often with more tracks, and each time in another order
PLACEMENTS, LINES = 3, 24  # of so many the best is drawn, or of fewer if there are more lines than that
ROUNDS, GHOSTS = 12, 4  # so often with more ghosts, at most so many each time
CROWDS = 8, 14  # more lines at a role need more ways to turn towards it, and then less room at it
LABEL = 30.0  # half the width of "t = 1000", with some room around it
SAVES = 20.0  # a parameter comes from above only if that saves so much


class Stuck(NamedTuple):
    """What found no way; None if what was found had a fault."""

    line: Link | Start | str | None


def template_of(pattern: Pattern, slots: Spots | None = None) -> Template:
    """Lay a step out, with its roles in these slots, or in such as look best.

    Raises
    ------
    ValueError
        If slots lie on one another, or leave no way for some line.
    """
    return _remembered(
        pattern, None if slots is None else tuple((role, slots[role]) for role in pattern.roles if role in slots)
    )


@lru_cache(maxsize=256)
def _remembered(pattern: Pattern, told: tuple[tuple[str, tuple[float, float]], ...] | None) -> Template:
    stood = Stood.of(pattern)
    for (a, one), (b, other) in combinations(told or (), 2):
        if hypot(COLUMN * (one[0] - other[0]), ROW * (one[1] - other[1])) < CIRCLE + STAND:
            raise ValueError(f"the model's layout puts {b} at {other}, too near to {a} at {one}: put it a column away")
    for _ in range(ROUNDS):
        found, stuck = _best(stood, None if told is None else dict(told))
        if found is not None:
            return found
        own = (line for line in stuck if isinstance(line, (Link, Start)) and line.source in pattern.roles)
        lines = list(dict.fromkeys(own))
        if not lines:
            break
        stood = stood.with_ghosts(lines[:GHOSTS])
    if told is None:
        raise ValueError("no drawing of this model was found that tells its lines apart: give it a layout")
    raise ValueError("the model's layout leaves no way for all lines: give its roles more room, or none at all")


def _best(stood: Stood, told: Spots | None) -> tuple[Template | None, list[Link | Start | str | None]]:
    """The best of some placements, or the one that is told; and what was in the way."""
    pattern = stood.pattern
    wanted = max(1, PLACEMENTS - (len(pattern.links) + len(pattern.taps)) // LINES)
    best: list[tuple[float, Template]] = []
    stuck: list[Link | Start | str | None] = []
    placements = annealed(pattern, wanted + 1) if told is None else [(0.0, _with_others(pattern, told))]
    for cost, slots in placements:
        found, lines = laid_out(stood, slots)
        stuck += lines
        if found is not None:
            best.append((cost + _effort(found), found))
        if len(best) == wanted:
            break
    return min(best, key=lambda each: each[0])[1] if best else None, stuck


def _with_others(pattern: Pattern, told: Spots) -> Spots:
    """Slots for ghosts and joints, too: the nearest free ones to what they lead to."""
    slots = dict(told)
    for source, target, _ in pattern.links:
        if source not in slots:
            column, row = slots[target]
            around = [(column + i, row + j) for i in range(-4, 5) for j in range(-4, 5)]
            free = [
                spot
                for spot in around
                if all(max(abs(spot[0] - taken[0]), abs(spot[1] - taken[1])) >= 1 for taken in slots.values())
            ]
            if not free:
                raise ValueError("the model's layout leaves no way for all lines: give it none, or draw fewer steps")
            slots[source] = min(free, key=lambda spot: dist(spot, (column, row)))
    return slots


def laid_out(stood: Stood, slots: Spots) -> tuple[Template | None, list[Link | Start | str | None]]:
    """A step with its roles in these slots, or None if there is none without a fault; and what was stuck on the way."""
    pattern, stuck = stood.pattern, list[Link | Start | str | None]()
    boxes = [role for role in slots if pattern.is_box(role)]
    crowd = sum(pattern.most_at_a_role > many for many in CROWDS)
    for more in range(WIDER):
        spacing = Spacing(slots, boxes, more, (more + 1) // 2, crowd, (LEFT, RIGHT) if pattern.roomy else FEW)
        first: list[Link | Start | str | None] = []
        for _ in range(AGAIN):
            found = _Step(pattern, slots, spacing).laid_out(first)
            if isinstance(found, Template):
                if not faults_of(found, pattern):
                    return replace(found, ghosts=stood.ghosts, joints=stood.joints), stuck
                break
            stuck.append(found.line)
            first = [found.line, *(line for line in first if line != found.line)]
    return None, stuck


class _Step:
    """A step that is being laid out."""

    def __init__(self, pattern: Pattern, slots: Spots, spacing: Spacing) -> None:
        self.pattern, self.spacing = pattern, spacing
        self.spots = {role: (spacing.x[slots[role][0]], spacing.y[slots[role][1]]) for role in pattern.roles}
        circles = {role: Outline(*spot, pattern.is_box(role)) for role, spot in self.spots.items()}
        lattice = Lattice(spacing.columns(), spacing.rows(), circles.values(), spacing.period)
        middle = (spacing.width + spacing.right - spacing.left) / 2
        lattice.closed((middle - LABEL, middle + LABEL), [lattice.ny - 1])
        self.routes = Routes(lattice, circles, spacing.fan)
        self.links: dict[Link, Line] = {}
        self.taps: dict[Tap, Line] = {}
        self.above: list[str] = []

    def laid_out(self, first: Sequence[Link | Start | str | None]) -> Template | Stuck:
        """The whole step; what is ``first`` comes before all else."""
        for name in first:
            if isinstance(name, str) and not self._tapped(name):
                return Stuck(name)
        for link in self._in_order([link for link in first if isinstance(link, Link)]):
            line = _led(self.routes, *_ends(link))
            if line is None:
                return Stuck(link)
            self.links[link] = shifted(line[::-1], link.lag * self.spacing.period) if link.lag < 0 else line
        for name in self._parameters():
            if name not in first and not self._tapped(name):
                return Stuck(name)
        initial = self._initial()
        starts: dict[Start, Line] = {}
        for at_the_end in (False, True):
            found = self._begun(initial, at_the_end)
            if found is None:
                return Stuck(None)
            starts |= found
        above, below = ([name for name in self._across() if (name in self.above) == up] for up in (True, False))
        return Template(self.spacing, self.spots, initial, self.links, starts, self.taps, tuple(above), tuple(below))

    def _in_order(self, first: Sequence[Link]) -> list[Link]:
        """What is first, then what can be straight, level and upright and short lines before others; then the rest."""

        def difficulty(link: Link) -> tuple[bool, bool, float]:
            source, target = (self.routes.outline(end) for end in _ends(link))
            x, y = abs(target.x - source.x), abs(target.y - source.y)
            return self.routes.straight(*_ends(link)) is None, min(x, y) > 1e-6, x + y

        others = [link for link in self.pattern.links if link not in first]
        return [*first, *sorted(others, key=difficulty)]

    # -- parameters ---------------------------------------------------------------------------------------------------

    def _parameters(self) -> list[str]:
        """Those that act on what comes from another step first, then from left to right and from below."""
        places: dict[str, tuple[bool, float, float]] = {}
        for name, role in self.pattern.taps:
            place = name not in self.pattern.recurrent, *self.spots[role]
            places[name] = min(places.get(name, place), place)
        return sorted(places, key=lambda name: places[name])

    def _across(self) -> list[str]:
        """Those that act on what comes from another step first, then from left to right as their lines come."""
        places: dict[str, tuple[bool, float]] = {}
        for (name, _), line in self.taps.items():
            place = name not in self.pattern.recurrent, line[0][0]
            places[name] = min(places.get(name, place), place)
        return sorted(places, key=lambda name: places[name])

    def _tapped(self, name: str) -> bool:
        """Lead a parameter to all its roles from below, or from above if that is much shorter."""
        memory = self.routes.memory()
        sides: dict[bool, tuple[float, dict[Tap, Line]]] = {}
        for above in (False, True):
            found = self._tapped_from(name, above)
            if found is not None:
                sides[above] = found
            self.routes.restore(memory)
        if not sides:
            return False
        above = min(sides, key=lambda side: sides[side][0] + SAVES * side)
        for tap, line in sides[above][1].items():
            self.routes.add(line, None, End(tap.role))
            self.taps[tap] = line
        self.above += [name] * above
        return True

    def _tapped_from(self, name: str, above: bool) -> tuple[float, dict[Tap, Line]] | None:
        total, lines = 0.0, dict[Tap, Line]()
        for tap in self.pattern.taps:
            if tap.name == name:
                found = self.routes.tap(End(tap.role), above, name in self.pattern.recurrent)
                if found is None:
                    return None
                cost, lines[tap] = found
                self.routes.add(lines[tap], None, End(tap.role))
                total += cost
        return total, lines

    # -- initial values -----------------------------------------------------------------------------------------------

    def _initial(self) -> dict[str, Point]:
        """Initial values stand in the row of their role, or in the nearest that is free, where another step would."""
        found: dict[str, Point] = {}
        for end in (False, True):
            rows = list(self.spacing.y.values())
            pitch = max((b - a for a, b in pairwise(rows)), default=62.0)
            for role in self.pattern.initial:
                if (role in self.pattern.at_the_end) == end:
                    y = self.spots[role][1] if role in self.spots else rows[0]
                    if not rows:
                        rows = [max(height for _, height in (*self.spots.values(), *found.values())) + pitch]
                    row = min(rows, key=lambda other: abs(other - y))
                    rows.remove(row)
                    found[role] = self.spacing.period if end else self.spacing.width - self.spacing.period, row
        return found

    def _begun(self, initial: dict[str, Point], at_the_end: bool) -> dict[Start, Line] | None:
        """Lead initial values to their roles, through the first steps, or through the last ones."""
        starts = [start for start in self.pattern.starts if (start.t < 0) == at_the_end]
        if not starts:
            return {}
        period, steps = self.spacing.period, 1 + max(abs(start.t) for start in starts)
        shift = (steps - 1) * period if at_the_end else 0.0  # where initial values are seen from
        circles: dict[tuple[str, int], Outline] = {
            (role, 0): Outline(x + shift, y, self.pattern.starts_as_box(role))
            for role, (x, y) in initial.items()
            if (role in self.pattern.at_the_end) == at_the_end
        }
        circles |= {
            (role, k + 1): Outline(x + k * period, y, self.pattern.is_box(role))
            for role, (x, y) in self.spots.items()
            for k in range(steps)
        }
        low, high = min(outline.x for outline in circles.values()), max(outline.x for outline in circles.values())
        columns = [
            (x + k * period, kind)
            for k in range(-1, steps + 1)
            for x, kind in self.spacing.columns()
            if low - 46 <= x + k * period <= high + 46
        ]
        routes = Routes(Lattice(columns, self.spacing.rows(), circles.values()), circles, self.spacing.fan)
        self._copied(routes, steps, at_the_end)
        found: dict[Start, Line] = {}
        pairs = {}
        for start in starts:
            step = steps + 1 + start.t if at_the_end else start.t
            pairs[start] = End((start.source, 0)), End((start.target, step))
        for start in sorted(starts, key=lambda start: routes.straight(*pairs[start]) is None):
            line = _led(routes, *pairs[start])
            if line is None:
                return None
            found[start] = shifted(line, -shift)
        return found

    def _copied(self, routes: Routes, steps: int, at_the_end: bool) -> None:
        """Put what runs within some steps, and between them, into another lattice."""
        period = self.spacing.period
        for k in range(steps):
            for link, line in self.links.items():
                if 0 <= k + link.lag < steps or (k + link.lag >= 0 and not at_the_end):
                    target = End((link.target, k + link.lag + 1)) if k + link.lag < steps else None
                    routes.add(shifted(line, k * period), End((link.source, k + 1)), target)
            for tap, line in self.taps.items():
                routes.add(shifted(line, k * period), None, End((tap.role, k + 1)))


def _ends(link: Link) -> tuple[End, End]:
    """The circle on the left, or the source, and the other one."""
    if link.lag < 0:
        return End(link.target), End(link.source, -link.lag)
    return End(link.source), End(link.target, link.lag)


def _led(routes: Routes, source: End, target: End) -> Line | None:
    """Lead a line from circle to circle, straight if that can be."""
    line = routes.straight(source, target)
    if line is None:
        found = routes.led(source, target)
        if found is None:
            return None
        line = found[1]
    routes.add(line, source, target)
    return line


def _effort(template: Template) -> float:
    """What a reader minds about a step, besides where its circles stand: what crosses, turns, goes back or far."""
    lines = [*template.links.values(), *template.taps.values()]
    bends = sum(len(line) - 2 for line in lines)
    back = sum(line[-1][0] < line[0][0] - 1e-6 for link, line in template.links.items() if not link.lag)
    far, spacing = sum(map(length, lines)), template.spacing
    return (
        5 * crossings_of(template.links.values(), spacing.period)
        + 0.35 * crossings_of(template.taps.values(), spacing.period, template.links.values())
        + (2 * bends + 12 * back + 0.012 * far + 0.06 * spacing.period + 0.03 * (template.high - template.low))
    )


def crossings_of(lines: Iterable[Line], period: float, others: Iterable[Line] | None = None) -> float:
    """How often lines cross in a step, each other or ``others`` as well."""
    pieces = [(a, b) for line in lines for a, b in pairwise(line)]
    beside = [] if others is None else [(a, b) for line in others for a, b in pairwise(line)]
    found = 0.0
    for weight, group in ((0.5, pieces), (1.0, beside)):
        for a, b in pieces:
            for c, d in group:
                for copy in (-1, 0, 1):
                    x = copy * period
                    met = meeting(a, b, (c[0] + x, c[1]), (d[0] + x, d[1]))
                    found += weight * (met is not None and all(1e-6 < part < 1 - 1e-6 for part in met[:2]))
    return found
