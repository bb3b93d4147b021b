"""Differentiable NumPy, small enough to read in an evening.

>>> import numpy as np
>>> import minigrad as mg
>>> W = mg.Tensor([[0.5, 1.0], [0.0, 0.5]], requires_grad=True, name="W")
>>> np.tanh(W @ np.ones(2)).sum().backward()
>>> W.grad.round(4)
array([[0.1807, 0.1807],
       [0.7864, 0.7864]])
"""

from typing import TYPE_CHECKING

from minigrad import copies, functions, optim, rules
from minigrad.anomaly import detect_anomaly
from minigrad.engine.ancestors import StaleGraphError
from minigrad.engine.primitive import primitive
from minigrad.engine.tables import defvjp
from minigrad.engine.tensor import Tensor
from minigrad.engine.walk import backward, gradients
from minigrad.lazy import later, shown_by
from minigrad.module import Module
from minigrad.optim import clip_by_norm, clipping
from minigrad.recomputing import checkpoint
from minigrad.scopes import no_grad, scope
from minigrad.transforms import grad, hessian, hvp, jacobian, jvp, value_and_grad, vjp

__version__ = "0.1.0"
__all__ = [
    "Module",
    "StaleGraphError",
    "Tensor",
    "backward",
    "checkpoint",
    "clip_by_norm",
    "clipping",
    "compile",
    "copies",
    "defvjp",
    "detect_anomaly",
    "draw",
    "functions",
    "grad",
    "gradients",
    "graph",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "no_grad",
    "optim",
    "pictures",
    "primitive",
    "rnn",
    "rules",
    "scope",
    "testing",
    "tree",
    "value_and_grad",
    "vjp",
]

if TYPE_CHECKING:
    from minigrad import graph, pictures, rnn, testing
    from minigrad.compiler.compiled import compile
    from minigrad.pictures import draw, tree
else:
    __getattr__, __dir__ = later(
        __name__,
        graph="minigrad",
        pictures="minigrad",
        rnn="minigrad",
        testing="minigrad",
        compile="minigrad.compiler.compiled",
        draw="minigrad.pictures",
        tree="minigrad.pictures",
    )

# From here, since neither knows of pictures; so the type checker sees no such attribute.
Tensor._repr_mimebundle_ = shown_by("minigrad.pictures.notebook", "of_tensor")  # type: ignore[attr-defined]
Module._repr_mimebundle_ = shown_by("minigrad.pictures.notebook", "of_module")  # type: ignore[attr-defined]
