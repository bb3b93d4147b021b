"""How the parameters come to the circles: along buses below and above the steps, and from there to each use.

Along a bus, from right to left, the steps' contributions add up to the parameter's gradient.
"""

from __future__ import annotations

from collections.abc import Iterable

from minigrad.rnn.figure.geometry import Line, shifted
from minigrad.rnn.figure.grid import BUS, Grid
from minigrad.rnn.figure.wiring import Place, Use


class Buses:
    """Which parameter runs where.

    Parameters
    ----------
    grid : Grid
    uses : iterable of Use

    Attributes
    ----------
    used : dict of str to list of Place
        Where each parameter is used, from left to right.
    below, above : sequence of str
        From the steps outwards.
    """

    def __init__(self, grid: Grid, uses: Iterable[Use]) -> None:
        self.grid, self.below, self.above = grid, grid.template.below, grid.template.above
        self.used: dict[str, list[Place]] = {}
        for name, place in sorted(uses, key=lambda use: (use[1][1], grid.template.comes(use[0], use[1][0]))):
            self.used.setdefault(name, []).append(place)

    def y(self, name: str) -> float:
        """The height of a parameter's bus."""
        if name in self.above:
            return self.grid.high + BUS * (self.above.index(name) + 0.9)
        return self.grid.low - BUS * (self.below.index(name) + 1)

    @property
    def bottom(self) -> float:
        """The height of the first line below all buses."""
        return self.grid.low - BUS * (len(self.below) + 1)

    def tap(self, name: str, place: Place) -> Line:
        """From a parameter's bus to where it is used, or to a joint before that."""
        role, t = place
        first, *others = shifted(self.grid.template.tap(name, role), self.grid.x(t))
        return (first[0], self.y(name)), *others
