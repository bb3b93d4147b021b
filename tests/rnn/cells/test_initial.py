"""How weights start: matrices by their distributions, orthogonality and spectral radius."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.rnn.cells import RNN, OutputFeedbackRNN
from minigrad.rnn.cells.initial import normal, orthogonal, scaled_to_radius

seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 7)
some = settings(max_examples=50)


def radius_of(W):
    return np.abs(np.linalg.eigvals(W)).max()


@pytest.mark.parametrize("gain", [1.0, 1.7])
def test_normal_entries_keep_the_variance_of_what_they_act_on(gain):
    W = normal((300, 500), np.random.default_rng(0), gain)
    spread = W.std() * np.sqrt(500)
    assert spread == pytest.approx(gain, rel=4 / np.sqrt(2 * W.size))  # four standard errors
    assert W.mean() == pytest.approx(0, abs=4 * gain / np.sqrt(500 * W.size))
    x = np.random.default_rng(1).normal(size=(500, 200))
    assert np.var(W @ x) == pytest.approx(gain**2, rel=0.05)


def test_a_normal_matrix_has_radius_1():
    model = RNN(1, 400, 1)
    assert radius_of(model.W.data) == pytest.approx(1.036, abs=3 * 0.020)
    assert np.linalg.norm(model.W.data, 2) == pytest.approx(2, rel=0.05)
    assert model.V.data.std() == pytest.approx(1 / np.sqrt(400), rel=0.15)
    assert model.U.data.std() == pytest.approx(1, rel=0.15)


@some
@given(n=sizes, seed=seeds)
def test_orthogonal_matrices_are_orthogonal(n, seed):
    Q = orthogonal(n, np.random.default_rng(seed))
    np.testing.assert_allclose(Q.T @ Q, np.eye(n), atol=1e-14)
    np.testing.assert_array_equal(RNN(1, n, 1, init="orthogonal", rng=seed).W.data, Q)


def test_orthogonal_matrices_are_uniformly_distributed():
    """Every entry has mean 0 and variance 1/n, and both orientations occur: LAPACK's own signs would spoil this."""
    rng = np.random.default_rng(0)
    many, n = 2000, 3
    Q = np.array([orthogonal(n, rng) for _ in range(many)])
    np.testing.assert_allclose(Q.mean(axis=0), 0, atol=5 / np.sqrt(n * many))
    np.testing.assert_allclose((Q**2).mean(axis=0), 1 / n, atol=0.05)
    assert np.mean(np.linalg.det(Q) > 0) == pytest.approx(0.5, abs=5 * 0.5 / np.sqrt(many))


def test_the_identity():
    np.testing.assert_array_equal(RNN(1, 4, 1, init="identity").W.data, np.eye(4))
    np.testing.assert_allclose(RNN(1, 4, 1, init="identity", radius=0.5).W.data, 0.5 * np.eye(4))


@some
@given(n=sizes, seed=seeds, radius=st.floats(0.01, 10), init=st.sampled_from(["normal", "orthogonal", "identity"]))
def test_the_spectral_radius_is_what_was_asked_for(n, seed, radius, init):
    unscaled = RNN(1, n, 1, init=init, rng=seed)
    model = RNN(1, n, 1, init=init, radius=radius, rng=seed)
    assert radius_of(model.W.data) == pytest.approx(radius, rel=1e-9)
    np.testing.assert_allclose(model.W.data * radius_of(unscaled.W.data), unscaled.W.data * radius, rtol=1e-12)
    np.testing.assert_array_equal(model.U.data, unscaled.U.data)
    fed = OutputFeedbackRNN(1, n, 1, hidden=True, init=init, radius=radius, rng=seed)
    np.testing.assert_array_equal(fed.W.data, model.W.data)


def test_radius_zero_is_no_recurrence():
    np.testing.assert_array_equal(scaled_to_radius([[1.0, 2.0], [3.0, 4.0]], 0.0), np.zeros((2, 2)))


@pytest.mark.parametrize("radius", [-0.5, np.inf, np.nan])
def test_a_radius_is_a_number_of_at_least_zero(radius):
    with pytest.raises(ValueError, match=rf"spectral radius .*got {radius}"):
        RNN(1, 2, 1, radius=radius)


def test_a_nilpotent_matrix_cannot_be_scaled():
    with pytest.raises(ValueError, match="nilpotent"):
        scaled_to_radius([[0.0, 1.0], [0.0, 0.0]], 0.9)
