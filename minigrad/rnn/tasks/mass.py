"""The mass of an oscillator, from positions that were measured with noise: a single weight to be learnt."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from minigrad.engine.tensor import Array
from minigrad.rnn.cells.euler import EulerOscillator
from minigrad.rnn.dynamics.incoming import finite, positive
from minigrad.rnn.tasks.drawn import Drawn
from minigrad.rnn.tasks.task import Batch, at_least


@dataclass(eq=False)
class Mass(Drawn):
    """Recover the mass m of an oscillator from the forces on it and noisy positions.

    Inputs are the forces F_{t-1}, harmonic ones of random amplitude, frequency and phase; targets the positions x_t
    after each step of Euler's method from (x_0, v_0), and noise. The model to train is `start`, Euler's method with
    another mass: no other network has as few parameters.

    Parameters
    ----------
    m : float
        The mass to be found.
    T : int
        Steps of a sequence.
    dt, x0, v0 : float
        Step Δ, and where the motions start.
    noise : float
        Standard deviation of what is added to the positions.
    n_validation, n_test, seed : int
        As in `Drawn`.

    Raises
    ------
    ValueError
        If ``m`` or ``dt`` is not positive, the noise negative, or an option not a number.
    """

    m: float = 2.0
    T: int = 50
    dt: float = 0.1
    x0: float = 1.0
    v0: float = 0.0
    noise: float = 0.1

    name = "mass"
    n_in, n_out = 1, 1

    def __post_init__(self) -> None:
        super().__post_init__()
        at_least(1, T=self.T)
        for name in ("m", "dt"):
            positive(name, getattr(self, name))
        for name in ("x0", "v0", "noise"):
            finite(name, getattr(self, name))
        if self.noise < 0:
            raise ValueError(f"noise is {self.noise}: expected a standard deviation, at least 0")

    def start(self, m: float = 1.0) -> EulerOscillator:
        """A model of the mass ``m``, to be trained."""
        return EulerOscillator(m, dt=self.dt, x0=self.x0, v0=self.v0)

    def draw(self, rng: np.random.Generator, size: int) -> Batch:
        """``size`` sequences, of whatever part."""
        amplitude, omega, phase = rng.uniform((0.1, 0.3, 0.0), (0.5, 0.8, 2 * np.pi), (size, 3)).T
        forces = amplitude * np.cos(omega * self.dt * np.arange(self.T)[:, None] + phase)
        positions = self.positions(forces, self.m)
        return Batch(forces[..., None], positions + self.noise * rng.normal(size=positions.shape))

    def positions(self, forces: Array, m: float) -> Array:
        """x_1 ... x_T (T, B, 1) by Euler's method."""
        x, v = (np.full(forces.shape[1:], start) for start in (self.x0, self.v0))
        found = np.empty((*forces.shape, 1))
        for t, force in enumerate(forces):
            x, v = x + self.dt * v, v + self.dt / m * (force - x)
            found[t, :, 0] = x
        return found

    def baselines(self, batch: Batch | None = None) -> dict[str, float]:
        """x_0 for ever, and the true mass, of which only the noise is left."""
        batch = self.test if batch is None else batch
        truth = self.positions(batch.xs[..., 0], self.m)
        return {
            "constant": self.score(np.full_like(batch.targets, self.x0), batch),
            f"true mass {self.m:g}": self.score(truth, batch),
        }
