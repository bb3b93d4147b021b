"""Matrices of known spectrum, for the tests of everything that is read off one."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st

from minigrad.engine.tensor import Array

generators = st.integers(0, 2**32 - 1).map(np.random.default_rng)
sizes = st.integers(1, 6)
quick = settings(deadline=None, derandomize=True, max_examples=30)


def orthogonal(rng: np.random.Generator, n: int) -> Array:
    return np.linalg.qr(rng.standard_normal((n, n)))[0]


def well_conditioned(rng: np.random.Generator, n: int) -> Array:
    """Singular values between 1 and 3: as a change of basis it loses next to nothing."""
    return orthogonal(rng, n) * rng.uniform(1, 3, n) @ orthogonal(rng, n)


def with_modes(rng: np.random.Generator, reals: int, pairs: int) -> tuple[Array, Array]:
    """A matrix with that many real eigenvalues and conjugate pairs, of different moduli in (0.2, 1.5), and these."""
    n, count = reals + 2 * pairs, reals + pairs
    moduli = rng.permutation(0.25 + 0.2 * np.arange(count) + rng.uniform(0, 0.1, count))
    blocks, values = np.zeros((n, n)), []
    for i in range(reals):
        blocks[i, i] = moduli[i] * rng.choice([-1, 1])
        values.append(blocks[i, i])
    for i in range(pairs):
        k, z = reals + 2 * i, moduli[reals + i] * np.exp(1j * rng.uniform(0.2, np.pi - 0.2))
        blocks[k : k + 2, k : k + 2] = [[z.real, -z.imag], [z.imag, z.real]]
        values += [z, z.conjugate()]
    basis = well_conditioned(rng, n)
    return basis @ blocks @ np.linalg.inv(basis), np.array(sorted(values, key=abs, reverse=True))


def jordan_like(a: float, k: float) -> Array:
    return np.array([[a, k], [0.0, a]])


def jordan_like_norm(a: float, k: float, t: int) -> float:
    """‖[[p, q], [0, p]]‖₂ = (|q| + √(q² + 4p²))/2, for p = a^t and q = t a^(t-1) k."""
    p, q = a**t, t * a ** (t - 1) * k
    return (abs(q) + math.sqrt(q * q + 4 * p * p)) / 2


def arrays(tree: Any) -> Any:
    """Lists of numbers as arrays, wherever they are."""
    if isinstance(tree, dict):
        return {name: arrays(value) for name, value in tree.items()}
    if isinstance(tree, list) and tree and isinstance(tree[0], dict):
        return [arrays(value) for value in tree]
    return np.array(tree, dtype=float) if isinstance(tree, list) else tree


def stored(name: str) -> Any:
    """A file of this folder: numbers that another program has computed, with their definitions."""
    return arrays(json.loads((Path(__file__).parent / name).read_text(encoding="utf-8")))


KNOWN = {entry["name"]: entry for entry in stored("matrices.json")["matrices"]}
every_matrix = pytest.mark.parametrize("known", KNOWN.values(), ids=KNOWN)
BITS = {"rel": 1e-12, "abs": 1e-15}
