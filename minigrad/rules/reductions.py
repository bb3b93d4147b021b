"""What reductions differentiate to: the cotangent is handed back along the axes that were summed away."""

from __future__ import annotations

import numpy as np

from minigrad.primitives import defvjp, plain


def spread(g, a, axis, keepdims):
    """``g``, the cotangent of a reduction of ``a`` over ``axis``, laid out over the shape of ``a`` again."""
    if axis is not None and not keepdims:
        g = np.expand_dims(g, axis)
    return g + np.zeros(a.shape, g.dtype)  # `broadcast_to` would do, at ten times the cost where arrays are small


def count(y, a):
    """How many elements of ``a`` went into each element of ``y``."""
    return a.size // max(y.size, 1)


def share_of_extremum(g, y, a, axis=None, keepdims=False):
    """Elements that tie for the extremum ``y`` share its cotangent equally."""
    ties = a == spread(y, a, axis, keepdims)
    return np.where(ties, spread(g, a, axis, keepdims) / np.maximum(np.sum(ties, axis=axis, keepdims=True), 1), 0)


defvjp(np.sum, lambda g, y, a, axis=None, keepdims=False: spread(g, a, axis, keepdims))
defvjp(np.mean, lambda g, y, a, axis=None, keepdims=False: spread(g / count(y, a), a, axis, keepdims))
defvjp(np.max, share_of_extremum)
defvjp(np.min, share_of_extremum)

plain.update({np.argmax, np.argmin, np.any, np.all, np.argsort, np.count_nonzero})
