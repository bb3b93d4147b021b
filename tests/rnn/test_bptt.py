"""The engine's gradients of unrolled networks against back-propagation through time derived by hand."""

from __future__ import annotations

import cmath
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from minigrad.engine.tensor import Tensor
from minigrad.functions import logistic, relu
from minigrad.rnn.cells import RNN, OutputFeedbackRNN
from minigrad.rnn.cells.vanilla import ACTIVATIONS, OUTPUTS
from minigrad.rnn.unrolling import COSTS, unroll
from tests.rnn import handmade

few = settings(max_examples=12)
every_f = pytest.mark.parametrize("f", ACTIVATIONS)
every_g = pytest.mark.parametrize("g", OUTPUTS)
every_cost = pytest.mark.parametrize("cost", COSTS)


def of_norm(matrix, norm):
    return matrix * (norm / np.linalg.norm(matrix, 2))


@st.composite
def problems(draw, longest=50):
    """Sizes, parameters and data of a network that neither explodes nor vanishes beyond what floats can follow.

    A step enlarges an error at most ‖W‖ + ‖R‖‖V‖ = 1.08 times, and 50 steps 47 times; and arguments are small enough
    for the slopes 1 - h² to be known well. So both implementations can be held to the last digits. b and c are
    continuous, so that no argument of relu is 0 because everything is.
    """
    matrices = draw(st.sampled_from(["W", "R", "WR"]))
    T, n_in, n, n_out = draw(st.integers(1, longest)), *(draw(st.integers(1, 5)) for _ in range(3))
    batch = draw(st.sampled_from([(), (1,), (2,), (4,)]))
    forced = "R" in matrices and draw(st.booleans())
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    p = {
        "W": of_norm(rng.normal(size=(n, n)), 0.6 if "R" in matrices else 1.08),
        "R": of_norm(rng.normal(size=(n, n_out)), 0.4),
        "U": of_norm(rng.normal(size=(n, n_in)), 0.5),
        "V": of_norm(rng.normal(size=(n_out, n)), 1.2),
        "b": rng.uniform(-0.5, 0.5, size=n),
        "c": rng.uniform(-0.5, 0.5, size=n_out),
    }
    p = {name: value for name, value in p.items() if name in "UVbc" or name in matrices}
    data = rng.normal(size=(T, *batch, n_in)), rng.uniform(0, 1, size=(T, *batch, n_out))
    sizes = {"h": n, "y": n_out}
    carried = [role for name, role in (("W", "h"), ("R", "y")) if name in matrices]
    return p, *data, {role: rng.uniform(-1, 1, size=(*batch, sizes[role])) for role in carried}, forced


def model_of(p, dtype=np.float64, **functions):
    sizes = p["U"].shape[1], p["U"].shape[0], p["V"].shape[0]
    model = OutputFeedbackRNN(*sizes, hidden="W" in p, dtype=dtype, **functions) if "R" in p else None
    model = model or RNN(*sizes, dtype=dtype, **functions)
    model.load_state_dict(p)
    return model


def by_the_engine(problem, f, g, cost, dtype=np.float64):
    p, xs, targets, initial, forced = problem
    xs = Tensor(xs, requires_grad=True, dtype=dtype)
    run = unroll(model_of(p, dtype, f=f, g=g), xs, targets, initial=initial, cost=cost, teacher_forcing=forced)
    run.cost.backward()
    gradients = {name: parameter.grad for name, parameter in run.model.parameters().items()}
    gradients |= {f"{role}_0": tensor.grad for role, tensor in run.carried[0].items()}
    return run, gradients | {"xs": xs.grad}


def by_hand(problem, f, g, cost):
    p, xs, targets, initial, forced = problem
    trace = handmade.feed_forward(p, xs, targets, f=f, g=g, cost=cost, initial=initial, forced=forced)
    back = handmade.propagate_back(trace)
    gradients = back.parameters | {f"{role}_0": value for role, value in back.initial.items()}
    return trace, gradients | {"xs": back.deltas["x"]}


def assert_equal(actual, expected, rtol):
    assert actual.keys() == expected.keys()
    for name, value in expected.items():
        assert actual[name].shape == value.shape, name
        assert np.max(np.abs(actual[name] - value)) <= rtol * np.max(np.abs(value)), name


def assume_no_ties(trace):
    """relu has a corner at 0, where rounding would decide between two derivatives."""
    assume(trace.f != "relu" or np.abs(trace.z).min() > 1e-9)
    assume(trace.g != "relu" or np.abs(trace.o).min() > 1e-9)


