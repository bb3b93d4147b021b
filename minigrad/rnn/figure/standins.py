"""What a step cannot show as it is: values from far away, and more lines to a circle than there is room for.

A value that is used many steps later, or whose line finds no way, is drawn once more beside where it is used, as a
*ghost*; of very many parameters that come to one role some meet at a *joint*, from which one line leads on. Both stand
in the step like roles of it, so that all that is laid out is a `Pattern`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from minigrad.rnn.figure.pattern import Link, Pattern, Start, Tap

MANY = 9  # more lines at a role, not counting those from parameters, cannot be told apart
FAR = 3  # more steps further a value is drawn once more
ROOM, GATHERED = 16, 6  # so many lines find room at a circle; so many parameters meet at a joint


@dataclass(frozen=True)
class Stood:
    """A pattern with ghosts and joints in it.

    Attributes
    ----------
    pattern : Pattern
    ghosts : dict of (Link or Start) to str
        What is drawn from a ghost, by the ghost's role.
    joints : dict of Tap to str
        What comes to a joint, by the joint's role.
    """

    pattern: Pattern
    ghosts: dict[Link | Start, str] = field(default_factory=dict)
    joints: dict[Tap, str] = field(default_factory=dict)

    @classmethod
    def of(cls, pattern: Pattern) -> Stood:
        """With ghosts of what is far, and joints where there are too many parameters."""
        far: list[Link | Start] = [link for link in pattern.links if abs(link.lag) > FAR]
        far += [start for start in pattern.starts if abs(start.t) > FAR]
        found = cls(pattern).with_ghosts([*far, *_too_many(pattern)])
        ends = Counter(end for source, target, _ in pattern.links for end in (source, target))
        for role in pattern.roles:
            taps = [tap for tap in pattern.taps if tap.role == role]
            while len(taps) > GATHERED and len(taps) + ends[role] > ROOM:
                found = found.with_joint(taps[-GATHERED:])
                taps, ends[role] = taps[:-GATHERED], ends[role] + 1
        return found

    def with_ghosts(self, lines: Iterable[Link | Start]) -> Stood:
        """Draw these lines from ghosts."""
        pattern, ghosts = self.pattern, dict(self.ghosts)
        for line in lines:
            if line in ghosts:  # from its first steps, and from an initial value: there is one for both
                continue
            role = ghosts[line] = _fresh("ghost", pattern)
            before = pattern.roles.index(line.target)
            pattern = pattern._replace(
                roles=(*pattern.roles[:before], role, *pattern.roles[before:]),
                links=(*(link for link in pattern.links if link != line), Link(role, line.target, 0)),
                starts=tuple(start for start in pattern.starts if start != line),
            )
        return replace(self, pattern=pattern, ghosts=ghosts)

    def with_joint(self, taps: list[Tap]) -> Stood:
        """Let these parameters meet before they come to their role."""
        pattern, role = self.pattern, _fresh("joint", self.pattern)
        before = pattern.roles.index(taps[0].role)
        moved = {tap: Tap(tap.name, role) for tap in taps}
        pattern = pattern._replace(
            roles=(*pattern.roles[:before], role, *pattern.roles[before:]),
            links=(*pattern.links, Link(role, taps[0].role, 0)),
            taps=tuple(moved.get(tap, tap) for tap in pattern.taps),
        )
        return replace(self, pattern=pattern, joints={**self.joints, **dict.fromkeys(taps, role)})


def _too_many(pattern: Pattern) -> Iterator[Link]:
    """What leads to or from roles that have too many lines already; what comes from other steps first."""
    links = sorted(pattern.links, key=lambda link: -abs(link.lag))
    ends = Counter(end for source, target, _ in links for end in (source, target))
    for link in links:
        if ends[link.source] > MANY and ends[link.target] > MANY // 2:
            ends.subtract([link.source])
            yield link


def _fresh(kind: str, pattern: Pattern) -> str:
    """A name that no role has."""
    return next(name for k in range(len(pattern.roles) + 1) if (name := f"{kind} {k}") not in pattern.roles)
