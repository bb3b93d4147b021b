"""The program for any length, from a few short ones, is that which a run of the whole sequence gives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad.compiler.arguments import look
from minigrad.compiler.lengths import candidates, confirmed, fitted
from minigrad.compiler.program import Program, written
from minigrad.compiler.tracing import traced
from minigrad.containers import leaves
from tests.compiler.loops import arguments, function, loops
from tests.compiler.test_compiled import MODELS, agree, dirty, problem


@settings(max_examples=settings.default.max_examples // 8)
@given(
    st.sampled_from(sorted(MODELS)),
    st.integers(20, 70),
    st.sampled_from([None, 1, 3, 20]),
    st.sampled_from(["every", "last", "entropy", "weights"]),
)
def test_networks_of_all_lengths(name: str, T: int, B: int | None, kind: str) -> None:
    f, model, data = problem(name, T, B, 0, kind)
    step = mg.compile(f)
    agree(step(model, *data[0]), f(model, *data[0]))
    dirty(step)
    agree(step(model, *data[1]), f(model, *data[1]))
    if kind not in ("weights", "last"):  # another length needs no other run of the function
        before = step.report().traced
        xs, ys = (each[: T - 1] for each in data[2])
        agree(step(model, xs, ys), f(model, xs, ys))
        assert step.report().traced - before == (0 if any(step.patterns.values()) else 1)


DERIVATIVES: dict[str, Callable[[Any], Any]] = {
    "weights": mg.value_and_grad,
    "inputs too": lambda f: mg.value_and_grad(f, (0, 1, 4)),
    "second": lambda f: lambda p, *rest: mg.hvp(lambda p: f(p, *rest), (p,), ({k: w + 1 for k, w in p.items()},)),
}


@settings(max_examples=settings.default.max_examples // 4)
@given(
    loops(),
    st.sampled_from(sorted(DERIVATIVES)),
    st.lists(st.sampled_from([2, 5, 8, 15, 16, 20, 23]), min_size=3, max_size=3),
    st.sampled_from([(), (1,), (4,)]),
)
def test_loops_that_somebody_wrote(text: str, derivative: str, lengths: list[int], batch: tuple[int, ...]) -> None:
    """Through one compiled function: of several lengths, on other weights, where other branches are taken."""
    f, rng = DERIVATIVES[derivative](function(text)), np.random.default_rng(0)
    step = mg.compile(f)
    kept = []
    with np.errstate(all="ignore"):
        for k, T in enumerate([*lengths, lengths[0]]):
            args = arguments(rng, T, batch, 1 + k / 2)
            kept.append((step(*args), f(*args)))
            close(*kept[-1])
            dirty(step)
    for found, expected in kept:
        close(found, expected)


def close(found: Any, expected: Any) -> None:
    """Of a gradient that is small beside others, not all digits are known; at a kink, second derivatives are NaN."""
    size = max(np.nanmax(np.abs(each), initial=0.0) for each in leaves(expected))
    for got, want in zip(leaves(found), leaves(expected), strict=True):
        assert np.shape(got) == np.shape(want) and np.asarray(got).dtype == np.asarray(want).dtype
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-9 * size)


@pytest.mark.parametrize("kind", ["every", "last", "entropy"])
@pytest.mark.parametrize("name", sorted(MODELS))
def test_the_text_is_that_of_the_whole_run(name: str, kind: str) -> None:
    f, model, data = problem(name, 37, 3, 0, kind)
    step = mg.compile(f)
    step(model, *data[0])
    assert any(step.patterns.values()), "it was run as a whole"
    found: list[Any] = []
    look((f, (model, *data[0]), {}), [], found, {})
    whole = written(*traced(f, (model, *data[0]), {}, found, _names(found)), True)
    assert step.last is not None
    assert step.last.source.text == whole.text
    assert step.last.source.figures == whole.figures


def variance(hs: Any) -> Any:
    return np.var(hs, ddof=1)


def half_mean(hs: Any) -> Any:
    return np.mean(hs**2) / 2


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("share", [variance, half_mean])
def test_factors_that_go_with_the_length(share: Any, dtype: Any) -> None:
    """1 / T, 1 / (3 T - 1) and the like."""

    def loss(W: Any, xs: Any) -> Any:
        h, hs = np.zeros(3, dtype), []
        for x in xs:
            h = np.tanh(h @ W + x)
            hs.append(h)
        return share(np.stack(hs))

    f, rng = mg.value_and_grad(loss), np.random.default_rng(0)
    step, W = mg.compile(f), rng.normal(size=(3, 3)).astype(dtype)
    for T in (40, 41, 300):
        xs = rng.normal(size=(T, 3)).astype(dtype)
        for got, want in zip(step(W, xs), f(W, xs), strict=True):
            assert got.dtype == want.dtype
            np.testing.assert_allclose(got, want, rtol=1e-12 if dtype is np.float64 else 1e-5)
    assert step.report().traced == 1


def test_texts_that_differ_in_more_than_the_length() -> None:
    lengths = range(11, 15)
    for text in ("empty(({T}, 3))", "x / {share}", "dh_{T} = a[{twice}:]"):
        texts = [text.format(T=T, share=repr(1 / (3 * T - 1)), twice=2 * T + 1) for T in lengths]
        pattern = fitted(texts, lengths)
        assert pattern is not None
        assert pattern(1000) == text.format(T=1000, share=repr(1 / 2999), twice=2001)
    for numbers in ([121, 144, 169, 196], [2, 2, 2, 3], [30, 28, 26, 24], [0.1, 0.2, 0.4, 0.8]):
        assert fitted([f"x[{number}]" for number in numbers], lengths) is None
    assert fitted([f'frombuffer(bytes.fromhex("{T}00"))' for T in lengths], lengths) is None
    assert fitted(["a", "a", "b", "a"], lengths) is None


def test_names_stay_apart() -> None:
    """What is called after step T, and what is called after a step for other reasons, may meet."""
    pattern = fitted([f"dh_{T} = dh_100 + h_{T}" for T in range(11, 15)], range(11, 15))
    assert pattern is not None
    assert pattern(99) == "dh_99 = dh_100 + h_99"
    assert pattern(100) is None


def test_what_may_be_sequences() -> None:
    """Lengths that are tried are far from all other sizes."""
    found = [np.zeros((1000, 12, 3)), mg.Tensor(np.zeros((12, 12)), requires_grad=True), np.zeros(1000), np.zeros(30)]
    first, second = candidates(found)
    assert (first.T, first.places, second.T) == (1000, (0, 2), 30)
    assert min(abs(T - size) for T in first.short for size in (3, 12, 30)) > 2
    assert [np.shape(each) for each in first.cut(found, 17)] == [(17, 12, 3), (12, 12), (17,), (30,)]


W = np.random.default_rng(1).normal(size=(5, 5)) / 3


def in_a_schedule(xs: Any) -> Any:
    return sum(np.sum(x * x) / (1 + np.exp(t - 60.0)) for t, x in enumerate(xs))


def at_one_step(xs: Any) -> Any:
    return sum(np.sum(x * x) * (1 + 0.0 ** ((t - 25.0) ** 2)) for t, x in enumerate(xs))


def as_many_as_there_are_weights(xs: Any) -> Any:
    return sum(np.sum(x * x) for x, _ in zip(xs, np.eye(W.size), strict=False))


def out_of_a_table(xs: Any) -> Any:
    table = [1.0] * W.size + [2.0] * W.size * W.size
    return sum(np.sum(x * x) * w for w, x in zip(table, xs, strict=False))


def shortened(xs: Any) -> Any:
    table, cost = [1.0] * W.size, 0.0
    for x in xs:
        table = table[1:]
        cost = cost + np.sum(x * x) * (1 + sum(table[:1]))
    return cost


def more_often(xs: Any) -> Any:
    cost = 0.0
    for t, x in enumerate(xs):
        cost = cost + np.sum(x * x) + sum(np.sum(x) for _ in range(t - W.size))
    return cost


def on_the_diagonal(xs: Any) -> Any:
    return sum(np.sum(x * x) * (1 + np.sum(np.eye(1, 1, t - W.size))) for t, x in enumerate(xs))


def rounded(xs: Any) -> Any:
    return sum(np.sum(x * x) * np.array(1 + t / 30.0, "i8") for t, x in enumerate(xs))


def imaginary_before(xs: Any) -> Any:
    return sum(np.sum(x * x) * (1 + isinstance((t - 30.0) ** 0.5, float)) for t, x in enumerate(xs))


HIDDEN = [in_a_schedule, at_one_step, as_many_as_there_are_weights, out_of_a_table, shortened, more_often,
          on_the_diagonal, rounded, imaginary_before]  # fmt: skip


@pytest.mark.parametrize("f", HIDDEN)
def test_what_shows_at_late_steps_only(f: Any) -> None:
    """No short run shows it, and nothing in the code: the first call does. It had zeros, which would hide most."""
    step, rng = mg.compile(f), np.random.default_rng(0)
    step(np.zeros((81, 5)))
    for T in (81, 81, 40, 100):
        xs = rng.normal(size=(T, 5))
        np.testing.assert_allclose(step(xs), f(xs), rtol=1e-12)


@pytest.mark.parametrize("share", [1.0, 0.5, 0.001, 0.999])
@pytest.mark.parametrize("B", [None, 1])
def test_targets_that_are_fed_back_seldom(share: float, B: int | None) -> None:
    """Not once in a short run, which would look the same at every step."""
    model = MODELS["feedback"]()
    xs, ys = np.random.default_rng(0).normal(size=(2, 400, 2) if B is None else (2, 400, B, 2))
    f = mg.value_and_grad(lambda model, xs, ys: mg.rnn.unroll(model, xs, ys, teacher_forcing=share).cost)
    step = mg.compile(f)
    agree(step(model, xs, ys), f(model, xs, ys))
    assert share == 1.0 or not any(step.patterns.values())


@pytest.mark.parametrize("ended", [30, 0])
@pytest.mark.parametrize("dtype", [bool, int])
def test_masks_of_the_first_call_hide_nothing(dtype: Any, ended: int) -> None:
    """All sequences of it had ended when something else began."""

    def f(xs: Any, mask: Any) -> Any:
        return sum(np.sum(np.tanh(x)) * mask[t] / (1 + np.exp(t - 60.0)) for t, x in enumerate(xs))

    step, xs = mg.compile(f), np.random.default_rng(0).normal(size=(100, 3))
    for mask in (np.arange(100) < ended, np.ones(100)):
        mask = mask.astype(dtype)
        np.testing.assert_allclose(step(xs, mask), f(xs, mask), rtol=1e-12)


def test_indices_that_are_drawn_are_such_as_there_are() -> None:
    """So that they mean something; and where they do not, the others will do."""

    def f(table: Any, words: Any, one: Any) -> Any:
        h, cost = np.zeros(2), np.sum(table[5:][one])
        for x in table[words]:
            h = np.tanh(h + x)
            cost = cost + np.sum(h)
        return cost

    rng = np.random.default_rng(0)
    step, table, words = mg.compile(f), rng.normal(size=(6, 2)), rng.integers(2, 6, size=60)
    one = np.zeros(1, int)
    np.testing.assert_allclose(step(table, words, one), f(table, words, one), rtol=1e-12)
    assert any(step.patterns.values())


@pytest.mark.parametrize("weights", [np.arange(60) < 20, np.arange(60) >= 20, np.where(np.arange(60) < 20, 1.0, 0.5)])
def test_weights_that_are_others_at_late_steps(weights: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that would never fit is not made; there is one that does."""
    f = mg.value_and_grad(lambda model, xs, ys: mg.rnn.unroll(model, xs, ys, weights=weights).cost)
    step, (model, (xs, ys)) = mg.compile(f), (MODELS["f=tanh"](), np.random.default_rng(0).normal(size=(2, 60, 2)))
    agree(step(model, xs, ys), f(model, xs, ys))
    results, run = [], Program.run
    monkeypatch.setattr(Program, "run", lambda program, arrays: results.append(run(program, arrays)) or results[-1])
    agree(step(model, xs, ys), f(model, xs, ys))
    assert len(results) == 1, "it raised Unusual, and the function was called"


