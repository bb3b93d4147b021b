"""Small tasks for the tests of training."""

from __future__ import annotations

import numpy as np

from minigrad.rnn.cells import RNN
from minigrad.rnn.tasks.task import Batch, Task


def delayed(rng, T=6, B=8):
    """Echo the input of the step before: it has to be remembered."""
    xs = np.random.default_rng(rng).uniform(-1, 1, size=(T, B, 1))
    return Batch(xs, np.concatenate([np.zeros_like(xs[:1]), xs[:-1]]))


class Delayed(Task):
    """`delayed`, drawn anew for every batch; ``until`` says after how many of them there is a Ctrl-C."""

    name, n_in, n_out = "delayed", 1, 1

    def __init__(self, T=6, until=None):
        self.T, self._left = T, until
        self.validation = delayed(99, T)

    def batch(self, rng, size):
        batch = delayed(rng, self.T, size)
        if self._left is not None:
            if self._left == 0:
                raise KeyboardInterrupt
            self._left -= 1
        return batch


class Last(Delayed):
    """Only what is said last counts, and of some sequences more than of others."""

    at = "last"

    def __init__(self):
        super().__init__()
        self.validation = Batch(self.validation.xs, self.validation.targets[-1])

    def batch(self, rng, size):
        xs, targets, _ = super().batch(rng, size)
        return Batch(xs, targets[-1], np.linspace(0, 2, size) * np.ones((len(xs), 1)))


def network(**options):
    return RNN(1, 5, 1, rng=0, **options)


def assert_same(state, expected):
    assert state.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(state[name], value, err_msg=name)
