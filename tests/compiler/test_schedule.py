"""What is a loop, what is not, and what is taken out of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minigrad import rnn, value_and_grad
from minigrad.compiler.algebra import total
from minigrad.compiler.schedule import Loop, NoLoop, Schedule
from minigrad.compiler.simplify import simplified
from tests.compiler.test_algebra import rearranged
from tests.compiler.test_families import recurrence
from tests.compiler.test_tracing import trace


def schedule(f: Any, *args: Any) -> Schedule:
    return Schedule(rearranged(simplified(trace(f, *args))))


def test_only_the_circle_is_a_loop() -> None:
    units = schedule(recurrence, np.ones((5, 2)), np.ones(2)).units
    (loop,) = [unit for unit in units if type(unit) is Loop]
    assert {family.like.fn for family in loop.families} == {np.multiply, total, np.tanh}
    assert list(loop.common) == [0, 1, 2, 3, 4]


def test_a_sum_gives_up_what_does_not_depend_on_the_step_before() -> None:
    def f(x: Any, w: Any, b: Any) -> Any:
        h, hs = np.zeros(2), []
        for t in range(5):
            h = np.tanh(x[t] + w * h + b)
            hs.append(h)
        return np.stack(hs)

    units = schedule(f, np.ones((5, 2)), np.ones(2), np.ones(2)).units
    (loop,) = [unit for unit in units if type(unit) is Loop]
    sums = [family for family in loop.families if family.like.fn is total]
    assert [len(family.columns) for family in sums] == [2]
    assert len([unit for unit in units if getattr(getattr(unit, "like", None), "fn", None) is total]) == 1


def test_backwards_in_time() -> None:
    def f(x: Any, w: Any) -> Any:
        h, hs = np.zeros(2), []
        for t in reversed(range(5)):
            h = np.tanh(x[t] + w * h)
            hs.insert(0, h)
        return np.stack(hs)

    (loop,) = [unit for unit in schedule(f, np.ones((5, 2)), np.ones(2)).units if type(unit) is Loop]
    assert list(loop.steps) == [0, 1, 2, 3, 4]  # in the order in which they were made, whatever x calls them

    def both(x: Any, w: Any) -> Any:
        h, hs, g = np.zeros(2), [], np.zeros(2)
        for t in range(5):
            hs.append(h := np.tanh(x[t] + w * h))
        gs = [g := h * w * g + h for h in reversed(hs)]
        return np.stack(hs), np.stack(gs)

    there, back = [unit for unit in schedule(both, np.ones((5, 2)), np.ones(2)).units if type(unit) is Loop]
    assert list(there.steps) == [0, 1, 2, 3, 4] and back.steps.step < 0


def test_few_steps_and_steps_unlike_each_other_are_no_loop() -> None:
    with pytest.raises(NoLoop, match="no more than 3 steps"):
        schedule(lambda x: np.stack([np.tanh(x[t]) for t in range(3)]), np.ones((3, 2)))

    def f(x: Any) -> Any:
        h, hs = np.zeros(2), []
        for t in range(8):
            h = np.tanh(x[t] + h)
            h = np.sin(h) if t == 4 else h
            hs.append(np.exp(h))
        return np.stack(hs)

    with pytest.raises(NoLoop):
        schedule(f, np.ones((8, 2)))


@pytest.mark.parametrize(
    ("model", "options"),
    [
        (lambda: rnn.LSTM(2, 3, 2, peepholes=True), {}),
        (lambda: rnn.GRU(2, 3, 2, reset="before"), {"at": "last"}),
        (lambda: rnn.Stacked([rnn.GRU(2, 3), rnn.GRU(3, 4, 2)]), {"at": "last"}),
    ],
    ids=["a step that is unlike the others is taken out", "families found from both ends", "of several layers"],
)
def test_networks_whose_last_step_differs_are_loops_all_the_same(model: Any, options: dict[str, Any]) -> None:
    xs, ys = np.ones((8, 3, 2)), np.ones((3, 2) if options else (8, 3, 2))
    f = value_and_grad(lambda model, xs, ys: rnn.unroll(model, xs, ys, **options).cost)
    units = schedule(f, model(), xs, ys).units
    assert len([unit for unit in units if type(unit) is Loop]) >= 2


def test_large_rows_stay_in_their_loop() -> None:
    def f(x: Any, w: Any, b: Any) -> Any:
        h, hs = np.zeros(x.shape[1:]), []
        for t in range(5):
            h = np.tanh(x[t] * b + w * h)
            hs.append(h)
        return np.stack(hs)

    for n, inside in ((8, 3), (4096, 4)):
        units = schedule(f, np.ones((5, n)), np.ones(n), np.ones(n)).units
        (loop,) = [unit for unit in units if type(unit) is Loop]
        assert len(loop.families) == inside
