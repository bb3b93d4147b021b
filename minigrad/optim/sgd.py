"""Gradient descent, with momentum if asked for."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.engine.primitive import primitive
from minigrad.engine.tensor import Array
from minigrad.optim.clipping import OnNonfinite
from minigrad.optim.clips import Clip
from minigrad.optim.optimizer import Optimizer, Parameters
from minigrad.optim.options import check, forgetting
from minigrad.optim.schedules import Schedule


class SGD(Optimizer):
    """Gradient descent, with momentum if asked for (Polyak, 1964):

        v ← μ v + (1 − d) g        p ← p − lr v                 v ← g at first

    With d = 0 this is Eq. 1 and 2 of Sutskever, Martens, Dahl and Hinton (2013) with the learning rate taken out of v,
    so that a new learning rate takes effect at once. Nesterov's momentum looks one step ahead (Eq. 3 and 4 there, for
    the parameters that the gradient is taken at):

        v ← μ v + g                p ← p − lr (g + μ v)

    Parameters
    ----------
    parameters, lr, weight_decay, max_norm, clip, on_nonfinite
        As in `Optimizer`.
    momentum : float
        The μ above, 0 ≤ μ < 1.
    dampening : float
        The d above, 0 ≤ d < 1: how much of a new gradient is left out of v.
    nesterov : bool
        Wants momentum, and no dampening.
    """

    def __init__(
        self,
        parameters: Parameters,
        lr: float | Schedule,
        *,
        momentum: float = 0.0,
        dampening: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
        max_norm: float | None = None,
        clip: Clip | None = None,
        on_nonfinite: OnNonfinite = "raise",
    ) -> None:
        super().__init__(
            parameters, lr, weight_decay=weight_decay, max_norm=max_norm, clip=clip, on_nonfinite=on_nonfinite
        )
        forgetting(momentum=momentum, dampening=dampening)
        check(
            "nesterov", nesterov, not nesterov or momentum > dampening == 0, "False without momentum, or with dampening"
        )
        self.momentum, self.dampening, self.nesterov = float(momentum), float(dampening), bool(nesterov)
        if momentum:
            self.state = {f"{name}.v": np.zeros_like(p.data) for name, p in self.parameters.items()}
        if momentum and dampening:  # whose first gradient enters whole
            self.state |= {f"{name}.t": np.array(0) for name in self.parameters}

    def update(self, name: str, gradient: Array) -> Array:
        if not self.momentum:
            return gradient
        new = gradient
        if self.dampening:
            new = share(self.state[f"{name}.t"], self.dampening, gradient.dtype.type) * gradient
            self.keep(name, t=np.array(1))
        v = self.momentum * self.state[f"{name}.v"] + new
        self.keep(name, v=v)
        return gradient + self.momentum * v if self.nesterov else v


@primitive
def share(t: Array, dampening: float, dtype: type) -> Any:
    """How much of a gradient enters v: all of the first."""
    return dtype(1 - dampening if t else 1.0)
