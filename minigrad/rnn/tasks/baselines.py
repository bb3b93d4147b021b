"""What has to be beaten: forecasts without a network.

Of numbers: the last value again (persistence), the last two values extended (linear extrapolation), and autoregression,
AR(p), a linear function of the last p values, found by least squares. Of symbols: how often each of them followed the
one or two before (bigrams and trigrams).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from minigrad.engine.tensor import Array


def persistence(xs: npt.ArrayLike, n_out: int) -> Array:
    """x̂_{t+1} = x_t: the first ``n_out`` components of ``xs`` (T, B, n_in)."""
    last: Array = np.asarray(xs)[..., :n_out]
    return last


def linear(xs: npt.ArrayLike, n_out: int) -> Array:
    """x̂_{t+1} = 2 x_t - x_{t-1}; what there is to extend begins at the second step, so the first one persists."""
    last = persistence(xs, n_out)
    slope: Array = np.concatenate([np.zeros_like(last[:1]), np.diff(last, axis=0)])
    return last + slope


def lagged(xs: npt.ArrayLike, p: int) -> Array:
    """(1, x_t, x_{t-1}, ... x_{t-p+1}) for every step of ``xs`` (T, B, n) but the first p - 1: (T - p + 1, B, 1 + pn).

    Raises
    ------
    ValueError
        If there are fewer than p steps.
    """
    xs = np.asarray(xs)
    steps = len(xs) - p + 1
    if p < 1 or steps < 1:
        raise ValueError(f"AR({p}) needs the last {p} values, and sequences of {len(xs)} steps have no {max(p, 1)}")
    columns = [xs[p - 1 - k : p - 1 - k + steps] for k in range(p)]
    return np.concatenate([np.ones((*columns[0].shape[:-1], 1)), *columns], axis=-1)


def autoregression(xs: npt.ArrayLike, targets: npt.ArrayLike, p: int, weights: npt.ArrayLike | None = None) -> Array:
    """AR(p): the coefficients of the linear forecast of ``targets`` that has the least squared error.

    Parameters
    ----------
    xs : array_like (T, B, n_in)
        Of several components, those of all are used: where a force is given, this is ARX, and otherwise vector AR.
    targets : array_like (T, B, n_out)
    p : int
        How many of the last inputs are looked at; the first p - 1 steps are not fitted.
    weights : array_like (T, B), optional
        Where they are 0, there is no target.

    Returns
    -------
    ndarray (1 + p n_in, n_out)
        The intercept, and the coefficients of x_t, x_{t-1} ...; apply them to `lagged`.

    Raises
    ------
    ValueError
        If there are no more than that many targets.
    """
    rows, wanted = lagged(xs, p), np.asarray(targets)[p - 1 :]
    counts = np.ones(rows.shape[:2], bool) if weights is None else np.asarray(weights)[p - 1 :] > 0
    rows, wanted = rows[counts], wanted[counts]
    if len(rows) <= rows.shape[1]:
        raise ValueError(f"AR({p}) has {rows.shape[1]} coefficients, which {len(rows)} targets do not determine")
    found: Array = np.linalg.lstsq(rows, wanted, rcond=None)[0]
    return found


def autoregressed(xs: npt.ArrayLike, coefficients: Array, p: int) -> Array:
    """The forecasts of AR(p) along ``xs`` (T, B, n_in); NaN at the first p - 1 steps, which have no p values yet."""
    forecasts = lagged(xs, p) @ coefficients
    unknown = np.full((p - 1, *forecasts.shape[1:]), np.nan)
    return np.concatenate([unknown, forecasts])


def surprise(text: npt.ArrayLike, grams: npt.ArrayLike, size: int, alpha: float) -> Array:
    """-ln of the probability that a symbol follows the ones before, counted in ``text``, with α added to each count.

    (N(context, symbol) + α) / (N(context) + α · size): a symbol that never followed there has a chance as well.

    Parameters
    ----------
    text : array_like of int (N,)
        What is counted: numbers from 0 to ``size`` - 1.
    grams : array_like of int (..., n)
        n - 1 symbols of context and the one that follows: n = 1 for unigrams, 2 for bigrams, 3 for trigrams.
    size : int
        Of the alphabet.
    alpha : float
        α > 0.

    Returns
    -------
    ndarray (...)
        In nats.

    Raises
    ------
    ValueError
        If ``alpha`` is not positive.
    """
    if not alpha > 0:
        raise ValueError(f"alpha={alpha}: what is added to every count is positive, or what was never seen costs ∞")
    text, grams = np.asarray(text, np.int64), np.asarray(grams, np.int64)
    n = grams.shape[-1]
    seen = [text[k : len(text) - n + 1 + k] for k in range(n)]
    seen_contexts, seen_grams = _numbers(seen[:-1], size), _numbers(seen, size)
    asked = [grams[..., k] for k in range(n)]
    contexts = _counts(seen_contexts, _numbers(asked[:-1], size)) if n > 1 else np.float64(len(text))
    return np.asarray(np.log(contexts + alpha * size) - np.log(_counts(seen_grams, _numbers(asked, size)) + alpha))


def _numbers(symbols: Sequence[Array], size: int) -> Array:
    """One number for several symbols."""
    number = np.zeros_like(symbols[0]) if symbols else np.zeros(0, np.int64)
    for symbol in symbols:
        number = number * size + symbol
    return number


def _counts(seen: Array, asked: Array) -> Array:
    """How often each of ``asked`` is among ``seen``: without a table of all that there might be."""
    values, counts = np.unique(seen, return_counts=True)
    if not len(values):
        return np.zeros(asked.shape)
    places = np.minimum(np.searchsorted(values, asked), len(values) - 1)
    return np.where(values[places] == asked, counts[places], 0).astype(np.float64)
