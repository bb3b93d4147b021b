"""What the tests of rules share: tensors to differentiate by, gradients, and Hessians by way of recorded gradients."""

from __future__ import annotations

import numpy as np

from minigrad.engine.tensor import Tensor
from minigrad.engine.walk import gradients
from tests.rules.cases import grid


def leaf(x):
    return Tensor(x, requires_grad=True)


def tensor(*shape, dtype=float):
    return Tensor(grid(shape), requires_grad=True, dtype=dtype)


def gradient(f, x):
    """That of the sum of ``f(x)``."""
    x = leaf(x)
    return gradients(np.sum(f(x)), [x])[0]


def hessian(f, x):
    """Row by row, through a recorded gradient."""
    x = Tensor(x, requires_grad=True)
    (g,) = gradients(f(x), [x], create_graph=True)
    if not g.requires_grad:
        return np.zeros((x.size, x.size))
    return np.array([gradients(g[i], [x])[0] for i in np.ndindex(x.shape)]).reshape(x.size, x.size)
