"""An experiment in plain values: task, network, optimizer and seed, written down so that it can be done again.

It is what `minigrad train` makes of its options, what a checkpoint keeps of them, and what a sweep varies.

    experiment = Experiment.usual("adding", cell="lstm", clip=1.0)
    trained = experiment.train()
    print(trained.scores())
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from minigrad import optim
from minigrad.engine.tensor import Array, Tensor
from minigrad.optim.optimizer import Optimizer
from minigrad.optim.schedules import Constant, Cosine, Schedule
from minigrad.rnn.cells import GRU, LRU, LSTM, RNN, MinGRU, OutputFeedbackRNN, Stacked
from minigrad.rnn.dynamics.regulariser import omega
from minigrad.rnn.generating import generate
from minigrad.rnn.history import History
from minigrad.rnn.tasks import KNOWN, Task, named
from minigrad.rnn.training import fit
from minigrad.rnn.unrolling import Run, unroll
from minigrad.scopes import no_grad

CELLS: dict[str, Callable[..., Any]] = {
    "rnn": RNN, "feedback": OutputFeedbackRNN, "lstm": LSTM, "gru": GRU, "mingru": MinGRU, "lru": LRU
}  # fmt: skip
OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {
    name.lower(): getattr(optim, name)
    for name in ("SGD", "RMSProp", "Adagrad", "Adadelta", "Adam", "AdamW", "Adamax", "NAdam", "RAdam")
}
SCHEDULES: dict[str, Callable[[float, int], Schedule]] = {"constant": lambda lr, steps: Constant(lr), "cosine": Cosine}
USUAL: dict[str, dict[str, Any]] = {
    "adding": {
        "init": "orthogonal", "f": "relu", "hidden": 32, "batch": 16, "updates": 12000, "lr": 4e-3, "enough": 3e-5
    },
    "copy": {"cell": "lstm", "updates": 4000},
    "order": {"init": "orthogonal", "updates": 2000, "enough": 0.0069},  # ln 2 for each hundredth that is wrong
    "sine": {"init": "orthogonal", "hidden": 32, "updates": 1500},
    "oscillator": {"init": "orthogonal", "hidden": 32, "updates": 2000, "lr": 5e-3},
    "lorenz": {"init": "orthogonal", "updates": 2000},
    "henon": {"hidden": 32, "updates": 2000},
    "text": {"cell": "gru", "hidden": 96, "updates": 500, "lr": 5e-3},
    "series": {"init": "orthogonal", "hidden": 8, "updates": 600, "lr": 3e-3},
    "mass": {"updates": 300, "lr": 5e-2},
}  # fmt: skip
"""What is tried first with a task: it learns, in less than a minute, what the network and the task allow."""
GATED: dict[str, dict[str, Any]] = {"adding": {"updates": 4000, "lr": 2e-2}}
"""The same for other cells than the usual one, which cost several times as much an update and need fewer."""


def network(
    cell: str, n_in: int, hidden: int, n_out: int, *, rng: np.random.Generator, layers: int = 1, **chosen: Any
) -> Any:
    """One of `CELLS` by its name, or so many layers of it; what of ``init``, ``f`` and ``radius`` is None is its usual.

    Raises
    ------
    ValueError
        If the cell has no use for what is chosen, or cannot be a layer of several.
    """
    kind, chosen = CELLS[cell], {name: value for name, value in chosen.items() if value is not None}
    if chosen and cell in ("mingru", "lru"):
        raise ValueError(f"{', '.join(chosen)} is said of W, and the cell {str(cell)!r} has none: leave it out")
    if layers > 1 and cell == "feedback":
        raise ValueError("the cell 'feedback' feeds its output back, and a layer below has none: layers=1, or 'rnn'")
    below, heard = list[Any](), n_in
    for _ in range(layers - 1):
        below.append(kind(heard, hidden, rng=rng, **chosen))
        heard = below[-1].width
    top = kind(heard, hidden, n_out, rng=rng, **chosen)
    return Stacked([*below, top]) if below else top


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """What is to be trained, on what, and how.

    Parameters
    ----------
    task : str
        Its name, one of `minigrad.rnn.tasks.KNOWN`.
    options : dict
        Of the task: ``{"T": 50}``.
    cell : {"rnn", "feedback", "lstm", "gru", "mingru", "lru"}
        The task "mass" brings its own network.
    layers, hidden : int
        How many, and how many units each has.
    init, f, radius : str, str, float, optional
        How W starts, the hidden units' function and W's spectral radius, for cells that have them.
    optimizer : str
        A class of `minigrad.optim` in small letters.
    lr : float
        Of the first update.
    schedule : {"constant", "cosine"}
        What becomes of it.
    clip : float, optional
        Clip gradients to this norm.
    omega : float, optional
        The weight of `minigrad.rnn.flow.omega`, Pascanu's regulariser, beside the cost.
    updates, batch : int
        How many updates, and sequences in each.
    every, patience, enough, truncate : int, int, float, int, optional
        As for `minigrad.rnn.fit`.
    seed : int
        Of weights and batches.

    Raises
    ------
    ValueError
        For names that are not known, which it lists. Sizes are looked at where the parts are built.
    """

    task: str
    options: Mapping[str, Any] = field(default_factory=dict)
    cell: str = "rnn"
    layers: int = 1
    hidden: int = 64
    init: str | None = None
    f: str | None = None
    radius: float | None = None
    optimizer: str = "adam"
    lr: float = 3e-3
    schedule: str = "cosine"
    clip: float | None = 1.0
    omega: float | None = None
    updates: int = 1000
    batch: int = 32
    every: int = 100
    patience: int | None = None
    enough: float | None = None
    truncate: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        for what, known in (
            ("task", KNOWN), ("cell", CELLS), ("optimizer", OPTIMIZERS), ("schedule", SCHEDULES)
        ):  # fmt: skip
            if (given := getattr(self, what)) not in known:
                raise ValueError(f"{what}={given!r} is not known: choose one of {', '.join(known)}")
        if self.layers < 1:
            raise ValueError(f"layers={self.layers}: a network has at least 1")

    @classmethod
    def usual(cls, task: str, options: Mapping[str, Any] | None = None, **given: Any) -> Experiment:
        """What is tried first with ``task``, but for what is ``given``.

        How W starts is no part of it for another cell than the usual one.
        """
        usual = dict(USUAL.get(task, {}))
        if given.get("cell", usual.get("cell", "rnn")) != usual.get("cell", "rnn"):
            usual = {name: value for name, value in usual.items() if name in ("hidden", "enough")}
            usual |= {"updates": 1500} | GATED.get(task, {})
        return cls(task=task, options=dict(options or {}), **(usual | given))

    @classmethod
    def of(cls, configuration: Mapping[str, Any]) -> Experiment:
        """The experiment that `configuration` wrote down.

        Raises
        ------
        ValueError
            If another program wrote it.
        """
        known = {each.name for each in fields(cls)}
        if "task" not in configuration or configuration.keys() - known:
            raise ValueError(
                "the checkpoint was not written by an experiment: build its model, and use fit(resume=...)"
            )
        return cls(**configuration)

    @property
    def configuration(self) -> dict[str, Any]:
        """The same as plain values, for JSON."""
        return asdict(self)

    # -- its parts ----------------------------------------------------------------------------------------------------

    def build_task(self) -> Task:
        """The task, and its data."""
        options: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in self.options.items()
        }  # JSON knows no tuples, and no paths
        if options.get("data") is not None:
            options["data"] = Path(options["data"])
        return named(self.task, **options)

    def build_model(self, task: Task) -> Any:
        """The network, as it starts.

        Raises
        ------
        ValueError
            If its cell has no use for ``init``, ``f`` or ``radius``, or cannot be a layer of several.
        """
        if hasattr(task, "start"):
            return task.start()
        return network(
            self.cell, task.n_in, self.hidden, task.n_out, rng=np.random.default_rng(self.seed), layers=self.layers,
            init=self.init, f=self.f, radius=self.radius,
        )  # fmt: skip

    def build_optimizer(self, model: Any) -> Optimizer:
        """The optimizer of the model's parameters."""
        return OPTIMIZERS[self.optimizer](model, lr=SCHEDULES[self.schedule](self.lr, self.updates), max_norm=self.clip)

    # -- what is done -------------------------------------------------------------------------------------------------

    def train(self, *, task: Task | None = None, **options: Any) -> Trained:
        """Build everything, and train: ``checkpoint``, ``resume`` and ``progress`` are those of `minigrad.rnn.fit`."""
        task = self.build_task() if task is None else task
        model = self.build_model(task)
        return Trained(self, task, model, self.fit(model, task, **options))

    def fit(self, model: Any, task: Task, **options: Any) -> History:
        """Train a network that stands already."""
        return fit(
            model,
            task,
            optimizer=self.build_optimizer(model),
            updates=self.updates,
            batch=self.batch,
            seed=self.seed,
            every=self.every,
            patience=self.patience,
            enough=self.enough,
            truncate=self.truncate,
            penalty=None if self.omega is None else Regularised(self.omega),
            configuration=self.configuration,
            **options,
        )


