"""Programs by any of the passes; run in several threads, and within themselves."""

from __future__ import annotations

import re
import threading
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad import compile, rnn
from minigrad.compiler import schedule
from minigrad.compiler.program import EXACT, PASSES, REORDERING, ROLLING
from minigrad.rules.networks import affine
from tests.compiler.test_compiled import MODELS, agree, dirty, problem


def test_threads_do_not_share_buffers() -> None:
    f, model, data = problem("LSTM", 12, 3, 0, "every")
    step, wrong = compile(f), []
    expected = [f(model, *each) for each in data]

    def work(k: int) -> None:
        for _ in range(20):
            try:
                agree(step(model, *data[k]), expected[k])
            except BaseException as error:  # which pytest would not see in a thread
                wrong.append(error)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


# -- passes -----------------------------------------------------------------------------------------------------------


@settings(max_examples=settings.default.max_examples // 4)
@given(
    st.sets(st.sampled_from(PASSES)),
    st.sampled_from(["wide", *MODELS]),
    st.sampled_from([3, 6, 12, 20]),
    st.sampled_from([None, 1, 3]),
    st.sampled_from(["every", "last", "entropy", "lengths", "weights"]),
    st.sampled_from([1, schedule.CACHED]),  # below, short rows sink as well
)
def test_the_results_are_the_same_whatever_passes_there_are(
    without: set[str], name: str, T: int, B: int | None, kind: str, cached: int
) -> None:
    f, model, data = problem("f=tanh" if name == "wide" else name, T, B, 0, kind)
    if name == "wide":  # products can be merged
        model = rnn.RNN(2, 12, 2)
    step, exact = compile(f, without=without), compile(f, roll=False, without=without)
    with patch.object(schedule, "CACHED", cached):
        step(model, *data[0])
    for each in data:
        dirty(step)
        agree(step(model, *each), f(model, *each))
        agree(exact(model, *each), f(model, *each), exact=True)
    left_out = without | ({*REORDERING} if "reorder" in without else set())
    assert step.report().passes.keys() == {*EXACT, *(ROLLING if step.report().rolled else ())} - left_out
    assert exact.report().passes.keys() == EXACT.keys() - without


@pytest.mark.parametrize("name", PASSES)
def test_each_pass_is_worth_something(name: str) -> None:
    """Without it, the program makes more calls or needs more memory."""
    f, model, (args, *_) = problem(
        "f=relu" if name == "factor" else "f=tanh", 3 if name == "simplify" else 20, 3, 0, "every"
    )
    if name in ("sink", "blocks"):  # of what would leave the cache
        model, args = rnn.RNN(2, 64, 2), [np.ones((50, 32, 2))] * 2
    if name == "merge":
        model, args = rnn.RNN(2, 12, 2), [np.ones((20, 2))] * 2
    report, other = (compile(f, without=without).report(model, *args) for without in ((), name))
    assert other.calls > report.calls or other.bytes > report.bytes


def test_products_are_counted() -> None:
    def f(x: Any, w: Any) -> Any:  # (2, 3) and (3, 4)
        return [x @ w, np.vdot(w, w), np.dot(w, 2.0), np.inner(x, x), affine(x[0], x, w[:, :3])]

    report = compile(f).report(np.ones((2, 3)), np.ones((3, 4)))
    assert report.flops == 2 * (2 * 3 * 4 + 3 * 4 + 0 + 2 * 2 * 3 + 2 * 3 * 3)


class Counting:
    """A function, and ``made``, a list of all calls of it and of its `reduce`."""

    def __init__(self, fn: Any, made: list[Any]) -> None:
        self.fn, self.made = fn, made

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.made.append(self.fn)
        return self.fn(*args, **kwargs)

    @property
    def reduce(self) -> Counting:
        return Counting(self.fn.reduce, self.made)


@pytest.mark.parametrize("roll", [True, False])
@pytest.mark.parametrize("kind", ["every", "entropy"])
@pytest.mark.parametrize("name", ["f=tanh", "f=relu", "GRU"])
def test_calls_are_those_that_are_made(name: str, kind: str, roll: bool) -> None:
    f, model, (args, *_) = problem(name, 9, 3, 0, kind)
    step, made = compile(f, roll=roll), list[Any]()
    step(model, *args)
    report, (program,) = step.report(), step.programs.values()
    for each, fn in program.space.items():
        if callable(fn) and each not in ("build", "empty", "zeros", "isinf") and not isinstance(fn, type):
            program.space[each] = Counting(fn, made)
    step(model, *args)
    copies = re.findall(r"\[\.\.\.\] = \w+$|\.copy\(\)$", step.listing(), re.MULTILINE)
    assert len(made) + len(copies) == report.calls


def test_without_a_pass_that_there_is_not() -> None:
    with pytest.raises(ValueError, match=r"without=\['loops'\]: no such pass; there are simplify, lower, "):
        compile(np.sum, without="loops")
    assert compile(np.sum, without="share").without == {"share"}
