"""What all networks share: sizes, outputs or none, gates by their names."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.engine.tensor import Tensor
from minigrad.engine.walk import gradients
from minigrad.rnn.cells import GRU, LRU, LSTM, RNN, MinGRU, OutputFeedbackRNN, Stacked
from minigrad.rnn.cells.cell import Cell
from minigrad.rnn.unrolling import unroll

MODELS = {
    "RNN": lambda **options: RNN(2, 3, 2, **options),
    "OutputFeedbackRNN": lambda **options: OutputFeedbackRNN(2, 3, 2, **options),
    "LSTM": lambda **options: LSTM(2, 3, 2, **options),
    "peepholes": lambda **options: LSTM(2, 3, 2, peepholes=True, **options),
    "GRU": lambda **options: GRU(2, 3, 2, **options),
    "reset before": lambda **options: GRU(2, 3, 2, reset="before", **options),
    "MinGRU": lambda **options: MinGRU(2, 3, 2, **options),
    "LRU": lambda **options: LRU(2, 3, 2, **options),
    "Stacked": lambda **options: Stacked([LSTM(2, 3, **options), GRU(3, 3, 2, **options)]),
}
models = pytest.mark.parametrize("kind", MODELS)
WITHOUT = {"RNN": RNN, "LSTM": LSTM, "GRU": GRU, "MinGRU": MinGRU, "LRU": LRU}


@models
@pytest.mark.parametrize("batch", [(), (2,)])
def test_a_step_has_all_roles_in_order(kind, batch):
    model = MODELS[kind]()
    run = unroll(model, np.ones((3, *batch, 2)), np.ones((3, *batch, 2)))
    assert list(run.steps[0]) == ["x", *model.roles, "C"]
    assert set(model.carried) <= set(model.roles)
    indices = [tensor.index for tensor in run.steps[1].values()]
    assert len(set(indices)) == len(indices)  # tensors of their own, computed in this order
    assert indices == sorted(indices)


@models
def test_copies_pickles_and_states_are_the_same_network(kind):
    model, xs = MODELS[kind](rng=1), np.random.default_rng(0).normal(size=(4, 2))
    outputs = unroll(model, xs).outputs
    other = MODELS[kind](rng=2)
    other.load_state_dict(model.state_dict())
    for again in (copy.copy(model), copy.deepcopy(model), pickle.loads(pickle.dumps(model)), other):
        np.testing.assert_array_equal(unroll(again, xs).outputs, outputs)
    assert all(parameter.grad is None for parameter in model.parameters().values())


@models
def test_runs_can_be_copied(kind):
    run = unroll(MODELS[kind](), np.ones((3, 2)), np.ones((3, 2)))
    again = pickle.loads(pickle.dumps(run))
    again.cost.backward()
    run.cost.backward()
    for name, parameter in run.model.parameters().items():
        np.testing.assert_array_equal(again.model.parameters()[name].grad, parameter.grad)


@models
@settings(max_examples=5)
@given(seed=st.integers(0, 2**32 - 1), lengths=st.lists(st.integers(1, 5), min_size=2, max_size=3))
def test_what_stands_behind_the_end_of_a_sequence_changes_nothing(kind, seed, lengths):
    """Outputs, final states and gradients are those of the sequences alone."""
    model, rng = MODELS[kind](rng=seed), np.random.default_rng(seed)
    xs, targets = rng.normal(size=(2, 5, len(lengths), 2))
    parameters = [*model.parameters().values()]
    for i, length in enumerate(lengths):
        xs[length:, i] = targets[length:, i] = np.nan
    run = unroll(model, xs, targets, lengths=lengths)
    alone = [unroll(model, xs[:length, i], targets[:length, i]) for i, length in enumerate(lengths)]
    for i, (one, length) in enumerate(zip(alone, lengths, strict=True)):
        np.testing.assert_allclose(run.outputs[:length, i], one.outputs, rtol=1e-13, atol=1e-14)
        for role in model.carried:
            np.testing.assert_allclose(run.final[role].data[i], one[role][-1].data, rtol=1e-13, atol=1e-14)
    together = gradients(run.cost, parameters)
    separately = [gradients(one.cost, parameters) for one in alone]
    for whole, *parts in zip(together, *separately, strict=True):
        np.testing.assert_allclose(whole, np.mean(parts, axis=0), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("kind", WITHOUT)
def test_without_n_out_the_output_is_h(kind):
    model = WITHOUT[kind](2, 3)
    run = unroll(model, np.ones((3, 2)))
    assert not {"V", "c", "D"} & model.parameters().keys()
    assert model.n_out == run["h"][0].shape[-1]
    for h, y in zip(run["h"], run["y"], strict=True):
        assert h is not y
        np.testing.assert_array_equal(y.data, h.data)
    squared = unroll(WITHOUT[kind](2, 3, g=lambda h: h * h), np.ones((3, 2)))
    np.testing.assert_array_equal(squared.outputs, np.square([h.data for h in squared["h"]]))


@pytest.mark.parametrize("kind", WITHOUT)
@pytest.mark.parametrize("sizes", [(0, 2, 1), (1, 0, 1), (1, 2, 0), (1, -1, None)])
def test_sizes_are_at_least_1(kind, sizes):
    with pytest.raises(ValueError, match=r"n_(in|hidden|out) must be at least 1, got (0|-1)"):
        WITHOUT[kind](*sizes)


def test_a_model_without_gates_says_so():
    with pytest.raises(ValueError, match="'forget' is no gate of RNN: it has none"):
        RNN(1, 2).gate("forget")


def test_a_cell_of_your_own_says_its_states():
    class Leaky(Cell):
        roles = ("h", "y")

        def __init__(self):
            super().__init__(1, 1, None, g="identity", dtype=float)
            self.a = self._parameter("a", np.array(0.5))

        def states(self, bound, x, carried):
            return {"h": self.a * carried["h"] + x}

    run = unroll(Leaky(), np.ones((3, 1)))
    np.testing.assert_allclose(run.outputs[:, 0], [1, 1.5, 1.75])
    with pytest.raises(NotImplementedError):
        Cell(1, 1, None, g="identity", dtype=float).states((), Tensor([1.0]), {})
