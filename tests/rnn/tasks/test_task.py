"""What all tasks are: a score of outputs, by weight and in the data's units."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from minigrad.engine.tensor import Tensor
from minigrad.rnn.cells import RNN
from minigrad.rnn.tasks.task import Batch, Task, at_least
from minigrad.rnn.unrolling import unroll

shape = (4, 3, 2)
values = arrays(np.float64, shape, elements=st.floats(-5, 5))


class Squares(Task):
    name = "squares"


class Classes(Task):
    name, cost = "classes", "cross_entropy"


def batch(targets, weights=None):
    return Batch(np.zeros((4, 3, 1)), targets, weights)


@given(values, values)
def test_without_weights_a_score_is_the_cost_a_step(outputs, targets):
    """Of `unroll`, whose model hands on what it is given."""
    model = RNN(2, 2, 2, f="identity", init="identity")
    model.W.data, model.U.data, model.V.data = np.zeros((2, 2)), np.eye(2), np.eye(2)
    probabilities = np.abs(targets) / np.maximum(np.abs(targets).sum(axis=-1, keepdims=True), 1e-9)
    for task, wanted in ((Squares(), targets), (Classes(), probabilities)):
        run = unroll(model, outputs, wanted, cost=task.cost)
        assert task.score(run.outputs, batch(wanted)) == pytest.approx(run.cost.item() / 4, rel=1e-12, abs=1e-15)


@given(values, values, arrays(np.int64, (4, 3), elements=st.integers(0, 3)).filter(np.any))
def test_a_weight_is_how_often_a_position_counts(outputs, targets, weights):
    o, y = (np.repeat(each.reshape(12, 2), weights.ravel(), axis=0) for each in (outputs, targets))
    expected = np.mean((o - y) ** 2)
    assert Squares().score(outputs, batch(targets, weights.astype(float))) == pytest.approx(expected, rel=1e-12)


@given(values, values, st.lists(st.integers(0, 1), min_size=4, max_size=4).filter(any))
def test_what_has_no_weight_may_be_anything(outputs, targets, weights):
    spoilt = np.where(np.array(weights)[:, None, None] > 0, outputs, np.nan)
    given_ = batch(targets, np.array(weights, float))
    assert Squares().score(spoilt, given_) == Squares().score(outputs, given_)
    assert Classes().score(spoilt, given_) == Classes().score(outputs, given_)


def test_a_diverged_model_has_no_finite_score():
    assert Squares().score(np.full(shape, 1e200), batch(np.zeros(shape))) == np.inf
    assert np.isnan(Squares().score(np.full(shape, np.nan), batch(np.zeros(shape))))


def test_at_the_last_step_only_that_is_judged():
    task = Squares()
    task.at = "last"
    outputs, targets = np.random.default_rng(0).normal(size=shape), np.ones((3, 2))
    last = Batch(np.zeros((4, 3, 1)), targets)
    assert task.score(outputs, last) == task.score(Tensor(outputs[-1]), last) == np.mean((outputs[-1] - 1) ** 2)


def test_outputs_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"outputs of shape \(4, 3\) do not go with targets of shape \(4, 3, 2\)"):
        Squares().score(np.zeros((4, 3)), batch(np.zeros(shape)))


def test_what_does_not_generate_says_so():
    task = Squares()
    assert not task.generates
    for ask in (lambda: task.feed(np.zeros((1, 1)), 0), lambda: task.prompt, lambda: task.truth):
        with pytest.raises(TypeError, match="'squares' are no inputs, so that nothing can be generated"):
            ask()


def test_without_right_and_wrong_nothing_is_solved():
    assert Squares().wrong(np.zeros(shape), batch(np.zeros(shape))) is None
    assert Squares().solved(np.zeros(shape), batch(np.zeros(shape))) is None


def test_held_out_arrays_cannot_be_changed():
    fixed = batch(np.zeros(shape)).fixed()
    with pytest.raises(ValueError, match="read-only"):
        fixed.targets[0] = 1.0


@pytest.mark.parametrize("value", [0, -1, 1.5, "3", None])
def test_a_count_is_a_whole_number(value):
    with pytest.raises(ValueError, match=r"T is .*: expected a whole number of at least 1"):
        at_least(1, T=value)
