"""Closed loop: a model that hears, in the place of data, what comes of its own outputs.

    outputs = generate(model, prompt, feed=lambda output, t, rng: output, steps=100)

continues a series of which the model was trained to predict the next value, and

    letters = generate(model, prompt, feed=lambda output, t, rng: one_hot[sample(output, rng, 0.8)], steps=100)

a text, by drawing each letter from the distribution of which the outputs are the logits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from minigrad.engine.tensor import Array, Tensor
from minigrad.rnn.stepping import Model, Whole, along
from minigrad.scopes import no_grad

Feed = Callable[[Array, int, np.random.Generator], Any]


def generate(
    model: Model,
    prompt: Any,
    feed: Feed,
    steps: int,
    *,
    rng: int | np.random.Generator = 0,
    initial: Mapping[str, Any] | None = None,
) -> Array:
    """Let ``model`` hear ``prompt`` and then, for some steps, what ``feed`` makes of its outputs.

    Parameters
    ----------
    model : Model
        Any that has a step; a `Bidirectional` has none. All that is carried goes on.
    prompt : array_like (T, B, n_in) or (T, n_in)
        The inputs x_0 ... x_{T-1} to begin with.
    feed : callable
        ``feed(output, t, rng)`` is the next input x_t (B, n_in), given the last output (B, n_out). t = T, T + 1 ... is
        counted from the first step of the prompt, from 0: a force that goes on is ``force[t]``.
    steps : int
        How many outputs there are to be, at least 1.
    rng : int or numpy.random.Generator
        Handed to ``feed``.
    initial : dict, optional
        As for `minigrad.rnn.unroll`.

    Returns
    -------
    ndarray (steps, B, n_out)
        The first is the output at the end of the prompt; for each other one, ``feed`` was asked once.

    Raises
    ------
    TypeError
        If the model needs the whole sequence.
    ValueError
        If ``steps`` is below 1, or what ``feed`` gives has not the shape of a step; and as `minigrad.rnn.unroll`.

    Examples
    --------
    >>> import numpy as np
    >>> from minigrad.rnn import RNN, generate
    >>> model = RNN(1, 4, 1, rng=0)
    >>> generate(model, np.ones((5, 1)), lambda output, t, rng: output, steps=3).shape
    (3, 1)
    """
    if isinstance(model, Whole):
        raise TypeError(
            f"a {type(model).__name__} hears the future, which there is not yet when outputs are fed back: take a model"
            " of one direction"
        )
    if steps < 1:
        raise ValueError(f"steps={steps}: at least one output is needed")
    rng = np.random.default_rng(rng)
    stepping = along(model, prompt)
    bound, outputs = model.bind(), list[Array]()
    with no_grad():
        for found in stepping.steps(stepping.first(initial), bound=bound, costs=False):
            output, carried = found.tensors["y"], found.following
        outputs.append(output.data)
        for t in range(len(stepping), len(stepping) + steps - 1):
            x = np.asarray(feed(outputs[-1], t, rng), stepping.xs.dtype)
            if x.shape != (*stepping.batch, model.n_in):
                raise ValueError(
                    f"feed gave an input of shape {x.shape} at t={t}: {(*stepping.batch, model.n_in)} is needed"
                )
            step = model.step(bound, Tensor(x), carried)
            carried = {role: step[role] for role in model.carried}
            outputs.append(step["y"].data)
    return np.stack(outputs)


def sample(logits: Any, rng: np.random.Generator, temperature: float = 1.0) -> Array:
    """Draw from softmax(logits / temperature), for each row.

    Parameters
    ----------
    logits : array_like (..., n)
        -inf has no chance.
    rng : numpy.random.Generator
    temperature : float
        Below 1, likely ones become likelier; 0 takes the likeliest; with infinity, all are alike.

    Returns
    -------
    ndarray of int (...)
        Indices from 0 to n - 1; ``np.eye(n)[indices]`` are the rows that an input in one-hot code needs.

    Raises
    ------
    ValueError
        If the temperature is no number >= 0, or a row has NaN, or nothing that can be drawn.

    Examples
    --------
    >>> import numpy as np
    >>> logits = np.log([0.1, 0.2, 0.7])
    >>> sample(logits, np.random.default_rng(0), temperature=0)
    array(2)
    >>> drawn = sample(np.tile(logits, (10_000, 1)), np.random.default_rng(0))
    >>> (np.bincount(drawn) / 10_000).round(1)
    array([0.1, 0.2, 0.7])
    """
    if not temperature >= 0:
        raise ValueError(f"temperature={temperature}: a number of at least 0 is needed")
    rows = np.asarray(logits, np.float64)
    peaks = np.max(rows, axis=-1, keepdims=True, initial=-np.inf)
    if not np.all(np.isfinite(peaks)):
        raise ValueError("logits are NaN or infinite, or all of a row are -inf: there is nothing to draw from")
    noise = rng.gumbel(size=rows.shape)  # the largest of logits + Gumbel noise is drawn from their softmax
    if temperature == 0:
        return np.asarray(np.argmax(rows, axis=-1))
    with np.errstate(over="ignore"):  # far below the peak is as good as -inf
        scaled = np.where(np.isneginf(rows), -np.inf, (rows - peaks) / temperature)
    return np.asarray(np.argmax(scaled + noise, axis=-1))


def horizon(outputs: Any, truth: Any, threshold: float) -> Array:
    """How long a forecast holds: the first step at which its error exceeds a threshold.

    Parameters
    ----------
    outputs, truth : array_like (T, B, n) or (T, n)
    threshold : float
        Of the error ‖ỹ_t - y_t‖₂ over the components, in the data's own units.

    Returns
    -------
    ndarray of int (B,), or ()
        Counted from 0, so that it is the number of steps forecast well; T if the error never exceeds the threshold.
        What is NaN exceeds it.

    Raises
    ------
    ValueError
        If the shapes differ, or the threshold is no number >= 0.

    Examples
    --------
    >>> truth = [[0.0], [0.0], [0.0], [0.0]]
    >>> horizon([[0.0], [0.1], [0.3], [0.0]], truth, 0.2)
    array(2)
    """
    outputs, truth = np.asarray(outputs, np.float64), np.asarray(truth, np.float64)
    if outputs.shape != truth.shape or outputs.ndim < 2:
        raise ValueError(f"outputs of shape {outputs.shape} and truth of {truth.shape}: both are (T, B, n) or (T, n)")
    if not threshold >= 0:
        raise ValueError(f"threshold={threshold}: a number of at least 0 is needed")
    with np.errstate(invalid="ignore", over="ignore"):  # a forecast that exploded is one that failed
        lost = ~(np.linalg.norm(outputs - truth, axis=-1) <= threshold)
    return np.asarray(np.where(lost.any(axis=0), lost.argmax(axis=0), len(lost)))
