"""Weights of PyTorch and Keras: there and back, and against the packages themselves where they are installed."""

from __future__ import annotations

import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.engine.tensor import Tensor
from minigrad.rnn.bidirectional import Bidirectional
from minigrad.rnn.cells import GRU, LSTM, RNN, MinGRU, OutputFeedbackRNN, Stacked
from minigrad.rnn.exchange import from_keras, from_torch, to_keras, to_torch
from minigrad.rnn.unrolling import unroll
from tests.rnn.cells.reference import C0, H0, NETWORKS, X, Y, compared, half_squares

seeds = st.integers(0, 2**32 - 1)
KINDS = {"RNN": RNN, "LSTM": LSTM, "GRU": GRU}
kinds = pytest.mark.parametrize("kind", KINDS)


def shaken(model, seed=0):
    rng = np.random.default_rng(seed)
    model.load_state_dict({name: value + rng.normal(0, 0.3, value.shape) for name, value in model.state_dict().items()})
    return model


def same(one, other):
    assert type(one) is type(other)
    assert one.state_dict().keys() == other.state_dict().keys()
    for name, value in one.state_dict().items():
        np.testing.assert_array_equal(other.state_dict()[name], value)
        assert other.state_dict()[name].dtype == value.dtype


# -- there and back ---------------------------------------------------------------------------------------------------


@kinds
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@given(seed=seeds)
def test_there_and_back(kind, dtype, seed):
    model = shaken(KINDS[kind](2, 3, dtype=dtype), seed)
    same(model, from_torch(to_torch(model)))
    same(model, from_keras(to_keras(model)))


def test_there_and_back_with_the_reset_before():
    model = shaken(GRU(2, 3, reset="before"))
    same(model, from_keras(to_keras(model)))
    unbiased = {name: value for name, value in to_keras(model).items() if name != "bias"}
    assert from_keras(unbiased, reset="before").reset == "before"
    assert from_keras(unbiased).reset == "after"


def test_where_gates_stand_elsewhere():
    """Keras has the update gate of a GRU first, PyTorch the reset gate; of an LSTM both have i, f, g, o."""
    gru, lstm = shaken(GRU(2, 3)), shaken(LSTM(2, 3))
    for k, gate in enumerate(["update", "reset", "candidate"]):
        part, own = np.s_[3 * k : 3 * k + 3], gru.gate(gate)
        np.testing.assert_array_equal(to_keras(gru)["kernel"][:, part], own["U"].T)
        np.testing.assert_array_equal(to_keras(gru)["recurrent_kernel"][:, part], own["W"].T)
        np.testing.assert_array_equal(to_keras(gru)["bias"][0, part], own["b"])
    np.testing.assert_array_equal(to_keras(gru)["bias"][1], [*np.zeros(6), *gru.d.data])
    np.testing.assert_array_equal(to_torch(gru)["weight_ih_l0"][:3], gru.gate("reset")["U"])
    np.testing.assert_array_equal(to_torch(gru)["bias_hh_l0"], [*np.zeros(6), *gru.d.data])
    for k, gate in enumerate(["input", "forget", "candidate", "output"]):
        part = np.s_[3 * k : 3 * k + 3]
        np.testing.assert_array_equal(to_keras(lstm)["kernel"][:, part].T, lstm.gate(gate)["U"])
        np.testing.assert_array_equal(to_torch(lstm)["weight_hh_l0"][part], lstm.gate(gate)["W"])


def test_layers_and_directions_there_and_back():
    layers = Stacked([shaken(LSTM(2, 3)), shaken(LSTM(3, 2))])
    same(layers, from_torch(to_torch(layers)))
    both = Bidirectional(*(shaken(GRU(n, 2)) for n in (2, 2, 4, 4)))
    same(both, from_torch(to_torch(both)))


@pytest.mark.parametrize(("name", "first"), [("RNN_tanh", {"h": H0}), ("LSTM", {"h": H0, "c": C0}), ("GRU", {"h": H0})])
def test_another_programs_weights_give_its_numbers(name, first):
    model = from_torch(NETWORKS[name]["params"])
    compared(name, model, {}, first)
    compared("RNN_relu", from_torch(NETWORKS["RNN_relu"]["params"], f="relu"), {}, {"h": H0})


def test_without_biases_they_are_zeros():
    state = to_torch(shaken(LSTM(2, 3)))
    model = from_torch({name: value for name, value in state.items() if not name.startswith("bias")})
    np.testing.assert_array_equal(model.b.data, 0)


def test_cells_have_no_numbers_of_layers():
    state = {name.removesuffix("_l0"): value for name, value in to_torch(shaken(GRU(2, 3))).items()}
    same(from_torch(state), shaken(GRU(2, 3)))


# -- against the packages ---------------------------------------------------------------------------------------------


