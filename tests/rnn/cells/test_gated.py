"""LSTM and GRU: another program's numbers, gates one by one, derivatives to second order, and how they start."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.engine.tensor import Tensor
from minigrad.functions import logistic
from minigrad.rnn.cells import GRU, LSTM
from minigrad.rnn.unrolling import unroll
from tests.rnn.cells.gradients import check_cost
from tests.rnn.cells.reference import C0, H0, NETWORKS, X, Y, agree, compared

seeds = st.integers(0, 2**32 - 1)
KINDS = {
    "LSTM": lambda *sizes, **options: LSTM(*sizes, **options),
    "peepholes": lambda *sizes, **options: LSTM(*sizes, peepholes=True, **options),
    "GRU": lambda *sizes, **options: GRU(*sizes, **options),
    "reset before": lambda *sizes, **options: GRU(*sizes, reset="before", **options),
}
kinds = pytest.mark.parametrize("kind", KINDS)


def shaken(model, seed):
    """Every parameter somewhere else, biases and peepholes too."""
    rng = np.random.default_rng(seed)
    state = model.state_dict().items()
    model.load_state_dict({name: value + rng.normal(0, 0.3, value.shape) for name, value in state})
    return model


# -- another program's numbers ----------------------------------------------------------------------------------------


def test_lstm_by_another_program():
    p = NETWORKS["LSTM"]["params"]
    model = LSTM(2, 3)
    values = {"W": p["weight_hh_l0"], "U": p["weight_ih_l0"], "b": p["bias_ih_l0"] + p["bias_hh_l0"]}
    run, grads = compared("LSTM", model, values, {"h": H0, "c": C0})
    np.testing.assert_allclose(run["c"][-1].data, NETWORKS["LSTM"]["c_T"][0], rtol=1e-12)
    agree({"weight_hh_l0": model.W.grad, "weight_ih_l0": model.U.grad, "bias_ih_l0": model.b.grad}, grads)


def test_lstm_along_sequences_of_different_length_by_another_program():
    p, known = NETWORKS["LSTM"]["params"], NETWORKS["LSTM_packed"]
    model, lengths = LSTM(2, 3), known["lengths"].astype(int)
    b = p["bias_ih_l0"] + p["bias_hh_l0"]
    model.load_state_dict({"W": p["weight_hh_l0"], "U": p["weight_ih_l0"], "b": b})

    def cost(target, output, weight=1.0):
        error = np.multiply(np.reshape(weight, (-1, 1)), output - target)
        return np.sum(error * error) / 2

    xs = Tensor(X, requires_grad=True)
    run = unroll(model, xs, Y, cost=cost, initial={"h": H0, "c": C0}, lengths=lengths)
    run.cost.backward()
    assert run.cost.item() == pytest.approx(known["cost"], rel=1e-12)
    for i, length in enumerate(lengths):
        np.testing.assert_allclose(run.outputs[:length, i], known["outputs"][:length, i], rtol=1e-12)
    for role in ("h", "c"):
        np.testing.assert_allclose(run.final[role].data, known[f"{role}_T"][0], rtol=1e-12)
    agree({"x": xs.grad, "weight_hh_l0": model.W.grad, "weight_ih_l0": model.U.grad}, known["grads"])
    agree({"bias_ih_l0": model.b.grad}, known["grads"])


def test_gru_by_another_program():
    p = NETWORKS["GRU"]["params"]
    model, inner = GRU(2, 3), p["bias_hh_l0"] * (np.arange(9) >= 6)
    b = p["bias_ih_l0"] + p["bias_hh_l0"] - inner
    values = {"W": p["weight_hh_l0"], "U": p["weight_ih_l0"], "b": b, "d": p["bias_hh_l0"][6:]}
    _, grads = compared("GRU", model, values, {"h": H0})
    agree({"weight_hh_l0": model.W.grad, "weight_ih_l0": model.U.grad, "bias_ih_l0": model.b.grad}, grads)
    agree({"inner": model.d.grad}, {"inner": grads["bias_hh_l0"][6:]})


def test_gru_with_the_reset_before_the_product():
    p = NETWORKS["GRU_reset_before"]["params"]
    model = GRU(2, 3, reset="before")
    values = {"W": p["weight_hh"], "U": p["weight_ih"], "b": p["bias"]}
    _, grads = compared("GRU_reset_before", model, values, {"h": H0})
    agree({"weight_hh": model.W.grad, "weight_ih": model.U.grad, "bias": model.b.grad}, grads)


# -- one step, gate by gate -------------------------------------------------------------------------------------------


def one_step(model, seed, batch):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(*batch, model.n_in))
    carried = {role: rng.normal(size=value.shape) for role, value in model.initial(batch).items()}
    step = model.step(model.bind(), Tensor(x), {role: Tensor(value) for role, value in carried.items()})
    assert tuple(sorted(step)) == tuple(sorted(model.roles))
    return x, carried, {role: tensor.data for role, tensor in step.items()}


@pytest.mark.parametrize("batch", [(), (2,)])
@pytest.mark.parametrize("peepholes", [False, True])
@settings(max_examples=10)
@given(seed=seeds)
def test_a_step_of_lstm_gate_by_gate(peepholes, batch, seed):
    model = shaken(LSTM(2, 4, 3, g="tanh", peepholes=peepholes), seed)
    x, before, step = one_step(model, seed, batch)
    gates = {name: model.gate(name) for name in ("input", "forget", "candidate", "output")}
    z = {name: p["b"] + x @ p["U"].T + before["h"] @ p["W"].T for name, p in gates.items()}
    see = {name: p.get("p", 0.0) for name, p in gates.items()}
    i, f = logistic(z["input"] + see["input"] * before["c"]), logistic(z["forget"] + see["forget"] * before["c"])
    c = f * before["c"] + i * np.tanh(z["candidate"])
    o = logistic(z["output"] + see["output"] * c)
    h = o * np.tanh(c)
    y = np.tanh(h @ model.V.data.T + model.c.data)
    for role, expected in {"i": i, "f": f, "o": o, "c": c, "h": h, "y": y}.items():
        np.testing.assert_allclose(step[role], expected, rtol=1e-13, atol=1e-14)


@pytest.mark.parametrize("batch", [(), (2,)])
@pytest.mark.parametrize("reset", ["after", "before"])
@settings(max_examples=10)
@given(seed=seeds)
def test_a_step_of_gru_gate_by_gate(reset, batch, seed):
    model = shaken(GRU(2, 4, 3, reset=reset), seed)
    x, before, step = one_step(model, seed, batch)
    h, (R, U, N) = before["h"], (model.gate(name) for name in ("reset", "update", "candidate"))
    r, u = (logistic(p["b"] + x @ p["U"].T + h @ p["W"].T) for p in (R, U))
    inner = r * (h @ N["W"].T + model.d.data) if reset == "after" else (r * h) @ N["W"].T
    n = np.tanh(N["b"] + x @ N["U"].T + inner)
    for role, expected in {"r": r, "u": u, "n": n, "h": u * h + (1 - u) * n}.items():
        np.testing.assert_allclose(step[role], expected, rtol=1e-13, atol=1e-14)


def test_with_a_reset_of_one_both_conventions_are_the_same():
    after, before = GRU(2, 3, 1, rng=0), GRU(2, 3, 1, reset="before", rng=0)
    for model in (after, before):
        b = model.b.data.copy()
        b[model.rows("reset")] = 800.0
        model.b.data = b
    xs = np.random.default_rng(0).normal(size=(6, 2))
    np.testing.assert_allclose(unroll(after, xs).outputs, unroll(before, xs).outputs, rtol=1e-13)


# -- derivatives ------------------------------------------------------------------------------------------------------


@kinds
def test_the_gradient_of_the_cost_to_second_order(kind):
    check_cost(shaken(KINDS[kind](1, 2, 1), 0))


@pytest.mark.parametrize("options", [{"layer_norm": True}, {"f": "relu", "g": "softmax"}])
@pytest.mark.parametrize("kind", ["LSTM", "reset before"])
def test_the_gradient_of_the_cost_with_options(kind, options):
    check_cost(shaken(KINDS[kind](2, 2, 2, **options), 1))


def test_an_open_forget_gate_keeps_the_cell():
    """With i = 0 and f = 1 the cell is a wire: c_T = c_0, and its gradient comes back as it was sent."""
    model = LSTM(1, 3)
    b = np.zeros(12)
    b[model.rows("forget")], b[model.rows("input")] = 800.0, -800.0
    model.load_state_dict({"W": np.zeros((12, 3)), "U": np.zeros((12, 1)), "b": b})
    c_0 = Tensor([0.3, -2.0, 5.0], requires_grad=True)
    run = unroll(model, np.ones((50, 1)), initial={"c": c_0})
    np.testing.assert_array_equal(run["c"][-1].data, c_0.data)
    np.sum(run["c"][-1]).backward()
    np.testing.assert_array_equal(c_0.grad, 1)


# -- views ------------------------------------------------------------------------------------------------------------


@kinds
def test_gates_are_views_of_the_packed_parameters(kind):
    model = shaken(KINDS[kind](2, 3, 1), 0)
    xs = np.random.default_rng(0).normal(size=(4, 2))
    assert model.gate_gradients("candidate") == {}
    unroll(model, xs, np.ones((4, 1))).cost.backward()
    for name in ("W", "U", "b"):
        for of, whole in ((model.gate, "data"), (model.gate_gradients, "grad")):
            parts = [of(gate)[name] for gate in model.gates]
            whole = getattr(getattr(model, name), whole)
            np.testing.assert_array_equal(np.concatenate(parts), whole)
            assert all(np.shares_memory(part, whole) and not part.flags.writeable for part in parts)
    with pytest.raises(ValueError, match=r"'memory' is no gate of \w+: it has .*candidate"):
        model.gate("memory")


def test_peepholes_are_views_too():
    model = shaken(LSTM(2, 3, 1, peepholes=True), 0)
    assert "p" not in model.gate("candidate")
    parts = [model.gate(gate)["p"] for gate in ("input", "forget", "output")]
    np.testing.assert_array_equal(np.concatenate(parts), model.p.data)
    unroll(model, np.ones((4, 2)), np.ones((4, 1))).cost.backward()
    np.testing.assert_array_equal(model.gate_gradients("output")["p"], model.p.grad[6:])


# -- how they start ---------------------------------------------------------------------------------------------------


def test_forget_gates_start_open():
    np.testing.assert_array_equal(LSTM(1, 4).gate("forget")["b"], 1)
    np.testing.assert_array_equal(LSTM(1, 4, forget_bias=0.0).b.data, 0)
    assert np.count_nonzero(LSTM(1, 4).b.data) == 4


@given(seed=seeds, longest=st.floats(2.0, 1e4))
def test_chrono_lets_gates_remember(seed, longest):
    """Tallec and Ollivier (2018), eq. 16."""
    model = LSTM(1, 5, chrono=longest, rng=seed)
    forget = model.gate("forget")["b"]
    assert np.all((forget >= 0) & (np.exp(forget) <= longest - 1 + 1e-9))
    np.testing.assert_array_equal(model.gate("input")["b"], -forget)
    assert not np.any(model.gate("output")["b"]) and not np.any(model.gate("candidate")["b"])
    update = GRU(1, 5, chrono=longest, rng=seed).gate("update")["b"]
    assert np.all((update >= 0) & (np.exp(update) <= longest - 1 + 1e-9))


@kinds
def test_every_gate_starts_on_its_own(kind):
    model = KINDS[kind](1, 4, 1, init="orthogonal", radius=0.5)
    blocks = [model.gate(gate)["W"] for gate in model.gates]
    for W in blocks:
        np.testing.assert_allclose(W @ W.T, 0.25 * np.eye(4), atol=1e-14)
    assert not np.allclose(blocks[0], blocks[1])


def test_an_unknown_convention_is_refused():
    with pytest.raises(ValueError, match=r"reset='sometimes' is not known: choose \"after\" or \"before\""):
        GRU(1, 2, reset="sometimes")


@kinds
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_model_keeps_its_dtype(kind, dtype):
    model = KINDS[kind](2, 3, 1, dtype=dtype, layer_norm=True, chrono=9)
    run = unroll(model, np.ones((3, 2), dtype), np.ones((3, 1), dtype))
    run.cost.backward()
    assert {tensor.dtype for step in run.steps for tensor in step.values()} == {np.dtype(dtype)}
    assert {parameter.grad.dtype for parameter in model.parameters().values()} == {np.dtype(dtype)}
