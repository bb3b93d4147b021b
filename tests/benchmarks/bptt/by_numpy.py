"""Back-propagation through time as one writes it by hand: the weights' gradients of all steps at once."""

from __future__ import annotations

import numpy as np

from tests.benchmarks.bptt.problem import Gradients, Once, Problem


def by_hand(problem: Problem) -> Once:
    xs, targets = problem.xs, problem.targets
    W, U, V, b, c = (problem.state[name] for name in "WUVbc")

    def once() -> Gradients:
        T, B, _ = xs.shape
        n = len(b)
        hs = np.zeros((T + 1, B, n), xs.dtype)
        drive, WT = xs @ U.T + b, W.T
        for t in range(T):
            np.tanh(drive[t] + hs[t] @ WT, out=hs[t + 1])
        error = hs[1:] @ V.T + c - targets
        np.vdot(error, error) / B  # the cost, which all others compute too
        d_out = error * np.asarray(2 / B, xs.dtype)
        d_z = d_out @ V
        slopes = 1 - hs[1:] * hs[1:]
        d_z[-1] *= slopes[-1]
        for t in range(T - 2, -1, -1):
            d_z[t] += d_z[t + 1] @ W
            d_z[t] *= slopes[t]
        rows = d_z.reshape(-1, n)
        return {
            "W": rows.T @ hs[:-1].reshape(-1, n),
            "U": rows.T @ xs.reshape(-1, xs.shape[-1]),
            "V": d_out.reshape(-1, 1).T @ hs[1:].reshape(-1, n),
            "b": rows.sum(axis=0),
            "c": d_out.sum(axis=(0, 1)),
        }

    return once
