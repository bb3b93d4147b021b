"""The way back from what a loop computes."""

from __future__ import annotations

import numpy as np

from minigrad import Tensor
from minigrad.graph import graph_of
from minigrad.rnn.looping import Marks
from minigrad.rnn.retracing import Ways


def test_the_way_back_ends_at_places_parameters_and_numbers():
    W, h, x = Tensor(np.eye(2), requires_grad=True), Tensor(np.ones(2), requires_grad=True), np.full(2, 3.0)
    z = np.tanh(W @ (h * 1.0) + x)
    graph = graph_of(z)
    number = {"W": graph.numbers[W.index], "h": graph.numbers[h.index], "z": graph.numbers[z.index]}
    ways = Ways(Marks(graph, {number["h"]: ("h", 0), number["z"]: ("z", 1)}, {}, [], T=1))
    assert ways.parameters == {number["W"]}
    found = dict(ways.reached(number["z"]))
    assert {met.source for met in found.values()} == {number["W"], number["h"], None}
    (path,) = (path for path, met in found.items() if met.source == number["W"])
    assert ways._like(number["z"], path, found[path]) == found[path]


def test_a_sequence_that_requires_grad_is_no_parameter():
    xs = Tensor(np.ones((3, 2)), requires_grad=True)
    y = np.sum(xs[0] + xs[1] + xs[2])
    graph = graph_of(y)
    ways = Ways(Marks(graph, {}, {}, [], T=3))
    assert graph.numbers[xs.index] in ways.items and not ways.parameters
