"""Loops as somebody might write them: recurrences drawn as the text of a Python function.

What is drawn are expressions, each a template filled with smaller ones, for the lines of a loop over time: of two
states, of what one was a step before, of an output that is fed back, and of layers; of inputs of other steps, and of
weights and masks of each step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from minigrad.functions import logistic, relu, softmax, squared_error

TEXT = """\
def f(p, xs, ws, masks, h):
    W, U, v, s, T = p["W"], p["U"], p["v"], p["s"], len(xs)
    k, g, y, drive, cost, hs = {k_0}, h, 0 * h, {drive}, 0.0, []
    for t in {steps}:
        a = {a}
        for M in {layers}:
            a = np.tanh(a @ M + {inner})
        h, k, g = {h}, {k}, h
        y = {y}
        hs.append({kept})
        cost = cost + {cost}
    return {result}
"""
OPERATIONS = [
    "({0} + {1})", "({0} - {1})", "({0} * {1})", "({0} @ W)", "({0} @ U.T + v)", "(s * {0})", "(0.5 * {0} + v)",
    "np.tanh({0})", "np.sin({0})", "logistic({0})", "(1 / (1 + np.exp(-{0})))", "np.exp(-({0}**2))", "softmax({0})",
    "relu({0})", "np.maximum({0}, {1})", "np.where({0} > 0, {0}, {1})", "np.where({0} > {1}, 0.0, {1})", "np.abs({0})",
    "np.clip({0}, -0.5, 0.5)", "np.where(masks[t], {0}, {1})", "(ws[t] * {0})", "(ws[T - 1 - t] * {0} + {1})",
    "np.concatenate([{0}[..., :1], {1}[..., 1:]], -1)", "np.stack([{0}[..., 0], {1}[..., 1], {0}[..., 2]], -1)",
    "({0}[..., -1:] * {1})", "(np.mean({0}, -1, keepdims=True) * {1})", "(np.sum({0}) * {1})", "({0} / T)",
]  # fmt: skip
ATOMS = ["h", "k", "g", "y", "a", "drive[t]", "xs[t]", "xs[T - 1 - t]", "np.sum(xs[t : t + 2], 0)", "xs[0]", "(v * h)"]
STEPS = ["range(T)", "reversed(range(T))", "range(1, T)", "range(T - 1)", "range(T - 1, -1, -1)", "range(0, T, 2)"]
STARTS = ["0 * h", "np.zeros(xs.shape[1:])", "np.tanh(xs[0] @ W)", "np.mean(xs, 0)", "0.5 * np.ones(xs.shape[1:])"]
DRIVES = ["xs", "xs @ U", "np.tanh(xs @ W + v)", "xs[::-1] * v"]
BOUNDED = ["np.tanh({0})", "np.sin({0})", "(0.9 * h + 0.1 * np.tanh({0}))"]
LAYERS = ["()", "()", "(W,)", "(W, U)"]
COSTS = [
    "0.0", "np.sum(h * xs[t])", "np.mean((y - xs[T - 1 - t]) ** 2)", "squared_error(xs[t], y)", "ws[t] * np.sum(k)",
    "np.sum(np.abs(h - 0.1))", "np.vdot(a, h)",
]  # fmt: skip
RESULTS = [
    "cost", "cost / T", "cost + np.sum(h**2)", "cost + np.sum(hs[-1] * hs[0])", "cost + np.mean(np.stack(hs) ** 2)",
    "cost + np.sum(np.square(np.stack(hs) @ W - xs[: len(hs)]))", "cost + np.sum(np.max(np.stack(hs), 0))",
    "cost + sum(np.sum(a * b) for a, b in zip(hs[1:], hs))", "cost + np.var(np.stack(hs)) + np.sum(W**2)",
    "cost + np.sum(softmax(np.stack(hs) @ v, 0) ** 2)",
]  # fmt: skip


def expressions(*, without: str = "") -> st.SearchStrategy[str]:
    """Of all that a line may use, which is not ``a`` where that is not known yet."""
    atoms = st.sampled_from([atom for atom in ATOMS if atom != without])
    return st.recursive(
        atoms, lambda inner: st.builds(str.format, st.sampled_from(OPERATIONS), inner, inner), max_leaves=4
    )


class Loop(str):
    """The text of a function, that is shown as it stands."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"\n{self}"


def loops() -> st.SearchStrategy[Loop]:
    """Functions ``f(p, xs, ws, masks, h)`` of a dict of weights, sequences of length T, and the first state."""
    any_ = expressions()
    bounded = st.builds(str.format, st.sampled_from(BOUNDED), any_)
    parts = {
        "k_0": st.sampled_from(STARTS), "drive": st.sampled_from(DRIVES), "steps": st.sampled_from(STEPS),
        "a": expressions(without="a"), "layers": st.sampled_from(LAYERS), "inner": any_, "h": bounded, "k": bounded,
        "y": any_, "kept": st.sampled_from(["h", "k", "y"]), "cost": st.sampled_from(COSTS),
        "result": st.sampled_from(RESULTS),
    }  # fmt: skip
    return st.fixed_dictionaries(parts).map(lambda parts: Loop(TEXT.format(**parts)))


def function(text: str) -> Callable[..., Any]:
    """What the text defines."""
    functions = {each.__name__: each for each in (logistic, relu, softmax, squared_error)}
    space: dict[str, Any] = {"__name__": __name__, "np": np, **functions}
    exec(text, space)
    return space["f"]  # type: ignore[no-any-return]


def arguments(rng: np.random.Generator, T: int, batch: tuple[int, ...], size: float = 1.0) -> tuple[Any, ...]:
    """What such a function may be given."""
    p = {name: rng.normal(size=shape) / 2 for name, shape in (("W", (3, 3)), ("U", (3, 3)), ("v", 3), ("s", ()))}
    xs, h = size * rng.normal(size=(T, *batch, 3)), rng.normal(size=(*batch, 3)) / 2
    return p, xs, rng.normal(size=T), rng.uniform(size=xs.shape) > 0.3, h
