"""The networks: one step by its formula, initial values by their distributions, and parameters as files."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.engine.tensor import Tensor
from minigrad.rnn.cells import RNN, OutputFeedbackRNN
from minigrad.rnn.cells.initial import normal, orthogonal, scaled_to_radius
from minigrad.rnn.cells.vanilla import ACTIVATIONS, OUTPUTS
from minigrad.rnn.unrolling import unroll
from tests.rnn import handmade

seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 7)
some = settings(max_examples=50)


def radius_of(W):
    return np.abs(np.linalg.eigvals(W)).max()


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


@pytest.mark.parametrize("hidden", [False, True])
def test_one_step_with_feedback_of_the_output(hidden):
    rng = np.random.default_rng(0)
    model = OutputFeedbackRNN(2, 4, 3, hidden=hidden, rng=rng)
    assert model.carried == (("h", "y") if hidden else ("y",))
    x, h_0, y_0 = rng.normal(size=2), rng.normal(size=4), rng.normal(size=3)
    carried = {role: Tensor(value) for role, value in (("h", h_0), ("y", y_0)) if role in model.carried}
    step = model.step(model.bind(), Tensor(x), carried)
    z = model.R.data @ y_0 + model.U.data @ x + (model.W.data @ h_0 if hidden else 0)
    np.testing.assert_allclose(step["z"].data, z, rtol=1e-14, atol=1e-15)
    np.testing.assert_allclose(step["y"].data, model.V.data @ np.tanh(z), rtol=1e-14, atol=1e-15)


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


def test_an_output_fed_network_starts_like_its_sibling():
    plain, fed = RNN(2, 3, 4, rng=1).state_dict(), OutputFeedbackRNN(2, 3, 4, hidden=True, rng=1).state_dict()
    for name, value in plain.items():
        np.testing.assert_array_equal(fed[name], value)


# -- initial values ---------------------------------------------------------------------------------------------------


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


def test_the_feedback_of_the_output_starts_like_the_other_matrices():
    R = OutputFeedbackRNN(1, 200, 100).R.data
    assert R.std() * np.sqrt(100) == pytest.approx(1, rel=4 / np.sqrt(2 * R.size))


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
        ({"init": "xavier"}, r"init='xavier' is not known: choose one of normal, orthogonal, identity"),
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
