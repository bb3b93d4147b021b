"""Reductions of a part of an array: ``where=``, ``initial=`` and ``dtype=``, and all that passes NaN over.

What is left out is replaced by what makes no difference, 0 in a sum and 1 in a product, and then it is an ordinary
reduction. These are the twins of functions that have rules, and are called with options that the rules do not know.
"""

from __future__ import annotations

import numpy as np

from minigrad.engine.tables import defvjp, plain, rewrite
from minigrad.engine.tensor import raw
from minigrad.rules.contractions import operand
from minigrad.rules.norms import root
from minigrad.rules.reductions import share_of_extremum

NOTHING = object()


def cast(a, dtype):
    """``a`` in another dtype, if there is one."""
    return a if dtype is None else a.astype(dtype)


def chosen(a, where, neutral):
    """``a`` where it is chosen, and elsewhere what makes no difference."""
    return a if where is True else np.where(where, a, neutral)


def tallied(a, where, axis, keepdims):
    """How many elements of ``a`` are chosen along ``axis``, in its dtype."""
    return np.sum(np.broadcast_to(where, a.shape), axis=axis, keepdims=keepdims, dtype=a.dtype)


def sum_of_some(a, *, axis=None, dtype=None, keepdims=False, initial=NOTHING, where=True):
    """`numpy.sum`; an initial value has a gradient too."""
    y = np.sum(chosen(cast(a, dtype), where, 0), axis=axis, keepdims=keepdims)
    return y if initial is NOTHING else initial + y


def product_of_some(a, *, axis=None, dtype=None, keepdims=False, initial=NOTHING, where=True):
    """`numpy.prod`; an initial value has a gradient too."""
    y = np.prod(chosen(cast(a, dtype), where, 1), axis=axis, keepdims=keepdims)
    return y if initial is NOTHING else initial * y


def extremum_of_some(fn, of_two):
    """`numpy.max` or `numpy.min`: what is left out is no better than the initial value, which has to be there."""

    def extremum(a, *, axis=None, keepdims=False, initial=NOTHING, where=True):
        if initial is NOTHING and where is not True:
            raise ValueError(f"np.{fn.__name__} of a part needs an initial value, which is that of no element at all")
        if initial is NOTHING:
            return fn(a, axis=axis, keepdims=keepdims)
        if a.size == 0:
            return np.sum(a, axis=axis, keepdims=keepdims) + initial
        least = a.dtype.type(-np.inf if of_two is np.maximum else np.inf) if a.dtype.kind == "f" else initial
        return of_two(fn(chosen(a, where, least), axis=axis, keepdims=keepdims), initial)

    return extremum


def mean_of_some(a, *, axis=None, dtype=None, keepdims=False, where=True):
    """`numpy.mean`."""
    a = cast(a, dtype)
    if where is True:
        return np.mean(a, axis=axis, keepdims=keepdims)
    return np.sum(a, axis=axis, keepdims=keepdims, where=where) / tallied(a, where, axis, keepdims)


def degrees(ddof, correction):
    """What is taken from the number of elements; ``correction`` is ``ddof`` by another name."""
    if correction is not None and ddof != 0:
        raise ValueError("ddof and correction are one thing: give one of them")
    return ddof if correction is None else correction


def deviation(a, axis, where):
    """What the chosen elements deviate from their mean, and the others 0."""
    return chosen(a - mean_of_some(a, axis=axis, keepdims=True, where=where), where, 0)


def variance_of_some(a, *, axis=None, dtype=None, ddof=0, keepdims=False, where=True, correction=None):
    """`numpy.var`."""
    a, ddof = cast(a, dtype), degrees(ddof, correction)
    if where is True:
        return np.var(a, axis=axis, ddof=ddof, keepdims=keepdims)
    freedom = np.maximum(tallied(a, where, axis, keepdims) - a.dtype.type(ddof), 0)
    return np.sum(np.square(deviation(a, axis, where)), axis=axis, keepdims=keepdims) / freedom


def deviation_of_some(a, *, axis=None, dtype=None, ddof=0, keepdims=False, where=True, correction=None):
    """`numpy.std`; a constant, deviating by rounding alone, has gradient 0."""
    a, ddof = cast(a, dtype), degrees(ddof, correction)
    if where is True:
        return np.std(a, axis=axis, ddof=ddof, keepdims=keepdims)
    variance = variance_of_some(a, axis=axis, ddof=ddof, keepdims=keepdims, where=where)
    d = raw(deviation(a, axis, where))
    constant = np.all(d >= 0, axis=axis, keepdims=keepdims) | np.all(d <= 0, axis=axis, keepdims=keepdims)
    alone = tallied(a, where, axis, keepdims) <= 1  # what does not deviate whatever it is has no kink
    spread = root(np.where(alone, 1, variance * ~constant), 2)
    return np.where(constant, np.sqrt(raw(variance)), 0) + np.where(alone, 0, spread)


