"""The lecture's recurrent network: what happens in one step.

z_t = b + W h_{t-1} + U x_t        h_t = f(z_t)        ỹ_t = g(V h_t + c)
"""

from __future__ import annotations

from typing import Any, ClassVar

from minigrad.engine.tensor import Tensor
from minigrad.rnn.cells.cell import ACTIVATIONS as ACTIVATIONS
from minigrad.rnn.cells.cell import OUTPUTS as OUTPUTS
from minigrad.rnn.cells.cell import choose as choose
from minigrad.rnn.cells.recurrent import Recurrent


class RNN(Recurrent):
    """The lecture's network: z_t = b + W h_{t-1} + U x_t, h_t = f(z_t), ỹ_t = g(V h_t + c).

    Parameters
    ----------
    n_in, n_hidden, n_out : int
        Sizes of x_t, h_t and ỹ_t; without n_out, ỹ_t is h_t.
    **options
        Those of `Recurrent`: ``f``, ``g``, ``init`` and ``radius`` of W, ``layer_norm``, ``dropout``, ``rng``,
        ``dtype``. With the identity as W and f = relu it is the network of Le, Jaitly and Hinton (2015).

    Attributes
    ----------
    W : Tensor (n_hidden, n_hidden)
    U : Tensor (n_hidden, n_in)
    V : Tensor (n_out, n_hidden)
    b : Tensor (n_hidden,)
    c : Tensor (n_out,)
    """

    roles: ClassVar[tuple[str, ...]] = ("z", "h", "y")

    def states(self, bound: Any, x: Tensor, carried: dict[str, Tensor]) -> dict[str, Tensor]:
        """From x_t (..., n_in) and h_{t-1} (..., n_hidden) to z_t and h_t."""
        z = self._preactivation(bound, x, carried["h"])
        return {"z": z, "h": self._hidden(z)}
