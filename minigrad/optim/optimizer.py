"""Optimizers: what to do with a gradient once `backward` has left it on the parameters.

A step has a fixed order. First the accumulated gradient is clipped as one long vector (`clipping.py`); then weight
decay is added to it, which is no part of what explodes; only then does it enter the optimizer's memory, so that one
explosion does not live on in the momentum. Last, every parameter's data is assigned, which tells the engine that
graphs recorded with the old values are stale.

    optimizer = SGD(model, lr=0.1, max_norm=1.0)
    for xs, ys in batches:
        optimizer.zero_grad()
        cost(model, xs, ys).backward()
        optimizer.step()

What is remembered is the business of `memory`; with it, a function that does this can be compiled.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Protocol, TypeAlias

import numpy as np

from minigrad.engine.standin import StandIn
from minigrad.engine.tables import name_of
from minigrad.engine.tensor import Array, Tensor
from minigrad.optim.clipping import OnNonfinite, check_policy, clip_by_norm
from minigrad.optim.clips import AutoClip, Clip
from minigrad.optim.memory import Later, Remembering, Step
from minigrad.optim.options import check, not_negative, positive
from minigrad.optim.schedules import Plateau, Schedule


class HasParameters(Protocol):
    """Anything that can list its parameters, such as a `Module`."""

    def parameters(self) -> Mapping[str, Tensor]: ...


Parameters: TypeAlias = Mapping[str, Tensor] | Iterable[Tensor] | HasParameters


class Optimizer(Remembering):
    """What all optimizers share: the parameters, the order of a step, and the memory of past gradients.

    A subclass fills `state` and says in `update` what to subtract from a parameter. The methods follow PyTorch's rules,
    and their options have PyTorch's names.

    Parameters
    ----------
    parameters : mapping of str to Tensor, iterable of Tensor, or object with ``parameters()``
        What is trained: leaves that require grad. One that is listed twice counts once.
    lr : float or function
        Learning rate, above 0; or one for each step, a function of the number of steps taken before it, such as those
        of `minigrad.optim.schedules`.
    weight_decay : float
        λ ≥ 0: λ p is added to the clipped gradient, as the slope of ½ λ ‖p‖² would be.
    max_norm : float, optional
        Clip the gradient to this norm: see `minigrad.clipping.clip_by_norm`. Left out, it is only measured.
    clip : Clip, optional
        Another rule in its place: see `minigrad.optim.clips`.
    on_nonfinite : {"raise", "skip"}
        What to do about a gradient with NaN or infinity. Either way nothing is changed by it.

    Attributes
    ----------
    parameters : dict of str to Tensor
        Unnamed ones are called ``parameters[i]`` after their position.
    lr : float
        The learning rate of the next step. It may be assigned: a number, as in ``optimizer.lr *= 0.5``, or another
        function. What is assigned is what holds from then on: a number ends a schedule.
    state : dict of str to ndarray
        The memory, as ``"name.what"``.
    steps : int
        How many steps were taken, skipped ones not counted.
    history : list of Step
        What all steps met, skipped ones included.
    norms : list of float
        With `AutoClip`, the norms of all gradients that there have been, which it needs; empty otherwise.

    Raises
    ------
    TypeError
        If a parameter is not a Tensor.
    ValueError
        If there are no parameters, one of them cannot be trained, a number is out of range, or both ``max_norm`` and
        ``clip`` are given.
    """

    decoupled: ClassVar[bool] = False
    """Whether weight decay stays outside of the gradient, and `update` sees to it."""

    def __init__(
        self,
        parameters: Parameters,
        lr: float | Schedule,
        *,
        weight_decay: float = 0.0,
        max_norm: float | None = None,
        clip: Clip | None = None,
        on_nonfinite: OnNonfinite = "raise",
    ) -> None:
        self.lr = lr
        not_negative(weight_decay=weight_decay)
        if max_norm is not None:
            check("max_norm", max_norm, max_norm > 0, "above 0, or None for no clipping")
        if clip is not None:
            check("max_norm", max_norm, max_norm is None, "left out where clip says how to clip")
            if not callable(clip):
                raise TypeError(f"clip is {clip!r}; it has to be one of minigrad.optim.clips: ByNorm({clip!r}), say")
        check_policy(on_nonfinite)
        self.parameters = _named(parameters)
        self.weight_decay = float(weight_decay)
        self.max_norm, self.clip = max_norm, clip
        self.on_nonfinite: OnNonfinite = on_nonfinite
        self.state: dict[str, Array] = {}
        self.steps = 0
        self.history: list[Step] = []
        self.norms: list[float] = []

    @property
    def lr(self) -> float:
        """The learning rate of the next step."""
        if not callable(self._lr):
            return self._lr
        lr = self._lr(self.steps)
        if not 0 <= lr < math.inf:  # the repr of a schedule takes longer than the schedule
            check(f"lr, which {self._lr!r} says for step {self.steps},", lr, False, "finite and at least 0")
        return float(lr)

    @lr.setter
    def lr(self, lr: float | Schedule) -> None:
        if not callable(lr):
            positive(lr=lr)
            lr = float(lr)
        self._lr: float | Schedule = lr

    def update(self, name: str, gradient: Array) -> Array:
        """What to subtract from the parameter ``name``, in units of the learning rate.

        It may `keep` new arrays in `state`, and changes none that is there. Of NumPy's functions alone, without
        decisions by values, it can be compiled; a `primitive` may decide.
        """
        raise NotImplementedError

    def begin(self, **memories: float) -> None:
        """Give every parameter these memories, full of these numbers, and ``t``, which counts its gradients.

        They are kept in single precision at least: ε and most g² would be zero in half precision.
        """
        for name, p in self.parameters.items():
            dtype = np.promote_types(p.dtype, np.float32)
            self.state |= {f"{name}.{what}": np.full(p.shape, start, dtype) for what, start in memories.items()}
            self.state[f"{name}.t"] = np.array(0)

    def zero_grad(self) -> None:
        """Forget all gradients: set them to None."""
        for parameter in self.parameters.values():
            parameter.grad = None

    def step(self) -> Step:
        """Clip the accumulated gradient, remember it, and move the parameters.

        A parameter whose gradient is None stays where it is, and so does its part of the memory.

        Returns
        -------
        Step
            The norm before clipping, the scale, and whether the gradient was clipped or skipped.

        Raises
        ------
        FloatingPointError
            If a gradient holds NaN or infinity and ``on_nonfinite`` is "raise". The message names the parameter.
        """
        gradients = [parameter.grad for parameter in self.parameters.values()]
        values = [parameter.data for parameter in self.parameters.values()]
        options: dict[str, Any] = {"on_nonfinite": self.on_nonfinite, "names": list(self.parameters)}
        if self.clip is None:
            clipped = clip_by_norm(gradients, math.inf if self.max_norm is None else self.max_norm, **options)
        else:
            clipped = self.clip(gradients, weights=values, past=self.norms, **options)
        step = Step(clipped.norm, clipped.scale, clipped.clipped, clipped.skipped)
        if isinstance(self.history, Later):
            self._part_of_a_program(clipped.grads, step, self.history)
            return step
        lr, memory = self.lr, self.memory()
        try:
            self._note(step)
            if not step.skipped:
                self._move(clipped.grads, lr)
        except BaseException:  # half a step is none, be it Ctrl-C that ended it
            self.recall(memory)
            for parameter, value in zip(self.parameters.values(), values, strict=True):
                if parameter.data is not value:
                    parameter.data = value
            raise
        return step

    def _move(self, gradients: list[Array | None], lr: Any) -> None:
        for (name, parameter), gradient in zip(self.parameters.items(), gradients, strict=True):
            if gradient is not None:
                if self.weight_decay and not self.decoupled:
                    gradient = gradient + self.weight_decay * parameter.data
                step = self.update(name, gradient)
                rate = lr.astype(step.dtype) if isinstance(lr, StandIn) else lr
                parameter.data = parameter.data - rate * step

    def _part_of_a_program(self, gradients: list[Array | None], step: Step, history: Later) -> None:
        """What a step does, in a function that is traced: where it is skipped, all stays what it was."""
        if history.added and (vars(self)["scheduled"] or isinstance(self.clip, AutoClip)):
            raise history.there.refuse(
                "a second step depends on the first by a schedule of learning rates, or AutoClip"
            )
        state, values = dict(self.state), [parameter.data for parameter in self.parameters.values()]
        self._move(gradients, self.lr)
        if isinstance(step.skipped, StandIn):
            for key, value in self.state.items():
                if value is not state.get(key, value):
                    self.state[key] = np.where(step.skipped, state[key], value)
            for parameter, value in zip(self.parameters.values(), values, strict=True):
                if parameter.data is not value:
                    parameter.data = np.where(step.skipped, value, parameter.data)
        history.append(step)

    def observe(self, cost: float) -> None:
        """Tell the learning rate what a validation found, lower being better; only `Plateau` listens."""
        if isinstance(self._lr, StandIn):
            raise self._lr.refuse("optimizer.observe hears of a cost that will be another one at the next run")
        if isinstance(self._lr, Plateau):
            self._lr.observe(cost)


def _named(parameters: Parameters) -> dict[str, Tensor]:
    """The distinct parameters by name."""
    if isinstance(parameters, Tensor):
        raise TypeError(f"parameters come in a list, got the single tensor {parameters!r}: write [p]")
    listed: Any = parameters.parameters() if hasattr(parameters, "parameters") else parameters
    names = list(listed) if isinstance(listed, Mapping) else None
    tensors = list(listed.values() if isinstance(listed, Mapping) else listed)
    named: dict[str, Tensor] = {}
    for i, tensor in enumerate(tensors):
        position = f"parameters[{i}]"
        if not isinstance(tensor, Tensor):
            raise TypeError(f"{names[i] if names else position} is a {type(tensor).__name__}; it has to be a Tensor")
        name = names[i] if names else tensor.name or position
        if tensor.fn is not None:
            raise ValueError(f"{name} was computed by {name_of(tensor.fn)}: train the tensors it was made from")
        if not tensor.requires_grad:
            raise ValueError(f"{name} does not require grad: write Tensor(..., requires_grad=True), or leave it out")
        if not any(tensor is other for other in named.values()):
            named[name if name not in named else position] = tensor
    if not named:
        raise ValueError("there are no parameters to train: pass at least one tensor that requires grad")
    return named
