"""‖g‖ of all gradients strung together into one vector, right wherever it is a float.

The squares of 1e200 overflow, and those of 1e-200 are zero. Where it comes to that, all entries are first multiplied by
a power of two that brings the largest close to 1; being a power of two, it costs no accuracy.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, ValuesView
from typing import Any, TypeAlias

import numpy as np

from minigrad.engine.standin import StandIn, stand_in
from minigrad.engine.tensor import Array, Tensor

Gradients: TypeAlias = Iterable[Array | None]
SMALL, LARGE = 1e-100, 1e100
"""Between them sums of squares need no factor: none has overflowed, and what has become 0 is nothing beside them."""


def global_norm(grads: Gradients, p: float = 2.0) -> float:
    """‖g‖₂ of all gradients strung together, or another p-norm, right wherever the result is a float.

    Parameters
    ----------
    grads : iterable of ndarray or None
        As in `clip_by_norm`, of any shapes.
    p : float
        1 ≤ p ≤ ∞.

    Returns
    -------
    float
        0 if there are none; NaN or infinity if a gradient holds one.

    Raises
    ------
    TypeError
        If a gradient is not a floating-point array.
    """
    if StandIn.tracing and (found := stand_in(grads := listed(grads))) is not None:
        return found.call(global_norm, (grads, p), {})  # type: ignore[no-any-return]
    length, factor = measured(each_once(list(checked(grads))).values(), power(p))
    return length / factor


def measured(arrays: Collection[Array], p: float) -> tuple[float, float]:
    """The p-norm of factor · g, and the factor: 1, or a power of two that brings the largest entry to between ½ and 1.

    The norm itself, their quotient, may be too large for a float. Of a g with NaN or infinity, the length is that.
    """
    if p == 2:
        with np.errstate(over="ignore", under="ignore"):
            squares = [float(np.add.reduce(np.square(wide(a)), axis=None)) for a in arrays]
        if all(square < LARGE for square in squares) and (total := math.fsum(squares)) > SMALL:  # NaN is not below
            return math.sqrt(total), 1.0
    peak = float(np.max([np.max(np.abs(a), initial=0.0) for a in arrays], initial=0.0))  # NaN passes through np.max
    if peak == 0.0 or not math.isfinite(peak):
        return peak, 1.0
    factor = 2.0 ** min(-math.frexp(peak)[1], 1023)
    if p == math.inf:
        return peak * factor, factor
    with np.errstate(under="ignore"):  # powers of entries that are nothing beside the largest
        if p == 2:
            squares = [float(np.sum(np.square(wide(a) * factor))) for a in arrays]
            return math.sqrt(math.fsum(squares)), factor  # fsum rounds once: the order makes no difference
        powers = [float(np.sum(np.abs(wide(a) * factor) ** p)) for a in arrays]
    return math.fsum(powers) ** (1 / p), factor


def power(p: float) -> float:
    if not p >= 1:
        raise ValueError(f"p is {p!r}; a p-norm has 1 <= p <= math.inf")
    return float(p)


def wide(array: Array) -> Array:
    """In double precision at least, for half and single have no room for the squares; and row by row.

    So a sum of them has the same last bits however the array lay in memory.
    """
    return np.asarray(array, order="C") if array.itemsize >= 8 else array.astype(np.float64, order="C")


def each_once(grads: Gradients) -> dict[int, Array]:
    """The gradients by identity: those of a shared parameter are one object, and are counted once."""
    return {id(g): g for g in grads if g is not None}


def checked(grads: Gradients) -> Iterator[Array | None]:
    if isinstance(grads, (np.ndarray, Tensor)):
        raise TypeError(f"gradients come in a list, got a single {type(grads).__name__}: write [g]")
    if isinstance(grads, Mapping):
        raise TypeError("gradients come in a list, got a dict: write list(grads.values()), and names=list(grads)")
    i = -1
    for i, g in enumerate(grads):
        if isinstance(g, np.floating):  # what NumPy makes of arrays of shape () as soon as one computes with them
            g = np.asarray(g)
        if g is not None and not (isinstance(g, np.ndarray) and g.dtype.kind == "f"):
            what = f"an array of dtype {g.dtype}" if isinstance(g, np.ndarray) else f"a {type(g).__name__}"
            raise TypeError(f"gradient {i} is {what}; it has to be a floating-point array or None, like Tensor.grad")
        yield g
    if i < 0 and isinstance(grads, Iterator):
        raise ValueError("the iterator of gradients is empty: it has been gone through before; pass a list")


def listed(grads: Gradients) -> Any:
    """Gradients that can be gone through twice; what is none is left to who refuses it."""
    return list(grads) if isinstance(grads, (Iterator, ValuesView)) else grads
