"""What a loop writes lies over what it has read, and nothing is read there again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad.compiler import overwriting
from tests.compiler.test_compiled import MODELS, agree, dirty, problem


@pytest.fixture(autouse=True)
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """All rows are large."""
    monkeypatch.setattr(overwriting, "LARGE", 0)


@pytest.mark.usefixtures("large")
@settings(max_examples=settings.default.max_examples // 4)
@given(
    st.sampled_from(sorted(MODELS)),
    st.sampled_from([5, 8, 13]),
    st.sampled_from([None, 1, 3]),
    st.sampled_from(["every", "last", "entropy", "lengths", "weights"]),
    st.sampled_from([(), "sink", "merge", "split", "blocks"]),
)
def test_networks(name: str, T: int, B: int | None, kind: str, without: Any) -> None:
    f, model, data = problem(name, T, B, 0, kind)
    step = mg.compile(f, without=without)
    agree(step(model, *data[0]), f(model, *data[0]))
    dirty(step)
    for each in (data[1], data[0]):
        agree(step(model, *each), f(model, *each))


TERMS: list[Callable[[Any, Any], Any]] = [
    np.add,
    np.multiply,
    lambda h, d: h * d * d,
    lambda h, d: h * d[..., ::-1],
    lambda h, d: np.concatenate([h[..., :1], d[..., 1:]], -1),
    lambda h, d: h @ np.swapaxes(d, -1, -2) @ d,
]
ENDS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "sums": lambda zs, hs, ds: np.stack(zs),
    "states": lambda zs, hs, ds: (np.stack(hs), np.stack(zs)),
    "drive": lambda zs, hs, ds: np.stack(zs) * np.stack(ds[1:-1]),
    "both": lambda zs, hs, ds: (np.stack(zs), np.stack(ds)),
    "last": lambda zs, hs, ds: hs[-1] + sum(zs),
}
FIRST: dict[str, Callable[[Any, Any], Any]] = {
    "zeros": lambda b, ds: np.zeros((2, 3)),
    "drive": lambda b, ds: ds[2],
    "bias": lambda b, ds: b + np.zeros((2, 1)),
}


@pytest.mark.usefixtures("large")
@given(
    st.lists(st.tuples(st.sampled_from(TERMS), st.sampled_from([0, 0, 0, 1, -1])), min_size=1, max_size=3),
    st.sampled_from(sorted(ENDS)),
    st.sampled_from(sorted(FIRST)),
    st.sampled_from([None, None, 3]),
    st.booleans(),
)
def test_loops(terms: Any, end: str, first: str, fixed: int | None, back: bool) -> None:
    """Rows that a step reads, in whatever way and from whatever step, and that may be wanted behind the loop."""
    T, rng = 10, np.random.default_rng(0)
    W, b, xs = 0.3 * rng.normal(size=(3, 3)), rng.normal(size=3), rng.normal(size=(T, 2, 3))

    def f(W: Any, b: Any, xs: Any) -> Any:
        ds = [xs[t] * b for t in range(T)]
        h, zs, hs = FIRST[first](b, ds), [], []
        for t in range(1, T - 1)[:: -1 if back else 1]:
            z = h @ W if fixed is None else (h @ W) * ds[fixed]
            for term, shift in terms:
                z = term(z, ds[t + shift])
            h = np.tanh(z)
            zs.append(z)
            hs.append(h)
        return ENDS[end](zs, hs, ds)

    def slope(*args: Any) -> Any:
        return mg.value_and_grad(lambda *args: mg.containers.leaves(f(*args))[0].sum(), (0, 1))(*args)

    for each in (f, slope):
        step = mg.compile(each)
        agree(step(W, b, xs), each(W, b, xs))
        dirty(step)
        agree(step(-W, b, 2 * xs), each(-W, b, 2 * xs))


def test_a_backward_pass_lies_over_what_it_is_computed_from() -> None:
    """And the states over their drive, with h_0 beside it: the gradients take two arrays besides."""
    f, model, data = problem("f=tanh", 12, 3, 0, "every")
    step = mg.compile(f, without=("merge", "sink"))
    listing = step.listing(model, *data[0])
    agree(step(model, *data[0]), f(model, *data[0]))
    n = model.n_hidden
    assert listing.count(f"= empty((13, 3, {n}))") == 1
    assert sum(listing.count(f"= empty(({rows}, 3, {n}))") for rows in (11, 12)) == 2
    assert "totals = hs[1:]  # in the same memory, earlier" in listing
    assert "dzs = multiples  # in the same memory, later" in listing


def test_small_rows_are_not_overwritten_by_what_reads_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overwriting, "LARGE", 1 << 10)
    f, model, data = problem("f=tanh", 12, 3, 0, "every")
    assert "dzs = empty(" in mg.compile(f, without=("merge", "sink")).listing(model, *data[0])


@pytest.mark.parametrize("model", ["feedback", "GRU", "stacked"])
def test_windows_of_which_the_last_is_short(model: str) -> None:
    """What stands beside rows of one loop may be of a sequence that is computed after it."""

    def cost(model: Any, xs: Any, ys: Any) -> Any:
        cost, state = 0.0, None
        for i in range(0, len(xs), 5):
            run = mg.rnn.unroll(model, xs[i : i + 5], ys[i : i + 5], initial=state)
            state = {role: each.detach() for role, each in run.final.items()}
            cost = cost + run.cost
        return cost

    f, made = mg.value_and_grad(cost), MODELS[model]()
    step = mg.compile(f)
    for _ in range(2):
        xs, ys = np.random.default_rng(0).normal(size=(2, 33, 3, 2))
        agree(step(made, xs, ys), f(made, xs, ys))
        dirty(step)