@every_cost
@every_g
@every_f
@few
@given(problem=problems())
def test_all_gradients_are_those_derived_by_hand(f, g, cost, problem):
    trace, expected = by_hand(problem, f, g, cost)
    assume_no_ties(trace)
    run, actual = by_the_engine(problem, f, g, cost)
    np.testing.assert_allclose(run.outputs, trace.y, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose([C.item() for C in run["C"]], trace.costs, rtol=1e-12)
    np.testing.assert_allclose(run.cost.item(), trace.costs.sum(), rtol=1e-12)
    assert_equal(actual, expected, 1e-12)


@every_cost
@every_g
@every_f
@settings(max_examples=4)
@given(problem=problems(longest=20))
def test_float32_stays_float32_and_is_as_accurate_as_it_can_be(f, g, cost, problem):
    trace, expected = by_hand(problem, f, g, cost)
    assume((f != "relu" or np.abs(trace.z).min() > 1e-3) and (g != "relu" or np.abs(trace.o).min() > 1e-3))
    run, actual = by_the_engine(problem, f, g, cost, np.float32)
    assert {tensor.dtype for step in run.steps for tensor in step.values()} == {np.dtype(np.float32)}
    assert run.cost.dtype == np.float32
    assert {gradient.dtype for gradient in actual.values()} == {np.dtype(np.float32)}
    assert_equal(actual, expected, 1e-4)


@settings(max_examples=20)
@given(problem=problems(longest=12), which=st.integers(0, 11))
def test_the_cost_of_one_step(problem, which):
    p, xs, targets, initial, forced = problem
    which %= len(xs)
    trace = handmade.feed_forward(p, xs, targets, initial=initial, forced=forced)
    expected = handmade.propagate_back(trace, np.eye(len(xs))[which]).parameters
    run = unroll(model_of(p), xs, targets, initial=initial, teacher_forcing=forced)
    run["C"][which].backward()
    assert_equal({name: q.grad for name, q in run.model.parameters().items()}, expected, 1e-12)


# -- the judge is judged ----------------------------------------------------------------------------------------------


@every_cost
@pytest.mark.parametrize("g", [g for g in OUTPUTS if g != "relu"])
@pytest.mark.parametrize("f", [f for f in ACTIVATIONS if f != "relu"])
@settings(max_examples=4)
@given(problem=problems(longest=6))
def test_the_derivation_by_hand_agrees_with_complex_steps(f, g, cost, problem):
    """Im C(p + ih)/h is the derivative to the last digit: nothing is subtracted (Squire and Trapp 1998)."""
    p, xs, targets, initial, forced = problem
    _, gradients = by_hand(problem, f, g, cost)
    arguments = p | {f"{role}_0": value for role, value in initial.items()} | {"xs": xs}
    scale = max(np.max(np.abs(gradient)) for gradient in gradients.values())
    for name, value in arguments.items():
        for index in np.ndindex(value.shape):
            moved = {key: array.astype(complex) for key, array in arguments.items()}
            moved[name][index] += 1e-30j
            trace = handmade.feed_forward(
                {key: moved[key] for key in p}, moved["xs"], targets, f=f, g=g, cost=cost, forced=forced,
                initial={role: moved[f"{role}_0"] for role in initial},
            )  # fmt: skip
            assert trace.costs.sum().imag / 1e-30 == pytest.approx(gradients[name][index], rel=1e-11, abs=1e-12 * scale)


def test_a_derivation_with_a_forgotten_term_is_noticed():
    """Propagating through a feedback network as if targets were fed back leaves out Rᵀδ^z_{t+1}, and nothing else."""
    rng = np.random.default_rng(0)
    model = OutputFeedbackRNN(2, 4, 3, hidden=True, rng=rng)
    xs, targets = rng.normal(size=(5, 2, 2)), rng.normal(size=(5, 2, 3))
    run = unroll(model, xs, targets)
    run.cost.backward()
    actual = {name: p.grad for name, p in model.parameters().items()}
    trace = handmade.feed_forward(model.state_dict(), xs, targets)
    assert_equal(actual, handmade.propagate_back(trace).parameters, 1e-12)
    with pytest.raises(AssertionError):
        assert_equal(actual, handmade.propagate_back(trace._replace(forced=True)).parameters, 1e-2)


def test_relu_at_its_corner_takes_half():
    """Nothing but zeros goes in: z_t = 0, and the convention of `numpy.maximum` decides."""
    model = RNN(1, 1, 1, f="relu")
    model.load_state_dict({"W": [[1.0]], "U": [[1.0]], "V": [[1.0]], "b": [0.0], "c": [0.0]})
    xs = Tensor(np.zeros((3, 1)), requires_grad=True)
    run = unroll(model, xs, np.ones((3, 1)))
    run["C"][-1].backward()  # ∂C_3/∂ỹ_3 = -2, halved at every step
    np.testing.assert_array_equal(xs.grad.ravel(), [-0.25, -0.5, -1.0])
    assert relu(Tensor(0.0)).item() == 0


# -- the cliff --------------------------------------------------------------------------------------------------------

# x_t = w σ(x_{t-1}) + b, x_0 = ½, E = (σ(x_50) - 0.7)² (Pascanu, Mikolov and Bengio 2013, section 2.3)


def on_the_cliff_as_plain_numpy(w, b, T=50):
    w, b = Tensor(w, requires_grad=True), Tensor(b, requires_grad=True)
    x = 0.5
    for _ in range(T):
        x = w * logistic(x) + b
    E = np.square(logistic(x) - 0.7)
    E.backward()
    return E.item(), w.grad.item(), b.grad.item()


def on_the_cliff_as_a_network(w, b, T=50):
    """z_t = b + W h_{t-1} is x_t if h = σ(z); so h_0 = σ(½), and the only cost that counts is the last one's."""
    model = RNN(1, 1, 1, f="logistic")
    model.load_state_dict({"W": [[w]], "U": [[0.0]], "V": [[1.0]], "b": [b], "c": [0.0]})
    h_0 = [1 / (1 + np.exp(-0.5))]
    run = unroll(model, np.zeros((T, 1)), np.full((T, 1), 0.7), initial={"h": h_0})
    run["C"][-1].backward()
    return run["C"][-1].item(), model.W.grad.item(), model.b.grad.item()


every_way = pytest.mark.parametrize("cliff", [on_the_cliff_as_plain_numpy, on_the_cliff_as_a_network])
S = 1 / (1 + np.exp(-0.5))
CASES = json.loads((Path(__file__).parent / "cliff.json").read_text(encoding="utf-8"))["cases"]


@every_way
def test_the_cliff_where_the_state_stays(cliff):
    w = 5.0
    b = 0.5 - w * S
    assert b == pytest.approx(-2.612296656, rel=1e-9)
    J = w * S * (1 - S)
    grown = J**50
    assert grown == pytest.approx(3178.6034, rel=1e-8)
    db = 2 * (S - 0.7) * S * (1 - S) * (grown - 1) / (J - 1)
    assert cliff(w, b) == pytest.approx(((S - 0.7) ** 2, S * db, db), rel=1e-9)
    assert cliff(w, b)[1:] == pytest.approx((-411.870634, -661.682801), rel=2e-9)


@every_way
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"w={case['w']}, {case['label'][:6]}")
def test_the_cliff_is_what_others_have_found(cliff, case):
    w, fixed = case["w"], case["J_to_T"] is not None
    b = 0.5 - w * S if fixed else case["b"]
    found = cliff(w, b, case["T"])
    assert found == pytest.approx((case["E"], case["dE_dw"], case["dE_db"]), rel=1e-9 if fixed else 1e-12)
    if fixed:
        assert (w * S * (1 - S)) ** case["T"] == pytest.approx(case["J_to_T"], rel=1e-9)


@every_way
def test_the_cliff_at_w_1_b_0(cliff):
    assert cliff(1.0, 0.0) == pytest.approx((0.001677224513, -0.01564535773, -0.02373939923), rel=3e-10)


@every_way
@given(w=st.floats(-6, 6), b=st.floats(-3, 3))
@settings(max_examples=30)
def test_the_cliff_elsewhere(cliff, w, b):
    """By complex steps. Chaos and cliffs multiply errors by the product of the slopes, which bounds the tolerance."""

    def E(w, b):
        x, grown = 0.5, 1.0
        for _ in range(50):
            s = 1 / (1 + cmath.exp(-x))
            x, grown = w * s + b, max(1.0, grown * abs(w * s * (1 - s)))
        return (1 / (1 + cmath.exp(-x)) - 0.7) ** 2, grown

    (value, grown), (by_w, _), (by_b, _) = E(w, b), E(w + 1e-30j, b), E(w, b + 1e-30j)
    expected = value.real, by_w.imag / 1e-30, by_b.imag / 1e-30
    assert cliff(w, b) == pytest.approx(expected, rel=1e-10 * grown, abs=1e-14 * grown)
