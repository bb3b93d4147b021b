"""Differentiable NumPy, small enough to read in an evening.

import numpy as np
import minigrad as mg

W = mg.Tensor([[0.5, 1.0], [0.0, 0.5]], requires_grad=True, name="W")
h = np.tanh(W @ np.ones(2))
h.sum().backward()
W.grad
"""

from minigrad import clipping, functions, graph, optim, rnn, rules, testing
from minigrad.anomaly import detect_anomaly
from minigrad.backward import backward
from minigrad.clipping import clip_by_norm
from minigrad.context import no_grad, scope
from minigrad.custom import primitive
from minigrad.draw import draw, tree
from minigrad.history import StaleGraphError
from minigrad.module import Module
from minigrad.primitives import defvjp
from minigrad.tensor import Tensor
from minigrad.transforms import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp

__version__ = "0.1.0"
__all__ = [
    "Module",
    "StaleGraphError",
    "Tensor",
    "backward",
    "clip_by_norm",
    "clipping",
    "defvjp",
    "detect_anomaly",
    "draw",
    "functions",
    "grad",
    "graph",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "no_grad",
    "optim",
    "primitive",
    "rnn",
    "rules",
    "scope",
    "testing",
    "tree",
    "value_and_grad",
    "vjp",
]
