"""One forward and one backward pass of the lecture's RNN, against its peers, side by side.

    python -m tests.benchmarks.bptt [--quick]

Every contender computes the same numbers (which is checked first): Σ C_t of `squared_error` along T steps, and the
gradients of W, U, V, b and c. They take turns, one BLAS thread each; a figure is the median of many turns, a ratio is
minigrad's time over the peer's: below 1, minigrad is faster. Like is compared with like:

- *a cost at every step*, as the lecture has it and `mg.rnn.unroll` does it, against the same loop in *eager* PyTorch;
- *outputs stacked, one cost*: the input product of all steps at once, then a loop over the hidden states alone, against
  the same in *eager* PyTorch, the *fused* `torch.nn.RNN`, and back-propagation through time by hand in *NumPy*, with
  the weight gradients of all steps at once.

The last two columns are `mg.compile` of the former and of the latter, also over NumPy by hand.

The columns of PyTorch are there where it is installed.
"""

from __future__ import annotations

import os

for _library in ("OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM", "BLIS"):
    os.environ[f"{_library}_NUM_THREADS"] = "1"  # before NumPy is loaded

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import minigrad as mg

try:
    import torch
except ModuleNotFoundError:
    torch = None
else:
    torch.set_num_threads(1)

GRID = (
    (10, 1, 2, 16),
    (100, 1, 2, 32),
    (100, 32, 2, 64),
    (1000, 1, 2, 64),
    (1000, 1, 2, 256),
    (200, 32, 32, 256),
    (1000, 32, 2, 128),
)
Gradients = dict[str, Any]


@dataclass(frozen=True)
class Problem:
    """A network's parameters and data for one row of the grid."""

    model: mg.rnn.RNN
    xs: Any
    targets: Any

    @classmethod
    def of(cls, T: int, B: int, n_in: int, n_hidden: int, dtype: str) -> Problem:
        rng = np.random.default_rng(0)
        model = mg.rnn.RNN(n_in, n_hidden, 1, rng=rng, dtype=dtype)
        xs, targets = (rng.normal(size=(T, B, n)).astype(dtype) for n in (n_in, 1))
        return cls(model, xs, targets)


def minigrad(problem: Problem) -> Callable[[], Gradients]:
    model, xs, targets = problem.model, mg.Tensor(problem.xs), mg.Tensor(problem.targets)

    def once() -> Gradients:
        model.zero_grad()
        mg.rnn.unroll(model, xs, targets).cost.backward()
        return {name: parameter.grad for name, parameter in model.parameters().items()}

    return once


def minigrad_stacked(problem: Problem) -> Callable[[], Gradients]:
    model, xs, targets = problem.model, mg.Tensor(problem.xs), mg.Tensor(problem.targets)
    parameters = model.parameters()

    def once() -> Gradients:
        model.zero_grad()
        UT, WT, VT = model.bind()
        h = mg.Tensor(model.initial(problem.xs.shape[1:2])["h"])
        hs, drive = [], xs @ UT + model.b
        for t in range(len(xs)):
            h = np.tanh(drive[t] + h @ WT)
            hs.append(h)
        error = np.stack(hs) @ VT + model.c - targets
        (np.vdot(error, error) / problem.xs.shape[1]).backward()
        return {name: parameter.grad for name, parameter in parameters.items()}

    return once


def compiled(problem: Problem) -> Callable[[], Gradients]:
    """`unroll`, compiled."""
    step = mg.compile(mg.value_and_grad(lambda model, xs, targets: mg.rnn.unroll(model, xs, targets).cost))
    return lambda: step(problem.model, problem.xs, problem.targets)[1]


def compiled_stacked(problem: Problem) -> Callable[[], Gradients]:
    """The loop with outputs stacked, compiled."""

    def cost(model: Any, xs: Any, targets: Any) -> Any:
        UT, WT, VT = model.bind()
        h, hs, drive = np.zeros((xs.shape[1], model.n_hidden), xs.dtype), [], xs @ UT + model.b
        for t in range(len(xs)):
            h = np.tanh(drive[t] + h @ WT)
            hs.append(h)
        error = np.stack(hs) @ VT + model.c - targets
        return np.vdot(error, error) / xs.shape[1]

    step = mg.compile(mg.value_and_grad(cost))
    return lambda: step(problem.model, problem.xs, problem.targets)[1]


def numpy(problem: Problem) -> Callable[[], Gradients]:
    xs, targets = problem.xs, problem.targets

    def once() -> Gradients:
        W, U, V, b, c = (problem.model.state_dict()[name] for name in "WUVbc")
        T, B, _ = xs.shape
        n = len(b)
        hs = np.zeros((T + 1, B, n), xs.dtype)
        drive, WT = xs @ U.T + b, W.T
        for t in range(T):
            np.tanh(drive[t] + hs[t] @ WT, out=hs[t + 1])
        d_out = (hs[1:] @ V.T + c - targets) * np.asarray(2 / B, xs.dtype)
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


def eager_stacked(problem: Problem) -> Callable[[], Gradients]:
    return eager(problem, stacked=True)


