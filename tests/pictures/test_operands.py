"""Operands: every plain array is drawn, and two programs that differ never give the same picture."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from minigrad import Tensor, scope
from minigrad.graph import graph_of
from minigrad.pictures import draw
from minigrad.pictures.operands import told_apart, with_arrays
from tests.pictures.test_operations import clusters, drawn, lines

x, A = (Tensor(value, requires_grad=True, name=name) for value, name in (([1.5, 2.5], "x"), (np.eye(2) + 1, "A")))
c, M = np.array([3.0, 4.0]), np.array([[1.0, 2.0], [3.0, 5.0]])
OPERANDS = {"x": x, "A": A, "c": c, "M": M, "2": 2.0}
OPERATIONS = {
    "+": np.add, "-": np.subtract, "×": np.multiply, "÷": np.divide, "@": np.matmul, "max": np.maximum,
    "atan2": np.arctan2, "where": lambda a, b: np.where(np.array([True, False]), a, b),
    "stack": lambda a, b: np.stack([a, b]), "stack 1": lambda a, b: np.stack([a, b], axis=1),
    "sum 0": lambda a, b: np.sum(a * b, axis=0), "sum 1": lambda a, b: np.sum(a * b, axis=-1),
    "index": lambda a, b: (a + b)[np.array([0, 1])], "index 1": lambda a, b: (a + b)[np.array([1, 0])],
}  # fmt: skip
programs = st.recursive(
    st.sampled_from(sorted(OPERANDS)),
    lambda inner: st.tuples(st.sampled_from(sorted(OPERATIONS)), inner, inner),
    max_leaves=4,
).filter(lambda program: isinstance(program, tuple))


def computed(program):
    """Its result: None where shapes do not go together, or something was computed from plain arrays alone."""
    if isinstance(program, str):
        return OPERANDS[program]
    a, b = map(computed, program[1:])
    if a is None or b is None or not (isinstance(a, Tensor) or isinstance(b, Tensor)):
        return None
    try:
        return OPERATIONS[program[0]](a, b)
    except (ValueError, IndexError):
        return None


def meant(program):
    """The program up to what commutes."""
    if isinstance(program, str):
        return program
    fn, *arguments = program[0], *map(meant, program[1:])
    vectors = fn == "@" and all(np.ndim(getattr(v, "data", v)) == 1 for v in map(computed, program[1:]))
    if fn.split()[0] in ("+", "×", "max", "sum", "index") or vectors:
        arguments = sorted(arguments, key=repr)
    return (fn, *arguments)


def seen(picture):
    """What can be seen: labels and words at arrows, from the result backwards, whatever the order of the text."""
    nodes, edges = drawn(picture)
    entering = {name: [] for name in nodes}
    for start, end, attributes in edges:
        entering[end].append((start, attributes.get("headlabel", "")))
    read = {}
    for name in sorted(nodes, key=lambda name: int(name[1:])):
        read[name] = (nodes[name]["label"], *sorted((word, read[start]) for start, word in entering[name]))
    return read[name]


@pytest.mark.parametrize("arrays", ["node", "label"])
@example(("-", "x", "c"), ("-", "c", "x"))
@example(("÷", "x", "c"), ("÷", "c", "x"))
@example(("@", "A", "x"), ("@", "x", "A"))
@example(("@", "M", "x"), ("@", "x", "M"))
@example(("-", "x", "2"), ("-", "2", "x"))
@example(("max", "x", "2"), ("max", "x", "c"))
@example(("sum 0", "A", "M"), ("sum 1", "A", "M"))
@example(("where", "x", "c"), ("where", "c", "x"))
@given(programs, programs)
def test_programs_that_differ_give_different_pictures(arrays, one, other):
    results = computed(one), computed(other)
    assume(None not in [None if r is None else True for r in results] and meant(one) != meant(other))
    pictures = [seen(draw(result, color="none", level="operation", arrays=arrays)) for result in results]
    assert pictures[0] != pictures[1]


@given(programs)
def test_every_array_is_a_node_beside_its_operation(program):
    with scope("t=1"):
        result = computed(program)
    assume(result is not None)
    recorded = graph_of(result)
    graph, data = with_arrays(recorded)
    expected = [arg for node in recorded.nodes for arg in node.args if isinstance(arg, np.ndarray) and arg.ndim]
    assert all(graph.nodes[number].data is array for number, array in zip(sorted(data), expected, strict=True))
    assert [node for i, node in enumerate(graph.nodes) if i not in data] == recorded.nodes
    assert all(graph.numbers[node.index] == i for i, node in enumerate(graph.nodes))
    assert [graph.nodes[i] for i in graph.outputs] == [result]
    for edge in graph.edges:
        argument = graph.nodes[edge.target].args[edge.position]
        assert graph.nodes[edge.source] is argument or graph.nodes[edge.source].data is argument
        assert edge.source < edge.target
    assert len(graph.edges) == len(recorded.edges) + len(expected)


def test_a_loop_in_plain_numpy_shows_its_data():
    W, h = Tensor(np.eye(3), requires_grad=True, name="W"), np.zeros(3)
    cost = 0.0
    for t, (x_t, target) in enumerate(zip(np.ones((2, 3)), np.ones((2, 3)), strict=True), 1):
        with scope(f"t={t}"):
            h = np.tanh(W @ h + x_t)
            cost = cost + np.sum((h - target) ** 2)
    picture = draw(cost)
    nodes, _ = drawn(picture)
    data = {name: a for name, a in nodes.items() if lines(a)[1:2] == ["plain array"]}
    assert [clusters(picture)[name] for name in data] == [("t = 1",)] * 3 + [("t = 2",)] * 2  # h₀, and x and y of each
    assert {a["label"] for a in data.values()} == {r"array\n3"}
    assert {(a["fillcolor"], a["fontsize"]) for a in data.values()} == {("#eeeeee", "10")}
    folded = draw(cost, arrays="label")
    assert not any("plain array" in a["tooltip"] for a in drawn(folded)[0].values())
    assert {"@ array 3", "+ array 3", "− array 3"} <= {lines(a, "label")[0] for a in drawn(folded)[0].values()}


def test_arrays_follow_their_operation_into_its_half():
    z = x - c
    picture = draw(np.sum(z * np.ones(2)), forward=z)
    halves = {lines(a, "label")[0]: clusters(picture)[name] for name, a in drawn(picture)[0].items()}
    assert (halves["[3, 4]"], halves["[1, 1]"]) == (("forward",), ("backward",))


def test_arguments_that_are_one_array_or_an_index_are_not_told_apart():
    assert not told_apart(x * 2.0, True) and not told_apart(x[np.array([0, 1])], True)
    assert told_apart(x - c, True) and not told_apart(x - c, False)
    assert told_apart(np.stack([x, c]), True) and not told_apart(np.stack([x, x]), True)
