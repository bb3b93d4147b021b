"""Networks with gates, which decide what is remembered: LSTM and GRU.

A gate is a layer of logistic units, 0 for closed and 1 for open, that multiplies something. All gates are blocks of
rows of one W, U and b, so that a step has one product with each; ``model.gate("forget")`` shows those of one of them.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np

from minigrad.engine.tensor import Array, Tensor
from minigrad.functions import logistic
from minigrad.rnn.cells.initial import chrono as chrono_bias
from minigrad.rnn.cells.recurrent import Recurrent


class LSTM(Recurrent):
    """Long short-term memory (Hochreiter, Schmidhuber 1997; Gers, Schmidhuber, Cummins 2000, for the forget gate).

        z_t = b + W h_{t-1} + U x_t        (4 n_hidden numbers, in the order i f g o)
        i_t = σ(z_t^i)    f_t = σ(z_t^f)    g_t = f(z_t^g)    o_t = σ(z_t^o)
        c_t = f_t c_{t-1} + i_t g_t
        h_t = o_t f(c_t)                    ỹ_t = g(V h_t + c)

    Two things are carried, h and the cell c. (As everywhere in the literature the cell is called c, and as in the
    lecture the outputs' bias is too: ``run["c"]`` is the first, ``model.c`` the second. Likewise f and g are gates in
    a run, and functions of a model.) Along c alone, ∂c_t/∂c_{t-1} = diag(f_t): where the forget gate is open, the
    gradient neither vanishes nor explodes.

    Parameters
    ----------
    n_in, n_hidden, n_out : int
        Sizes of x_t, h_t and ỹ_t; without n_out, ỹ_t is h_t.
    peepholes : bool
        Let the gates see the cell (Gers, Schraudolph, Schmidhuber 2002): p^i c_{t-1} is added to z^i, p^f c_{t-1} to
        z^f, and p^o c_t to z^o, component by component.
    forget_bias : float
        Where the forget gate's b starts (Jozefowicz, Zaremba, Sutskever 2015, recommend 1); 0 for PyTorch's start.
    chrono : float, optional
        The longest time to be remembered, in steps: b^f starts as log U(1, chrono - 1) and b^i as its negative
        (Tallec, Ollivier 2018, eq. 16). In place of ``forget_bias``.
    **options
        Those of `Recurrent`; ``init`` and ``radius`` hold for each gate's W.

    Attributes
    ----------
    W : Tensor (4 n_hidden, n_hidden)
        A block of rows a gate, in the order input, forget, candidate, output, as in PyTorch and Keras.
    U : Tensor (4 n_hidden, n_in)
    V : Tensor (n_out, n_hidden)
    b : Tensor (4 n_hidden,)
    c : Tensor (n_out,)
    p : Tensor (3 n_hidden,)
        With peepholes, those of the input, forget and output gates; they start as zeros.
    """

    roles: ClassVar[tuple[str, ...]] = ("z", "i", "f", "g", "c", "o", "h", "y")
    carried: ClassVar[tuple[str, ...]] = ("h", "c")
    gates: ClassVar[dict[str, str]] = {"input": "i", "forget": "f", "candidate": "g", "output": "o"}

    def __init__(
        self,
        n_in: int,
        n_hidden: int,
        n_out: int | None = None,
        *,
        peepholes: bool = False,
        forget_bias: float = 1.0,
        chrono: float | None = None,
        **options: Any,
    ) -> None:
        rng = options["rng"] = np.random.default_rng(options.get("rng", 0))
        super().__init__(n_in, n_hidden, n_out, **options)
        b = np.zeros(4 * n_hidden)
        b[self.rows("forget")] = forget_bias
        if chrono is not None:
            b[self.rows("forget")] = chrono_bias(n_hidden, chrono, rng)
            b[self.rows("input")] = -b[self.rows("forget")]
        self.b.data = b.astype(self.dtype)
        self.peepholes = bool(peepholes)
        if peepholes:
            self.p = self._parameter("p", np.zeros(3 * n_hidden))

    def gate(self, gate: str) -> dict[str, Array]:
        """One gate's own W, U and b, and p if it has one: read-only views (see `Cell.gate`)."""
        peephole = {"p": self.p.data[self._peephole(gate)]} if self._sees(gate) else {}
        return {**super().gate(gate), **peephole}

    def gate_gradients(self, gate: str) -> dict[str, Array]:
        """Their gradients, if there are any: views too."""
        gradient = self.p.grad if self._sees(gate) else None
        peephole = {} if gradient is None else {"p": gradient[self._peephole(gate)]}
        return {**super().gate_gradients(gate), **peephole}

    def _sees(self, gate: str) -> bool:
        return self.peepholes and gate in ("input", "forget", "output")

    def _peephole(self, gate: str) -> slice:
        k, n = ("input", "forget", "output").index(gate), self.n_hidden
        return slice(k * n, (k + 1) * n)

    def states(self, bound: Any, x: Tensor, carried: dict[str, Tensor]) -> dict[str, Tensor]:
        """From x_t (..., n_in), h_{t-1} and c_{t-1} (..., n_hidden) to the gates, c_t and h_t."""
        n, before = self.n_hidden, carried["c"]
        z = self._preactivation(bound, x, carried["h"])
        zi, zf, zg, zo = z[..., :n], z[..., n : 2 * n], z[..., 2 * n : 3 * n], z[..., 3 * n :]
        if self.peepholes:
            zi, zf = zi + self.p[:n] * before, zf + self.p[n : 2 * n] * before
        i, f, g = logistic(zi), logistic(zf), self._hidden(zg)
        c = f * before + i * g
        o = logistic(zo + self.p[2 * n :] * c if self.peepholes else zo)
        return {"z": z, "i": i, "f": f, "g": g, "c": c, "o": o, "h": o * self.f(c)}