@kinds
@pytest.mark.parametrize(("layers", "both"), [(1, False), (2, False), (1, True), (2, True)])
@pytest.mark.parametrize("seed", range(3))
def test_against_torch(kind, layers, both, seed):
    """Outputs, the gradients of inputs and of all weights, and the way back."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(seed)
    build = lambda: getattr(torch.nn, kind)(3, 4, num_layers=layers, bidirectional=both, dtype=torch.float64)
    module, again = build(), build()
    model = from_torch({name: value.detach().numpy() for name, value in module.state_dict().items()})
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(6, 2, 3)), rng.normal(size=(6, 2, 4 * (1 + both)))
    xs, inputs = Tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    run = model.unroll(xs, y, cost=half_squares) if both else unroll(model, xs, y, cost=half_squares)
    run.cost.backward()
    output = module(inputs)[0]
    (((output - torch.tensor(y)) ** 2).sum() / 2).backward()
    np.testing.assert_allclose(run.outputs, output.detach().numpy(), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(xs.grad, inputs.grad.numpy(), rtol=1e-10, atol=1e-13)
    again.load_state_dict({name: torch.tensor(value) for name, value in to_torch(model).items()})
    np.testing.assert_allclose(again(inputs)[0].detach().numpy(), run.outputs, rtol=1e-12, atol=1e-14)
    theirs = {name: value.grad.numpy() for name, value in module.named_parameters()}
    model.load_state_dict({name: parameter.grad for name, parameter in model.parameters().items()})
    for name, gradient in to_torch(model).items():  # gradients are mapped like the weights that they belong to
        rows = slice(None) if not name.startswith("bias_hh") else slice(8, None) if kind == "GRU" else slice(0)
        np.testing.assert_allclose(gradient[rows], theirs[name][rows], rtol=1e-10, atol=1e-13)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Keras
@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU", "reset before"])
def test_against_keras(kind, request):
    os.environ.setdefault("KERAS_BACKEND", "torch")
    keras = pytest.importorskip("keras")
    before = keras.config.floatx()
    keras.config.set_floatx("float64")
    request.addfinalizer(lambda: keras.config.set_floatx(before))
    layer_of, options = {"RNN": "SimpleRNN", "reset before": "GRU"}, {"reset_after": False}
    model = shaken(KINDS[kind](2, 3) if kind in KINDS else GRU(2, 3, reset="before"))
    xs = np.random.default_rng(0).normal(size=(5, 4, 2))
    layer = getattr(keras.layers, layer_of.get(kind, kind))(
        3, return_sequences=True, dtype="float64", **(options if kind == "reset before" else {})
    )
    layer.build((4, 5, 2))
    layer.set_weights(list(to_keras(model).values()))
    theirs = keras.ops.convert_to_numpy(layer(xs.transpose(1, 0, 2))).transpose(1, 0, 2)
    single = kind in ("RNN", "reset before")  # which Keras 3.15 computes with single precision, whatever it is told
    np.testing.assert_allclose(unroll(model, xs).outputs, theirs, rtol=1e-12, atol=1e-6 if single else 1e-14)
    names = {w.name: keras.ops.convert_to_numpy(w) for w in layer.weights}
    same(from_keras(names), model)


# -- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda: MinGRU(1, 2), "MinGRU is not among what PyTorch has: RNN, LSTM and GRU"),
        (lambda: OutputFeedbackRNN(1, 2, 1), "OutputFeedbackRNN is not among"),
        (lambda: OutputFeedbackRNN(1, 2, 1, hidden=True), "OutputFeedbackRNN has a step of its own"),
        (lambda: LSTM(1, 2, peepholes=True), "PyTorch has no LSTM with peepholes"),
        (lambda: RNN(1, 2, layer_norm=True), "PyTorch has no RNN with layer_norm"),
        (lambda: GRU(1, 2, reset="before"), 'no GRU with reset="before"'),
        (lambda: LSTM(1, 2, f="relu"), "PyTorch's LSTM has no such f"),
        (lambda: RNN(1, 2, f="logistic"), "PyTorch's RNN has no such f"),
        (lambda: Stacked([RNN(1, 2), GRU(2, 2)]), "the layers are RNN, GRU: PyTorch's are of one kind"),
        (lambda: Stacked([RNN(1, 2, 3), RNN(3, 2)]), r"outputs of its own \(n_out\)"),
    ],
)
def test_what_torch_has_not_is_refused(model, message):
    with pytest.raises(ValueError, match=message):
        to_torch(model())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda s: s | {"weight_hr_l0": np.ones((1, 2))},
            "weight_hr_l0: not among the parameters .* without proj_size",
        ),
        (lambda s: {}, "weight_ih_l0 is missing: there is nothing"),
        (lambda s: {k.replace("l0", "l1"): v for k, v in s.items()}, "weight_ih_l0 is missing"),
        (lambda s: s | {"weight_hh_l0": np.ones((4, 2))}, r"shape \(4, 2\) and input weights .*k = 1 for an RNN"),
        (lambda s: s | {"bias_hh_l0": np.ones(5)}, r"biases of shapes \(8,\) and \(5,\) do not go with 8 rows"),
    ],
)
def test_weights_that_are_not_torchs_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        from_torch(change(to_torch(LSTM(3, 2))))


def test_what_keras_has_not_is_refused():
    with pytest.raises(ValueError, match="Stacked is not among what Keras has"):
        to_keras(Stacked([RNN(1, 2)]))
    with pytest.raises(ValueError, match="there is kernel, gamma: expected kernel, recurrent_kernel"):
        from_keras({"kernel": np.ones((1, 2)), "gamma": np.ones(2)})


def test_outputs_are_left_to_a_layer_behind():
    model = shaken(GRU(2, 3, 1))
    again = from_torch(to_torch(model))
    assert not again.reads_out
    np.testing.assert_array_equal(unroll(again, X).outputs, [h.data for h in unroll(model, X)["h"]])
    assert Y.shape[-1] == again.n_out
