"""The variant that hears its own output instead of, or besides, its hidden state."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.engine.tensor import Array, Tensor
from minigrad.rnn.cells.initial import normal
from minigrad.rnn.cells.vanilla import RNN


class OutputFeedbackRNN(RNN):
    """The variant that hears its own output: z_t = b + R ỹ_{t-1} + U x_t, without W h_{t-1} unless asked for.

    With ``hidden=True`` both are heard, z_t = b + W h_{t-1} + R ỹ_{t-1} + U x_t, and then
    ∂h_t/∂h_{t-1} = diag(f') (W + R diag(g') V). Without W the rank of this is at most n_out; and when the output is
    replaced by the target (teacher forcing, see `unroll`), what remains of it is 0: nothing is learnt through time.

    Parameters
    ----------
    hidden : bool
        Whether h_{t-1} is fed back as well.
    **options
        Sizes and options of `RNN`; ``init`` and ``radius`` concern W.

    Attributes
    ----------
    R : Tensor (n_hidden, n_out)
    """

    def __init__(self, n_in: int, n_hidden: int, n_out: int, *, hidden: bool = False, **options: Any) -> None:
        rng = options["rng"] = np.random.default_rng(options.get("rng", 0))
        super().__init__(n_in, n_hidden, n_out, **options)
        self.R = self._parameter("R", normal((n_hidden, n_out), rng))
        self.hidden = hidden
        if not hidden:
            del self.W

    @property
    def carried(self) -> tuple[str, ...]:  # type: ignore[override]  # here it depends on the instance
        """What the next step needs."""
        return ("h", "y") if self.hidden else ("y",)

    def initial(self, batch: tuple[int, ...]) -> dict[str, Array]:
        """ỹ_0 = 0, and h_0 = 0 if it is fed back."""
        sizes = {"h": self.n_hidden, "y": self.n_out}
        return {role: np.zeros((*batch, sizes[role]), self.dtype) for role in self.carried}

    def bind(self) -> tuple[Tensor, ...]:
        """Uᵀ, Rᵀ, Vᵀ and, with ``hidden``, Wᵀ."""
        return (self.U.T, self.R.T, self.V.T, *((self.W.T,) if self.hidden else ()))

    def step(self, bound: tuple[Tensor, ...], x: Tensor, carried: dict[str, Tensor]) -> dict[str, Tensor]:
        """From x_t, ỹ_{t-1} (or the target) and perhaps h_{t-1} to z_t, h_t and ỹ_t."""
        UT, RT, VT, *rest = bound
        z = x @ UT + carried["y"] @ RT + self.b
        for WT in rest:
            z = z + carried["h"] @ WT
        h = self._hidden(z)
        return {"z": z, "h": h, "y": self.g(h @ VT + self.c)}
