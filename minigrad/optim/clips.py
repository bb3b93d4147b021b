"""What an optimizer clips by: ``SGD(model, lr=0.1, clip=AGC(0.02))``.

Each is one rule of `clipping` with its numbers. An optimizer calls it with the accumulated gradient, before momentum
and weight decay, and with what some of them look at: the weights, and the norms that there have been.

References
----------
R. Pascanu, T. Mikolov, Y. Bengio (2013), "On the difficulty of training recurrent neural networks", ICML.
T. Mikolov (2012), "Statistical language models based on neural networks", PhD thesis, Brno.
A. Brock, S. De, S. L. Smith, K. Simonyan (2021), "High-performance large-scale image recognition without
normalization", ICML.
P. Seetharaman, G. Wichern, B. Pardo, J. Le Roux (2020), "AutoClip: adaptive gradient clipping for source separation
networks", IEEE MLSP.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from minigrad.engine.tensor import Array
from minigrad.optim.clipping import (
    Clipped,
    OnNonfinite,
    clip_adaptively,
    clip_by_norm,
    clip_by_value,
    clip_each_by_norm,
    in_one_call,
)
from minigrad.optim.options import check, count


class Clip(Protocol):
    """What an optimizer asks of its ``clip``: a rule of your own needs no more than this."""

    def __call__(
        self,
        grads: Sequence[Array | None],
        *,
        weights: Sequence[Array],
        past: Sequence[float],
        on_nonfinite: OnNonfinite,
        names: Sequence[str],
    ) -> Clipped: ...


@dataclass(frozen=True)
class ByNorm:
    """ε g / ‖g‖ for a longer g: the lecture's rule, see `clip_by_norm`. ``max_norm=1.0`` is short for it."""

    max_norm: float
    p: float = 2.0

    def __post_init__(self) -> None:
        check("max_norm", self.max_norm, self.max_norm > 0, "above 0")
        check("p", self.p, self.p >= 1, "at least 1")

    def __call__(self, grads: Any, *, weights: Any, past: Any, **options: Any) -> Clipped:
        return clip_by_norm(grads, self.max_norm, p=self.p, **options)


@dataclass(frozen=True)
class EachByNorm(ByNorm):
    """The same for each parameter on its own: see `clip_each_by_norm`."""

    def __call__(self, grads: Any, *, weights: Any, past: Any, **options: Any) -> Clipped:
        return clip_each_by_norm(grads, self.max_norm, p=self.p, **options)


@dataclass(frozen=True)
class ByValue:
    """Every entry in [-limit, limit]: see `clip_by_value`."""

    limit: float

    def __post_init__(self) -> None:
        check("limit", self.limit, self.limit > 0, "above 0")

    def __call__(self, grads: Any, *, weights: Any, past: Any, **options: Any) -> Clipped:
        return clip_by_value(grads, self.limit, **options)


@dataclass(frozen=True)
class AGC:
    """Adaptive gradient clipping, beside the length of the weights, unit by unit: see `clip_adaptively`."""

    factor: float = 0.01
    least: float = 1e-3

    def __post_init__(self) -> None:
        check("factor", self.factor, self.factor > 0, "above 0")
        check("least", self.least, self.least > 0, "above 0")

    def __call__(self, grads: Any, *, weights: Any, past: Any, **options: Any) -> Clipped:
        return clip_adaptively(grads, weights, self.factor, least=self.least, **options)


@dataclass(frozen=True)
class AutoClip:
    """By norm, to a percentile of all norms so far, this one included (Seetharaman et al. 2020, algorithm 1).

    Parameters
    ----------
    percentile : float
        Between 0 and 100. By 100 nothing is ever clipped.
    window : int, optional
        Only so many of the last norms count; all of them otherwise, as in the paper.
    """

    percentile: float = 10.0
    window: int | None = None

    def __post_init__(self) -> None:
        check("percentile", self.percentile, 0 <= self.percentile <= 100, "between 0 and 100")
        if self.window is not None:
            count(1, window=self.window)

    def threshold(self, norms: Sequence[float]) -> float:
        """The longest gradient to let pass, the last of ``norms`` being its own."""
        return _percentile(norms, self.percentile, self.window)

    def __call__(self, grads: Any, *, weights: Any, past: Any, **options: Any) -> Clipped:
        return clip_by_percentile(grads, past, self.percentile, self.window, **options)


@in_one_call
def clip_by_percentile(grads: Any, past: Any, percentile: float, window: int | None, **options: Any) -> Clipped:
    """What `AutoClip` does: ``past`` are the norms so far, in a list, or in an array of shape () that holds it."""
    measured = clip_by_norm(grads, math.inf, **options)
    if measured.skipped or not math.isfinite(measured.norm):
        return measured
    norms = past.item() if isinstance(past, np.ndarray) else past
    threshold = _percentile([*norms, measured.norm], percentile, window)
    return clip_by_norm(grads, threshold, **options) if threshold > 0 else measured


def _percentile(norms: Sequence[float], percentile: float, window: int | None) -> float:
    return float(np.percentile(norms if window is None else norms[-window:], percentile))


def suggest_threshold(history: Any, times: float = 1.0) -> float:
    """A ``max_norm``, from the norms of a training that clipped rarely or not at all.

    Pascanu, Mikolov and Bengio (2013, §3.2) look at the average norm over sufficiently many updates; values from half
    of it to ten times it work. Those above ten medians are left out of the average: they are what is to be clipped.

    Parameters
    ----------
    history : iterable of Step or float, or rnn.History
        ``optimizer.history``, or what `rnn.fit` returns; norms that are not finite, of skipped steps, are left out.
    times : float
        So many averages, above 0.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If there is no norm that is finite and above 0.
    """
    check("times", times, 0 < times < math.inf, "finite and above 0")
    norms = np.array([getattr(each, "norm", each) for each in getattr(history, "norms", history)], np.float64)
    norms = norms[np.isfinite(norms) & (norms > 0)]
    if not norms.size:
        raise ValueError(
            "no norm in this history is finite and above 0: train for a while with max_norm=math.inf first"
        )
    return times * float(np.mean(norms[norms <= 10 * np.median(norms)]))
