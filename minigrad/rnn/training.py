"""fit: feed forward, propagate back, clip, step; and whatever happens, end after a whole number of updates."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sized
from itertools import islice
from typing import Any, Literal, TypeAlias, TypedDict, Unpack, overload

from minigrad.optim.adam import Adam
from minigrad.optim.optimizer import Optimizer
from minigrad.rnn.checkpoints import described
from minigrad.rnn.history import History
from minigrad.rnn.tasks.task import Batch, Task
from minigrad.rnn.unrolling import Cost, Run
from minigrad.rnn.updating import Drawing, Name, Trainable, Training, as_batch, evaluate

__all__ = ["History", "Trainable", "evaluate", "fit"]

Pair: TypeAlias = Batch | tuple[Any, Any]


class Common(TypedDict, total=False):
    """What `fit` takes in both of its forms."""

    validation: Pair | bool | None
    every: int
    patience: int | None
    enough: float | None
    keep: Literal["best", "last"]
    truncate: int | None
    compile: bool | None
    penalty: Callable[[Run], Any] | None
    teacher_forcing: bool
    checkpoint: Name | None
    resume: Name | None
    configuration: dict[str, Any] | None
    progress: bool


@overload
def fit(
    model: Trainable,
    optimizer: Optimizer,
    batches: Iterable[Pair],
    /,
    *,
    cost: str | Cost = ...,
    at: str = ...,
    **common: Unpack[Common],
) -> History: ...


@overload
def fit(
    model: Trainable,
    task: Task,
    *,
    optimizer: Optimizer | None = ...,
    updates: int = ...,
    batch: int = ...,
    seed: int = ...,
    **common: Unpack[Common],
) -> History: ...


def fit(
    model: Trainable,
    task: Any = None,
    batches: Any = None,
    *,
    optimizer: Any = None,
    updates: int | None = None,
    batch: int | None = None,
    seed: int | None = None,
    cost: Any = None,
    at: str | None = None,
    validation: Any = None,
    every: int = 25,
    patience: int | None = None,
    enough: float | None = None,
    keep: str = "best",
    truncate: int | None = None,
    compile: bool | None = None,
    penalty: Callable[[Run], Any] | None = None,
    teacher_forcing: bool = False,
    checkpoint: Name | None = None,
    resume: Name | None = None,
    configuration: dict[str, Any] | None = None,
    progress: bool = False,
) -> History:
    """Train ``model`` by back-propagation through time: ``fit(model, optimizer, batches)`` or ``fit(model, task)``.

    Parameters
    ----------
    model : Trainable
        Such as `RNN`. Units of a model that has ``dropout`` are dropped, others for every update; never in validation.
    optimizer : Optimizer
        Made for the model's parameters; it clips. With a task, ``Adam(model, lr=3e-3, max_norm=1.0)`` unless given.
    batches : iterable of `Batch` or (xs, targets)
        One an update: (T, B, n_in) and (T, B, n_out), see `unroll`.
    task : Task
        Says what a batch is, what it costs and how the model is validated: see `minigrad.rnn.tasks`.
    updates, batch, seed : int
        With a task: how many updates there are, those before a ``resume`` included (1000), how many sequences a batch
        has (32), and what its generator starts from (0).
    cost, at
        With batches, as in `unroll`: ``"squared_error"`` and ``"every"`` unless given.
    validation : Batch or (xs, targets), optional
        Judges the parameters after every ``every`` updates and at the end. A task brings its own; False for none.
    every : int
        The model is validated, and the checkpoint written, after every so many updates.
    patience : int, optional
        End as soon as so many validations in a row were not better than the best before them.
    enough : float, optional
        End as soon as a validation finds a cost of at most this.
    keep : {"best", "last"}
        Which parameters the model is left with: those that did best in validation, or those after the last update.
        Without validation nothing can tell which are best (a batch's own cost is mostly noise): then the last.
        Both stand in the history. The optimizer stays at the last update.
    truncate : int, optional
        Cut sequences into windows of so many steps, see `truncated_bptt`.
    compile : bool, optional
        Run cost and gradients as a program, see `minigrad.compile`: to the last bit what the engine gives (up to
        rounding for an LRU, for two directions of which the last step alone counts, and along more than 5000 steps).
        With a task, whose batches have one shape, it is done unless this is False; with batches, which may have a new
        shape every time and then need a new program, if it is True. What cannot be compiled is not: with dropout, in
        windows, for a function of yours in which Python decides, or along more than 5000 steps with weights.
    penalty : callable, optional
        ``penalty(run)`` is a number that is added to each batch's cost, such as
        ``lambda run: 4.0 * rnn.flow.omega(run)``. The costs of the history and of validation are without it.
    teacher_forcing : bool
        As in `unroll`.
    checkpoint : path, optional
        All that it takes to go on is written here, see `minigrad.rnn.checkpoints`: at the start, after every ``every``
        updates and at the end, on Ctrl-C and on errors too. Not in the place of a file that is there already.
    resume : path, optional
        Go on from this checkpoint, bit for bit as if there had been no interruption. Checkpoints go there as well,
        unless ``checkpoint`` names another file. Of ``batches``, which start anew, as many are passed over as there
        were updates.
    configuration : dict, optional
        Of plain values, to be stored with the checkpoints: `checkpoints.read` gives it back.
    progress : bool
        Show on standard error how far it is.

    Returns
    -------
    History
        On Ctrl-C (`KeyboardInterrupt`) what has happened so far, with ``interrupted`` set. Model and optimizer then
        both stand after the last whole update, to go on from; the best parameters are in ``history.best``.

    Raises
    ------
    FileExistsError, OSError
        If ``checkpoint`` is there already, or cannot be written.
    ValueError
        If a number is below 1, a batch has no targets, or ``resume`` belongs to another model, optimizer, task or
        setting, or is no checkpoint; and what `unroll` and the optimizer raise. After an error in the midst of it the
        model is left with the best parameters, or with those after the last whole update.
    TypeError
        If it is called in neither of the two ways, or in a mixture of them.

    Warns
    -----
    UserWarning
        If the sequences have a single step: the gradient with respect to the recurrent weights is then exactly 0 from
        a zero start, and nothing is learnt through time.

    Examples
    --------
    >>> from minigrad.rnn import RNN, tasks
    >>> task = tasks.Adding(T=5)
    >>> history = fit(RNN(task.n_in, 8, task.n_out, rng=0), task, updates=100)
    >>> history.steps, bool(sum(history.costs[-10:]) < sum(history.costs[:10]))
    (100, True)
    """
    if isinstance(task, Optimizer):
        task, optimizer = None, task
    _check(every=every, patience=patience, truncate=truncate, updates=updates, batch=batch)
    if keep not in ("best", "last"):
        raise ValueError(f"keep={keep!r}: the model can be left with its 'best' or its 'last' parameters")
    drawing, total, size = None, None, None
    if task is None:
        if batches is None or optimizer is None or (updates, batch, seed) != (None, None, None):
            raise TypeError("write fit(model, optimizer, batches, ...), or fit(model, task, updates=..., ...)")
        cost, at, total = cost or "squared_error", at or "every", len(batches) if isinstance(batches, Sized) else None
    else:
        if not hasattr(task, "batch") or batches is not None or (cost, at) != (None, None):
            raise TypeError("write fit(model, task, ...), where the task says what is trained on and what it costs")
        cost, at, total, size = task.cost, task.at, 1000 if updates is None else updates, 32 if batch is None else batch
        seed = 0 if seed is None else seed
        drawing = Drawing(task, seed, size)
        optimizer = Adam(model, lr=3e-3, max_norm=1.0) if optimizer is None else optimizer
        validation = task.validation if validation is None or validation is True else validation

    options = {"cost": cost, "at": at, "teacher_forcing": teacher_forcing}
    belongs = {
        "model": described(model),
        "optimizer": described(optimizer, without=("parameters", "lr")),  # the rate may change on the way
        "task": described(task),
        "settings": described({**options, "truncate": truncate, "penalty": penalty, "batch": size, "seed": seed}),
    }
    if penalty is not None and truncate is not None:
        raise ValueError("penalty= needs whole runs, and truncate= leaves none: choose one of them")
    if (patience, enough) != (None, None) and (validation is None or validation is False):
        waits = f"patience={patience}" if enough is None else f"enough={enough}"
        raise ValueError(f"{waits} waits for validation to get better: pass validation=(xs, targets)")
    judge = None if validation is None or isinstance(validation, bool) else as_batch(validation)
    compile = task is not None if compile is None else compile
    parts = optimizer, options, judge, every, patience, enough, keep, truncate, penalty, drawing, compile
    training = Training(model, *parts)
    training.keep_at(checkpoint, resume, belongs, configuration)
    if resume is not None:
        training.resume(resume, total)
    done = training.history.steps
    source = islice(batches, done, None) if drawing is None else drawing.batches((total or 0) - done)
    return training.run(source, total, progress)


def _check(**numbers: int | None) -> None:
    for name, number in numbers.items():
        if number is not None and (isinstance(number, bool) or number != int(number) or number < 1):
            raise ValueError(f"{name}={number!r}: a whole number of at least 1 is needed")
