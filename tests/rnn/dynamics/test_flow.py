"""Where the gradient goes: linear networks whose answer is known first, then the derivation by hand, then errors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.engine.tensor import Tensor
from minigrad.engine.walk import gradients
from minigrad.rnn.cells import GRU, LRU, LSTM, RNN, MinGRU, OutputFeedbackRNN, Stacked
from minigrad.rnn.cells.initial import orthogonal
from minigrad.rnn.dynamics.flow import gradient_norms, hidden_jacobians, jacobian_product, state_slices, step_jacobians
from minigrad.rnn.dynamics.oscillator import Harmonic, Oscillator, euler_as_rnn, inputs, simulate
from minigrad.rnn.dynamics.spectral import jacobian_products
from minigrad.rnn.unrolling import unroll
from minigrad.scopes import no_grad
from tests.rnn import handmade

seeds = st.integers(0, 2**32 - 1)
some = settings(max_examples=40)
kinds = pytest.mark.parametrize("kind", ["W", "R", "WR"])


def linear_run(W, T, rng, batch=2):
    """A run of h_t = W h_{t-1} + U x_t, and e = ∂C_T/∂h_T, a row for each sequence."""
    model = RNN(1, len(W), 2, f="identity", rng=rng)
    model.load_state_dict(model.state_dict() | {"W": W})
    targets = rng.normal(size=(T, batch, 2))
    run = unroll(model, rng.normal(size=(T, batch, 1)), targets)
    return run, 2 * (run["y"][-1].data - targets[-1]) / (2 * batch) @ model.V.data


def random_run(kind, seed, T=7, batch=(3,), forced=False, **functions):
    """A run of one of the lecture's networks, and its trace by hand."""
    rng = np.random.default_rng(seed)
    model = RNN(2, 5, 3, rng=rng, **functions)
    if "R" in kind:
        model = OutputFeedbackRNN(2, 5, 3, hidden="W" in kind, rng=rng, **functions)
    model.load_state_dict({name: value + rng.normal(0, 0.1, value.shape) for name, value in model.state_dict().items()})
    xs, targets = rng.normal(size=(T, *batch, 2)), rng.normal(size=(T, *batch, 3))
    options = {"f": "tanh", "g": "identity"} | functions
    trace = handmade.feed_forward(model.state_dict(), xs, targets, forced=forced, **options)
    return unroll(model, xs, targets, teacher_forcing=forced), trace


# -- linear networks --------------------------------------------------------------------------------------------------


@some
@given(seed=seeds, n=st.integers(1, 8), T=st.integers(1, 60))
def test_an_orthogonal_linear_network_keeps_every_gradient(seed, n, T):
    rng = np.random.default_rng(seed)
    run, e = linear_run(orthogonal(n, rng), T, rng)
    np.testing.assert_allclose(gradient_norms(run, of=run["C"][-1]), np.full(T, np.linalg.norm(e)), rtol=1e-14 * T)


@some
@given(seed=seeds, n=st.integers(1, 6), T=st.integers(2, 60), radius=st.floats(0.3, 1.2))
def test_a_normal_matrix_shrinks_or_grows_the_gradient_by_its_eigenvalues(seed, n, T, radius):
    """W = QΛQᵀ, so ‖(Wᵀ)^k e‖² = Σ λ_i^{2k} (q_iᵀe)²: each eigenvalue at a rate of its own."""
    rng = np.random.default_rng(seed)
    Q, eigenvalues = orthogonal(n, rng), rng.uniform(-1, 1, n)
    eigenvalues *= radius / np.abs(eigenvalues).max()
    run, e = linear_run(Q * eigenvalues @ Q.T, T, rng, batch=1)
    k = np.arange(T)[::-1]
    expected = np.sqrt((eigenvalues ** (2 * k[:, None]) * (e @ Q) ** 2).sum(axis=1))
    np.testing.assert_allclose(gradient_norms(run, of=run["C"][-1]), expected, rtol=1e-10)


