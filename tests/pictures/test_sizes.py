"""Sizes for colours: what is not finite is a size like others, and looking at it warns of nothing."""

from __future__ import annotations

import numpy as np
import pytest

from minigrad import Tensor
from minigrad.graph import graph_of
from minigrad.pictures.sizes import Sizes, differentiable


def leaf(data):
    return Tensor(data, requires_grad=True)


def test_of_nodes_and_edges():
    x = leaf([3.0, 4.0])
    y = np.sum(x * 2.0 + x * 0.0)
    graph = graph_of(y)
    sizes = Sizes(graph, "gradient", y)
    assert sizes.of_nodes([0]) == 2.0 and sizes.of_nodes([]) is None
    twice, never = (edge for edge in graph.edges if edge.source == 0)
    assert (sizes.of_edges([twice]), sizes.of_edges([never]), sizes.of_edges([twice, never])) == (2.0, 0.0, 2.0)
    values = Sizes(graph, "value", None)
    assert values.of_nodes([0]) == pytest.approx(np.sqrt(12.5)) and values.of_edges([twice]) is None


def test_a_look_at_a_pole_warns_of_nothing():
    """Warnings are errors here."""
    x = leaf([0.0, 1.0])
    y = np.sum(np.sqrt(x))
    sizes = Sizes(graph_of(y), "gradient", differentiable(graph_of(y), [y], None))
    assert sizes.of_nodes([0]) == np.inf
    z = np.sum(np.sqrt(x) * np.sqrt(x))
    assert np.isnan(Sizes(graph_of(z), "gradient", z).of_nodes([0]))
