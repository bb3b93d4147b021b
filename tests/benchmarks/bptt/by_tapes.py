"""autograd and MyGrad: NumPy, recorded call by call, as minigrad does it.

The input product is in the step, since a row of a recorded array costs both of them an array as long as the sequence on
the way back.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.benchmarks.bptt.problem import Gradients, Once, Problem


def cost_in(np_: Any, p: Any, xs: Any, targets: Any) -> Any:
    """Σ C_t, written with a NumPy-like module."""
    h, hs, WT, UT = np.zeros((xs.shape[1], p["W"].shape[0]), xs.dtype), [], p["W"].T, p["U"].T
    for x in xs:
        h = np_.tanh(np_.matmul(x, UT) + np_.matmul(h, WT) + p["b"])
        hs.append(h)
    error = np_.matmul(np_.stack(hs), p["V"].T) + p["c"] - targets
    return np_.sum(error * error) / xs.shape[1]


def autograd(problem: Problem) -> Once:
    import autograd
    import autograd.numpy

    gradient = autograd.value_and_grad(lambda p: cost_in(autograd.numpy, p, problem.xs, problem.targets))
    return lambda: dict(gradient(problem.state)[1])


def mygrad(problem: Problem) -> Once:
    import mygrad

    p = {name: mygrad.tensor(value) for name, value in problem.state.items()}

    def once() -> Gradients:
        cost_in(mygrad, p, problem.xs, problem.targets).backward()
        return {name: tensor.grad for name, tensor in p.items()}

    return once
