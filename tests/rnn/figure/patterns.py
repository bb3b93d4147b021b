"""Steps of no model in particular, as a drawing sees them."""

from __future__ import annotations

import random

from minigrad.rnn.figure.pattern import Link, Pattern, Start, Tap


def pattern_of(seed, most=12):
    """Some roles that are made from one another, from x and from other steps, and parameters that they may share."""
    rng = random.Random(seed)
    inner = [f"r{i}" for i in range(rng.randint(1, most))]
    links = {}
    for i, role in enumerate(inner):
        earlier = ["x", *inner[:i]]
        sources = rng.sample(earlier, min(rng.choice([1, 1, 2, 2, 3]), len(earlier)))
        if i and rng.random() < 0.7:
            sources.append(inner[i - 1])
        links |= {Link(source, role, 0): None for source in sources}
    links |= {Link(role, "y", 0): None for role in rng.sample(inner, min(len(inner), rng.choice([1, 1, 2])))}
    if rng.random() < 0.15:
        links[Link("x", "y", 0)] = None
    links[Link("y", "C", 0)] = None
    forced = rng.random() < 0.1
    carried = rng.sample([*inner, *["y"] * (not forced and rng.random() < 0.2)], min(len(inner), rng.randint(1, 3)))
    starts = {}
    for k, role in enumerate(carried):
        lag = -1 if k and rng.random() < 0.15 else rng.choice([1] * 9 + [2])
        for target in rng.sample(inner, min(len(inner), rng.choice([1, 1, 2]))):
            links[Link(role, target, lag)] = None
            starts[Start(role, target, lag)] = None
    if forced:
        links |= {Link("target", "C", 0): None, Link("target", inner[0], 1): None}
        starts[Start("y", inner[0], 1)] = None
    taps, recurrent = {}, set()
    for k in range(rng.randint(1, min(20, 3 * len(inner) + 3))):
        users = rng.sample([*inner, "y"], min(len(inner) + 1, rng.choice([1, 1, 1, 1, 2, 3])))
        taps |= {Tap(f"W{k}", role): None for role in users}
        if rng.random() < 0.3:
            recurrent.add(f"W{k}")
    initial = tuple(dict.fromkeys(role for role, _, _ in starts))
    roles = ("target",) * forced + ("x", *inner, "y", "C")
    return Pattern(roles, tuple(links), tuple(starts), initial, tuple(taps), frozenset(recurrent), "target" in roles)
