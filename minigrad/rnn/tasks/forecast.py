"""Forecasts one step ahead: the target of a step is the next input, or the first components of it.

What a network is given is standardised, by the mean and the standard deviation of the training part. What is said of
it, its score and those of the baselines, is in the data's own units again, and of the same positions: those at which
every baseline knows the values that it looks at.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from minigrad.engine.tensor import Array, Tensor
from minigrad.rnn.tasks import baselines
from minigrad.rnn.tasks.task import Batch, Task, at_least
from minigrad.rnn.tasks.windows import Parts, parted, streams, windows


class Scale(NamedTuple):
    """Mean and standard deviation (n_in,) of the training part."""

    mean: Array
    std: Array

    @classmethod
    def of(cls, values: Array, what: str) -> Scale:
        """Those of ``values`` (..., n_in), which must not be constant."""
        rows = values.reshape(-1, values.shape[-1])
        with np.errstate(over="ignore", invalid="ignore"):
            mean, std = rows.mean(axis=0), rows.std(axis=0)
        if not np.all(np.isfinite(std)):
            raise ValueError(
                f"{what} has numbers so large, {np.max(np.abs(rows)):g}, that their variance is not finite"
            )
        if np.any(rows.min(axis=0) == rows.max(axis=0)) or not np.all(std > 0):
            raise ValueError(f"{what} is constant, {rows[0].tolist()}, in the training part: there is nothing to learn")
        return cls(mean, std)

    def standard(self, values: Array) -> Array:
        """``values`` (..., n_in) with mean 0 and standard deviation 1."""
        standard: Array = (values - self.mean) / self.std
        return standard


class Forecast(Task):
    """Base class: scale, baselines, and the closed loop.

    A task of this kind has ``scale``, ``orders`` (those of the AR), `fitting`, and ``going_on``, the test sequences
    that are continued, of which ``n_prompt`` steps are given.
    """

    scale: Scale
    orders: tuple[int, ...]
    n_prompt: int
    metric = "mean squared error"
    generates = True

    @property
    def unit(self) -> Array:
        """One standard deviation (n_out,), in the data's own units."""
        return self.scale.std[: self.n_out]

    def own_units(self, outputs: Any) -> Array:
        """Outputs (..., n_out) as values of the data."""
        values = np.asarray(outputs.data if isinstance(outputs, Tensor) else outputs)
        own: Array = values * self.unit + self.scale.mean[: self.n_out]
        return own

    def fitting(self) -> Batch:
        """The training part, to fit baselines to."""
        raise NotImplementedError

    @cached_property
    def coefficients(self) -> dict[int, Array]:
        """Those of AR(p) of standardised values, for each p of ``orders`` that the training part determines."""
        part, found = self.fitting(), dict[int, Array]()
        for p in self.orders:
            with suppress(ValueError):  # there are no more targets than coefficients
                found[p] = baselines.autoregression(part.xs, part.targets, p, part.weights)
        return found

    def baselines(self, batch: Batch | None = None) -> dict[str, float]:
        """The mean of the training part, persistence, linear extrapolation, and AR(p)."""
        batch = self.test if batch is None else batch
        forecasts = {
            "constant": np.zeros_like(batch.targets),
            "persistence": baselines.persistence(batch.xs, self.n_out),
            "linear": baselines.linear(batch.xs, self.n_out),
        }
        for p, coefficients in self.coefficients.items():
            forecasts[f"AR({p})"] = baselines.autoregressed(batch.xs, coefficients, p)
        return {name: self.score(forecast, batch) for name, forecast in forecasts.items()}

    # -- closing the loop ---------------------------------------------------------------------------------------------

    @cached_property
    def going_on(self) -> Batch:
        """Test sequences, of which the first ``n_prompt`` steps are given and the others to be continued."""
        raise NotImplementedError

    @property
    def prompt(self) -> Array:
        """The inputs (n_prompt, B, n_in) to warm up on, standardised."""
        return self.going_on.xs[: self.n_prompt]

    @property
    def truth(self) -> Array:
        """What follows them (H, B, n_out), standardised; `own_units` undoes that."""
        return self.going_on.targets[self.n_prompt - 1 :]

    def feed(self, output: Any, t: int, rng: np.random.Generator | None = None) -> Array:
        """The output is what comes next; what else there is in an input, such as a force, goes on as it does.

        Raises
        ------
        ValueError
            If there is such, and nobody knows it: for another number of sequences, or behind their end.
        """
        values: Array = np.asarray(output.data if isinstance(output, Tensor) else output)
        if self.n_in == self.n_out:
            return values
        given = self.going_on.xs
        if not 0 <= t < len(given) or values.shape != (given.shape[1], self.n_out):
            raise ValueError(
                f"step {t} with outputs of shape {values.shape}: what goes on beside the outputs is known up to step"
                f" {len(given) - 1}, for outputs of shape {(given.shape[1], self.n_out)}"
            )
        return np.concatenate([values, given[t, :, self.n_out :]], axis=-1)

    def continued(self) -> dict[str, Array]:
        """What baselines make of ``prompt``, each (H, B, n_out): persistence, and the last slope for ever."""
        last = baselines.persistence(self.prompt, self.n_out)
        ahead = np.arange(1, len(self.truth) + 1)[:, None, None]
        slope = last[-1] - last[-2] if len(last) > 1 else np.zeros_like(last[-1])
        return {"persistence": np.broadcast_to(last[-1], self.truth.shape), "linear": last[-1] + slope * ahead}


