"""What reductions differentiate to: the cotangent is handed back along the axes that were summed away.

What can be written in terms of sums and extrema is written so (norms, integrals, weighted means); a rule is kept for
the rest, and where NumPy's own warnings are worth having (`numpy.var` of too few, `numpy.nanmean` of nothing).
"""

from __future__ import annotations

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from minigrad.engine.tables import defvjp, linear, plain, rewrite
from minigrad.engine.tensor import Tensor
from minigrad.rules.kinks import kinked


def kept(y, axis, keepdims):
    """``y``, the result of a reduction over ``axis`` or its cotangent, as it broadcasts with what was reduced."""
    return y if axis is None or keepdims else np.expand_dims(y, axis)


def spread(g, a, axis, keepdims):
    """``g``, the cotangent of a reduction of ``a`` over ``axis``, laid out over the shape of ``a`` again."""
    g = kept(g, axis, keepdims)
    return g + np.zeros(a.shape, g.dtype)  # `broadcast_to` would do, at ten times the cost where arrays are small


def count(y, a):
    """How many elements of ``a`` went into each element of ``y``, at least 1; float16 ends at 65504."""
    n = max(a.size // max(y.size, 1), 1)
    return n if a.dtype.itemsize > 2 else np.float32(n)


def tally(mask, axis, dtype):
    """How often ``mask`` holds along ``axis``, at least 1, in the dtype of what it divides, or one that can count."""
    return np.maximum(np.sum(mask, axis=axis, keepdims=True, dtype=dtype if dtype.itemsize > 2 else np.float32), 1)


# -- sums and means ---------------------------------------------------------------------------------------------------


def deviation(a, axis):
    """``a`` minus its mean over ``axis``."""
    return a - np.mean(a, axis=axis, keepdims=True) if a.size else a


def share_of_std(g, y, a, axis=None, ddof=0, keepdims=False):
    """Elements move the standard deviation by what they deviate; a constant, deviating by rounding alone, gets 0."""
    d, n = deviation(a, axis), count(y, a)
    constant = np.all(d >= 0, axis=axis, keepdims=True) | np.all(d <= 0, axis=axis, keepdims=True)
    constant = constant & (n > ddof)  # else NumPy's result is NaN, and so is the derivative
    std = np.where(constant, 1, spread(y, a, axis, keepdims))
    share = np.where(constant, 0, spread(g, a, axis, keepdims)) * d / (std * max(n - ddof, 0))
    return kinked(share, a, constant) if n > 1 else share  # that of a single element is 0 everywhere


defvjp(np.sum, lambda g, y, a, axis=None, keepdims=False: spread(g, a, axis, keepdims))
defvjp(np.mean, lambda g, y, a, axis=None, keepdims=False: spread(g / count(y, a), a, axis, keepdims))
defvjp(np.nansum, lambda g, y, a, axis=None, keepdims=False: np.where(np.isnan(a), 0, spread(g, a, axis, keepdims)))
defvjp(np.nanmean, lambda g, y, a, axis=None, keepdims=False:
       np.where(np.isnan(a), 0, spread(g, a, axis, keepdims) / tally(~np.isnan(a), axis, g.dtype)))
defvjp(np.var, lambda g, y, a, axis=None, ddof=0, keepdims=False:
       spread(g, a, axis, keepdims) * 2 * deviation(a, axis) / max(count(y, a) - ddof, 0))
defvjp(np.std, share_of_std)


# -- extrema and the median -------------------------------------------------------------------------------------------


def share_of_extremum(g, y, a, axis=None, keepdims=False):
    """Elements that tie for the extremum ``y`` share its cotangent equally; if that is NaN, nobody knows which do."""
    y = kept(y, axis, keepdims)
    ties = a == y
    among = tally(ties, axis, g.dtype)
    share = np.where(ties, kept(g, axis, keepdims) / among, np.where(np.isnan(y), np.nan, 0))
    return kinked(share, a, ties & (among > 1)) if type(a) is Tensor else share


def share_of_median(g, y, a, axis=None, keepdims=False):
    """The median is the mean of the largest element up to it and the smallest one from it on, mostly the same one."""
    if a.size == 0:
        return spread(g, a, axis, keepdims)
    middle = spread(y, a, axis, keepdims)
    below = np.max(np.where(a > middle, -np.inf, a), axis=axis, keepdims=keepdims)
    above = np.min(np.where(a < middle, np.inf, a), axis=axis, keepdims=keepdims)
    return share_of_extremum(g / 2, below, a, axis, keepdims) + share_of_extremum(g / 2, above, a, axis, keepdims)


def ptp(a, axis=None, *, keepdims=False):
    """`numpy.ptp`, from peak to peak."""
    return np.max(a, axis=axis, keepdims=keepdims) - np.min(a, axis=axis, keepdims=keepdims)


defvjp(np.max, share_of_extremum)
defvjp(np.min, share_of_extremum)
defvjp(np.median, share_of_median)
rewrite(np.amax, np.max)
rewrite(np.amin, np.min)
rewrite(np.ptp, ptp)


# -- running sums, products and running products; nothing is divided by an element, so that zeros are exact -----------


def first(a, axis):
    """``a`` with ``axis`` in front; that undoes itself. Without an axis, NumPy runs along the flattened array."""
    return np.swapaxes(a, 0, axis or 0)


def others(a, axis):
    """The product of all other elements along ``axis``: of those before times of those after."""
    a = first(a, axis)
    one = np.ones_like(a[:1])
    before = np.concatenate([one, np.cumprod(a[:-1], axis=0)])
    after = np.concatenate([one, np.cumprod(a[:0:-1], axis=0)])[::-1]
    return first(before * after, axis)


def share_of_product(g, y, a, axis=None, keepdims=False):
    """A product over several axes is one over the first, then of the results over the next, and so on."""
    g = spread(g, a, axis, keepdims)
    for one in range(a.ndim) if axis is None else normalize_axis_tuple(axis, a.ndim):
        g = g * others(a, one)
        a = np.prod(a, axis=one, keepdims=True)
    return g


def share_of_cumsum(g, y, a, axis=None):
    """An element is part of all sums from its own on."""
    return np.reshape(first(np.cumsum(first(g, axis)[::-1], axis=0)[::-1], axis), a.shape)


def share_of_cumprod(g, y, a, axis=None):
    """The product before an element times s[i] = g[i] + a[i+1] s[i+1], the sum over all products from its own on.

    The recurrence is solved for all i at once: s[i] = s'[i] + a[i+1] ... a[i+reach] s[i+reach], where s' stops short
    of i + reach, which doubles.
    """
    x, y, s, reach = first(np.reshape(a, y.shape), axis), first(y, axis), first(g, axis), 1
    before = np.concatenate([np.ones_like(x[:1]), y[:-1]])
    x = x[1:]
    while reach < s.shape[0]:
        s = np.concatenate([s[:-reach] + x * s[reach:], s[-reach:]])
        x = x[:-reach] * x[reach:]
        reach *= 2
    return np.reshape(first(before * s, axis), a.shape)


defvjp(np.prod, share_of_product)
defvjp(np.cumsum, share_of_cumsum)
defvjp(np.cumprod, share_of_cumprod)

# -- weighted means, in terms of sums ---------------------------------------------------------------------------------


def average(a, axis=None, weights=None, returned=False, *, keepdims=False):
    """`numpy.average`; the weights have a gradient as well."""
    if returned:
        y = average(a, axis, weights, keepdims=keepdims)
        total = np.ones_like(a) if weights is None else laid_along(weights, a, axis) * np.ones_like(a)
        return y, np.sum(total, axis=axis, keepdims=keepdims).astype(y.dtype)
    if weights is None:
        return np.mean(a, axis=axis, keepdims=keepdims)
    weights = laid_along(weights, a, axis)
    total = np.sum(weights, axis=axis, keepdims=keepdims)
    if np.any(total == 0):
        raise ZeroDivisionError("the weights of np.average sum to zero")
    return np.sum(np.multiply(a, weights), axis=axis, keepdims=keepdims) / total


def laid_along(weights, a, axis):
    """``weights`` that stand along ``axis`` of ``a``, so that they can be multiplied with it."""
    if np.shape(weights) != np.shape(a):
        if axis is None:
            raise TypeError("weights of another shape than the array's need an axis: write np.average(..., axis=...)")
        axes, shape = normalize_axis_tuple(axis, np.ndim(a)), np.shape(a)
        if np.shape(weights) != (expected := tuple(shape[i] for i in axes)):
            raise ValueError(f"weights along axis {axis} of shape {expected} expected, got {np.shape(weights)}")
        weights = np.transpose(weights, np.argsort(axes))
        weights = np.reshape(weights, tuple(n if i in axes else 1 for i, n in enumerate(shape)))
    return weights


rewrite(np.average, average)

linear(np.sum, np.mean, np.cumsum)
plain(np.argmax, np.argmin, np.any, np.all, np.argsort, np.count_nonzero, np.nonzero, np.flatnonzero, np.argwhere)