@some
@given(seed=seeds, radius=st.floats(0.3, 0.95))
def test_below_radius_1_the_gradient_vanishes_at_the_rate_of_the_radius(seed, radius):
    """W = ρQ with Q orthogonal: ‖∂C_T/∂h_t‖ = ρ^{T-t} ‖e‖ exactly."""
    rng = np.random.default_rng(seed)
    run, e = linear_run(radius * orthogonal(6, rng), 50, rng)
    norms = gradient_norms(run, of=run["C"][-1])
    np.testing.assert_allclose(norms, radius ** np.arange(49, -1, -1.0) * np.linalg.norm(e), rtol=1e-11)
    assert norms[0] < 0.1 * norms[-1]


def test_the_usual_initialisation_vanishes_although_its_norm_exceeds_1():
    """Uniform in ±1/√n, as well-known libraries do it: σ_max ≈ 2/√3 is what *could* grow, ρ ≈ 1/√3 what happens."""
    n, T = 64, 20
    ratios, kept = [], []
    for seed in range(7):
        rng = np.random.default_rng(seed)
        model = RNN(1, n, 1, init="orthogonal", rng=rng)
        xs = np.sin(0.3 * np.arange(T))[:, None]
        targets = np.sin(0.3 * np.arange(1, T + 1))[:, None]
        for W, found in ((None, kept), (rng.uniform(-1, 1, (n, n)) / np.sqrt(n), ratios)):
            state = {name: rng.uniform(-1, 1, p.shape) / np.sqrt(n) for name, p in model.parameters().items()}
            model.load_state_dict(state | {"W": model.W.data if W is None else W})
            run = unroll(model, xs, targets)
            norms = gradient_norms(run, of=run["C"][-1])
            found.append(norms[0] / norms[-1])
        assert np.linalg.norm(model.W.data, 2) == pytest.approx(2 / np.sqrt(3), rel=0.1)
        assert np.abs(np.linalg.eigvals(model.W.data)).max() == pytest.approx(1 / np.sqrt(3), rel=0.2)
    assert 1e-5 < np.median(ratios) < 1e-4
    assert max(ratios) < 1e-3
    assert min(kept) > 0.2  # an orthogonal W loses only what the slopes of tanh take


# -- the derivation by hand -------------------------------------------------------------------------------------------


@kinds
@pytest.mark.parametrize("batch", [(), (3,)])
@settings(max_examples=10)
@given(seed=seeds)
def test_norms_are_those_of_the_derivation_by_hand(kind, batch, seed):
    run, trace = random_run(kind, seed, batch=batch)
    T = len(run)
    for weights, of in ((np.ones(T), None), (np.eye(T)[-1], run["C"][-1]), (np.eye(T)[2], run["C"][2])):
        deltas = handmade.propagate_back(trace, weights).deltas
        for role in "zhy":
            expected = np.linalg.norm(deltas[role].reshape(T, -1), axis=1)
            np.testing.assert_allclose(gradient_norms(run, of, role), expected, rtol=1e-12)


def test_nothing_flows_from_a_cost_into_later_steps():
    run, _ = random_run("WR", 0)
    norms = gradient_norms(run, of=run["C"][2])
    assert np.all(norms[:3] > 0)
    np.testing.assert_array_equal(norms[3:], 0)


def test_the_gradients_of_the_model_are_left_alone():
    run, _ = random_run("WR", 0)
    gradient_norms(run)
    step_jacobians(run)
    assert all(parameter.grad is None for parameter in run.model.parameters().values())
    assert all(tensor.grad is None for tensor in run.carried[0].values())


def test_any_number_can_be_differentiated():
    rng = np.random.default_rng(0)
    run = unroll(RNN(2, 4, 1, rng=rng), rng.normal(size=(3, 2)))
    norms = gradient_norms(run, of=np.sum(run["h"][1]))
    np.testing.assert_allclose(norms[1:], [2.0, 0.0])  # the gradient of the sum of 4 numbers is (1, 1, 1, 1)


def test_a_run_without_costs_has_no_gradient():
    run = unroll(RNN(1, 2, 1), np.ones((3, 1)))
    with pytest.raises(ValueError, match=r"no cost.*targets.*of="):
        gradient_norms(run)


def test_an_unknown_role_is_refused():
    run, _ = random_run("W", 0)
    with pytest.raises(KeyError, match=r"'hidden' is no role of this run: it has x, z, h, y, C"):
        gradient_norms(run, role="hidden")


