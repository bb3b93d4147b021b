"""Order statistics and correlations: quantiles, covariances, counts with weights.

A quantile lies between two elements of the sorted array, and how far is a matter of counting only: the same quantile of
the ranks 0, 1, 2 ... says it, by whichever of NumPy's methods. So it is a weighted mean of two *order statistics*.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from minigrad.engine.primitive import primitive
from minigrad.engine.tables import defvjp, plain, rewrite
from minigrad.engine.tensor import Tensor, frozen
from minigrad.rules.contractions import operand
from minigrad.rules.indexing import index_add


@primitive
def ranked(a, *, at):
    """The elements that stand ``at`` these ranks once ``a`` is sorted along its last axis."""
    return np.take_along_axis(np.sort(a, axis=-1), at, axis=-1)


def share_of_rank(g, y, a, *, at):
    """Elements that tie share equally, as they do for the maximum."""
    ties = a[..., None, :] == y[..., :, None]
    shared = np.maximum(np.sum(ties, axis=-1, dtype=g.dtype), 1)
    return np.sum(np.where(ties, (g / shared)[..., :, None], 0), axis=-2)


defvjp(ranked, share_of_rank)


def quantiles(a, q, axis, keepdims, quantile, method):
    """What ``quantile``, which is NumPy's, gives of ``a``."""
    axes = normalize_axis_tuple(range(a.ndim) if axis is None else axis, a.ndim)
    lead = [n for i, n in enumerate(a.shape) if i not in axes]
    values = np.asarray(getattr(a, "data", a))
    dtype = quantile(values.ravel()[:1] if values.size else np.ones(1, a.dtype), q, method=method).dtype
    flat = np.reshape(np.moveaxis(a, axes, range(-len(axes), 0)), (*lead, -1)) if a.size else np.zeros((*lead, 0))
    if not flat.shape[-1]:
        return quantile(np.zeros((*lead, 0)), q, axis=-1, method=method)  # which complains
    x = np.asarray(getattr(flat, "data", flat))
    ranks = np.where(np.isnan(x), np.nan, np.argsort(np.argsort(x, axis=-1, stable=True), axis=-1))
    place = np.moveaxis(quantile(ranks, q.ravel(), axis=-1, method=method), 0, -1)
    gone = np.isnan(place)
    low = np.where(gone, x.shape[-1] - 1, np.floor(place)).astype(int)  # the last is NaN, if there is any
    high = np.where(gone, x.shape[-1] - 1, np.ceil(place)).astype(int)
    both = ranked(flat, at=np.concatenate([low, high], axis=-1))
    below, above = both[..., : low.shape[-1]], both[..., low.shape[-1] :]
    share = np.where(gone, 0, place - low).astype(dtype)
    mean = below + np.where(high == low, 0, (above - below) * share)
    y = np.reshape(np.moveaxis(mean, -1, 0), (*q.shape, *lead)).astype(dtype)
    return np.expand_dims(y, [q.ndim + i for i in axes]) if keepdims else y


def percentile(a, q, axis=None, *, method="linear", keepdims=False):
    """`numpy.percentile`."""
    return quantiles(operand(a), share(a, q), axis, keepdims, np.quantile, method)


def nanpercentile(a, q, axis=None, *, method="linear", keepdims=False):
    """`numpy.nanpercentile`."""
    return quantiles(operand(a), share(a, q), axis, keepdims, np.nanquantile, method)


def share(a, q):
    """A hundredth of ``q``, in the precision in which NumPy counts."""
    return np.asarray(np.true_divide(frozen(q), a.dtype.type(100) if np.dtype(a.dtype).kind == "f" else 100))


def counted(a, q):
    """``q`` in the precision in which NumPy counts."""
    return np.asarray(frozen(q), np.quantile(np.ones(1, a.dtype), frozen(q)).dtype)


def quantile(a, q, axis=None, *, method="linear", keepdims=False):
    """`numpy.quantile`, by any of its methods."""
    return quantiles(operand(a), counted(a, q), axis, keepdims, np.quantile, method)


