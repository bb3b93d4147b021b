"""Adagrad: the more a coordinate has moved, the slower it gets."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.engine.primitive import primitive
from minigrad.engine.tensor import Array
from minigrad.optim.clipping import OnNonfinite
from minigrad.optim.clips import Clip
from minigrad.optim.optimizer import Optimizer, Parameters
from minigrad.optim.options import not_negative, positive
from minigrad.optim.schedules import Schedule


class Adagrad(Optimizer):
    """Each coordinate in units of the root of all its squares (Duchi, Hazan and Singer, 2011, Figure 1, diagonal):

        v ← v + g²        p ← p − lr / (1 + (t − 1) η) · g / (√v + ε)

    Nothing is forgotten: rare features keep long steps, and all steps get shorter in the end. t counts the gradients
    that the parameter got.

    Parameters
    ----------
    parameters, lr, weight_decay, max_norm, clip, on_nonfinite
        As in `Optimizer`.
    lr_decay : float
        The η above, at least 0.
    initial_accumulator_value : float
        Where v starts, at least 0.
    eps : float
        The ε above, finite and above 0.
    """

    def __init__(
        self,
        parameters: Parameters,
        lr: float | Schedule = 1e-2,
        *,
        lr_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
        weight_decay: float = 0.0,
        max_norm: float | None = None,
        clip: Clip | None = None,
        on_nonfinite: OnNonfinite = "raise",
    ) -> None:
        super().__init__(
            parameters, lr, weight_decay=weight_decay, max_norm=max_norm, clip=clip, on_nonfinite=on_nonfinite
        )
        not_negative(lr_decay=lr_decay, initial_accumulator_value=initial_accumulator_value)
        positive(eps=eps)
        self.lr_decay, self.eps = float(lr_decay), float(eps)
        self.begin(v=float(initial_accumulator_value))

    def update(self, name: str, gradient: Array) -> Array:
        v, before = self.state[f"{name}.v"], self.state[f"{name}.t"]
        g = gradient.astype(v.dtype, copy=False)
        v = v + g * g
        self.keep(name, v=v, t=before + 1)
        step: Array = g / (np.sqrt(v) + self.eps) / slower(before, self.lr_decay, v.dtype.type)
        return step


@primitive
def slower(before: Array, decay: float, dtype: type) -> Any:
    """1 + (t − 1) η."""
    return dtype(1 + int(before) * decay)