@dataclass(frozen=True)
class Regularised:
    """The penalty weight · Ω of a run."""

    weight: float

    def __call__(self, run: Run) -> Tensor:
        penalty: Tensor = self.weight * omega(run)
        return penalty


@dataclass(frozen=True)
class Trained:
    """An experiment, its parts, and what happened."""

    experiment: Experiment
    task: Task
    model: Any
    history: History

    @property
    def name(self) -> str:
        """What the model is called beside baselines."""
        kind = type(self.model.layers[-1] if isinstance(self.model, Stacked) else self.model).__name__
        return kind if self.experiment.layers == 1 else f"{kind}, {self.experiment.layers} layers"

    @cached_property
    def outputs(self) -> Array:
        """Those along the test sequences."""
        with no_grad():
            return unroll(self.model, self.task.test.xs).outputs

    @cached_property
    def generated(self) -> Array:
        """Those in the closed loop, beside the task's ``truth``."""
        task: Any = self.task
        return generate(self.model, task.prompt, task.feed, len(task.truth))

    def scores(self) -> dict[str, float]:
        """The metric of the model on the test sequences, and of all baselines: best first, what is no number last."""
        found = self.task.baselines() | {self.name: self.task.score(self.outputs, self.task.test)}
        return dict(sorted(found.items(), key=lambda item: (not np.isfinite(item[1]), item[1])))

    def continued(self) -> dict[str, float]:
        """The mean squared error of forecasts in the closed loop, in the data's own units; none without such."""
        if not hasattr(self.task, "continued"):
            return {}
        task: Any = self.task
        forecasts = {self.name: self.generated, **task.continued()}
        errors = {name: float(np.mean(((f - task.truth) * task.unit) ** 2)) for name, f in forecasts.items()}
        return dict(sorted(errors.items(), key=lambda item: (not np.isfinite(item[1]), item[1])))


