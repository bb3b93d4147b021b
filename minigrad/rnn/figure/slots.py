"""Where the roles of an unknown model stand within a step: simulated annealing over what a good drawing costs.

A slot is a column and a row, rows upwards. The cost prices what a reader minds: long and backward arrows, arrows that
would run through circles or cross, lanes between the steps that something stands in. Then `routes` has little to do.
(Kirkpatrick, Gelatt, Vecchi 1983. The weights are those with which 900 random models were drawn well.)
"""

from __future__ import annotations

import math
import random
from collections import Counter
from functools import cache
from itertools import combinations, pairwise

from minigrad.rnn.figure.pattern import Pattern

Slot = tuple[int, int]
Stretch = tuple[float, int, float, int]
"""A straight line from column and row to column and row."""

MOVES = 2000
HOT, COLD = 6.0, 0.02  # temperatures, from the first move to the last
BETWEEN = 1.63  # columns between two steps
REACH = range(-2, 3)


def annealed(pattern: Pattern, keep: int) -> list[tuple[float, dict[str, tuple[float, float]]]]:
    """The best placements found from four starts, the best first, with their costs; ``keep`` at most.

    The lowest row is -1, where known models have x. The same pattern gives the same placements.
    """
    price = _Price(pattern)
    found: dict[tuple[Slot, ...], float] = {}
    for seed, start in enumerate(_starts(pattern)):
        cost, slots = _settled(price, start, random.Random(seed))
        found[tuple(slots)] = cost
    best = sorted(found, key=lambda slots: found[slots])[:keep]
    return [
        (found[slots], {role: (column, row - 1) for role, (column, row) in zip(pattern.roles, slots, strict=True)})
        for slots in best
    ]


