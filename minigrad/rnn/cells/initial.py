"""How weights start: matrices of a chosen kind, from an explicit random generator."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from minigrad.engine.tensor import Array
from minigrad.rnn.dynamics.spectrum import spectral_radius


def normal(shape: tuple[int, int], rng: np.random.Generator, gain: float = 1.0) -> Array:
    """Independent entries from N(0, gain²/n) for a matrix (m, n): rows then map unit variance to variance gain²."""
    return rng.normal(0.0, gain / np.sqrt(shape[1]), shape)


def orthogonal(n: int, rng: np.random.Generator) -> Array:
    """A random orthogonal matrix (n, n), uniformly distributed (Mezzadri 2007: QR with the signs of R's diagonal)."""
    q, r = np.linalg.qr(rng.normal(size=(n, n)))
    return np.asarray(q * np.sign(np.diag(r)))


def scaled_to_radius(W: npt.ArrayLike, radius: float) -> Array:
    """``W`` times the number that gives it spectral radius ``radius``."""
    W = np.asarray(W)
    present = spectral_radius(W)
    if not (np.isfinite(radius) and radius >= 0):
        raise ValueError(f"a spectral radius is a number >= 0, got {radius}")
    if present == 0:
        raise ValueError("the matrix is nilpotent: its spectral radius is 0, and no factor changes that")
    return np.asarray(W * (radius / present))


RECURRENT: dict[str, Callable[[int, np.random.Generator], Array]] = {
    "normal": lambda n, rng: normal((n, n), rng),
    "orthogonal": orthogonal,
    "identity": lambda n, rng: np.eye(n),
}
