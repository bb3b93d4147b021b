"""Loops of all kinds give what they give uncompiled: whatever a step looks at, and whatever is wanted of the steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import compile, hvp, value_and_grad
from minigrad.compiler.traced import Refused
from minigrad.containers import leaves
from tests.compiler.test_compiled import dirty

ONE = [
    "np.tanh({})", "np.sin({})", "-{}", "np.maximum({}, 0)", "{} * 0.5", "1 - {}", "np.where({} > 0, {}, 0.1 * {})",
    "mg.functions.softmax({})", "mg.functions.logistic({})", "{}[..., ::-1]", "np.roll({}, 1, axis=-1)",
    "{} - np.mean({}, axis=-1, keepdims=True)", "np.clip({}, -0.5, 0.5)", "{} * np.max({})", "np.sort({}, axis=-1)",
    "np.concatenate([{}[..., 1:], {}[..., :1]], axis=-1)", "{} @ W", "{} @ W.T", "{} @ V + b", "{} + b",
    "(({} @ W)[..., None, :] @ V)[..., 0, :]", "np.einsum('...i,ij->...j', {}, W)", "{} / (1 + np.sum({} * {}))",
]  # fmt: skip
TWO = [
    "{} + {}", "{} - {}", "{} * {}", "np.maximum({}, {})", "{} / (2 + np.cos({}))", "np.where({} > {}, 0.5, -0.25)",
    "np.where(np.arange(3) < t % 4, {}, {})", "{} * (1 - k[t]) + {} * k[t]", "np.vdot({}, {}) + b",
    "np.concatenate([{}[..., :1], {}[..., 1:]], axis=-1)", "mg.functions.squared_error({}, {}) * b",
]  # fmt: skip
SEEN = [
    "h", "g", "xs[t]", "h", "g", "xs[t]", "xs[t - 1]", "xs[T - 1 - t]", "xs[min(t + 1, T - 1)]", "hs[max(0, t - 1)]",
    "hs[0]", "xs[0]", "xs[t // 2]", "drive[t]",
]  # fmt: skip
STARTS = ["np.zeros(xs.shape[1:])", "xs[0]", "np.ones(xs.shape[1:])", "b + np.zeros(xs.shape[1:])", "np.tanh(xs[-1])"]
STATES = ["np.tanh({} + h @ W)", "np.sin({} + {})", "{} * 0.5 + np.tanh({})", "np.where(np.arange(3) > t % 3, {}, h)"]
WHEN = ["t > 0", "t < T - 1", "t % 2", "t != 2", "t < 3", "t != T // 2"]
WANTED = [
    "np.stack(hs)", "h", "g", "np.stack(out)", "out[-1]", "costs", "hs", "sum(hs)", "np.sum(np.stack(costs))",
    "sum(costs)", "np.stack(hs[1:])[::2]", "np.concatenate(out)", "np.stack(out) @ W + b", "hs[T // 2]",
    "np.mean(np.stack(hs), axis=0)", "np.stack(hs[:-1]) * np.stack(out)", "np.stack(out, axis=-1)",
    "costs[0] + costs[-1]",
]  # fmt: skip


@dataclass(frozen=True)
class Recurrence:
    """A function of ``xs, W, V, b, k`` with a loop, and what is asked of it."""

    source: str
    T: int
    B: int | None
    asked: str

    def function(self) -> Any:
        space: dict[str, Any] = {"np": np, "mg": mg}
        exec(self.source, space)
        f = space["f"]
        if self.asked == "value":
            return lambda *args: f(*args)

        def number(*args: Any) -> Any:
            return sum(np.sum(np.sin(leaf + 0.1)) for leaf in leaves(f(*args)))

        if self.asked == "gradients":
            return value_and_grad(number, (0, 1, 2, 3))
        return lambda xs, W, V, b, k: hvp(lambda W, b: number(xs, W, V, b, k), (W, b), (W / 3, b + 1))

    def arguments(self, seed: int) -> list[Any]:
        rng, shape = np.random.default_rng(seed), (self.T,) if self.B is None else (self.T, self.B)
        return [(1 + seed % 2) * rng.normal(size=s) for s in ((*shape, 3), (3, 3), (3, 3), (3,), (self.T,))]


@st.composite
def recurrences(draw: st.DrawFn) -> Recurrence:
    known = list(SEEN[: draw(st.sampled_from([6, 6, 7, len(SEEN)]))])

    def drawn(forms: list[str]) -> str:
        text = draw(st.sampled_from(forms))
        one, same = draw(st.sampled_from(known)), text in ONE
        while "{}" in text:
            text = text.replace("{}", one if same else draw(st.sampled_from(known)), 1)
        return text

    lines = []
    for j in range(draw(st.integers(1, 5))):
        text = drawn(draw(st.sampled_from([ONE, TWO])))
        if not draw(st.integers(0, 12)):
            text = f"({text}) if {draw(st.sampled_from(WHEN))} else {draw(st.sampled_from(known))}"
        lines.append(f"v{j} = {text}")
        known += [f"v{j}"] * 2
    lines += [f"new = {drawn(STATES)}", f"g = {drawn(STATES)}", "h = new", "hs.append(h)"]
    lines += [f"out.append({drawn(['{} @ V', '{} * b'])})", f"costs.append({drawn(['np.sum({} ** 2)', 'np.max({})'])})"]
    backwards = draw(st.integers(0, 6)) == 0
    wanted = draw(st.lists(st.sampled_from(WANTED), min_size=1, max_size=3, unique=True))
    body = [
        "T = len(xs)", "drive = np.tanh(xs @ W + b)", f"h = {draw(st.sampled_from(STARTS))}",
        f"g = {draw(st.sampled_from(STARTS))}", "hs, out, costs = [h], [], []",
        f"for t in {'reversed(range(T))' if backwards else 'range(T)'}:", *(f"    {line}" for line in lines),
        f"return [{', '.join(wanted)}]",
    ]  # fmt: skip
    source = "\n    ".join(["def f(xs, W, V, b, k):", *body])
    asked = draw(st.sampled_from(["value", "gradients", "gradients", "second derivatives"]))
    T, B = draw(st.sampled_from([5, 4, 6, 7, 8, 12, 3, 1])), draw(st.sampled_from([None, 1, 3]))
    return Recurrence(source, T, B, asked)


@settings(max_examples=2 * settings.default.max_examples)
@given(recurrences())
def test_loops_give_what_they_give_uncompiled(recurrence: Recurrence) -> None:
    """With buffers full of NaN, on other numbers, and the results of earlier calls stay what they are."""
    f = recurrence.function()
    with np.errstate(all="ignore"):
        try:
            expected = [[np.array(value(leaf)) for leaf in leaves(f(*recurrence.arguments(k)))] for k in range(3)]
        except (ValueError, IndexError):  # shapes that do not go together
            assume(False)
        assume(all(np.max(np.abs(leaf), initial=0) < 1e3 for each in expected for leaf in each))
        step, kept = compile(f), []
        for k in (0, 1, 0, 2):
            try:
                kept.append((leaves(step(*recurrence.arguments(k))), expected[k]))
            except Refused:
                assume(False)
            dirty(step)
    for found, wanted in kept:
        for got, want in zip(found, wanted, strict=True):
            assert (np.shape(got), np.asarray(got).dtype) == (want.shape, want.dtype)
            np.testing.assert_allclose(got, want, rtol=0, atol=1e-9 * (1 + np.max(np.abs(want), initial=0)))


def value(leaf: Any) -> Any:
    return leaf.data if isinstance(leaf, mg.Tensor) else leaf


@pytest.mark.parametrize("asked", ["value", "gradients"])
@pytest.mark.parametrize("index", ["t - 1", "t - 2", "-1 - t", "(t + 2) % T", "T - 1 - t", "0"])
def test_rows_of_an_array_counted_from_its_end(index: str, asked: str) -> None:
    source = f"def f(xs, W, V, b, k):\n    T = len(xs)\n    return np.stack([xs[{index}] @ W for t in range(T)])"
    recurrence = Recurrence(source, 6, 2, asked)
    f = recurrence.function()
    step = compile(f)
    for got, want in zip(leaves(step(*recurrence.arguments(0))), leaves(f(*recurrence.arguments(0))), strict=True):
        np.testing.assert_allclose(got, value(want), rtol=1e-12, atol=1e-12)
    assert step.report().rolled or index == "0"
