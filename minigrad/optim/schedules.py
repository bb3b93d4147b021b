"""Schedules: a learning rate that is a function of the number of steps taken so far.

    SGD(model, lr=schedules.Warmup(schedules.Cosine(0.1, steps=900), steps=100))
    SGD(model, lr=lambda n: 0.1 / (1 + n))

Nothing has to be told that a step was taken, and nothing but the number of steps has to be kept in order to go on
later: the optimizer counts them. Only `Plateau` has a memory, because it listens to what validation finds; the
optimizer keeps it beside its own. The schedules here are values, which print, compare and pickle. Where PyTorch has the
same one, the learning rates are the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from minigrad.optim.options import check, count, not_negative, positive

Schedule: TypeAlias = Callable[[int], float]
"""The learning rate of a step, from the number of steps before it."""


@dataclass(frozen=True)
class Constant:
    """The same learning rate at every step.

    Parameters
    ----------
    lr : float
        Above 0.
    """

    lr: float

    def __post_init__(self) -> None:
        positive(lr=self.lr)

    def __call__(self, step: int) -> float:
        return self.lr


@dataclass(frozen=True)
class StepDecay:
    """lr γᵏ after k times ``every`` steps, γ being ``factor`` (PyTorch's StepLR).

    Parameters
    ----------
    lr : float
        The first learning rate, above 0.
    every : int
        How many steps it stays the same, at least 1.
    factor : float
        Above 0, at most 1.
    """

    lr: float
    every: int
    factor: float = 0.1

    def __post_init__(self) -> None:
        positive(lr=self.lr)
        count(1, every=self.every)
        check("factor", self.factor, 0 < self.factor <= 1, "above 0 and at most 1")

    def __call__(self, step: int) -> float:
        return self.lr * self.factor ** (step // self.every)


@dataclass(frozen=True)
class Exponential:
    """lr γⁿ after n steps, γ being ``factor`` (PyTorch's ExponentialLR).

    Parameters
    ----------
    lr : float
        The first learning rate, above 0.
    factor : float
        Above 0, at most 1.
    """

    lr: float
    factor: float

    def __post_init__(self) -> None:
        positive(lr=self.lr)
        check("factor", self.factor, 0 < self.factor <= 1, "above 0 and at most 1")

    def __call__(self, step: int) -> float:
        return self.lr * self.factor**step


@dataclass(frozen=True)
class Cosine:
    """Half a cosine from ``lr`` to ``final``, once or again and again (Loshchilov and Hutter, 2017, Eq. 5).

    After n of N steps it is final + ½ (lr − final)(1 + cos(π n / N)). This is PyTorch's CosineAnnealingLR up to its
    end (there it then rises again, here it stays), and with ``restart`` its CosineAnnealingWarmRestarts.

    Parameters
    ----------
    lr : float
        The first learning rate, above 0.
    steps : int
        After how many it ends, at least 1.
    final : float
        Where, at least 0.
    restart : bool
        Whether to begin anew at the end.
    """

    lr: float
    steps: int
    final: float = 0.0
    restart: bool = False

    def __post_init__(self) -> None:
        positive(lr=self.lr)
        count(1, steps=self.steps)
        not_negative(final=self.final)

    def __call__(self, step: int) -> float:
        n = step % self.steps if self.restart else min(step, self.steps)
        return _half_cosine(self.lr, self.final, n / self.steps)


@dataclass(frozen=True)
class OneCycle:
    """Up and down again, each along half a cosine (Smith and Topin, 2019; PyTorch's OneCycleLR, of two phases).

    It begins at lr / ``div_factor``, and ends at that / ``final_div_factor``, where it stays. (The momentum, which
    PyTorch can change at the same time, stays the same.)

    Parameters
    ----------
    lr : float
        The highest learning rate, above 0.
    steps : int
        How many there are, at least 2.
    rise : float
        The share of them that leads up (PyTorch's pct_start): at least 0, below 1.
    div_factor, final_div_factor : float
        Above 0.
    """

    lr: float
    steps: int
    rise: float = 0.3
    div_factor: float = 25.0
    final_div_factor: float = 1e4

    def __post_init__(self) -> None:
        positive(lr=self.lr)
        count(2, steps=self.steps)
        check("rise", self.rise, 0 <= self.rise < 1, "at least 0 and below 1")
        positive(div_factor=self.div_factor, final_div_factor=self.final_div_factor)

    def __call__(self, step: int) -> float:
        top, last = self.rise * self.steps - 1, self.steps - 1  # where they are counted from 0
        first = self.lr / self.div_factor
        if step < top:
            return _half_cosine(first, self.lr, step / top)
        return _half_cosine(self.lr, first / self.final_div_factor, (min(step, last) - top) / (last - top))


@dataclass(frozen=True)
class InverseSquareRoot:
    """Up along a line, then down with 1 / √n (Vaswani et al., 2017, Eq. 3, n counting from 1):

        lr min(n / N, √(N / n))

    Parameters
    ----------
    lr : float
        The highest learning rate, that of step N, above 0.
    warmup : int
        N ≥ 1: how many steps lead up.
    """

    lr: float
    warmup: int = 1

    def __post_init__(self) -> None:
        positive(lr=self.lr)
        count(1, warmup=self.warmup)

    def __call__(self, step: int) -> float:
        n = step + 1
        return self.lr * min(n / self.warmup, math.sqrt(self.warmup / n))


@dataclass(frozen=True)
class Warmup:
    """Up along a line to where ``then`` begins, and on with that (Goyal et al., 2017, Section 2.2).

    If ``then`` is a number, this is PyTorch's LinearLR with ``start_factor=start``.

    Parameters
    ----------
    then : float or schedule
        What comes afterwards: its own count begins when the warm-up ends.
    steps : int
        How many lead up, at least 1.
    start : float
        Where the line begins, as a share of where it ends: at least 0, at most 1. From 0, the first step leads nowhere.

    Raises
    ------
    ValueError
        If ``then`` is a `Plateau`, which has to be the optimizer's own ``lr``, or a number is out of its range.
    """

    then: float | Schedule
    steps: int
    start: float = 0.0

    def __post_init__(self) -> None:
        if isinstance(self.then, Plateau):
            raise ValueError("Warmup was given a Plateau, which has to be the optimizer's own lr to hear of validation")
        if not callable(self.then):
            positive(then=self.then)
        count(1, steps=self.steps)
        check("start", self.start, 0 <= self.start <= 1, "at least 0 and at most 1")

    def __call__(self, step: int) -> float:
        then = self.then(max(0, step - self.steps)) if callable(self.then) else self.then
        return then if step >= self.steps else then * (self.start + (1 - self.start) * step / self.steps)


@dataclass
class Plateau:
    """Smaller whenever validation has not got better for a while (PyTorch's ReduceLROnPlateau, of a cost).

        optimizer = SGD(model, lr=Plateau(0.1, patience=3))
        optimizer.observe(cost)         # after each validation

    A cost is better if it is below (1 − threshold) times the best one, so NaN is not.

    Parameters
    ----------
    lr : float
        The first learning rate, above 0.
    factor : float
        What it is multiplied by, above 0 and below 1.
    patience : int
        How many validations in a row may be no better; one more, and it gets smaller.
    threshold : float
        By what share a cost has to be lower to be better, at least 0.
    cooldown : int
        How many validations after that are not counted.
    min_lr : float
        It gets no smaller than this, at least 0.
    """

    lr: float
    factor: float = 0.1
    patience: int = 10
    threshold: float = 1e-4
    cooldown: int = 0
    min_lr: float = 0.0
    _memory: dict[str, float] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        positive(lr=self.lr)
        check("factor", self.factor, 0 < self.factor < 1, "above 0 and below 1")
        count(0, patience=self.patience, cooldown=self.cooldown)
        not_negative(threshold=self.threshold, min_lr=self.min_lr)
        self._memory = {"now": float(self.lr), "best": math.inf, "worse": 0, "resting": 0}

    def __call__(self, step: int) -> float:
        return self._memory["now"]

    def observe(self, cost: float) -> None:
        """Hear what a validation found."""
        now, best, worse, resting = self._memory.values()
        best, worse = (float(cost), 0) if cost < best * (1 - self.threshold) else (best, worse + 1)
        if resting:
            resting, worse = resting - 1, 0
        if worse > self.patience:
            now, worse, resting = min(now, max(now * self.factor, self.min_lr)), 0, self.cooldown
        self._memory = {"now": now, "best": best, "worse": worse, "resting": resting}

    def state_dict(self) -> dict[str, float]:
        """The present learning rate, the best cost, how many were no better since, and how many will not count."""
        return dict(self._memory)

    def load_state_dict(self, state: Mapping[str, float]) -> None:
        """Go on from a `state_dict`."""
        self._memory = {key: state[key] for key in self._memory}


def _half_cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2