def test_a_run_that_was_not_recorded_is_refused():
    """Zeros would look like a gradient that vanished."""
    rng = np.random.default_rng(0)
    with no_grad():
        run = unroll(RNN(2, 4, 1, rng=rng), rng.normal(size=(3, 2)), rng.normal(size=(3, 1)))
    with pytest.raises(ValueError, match="not recorded"):
        gradient_norms(run)


# -- Jacobians of h ---------------------------------------------------------------------------------------------------


def diagonal(slopes):
    return slopes[:, :, None] * np.eye(slopes.shape[1])


def jacobians_by_formula(trace, sample):
    """diag(f'(z_t)) (W + R J_g(o_{t-1}) V), where for t = 1 and under teacher forcing the second term is missing."""
    p, T, n = trace.parameters, len(trace.z), trace.z.shape[-1]
    pick = lambda a: a if a.ndim == 2 else a[:, sample]
    inner = np.zeros((T, n, n)) + p.get("W", 0)
    if "R" in p and not trace.forced:
        eye = np.eye(len(p["c"]))
        steps = zip(pick(trace.o), pick(trace.y), strict=True)
        outputs = [[handmade.through_output(trace.g, o, y, row) for row in eye] for o, y in steps]
        inner[1:] += p["R"] @ np.array(outputs)[:-1] @ p["V"]
    return diagonal(handmade.SLOPES[trace.f](pick(trace.z), pick(trace.h))) @ inner


@kinds
@pytest.mark.parametrize("functions", [{}, {"f": "logistic", "g": "softmax"}, {"f": "identity", "g": "tanh"}])
@pytest.mark.parametrize("forced", [False, True])
@settings(max_examples=6)
@given(seed=seeds, sample=st.integers(0, 2))
def test_jacobians_follow_their_formula(kind, functions, forced, seed, sample):
    run, trace = random_run(kind, seed, forced=forced and "R" in kind, **functions)
    actual, expected = hidden_jacobians(run, sample), jacobians_by_formula(trace, sample)
    np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-14)
    if kind == "R" and forced:
        np.testing.assert_array_equal(actual, 0)  # nothing is learnt through time
    elif kind == "R":
        np.testing.assert_array_equal(actual[0], 0)  # the first step is not given h_0
        assert [np.linalg.matrix_rank(J) for J in actual[1:]] == [3 if functions.get("g") != "softmax" else 2] * 6


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_jacobians_without_a_batch_and_in_the_models_dtype(dtype):
    model = RNN(2, 4, 1, dtype=dtype, rng=1)
    xs = np.random.default_rng(1).normal(size=(5, 2))
    alone = hidden_jacobians(unroll(model, xs))
    assert alone.shape == (5, 4, 4)
    assert alone.dtype == dtype
    together = unroll(model, np.stack([xs[::-1], xs], axis=1))
    np.testing.assert_allclose(hidden_jacobians(together, sample=1), alone, rtol=100 * np.finfo(dtype).eps, atol=1e-7)
    f = 1 - np.square([h.data for h in unroll(model, xs)["h"]])
    np.testing.assert_allclose(alone, f[:, :, None] * model.W.data, rtol=100 * np.finfo(dtype).eps)


@kinds
@settings(max_examples=10)
@given(seed=seeds)
def test_the_gradient_of_the_last_cost_is_a_product_of_jacobians(kind, seed):
    """∂C_T/∂h_{t-1} = J_tᵀ ∂C_T/∂h_t: back-propagation through time, one step."""
    run, trace = random_run(kind, seed, batch=())
    dh = handmade.propagate_back(trace, np.eye(len(run))[-1]).deltas["h"]
    for t, J in enumerate(hidden_jacobians(run)[1:], 1):
        np.testing.assert_allclose(J.T @ dh[t], dh[t - 1], rtol=1e-11, atol=1e-14)


def test_teacher_forcing_cuts_the_gradient_of_a_purely_output_fed_network():
    run, _ = random_run("R", 0, forced=True)
    norms = gradient_norms(run, of=run["C"][-1])
    np.testing.assert_array_equal(norms[:-1], 0)
    assert norms[-1] > 0
    free, _ = random_run("R", 0)
    assert np.all(gradient_norms(free, of=free["C"][-1]) > 0)


# -- Jacobians of the whole state -------------------------------------------------------------------------------------

