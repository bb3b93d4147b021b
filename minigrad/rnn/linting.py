"""lint: what is likely to be wrong with a training before it has begun, and what to do about it.

Nothing here is an error: a finding is what somebody with experience would point at, looking over one's shoulder. So it
speaks only where it is rather sure, and a sane setup gets no findings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad.engine.tensor import Array, Tensor
from minigrad.engine.walk import gradients
from minigrad.functions import logistic
from minigrad.rnn.counting import SWAPPED
from minigrad.rnn.stepping import Cost, Model, Whole
from minigrad.rnn.unrolling import Run, unroll

LONGER_BATCH = 16  # a batch of so many times more sequences than they have steps is likely to be swapped
SMOOTH, ROUGH = 0.8, 0.2  # correlations of neighbours that tell time from batch
FLAT, SATURATED = 0.01, 0.5  # below this share of its greatest slope a unit is flat; this share of units is too large
SMALLEST, LARGEST = 0.03, 10.0  # standard deviations of an input
EXPLODES, VANISHES = 1e3, 1e-8  # the gradient at the first step beside that at the last
LONGEST = 1e4  # norm of the gradient, with respect to the parameters, of the cost a step
SQUASHED = re.compile(r"[←→]?[hgn][\d.]*")
"""Roles that are units behind f, with the marks of layers and directions; gates are meant to saturate."""


@dataclass(frozen=True)
class Finding:
    """What is likely to be wrong.

    Attributes
    ----------
    kind : {"window", "axes", "leakage", "scale", "gradient", "saturation", "exploding", "vanishing"}
    message : str
        What was found, and what to do.
    where : str
        The parameter, role or component that it is about; may be empty.
    """

    kind: str
    message: str
    where: str = ""

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}"


def lint(
    model: Model,
    xs: Any,
    targets: Any,
    weights: Any = None,
    *,
    cost: str | Cost = "squared_error",
    at: str = "every",
    teacher_forcing: bool = False,
) -> list[Finding]:
    """Look over a model and a batch before training: ``lint(model, *batch, cost=task.cost, at=task.at)``.

    Parameters
    ----------
    model, xs, targets, weights, cost, at, teacher_forcing
        As for `minigrad.rnn.unroll`. Nothing of the model is changed, its gradients neither.

    Returns
    -------
    list of Finding
        Empty if nothing is conspicuous. ``"window"``: sequences of a single step. ``"axes"``: time and batch seem to
        be swapped. ``"leakage"``: a target stands in the input of the same step (of a `Bidirectional`, of the next).
        ``"scale"``: inputs far from zero mean and unit variance. ``"gradient"``: a parameter that nothing moves.
        ``"saturation"``: most units where their function is flat. ``"exploding"``, ``"vanishing"``: what is so of the
        gradient of the last cost on its way to the first step.

    Raises
    ------
    ValueError
        As `minigrad.rnn.unroll`, but for swapped axes, which are a finding.

    Examples
    --------
    >>> import numpy as np
    >>> from minigrad.rnn import RNN
    >>> xs = 100 + np.random.default_rng(0).normal(size=(20, 8, 1))
    >>> [finding.kind for finding in lint(RNN(1, 4, 1, rng=0), xs, np.zeros((20, 8, 1)))]
    ['scale', 'gradient', 'gradient', 'gradient', 'saturation']
    """
    options: dict[str, Any] = {"cost": cost, "at": at, "teacher_forcing": teacher_forcing}
    try:
        run = unroll(model, xs, targets, weights=weights, **options)
    except ValueError as error:
        if SWAPPED not in str(error):
            raise
        return [Finding("axes", str(error))]
    if run.cost is None:
        raise ValueError("there are no targets to be learnt: pass them")
    xs = np.stack([x.data for x in run["x"]])
    found = [*_window(len(run)), *_axes(xs), *_leakage(run, xs, weights, at), *_scale(xs)]
    return [*found, *_gradient(run), *_saturation(run), *_through_time(run)]


def _window(T: int) -> Iterator[Finding]:
    if T == 1:
        yield Finding(
            "window",
            "sequences have a single step: the recurrent weights get a gradient of exactly 0, and nothing is learnt"
            " through time. Use longer windows; if it is (B, T, n), pass np.swapaxes(..., 0, 1)",
        )


def _axes(xs: Array) -> Iterator[Finding]:
    if xs.ndim < 3 or len(xs) == 1:
        return
    T, B = xs.shape[:2]
    along_time, along_batch = (_neighbours(each) for each in (xs, np.swapaxes(xs, 0, 1)))
    if min(T, B) > 4 and along_batch > SMOOTH and along_time < ROUGH:
        yield Finding(
            "axes",
            f"neighbours along the axis of the batch are alike (correlation {along_batch:.2f}), those along the axis of"
            f" time are not ({along_time:.2f}). {SWAPPED}",
        )
    elif B >= LONGER_BATCH * T:
        yield Finding("axes", f"{B} sequences of {T} steps: is that so? {SWAPPED}")


def _neighbours(xs: Array) -> float:
    """The correlation of x_t and x_{t+1}, of the component in which it is largest."""
    found = [_correlation(xs[:-1, ..., i].ravel(), xs[1:, ..., i].ravel()) for i in range(xs.shape[-1])]
    return max(found, default=0.0)


def _correlation(one: Array, other: Array) -> float:
    """Pearson's; 0 if one of them does not vary, or hardly ever does."""
    rare = [np.sum(each != np.median(each)) < 5 for each in (one, other)] if one.size else [True]
    if any(rare):
        return 0.0
    one, other = one - one.mean(), other - other.mean()
    length = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / length if length > 0 and np.isfinite(length) else 0.0


