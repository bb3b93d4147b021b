"""What a task is: batches to train on, others to be judged by, and what has to be beaten."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class Batch(NamedTuple):
    """Sequences with their targets, as `minigrad.rnn.unroll` takes them.

    Attributes
    ----------
    xs : ndarray (T, B, n_in)
    targets : ndarray (T, B, n_out), or (B, n_out) where only the last step counts
    weights : ndarray (T,) or (T, B), optional
    """

    xs: Any
    targets: Any
    weights: Any = None


class Task:
    """Base class of all tasks.

    Attributes
    ----------
    name : str
    n_in, n_out : int
    cost, at : str
        As for `minigrad.rnn.unroll`.
    metric : str
        What `score` is called, with its unit.
    validation, test : Batch
        Never seen in training.
    """

    name: str
    n_in: int
    n_out: int
    cost: str = "squared_error"
    at: str = "every"
    metric: str = "mean squared error"
    validation: Batch
    test: Batch

    def batch(self, rng: np.random.Generator, size: int) -> Batch:
        """Sequences to train on, a function of the generator's state alone."""
        raise NotImplementedError

    def score(self, outputs: Any, batch: Batch) -> float:
        """What the metric says about outputs (T, B, n_out); lower is better."""
        raise NotImplementedError

    def baselines(self) -> dict[str, float]:
        """The metric of each honest baseline, on ``test``."""
        raise NotImplementedError
