"""NAdam: Adam that looks a step ahead, as Nesterov's momentum does."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.engine.primitive import primitive
from minigrad.engine.tensor import Array
from minigrad.optim.adam import Adam, grown
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
        now, before, product = shares(t, self.state[f"{name}.product"], b1, self.momentum_decay, m.dtype.type)
        self.keep(name, product=product)
        g = gradient.astype(m.dtype, copy=False)
        step: Array = (now * g + before * m) / (np.sqrt(v / grown(b2, t, v.dtype.type)) + self.eps)
        return step


@primitive
def shares(t: Array, product: Array, b: float, decay: float, dtype: type) -> tuple[Any, Any, Any]:
    """(1 − μₜ) / (1 − Πₜ), μₜ₊₁ / (1 − Πₜ₊₁) and Πₜ, of Πₜ₋₁."""
    mu, ahead = (b * (1 - 0.5 * 0.96 ** (s * decay)) for s in (int(t), int(t) + 1))
    new = float(product) * mu
    return dtype((1 - mu) / (1 - new)), dtype(ahead / (1 - new * ahead)), np.float64(new)
