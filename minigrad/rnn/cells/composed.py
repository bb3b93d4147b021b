"""Layers: networks of which each hears the one below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.engine.tensor import Array, Tensor
from minigrad.module import Module
from minigrad.rnn.cells.cell import Cell, unchanged


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
            if not callable(getattr(layer, "step", None)):
                raise TypeError(
                    f"layer {k} is a {type(layer).__name__}, which has no step: a layer needs what it is given at t"
                    " only (for two directions, stack inside of Bidirectional)"
                )
        if len({id(layer) for layer in self.layers}) < len(self.layers):
            raise TypeError("the same layer stands in two places: build one for each")
        for k, (below, above) in enumerate(zip(self.layers, self.layers[1:], strict=False), 1):
            if (size := getattr(below, "n_out", above.n_in)) != above.n_in:
                raise ValueError(f"layer {k} hands {size} numbers up, layer {k + 1} takes n_in={above.n_in}")
            if below.dtype != above.dtype:
                raise ValueError(f"layer {k} has dtype {below.dtype}, layer {k + 1} {above.dtype}: they must agree")
        self.n_in, self.dtype = self.layers[0].n_in, self.layers[0].dtype
        if hasattr(self.layers[-1], "n_out"):
            self.n_out = self.layers[-1].n_out

    def _own(self, k: int, role: str) -> str:
        """What a role of layer k is called in the whole."""
        if role == "y" and k == len(self.layers):
            return role
        return f"{role}.{k}" if role[-1].isdigit() else f"{role}{k}"

    def _hidden_output(self, k: int) -> bool:
        """Whether ỹ of layer k would be its h once more, which the layer above can hear itself."""
        layer = self.layers[k - 1]
        return k < len(self.layers) and isinstance(layer, Cell) and not layer.reads_out and layer.g is unchanged

    @property
    def roles(self) -> tuple[str, ...]:
        """Those of all layers, with their numbers."""
        return tuple(
            self._own(k, role)
            for k, layer in enumerate(self.layers, 1)
            for role in layer.roles
            if not (role == "y" and self._hidden_output(k))
        )

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
        return tuple(
            layer.bind(batch, rng) if isinstance(layer, (Cell, Stacked)) else layer.bind() for layer in self.layers
        )

    def step(self, bound: Any, x: Tensor, carried: dict[str, Tensor]) -> dict[str, Tensor]:
        """From x_t upwards, layer by layer."""
        found: dict[str, Tensor] = {}
        for k, (layer, own) in enumerate(zip(self.layers, bound, strict=True), 1):
            before = {role: carried[self._own(k, role)] for role in layer.carried}
            hidden = self._hidden_output(k)
            step = layer.states(own, x, before) if hidden else layer.step(own, x, before)
            x = step["h" if hidden else "y"]
            found.update({self._own(k, role): tensor for role, tensor in step.items()})
        return found
