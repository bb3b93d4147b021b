"""Cotangents on their way: how the shares that meet at one tensor add up.

An unrolled network uses the same matrix at every step, so T shares of the form LᵀR meet there. They are kept in
factors and multiplied at once when the matrix is reached: back-propagation through time then costs one large product
instead of T small ones. `Deferred` is that idea (`minigrad.rules` has its two kinds), and `Sum` the place where shares
meet. Nothing here knows tensors: the same lines add up arrays and, when a walk is recorded, tensors.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from minigrad.engine.tables import Function, spelled


def sum_to(cotangent: Any, shape: tuple[int, ...], fn: Function) -> Any:
    """Undo broadcasting: sum ``cotangent`` over the axes along which ``fn``'s argument, of ``shape``, was repeated."""
    present = getattr(cotangent, "shape", None)
    if present is None:
        raise TypeError(
            f"a derivative rule of {spelled(fn)} gave {cotangent!r}: it has to give an array of shape {shape}"
        )
    lead = len(present) - len(shape)
    axes = tuple(range(lead))
    if present[lead:] != shape:
        if lead < 0 or any(m not in (1, n) for n, m in zip(present[lead:], shape, strict=True)):
            raise ValueError(f"a derivative rule of {spelled(fn)} gave shape {present}, its argument has {shape}")
        axes += tuple(i for i in range(lead, len(present)) if shape[i - lead] != present[i])
    if cotangent.size == math.prod(shape):  # nothing was repeated: axes of one element came and go
        return cotangent.reshape(shape)
    total = cotangent.sum(axis=axes)
    return total if total.shape == shape else total.reshape(shape)


class Deferred:
    """A share that is not computed yet, because many of its kind are cheaper to combine at once."""

    __slots__ = ("shape", "size")
    shape: tuple[int, ...]
    size: int  # how many numbers it holds on to

    @staticmethod
    def combine(parts: Sequence[Any]) -> Any:
        """The sum of several of one kind, as an array or tensor."""
        raise NotImplementedError


class Sum:
    """The shares that have met at one tensor: those added up already, and deferred ones of one kind that wait."""

    __slots__ = ("held", "settled", "waiting")
    LIMIT = 1 << 18  # numbers that may wait (2 MB, what a core's cache holds): more costs memory and saves no time

    def __init__(self) -> None:
        self.settled: Any = None
        self.waiting: list[Deferred] = []
        self.held = 0

    def add(self, share: Any) -> None:
        if isinstance(share, Deferred):
            full = self.held > self.LIMIT and self.held > math.prod(share.shape)  # settling writes that many numbers
            if full or (self.waiting and type(share) is not type(self.waiting[0])):
                self.settle()
            self.waiting.append(share)
            self.held += share.size
        else:
            self.settled = share if self.settled is None else self.settled + share

    def settle(self) -> Any:
        """All of it, as an array or tensor."""
        if self.waiting:
            waiting, self.waiting, self.held = self.waiting[::-1], [], 0  # the walk has come from the youngest
            self.add(waiting[0].combine(waiting))
        return self.settled


def met(total: Any, share: Any) -> Any:
    """``total`` with one more share."""
    if type(total) is not Sum:
        if not isinstance(share, Deferred) and not isinstance(total, Deferred):
            return total + share
        first, total = total, Sum()
        total.add(first)
    total.add(share)
    return total


def dense(share: Any) -> Any:
    """A share, deferred or not, as an array or tensor."""
    if type(share) is Sum:
        return share.settle()
    return share.combine([share]) if isinstance(share, Deferred) else share
