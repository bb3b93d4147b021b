"""What all networks share: sizes, parameters, functions found by name, and an output for each step.

A cell knows its parameters and one step; `unroll` makes the steps into a graph. To be unrolled, a model, which is a
`Module`, offers

- ``n_in``, how many numbers x_t has;
- ``roles``, the names of what a step computes, in order, and ``carried``, those that the next step needs: together
  they are the model's state;
- ``bind()``, what is computed once per unrolling (the transposed matrices, since data is stored as rows);
- ``initial(batch)``, what the first step is given for the carried roles, with ``batch`` the leading axes of a step;
- ``step(bound, x, carried)``, which returns a tensor for every role.

`Cell` is a base class for models of this house: it asks for ``states``, a step without its output, and adds the
output. A model need not descend from it: docs/cells.md writes one that does not. Where the figure puts the roles is not
the cell's business: see `minigrad.rnn.figure.layouts`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from minigrad.engine.tensor import Array, Tensor
from minigrad.functions import identity, logistic, relu, softmax
from minigrad.module import Module
from minigrad.rnn.cells.initial import normal
from minigrad.rules.networks import affine

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


def dtype_of(model: Any) -> np.dtype[Any]:
    """The precision of a model: that of its parameters; if they do not agree, its ``dtype``, or float64."""
    found = {parameter.dtype for parameter in model.parameters().values()}
    return found.pop() if len(found) == 1 else np.dtype(getattr(model, "dtype", np.float64))


class Cell(Module):
    """Sizes, gates and the output ỹ_t = g(V h_t + c) of a recurrent network; h_t itself without ``n_out``.

    Parameters
    ----------
    n_in, n_hidden : int
        Sizes of x_t and h_t.
    n_out : int, optional
        Size of ỹ_t. Without it there are no V and c, and ỹ_t is h_t: for a layer of several, or an output of your own.
    g : {"identity", "tanh", "logistic", "relu", "softmax"} or callable
        The outputs' function.
    dtype : dtype
        float64 or float32.

    Raises
    ------
    ValueError
        For sizes below 1 and unknown functions, which it lists.
    """

    roles: ClassVar[tuple[str, ...]]
    carried: ClassVar[tuple[str, ...]] = ("h",)
    gates: ClassVar[dict[str, str]] = {}
    """The gates in the order of their rows in W, U and b, and the roles that they are computed as."""

    V: Tensor
    c: Tensor

    def __init__(self, n_in: int, n_hidden: int, n_out: int | None, *, g: str | Function, dtype: npt.DTypeLike) -> None:
        for name, n in (("n_in", n_in), ("n_hidden", n_hidden), ("n_out", n_out)):
            if n is not None and n < 1:
                raise ValueError(f"{name} must be at least 1, got {n}")
        self.n_in, self.n_hidden = n_in, n_hidden
        self.reads_out = n_out is not None
        self.n_out = self.width if n_out is None else n_out
        self.dtype = np.dtype(dtype)
        self.g = choose("g", g, OUTPUTS)

    @property
    def width(self) -> int:
        """How many numbers h_t has."""
        return self.n_hidden

    def initial(self, batch: tuple[int, ...]) -> dict[str, Array]:
        """Zeros: h_0 = 0, and so for all that is carried."""
        sizes = {"y": self.n_out}
        return {role: np.zeros((*batch, sizes.get(role, self.width)), self.dtype) for role in self.carried}

    def bind(self, batch: tuple[int, ...] = (), rng: np.random.Generator | None = None) -> Any:
        """What is computed once per unrolling: here Vᵀ, if there is one.

        With ``rng``, and a ``batch`` such as ``(B,)``, masks for dropout are drawn as well, by cells that have it.
        """
        return (self.V.T,) if self.reads_out else ()

    def states(self, bound: Any, x: Tensor, carried: dict[str, Tensor]) -> dict[str, Tensor]:
        """A step without its output."""
        raise NotImplementedError

    def step(self, bound: Any, x: Tensor, carried: dict[str, Tensor]) -> dict[str, Tensor]:
        """From x_t (..., n_in) and what is carried to all roles, ỹ_t (..., n_out) among them."""
        found = self.states(bound, x, carried)
        found["y"] = self.output(bound, found["h"], x)
        return found

    def output(self, bound: Any, h: Tensor, x: Tensor) -> Tensor:
        """ỹ_t = g(V h_t + c), or h_t as a tensor of its own."""
        if not self.reads_out:
            y: Tensor = self.g(h)
            return identity(h) if y is h else y
        out: Tensor = self.g(affine(self.c, h, bound[0]))
        return out

    def _start_output(self, rng: np.random.Generator) -> None:
        if self.reads_out:
            self.V = self._parameter("V", normal((self.n_out, self.width), rng))

    def _parameter(self, name: str, values: Array) -> Tensor:
        return Tensor(values, requires_grad=True, name=name, dtype=self.dtype)

    # -- gates --------------------------------------------------------------------------------------------------------

    def rows(self, gate: str) -> slice:
        """The rows of a gate, such as "forget", in W, U and b."""
        if gate not in self.gates:
            known = f"it has {', '.join(self.gates)}" if self.gates else "it has none"
            raise ValueError(f"{gate!r} is no gate of {type(self).__name__}: {known}")
        k = list(self.gates).index(gate)
        return slice(k * self.n_hidden, (k + 1) * self.n_hidden)

    def gate(self, gate: str) -> dict[str, Array]:
        """One gate's own W, U and b: read-only views of the rows that belong to it.

        To change them, write to a copy of the whole and give that back: ``b = model.b.data.copy()``,
        ``b[model.rows("forget")] = 1``, ``model.b.data = b``.
        """
        rows, found = self.rows(gate), self.parameters()
        return {name: found[name].data[rows] for name in ("W", "U", "b") if name in found}

    def gate_gradients(self, gate: str) -> dict[str, Array]:
        """The gradients of one gate's W, U and b: views too; only of those that have one."""
        rows, found = self.rows(gate), self.parameters()
        grads = {name: found[name].grad for name in ("W", "U", "b") if name in found}
        return {name: gradient[rows] for name, gradient in grads.items() if gradient is not None}
