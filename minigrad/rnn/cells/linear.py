"""Networks that are linear in what they carry: minGRU and LRU.

s_t = A_t s_{t-1} + a_t, with A_t and a_t known before s_{t-1} is. Such a recurrence can be computed in parallel, its
Jacobians are A_t itself, and what it remembers can be read off its parameters. What is not linear stands before or
behind it.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from minigrad.engine.tensor import Tensor
from minigrad.functions import logistic
from minigrad.rnn.cells.cell import Cell, Function, Seed
from minigrad.rnn.cells.initial import normal
from minigrad.rnn.scanning import scan
from minigrad.rules.networks import affine, preactivation


class MinGRU(Cell):
    """The minimal GRU (Feng et al. 2024, "Were RNNs all we needed?", section 3.1): its gate does not hear h_{t-1}.

        z_t = b + U x_t        (2 n_hidden numbers)
        i_t = σ(z_t^i)         n_t = z_t^n
        h_t = (1 - i_t) h_{t-1} + i_t n_t        ỹ_t = g(V h_t + c)

    The gate, z in the paper, is called i here: open, it writes the candidate n (in a `GRU`, u open keeps h). There is
    no W: ∂h_t/∂h_{t-1} = diag(1 - i_t), whose entries lie between 0 and 1.

    Parameters
    ----------
    n_in, n_hidden, n_out : int
        Sizes of x_t, h_t and ỹ_t; without n_out, ỹ_t is h_t.
    g, dtype
        As in `Cell`.
    rng : int or numpy.random.Generator
        Where the initial values come from: U and V start as N(0, 1/columns), b and c as zeros.

    Attributes
    ----------
    U : Tensor (2 n_hidden, n_in)
        A block of rows each for the input gate and the candidate.
    V : Tensor (n_out, n_hidden)
    b : Tensor (2 n_hidden,)
    c : Tensor (n_out,)
    """

    roles: ClassVar[tuple[str, ...]] = ("z", "i", "n", "h", "y")
    gates: ClassVar[dict[str, str]] = {"input": "i", "candidate": "n"}

    def __init__(
        self,
        n_in: int,
        n_hidden: int,
        n_out: int | None = None,
        *,
        g: str | Function = "identity",
        rng: Seed = 0,
        dtype: npt.DTypeLike = np.float64,
    ) -> None:
        super().__init__(n_in, n_hidden, n_out, g=g, dtype=dtype)
        rng = np.random.default_rng(rng)
        self.U = self._parameter("U", normal((2 * n_hidden, n_in), rng))
        self._start_output(rng)
        self.b = self._parameter("b", np.zeros(2 * n_hidden))
        if self.reads_out:
            self.c = self._parameter("c", np.zeros(self.n_out))

    def bind(self, batch: tuple[int, ...] = (), rng: np.random.Generator | None = None) -> Any:
        """Vᵀ, if there is a V, and Uᵀ."""
        return (*super().bind(), self.U.T)

    def states(self, bound: Any, x: Tensor, carried: dict[str, Tensor]) -> dict[str, Tensor]:
        """From x_t (..., n_in) and h_{t-1} (..., n_hidden) to the gate, the candidate and h_t."""
        z, before = affine(self.b, x, bound[-1]), carried["h"]
        i, n = logistic(z[..., : self.n_hidden]), z[..., self.n_hidden :]
        return {"z": z, "i": i, "n": n, "h": before + i * (n - before)}

    def scanned(self, xs: Any, initial: Any = None) -> tuple[Tensor, Tensor]:
        """All h_t (T, ..., n_hidden) and ỹ_t (T, ..., n_out) at once, without a loop over time (`minigrad.rnn.scan`).

        ``xs`` (T, ..., n_in) and ``initial`` (..., n_hidden) are arrays or tensors; the numbers are those of `unroll`.
        """
        bound, xs = self.bind(), xs if isinstance(xs, Tensor) else Tensor(xs, dtype=self.dtype)
        z = affine(self.b, xs, bound[-1])
        i, n = logistic(z[..., : self.n_hidden]), z[..., self.n_hidden :]
        h = scan(1 - i, i * n, initial)
        return h, self.output(bound, h, xs)


class LRU(Cell):
    """The linear recurrent unit (Orvieto et al. 2023, "Resurrecting recurrent neural networks for long sequences").

        s_t = λ s_{t-1} + γ (B x_t)        λ = exp(-exp(ν) + i exp(θ)), γ > 0: complex, component by component
        ỹ_t = g(Re(C s_t) + D x_t + c)

    Here everything is real. h_t = (Re s_t, Im s_t) has 2 n_hidden components, U has the rows of Re B, then those of
    Im B, and V = (Re C, -Im C): h_t = A h_{t-1} + z_t with z_t = γ U x_t, where A turns the plane of each pair by
    exp(θ) and shrinks it by |λ| = exp(-exp(ν)) < 1. Whatever the parameters are, it is stable (for ν below -36 the last
    bit of double precision says 1).

    Parameters
    ----------
    n_in, n_hidden, n_out : int
        Sizes of x_t, of s_t and of ỹ_t; without n_out, ỹ_t is h_t.
    radii : (float, float)
        Between which |λ| starts, uniformly on the ring, 0 <= r_min < r_max < 1 (Orvieto et al., lemma 3.2).
    phase : float
        θ starts uniformly between 0 and this angle.
    skip : bool
        Whether there is a D.
    g, dtype
        As in `Cell`.
    rng : int or numpy.random.Generator
        Where the initial values come from.

    Attributes
    ----------
    nu_log, theta_log, gamma_log : Tensor (n_hidden,)
        ν, θ and log γ as above; γ starts as √(1 - |λ|²), so that h_t is as large as U x_t.
    U : Tensor (2 n_hidden, n_in)
    V : Tensor (n_out, 2 n_hidden)
    D : Tensor (n_out, n_in)
        Starts as zeros; the paper's is diagonal.
    c : Tensor (n_out,)

    Raises
    ------
    ValueError
        For sizes below 1, unknown functions, and radii or a phase out of their ranges.
    """

    roles: ClassVar[tuple[str, ...]] = ("z", "h", "y")

    def __init__(
        self,
        n_in: int,
        n_hidden: int,
        n_out: int | None = None,
        *,
        radii: tuple[float, float] = (0.0, 0.99),
        phase: float = 2 * np.pi,
        skip: bool = True,
        g: str | Function = "identity",
        rng: Seed = 0,
        dtype: npt.DTypeLike = np.float64,
    ) -> None:
        super().__init__(n_in, n_hidden, n_out, g=g, dtype=dtype)
        if not 0 <= radii[0] < radii[1] < 1:
            raise ValueError(f"radii={radii}: |λ| starts between two numbers 0 <= r_min < r_max < 1")
        if not 0 < phase <= 2 * np.pi:
            raise ValueError(f"phase={phase}: angles start between 0 and a number up to 2π")
        rng = np.random.default_rng(rng)
        squared = rng.uniform(radii[0] ** 2, radii[1] ** 2, n_hidden)  # uniformly in area
        squared = np.maximum(squared, np.finfo(np.float32).tiny)
        self.nu_log = self._parameter("nu_log", np.log(-0.5 * np.log(squared)))
        self.theta_log = self._parameter("theta_log", np.log(phase * (1.0 - rng.random(n_hidden))))
        self.gamma_log = self._parameter("gamma_log", 0.5 * np.log1p(-squared))
        self.U = self._parameter("U", normal((2 * n_hidden, n_in), rng, np.sqrt(0.5)))
        self._start_output(rng)
        if self.reads_out and skip:
            self.D = self._parameter("D", np.zeros((self.n_out, n_in)))
        self.skip = self.reads_out and skip
        if self.reads_out:
            self.c = self._parameter("c", np.zeros(self.n_out))

    @property
    def width(self) -> int:
        """How many numbers h_t has: two for each component of s_t."""
        return 2 * self.n_hidden

    def bind(self, batch: tuple[int, ...] = (), rng: np.random.Generator | None = None) -> Any:
        """Vᵀ and Dᵀ, if there are any, Uᵀ with γ, and r cos θ and r sin θ, twice each, for the two halves of h."""
        radius, angle, gamma = np.exp(-np.exp(self.nu_log)), np.exp(self.theta_log), np.exp(self.gamma_log)
        real, imaginary = radius * np.cos(angle), radius * np.sin(angle)
        turns = np.concatenate([real, real]), np.concatenate([-imaginary, imaginary])
        skip = (self.D.T,) if self.skip else ()
        return (*super().bind(), *skip, self.U.T * np.concatenate([gamma, gamma]), *turns)

    def states(self, bound: Any, x: Tensor, carried: dict[str, Tensor]) -> dict[str, Tensor]:
        """From x_t (..., n_in) and h_{t-1} (..., 2 n_hidden) to z_t and h_t, of the same size."""
        UT, along, across = bound[-3:]
        z, before = x @ UT, carried["h"]
        return {"z": z, "h": before * along + np.roll(before, self.n_hidden, axis=-1) * across + z}

    def scanned(self, xs: Any, initial: Any = None) -> tuple[Tensor, Tensor]:
        """All h_t (T, ..., 2 n_hidden) and ỹ_t (T, ..., n_out) at once, as `MinGRU.scanned`: a scan of rotations."""
        bound, xs = self.bind(), xs if isinstance(xs, Tensor) else Tensor(xs, dtype=self.dtype)
        UT, along, across = bound[-3:]
        n, axes = self.n_hidden, (1,) * (xs.ndim - 1)
        turns = np.stack([np.stack([along[:n], across[:n]], -1), np.stack([across[n:], along[:n]], -1)], -2)

        def paired(halves: Any) -> Any:
            return np.stack([halves[..., :n], halves[..., n:]], axis=-1)

        pairs = scan(
            np.reshape(turns, (*axes, n, 2, 2)),
            paired(xs @ UT),
            None if initial is None else paired(np.positive(initial)),
        )
        h: Any = np.concatenate([pairs[..., 0], pairs[..., 1]], axis=-1)
        return h, self.output(bound, h, xs)

    def output(self, bound: Any, h: Tensor, x: Tensor) -> Tensor:
        """ỹ_t = g(V h_t + D x_t + c), or h_t as a tensor of its own."""
        if not self.skip:
            return super().output(bound, h, x)
        y: Tensor = self.g(preactivation(self.c, h, bound[0], x, bound[1]))
        return y

    def eigenvalues(self) -> npt.NDArray[np.complexfloating[Any, Any]]:
        """λ (n_hidden,), inside of the unit circle; with their conjugates, the eigenvalues of ∂h_t/∂h_{t-1}."""
        polar = -np.exp(self.nu_log.data) + 1j * np.exp(self.theta_log.data)
        found: npt.NDArray[np.complexfloating[Any, Any]] = np.exp(polar)
        return found
