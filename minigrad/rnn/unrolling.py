"""A model along a sequence: the recurrence becomes a graph.

Nothing here knows about derivatives. The steps are computed one after the other, each inside a scope ``t=1``,
``t=2`` ... and with its tensors named ``h_1``, ``h_2`` ...; the engine records them like any other NumPy, and
back-propagation through time is ``run.cost.backward()``.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field, fields
from typing import Any, Protocol

import numpy as np

from minigrad.copies import Recording
from minigrad.engine.tensor import Array, Tensor
from minigrad.functions import cross_entropy, squared_error
from minigrad.rnn.cells.vanilla import choose
from minigrad.scopes import scope

Cost = Callable[[Any, Any], Any]
COSTS: dict[str, Cost] = {"squared_error": squared_error, "cross_entropy": cross_entropy}


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
        Whether targets were fed back instead of outputs (teacher forcing).
    targets : list of Tensor
        y_1 ... y_T; empty without targets.

    ``run["h"]`` is the list h_1 ... h_T.
    """

    model: Model
    carried: list[dict[str, Tensor]]
    steps: list[dict[str, Tensor]]
    cost: Tensor | None
    forced: bool
    targets: list[Tensor] = field(default_factory=list)

    def __repr__(self) -> str:
        cost = f", cost {self.cost.item():.4g}" if self.cost is not None else ""
        return f"<Run of {type(self.model).__name__} along {len(self)} steps: {', '.join(self.steps[0])}{cost}>"

    def __getitem__(self, role: str) -> list[Tensor]:
        if role not in self.steps[0]:
            raise KeyError(f"{role!r} is no role of this run: it has {', '.join(self.steps[0])}")
        return [step[role] for step in self.steps]

    def __len__(self) -> int:
        return len(self.steps)

    def __reduce__(self) -> tuple[Any, ...]:
        """For pickle: the tensors with the graph behind them as plain data, so that no sequence is too long."""
        cost = {} if self.cost is None else {"": self.cost}
        sections: list[dict[Any, Tensor]] = [*self.carried, *self.steps, dict(enumerate(self.targets)), cost]
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
    *found, targets, cost = [{name: next(tensors) for name in names} for names in sections]
    return Run(model, found[:length], found[length:], cost.get(""), forced, list(targets.values()))


def unroll(
    model: Model,
    xs: Any,
    targets: Any = None,
    *,
    initial: dict[str, Any] | None = None,
    cost: str | Cost = "squared_error",
    teacher_forcing: bool = False,
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
    initial : dict, optional
        Values for some of the carried roles at t = 0, ``{"h": h_0}``; zeros otherwise.
    cost : {"squared_error", "cross_entropy"} or callable
        ``cost(target, output)`` gives C_t, one number. "cross_entropy" takes logits: it applies a softmax itself, so
        leave the model's g at "identity".
    teacher_forcing : bool
        Feed the target of the step before back instead of the output. The model must carry ``"y"``.

    Returns
    -------
    Run

    Raises
    ------
    ValueError
        For an empty sequence, wrong shapes, numbers that are not finite, and teacher forcing without targets or
        without feedback of the output.
    """
    xs = _sequence("xs", xs, model.dtype)
    batch = xs.shape[1:-1]
    if xs.shape[-1] != model.n_in:
        raise ValueError(
            f"xs of shape {xs.shape} has {xs.shape[-1]} components a step, the model takes n_in={model.n_in}:"
            " give xs the shape (T, B, n_in) or (T, n_in)"
        )
    if targets is not None:
        targets = _sequence("targets", targets, model.dtype)
        if targets.shape[:-1] != xs.shape[:-1]:
            raise ValueError(
                f"targets of shape {targets.shape} do not go with xs of shape {xs.shape}: T, B must agree, and the last"
                " axis is n_out"
            )
    if teacher_forcing and (targets is None or "y" not in model.carried):
        raise ValueError(
            "teacher forcing feeds targets back in the place of outputs: "
            + ("pass targets" if targets is None else f"{type(model).__name__} does not feed its output back")
        )
    if not isinstance(initial or {}, dict):
        raise ValueError(f"initial is a {type(initial).__name__}: pass a dict such as {{'h': h_0}}")
    cost_of: Cost = choose("cost", cost, COSTS)
    bound = model.bind()
    carried = [_initial(model, batch, initial or {})]
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
                step["C"] = cost_of(target, step["y"])
            for role, tensor in step.items():
                tensor.name = f"{role}_{t}"
        steps.append(step)
        carried.append({role: target if teacher_forcing and role == "y" else step[role] for role in model.carried})
    total = None
    if targets is not None:
        total = np.sum(np.stack([step["C"] for step in steps]))
        total.name = "cost"
    return Run(model, carried[:-1], steps, total, teacher_forcing, wanted)


def _sequence(what: str, values: Any, dtype: np.dtype[Any]) -> Tensor:
    """``values``, time first, as a tensor that can be unrolled."""
    tensor = values if isinstance(values, Tensor) else Tensor(values, dtype=dtype)
    if tensor.ndim not in (2, 3):
        raise ValueError(f"{what} needs the shape (T, B, n) or (T, n), got {tensor.shape}")
    if tensor.size == 0:
        raise ValueError(f"{what} of shape {tensor.shape} is empty: at least one step (T >= 1) is needed")
    return _finite(what, tensor, dtype)


def _initial(model: Model, batch: tuple[int, ...], given: dict[str, Any]) -> dict[str, Tensor]:
    values = model.initial(batch)
    if unknown := given.keys() - values.keys():
        raise ValueError(f"initial names {sorted(unknown)}, but {type(model).__name__} carries {', '.join(values)}")
    first = {}
    for role, value in {**values, **given}.items():
        if np.shape(value) != values[role].shape:
            raise ValueError(f"initial[{role!r}] has shape {np.shape(value)}, needed is {values[role].shape}")
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
