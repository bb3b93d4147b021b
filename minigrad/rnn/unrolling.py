"""A model along a sequence: the recurrence becomes a graph.

Nothing here knows about derivatives. The steps are computed one after the other (`stepping`), each inside a scope
``t=1``, ``t=2`` ... and with its tensors named ``h_1``, ``h_2`` ...; the engine records them like any other NumPy, and
back-propagation through time is ``run.cost.backward()``.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from copy import deepcopy
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

import numpy as np

from minigrad.copies import Recording
from minigrad.engine.tensor import Array, Tensor
from minigrad.rnn.stepping import COSTS, Cost, Model, along
from minigrad.scopes import scope as within

__all__ = ["COSTS", "Cost", "Model", "Operand", "Run", "unroll"]


class Operand(NamedTuple):
    """Plain numbers that stand for a role in step t: the argument of a call, at its position."""

    role: str
    t: int
    consumer: Tensor
    position: int

    @property
    def at(self) -> tuple[int, int]:
        """The index of what the call has made, and the position: what tells it from others."""
        return self.consumer.index, self.position


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
        y_1 ... y_T, or of those steps that have a cost; empty without targets.
    final : dict of str to Tensor
        What a step T + 1 would be given: ``initial=run`` goes on from there. Of a sequence that ended earlier, what its
        own last step left.
    operands : list of Operand
        Of a loop that was read back: where plain arrays were used, for which a tensor of the run stands. Else empty.

    ``run["h"]`` is the list h_1 ... h_T; of a loop that was read back, of those that there are.
    """

    model: Model
    carried: list[dict[str, Tensor]]
    steps: list[dict[str, Tensor]]
    cost: Tensor | None
    forced: bool
    targets: list[Tensor] = field(default_factory=list)
    final: dict[str, Tensor] = field(default_factory=dict)
    operands: list[Operand] = field(default_factory=list)

    def __repr__(self) -> str:
        cost = f", cost {self.cost.item():.4g}" if self.cost is not None else ""
        batch = self.steps[0]["x"].shape[:-1] if "x" in self.steps[0] and not self.operands else ()
        along = f"{len(self)} steps" + (f", batch of {batch[0]}" if batch else "")
        return f"<Run of {type(self.model).__name__} along {along}: {', '.join(self.roles)}{cost}>"

    @property
    def roles(self) -> list[str]:
        """All roles that a step has, in the order of computation."""
        return list(dict.fromkeys(role for step in self.steps for role in step))

    @property
    def costs(self) -> dict[int, Tensor]:
        """The costs C_t by their steps."""
        return {t: step["C"] for t, step in enumerate(self.steps, 1) if "C" in step}

    def __getitem__(self, role: str) -> list[Tensor]:
        found = [step[role] for step in self.steps if role in step]
        if not found:
            raise KeyError(f"{role!r} is no role of this run: it has {', '.join(self.roles)}")
        return found

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
            {(each.role, each.t, each.position, k): each.consumer for k, each in enumerate(self.operands)},
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
    *found, targets, cost, final, plain = [{name: next(tensors) for name in names} for names in sections]
    operands = [Operand(role, t, consumer, position) for (role, t, position, _), consumer in plain.items()]
    return Run(model, found[:length], found[length:], cost.get(""), forced, list(targets.values()), final, operands)


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
    dropout: int | None = None,
    scope: str | None = None,
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
    dropout : int, optional
        A seed for the masks of models that drop units, one mask a sequence; another one for every batch, while it is
        trained. Without, nothing is dropped.
    scope : str, optional
        A scope around those of the steps, ``"encoder"``, so that two runs in one graph can be told apart.

    Returns
    -------
    Run

    Raises
    ------
    ValueError
        For an empty sequence, wrong shapes, numbers that are not finite, and teacher forcing without targets or
        without feedback of the output.

    Examples
    --------
    >>> import numpy as np
    >>> from minigrad.rnn import RNN
    >>> run = unroll(RNN(2, 4, 1, rng=0), np.ones((3, 5, 2)), np.zeros((3, 5, 1)))
    >>> run
    <Run of RNN along 3 steps, batch of 5: x, z, h, y, C, cost 0.3086>
    >>> len(run["h"]), run["h"][-1].shape, run["C"][-1].shape
    (3, (5, 4), ())
    """
    with nullcontext() if scope is None else within(scope):
        stepping = along(
            model, xs, targets, cost=cost, at=at, weights=weights, lengths=lengths, missing=missing,
            teacher_forcing=teacher_forcing, rng=rng, dropout=dropout,
        )  # fmt: skip
        bound = stepping.bind()
        first = stepping.first(initial)
        whole = getattr(model, "whole", None)  # to ask `Whole` would take as long as a step
        if whole is not None:
            steps, carried, final = whole(stepping, first, bound)
        else:
            steps = list(stepping.steps(first, bound=bound))
            *carried, final = [first, *(step.following for step in steps)]
        total = None
        if targets is not None:
            total = np.sum(np.stack([step.tensors["C"] for step in steps]))
            total.name = "cost"
        always = stepping.forced is not None and bool(np.all(stepping.forced))
        wanted = [step.target for step in steps if step.target is not None]
        return Run(model, carried, [step.tensors for step in steps], total, always, wanted, final)
