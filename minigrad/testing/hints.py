"""What may be the matter: the mistakes that people make, recognised by what they do to the numbers.

Each test below compares the claimed gradient with the numerical one, and says what one would have to have forgotten to
get the first instead of the second.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np

from minigrad.engine.tensor import Array

__tracebackhide__ = True  # pytest shows no line of this file where a user's test fails

PRECISION = "right to about"  # how a hint about precision begins
RTOL = 1e-5  # the numerical gradient is good to 1e-4 at least; these are resemblances, not verdicts


def like(a: Any, b: Any) -> bool:
    """Whether two arrays are the same up to what hints have to see."""
    return np.shape(a) == np.shape(b) and bool(
        np.allclose(a, b, rtol=RTOL, atol=RTOL * (float(np.max(np.abs(b), initial=0.0)) or 1.0))
    )


def of_shape(claimed: Array, numerical: Array) -> str:
    """What is wrong with a gradient whose shape is not its argument's."""
    for count in range(1, claimed.ndim + 1):
        for axes in combinations(range(claimed.ndim), count):
            for keep in (False, True):
                if like(np.sum(claimed, axis=axes, keepdims=keep), numerical):
                    named = f"axis {axes[0]}" if count == 1 else f"axes {axes}"
                    return f"missing sum over {named}: the argument was broadcast, its cotangent has to be summed back"
    if claimed.shape == numerical.shape[::-1]:
        return "transposed" if like(claimed.T, numerical) else "transposed shape"
    if claimed.size == numerical.size:
        return "the right number of elements in another shape: keepdims lost, or a reshape forgotten"
    return "the gradient has to have its argument's shape: was a sum, or keepdims, forgotten?"


def of_numbers(claimed: Array, numerical: Array, unweighted: Array) -> str:
    """What is wrong with a gradient of the right shape.

    Parameters
    ----------
    claimed, numerical : ndarray
        Of the shape of the argument.
    unweighted : ndarray
        The numerical gradient of the plain sum of the value: what comes out if the cotangent is ignored.
    """
    return next(_resemblances(claimed, numerical, unweighted), "no common mistake gives these numbers")


def _resemblances(claimed: Array, numerical: Array, unweighted: Array) -> Iterator[str]:
    if np.any(claimed) and np.any(numerical) and like(claimed, numerical):
        off = float(np.max(np.abs(claimed - numerical)) / np.max(np.abs(numerical)))
        ratio = _constant_ratio(claimed, numerical)
        factor = "" if ratio is None else f", off by the constant factor {ratio:.9g}"
        yield f"{PRECISION} {off:.0e}{factor}: digits are lost; do large terms cancel, or is a constant in float32?"
    if not np.any(claimed):
        yield "zero: no gradient arrives here at all"
    if like(claimed, -numerical):
        yield "sign: it is the negative of the right gradient"
    if like(claimed, unweighted):
        yield "upstream cotangent ignored: it is the gradient of the plain sum"
    if like(claimed, 2 * numerical):
        yield "exactly twice the right gradient: counted twice?"
    if like(2 * claimed, numerical):
        yield "exactly half of the right gradient: one of two uses is missing, or the 2 of a square"
    yield from _rearranged(claimed, numerical)
    wrong = ~np.isclose(claimed, numerical, rtol=RTOL, atol=RTOL * float(np.max(np.abs(numerical), initial=0.0)))
    if not wrong.any():  # wrong by less than a hint can see
        wrong = np.abs(claimed - numerical) > 0.5 * np.max(np.abs(claimed - numerical))
    ratio = _constant_ratio(claimed, numerical)
    if ratio is not None:
        yield f"off by the constant factor {ratio:.6g}"
    if wrong.sum() < wrong.size:
        if np.all(np.abs(claimed[wrong]) < np.abs(numerical[wrong])) and wrong.sum() > 0 and not np.all(claimed[wrong]):
            yield "some elements get nothing: is a contribution overwritten, = for +=, or cut off?"
        if np.all(np.abs(claimed[wrong]) < np.abs(numerical[wrong])):
            yield "some elements get too little: is a contribution overwritten, = for +=, instead of added?"
        few = "one element" if wrong.sum() == 1 else f"{wrong.sum()} elements"
        yield f"wrong in {few} of {wrong.size}, right in the others"


def _rearranged(claimed: Array, numerical: Array) -> Iterator[str]:
    """The right numbers in the wrong places."""
    if claimed.ndim >= 2:
        axes = (*range(claimed.ndim - 2), claimed.ndim - 1, claimed.ndim - 2)
        if like(np.transpose(claimed, axes), numerical):
            yield "transposed: the right numbers with rows and columns exchanged, or summed over the wrong axis"
    for axis in range(claimed.ndim):
        if like(np.flip(claimed, axis), numerical):
            yield f"reversed along axis {axis}"
        for shift in (1, -1):
            if like(np.roll(claimed, shift, axis), numerical):
                yield f"shifted by one along axis {axis}"
    if claimed.size > 1 and like(np.sort(claimed, axis=None), np.sort(numerical, axis=None)):
        yield "the right numbers in the wrong places: a wrong axis, or a permutation not undone"


def _constant_ratio(claimed: Array, numerical: Array) -> float | None:
    """The factor between two arrays that are multiples of each other."""
    square = float(np.sum(numerical * numerical))
    if square == 0:
        return None
    ratio = float(np.sum(claimed * numerical)) / square
    near = np.max(np.abs(claimed - ratio * numerical)) <= 0.01 * abs(ratio - 1) * np.max(np.abs(numerical))
    return ratio if near else None
