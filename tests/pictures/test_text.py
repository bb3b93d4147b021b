"""The graph in words: every tensor once in a tree, and arguments written so that they are the same on every run."""

from __future__ import annotations

import operator
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad import Tensor, scope
from minigrad.engine.tensor import record
from minigrad.graph import graph_of
from minigrad.pictures import tree
from minigrad.pictures.text import formula, in_short, is_layer, names_in, operation, ordinal, shape, values
from minigrad.rules.networks import affine, preactivation
from tests.pictures import golden


def leaf(data, name=None):
    return Tensor(data, requires_grad=True, name=name)


def written(y):
    """The formula of ``y`` from tensors with names."""
    graph = graph_of(y)
    return formula(y, graph, names_in(graph)).partition(" = ")[2]


A, B, v = leaf(np.ones((3, 2)), "A"), leaf(np.ones((2, 3)), "B"), leaf([1.0, 2.0], "v_1")


@pytest.mark.parametrize(
    ("y", "long", "short"),
    [
        (A @ B, "A @ B", "@"),
        (A + 2, "A + 2", "+ 2"),
        (2.5 - A, "2.5 − A", "2.5 −"),
        (A / np.float64(3), "A ÷ 3", "÷ 3"),
        (A * np.ones((3, 2)), "A × array 3×2", "× array 3×2"),
        (v**2, "v₁ ** 2", "** 2"),
        (-v, "negative(v₁)", "−"),
        (np.tanh(v), "tanh(v₁)", "tanh"),
        (np.sum(A, axis=0), "sum(A, axis=0)", "sum(axis=0)"),
        (np.reshape(A, (2, 3)), "reshape(A, (2, 3))", "reshape(·, (2, 3))"),
        (A[1:, ::2], "A[1:, ::2]", "[1:, ::2]"),
        (A[..., None], "A[..., None]", "[..., None]"),
        (A[[0, 2]], "A[[0, 2]]", "[[0, 2]]"),
        (A[np.array([0, 2])], "A[[0, 2]]", "[[0, 2]]"),
        (A[np.array([0, 2, 1])], "A[array 3]", "[array 3]"),
        (np.where(np.True_, v, 0.0), "where(True, v₁, 0)", "where(True, ·, 0)"),
        (np.maximum(v, 0.0), "maximum(v₁, 0)", "maximum(·, 0)"),
        (v - np.array(0.5), "v₁ − 0.5", "− 0.5"),
        (np.array([1.5, 2.0]) - v, "[1.5, 2] − v₁", "[1.5, 2] −"),
        (np.transpose(A), "transpose(A)", "transpose"),
        (np.concatenate([v] * 9), "concatenate(v₁, v₁, v₁, … 5 more …, v₁)", "concatenate"),
        (v * 1e30, "v₁ × 1e+30", "× 1e+30"),
        (affine(0.5, v, B), "0.5 + v₁ @ B", "affine(0.5, ·, ·)"),
        (preactivation(v, v, B @ A, 2 * v, A.T @ A), "v₁ + v₁ @ n3 + n4 @ n6", "preactivation"),
    ],
)
def test_how_a_tensor_was_made(y, long, short):
    assert (written(y), operation(y)) == (long, short)


def test_a_layer_says_what_it_is_made_of_where_all_of_that_has_names():
    u = leaf(np.ones(3), "u")
    assert is_layer(affine(u, v, A.T)) and is_layer(preactivation(u, v, A.T, v, B))
    assert not is_layer(affine(u, 2 * v, B)) and not is_layer(affine(0.5, v, B)) and not is_layer(v @ B)


def test_arguments_of_any_kind_are_written_without_addresses():
    class Strange:
        pass

    def odd(x, *rest):
        return x * 1.0

    y = record(odd, (v, Strange(), "a\nb", 10**400, slice(1, None, -1), np.tanh))
    assert written(y) == "odd(v₁, Strange, 'a␊b', a large number, 1::-1, tanh)"
    y = record(odd, (v, np.int8(3), np.float32(0.5), (1,), None, True))
    assert written(y) == "odd(v₁, 3, 0.5, (1,), None, True)"


def test_names():
    x = Tensor([1.0, 2.0], requires_grad=True)
    graph = graph_of([A.T @ (v @ B), np.exp(A).T, x])
    names = {id(node): name for node, name in zip(graph.nodes, names_in(graph), strict=True)}
    assert [names[id(t)] for t in (A, v, x)] == ["A", "v₁", f"n{graph.numbers[x.index]}"]
    assert sorted(name for name in names.values() if not name.startswith("n")) == ["A", "Aᵀ", "B", "v₁"]
    assert len(set(names.values())) == len(graph.nodes)


