"""NAdam: Adam that looks a step ahead, as Nesterov's momentum does."""

from __future__ import annotations

import numpy as np

from minigrad.engine.tensor import Array
from minigrad.optim.adam import Adam
from minigrad.optim.clipping import OnNonfinite
from minigrad.optim.clips import Clip
from minigrad.optim.optimizer import Parameters
from minigrad.optim.options import not_negative
from minigrad.optim.schedules import Schedule


class NAdam(Adam):
    """Adam with Nesterov's momentum (Dozat, 2016, Algorithm 2, with the warm-up of μ that PyTorch has):

        μₜ = β₁ (1 − ½ 0.96^(t ψ))        Πₜ = μ₁ ⋯ μₜ
        p ← p − lr [(1 − μₜ) g / (1 − Πₜ) + μₜ₊₁ m / (1 − Πₜ₊₁)] / (√v̂ + ε)

    with the moments m and v, v̂ and t of `Adam`.

    Parameters
    ----------
    parameters, lr, betas, eps, weight_decay, max_norm, clip, on_nonfinite
        As in `Adam`.
    momentum_decay : float
        The ψ above, at least 0: how quickly μ comes from β₁ / 2 to β₁.
    """

    def __init__(
        self,
        parameters: Parameters,
        lr: float | Schedule = 2e-3,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        momentum_decay: float = 4e-3,
        weight_decay: float = 0.0,
        max_norm: float | None = None,
        clip: Clip | None = None,
        on_nonfinite: OnNonfinite = "raise",
    ) -> None:
        super().__init__(
            parameters,
            lr,
            betas=betas,
            eps=eps,
            weight_decay=weight_decay,
            max_norm=max_norm,
            clip=clip,
            on_nonfinite=on_nonfinite,
        )
        not_negative(momentum_decay=momentum_decay)
        self.momentum_decay = float(momentum_decay)
        self.state |= {f"{name}.product": np.array(1.0) for name in self.parameters}

    def update(self, name: str, gradient: Array) -> Array:
        m, v, t = self.moments(name, gradient)
        b1, b2 = self.betas
        mu, ahead = (b1 * (1 - 0.5 * 0.96 ** (s * self.momentum_decay)) for s in (t, t + 1))
        product = float(self.state[f"{name}.product"]) * mu
        self.state[f"{name}.product"] = np.array(product)
        g = gradient.astype(m.dtype, copy=False)
        mean = (1 - mu) / (1 - product) * g + ahead / (1 - product * ahead) * m
        step: Array = mean / (np.sqrt(v / (1 - b2**t)) + self.eps)
        return step
