"""What may be the same call of each step, where steps meet nowhere."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from minigrad.compiler.alike import needs
from tests.compiler.test_families import finder


@pytest.mark.parametrize("layer_by_layer", [False, True])
def test_steps_that_meet_nowhere_are_found_by_what_each_needs(layer_by_layer: bool) -> None:
    """Only the last state counts, and nothing goes back; calls of two layers are not mixed up."""

    def f(x: Any, w: Any) -> Any:
        g, h = np.zeros(2), np.zeros(2)
        gs = []
        for t in range(12):
            g = np.tanh(x[t] + w * g)
            gs.append(g)
            if not layer_by_layer:
                h = np.tanh(g - w * h)
        for g in gs if layer_by_layer else ():
            h = np.tanh(g - w * h)
        return h

    found = finder(f, np.ones((12, 2)), np.ones(2))
    layers = [family for family in found.families if family.like.fn is np.tanh]
    assert [len(family.members) for family in layers] == [12, 12]
    assert all(
        found.place[b][0] is family and needs(b, a)
        for family in layers
        for a, b in pairwise(family.members)
    )  # fmt: skip


def test_what_is_alike_and_needs_nothing_of_its_like_is_no_step() -> None:
    def f(x: Any) -> Any:
        return np.tanh(x[0]) + np.tanh(x[1]) * np.tanh(x[2]) - np.tanh(x[3])

    assert finder(f, np.ones((4, 2))).families == []
