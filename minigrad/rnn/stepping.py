"""One step of a model after the other, along a sequence that has been looked over.

`along` checks what is to be unrolled, and says what counts of it; `Stepping.steps` computes. Whoever unrolls keeps all
of the steps (`unrolling`), or no more than what the next one needs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np

from minigrad.engine.standin import require, uneven
from minigrad.engine.tensor import Array, Tensor
from minigrad.functions import binary_cross_entropy, cross_entropy, squared_error
from minigrad.rnn.cells.cell import choose, dtype_of
from minigrad.rnn.counting import SWAPPED, Counting, counted, filled
from minigrad.scopes import scope

Cost = Callable[..., Any]
COSTS: dict[str, Cost] = {
    "squared_error": squared_error, "cross_entropy": cross_entropy, "binary_cross_entropy": binary_cross_entropy
}  # fmt: skip


class Model(Protocol):
    """What `unroll` asks of a model: see `minigrad.rnn.cells.cell`."""

    n_in: int

    @property
    def roles(self) -> tuple[str, ...]: ...
    @property
    def carried(self) -> tuple[str, ...]: ...
    def parameters(self) -> dict[str, Tensor]: ...
    def bind(self, batch: tuple[int, ...] = ..., rng: np.random.Generator | None = ...) -> Any: ...
    def initial(self, batch: tuple[int, ...]) -> dict[str, Array]: ...
    def step(self, bound: Any, x: Tensor, carried: dict[str, Tensor]) -> dict[str, Tensor]: ...


OFFERED = "n_in", "roles", "carried", "parameters", "bind", "initial", "step"
"""What a model has to have, as the docstring of `minigrad.rnn.cells.cell` says."""


@runtime_checkable
class Whole(Protocol):
    """What a model has in the place of steps that needs the whole sequence."""

    def whole(self, stepping: Any, first: Any, bound: Any) -> Any: ...


State = dict[str, Tensor]


class Step(NamedTuple):
    """What one step computed: its tensors by their roles, its target, and what the next step is given."""

    tensors: dict[str, Tensor]
    target: Tensor | None
    following: State


@dataclass(frozen=True)
class Stepping:
    """A model and a sequence that fit each other.

    Attributes
    ----------
    model : Model
    xs, targets : Tensor (T, ..., n)
        Targets may be None.
    counting : Counting
        Which costs count.
    forced : ndarray of bool (T, ..., 1) or None
        Where targets are fed back.
    cost_of : callable
    named : bool
        Whether the cost is one of this package, which needs a target for each output.
    dropout : int or None
        The seed of the masks of models that drop units; None to drop none.
    """

    model: Model
    xs: Tensor
    targets: Tensor | None
    counting: Counting
    forced: Array | None
    cost_of: Cost
    named: bool
    dropout: int | None = None

    def __len__(self) -> int:
        return len(self.xs)

    @property
    def batch(self) -> tuple[int, ...]:
        """The axes between time and components."""
        batch: tuple[int, ...] = self.xs.shape[1:-1]
        return batch

    def steps(
        self,
        carried: State,
        first: int = 1,
        last: int | None = None,
        *,
        bound: Any = None,
        costs: bool = True,
    ) -> Iterator[Step]:
        """Steps ``first`` ... ``last``, where ``carried`` is what the first of them is given.

        ``bound`` is what `bind` gave, if somebody has asked already; without ``costs`` there are none.
        """
        model, handed_on = self.model, self.model.carried
        bound = self.bind() if bound is None else bound
        for t in range(first, (len(self) if last is None else last) + 1):
            target: Any = None
            with scope(f"t={t}"):
                x = self.xs[t - 1]
                tensors = {"x": x, **model.step(bound, x, carried)}
                if costs or self.forced is not None:
                    target = self.judge(t, tensors, costs)
                for role, tensor in tensors.items():
                    tensor.name = f"{role}_{t}"
                following: dict[str, Any] = {role: tensors[role] for role in handed_on}
                if self.forced is not None:
                    fed = self.forced[t - 1]
                    following["y"] = target if np.all(fed) else np.where(fed, target, tensors["y"])
                following = self.counting.kept(t, following, carried)
            yield Step(tensors, target, following)
            carried = following

    def bind(self) -> Any:
        """What the model computes once; masks too, the same ones whenever it is asked."""
        if self.dropout is None:
            return self.model.bind()
        return self.model.bind(self.batch, np.random.default_rng(self.dropout))

    def judge(self, t: int, tensors: dict[str, Tensor], costs: bool = True) -> Tensor | None:
        """The target of step t, if there is one; with it, C_t joins the step's tensors."""
        if self.targets is None:
            return None
        if "y" not in tensors:
            raise ValueError(
                f"a step of {type(self.model).__name__} has {', '.join(tensors)}, and no y to be compared with targets:"
                " call its output y, or unroll without targets"
            )
        target: Tensor = self.targets[t - 1]
        target.name = f"target_{t}"
        if costs:
            tensors["C"] = self._cost(target, tensors["y"], self.counting.weight(t, self.named))
        return target

    def _cost(self, target: Tensor, output: Tensor, weight: Array | float) -> Tensor:
        """C_t, of which every sequence has a share by its weight."""
        if self.named and target.shape != output.shape:
            raise ValueError(
                f"targets of shape {(len(self), *target.shape)} do not go with {output.shape[-1]} outputs:"
                " the last axis must be n_out"
            )
        if isinstance(weight, float):
            counts: Tensor = self.cost_of(target, output) if weight else Tensor(0.0, dtype=output.dtype)
            return counts
        weighted: Tensor = self.cost_of(target, output, weight)
        return weighted

    def first(self, given: Any) -> State:
        """What the first step is given: ``given``, and zeros for what is not, as leaves of their own."""
        model, values, dtype = self.model, self.model.initial(self.batch), self.xs.dtype  # which is the model's
        if (
            final := getattr(given, "final", None)
        ) is not None:  # a run, or what a pass has left: cut off from its graph
            given = {role: value.data if isinstance(value, Tensor) else value for role, value in final.items()}
        given = given or {}
        if not isinstance(given, dict):
            raise ValueError(
                f"initial is a {type(given).__name__}: pass a dict such as {{'h': h_0}}, or a run to go on from"
            )
        if unknown := given.keys() - values.keys():
            raise ValueError(f"initial names {sorted(unknown)}, but {type(model).__name__} carries {', '.join(values)}")
        first = {}
        for role, value in {**values, **given}.items():
            if np.shape(value) != values[role].shape:
                hint = f": {SWAPPED}" if np.shape(value)[-1:] == values[role].shape[-1:] else ""
                raise ValueError(f"initial[{role!r}] has shape {np.shape(value)}, needed is {values[role].shape}{hint}")
            tensor = value if isinstance(value, Tensor) else Tensor(value, True, f"{role}_0", dtype)
            first[role] = _finite(f"initial[{role!r}]", tensor, dtype)
        return first


