"""Tasks whose sequences are drawn as they are needed, without end, and yet never one of the held-out ones.

Which part a sequence belongs to is its own business: a checksum of what it holds sends it to training, validation or
test. A generator that comes upon it in another part draws again. So no seed makes training see the test, and neither
does a task with so few sequences that chance would.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from itertools import islice

import numpy as np

from minigrad.engine.tensor import Array
from minigrad.rnn.tasks.task import Batch, Task, at_least

TRAINING, VALIDATION, TEST = "training", "validation", "test"
EIGHTHS = (VALIDATION, TEST, *[TRAINING] * 6)
ROUNDS = 500
"""So often sequences are drawn until enough belong to a part."""

Draw = Callable[[np.random.Generator, int], Batch]


def part_of(xs: Array) -> str:
    """The part to which the sequence ``xs`` (T, n_in) belongs: an eighth each is for validation and test."""
    return EIGHTHS[blake2b(xs.tobytes(), digest_size=8).digest()[0] % 8]


def stream(seed: int, part: str) -> np.random.Generator:
    """The generator of what a task draws itself: another one for each part, and none that a seed alone gives."""
    key = (TRAINING, VALIDATION, TEST).index(part)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(key,)))


def drawn(draw: Draw, part: str, rng: np.random.Generator, size: int, steps: int | None = None) -> Batch:
    """``size`` of the sequences that ``draw(rng, size)`` gives: the first ones that belong to ``part``.

    Where they go on for longer than those of training do, the first ``steps`` of them tell.

    Raises
    ------
    ValueError
        If there are too few different sequences for three parts.
    """
    at_least(1, size=size)
    found: list[Batch] = []
    missing = size
    count = size + size // 2 if part == TRAINING else size  # of what is drawn, a quarter is not for training
    for _ in range(ROUNDS):
        some = draw(rng, count)
        each = np.ascontiguousarray(np.swapaxes(some.xs[:steps], 0, 1))  # so that each is one piece of memory
        mine = list(islice((b for b, xs in enumerate(each) if part_of(xs) == part), missing))
        found.append(Batch(some.xs[:, mine], some.targets[..., mine, :]))
        missing -= len(mine)
        if not missing:
            joined = (np.concatenate([some[k] for some in found], axis=-2) for k in (0, 1))
            return Batch(*joined) if len(found) > 1 else found[0]
    raise ValueError(
        f"of {ROUNDS * count} sequences, {size - missing} belonged to the part for {part}, {size} are needed: the task"
        " has too few different ones, make it longer"
    )


@dataclass(eq=False, kw_only=True)
class Drawn(Task):
    """Base class: a task is how its sequences are drawn.

    Parameters
    ----------
    n_validation, n_test : int
        How many sequences are held out.
    seed : int
        Which ones.

    Raises
    ------
    ValueError
        If one of them is no whole number, or too small.
    """

    n_validation: int = 200
    n_test: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        at_least(1, n_validation=self.n_validation, n_test=self.n_test)
        at_least(0, seed=self.seed)

    def draw(self, rng: np.random.Generator, size: int) -> Batch:
        """``size`` sequences, of whatever part."""
        raise NotImplementedError

    def taken(self, part: str, rng: np.random.Generator, size: int) -> Batch:
        """``size`` sequences of a part."""
        return drawn(self.draw, part, rng, size)

    def batch(self, rng: np.random.Generator, size: int) -> Batch:
        """``size`` sequences to learn from."""
        return self.taken(TRAINING, rng, size)

    @cached_property
    def validation(self) -> Batch:
        """``n_validation`` sequences."""
        return self.taken(VALIDATION, stream(self.seed, VALIDATION), self.n_validation).fixed()

    @cached_property
    def test(self) -> Batch:
        """``n_test`` sequences."""
        return self.taken(TEST, stream(self.seed, TEST), self.n_test).fixed()
