"""minigrad's own: `unroll`, which has a cost at every step, and a loop with the outputs stacked; eager and compiled."""

from __future__ import annotations

from typing import Any

import numpy as np

import minigrad as mg
from tests.benchmarks.bptt.problem import Gradients, Once, Problem


def unrolled(model: Any, xs: Any, targets: Any) -> Any:
    return mg.rnn.unroll(model, xs, targets).cost


def looped(model: Any, xs: Any, targets: Any) -> Any:
    """The input product of all steps at once, a loop over the hidden states alone, and one cost."""
    UT, WT, VT = model.bind()
    h, hs, drive = np.zeros((xs.shape[1], model.n_hidden), xs.dtype), [], xs @ UT + model.b
    for t in range(len(xs)):
        h = np.tanh(drive[t] + h @ WT)
        hs.append(h)
    error = np.stack(hs) @ VT + model.c - targets
    return np.vdot(error, error) / xs.shape[1]


def eager(problem: Problem, cost: Any = unrolled) -> Once:
    model, xs, targets = problem.model, mg.Tensor(problem.xs), mg.Tensor(problem.targets)

    def once() -> Gradients:
        model.zero_grad()
        cost(model, xs, targets).backward()
        return {name: parameter.grad for name, parameter in model.parameters().items()}

    return once


def eager_loop(problem: Problem) -> Once:
    return eager(problem, looped)


class Compiled:
    """The same, compiled."""

    def __init__(self, problem: Problem, cost: Any = unrolled) -> None:
        self.problem, self.step = problem, mg.compile(mg.value_and_grad(cost))

    def __call__(self) -> Gradients:
        return dict(self.step(self.problem.model, self.problem.xs, self.problem.targets)[1])

    def held(self) -> int:
        """The bytes that stay, for the next call: those of the program's buffers."""
        return int(self.step.report().bytes)


def compiled_loop(problem: Problem) -> Once:
    return Compiled(problem, looped)
