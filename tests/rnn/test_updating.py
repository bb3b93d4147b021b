"""A training that was interrupted, and goes on: bit for bit what it would have been."""

from __future__ import annotations

import signal
import sys
import threading
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad.engine.context import context
from minigrad.optim import SGD, Adam, Optimizer
from minigrad.rnn import checkpoints, training
from minigrad.rnn.history import History
from minigrad.rnn.tasks import Adding
from minigrad.rnn.training import fit
from minigrad.rnn.updating import Drawing, drops, undisturbed
from tests.rnn.killing import killed_again_and_again
from tests.rnn.learning import Delayed, assert_same, delayed, network

KINDS = [kind for name in mg.optim.__all__ if isinstance(kind := getattr(mg.optim, name), type)]
MAKERS = {
    kind.__name__: lambda model, kind=kind: kind(model, lr=0.02, max_norm=0.5)
    for kind in KINDS
    if issubclass(kind, Optimizer) and kind is not Optimizer
} | {"momentum": lambda model: SGD(model, lr=0.02, momentum=0.9)}
if hasattr(mg.optim, "schedules"):
    MAKERS |= {
        "plateau": lambda model: Adam(model, lr=mg.optim.schedules.Plateau(0.1, patience=0), max_norm=0.5),
        "cosine": lambda model: SGD(model, lr=mg.optim.schedules.Cosine(0.1, steps=STEPS)),
    }
STEPS = 23
OPTIONS = {
    "plain": {},
    "validated": {"every": 4, "patience": 50},
    "truncated": {"every": 7, "truncate": 2, "keep": "last"},
    "blind": {"every": 5, "validation": False},
}


def assert_same_history(history, expected):
    for name, value in vars(expected).items():
        if name in ("best", "last") and value is not None:
            assert_same(getattr(history, name), value)
        else:
            assert getattr(history, name) == value, name


def assert_same_file(path, expected):
    one, other = checkpoints.read(path), checkpoints.read(expected)
    assert_same_history(one.history, other.history)
    assert_same(one.optimizer, other.optimizer)
    assert (one.generator, one.closing, one.belongs) == (other.generator, other.closing, other.belongs)


def train(make, options, path, until=None, steps=STEPS, **how):
    """One process's share: up to ``until`` batches, then Ctrl-C."""
    model = network()
    optimizer = make(model)
    how = {"resume": path} if path.exists() else {"checkpoint": path}
    history = fit(model, Delayed(until=until), optimizer=optimizer, updates=steps, batch=4, seed=5, **options, **how)
    return model, optimizer, history


class Reusing(Delayed):
    """The arrays of a batch are those of the next one."""

    def batch(self, rng, size):
        self.arrays = getattr(self, "arrays", delayed(0, self.T, size))
        for array, values in zip(self.arrays[:2], super().batch(rng, size)[:2], strict=True):
            array[...] = values
        return self.arrays


@pytest.mark.parametrize("task", [Adding(5), Reusing(5)], ids=["ahead", "one by one"])
@given(seed=st.integers(0, 99), before=st.integers(0, 20), count=st.integers(0, 20))
@settings(max_examples=10)
def test_batches_and_states_are_those_of_one_after_the_other(task, seed, before, count):
    """However many are drawn ahead, and from wherever it goes on."""
    drawing, alone = Drawing(task, 0, 4), np.random.default_rng(seed)
    for _ in range(before):
        task.batch(alone, 4)
    drawing.go_on(alone.bit_generator.state)
    for given_ in drawing.batches(count):
        batch = [np.array(array) for array in given_[:2]]
        for array, expected in zip(batch, task.batch(alone, 4)[:2], strict=True):
            np.testing.assert_array_equal(array, expected)
        assert drawing.state == alone.bit_generator.state
    assert drawing.state == alone.bit_generator.state


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
@settings(max_examples=8)
@given(data=st.data())
def test_an_interrupted_training_is_the_same_training(make, data):
    """However often, and whether by Ctrl-C or because that was all that was asked for."""
    options = data.draw(st.sampled_from([*OPTIONS.values()]))
    cuts = data.draw(st.lists(st.integers(0, STEPS - 1), min_size=1, max_size=3).map(sorted))
    ends = data.draw(st.lists(st.booleans(), min_size=len(cuts), max_size=len(cuts)))
    with TemporaryDirectory() as folder:
        straight, resumed = Path(folder, "straight.npz"), Path(folder, "resumed.npz")
        model, optimizer, history = train(make, options, straight)
        done = 0
        for cut, asked in zip(cuts, ends, strict=True):
            if asked and cut:
                train(make, options, resumed, steps=cut)
            else:
                assert train(make, options, resumed, until=cut - done)[-1].interrupted
            done = cut
        other, memory, found = train(make, options, resumed)
        assert_same(other.state_dict(), model.state_dict())
        assert_same(memory.state_dict(), optimizer.state_dict())
        assert_same_history(found, history)
        assert_same_file(resumed, straight)


