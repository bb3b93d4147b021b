"""Sequences without end that never are the held-out ones."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.rnn.tasks import Adding, CopyMemory, Mass, Oscillator, Sine, TemporalOrder
from minigrad.rnn.tasks.drawn import TEST, TRAINING, VALIDATION, Drawn, drawn, part_of, stream
from minigrad.rnn.tasks.task import Batch

seeds = st.integers(0, 2**32 - 1)
SMALL = {"n_validation": 20, "n_test": 30}
BUILD = {
    "adding": lambda **o: Adding(4, **SMALL, **o),
    "copy": lambda **o: CopyMemory(1, length=2, symbols=12, **SMALL, **o),  # of 144 sequences, most come again
    "order": lambda **o: TemporalOrder(5, **SMALL, **o),  # of 8192
    "sine": lambda **o: Sine(4, **SMALL, **o),
    "oscillator": lambda **o: Oscillator(4, **SMALL, **o),
    "mass": lambda **o: Mass(T=4, **SMALL, **o),
}


def sequences(batch):
    return {batch.xs[:, b].tobytes() for b in range(batch.xs.shape[1])}


@pytest.mark.parametrize("build", BUILD.values(), ids=BUILD)
@given(seed=seeds, other=seeds)
@settings(max_examples=10)
def test_no_sequence_of_training_is_held_out(build, seed, other):
    """Whichever seeds there are, the same one twice among them."""
    task = build(seed=seed)
    held = [sequences(task.validation), sequences(task.test)]
    assert not held[0] & held[1]
    for rng in (np.random.default_rng(seed), np.random.default_rng(other), stream(seed, TEST)):
        training = set().union(*(sequences(task.batch(rng, 32)) for _ in range(3)))
        assert not training & held[0]
        assert not training & held[1]


@pytest.mark.parametrize("build", BUILD.values(), ids=BUILD)
@given(seed=seeds, size=st.integers(1, 40))
@settings(max_examples=10)
def test_a_batch_is_a_function_of_the_generators_state(build, seed, size):
    task, rng = build(), np.random.default_rng(seed)
    rng.normal(size=3)
    state = rng.bit_generator.state
    first, after = task.batch(rng, size), rng.bit_generator.state
    rng.bit_generator.state = state
    second = build().batch(rng, size)
    assert rng.bit_generator.state == after
    assert first.xs.shape[1] == first.targets.shape[-2] == size
    np.testing.assert_array_equal(first.xs, second.xs)
    np.testing.assert_array_equal(first.targets, second.targets)


@pytest.mark.parametrize("build", BUILD.values(), ids=BUILD)
def test_held_out_parts_are_those_of_the_seed(build):
    one, same, other = build(seed=1), build(seed=1), build(seed=2)
    np.testing.assert_array_equal(one.test.xs, same.test.xs)
    assert one.validation.xs.shape[1] == 20
    assert one.test.xs.shape[1] == 30
    assert not np.array_equal(one.test.xs, other.test.xs)


@given(seeds)
def test_what_a_task_draws_itself_no_seed_draws(seed):
    generators = [np.random.default_rng(seed), *(stream(seed, part) for part in (TRAINING, VALIDATION, TEST))]
    assert len({float(rng.random()) for rng in generators}) == 4


def test_xs_and_targets_stay_beside_each_other():
    def draw(rng, size):
        xs = rng.normal(size=(3, size, 1))
        return Batch(xs, xs.sum(axis=0))

    found = drawn(draw, VALIDATION, np.random.default_rng(0), 25)
    np.testing.assert_array_equal(found.xs.sum(axis=0), found.targets)


def test_an_eighth_each_is_held_out():
    xs = np.random.default_rng(0).normal(size=(8000, 5, 2))
    found = Counter(map(part_of, xs))
    assert found[VALIDATION] / 8000 == pytest.approx(1 / 8, abs=0.02)
    assert found[TEST] / 8000 == pytest.approx(1 / 8, abs=0.02)
    assert found[TRAINING] + found[VALIDATION] + found[TEST] == 8000


def test_longer_sequences_are_known_by_their_beginning():
    draw = lambda rng, size: Batch(rng.normal(size=(9, size, 1)), np.zeros((9, size, 1)))
    found = drawn(draw, TEST, np.random.default_rng(0), 20, steps=4)
    assert {part_of(found.xs[:4, b]) for b in range(20)} == {TEST}


def test_too_few_different_sequences_are_told():
    constant = lambda rng, size: Batch(np.zeros((2, size, 1)), np.zeros((size, 1)))
    with pytest.raises(ValueError, match="the task has too few different ones, make it longer"):
        for part in (VALIDATION, TEST):
            drawn(constant, part, np.random.default_rng(0), 3)


@pytest.mark.parametrize("options", [{"n_test": 0}, {"n_validation": 1.5}, {"seed": -1}])
def test_what_cannot_be_is_refused(options):
    with pytest.raises(ValueError, match=f"{next(iter(options))} is .*: expected a whole number of at least"):
        Drawn(**options)
    with pytest.raises(ValueError, match="size is 0"):
        Adding().batch(np.random.default_rng(0), 0)