def _starts(pattern: Pattern) -> list[list[Slot]]:
    """Along a diagonal, a row, two rows, a column, in the order of computation."""
    depth: dict[str, int] = {}
    for role in pattern.roles:  # in the order of computation: what a role is made from comes before it
        depth[role] = max((depth.get(a, 0) + 1 for a, b in pattern.now if b == role), default=0)
    shapes = (
        lambda d: (d // 2, (d + 1) // 2),
        lambda d: (d, 0),
        lambda d: (2 * d // 3, d % 2),
        lambda d: (0, d),
    )
    return [_apart([shape(d) for d in depth.values()]) for shape in shapes]


def _apart(slots: list[Slot]) -> list[Slot]:
    """With a slot for each: of two in one the second moves up."""
    taken: list[Slot] = []
    for column, row in slots:
        while (column, row) in taken:
            row += 1
        taken.append((column, row))
    return taken


def _settled(price: _Price, slots: list[Slot], rng: random.Random) -> tuple[float, list[Slot]]:
    """Move roles about, ever more unwilling to make it worse."""
    slots = _squeezed(slots)
    cost = price(slots, math.inf)
    best = cost, slots
    for k in range(MOVES):
        moved = _moved(slots, price.near, rng)
        if moved is None:
            continue
        heat = HOT * (1 - k / MOVES) ** 2 + COLD
        most = cost - heat * math.log(1 - rng.random())  # Metropolis' rule, turned round: what would still be taken
        new = price(moved, most)
        if new <= most:
            cost, slots = new, moved
            if cost < best[0]:
                best = cost, slots
    return best


def _moved(slots: list[Slot], near: list[list[int]], rng: random.Random) -> list[Slot] | None:
    """One role elsewhere, two roles swapped, or a gap opened; None if the place is taken."""
    slots, kind, i = list(slots), rng.random(), rng.randrange(len(slots))
    if kind < 0.65:
        beside = slots[rng.choice(near[i])] if kind < 0.35 and near[i] else slots[i]
        spot = beside[0] + rng.choice(REACH), beside[1] + rng.choice(REACH)
        if spot in slots:
            return None
        slots[i] = spot
    elif kind < 0.9:
        j = rng.randrange(len(slots))
        if i == j:
            return None
        slots[i], slots[j] = slots[j], slots[i]
    else:
        axis, (column, row) = rng.randrange(2), slots[i]
        slots = [(c, r + (r >= row)) if axis else (c + (c >= column), r) for c, r in slots]
        j = rng.randrange(len(slots))
        spot = (slots[j][0], row) if axis else (column, slots[j][1])
        slots[j] = spot
    return _squeezed(slots)


def _squeezed(slots: list[Slot]) -> list[Slot]:
    """Without empty columns and rows."""
    columns = {column: k for k, column in enumerate(sorted({column for column, _ in slots}))}
    rows = {row: k for k, row in enumerate(sorted({row for _, row in slots}))}
    return [(columns[column], rows[row]) for column, row in slots]


class _Price:
    """What a placement costs."""

    def __init__(self, pattern: Pattern) -> None:
        number = {role: i for i, role in enumerate(pattern.roles)}
        self.now = [(number[a], number[b]) for a, b in pattern.now]
        self.later = [(number[a], number[b], lag) for a, b, lag in pattern.later]
        self.x, self.cost = number.get("x"), number.get("C")
        taps = Counter(number[role] for _, role in pattern.taps)
        self.taps = [(role, 0.8 * min(n, 3)) for role, n in taps.items()]
        self.near: list[list[int]] = [[] for _ in number]
        for a, b in {
            frozenset(pair) for pair in [*self.now, *((a, b) for a, b, _ in self.later)] if pair[0] != pair[1]
        }:
            self.near[a].append(b)
            self.near[b].append(a)

    def __call__(self, slots: list[Slot], most: float) -> float:
        """The cost, or something above ``most`` if it is above that: what is cheap to reckon comes first."""
        width, height = max(c for c, _ in slots), max(r for _, r in slots)
        total = 5.0 * width + 4.0 * height + self._lengths(slots) + self._ends(slots, width, height)
        total += self._lanes(slots, width)
        if total > most:
            return total
        total += self._columns(slots)
        stretches, hidden = self._stretches(slots, width + BETWEEN)
        total += 9.0 * hidden
        if total > most:
            return total
        return total + 4.0 * crossings(stretches)

    def _lengths(self, slots: list[Slot]) -> float:
        total = 0.0
        for a, b in self.now:
            (column, row), (to_column, to_row) = slots[a], slots[b]
            right, up = to_column - column, to_row - row
            total += abs(right) + abs(up)
            if right < 0:
                total -= 9.0 * right
            if up < 0:
                total += 3.0 * (right == 0) - 4.0 * up
            if right and up:
                total += 0.6
        return total

    def _lanes(self, slots: list[Slot], width: int) -> float:
        """What leads to other steps wants nothing in its way there."""
        total = 0.0
        for a, b, lag in self.later:
            (column, row), (to_column, to_row) = slots[a], slots[b]
            if lag < 0:  # as in a mirror
                column, to_column = width - column, width - to_column
            total += width - column + to_column + 4.0 * abs(to_row - row)
            ahead = behind = False
            for c, r in slots:
                c = width - c if lag < 0 else c
                ahead = ahead or (r == row and c > column)
                behind = behind or (r == to_row and c < to_column)
            total += (16.0 if a == b else 8.0) * (ahead or behind)
        return total

    def _ends(self, slots: list[Slot], width: int, height: int) -> float:
        """x below, costs above, and what follows one another in a row in that order."""
        total = 0.0
        if self.x is not None:
            column, row = slots[self.x]
            total += 3.0 * row + 0.5 * column
        if self.cost is not None:
            column, row = slots[self.cost]
            total += height - row + 0.3 * (width - column)
        for (column, row), (to_column, to_row) in pairwise(slots):
            if row == to_row and to_column < column:
                total += 0.1
        return total

    def _columns(self, slots: list[Slot]) -> float:
        """Taps come from below or above: circles there are in their way."""
        total = 0.0
        for i, weight in self.taps:
            column, row = slots[i]
            below = above = 0
            for c, r in slots:
                if c == column:
                    below += r < row
                    above += r > row
            total += weight * min(below, above)
        return total

    def _stretches(self, slots: list[Slot], period: float) -> tuple[list[Stretch], int]:
        """All that can be drawn straight, in two neighbouring steps; and how much of a step cannot."""
        taken, hidden = set(slots), 0
        stretches: list[Stretch] = []
        for a, b in self.now:
            (column, row), (to_column, to_row) = slots[a], slots[b]
            if any((column + c, row + r) in taken for c, r in passed(to_column - column, to_row - row)):
                hidden += 1
            else:
                stretches.append((column, row, to_column, to_row))
        for a, b, lag in self.later:
            (column, row), (to_column, to_row) = slots[a], slots[b]
            stretches.append((column, row, to_column + lag * period, to_row))
            stretches.append((column - lag * period, row, to_column, to_row))
        return stretches, hidden


@cache
def passed(right: int, up: int) -> list[Slot]:
    """The slots whose circles a straight line that goes so far would run into, from where it starts."""
    found = []
    length = math.hypot(60.0 * right, 62.0 * up)
    for c in range(min(right, 0), max(right, 0) + 1):
        for r in range(min(up, 0), max(up, 0) + 1):
            if (c, r) in ((0, 0), (right, up)):
                continue
            if abs(60.0 * right * 62.0 * r - 62.0 * up * 60.0 * c) < 24.7 * length:
                found.append((c, r))
    return found


def crossings(stretches: list[Stretch]) -> int:
    """How many pairs of straight lines cross; those that meet at an end do not."""
    found = 0
    for (a, b, c, d), (e, f, g, h) in combinations(stretches, 2):
        if (b > f and b > h and d > f and d > h) or (b < f and b < h and d < f and d < h):
            continue
        if (a >= e and a >= g and c >= e and c >= g) or (a <= e and a <= g and c <= e and c <= g):
            continue
        x, y, to_x, to_y = c - a, d - b, g - e, h - f
        if (x * (f - b) - y * (e - a)) * (x * (h - b) - y * (g - a)) < 0 and (to_x * (b - f) - to_y * (a - e)) * (
            to_x * (d - f) - to_y * (c - e)
        ) < 0:
            found += 1
    return found
