"""A record of a training that does not grow without end."""

from __future__ import annotations

import copy

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from minigrad.rnn.history import History

STEPS = st.integers(0, 200)
LIMITS = st.integers(1, 20).map(lambda half: 2 * half)


def noted(history, steps):
    """Updates whose numbers tell which they are; validated after every third."""
    for _ in range(steps):
        step = history.steps + 1
        history.note(float(step), -float(step), step % 5 == 0)
        if step % 3 == 0:
            history.judge(abs(step - 50.0), {"W": step})
    return history


def told(history):
    return vars(history)


@given(STEPS, LIMITS)
def test_it_is_even_and_bounded(steps, limit):
    history = noted(History(limit=limit), steps)
    assert history.steps == steps
    assert len(history.costs) <= limit
    assert len(history.costs) > limit / 2 or history.stride == 1
    assert history.costs == [float(u) for u in range(1, steps + 1, history.stride)]
    assert history.updates.tolist() == history.costs == [-norm for norm in history.norms]
    assert history.clipped == [u % 5 == 0 for u in history.updates]
    assert history.clippings == steps // 5


@given(STEPS, LIMITS)
def test_validations_are_bounded_and_the_newest_stands_last(steps, limit):
    history = noted(History(limit=limit), steps)
    judged = range(3, steps + 1, 3)
    assert len(history.validation) <= limit
    assert history.judged == (judged[-1] if judged else 0)
    best = min(judged, key=lambda step: abs(step - 50), default=0)
    assert history.best_step == best
    assert history.best == ({"W": best} if judged else None)
    assert history.waited == len([step for step in judged if step > best])


@given(STEPS, STEPS, LIMITS)
def test_what_is_forgotten_has_not_happened(steps, more, limit):
    """But that the entries may stand less close already, as they would a little later."""
    history = noted(History(limit=limit), steps)
    before, mark = copy.deepcopy(told(history)), history.mark()
    noted(history, more)
    history.forget(mark)
    sparse = history.stride // before["stride"]
    for name, value in told(history).items():
        thinned = {"costs", "norms", "clipped"}
        assert value == (before[name][::sparse] if name in thinned else before[name]) or name == "stride"
    noted(history, more)
    assert told(history) == told(noted(History(limit=limit), steps + more))


def test_nan_is_never_the_best():
    history = History()
    for cost in (np.nan, np.inf):
        history.judge(cost, {})
    assert (history.best, history.waited) == (None, 2)
