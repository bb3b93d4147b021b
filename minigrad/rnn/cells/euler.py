"""Euler's method as a cell: a recurrent network of a single weight, the mass."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from minigrad.engine.tensor import Array, Tensor
from minigrad.rnn.cells.cell import Cell
from minigrad.rnn.dynamics.incoming import finite, positive
from minigrad.rnn.dynamics.methods import euler_as_rnn


class EulerOscillator(Cell):
    """The oscillator m x'' + x = F(t), a step Δ of Euler's method at a time.

        h_t = W h_{t-1} + U F_{t-1}        W = [[1, Δ], [-Δ/m, 1]]        U = (0, Δ/m)ᵀ        ỹ_t = x_t

    h = (x, v) is position and velocity, the input F the force where the step begins, and the output the position where
    it ends. W and U have one parameter in common, the mass; it must stay positive.

    Parameters
    ----------
    m : float
        What the mass starts as.
    dt : float
        The step Δ.
    x0, v0 : float
        Where the motion starts: h_0.
    dtype
        As in `Cell`.

    Attributes
    ----------
    m : Tensor ()

    Raises
    ------
    ValueError
        If ``m`` or ``dt`` is not a positive number, or ``x0`` or ``v0`` no finite one; when it is unrolled, too, if the
        mass is not positive any more.
    """

    roles: ClassVar[tuple[str, ...]] = ("h", "y")

    def __init__(
        self, m: float = 1.0, *, dt: float = 0.1, x0: float = 1.0, v0: float = 0.0, dtype: npt.DTypeLike = np.float64
    ) -> None:
        super().__init__(1, 2, 1, g="identity", dtype=dtype)
        for name, value in (("m", m), ("dt", dt)):
            positive(name, value)
        for name, value in (("x0", x0), ("v0", v0)):
            finite(name, value)
        self.dt, self.x0, self.v0 = float(dt), float(x0), float(v0)
        self.m = self._parameter("m", np.array(m))

    def initial(self, batch: tuple[int, ...]) -> dict[str, Array]:
        """(x_0, v_0) for every sequence."""
        return {"h": np.broadcast_to(np.array([self.x0, self.v0], self.dtype), (*batch, 2))}

    def bind(self, batch: tuple[int, ...] = (), rng: np.random.Generator | None = None) -> Any:
        """Uᵀ and Wᵀ, made from the mass."""
        W, U = euler_as_rnn(self.m, self.dt)
        return U.T, W.T

    def states(self, bound: Any, x: Tensor, carried: dict[str, Tensor]) -> dict[str, Tensor]:
        """From F_{t-1} (..., 1) and h_{t-1} (..., 2) to h_t."""
        return {"h": x @ bound[0] + carried["h"] @ bound[1]}

    def output(self, bound: Any, h: Tensor, x: Tensor) -> Tensor:
        """The position (..., 1)."""
        y: Tensor = h[..., :1]
        return y