def nanquantile(a, q, axis=None, *, method="linear", keepdims=False):
    """`numpy.nanquantile`, by any of its methods."""
    return quantiles(operand(a), counted(a, q), axis, keepdims, np.nanquantile, method)


def nanmedian(a, axis=None, *, keepdims=False):
    """`numpy.nanmedian`, the quantile in the middle."""
    return quantiles(operand(a), counted(a, 0.5), axis, keepdims, np.nanquantile, "linear")


rewrite(np.quantile, quantile)
rewrite(np.percentile, percentile)
rewrite(np.nanquantile, nanquantile)
rewrite(np.nanpercentile, nanpercentile)
rewrite(np.nanmedian, nanmedian)


# -- covariances ------------------------------------------------------------------------------------------------------


def cov(m, y=None, rowvar=True, bias=False, ddof=None, fweights=None, aweights=None, *, dtype=None):
    """`numpy.cov`; the weights of observations are constants."""
    x = laid_out(m, rowvar, dtype)
    x = x if y is None else np.concatenate([x, laid_out(y, rowvar, dtype)])
    ddof = ddof if ddof is not None else 0 if bias else 1
    counts = None if fweights is None else np.asarray(frozen(fweights))
    weights = counts if aweights is None else np.asarray(frozen(aweights)) * (1 if counts is None else counts)
    total = x.shape[1] if weights is None else np.sum(weights)
    freedom = total - ddof * (1 if aweights is None else np.sum(weights * frozen(aweights)) / total)
    if weights is not None and (np.ndim(weights) != 1 or len(weights) != x.shape[1] or np.any(weights < 0)):
        raise ValueError("np.cov takes one weight an observation, none of them negative")
    deviation = x - np.average(x, axis=1, weights=None if weights is None else np.broadcast_to(weights, x.shape),
                               keepdims=True)
    scaled = deviation if weights is None else deviation * weights.astype(x.dtype)
    if freedom <= 0:
        np.cov(np.zeros((1, 1)))  # which says so
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.squeeze(np.matmul(deviation, np.transpose(scaled)) / x.dtype.type(max(freedom, 0)))


def laid_out(m, rowvar, dtype):
    """Variables in rows, observations in columns."""
    x = operand(m)
    if x.ndim > 2:
        raise ValueError(f"np.cov takes 1 or 2 dimensions, got shape {x.shape}")
    x = x.astype(float if dtype is None else dtype)
    x = np.reshape(x, (1, -1)) if x.ndim < 2 else x
    return np.transpose(x) if not rowvar and np.ndim(m) == 2 and x.shape[0] != 1 else x


def corrcoef(x, y=None, rowvar=True, *, dtype=None):
    """`numpy.corrcoef`; what rounding takes beyond ±1 is brought back, as a constant."""
    c = cov(x, y, rowvar, dtype=dtype)
    if c.ndim == 0:
        return c / c
    deviation = np.sqrt(np.diagonal(c))
    c = c / deviation[:, None] / deviation[None, :]
    values = np.asarray(getattr(c, "data", c))
    excess = np.where(abs(values) > 1, values - np.copysign(1, values), 0)
    return c - excess if np.any(excess) else c


rewrite(np.cov, cov)
rewrite(np.corrcoef, corrcoef)


# -- counts -----------------------------------------------------------------------------------------------------------


def bincount(x, weights=None, minlength=0):
    """`numpy.bincount`: every weight is added where its ``x`` says."""
    x = np.asarray(frozen(x))
    counts = np.bincount(x, minlength=minlength)
    if not isinstance(weights, Tensor):
        return counts if weights is None else np.bincount(x, weights, minlength)
    return index_add(np.zeros(counts.shape), x, weights.astype(float))


rewrite(np.bincount, bincount)
plain(np.searchsorted, np.digitize, np.isin, np.argpartition, np.lexsort)
