"""Calls that are the same one of each step are found, from wherever the steps meet."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.compiler.families import Finder, Numbers, Rows, Same
from minigrad.compiler.simplify import simplified
from tests.compiler.test_algebra import rearranged
from tests.compiler.test_compiled import agree
from tests.compiler.test_tracing import trace


def finder(f: Any, *args: Any) -> Finder:
    return Finder(rearranged(simplified(trace(f, *args))))


def recurrence(x: Any, w: Any) -> Any:
    h, hs = np.zeros(2), []
    for t in range(5):
        h = np.tanh(x[t] + w * h)
        hs.append(h)
    return np.stack(hs)


def test_a_recurrence_is_four_families_and_the_state_is_seen_from_a_step_later() -> None:
    found = finder(recurrence, np.ones((5, 2)), np.ones(2)).families
    assert {(family.like.fn, len(family.members)) for family in found} >= {(np.tanh, 5), (np.multiply, 5)}
    times = next(family for family in found if family.like.fn is np.multiply)
    uniform, state = times.columns
    assert type(uniform) is Same and type(state) is Rows
    assert state.shift == -1 and list(state.others) == [0]
    index = next(f for f in found if f.like.args[1:] and type(f.columns[1]) is Numbers)
    assert index.columns[1].stride == 1


def test_what_differs_in_more_than_its_arguments_is_no_family() -> None:
    def f(x: Any) -> Any:
        return np.stack([np.tanh(x), np.sin(x), np.cos(x), np.exp(x)])

    assert finder(f, np.ones(2)).families == []


def test_steps_against_time_are_put_in_order() -> None:
    def f(x: Any) -> Any:
        ys = [np.tanh(x[t]) for t in range(5)]
        return np.stack(ys), np.stack([np.sin(y) for y in ys[::-1]])

    places = finder(f, np.ones((5, 2))).families
    sines = next(family for family in places if family.like.fn is np.sin)
    assert sines.columns[0].shift == 0 and sines.columns[0].others == {}


def test_another_family_begins_where_arguments_change_for_good() -> None:
    """A second run of the same recurrence, from where the first one ended, and with a matrix of its own."""

    def f(x: Any, w: Any, v: Any) -> Any:
        h, hs = np.zeros(2), []
        for weights in (w, v):
            for t in range(5):
                h = np.tanh(x[t] + weights * h)
                hs.append(h)
        return np.stack(hs)

    found = finder(f, np.ones((5, 2)), np.ones(2), np.ones(2)).families
    times = [family for family in found if family.like.fn is np.multiply]
    assert sorted((family.steps.start, len(family.members)) for family in times) == [(0, 5), (5, 5)]
    assert len([family for family in found if family.like.fn is np.add]) <= 2
    (rows,) = [family for family in found if family.like.args[1:] and type(family.columns[1]) is Numbers]
    assert len(rows.members) == 5  # of both runs


@pytest.mark.parametrize("function", [np.frexp, np.modf])
def test_functions_of_several_results_are_no_family(function: Any) -> None:
    """They have no rows: each is called at its step, and the loops are what is around them."""

    def cost(w: Any, xs: Any) -> Any:
        h, cost = np.zeros(2), 0.0
        for x in xs:
            h = np.tanh(h * w + x)
            one, two = function(x)
            cost = cost + np.sum(h * one + h * h * two)
        return cost

    f, rng = mg.value_and_grad(cost), np.random.default_rng(0)
    step = mg.compile(f)
    for T in (6, 20, 33):
        w, xs = rng.normal(size=2), rng.normal(size=(T, 2))
        agree(step(w, xs), f(w, xs))
