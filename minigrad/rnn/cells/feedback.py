"""The variant that hears its own output instead of, or besides, its hidden state."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.engine.tensor import Tensor
from minigrad.rnn.cells.initial import normal
from minigrad.rnn.cells.vanilla import RNN
from minigrad.rules.networks import preactivation


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
        Sizes and options of `RNN`; ``init`` and ``radius`` concern W. Neither layer normalisation nor dropout.

    Attributes
    ----------
    R : Tensor (n_hidden, n_out)

    Raises
    ------
    ValueError
        As `RNN` does, and for layer normalisation and dropout, which are not defined for what is fed back here.
    """

    def __init__(self, n_in: int, n_hidden: int, n_out: int, *, hidden: bool = False, **options: Any) -> None:
        if refused := [name for name in ("layer_norm", "dropout", "recurrent_dropout") if options.get(name)]:
            raise ValueError(f"OutputFeedbackRNN has no {' and no '.join(refused)}: leave that out, or use RNN")
        rng = options["rng"] = np.random.default_rng(options.get("rng", 0))
        super().__init__(n_in, n_hidden, n_out, **options)
        self.R = self._parameter("R", normal((n_hidden, n_out), rng))
        self.hidden, self.acting = hidden, 2 + hidden
        if not hidden:
            del self.W

    @property
    def carried(self) -> tuple[str, ...]:  # type: ignore[override]  # here it depends on the instance
        """What the next step needs."""
        return ("h", "y") if self.hidden else ("y",)

    def matrices(self) -> tuple[Tensor, ...]:
        """U, R and, with ``hidden``, W."""
        return (self.U, self.R, *((self.W,) if self.hidden else ()))

    def states(self, bound: Any, x: Tensor, carried: dict[str, Tensor]) -> dict[str, Tensor]:
        """From x_t, ỹ_{t-1} (or the target) and perhaps h_{t-1} to z_t and h_t."""
        z = preactivation(self.b, x, bound[0], carried["y"], bound[1])
        if self.hidden:
            z = z + carried["h"] @ bound[2]
        return {"z": z, "h": self._hidden(z)}