def attempt(*, task: str, seed: int, T: int | None = None, **given: Any) -> dict[str, float]:
    """A job of `minigrad.rnn.sweep`: train, and tell what came of it.

    Parameters
    ----------
    task, seed, **given
        Of `Experiment.usual`.
    T : int, optional
        How long a sequence is.

    Returns
    -------
    dict
        ``solved``, 1 or 0 (NaN where the task knows no right and wrong); ``wrong``, the share of the test sequences;
        ``score``, the task's metric; ``updates``, how many there were. A training whose gradient has exploded has not
        solved anything, and its score is infinite.
    """
    experiment = Experiment.usual(task, {} if T is None else {"T": T}, seed=seed, **given)
    task_ = experiment.build_task()
    model = experiment.build_model(task_)
    try:
        with np.errstate(over="ignore", invalid="ignore"):  # explosions are among what is studied
            history = experiment.fit(model, task_)
    except FloatingPointError:
        return {"solved": 0.0, "wrong": 1.0, "score": np.inf, "updates": np.nan}
    trained = Trained(experiment, task_, model, history)
    outputs = trained.outputs
    solved, wrong = task_.solved(outputs, task_.test), task_.wrong(outputs, task_.test)
    return {
        "solved": np.nan if solved is None else float(solved),
        "wrong": np.nan if wrong is None else wrong,
        "score": task_.score(outputs, task_.test),
        "updates": float(history.steps),
    }
