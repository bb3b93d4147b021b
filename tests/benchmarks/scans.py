"""A linear recurrence of length T: the scan against a loop over time, forward and with its gradient, side by side.

    python -m tests.benchmarks.scans [--longest 1000000]

Medians of turns taken, one thread; the loop, and its gradient, are hand-written NumPy. Prints a table in Markdown.
"""

from __future__ import annotations

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import argparse
import platform
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import minigrad as mg

KINDS = {"diagonal, n = 16": (16,), "8 rotations (2, 2)": (8, 2, 2), "dense, n = 16": (16, 16)}


def loop(A: Any, b: Any) -> Any:
    """h_t = A_t h_{t-1} + b_t, one after the other."""
    states = np.empty_like(b)
    h = np.zeros_like(b[0])
    for t in range(len(b)):
        h = (A[t] * h if A.ndim == b.ndim else (A[t] @ h[..., None])[..., 0]) + b[t]
        states[t] = h
    return states


def loop_back(A: Any, b: Any) -> Any:
    """The states, and the gradient of their sum by A and b, by hand."""
    states = loop(A, b)
    g_A, g_b = np.zeros_like(A), np.empty_like(b)
    g = np.zeros_like(b[0])
    for t in range(len(b) - 1, -1, -1):
        g = g + 1.0
        g_b[t] = g
        before = states[t - 1] if t else np.zeros_like(b[0])
        g_A[t] = g * before if A.ndim == b.ndim else g[..., :, None] * before[..., None, :]
        g = A[t] * g if A.ndim == b.ndim else (np.swapaxes(A[t], -1, -2) @ g[..., None])[..., 0]
    return g_A, g_b


def seconds(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--longest", type=int, default=1_000_000)
    options = parser.parse_args()
    versions = f"Python {platform.python_version()}, NumPy {np.__version__}"
    print(f"{platform.machine()}, {platform.system()}, {versions}, one thread\n")
    print(
        "| | T | scan | loop | ratio | scan, gradient | loop, gradient by hand | ratio |\n| --- " + "| ---: " * 7 + "|"
    )
    for kind, shape in KINDS.items():
        T = 100
        while options.longest >= T:
            scan, by_loop, back, by_hand = row(T, shape)
            print(
                f"| {kind} | {T:,} | {1e3 * scan:.1f} ms | {1e3 * by_loop:.1f} ms | {scan / by_loop:.2f} |"
                f" {1e3 * back:.1f} ms | {1e3 * by_hand:.1f} ms | {back / by_hand:.2f} |",
                flush=True,
            )
            T *= 10


def row(T: int, shape: tuple[int, ...]) -> list[float]:
    """Median seconds of the scan, the loop, and the gradients of both."""
    rng = np.random.default_rng(0)
    b = rng.normal(size=(T, *shape[: 2 if len(shape) == 3 else 1]))
    A = 0.9 * rng.uniform(-1, 1, size=(T, *shape)) / (1 if len(shape) == 1 else shape[-1])
    gradient = mg.grad(lambda A, b: np.sum(mg.rnn.scan(A, b)), argnums=(0, 1))
    calls = [lambda: mg.rnn.scan(A, b), lambda: loop(A, b), lambda: gradient(A, b), lambda: loop_back(A, b)]
    turns = [[seconds(call) for call in calls] for _ in range(5 if T <= 10_000 else 1)]
    return [statistics.median(times) for times in zip(*turns, strict=True)]


if __name__ == "__main__":
    main()
