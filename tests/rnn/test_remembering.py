"""One gradient by many ways: full, √T, revolve and RTRL agree; and three ways to truncate it, by their definitions.

`truncated.json` holds a small network's exact gradients and the numbers of recomputed steps, with their definitions.
"""

from __future__ import annotations

import json
import math
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.rnn import GRU, LRU, LSTM, RNN, OutputFeedbackRNN, Stacked, bptt, rtrl, truncated_bptt, unroll
from minigrad.rnn.remembering import split

REFERENCE = json.loads(Path(__file__).with_name("truncated.json").read_text(encoding="utf-8"))
FIXED = REFERENCE["fixed_rnn"]
XS, TARGETS = np.array(FIXED["x"]), np.array(FIXED["y"])
KINDS = {
    "W": lambda: RNN(2, 3, 1, rng=0),
    "R": lambda: OutputFeedbackRNN(2, 3, 1, rng=0),
    "WR": lambda: OutputFeedbackRNN(2, 3, 1, hidden=True, rng=0),
    "LSTM": lambda: LSTM(2, 3, 1, rng=0),
    "layers": lambda: Stacked([GRU(2, 2, rng=0), LRU(2, 2, 1, rng=1)]),
}
kinds = pytest.mark.parametrize("kind", KINDS)


def fixed():
    model = RNN(2, 3, 1)
    for name, values in FIXED["params"].items():
        getattr(model, name).data = np.array(values)
    return model


def half(target, output, weight=1.0):
    return np.sum((output - target) ** 2) / 2


def data(T, B=2, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(T, B, 2)), rng.normal(size=(T, B, 1))


def gradients(model):
    return {name: parameter.grad for name, parameter in model.parameters().items()}


def close(actual, expected, tolerance):
    for name, g in expected.items():
        np.testing.assert_allclose(actual[name], g, rtol=tolerance, atol=tolerance * (1 + np.max(np.abs(g))))


# -- all of it, at other prices ---------------------------------------------------------------------------------------


