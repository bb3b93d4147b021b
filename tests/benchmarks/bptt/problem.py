"""What all contenders compute: Σ C_t of `squared_error` along T steps, and its gradients by all parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import minigrad as mg

GRID = (
    (10, 1, 2, 16),
    (100, 1, 2, 32),
    (100, 32, 2, 64),
    (1000, 1, 2, 64),
    (1000, 1, 2, 256),
    (200, 32, 32, 256),
    (1000, 32, 2, 128),
)
"""T, B, n_in, n_hidden."""
DTYPES = ("float64", "float32")
MODELS = {"RNN": mg.rnn.RNN, "LSTM": mg.rnn.LSTM, "GRU": mg.rnn.GRU}
Gradients = dict[str, Any]
Once = Callable[[], Gradients]
"""One forward and one backward pass."""


@dataclass(frozen=True)
class Problem:
    """A network's parameters and data, alike in every process."""

    kind: str
    model: Any
    xs: Any
    targets: Any

    @classmethod
    def of(cls, kind: str, sizes: tuple[int, int, int, int], dtype: str) -> Problem:
        T, B, n_in, n_hidden = sizes
        rng = np.random.default_rng(0)
        model = MODELS[kind](n_in, n_hidden, 1, rng=rng, dtype=dtype)
        xs, targets = (rng.normal(size=(T, B, n)).astype(dtype) for n in (n_in, 1))
        return cls(kind, model, xs, targets)

    @property
    def state(self) -> dict[str, Any]:
        return dict(self.model.state_dict())


def operations(sizes: tuple[int, int, int, int]) -> int:
    """Multiplications and additions in the matrix products of an RNN, forward and back (n_out = 1)."""
    T, B, n_in, n = sizes
    forward = 2 * T * B * n * (n + n_in + 1)
    cotangents = 2 * B * n * ((T - 1) * n + T)
    return 2 * forward + cotangents  # the gradients of W, U and V take what the products with them took


def disagreement(found: Gradients, reference: Gradients, dtype: str) -> str:
    """Which gradient is another one, and by how much; empty if none is."""
    for name, gradient in found.items():
        error = np.abs(gradient - reference[name]).max() / np.abs(reference[name]).max()
        if not error < (1e-9 if dtype == "float64" else 2e-3):
            return f"the gradient of {name} is off by {error:.1e}"
    return ""
