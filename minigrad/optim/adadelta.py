"""Adadelta: steps in the units of the parameters."""

from __future__ import annotations

import numpy as np

from minigrad.engine.tensor import Array
from minigrad.optim.clipping import OnNonfinite
from minigrad.optim.clips import Clip
from minigrad.optim.optimizer import Optimizer, Parameters
from minigrad.optim.options import forgetting, positive
from minigrad.optim.schedules import Schedule


class Adadelta(Optimizer):
    """Each coordinate's gradient in units of its own size, times the size of past steps (Zeiler, 2012, Algorithm 1):

        v ← ρ v + (1 − ρ) g²        s = g √(u + ε) / √(v + ε)
        u ← ρ u + (1 − ρ) s²        p ← p − lr s

    A step then has the units of the parameter, so that there is no learning rate to choose: it is 1. Only ε says how
    large the first steps are.

    Parameters
    ----------
    parameters, lr, weight_decay, max_norm, clip, on_nonfinite
        As in `Optimizer`.
    rho : float
        The ρ above, how slowly squares are forgotten: 0 ≤ ρ < 1.
    eps : float
        The ε above, finite and above 0.
    """

    def __init__(
        self,
        parameters: Parameters,
        lr: float | Schedule = 1.0,
        *,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0.0,
        max_norm: float | None = None,
        clip: Clip | None = None,
        on_nonfinite: OnNonfinite = "raise",
    ) -> None:
        super().__init__(
            parameters, lr, weight_decay=weight_decay, max_norm=max_norm, clip=clip, on_nonfinite=on_nonfinite
        )
        forgetting(rho=rho)
        positive(eps=eps)
        self.rho, self.eps = float(rho), float(eps)
        self.begin(u=0.0, v=0.0)

    def update(self, name: str, gradient: Array) -> Array:
        u, v = self.state[f"{name}.u"], self.state[f"{name}.v"]
        g = gradient.astype(v.dtype, copy=False)
        v = self.rho * v + (1 - self.rho) * g * g
        step: Array = np.sqrt(u + self.eps) / np.sqrt(v + self.eps) * g
        self.keep(name, u=self.rho * u + (1 - self.rho) * step * step, v=v)
        return step
