"""Functions that networks and their costs need and NumPy lacks.

They hold no rules of their own: each is an ordinary function of arrays or tensors, differentiable because what it
calls is. All stay finite, and free of warnings, for arguments up to 1e300 or so. Logits of -inf are masked: they have
no share in a sum and get no gradient.

Examples
--------
>>> import numpy as np
>>> from minigrad import functions as F
>>> x = np.array([-1.0, 0.0, 2.0])
>>> F.identity(x), F.relu(x), F.logistic(x).round(3)
(array([-1.,  0.,  2.]), array([0., 0., 2.]), array([0.269, 0.5  , 0.881]))
>>> F.softmax(x).round(3), F.log_softmax(x).round(3), F.logsumexp(x).round(3)
(array([0.042, 0.114, 0.844]), array([-3.17, -2.17, -0.17]), np.float64(2.17))
>>> target = np.array([0.0, 0.0, 1.0])
>>> print(f"{F.squared_error(target, x):.3f} {F.cross_entropy(target, x):.3f} {F.binary_cross_entropy(target, x):.3f}")
0.667 0.170 0.378
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.rules import elementwise, networks


def identity(x: Any) -> Any:
    """x, as a result of its own."""
    return np.positive(x)


def logistic(x: Any) -> Any:
    """1 / (1 + exp(-x)), to all digits of both tails: it is exp(x) far below, and so is its derivative."""
    return elementwise.logistic(x)


def relu(x: Any) -> Any:
    """max(x, 0); its derivative at 0 is taken as ½, the convention of `numpy.maximum`."""
    return np.maximum(x, 0)


def logsumexp(x: Any, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Any:
    """log Σ exp(x) over ``axis``."""
    return networks.logsumexp(x, axis=axis, keepdims=keepdims)


def softmax(x: Any, axis: int | tuple[int, ...] | None = -1) -> Any:
    """exp(x) / Σ exp(x) over ``axis``: not negative, and of sum 1; if all are masked, they are 0."""
    return networks.softmax(x, axis=axis)


def log_softmax(x: Any, axis: int | tuple[int, ...] | None = -1) -> Any:
    """log softmax(x), also where softmax underflows to 0."""
    return networks.log_softmax(x, axis=axis)


def squared_error(target: Any, output: Any, weight: Any = None) -> Any:
    """The mean of (output - target)² over batch and components; both have shape (..., n_out).

    ``weight`` (...) multiplies each sequence's share of the mean.
    """
    if weight is None:
        return networks.squared_error(target, output)
    return networks.squared_error(target, output, weight=_along(weight, output))


def cross_entropy(target: Any, logits: Any, weight: Any = None) -> Any:
    """-Σ target · log softmax(logits), summed over the last axis and averaged over the batch.

    ``target`` holds probabilities (one-hot rows, say) and ``logits`` the outputs *before* a softmax, both (..., n_out):
    leave a network's output function at ``"identity"``. Logits of -inf, which are masked, cost nothing where the target
    is 0. ``weight`` (...) multiplies each sequence's share of the mean.
    """
    costs = np.sum(networks.weighted(target, log_softmax(logits)), axis=-1)
    return -np.mean(costs if weight is None else costs * weight)


def binary_cross_entropy(target: Any, logits: Any, weight: Any = None) -> Any:
    """-[target · log p + (1 - target) · log(1 - p)] with p = logistic(logits), averaged over batch and components.

    ``target`` holds probabilities and ``logits`` the outputs *before* a logistic function, both (..., n_out): leave a
    network's output function at ``"identity"``. The logarithms are taken before p could round to 0 or 1. ``weight``
    (...) multiplies each sequence's share of the mean.
    """
    costs = networks.surprise(target, logits)
    return np.mean(costs if weight is None else costs * _along(weight, costs))


def _along(weight: Any, values: Any) -> Any:
    """A weight for each sequence, beside its components, in their precision."""
    return np.asarray(weight, values.dtype)[..., None]
