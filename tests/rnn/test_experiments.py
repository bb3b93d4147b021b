"""Experiments: every task trains as it is tried first, and what was written down is what is done again."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad.rnn import flow
from minigrad.rnn.experiments import CELLS, OPTIMIZERS, USUAL, Experiment, Trained, attempt
from minigrad.rnn.tasks import KNOWN
from minigrad.rnn.training import fit

SMALL = {"text": {"T": 8}, "adding": {"T": 6}, "copy": {"T": 6}, "order": {"T": 12}, "lorenz": {"n": 1000}}


@pytest.fixture
def series(tmp_path):
    """A CSV file, for the task that needs one."""
    path = tmp_path / "series.csv"
    path.write_text("\n".join(["year,height", *(f"{1900 + i},{np.sin(i):.6f}" for i in range(120))]))
    return path


def tried(task, series, **given):
    options = {"data": str(series), "column": "height", "T": 8} if task == "series" else SMALL.get(task, {})
    return Experiment.usual(task, options, **({"updates": 2, "batch": 3, "every": 1} | given))


@pytest.mark.parametrize("task", KNOWN)
def test_every_task_trains_as_it_is_tried_first(task, series):
    experiment = tried(task, series, hidden=4)
    trained = experiment.train()
    assert trained.history.steps == 2
    scores = trained.scores()
    assert scores.keys() == {trained.name, *trained.task.baselines()}
    assert all(a <= b for a, b in pairwise(scores.values()))
    assert scores[trained.name] == trained.task.score(trained.outputs, trained.task.test)
    closed = trained.continued()
    assert (trained.name in closed) == hasattr(trained.task, "continued")


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("layers", [1, 3])
def test_every_cell_in_layers(cell, layers):
    experiment = Experiment.usual("adding", {"T": 6}, cell=cell, layers=layers, hidden=5)
    task = experiment.build_task()
    if (cell, layers) == ("feedback", 3):
        with pytest.raises(ValueError, match="layers=1"):
            experiment.build_model(task)
        return
    model = experiment.build_model(task)
    assert mg.rnn.unroll(model, task.validation.xs).outputs.shape == (6, 200, 1)
    hidden = model.layers if layers > 1 else [model]
    assert [layer.n_hidden for layer in hidden] == [5] * layers


@given(
    st.sampled_from(sorted(KNOWN.keys() - {"series", "mass"})),
    st.fixed_dictionaries(
        {},
        optional={
            "cell": st.sampled_from(sorted(CELLS)), "hidden": st.integers(1, 99), "lr": st.floats(1e-5, 1.0),
            "optimizer": st.sampled_from(sorted(OPTIMIZERS)), "clip": st.none() | st.floats(1e-3, 10.0),
            "seed": st.integers(0, 9), "updates": st.integers(1, 9999),
        },
    ),
)  # fmt: skip
def test_written_down_it_is_the_same(task, chosen):
    experiment = Experiment.usual(task, SMALL.get(task), **chosen)
    assert Experiment.of(json.loads(json.dumps(experiment.configuration))) == experiment
    assert all(getattr(experiment, name) == value for name, value in chosen.items())


@settings(max_examples=5)
@given(st.integers(1, 8), st.sampled_from(["adam", "sgd", "rmsprop"]))
def test_done_again_and_gone_on_with_it_is_the_same(tmp_path_factory, steps, optimizer):
    folder = tmp_path_factory.mktemp("experiment")
    whole = Experiment(
        task="adding", options={"T": 5}, hidden=3, updates=9, batch=2, every=2, optimizer=optimizer, seed=1
    )
    straight = whole.train()
    part = Experiment(**{**whole.configuration, "schedule": "constant", "updates": steps})
    part.train(checkpoint=folder / "a.npz")
    constant = Experiment(**{**whole.configuration, "schedule": "constant"})
    resumed = constant.train(resume=folder / "a.npz")
    again = constant.train()
    assert resumed.history.costs == again.history.costs
    assert whole.train().history.costs == straight.history.costs
    kept = mg.rnn.checkpoints.read(folder / "a.npz").configuration
    assert Experiment.of(kept).task == "adding"


def test_the_mass_is_found():
    """By gradient descent through Euler's method, from noisy positions: m = 2, starting from 1."""
    trained = Experiment.usual("mass", updates=80).train()
    assert trained.name == "EulerOscillator"
    assert trained.model.m.data == pytest.approx(2.0, abs=0.02)
    assert trained.scores()["true mass 2"] == pytest.approx(trained.scores()["EulerOscillator"], rel=0.01)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (
            {"task": "adding", "cell": "transformer"},
            r"cell='transformer' is not known: choose one of rnn, feedback, lstm",
        ),
        ({"task": "addition"}, "choose one of adding, copy"),
        ({"task": "adding", "optimizer": "Adam"}, "choose one of sgd"),
        ({"task": "adding", "schedule": "linear"}, "choose one of constant, cosine"),
        ({"task": "adding", "layers": 0}, "layers=0"),
    ],
)
def test_what_is_not_known_is_said_at_once(given, says):
    with pytest.raises(ValueError, match=says):
        Experiment(**given)


