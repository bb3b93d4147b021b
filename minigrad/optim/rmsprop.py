"""RMSProp: gradients in units of their own recent size."""

from __future__ import annotations

import numpy as np

from minigrad.engine.tensor import Array
from minigrad.optim.clipping import OnNonfinite
from minigrad.optim.clips import Clip
from minigrad.optim.optimizer import Optimizer, Parameters
from minigrad.optim.options import forgetting, positive
from minigrad.optim.schedules import Schedule


class RMSProp(Optimizer):
    """Each coordinate in units of the root of its recent mean square (Tieleman and Hinton, 2012, Lecture 6.5):

        v ← α v + (1 − α) g²        p ← p − lr g / (√v + ε)

    Centred, the root is of the variance, v − m², with m ← α m + (1 − α) g (Graves, 2013, Eq. 38 to 45, but for the
    place of ε). With momentum, b ← μ b + g / (√v + ε) and p ← p − lr b.

    Parameters
    ----------
    parameters, lr, weight_decay, max_norm, clip, on_nonfinite
        As in `Optimizer`.
    alpha : float
        The α above, how slowly the squares are forgotten: 0 ≤ α < 1.
    eps : float
        The ε above, finite and above 0.
    momentum : float
        The μ above, 0 ≤ μ < 1.
    centered : bool
        Whether the mean is taken out.
    """

    def __init__(
        self,
        parameters: Parameters,
        lr: float | Schedule = 1e-2,
        *,
        alpha: float = 0.99,
        eps: float = 1e-8,
        momentum: float = 0.0,
        centered: bool = False,
        weight_decay: float = 0.0,
        max_norm: float | None = None,
        clip: Clip | None = None,
        on_nonfinite: OnNonfinite = "raise",
    ) -> None:
        super().__init__(
            parameters, lr, weight_decay=weight_decay, max_norm=max_norm, clip=clip, on_nonfinite=on_nonfinite
        )
        forgetting(alpha=alpha, momentum=momentum)
        positive(eps=eps)
        self.alpha, self.eps, self.momentum, self.centered = float(alpha), float(eps), float(momentum), bool(centered)
        self.begin(v=0.0)
        if centered:
            self.begin(m=0.0)
        if momentum:
            self.begin(b=0.0)

    def update(self, name: str, gradient: Array) -> Array:
        v = self.state[f"{name}.v"]
        g = gradient.astype(v.dtype, copy=False)
        v = self.alpha * v + (1 - self.alpha) * g * g
        self.keep(name, v=v)
        if self.centered:
            m = self.alpha * self.state[f"{name}.m"] + (1 - self.alpha) * g
            self.keep(name, m=m)
            v = np.maximum(v - m * m, 0)  # of gradients that are all the same, rounding may leave less than nothing
        step: Array = g / (np.sqrt(v) + self.eps)
        if self.momentum:
            step = self.momentum * self.state[f"{name}.b"] + step
            self.keep(name, b=step)
        return step
