"""Optimizers: what to do with a gradient once `backward` has left it on the parameters.

A step has a fixed order. First the accumulated gradient is clipped as one long vector (`clipping.py`); only then does
it enter the optimizer's memory, so that one explosion does not live on in the momentum. Last, every parameter's data
is assigned, which tells the engine that graphs recorded with the old values are stale.

    optimizer = SGD(model, lr=0.1, max_norm=1.0)
    for xs, ys in batches:
        optimizer.zero_grad()
        cost(model, xs, ys).backward()
        optimizer.step()
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np

from minigrad.engine.tables import name_of
from minigrad.engine.tensor import Array, Tensor
from minigrad.optim.clipping import OnNonfinite, check_policy, clip_by_norm


class HasParameters(Protocol):
    """Anything that can list its parameters, such as a `Module`."""

    def parameters(self) -> Mapping[str, Tensor]: ...


Parameters: TypeAlias = Mapping[str, Tensor] | Iterable[Tensor] | HasParameters


class Step(NamedTuple):
    """What a step met.

    Attributes
    ----------
    norm : float
        ‖g‖₂ of the whole gradient before clipping.
    scale : float
        What it was multiplied by: 1 if it was short enough, 0 if it was skipped.
    clipped : bool
        Whether it was shortened.
    skipped : bool
        Whether it held NaN or infinity, and nothing was changed.
    """

    norm: float
    scale: float
    clipped: bool
    skipped: bool


class Optimizer:
    """What all optimizers share: the parameters, the order of a step, and the memory of past gradients.

    A subclass fills `state` and says in `update` what to subtract from a parameter.

    Parameters
    ----------
    parameters : mapping of str to Tensor, iterable of Tensor, or object with ``parameters()``
        What is trained: leaves that require grad. One that is listed twice counts once.
    lr : float
        Learning rate, above 0. It may be assigned between steps: ``optimizer.lr *= 0.5``.
    max_norm : float, optional
        Clip the gradient to this norm: see `minigrad.clipping.clip_by_norm`. Left out, it is only measured.
    on_nonfinite : {"raise", "skip"}
        What to do about a gradient with NaN or infinity. Either way nothing is changed by it.

    Attributes
    ----------
    parameters : dict of str to Tensor
        Unnamed ones are called ``parameters[i]`` after their position.
    state : dict of str to ndarray
        The memory, as ``"name.what"``.
    steps : int
        How many steps were taken, skipped ones not counted.
    history : list of Step
        What all steps met, skipped ones included.

    Raises
    ------
    TypeError
        If a parameter is not a Tensor.
    ValueError
        If there are no parameters, one of them cannot be trained, or a number is out of range.
    """

    def __init__(
        self, parameters: Parameters, lr: float, *, max_norm: float | None = None, on_nonfinite: OnNonfinite = "raise"
    ) -> None:
        check("lr", lr, 0 < lr < math.inf, "a finite number above 0")
        if max_norm is not None:
            check("max_norm", max_norm, max_norm > 0, "above 0, or None for no clipping")
        check_policy(on_nonfinite)
        self.parameters = _named(parameters)
        self.lr = lr
        self.max_norm = max_norm
        self.on_nonfinite: OnNonfinite = on_nonfinite
        self.state: dict[str, Array] = {}
        self.steps = 0
        self.history: list[Step] = []

    def update(self, name: str, gradient: Array) -> Array:
        """What to subtract from the parameter ``name``, in units of the learning rate.

        It may put new arrays into `state`, and changes none that is there.
        """
        raise NotImplementedError

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
        clipped = clip_by_norm(
            [parameter.grad for parameter in self.parameters.values()],
            math.inf if self.max_norm is None else self.max_norm,
            on_nonfinite=self.on_nonfinite,
            names=list(self.parameters),
        )
        step = Step(clipped.norm, clipped.scale, clipped.clipped, clipped.skipped)
        with self._wholly_or_not_at_all():
            if not clipped.skipped:
                self.steps += 1
                for (name, parameter), gradient in zip(self.parameters.items(), clipped.grads, strict=True):
                    if gradient is not None:
                        parameter.data = parameter.data - self.lr * self.update(name, gradient)
            self.history.append(step)
        return step

    def observe(self, cost: float) -> None:
        """Told what a validation found, lower being better, an optimizer may change its learning rate."""

    @contextmanager
    def _wholly_or_not_at_all(self) -> Iterator[None]:
        """Put everything back if the step ends in an error, or by Ctrl-C: half a step is none."""
        memory = self.memory()
        values = {name: parameter.data for name, parameter in self.parameters.items()}
        try:
            yield
        except BaseException:
            self.recall(memory)
            for name, parameter in self.parameters.items():
                if parameter.data is not values[name]:
                    parameter.data = values[name]
            raise

    def memory(self) -> tuple[int, dict[str, Array], int]:
        """What `recall` needs to come back to this step; unlike `state_dict` it copies no numbers."""
        return self.steps, dict(self.state), len(self.history)

    def recall(self, memory: tuple[int, dict[str, Array], int]) -> None:
        """Forget what has happened since `memory` was asked for; the parameters stay as they are."""
        steps, state, taken = memory
        self.steps, self.state = steps, dict(state)
        del self.history[taken:]

    def state_dict(self) -> dict[str, Array]:
        """The memory and the number of steps, as copies: what `load_state_dict` needs to go on from here.

        Neither the parameters nor the learning rate are part of it.
        """
        return {"steps": np.array(self.steps)} | {key: np.array(value) for key, value in self.state.items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a `state_dict` of an optimizer of the same kind and parameters.

        Raises
        ------
        ValueError
            If an entry is missing, unknown or of another shape. Nothing has been changed then.
        """
        expected = self.state_dict()
        if state.keys() != expected.keys():
            raise ValueError(
                f"this state is of another optimizer: {sorted(expected.keys() - state.keys())} are missing"
                f" and {sorted(state.keys() - expected.keys())} unknown"
            )
        loaded = {key: np.array(state[key], expected[key].dtype) for key in expected}
        for key, value in loaded.items():
            if value.shape != expected[key].shape:
                raise ValueError(f"{key} has shape {value.shape} in this state, and {expected[key].shape} here")
        self.steps = int(loaded.pop("steps"))
        self.state = loaded


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


def check(what: str, value: Any, holds: bool, expected: str) -> None:
    if not holds:
        raise ValueError(f"{what} is {value!r}; it has to be {expected}")
