"""A graph as plain data: every edge once, numbered in an order that never changes, and what flowed along each."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad import StaleGraphError, Tensor, scope
from minigrad.engine.cotangents import dense
from minigrad.graph import Edge, cotangents_through, graph_of, rms, rms_together


def leaf(data, **options):
    return Tensor(data, requires_grad=True, **options)


def unrolled(steps=4):
    rng = np.random.default_rng(0)
    W, U = leaf(rng.standard_normal((3, 3)), name="W"), leaf(rng.standard_normal((3, 2)), name="U")
    h = Tensor(np.zeros(3), name="h0")
    for t in range(steps):
        with scope(f"t={t}"):
            h = np.tanh(W @ h + U @ Tensor(rng.standard_normal(2), name=f"x{t}"))
    return np.sum(h * h), W, U


def test_nodes_are_all_tensors_constants_included():
    cost, W, _ = unrolled(1)
    graph = graph_of(cost)
    assert [node.name for node in graph.nodes if node.fn is None] == ["W", "U", "h0", "x0"]
    functions = [node.fn for node in graph.nodes if node.fn is not None]
    assert functions == [np.matmul, np.matmul, np.add, np.tanh, np.multiply, np.sum]
    assert graph.nodes[graph.outputs[0]] is cost
    assert graph.nodes[graph.numbers[W.index]] is W
    assert leaf(1.0).index not in graph.numbers
    assert [node.scope for node in graph.nodes][-3:] == [("t=0",), (), ()]


def test_an_edge_is_an_argument():
    x, c = leaf(3.0), Tensor(2.0)
    y = x * x
    difference = y - c
    z = difference + y
    graph = graph_of(z)
    assert [id(node) for node in graph.nodes] == [id(t) for t in (x, c, y, difference, z)]
    assert graph.edges == [Edge(0, 2, 0), Edge(0, 2, 1), Edge(2, 3, 0), Edge(1, 3, 1), Edge(3, 4, 0), Edge(2, 4, 1)]
    assert graph.arguments()[2] == [Edge(0, 2, 0), Edge(0, 2, 1)]


@given(st.integers(1, 6))
def test_the_order_is_topological_and_always_the_same(steps):
    one, other = graph_of(unrolled(steps)[0]), graph_of(unrolled(steps)[0])
    assert one.edges == other.edges
    assert [node.fn for node in one.nodes] == [node.fn for node in other.nodes]
    assert all(edge.source < edge.target for edge in one.edges)
    assert one.edges == sorted(one.edges, key=lambda e: (e.target, e.position))
    entering = one.arguments()
    assert [e for edges in entering for e in edges] == one.edges
    assert [len(edges) for edges in entering] == [sum(isinstance(a, Tensor) for a in n.args) for n in one.nodes]


def test_several_outputs_share_one_graph():
    cost, W, _ = unrolled()
    both = graph_of([cost, W.sum()])
    assert both.nodes[both.outputs[0]] is cost
    assert both.nodes[both.outputs[1]].args == (W,)
    assert sum(node is W for node in both.nodes) == 1
    assert graph_of(W).edges == []


def test_paths_are_not_walked():
    y = leaf(1.0)
    for _ in range(40):
        y = y + y
    graph = graph_of(y)
    assert (len(graph.nodes), len(graph.edges)) == (41, 80)
    cotangents = cotangents_through(graph, y)
    assert len(cotangents.shares) == 80
    assert cotangents.totals[0] == 2.0**40


def test_depth_is_no_obstacle():
    x = y = leaf(1.0)
    for _ in range(20000):
        y = -y
    graph = graph_of(y)
    assert len(graph.nodes) == 20001
    assert cotangents_through(graph, y).totals[graph.numbers[x.index]] == 1.0


def test_a_stale_graph_is_not_drawn_out_of_order():
    cost, W, _ = unrolled()
    W.data = W.data * 2
    try:
        graph = graph_of(cost)
    except StaleGraphError:
        return
    assert all(edge.source < edge.target for edge in graph.edges)


# -- what flows -------------------------------------------------------------------------------------------------------


def test_shares_add_up_to_totals_and_totals_are_gradients():
    cost, W, U = unrolled()
    graph = graph_of(cost)
    cotangents = cotangents_through(graph, cost)
    assert W.grad is None
    sums = {graph.outputs[0]: np.ones(())}
    for edge, share in cotangents.shares.items():
        assert share.shape == graph.nodes[edge.source].shape
        sums[edge.source] = sums.get(edge.source, 0.0) + dense(share)
    assert sums.keys() == cotangents.totals.keys() == {i for i, node in enumerate(graph.nodes) if node.requires_grad}
    for number, total in cotangents.totals.items():
        np.testing.assert_allclose(sums[number], total, rtol=1e-12, atol=1e-14)
    assert cotangents.shares.keys() == {edge for edge in graph.edges if graph.nodes[edge.source].requires_grad}
    cost.backward()
    np.testing.assert_array_equal(cotangents.totals[graph.numbers[W.index]], W.grad)
    np.testing.assert_array_equal(cotangents.totals[graph.numbers[U.index]], U.grad)


def test_the_gradient_of_an_interior_node_flows_through_what_it_was_made_from_only():
    x = leaf([1.0, 2.0])
    y = x * 3.0
    z = np.sum(np.exp(y))
    graph = graph_of(z)
    cotangents = cotangents_through(graph, y)
    assert list(cotangents.shares) == [Edge(0, 1, 0)]
    np.testing.assert_array_equal(cotangents.totals[0], [3.0, 3.0])
    np.testing.assert_array_equal(cotangents.totals[3], 0.0)


@pytest.mark.parametrize("size", [1e-200, 1.0, 1e200])
def test_rms_neither_overflows_nor_underflows(size):
    assert rms(size * np.array([[3.0, 4.0]])) == pytest.approx(size * math.sqrt(12.5), rel=1e-15)
    assert rms(np.full((3, 5), -size)) == size


def test_rms_of_nothing_zero_and_the_infinite():
    assert rms(np.zeros((0, 3))) == 0.0
    assert rms(np.zeros(3)) == 0.0
    assert rms(np.array(-2.0)) == 2.0
    assert rms(np.array([1.0, np.inf])) == np.inf
    assert math.isnan(rms(np.array([1.0, np.nan])))
    assert rms(np.float16([30000, 30000])) == 30000.0


def test_rms_takes_shares_that_are_not_multiplied_out():
    W = leaf(np.eye(3))
    y = np.sum(W @ np.array([1.0, 2.0, 2.0]))
    cotangents = cotangents_through(graph_of(y), y)
    (share,) = [share for edge, share in cotangents.shares.items() if edge.source == 0]
    assert rms(share) == pytest.approx(math.sqrt(3))


@given(st.lists(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=4), min_size=1, max_size=5))
def test_rms_together_is_that_of_all_elements(parts):
    together = rms_together(np.array(part) for part in parts)
    assert together == pytest.approx(rms(np.concatenate(parts)), rel=1e-12, abs=1e-300)


@pytest.mark.parametrize("size", [1e-200, 1e200])
def test_rms_together_neither_overflows_nor_underflows(size):
    assert rms_together([np.array(3 * size), np.array([[4 * size]])]) == pytest.approx(
        size * math.sqrt(12.5), rel=1e-15
    )


def test_rms_together_of_nothing_zero_and_the_infinite():
    assert rms_together([]) == rms_together([np.zeros(3)]) == rms_together([np.zeros(3), np.zeros((0, 2))]) == 0.0
    assert rms_together([np.ones(3), np.array(np.inf)]) == np.inf
    assert math.isnan(rms_together([np.ones(3), np.array(np.nan)]))


def test_rms_together_takes_shares_that_are_not_multiplied_out():
    W, V = leaf(np.eye(3)), leaf(2 * np.eye(3))
    y = np.sum(V @ (W @ np.array([1.0, 2.0, 2.0])))
    graph = graph_of(y)
    shares = [
        share for edge, share in cotangents_through(graph, y).shares.items() if graph.nodes[edge.source].ndim == 2
    ]
    assert rms_together(shares) == pytest.approx(rms(np.stack([dense(share) for share in shares])))
