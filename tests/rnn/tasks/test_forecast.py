"""Forecasts one step ahead: one scale, the same positions for all, and the closed loop."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.rnn.tasks import Henon, Lorenz, Oscillator, Sine
from minigrad.rnn.tasks.forecast import Recorded

SMALL = {"n_validation": 5, "n_test": 6}
TASKS = {
    "sine": Sine(12, 20, **SMALL),
    "oscillator": Oscillator(12, 20, **SMALL),
    "lorenz": Lorenz(n=600, T=12),
    "henon": Henon(n=600, T=12, orders=(1, 2, 3)),
}
every = pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
numbers = st.lists(st.floats(-100, 100), min_size=40, max_size=60)


class Plain(Recorded):
    """A record of one's own."""

    name = "plain"

    def __init__(self, values, warm, known=None, **options):
        super().__init__(**options)
        self.divide(np.reshape(np.asarray(values, float), (len(values), -1)), "the values", warm=warm, known=known)


@every
def test_all_are_judged_at_the_same_positions_where_none_is_unknown(task):
    for batch in (task.validation, task.test):
        found = task.baselines(batch)
        assert {"constant", "persistence", "linear", "AR(1)", "AR(2)"} <= found.keys()
        assert all(np.isfinite(score) for score in found.values())
        assert batch.weights.shape == (len(batch.xs),)


@every
def test_the_right_answer_has_no_error_and_baselines_stand_in_the_datas_units(task):
    """By a loop over positions, undoing the scale first."""
    batch = task.test
    assert task.score(batch.targets, batch) == 0
    x, y = task.own_units(batch.xs[..., : task.n_out]), task.own_units(batch.targets)
    judged = [t for t in range(len(x)) if batch.weights[t] > 0]
    persistence = np.mean([(x[t] - y[t]) ** 2 for t in judged])
    linear = np.mean([(2 * x[t] - x[t - 1] - y[t]) ** 2 for t in judged])
    found = task.baselines()
    assert found["persistence"] == pytest.approx(persistence, rel=1e-9)
    assert found["linear"] == pytest.approx(linear, rel=1e-9)
    assert found["constant"] == pytest.approx(np.mean((y[judged] - task.scale.mean[: task.n_out]) ** 2), rel=1e-9)


@every
def test_autoregression_is_never_worse_than_its_special_cases_where_it_was_fitted(task):
    found = task.baselines(task.fitting()._replace(weights=np.arange(len(task.fitting().xs)) >= 2))
    assert found["AR(2)"] <= min(found["AR(1)"], found["linear"], found["constant"]) * (1 + 1e-2)


@every
def test_a_target_is_the_next_input(task):
    batch = task.batch(np.random.default_rng(0), 7)
    assert batch.xs.shape == (12, 7, task.n_in)
    assert batch.targets.shape == (12, 7, task.n_out)
    np.testing.assert_array_equal(batch.targets[:-1], batch.xs[1:, :, : task.n_out])


@every
def test_outputs_that_are_right_close_the_loop(task):
    """Fed with the truth, `feed` gives the inputs of the sequence itself."""
    prompt, truth, whole = task.prompt, task.truth, task.going_on
    assert len(prompt) + len(truth) == len(whole.xs) + 1
    np.testing.assert_array_equal(prompt[1:, :, : task.n_out], whole.targets[: len(prompt) - 1])
    for t in range(len(prompt), len(whole.xs)):
        np.testing.assert_array_equal(task.feed(truth[t - len(prompt)], t, None), whole.xs[t])


@every
def test_baselines_close_the_loop_too(task):
    found = task.continued()
    assert {values.shape for values in found.values()} == {task.truth.shape}
    last = task.prompt[..., : task.n_out]
    np.testing.assert_array_equal(found["persistence"][-1], last[-1])
    np.testing.assert_allclose(found["linear"][1], last[-1] + 2 * (last[-1] - last[-2]), rtol=1e-12)


def test_a_force_is_known_for_its_sequences_only():
    task = TASKS["oscillator"]
    with pytest.raises(ValueError, match=r"step 31 with outputs of shape \(16, 1\): .* known up to step 30"):
        task.feed(np.zeros((16, 1)), 31)
    with pytest.raises(ValueError, match=r"outputs of shape \(3, 1\): .* for outputs of shape \(16, 1\)"):
        task.feed(np.zeros((3, 1)), 20)


