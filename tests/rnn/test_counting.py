"""Weights, lengths, missing targets and last steps: what does not count changes nothing, whatever stands there."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad.rnn import GRU, LRU, LSTM, RNN, Bidirectional, MinGRU, OutputFeedbackRNN, Stacked, bptt, unroll
from minigrad.rnn.unrolling import COSTS

seeds = st.integers(0, 2**32 - 1)
some = settings(max_examples=25)
KINDS = {
    "W": lambda **options: RNN(2, 3, 2, **options),
    "WR": lambda **options: OutputFeedbackRNN(2, 3, 2, hidden=True, **options),
    "LSTM": lambda **options: LSTM(2, 3, 2, **options),
    "GRU": lambda **options: GRU(2, 3, 2, **options),
    "minGRU": lambda **options: MinGRU(2, 3, 2, **options),
    "LRU": lambda **options: LRU(2, 3, 2, **options),
    "stacked": lambda rng=0: Stacked([GRU(2, 3, rng=rng), RNN(3, 3, 2, rng=rng)]),
    "both ways": lambda rng=0: Bidirectional(LSTM(2, 3, rng=rng), GRU(2, 3, rng=rng), n_out=2, rng=rng),
}
kinds = pytest.mark.parametrize("kind", KINDS)


def data(seed, T=5, B=3):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(T, B, 2)), rng.uniform(size=(T, B, 2)), rng.integers(1, T + 1, size=B)


def gradients(model, cost):
    parameters = model.parameters()
    return dict(zip(parameters, mg.gradients(cost, list(parameters.values())), strict=True))


def close(actual, expected):
    for name in expected:
        np.testing.assert_allclose(actual[name], expected[name], rtol=1e-13, atol=1e-13)


@kinds
@pytest.mark.parametrize("cost", COSTS)
@some
@given(seed=seeds, garbage=st.sampled_from([0.0, 1e6, np.nan, np.inf]))
def test_padded_equals_unpadded_in_values_and_gradients(kind, cost, seed, garbage):
    model, (xs, targets, lengths) = KINDS[kind](rng=seed), data(seed)
    padded_xs, padded_targets = xs.copy(), targets.copy()
    for b, n in enumerate(lengths):
        padded_xs[n:, b] = padded_targets[n:, b] = garbage
    run = unroll(model, padded_xs, padded_targets, lengths=lengths, cost=cost)
    alone = [unroll(model, xs[:n, b], targets[:n, b], cost=cost) for b, n in enumerate(lengths)]
    assert run.cost.item() == pytest.approx(np.mean([one.cost.item() for one in alone]), rel=1e-13)
    total = sum((one.cost for one in alone[1:]), alone[0].cost) / len(alone)
    close(gradients(model, run.cost), gradients(model, total))
    for b, (n, one) in enumerate(zip(lengths, alone, strict=True)):
        np.testing.assert_allclose(run.outputs[:n, b], one.outputs, rtol=1e-13, atol=1e-13)
        for role in model.carried:
            np.testing.assert_allclose(run.final[role].data[b], one.final[role].data, rtol=1e-13, atol=1e-13)


@some
@given(seed=seeds)
def test_the_last_step_alone_is_a_cost_and_the_others_are_none(seed):
    model, (xs, targets, lengths) = KINDS["W"](rng=seed), data(seed)
    every = unroll(model, xs, targets)
    last = unroll(model, xs, targets[-1], at="last")
    assert last.cost.item() == pytest.approx(every["C"][-1].item(), rel=1e-14)
    assert [C.requires_grad for C in last["C"]] == [False] * 4 + [True]
    close(gradients(model, last.cost), gradients(model, every["C"][-1]))
    ends = np.stack([targets[n - 1, b] for b, n in enumerate(lengths)])
    own = unroll(model, xs, ends, at="last", lengths=lengths)
    alone = [unroll(model, xs[:n, b], targets[:n, b])["C"][-1].item() for b, n in enumerate(lengths)]
    assert own.cost.item() == pytest.approx(np.mean(alone), rel=1e-13)


@pytest.mark.parametrize("cost", COSTS)
@some
@given(seed=seeds)
def test_a_missing_target_is_one_of_weight_0(cost, seed):
    model, (xs, targets, _) = KINDS["W"](rng=seed), data(seed)
    there = np.random.default_rng(seed).uniform(size=(5, 3)) > 0.4
    holes = np.where(there[..., None], targets, np.nan)
    missing = unroll(model, xs, holes, missing=True, cost=cost)
    weighted = unroll(model, xs, targets, weights=there, cost=cost)
    assert missing.cost.item() == weighted.cost.item()
    if there.any():
        close(gradients(model, missing.cost), gradients(model, weighted.cost))
    if not there.all():
        with pytest.raises(ValueError, match=r"targets.*is nan"):
            unroll(model, xs, holes)


@some
@given(seed=seeds)
def test_weights_are_linear(seed):
    model, (xs, targets, _) = KINDS["W"](rng=seed), data(seed)
    rng = np.random.default_rng(seed)
    u, w = rng.uniform(size=(2, 5, 3))
    cost = lambda weights: unroll(model, xs, targets, weights=weights).cost.item()
    assert cost(2 * u + w) == pytest.approx(2 * cost(u) + cost(w), rel=1e-12)
    a_step = rng.uniform(size=5)
    costs = [C.item() for C in unroll(model, xs, targets)["C"]]
    assert cost(a_step) == pytest.approx(np.dot(a_step, costs), rel=1e-12)
    assert cost(np.ones((5, 3))) == cost(None)


def test_a_cost_of_ones_own_takes_a_weight_too():
    model, (xs, targets, _) = KINDS["W"](), data(0)
    own = lambda target, output, weight=1.0: np.mean(np.abs(target - output) * np.asarray(weight)[..., None])
    whole = unroll(model, xs, targets, cost=own)
    half = unroll(model, xs, targets, cost=own, weights=np.full((5, 3), 0.5))
    assert half.cost.item() == pytest.approx(whole.cost.item() / 2)


# -- teacher forcing --------------------------------------------------------------------------------------------------


def test_a_share_of_teacher_forcing_lies_between_none_and_all():
    model, (xs, targets, _) = KINDS["WR"](), data(1, T=40)
    none, half, all_ = (unroll(model, xs, targets, teacher_forcing=share, rng=3) for share in (0.0, 0.5, 1.0))
    assert (none.forced, half.forced, all_.forced) == (False, False, True)
    np.testing.assert_array_equal(all_.outputs, unroll(model, xs, targets, teacher_forcing=True).outputs)
    np.testing.assert_array_equal(none.outputs, unroll(model, xs, targets).outputs)
    fed = np.stack([np.all(half.carried[t]["y"].data == targets[t - 1], axis=-1) for t in range(1, 40)])
    assert 0.35 < fed.mean() < 0.65 and np.any(fed.any(axis=1) & ~fed.all(axis=1))
    again = unroll(model, xs, targets, teacher_forcing=0.5, rng=3)
    np.testing.assert_array_equal(half.outputs, again.outputs)
    schedule = np.linspace(1, 0, 40) > 0.5
    run = unroll(model, xs, targets, teacher_forcing=schedule.astype(float))
    np.testing.assert_array_equal(
        [np.all(c["y"].data == y) for c, y in zip(run.carried[1:], targets, strict=False)], schedule[:-1]
    )


# -- going on, and being trained --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "both ways"])  # which begins at either end
def test_a_run_is_gone_on_from_cut_off_from_its_graph(kind):
    model, (xs, targets, _) = KINDS[kind](), data(2)
    early = unroll(model, xs[:2], targets[:2])
    late, joined = (unroll(model, xs[2:], targets[2:], initial=first) for first in (early, early.final))
    np.testing.assert_array_equal(late.outputs, unroll(model, xs, targets).outputs[2:])
    assert all(tensor.fn is None for tensor in late.carried[0].values())
    assert all(tensor.fn is not None for tensor in joined.carried[0].values())
    (weight, *_) = model.parameters().values()
    weight.data = weight.data * 0.9
    late = unroll(model, xs[2:], targets[2:], initial=early)  # no step of the optimizer is in its way
    late.cost.backward()
    with pytest.raises(mg.StaleGraphError, match="detach"):
        unroll(model, xs[2:], targets[2:], initial=early.final).cost.backward()


def test_many_to_one_can_be_learnt():
    """Which of two inputs was larger on the whole: a class at the end of sequences of different length."""
    rng = np.random.default_rng(0)
    model = RNN(2, 8, 2, rng=1)

    def batch():
        xs, lengths = rng.normal(size=(6, 32, 2)), rng.integers(2, 7, size=32)
        alive = np.arange(6)[:, None] < lengths
        sums = np.sum(xs * alive[..., None], axis=0)
        return xs, np.eye(2)[np.argmax(sums, axis=1)], lengths

    optimizer = mg.optim.Adam(model.parameters(), lr=0.03)
    for _ in range(150):
        xs, classes, lengths = batch()
        optimizer.zero_grad()
        unroll(model, xs, classes, at="last", lengths=lengths, cost="cross_entropy").cost.backward()
        optimizer.step()
    xs, classes, lengths = batch()
    outputs = unroll(model, xs, lengths=lengths).outputs[lengths - 1, np.arange(32)]
    assert np.mean(np.argmax(outputs, axis=1) == np.argmax(classes, axis=1)) >= 0.9


def test_units_are_dropped_by_a_seed_and_the_same_ones_however_they_are_computed_again():
    model, (xs, targets, _) = RNN(2, 8, 2, dropout=0.5, recurrent_dropout=0.5), data(3, T=9)
    plain, dropped, again = (unroll(model, xs, targets, dropout=seed) for seed in (None, 1, 1))
    np.testing.assert_array_equal(plain.outputs, unroll(model, xs, targets).outputs)
    np.testing.assert_array_equal(dropped.outputs, again.outputs)
    assert not np.allclose(dropped.outputs, plain.outputs)
    assert not np.allclose(dropped.outputs, unroll(model, xs, targets, dropout=2).outputs)
    whole = gradients(model, dropped.cost)
    bptt(model, xs, targets, memory=2, dropout=1)
    close({name: parameter.grad for name, parameter in model.parameters().items()}, whole)


# -- what is refused --------------------------------------------------------------------------------------------------

XS, TARGETS, _ = data(0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lengths": [1, 2]}, r"lengths of shape \(2,\).*whole numbers \(3,\)"),
        ({"lengths": [1.0, 2.0, 3.0]}, "type float64"),
        ({"lengths": [1, 2, 6]}, "lengths holds 6.*T=5"),
        ({"lengths": [0, 2, 5]}, "lengths holds 0"),
        ({"weights": np.ones((3, 5))}, r"weights of shape \(3, 5\).*\(5,\).*\(5, 3\).*time comes first"),
        ({"weights": [1, 1, 1, 1, -1]}, "finite numbers >= 0"),
        ({"at": "end"}, "at='end'"),
        ({"at": "last"}, r"targets of shape \(5, 3, 2\) at the last step.*\(3, 'n_out'\)"),
        (
            {"initial": {"h": np.zeros((5, 3))}},
            r"initial\['h'\] has shape \(5, 3\), needed is \(3, 3\): time comes first",
        ),
    ],
)
def test_what_cannot_be_counted_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        unroll(RNN(2, 3, 2), XS, TARGETS, **options)


def test_swapped_axes_are_noticed_and_a_run_says_its_sizes():
    with pytest.raises(ValueError, match="time comes first"):
        unroll(RNN(2, 3, 2), XS, np.swapaxes(TARGETS, 0, 1))
    assert repr(unroll(RNN(2, 3, 2), XS)).startswith("<Run of RNN along 5 steps, batch of 3: x, z, h, y")


def test_shares_of_teacher_forcing_are_shares():
    model = KINDS["WR"]()
    for share in (1.5, -0.1, [0.5, 0.5]):
        with pytest.raises(ValueError, match="between 0 and 1"):
            unroll(model, XS, TARGETS, teacher_forcing=share)
