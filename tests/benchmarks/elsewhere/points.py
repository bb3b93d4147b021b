"""Arguments: what shapes are filled with, so that a rule is met where it is hard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Generator = np.random.Generator


@dataclass(frozen=True)
class A:
    """An array to be filled; ``kind`` overrides the domain: "spd", "lower", "unit", "positive", "mask", "index" ..."""

    shape: tuple[int, ...]
    kind: str = ""


DOMAINS: dict[str, Callable[[Generator, tuple[int, ...]], Any]] = {
    "real": lambda rng, shape: rng.normal(size=shape) * 1.5,
    "positive": lambda rng, shape: rng.uniform(0.2, 2.5, shape),
    "unit": lambda rng, shape: rng.uniform(-0.9, 0.9, shape),
    "fraction": lambda rng, shape: rng.uniform(0.1, 0.9, shape),
    "above one": lambda rng, shape: rng.uniform(1.1, 4.0, shape),
}
KINDS: dict[str, Callable[[Generator, tuple[int, ...]], Any]] = {
    **DOMAINS,
    "spd": lambda rng, shape: _spd(rng, shape),
    "lower": lambda rng, shape: np.tril(rng.normal(size=shape)) + 2 * np.eye(shape[-1]),
    "simplex": lambda rng, shape: (lambda x: x / x.sum(-1, keepdims=True))(rng.uniform(0.2, 1.0, shape)),
    "sorted": lambda rng, shape: np.sort(rng.normal(size=shape), axis=-1),
    "sign": lambda rng, shape: rng.choice([-1.0, 1.0], shape),
    "mask": lambda rng, shape: rng.integers(0, 2, shape).astype(bool),
    "index": lambda rng, shape: rng.integers(0, 2, shape),
    "count": lambda rng, shape: rng.integers(0, 5, shape),
}


def _spd(rng: Generator, shape: tuple[int, ...]) -> Any:
    x = rng.normal(size=shape)
    return x @ np.swapaxes(x, -1, -2) / shape[-1] + np.eye(shape[-1])


def _tied(rng: Generator, xs: Any) -> Any:
    """Few different values, in all arguments together."""
    values = np.concatenate([np.ravel(x) for x in xs])[: rng.integers(1, 4)]
    return [rng.choice(values, x.shape) for x in xs]


def _same(rng: Generator, xs: Any) -> Any:
    """Every argument the same numbers, where shapes allow it, with signs of their own where they had any."""
    signs = lambda x: rng.choice([-1.0, 1.0], x.shape) if np.any(x < 0) else 1.0
    return [np.abs(xs[0]) * signs(x) if x.shape == xs[0].shape else x for x in xs]


def _zeroed(rng: Generator, xs: Any) -> Any:
    """Some numbers are zero, at times all of one argument."""
    share = rng.choice([0.3, 0.6, 1.0], p=[0.6, 0.3, 0.1])
    chosen = rng.integers(0, len(xs))
    return [np.where(rng.random(x.shape) < share, 0.0, x) if i == chosen else x for i, x in enumerate(xs)]


def _near(rng: Generator, xs: Any) -> Any:
    """Almost ties."""
    base = float(np.ravel(xs[0])[0]) if xs[0].size else 1.0
    gap = 10.0 ** -rng.integers(3, 9)
    return [base * (1 + gap * rng.permutation(x.size).reshape(x.shape)) for x in xs]


VARIETIES: dict[str, Callable[[Generator, Any], Any]] = {
    "generic": lambda rng, xs: xs,
    "ties": _tied,
    "same": _same,
    "zeros": _zeroed,
    "near ties": _near,
    "integers": lambda rng, xs: [np.rint(2 * x) for x in xs],
    "saturated": lambda rng, xs: [x * rng.choice([8.0, 15.0, 30.0]) for x in xs],
    "far out": lambda rng, xs: [x * rng.choice([300.0, 730.0, 2000.0]) for x in xs],
    "small": lambda rng, xs: [x * rng.choice([1e-3, 1e-6, 1e-9]) for x in xs],
    "large": lambda rng, xs: [x * rng.choice([1e3, 1e6]) for x in xs],
    "extreme": lambda rng, xs: [x * rng.choice([1e-200, 1e200]) for x in xs],
    "of many scales": lambda rng, xs: [x * 10.0 ** rng.integers(-3, 3, x.shape) for x in xs],
    "float32": lambda rng, xs: [np.float32(x) for x in xs],
}


def filled(holes: Sequence[A], domain: str, variety: str, rng: Generator) -> list[Any]:
    """Numbers for all arrays of a call; only those without a kind of their own follow the variety."""
    arrays = [np.asarray(KINDS[hole.kind or domain](rng, hole.shape)) for hole in holes]
    free = [
        i for i, hole in enumerate(holes) if not hole.kind or (variety == "float32" and arrays[i].dtype.kind == "f")
    ]
    if free:
        for i, x in zip(free, VARIETIES[variety](rng, [arrays[i] for i in free]), strict=True):
            arrays[i] = np.asarray(x)
    return arrays
