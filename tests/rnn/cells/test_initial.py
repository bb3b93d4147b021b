"""How weights start: matrices by their distributions, orthogonality and spectral radius."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.rnn.cells import RNN, OutputFeedbackRNN, initial
from minigrad.rnn.cells.initial import normal, orthogonal, orthogonal_factor, scale_to_spectral_radius
from tests.rnn.cells.reference import stored

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


def test_the_orthogonal_factor_by_another_program():
    """With a positive diagonal of R there is only one."""
    known = stored("initialisation.json")
    Q = orthogonal_factor(known["A"])
    np.testing.assert_allclose(Q, known["Q_with_positive_diag_R"], rtol=1e-13, atol=1e-14)
    assert np.all(np.diag(Q.T @ known["A"]) > 0)


def test_orthogonal_matrices_have_the_moments_of_haars_measure():
    """LAPACK's own signs would give every matrix the same determinant, and the trace a mean of -1.07."""
    haar, many, rng = stored("initialisation.json")["haar"], 5000, np.random.default_rng(0)
    Q = np.array([orthogonal(haar["n"], rng) for _ in range(many)])
    traces = np.trace(Q, axis1=1, axis2=2)
    for samples, expected in (
        (traces, haar["E_trace"]),
        (traces**2, haar["E_trace_sq"]),
        (Q[:, 1, 2] ** 2, haar["E_Qij_sq"]),
        (Q[:, 3, 0] ** 4, haar["E_Qij_4"]),
        (np.linalg.det(Q) > 0, haar["P_det_plus"]),
    ):
        assert np.mean(samples) == pytest.approx(expected, abs=4 * np.std(samples) / np.sqrt(many))


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
    np.testing.assert_array_equal(scale_to_spectral_radius([[1.0, 2.0], [3.0, 4.0]], 0.0), np.zeros((2, 2)))


@pytest.mark.parametrize("radius", [-0.5, np.inf, np.nan])
def test_a_radius_is_a_number_of_at_least_zero(radius):
    with pytest.raises(ValueError, match=rf"spectral radius .*got {radius}"):
        RNN(1, 2, 1, radius=radius)


def test_a_nilpotent_matrix_cannot_be_scaled():
    with pytest.raises(ValueError, match="nilpotent"):
        scale_to_spectral_radius([[0.0, 1.0], [0.0, 0.0]], 0.9)


# -- bounds and deviations --------------------------------------------------------------------------------------------

FANS = stored("initialisation.json")["fans"]
BOUNDED = {
    "glorot_uniform": "glorot_uniform_bound",
    "he_uniform": "he_uniform_bound",
    "uniform": "torch_rnn_uniform_bound",
}
SPREAD = {"glorot_normal": "glorot_normal_std", "he_normal": "he_normal_std", "normal": "lecun_normal_std"}


@pytest.mark.parametrize("fans", FANS, ids=lambda fans: f"{fans['fan_out']}x{fans['fan_in']}")
@pytest.mark.parametrize("kind", [*BOUNDED, *SPREAD])
def test_entries_have_the_bounds_and_deviations_of_their_formulas(kind, fans):
    """The drawn numbers are those of the same generator by the formula: nothing but the size is in question."""
    shape = fans["fan_out"], fans["fan_in"]
    entries = getattr(initial, kind)(shape, np.random.default_rng(0))
    rng = np.random.default_rng(0)
    if kind in BOUNDED:
        expected = rng.uniform(-1, 1, shape) * fans[BOUNDED[kind]]
        assert np.abs(entries).max() <= fans[BOUNDED[kind]]
    else:
        expected = rng.normal(size=shape) * fans[SPREAD[kind]]
    np.testing.assert_allclose(entries, expected, rtol=1e-12, atol=1e-15)


def test_gains():
    assert initial.GAINS["tanh"] == pytest.approx(stored("initialisation.json")["tanh_gain"], rel=1e-15)
    rng = [np.random.default_rng(0) for _ in range(2)]
    np.testing.assert_allclose(initial.he_normal((3, 4), rng[0]), normal((3, 4), rng[1], initial.GAINS["relu"]))


@pytest.mark.parametrize("kind", ["glorot_normal", "glorot_uniform"])
def test_a_gain_multiplies(kind):
    one, two = (getattr(initial, kind)((3, 4), np.random.default_rng(0), gain) for gain in (1.0, 2.0))
    np.testing.assert_allclose(two, 2 * one)


def test_a_bound_may_be_given_and_must_be_one():
    assert np.abs(initial.uniform((50, 50), np.random.default_rng(0), 0.01)).max() <= 0.01
    with pytest.raises(ValueError, match=r"bound=-1"):
        initial.uniform((2, 2), np.random.default_rng(0), -1.0)


@some
@given(n=sizes, connections=st.integers(1, 9), seed=seeds)
def test_sparse_matrices_have_so_many_entries_a_row(n, connections, seed):
    W = initial.sparse(n, np.random.default_rng(seed), connections)
    np.testing.assert_array_equal(np.count_nonzero(W, axis=1), min(n, connections))


def test_sparse_rows_keep_the_variance():
    W = initial.sparse(400, np.random.default_rng(0))
    assert (W**2).sum(axis=1).mean() == pytest.approx(1, rel=4 * np.sqrt(2 / (15 * 400)))
    with pytest.raises(ValueError, match="connections=0"):
        initial.sparse(3, np.random.default_rng(0), 0)


def test_chrono_biases_are_logarithms_of_uniform_times():
    times = np.exp(initial.chrono(20_000, 101.0, np.random.default_rng(0)))
    assert np.mean(times) == pytest.approx(50.5, abs=4 * 99 / np.sqrt(12 * 20_000))
    assert times.min() >= 1 - 1e-12 and times.max() <= 100 + 1e-9
    with pytest.raises(ValueError, match=r"at least 2 steps, got 1\.5"):
        initial.chrono(3, 1.5, np.random.default_rng(0))


@pytest.mark.parametrize("kind", initial.RECURRENT)
def test_every_kind_starts_a_network(kind):
    W = RNN(1, 6, 1, init=kind, radius=0.7, rng=3).W.data
    assert radius_of(W) == pytest.approx(0.7, rel=1e-9)


def test_a_matrix_may_be_made_by_a_function():
    np.testing.assert_array_equal(RNN(1, 3, 1, init=lambda n, rng: 2 * np.eye(n)).W.data, 2 * np.eye(3))
