"""A step laid out: where its circles stand and how its lines run, the same in every step of the drawing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from minigrad.rnn.figure.geometry import Line, Point
from minigrad.rnn.figure.lattice import Spacing
from minigrad.rnn.figure.pattern import Link, Start, Tap

BELOW, ABOVE, BESIDE_LINE, BELOW_LABEL = 26.0, 44.0, 9.0, 24.0  # from circles, and from lines, to a step's edges


@dataclass(frozen=True)
class Template:
    """A step, in points from the centre of the first column and of row 0.

    Attributes
    ----------
    spots : dict of str to Point
        The centre of every role.
    initial : dict of str to Point
        Of initial values, seen from the first step, or from the last if they stand behind it.
    links : dict of Link to Line
        From centre to centre, seen from the step of the source.
    starts : dict of Start to Line
        Seen from the first step, or from the last one.
    taps : dict of Tap to Line
        The first point is where it comes into the step; it goes straight on from there to its bus.
    above, below : tuple of str
        The parameters that come from there, from the steps outwards.
    ghosts : dict of (Link or Start) to str
        What is drawn from a ghost (`standins`), and the role that this has in ``spots`` and ``links``.
    joints : dict of Tap to str
        What comes to a joint, and the role of this.
    """

    spacing: Spacing
    spots: dict[str, Point]
    initial: dict[str, Point]
    links: dict[Link, Line]
    starts: dict[Start, Line]
    taps: dict[Tap, Line]
    above: tuple[str, ...]
    below: tuple[str, ...]
    ghosts: dict[Link | Start, str] = field(default_factory=dict)
    joints: dict[Tap, str] = field(default_factory=dict)

    def tap(self, name: str, role: str) -> Line:
        """From where a parameter comes into the step to a role, or to a joint before it."""
        tap = Tap(name, role)
        return self.taps[Tap(name, self.joints.get(tap, role))]

    def comes(self, name: str, role: str) -> float:
        """Where a parameter comes into the step for a role, from left to right."""
        return self.tap(name, role)[0][0]

    @property
    def inner(self) -> Iterator[Point]:
        """All points between which lines run within the steps."""
        for line in (*self.links.values(), *self.starts.values(), *(line[1:] for line in self.taps.values())):
            yield from line

    @property
    def low(self) -> float:
        """The height of the lower edge of the steps."""
        heights = [y for _, y in (*self.spots.values(), *self.initial.values())]
        return min(min(heights) - BELOW, min((y for _, y in self.inner), default=0.0) - BESIDE_LINE)

    @property
    def high(self) -> float:
        """And of the upper edge, below which "t = 1" is written."""
        heights = [y for _, y in (*self.spots.values(), *self.initial.values())]
        return max(max(heights) + ABOVE, max((y for _, y in self.inner), default=0.0) + BELOW_LABEL)
