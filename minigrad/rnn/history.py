"""What happened in a training: a record of it that does not grow without end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from minigrad.engine.tensor import Array

LIMIT = 10_000
State = dict[str, Array]


class Mark(NamedTuple):
    """What a history told after so many updates."""

    steps: int
    clippings: int
    validation: list[tuple[int, float]]
    best_step: int
    best_cost: float
    best: State | None
    waited: int


@dataclass(repr=False, eq=False)
class History:
    """What happened in a training, update by update.

    A training may be long: as soon as more than ``limit`` updates stand here, every other one is dropped, and from then
    on every ``stride``-th is noted. So the record is even, and its size is between ``limit / 2`` and ``limit``. (Of
    ``validation`` every other entry is dropped likewise.) Nothing else depends on what was dropped.

    Attributes
    ----------
    costs : list of float
        The cost a step of the batch before the update, see `minigrad.rnn.evaluate`.
    norms : list of float
        ‖g‖₂ before clipping.
    clipped : list of bool
        Whether the gradient was scaled down.
    validation : list of (int, float)
        The update after which the model was validated, and its cost a step there.
    best_step, best_cost : int, float
        After how many updates validation found the least cost, and that; 0 and infinity without validation.
    best, last : dict of str to ndarray, or None
        The parameters after ``best_step`` updates, and after all of them: snapshots of arrays that nobody can change,
        which `Module.load_state_dict` takes. None if there are none.
    interrupted : bool
        Whether Ctrl-C ended the training.
    steps : int
        How many updates there were.
    stride : int
        The entries are of the updates 1, 1 + stride, 1 + 2 stride ...: see `updates`.
    clippings : int
        How many updates were clipped, of all.
    waited : int
        How many validations in a row were not better than the best.
    limit : int
        How many entries there may be; even.
    """

    costs: list[float] = field(default_factory=list)
    norms: list[float] = field(default_factory=list)
    clipped: list[bool] = field(default_factory=list)
    validation: list[tuple[int, float]] = field(default_factory=list)
    best_step: int = 0
    best_cost: float = np.inf
    best: State | None = None
    last: State | None = None
    interrupted: bool = False
    steps: int = 0
    stride: int = 1
    clippings: int = 0
    waited: int = 0
    limit: int = LIMIT

    def __repr__(self) -> str:
        best = f": best cost {self.best_cost:.4g} after {self.best_step}" if self.best is not None else ""
        return f"<History of {self.steps} updates{best}>"

    @property
    def updates(self) -> Array:
        """Which update each entry of ``costs``, ``norms`` and ``clipped`` is of, counted from 1."""
        return 1 + self.stride * np.arange(len(self.costs))

    def note(self, cost: float, norm: float, clipped: bool) -> None:
        """Note an update."""
        if self.steps % self.stride == 0:
            self.costs.append(cost)
            self.norms.append(norm)
            self.clipped.append(clipped)
        self.steps += 1
        self.clippings += clipped
        if len(self.costs) > self.limit:
            halves = self.costs[::2], self.norms[::2], self.clipped[::2]
            (self.costs, self.norms, self.clipped), self.stride = halves, 2 * self.stride  # at once, also on Ctrl-C

    def mark(self) -> Mark:
        """What `forget` needs to come back to here."""
        return Mark(self.steps, self.clippings, self.validation, self.best_step, self.best_cost, self.best, self.waited)

    def forget(self, mark: Mark) -> None:
        """Forget what has happened since `mark` was asked for."""
        for name, value in mark._asdict().items():
            setattr(self, name, value)
        for column in (self.costs, self.norms, self.clipped):
            del column[-(-self.steps // self.stride) :]

    def judge(self, cost: float, state: State) -> None:
        """Note what validation has found of the parameters ``state``, after all updates so far."""
        self.validation = [*self.validation, (self.steps, cost)]  # a list of its own: a mark holds the old one
        if len(self.validation) > self.limit:
            self.validation = self.validation[::2]
        self.waited += 1
        if cost < self.best_cost:
            self.best_step, self.best_cost, self.best, self.waited = self.steps, cost, state, 0

    @property
    def judged(self) -> int:
        """After how many updates the last validation was."""
        return self.validation[-1][0] if self.validation else 0
