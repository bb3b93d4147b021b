"""The lecture's recurrent networks: what happens in one step.

    z_t = b + W h_{t-1} + U x_t        h_t = f(z_t)        ỹ_t = g(V h_t + c)

`RNN` is this. `OutputFeedbackRNN` is the variant that hears its own output instead of (or besides) its hidden state.
A cell knows its parameters and one step; `unroll` makes the steps into a graph. To be unrolled, a model offers

- ``roles``, the names of what a step computes, in order, and ``carried``, those that the next step needs;
- ``bind()``, what is computed once per unrolling (the transposed matrices, since data is stored as rows);
- ``initial(batch)``, what the first step is given for the carried roles, with ``batch`` the leading axes of a step;
- ``step(bound, x, carried)``, which returns a tensor for every role.

Where the figure puts the roles is not the cell's business: see `minigrad.rnn.figure.layouts`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from minigrad.engine.tensor import Array, Tensor
from minigrad.functions import identity, logistic, relu, softmax
from minigrad.module import Module
from minigrad.rnn.cells.initial import RECURRENT, normal, scaled_to_radius

Function = Callable[[Any], Any]
Seed = int | np.random.Generator

ACTIVATIONS: dict[str, Function] = {"tanh": np.tanh, "logistic": logistic, "relu": relu, "identity": identity}


def unchanged(o: Any) -> Any:
    """o itself: V h + c is a node of its own."""
    return o


OUTPUTS: dict[str, Function] = {**ACTIVATIONS, "identity": unchanged, "softmax": softmax}


def choose(what: str, choice: Any, known: dict[str, Any]) -> Any:
    """``known[choice]``, or ``choice`` itself if it is a function."""
    if callable(choice):
        return choice
    if choice not in known:
        raise ValueError(f"{what}={choice!r} is not known: choose one of {', '.join(known)}, or pass a function")
    return known[choice]


class RNN(Module):
    """The lecture's network: z_t = b + W h_{t-1} + U x_t, h_t = f(z_t), ỹ_t = g(V h_t + c).

    Parameters
    ----------
    n_in, n_hidden, n_out : int
        Sizes of x_t, h_t and ỹ_t.
    f : {"tanh", "logistic", "relu", "identity"} or callable
        The hidden units' function.
    g : {"identity", "tanh", "logistic", "relu", "softmax"} or callable
        The outputs' function.
    init : {"normal", "orthogonal", "identity"}
        How W starts: N(0, 1/n_hidden), a random orthogonal matrix, or the identity (Le, Jaitly, Hinton 2015). U and V
        start as N(0, 1/columns), b and c as zeros.
    radius : float, optional
        W is scaled to this spectral radius.
    rng : int or numpy.random.Generator
        Where the initial values come from.
    dtype : dtype
        float64 or float32.

    Attributes
    ----------
    W : Tensor (n_hidden, n_hidden)
    U : Tensor (n_hidden, n_in)
    V : Tensor (n_out, n_hidden)
    b : Tensor (n_hidden,)
    c : Tensor (n_out,)

    Raises
    ------
    ValueError
        For sizes below 1 and unknown functions or initialisations, which it lists.
    """

    roles: ClassVar[tuple[str, ...]] = ("z", "h", "y")
    carried: ClassVar[tuple[str, ...]] = ("h",)

    def __init__(
        self,
        n_in: int,
        n_hidden: int,
        n_out: int,
        *,
        f: str | Function = "tanh",
        g: str | Function = "identity",
        init: str = "normal",
        radius: float | None = None,
        rng: Seed = 0,
        dtype: npt.DTypeLike = np.float64,
    ) -> None:
        for name, n in (("n_in", n_in), ("n_hidden", n_hidden), ("n_out", n_out)):
            if n < 1:
                raise ValueError(f"{name} must be at least 1, got {n}")
        self.n_in, self.n_hidden, self.n_out = n_in, n_hidden, n_out
        self.dtype = np.dtype(dtype)
        self.f, self.g = choose("f", f, ACTIVATIONS), choose("g", g, OUTPUTS)
        rng = np.random.default_rng(rng)
        W = choose("init", init, RECURRENT)(n_hidden, rng)
        self.W = self._parameter("W", W if radius is None else scaled_to_radius(W, radius))
        self.U = self._parameter("U", normal((n_hidden, n_in), rng))
        self.V = self._parameter("V", normal((n_out, n_hidden), rng))
        self.b = self._parameter("b", np.zeros(n_hidden))
        self.c = self._parameter("c", np.zeros(n_out))

    def _parameter(self, name: str, values: Array) -> Tensor:
        return Tensor(values, requires_grad=True, name=name, dtype=self.dtype)

    def _hidden(self, z: Tensor) -> Tensor:
        h: Tensor = self.f(z)
        return identity(h) if h is z else h  # two roles, two tensors

    def initial(self, batch: tuple[int, ...]) -> dict[str, Array]:
        """h_0 = 0."""
        return {"h": np.zeros((*batch, self.n_hidden), self.dtype)}

    def bind(self) -> tuple[Tensor, ...]:
        """Uᵀ, Wᵀ and Vᵀ."""
        return self.U.T, self.W.T, self.V.T

    def step(self, bound: tuple[Tensor, ...], x: Tensor, carried: dict[str, Tensor]) -> dict[str, Tensor]:
        """From x_t (..., n_in) and h_{t-1} (..., n_hidden) to z_t, h_t and ỹ_t (..., n_out)."""
        UT, WT, VT = bound
        z = x @ UT + carried["h"] @ WT + self.b
        h = self._hidden(z)
        return {"z": z, "h": h, "y": self.g(h @ VT + self.c)}