MODELS = {
    "RNN": lambda rng: RNN(2, 3, 2, rng=rng),
    "R": lambda rng: OutputFeedbackRNN(2, 3, 2, g="tanh", rng=rng),
    "WR": lambda rng: OutputFeedbackRNN(2, 3, 2, hidden=True, g="tanh", rng=rng),
    "LSTM": lambda rng: LSTM(2, 3, 2, rng=rng),
    "peepholes": lambda rng: LSTM(2, 3, 2, peepholes=True, rng=rng),
    "GRU": lambda rng: GRU(2, 3, 2, rng=rng),
    "reset before": lambda rng: GRU(2, 3, 2, reset="before", rng=rng),
    "MinGRU": lambda rng: MinGRU(2, 3, 2, rng=rng),
    "LRU": lambda rng: LRU(2, 3, 2, rng=rng),
    "layer norm": lambda rng: GRU(2, 3, 2, layer_norm=True, rng=rng),
    "layers": lambda rng: Stacked([LSTM(2, 3, rng=rng), GRU(3, 2, 2, rng=rng)]),
}
models = pytest.mark.parametrize("kind", MODELS)


def whole(model, x, state, slices):
    """One step from state to state, in plain numbers."""
    carried = {role: Tensor(state[part]) for role, part in slices.items()}
    step = model.step(model.bind(), Tensor(x), carried)
    return np.concatenate([step[role].data for role in slices])


@models
@settings(max_examples=5)
@given(seed=seeds, sample=st.integers(0, 1))
def test_the_whole_state_by_differences(kind, seed, sample):
    rng = np.random.default_rng(seed)
    model, xs = MODELS[kind](rng), rng.normal(size=(3, 2, 2))
    run = unroll(model, xs, initial={r: rng.normal(size=v.shape) for r, v in model.initial((2,)).items()})
    slices, jacobians = state_slices(run), step_jacobians(run, sample)
    for x, carried, J in zip(xs, run.carried, jacobians, strict=True):
        state = np.concatenate([carried[role].data[sample] for role in slices])
        pairs = [whole(model, x[sample], state + 1e-5 * e, slices) for e in np.eye(len(state))]
        others = [whole(model, x[sample], state - 1e-5 * e, slices) for e in np.eye(len(state))]
        np.testing.assert_allclose(J, (np.array(pairs) - others).T / 2e-5, rtol=1e-6, atol=1e-8)


@models
def test_the_gradient_with_respect_to_the_first_state_is_the_product(kind):
    """∂C_T/∂s_0 = J_1ᵀ ... J_Tᵀ ∂C_T/∂s_T, whatever the state is made of."""
    rng = np.random.default_rng(0)
    model, xs = MODELS[kind](rng), rng.normal(size=(6, 2))
    run = unroll(model, xs)
    e = {role: Tensor(rng.normal(size=value.shape)) for role, value in model.initial(()).items()}
    ends = [e[role] @ run[role][-1] for role in model.carried]
    expected = np.concatenate(gradients(ends, [run.carried[0][role] for role in model.carried]))
    back = np.concatenate([e[role].data for role in model.carried])
    for J in step_jacobians(run)[::-1]:
        back = J.T @ back
    np.testing.assert_allclose(back, expected, rtol=1e-10, atol=1e-13)


@models
def test_products_from_anywhere_to_anywhere_are_gradients(kind):
    """∂s_t/∂s_s by one backward pass a row, for every s < t: from a run that starts there."""
    rng = np.random.default_rng(0)
    model, xs = MODELS[kind](rng), rng.normal(size=(4, 2, 2))
    run = unroll(model, xs)
    slices = state_slices(run)
    for s in range(4):
        given = {role: tensor.data for role, tensor in run.carried[s].items()}
        for t in range(s + 1, 5):
            part, product, rows = unroll(model, xs[s:t], initial=given), jacobian_product(run, s, t, sample=1), []
            for role in slices:
                for seed in np.eye(part.final[role].shape[-1]):
                    ends = np.stack([0 * seed, seed])
                    grads = gradients([part.final[role]], [*part.carried[0].values()], [ends])
                    rows.append(np.concatenate([g[1] for g in grads]))
            np.testing.assert_allclose(np.exp(product.log_scale) * product.matrix, rows, rtol=1e-9, atol=1e-13)


