"""Gradient descent, with momentum if asked for."""

from __future__ import annotations

import numpy as np

from minigrad.engine.tensor import Array
from minigrad.optim.clipping import OnNonfinite
from minigrad.optim.optimizer import Optimizer, Parameters, check


class SGD(Optimizer):
    """Gradient descent, with momentum if asked for (Polyak, 1964):

        v ← μ v + g        p ← p − lr v

    This is Eq. 1 and 2 of Sutskever, Martens, Dahl and Hinton (2013) with the learning rate taken out of v, so that a
    new learning rate takes effect at once.

    Parameters
    ----------
    parameters, lr, max_norm, on_nonfinite
        As in `Optimizer`.
    momentum : float
        The μ above, 0 ≤ μ < 1.
    """

    def __init__(
        self,
        parameters: Parameters,
        lr: float,
        *,
        momentum: float = 0.0,
        max_norm: float | None = None,
        on_nonfinite: OnNonfinite = "raise",
    ) -> None:
        super().__init__(parameters, lr, max_norm=max_norm, on_nonfinite=on_nonfinite)
        check("momentum", momentum, 0 <= momentum < 1, "at least 0 and below 1")
        self.momentum = float(momentum)
        if momentum:
            self.state = {f"{name}.v": np.zeros_like(p.data) for name, p in self.parameters.items()}

    def update(self, name: str, gradient: Array) -> Array:
        if not self.momentum:
            return gradient
        v = self.state[f"{name}.v"] = np.asarray(self.momentum * self.state[f"{name}.v"] + gradient)
        return v