def test_a_long_history_is_resumed_too(monkeypatch, tmp_path):
    monkeypatch.setattr(History.__init__, "__defaults__", (*History.__init__.__defaults__[:-1], 6))
    options = {"every": 1}
    *_, history = train(MAKERS["SGD"], options, tmp_path / "straight.npz")
    assert len(history.costs) <= history.limit == 6 < history.steps
    for cut in (3, 4, 5, 10, 11):
        path = tmp_path / f"{cut}.npz"
        train(MAKERS["SGD"], options, path, until=cut)
        assert_same_history(train(MAKERS["SGD"], options, path)[-1], history)


def test_batches_that_were_seen_are_passed_over(tmp_path):
    batches, path = [delayed(seed) for seed in range(9)], tmp_path / "run.npz"
    model, other = network(), network()
    whole = fit(model, Adam(model, 0.05), batches, validation=delayed(99), every=2)
    fit(other, Adam(other, 0.05), batches[:5], validation=delayed(99), every=2, checkpoint=path)
    other = network()
    history = fit(other, Adam(other, 0.05), iter(batches), validation=delayed(99), every=2, resume=path)
    assert_same(other.state_dict(), model.state_dict())
    assert_same_history(history, whole)
    with pytest.raises(ValueError, match="9 updates behind it: 8 are not enough"):
        fit(other, Adam(other, 0.05), batches[:8], resume=path)


def test_early_stopping_stays_stopped(tmp_path):
    path = tmp_path / "run.npz"
    for _ in range(2):
        model = network()
        how = {"resume": path} if path.exists() else {"checkpoint": path}
        batches = [delayed(0)] * 40
        history = fit(model, Adam(model, 0.5), batches, validation=delayed(1), every=4, patience=1, **how)
        assert (history.steps, history.waited) == (len(history.costs), 1)
    assert history.steps < 40


def test_the_optimizer_hears_what_validation_found_once_and_before_anything_is_saved(tmp_path):
    class Listening(SGD):
        heard = ()

        def observe(self, cost):
            self.heard = (*self.heard, cost)

    model = network()
    optimizer = Listening(model, 0.1)
    history = fit(model, optimizer, [delayed(0)] * 7, validation=delayed(1), every=2)
    assert [*optimizer.heard] == [cost for step, cost in history.validation if step % 2 == 0]


# -- what a checkpoint belongs to -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda: {"model": network(f="relu")}, r'model\.f is "tanh" there and "relu" here'),
        (lambda: {"model": mg.rnn.RNN(1, 6, 1)}, r"model\.n_hidden is 5 there and 6 here"),
        (lambda: {"model": mg.rnn.GRU(1, 5, 1)}, r'model\.class is "RNN" there and "GRU" here'),
        (lambda: {"model": mg.rnn.Stacked([network()])}, r'model\.class is "RNN" there and "Stacked" here'),
        (lambda: {"optimizer": lambda m: Adam(m)}, r'optimizer\.class is "SGD" there and "Adam" here'),
        (lambda: {"optimizer": lambda m: SGD(m, 0.1, momentum=0.5)}, r"optimizer\.momentum is 0.9 there and 0.5 here"),
        (lambda: {"task": Delayed(T=7)}, r"task\.T is 6 there and 7 here"),
        (lambda: {"batch": 5}, r"settings\.batch is 4 there and 5 here"),
        (lambda: {"seed": 6}, r"settings\.seed is 5 there and 6 here"),
        (lambda: {"truncate": 3}, r"settings\.truncate is null there and 3 here"),
    ],
)
def test_a_checkpoint_of_another_training_is_refused(change, said, tmp_path):
    path, options = tmp_path / "run.npz", change()
    model = network()
    fit(model, Delayed(), optimizer=SGD(model, 0.1, momentum=0.9), updates=3, batch=4, seed=5, checkpoint=path)
    before = path.read_bytes()
    model = options.pop("model", network())
    optimizer = options.pop("optimizer", lambda m: SGD(m, 0.2, momentum=0.9))(model)
    state, memory = model.state_dict(), optimizer.state_dict()
    options = {"task": Delayed(), "batch": 4, "seed": 5, "updates": 9} | options
    with pytest.raises(ValueError, match=f"belongs to another training: {said}"):
        fit(model, optimizer=optimizer, resume=path, **options)
    assert_same(model.state_dict(), state)
    assert_same(optimizer.state_dict(), memory)
    assert path.read_bytes() == before


def test_parameters_that_do_not_fit_change_nothing(tmp_path, monkeypatch):
    """Even of a model that does not tell how it was built."""
    monkeypatch.setattr(training, "described", lambda thing, without=(): None)
    path, model = tmp_path / "run.npz", network()
    fit(model, Delayed(), optimizer=SGD(model, 0.1), updates=3, checkpoint=path)
    other = mg.rnn.RNN(1, 6, 1)
    optimizer, state = SGD(other, 0.1), other.state_dict()
    with pytest.raises(ValueError, match="shape"):
        fit(other, Delayed(), optimizer=optimizer, resume=path)
    assert optimizer.steps == 0
    assert_same(other.state_dict(), state)


