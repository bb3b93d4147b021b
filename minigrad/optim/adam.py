"""Adam: steps whose length hardly depends on how steep the cost is."""

from __future__ import annotations

import math

import numpy as np

from minigrad.engine.tensor import Array
from minigrad.optim.clipping import OnNonfinite
from minigrad.optim.optimizer import Optimizer, Parameters, check


class Adam(Optimizer):
    """Steps of about ``lr`` in every coordinate, however steep the cost (Kingma and Ba, 2015, Algorithm 1):

        m ← β₁ m + (1 − β₁) g        v ← β₂ v + (1 − β₂) g²
        p ← p − lr m̂ / (√v̂ + ε)      m̂ = m / (1 − β₁ᵗ)      v̂ = v / (1 − β₂ᵗ)

    The moments start at zero; m̂ and v̂ correct the bias that this gives them. t counts the gradients that the
    parameter got, so that one that had none for a while is not corrected for steps it did not take.

    Parameters
    ----------
    parameters, lr, max_norm, on_nonfinite
        As in `Optimizer`.
    betas : (float, float)
        β₁ and β₂, how slowly the moments forget: 0 ≤ β < 1.
    eps : float
        The ε above, finite and above 0: keeps the step finite where there was no gradient.
    """

    def __init__(
        self,
        parameters: Parameters,
        lr: float = 1e-3,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        max_norm: float | None = None,
        on_nonfinite: OnNonfinite = "raise",
    ) -> None:
        super().__init__(parameters, lr, max_norm=max_norm, on_nonfinite=on_nonfinite)
        check("betas", betas, len(betas) == 2 and all(0 <= b < 1 for b in betas), "two, each at least 0 and below 1")
        check("eps", eps, 0 < eps < math.inf, "a finite number above 0")
        self.betas = (float(betas[0]), float(betas[1]))
        self.eps = float(eps)
        for name, p in self.parameters.items():
            dtype = np.promote_types(p.dtype, np.float32)  # eps and most g² would be zero in half precision
            self.state |= {f"{name}.m": np.zeros(p.shape, dtype), f"{name}.v": np.zeros(p.shape, dtype)}
            self.state[f"{name}.t"] = np.array(0)

    def update(self, name: str, gradient: Array) -> Array:
        m, v, t = (self.state[f"{name}.{what}"] for what in "mvt")
        b1, b2 = self.betas
        g = gradient.astype(m.dtype, copy=False)
        m, v, t = np.asarray(b1 * m + (1 - b1) * g), np.asarray(b2 * v + (1 - b2) * g * g), t + 1
        self.state |= {f"{name}.m": m, f"{name}.v": v, f"{name}.t": np.asarray(t)}
        step: Array = m / (1 - b1 ** int(t)) / (np.sqrt(v / (1 - b2 ** int(t))) + self.eps)
        return step
