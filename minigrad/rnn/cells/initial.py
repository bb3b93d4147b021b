"""How weights start: matrices of a chosen kind, from an explicit random generator.

A matrix (m, n) maps n numbers to m: n is what others call fan-in, m fan-out. Kinds that keep the variance of what they
act on differ in whose variance that is: forward (`normal`, `uniform`), behind a relu (`he_normal`, `he_uniform`), or
a compromise between forward and backward (`glorot_normal`, `glorot_uniform`). For a recurrent matrix, which acts again
and again, the spectral radius says more: `orthogonal`, `identity`, `scale_to_spectral_radius`. And a gate that is to
remember starts open: `chrono`.

References
----------
X. Glorot, Y. Bengio (2010), "Understanding the difficulty of training deep feedforward neural networks", AISTATS.
K. He et al. (2015), "Delving deep into rectifiers", ICCV, eq. 10.
J. Martens (2010), "Deep learning via Hessian-free optimization", ICML, section 5.
F. Mezzadri (2007), "How to generate random matrices from the classical compact groups", Notices of the AMS 54.
Q. V. Le, N. Jaitly, G. E. Hinton (2015), "A simple way to initialize recurrent networks of rectified linear units".
C. Tallec, Y. Ollivier (2018), "Can recurrent neural networks warp time?", ICLR, section 2.

Examples
--------
>>> import numpy as np
>>> from minigrad.rnn import initial, spectral
>>> rng = np.random.default_rng(0)
>>> kinds = initial.normal, initial.glorot_normal, initial.he_normal
>>> print(*(f"{kind((100, 400), rng).std():.3f}" for kind in kinds))
0.050 0.063 0.071
>>> kinds = initial.uniform, initial.glorot_uniform, initial.he_uniform
>>> print(*(f"{kind((100, 400), rng).max():.2f}" for kind in kinds))
0.10 0.11 0.12
>>> W = initial.orthogonal(8, rng)
>>> round(spectral.spectral_radius(W), 12), bool(np.allclose(initial.orthogonal_factor(3 * W), W))
(1.0, True)
>>> round(spectral.spectral_radius(initial.scale_to_spectral_radius(rng.normal(size=(8, 8)), 0.9)), 12)
0.9
>>> int((initial.sparse(100, rng) != 0).sum()), initial.identity(2).tolist()
(1500, [[1.0, 0.0], [0.0, 1.0]])
>>> bool(initial.chrono(4, longest=100, rng=rng).max() <= np.log(99))
True
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from minigrad.engine.tensor import Array
from minigrad.rnn.dynamics.spectrum import spectral_radius

__all__ = [
    "chrono",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "identity",
    "normal",
    "orthogonal",
    "orthogonal_factor",
    "scale_to_spectral_radius",
    "sparse",
    "uniform",
]

Shape = tuple[int, int]

GAINS = {"identity": 1.0, "logistic": 1.0, "tanh": 5 / 3, "relu": math.sqrt(2.0)}
"""What PyTorch recommends as ``gain`` before a function f, so that it keeps the size of what passes through it."""


def normal(shape: Shape, rng: np.random.Generator, gain: float = 1.0) -> Array:
    """Independent entries from N(0, gain²/n) for a matrix (m, n): rows then map unit variance to variance gain²."""
    return rng.normal(0.0, gain / np.sqrt(shape[1]), shape)


def uniform(shape: Shape, rng: np.random.Generator, bound: float | None = None) -> Array:
    """Independent entries from U(-bound, bound); without one, 1/√m for a matrix (m, n), as PyTorch's networks start.

    For a recurrent matrix the spectral radius is then about 1/√3.
    """
    return _uniform(shape, rng, 1 / math.sqrt(shape[0]) if bound is None else bound)


def glorot_normal(shape: Shape, rng: np.random.Generator, gain: float = 1.0) -> Array:
    """Independent entries from N(0, 2 gain²/(m + n)). Glorot and Bengio (2010), eq. 12."""
    return rng.normal(0.0, gain * math.sqrt(2 / sum(shape)), shape)


def glorot_uniform(shape: Shape, rng: np.random.Generator, gain: float = 1.0) -> Array:
    """Independent entries from U(-a, a) with a = gain √(6/(m + n)). Glorot and Bengio (2010), eq. 16."""
    return _uniform(shape, rng, gain * math.sqrt(6 / sum(shape)))


def he_normal(shape: Shape, rng: np.random.Generator) -> Array:
    """Independent entries from N(0, 2/n): half of the variance is lost in a relu. He et al. (2015), eq. 10."""
    return normal(shape, rng, GAINS["relu"])


def he_uniform(shape: Shape, rng: np.random.Generator) -> Array:
    """Independent entries from U(-a, a) with a = √(6/n), of the variance of `he_normal`."""
    return _uniform(shape, rng, math.sqrt(6 / shape[1]))


def _uniform(shape: Shape, rng: np.random.Generator, bound: float) -> Array:
    if not (math.isfinite(bound) and bound >= 0):
        raise ValueError(f"entries between -bound and bound need a number >= 0, got bound={bound}")
    return rng.uniform(-bound, bound, shape)


def orthogonal(n: int, rng: np.random.Generator, gain: float = 1.0) -> Array:
    """``gain`` times a random orthogonal matrix (n, n), uniformly distributed (Haar's measure; Mezzadri 2007)."""
    return gain * orthogonal_factor(rng.normal(size=(n, n)))


def orthogonal_factor(A: npt.ArrayLike) -> Array:
    """Q (n, n) of A = QR in which R has a positive diagonal: of a matrix that is not singular there is only one.

    LAPACK's Q has signs of its own, and is not uniformly distributed where A is normal: with it, the determinant of an
    "arbitrary rotation" would be the same number always.
    """
    q, r = np.linalg.qr(np.asarray(A))
    return np.asarray(q * np.where(np.diag(r) < 0, -1.0, 1.0))


def identity(n: int) -> Array:
    """Ones on the diagonal: everything is kept. For W behind a relu, Le, Jaitly and Hinton (2015)."""
    return np.eye(n)


def sparse(n: int, rng: np.random.Generator, connections: int = 15) -> Array:
    """A matrix (n, n) with this many entries a row from N(0, 1/connections), the others 0 (Martens 2010).

    A unit hears so few others that it does not saturate, and differs from its neighbours. A small network has all its
    connections.

    Raises
    ------
    ValueError
        If ``connections`` is below 1.
    """
    if connections < 1:
        raise ValueError(f"connections={connections}: a unit hears at least one other")
    connections = min(connections, n)
    W = np.zeros((n, n))
    for row in W:
        row[rng.choice(n, connections, replace=False)] = rng.normal(0.0, 1 / np.sqrt(connections), connections)
    return W


def scale_to_spectral_radius(W: npt.ArrayLike, radius: float) -> Array:
    """``W`` (n, n) times the number that gives it spectral radius ``radius``.

    Raises
    ------
    ValueError
        If the radius is no number >= 0, or ``W`` is nilpotent: its spectral radius is 0 then, whatever the factor.
    """
    W = np.asarray(W)
    present = spectral_radius(W)
    if not (np.isfinite(radius) and radius >= 0):
        raise ValueError(f"a spectral radius is a number >= 0, got {radius}")
    if present == 0:
        raise ValueError("the matrix is nilpotent: its spectral radius is 0, and no factor changes that")
    return np.asarray(W * (radius / present))


def chrono(n: int, longest: float, rng: np.random.Generator) -> Array:
    """Biases (n,) that let gates remember for 1 ... ``longest`` - 1 steps: log of U(1, longest - 1).

    Tallec and Ollivier (2018), eq. 16: for an LSTM's forget gate, and, negative, for its input gate. A gate that is
    logistic(b) open keeps what it holds for 1 + e^b steps or so.

    Raises
    ------
    ValueError
        If ``longest`` is below 2 or not finite.
    """
    if not (math.isfinite(longest) and longest >= 2):
        raise ValueError(f"the longest time to be remembered is at least 2 steps, got {longest}")
    return np.log(rng.uniform(1.0, longest - 1.0, n))


RECURRENT: dict[str, Callable[[int, np.random.Generator], Array]] = {
    "normal": lambda n, rng: normal((n, n), rng),
    "uniform": lambda n, rng: uniform((n, n), rng),
    "glorot_normal": lambda n, rng: glorot_normal((n, n), rng),
    "glorot_uniform": lambda n, rng: glorot_uniform((n, n), rng),
    "he_normal": lambda n, rng: he_normal((n, n), rng),
    "he_uniform": lambda n, rng: he_uniform((n, n), rng),
    "orthogonal": orthogonal,
    "identity": lambda n, rng: identity(n),
    "sparse": sparse,
}
"""What a recurrent matrix may start as."""
