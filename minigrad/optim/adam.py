"""Adam: steps whose length hardly depends on how steep the cost is; and AdamW, whose weight decay does not either."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from minigrad.engine.primitive import primitive
from minigrad.engine.tensor import Array
from minigrad.optim.clipping import OnNonfinite
from minigrad.optim.clips import Clip
from minigrad.optim.optimizer import Optimizer, Parameters
from minigrad.optim.options import betas as checked
from minigrad.optim.options import positive
from minigrad.optim.schedules import Schedule


class Adam(Optimizer):
    """Steps of about ``lr`` in every coordinate, however steep the cost (Kingma and Ba, 2015, Algorithm 1):

        m ← β₁ m + (1 − β₁) g        v ← β₂ v + (1 − β₂) g²
        p ← p − lr m̂ / (√v̂ + ε)      m̂ = m / (1 − β₁ᵗ)      v̂ = v / (1 − β₂ᵗ)

    The moments start at zero; m̂ and v̂ correct the bias that this gives them. t counts the gradients that the
    parameter got, so that one that had none for a while is not corrected for steps it did not take.

    Parameters
    ----------
    parameters, lr, weight_decay, max_norm, clip, on_nonfinite
        As in `Optimizer`. The slope of weight decay is scaled with the gradient, so that it hardly acts where gradients
        are large: see `AdamW`.
    betas : (float, float)
        β₁ and β₂, how slowly the moments forget: 0 ≤ β < 1.
    eps : float
        The ε above, finite and above 0: keeps the step finite where there was no gradient.
    amsgrad : bool
        Take the largest v that there has been, so that no coordinate gets faster again (Reddi, Kale and Kumar, 2018,
        Algorithm 2, with v̂'s correction as in PyTorch).
    """

    def __init__(
        self,
        parameters: Parameters,
        lr: float | Schedule = 1e-3,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        amsgrad: bool = False,
        weight_decay: float = 0.0,
        max_norm: float | None = None,
        clip: Clip | None = None,
        on_nonfinite: OnNonfinite = "raise",
    ) -> None:
        super().__init__(
            parameters, lr, weight_decay=weight_decay, max_norm=max_norm, clip=clip, on_nonfinite=on_nonfinite
        )
        positive(eps=eps)
        self.betas, self.eps, self.amsgrad = checked(betas), float(eps), bool(amsgrad)
        self.begin(m=0.0, v=0.0)
        if amsgrad:
            self.begin(largest=0.0)

    def update(self, name: str, gradient: Array) -> Array:
        m, v, t = self.moments(name, gradient)
        if self.amsgrad:
            v = np.maximum(self.state[f"{name}.largest"], v)
            self.keep(name, largest=v)
        b1, b2 = self.betas
        step: Array = m / grown(b1, t, m.dtype.type) / (np.sqrt(v / grown(b2, t, v.dtype.type)) + self.eps)
        return step

    def moments(self, name: str, gradient: Array) -> tuple[Array, Array, Array]:
        """m and v and t, with this gradient in them."""
        m, v, t = (self.state[f"{name}.{what}"] for what in "mvt")
        b1, b2 = self.betas
        g = gradient.astype(m.dtype, copy=False)
        m, v, t = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g, t + 1
        self.keep(name, m=m, v=v, t=t)
        return m, v, t


@primitive
def grown(b: float, t: Array, dtype: type) -> Any:
    """1 − βᵗ: how far a mean that started at zero has come."""
    return dtype(1 - b ** int(t))


class AdamW(Adam):
    """Adam with weight decay beside the gradient, not in it (Loshchilov and Hutter, 2019, Algorithm 2):

        p ← p − lr (m̂ / (√v̂ + ε) + λ p)

    All weights then shrink by the same share, 1 − lr λ a step, whatever their gradients are. (In the paper the
    learning rate does not multiply λ, only its schedule does; this is PyTorch's rule.)

    Parameters
    ----------
    parameters, lr, betas, eps, amsgrad, max_norm, clip, on_nonfinite
        As in `Adam`.
    weight_decay : float
        The λ above, at least 0.
    """

    decoupled: ClassVar[bool] = True

    def __init__(
        self,
        parameters: Parameters,
        lr: float | Schedule = 1e-3,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        amsgrad: bool = False,
        weight_decay: float = 1e-2,
        max_norm: float | None = None,
        clip: Clip | None = None,
        on_nonfinite: OnNonfinite = "raise",
    ) -> None:
        super().__init__(
            parameters,
            lr,
            betas=betas,
            eps=eps,
            amsgrad=amsgrad,
            weight_decay=weight_decay,
            max_norm=max_norm,
            clip=clip,
            on_nonfinite=on_nonfinite,
        )

    def update(self, name: str, gradient: Array) -> Array:
        return super().update(name, gradient) + self.weight_decay * self.parameters[name].data
