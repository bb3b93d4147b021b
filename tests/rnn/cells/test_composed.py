"""Layers of any networks: they are what one would write by hand, have roles of their own, and fit together."""

from __future__ import annotations

import numpy as np
import pytest

from minigrad.engine.tensor import Tensor
from minigrad.rnn.cells import GRU, LRU, LSTM, RNN, MinGRU, OutputFeedbackRNN, Stacked
from minigrad.rnn.unrolling import unroll
from tests.rnn.cells.gradients import check_cost

BUILT = {
    "RNN": lambda: Stacked([RNN(2, 3, rng=0), RNN(3, 4, 2, rng=1)]),
    "of all kinds": lambda: Stacked(
        [LSTM(2, 2, rng=0), GRU(2, 3, 2, rng=1), LRU(2, 2, rng=2), MinGRU(4, 3), OutputFeedbackRNN(3, 2, 2, rng=3)]
    ),
    "nested": lambda: Stacked([Stacked([RNN(2, 3), GRU(3, 3)]), LSTM(3, 2, 2)]),
    "single": lambda: Stacked([LSTM(2, 3, 1)]),
}
built = pytest.mark.parametrize("kind", BUILT)


@built
@pytest.mark.parametrize("batch", [(), (2,)])
def test_layers_are_networks_one_after_the_other(kind, batch):
    """The whole sequence layer by layer, instead of step by step."""
    model = BUILT[kind]()
    xs = np.random.default_rng(0).normal(size=(5, *batch, 2))
    run, below = unroll(model, xs), xs
    assert tuple(run.steps[0]) == ("x", *model.roles)
    for layer in model.layers:
        alone = unroll(layer, below)
        below = np.stack([y.data for y in alone["y"]])
    np.testing.assert_allclose(run.outputs, below, rtol=1e-12, atol=1e-14)


@built
def test_the_gradient_of_the_cost_to_second_order(kind):
    check_cost(BUILT[kind](), T=2, batch=())


def test_roles_have_the_number_of_their_layer():
    model = BUILT["of all kinds"]()
    assert model.carried == ("h1", "c1", "h2", "h3", "h4", "y")
    assert "y1" not in model.roles and "y2" in model.roles and "y3" not in model.roles
    assert len(set(model.roles)) == len(model.roles)
    assert BUILT["nested"]().carried == ("h1.1", "h2.1", "h2", "c2")
    assert [*model.parameters()][:3] == ["layers.0.W", "layers.0.U", "layers.0.b"]


def test_layers_can_be_started_and_fed_like_others():
    model = Stacked([RNN(2, 3), OutputFeedbackRNN(3, 2, 1)])
    xs, targets = np.ones((4, 2)), np.ones((4, 1))
    run = unroll(model, xs, targets, teacher_forcing=True, initial={"h1": np.ones(3)})
    np.testing.assert_array_equal(run.carried[0]["h1"].data, 1)
    assert run.carried[1]["y"] is run.targets[0]


def test_every_layer_draws_its_own_masks():
    model = Stacked([RNN(2, 50, dropout=0.5), Stacked([GRU(50, 50, 1, recurrent_dropout=0.5)])])
    bound = model.bind((3,), np.random.default_rng(0))
    step = model.step(bound, Tensor(np.ones((3, 2))), {r: Tensor(v + 1) for r, v in model.initial((3,)).items()})
    calm = model.step(
        model.bind((3,)), Tensor(np.ones((3, 2))), {r: Tensor(v + 1) for r, v in model.initial((3,)).items()}
    )
    assert np.any(step["z1"].data != calm["z1"].data) and np.any(step["y"].data != calm["y"].data)


@pytest.mark.parametrize(
    ("layers", "error", "message"),
    [
        (list, ValueError, "no layers"),
        (lambda: [RNN(1, 2), RNN(3, 2)], ValueError, "layer 1 hands 2 numbers up, layer 2 takes n_in=3"),
        (lambda: [RNN(1, 2, 5), RNN(2, 2)], ValueError, "layer 1 hands 5 numbers up"),
        (lambda: [LRU(1, 2), RNN(2, 2)], ValueError, "layer 1 hands 4 numbers up"),
        (lambda: [RNN(1, 2), RNN(2, 2, dtype=np.float32)], ValueError, "dtype float64, layer 2 float32"),
        (lambda: [RNN(2, 2)] * 2, TypeError, "the same layer"),
        (lambda: [RNN(2, 2), 7], TypeError, "layer 2 is a int, which has no step"),
    ],
)
def test_what_does_not_fit_is_refused(layers, error, message):
    with pytest.raises(error, match=message):
        Stacked(layers())
