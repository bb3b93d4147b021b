"""The run that others have computed too, for the tests of where its gradient goes."""

from __future__ import annotations

import numpy as np

from minigrad.engine.tensor import Tensor
from minigrad.rnn.cells import RNN
from minigrad.rnn.reading import run_of
from minigrad.rnn.unrolling import unroll
from tests.rnn.dynamics.matrices import stored

FIXED = stored("fixed_rnn.json")


def fixed_run():
    """That of fixed_rnn.json, with costs |ỹ - y|²/2."""
    model = RNN(2, 3, 1)
    model.load_state_dict(FIXED["params"])
    return unroll(model, FIXED["x"], FIXED["y"], cost=lambda target, output: np.sum((output - target) ** 2) / 2)


def fixed_loop():
    """The same in plain NumPy, without names or scopes, and with Wᵀ made anew at every step: read back as a run."""
    W, U, V, b, c = (Tensor(FIXED["params"][name], requires_grad=True, name=name) for name in "WUVbc")
    h, cost = np.zeros(3), 0.0
    for x, y in zip(FIXED["x"], FIXED["y"], strict=True):
        h = np.tanh(b + h @ W.T + U @ x)
        cost = cost + np.sum((V @ h + c - y) ** 2) / 2
    return run_of(cost)