def eager(problem: Problem, stacked: bool = False) -> Callable[[], Gradients]:
    parameters = {k: torch.tensor(v, requires_grad=True) for k, v in problem.model.state_dict().items()}
    W, U, V, b, c = parameters.values()
    xs, targets = torch.tensor(problem.xs), torch.tensor(problem.targets)

    def once() -> Gradients:
        for parameter in parameters.values():
            parameter.grad = None
        h = torch.zeros((xs.shape[1], len(b)), dtype=xs.dtype)
        WT, UT, VT = W.T, U.T, V.T
        if stacked:
            hs, drive = [], xs @ UT + b
            for t in range(len(xs)):
                h = torch.tanh(drive[t] + h @ WT)
                hs.append(h)
            cost = torch.sum(torch.square(torch.stack(hs) @ VT + c - targets)) / xs.shape[1]
        else:
            costs = []
            for t in range(len(xs)):
                h = torch.tanh(xs[t] @ UT + h @ WT + b)
                costs.append(torch.mean(torch.square(h @ VT + c - targets[t])))
            cost = torch.stack(costs).sum()
        cost.backward()
        return {name: parameter.grad.numpy() for name, parameter in parameters.items()}

    return once


def fused(problem: Problem) -> Callable[[], Gradients]:
    xs, targets = torch.tensor(problem.xs), torch.tensor(problem.targets)
    state = {k: torch.tensor(v) for k, v in problem.model.state_dict().items()}
    rnn = torch.nn.RNN(xs.shape[-1], len(state["b"]), dtype=xs.dtype)
    out = torch.nn.Linear(len(state["b"]), 1, dtype=xs.dtype)
    zeros = torch.zeros_like(state["b"])
    rnn.load_state_dict(
        {"weight_ih_l0": state["U"], "weight_hh_l0": state["W"], "bias_ih_l0": state["b"], "bias_hh_l0": zeros}
    )
    out.load_state_dict({"weight": state["V"], "bias": state["c"]})

    def once() -> Gradients:
        rnn.zero_grad(), out.zero_grad()
        hs, _ = rnn(xs)
        (torch.mean(torch.square(out(hs) - targets)) * len(xs)).backward()
        found = {"W": rnn.weight_hh_l0, "U": rnn.weight_ih_l0, "V": out.weight, "b": rnn.bias_ih_l0, "c": out.bias}
        return {name: parameter.grad.numpy() for name, parameter in found.items()}

    return once


def medians(contenders: dict[str, Callable[[], Gradients]], seconds: float) -> dict[str, float]:
    """Median times in seconds; the contenders take turns for about ``seconds`` and at least five rounds."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or min(map(len, times.values())) < 5:
        for name, once in contenders.items():
            start = time.perf_counter()
            once()
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a third of the time a row")
    seconds = 1.0 if parser.parse_args().quick else 4.0
    makers = {
        "minigrad": minigrad, "stacked": minigrad_stacked, "NumPy": numpy,
        "compiled": compiled, "compiled loop": compiled_stacked,
    }  # fmt: skip
    columns = [("stacked", "NumPy"), ("compiled", "NumPy"), ("compiled loop", "NumPy")]
    if torch:
        makers |= {"eager": eager, "eager stacked": eager_stacked, "fused": fused}
        columns = [("minigrad", "eager"), ("stacked", "eager stacked"), ("stacked", "fused"), *columns]
    ratios: dict[tuple[str, str], list[float]] = {column: [] for column in columns}
    if torch:
        print(f"{'':28s}{'a cost at every step':>22s}{'outputs stacked, one cost':>42s}")
    named = {("compiled", "NumPy"): "compiled", ("compiled loop", "NumPy"): "its loop"}
    heads = [named.get(column, "/ " + column[1].split()[0]) for column in columns]
    heads = "".join(
        f"{head:>10s}" + " " * 12 * (column[1] == "eager") for head, column in zip(heads, columns, strict=True)
    )
    print(f"{'(T, B, n_in, n_hidden)':28s}{'minigrad':>12s}{heads}")
    for dtype in ("float64", "float32"):
        for sizes in GRID:
            problem = Problem.of(*sizes, dtype)
            contenders = {name: make(problem) for name, make in makers.items()}
            check({name: once() for name, once in contenders.items()}, dtype)
            found = medians(contenders, seconds)
            row = []
            for ours, peer in columns:
                ratios[ours, peer].append(found[ours] / found[peer])
                row.append(f"{ratios[ours, peer][-1]:10.2f}")
                if peer == "eager":
                    row.append(f"{found['stacked'] * 1e3:9.2f} ms")
            print(f"{dtype} {sizes!s:20s}{found['minigrad'] * 1e3:9.2f} ms{''.join(row)}", flush=True)
    means = "".join(f"{statistics.geometric_mean(ratios[c]):10.2f}" + " " * 12 * (c[1] == "eager") for c in columns)
    print(f"{'geometric mean':40s}{means}")


def check(found: dict[str, Gradients], dtype: str) -> None:
    """All contenders have to agree before they are compared."""
    for name, gradients in found.items():
        for parameter, gradient in gradients.items():
            reference = found["NumPy"][parameter]
            error = np.abs(gradient - reference).max() / np.abs(reference).max()
            if not error < (1e-9 if dtype == "float64" else 2e-3):
                raise AssertionError(f"{name}'s gradient of {parameter} is off by {error:.1e}")


if __name__ == "__main__":
    main()
