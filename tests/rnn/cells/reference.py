"""Networks computed by another program, in ``networks.json``: their weights and inputs, and what came out."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from minigrad.engine.tensor import Tensor
from minigrad.rnn.unrolling import unroll

FOLDER = Path(__file__).parent
TOLERANCE = {"rtol": 1e-12, "atol": 1e-13}


def stored(name):
    """A file of this folder, its lists as arrays."""
    return arrays(json.loads((FOLDER / name).read_text(encoding="utf-8")))


def arrays(tree):
    if isinstance(tree, dict):
        return {name: arrays(value) for name, value in tree.items()}
    return np.array(tree, dtype=float) if isinstance(tree, list) and not isinstance(tree[0], (dict, str)) else tree


FILE = stored("networks.json")
NETWORKS, X, Y, H0, C0 = FILE["cells"], FILE["x"], FILE["y"], FILE["h0"][0], FILE["c0"][0]


def half_squares(target, output):
    """Σ (ỹ - y)²/2."""
    error = output - target
    return np.sum(error * error) / 2


def compared(name, model, values, initial, *, x=X, y=Y, rows=None):
    """Unroll a model with these values and compare outputs, cost, and the gradients of inputs and initial values.

    Returns the run, and the gradients that were stored.
    """
    expected = NETWORKS[name]
    model.load_state_dict(model.state_dict() | values)
    xs, first = Tensor(x, requires_grad=True), {role: Tensor(v, requires_grad=True) for role, v in initial.items()}
    run = unroll(model, xs, y, cost=half_squares, initial=first)
    run.cost.backward()
    np.testing.assert_allclose(run.outputs, expected["outputs"], **TOLERANCE)
    np.testing.assert_allclose(run.cost.item(), expected["cost"], rtol=1e-12)
    found = {"x": xs.grad, **{f"{role}0": tensor.grad for role, tensor in first.items()}}
    for key, gradient in found.items():
        np.testing.assert_allclose(gradient.reshape(expected["grads"][key].shape), expected["grads"][key], **TOLERANCE)
    return run, expected["grads"]


def agree(found, expected):
    """Gradients by the names that the file has for them."""
    for name, gradient in found.items():
        np.testing.assert_allclose(gradient, expected[name], **TOLERANCE, err_msg=name)