@given(st.lists(st.sampled_from(["W", "W⁽¹⁾", "h_1", "h₁", "n0", "n3", "", None]), min_size=1, max_size=8))
def test_no_two_have_the_same_name(given_names):
    tensors = [leaf(float(i), name) for i, name in enumerate(given_names)]
    names = names_in(graph_of([*tensors, *(np.tanh(t) for t in tensors)]))
    assert len(set(names)) == len(names) == 2 * len(tensors)
    for tensor, name in zip(tensors, names, strict=False):  # the leaves are older
        if (
            tensor.name
            and sum((other or "").replace("_1", "₁") == tensor.name.replace("_1", "₁") for other in given_names) == 1
        ):
            assert name == tensor.name.replace("_1", "₁") or tensor.name.startswith("n")


def test_equal_names_are_numbered_by_age():
    a, b, only = leaf(np.eye(2), "W"), leaf(np.eye(2), "W"), leaf(np.eye(2), "V")
    graph = graph_of(b.T @ a @ only)
    assert names_in(graph)[:4] == ["W⁽¹⁾", "W⁽²⁾", "V", "W⁽²⁾ᵀ"]


def test_ordinals():
    told = ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "102nd", "111th"]
    assert [ordinal(int(re.sub(r"\D", "", each))) for each in told] == told


def test_few_numbers_are_written_out():
    arrays = (np.array([1.256, -3.0]), np.array([7]), np.array([True, False]), np.ones(3), np.ones((1, 2)), np.ones(0))
    assert [in_short(each) for each in arrays] == ["[1.3, -3]", "[7]", "[True, False]", "", "", ""]


def test_shapes():
    assert [shape(t) for t in (A, v, leaf(1.0), leaf(np.zeros((0, 3))))] == ["3×2", "2", "", "0×3"]


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.array(0.123456), "value 0.1235"),
        (np.array([[7]]), "value 7"),
        (np.array([1.0, -2.0]), "values -2 … 1"),
        (np.array([1.0, np.nan, np.inf]), "values 1 … 1, 2 of 3 not finite"),
        (np.array([np.nan, np.inf]), "no value is finite"),
        (np.zeros((0, 3)), "no values"),
        (np.array([True, False]), "values 0 … 1"),
        (np.array(["a", "b"]), "values of dtype <U1"),
        (np.array([1j]), "values of dtype complex128"),
    ],
)
def test_values_in_words(array, words):
    assert values(array) == words


# -- the tree ---------------------------------------------------------------------------------------------------------


def test_a_tree_with_sharing_and_scopes():
    x, c = leaf([1.0, 2.0], "x"), Tensor(3.0)
    with scope("t=1"):
        y = x * x
        y.name = "y"
    assert tree(np.sum(y + c * y)) == (
        "n5 = sum(n4)\n"
        "└─ n4 = y + n3  (2)\n"
        "   ├─ y = x × x  (2)  [t=1]\n"
        "   │  ├─ x, a leaf  (2)\n"
        "   │  └─ ↑ x\n"
        "   └─ n3 = n1 × y  (2)\n"
        "      ├─ n1, a constant\n"
        "      └─ ↑ y"
    )


def test_several_roots():
    x = leaf(1.0, "x")
    assert tree([np.exp(x), x]) == "n1 = exp(x)\n└─ x, a leaf\n↑ x"


@given(st.integers(1, 4), st.integers(1, 80))
def test_every_tensor_is_shown_once_or_counted(steps, most):
    cost = golden.run(steps).cost
    graph = graph_of(cost)
    shown = tree(cost, max_lines=most).split("\n")
    missing = 0
    if shown[-1].startswith("…"):
        missing = int(re.search(r"\d+", shown.pop())[0])
    assert len(shown) <= most
    assert sum("↑" not in line for line in shown) == len(graph.nodes) - missing
    everything = tree(cost, max_lines=1000).split("\n")
    assert len(everything) == len(graph.edges) + 1
    assert shown == everything[: len(shown)]


@pytest.mark.slow
def test_depth_and_paths_are_no_obstacle():
    y = leaf(1.0, "x")
    for _ in range(40):
        y = y + y
    assert tree(y, max_lines=1000).count("\n") == 80
    for _ in range(100_000):
        y = -y
    assert tree(y, max_lines=3).split("\n")[3] == "… 100,038 more tensors: tree(..., max_lines=...) shows them"


def test_one_tensor_too_many():
    assert tree(np.exp(leaf(1.0)), max_lines=1).endswith("… 1 more tensor: tree(..., max_lines=...) shows them")


def test_lines_stay_lines():
    assert len(tree(leaf(1.0, "a\nb")).split("\n")) == 1


def test_errors():
    with pytest.raises(ValueError, match="max_lines=0 given"):
        tree(leaf(1.0), max_lines=0)
    with pytest.raises(TypeError, match="a float has no recorded graph"):
        tree(1.0)
    with pytest.raises(ValueError, match="empty"):
        tree([])


def test_an_index_is_recorded_as_getitem():
    assert A[0].fn is operator.getitem  # what `operation` counts on
