"""Clipping: a gradient that exploded keeps its direction and loses its length.

Back-propagation through time multiplies one Jacobian per step, so a recurrent network's gradient can grow
exponentially with the length of the sequence. Near such a cliff the direction is still good advice while the length is
not, hence the rule (Pascanu, Mikolov and Bengio, 2013, Algorithm 1)

    if ‖g‖₂ ≥ ε then g ← ε g / ‖g‖₂

where g is *all* gradients strung together into one vector: clipping them one by one would turn its direction.

It is written for gradients that really exploded. The squares of 1e200 overflow, so all entries of such gradients are
first multiplied by a power of two that brings the largest close to 1; being a power of two, it costs no accuracy. And
nothing is added to the denominator, so that [3, 4] with ε = 1 becomes [0.6, 0.8], and not nearly that.

Its relatives stand behind it, each under its own name: `clip_each_by_norm`, `clip_by_value` and `clip_adaptively` do
turn the direction; `clip_cotangent` acts inside of back-propagation. What an optimizer is given to clip by is in
`clips`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, Literal, TypeAlias

import numpy as np

from minigrad.engine.primitive import primitive
from minigrad.engine.standin import StandIn, stand_in
from minigrad.engine.tables import defvjp
from minigrad.engine.tensor import Array
from minigrad.optim.norms import SMALL, Gradients, checked, each_once, global_norm, listed, measured, power, wide

OnNonfinite: TypeAlias = Literal["raise", "skip"]


@dataclass(frozen=True, slots=True)
class Clipped:
    """What `clip_by_norm` or one of its relatives did.

    Attributes
    ----------
    grads : list of ndarray or None
        The gradients to go on with, in the order and the shapes given. None where None was given, and everywhere if
        ``skipped``.
    norm : float
        ‖g‖₂, or the p-norm asked for, before clipping; not finite if g is not, infinity also if it is larger than the
        largest float.
    scale : float
        What g was multiplied by: 1 if it was short enough, 0 if it was skipped. Where not all of it was multiplied by
        the same, the share of its norm that is left.
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


def in_one_call(clip: Callable[..., Clipped]) -> Callable[..., Clipped]:
    """``clip``, which decides by what the gradients are, as one call of a program that `minigrad.compile` writes."""

    @wraps(clip)
    def called(grads: Any, *args: Any, **options: Any) -> Clipped:
        if not StandIn.tracing or (found := stand_in(grads := listed(grads))) is None:
            return clip(grads, *args, **options)
        *parts, norm, scale, clipped, skipped = found.call(in_parts, (called, grads, *args), options)
        new = iter(parts)
        after = [None if g is None else next(new) for g in grads]
        return Clipped(after, norm, scale, clipped, skipped if options.get("on_nonfinite") == "skip" else False)

    return called


def in_parts(clip: Callable[..., Clipped], grads: Gradients, *args: Any, **options: Any) -> tuple[Any, ...]:
    """What ``clip`` gives, all in one tuple; zeros for gradients that it skips."""
    found = clip(grads, *args, **options)
    given = found.grads if not found.skipped else [None if g is None else np.zeros_like(g) for g in grads]
    return *(g for g in given if g is not None), found.norm, found.scale, found.clipped, found.skipped


