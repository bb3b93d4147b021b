"""Functions that networks and their costs need and NumPy lacks, written in NumPy.

They hold no rules of their own: each is an ordinary function of arrays or tensors, differentiable because what it
calls is. All stay finite, and free of warnings, for arguments up to 1e300 or so.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.engine.tensor import Tensor


def identity(x: Any) -> Any:
    """x, as a result of its own."""
    return np.positive(x)


def logistic(x: Any) -> Any:
    """1 / (1 + exp(-x)), by way of tanh, which saturates where exp would overflow."""
    return 0.5 * (1 + np.tanh(0.5 * x))


def relu(x: Any) -> Any:
    """max(x, 0); its derivative at 0 is taken as ½, the convention of `numpy.maximum`."""
    return np.maximum(x, 0)


def logsumexp(x: Any, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Any:
    """log Σ exp(x) over ``axis``."""
    largest = np.max(_constant(x), axis=axis, keepdims=True)
    total = np.log(np.sum(np.exp(x - largest), axis=axis, keepdims=True)) + largest
    return total if keepdims else np.squeeze(total, axis)


def softmax(x: Any, axis: int = -1) -> Any:
    """exp(x) / Σ exp(x) over ``axis``: positive and of sum 1."""
    weights = np.exp(x - np.max(_constant(x), axis=axis, keepdims=True))
    return weights / np.sum(weights, axis=axis, keepdims=True)


def log_softmax(x: Any, axis: int = -1) -> Any:
    """log softmax(x), also where softmax underflows to 0."""
    return x - logsumexp(x, axis, keepdims=True)


def squared_error(target: Any, output: Any) -> Any:
    """The mean of (output - target)² over batch and components; both have shape (..., n_out)."""
    error = output - target
    return np.vdot(error, error) / error.size


def cross_entropy(target: Any, logits: Any) -> Any:
    """-Σ target · log softmax(logits), summed over the last axis and averaged over the batch.

    ``target`` holds probabilities (one-hot rows, say) and ``logits`` the outputs *before* a softmax, both (..., n_out):
    leave a network's output function at ``"identity"``.
    """
    return -np.mean(np.sum(target * log_softmax(logits), axis=-1))


def binary_cross_entropy(target: Any, logits: Any) -> Any:
    """-[target · log p + (1 - target) · log(1 - p)] with p = logistic(logits), averaged over batch and components.

    ``target`` holds probabilities and ``logits`` the outputs *before* a logistic function, both (..., n_out): leave a
    network's output function at ``"identity"``. The logarithms are taken before p could round to 0 or 1.
    """
    return np.mean(target * np.logaddexp(0, -logits) + (1 - target) * np.logaddexp(0, logits))


def _constant(x: Any) -> Any:
    """A shift that cancels out of the result needs no derivative."""
    return x.detach() if isinstance(x, Tensor) else x
