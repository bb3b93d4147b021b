"""Systems to be forecast: a sine, the forced and damped oscillator, and two chaotic ones, Lorenz's and Hénon's.

The first two are families of motions, drawn as they are needed; each of the others is one long motion, divided first to
last.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from minigrad.engine.tensor import Array
from minigrad.rnn.dynamics import oscillator
from minigrad.rnn.tasks.drawn import TEST, TRAINING, Drawn, drawn, stream
from minigrad.rnn.tasks.forecast import Forecast, Recorded, Scale
from minigrad.rnn.tasks.task import Batch, at_least

SAMPLE = 256
"""So many sequences of the training part are what scale and baselines are fitted to."""


@dataclass(eq=False)
class Family(Drawn, Forecast):
    """Base class: motions that differ in their parameters and where they start.

    Parameters
    ----------
    T : int
        Steps of a sequence; as many are given before the loop is closed.
    horizon : int
        How many are to be generated then.
    orders : tuple of int
        The p of the AR(p) that are baselines.
    n_validation, n_test, seed : int
        As in `Drawn`.

    Raises
    ------
    ValueError
        If they are no whole numbers, or too small.
    """

    T: int = 60
    horizon: int = 210
    orders: tuple[int, ...] = (1, 2)
    n_test: int = field(default=250, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(1, horizon=self.horizon, **{f"orders[{k}]": p for k, p in enumerate(self.orders)})
        at_least(max(2, *self.orders), T=self.T)
        self.n_prompt = self.T

    def motions(self, rng: np.random.Generator, size: int, steps: int) -> Array:
        """``steps`` + 1 samples of ``size`` motions, (steps + 1, size, n_in): what is forecast first, then the rest."""
        raise NotImplementedError

    def draw(self, rng: np.random.Generator, size: int, steps: int | None = None) -> Batch:
        """``size`` sequences, of whatever part, in their own units."""
        motions = self.motions(rng, size, self.T if steps is None else steps)
        return Batch(motions[:-1], motions[1:, :, : self.n_out])

    @cached_property
    def scale(self) -> Scale:  # type: ignore[override]
        """That of a sample of the training part."""
        return Scale.of(drawn(self.draw, TRAINING, stream(self.seed, TRAINING), SAMPLE).xs, f"the task {self.name}")

    def standard(self, batch: Batch) -> Batch:
        """Standardised."""
        targets = (batch.targets - self.scale.mean[: self.n_out]) / self.unit
        return Batch(self.scale.standard(batch.xs), targets, batch.weights)

    def taken(self, part: str, rng: np.random.Generator, size: int) -> Batch:
        """``size`` sequences of a part; held-out ones are judged from where all baselines know enough."""
        batch = self.standard(super().taken(part, rng, size))
        if part == TRAINING:
            return batch
        known = np.arange(1, self.T + 1) >= max(2, *self.orders)
        return batch._replace(weights=known.astype(np.float64))

    def fitting(self) -> Batch:
        """The sample that the scale was fitted to."""
        return self.batch(stream(self.seed, TRAINING), SAMPLE)

    @cached_property
    def going_on(self) -> Batch:
        """A few sequences that go on for ``horizon`` steps; their beginnings are of the test part."""
        steps = self.T + self.horizon - 1
        long = drawn(lambda rng, size: self.draw(rng, size, steps), TEST, stream(self.seed, TEST), 16, self.T)
        return self.standard(long).fixed()


@dataclass(eq=False)
class Sine(Family):
    """x_t = sin(2πt/P + φ), of any phase, with periods P between ``periods``; and noise, if there is to be some.

    Parameters
    ----------
    T, horizon, orders, n_validation, n_test, seed
        As in `Family`.
    periods : (float, float)
        The shortest and the longest, in steps, above 2.
    noise : float
        Standard deviation of what is added to each sample.

    Raises
    ------
    ValueError
        If there are no such periods, or the noise is negative; and as `Family` does.
    """

    periods: tuple[float, float] = (10.0, 30.0)
    noise: float = 0.0

    name = "sine"
    n_in, n_out = 1, 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 2 < self.periods[0] <= self.periods[1] < np.inf:
            raise ValueError(f"periods={self.periods}: the shortest and the longest, in steps, are needed, above 2")
        if not 0 <= self.noise < np.inf:
            raise ValueError(f"noise={self.noise}: a standard deviation is at least 0")

    def motions(self, rng: np.random.Generator, size: int, steps: int) -> Array:
        """``steps`` + 1 samples of ``size`` sines, (steps + 1, size, 1)."""
        period, phase = rng.uniform(*self.periods, size), rng.uniform(0, 2 * np.pi, size)
        x = np.sin(2 * np.pi * np.arange(steps + 1)[:, None] / period + phase)
        return (x + self.noise * rng.normal(size=x.shape) if self.noise else x)[..., None]


@dataclass(eq=False)
class Oscillator(Family):
    """m x'' + c x' + x = F(t), under random harmonic forces and from random starts, sampled every Δ.

    An input is (x, F), the target the next x. In the closed loop the force goes on, and the x are the outputs. AR(2)
    sees the forces too: for a single force the forecast from two samples is a linear function of these, so it is hard
    to beat.

    Parameters
    ----------
    T, horizon, orders, n_validation, n_test, seed
        As in `Family`; the horizon is ten periods of the free motion.
    m, damping, dt : float
        m, c and Δ. The free motion oscillates: c < 2√m.

    Raises
    ------
    ValueError
        If ``m`` or ``dt`` is not positive, or the damping negative or too strong; and as `Family` does.
    """

    m: float = 1.0
    damping: float = 0.1
    dt: float = 0.3

    name = "oscillator"
    n_in, n_out = 2, 1

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, value in (("m", self.m), ("dt", self.dt)):
            if not 0 < value < np.inf:
                raise ValueError(f"{name} is {value}: expected a positive number")
        if not 0 <= self.damping < 2 * np.sqrt(self.m):
            raise ValueError(
                f"damping is {self.damping}: expected at least 0 and below 2√m = {2 * np.sqrt(self.m):g}, so that it"
                " oscillates"
            )

    def motions(self, rng: np.random.Generator, size: int, steps: int) -> Array:
        """``steps`` + 1 samples of (x, F) of ``size`` motions, (steps + 1, size, 2)."""
        starts = rng.normal(0.0, 0.7, (size, 2))
        forces = rng.uniform((0.2, 0.3, 0.0), (0.6, 0.8, 2 * np.pi), (size, 3))
        times, found = self.dt * np.arange(steps + 1), np.empty((steps + 1, size, 2))
        for i, ((x0, v0), parameters) in enumerate(zip(starts, forces, strict=True)):
            force = oscillator.Harmonic(*parameters)
            found[:, i, 0] = damped(oscillator.Oscillator(self.m, x0, v0, force), force, self.damping, times)
            found[:, i, 1] = force(times)
        return found


def damped(motion: oscillator.Oscillator, force: oscillator.Harmonic, damping: float, times: Array) -> Array:
    """The positions (n,) of m x'' + c x' + x = F(t), exactly.

    The steady motion, Re p exp(iωt) with p = a exp(iφ) / (1 - mω² + icω), and a free one that dies out: exp(-γt) u with
    γ = c/2m, where u is an undamped oscillator's, of frequency √(1/m - γ²).
    """
    if damping == 0:
        return np.asarray(oscillator.exact(motion, times)[:, 0])
    m, rate = motion.m, damping / (2 * motion.m)
    p = force.amplitude * np.exp(1j * force.phase) / (1 - m * force.omega**2 + 1j * damping * force.omega)
    x, v = motion.x0 - p.real, motion.v0 - (1j * force.omega * p).real
    free = oscillator.exact(oscillator.Oscillator(1 / (1 / m - rate**2), x, v + rate * x), times)[:, 0]
    return np.asarray((p * np.exp(1j * force.omega * times)).real + np.exp(-rate * times) * free)


@dataclass(eq=False)
class Lorenz(Recorded):
    """Lorenz's system (1963): x' = σ(y - x), y' = x(ρ - z) - y, z' = xy - βz, with σ = 10, ρ = 28, β = 8/3.

    One motion, by Runge-Kutta's method of order 4, all three components of which are seen. An error grows e-fold within
    1.1 units of time or so (the largest Lyapunov exponent is 0.906), so that no closed loop stays near the truth for
    long.

    Parameters
    ----------
    T, parts, orders
        As in `Recorded`.
    n : int
        How many samples it has.
    dt : float
        Time from sample to sample.
    seed : int
        Where it starts.

    Raises
    ------
    ValueError
        If there are too few samples, or ``dt`` is not between 0 and 0.05, where Runge-Kutta's method is accurate.
    """

    n: int = 6000
    dt: float = 0.02
    seed: int = 0

    name = "lorenz"

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(1, n=self.n)
        at_least(0, seed=self.seed)
        if not 0 < self.dt <= 0.05:
            raise ValueError(f"dt is {self.dt}: expected a step between 0 and 0.05, where Runge-Kutta's is accurate")
        start = np.random.default_rng(self.seed).normal((0.0, 0.0, 25.0), 5.0)
        burn = round(20 / self.dt)  # until it is on the attractor
        self.divide(lorenz(start, self.dt, burn + self.n - 1)[burn:], "the motion", warm=self.T)


def lorenz(start: Array, dt: float, steps: int) -> Array:
    """``steps`` steps (steps + 1, 3) of Runge and Kutta's classical method along Lorenz's system."""

    def slope(s: Array) -> Array:
        x, y, z = s
        return np.array([10.0 * (y - x), x * (28.0 - z) - y, x * y - 8.0 / 3.0 * z])

    found = np.empty((steps + 1, 3))
    s = found[0] = start
    for i in range(steps):
        a = slope(s)
        b = slope(s + dt / 2 * a)
        c = slope(s + dt / 2 * b)
        d = slope(s + dt * c)
        s = found[i + 1] = s + dt / 6 * (a + 2 * b + 2 * c + d)
    return found


@dataclass(eq=False)
class Henon(Recorded):
    """Hénon's map (1976): x_{t+1} = 1 - 1.4 x_t² + y_t, y_{t+1} = 0.3 x_t, of which only x is seen.

    Two of the x tell the next one, x_{t+1} = 1 - 1.4 x_t² + 0.3 x_{t-1}: it takes a memory of one step, and a square.

    Parameters
    ----------
    T, parts, orders
        As in `Recorded`.
    n : int
        How many samples there are.
    seed : int
        Where it starts.

    Raises
    ------
    ValueError
        If there are too few samples.
    """

    n: int = 4000
    seed: int = 0

    name = "henon"

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(1, n=self.n)
        at_least(0, seed=self.seed)
        start = np.random.default_rng(self.seed).uniform(-0.1, 0.1, 2)
        self.divide(henon(start, 100 + self.n - 1)[100:, :1], "the motion", warm=self.T)


def henon(start: Array, steps: int) -> Array:
    """``steps`` steps (steps + 1, 2) of Hénon's map."""
    found = np.empty((steps + 1, 2))
    x, y = found[0] = start
    for i in range(steps):
        x, y = found[i + 1] = 1.0 - 1.4 * x * x + y, 0.3 * x
    return found
