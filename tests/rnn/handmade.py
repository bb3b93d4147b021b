"""Back-propagation through time as one derives it on paper, in plain NumPy: the judge of the engine, and its rival.

With δ^q_t for ∂C/∂q_t, o_t = V h_t + c for what the outputs' function g is applied to, and C = Σ κ_t C_t:

    δ^y_t = κ_t ∂C_t/∂ỹ_t + Rᵀ δ^z_{t+1}      the R-term only if outputs are fed back, not under teacher forcing
    δ^o_t = J_g(o_t)ᵀ δ^y_t
    δ^h_t = Vᵀ δ^o_t + Wᵀ δ^z_{t+1}
    δ^z_t = f'(z_t) ⊙ δ^h_t

    ∂C/∂W = Σ δ^z_t h_{t-1}ᵀ    ∂C/∂U = Σ δ^z_t x_tᵀ    ∂C/∂R = Σ δ^z_t ỹ_{t-1}ᵀ    ∂C/∂b = Σ δ^z_t
    ∂C/∂V = Σ δ^o_t h_tᵀ        ∂C/∂c = Σ δ^o_t         ∂C/∂x_t = Uᵀ δ^z_t           ∂C/∂h_0 = Wᵀ δ^z_1

Data is stored as rows, time first, so a product with a matrix M of the formulas reads ``rows @ M.T``, and one with Mᵀ
``rows @ M``. Nothing here knows minigrad. What need not wait for the step before is computed for all steps at once,
as one does by hand: benchmarks measure the engine against this.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray


def softmax(o):
    weights = np.exp(o - np.max(o, axis=-1, keepdims=True))
    return weights / np.sum(weights, axis=-1, keepdims=True)


FUNCTIONS = {
    "tanh": np.tanh,
    "logistic": lambda z: 1 / (1 + np.exp(-z)),
    "relu": lambda z: np.where(z > 0, z, 0 * z),
    "identity": lambda z: +z,
    "softmax": softmax,
}
SLOPES = {  # f'(z), from z and h = f(z)
    "tanh": lambda z, h: 1 - h * h,
    "logistic": lambda z, h: h * (1 - h),
    "relu": lambda z, h: (z > 0).astype(z.dtype),
    "identity": lambda z, h: np.ones_like(z),
}


def squared_error(target, y):
    """The mean of (ỹ - y)² over batch and components."""
    return np.mean((y - target) ** 2)


def cross_entropy(target, y):
    """-Σ target · log softmax(ỹ), averaged over the batch; by the definition, so only for outputs of modest size."""
    return -np.sum(target * np.log(softmax(y))) * y.shape[-1] / y.size


def binary_cross_entropy(target, y):
    """-[target log p + (1 - target) log(1 - p)] with p = 1/(1 + exp(-ỹ)) and 1 - p = 1/(1 + exp(ỹ))."""
    return np.sum(target * np.log(1 + np.exp(-y)) + (1 - target) * np.log(1 + np.exp(y))) / y.size


COSTS = {
    "squared_error": squared_error, "cross_entropy": cross_entropy, "binary_cross_entropy": binary_cross_entropy
}  # fmt: skip
COST_SLOPES = {  # ∂C_t/∂ỹ_t of all steps: the first axis is time
    "squared_error": lambda target, y: 2 * (y - target) / y[0].size,
    "binary_cross_entropy": lambda target, y: (1 / (1 + np.exp(-y)) - target) / y[0].size,
    "cross_entropy": lambda target, y: (
        (softmax(y) * np.sum(target, axis=-1, keepdims=True) - target) * (y.shape[-1] / y[0].size)
    ),
}


class Trace(NamedTuple):
    """A feed-forward pass: the question (first row) and all that was computed, (T, ..., n) each."""

    parameters: dict[str, Array]
    xs: Array
    targets: Array
    f: str
    g: str
    cost: str
    forced: bool
    heard: dict[str, Array]  # what each step heard from the one before: "h", and "y" if there is an R
    z: Array
    h: Array
    o: Array
    y: Array
    costs: Array  # (T,)


class Gradients(NamedTuple):
    """What came back; ``deltas`` holds δ^q (T, ..., n) for q = z, h, o, y and x, and ``initial`` those of t = 0."""

    parameters: dict[str, Array]
    deltas: dict[str, Array]
    initial: dict[str, Array]


def feed_forward(
    parameters: dict[str, Array],
    xs: Array,
    targets: Array,
    *,
    f: str = "tanh",
    g: str = "identity",
    cost: str = "squared_error",
    initial: dict[str, Array] | None = None,
    forced: bool = False,
) -> Trace:
    """Run the network with ``parameters`` U V b c and W or R or both along ``xs`` (T, ..., n_in)."""
    U, V, b, c = (parameters[name] for name in ("U", "V", "b", "c"))
    W, R = parameters.get("W"), parameters.get("R")
    T, batch = len(xs), xs.shape[1:-1]
    z = xs @ U.T + b
    h = np.zeros((T + 1, *batch, len(b)), z.dtype)  # h_0 ... h_T
    y = np.zeros((T + 1, *batch, len(c)), z.dtype)
    h[0], y[0] = (initial or {}).get("h", 0), (initial or {}).get("y", 0)
    heard_y = np.concatenate([y[:1], targets[:-1]]) if forced else y[:-1]
    for t in range(T):
        if W is not None:
            z[t] += h[t] @ W.T
        if R is not None:
            z[t] += heard_y[t] @ R.T
        h[t + 1] = FUNCTIONS[f](z[t])
        if R is not None and not forced:
            y[t + 1] = FUNCTIONS[g](h[t + 1] @ V.T + c)
    o = h[1:] @ V.T + c
    if R is None or forced:
        y[1:] = FUNCTIONS[g](o)
    heard = {"h": h[:-1]} if R is None else {"h": h[:-1], "y": heard_y}
    costs = np.array([COSTS[cost](target, output) for target, output in zip(targets, y[1:], strict=True)])
    return Trace(parameters, xs, targets, f, g, cost, forced, heard, z, h[1:], o, y[1:], costs)


def propagate_back(trace: Trace, weights: Any = None) -> Gradients:
    """Differentiate C = Σ κ_t C_t, with ``weights`` κ (T,): all one by default, (0, ..., 0, 1) for the last cost."""
    p, f, g = trace.parameters, trace.f, trace.g
    W, U, V, R = (p.get(name) for name in ("W", "U", "V", "R"))
    fed_back = R is not None and not trace.forced
    slopes = SLOPES[f](trace.z, trace.h)
    dy = COST_SLOPES[trace.cost](trace.targets, trace.y)
    if weights is not None:
        dy = dy * np.reshape(np.asarray(weights, dy.dtype), (-1,) + (1,) * (dy.ndim - 1))
    if fed_back:
        do, dh = np.empty_like(trace.o), np.empty_like(trace.h)
    else:
        do = through_output(g, trace.o, trace.y, dy)
        dh = do @ V
    dz = np.empty_like(trace.z)
    for t in reversed(range(len(dz))):
        if fed_back:
            if t + 1 < len(dz):
                dy[t] += dz[t + 1] @ R
            do[t] = through_output(g, trace.o[t], trace.y[t], dy[t])
            dh[t] = do[t] @ V
        if W is not None and t + 1 < len(dz):
            dh[t] += dz[t + 1] @ W
        dz[t] = slopes[t] * dh[t]

    gradients = {name: rows(left).T @ rows(right) for name, (left, right) in factors(trace, dz, do).items()}
    gradients |= {"b": rows(dz).sum(axis=0), "c": rows(do).sum(axis=0)}
    initial = {role: dz[0] @ M for role, M in (("h", W), ("y", R)) if M is not None}
    return Gradients(gradients, {"x": dz @ U, "z": dz, "h": dh, "o": do, "y": dy}, initial)


def through_output(g: str, o: Array, y: Array, dy: Array) -> Array:
    """δ^o = J_gᵀ δ^y, with J = diag(y) - y yᵀ for softmax."""
    if g != "softmax":
        return SLOPES[g](o, y) * dy
    jacobian = y[..., :, None] * np.eye(y.shape[-1], dtype=y.dtype) - y[..., :, None] * y[..., None, :]
    return np.einsum("...ij,...i->...j", jacobian, dy)


def factors(trace: Trace, dz: Array, do: Array) -> dict[str, tuple[Array, Array]]:
    """For each matrix the two sequences whose outer products add up to its gradient."""
    pairs = {"W": (dz, trace.heard["h"]), "U": (dz, trace.xs), "V": (do, trace.h), "R": (dz, trace.heard.get("y"))}
    return {name: pair for name, pair in pairs.items() if name in trace.parameters}


def contributions(trace: Trace, gradients: Gradients) -> dict[str, Array]:
    """What each step contributes to the gradient of each parameter, (T, *shape): the terms of the sums above."""
    dz, do = gradients.deltas["z"], gradients.deltas["o"]
    flat = lambda a: a.reshape(len(a), -1, a.shape[-1])
    terms = {
        name: np.einsum("tbi,tbj->tij", flat(left), flat(right))
        for name, (left, right) in factors(trace, dz, do).items()
    }
    return terms | {"b": flat(dz).sum(axis=1), "c": flat(do).sum(axis=1)}


def rows(a: Array) -> Array:
    """Time and batch as one axis."""
    return a.reshape(-1, a.shape[-1])
