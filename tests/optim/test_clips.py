"""What optimizers clip by: each rule in every optimizer, AutoClip's memory, and a threshold from a history."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest

import minigrad as mg
from minigrad.optim import SGD, Adam, Step
from minigrad.optim.clipping import clip_adaptively, clip_by_norm, clip_by_value, clip_each_by_norm
from minigrad.optim.clips import AGC, AutoClip, ByNorm, ByValue, EachByNorm, suggest_threshold
from tests.optim.steps import EVERY, parameter
from tests.optim.test_clipping import REFERENCE

RULES = [ByNorm(0.5), ByNorm(0.5, p=1.0), EachByNorm(0.5), ByValue(0.1), AGC(0.1), AutoClip(50.0)]
rules = pytest.mark.parametrize("clip", RULES, ids=str)


def stepped(make, clip, grads, steps=1):
    """Two parameters after steps with these gradients."""
    a, b = parameter([[1.0, 2.0], [0.1, 0.0]], "a"), parameter([1.0, -1.0], "b")
    optimizer = make([a, b], clip=clip)
    for _ in range(steps):
        a.grad, b.grad = grads
        optimizer.step()
    return optimizer


GRADS = np.array([[3.0, 1.0], [0.2, 0.01]]), np.array([0.05, -2.0])
WEIGHTS = np.array([[1.0, 2.0], [0.1, 0.0]]), np.array([1.0, -1.0])


@rules
@pytest.mark.parametrize("make", EVERY.values(), ids=EVERY)
def test_every_optimizer_takes_every_rule(make, clip):
    """A step with a clipped gradient is the step with what the function gives."""
    expected = {
        ByNorm: lambda: clip_by_norm(GRADS, clip.max_norm, p=clip.p),
        EachByNorm: lambda: clip_each_by_norm(GRADS, clip.max_norm, p=clip.p),
        ByValue: lambda: clip_by_value(GRADS, clip.limit),
        AGC: lambda: clip_adaptively(GRADS, WEIGHTS, clip.factor, least=clip.least),
        AutoClip: lambda: clip_by_norm(GRADS, math.inf),
    }[type(clip)]()
    one, other = stepped(make, clip, GRADS), stepped(make, None, expected.grads)
    for p, q in zip(one.parameters.values(), other.parameters.values(), strict=True):
        np.testing.assert_array_equal(p.data, q.data)
    assert one.history == [Step(expected.norm, expected.scale, expected.clipped, skipped=False)]
    assert expected.clipped == (type(clip) is not AutoClip)


def test_a_norm_is_short_for_the_rule_and_both_at_once_are_refused():
    p = parameter([1.0, 2.0])
    for options in ({"max_norm": 0.5}, {"clip": ByNorm(0.5)}):
        p.grad = np.array([3.0, 4.0])
        assert SGD([p], 0.1, **options).step() == Step(5.0, 0.1, clipped=True, skipped=False)
    with pytest.raises(ValueError, match=r"max_norm is 1\.0; it has to be left out where clip says how"):
        SGD([p], 0.1, max_norm=1.0, clip=ByNorm(1.0))
    with pytest.raises(TypeError, match=r"clip is 1\.0.*ByNorm\(1\.0\), say"):
        SGD([p], 0.1, clip=1.0)


@rules
def test_what_is_not_finite_is_a_policy_whatever_the_rule(clip):
    p = parameter([1.0, 2.0], "p")
    optimizer = SGD([p], 0.1, clip=clip, on_nonfinite="skip")
    p.grad = np.array([np.nan, 1.0])
    assert optimizer.step().skipped
    np.testing.assert_array_equal(p.data, [1.0, 2.0])
    assert (optimizer.steps, optimizer.norms) == (0, [])
    with pytest.raises(FloatingPointError, match="gradient of p"):
        SGD([p], 0.1, clip=clip).step()
    assert p.grad is not None


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: ByNorm(0.0), "max_norm is 0.0"),
        (lambda: ByNorm(1.0, p=0.5), "p is 0.5"),
        (lambda: EachByNorm(-1.0), "max_norm is -1.0"),
        (lambda: EachByNorm(1.0, p=0.0), "p is 0.0"),
        (lambda: ByValue(math.nan), "limit is nan"),
        (lambda: AGC(0.0), "factor is 0.0"),
        (lambda: AGC(0.1, 0.0), "least is 0.0"),
        (lambda: AutoClip(101.0), "percentile is 101.0"),
        (lambda: AutoClip(10.0, window=0), "window is 0"),
    ],
)
def test_numbers_out_of_range_are_told_when_the_rule_is_made(make, said):
    with pytest.raises(ValueError, match=said):
        make()


# -- AutoClip ---------------------------------------------------------------------------------------------------------


def autoclipped(clip, norms):
    """A parameter that gets gradients of these norms, and its optimizer."""
    p = parameter([1.0, 1.0], "p")
    optimizer = SGD([p], 0.1, clip=clip)
    for norm in norms:
        p.grad = norm * np.array([0.6, 0.8])
        optimizer.step()
    return optimizer


@pytest.mark.parametrize("percentile", ["10", "25", "50", "90"])
def test_thresholds_are_those_that_others_have_found(percentile):
    history, clip = REFERENCE["autoclip"]["history"], AutoClip(float(percentile))
    expected = REFERENCE["autoclip"]["thresholds"][percentile]
    np.testing.assert_allclose([clip.threshold(history[: k + 1]) for k in range(len(history))], expected, rtol=1e-14)
    optimizer = autoclipped(clip, history)
    left = [step.norm * step.scale for step in optimizer.history]
    np.testing.assert_allclose(left, np.minimum(history, expected), rtol=1e-14)
    np.testing.assert_allclose(optimizer.norms, history, rtol=1e-15)  # before clipping, not after it


def test_a_window_forgets():
    assert AutoClip(100.0, window=2).threshold([9.0, 1.0, 2.0]) == 2
    assert AutoClip(100.0).threshold([9.0, 1.0, 2.0]) == 9


def test_its_memory_is_saved_put_back_and_undone_with_the_step():
    optimizer, twin = autoclipped(AutoClip(50.0), [1.0, 3.0, 2.0]), autoclipped(AutoClip(50.0), [])
    twin.load_state_dict(optimizer.state_dict())
    assert twin.norms == optimizer.norms
    assert pickle.loads(pickle.dumps(optimizer.state_dict()))["clip.norms"].tolist() == optimizer.norms
    memory = optimizer.memory()
    (p,) = optimizer.parameters.values()
    p.grad = np.array([30.0, 40.0])
    assert optimizer.step().clipped
    optimizer.recall(memory)
    assert optimizer.norms == twin.norms
    with pytest.raises(ValueError, match=r"\['clip.norms'\] unknown"):
        SGD([p], 0.1).load_state_dict(optimizer.state_dict())


def test_a_gradient_of_zero_is_no_reason_to_stop():
    assert [step.clipped for step in autoclipped(AutoClip(0.0), [0.0, 1.0]).history] == [False, False]


def test_a_training_goes_on_from_a_checkpoint_with_it(tmp_path):
    """To the last bit: the norms are part of what is kept."""
    task = mg.rnn.tasks.Adding(T=5)

    def fitted(updates, **options):
        model = mg.rnn.RNN(2, 4, 1, rng=0)
        optimizer = Adam(model, lr=1e-2, clip=AutoClip(50.0))
        mg.rnn.fit(model, task, optimizer=optimizer, updates=updates, keep="last", **options)
        return model.state_dict()

    path = tmp_path / "run.npz"
    fitted(6, checkpoint=path)
    resumed, whole = fitted(12, checkpoint=path, resume=path), fitted(12)
    for name, value in whole.items():
        np.testing.assert_array_equal(resumed[name], value)


# -- a threshold from a history ---------------------------------------------------------------------------------------


def test_the_suggestion_is_the_average_without_what_exploded():
    assert suggest_threshold([1.0, 3.0, 2.0]) == 2
    assert suggest_threshold([1.0, 3.0, 2.0, 1e9]) == 2
    assert suggest_threshold(mg.rnn.History(norms=[1.0, 3.0])) == 2
    assert suggest_threshold([Step(4.0, 1.0, False, False), Step(math.nan, 0.0, False, True)], times=2) == 8


@pytest.mark.parametrize("history", [[], [0.0, math.inf], [math.nan]])
def test_a_history_without_norms_suggests_nothing(history):
    with pytest.raises(ValueError, match="no norm in this history is finite and above 0"):
        suggest_threshold(history)


@pytest.mark.parametrize("times", [0.0, -1.0, math.inf])
def test_times_is_positive(times):
    with pytest.raises(ValueError, match=f"times is {times}"):
        suggest_threshold([1.0], times)
