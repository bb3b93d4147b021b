"""Cost and gradients: compiled or by the engine, the same; what cannot be compiled is not, and it is known why."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pytest

from minigrad import functions, rnn
from minigrad.rnn.slopes import Slopes
from minigrad.rnn.tasks import Adding

rng = np.random.default_rng(0)
XS, YS = rng.normal(size=(9, 4, 2)), rng.normal(size=(9, 4, 1))


def gradients(slopes: Slopes, *batch: Any) -> tuple[float, dict[str, Any]]:
    cost = slopes(*batch)
    return cost, {name: p.grad for name, p in slopes.model.parameters().items()}


def test_compiled_or_not_they_leave_the_same() -> None:
    model = rnn.RNN(2, 3, 1)
    model.unused = rnn.RNN(2, 2)
    here = Slopes(model, {}, lambda run: 0.1 * np.sum(run["h"][-1] ** 2), compiled=True)
    there = Slopes(model, {}, None, compiled=False)
    plain = Slopes(model, {}, None, compiled=True)
    for batch in ((XS, YS), (2 * XS, YS, np.arange(9.0)), (XS, YS, np.ones(9))):
        cost, grads = gradients(plain, *batch)
        expected, others = gradients(there, *batch)
        assert cost == pytest.approx(expected, rel=1e-13)
        assert grads["unused.W"] is None and others["unused.W"] is None
        for name in ("W", "U", "V", "b", "c"):
            np.testing.assert_allclose(grads[name], others[name], rtol=1e-11, atol=1e-13)
            assert not grads[name].flags.writeable
        assert plain.cost(*batch) == pytest.approx(expected, rel=1e-13) == there.cost(*batch)
        assert all(p.grad is others[name] for name, p in model.parameters().items())  # which are left alone
    assert here(XS, YS) == pytest.approx(there(XS, YS), rel=1e-13)  # the cost is without the penalty
    assert not np.allclose(gradients(here, XS, YS)[1]["W"], gradients(there, XS, YS)[1]["W"])
    assert here.why == plain.why == ""


@pytest.mark.parametrize(
    ("task", "options"),
    [
        ("adding", {"T": 30}),
        ("adding", {"T": 20, "cell": "lstm"}),
        ("adding", {"T": 20, "cell": "gru", "layers": 2}),
        ("adding", {"T": 20, "cell": "feedback"}),
        ("copy", {"T": 8, "cell": "mingru"}),
        ("order", {"T": 12, "clip": None}),
        ("sine", {}),
        ("oscillator", {}),
        ("lorenz", {}),
        ("mass", {}),
    ],
)
def test_histories_are_those_of_the_engine(task: str, options: dict[str, Any]) -> None:
    """To the last bit: in a chaotic training any other one would grow."""
    options = {"updates": 40, **options}
    lengths = {"T": options.pop("T")} if "T" in options else {}
    experiment = rnn.Experiment.usual(task, lengths, **options)
    found = []
    for compiled in (True, False):
        data = experiment.build_task()
        found.append(experiment.fit(experiment.build_model(data), data, compile=compiled))
    assert found[0].costs == found[1].costs
    assert found[0].norms == found[1].norms


@pytest.mark.parametrize("cell", [rnn.RNN, rnn.LSTM, rnn.GRU])
def test_a_cost_of_the_last_step_alone_is_a_loop_too(cell: Any) -> None:
    """Though there is no place where steps meet. For all lengths there is one, made of short runs."""
    model = cell(2, 3, 1)
    slopes, there = (Slopes(model, {"at": "last"}, None, compiled=compiled) for compiled in (True, False))
    for T in (1, 2, 3, 4, 5, 9, 40):
        xs, ys = rng.normal(size=(T, 4, 2)), rng.normal(size=(4, 1))
        assert slopes.cost(xs, ys) == pytest.approx(there.cost(xs, ys), rel=1e-13)
    assert slopes.programs[slopes.costs].report().calls_a_step >= 3


def test_what_cannot_be_compiled_is_not(caplog: pytest.LogCaptureFixture) -> None:
    def cost(target: Any, output: Any) -> Any:
        found = functions.squared_error(target, output)
        return found if found.item() > 0 else found * 2

    model = rnn.RNN(2, 3, 1)
    slopes = Slopes(model, {"cost": cost}, None, compiled=True)
    with caplog.at_level(logging.INFO):
        assert slopes(XS, YS) == Slopes(model, {"cost": cost}, None, compiled=False)(XS, YS)
    assert "x.item() depends on values" in slopes.why and list(slopes.programs) == [slopes.costs]
    assert "this training is not compiled: mg.compile: x.item()" in caplog.text


def test_what_is_very_long_is_compiled_only_from_short_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """With weights, or what may know the step, all of it would have to be run to be compiled."""
    monkeypatch.setattr("minigrad.rnn.slopes.LONG", 8)

    def penalty(run: Any) -> Any:
        return np.sum(run["h"][min(len(run), 20) - 1] ** 2)

    model, weights = rnn.RNN(2, 3, 1), np.ones(9)
    free, keeping = Slopes(model, {}, None, compiled=True), Slopes(model, {}, penalty, compiled=True)
    for slopes, batch, made in (
        (keeping, (XS, YS), 0), (keeping, (XS[:8], YS[:8]), 1), (free, (XS, YS, weights), 0), (free, (XS, YS), 1),
        (free, (XS[:8], YS[:8], weights[:8]), 2),
    ):  # fmt: skip
        slopes(*batch)
        slopes.cost(*batch)
        assert [program.traced for program in slopes.programs.values()] == [made, made]


def test_trainings_are_compiled_with_a_task_and_have_the_same_history() -> None:
    found = {}
    for compile in (True, False, None):
        model = rnn.RNN(2, 8, 1, rng=1)
        found[compile] = rnn.fit(model, Adding(20), updates=30, batch=8, compile=compile)
    np.testing.assert_allclose(found[True].costs, found[False].costs, rtol=1e-9)
    np.testing.assert_array_equal(found[True].costs, found[None].costs)
