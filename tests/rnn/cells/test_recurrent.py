"""Layer normalisation and dropout: what they do to a product, and what they leave as it is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.engine.tensor import Tensor
from minigrad.rnn.cells import GRU, LSTM, RNN
from minigrad.rnn.unrolling import unroll
from tests.rnn.cells.gradients import check_cost
from tests.rnn.cells.reference import H0, NETWORKS, agree, compared

seeds = st.integers(0, 2**32 - 1)
KINDS = {
    "RNN": RNN,
    "LSTM": LSTM,
    "GRU": GRU,
    "reset before": lambda *sizes, **options: GRU(*sizes, reset="before", **options),
}
kinds = pytest.mark.parametrize("kind", KINDS)


@pytest.mark.parametrize("f", ["tanh", "relu"])
def test_rnn_by_another_program(f):
    p = NETWORKS[f"RNN_{f}"]["params"]
    model = RNN(2, 3, f=f)
    values = {"W": p["weight_hh_l0"], "U": p["weight_ih_l0"], "b": p["bias_ih_l0"] + p["bias_hh_l0"]}
    _, grads = compared(f"RNN_{f}", model, values, {"h": H0})
    agree({"weight_hh_l0": model.W.grad, "weight_ih_l0": model.U.grad, "bias_ih_l0": model.b.grad}, grads)


def test_the_gradient_of_the_cost_to_second_order():
    check_cost(RNN(2, 2, 2, f="logistic", g="softmax"))
    check_cost(RNN(2, 3, 1, layer_norm=True))


# -- layer normalisation ----------------------------------------------------------------------------------------------


@given(seed=seeds)
def test_normalised_products_have_mean_0_and_variance_1(seed):
    model, rng = RNN(2, 50, layer_norm=True, rng=seed), np.random.default_rng(seed)
    x, h = rng.normal(size=(3, 2)), rng.normal(size=(3, 50))
    z = model.step(model.bind(), Tensor(x), {"h": Tensor(h)})["z"].data
    Ux, Wh = (product - product.mean(-1, keepdims=True) for product in (x @ model.U.data.T, h @ model.W.data.T))
    np.testing.assert_allclose(z, Ux / Ux.std(-1, keepdims=True) + Wh / Wh.std(-1, keepdims=True), rtol=1e-2, atol=1e-2)


@kinds
@given(seed=seeds, factor=st.floats(2.0, 1e3))
def test_normalised_products_do_not_depend_on_the_size_of_the_weights(kind, seed, factor):
    """Nor on a shift of a gate's weights: and each gate is normalised on its own."""
    one = KINDS[kind](3, 40, 2, layer_norm=True, rng=seed)
    other = KINDS[kind](3, 40, 2, layer_norm=True, rng=seed)
    U = other.U.data.copy()
    U[:40] = factor * U[:40] + 1.0
    other.U.data = U
    xs = 100 * np.random.default_rng(seed).normal(size=(3, 3))
    np.testing.assert_allclose(unroll(one, xs).outputs, unroll(other, xs).outputs, rtol=1e-3, atol=1e-4)


@kinds
def test_gains_are_parameters(kind):
    model = KINDS[kind](2, 3, 1, layer_norm=True)
    rows = 3 * max(len(model.gates), 1)
    assert model.gain_W.shape == model.gain_U.shape == (rows,)
    unroll(model, np.random.default_rng(0).normal(size=(4, 2)), np.ones((4, 1))).cost.backward()
    assert np.all(model.gain_U.grad != 0)


def test_a_single_unit_cannot_be_normalised():
    with pytest.raises(ValueError, match=r"single unit.*at least 2"):
        RNN(1, 1, 1, layer_norm=True)


# -- dropout ----------------------------------------------------------------------------------------------------------


def dropping(model, seed, batch=()):
    """The model, its masks drawn: every unrolling has the same ones."""
    bound = model.bind(batch, np.random.default_rng(seed))
    model.bind = lambda: bound
    return model


@kinds
@given(seed=seeds)
def test_a_mask_is_the_same_at_every_step_and_another_one_for_every_sequence(kind, seed):
    """What is not heard at one step is not heard at any: its gradient is exactly 0, all along the sequence."""
    model = dropping(KINDS[kind](20, 20, dropout=0.5, recurrent_dropout=0.25), seed, (2,))
    xs = Tensor(np.random.default_rng(seed).normal(size=(4, 2, 20)), requires_grad=True)
    unroll(model, xs, np.ones((4, 2, 20))).cost.backward()
    silent = xs.grad == 0
    assert np.all(silent == silent[0])
    assert np.any(silent[0, 0] != silent[0, 1])
    assert 0 < silent[0].sum() < 40


@kinds
def test_without_a_generator_everything_is_heard(kind):
    with_, without = KINDS[kind](2, 3, 1, dropout=0.5, recurrent_dropout=0.5), KINDS[kind](2, 3, 1)
    xs = np.random.default_rng(0).normal(size=(4, 2))
    np.testing.assert_array_equal(unroll(with_, xs).outputs, unroll(without, xs).outputs)
    assert len(without.bind((), np.random.default_rng(0))) == len(without.bind())


@kinds
@pytest.mark.parametrize("what", ["dropout", "recurrent_dropout"])
def test_what_is_left_is_scaled_up(kind, what):
    """A mask is 0 or 1/(1 - share), for the share that was asked for."""
    model = KINDS[kind](1000, 1000, **{what: 0.2})
    masks = dict(zip(["dropout", "recurrent_dropout"], model.bind((20,), np.random.default_rng(0))[-2:], strict=True))
    drawn = masks.pop(what).data
    assert set(np.unique(drawn)) == {0.0, 1.25}
    assert np.mean(drawn == 0) == pytest.approx(0.2, abs=4 * 0.4 / np.sqrt(20_000))
    (other,) = masks.values()
    np.testing.assert_array_equal(other.data, 1)


@kinds
@given(seed=seeds)
def test_no_gate_hears_what_is_masked(kind, seed):
    """Of h_{t-1} too: whatever stands in the components that are not heard, gates and candidates are the same."""
    model, rng = KINDS[kind](2, 20, recurrent_dropout=0.5, rng=seed), np.random.default_rng(seed)
    bound = model.bind((), rng)
    silent, x = bound[-1].data == 0, Tensor(rng.normal(size=2))
    carried = {role: Tensor(rng.normal(size=20)) for role in model.carried}
    other = carried | {"h": Tensor(np.where(silent, rng.normal(size=20), carried["h"].data))}
    one, two = model.step(bound, x, carried), model.step(bound, x, other)
    for role in {"z", *model.gates.values()}:
        np.testing.assert_array_equal(one[role].data, two[role].data)
    assert np.any(model.step(model.bind(), x, carried)["z"].data != one["z"].data)


@kinds
def test_the_gradient_through_a_mask(kind):
    model = KINDS[kind](2, 2, 1, dropout=0.5, recurrent_dropout=0.5)
    bound = model.bind

    def unrolled(*args, **options):
        model.bind = lambda: bound((2,), np.random.default_rng(3))
        try:
            return unroll(*args, **options)
        finally:
            del model.bind

    check_cost(model, unrolled=unrolled)


@pytest.mark.parametrize("share", [-0.1, 1.0, np.nan])
@pytest.mark.parametrize("what", ["dropout", "recurrent_dropout"])
def test_a_share_is_below_1(what, share):
    with pytest.raises(ValueError, match=rf"^{what}={share}.*at least 0 and below 1"):
        RNN(1, 2, 1, **{what: share})