def _leakage(run: Run, xs: Array, weights: Any, at: str) -> Iterator[Finding]:
    ys = np.stack([y.data for y in run.targets])
    counts = np.ones(ys.shape[:-1], bool)
    if weights is not None:
        given = np.asarray(weights)
        counts &= (given.reshape(given.shape + (1,) * (counts.ndim - given.ndim))) > 0
    if at == "last":
        counts[:-1] = False
    if isinstance(run.model, Whole):  # which hears what comes next
        ahead = _same(xs[1:], ys[:-1], counts[:-1])
        for i, j in ahead:
            yield Finding(
                "leakage",
                f"target {j} is input {i} of the next step, which a {type(run.model).__name__} hears: the answer is in"
                " the question. Take a model of one direction",
                f"targets[..., {j}]",
            )
    for i, j in _same(xs, ys, counts):
        yield Finding(
            "leakage",
            f"target {j} is input {i} of the same step, but for scale: the answer is in the question, and nothing has"
            " to be remembered. Shift the targets to what comes later, or leave that input out",
            f"targets[..., {j}]",
        )


def _same(xs: Array, ys: Array, counts: Array) -> Iterator[tuple[int, int]]:
    """Which inputs tell which targets exactly, up to scale and offset."""
    for j in range(ys.shape[-1]):
        for i in range(xs.shape[-1]):
            if abs(_correlation(xs[counts][:, i], ys[counts][:, j])) > 1 - 1e-9:
                yield i, j


def _scale(xs: Array) -> Iterator[Finding]:
    for i in range(xs.shape[-1]):
        values = xs[..., i]
        if np.all((values == 0) | (values == 1)):  # a mark, or one of a one-hot code
            continue
        mean, std = float(values.mean()), float(values.std())
        if not SMALLEST <= std <= LARGEST or abs(mean) > LARGEST:
            yield Finding(
                "scale",
                f"input {i} has mean {mean:.3g} and standard deviation {std:.3g}: subtract the mean and divide by the"
                " standard deviation, both of the training data",
                f"xs[..., {i}]",
            )


def _gradient(run: Run) -> Iterator[Finding]:
    parameters = run.model.parameters()
    if run.cost is None or not run.cost.requires_grad:
        yield Finding("gradient", "no parameter has a part in the cost: nothing can be learnt")
        return
    found = dict(zip(parameters, gradients(run.cost, list(parameters.values())), strict=True))
    norm = float(np.sqrt(sum(np.sum(np.square(g, dtype=np.float64)) for g in found.values())))
    if not norm <= LONGEST * sum(C.requires_grad for C in run["C"]):
        yield Finding(
            "exploding",
            f"the gradient has norm {norm:.3g} before the first step: scale inputs and targets, start with a smaller"
            " radius, and clip with max_norm=1.0",
        )
    for name, g in found.items():
        if g.size and not np.any(g) and len(run) > 1:
            yield Finding(
                "gradient",
                f"{name} gets a gradient of exactly 0, and would never move: see that it has a part in the outputs that"
                " count, and that units are not all saturated or dead",
                name,
            )


def _saturation(run: Run) -> Iterator[Finding]:
    for role in run.steps[0]:
        tensors = run[role]
        share = _flat(tensors) if SQUASHED.fullmatch(role) else 0.0
        if share > SATURATED:
            yield Finding(
                "saturation",
                f"{share:.0%} of {role} stand where their function is flat: hardly any gradient comes through. Scale"
                " the inputs, or start with smaller weights",
                role,
            )


def _flat(tensors: list[Tensor]) -> float:
    """The share of units where the function that made them has hardly a slope."""
    fn, values = tensors[0].fn, np.stack([tensor.data for tensor in tensors])
    if fn is np.tanh:
        return float(np.mean(1 - values * values < FLAT))
    if fn is _LOGISTIC:
        return float(np.mean(4 * values * (1 - values) < FLAT))
    if fn is np.maximum:  # a relu is dead if it is so at every step and for every sequence
        return float(np.mean(~np.any(values > 0, axis=tuple(range(values.ndim - 1)))))
    return 0.0


_LOGISTIC = logistic(Tensor(0.0, requires_grad=True)).fn


def _through_time(run: Run) -> Iterator[Finding]:
    """How the gradient of the last cost that there is arrives at the first step."""
    last = max((t for t, C in enumerate(run["C"]) if C.requires_grad), default=0)
    if isinstance(run.model, Whole) or last < 1 or run.forced:
        return
    states = [list(given.values()) for given in run.carried[: last + 1]]
    shares = iter(gradients(run["C"][last], [tensor for state in states for tensor in state]))
    norms = [float(np.sqrt(sum(np.sum(np.square(next(shares), dtype=np.float64)) for _ in state))) for state in states]
    if not norms[-1] > 0:
        return
    ratio = norms[0] / norms[-1]
    told = f"of the last cost's gradient, {ratio:.1e} times as much arrives at the first step as at the last"
    if not ratio <= EXPLODES:
        yield Finding(
            "exploding",
            f"{told}: start with a smaller radius, clip with max_norm=1.0, or use shorter windows",
        )
    elif ratio < VANISHES:
        yield Finding(
            "vanishing",
            f"{told}: what has to be remembered for so long will not be learnt. Start with init='orthogonal', take an"
            " LSTM whose forget gate starts open (chrono=T), or use shorter windows",
        )