def test_a_product_may_be_as_small_as_it_likes():
    model = RNN(1, 3, 1, f="identity", init="orthogonal", radius=0.5, rng=0)
    run = unroll(model, np.ones((1100, 1)))
    assert jacobian_product(run, 0, 1100).log_norm == pytest.approx(1100 * np.log(0.5), rel=1e-12)
    assert jacobian_product(run, 7, 7).log_norm == 0
    for s, t in ((-1, 2), (3, 2), (0, 1101)):
        with pytest.raises(ValueError, match=rf"s={s}, t={t}: of a run of 1100 steps, 0 <= s <= t <= 1100"):
            jacobian_product(run, s, t)


@pytest.mark.parametrize("kind", ["RNN", "GRU", "reset before", "MinGRU", "LRU"])
def test_where_only_h_is_carried_it_is_the_state(kind):
    run = unroll(MODELS[kind](np.random.default_rng(1)), np.random.default_rng(0).normal(size=(4, 2, 2)))
    np.testing.assert_allclose(step_jacobians(run, 1), hidden_jacobians(run, 1), rtol=1e-12, atol=1e-14)


def test_an_open_forget_gate_is_seen():
    """The block of h alone vanishes as e^-63 or so; the state as a whole keeps what the cell keeps."""
    model = LSTM(1, 4, 1, rng=0)
    b = model.b.data.copy()
    b[model.rows("forget")] = 800.0
    model.b.data, model.W.data = b, 0.1 * model.W.data
    run = unroll(model, np.random.default_rng(0).normal(size=(50, 1)))
    J, s = step_jacobians(run), state_slices(run)
    assert s == {"h": slice(0, 4), "c": slice(4, 8)}
    assert jacobian_products(J[:, s["h"], s["h"]])[-1] < -40
    assert jacobian_products(J)[-1] == pytest.approx(0, abs=0.5)
    for block, o, c in zip(J[:, s["h"], s["c"]], run["o"], run["c"], strict=True):  # ∂h_t/∂c_{t-1} = o_t tanh'(c_t) f_t
        np.testing.assert_allclose(block, np.diag(o.data * (1 - np.tanh(c.data) ** 2)), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(J[:, s["c"], s["c"]], np.broadcast_to(np.eye(4), (50, 4, 4)), atol=1e-15)


@pytest.mark.parametrize("hidden", [False, True])
def test_what_is_not_handed_on_has_no_column(hidden):
    model = OutputFeedbackRNN(2, 3, 2, hidden=hidden)
    xs, targets = np.random.default_rng(0).normal(size=(2, 4, 2))
    forced = unroll(model, xs, targets, teacher_forcing=True)
    J, s = step_jacobians(forced), state_slices(forced)
    assert np.any(J[0, :, s["y"]])  # ỹ_0 is given
    np.testing.assert_array_equal(J[1:, :, s["y"]], 0)
    assert np.any(step_jacobians(unroll(model, xs))[1:, :, s["y"]])
    with no_grad():  # nor where gradients tell nothing
        unrecorded = unroll(model, xs, targets, teacher_forcing=True)
    np.testing.assert_array_equal(step_jacobians(unrecorded), J)


@pytest.mark.parametrize("hidden", [False, True])
def test_of_targets_that_are_fed_back_now_and_then_each_sequence_has_its_own(hidden):
    model, rng = OutputFeedbackRNN(2, 3, 2, hidden=hidden), np.random.default_rng(0)
    xs, targets = rng.normal(size=(2, 9, 2, 2))
    run = unroll(model, xs, targets, teacher_forcing=0.5)
    y = state_slices(run)["y"]
    for sample in (0, 1):
        fed = [np.array_equal(run.carried[t]["y"].data[sample], targets[t - 1, sample]) for t in range(1, 9)]
        heard = [bool(np.any(J[:, y])) for J in step_jacobians(run, sample)[1:]]
        assert heard == [not each for each in fed]
        assert 0 < sum(fed) < 8


@pytest.mark.parametrize("kind", ["LSTM", "layers", "WR", "RNN"])
def test_behind_the_end_of_a_sequence_the_state_stays(kind):
    rng = np.random.default_rng(0)
    model, xs = MODELS[kind](rng), rng.normal(size=(5, 2, 2))
    run = unroll(model, xs, lengths=[5, 3])
    long, short = step_jacobians(run, 0), step_jacobians(run, 1)
    np.testing.assert_array_equal(short[3:], np.broadcast_to(np.eye(short.shape[1]), short[3:].shape))
    np.testing.assert_allclose(short[:3], step_jacobians(unroll(model, xs[:3, 1])), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(long, step_jacobians(unroll(model, xs[:, 0])), rtol=1e-12, atol=1e-14)
    if kind in ("WR", "RNN"):
        np.testing.assert_array_equal(hidden_jacobians(run, 1)[3:], np.broadcast_to(np.eye(3), (2, 3, 3)))


def test_what_was_detached_has_no_column():
    run = unroll(RNN(2, 3, 1), np.ones((3, 2)))
    run.carried[2]["h"] = run.carried[2]["h"].detach()
    for found in (step_jacobians(run), hidden_jacobians(run)):
        np.testing.assert_array_equal([np.any(J) for J in found], [True, True, False])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_state_jacobians_are_in_the_models_dtype(dtype):
    assert step_jacobians(unroll(LSTM(1, 2, dtype=dtype), np.ones((2, 1), dtype))).dtype == dtype


@pytest.mark.parametrize("kind", ["LSTM", "layers"])
def test_h_alone_is_refused_where_it_does_not_tell_everything(kind):
    run = unroll(MODELS[kind](0), np.ones((2, 2)))
    with pytest.raises(ValueError, match=r"carries .*c.* too.*take step_jacobians"):
        hidden_jacobians(run)


# -- Euler's method is a network --------------------------------------------------------------------------------------


@some
@given(m=st.floats(0.2, 5.0), dt=st.floats(0.01, 0.5), x0=st.floats(-2, 2), v0=st.floats(-2, 2), driven=st.booleans())
def test_a_network_with_eulers_weights_is_eulers_method(m, dt, x0, v0, driven):
    T = 80
    force = Harmonic(0.7, 1.3, 0.2)
    _, states = simulate(Oscillator(m, x0, v0, force if driven else None), "euler", dt=dt, steps=T)
    W, U = euler_as_rnn(m, dt)
    model = RNN(1, 2, 2, f="identity")
    model.load_state_dict({"W": W, "U": U, "V": np.eye(2), "b": np.zeros(2), "c": np.zeros(2)})
    xs = inputs(force, "euler", dt=dt, steps=T) if driven else np.zeros((T, 1))
    run = unroll(model, xs, initial={"h": [x0, v0]})
    found = np.stack([h.data for h in run["h"]])
    np.testing.assert_allclose(found, states[1:], rtol=1e-12, atol=1e-13 * np.abs(states).max())
    np.testing.assert_array_equal(run.outputs, found)
    radius = np.abs(np.linalg.eigvals(model.W.data)).max()
    assert radius == pytest.approx(np.sqrt(1 + dt**2 / m), rel=1e-12)
    np.testing.assert_allclose(step_jacobians(run), np.broadcast_to(W, (T, 2, 2)))


@some
@given(m=st.floats(0.2, 5.0), dt=st.floats(0.01, 0.5), seed=seeds, T=st.integers(1, 60))
def test_the_gradient_of_eulers_matrix(m, dt, seed, T):
    """dC/dW = Σ_t (Wᵀ)^{T-t} e h_{t-1}ᵀ for a cost of the last state with e = ∂C/∂h_T."""
    W, U = euler_as_rnn(m, dt)
    model = RNN(1, 2, 2, f="identity")
    model.load_state_dict({"W": W, "U": U, "V": np.eye(2), "b": np.zeros(2), "c": np.zeros(2)})
    rng = np.random.default_rng(seed)
    e, h_0 = rng.normal(size=2), rng.normal(size=2)
    run = unroll(model, rng.normal(size=(T, 1)), initial={"h": h_0})
    (run["h"][-1] @ Tensor(e)).backward()
    hs = [h_0, *(h.data for h in run["h"])]
    terms = [np.outer(np.linalg.matrix_power(W.T, T - t) @ e, hs[t - 1]) for t in range(1, T + 1)]
    tolerance = 1e-12 * np.abs(terms).sum(axis=0).max()  # rounding is relative to the terms: their sum may cancel
    np.testing.assert_allclose(model.W.grad, np.sum(terms, axis=0), rtol=0, atol=tolerance)