# -- records ----------------------------------------------------------------------------------------------------------


@given(numbers, st.floats(-1e3, 1e3), st.integers(0, 2**32 - 1))
@settings(max_examples=50)
def test_nothing_of_training_depends_on_what_is_held_out(values, other, seed):
    """Neither windows, nor the scale, nor what baselines have learnt."""
    values = np.array(values) + np.arange(len(values))  # not constant
    one = Plain(values, None, T=5)
    spoilt = values.copy()
    spoilt[one.rows.training.stop :] = other
    two = Plain(spoilt, None, T=5)
    for a, b in zip(one.batch(np.random.default_rng(seed), 9), two.batch(np.random.default_rng(seed), 9), strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(one.scale, two.scale)
    for p in one.coefficients:
        np.testing.assert_array_equal(one.coefficients[p], two.coefficients[p])


@pytest.mark.parametrize("warm", [5, None])
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=25)
def test_no_window_of_training_overlaps_what_is_judged(warm, seed):
    """Targets included; where a part warms up on rows of its own, not even those."""
    task = Plain(np.arange(200.0), warm, T=5)
    xs, targets, _ = task.batch(np.random.default_rng(seed), 200)
    training = {*xs.ravel(), *targets.ravel()}
    seen = []
    for batch in (task.validation, task.test):
        judged = {*batch.targets[batch.weights > 0].ravel()}
        seen.append(judged if warm is None else {*batch.xs.ravel(), *batch.targets.ravel()})
        assert not training & seen[-1]
        assert judged <= seen[-1]
    assert not seen[0] & seen[1]


def test_an_order_that_training_does_not_determine_is_left_out():
    assert "AR(12)" not in Plain(np.random.default_rng(0).normal(size=30), None, T=3, orders=(1, 12)).baselines()


def test_gaps_are_neither_learnt_nor_judged():
    values, known = np.arange(60.0), np.ones(60, bool)
    known[[3, 20, 50, 58]] = False
    values[~known] = 1e6
    task = Plain(values, None, known, T=4)
    batch = task.batch(np.random.default_rng(0), 300)
    np.testing.assert_array_equal(batch.weights == 0, task.own_units(batch.targets)[..., 0] > 1e5)
    assert task.scale.mean[0] == pytest.approx(np.mean(np.delete(np.arange(42.0), [3, 20])))
    assert task.test.weights.sum() == len(task.rows.test) - 1
    assert task.baselines()["linear"] > 1e5  # 1e6 is looked at, as any other input


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_what_goes_in_is_standardised_and_what_comes_out_is_not(scale):
    values = scale * np.random.default_rng(0).normal(3.0, 2.0, 400)
    task = Plain(values, None, T=5)
    training = task.fitting().xs
    np.testing.assert_allclose([training.mean(), training.std()], [0, 1], atol=0.05)
    assert task.baselines()["constant"] == pytest.approx(scale**2 * 4, rel=0.5)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.full(50, 0.1), r"the values is constant, \[0\.1\], in the training part"),
        (np.r_[np.ones(35), np.arange(15)], "constant"),
        (1e300 * np.arange(50), "numbers so large, .* variance is not finite"),
    ],
)
def test_what_has_no_scale_is_refused(values, message):
    with pytest.raises(ValueError, match=message):
        Plain(values, None, T=5)


@pytest.mark.parametrize(
    ("part", "rows"), [("training", slice(0, 42)), ("validation", slice(42, 51)), ("test", slice(51, 60))]
)
def test_a_part_without_values_is_refused(part, rows):
    known = np.ones(60, bool)
    known[rows] = False
    with pytest.raises(ValueError, match=f"the values has no value in the {part} part, only gaps"):
        Plain(np.arange(60.0), None, known, T=4)


@pytest.mark.parametrize(("options", "message"), [({"T": 0}, "T is 0"), ({"orders": (1, 0)}, r"orders\[1\] is 0")])
def test_what_cannot_be_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Plain(np.arange(50.0), None, **options)