@in_one_call
def clip_by_norm(
    grads: Gradients,
    max_norm: float,
    *,
    p: float = 2.0,
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
    p : float
        Another norm in its place, (Σ|g_i|^p)^(1/p) with 1 ≤ p ≤ ∞; the direction is kept.
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
        If ``max_norm`` is not positive, the policy is unknown, ``names`` are not one for each gradient, or ``grads`` is
        an iterator that has been gone through before.

    Examples
    --------
    >>> clip_by_norm([np.array([3.0, 4.0])], max_norm=1.0)
    Clipped(grads=[array([0.6, 0.8])], norm=5.0, scale=0.2, clipped=True, skipped=False)
    """
    _above_0("max_norm", max_norm, "the longest gradient to let pass")
    given = _looked_over(grads, p, on_nonfinite, names)
    if isinstance(given, Clipped):
        return given
    grads, distinct, length, factor = given
    norm, epsilon = length / factor, float(max_norm)
    if norm <= epsilon:
        return Clipped(grads, norm, 1.0, clipped=False, skipped=False)
    with np.errstate(under="ignore"):  # entries that are nothing beside the largest may well become zero
        after = _in_order(grads, {key: _shortened(g, length, factor, epsilon) for key, g in distinct.items()})
    return Clipped(after, norm, epsilon * factor / length, clipped=True, skipped=False)


@in_one_call
def clip_each_by_norm(
    grads: Gradients,
    max_norm: float,
    *,
    p: float = 2.0,
    on_nonfinite: OnNonfinite = "raise",
    names: Sequence[str] | None = None,
) -> Clipped:
    """g ← c g / max(‖g‖, c) for each parameter's gradient on its own: this turns the direction of the whole.

    Parameters and errors are those of `clip_by_norm`; the norm reported is that of the whole.
    """
    _above_0("max_norm", max_norm, "the longest gradient of one parameter to let pass")

    def shorter(_: int, g: Array) -> Array:
        return _short(g, float(max_norm), p)

    return _each(grads, shorter, p, on_nonfinite, names)


@in_one_call
def clip_by_value(
    grads: Gradients, limit: float, *, on_nonfinite: OnNonfinite = "raise", names: Sequence[str] | None = None
) -> Clipped:
    """Every entry is brought to [-limit, limit] (Mikolov 2012), which turns the direction towards a diagonal.

    Parameters and errors are those of `clip_by_norm`, for ``limit`` > 0; the norm reported is ‖g‖₂ of the whole.
    """
    _above_0("limit", limit, "the largest entry to let pass")

    def shorter(_: int, g: Array) -> Array:
        return np.asarray(np.clip(g, -limit, limit), g.dtype) if np.any(np.abs(g) > limit) else g

    return _each(grads, shorter, 2.0, on_nonfinite, names)


@in_one_call
def clip_adaptively(
    grads: Gradients,
    weights: Sequence[Array],
    factor: float = 0.01,
    *,
    least: float = 1e-3,
    on_nonfinite: OnNonfinite = "raise",
    names: Sequence[str] | None = None,
) -> Clipped:
    """If ‖g‖ ≥ λ max(‖w‖, ε) then g ← λ max(‖w‖, ε) g/‖g‖, unit by unit (Brock, De, Smith, Simonyan 2021, eq. 3).

    A unit is a row of a matrix, all weights that lead to one output; a vector, or a number, is one unit. (Where a unit
    should be a gate's, or the last layer be left alone as in the paper, clip these gradients by another call.)

    Parameters
    ----------
    grads : iterable of ndarray or None
        As in `clip_by_norm`.
    weights : sequence of ndarray
        The parameters' values, one each, in the gradients' shapes.
    factor, least : float
        The λ > 0, and the ε > 0 in the place of a norm that is smaller.

    Returns
    -------
    Clipped
        The norm is ‖g‖₂ of the whole.

    Raises
    ------
    ValueError
        If there is not a weight for each gradient, or their shapes differ; and as `clip_by_norm`.
    """
    _above_0("factor", factor, "how long a gradient may be, in lengths of its weights,")
    _above_0("least", least, "what counts as the length of weights that are shorter,")

    def unit_by_unit(i: int, g: Array) -> Array:
        if np.shape(weights[i]) != g.shape:
            raise ValueError(f"gradient {i} has shape {g.shape}, its weights {np.shape(weights[i])}: they must agree")
        w = np.asarray(weights[i])
        if g.ndim < 2:
            return _short(g, factor * max(global_norm([w]), least), 2.0)
        rows = list(g)
        shorter = [_short(row, factor * max(global_norm([v]), least), 2.0) for row, v in zip(rows, w, strict=True)]
        return np.stack(shorter) if any(a is not b for a, b in zip(rows, shorter, strict=True)) else g

    grads = list(checked(grads))
    if len(weights) != len(grads):
        raise ValueError(f"{len(grads)} gradients came with {len(weights)} weights: pass those of each")
    return _each(grads, unit_by_unit, 2.0, on_nonfinite, names)


def clip_cotangent(x: Any, max_norm: float) -> Any:
    """x itself; on the way back its cotangent is shortened to ``max_norm``, each row (..., n) on its own.

    Of a state h_t, or of what goes into a gate, this clips at every step of time, before the gradient can explode
    (Graves 2013, §2.1, does it by value). What arrives at the parameters is then **the gradient of no cost whatever**,
    so that its direction need not be one of descent; `clip_by_norm` keeps the direction that there is.

    Parameters
    ----------
    x : array_like or Tensor (..., n)
    max_norm : float
        Above 0.

    Examples
    --------
    >>> import minigrad as mg
    >>> class Network(mg.rnn.RNN):
    ...     def states(self, bound, x, carried):
    ...         return super().states(bound, x, {role: clip_cotangent(h, 1.0) for role, h in carried.items()})
    """
    _above_0("max_norm", max_norm, "the longest cotangent to let pass")
    return unchanged(x, max_norm=float(max_norm))


@primitive
def unchanged(x: Any, max_norm: float = math.inf) -> Any:
    """x, as a result of its own."""
    return np.positive(x)


def _rows_shortened(g: Any, max_norm: float) -> Any:
    """Of NumPy's functions alone, so that it can be differentiated too."""
    largest = np.max(np.abs(g), axis=-1, keepdims=True) if np.ndim(g) else np.abs(g)
    unit = g / np.where(largest > 0, largest, 1)
    length = np.sqrt(np.sum(unit * unit, axis=-1, keepdims=True)) if np.ndim(g) else np.abs(unit)
    return np.where(largest * length > max_norm, unit * (max_norm / np.where(length > 0, length, 1)), g)


defvjp(unchanged, lambda g, y, x, max_norm=math.inf: _rows_shortened(g, max_norm))


def check_policy(on_nonfinite: str) -> None:
    """Raise ValueError unless ``on_nonfinite`` names a policy."""
    if on_nonfinite not in ("raise", "skip"):
        raise ValueError(f"on_nonfinite is {on_nonfinite!r}; it has to be 'raise' or 'skip'")


def _looked_over(
    grads: Gradients, p: float, on_nonfinite: OnNonfinite, names: Sequence[str] | None
) -> Clipped | tuple[list[Array | None], dict[int, Array], float, float]:
    """The gradients as a list, the distinct ones, and `measured`; what to give back instead, if they are skipped."""
    check_policy(on_nonfinite)
    grads = list(checked(grads))
    if names is not None and len(names) != len(grads):
        raise ValueError(f"{len(grads)} gradients came with {len(names)} names: pass one name for each gradient")
    distinct = each_once(grads)
    length, factor = measured(distinct.values(), power(p))
    if math.isfinite(length):
        return grads, distinct, length, factor
    if on_nonfinite == "raise":
        raise FloatingPointError(_nonfinite(grads, names))
    return Clipped([None] * len(grads), length / factor, 0.0, clipped=False, skipped=True)


def _each(
    grads: Gradients,
    shorter: Callable[[int, Array], Array],
    p: float,
    on_nonfinite: OnNonfinite,
    names: Sequence[str] | None,
) -> Clipped:
    """What is left of each gradient on its own: ``shorter`` of its position and itself."""
    given = _looked_over(grads, p, on_nonfinite, names)
    if isinstance(given, Clipped):
        return given
    grads, distinct, length, factor = given
    first = {id(g): i for i, g in reversed([*enumerate(grads)]) if g is not None}
    new = {key: shorter(first[key], g) for key, g in distinct.items()}
    clipped = any(new[key] is not g for key, g in distinct.items())
    left, its_factor = measured(new.values(), p)
    scale = left / length * (factor / its_factor) if clipped else 1.0
    return Clipped(_in_order(grads, new), length / factor, scale, clipped=clipped, skipped=False)


def _short(g: Array, longest: float, p: float) -> Array:
    """One array, no longer than that."""
    length, factor = measured([g], power(p))
    with np.errstate(under="ignore"):  # as above
        return g if length / factor <= longest else _shortened(g, length, factor, longest)


def _shortened(g: Array, length: float, factor: float, epsilon: float) -> Array:
    if epsilon < SMALL:  # its product with a g that is short, too, would be nothing
        more = 2.0 ** -math.frexp(length)[1]
        length, factor = length * more, factor * more
    # Multiplied before it is divided: 3 · 1 / 5 is 0.6, while 3 · (1 / 5) is not.
    return np.asarray((wide(g) if factor == 1.0 else wide(g) * factor) * epsilon / length, g.dtype)


def _in_order(grads: Sequence[Array | None], new: dict[int, Array]) -> list[Array | None]:
    return [None if g is None else new[id(g)] for g in grads]


def _above_0(what: str, value: float, meaning: str) -> None:
    if not value > 0:
        raise ValueError(f"{what} is {value!r}; it is {meaning} and has to be above 0")


def _nonfinite(grads: Sequence[Array | None], names: Sequence[str] | None) -> str:
    """What to say about the first gradient that holds NaN or infinity, or would in double precision."""
    with np.errstate(over="ignore"):
        i, g = next((i, g) for i, g in enumerate(grads) if g is not None and not np.all(np.isfinite(g.astype(float))))
    which = f"the gradient of {names[i] if names else f'parameter {i}'} {g.shape}"
    if np.all(np.isfinite(g)):
        return f"{which} holds {np.max(np.abs(g))!s}, for which float64, in which norms are told, has no room"
    return (
        f"{which} holds {np.count_nonzero(np.isnan(g))} NaN and {np.count_nonzero(np.isinf(g))} infinite values among"
        f" {g.size}: no scale can mend it."
        " Look for the operation that made it, or leave such steps out with on_nonfinite='skip'"
    )
