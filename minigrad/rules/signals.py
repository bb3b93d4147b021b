"""Signals: convolution, correlation, interpolation between samples, windows, phases."""

from __future__ import annotations

import math

import numpy as np

from minigrad.engine.tables import defvjp, linear, rewrite
from minigrad.engine.tensor import frozen
from minigrad.rules.contractions import operand
from minigrad.rules.indexing import positions

# -- products of polynomials, so to say -------------------------------------------------------------------------------

defvjp(np.convolve, lambda g, y, a, v: np.correlate(g, np.ravel(v), "valid"),  # y[n] = Σ a[k] v[n - k]
                    lambda g, y, a, v: np.correlate(g, np.ravel(a), "valid"))
linear(np.convolve, form="multilinear")


def convolve(a, v, *, mode="full"):
    """`numpy.convolve`, of which other modes keep a part."""
    y, short, long = np.convolve(a, v), *sorted([np.size(a), np.size(v)])
    return part(y, mode, long, short, (short - 1) // 2)


def part(y, mode, long, short, start):
    """The middle of a convolution, of the length of the longer one; or where both overlap, or everything."""
    if mode not in ("full", "same", "valid"):
        raise ValueError(f"mode={mode!r} is none of 'full', 'same' and 'valid'")
    if mode == "same":
        return y[start : start + long]
    return y if mode == "full" else y[short - 1 : long]


def correlate(a, v, mode="valid"):
    """`numpy.correlate`: a convolution with the other one reversed."""
    y, short, long = np.convolve(a, np.flip(v)), *sorted([np.size(a), np.size(v)])
    return part(y, mode, long, short, (short - 1) // 2 if np.size(a) >= np.size(v) else short // 2)


rewrite(np.convolve, convolve)
rewrite(np.correlate, correlate)


# -- between samples --------------------------------------------------------------------------------------------------


def interp(x, xp, fp, left=None, right=None, period=None):
    """`numpy.interp`: straight lines between samples, and constants beyond; the samples and places have gradients too.

    At a sample the slope is the mean of those on both sides.
    """
    x, xp, fp = (v if v.dtype == float else v.astype(float) for v in map(operand, (x, xp, fp)))
    if period is not None:
        x, xp, left, right = np.remainder(x, abs(period)), np.remainder(xp, abs(period)), None, None
        order = np.argsort(xp)
        xp, fp = xp[order], fp[order]
        xp = np.concatenate([xp[-1:] - abs(period), xp, xp[:1] + abs(period)])
        fp = np.concatenate([fp[-1:], fp, fp[:1]])
    if xp.ndim != 1 or xp.shape != fp.shape or not xp.size:
        raise ValueError(f"np.interp takes as many samples as places, got shapes {fp.shape} and {xp.shape}")
    slopes = np.diff(fp) / np.diff(xp)
    flat = np.zeros(1)
    slopes = np.concatenate([flat if left is None else slopes[:1], slopes, flat if right is None else slopes[-1:]])
    after = np.searchsorted(xp, x, "right")
    start = np.maximum(after - 1, 0)
    outside = (x < xp[0]) | (x > xp[-1])
    away = np.where(outside, 0, x - xp[start])
    at_sample = (x == xp[start]) & (after > 0)
    y = slopes[after if xp.size > 1 else np.minimum(after, slopes.shape[0] - 1)]
    y = np.where(at_sample, 0.5 * (slopes[start] + y), y)
    y = np.where(outside, 0, y) * away + fp[start]
    y = y if left is None else np.where(x < xp[0], left, y)
    return y if right is None else np.where(x > xp[-1], right, y)


rewrite(np.interp, interp)


# -- windows and phases -----------------------------------------------------------------------------------------------


def sliding_window_view(x, window_shape, axis=None):
    """`numpy.lib.stride_tricks.sliding_window_view`, as an index."""
    return np.ravel(x)[np.lib.stride_tricks.sliding_window_view(positions(x), frozen(window_shape), axis)]


defvjp(np.unwrap, lambda g, y, p, discont=None, axis=-1, period=2 * math.pi: g)  # whole periods are added
rewrite(np.lib.stride_tricks.sliding_window_view, sliding_window_view)
