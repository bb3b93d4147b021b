"""Clipping: a gradient that exploded keeps its direction and loses its length.

Back-propagation through time multiplies one Jacobian per step, so a recurrent network's gradient can grow
exponentially with the length of the sequence. Near such a cliff the direction is still good advice while the length is
not, hence the rule (Pascanu, Mikolov and Bengio, 2013, Algorithm 1)

    if ‖g‖₂ ≥ ε then g ← ε g / ‖g‖₂

where g is *all* gradients strung together into one vector: clipping them one by one would turn its direction.

It is written for gradients that really exploded. The squares of 1e200 overflow, so all entries are first multiplied by
a power of two that brings the largest close to 1; being a power of two, it costs no accuracy. And nothing is added to
the denominator, so that [3, 4] with ε = 1 becomes [0.6, 0.8], and not nearly that.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np

from minigrad.engine.tensor import Array, Tensor

OnNonfinite: TypeAlias = Literal["raise", "skip"]


@dataclass(frozen=True, slots=True)
class Clipped:
    """What `clip_by_norm` did.

    Attributes
    ----------
    grads : list of ndarray or None
        The gradients to go on with, in the order given. None where None was given, and everywhere if ``skipped``.
    norm : float
        ‖g‖₂ before clipping; not finite if g is not, infinity also if it is larger than the largest float.
    scale : float
        What g was multiplied by: 1 if it was short enough, 0 if it was skipped.
    clipped : bool
        Whether g changed. At equality, ‖g‖₂ = ε, the rule multiplies by one, and this is False.
    skipped : bool
        Whether g held NaN or infinity and was dropped.
    """

    grads: list[Array | None]
    norm: float
    scale: float
    clipped: bool
    skipped: bool


def clip_by_norm(
    grads: Iterable[Array | None],
    max_norm: float,
    *,
    on_nonfinite: OnNonfinite = "raise",
    names: Sequence[str] | None = None,
) -> Clipped:
    """If ‖g‖₂ ≥ ε then g ← ε g / ‖g‖₂, over all gradients together (Pascanu, Mikolov and Bengio, 2013, Algorithm 1).

    Parameters
    ----------
    grads : iterable of ndarray or None
        Floating-point arrays of any shapes, such as ``[p.grad for p in parameters]``. None stands for no gradient. An
        array that appears twice is one gradient of one shared parameter, and counts once.
    max_norm : float
        The lecture's ε > 0. With ``math.inf`` nothing is ever clipped, only measured and checked.
    on_nonfinite : {"raise", "skip"}
        What to do about NaN and infinity, which no scale can mend: raise, or give back nothing but None.
    names : sequence of str, optional
        What to call the gradients in error messages, one each.

    Returns
    -------
    Clipped
        Clipped gradients are new arrays of the old dtypes, computed in float64; others are returned as they came.

    Raises
    ------
    FloatingPointError
        If a gradient holds NaN or infinity and ``on_nonfinite`` is "raise".
    TypeError
        If a gradient is not a floating-point array.
    ValueError
        If ``max_norm`` is not positive, the policy is unknown, or ``names`` are not one for each gradient.

    Examples
    --------
    >>> clip_by_norm([np.array([3.0, 4.0])], max_norm=1.0)
    Clipped(grads=[array([0.6, 0.8])], norm=5.0, scale=0.2, clipped=True, skipped=False)
    """
    if not max_norm > 0:
        raise ValueError(f"max_norm is {max_norm!r}; it is the longest gradient to let pass and has to be above 0")
    check_policy(on_nonfinite)
    grads = list(_checked(grads))
    if names is not None and len(names) != len(grads):
        raise ValueError(f"{len(grads)} gradients came with {len(names)} names: pass one name for each gradient")
    distinct, epsilon = _distinct(grads), float(max_norm)

    length, factor = _length(distinct.values())
    norm = length / factor
    if not math.isfinite(length):
        if on_nonfinite == "raise":
            raise FloatingPointError(_nonfinite(grads, names))
        return Clipped([None] * len(grads), norm, 0.0, clipped=False, skipped=True)
    if norm <= epsilon:
        return Clipped(grads, norm, 1.0, clipped=False, skipped=False)
    with np.errstate(under="ignore"):  # entries that are nothing beside the largest may well become zero
        # Multiplied before it is divided: 3 · 1 / 5 is 0.6, while 3 · (1 / 5) is not.
        shorter = {key: np.asarray(_float64(g) * factor * epsilon / length, g.dtype) for key, g in distinct.items()}
    after = [None if g is None else shorter[id(g)] for g in grads]
    return Clipped(after, norm, epsilon * factor / length, clipped=True, skipped=False)


def global_norm(grads: Iterable[Array | None]) -> float:
    """‖g‖₂ of all gradients strung together, right wherever the result is a float.

    Parameters
    ----------
    grads : iterable of ndarray or None
        As in `clip_by_norm`.

    Returns
    -------
    float
        0 if there are none; NaN or infinity if a gradient holds one.

    Raises
    ------
    TypeError
        If a gradient is not a floating-point array.
    """
    length, factor = _length(_distinct(list(_checked(grads))).values())
    return length / factor


def check_policy(on_nonfinite: str) -> None:
    """Raise ValueError unless ``on_nonfinite`` names a policy."""
    if on_nonfinite not in get_args(OnNonfinite):
        raise ValueError(f"on_nonfinite is {on_nonfinite!r}; it has to be 'raise' or 'skip'")


def _length(arrays: Collection[Array]) -> tuple[float, float]:
    """The norm of factor · g, and the factor: a power of two that brings the largest entry to between ½ and 1.

    The norm itself, their quotient, may be too large for a float. Of a g with NaN or infinity, the length is that.
    """
    peak = float(np.max([np.max(np.abs(a), initial=0.0) for a in arrays], initial=0.0))  # NaN passes through np.max
    if peak == 0.0 or not math.isfinite(peak):
        return peak, 1.0
    factor = 2.0 ** min(-math.frexp(peak)[1], 1023)
    with np.errstate(under="ignore"):  # squares of entries that are nothing beside the largest
        squares = [float(np.sum(np.square(_float64(a) * factor))) for a in arrays]
    return math.sqrt(math.fsum(squares)), factor  # fsum rounds once: the order of the gradients makes no difference


def _float64(array: Array) -> Array:
    return array.astype(np.float64, copy=False)


def _distinct(grads: Iterable[Array | None]) -> dict[int, Array]:
    """The gradients by identity: those of a shared parameter are one object, and are counted once."""
    return {id(g): g for g in grads if g is not None}


def _checked(grads: Iterable[Array | None]) -> Iterator[Array | None]:
    if isinstance(grads, (np.ndarray, Tensor)):
        raise TypeError(f"gradients come in a list, got a single {type(grads).__name__}: write [g]")
    for i, g in enumerate(grads):
        if isinstance(g, np.floating):  # what NumPy makes of arrays of shape () as soon as one computes with them
            g = np.asarray(g)
        if g is not None and not (isinstance(g, np.ndarray) and g.dtype.kind == "f"):
            what = f"an array of dtype {g.dtype}" if isinstance(g, np.ndarray) else f"a {type(g).__name__}"
            raise TypeError(f"gradient {i} is {what}; it has to be a floating-point array or None, like Tensor.grad")
        yield g


def _nonfinite(grads: Sequence[Array | None], names: Sequence[str] | None) -> str:
    """What to say about the first gradient that holds NaN or infinity."""
    i, g = next((i, g) for i, g in enumerate(grads) if g is not None and not np.all(np.isfinite(g)))
    return (
        f"the gradient of {names[i] if names else f'parameter {i}'} {g.shape} holds {np.count_nonzero(np.isnan(g))} NaN"
        f" and {np.count_nonzero(np.isinf(g))} infinite values among {g.size}: no scale can mend it."
        " Look for the operation that made it, or leave such steps out with on_nonfinite='skip'"
    )