class GRU(Recurrent):
    """Gated recurrent unit (Cho et al. 2014), in both of its conventions.

        z_t = b^{ru} + W^{ru} h_{t-1} + U^{ru} x_t        r_t = σ(z_t^r)        u_t = σ(z_t^u)
        n_t = f(b^n + U^n x_t + r_t (W^n h_{t-1} + d))    reset="after" the product, as PyTorch's and cuDNN's
        n_t = f(b^n + U^n x_t + W^n (r_t h_{t-1}))        reset="before" it, as Cho et al.
        h_t = u_t h_{t-1} + (1 - u_t) n_t                 ỹ_t = g(V h_t + c)

    The update gate, which many call z, is u here, since the lecture's z is what goes into it: open, it keeps h as it
    was. "after" has one product with W a step; "before" has two.

    Parameters
    ----------
    n_in, n_hidden, n_out : int
        Sizes of x_t, h_t and ỹ_t; without n_out, ỹ_t is h_t.
    reset : {"after", "before"}
        Whether r_t multiplies the product with W^n or what goes into it.
    chrono : float, optional
        The longest time to be remembered, in steps: b^u starts as log U(1, chrono - 1), so that h is kept (Tallec,
        Ollivier 2018); otherwise as zeros.
    **options
        Those of `Recurrent`; ``init`` and ``radius`` hold for each gate's W.

    Attributes
    ----------
    W : Tensor (3 n_hidden, n_hidden)
        A block of rows a gate, in the order reset, update, candidate, as in PyTorch.
    U : Tensor (3 n_hidden, n_in)
    V : Tensor (n_out, n_hidden)
    b : Tensor (3 n_hidden,)
    c : Tensor (n_out,)
    d : Tensor (n_hidden,)
        With ``reset="after"``: what is added to the product before r_t multiplies it.

    Raises
    ------
    ValueError
        As `Recurrent` does, and for another ``reset``.
    """

    roles: ClassVar[tuple[str, ...]] = ("z", "r", "u", "n", "h", "y")
    gates: ClassVar[dict[str, str]] = {"reset": "r", "update": "u", "candidate": "n"}

    def __init__(
        self,
        n_in: int,
        n_hidden: int,
        n_out: int | None = None,
        *,
        reset: Literal["after", "before"] = "after",
        chrono: float | None = None,
        **options: Any,
    ) -> None:
        if reset not in ("after", "before"):
            raise ValueError(f'reset={reset!r} is not known: choose "after" or "before" the product with W')
        rng = options["rng"] = np.random.default_rng(options.get("rng", 0))
        super().__init__(n_in, n_hidden, n_out, **options)
        self.reset = reset
        if chrono is not None:
            b = np.zeros(3 * n_hidden)
            b[self.rows("update")] = chrono_bias(n_hidden, chrono, rng)
            self.b.data = b.astype(self.dtype)
        if reset == "after":
            self.d = self._parameter("d", np.zeros(n_hidden))
        else:
            self.acting = 3

    def matrices(self) -> tuple[Tensor, ...]:
        """U and W; W in two parts if one of them is multiplied by what the other gave."""
        n = 2 * self.n_hidden
        return super().matrices() if self.reset == "after" else (self.U, self.W[:n], self.W[n:])

    def states(self, bound: Any, x: Tensor, carried: dict[str, Tensor]) -> dict[str, Tensor]:
        """From x_t (..., n_in) and h_{t-1} (..., n_hidden) to the gates, the candidate n_t and h_t."""
        n, before = self.n_hidden, carried["h"]
        if self.reset == "after":
            Ux, Wh = self._products(bound, x, before)
            drive = Ux + self.b
            z = drive[..., : 2 * n] + Wh[..., : 2 * n]
            r, u = logistic(z[..., :n]), logistic(z[..., n:])
            inner = drive[..., 2 * n :] + r * (Wh[..., 2 * n :] + self.d)
        else:
            x, h = self._heard(bound, x, before)
            drive = self._gained(x @ bound[0], "gain_U") + self.b
            z = drive[..., : 2 * n] + self._gained(h @ bound[1], "gain_W", slice(2 * n))
            r, u = logistic(z[..., :n]), logistic(z[..., n:])
            inner = drive[..., 2 * n :] + self._gained((r * h) @ bound[2], "gain_W", slice(2 * n, None))
        candidate = self._hidden(inner)
        return {"z": z, "r": r, "u": u, "n": candidate, "h": candidate + u * (before - candidate)}
