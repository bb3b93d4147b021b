"""Which costs count, and how much: sequences of different length, missing targets, targets at the end only.

All of that becomes weights, one for each step and sequence: C_t is the mean over the batch of weight × cost. What has
weight 0 is not looked at, whatever stands there, so that padding changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from minigrad.engine.standin import even, known
from minigrad.engine.tensor import Array, Tensor

SWAPPED = "time comes first: if it is (B, T, n), pass np.swapaxes(..., 0, 1)"


@dataclass(frozen=True)
class Counting:
    """What counts in a batch of sequences.

    Attributes
    ----------
    alive : ndarray of bool (T, ...) or None
        Where a sequence has not ended yet; None if none ends before T.
    weights : ndarray (T, ...) or None
        Of the costs; None if all are 1.
    alike : range or None
        While a program is made of it: the steps that compute a cost, be it times 0, so that all do the same; then
        states are chosen at every step as well.
    """

    alive: Array | None = None
    weights: Array | None = None
    alike: range | None = None

    def weight(self, t: int, alike: bool = False) -> Array | float:
        """That of step t = 1 ... T: 0.0 or 1.0 if all sequences have it, unless steps may be made ``alike``."""
        if self.weights is None:
            return 1.0
        weight: Array = self.weights[t - 1]
        if alike and self.alike is not None and t in self.alike:
            return weight
        return float(weight.flat[0]) if np.all(weight == 0) or np.all(weight == 1) else weight

    def kept(self, t: int, new: dict[str, Any], old: dict[str, Any]) -> dict[str, Any]:
        """What step t hands on: the state of a sequence that has ended stays what it was."""
        if self.alive is None or (self.alike is None and self.alive[t - 1].all()):
            return new
        alive = self.alive[t - 1][..., None]
        return {role: np.where(alive, tensor, old[role]) for role, tensor in new.items()}


def counted(
    shape: tuple[int, ...],
    lengths: npt.ArrayLike | None,
    weights: npt.ArrayLike | None,
    last: bool,
    missing: Array | None,
) -> Counting:
    """What counts of sequences (T, ...) of this shape.

    Parameters
    ----------
    shape : tuple of int
        (T, B), or (T,) for a single sequence.
    lengths : array_like of int (B,), optional
    weights : array_like (T,) or (T, B), optional
    last : bool
        Whether only each sequence's last step counts.
    missing : ndarray of bool (T, B), optional
        Where there is no target.

    Raises
    ------
    ValueError
        For lengths outside of 1 ... T, and weights of another shape, negative or not finite.
    """
    if lengths is None and weights is None and missing is None and not last:
        return Counting()
    T, batch = shape[0], shape[1:]
    lengths, weights, missing = known(lengths), known(weights), known(missing)
    alive, ends = None, np.broadcast_to(T, batch)
    if lengths is not None:
        ends = np.asarray(lengths)
        if ends.shape != batch or ends.dtype.kind not in "iu":
            raise ValueError(f"lengths of shape {ends.shape} and type {ends.dtype}: whole numbers {batch} are needed")
        if wrong := [int(n) for n in ends.flat if not 1 <= n <= T]:
            raise ValueError(f"lengths holds {wrong[0]}: they lie between 1 and T={T}. {SWAPPED}")
        alive = np.arange(T).reshape(T, *[1] * len(batch)) < ends
    share = np.ones(shape)
    if weights is not None:
        given = np.asarray(weights, np.float64)
        if given.shape not in ((T,), shape):
            raise ValueError(f"weights of shape {given.shape}: {(T,)}, one a step, or {shape} is needed. {SWAPPED}")
        if not np.all(np.isfinite(given) & (given >= 0)):
            raise ValueError("weights are finite numbers >= 0")
        share = share * (given.reshape(T, *[1] * len(batch)) if given.ndim < len(shape) else given)
    if alive is not None:
        share = share * alive
    if last:
        share = share * (np.arange(1, T + 1).reshape(T, *[1] * len(batch)) == ends)
    if missing is not None:
        share = share * ~missing
    alike = _alike(share.reshape(shape[0], -1)) if even.get() else None
    return Counting(alive, None if np.all(share == 1) else share, alike)


def _alike(share: Array) -> range:
    """From the first step that has a cost to the last one, if they differ in it."""
    steps = np.flatnonzero(share.any(axis=1))
    span = range(steps[0] + 1, steps[-1] + 2) if len(steps) else range(0)
    return range(0) if np.all(share[span.start - 1 : span.stop - 1] == 1) else span


def filled(values: Any, where: Array | None) -> Any:
    """``values`` (T, ..., n) with zeros where ``where`` (T, ...) does not hold."""
    if where is None:
        return values
    kept = np.where(where[..., None], values, 0.0) if isinstance(values, Tensor) else np.asarray(values)
    return kept if isinstance(values, Tensor) else np.where(where[..., None], kept, kept.dtype.type(0))
