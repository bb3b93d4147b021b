"""Ghosts and joints: what a step cannot show as it is."""

from __future__ import annotations

from minigrad.rnn.figure.pattern import Link, Pattern, Start, Tap
from minigrad.rnn.figure.standins import Stood
from tests.rnn.figure.patterns import pattern_of

FAR = Pattern(
    ("x", "h", "y"),
    (Link("x", "h", 0), Link("h", "h", 1), Link("h", "h", 7), Link("h", "y", 0)),
    (Start("h", "h", 1), Start("h", "h", 7)),
    ("h",),
    (Tap("W", "h"),),
    frozenset({"W"}),
)


def test_what_is_drawn_as_it_is_needs_nothing():
    for seed in range(20):
        pattern = pattern_of(seed)
        if pattern.most_at_a_role <= 16:
            assert Stood.of(pattern) == Stood(pattern)


def test_what_is_far_is_drawn_once_more():
    found = Stood.of(FAR)
    assert found.ghosts == {Link("h", "h", 7): "ghost 0"} == {Start("h", "h", 7): "ghost 0"}
    assert found.pattern.roles == ("x", "ghost 0", "h", "y")
    assert set(found.pattern.links) == {*FAR.links, Link("ghost 0", "h", 0)} - {Link("h", "h", 7)}
    assert found.pattern.starts == (Start("h", "h", 1),)


def test_of_many_lines_at_a_role_some_come_from_ghosts():
    roles = tuple("abcdefgh")
    links = [Link(a, b, 0) for i, b in enumerate(roles) for a in roles[:i]] + [
        Link(a, b, 1) for a in roles for b in "gh"
    ]
    found = Stood.of(Pattern(roles, tuple(links), (), (), (), frozenset()))
    assert found.ghosts
    assert max(sum(role in (source, target) for source, target, _ in found.pattern.links) for role in roles) < 16


def test_of_many_parameters_some_meet():
    many = FAR._replace(links=FAR.links[:2], starts=(), taps=tuple(Tap(f"W{k}", "h") for k in range(20)))
    found = Stood.of(many)
    assert len(found.joints) == 12 and {tap.role for tap in found.joints} == {"h"}
    assert [tap.name for tap in found.pattern.taps] == [tap.name for tap in many.taps]
    for tap, joint in found.joints.items():
        assert Tap(tap.name, joint) in found.pattern.taps
        assert Link(joint, "h", 0) in found.pattern.links
    assert found.pattern.most_at_a_role <= 16


def test_no_role_is_taken_for_a_ghost():
    haunted = FAR._replace(roles=("x", "h", "ghost 0", "y"))
    assert set(Stood.of(haunted).ghosts.values()) == {"ghost 1"}
