"""What is wrong is found and told; what is sane gets no findings."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.rnn.cells import GRU, LRU, LSTM, RNN, MinGRU, OutputFeedbackRNN, Stacked
from minigrad.rnn.linting import lint

SANE = {
    "orthogonal": lambda n, m, seed: RNN(n, 16, m, init="orthogonal", rng=seed),
    "normal": lambda n, m, seed: RNN(n, 16, m, rng=seed),
    "relu": lambda n, m, seed: RNN(n, 64, m, f="relu", init="identity", rng=seed),
    "feedback": lambda n, m, seed: OutputFeedbackRNN(n, 16, m, hidden=True, rng=seed),
    "LSTM": lambda n, m, seed: LSTM(n, 16, m, rng=seed),
    "chrono": lambda n, m, seed: LSTM(n, 16, m, chrono=50.0, peepholes=True, rng=seed),
    "GRU": lambda n, m, seed: GRU(n, 16, m, rng=seed),
    "MinGRU": lambda n, m, seed: MinGRU(n, 16, m, rng=seed),
    "LRU": lambda n, m, seed: LRU(n, 16, m, rng=seed),
    "stack": lambda n, m, seed: Stacked([GRU(n, 8, rng=seed), RNN(8, 16, m, rng=seed)]),
    "both": lambda n, m, seed: mg.rnn.Bidirectional(GRU(n, 8, rng=seed), GRU(n, 8, rng=seed), n_out=m),
}


def echo(rng, T, B):
    xs = rng.uniform(-1, 1, size=(T, B, 2))
    return xs, np.concatenate([np.zeros((1, B, 1)), xs[:-1, :, :1]]), {}


def forecast(rng, T, B):
    """The next value of sines that are sampled well."""
    t, phase = np.arange(T + 1)[:, None], rng.uniform(0, 6, size=B)
    x = np.sin(rng.uniform(0.2, 0.5, size=B) * t + phase)[..., None]
    return x[:-1], x[1:], {}


def adding(rng, T, B):
    xs = np.stack([rng.uniform(size=(T, B)), np.zeros((T, B))], axis=-1)
    for b in range(B):
        xs[rng.choice(T, 2, replace=False), b, 1] = 1
    return xs, np.sum(xs[..., 0] * xs[..., 1], axis=0)[:, None], {"at": "last"}


def symbols(rng, T, B):
    codes = np.eye(5)[rng.integers(5, size=(T + 1, B))]
    return codes[:-1], codes[1:], {"cost": "cross_entropy"}


def weighted(rng, T, B):
    """The first symbols again, at the end; before that, nothing is judged."""
    xs, _, options = symbols(rng, T, B)
    return xs, xs[::-1].copy(), options | {"weights": np.arange(T) > T // 2}


DATA = {"echo": echo, "forecast": forecast, "adding": adding, "symbols": symbols, "weighted": weighted}


def kinds(*args, **options):
    return [finding.kind for finding in lint(*args, **options)]


@given(st.sampled_from([*SANE]), st.sampled_from([*DATA]), st.integers(8, 20), st.integers(4, 40), st.integers(0, 9999))
def test_a_sane_setup_has_no_findings(cell, data, T, B, seed):
    assume((cell, data) not in {("both", "forecast"), ("both", "symbols")})  # which are leaks
    assume((cell, data) != ("both", "adding"))  # the backward network is asked after its first step
    assume(cell != "relu" or data == "adding")  # a sum that comes back to 0 really cuts the path through a relu
    xs, targets, options = DATA[data](np.random.default_rng(seed), T, B)
    model = SANE[cell](xs.shape[-1], targets.shape[-1], seed)
    assert lint(model, xs, targets, **options) == []


# -- each finding -----------------------------------------------------------------------------------------------------


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_windows_of_a_single_step(rng):
    xs, targets, _ = echo(rng, 1, 9)
    (finding,) = lint(RNN(2, 8, 1), xs, targets)
    assert finding.kind == "window"
    assert "Use longer windows" in str(finding)


def test_time_and_batch_are_swapped(rng):
    xs, targets, _ = forecast(rng, 30, 25)
    swapped = [np.swapaxes(each, 0, 1) for each in (xs, targets)]
    assert kinds(RNN(1, 8, 1), *swapped) == ["axes"]
    (finding,) = lint(RNN(1, 8, 1), xs, swapped[1])
    assert (finding.kind, "np.swapaxes" in finding.message) == ("axes", True)
    xs, targets, _ = echo(rng, 4, 100)
    assert kinds(RNN(2, 8, 1), xs, targets) == ["axes"]
    with pytest.raises(ValueError, match="n_in"):
        lint(RNN(3, 8, 1), xs, targets)


def test_the_answer_is_in_the_question(rng):
    xs, targets, _ = echo(rng, 12, 9)
    model = RNN(2, 8, 1)
    assert kinds(model, xs, 3 * xs[..., 1:] - 1) == ["leakage"]
    (finding,) = lint(model, xs, -xs[..., 1:])
    assert finding.where == "targets[..., 0]"
    assert "target 0 is input 1 of the same step" in finding.message
    assert kinds(model, xs, xs[-1, :, 1:], at="last") == ["leakage"]
    assert kinds(model, xs, xs[-2, :, 1:], at="last") == []
    mixed = np.where(np.arange(12)[:, None, None] > 6, xs[..., 1:], targets)
    assert kinds(model, xs, mixed, weights=np.arange(12) > 6) == ["leakage"]
    assert kinds(model, xs, mixed) == []


def test_two_directions_hear_what_comes(rng):
    xs, targets, _ = forecast(rng, 20, 9)
    both = SANE["both"](1, 1, 0)
    (finding,) = lint(both, xs, targets)
    assert (finding.kind, "of the next step" in finding.message) == ("leakage", True)


def test_what_goes_back_is_asked_too_early_if_only_the_last_step_counts(rng):
    xs, targets, options = adding(rng, 10, 9)
    assert {finding.where for finding in lint(SANE["both"](2, 1, 0), xs, targets, **options)} == {"cells.1.W"}


@pytest.mark.parametrize("change", [lambda x: 100 * x, lambda x: 0.01 * x, lambda x: x + 1980])
def test_inputs_that_are_not_scaled(change, rng):
    xs, targets, _ = echo(rng, 12, 9)
    xs = np.concatenate([xs[..., :1], change(xs[..., 1:])], axis=-1)
    findings = lint(GRU(2, 8, 1), xs, targets)
    assert [finding.where for finding in findings if finding.kind == "scale"] == ["xs[..., 1]"]


def test_marks_and_constant_ones_need_no_scale(rng):
    xs, targets, _ = echo(rng, 12, 9)
    xs[..., 1] = 1
    assert kinds(GRU(2, 8, 1), xs, targets) == []


def test_a_parameter_that_nothing_moves(rng):
    class Idle(RNN):
        def __init__(self, *sizes):
            super().__init__(*sizes)
            self.idle = mg.Tensor(np.ones(3), requires_grad=True)

    xs, targets, _ = echo(rng, 12, 9)
    (finding,) = lint(Idle(2, 8, 1), xs, targets)
    assert (finding.kind, finding.where) == ("gradient", "idle")
    dead = RNN(2, 8, 1, f="relu")
    dead.b.data = np.full(8, -100.0)
    assert kinds(dead, xs, targets).count("gradient") == 4  # W, U, V and b
    frozen = RNN(2, 8, 1)
    assert kinds(frozen, xs, targets, weights=np.zeros(12)) == ["gradient"]


@pytest.mark.parametrize("f", ["tanh", "logistic", "relu"])
def test_units_that_stand_where_their_function_is_flat(f, rng):
    xs, targets, _ = echo(rng, 12, 9)
    model = RNN(2, 8, 1, f=f)
    model.b.data = np.where(np.arange(8) < 6, -20.0, 0.0)
    findings = {finding.kind: finding for finding in lint(model, xs, targets)}
    assert findings["saturation"].where == "h"
    assert "75%" in findings["saturation"].message
    stack = Stacked([GRU(2, 8), model := RNN(8, 8, 1, f=f)])
    model.b.data = np.full(8, -20.0)
    assert "h2" in {finding.where for finding in lint(stack, xs, targets)}


def test_a_gradient_that_explodes_or_vanishes(rng):
    xs, targets, _ = echo(rng, 25, 9)
    large, small = (RNN(2, 8, 1, f="identity", init="orthogonal", radius=radius) for radius in (1.6, 0.4))
    assert "exploding" in kinds(large, xs, targets)
    assert kinds(small, xs, targets) == ["vanishing"]
    assert kinds(small, xs, targets, weights=np.arange(25) < 5) == []
    assert kinds(RNN(2, 8, 1), xs, 1e6 * targets) == ["exploding"]


def test_the_model_is_left_as_it_was(rng):
    xs, targets, _ = echo(rng, 12, 9)
    model = GRU(2, 8, 1)
    model.W.grad = np.ones_like(model.W.data)
    state = model.state_dict()
    lint(model, xs, targets)
    assert all(value is state[name] for name, value in model.state_dict().items())
    np.testing.assert_array_equal(model.W.grad, 1)
    assert model.U.grad is None
    with pytest.raises(ValueError, match="no targets"):
        lint(model, xs, None)