def test_what_is_tried_out_leaves_the_parameters_alone() -> None:
    class Line(mg.Module):
        def __init__(self) -> None:
            self.w = mg.Tensor(np.ones(2), requires_grad=True)

    def training(rate: float) -> Any:
        def train(model: Any, xs: Any) -> Any:
            cost, grads = mg.value_and_grad(lambda model: np.sum((model.w * xs - 1) ** 2))(model)
            model.w.data = model.w.data - rate * grads["w"]
            return cost

        return train

    model, xs = Line(), np.ones((3, 2))
    step = mg.compile(training(0.1))
    step(model, xs)
    before = model.w.data
    assert step.last is not None
    assert confirmed(step.last, training(0.1), (model, xs), {}, [model.w, xs])
    assert not confirmed(step.last, training(0.2), (model, xs), {}, [model.w, xs])
    assert not confirmed(step.last, lambda *args: 1.0, (model, xs), {}, [model.w, xs])
    assert model.w.data is before


def test_numbers_near_by_may_mean_nothing_to_the_function() -> None:
    """Then it is tried on those that were given."""

    def entropy(ps: Any) -> Any:
        return sum(mg.functions.binary_cross_entropy(mg.functions.logistic(p), p) for p in ps)

    step, xs = mg.compile(entropy), np.random.default_rng(0).integers(0, 2, size=(60, 2)).astype(float)
    np.testing.assert_allclose(step(xs), entropy(xs), rtol=1e-12)
    assert any(step.patterns.values())


def test_what_is_refused_or_wrong_is_told_of_the_whole_sequence() -> None:
    with pytest.raises(ValueError, match="40"):
        mg.compile(lambda xs: np.reshape(xs, (7, -1)))(np.zeros(40))
    with pytest.raises(TypeError, match="a condition"):
        mg.compile(lambda xs: np.sum(xs) if np.sum(xs) > 0 else 0.0)(np.zeros(40))


def _names(found: list[Any]) -> list[str]:
    plain = iter(["xs", "ys"])
    return [next(plain) if type(each) is np.ndarray else "" for each in found]
