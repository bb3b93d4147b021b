"""Networks that hear h_{t-1} by a matrix: W, U and b, a block of rows a gate; layer normalisation and dropout.

Gates are computed together: one product with all rows of W, and one with all of U. A network without gates is the case
of a single block.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from minigrad.engine.tensor import Array, Tensor
from minigrad.functions import identity
from minigrad.rnn.cells.cell import ACTIVATIONS, Cell, Function, Seed, choose
from minigrad.rnn.cells.initial import RECURRENT, normal, scale_to_spectral_radius
from minigrad.rules.networks import preactivation

EPSILON = 1e-5  # beside a variance, as in PyTorch


class Recurrent(Cell):
    """Base class: W, U, V, b, c of a network with recurrent matrices, and what can be done to their products.

    Parameters
    ----------
    n_in, n_hidden, n_out, g, dtype
        As in `Cell`.
    f : {"tanh", "logistic", "relu", "identity"} or callable
        The hidden units' function.
    init : {"normal", "uniform", "glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "orthogonal",
            "identity", "sparse"} or callable
        How W starts, each gate on its own: see `minigrad.rnn.cells.initial`; or a function of n_hidden and a
        Generator. U and V start as N(0, 1/columns), b and c as zeros.
    radius : float, optional
        W, each gate on its own, is scaled to this spectral radius.
    layer_norm : bool
        Normalise W h_{t-1} and U x_t, each gate on its own, to mean 0 and variance 1 over its units, and multiply them
        by gains that are learnt (Ba, Kiros, Hinton 2016, eqs. 29 and 33, with b for all shifts).
    dropout, recurrent_dropout : float
        The share of the components of x_t and of h_{t-1} that are not heard, the same ones at every step and by every
        gate (Gal, Ghahramani 2016); the others are scaled up. It happens only where ``bind`` is given a Generator.
    rng : int or numpy.random.Generator
        Where the initial values come from.

    Raises
    ------
    ValueError
        For sizes below 1, unknown functions or initialisations, which it lists, and shares outside [0, 1).
    """

    W: Tensor
    U: Tensor
    b: Tensor
    acting: int = 2
    """How many ``matrices`` there are."""

    def __init__(
        self,
        n_in: int,
        n_hidden: int,
        n_out: int | None = None,
        *,
        f: str | Function = "tanh",
        g: str | Function = "identity",
        init: str | Any = "normal",
        radius: float | None = None,
        layer_norm: bool = False,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        rng: Seed = 0,
        dtype: npt.DTypeLike = np.float64,
    ) -> None:
        super().__init__(n_in, n_hidden, n_out, g=g, dtype=dtype)
        self.f = choose("f", f, ACTIVATIONS)
        for name, share in (("dropout", dropout), ("recurrent_dropout", recurrent_dropout)):
            if not 0 <= share < 1:
                raise ValueError(f"{name}={share}: the share that is not heard is at least 0 and below 1")
        if layer_norm and n_hidden < 2:
            raise ValueError("layer_norm over a single unit gives 0 always: n_hidden must be at least 2")
        self.layer_norm, self.dropout, self.recurrent_dropout = bool(layer_norm), dropout, recurrent_dropout
        rng, blocks = np.random.default_rng(rng), max(len(self.gates), 1)
        matrices = [choose("init", init, RECURRENT)(n_hidden, rng) for _ in range(blocks)]
        if radius is not None:
            matrices = [scale_to_spectral_radius(W, radius) for W in matrices]
        self.W = self._parameter("W", np.concatenate(matrices))
        self.U = self._parameter("U", normal((blocks * n_hidden, n_in), rng))
        self._start_output(rng)
        self.b = self._parameter("b", np.zeros(blocks * n_hidden))
        if self.reads_out:
            self.c = self._parameter("c", np.zeros(self.n_out))
        if layer_norm:
            self.gain_W = self._parameter("gain_W", np.ones(blocks * n_hidden))
            self.gain_U = self._parameter("gain_U", np.ones(blocks * n_hidden))

    def matrices(self) -> tuple[Tensor, ...]:
        """Those that act on x_t and on what is carried, in the order of ``bind``."""
        return self.U, self.W

    def bind(self, batch: tuple[int, ...] = (), rng: np.random.Generator | None = None) -> Any:
        """Uᵀ, Wᵀ, Vᵀ if there is a V, and, with ``rng``, the masks for x_t (*batch, n_in) and h_{t-1}.

        One mask a sequence: draw them once, and use them at every step. Without ``rng`` everything is heard.
        """
        bound = (*(matrix.T for matrix in self.matrices()), *super().bind())
        if rng is None or not (self.dropout or self.recurrent_dropout):
            return bound
        masks = (self.dropout, self.n_in), (self.recurrent_dropout, self.n_hidden)
        return (*bound, *(Tensor(mask((*batch, n), share, rng), dtype=self.dtype) for share, n in masks))

    def output(self, bound: Any, h: Tensor, x: Tensor) -> Tensor:
        """ỹ_t = g(V h_t + c), or h_t as a tensor of its own."""
        return super().output(bound[self.acting :], h, x)

    def _heard(self, bound: Any, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        """x_t and h_{t-1}, through their masks if there are any."""
        known = self.acting + self.reads_out
        if len(bound) == known:
            return x, h
        for_x, for_h = bound[known:]
        return x * for_x, h * for_h

    def _preactivation(self, bound: Any, x: Tensor, h: Tensor) -> Tensor:
        """z_t = b + W h_{t-1} + U x_t for all gates."""
        if self.layer_norm:
            Ux, Wh = self._products(bound, x, h)
            z: Tensor = Ux + Wh + self.b
        else:
            x, h = self._heard(bound, x, h)
            z = preactivation(self.b, x, bound[0], h, bound[1])
        return z

    def _products(self, bound: Any, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        """U x_t and W h_{t-1} for all gates."""
        x, h = self._heard(bound, x, h)
        return self._gained(x @ bound[0], "gain_U"), self._gained(h @ bound[1], "gain_W")

    def _gained(self, product: Tensor, gain: str, rows: slice = slice(None)) -> Tensor:
        """With layer normalisation, of mean 0 and variance 1 over the units of each gate, times the gain."""
        if not self.layer_norm:
            return product
        gates = product.reshape((*product.shape[:-1], -1, self.n_hidden))
        centred = gates - np.mean(gates, axis=-1, keepdims=True)
        variance = np.mean(centred * centred, axis=-1, keepdims=True)
        scaled: Tensor = (centred / np.sqrt(variance + EPSILON)).reshape(product.shape) * getattr(self, gain)[rows]
        return scaled

    def _hidden(self, z: Tensor) -> Tensor:
        h: Tensor = self.f(z)
        return identity(h) if h is z else h  # two roles, two tensors


def mask(shape: tuple[int, ...], share: float, rng: np.random.Generator) -> Array:
    """Zeros for this share of the entries, and 1/(1 - share) for the others: 1 on average."""
    return (rng.random(shape) >= share) / (1.0 - share)
