"""How the parameters come to the circles: along buses below and above the steps, and up or down a lane to each use.

Along a bus, from right to left, the steps' contributions add up to the parameter's gradient. A lane runs beside its
circle, not through it: what acts on the step before comes from the left, the rest from the right.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from minigrad.rnn.figure.grid import BUS, Grid
from minigrad.rnn.figure.wiring import Place, Use


class Buses:
    """Which parameter runs where.

    Parameters
    ----------
    grid : Grid
    uses : iterable of Use
    parameters : iterable of str
        All of them, in their order.
    recurrent : collection of str
        Those that act on what is carried from step to step.

    Attributes
    ----------
    used : dict of str to list of Place
        Where each parameter is used, from left to right.
    below, above : list of str
        From the steps outwards. Above run those that act on roles above the hidden units'.
    """

    def __init__(self, grid: Grid, uses: Iterable[Use], parameters: Iterable[str], recurrent: Collection[str]) -> None:
        self.grid, self.recurrent = grid, recurrent
        self.used: dict[str, list[Place]] = {}
        for name, place in sorted(uses, key=lambda use: (use[1][1], grid.layout[use[1][0]])):
            self.used.setdefault(name, []).append(place)
        self._roles = {name: {role for role, _ in places} for name, places in self.used.items()}
        names = [name for name in parameters if name in self.used]
        self.above = [name for name in names if grid.layout[self.used[name][0][0]][1] > 0]
        below = [name for name in names if name not in self.above]
        self.below = sorted(below, key=lambda name: name not in recurrent)

    def y(self, name: str) -> float:
        """The height of a parameter's bus."""
        if name in self.above:
            return self.grid.high + BUS * (self.above.index(name) + 0.9)
        return self.grid.low - BUS * (self.below.index(name) + 1)

    @property
    def bottom(self) -> float:
        """The height of the first line below all buses."""
        return self.grid.low - BUS * (len(self.below) + 1)

    def lane(self, name: str, place: Place) -> tuple[float, float]:
        """Where a tap comes up, or down, beside its circle, and where it turns towards it.

        From above all come from the side where nothing stands, unless the step before comes from there.
        """
        role, (x, y) = place[0], self.grid.at(place)
        above = name in self.above
        users = [other for other in (self.above if above else self.below) if role in self._roles[other]]
        if above and not any(other in self.recurrent for other in users) and (side := self._free_side(role)):
            k = users.index(name)
            return x + (32 + 10 * k) * side, y - 20 * k
        k = [other for other in users if (other in self.recurrent) == (name in self.recurrent)].index(name)
        turn = 27 if name in self.recurrent else 27 - 7 * k
        return x + (-27 - 8 * k if name in self.recurrent else 25 + 8 * k), y + (turn if above else -turn)

    def _free_side(self, role: str) -> int:
        """Right (1) or left (-1) of a role, where nothing else of its row stands; 0 if something does on both sides."""
        if self.grid.free(role, 1):
            return 1
        return -1 if self.grid.layout[role][0] > 0 and self.grid.free(role, -1) else 0
