"""What networks and their costs are made of, beside NumPy.

Layers, `affine` and `preactivation`, are one line of the lecture, and so they are one step of the graph.

The others keep digits, and infinities, apart; put together from NumPy's functions they would be right on paper only.
`minigrad.functions` has them for users.
An element that is -inf is masked: it has no share, and gets no gradient; if all are, so is their sum. Elements that are
+inf share equally.
"""

from __future__ import annotations

import math

import numpy as np

from minigrad.engine.cotangents import sum_to
from minigrad.engine.primitive import primitive
from minigrad.engine.tables import defvjp, linear
from minigrad.rules.elementwise import logistic
from minigrad.rules.linalg import product, rows
from minigrad.rules.reductions import kept


def times(x, U):
    """x U, for vectors x that stand in rows (..., m) and a matrix U (m, n).

    Of arrays, `dot` gives the same with less ado, an outer product in half the time or less; but 0 · ∞ is 0 for it if
    one of them is a single number.
    """
    if type(x) is type(U) is np.ndarray and x.ndim < 3 and x.size > 1 and U.size > 1:
        return x.dot(U)
    return x @ U


@primitive
def affine(b, x, U):
    """b + x U, for vectors x that stand in rows (..., m) and a matrix U (m, n)."""
    return times(x, U) + b


@primitive
def preactivation(b, x, U, h, W):
    """b + x U + h W, what a layer with two inputs makes of them before its function is applied."""
    return times(x, U) + b + times(h, W)


def to_matrix(g, x):
    """xᵀ g, the cotangent of a matrix in its product with the rows x, which may have been repeated."""
    if g.shape[:-1] != x.shape[:-1]:
        g = sum_to(g, (*x.shape[:-1], g.shape[-1]), np.add)
    return product(rows(x), rows(g))


def lowered(x, axis):
    """x minus its maximum over ``axis``, which is 0 for the maximum even if that is infinite; and the maximum."""
    x = np.asarray(x)
    largest = np.max(x, axis=axis, keepdims=True)
    if np.isfinite(largest).all():
        return x - largest, largest
    with np.errstate(invalid="ignore"):
        return np.where(x == largest, 0, x - largest), largest


@primitive
def logsumexp(x, axis=None, keepdims=False):
    """log Σ exp(x)."""
    low, largest = lowered(x, axis)
    total = np.log(np.sum(np.exp(low), axis=axis, keepdims=True)) + largest
    return total if keepdims else np.squeeze(total, axis)


@primitive
def softmax(x, axis=-1):
    """exp(x) / Σ exp(x), and 0 where all are masked."""
    low, largest = lowered(x, axis)
    weights = np.exp(low)
    return weights / np.where(largest == -np.inf, np.inf, np.sum(weights, axis=axis, keepdims=True))


@primitive
def softmax_by(x, y, axis=-1):
    """softmax(x), given y = log Σ exp(x), whose rounding is shared by all and cancels."""
    if not np.isfinite(y).all():
        return softmax(x, axis=axis)
    weights = np.exp(x - y)
    return weights / np.sum(weights, axis=axis, keepdims=True)


@primitive
def log_softmax(x, axis=-1):
    """x - log Σ exp(x), without the digits that both have in common."""
    low, largest = lowered(x, axis)
    return low - np.where(largest == -np.inf, np.inf, np.log(np.sum(np.exp(low), axis=axis, keepdims=True)))


@primitive
def weighted(weight, cost):
    """weight · cost, where no weight makes nothing even of an infinite cost."""
    return np.multiply(weight, np.where(np.equal(weight, 0), 0, cost))


@primitive
def squared_error(target, output, weight=None):
    """The mean of weight · (output - target)²; where only the sum of the squares overflows, it does not."""
    error = np.asarray(np.subtract(output, target))
    other = error if weight is None else error * weight
    if error.dtype.char == "e":  # half precision, which has no room for the sum, nor for a large size
        return np.mean(error * other)
    cost = np.vdot(error, other) / error.size
    return np.vdot(error, other / error.size) if math.isinf(cost) else cost


def slope_of_square(g, target, output, weight):
    """Twice each element's share of a mean of squares."""
    error = output - target
    return g * (2 / max(error.size, 1)) * (error if weight is None else error * weight)


@primitive
def surprise(target, x):
    """-[target · log p + (1 - target) · log(1 - p)] for p = logistic(x): each logarithm keeps its digits."""
    yes, no = np.logaddexp(0, np.negative(x)), np.logaddexp(0, x)
    cost = weighted if np.isinf(x).any() else np.multiply
    return cost(target, yes) + cost(np.subtract(1, target), no)


def share_of_softmax(g, p, axis):
    """∂pᵢ/∂xⱼ = pᵢ (δᵢⱼ - pⱼ)."""
    return p * (g - np.sum(g * p, axis=axis, keepdims=True))


defvjp(affine, lambda g, y, b, x, U: g,
               lambda g, y, b, x, U: times(g, U.T),
               lambda g, y, b, x, U: to_matrix(g, x))
defvjp(preactivation, lambda g, y, b, x, U, h, W: g,
                      lambda g, y, b, x, U, h, W: times(g, U.T),
                      lambda g, y, b, x, U, h, W: to_matrix(g, x),
                      lambda g, y, b, x, U, h, W: times(g, W.T),
                      lambda g, y, b, x, U, h, W: to_matrix(g, h))
defvjp(logsumexp, lambda g, y, x, axis=None, keepdims=False:
       kept(g, axis, keepdims) * softmax_by(x, kept(y, axis, keepdims), axis=axis))
defvjp(softmax, lambda g, y, x, axis=-1: share_of_softmax(g, y, axis))
defvjp(softmax_by, lambda g, p, x, y, axis=-1: share_of_softmax(g, p, axis), None)
defvjp(log_softmax, lambda g, y, x, axis=-1: g - np.exp(y) * np.sum(g, axis=axis, keepdims=True))
defvjp(weighted, lambda g, y, weight, cost: g * cost,
                 lambda g, y, weight, cost: g * weight)
defvjp(squared_error, lambda g, y, target, output, weight=None: -slope_of_square(g, target, output, weight),
                      lambda g, y, target, output, weight=None: slope_of_square(g, target, output, weight))
defvjp(surprise, lambda g, y, target, x: -g * x,
                 lambda g, y, target, x: g * ((1 - target) * logistic(x) - target * logistic(-x)))
linear(weighted, form="elementwise")
linear(affine, preactivation, form="layer")
