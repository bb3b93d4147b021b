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
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np

from minigrad.clipping import OnNonfinite, check_policy, clip_by_norm
from minigrad.primitives import name_of
from minigrad.tensor import Array, Tensor


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
        _check("lr", lr, 0 < lr < math.inf, "a finite number above 0")
        if max_norm is not None:
            _check("max_norm", max_norm, max_norm > 0, "above 0, or None for no clipping")
        check_policy(on_nonfinite)
        self.parameters = _named(parameters)
        self.lr = lr
        self.max_norm = max_norm
        self.on_nonfinite: OnNonfinite = on_nonfinite
        self.state: dict[str, Array] = {}
        self.steps = 0
        self.history: list[Step] = []

    def update(self, name: str, gradient: Array) -> Array:
        """What to subtract from the parameter ``name``, in units of the learning rate."""
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
        if not clipped.skipped:
            self.steps += 1
            for (name, parameter), gradient in zip(self.parameters.items(), clipped.grads, strict=True):
                if gradient is not None:
                    parameter.data = parameter.data - self.lr * self.update(name, gradient)
        self.history.append(Step(clipped.norm, clipped.scale, clipped.clipped, clipped.skipped))
        return self.history[-1]

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


class SGD(Optimizer):
    """Gradient descent, with momentum if asked for (Polyak, 1964):

        v ← μ v + g        p ← p − lr v

    This is Eq. 1 and 2 of Sutskever, Martens, Dahl and Hinton (2013) with the learning rate taken out of v, so that a
    new learning rate takes effect at once.

    Parameters
    ----------
    parameters, lr, max_norm, on_nonfinite
        As in `Optimizer`.
    momentum : float
        The μ above, 0 ≤ μ < 1.
    """

    def __init__(
        self,
        parameters: Parameters,
        lr: float,
        *,
        momentum: float = 0.0,
        max_norm: float | None = None,
        on_nonfinite: OnNonfinite = "raise",
    ) -> None:
        super().__init__(parameters, lr, max_norm=max_norm, on_nonfinite=on_nonfinite)
        _check("momentum", momentum, 0 <= momentum < 1, "at least 0 and below 1")
        self.momentum = float(momentum)
        if momentum:
            self.state = {f"{name}.v": np.zeros_like(p.data) for name, p in self.parameters.items()}

    def update(self, name: str, gradient: Array) -> Array:
        if not self.momentum:
            return gradient
        v = self.state[f"{name}.v"] = np.asarray(self.momentum * self.state[f"{name}.v"] + gradient)
        return v


class Adam(Optimizer):
    """Steps of about ``lr`` in every coordinate, however steep the cost (Kingma and Ba, 2015, Algorithm 1):

        m ← β₁ m + (1 − β₁) g        v ← β₂ v + (1 − β₂) g²
        p ← p − lr m̂ / (√v̂ + ε)      m̂ = m / (1 − β₁ᵗ)      v̂ = v / (1 − β₂ᵗ)

    The moments start at zero; m̂ and v̂ correct the bias that this gives them. t counts the gradients that the
    parameter got, so that one that had none for a while is not corrected for steps it did not take.

    Parameters
    ----------
    parameters, lr, max_norm, on_nonfinite
        As in `Optimizer`.
    betas : (float, float)
        β₁ and β₂, how slowly the moments forget: 0 ≤ β < 1.
    eps : float
        The ε above, finite and above 0: keeps the step finite where there was no gradient.
    """

    def __init__(
        self,
        parameters: Parameters,
        lr: float = 1e-3,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        max_norm: float | None = None,
        on_nonfinite: OnNonfinite = "raise",
    ) -> None:
        super().__init__(parameters, lr, max_norm=max_norm, on_nonfinite=on_nonfinite)
        _check("betas", betas, len(betas) == 2 and all(0 <= b < 1 for b in betas), "two, each at least 0 and below 1")
        _check("eps", eps, 0 < eps < math.inf, "a finite number above 0")
        self.betas = (float(betas[0]), float(betas[1]))
        self.eps = float(eps)
        for name, p in self.parameters.items():
            dtype = np.promote_types(p.dtype, np.float32)  # eps and most g² would be zero in half precision
            self.state |= {f"{name}.m": np.zeros(p.shape, dtype), f"{name}.v": np.zeros(p.shape, dtype)}
            self.state[f"{name}.t"] = np.array(0)

    def update(self, name: str, gradient: Array) -> Array:
        m, v, t = (self.state[f"{name}.{what}"] for what in "mvt")
        b1, b2 = self.betas
        g = gradient.astype(m.dtype, copy=False)
        m, v, t = np.asarray(b1 * m + (1 - b1) * g), np.asarray(b2 * v + (1 - b2) * g * g), t + 1
        self.state |= {f"{name}.m": m, f"{name}.v": v, f"{name}.t": np.asarray(t)}
        step: Array = m / (1 - b1 ** int(t)) / (np.sqrt(v / (1 - b2 ** int(t))) + self.eps)
        return step


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


def _check(what: str, value: Any, holds: bool, expected: str) -> None:
    if not holds:
        raise ValueError(f"{what} is {value!r}; it has to be {expected}")
