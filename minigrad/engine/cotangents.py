"""Cotangents on their way: how the shares that meet at one tensor add up.

A cotangent of a tensor is the derivative of the quantity of interest with respect to it, and has its shape. Everything
that used the tensor sends a share of it, and the walk (`walk.py`) adds the shares up.

An unrolled network uses the same matrix at every step, so T shares of the form LᵀR meet there. They are kept as
`Product` s and multiplied at once when the matrix is reached: back-propagation through time then costs one large
product instead of T small ones. `Deferred` is that idea, and `Sum` the place where shares meet. Nothing here knows
tensors: the same lines add up arrays and, when a walk is recorded, tensors.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np


def sum_to(cotangent: Any, shape: tuple[int, ...]) -> Any:
    """Undo broadcasting: sum ``cotangent`` over the axes along which an argument of ``shape`` was repeated."""
    present = cotangent.shape
    lead = len(present) - len(shape)
    axes = tuple(range(lead))
    if present[lead:] != shape:
        if lead < 0 or any(m not in (1, n) for n, m in zip(present[lead:], shape, strict=True)):
            raise ValueError(f"a derivative rule gave shape {present} for an argument of shape {shape}")
        axes += tuple(i for i in range(lead, len(present)) if shape[i - lead] != present[i])
    if all(present[i] == 1 for i in axes):
        return cotangent.reshape(shape)
    return cotangent.sum(axis=axes).reshape(shape)


class Deferred:
    """A share that is not computed yet, because many of its kind are cheaper to combine at once."""

    __slots__ = ("shape", "size")
    shape: tuple[int, ...]
    size: int  # how many numbers it holds on to

    @staticmethod
    def combine(parts: Sequence[Any]) -> Any:
        """The sum of several of one kind, as an array or tensor."""
        raise NotImplementedError


class Product(Deferred):
    """LᵀR, the cotangent of a matrix: ``left`` (rows, m) and ``right`` (rows, n), arrays or tensors."""

    __slots__ = ("left", "right")

    def __init__(self, left: Any, right: Any) -> None:
        self.left, self.right = left, right
        (rows, m), (_, n) = left.shape, right.shape
        self.shape, self.size = (m, n), rows * (m + n)

    @staticmethod
    def combine(parts: Sequence[Product]) -> Any:
        if len(parts) == 1:
            return parts[0].left.T @ parts[0].right
        return np.concatenate([p.left for p in parts]).T @ np.concatenate([p.right for p in parts])


class Sum:
    """The shares that have met at one tensor: those added up already, and deferred ones of one kind that wait."""

    __slots__ = ("held", "settled", "waiting")
    LIMIT = 1 << 20  # numbers that may wait (8 MB): holding on to more costs memory and saves no time

    def __init__(self) -> None:
        self.settled: Any = None
        self.waiting: list[Deferred] = []
        self.held = 0

    def add(self, share: Any) -> None:
        if not isinstance(share, Deferred):
            self.settled = share if self.settled is None else self.settled + share
            return
        full = self.held > self.LIMIT and self.held > math.prod(share.shape)  # settling writes that many numbers
        if self.waiting and (full or type(share) is not type(self.waiting[0])):
            self.settle()
        self.waiting.append(share)
        self.held += share.size

    def settle(self) -> Any:
        """All of it, as an array or tensor."""
        if self.waiting:
            waiting, self.waiting, self.held = self.waiting, [], 0
            self.add(waiting[0].combine(waiting))
        return self.settled


def met(total: Any, share: Any) -> Any:
    """``total`` with one more share."""
    if type(total) is not Sum:
        if not isinstance(share, Deferred):
            if isinstance(total, Deferred):
                total = dense(total)  # it waited for others of its kind in vain
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
