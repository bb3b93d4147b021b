"""Linear recurrences without a loop over time: h_t = A_t h_{t-1} + b_t, for all t in about log₂ T rounds.

Two steps in a row are one step, h_{t+1} = (A_{t+1} A_t) h_{t-1} + (A_{t+1} b_t + b_{t+1}). So pairs of steps are
joined, which leaves a recurrence of half the length; what it gives is every second state, and from these the others
follow (Blelloch 1990; Martin, Cundy 2018). About 2 T products in all, each round a few calls of NumPy. A long sequence
is taken in blocks that fit into the processor's cache, each going on from the one before.

The way back is a recurrence of the same kind, in the other direction: λ_t = A_{t+1}ᵀ λ_{t+1} + g_t. This is
back-propagation through time, of any network, once A_t is the Jacobian ∂h_t/∂h_{t-1}.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.engine.primitive import primitive
from minigrad.engine.tables import defvjp
from minigrad.engine.tensor import Array

BLOCK = 2**15  # numbers of A at a time: what the processor keeps near


def scan(A: Any, b: Any, initial: Any = None, *, reverse: bool = False) -> Any:
    """All states of h_t = A_t h_{t-1} + b_t, t = 1 ... T.

    Parameters
    ----------
    A : array_like or Tensor (T, ..., n) or (T, ..., n, n)
        With as many axes as ``b``, the diagonals of diagonal matrices; with one more, matrices: rotations (..., 2, 2),
        say, of a state that consists of pairs. Axes of length 1 are broadcast; along time too.
    b : array_like or Tensor (T, ..., n)
    initial : array_like or Tensor (..., n), optional
        h_0; zeros otherwise.
    reverse : bool
        The recurrence runs from T down to 1: h_t = A_t h_{t+1} + b_t, and ``initial`` is h_{T+1}.

    Returns
    -------
    Tensor (T, ..., n)
        h_1 ... h_T; an array, if no tensor went in.

    Raises
    ------
    ValueError
        For shapes that do not go together, or an empty sequence.

    Notes
    -----
    O(T) products in O(log T) rounds for each block; matrices cost n³ each, so that for large dense ones a loop over
    time is faster. Differentiable to any order: its rule is a scan.

    Examples
    --------
    >>> scan(np.full((4, 1), 0.5), np.ones((4, 1)))[:, 0]
    array([1.   , 1.5  , 1.75 , 1.875])
    """
    a, given = np.shape(A), np.shape(b)
    if not given or given[0] == 0:
        raise ValueError(f"b of shape {given}: (T, ..., n) with T >= 1 is needed")
    whole = (*given, given[-1]) if len(a) == len(given) + 1 else given
    try:
        fits = np.broadcast_shapes(a, whole) == whole and len(a) == len(whole)
    except ValueError:
        fits = False
    if not fits:
        raise ValueError(
            f"A of shape {a} does not go with b of shape {given}: {given}, or {(*given, given[-1])} is needed"
        )
    A = np.broadcast_to(A, whole)
    if reverse:
        A, b = np.flip(A, 0), np.flip(b, 0)
    if initial is not None:
        if np.shape(initial) != given[1:]:
            raise ValueError(f"initial has shape {np.shape(initial)}, needed is {given[1:]}")
        first = applied(A[0], initial) + b[0]
        b = np.concatenate([first[None], b[1:]])
    states = recurrence(A, b)
    return np.flip(states, 0) if reverse else states


def applied(A: Any, h: Any) -> Any:
    """A h, for diagonals and for matrices."""
    return A * h if np.ndim(A) == np.ndim(h) else np.squeeze(A @ h[..., None], -1)


def turned(A: Any, h: Any) -> Any:
    """Aᵀ, for diagonals and for matrices."""
    return A if np.ndim(A) == np.ndim(h) else np.swapaxes(A, -1, -2)


@primitive
def recurrence(A: Array, b: Array) -> Array:
    """h_t = A_t h_{t-1} + b_t from h_0 = 0."""
    if A.ndim == b.ndim:
        product: Any = np.multiply
        apply: Any = np.multiply
    elif b.shape[-1] == 2:  # matmul is slow for many small matrices
        product, apply = _product_of_pairs, _pairs
    else:
        product, apply = np.matmul, applied
    states = np.empty(b.shape, np.result_type(A, b))
    length = max(BLOCK // max(A[0].size, 1), 64)
    for start in range(0, len(b), length):
        block = slice(start, start + length)
        added = np.array(b[block], states.dtype)
        if start:
            added[0] += apply(A[start], states[start - 1])
        states[block] = _joined(A[block], added, product, apply)
    return states


def _joined(A: Array, b: Array, product: Any, apply: Any) -> Array:
    """The states, by joining steps two and two."""
    if len(b) == 1:
        return b
    earlier, later = slice(0, len(b) - 1, 2), slice(1, None, 2)
    pairs = product(A[later], A[earlier]), apply(A[later], b[earlier]) + b[later]
    states = np.empty(b.shape, pairs[1].dtype)
    states[later] = _joined(*pairs, product, apply)
    states[0] = b[0]
    states[2::2] = apply(A[2::2], states[1:-1:2]) + b[2::2]
    return states


def _pairs(A: Array, h: Array) -> Array:
    """A h for many (2, 2) matrices."""
    return np.stack([A[..., i, 0] * h[..., 0] + A[..., i, 1] * h[..., 1] for i in (0, 1)], axis=-1)


def _product_of_pairs(A: Array, B: Array) -> Array:
    """A B for many (2, 2) matrices: A times either column."""
    return np.stack([_pairs(A, B[..., j]) for j in (0, 1)], axis=-1)


def shares(g: Any, y: Any, A: Any, b: Any) -> tuple[Any, Any]:
    """λ_t h_{t-1}ᵀ (for a diagonal, its diagonal) for A_t, and λ_t for b_t.

    λ_t = A_{t+1}ᵀ λ_{t+1} + g_t, with λ_T = g_T, is the cotangent of h_t by all that it acts on later.
    """
    later = np.concatenate([turned(A, b)[1:], np.zeros_like(A[:1])])
    cotangent = np.flip(recurrence(np.flip(later, 0), np.flip(g, 0)), 0)
    before = np.concatenate([np.zeros_like(y[:1]), y[:-1]])
    of_A = cotangent * before if np.ndim(A) == np.ndim(b) else cotangent[..., :, None] * before[..., None, :]
    return of_A, cotangent


defvjp(recurrence, joint=shares)
