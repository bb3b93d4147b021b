"""A model's cost along a short sequence as a function of all its parameters, for the checker."""

from __future__ import annotations

import numpy as np

from minigrad.engine.tensor import Tensor
from minigrad.rnn.unrolling import unroll
from minigrad.testing import check_grads


def check_cost(model, T=3, batch=(2,), order=2, unrolled=unroll):
    """`check_grads` of the cost for parameters, inputs and initial values together, to second order."""
    rng = np.random.default_rng(0)
    names, values = list(model.parameters()), [parameter.data for parameter in model.parameters().values()]
    owners = [_owner(model, name) for name in names]
    xs, targets = rng.normal(size=(T, *batch, model.n_in)), rng.normal(size=(T, *batch, model.n_out))
    first = {role: rng.normal(size=value.shape) for role, value in model.initial(batch).items()}

    def cost(*args):
        parameters, (x, *h) = args[: len(names)], args[len(names) :]
        kept, dtype = [getattr(owner, attribute) for owner, attribute in owners], model.dtype
        try:
            object.__setattr__(model, "dtype", x.dtype)  # the checker looks at single precision too
            for (owner, attribute), value in zip(owners, parameters, strict=True):
                object.__setattr__(owner, attribute, value if isinstance(value, Tensor) else Tensor(value))
            initial = {role: v if isinstance(v, Tensor) else Tensor(v) for role, v in zip(first, h, strict=True)}
            return unrolled(model, x, targets, initial=initial).cost
        finally:
            object.__setattr__(model, "dtype", dtype)
            for (owner, attribute), value in zip(owners, kept, strict=True):
                object.__setattr__(owner, attribute, value)

    check_grads(cost, (*values, xs, *first.values()), order=order, strict=True)


def _owner(model, name):
    """The module that a parameter belongs to, and the attribute that it is."""
    *path, attribute = name.split(".")
    for part in path:
        model = model[int(part)] if isinstance(model, (list, tuple)) else getattr(model, part)
    return model, attribute
