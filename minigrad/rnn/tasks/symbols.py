"""Tasks that ask for memory and nothing else: a network that forgets does no better than the baseline.

Adding and temporal order are Hochreiter and Schmidhuber's (1997, tasks 4 and 6a), in the forms of Le, Jaitly, Hinton
(2015) and of Pascanu, Mikolov, Bengio (2013); copying is that of Arjovsky, Shah, Bengio (2016).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad.engine.tensor import Array
from minigrad.rnn.tasks.drawn import Drawn
from minigrad.rnn.tasks.task import Batch, at_least


@dataclass(eq=False)
class Adding(Drawn):
    """The sum of the two marked numbers of a sequence.

    x_t = (u_t, marker): u_t ~ U[0, 1], and one marker, a 1, in each half. The target, at the last step, is the sum of
    the marked u_t. Whoever predicts 1 always has a mean squared error of 1/6.

    Parameters
    ----------
    T : int
        Steps of a sequence.
    hochreiter : bool
        Hochreiter's form: u_t ~ U[-1, 1], the target is ½ + (u_i + u_j)/4, and ½ has an error of 1/24.
    n_validation, n_test, seed : int
        As in `Drawn`.

    Raises
    ------
    ValueError
        If ``T`` is below 2.
    """

    T: int = 50
    hochreiter: bool = False

    name = "adding"
    n_in, n_out = 2, 1
    at = "last"

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(2, T=self.T)

    def draw(self, rng: np.random.Generator, size: int) -> Batch:
        """``size`` sequences, of whatever part."""
        half, each = self.T // 2, np.arange(size)
        u = rng.uniform(-1.0 if self.hochreiter else 0.0, 1.0, (self.T, size))
        first, second = rng.integers(0, half, size), rng.integers(half, self.T, size)
        xs = np.zeros((size, self.T, 2))
        xs[..., 0] = u.T
        xs[each, first, 1] = xs[each, second, 1] = 1.0
        total = u[first, each] + u[second, each]
        targets = 0.5 + total / 4 if self.hochreiter else total
        return Batch(xs.swapaxes(0, 1), targets[:, None])

    def baselines(self, batch: Batch | None = None) -> dict[str, float]:
        """The mean of all targets, always."""
        batch = self.test if batch is None else batch
        mean = 0.5 if self.hochreiter else 1.0
        return {f"constant {mean:g}": self.score(np.full_like(batch.targets, mean), batch)}

    def wrong(self, outputs: Any, batch: Batch) -> float:
        """The share of the sums that are missed by more than 0.04, as in Hochreiter and Schmidhuber (1997)."""
        near = np.abs(self.judged(outputs, batch) - batch.targets) <= 0.04  # NaN is near nothing
        return float(np.mean(~near))


@dataclass(eq=False)
class CopyMemory(Drawn):
    """A few symbols, to be said again after a long time.

    ``length`` symbols; then T blanks, of which the last is a sign to begin; then ``length`` more blanks, during which
    the symbols are to be said in their order. Until then the right output is the blank. All are one-hot: the symbols,
    the blank and, among the inputs only, the sign. Whoever says blanks, and then guesses, has a cross-entropy of
    length · ln(symbols) / (T + 2 length) a step.

    Parameters
    ----------
    T : int
        How long they are to be remembered.
    length, symbols : int
        How many symbols a sequence has, and of how many kinds they are.
    n_validation, n_test, seed : int
        As in `Drawn`.

    Raises
    ------
    ValueError
        If an option is below 1, or ``symbols`` below 2; and, when they are drawn, if there are too few sequences.
    """

    T: int = 100
    length: int = 10
    symbols: int = 8

    name = "copy"
    cost = "cross_entropy"
    metric = "cross-entropy (nats a step)"

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(1, T=self.T, length=self.length)
        at_least(2, symbols=self.symbols)
        self.n_in, self.n_out = self.symbols + 2, self.symbols + 1

    def draw(self, rng: np.random.Generator, size: int) -> Batch:
        """``size`` sequences, of whatever part."""
        blank, sign = self.symbols, self.symbols + 1
        said = rng.integers(self.symbols, size=(self.length, size))
        heard = np.full((self.T + 2 * self.length, size), blank)
        wanted = heard.copy()
        heard[: self.length], wanted[-self.length :] = said, said
        heard[self.length + self.T - 1] = sign
        return Batch(_one_hot(heard, self.n_in), _one_hot(wanted, self.n_out))

    def baselines(self, batch: Batch | None = None) -> dict[str, float]:
        """Blanks, and then any symbol."""
        batch = self.test if batch is None else batch
        logits = np.full(batch.targets.shape, -np.inf)
        logits[: -self.length, :, self.symbols] = 0.0
        logits[-self.length :, :, : self.symbols] = 0.0
        return {"no memory": self.score(logits, batch)}

    def wrong(self, outputs: Any, batch: Batch) -> float:
        """The share of the sequences of which not every symbol is said again."""
        found, wanted = (np.argmax(each, axis=-1) for each in (self.judged(outputs, batch), batch.targets))
        return float(np.mean(np.any(found[-self.length :] != wanted[-self.length :], axis=0)))


@dataclass(eq=False)
class TemporalOrder(Drawn):
    """Which of two symbols came first, and which second.

    Six symbols, one-hot. Four of them stand everywhere and mean nothing; at two places, one in [T/10, 2T/10] and one in
    [4T/10, 5T/10], stands A or B. The class, at the last step, is AA, AB, BA or BB: to start with, that costs ln 4.

    Parameters
    ----------
    T : int
        Steps of a sequence.
    n_validation, n_test, seed : int
        As in `Drawn`.

    Raises
    ------
    ValueError
        If ``T`` is below 5.
    """

    T: int = 50

    name = "order"
    n_in, n_out = 6, 4
    cost, at = "cross_entropy", "last"
    metric = "cross-entropy (nats a sequence)"

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(5, T=self.T)

    def draw(self, rng: np.random.Generator, size: int) -> Batch:
        """``size`` sequences, of whatever part."""
        T, each = self.T, np.arange(size)
        symbols = rng.integers(2, 6, (T, size))
        first = rng.integers(T // 10, 2 * T // 10 + 1, size)
        second = rng.integers(4 * T // 10, 5 * T // 10 + 1, size)
        a, b = rng.integers(2, size=(2, size))
        symbols[first, each], symbols[second, each] = a, b
        return Batch(_one_hot(symbols, 6), np.eye(4)[2 * a + b])

    def baselines(self, batch: Batch | None = None) -> dict[str, float]:
        """Any of the four classes."""
        batch = self.test if batch is None else batch
        return {"any class": self.score(np.zeros_like(batch.targets), batch)}

    def wrong(self, outputs: Any, batch: Batch) -> float:
        """The share of the sequences of which the class is not the most probable one."""
        found, wanted = (np.argmax(each, axis=-1) for each in (self.judged(outputs, batch), batch.targets))
        return float(np.mean(found != wanted))


def _one_hot(symbols: Array, n: int) -> Array:
    """Of numbers (T, B) below n, (T, B, n)."""
    each: Array = np.eye(n).take(symbols.T, axis=0)  # a sequence in one piece, since it is taken, or left, as a whole
    return each.swapaxes(0, 1)
