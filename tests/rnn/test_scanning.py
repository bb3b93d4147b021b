"""The scan is the loop, its rule is its derivative, and back-propagation through time is a scan."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad.rnn import LRU, RNN, MinGRU, flow, scan, unroll
from minigrad.testing import check_grads

KINDS = {"diagonal": (), "pairs": (2,), "dense": (3,)}
kinds = pytest.mark.parametrize("kind", KINDS)


def data(kind, T, batch=(2,), seed=0):
    rng = np.random.default_rng(seed)
    n = {"diagonal": 4, "pairs": 2, "dense": 3}[kind]
    A = rng.normal(size=(T, *batch, n, *KINDS[kind])) / np.sqrt(n if KINDS[kind] else 1)
    return A, rng.normal(size=(T, *batch, n)), rng.normal(size=(*batch, n))


def by_a_loop(A, b, h):
    states = []
    for a, added in zip(A, b, strict=True):
        h = (a * h if a.ndim == h.ndim else np.squeeze(a @ h[..., None], -1)) + added
        states.append(h)
    return np.stack(states)


@kinds
@settings(max_examples=40)
@given(T=st.integers(1, 40), seed=st.integers(0, 2**32 - 1), batch=st.sampled_from([(), (2,), (2, 3)]))
def test_it_is_the_loop_in_both_directions(kind, T, seed, batch):
    A, b, h = data(kind, T, batch, seed)
    for initial, first in ((None, np.zeros_like(h)), (h, h)):
        expected = by_a_loop(A, b, first)
        size = 1e-12 * (1 + np.max(np.abs(expected)))
        np.testing.assert_allclose(scan(A, b, initial), expected, rtol=1e-11, atol=size)
        backwards = scan(A, b, initial, reverse=True)
        expected = by_a_loop(A[::-1], b[::-1], first)[::-1]
        np.testing.assert_allclose(backwards, expected, rtol=1e-11, atol=1e-12 * (1 + np.max(np.abs(expected))))


@kinds
@pytest.mark.parametrize("T", [1, 2, 5])
def test_gradients_to_third_order(kind, T):
    A, b, h = data(kind, T, (), 1)
    assert check_grads(scan, (A, b, h), order=3 if T < 5 else 2)
    assert check_grads(lambda A, b: scan(A, b, reverse=True), (A, b), order=1)


@kinds
def test_one_matrix_for_all_times_is_broadcast(kind):
    A, b, h = data(kind, 6)
    np.testing.assert_allclose(scan(A[:1, :1], b, h), scan(np.broadcast_to(A[:1, :1], A.shape), b, h), rtol=1e-14)
    assert mg.grad(lambda A: np.sum(scan(A, b, h)))(A[:1, :1]).shape == A[:1, :1].shape


@settings(max_examples=10)
@given(seed=st.integers(0, 2**32 - 1), T=st.integers(1, 12))
def test_back_propagation_through_time_of_the_lecture_s_network_is_a_scan(seed, T):
    """∂C/∂h_t = J_{t+1}ᵀ ∂C/∂h_{t+1} + ∂C_t/∂h_t, where J_t = ∂h_t/∂h_{t-1}."""
    rng = np.random.default_rng(seed)
    model = RNN(2, 3, 1, rng=seed)
    run = unroll(model, rng.normal(size=(T, 2)), rng.normal(size=(T, 1)))
    J = flow.step_jacobians(run)
    direct = np.stack([mg.gradients(C, [h])[0] for C, h in zip(run["C"], run["h"], strict=True)])
    later = np.concatenate([np.swapaxes(J, 1, 2)[1:], np.zeros((1, 3, 3))])
    by_scan = scan(later, direct, reverse=True)
    np.testing.assert_allclose(by_scan, np.stack(mg.gradients(run.cost, run["h"])), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("kind", [MinGRU, LRU])
@pytest.mark.parametrize("n_out", [None, 2])
@pytest.mark.parametrize("batch", [(), (3,)])
def test_networks_that_are_linear_need_no_loop_over_time(kind, n_out, batch):
    model, rng = kind(2, 3, n_out, rng=0), np.random.default_rng(1)
    xs = rng.normal(size=(11, *batch, 2))
    first = rng.normal(size=model.initial(batch)["h"].shape)
    run = unroll(model, xs, initial={"h": first})
    h, y = model.scanned(xs, first)
    np.testing.assert_allclose(h.data, np.stack([each.data for each in run["h"]]), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(y.data, run.outputs, rtol=1e-12, atol=1e-13)
    assert np.array_equal(model.scanned(xs)[1].data, model.scanned(xs, 0 * first)[1].data)
    parameters = list(model.parameters().values())
    by_scan = mg.gradients(np.sum(y * y), parameters)
    by_loop = mg.gradients(np.sum(np.stack(run["y"]) ** 2), parameters)
    for actual, expected in zip(by_scan, by_loop, strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-11, atol=1e-12)


def test_precision_is_kept():
    A, b, _ = data("diagonal", 7)
    assert scan(A.astype(np.float32), b.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize(
    ("A", "b", "initial", "message"),
    [
        (np.ones((3, 2)), np.ones((4, 2)), None, r"A of shape \(3, 2\) does not go with b of shape \(4, 2\)"),
        (np.ones((4, 3, 3)), np.ones((4, 2)), None, r"\(4, 2\), or \(4, 2, 2\) is needed"),
        (np.ones(4), np.ones((4, 2)), None, "does not go"),
        (np.ones((0, 2)), np.ones((0, 2)), None, "T >= 1"),
        (1.0, 1.0, None, "T >= 1"),
        (np.ones((4, 2)), np.ones((4, 2)), np.ones(3), r"initial has shape \(3,\), needed is \(2,\)"),
    ],
)
def test_what_cannot_be_scanned_is_refused(A, b, initial, message):
    with pytest.raises(ValueError, match=message):
        scan(A, b, initial)
