"""A model along a sequence: the recurrence becomes a graph.

Nothing here knows about derivatives. The steps are computed one after the other, each inside a scope ``t=1``,
``t=2`` ... and with its tensors named ``h_1``, ``h_2`` ...; the engine records them like any other NumPy, and
back-propagation through time is ``run.cost.backward()``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, fields
from typing import Any, Protocol

import numpy as np

from minigrad.copies import Recording
from minigrad.engine.tensor import Array, Tensor
from minigrad.functions import binary_cross_entropy, cross_entropy, squared_error
from minigrad.rnn.cells.vanilla import choose
from minigrad.rnn.counting import SWAPPED, counted, filled
from minigrad.scopes import scope

Cost = Callable[..., Any]
COSTS: dict[str, Cost] = {
    "squared_error": squared_error, "cross_entropy": cross_entropy, "binary_cross_entropy": binary_cross_entropy
}  # fmt: skip


class Model(Protocol):
    """What `unroll` asks of a model: see `minigrad.rnn.cells`."""

    n_in: int
    dtype: np.dtype[Any]

    @property
    def roles(self) -> tuple[str, ...]: ...
    @property
    def carried(self) -> tuple[str, ...]: ...
    def parameters(self) -> dict[str, Tensor]: ...
    def bind(self) -> tuple[Tensor, ...]: ...
    def initial(self, batch: tuple[int, ...]) -> dict[str, Array]: ...
    def step(self, bound: tuple[Tensor, ...], x: Tensor, carried: dict[str, Tensor]) -> dict[str, Tensor]: ...


@dataclass(frozen=True, repr=False)
class Run:
    """One unrolling: every tensor of every step by its role, still part of the graph.

    Attributes
    ----------
    model : Model
    carried : list of dict of str to Tensor
        What each step was given by the one before; the first, such as ``{"h": h_0}``, requires grad, so that how much
        of the gradient reaches the beginning can be seen.
    steps : list of dict of str to Tensor
        For t = 1 ... T: ``"x"``, the model's roles (``"z"``, ``"h"``, ``"y"``) and, with targets, the cost ``"C"``.
    cost : Tensor or None
        Σ C_t.
    forced : bool
        Whether targets were fed back instead of outputs, at every step (teacher forcing).
    targets : list of Tensor
        y_1 ... y_T; empty without targets.
    final : dict of str to Tensor
        What a step T + 1 would be given: ``initial=run`` goes on from there. Of a sequence that ended earlier, what its
        own last step left.

    ``run["h"]`` is the list h_1 ... h_T.
    """

    model: Model
    carried: list[dict[str, Tensor]]
    steps: list[dict[str, Tensor]]
    cost: Tensor | None
    forced: bool
    targets: list[Tensor] = field(default_factory=list)
    final: dict[str, Tensor] = field(default_factory=dict)

    def __repr__(self) -> str:
        cost = f", cost {self.cost.item():.4g}" if self.cost is not None else ""
        batch = self.steps[0]["x"].shape[:-1]
        along = f"{len(self)} steps" + (f", batch of {batch[0]}" if batch else "")
        return f"<Run of {type(self.model).__name__} along {along}: {', '.join(self.steps[0])}{cost}>"

    def __getitem__(self, role: str) -> list[Tensor]:
        if role not in self.steps[0]:
            raise KeyError(f"{role!r} is no role of this run: it has {', '.join(self.steps[0])}")
        return [step[role] for step in self.steps]

    def __len__(self) -> int:
        return len(self.steps)

    def __reduce__(self) -> tuple[Any, ...]:
        """For pickle: the tensors with the graph behind them as plain data, so that no sequence is too long."""
        cost = {} if self.cost is None else {"": self.cost}
        sections: list[dict[Any, Tensor]] = [
            *self.carried,
            *self.steps,
            dict(enumerate(self.targets)),
            cost,
            self.final,
        ]
        recording = Recording.of([tensor for section in sections for tensor in section.values()])
        return _restored, (self.model, self.forced, len(self), [list(section) for section in sections], recording)

    def __deepcopy__(self, memo: dict[int, Any]) -> Run:
        names = [each.name for each in fields(self)]
        return Run(**{name: deepcopy(getattr(self, name), memo) for name in names})

    @property
    def outputs(self) -> Array:
        """All ỹ_t as one array (T, ..., n_out)."""
        return np.stack([y.data for y in self["y"]])


def _restored(model: Model, forced: bool, length: int, sections: list[list[Any]], recording: Recording) -> Run:
    """A run from what `Run.__reduce__` stored."""
    tensors = iter(recording.tensors())
    *found, targets, cost, final = [{name: next(tensors) for name in names} for names in sections]
    return Run(model, found[:length], found[length:], cost.get(""), forced, list(targets.values()), final)


def unroll(
    model: Model,
    xs: Any,
    targets: Any = None,
    *,
    initial: dict[str, Any] | Run | None = None,
    cost: str | Cost = "squared_error",
    at: str = "every",
    weights: Any = None,
    lengths: Any = None,
    missing: bool = False,
    teacher_forcing: bool | float | Sequence[float] = False,
    rng: int | np.random.Generator = 0,
) -> Run:
    """Run ``model`` along the sequence ``xs``.

    Parameters
    ----------
    model : Model
        `RNN`, `OutputFeedbackRNN` or anything that offers the same.
    xs : array_like or Tensor (T, B, n_in) or (T, n_in)
        The inputs, time first. Pass a tensor that requires grad to get their gradient too.
    targets : array_like or Tensor (T, B, n_out) or (T, n_out), optional
        What the outputs should be; with them every step has a cost C_t.
    initial : dict or Run, optional
        Values for some of the carried roles at t = 0, ``{"h": h_0}``; zeros otherwise. A run of the same model is gone
        on from, cut off from its graph (``initial=run.final`` would stay part of it).
    cost : {"squared_error", "cross_entropy", "binary_cross_entropy"} or callable
        ``cost(target, output)`` gives C_t, one number; ``cost(target, output, weight)`` where weights differ between
        sequences. The entropies take logits, so leave the model's g at "identity".
    at : {"every", "last"}
        "last": ``targets`` (B, n_out) or (n_out,) are those of each sequence's last step, the only one that counts.
    weights : array_like (T,) or (T, B), optional
        By which each step's, or each step's and sequence's, cost is multiplied before the mean over the batch is taken.
        Where all of a step's are 0, C_t is a constant 0.
    lengths : array_like of int (B,), optional
        How many steps each sequence has; what stands behind its end counts for nothing, and its state stays.
    missing : bool
        Whether NaN in ``targets`` means that there is none, and no cost.
    teacher_forcing : bool, float or sequence of float (T,)
        Feed the target of the step before back instead of the output. The model must carry ``"y"``. A number between 0
        and 1 is the share of steps and sequences, drawn by ``rng``, for which that is done (scheduled sampling, Bengio
        et al. 2015); a sequence has one for each step.
    rng : int or numpy.random.Generator

    Returns
    -------
    Run

    Raises
    ------
    ValueError
        For an empty sequence, wrong shapes, numbers that are not finite, and teacher forcing without targets or
        without feedback of the output.
    """
    dtype, last = model.dtype, {"every": False, "last": True}.get(at)
    if last is None:
        raise ValueError(f"at={at!r} is not known: costs are taken at 'every' step or at the 'last'")
    xs, shape = _sequence("xs", xs, dtype), np.shape(xs)[:-1]
    nothing = None
    if targets is not None:
        targets = _wanted(targets, shape, dtype, last)
        nothing = np.any(np.isnan(targets), axis=-1) if missing else None
    counting = counted(shape, lengths, weights, last, nothing)
    xs = _finite("xs", filled(xs, counting.alive), dtype)
    if xs.shape[-1] != model.n_in:
        raise ValueError(
            f"xs of shape {xs.shape} has {xs.shape[-1]} components a step, the model takes n_in={model.n_in}:"
            " give xs the shape (T, B, n_in) or (T, n_in)"
        )
    if targets is not None:
        counts = None if counting.weights is None else counting.weights > 0
        targets = _finite("targets", filled(targets, counts), dtype)
    forced = _forced(model, teacher_forcing, targets, shape, np.random.default_rng(rng))
    cost_of: Cost = choose("cost", cost, COSTS)
    bound = model.bind()
    carried = [_initial(model, shape[1:], initial)]
    steps: list[dict[str, Tensor]] = []
    wanted: list[Tensor] = []
    for t in range(1, len(xs) + 1):
        with scope(f"t={t}"):
            step = {"x": xs[t - 1]}
            step.update(model.step(bound, step["x"], carried[-1]))
            if targets is not None:
                target = targets[t - 1]
                target.name = f"target_{t}"
                wanted.append(target)
                if isinstance(cost, str) and target.shape != step["y"].shape:
                    raise ValueError(
                        f"targets of shape {targets.shape} do not go with {step['y'].shape[-1]} outputs: the last axis"
                        " must be n_out"
                    )
                step["C"] = _cost(cost_of, target, step["y"], counting.weight(t))
            for role, tensor in step.items():
                tensor.name = f"{role}_{t}"
            following = {role: step[role] for role in model.carried}
            if forced is not None:
                following["y"] = target if np.all(forced[t - 1]) else np.where(forced[t - 1], target, step["y"])
            if (on := counting.going_on(t)) is not None:  # the state of a sequence that has ended stays
                following = {role: np.where(on, tensor, carried[-1][role]) for role, tensor in following.items()}
        steps.append(step)
        carried.append(following)
    total = None
    if targets is not None:
        total = np.sum(np.stack([step["C"] for step in steps]))
        total.name = "cost"
    always = forced is not None and bool(np.all(forced))
    return Run(model, carried[:-1], steps, total, always, wanted, carried[-1])


def _cost(cost_of: Cost, target: Tensor, output: Tensor, weight: Array | float) -> Tensor:
    """C_t, of which every sequence has a share by its weight."""
    if isinstance(weight, float):
        counts: Tensor = cost_of(target, output) if weight else Tensor(0.0, dtype=output.dtype)
        return counts
    weighted: Tensor = cost_of(target, output, weight)
    return weighted


def _wanted(targets: Any, shape: tuple[int, ...], dtype: np.dtype[Any], last: bool) -> Tensor:
    """The targets of all steps."""
    if last:
        targets = targets if isinstance(targets, Tensor) else Tensor(targets, dtype=dtype)
        if targets.shape[:-1] != shape[1:] or targets.ndim == 0:
            raise ValueError(
                f"targets of shape {targets.shape} at the last step do not go with xs of shape {(*shape, 'n_in')}:"
                f" {(*shape[1:], 'n_out')} is needed"
            )
        everywhere: Any = np.broadcast_to(targets, (*shape, targets.shape[-1]))
        return _sequence("targets", everywhere, dtype)
    every = _sequence("targets", targets, dtype)
    if every.shape[:-1] != shape:
        hint = f". {SWAPPED}" if every.shape[:-1] == shape[::-1] else ", and the last axis is n_out"
        raise ValueError(
            f"targets of shape {every.shape} do not go with xs of shape {(*shape, 'n_in')}: T, B must agree{hint}"
        )
    return every


def _forced(model: Model, share: Any, targets: Any, shape: tuple[int, ...], rng: np.random.Generator) -> Array | None:
    """Where the target is fed back, (T, ..., 1); None if nowhere."""
    shares = np.asarray(share, np.float64)
    if not np.any(shares):
        return None
    if targets is None or "y" not in model.carried:
        raise ValueError(
            "teacher forcing feeds targets back in the place of outputs: "
            + ("pass targets" if targets is None else f"{type(model).__name__} does not feed its output back")
        )
    if shares.shape not in ((), shape[:1]) or not np.all((shares >= 0) & (shares <= 1)):
        raise ValueError(
            f"teacher_forcing={share!r}: a number between 0 and 1 is needed, or one for each of T={shape[0]}"
        )
    each = np.broadcast_to(shares.reshape(-1, *[1] * (len(shape) - 1)), shape)
    forced: Array = (rng.uniform(size=shape) < each)[..., None]
    return forced


def _sequence(what: str, values: Any, dtype: np.dtype[Any]) -> Tensor:
    """``values``, time first, as a tensor that can be unrolled."""
    tensor = values if isinstance(values, Tensor) else Tensor(values, dtype=dtype)
    if tensor.ndim not in (2, 3):
        raise ValueError(f"{what} needs the shape (T, B, n) or (T, n), got {tensor.shape}")
    if tensor.size == 0:
        raise ValueError(f"{what} of shape {tensor.shape} is empty: at least one step (T >= 1) is needed")
    return tensor


def _initial(model: Model, batch: tuple[int, ...], given: dict[str, Any] | Run | None) -> dict[str, Tensor]:
    if isinstance(given, Run):
        given = {role: tensor.data for role, tensor in given.final.items()}
    if not isinstance(given or {}, dict):
        raise ValueError(
            f"initial is a {type(given).__name__}: pass a dict such as {{'h': h_0}}, or a run to go on from"
        )
    values, given = model.initial(batch), given or {}
    if unknown := given.keys() - values.keys():
        raise ValueError(f"initial names {sorted(unknown)}, but {type(model).__name__} carries {', '.join(values)}")
    first = {}
    for role, value in {**values, **given}.items():
        if np.shape(value) != values[role].shape:
            hint = f": {SWAPPED}" if np.shape(value)[-1:] == values[role].shape[-1:] else ""
            raise ValueError(f"initial[{role!r}] has shape {np.shape(value)}, needed is {values[role].shape}{hint}")
        tensor = value if isinstance(value, Tensor) else Tensor(value, True, f"{role}_0", model.dtype)
        first[role] = _finite(f"initial[{role!r}]", tensor, model.dtype)
    return first


def _finite(what: str, tensor: Tensor, dtype: np.dtype[Any]) -> Tensor:
    if tensor.dtype != dtype:
        raise ValueError(f"{what} has dtype {tensor.dtype}, the model {dtype}: convert with astype")
    finite = np.isfinite(tensor)
    if not finite.all():
        where = tuple(int(i) for i in np.argwhere(~finite)[0])
        raise ValueError(
            f"{what}{list(where)} is {tensor.data[where]}, the first of {np.sum(~finite)} numbers that are not finite:"
            " mend or drop them first"
        )
    return tensor
