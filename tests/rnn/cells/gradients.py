"""A model's cost along a short sequence as a function of all its parameters, for the checker."""

from __future__ import annotations

import numpy as np

from minigrad.engine.tensor import Tensor
from minigrad.rnn.unrolling import unroll
from minigrad.testing import check_grads


def check_cost(model, T=3, batch=(2,), order=2, unrolled=unroll):
    """`check_grads` of the cost for parameters, inputs and initial values together, to second order."""
    rng = np.random.default_rng(0)
    xs, targets = rng.normal(size=(T, *batch, model.n_in)), rng.normal(size=(T, *batch, model.n_out))
    first = {role: rng.normal(size=value.shape) for role, value in model.initial(batch).items()}

    def cost(model, x, *h):
        initial = {role: v if isinstance(v, Tensor) else Tensor(v) for role, v in zip(first, h, strict=True)}
        return unrolled(model, x, targets, initial=initial).cost

    check_grads(cost, (model, xs, *first.values()), order=order, strict=True)
