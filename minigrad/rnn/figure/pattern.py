"""One step of a run as a drawing sees it: which roles there are, what leads where, and which parameters come to them.

All steps are alike, so where things stand, and how lines run, is decided for one step and repeated (`template`). What
only some steps have counts as if all had it. Everything is a tuple, so that an equal step is known again.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from minigrad.rnn.figure.wiring import OF, Wiring


class Link(NamedTuple):
    """From role to role, so many steps later: 0 within a step, -1 to the step before."""

    source: str
    target: str
    lag: int


class Start(NamedTuple):
    """From an initial value to a role of step ``t``, which counts from 1, or from -1 if it counts from the end."""

    source: str
    target: str
    t: int


class Tap(NamedTuple):
    """A parameter, and the role that it comes to."""

    name: str
    role: str


class Pattern(NamedTuple):
    """A step.

    Attributes
    ----------
    roles : tuple of str
        In the order of computation.
    links : tuple of Link
    starts : tuple of Start
    initial : tuple of str
        Roles that have an initial value.
    taps : tuple of Tap
    recurrent : frozenset of str
        The parameters that act on what comes from another step.
    forced : bool
        Whether targets are fed back.
    roomy : bool
        Whether there is room between the steps, as what comes from parameters needs it.
    """

    roles: tuple[str, ...]
    links: tuple[Link, ...]
    starts: tuple[Start, ...]
    initial: tuple[str, ...]
    taps: tuple[Tap, ...]
    recurrent: frozenset[str]
    forced: bool = False
    roomy: bool = True

    @classmethod
    def of(cls, wiring: Wiring) -> Pattern:
        """What the steps of a run have in common."""
        T = max(t for _, t in wiring.tensors)
        roles = tuple(dict.fromkeys(role for role, t in wiring.tensors if t))
        initial = tuple(role for role, t in wiring.tensors if not t)
        links: dict[Link, None] = {}
        starts: dict[tuple[str, str, int], None] = {}
        for (source, s), (target, t) in wiring.connections:
            if s:
                links[Link(source, target, t - s)] = None
            else:
                starts[source, target, t] = None
        back = {source for source, _, lag in links if lag < 0} - {source for source, _, lag in links if lag > 0}
        begun = [Start(source, target, t - T - 1 if source in back else t) for source, target, t in starts]
        order = {name: k for k, name in enumerate(wiring.parameters)}
        order[OF] = -1  # joints gather the last ones, and it is none of them
        uses = [*wiring.uses, *((OF, place) for place in wiring.ends if place not in wiring.beside)]
        taps = sorted({Tap(name, role) for name, (role, _) in uses}, key=lambda tap: (order[tap.name], tap.role))
        return cls(roles, tuple(links), tuple(begun), initial, tuple(taps), frozenset(wiring.recurrent), wiring.forced)

    @property
    def now(self) -> list[tuple[str, str]]:
        """What leads from role to role within a step."""
        return [(source, target) for source, target, lag in self.links if not lag]

    @property
    def later(self) -> list[Link]:
        """What leads to other steps; of a run of one step, what leads there from initial values."""
        found = {link: None for link in self.links if link.lag}
        if not found:
            found |= {Link(source, target, t): None for source, target, t in self.starts if source in self.roles}
        return list(found)

    @property
    def most_at_a_role(self) -> int:
        """How many lines lead to a role, or from it."""
        ends = [end for source, target, _ in self.links for end in (source, target)]
        return max(Counter([*ends, *(role for _, role in self.taps)]).values(), default=0)

    @property
    def at_the_end(self) -> set[str]:
        """The roles whose initial values stand behind the last step."""
        return {source for source, _, t in self.starts if t < 0}

    @staticmethod
    def is_box(role: str) -> bool:
        """Whether a role is drawn as a box."""
        return role == "target"

    def starts_as_box(self, role: str) -> bool:
        """Whether an initial value is: y_0 is what the first step hears in the place of a target."""
        return role == "y" and self.forced
