"""Adding, copying, temporal order: what is asked, and what those get who have no memory."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.rnn.cells import RNN
from minigrad.rnn.tasks.symbols import Adding, CopyMemory, TemporalOrder
from minigrad.rnn.unrolling import unroll
from minigrad.scopes import no_grad

seeds = st.integers(0, 2**32 - 1)


def batch(task, seed, size=16):
    return task.batch(np.random.default_rng(seed), size)


# -- adding -----------------------------------------------------------------------------------------------------------


@given(seeds, st.integers(2, 40), st.booleans())
@settings(max_examples=50)
def test_the_marked_numbers_add_up_to_the_target(seed, T, hochreiter):
    xs, targets, weights = batch(Adding(T, hochreiter=hochreiter), seed)
    u, markers = xs[..., 0], xs[..., 1]
    assert weights is None
    assert set(np.unique(markers)) <= {0.0, 1.0}
    np.testing.assert_array_equal(markers[: T // 2].sum(axis=0), 1)
    np.testing.assert_array_equal(markers[T // 2 :].sum(axis=0), 1)
    total = np.sum(u * markers, axis=0)
    np.testing.assert_allclose(targets[:, 0], 0.5 + total / 4 if hochreiter else total, rtol=1e-15)
    assert np.all((u >= (-1 if hochreiter else 0)) & (u <= 1))


@pytest.mark.parametrize(
    ("hochreiter", "expected", "name"), [(False, 1 / 6, "constant 1"), (True, 1 / 24, "constant 0.5")]
)
def test_predicting_the_mean_has_the_known_error(hochreiter, expected, name):
    """Of (S - E S)², whose standard deviation is √(1/15 - 1/36) for S of U[0, 1] and a sixteenth of 4 times that."""
    task = Adding(10, hochreiter=hochreiter, n_test=20_000)
    deviation = math.sqrt(1 / 15 - 1 / 36) / (4 if hochreiter else 1) / math.sqrt(20_000)
    assert task.baselines() == {name: pytest.approx(expected, abs=4 * deviation)}
    assert task.baselines(task.validation) != task.baselines()


def test_a_sum_is_right_within_four_hundredths():
    task = Adding(5, n_test=100)
    outputs = task.test.targets.copy()
    assert task.solved(outputs, task.test) is True
    outputs[:1] += 0.05
    assert task.wrong(outputs, task.test) == 0.01
    assert task.solved(outputs, task.test) is True
    outputs[1] = np.nan
    assert task.wrong(outputs, task.test) == 0.02
    assert task.solved(outputs, task.test) is False


# -- copying ----------------------------------------------------------------------------------------------------------


@given(seeds, st.integers(1, 20), st.integers(5, 10), st.integers(4, 9))
@settings(max_examples=50)
def test_what_is_heard_first_is_wanted_last(seed, T, length, symbols):
    xs, targets, _ = batch(CopyMemory(T, length=length, symbols=symbols), seed)
    heard, wanted = xs.argmax(axis=-1), targets.argmax(axis=-1)
    assert len(xs) == T + 2 * length
    np.testing.assert_array_equal(xs.sum(axis=-1), 1)
    np.testing.assert_array_equal(targets.sum(axis=-1), 1)
    np.testing.assert_array_equal(heard[:length], wanted[-length:])
    assert np.all(heard[:length] < symbols)
    assert np.all(wanted[:-length] == symbols)
    assert np.all(heard[length + T - 1] == symbols + 1)
    assert np.all(np.delete(heard[length:], T - 1, axis=0) == symbols)


@pytest.mark.parametrize(("T", "expected"), [(100, 0.173287), (200, 0.094520)])
def test_without_memory_copying_costs_what_is_known(T, expected):
    task = CopyMemory(T, n_test=20)
    assert task.baselines() == {"no memory": pytest.approx(10 * math.log(8) / (T + 20), rel=1e-13)}
    assert task.baselines()["no memory"] == pytest.approx(expected, abs=5e-7)


def test_a_sequence_is_copied_if_every_symbol_is():
    task = CopyMemory(5, n_test=50)
    outputs = task.test.targets * 7.0
    assert task.wrong(outputs, task.test) == 0.0
    outputs[-1, 0] = -outputs[-1, 0]
    assert task.wrong(outputs, task.test) == 1 / 50
    outputs[0] = 0.0  # where blanks are wanted nobody asks
    assert task.wrong(outputs, task.test) == 1 / 50


# -- order ------------------------------------------------------------------------------------------------------------


@given(seeds, st.integers(5, 60))
@settings(max_examples=50)
def test_the_class_is_which_symbols_came_in_which_order(seed, T):
    xs, targets, _ = batch(TemporalOrder(T), seed)
    relevant = xs[..., :2].sum(axis=-1)
    np.testing.assert_array_equal(xs.sum(axis=-1), 1)
    np.testing.assert_array_equal(relevant.sum(axis=0), 2)
    for b in range(16):
        first, second = np.flatnonzero(relevant[:, b])
        assert T // 10 <= first <= 2 * T // 10 < 4 * T // 10 <= second <= 5 * T // 10
        a, z = xs[first, b, 1], xs[second, b, 1]
        assert targets[b, int(2 * a + z)] == 1
    np.testing.assert_array_equal(targets.sum(axis=-1), 1)


def test_any_class_costs_ln_4():
    assert TemporalOrder(20, n_test=40).baselines() == {"any class": pytest.approx(math.log(4), rel=1e-15)}


def test_a_class_is_right_if_it_is_the_most_probable():
    task = TemporalOrder(20, n_test=50)
    outputs = task.test.targets * 1.0
    outputs[:3] *= -1
    assert task.wrong(outputs, task.test) == pytest.approx(0.06)


# -- all of them ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", [Adding(6), CopyMemory(5), TemporalOrder(8)], ids=lambda task: task.name)
def test_a_network_can_be_judged(task):
    model = RNN(task.n_in, 4, task.n_out)
    with no_grad():
        run = unroll(model, *task.validation[:2], cost=task.cost, at=task.at)
    steps = len(run) if task.at == "every" else 1
    assert task.score(run.outputs, task.validation) == pytest.approx(run.cost.item() / steps, rel=1e-12)
    assert 0 <= task.wrong(run.outputs, task.validation) <= 1


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Adding(1), "T is 1: expected a whole number of at least 2"),
        (lambda: CopyMemory(0), "T is 0"),
        (lambda: CopyMemory(length=0), "length is 0"),
        (lambda: CopyMemory(symbols=1), "symbols is 1"),
        (lambda: TemporalOrder(4), "T is 4: expected a whole number of at least 5"),
        (lambda: TemporalOrder("long"), "T is 'long'"),
    ],
)
def test_what_cannot_be_is_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()