def along(
    model: Model,
    xs: Any,
    targets: Any = None,
    *,
    cost: str | Cost = "squared_error",
    at: str = "every",
    weights: Any = None,
    lengths: Any = None,
    missing: bool = False,
    teacher_forcing: Any = False,
    rng: int | np.random.Generator = 0,
    dropout: int | None = None,
) -> Stepping:
    """What `minigrad.rnn.unroll` was given, looked over; its docstring tells the parameters and errors."""
    if missing_names := [name for name in OFFERED if not hasattr(model, name)]:
        raise TypeError(
            f"{type(model).__name__} has no {', '.join(missing_names)}: a model to be unrolled is a Module with"
            f" {', '.join(OFFERED)}, see minigrad.rnn.cells.cell"
        )
    dtype, last = dtype_of(model), {"every": False, "last": True}.get(at)
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
    if targets is not None and not last:
        counts = None if counting.weights is None else counting.weights > 0
        targets = _finite("targets", filled(targets, counts), dtype)
    forced = _forced(model, teacher_forcing, xs, targets, rng)
    cost_of, named = choose("cost", cost, COSTS), isinstance(cost, str)
    return Stepping(model, xs, targets, counting, forced, cost_of, named, dropout)


def _wanted(targets: Any, shape: tuple[int, ...], dtype: np.dtype[Any], last: bool) -> Tensor:
    """The targets of all steps."""
    if last:
        targets = targets if isinstance(targets, Tensor) else Tensor(targets, dtype=dtype)
        if targets.shape[:-1] != shape[1:] or targets.ndim == 0:
            raise ValueError(
                f"targets of shape {targets.shape} at the last step do not go with xs of shape {(*shape, 'n_in')}:"
                f" {(*shape[1:], 'n_out')} is needed"
            )
        everywhere: Any = np.broadcast_to(_finite("targets", targets, dtype), (*shape, targets.shape[-1]))
        return _sequence("targets", everywhere, dtype)
    every = _sequence("targets", targets, dtype)
    if every.shape[:-1] != shape:
        hint = f". {SWAPPED}" if every.shape[:-1] == shape[::-1] else ", and the last axis is n_out"
        raise ValueError(
            f"targets of shape {every.shape} do not go with xs of shape {(*shape, 'n_in')}: T, B must agree{hint}"
        )
    return every


def _forced(model: Model, share: Any, xs: Tensor, targets: Any, rng: Any) -> Array | None:
    """Where the target is fed back, (T, ..., 1); None if nowhere."""
    shares, shape = np.asarray(share, np.float64), xs.shape[:-1]
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
    if not np.all(shares == 1):  # as it is drawn
        uneven(xs._data)
    each = np.broadcast_to(shares.reshape(-1, *[1] * (len(shape) - 1)), shape)
    forced: Array = (np.random.default_rng(rng).uniform(size=shape) < each)[..., None]
    return forced


def _sequence(what: str, values: Any, dtype: np.dtype[Any]) -> Tensor:
    """``values``, time first, as a tensor that can be unrolled."""
    tensor = values if isinstance(values, Tensor) else Tensor(values, dtype=dtype)
    if tensor.ndim not in (2, 3):
        raise ValueError(f"{what} needs the shape (T, B, n) or (T, n), got {tensor.shape}")
    if tensor.size == 0:
        raise ValueError(f"{what} of shape {tensor.shape} is empty: at least one step (T >= 1) is needed")
    return tensor


def _finite(what: str, tensor: Tensor, dtype: np.dtype[Any]) -> Tensor:
    if tensor.dtype != dtype:
        raise ValueError(f"{what} has dtype {tensor.dtype}, the model {dtype}: convert with astype")
    require(all_finite, what, tensor.data)
    return tensor


def all_finite(what: str, values: Array) -> None:
    """Raise an error at the first number that is not."""
    finite = np.isfinite(values)
    if not finite.all():
        where = tuple(int(i) for i in np.argwhere(~finite)[0])
        raise ValueError(
            f"{what}{list(where)} is {values[where]}, the first of {np.sum(~finite)} numbers that are not finite:"
            " mend or drop them first"
        )