@dataclass(eq=False, kw_only=True)
class Recorded(Forecast):
    """Base class: the windows of one long record (n, n_in), divided first to last.

    Parameters
    ----------
    T : int
        Steps of a window.
    parts : (float, float, float)
        Shares, or rows, of training, validation and test.
    orders : tuple of int
        The p of the AR(p) that are baselines.

    Raises
    ------
    ValueError
        If there are too few rows for that.
    """

    T: int = 30
    parts: tuple[float, float, float] = (0.7, 0.15, 0.15)
    orders: tuple[int, ...] = (1, 2)

    def __post_init__(self) -> None:
        at_least(1, T=self.T, **{f"orders[{k}]": p for k, p in enumerate(self.orders)})

    def divide(self, record: Array, what: str, *, side: int = 8, warm: int | None, known: Array | None = None) -> None:
        """Standardise ``record`` and divide it.

        Parameters
        ----------
        record : ndarray (n, n_in)
        what : str
            Its name in errors.
        side : int
            How many windows of a held-out part stand side by side.
        warm : int or None
            How many steps each of them warms up, on rows that are in no other part. None for all rows before, the
            other parts' too, of a single window.
        known : ndarray of bool (n,), optional
            The rows that can be targets; all others have weight 0.
        """
        if warm is not None:
            warm = max(warm, *self.orders, 2)  # linear extrapolation looks at two
        self.rows: Parts = parted(len(record), self.parts, 0 if warm is None else warm + 1, self.T + 1)
        for name, rows in zip(self.rows._fields, self.rows, strict=True):
            if known is not None and not known[rows.start : rows.stop].any():
                raise ValueError(f"{what} has no value in the {name} part, only gaps")
        self._side, self._warm, self._known = (1 if warm is None else side), warm, known
        training = record[: self.rows.training.stop]
        self.scale = Scale.of(training if known is None else training[known[: len(training)]], what)
        with np.errstate(over="ignore"):
            self.record = self.scale.standard(record)
            largest = np.max(np.abs(self.record))
            if not np.isfinite(largest * largest):
                raise ValueError(
                    f"{what} has a number, {np.max(np.abs(record)):g}, so far from those of the training part that the"
                    " square of its distance is not finite: is it meant?"
                )
        self.n_in = self.n_out = record.shape[1]
        self.n_prompt = self.rows.test.start if warm is None else warm + 1

    def cut(self, rows: Array, weights: Array | None = None) -> Batch:
        """The windows with these rows (T + 1, B), and weights (T,) of their own."""
        if self._known is not None:
            there = self._known[rows[1:]].astype(np.float64)
            weights = there if weights is None else there * weights[:, None]
        return Batch(self.record[rows[:-1]], self.record[rows[1:]], weights)

    def batch(self, rng: np.random.Generator, size: int) -> Batch:
        """``size`` windows of the training part."""
        at_least(1, size=size)
        return self.cut(windows(rng, self.rows.training, self.T, size))

    @cached_property
    def validation(self) -> Batch:
        """The rows of the validation part, each a target once."""
        return self.cut(*streams(self.rows.validation, self._side, self._warm)).fixed()

    @cached_property
    def test(self) -> Batch:
        """The rows of the test part, each a target once."""
        return self.cut(*streams(self.rows.test, self._side, self._warm)).fixed()

    def fitting(self) -> Batch:
        """The training part as one sequence."""
        return self.cut(np.array(self.rows.training)[:, None])

    @cached_property
    def going_on(self) -> Batch:
        """The test part as one sequence, and what it warms up on."""
        return self.cut(*streams(self.rows.test, 1, self._warm)).fixed()
