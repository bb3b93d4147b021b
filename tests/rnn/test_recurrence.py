"""What a loop is made of, found in its graph."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad.rnn.reading import run_of
from tests.rnn import loops

T = 4


def loop(*, h=None, data=None, ending=None, step=None, use=None, targets=None):
    """h_t = tanh(W h_{t-1} + U x_t), and a cost of it; whatever is given is done otherwise."""
    drawn = loops.Drawn(1)
    W, U, _, _, _ = drawn.rnn()
    xs, ys = drawn.data(T, n_out=5)
    xs, ys = xs if data is None else data, ys if targets is None else targets
    h = np.zeros(5) if h is None else h
    costs = []
    for t in range(T):
        h = step(h, t) if step else h
        z = W @ h + (use(U, xs[t], t) if use else U @ xs[t])
        h = np.tanh(z)
        h.name = f"h_{t + 1}"
        costs.append(np.sum((h - ys[t]) ** 2))
    return (ending or sum)(costs), costs, xs, ys


@pytest.mark.parametrize(
    "ending",
    [
        sum,
        lambda costs: sum(costs) / len(costs),
        lambda costs: np.sum(np.stack(costs)),
        lambda costs: np.mean(np.stack(costs)) * 2.0,
        lambda costs: sum(costs, start=mg.Tensor(0.0)),
        lambda costs: np.sum(np.concatenate([c.reshape(1) for c in costs])),
    ],
)
def test_what_adds_up_to_the_cost_is_a_cost(ending):
    cost, costs, _, _ = loop(ending=ending)
    run = run_of(cost)
    assert [run.costs[t].item() for t in run.costs] == [C.item() for C in costs]
    assert run.cost is cost


def test_a_penalty_is_the_cost_of_no_step():
    drawn = loops.Drawn()
    P = drawn.parameter("P", 3)
    cost, costs, _, _ = loop(ending=lambda costs: sum(costs) + 0.1 * np.sum(P**2))
    run = run_of(cost)
    assert list(run.costs.values()) == costs
    assert "P" in run.model.parameters()


def test_what_is_computed_of_all_outputs_is_the_cost_of_no_step():
    run = run_of(loops.lists()[0])
    assert run.costs == {}
    assert run.roles == ["x", "h", "y"]


def test_plain_arrays_that_change_are_inputs_and_targets():
    cost, _, xs, ys = loop()
    run = run_of(cost)
    np.testing.assert_array_equal([x.data for x in run["x"]], xs)
    np.testing.assert_array_equal([y.data for y in run.targets], ys)
    np.testing.assert_array_equal(run.carried[0]["h"].data, np.zeros(5))
    assert {operand.role for operand in run.operands} == {"x", "h", "target"}


def test_tensors_are_inputs_themselves():
    xs = [mg.Tensor(x) for x in np.random.default_rng(0).normal(size=(T, 2))]
    run = run_of(loop(data=xs)[0])
    assert run["x"] == xs


def test_a_sequence_that_requires_grad_is_no_parameter():
    xs = mg.Tensor(np.random.default_rng(0).normal(size=(T, 2)), requires_grad=True, name="xs")
    run = run_of(loop(data=xs)[0])
    assert run.model.parameters().keys() == {"W", "U"}
    np.testing.assert_array_equal([x.data for x in run["x"]], xs.data)
    assert all(x.requires_grad for x in run["x"])


def test_an_embedding_is_a_parameter():
    """Its rows are taken in any order: that is not a sequence."""
    E = mg.Tensor(np.eye(5), requires_grad=True, name="E")
    run = run_of(loop(use=lambda U, x, t: E[[2, 0, 2, 1][t]])[0])
    assert "E" in run.model.parameters()
    assert [x.item() for x in run["x"]] == [2, 0, 2, 1]


@pytest.mark.parametrize(
    "use",
    [
        lambda U, x, t: 0.5 * (U @ x),
        lambda U, x, t: np.sqrt(2.0) * (U @ x),
        lambda U, x, t: np.array([1.0, 0.0, 1.0, 0.0, 1.0]) * (U @ x),  # the same mask in every step
        lambda U, x, t: (U @ x)[np.array([0, 1, 2, 3, 4])],
    ],
)
def test_what_is_the_same_in_all_steps_is_no_input(use):
    run = run_of(loop(use=use)[0])
    assert run.roles == ["x", "h", "C"]
    assert {operand.position for operand in run.operands if operand.role == "x"} == {1}


def test_several_uses_of_an_input_are_one_input_and_another_one_is_x2():
    extra = np.random.default_rng(3).normal(size=(T, 5))
    run = run_of(loop(use=lambda U, x, t: U @ x + (U * U) @ x + extra[t])[0])
    assert run.roles == ["x", "x2", "h", "C"]
    assert sum(operand.role == "x" for operand in run.operands) == 2 * T
    np.testing.assert_array_equal([x.data for x in run["x2"]], extra)


def test_what_never_changes_may_be_an_input_if_nothing_else_is():
    run = run_of(loop(data=np.ones((T, 2)))[0])
    assert run.roles == ["x", "h", "C"]


def test_where_others_have_the_step_before_stands_what_is_learnt():
    h = mg.Tensor(np.ones(5), requires_grad=True, name="start")
    run = run_of(loop(h=h)[0])
    assert run.carried[0]["h"] is h
    assert run.model.parameters().keys() == {"W", "U"}
    again = run_of(loop(h=2.0 * mg.Tensor(np.ones(5), requires_grad=True, name="A"))[0])
    assert again.carried[0]["h"].data[0] == 2.0
    assert "A" in again.model.parameters()


def test_a_window_is_cut():
    run = run_of(loop(step=lambda h, t: h.detach() if t == 2 else h)[0])
    wiring = mg.rnn.figure.wiring.Wiring.of_run(run)
    assert wiring.cuts == {(("h", 2), ("h", 3))}
    assert run.roles == ["x", "h", "C"]


def test_what_goes_on_without_a_name_is_h():
    run = run_of(loops.nameless()[0])
    assert run.roles == ["x", "h", "y", "C"]
    assert run.model.carried == ("h",)


def test_two_states_without_names_are_told_apart():
    drawn = loops.Drawn()
    W, U, _, _, _ = drawn.rnn()
    a, b, cost = np.zeros(5), np.zeros(5), 0
    for x in drawn.data(T)[0]:
        a = np.tanh(W @ a + U @ x)
        b = np.tanh(W @ b + a)
        cost = cost + np.sum(b**2)
    run = run_of(cost)
    assert run.roles == ["x", "h1", "h2", "C"]
    assert run.model.carried == ("h1", "h2")


def test_an_output_that_is_fed_back_is_y_and_not_h():
    run = run_of(loops.feedback()[0])
    assert run.model.carried == ("y",)
    assert [h.fn for h in run["h"]] == [np.tanh] * 4


def test_targets_that_are_fed_back_are_forced():
    drawn = loops.Drawn()
    R, V, (_, ys) = drawn.parameter("R", 5, 1), drawn.parameter("V", 1, 5), drawn.data(T)
    heard, cost = mg.Tensor(np.zeros(1), name="y_0"), 0
    for t in range(T):
        h = np.tanh(R @ heard)
        y, heard = V @ h, mg.Tensor(ys[t])
        h.name, y.name, heard.name = f"h_{t + 1}", f"y_{t + 1}", f"target_{t + 1}"
        cost = cost + np.sum((y - heard) ** 2)
    run = run_of(cost)
    assert run.forced
    assert [target.item() for target in run.targets] == list(ys[:, 0])


def test_numbers_that_pick_an_output_are_targets():
    run = run_of(loops.characters()[0])
    assert all(target.shape == (2,) for target in run.targets)
    assert len({tuple(target.data) for target in run.targets}) > 1
