"""Closed loop: what is fed back is what the output was made into, and everything that is carried goes on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.rnn.cells import GRU, LRU, LSTM, RNN, MinGRU, OutputFeedbackRNN, Stacked
from minigrad.rnn.generating import generate, horizon, sample
from minigrad.rnn.unrolling import unroll

MODELS = {
    "RNN": lambda: RNN(2, 4, 2, rng=1),
    "feedback": lambda: OutputFeedbackRNN(2, 4, 2, rng=1),
    "both": lambda: OutputFeedbackRNN(2, 4, 2, hidden=True, rng=1),
    "LSTM": lambda: LSTM(2, 4, 2, rng=1),
    "GRU": lambda: GRU(2, 4, 2, rng=1),
    "MinGRU": lambda: MinGRU(2, 4, 2, rng=1),
    "LRU": lambda: LRU(2, 4, 2, rng=1),
    "float32": lambda: RNN(2, 4, 2, rng=1, dtype=np.float32),
    "stack": lambda: Stacked([LSTM(2, 4, rng=1), RNN(4, 3, rng=2), GRU(3, 4, 2, rng=3)]),
}


def mixed(output, t, rng):
    """The output, turned; the time; and something random."""
    return output[..., ::-1] * 0.9 + 0.01 * t + rng.normal(size=output.shape)


@pytest.mark.parametrize("build", MODELS.values(), ids=MODELS)
@pytest.mark.parametrize("batch", [(), (3,)])
@pytest.mark.parametrize(("T", "steps"), [(1, 1), (1, 4), (5, 1), (5, 6)])
def test_it_is_an_unrolling_along_what_was_fed(build, batch, T, steps):
    model, fed = build(), []
    prompt = np.random.default_rng(0).normal(size=(T, *batch, 2)).astype(model.dtype)

    def feed(output, t, rng):
        assert t == T + len(fed)
        assert not output.flags.writeable
        fed.append(mixed(output, t, rng).astype(model.dtype))
        return fed[-1]

    outputs = generate(model, prompt, feed, steps, rng=7)
    assert outputs.dtype == model.dtype
    assert outputs.shape == (steps, *batch, 2)
    run = unroll(model, np.concatenate([prompt, np.reshape(fed, (steps - 1, *batch, 2)).astype(model.dtype)]))
    np.testing.assert_array_equal(outputs, run.outputs[T - 1 :])
    np.testing.assert_array_equal(outputs, generate(model, prompt, mixed, steps, rng=np.random.default_rng(7)))


def test_it_goes_on_from_a_state():
    model, xs = LSTM(2, 4, 2), np.random.default_rng(0).normal(size=(9, 3, 2))
    whole = generate(model, xs, lambda y, t, rng: y, 5)
    before = unroll(model, xs[:6])
    initial = {role: tensor.data for role, tensor in before.final.items()}
    np.testing.assert_array_equal(generate(model, xs[6:], lambda y, t, rng: y, 5, initial=initial), whole)


def test_nothing_is_recorded_and_nothing_changed():
    model, seen = RNN(2, 4, 2), []
    prompt = np.ones((3, 2))
    generate(model, prompt, lambda y, t, rng: seen.append(y) or y, 3)
    assert all(type(y) is np.ndarray for y in seen)
    assert all(parameter.grad is None for parameter in model.parameters().values())
    assert (mg.Tensor(1.0, requires_grad=True) * 2).requires_grad


def test_what_cannot_be_generated():
    model, prompt = RNN(2, 4, 1), np.ones((3, 5, 2))
    both = mg.rnn.Bidirectional(RNN(2, 4), RNN(2, 4), n_out=2)
    with pytest.raises(TypeError, match="a Bidirectional hears the future"):
        generate(both, prompt, lambda y, t, rng: y, 3)
    with pytest.raises(ValueError, match=r"feed gave an input of shape \(5, 1\) at t=3: \(5, 2\) is needed"):
        generate(model, prompt, lambda y, t, rng: y, 3)
    with pytest.raises(ValueError, match="steps=0"):
        generate(model, prompt, lambda y, t, rng: y, 0)
    with pytest.raises(ValueError, match="n_in=2"):
        generate(model, prompt[..., :1], lambda y, t, rng: y, 3)


# -- drawing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_rows_are_drawn_from_their_softmax(temperature):
    logits = np.array([1.0, -np.inf, 0.0, 2.5])
    drawn = sample(np.tile(logits, (40_000, 1)), np.random.default_rng(0), temperature)
    shares = np.bincount(drawn, minlength=4) / len(drawn)
    np.testing.assert_allclose(shares, mg.functions.softmax(logits / temperature), atol=0.01)
    assert shares[1] == 0


@given(st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=5), st.integers(0, 99))
def test_without_temperature_it_is_the_likeliest(logits, seed):
    rng = np.random.default_rng(seed)
    assert logits[int(sample(logits, rng, 0.0))] == max(logits)
    assert logits[int(sample(logits, rng, 1e-300))] == max(logits)
    assert 0 <= sample(logits, rng, np.inf) < len(logits)


def test_axes_before_the_last_are_kept():
    assert sample(np.zeros((2, 3, 4)), np.random.default_rng(0)).shape == (2, 3)


@pytest.mark.parametrize(
    ("logits", "temperature"),
    [([0.0], -1.0), ([0.0], np.nan), ([np.nan, 0.0], 1.0), ([-np.inf, -np.inf], 1.0), ([np.inf, 0.0], 1.0), ([], 1.0)],
)
def test_what_cannot_be_drawn_from(logits, temperature):
    with pytest.raises(ValueError, match=r"temperature=|nothing to draw from"):
        sample(logits, np.random.default_rng(0), temperature)


# -- how long it holds ------------------------------------------------------------------------------------------------


@given(st.integers(1, 20), st.integers(1, 4), st.integers(0, 99))
def test_the_horizon_is_where_the_error_first_exceeds_the_threshold(T, n, seed):
    rng = np.random.default_rng(seed)
    outputs, truth = rng.normal(size=(2, T, 3, n))
    for threshold in (0.0, 1.0, 2.0, 100.0):
        found = horizon(outputs, truth, threshold)
        for b, steps in enumerate(found):
            errors = np.sqrt(np.sum((outputs - truth)[:, b] ** 2, axis=-1))
            assert np.all(errors[:steps] <= threshold)
            assert steps == T or errors[steps] > threshold
            assert horizon(outputs[:, b], truth[:, b], threshold) == steps


def test_a_forecast_that_exploded_is_over():
    outputs = np.array([[0.0], [1e300], [np.nan], [np.inf]])
    assert horizon(outputs, np.zeros((4, 1)), 1.0) == 1


def test_a_horizon_needs_both():
    with pytest.raises(ValueError, match=r"\(3, 1\) and truth of \(4, 1\)"):
        horizon(np.zeros((3, 1)), np.zeros((4, 1)), 1.0)
    for threshold in (-1.0, np.nan):
        with pytest.raises(ValueError, match="threshold"):
            horizon(np.zeros((3, 1)), np.zeros((3, 1)), threshold)
