"""PyTorch: its fused networks, loops as its users write them, and such a loop compiled."""

from __future__ import annotations

from typing import Any

import torch

from tests.benchmarks.bptt.problem import Gradients, Once, Problem

torch.set_num_threads(1)
BLOCK = 50
"""Steps that `torch.compile` gets at a time: it unrolls them, and takes seconds for so many, minutes for a thousand."""


def fused(problem: Problem) -> Once:
    """`torch.nn.RNN`, `LSTM`, `GRU`: all steps in one call of C++."""
    xs, targets, state = torch.tensor(problem.xs), torch.tensor(problem.targets), problem.state
    n = problem.model.n_hidden
    network = getattr(torch.nn, problem.kind)(xs.shape[-1], n, dtype=xs.dtype)
    out = torch.nn.Linear(n, 1, dtype=xs.dtype)
    second = torch.zeros(len(state["b"]), dtype=xs.dtype)
    if "d" in state:  # GRU's, inside of what the reset gate multiplies
        second[-n:] = torch.tensor(state["d"])
    given = {"weight_ih_l0": "U", "weight_hh_l0": "W", "bias_ih_l0": "b"}
    network.load_state_dict({k: torch.tensor(state[v]) for k, v in given.items()} | {"bias_hh_l0": second})
    out.load_state_dict({"weight": torch.tensor(state["V"]), "bias": torch.tensor(state["c"])})

    def once() -> Gradients:
        network.zero_grad(), out.zero_grad()
        hs, _ = network(xs)
        (torch.mean(torch.square(out(hs) - targets)) * len(xs)).backward()
        found = {name: getattr(network, theirs).grad for theirs, name in given.items()}
        found |= {"V": out.weight.grad, "c": out.bias.grad}
        found |= {"d": network.bias_hh_l0.grad[-n:]} if "d" in state else {}
        return {name: gradient.numpy() for name, gradient in found.items()}

    return once


def gradients_of(problem: Problem, cost: Any) -> Once:
    """Of ``cost(W, U, V, b, c, xs, targets)``."""
    parameters = {name: torch.tensor(problem.state[name], requires_grad=True) for name in "WUVbc"}
    xs, targets = torch.tensor(problem.xs), torch.tensor(problem.targets)

    def once() -> Gradients:
        for parameter in parameters.values():
            parameter.grad = None
        cost(*parameters.values(), xs, targets).backward()
        return {name: parameter.grad.numpy() for name, parameter in parameters.items()}

    return once


def step_costs(W: Any, U: Any, V: Any, b: Any, c: Any, xs: Any, targets: Any) -> Any:
    """A cost at every step, as in the lecture."""
    h = torch.zeros((xs.shape[1], len(b)), dtype=xs.dtype)
    WT, UT, VT, costs = W.T, U.T, V.T, []
    for x, target in zip(xs, targets, strict=True):
        h = torch.tanh(x @ UT + h @ WT + b)
        costs.append(torch.mean(torch.square(h @ VT + c - target)))
    return torch.stack(costs).sum()


def states(h: Any, drive: Any, WT: Any) -> Any:
    """h_t of some steps. Of ``unbind``, since ``drive[t]`` costs an array as long as the sequence on the way back."""
    hs = []
    for each in drive.unbind():
        h = torch.tanh(each + h @ WT)
        hs.append(h)
    return torch.stack(hs)


def one_cost(W: Any, U: Any, V: Any, b: Any, c: Any, xs: Any, targets: Any) -> Any:
    """Outputs stacked."""
    h = torch.zeros((xs.shape[1], len(b)), dtype=xs.dtype)
    return torch.sum(torch.square(states(h, xs @ U.T + b, W.T) @ V.T + c - targets)) / xs.shape[1]


def loop_of_costs(problem: Problem) -> Once:
    return gradients_of(problem, step_costs)


def loop(problem: Problem) -> Once:
    return gradients_of(problem, one_cost)


def compiled(problem: Problem) -> Once:
    """`one_cost`, its loop compiled in blocks."""
    block = torch.compile(states)

    def cost(W: Any, U: Any, V: Any, b: Any, c: Any, xs: Any, targets: Any) -> Any:
        h = torch.zeros((xs.shape[1], len(b)), dtype=xs.dtype, requires_grad=True)  # as it is in the later blocks
        blocks = []
        for drive in (xs @ U.T + b).split(BLOCK):
            blocks.append(block(h, drive, W.T))
            h = blocks[-1][-1]
        return torch.sum(torch.square(torch.cat(blocks) @ V.T + c - targets)) / xs.shape[1]

    return gradients_of(problem, cost)
