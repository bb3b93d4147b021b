"""The folded network: what is heard now, and what one step later."""

from __future__ import annotations

import re

import numpy as np
import pytest

from minigrad.rnn.figure.drawing import draw
from minigrad.rnn.reading import run_of
from minigrad.rnn.unrolling import unroll
from tests.rnn import loops
from tests.rnn.figure.models import Gated, Stacked, data, example, network
from tests.rnn.figure.shapes import faults
from tests.rnn.figure.sources import place_of, statements
from tests.rnn.figure.test_layouts import DRAWN


def test_the_folded_network_can_be_left_out():
    run = example("WR")
    nodes, _ = statements(draw(run).source)
    assert [nodes[f"folded_{role}"]["label"] for role in "xhyC"] == ["xₜ", "hₜ", "yₜ", "Cₜ"]
    alone, _ = statements(draw(run, folded=False).source)
    assert set(alone) == {name for name in nodes if not re.match("folded_|loop_|unfold", name)}


def test_two_loops_end_in_two_arrowheads():
    """What comes from h itself enters from the left, what comes from the output from the right."""
    nodes, edges = statements(draw(example("WR")).source)
    h, own, output = (place_of(nodes[name])[0] for name in ("folded_h", "loop_h", "loop_y"))
    assert own < h < output
    assert {("loop_h", "folded_h"), ("loop_y", "folded_h"), ("folded_y", "loop_y")} <= edges.keys()
    assert (nodes["loop_h_by"]["label"], nodes["loop_y_by"]["label"]) == ("W", "R")


def folded_arrows(source):
    """From role to role, and those through a delay."""
    _, edges = statements(source)
    arrows = {
        (a.removeprefix("folded_"), b.removeprefix("folded_")) for a, b in edges if "folded" in a and "folded" in b
    }
    starts = {b: a.removeprefix("folded_") for a, b in edges if b.startswith("loop_")}
    later = {(starts[a], b.removeprefix("folded_")) for a, b in edges if a.startswith("loop_")}
    return arrows, later


@pytest.mark.parametrize("T", [1, 3])
def test_the_folded_network_says_what_is_heard_later(T):
    chain = {("x", "h"), ("h", "y"), ("y", "C")}
    assert folded_arrows(draw(example("W", T=T)).source) == (chain, {("h", "h")})
    assert folded_arrows(draw(example("WR", T=T)).source) == (chain, {("h", "h"), ("y", "h")})
    forced = draw(example("R", T=T, teacher_forcing=True)).source
    assert folded_arrows(forced) == (chain | {("target", "C")}, {("target", "h")})
    layers = {("x", "h1"), ("h1", "h2"), ("h2", "y"), ("y", "C")}
    assert folded_arrows(draw(unroll(Stacked(2, 4, 3), *data(T))).source) == (layers, {("h1", "h1"), ("h2", "h2")})
    gates = {("x", "z"), ("z", "c"), ("z", "h"), ("c", "h"), ("h", "y"), ("y", "C")}
    assert folded_arrows(draw(unroll(Gated(2, 4, 3), *data(T))).source) == (gates, {("c", "c"), ("h", "z")})


def test_a_model_that_tells_nothing_is_folded_all_the_same():
    class Silent(type(network("W"))):
        folded = None

    arrows = folded_arrows(draw(unroll(Silent(2, 4, 3), *data(3))).source)
    assert arrows == folded_arrows(draw(example("W", T=3)).source)


def test_roles_may_have_any_names():
    """What leads to the cost is the output, and what nothing leads to an input."""
    drawn = loops.Drawn()
    (W, U, _, V, _), (xs, ys) = drawn.rnn(), drawn.data(3)
    state, cost = np.zeros(5), 0
    for t, x in enumerate(xs):
        state = np.tanh(W @ state + U @ x + np.full(5, t))
        out = V @ state
        cost = cost + np.sum((out - ys[t]) ** 2)
    picture = draw(run_of(cost, state=state, out=out))
    chain = {("x", "state"), ("x2", "state"), ("state", "out"), ("out", "C")}
    assert folded_arrows(picture.source) == (chain, {("state", "state")})
    assert faults(picture) == []


def test_what_only_some_steps_have_is_folded_as_it_is_there():
    """An encoder's steps, and then a decoder's."""
    arrows, later = folded_arrows(draw(run_of(*loops.translation(6)[:1])).source)
    assert arrows == {("x", "e"), ("x2", "s"), ("s", "y"), ("y", "C")}
    assert later == {("e", "e"), ("e", "s"), ("s", "s")}


def test_what_would_be_in_the_way_stands_aside():
    """x leads to h past c, which h is made from too: c stands beside the column, and h above x."""

    class Silent(Gated):
        layout = folded = None

    nodes, _ = statements(draw(unroll(Silent(2, 4, 3), *data(3))).source)
    x, c, h, y, C = (place_of(nodes[f"folded_{role}"]) for role in ("x", "c", "h", "y", "C"))
    assert x[0] == h[0] == y[0] == C[0] != c[0]
    assert x[1] < c[1] < h[1] < y[1] < C[1]


@pytest.mark.parametrize("name", DRAWN)
def test_nothing_lies_on_anything_in_the_folded_network(name):
    assert faults(draw(DRAWN[name]())) == []