rewrite(np.sum, sum_of_some)
rewrite(np.prod, product_of_some)
rewrite(np.max, extremum_of_some(np.max, np.maximum))
rewrite(np.min, extremum_of_some(np.min, np.minimum))
rewrite(np.mean, mean_of_some)
rewrite(np.var, variance_of_some)
rewrite(np.std, deviation_of_some)
rewrite(np.cumsum, lambda a, *, axis=None, dtype=None: np.cumsum(cast(a, dtype), axis=axis))
rewrite(np.cumprod, lambda a, *, axis=None, dtype=None: np.cumprod(cast(a, dtype), axis=axis))


# -- passing NaN over -------------------------------------------------------------------------------------------------


def there(a):
    """Where ``a`` is a number."""
    return ~np.isnan(a)


def filled(a, value):
    """``a`` with ``value`` in the place of NaN."""
    return np.where(np.isnan(a), value, a)


def extremum_of_numbers(fn, filling):
    """`numpy.nanmax` or `numpy.nanmin` with an initial value or a choice."""

    def extremum(a, *, axis=None, keepdims=False, initial=NOTHING, where=True):
        options = {} if initial is NOTHING else {"initial": initial}
        full = filled(a, a.dtype.type(filling)) if a.dtype.kind == "f" else a
        y = fn(full, axis=axis, keepdims=keepdims, where=where, **options)
        nothing = np.all(np.isnan(a), axis=axis, keepdims=keepdims)
        return np.where(nothing, np.nan, y).astype(a.dtype) if initial is NOTHING and np.any(nothing) else y

    return extremum


def sum_of_numbers(a, *, axis=None, dtype=None, keepdims=False, initial=NOTHING, where=True):
    """`numpy.nansum`."""
    return sum_of_some(filled(a, 0), axis=axis, dtype=dtype, keepdims=keepdims, initial=initial, where=where)


def product_of_numbers(a, axis=None, dtype=None, *, keepdims=False, initial=NOTHING, where=True):
    """`numpy.nanprod`."""
    return product_of_some(filled(a, 1), axis=axis, dtype=dtype, keepdims=keepdims, initial=initial, where=where)


def mean_of_numbers(a, *, axis=None, dtype=None, keepdims=False, where=True):
    """`numpy.nanmean`."""
    if where is True:
        return np.nanmean(cast(a, dtype), axis=axis, keepdims=keepdims)
    return mean_of_some(filled(a, 0), axis=axis, dtype=dtype, keepdims=keepdims, where=there(a) & where)


def moment_of_numbers(fn):
    """`numpy.nanvar` or `numpy.nanstd`, of which ``fn`` is the one for a part."""

    def moment(a, axis=None, dtype=None, *, ddof=0, keepdims=False, where=True, correction=None):
        """The moment of what is a number; of too few NaN, and NumPy's warning."""
        kept, ddof = there(a) & where, degrees(ddof, correction)
        few = tallied(a, kept, axis, keepdims) <= ddof
        with np.errstate(divide="ignore", invalid="ignore"):
            y = fn(filled(a, 0), axis=axis, dtype=dtype, ddof=ddof, keepdims=keepdims, where=kept)
        if not np.any(few):
            return y
        np.nanvar(np.where(kept, 0.0, np.nan), axis, ddof=ddof)  # which warns
        return np.where(few, np.nan, y).astype(y.dtype)

    return moment


defvjp(np.nanmax, share_of_extremum)
defvjp(np.nanmin, share_of_extremum)
rewrite(np.nanmax, extremum_of_numbers(np.max, -np.inf))
rewrite(np.nanmin, extremum_of_numbers(np.min, np.inf))
rewrite(np.nansum, sum_of_numbers)
rewrite(np.nanmean, mean_of_numbers)
rewrite(np.nanprod, product_of_numbers)
rewrite(np.nanvar, moment_of_numbers(variance_of_some))
rewrite(np.nanstd, moment_of_numbers(deviation_of_some))
rewrite(np.nancumsum, lambda a, axis=None, dtype=None: np.cumsum(filled(a, 0), axis, dtype))
rewrite(np.nancumprod, lambda a, axis=None, dtype=None: np.cumprod(filled(a, 1), axis, dtype))
plain(np.nanargmax, np.nanargmin)


# -- running sums of the array interface, since NumPy 2.1 -------------------------------------------------------------


def running(fn, first):
    """`numpy.cumulative_sum` and its like: along the only axis, or the one that is named."""

    def cumulative(x, *, axis=None, dtype=None, include_initial=False):
        x = operand(x)
        if axis is None and x.ndim != 1:
            raise ValueError(f"an array of shape {x.shape} needs an axis: write axis=")
        axis = (axis or 0) % x.ndim
        y = fn(x, axis=axis, dtype=dtype)
        if not include_initial:
            return y
        return np.concatenate([np.full((*x.shape[:axis], 1, *x.shape[axis + 1 :]), first, y.dtype), y], axis)

    return cumulative


if hasattr(np, "cumulative_sum"):
    rewrite(np.cumulative_sum, running(np.cumsum, 0))
    rewrite(np.cumulative_prod, running(np.cumprod, 1))
