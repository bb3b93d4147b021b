"""RAdam: Adam that warms up by itself."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from minigrad.engine.primitive import primitive
from minigrad.engine.tensor import Array
from minigrad.optim.adam import Adam, grown
from minigrad.optim.clipping import OnNonfinite
from minigrad.optim.clips import Clip
from minigrad.optim.optimizer import Parameters
from minigrad.optim.schedules import Schedule


class RAdam(Adam):
    """Adam, whose v is not relied on before it is the mean of enough squares (Liu et al., 2020, Algorithm 2):

        ρ∞ = 2 / (1 − β₂) − 1        ρₜ = ρ∞ − 2 t β₂ᵗ / (1 − β₂ᵗ)
        r² = (ρₜ − 4)(ρₜ − 2) ρ∞ / ((ρ∞ − 4)(ρ∞ − 2) ρₜ)
        p ← p − lr r m̂ √(1 − β₂ᵗ) / (√v + ε)        if ρₜ > 5, and p ← p − lr m̂ before

    with the moments m and v, m̂ and t of `Adam`. ρₜ is about the number of squares in v. (The paper's limit is 4; 5, and
    the place of ε, are PyTorch's.)

    Parameters
    ----------
    parameters, lr, betas, eps, weight_decay, max_norm, clip, on_nonfinite
        As in `Adam`.
    """

    def __init__(
        self,
        parameters: Parameters,
        lr: float | Schedule = 1e-3,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
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

    def update(self, name: str, gradient: Array) -> Array:
        m, v, t = self.moments(name, gradient)
        b1, b2 = self.betas
        r, step = rectification(b2, t, m.dtype.type), m / grown(b1, t, m.dtype.type)
        moved: Array = np.where(r > 0, step * r / (np.sqrt(v) + self.eps), step)
        return moved


@primitive
def rectification(b: float, t: Array, dtype: type) -> Any:
    """r √(1 − β₂ᵗ); 0 as long as v is not relied on."""
    n, most = int(t), 2 / (1 - b) - 1
    rho = most - 2 * n * b**n / (1 - b**n)
    if rho <= 5:
        return dtype(0.0)
    r = math.sqrt((rho - 4) * (rho - 2) * most / ((most - 4) * (most - 2) * rho))
    return dtype(r * math.sqrt(1 - b**n))
