"""Steps told apart by names, scopes and repetition."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad.graph import graph_of
from minigrad.rnn.looping import Marks, counted, fixed, named, repeated, scoped
from tests.rnn import loops


def chain(T, names=None, scopes=None):
    """h = tanh(w h), and after every step what ``names`` and ``scopes`` make of its number."""
    w, h = mg.Tensor(0.5, requires_grad=True, name="w"), mg.Tensor(1.0)
    for t in range(1, T + 1):
        with mg.scope(scopes(t) if scopes else "around"):
            h = np.tanh(w * h)
        h.name = names(t) if names else None
    return h


def labels_of(output, **kwargs):
    marks = Marks.of(graph_of([output]), {}, {}, **kwargs)
    return sorted(marks.labels.values(), key=lambda label: label[1])


@pytest.mark.parametrize(
    ("name", "label"),
    [
        *((written, ("h", 3)) for written in ("h_3", "h3", "h[3]", "h_{3}", "h(3)", "h₃", "h_₃")),
        *((written, ("h1", 3)) for written in ("h1_3", "h1[3]", "h1(3)", "h1_{3}")),
        ("h_1_3", ("h_1", 3)),
        ("hidden12", ("hidden", 12)),
        ("h[-1]", ("h", -1)),
        ("→h2_12", ("→h2", 12)),
        *((written, None) for written in ("h", "cost", "W_xh", "3", "h_", "h[t]", "h3x")),
    ],
)
def test_names_that_count(name, label):
    assert counted(name) == label


@pytest.mark.parametrize(
    ("names", "scopes", "role"),
    [
        ("h{}", None, "h"),
        ("h_{}", "t={}", "h"),
        ("h{}", "t={}", "h"),
        ("h", "t={}", "h"),
        ("h1", "t={}", "h1"),  # a layer: it does not go along with the step
        ("h1_{}", "step {}", "h1"),
        ("h", "{}", "h"),
    ],
)
def test_a_number_that_goes_along_with_the_step_is_no_part_of_the_role(names, scopes, role):
    output = chain(3, lambda t: names.format(t), scopes and (lambda t: scopes.format(t)))
    assert labels_of(output) == [(role, 1), (role, 2), (role, 3)]


def test_names_may_be_ahead_of_their_scopes():
    assert labels_of(chain(3, lambda t: f"h_{t}", lambda t: f"t={t - 1}")) == [("h", 1), ("h", 2), ("h", 3)]


def test_of_several_scopes_that_count_time_does():
    w, h = mg.Tensor(0.5, requires_grad=True), mg.Tensor(1.0)
    for t in (1, 2):
        for layer in (1, 2, 3):
            with mg.scope(f"t={t}"), mg.scope(f"layer {layer}"):
                h = np.tanh(w * h)
    own, stem = scoped(graph_of([h]).nodes)
    assert stem == "t="
    assert sorted(own.values()) == [1] * 6 + [2] * 6


def test_matrices_that_count_are_no_steps():
    graph = graph_of([loops.layers()[0]])
    assert {role for role, _ in named(graph, {}).values()} == {"h"}  # of h1 and h2, which scopes tell better
    assert {role for role, _ in named(graph, scoped(graph.nodes)[0]).values()} == {"h1", "h2"}


@pytest.mark.parametrize("T", [2, 3, 10])
@pytest.mark.parametrize("first", [0, 0.0, -1.0])
def test_what_is_repeated_is_a_loop(T, first):
    """Where others have the cost and the state of the step before, the first has numbers."""
    graph = graph_of([loops.nameless(T, first)[0]])
    steps, period = repeated(graph)
    assert period == 11
    assert sorted(steps.values()) == sorted([*range(1, T + 1)] * period)
    youngest = [max(number for number, step in steps.items() if step == t) for t in range(1, T + 1)]
    assert youngest == sorted(youngest)


def test_what_is_left_out_in_the_first_step_does_not_move_the_others():
    w, u = mg.Tensor(0.5, requires_grad=True), mg.Tensor(0.5, requires_grad=True)
    xs, h = np.arange(12.0).reshape(4, 3), None
    for x in xs:
        z = u * x
        h = np.tanh(z if h is None else z + w * h)
    steps, period = repeated(graph_of([np.sum(h)]))
    assert period == 4
    assert sorted(steps.values()).count(4) == sorted(steps.values()).count(3) == 4


def test_what_is_not_repeated_is_none():
    w = mg.Tensor(0.5, requires_grad=True)
    assert repeated(graph_of([np.tanh(np.sin(w) * np.exp(w))])) == ({}, 0)


def test_a_number_that_changes_is_no_part_of_a_parameter():
    w, u = mg.Tensor(0.5, requires_grad=True), mg.Tensor(0.5, requires_grad=True)
    half, inputs = [w * 2.0 for _ in range(3)], [u * x for x in (0.1, 0.2, 0.3)]
    graph = graph_of([sum([*half, *inputs])])
    parameters = fixed(graph)
    assert {graph.numbers[t.index] for t in half} <= parameters
    assert parameters.isdisjoint(graph.numbers[t.index] for t in inputs)


def test_an_initial_value_may_be_computed():
    """h_0 = tanh(w) is before the first step, since nothing else is in it."""
    w = mg.Tensor(0.5, requires_grad=True, name="w")
    h, total = np.tanh(w), 0.0
    h.name = "h_0"
    for t in (1, 2):
        h = np.tanh(w * h)
        y = h * 2.0
        h.name, y.name, total = f"h_{t}", f"y_{t}", total + y
    marks = Marks.of(graph_of([total]), {}, {})
    assert (marks.T, marks.first) == (2, 1)
    assert sorted(marks.labels.values()) == [("h", 0), ("h", 1), ("h", 2), ("y", 1), ("y", 2)]


def test_a_loop_that_counts_from_0_has_a_first_step():
    marks = Marks.of(graph_of([chain(4, lambda t: f"h{t - 1}")]), {}, {})
    assert (marks.T, marks.first) == (4, 0)
    assert sorted(step for _, step in marks.labels.values()) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (lambda: np.tanh(chain(1)), r"no steps were found .*: name what a step computes \(h.name = f'h_\{t\}'\), or"),
        (lambda: chain(4, lambda t: f"h_{t + (t > 2)}"), "the steps go from 1 to 5, but nothing is in step 3: number"),
        (lambda: chain(4, lambda t: f"h_{t % 3}"), "two tensors are h in step 1: give one of them another name, or"),
    ],
)
def test_what_cannot_be_told_apart_is_said(output, message):
    with pytest.raises(ValueError, match=message):
        Marks.of(graph_of([output()]), {}, {})


def test_what_the_last_step_left_has_its_likes_in_others():
    cost, _ = loops.nameless(4)
    graph = graph_of([cost])
    tanh = [tensor for tensor in graph.nodes if tensor.fn is np.tanh]
    marks = Marks.of(graph, {}, {"s": tanh[-1]})
    assert [marks.labels[graph.numbers[t.index]] for t in tanh] == [("s", 1), ("s", 2), ("s", 3), ("s", 4)]
    with pytest.raises(ValueError, match="s was not computed in the last step: pass the list of what all steps"):
        Marks.of(graph, {}, {"s": tanh[0]})
