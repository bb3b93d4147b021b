"""The tasks by their names: what training and the command may rely on of each of them."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad.rnn.cells import RNN
from minigrad.rnn.tasks import KNOWN, Task, named
from minigrad.rnn.unrolling import unroll

SMALL = {
    "adding": {"T": 6}, "copy": {"T": 4, "n_test": 10}, "order": {"T": 8}, "sine": {"T": 8}, "oscillator": {"T": 8},
    "lorenz": {"n": 500}, "henon": {"n": 500}, "text": {"data": "to be or not to be. " * 50, "T": 8}, "mass": {"T": 5},
}  # fmt: skip


def build(name, tmp_path):
    if name != "series":
        return named(name, **SMALL[name])
    path = tmp_path / "series.csv"
    path.write_text("\n".join(map(str, np.sin(np.arange(120.0)))))
    return named(name, data=path, T=8)


@pytest.mark.parametrize("name", KNOWN)
def test_every_task_can_be_trained_on_and_judged(name, tmp_path):
    task = build(name, tmp_path)
    assert isinstance(task, Task)
    assert task.name == name
    assert repr(task).startswith(type(task).__name__)
    model = RNN(task.n_in, 3, task.n_out)
    batch = task.batch(np.random.default_rng(0), 4)
    run = unroll(model, batch.xs, batch.targets, weights=batch.weights, cost=task.cost, at=task.at)
    run.cost.backward()
    assert np.any(model.W.grad)
    for held in (task.validation, task.test):
        assert held is getattr(task, "validation" if held is task.validation else "test")
        outputs = unroll(model, held.xs).outputs
        assert np.isfinite(task.score(outputs, held))
        assert all(np.isfinite(score) for score in task.baselines(held).values())
        assert task.solved(outputs, held) in (None, False)
    assert task.baselines() == task.baselines(task.test) != {}


@pytest.mark.parametrize("name", KNOWN)
def test_what_generates_has_all_that_it_takes(name, tmp_path):
    task = build(name, tmp_path)
    if not task.generates:
        with pytest.raises(TypeError, match="nothing can be generated"):
            task.feed(np.zeros((1, task.n_out)), 0, None)
        return
    assert task.prompt.shape[2] == task.n_in
    assert task.truth.shape[1:] == (task.prompt.shape[1], task.n_out)
    following = task.feed(task.truth[0], len(task.prompt), np.random.default_rng(0))
    assert following.shape == task.prompt.shape[1:]


def test_tasks_are_found_in_the_package():
    assert mg.rnn.tasks.Adding(T=50).T == mg.rnn.tasks.Adding(50).T == 50
    assert "tasks" in dir(mg.rnn)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("add", {}, "'add' is no task: choose one of adding, copy, order, sine"),
        ("adding", {"steps": 3}, "the task 'adding' has no option steps: it has .*T, hochreiter"),
        ("series", {}, "the task 'series' needs data, a CSV file"),
    ],
)
def test_what_is_not_known_is_refused(name, options, message):
    with pytest.raises(ValueError, match=message):
        named(name, **options)
