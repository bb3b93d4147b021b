"""What a task is: sequences to learn from, others to be judged by, and the baselines that a model has to beat.

A model's score and those of the baselines are the same function of the same positions. Whatever was fitted, a baseline
or the scale of the data, was fitted on the training part alone, and scores are told in the data's own units.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from minigrad.engine.tensor import Array, Tensor
from minigrad.functions import log_softmax

SOLVED = 0.01
"""A task is solved if at most this share of the sequences is answered wrong (Pascanu et al. 2013, section 4.1)."""


class Batch(NamedTuple):
    """Sequences side by side, time first: what `minigrad.rnn.unroll` takes.

    Attributes
    ----------
    xs : ndarray (T, B, n_in)
    targets : ndarray (T, B, n_out), or (B, n_out) for a task whose ``at`` is "last"
    weights : ndarray (T,) or (T, B), or None
        Of the costs; where they are 0, nothing is judged. None if all are 1.
    """

    xs: Array
    targets: Array
    weights: Array | None = None

    def fixed(self) -> Batch:
        """The same in arrays that nobody can change."""
        for array in self:
            if array is not None:
                array.flags.writeable = False
        return self


class Task:
    """Base class: what training, the command and a study need to know of something that can be learnt.

    Attributes
    ----------
    name : str
    n_in, n_out : int
        Sizes of the x_t and of the outputs.
    cost, at : str
        As `minigrad.rnn.unroll` takes them.
    metric : str
        What `score` is called, with its unit.
    validation, test : Batch
        Never seen in training.
    generates : bool
        Whether outputs can be fed back as inputs: whether there are ``feed``, ``prompt`` and ``truth``.
    prompt : ndarray (P, B, n_in)
        The first inputs of the sequences that a model goes on from.
    truth : ndarray (H, B, n_out)
        What follows: the targets of the last step of ``prompt``, of the step after it, and so on.
    """

    name: str = ""
    n_in: int
    n_out: int
    cost: str = "squared_error"
    at: str = "every"
    metric: str = "mean squared error"
    generates: bool = False

    def batch(self, rng: np.random.Generator, size: int) -> Batch:
        """``size`` sequences to learn from: a function of the generator's state alone."""
        raise NotImplementedError

    @cached_property
    def validation(self) -> Batch:
        """Sequences to choose a model by."""
        raise NotImplementedError

    @cached_property
    def test(self) -> Batch:
        """Sequences to judge the chosen model by."""
        raise NotImplementedError

    def baselines(self, batch: Batch | None = None) -> dict[str, float]:
        """The scores of honest baselines on ``batch``, or on ``test``."""
        raise NotImplementedError

    @property
    def unit(self) -> Array | float:
        """One of the outputs' units in those of the data, (n_out,) or a number."""
        return 1.0

    # -- judging ------------------------------------------------------------------------------------------------------

    def score(self, outputs: Any, batch: Batch) -> float:
        """The metric, in the data's own units: lower is better.

        Parameters
        ----------
        outputs : array_like or Tensor (T, B, n_out)
            Those of a model along ``batch.xs``, such as ``run.outputs``; (B, n_out) will do if ``at`` is "last".
        batch : Batch
            ``validation`` or ``test``, say.

        Returns
        -------
        float
            The weighted mean over all positions that count. Outputs that are not finite give what is none.

        Raises
        ------
        ValueError
            If outputs and targets differ in shape.
        """
        outputs = self.judged(outputs, batch)
        with np.errstate(over="ignore", invalid="ignore"):
            if self.cost == "cross_entropy":
                costs = -np.sum(np.where(batch.targets == 0, 0.0, batch.targets * log_softmax(outputs)), axis=-1)
            else:
                costs = np.mean(((outputs - batch.targets) * self.unit) ** 2, axis=-1)
        return weighted(costs, batch.weights)

    def judged(self, outputs: Any, batch: Batch) -> Array:
        """The outputs that stand beside ``batch.targets``.

        Raises
        ------
        ValueError
            If their shapes differ.
        """
        found = np.asarray(outputs.data if isinstance(outputs, Tensor) else outputs)
        if self.at == "last" and found.shape == (len(batch.xs), *batch.targets.shape):
            found = found[-1]
        if found.shape != batch.targets.shape:
            raise ValueError(
                f"outputs of shape {found.shape} do not go with targets of shape {batch.targets.shape}: pass those of"
                " a run along the batch's xs, run.outputs"
            )
        return found

    def wrong(self, outputs: Any, batch: Batch) -> float | None:
        """The share of the sequences that are answered wrong; None if the task knows no right or wrong."""
        return None

    def solved(self, outputs: Any, batch: Batch) -> bool | None:
        """Whether at most one in a hundred sequences is answered wrong; None if there is no right or wrong."""
        share = self.wrong(outputs, batch)
        return None if share is None else share <= SOLVED

    # -- closing the loop ---------------------------------------------------------------------------------------------

    def feed(self, output: Any, t: int, rng: np.random.Generator | None = None) -> Array:
        """The input of step ``t``, made from the output of the step before.

        Parameters
        ----------
        output : array_like (B, n_out)
        t : int
            Counted from 0 at the first input of ``prompt``: the first one to be made is that of t = ``len(prompt)``.
        rng : numpy.random.Generator, optional
            For tasks that draw from what the output tells.

        Returns
        -------
        ndarray (B, n_in)

        Raises
        ------
        TypeError
            If the task does not generate.
        """
        raise self._open()

    @property
    def prompt(self) -> Array:
        """The inputs to warm up on."""
        raise self._open()

    @property
    def truth(self) -> Array:
        """What follows them."""
        raise self._open()

    def _open(self) -> TypeError:
        return TypeError(
            f"the outputs of the task {self.name!r} are no inputs, so that nothing can be generated: choose one that"
            " forecasts its own input, such as 'sine' or 'text'"
        )


def weighted(costs: Array, weights: Array | None) -> float:
    """The mean of ``costs`` (T, B) or (B,) by ``weights`` (T,) or (T, B); what has weight 0 may be anything."""
    if weights is None:
        return float(np.mean(costs))
    each = np.broadcast_to(weights.reshape(len(weights), -1), costs.shape)
    return float(np.sum(np.where(each > 0, costs, 0.0) * each) / np.sum(each))


def at_least(least: int, **given: Any) -> None:
    """Refuse options that are no whole numbers from ``least`` on."""
    for name, value in given.items():
        if not isinstance(value, (int, np.integer)) or value < least:
            raise ValueError(f"{name} is {value!r}: expected a whole number of at least {least}")
