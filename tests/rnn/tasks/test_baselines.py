"""Forecasts without a network: against what they are defined as, and reference numbers of real texts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.rnn.tasks import baselines
from minigrad.rnn.tasks.text import topics

TOPICS = {"characters": 465048, "alphabet": 103, "unigram": 3.2499143793251983, "bigram": 2.3161929991318466,
          "trigram": 1.7396102517278924}  # fmt: skip
"""Of `pydoc_data.topics` of CPython 3.11.7, in nats: the entropy of the whole, and of the last 10 % of it what bigrams
cost with 0.1 and trigrams with 0.01 added, counted in the first 90 %. Other versions of Python have another text."""

seeds = st.integers(0, 2**32 - 1)


@given(st.floats(-3, 3), st.floats(-3, 3))
def test_a_line_is_extended_exactly_and_a_constant_persists(a, b):
    line = a + b * np.arange(8.0)[:, None, None]
    np.testing.assert_allclose(baselines.linear(line[:-1], 1)[1:], line[2:], atol=1e-13)
    np.testing.assert_array_equal(baselines.linear(line, 1)[0], line[0])
    np.testing.assert_array_equal(baselines.persistence(np.repeat(line, 2, axis=-1), 1), line)


@given(seeds, st.integers(1, 3), st.integers(1, 4), st.integers(1, 2))
@settings(max_examples=50)
def test_what_is_autoregressive_is_found_exactly(seed, n, p, n_out):
    """Also of several components, and with an intercept."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=(1 + p * n, min(n, n_out)))
    xs = rng.normal(size=(p + 12, 3, n))
    targets = np.concatenate([np.zeros((p - 1, 3, truth.shape[1])), baselines.lagged(xs, p) @ truth])
    found = baselines.autoregression(xs, targets, p)
    np.testing.assert_allclose(found, truth, atol=1e-9)
    forecasts = baselines.autoregressed(xs, found, p)
    assert np.all(np.isnan(forecasts[: p - 1]))
    np.testing.assert_allclose(forecasts[p - 1 :], targets[p - 1 :], atol=1e-9)


@given(seeds, st.integers(1, 4))
@settings(max_examples=50)
def test_no_other_coefficients_err_less(seed, p):
    rng = np.random.default_rng(seed)
    x = np.cumsum(rng.normal(size=(60, 1, 1)), axis=0)
    xs, targets, best = x[:-1], x[1:], baselines.autoregression(x[:-1], x[1:], p)
    error = lambda c: np.mean((baselines.autoregressed(xs, c, p) - targets)[p - 1 :] ** 2)
    for _ in range(10):
        assert error(best) <= error(best + 0.01 * rng.normal(size=best.shape))


def test_the_lags_stand_newest_first():
    xs = np.arange(4.0)[:, None, None]
    np.testing.assert_array_equal(baselines.lagged(xs, 3)[:, 0], [[1, 2, 1, 0], [1, 3, 2, 1]])


def test_what_is_not_judged_is_not_fitted():
    rng = np.random.default_rng(0)
    xs, weights = rng.normal(size=(40, 2, 1)), rng.integers(2, size=(40, 2))
    targets = np.where(weights[..., None] > 0, 3 * xs - 1, np.nan)
    np.testing.assert_allclose(baselines.autoregression(xs, targets, 1, weights), [[-1], [3]], atol=1e-12)


def test_too_few_values_are_told():
    with pytest.raises(ValueError, match=r"AR\(5\) needs the last 5 values, and sequences of 4 steps"):
        baselines.lagged(np.zeros((4, 1, 1)), 5)
    with pytest.raises(ValueError, match=r"AR\(2\) has 3 coefficients, which 3 targets do not determine"):
        baselines.autoregression(np.zeros((4, 1, 1)), np.zeros((4, 1, 1)), 2)


# -- symbols ----------------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 3), min_size=3, max_size=60), st.integers(1, 3), st.floats(1e-3, 2))
@settings(max_examples=50)
def test_probabilities_are_counts(text, n, alpha):
    size = 4
    grams = np.stack(np.meshgrid(*[np.arange(size)] * n, indexing="ij"), axis=-1)
    p = np.exp(-baselines.surprise(text, grams, size, alpha))
    counted = [tuple(text[i : i + n]) for i in range(len(text) - n + 1)]
    for gram in np.ndindex(*[size] * n):
        context = sum(c[:-1] == gram[:-1] for c in counted)
        expected = (counted.count(gram) + alpha) / (context + alpha * size)
        assert p[gram] == pytest.approx(expected, rel=1e-12)


def test_a_text_of_two_letters():
    """abab: a is followed by b, both times."""
    p = lambda *gram: np.exp(-baselines.surprise([0, 1, 0, 1], [gram], 2, 1.0))[0]
    assert p(0) == pytest.approx(3 / 6)
    assert p(0, 1) == pytest.approx(3 / 4)
    assert p(1, 1) == pytest.approx(1 / 3)
    assert p(0, 1, 0) == pytest.approx(2 / 3)


@pytest.mark.parametrize("alpha", [0.0, -1.0, np.nan])
def test_nothing_added_is_refused(alpha):
    with pytest.raises(ValueError, match="what is added to every count is positive"):
        baselines.surprise([0, 1], [[0]], 2, alpha)


def test_pythons_topics_cost_what_is_known():
    text = topics()
    letters = sorted(set(text))
    if (len(text), len(letters)) != (TOPICS["characters"], TOPICS["alphabet"]):
        pytest.skip("this Python has another text")
    codes = np.searchsorted(letters, list(text))
    share = np.bincount(codes) / len(codes)
    assert -np.sum(share * np.log(share)) == pytest.approx(TOPICS["unigram"], rel=1e-12)
    cut = int(0.9 * len(codes))
    for n, alpha, name in ((2, 0.1, "bigram"), (3, 0.01, "trigram")):
        grams = np.stack([codes[cut - n + 1 + k : len(codes) - n + 1 + k] for k in range(n)], axis=-1)
        found = np.mean(baselines.surprise(codes[:cut], grams, len(letters), alpha))
        assert found == pytest.approx(TOPICS[name], rel=1e-12)
