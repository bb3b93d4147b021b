"""Layers: networks of which each hears the one below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.engine.tensor import Array, Tensor
from minigrad.module import Module
from minigrad.rnn.cells.cell import Cell, dtype_of, unchanged


class Stacked(Module):
    """Layers of any networks: the first hears x_t, each other one the layer below, at the same step.

    A layer hands up its outputs ỹ_t, or h_t if it has no outputs of its own (built without ``n_out``). The outputs of
    the last layer are those of the whole. Roles have the number of their layer: ``run["h2"]``, and ``run["y"]`` for
    the last layer's outputs.

    Parameters
    ----------
    layers : sequence of models
        The lowest first: `Cell` or anything that offers `step` and the rest.

    Attributes
    ----------
    layers : list of models
        Their parameters are called ``"layers.0.W"`` ...

    Raises
    ------
    ValueError
        If there are no layers, sizes do not go together, or dtypes differ.
    TypeError
        If a layer has no ``step``, or if there is one twice.
    """

    def __init__(self, layers: Sequence[Any]) -> None:
        self.layers = list(layers)
        if not self.layers:
            raise ValueError("no layers: pass at least one, as in Stacked([LSTM(2, 8), LSTM(8, 8, 1)])")
        for k, layer in enumerate(self.layers, 1):
            if not callable(getattr(layer, "step", None)) or hasattr(layer, "unroll"):
                raise TypeError(
                    f"layer {k} is a {type(layer).__name__}, which has no step of its own (layers of two directions are"
                    " pairs of cells in one Bidirectional)"
                )
        if len({id(layer) for layer in self.layers}) < len(self.layers):
            raise TypeError("the same layer stands in two places: build one for each")
        for k, (below, above) in enumerate(zip(self.layers, self.layers[1:], strict=False), 1):
            if (size := getattr(below, "n_out", above.n_in)) != above.n_in:
                raise ValueError(f"layer {k} hands {size} numbers up, layer {k + 1} takes n_in={above.n_in}")
            if (lower := dtype_of(below)) != (upper := dtype_of(above)):
                raise ValueError(f"layer {k} has dtype {lower}, layer {k + 1} {upper}: they must agree")
        self.n_in, self.dtype = self.layers[0].n_in, dtype_of(self.layers[0])
        if hasattr(self.layers[-1], "n_out"):
            self.n_out = self.layers[-1].n_out

    def _own(self, k: int, role: str) -> str:
        """What a role of layer k is called in the whole."""
        if role == "y" and k == len(self.layers):
            return role
        return f"{role}.{k}" if role[-1].isdigit() else f"{role}{k}"

    @property
    def roles(self) -> tuple[str, ...]:
        """Those of all layers, with their numbers."""
        *inner, last = self.layers
        found = [self._own(k, role) for k, layer in enumerate(inner, 1) for role in inner_roles(layer)]
        return (*found, *(self._own(len(self.layers), role) for role in last.roles))

    @property
    def carried(self) -> tuple[str, ...]:
        """What the next step needs, of all layers."""
        return tuple(self._own(k, role) for k, layer in enumerate(self.layers, 1) for role in layer.carried)

    def initial(self, batch: tuple[int, ...]) -> dict[str, Array]:
        """What the layers start with."""
        return {
            self._own(k, role): value
            for k, layer in enumerate(self.layers, 1)
            for role, value in layer.initial(batch).items()
        }

    def bind(self, batch: tuple[int, ...] = (), rng: np.random.Generator | None = None) -> Any:
        """What the layers compute once; with ``rng``, those of this house draw their masks."""
        return bound_of(self.layers, batch, rng)

    def step(self, bound: Any, x: Tensor, carried: dict[str, Tensor]) -> dict[str, Tensor]:
        """From x_t upwards, layer by layer."""
        found: dict[str, Tensor] = {}
        for k, (layer, own) in enumerate(zip(self.layers, bound, strict=True), 1):
            before = {role: carried[self._own(k, role)] for role in layer.carried}
            if k < len(self.layers):
                step, x = inner_step(layer, own, x, before)
            else:
                step = layer.step(own, x, before)
            found.update({self._own(k, role): tensor for role, tensor in step.items()})
        return found


def bound_of(models: Sequence[Any], batch: tuple[int, ...], rng: np.random.Generator | None) -> tuple[Any, ...]:
    """What each of several models binds; only those of this house are asked to draw masks."""
    if rng is None:
        return tuple(model.bind() for model in models)
    return tuple(model.bind(batch, rng) if isinstance(model, (Cell, Stacked)) else model.bind() for model in models)


def hands_h_up(model: Any) -> bool:
    """Whether ỹ_t of a layer would be its h_t once more, which the layer above can hear itself."""
    return isinstance(model, Cell) and not model.reads_out and model.g is unchanged


def inner_roles(model: Any) -> tuple[str, ...]:
    """The roles of a layer below another one: without ỹ_t, if it would be h_t once more."""
    return tuple(role for role in model.roles if not (role == "y" and hands_h_up(model)))


def inner_step(model: Any, bound: Any, x: Tensor, carried: dict[str, Tensor]) -> tuple[dict[str, Tensor], Tensor]:
    """A step of a layer below another one, and what it hands up."""
    if hands_h_up(model):
        step = model.states(bound, x, carried)
        return step, step["h"]
    step = model.step(bound, x, carried)
    return step, step["y"]