def test_what_belongs_to_nothing_is_refused():
    experiment = Experiment(task="adding", options={"T": 5}, cell="lru", init="orthogonal")
    with pytest.raises(ValueError, match="init is said of W, and the cell 'lru' has none"):
        experiment.build_model(experiment.build_task())
    with pytest.raises(ValueError, match="not written by an experiment"):
        Experiment.of({"cell": "rnn"})
    with pytest.raises(ValueError, match="has no option"):
        Experiment(task="adding", options={"n": 5}).build_task()


def test_usual_settings_are_known():
    assert USUAL.keys() == KNOWN.keys()
    for task in USUAL:
        assert isinstance(Experiment.usual(task), Experiment)
        assert Experiment.usual(task, cell="lru").init is None


def test_a_model_that_explodes_stands_last():
    experiment = Experiment(task="adding", options={"T": 5}, hidden=3)
    task = experiment.build_task()
    model = experiment.build_model(task)
    model.c.data = np.array([np.inf])
    trained = Trained(experiment, task, model, mg.rnn.History())
    assert list(trained.scores())[-1] == "RNN"


@pytest.mark.parametrize(("task", "T"), [("order", 12), ("adding", 6), ("sine", 8)])
def test_an_attempt_tells_what_came_of_it(task, T):
    found = attempt(task=task, seed=3, T=T, updates=2, hidden=4, batch=3)
    trained = Experiment.usual(task, {"T": T}, seed=3, updates=2, hidden=4, batch=3).train()
    assert found["updates"] == 2
    assert found["score"] == trained.scores()["RNN"]
    assert np.isnan(found["solved"]) == (task == "sine")
    assert task == "sine" or found["wrong"] == trained.task.wrong(trained.outputs, trained.task.test)


def test_an_attempt_that_explodes_has_not_solved_anything():
    found = attempt(task="adding", seed=0, T=200, f="relu", radius=30.0, init="normal", clip=None, updates=3, batch=2)
    assert (found["solved"], found["wrong"], found["score"]) == (0.0, 1.0, np.inf)


def test_omega_is_a_penalty_with_its_weight():
    small = {"options": {"T": 12}, "hidden": 4, "batch": 3, "updates": 2, "every": 5}
    trained = Experiment.usual("order", omega=2.0, **small).train()
    plain = Experiment.usual("order", **small)
    task = plain.build_task()
    model = plain.build_model(task)
    plain_history = fit(model, task, optimizer=plain.build_optimizer(model), updates=2, batch=3, every=5,
                        penalty=lambda run: 2.0 * flow.omega(run))  # fmt: skip
    assert trained.history.costs == plain_history.costs
    np.testing.assert_array_equal(trained.model.W.data, model.W.data)
    without = plain.train()
    assert not np.array_equal(trained.model.W.data, without.model.W.data)
    assert Experiment.of(trained.experiment.configuration) == trained.experiment
