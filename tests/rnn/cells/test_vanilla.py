"""The networks: one step by its formula, and their parameters, in files too."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st

from minigrad.engine.tensor import Tensor
from minigrad.rnn.cells import RNN, OutputFeedbackRNN
from minigrad.rnn.cells.vanilla import ACTIVATIONS, OUTPUTS
from minigrad.rnn.unrolling import unroll
from tests.rnn import handmade

seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 7)
some = settings(max_examples=50)


# -- one step ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("g", OUTPUTS)
@pytest.mark.parametrize("f", ACTIVATIONS)
@pytest.mark.parametrize("batch", [(), (2,)])
def test_one_step_is_the_lectures_formula(f, g, batch):
    rng = np.random.default_rng(0)
    model = RNN(2, 4, 3, f=f, g=g, rng=rng)
    model.b.data, model.c.data = rng.normal(size=4), rng.normal(size=3)
    W, U, V, b, c = (model.parameters()[name].data for name in "WUVbc")
    x, h_0 = rng.normal(size=(*batch, 2)), rng.normal(size=(*batch, 4))
    step = model.step(model.bind(), Tensor(x), {"h": Tensor(h_0)})
    assert tuple(step) == model.roles == ("z", "h", "y")
    z = b + np.einsum("ij,...j", W, h_0) + np.einsum("ij,...j", U, x)
    np.testing.assert_allclose(step["z"].data, z, rtol=1e-14, atol=1e-14)
    np.testing.assert_allclose(step["h"].data, handmade.FUNCTIONS[f](z), rtol=1e-14, atol=1e-14)
    y = handmade.FUNCTIONS[g](c + np.einsum("ij,...j", V, handmade.FUNCTIONS[f](z)))
    np.testing.assert_allclose(step["y"].data, y, rtol=1e-13, atol=1e-14)


def test_functions_may_be_given_as_functions():
    model = RNN(1, 3, 2, f=np.sin, g=lambda o: o * o)
    x = np.array([0.7])
    step = model.step(model.bind(), Tensor(x), {"h": Tensor(np.zeros(3))})
    np.testing.assert_allclose(step["y"].data, (model.V.data @ np.sin(model.U.data @ x)) ** 2)


def test_what_is_carried_starts_at_zero():
    assert {role: value.tolist() for role, value in RNN(1, 2, 3).initial(()).items()} == {"h": [0, 0]}
    assert {role: value.shape for role, value in RNN(1, 2, 3).initial((5,)).items()} == {"h": (5, 2)}
    output_fed = OutputFeedbackRNN(1, 2, 3).initial((5,))
    assert {role: value.shape for role, value in output_fed.items()} == {"y": (5, 3)}
    both = OutputFeedbackRNN(1, 2, 3, hidden=True).initial(())
    assert {role: value.shape for role, value in both.items()} == {"h": (2,), "y": (3,)}
    assert not any(np.any(value) for value in (output_fed | both).values())


# -- parameters -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_parameters_have_names_shapes_and_dtypes(dtype):
    shapes = {"W": (3, 3), "U": (3, 2), "V": (4, 3), "b": (3,), "c": (4,)}
    for model, expected in (
        (RNN(2, 3, 4, dtype=dtype), shapes),
        (OutputFeedbackRNN(2, 3, 4, hidden=True, dtype=dtype), {**shapes, "R": (3, 4)}),
        (OutputFeedbackRNN(2, 3, 4, dtype=dtype), {n: s for n, s in {**shapes, "R": (3, 4)}.items() if n != "W"}),
    ):
        parameters = model.parameters()
        assert {name: p.shape for name, p in parameters.items()} == expected
        assert all(p.name == name and p.requires_grad and p.dtype == dtype for name, p in parameters.items())
        assert not np.any(model.b.data)
        assert not np.any(model.c.data)


@pytest.mark.parametrize("init", ["normal", "orthogonal", "identity"])
@pytest.mark.parametrize("kind", [RNN, OutputFeedbackRNN])
def test_the_same_seed_gives_the_same_network(kind, init):
    def values(rng):
        return np.concatenate([value.ravel() for value in kind(2, 3, 4, init=init, rng=rng).state_dict().values()])

    np.testing.assert_array_equal(values(5), values(np.random.default_rng(5)))
    np.testing.assert_array_equal(
        values(0), np.concatenate([v.ravel() for v in kind(2, 3, 4, init=init).state_dict().values()])
    )
    assert np.any(values(5) != values(6))
    rng = np.random.default_rng(5)
    assert np.any(values(rng) != values(rng))  # a generator is used up, not started again


# -- errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [RNN, OutputFeedbackRNN])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_in": 0}, "n_in must be at least 1, got 0"),
        ({"n_hidden": -3}, "n_hidden must be at least 1, got -3"),
        ({"n_out": 0}, "n_out must be at least 1, got 0"),
        (
            {"f": "sigmoid"},
            r"f='sigmoid' is not known: choose one of tanh, logistic, relu, identity, or pass a function",
        ),
        ({"f": "softmax"}, r"f='softmax' is not known"),
        ({"g": "linear"}, r"g='linear' is not known: choose one of .*softmax, or pass a function"),
        ({"init": "xavier"}, r"init='xavier' is not known: choose one of normal, .*orthogonal, identity, sparse"),
    ],
)
def test_what_is_not_known_is_refused(kind, options, message):
    with pytest.raises(ValueError, match=message):
        kind(**{"n_in": 1, "n_hidden": 2, "n_out": 1, **options})


# -- files ------------------------------------------------------------------------------------------------------------

networks = pytest.mark.parametrize(
    "build",
    [
        lambda rng, dtype=np.float64: RNN(2, 3, 4, rng=rng, dtype=dtype),
        lambda rng, dtype=np.float64: OutputFeedbackRNN(2, 3, 4, rng=rng, dtype=dtype),
        lambda rng, dtype=np.float64: OutputFeedbackRNN(2, 3, 4, hidden=True, rng=rng, dtype=dtype),
    ],
    ids=["W", "R", "WR"],
)


@networks
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_saved_network_comes_back_to_the_last_bit(build, dtype, tmp_path):
    model, other = build(1, dtype), build(2, dtype)
    path = model.save(tmp_path / "model.npz")
    assert path == tmp_path / "model.npz"
    other.load(path)
    assert list(other.state_dict()) == list(model.state_dict())
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(other.state_dict()[name], value)
        assert other.state_dict()[name].dtype == dtype
    xs = np.random.default_rng(0).normal(size=(4, 2))
    np.testing.assert_array_equal(unroll(other, xs).outputs, unroll(model, xs).outputs)


@networks
def test_a_state_is_a_snapshot(build):
    model = build(0)
    before = model.state_dict()
    values = {name: value.copy() for name, value in before.items()}
    for parameter in model.parameters().values():
        parameter.data = parameter.data + 1
    for name, value in values.items():
        np.testing.assert_array_equal(before[name], value)
    model.load_state_dict(before)
    for name, parameter in model.parameters().items():
        np.testing.assert_array_equal(parameter.data, values[name])


def test_a_state_that_does_not_fit_changes_nothing():
    model = RNN(2, 3, 4)
    before = model.state_dict()
    for state, message in (
        ({n: v for n, v in before.items() if n != "c"}, r"the state holds .* the names must agree"),
        (OutputFeedbackRNN(2, 3, 4, hidden=True).state_dict(), r"'R'.*the names must agree"),
        ({**{n: v + 1 for n, v in before.items()}, "c": np.zeros(5)}, r"the state's c has shape \(5,\).*\(4,\)"),
    ):
        with pytest.raises(ValueError, match=message):
            model.load_state_dict(state)
        for name, value in model.state_dict().items():
            np.testing.assert_array_equal(value, before[name])


def test_a_network_of_another_size_cannot_be_loaded(tmp_path):
    path = RNN(2, 3, 4).save(tmp_path / "small.npz")
    with pytest.raises(ValueError, match=r"W has shape \(3, 3\), the module's \(5, 5\)"):
        RNN(2, 5, 4).load(path)
    with pytest.raises(FileNotFoundError):
        RNN(2, 5, 4).load(tmp_path / "none.npz")
    with pytest.raises(FileNotFoundError, match="nowhere"):
        RNN(2, 5, 4).save(tmp_path / "nowhere" / "model.npz")