def test_another_learning_rate_is_no_other_training(tmp_path):
    path = tmp_path / "run.npz"
    for lr, steps in ((0.1, 3), (0.01, 5)):
        model = network()
        how = {"resume": path} if path.exists() else {"checkpoint": path}
        assert fit(model, Delayed(), optimizer=SGD(model, lr), updates=steps, **how).steps == steps


def test_a_file_that_is_there_is_not_written_over(tmp_path):
    path, other = tmp_path / "run.npz", tmp_path / "other.npz"
    fit(network(), Delayed(), updates=3, checkpoint=path, configuration={"cell": "rnn"})
    before = path.read_bytes()
    with pytest.raises(FileExistsError, match=r"is there already: resume='.*run\.npz' goes on from it"):
        fit(network(), Delayed(), updates=3, checkpoint=path)
    fit(network(), Delayed(), updates=5, resume=path, checkpoint=other)
    assert path.read_bytes() == before
    assert checkpoints.read(other).steps == 5
    assert checkpoints.read(other).configuration == {"cell": "rnn"}
    with pytest.raises(FileNotFoundError):
        fit(network(), Delayed(), resume=tmp_path / "nothing.npz")
    with pytest.raises(ValueError, match="5 updates behind it: 4 are not enough"):
        fit(network(), Delayed(), updates=4, resume=other)


# -- Ctrl-C, at any time ----------------------------------------------------------------------------------------------


def test_ctrl_c_at_any_time_leaves_a_whole_update():
    """A real signal, from another thread, after a random time; model, optimizer, history and context are whole."""
    states, rng = {}, np.random.default_rng(0)
    for steps in range(1, 60):
        model = network()
        optimizer = Adam(model, 0.02)
        fit(model, Delayed(), optimizer=optimizer, updates=steps, batch=4, every=5, keep="last")
        states[steps] = model.state_dict(), optimizer.state_dict()
    states[0] = network().state_dict(), Adam(network()).state_dict()
    begun = time.perf_counter()
    fit(network(), Delayed(), updates=59, batch=4, every=5)
    takes, seen, tries = time.perf_counter() - begun, set(), 0
    while tries < 40 or len(seen) < 4:  # much of the time goes into compiling, where all signals mean 0 updates
        tries += 1
        model = network()
        optimizer, before = Adam(model, 0.02), context.get()
        timer = threading.Timer(rng.uniform(0, 0.9 * takes), signal.raise_signal, [signal.SIGINT])
        history = None
        try:
            timer.start()
            history = fit(model, Delayed(), optimizer=optimizer, updates=59, batch=4, every=5, keep="last")
            timer.join()
        except KeyboardInterrupt:  # outside of the loop
            timer.join()
        steps = int(optimizer.state_dict()["steps"])
        assert history is None or history.steps == steps
        assert_same(model.state_dict(), states[steps][0])
        assert_same(optimizer.state_dict(), states[steps][1])
        assert context.get() is before
        seen.add(steps)
        assert tries < 400


def test_a_second_ctrl_c_waits_until_everything_is_whole():
    heard = []
    with pytest.raises(KeyboardInterrupt), undisturbed():
        signal.raise_signal(signal.SIGINT)
        heard.append("still here")
    assert heard == ["still here"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_threads_are_left_alone():
    done = []

    def work():
        with undisturbed():
            done.append(fit(network(), Delayed(), updates=2).steps)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [2]


# -- killed -----------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="sends a POSIX signal")
@pytest.mark.slow
def test_a_training_that_is_killed_again_and_again_is_the_same_training(tmp_path):
    assert killed_again_and_again(tmp_path, times=8) > 4


@pytest.mark.parametrize("truncate", [None, 3])
def test_units_are_dropped_in_training_and_nowhere_else(truncate):
    """As by hand: the masks of update n are those that the seed n draws."""

    def build():
        below = mg.rnn.RNN(1, 4, dropout=0.5, recurrent_dropout=0.25, rng=1)
        return mg.rnn.Stacked([below, mg.rnn.RNN(4, 3, 1, rng=2)])

    rng = np.random.default_rng(0)
    batches = [(rng.normal(size=(6, 2, 1)), rng.normal(size=(6, 2, 1))) for _ in range(4)]
    model, other = build(), build()
    options = {"truncate": truncate, "validation": batches[0], "every": 4}
    history = fit(model, SGD(model, 0.1), batches, keep="last", **options)
    optimizer = SGD(other, 0.1)
    for n, (xs, targets) in enumerate(batches):
        optimizer.zero_grad()
        if truncate:
            mg.rnn.truncated_bptt(other, xs, targets, windows=truncate, dropout=n)
        else:
            mg.rnn.unroll(other, xs, targets, dropout=n).cost.backward()
        optimizer.step()
    assert_same(model.state_dict(), other.state_dict())
    assert history.validation == [(4, mg.rnn.evaluate(other, *batches[0]))]
    assert not drops(mg.rnn.LSTM(1, 2))
    assert drops(mg.rnn.GRU(1, 2, dropout=0.1))