@kinds
@settings(max_examples=25)
@given(T=st.integers(1, 30), memory=st.sampled_from(["full", "sqrt", 1, 2, 3, 8, 100]), lengths=st.booleans())
def test_what_is_remembered_changes_nothing_but_the_price(kind, T, memory, lengths):
    (xs, targets), model, other = data(T), KINDS[kind](), KINDS[kind]()
    options = {"lengths": [T, (T + 1) // 2]} if lengths else {}
    run = unroll(model, xs, targets, **options)
    run.cost.backward()
    passed = bptt(other, xs, targets, memory=memory, **options)
    assert passed.cost == pytest.approx(run.cost.item(), rel=1e-13)
    close(gradients(other), gradients(model), 1e-13)
    close(passed.initial, {role: tensor.grad for role, tensor in run.carried[0].items()}, 1e-13)
    for role, tensor in run.final.items():
        np.testing.assert_allclose(passed.final[role], tensor.data, rtol=1e-13)


@kinds
def test_forward_mode_is_a_second_way_to_the_same(kind):
    (xs, targets), model, other = data(12), KINDS[kind](), KINDS[kind]()
    run = unroll(model, xs, targets)
    run.cost.backward()
    passed = rtrl(other, xs, targets)
    assert passed.cost == pytest.approx(run.cost.item(), rel=1e-13)
    close(gradients(other), gradients(model), 1e-12)
    close(passed.initial, {role: tensor.grad for role, tensor in run.carried[0].items()}, 1e-12)


def test_gradients_add_up_as_they_do_in_backward():
    (xs, targets), model = data(9), KINDS["W"]()
    bptt(model, xs, targets)
    once = gradients(model)
    bptt(model, xs, targets, memory=2)
    close(gradients(model), {name: 2 * g for name, g in once.items()}, 1e-13)


@cache
def fewest(steps, slots):
    """By trying everything: the least number of steps that have to be computed again."""
    if steps == 1:
        return 0
    if slots == 1:
        return steps * (steps - 1) // 2
    return min(m + fewest(steps - m, slots - 1) + fewest(m, slots) for m in range(1, steps))


@settings(max_examples=30)
@given(T=st.integers(1, 40), slots=st.integers(1, 9))
def test_no_schedule_computes_fewer_steps_again(T, slots):
    xs, targets = data(T, 1)
    assert bptt(KINDS["W"](), xs, targets, memory=slots).again == fewest(T, slots)


@pytest.mark.parametrize("row", REFERENCE["revolve"]["rows"], ids=lambda row: f"{row['steps']}-{row['checkpoints']}")
def test_the_steps_computed_again_are_the_binomial_optimum(row):
    def again(steps, slots):
        if steps == 1 or slots == 1:
            return steps * (steps - 1) // 2
        first = split(steps, slots)
        return first + again(steps - first, slots - 1) + again(first, slots)

    steps, slots = row["steps"], row["checkpoints"]
    r = next(r for r in range(steps) if math.comb(slots + r, slots) >= steps)
    assert again(steps, slots) == row["extra_forward_steps"] == r * steps - math.comb(slots + r, r - 1)


def test_the_square_root_of_the_sequence_is_computed_once_more_and_no_more():
    xs, targets = data(100, 1)
    assert bptt(KINDS["W"](), xs, targets).again == 90


# -- some of it -------------------------------------------------------------------------------------------------------

DEFINITIONS = {
    **{f"per cost {k}": ({"per_cost": int(k)}, g) for k, g in FIXED["truncated"]["each_cost_K"].items()},
    **{f"windows {k}": ({"windows": int(k)}, g) for k, g in FIXED["truncated"]["windows_k"].items()},
    **{
        f"after {k} steps": (dict(zip(("k1", "k2"), map(int, k.split("_")), strict=True)), g)
        for k, g in FIXED["truncated"]["k1_k2"].items()
    },
}


@pytest.mark.parametrize(("options", "expected"), DEFINITIONS.values(), ids=DEFINITIONS)
def test_truncation_in_its_three_definitions(options, expected):
    model = fixed()
    truncated_bptt(model, XS, TARGETS, cost=half, **options)
    np.testing.assert_allclose(model.W.grad, expected, rtol=1e-12, atol=1e-14)


def test_the_fixed_network_itself():
    model = fixed()
    run = unroll(model, XS, TARGETS, cost=half)
    run.cost.backward()
    assert run.cost.item() == pytest.approx(FIXED["total"], rel=1e-14)
    close(gradients(model), {name: np.array(g) for name, g in FIXED["grads"].items()}, 1e-13)


def test_a_geometric_sum_is_cut_off_where_it_should_be():
    """h_t = a h_{t-1} + x_t, differentiated by a: K terms of a^j h_{T-1-j}."""
    scalar = REFERENCE["scalar_truncated"]
    xs = np.array(scalar["x"])[:, None]
    for K, expected in scalar["dhT_da_truncated"].items():
        model = RNN(1, 1, 1, f="identity")
        model.W.data, model.U.data, model.V.data = [[scalar["a"]]], [[1.0]], [[1.0]]
        last = lambda target, output, weight=1.0: np.sum(output)
        truncated_bptt(model, xs, np.zeros((1,)), at="last", cost=last, per_cost=int(K))
        assert model.W.grad.item() == pytest.approx(expected, rel=1e-13)


@kinds
@settings(max_examples=20)
@given(T=st.integers(1, 12), more=st.integers(0, 3))
def test_what_covers_the_sequence_is_the_whole_gradient(kind, T, more):
    xs, targets = data(T)
    model = KINDS[kind]()
    run = unroll(model, xs, targets)
    run.cost.backward()
    for options in ({"windows": T + more}, {"per_cost": T + more}, {"k1": 1, "k2": T + more}):
        other = KINDS[kind]()
        passed = truncated_bptt(other, xs, targets, **options)
        close(gradients(other), gradients(model), 1e-12)
        close(passed.final, {role: tensor.data for role, tensor in run.final.items()}, 1e-13)


def test_a_window_goes_on_from_the_one_before():
    (xs, targets), model, other = data(10), KINDS["W"](), KINDS["W"]()
    passed = truncated_bptt(model, xs, targets, windows=5)
    early = unroll(other, xs[:5], targets[:5])
    late = unroll(other, xs[5:], targets[5:], initial=early)
    early.cost.backward()
    late.cost.backward()
    close(gradients(model), gradients(other), 1e-13)
    assert passed.again == 0


def test_a_pass_goes_on_from_a_run_or_from_another_pass():
    (xs, targets), model = data(10), KINDS["LSTM"]()
    early, whole = unroll(model, xs[:5], targets[:5]), unroll(model, xs, targets)
    left = bptt(model, xs[:5], targets[:5], memory=2)
    for initial in (early, left, left.final):
        passed = bptt(model, xs[5:], targets[5:], initial=initial)
        close(passed.final, {role: tensor.data for role, tensor in whole.final.items()}, 1e-13)
        late = unroll(model, xs[5:], targets[5:], initial=initial)
        np.testing.assert_allclose(late.outputs, whole.outputs[5:], rtol=1e-13)


# -- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda model: bptt(model, XS, TARGETS, memory=0), "memory=0"),
        (lambda model: bptt(model, XS, TARGETS, memory="log"), "memory='log'"),
        (lambda model: bptt(model, XS, None), "pass targets"),
        (lambda model: truncated_bptt(model, XS, TARGETS), "choose one definition"),
        (lambda model: truncated_bptt(model, XS, TARGETS, windows=2, per_cost=2), "choose one definition"),
        (lambda model: truncated_bptt(model, XS, TARGETS, k1=2), "k1= and k2= together"),
        (lambda model: truncated_bptt(model, XS, TARGETS, windows=0), "at least 1"),
        (lambda model: rtrl(model, XS[:, :1], TARGETS), "n_in=2"),
    ],
)
def test_what_cannot_be_remembered_is_refused(call, message):
    model = RNN(2, 3, 1)
    with pytest.raises(ValueError, match=message):
        call(model)
    assert all(parameter.grad is None for parameter in model.parameters().values())
