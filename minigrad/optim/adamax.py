"""Adamax: Adam with the largest recent gradient in place of a mean square."""

from __future__ import annotations

import numpy as np

from minigrad.engine.tensor import Array
from minigrad.optim.adam import grown
from minigrad.optim.clipping import OnNonfinite
from minigrad.optim.clips import Clip
from minigrad.optim.optimizer import Optimizer, Parameters
from minigrad.optim.options import betas as checked
from minigrad.optim.options import positive
from minigrad.optim.schedules import Schedule


class Adamax(Optimizer):
    """No coordinate of a step is longer than ``lr``, about (Kingma and Ba, 2015, Algorithm 2):

        m ← β₁ m + (1 − β₁) g        u ← max(β₂ u, |g| + ε)        p ← p − lr m / (1 − β₁ᵗ) / u

    The ε is PyTorch's. t counts the gradients that the parameter got.

    Parameters
    ----------
    parameters, lr, weight_decay, max_norm, clip, on_nonfinite
        As in `Optimizer`.
    betas : (float, float)
        β₁ and β₂, how slowly the mean and the largest are forgotten: 0 ≤ β < 1.
    eps : float
        The ε above, finite and above 0.
    """

    def __init__(
        self,
        parameters: Parameters,
        lr: float | Schedule = 2e-3,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        max_norm: float | None = None,
        clip: Clip | None = None,
        on_nonfinite: OnNonfinite = "raise",
    ) -> None:
        super().__init__(
            parameters, lr, weight_decay=weight_decay, max_norm=max_norm, clip=clip, on_nonfinite=on_nonfinite
        )
        positive(eps=eps)
        self.betas, self.eps = checked(betas), float(eps)
        self.begin(m=0.0, u=0.0)

    def update(self, name: str, gradient: Array) -> Array:
        m, u, t = (self.state[f"{name}.{what}"] for what in "mut")
        b1, b2 = self.betas
        g = gradient.astype(m.dtype, copy=False)
        m, u, t = b1 * m + (1 - b1) * g, np.maximum(b2 * u, np.abs(g) + self.eps), t + 1
        self.keep(name, m=m, u=u, t=t)
        step: Array = m / grown(b1, t, m.dtype.type) / u
        return step
