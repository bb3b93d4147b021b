"""Training: that it learns, what it keeps, what it reports, and how it ends when it is ended."""

from __future__ import annotations

import linecache
import shutil
import sys

import numpy as np
import pytest

from minigrad.optim import SGD, Adam, Optimizer
from minigrad.rnn import checkpoints, updating
from minigrad.rnn.cells import RNN, OutputFeedbackRNN
from minigrad.rnn.dynamics.regulariser import omega
from minigrad.rnn.remembering import truncated_bptt
from minigrad.rnn.tasks.task import Batch
from minigrad.rnn.training import evaluate, fit
from minigrad.rnn.unrolling import unroll
from minigrad.scopes import no_grad
from tests.rnn.learning import Delayed, Last, assert_same, delayed, network


def raised_after(batches, error):
    yield from batches
    raise error


def going_astray(optimizer, updates, seed=0):
    """One batch over and over, with a learning rate that is far too large from the 11th update on."""
    for update in range(updates):
        optimizer.lr = 0.01 if update < 10 else 5.0
        yield delayed(seed)


def after(updates, batches, lr=0.05):
    """The parameters after some steps of a training loop without any comfort."""
    model = network()
    optimizer = Adam(model, lr)
    for xs, targets, _ in batches[:updates]:
        optimizer.zero_grad()
        unroll(model, xs, targets).cost.backward()
        optimizer.step()
    return model.state_dict()


@pytest.mark.parametrize("build", [network, lambda: OutputFeedbackRNN(1, 5, 1, hidden=True, rng=0)])
def test_the_cost_goes_down(build):
    model, validation = build(), delayed(99)
    before = evaluate(model, *validation)
    history = fit(model, Adam(model, 0.03), (delayed(seed) for seed in range(150)))
    assert evaluate(model, *validation) < 0.05 * before
    assert min(history.costs) < 0.05 * history.costs[0]
    assert not history.interrupted


def test_teacher_forcing_and_the_cost_are_passed_on():
    model = OutputFeedbackRNN(1, 4, 2, rng=0)
    rng = np.random.default_rng(0)
    xs, targets = rng.normal(size=(5, 3, 1)), rng.dirichlet(np.ones(2), size=(5, 3))
    options = {"cost": "cross_entropy", "teacher_forcing": True}
    expected = unroll(model, xs, targets, **options).cost.item() / 5
    assert evaluate(model, xs, targets, **options) == pytest.approx(expected, rel=1e-15)
    history = fit(model, SGD(model, 0.1), [(xs, targets)], validation=(xs, targets), every=1, **options)
    assert history.costs == [pytest.approx(expected, rel=1e-15)]
    assert history.validation == [(1, pytest.approx(evaluate(model, xs, targets, **options), rel=1e-15))]
    assert history.validation[0][1] < expected


def test_an_evaluation_records_nothing_and_changes_nothing():
    model = network()
    before = model.state_dict()
    xs, targets, _ = delayed(0)
    with no_grad():
        expected = unroll(model, xs, targets).cost.item() / 6
    assert evaluate(model, xs, targets) == expected
    assert isinstance(evaluate(model, xs, targets), float)
    assert_same(model.state_dict(), before)
    assert all(parameter.grad is None for parameter in model.parameters().values())


# -- what is kept -----------------------------------------------------------------------------------------------------


def test_it_is_the_plain_training_loop():
    batches = [delayed(seed) for seed in range(10)]
    model = network()
    history = fit(model, Adam(model, 0.05), batches)
    assert history.steps == len(history.costs) == 10
    assert_same(model.state_dict(), after(10, batches))


def test_without_validation_the_last_parameters_stay_and_there_is_no_best():
    """A batch's own cost is mostly noise, and judges the parameters before its update, so never the last."""
    model = network()
    optimizer = Adam(model)
    history = fit(model, optimizer, going_astray(optimizer, 15))
    assert evaluate(model, *delayed(0)) > min(history.costs)
    assert (history.best, history.best_step, history.best_cost) == (None, 0, np.inf)
    assert_same(history.last, model.state_dict())
    assert repr(history) == "<History of 15 updates>"


@pytest.mark.parametrize("keep", ["best", "last"])
def test_best_and_last_are_both_there(keep):
    batches, validation = [delayed(0)] * 20, delayed(1)
    model = network()
    history = fit(model, Adam(model, 0.5), batches, validation=validation, every=4, keep=keep)
    assert history.best_step == 12
    assert_same(history.best, after(12, batches, lr=0.5))
    assert_same(history.last, after(20, batches, lr=0.5))
    assert_same(model.state_dict(), history.best if keep == "best" else history.last)
    assert not any(value.flags.writeable for state in (history.best, history.last) for value in state.values())
    assert repr(history) == f"<History of 20 updates: best cost {history.best_cost:.4g} after 12>"
    with pytest.raises(ValueError, match="keep='first'"):
        fit(model, Adam(model, 0.5), batches, keep="first")


def test_patience_ends_a_training_that_gets_no_better():
    batches, validation = [delayed(0)] * 40, delayed(1)
    model = network()
    options = {"validation": validation, "every": 4}
    whole = fit(model, Adam(model, 0.5), batches, keep="last", **options)
    for patience in (1, 2):
        model = network()
        history = fit(model, Adam(model, 0.5), batches, patience=patience, **options)
        expected, waited, best = 40, 0, np.inf
        for step, cost in whole.validation:
            waited, best = (0, cost) if cost < best else (waited + 1, best)
            if waited == patience:
                expected = step
                break
        assert history.steps == expected
        assert history.waited == patience
    assert expected < 40  # or this tests nothing
    with pytest.raises(ValueError, match="patience=1 waits for validation"):
        fit(network(), SGD(network(), 0.1), batches, patience=1)


def test_with_validation_the_parameters_that_did_best_there_are_kept():
    batches, validation = [delayed(0)] * 20, delayed(1)
    model = network()
    history = fit(model, Adam(model, 0.5), batches, validation=validation, every=4)  # far too fast
    steps, costs = zip(*history.validation, strict=True)
    assert steps == (4, 8, 12, 16, 20)
    assert history.best_cost == min(costs)
    assert history.best_step == steps[np.argmin(costs)] == 12
    assert evaluate(model, *validation) == history.best_cost
    assert_same(model.state_dict(), after(history.best_step, batches, lr=0.5))


def test_a_training_that_ends_before_the_first_validation_is_not_thrown_away():
    """With ``every=25`` and 10 batches the model must not be given back as it was."""
    validation = delayed(1)
    model = network()
    before = evaluate(model, *validation)
    history = fit(model, Adam(model, 0.03), [delayed(seed) for seed in range(10)], validation=validation, every=25)
    assert evaluate(model, *validation) < before
    assert history.best_step > 0


def test_the_updates_after_the_last_validation_are_judged_too():
    validation = delayed(1)
    model = network()
    history = fit(model, Adam(model, 0.03), [delayed(seed) for seed in range(9)], validation=validation, every=5)
    assert [step for step, _ in history.validation] == [5, 9]


@pytest.mark.parametrize("every", [0, -1])
def test_validation_cannot_be_every_zero_updates(every):
    model = network()
    with pytest.raises(ValueError, match=f"every.*{every}"):
        fit(model, SGD(model, 0.1), [delayed(0)], validation=delayed(1), every=every)


# -- what is reported -------------------------------------------------------------------------------------------------


def test_the_history_has_one_entry_an_update():
    model = network()
    batches = [delayed(seed) for seed in range(7)]
    history = fit(model, SGD(model, 0.1, max_norm=1e-3), batches)
    assert len(history.costs) == len(history.norms) == len(history.clipped) == 7
    assert history.validation == []
    assert history.costs[0] == pytest.approx(evaluate(network(), *batches[0]), rel=1e-15)


def test_clipping_is_flagged():
    batches = [delayed(seed) for seed in range(6)]
    model = network()
    free = fit(model, SGD(model, 1e-9), batches)
    limit = float(np.median(free.norms))
    model = network()
    history = fit(model, SGD(model, 1e-9, max_norm=limit), batches)
    np.testing.assert_allclose(history.norms, free.norms, rtol=1e-6)  # those before clipping
    assert history.clipped == [norm > limit for norm in history.norms]
    assert sum(history.clipped) == 3
    assert not any(free.clipped)


def test_the_gradient_norm_is_that_of_the_whole_gradient():
    model = network()
    history = fit(model, SGD(model, 0.1), [delayed(0)])
    other = network()
    unroll(other, *delayed(0)[:2]).cost.backward()
    gradient = np.concatenate([parameter.grad.ravel() for parameter in other.parameters().values()])
    assert history.norms == [pytest.approx(np.linalg.norm(gradient), rel=1e-12)]


def test_no_batches_change_nothing():
    model = network()
    history = fit(model, SGD(model, 0.1), [])
    assert history.costs == []
    assert history.best is None
    assert_same(model.state_dict(), network().state_dict())


def test_windows_of_length_1_are_warned_of_once():
    """The gradient of W is Σ δ^z_t h_{t-1}ᵀ, and h_0 is 0."""
    model = network()
    batches = [delayed(seed, T=1) for seed in range(3)]
    with pytest.warns(UserWarning, match="length 1 .*gradient of exactly 0: use longer windows") as caught:
        fit(model, SGD(model, 0.1), batches)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert "fit(model, SGD" in linecache.getline(__file__, caught[0].lineno)
    np.testing.assert_array_equal(model.W.grad, 0)
    np.testing.assert_array_equal(model.W.data, network().W.data)


def test_without_a_bar_it_is_silent(capsys):
    model = network()
    fit(model, SGD(model, 0.1), [delayed(0)])
    assert capsys.readouterr() == ("", "")


# -- how it ends ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("progress", [False, True])
def test_ctrl_c_leaves_the_last_whole_update_and_says_how_to_go_on(progress, tmp_path, capsys):
    batches = [delayed(seed) for seed in range(12)]
    model, path = network(), tmp_path / "run.npz"
    history = fit(
        model,
        Adam(model, 0.05),
        raised_after(batches, KeyboardInterrupt),
        validation=delayed(99),
        every=5,
        checkpoint=path,
        progress=progress,
    )
    assert history.interrupted
    assert history.steps == len(history.costs) == len(history.norms) == len(history.clipped) == 12
    expected = after(12, batches)
    for state in (model.state_dict(), history.last, checkpoints.read(path).last):
        assert_same(state, expected)
    assert_same(history.best, after(history.best_step, batches))
    said = capsys.readouterr().err
    assert f"interrupted after 12 updates, where model and optimizer stand: resume={str(path)!r} goes on" in said
    assert f"(after {history.best_step}, cost {history.best_cost:.4g}) are in history.best" in said


def test_ctrl_c_without_a_checkpoint(capsys):
    model = network()
    assert fit(model, SGD(model, 0.1), raised_after([delayed(0)], KeyboardInterrupt)).interrupted
    said = capsys.readouterr().err
    assert "interrupted after 1 updates" in said
    assert "with checkpoint=FILE another process could go on from there\n" in said


def test_ctrl_c_before_the_first_update(tmp_path):
    model, path = network(), tmp_path / "run.npz"
    history = fit(model, SGD(model, 0.1), raised_after([], KeyboardInterrupt), checkpoint=path)
    assert history.interrupted
    assert_same(model.state_dict(), network().state_dict())
    assert checkpoints.read(path).steps == 0


def test_ctrl_c_before_the_first_validation_is_no_reason_to_throw_the_training_away():
    validation = delayed(1)
    model = network()
    batches = raised_after([delayed(seed) for seed in range(10)], KeyboardInterrupt)
    history = fit(model, Adam(model, 0.03), batches, validation=validation, every=25)
    assert history.interrupted
    assert evaluate(model, *validation) < evaluate(network(), *validation)


def test_ctrl_c_in_the_middle_of_an_update():
    """Some parameters may have moved and others not; what is kept was whole."""

    class Interrupted(SGD):
        def update(self, name, gradient):
            if self.steps == 5 and name == "V":
                raise KeyboardInterrupt
            return super().update(name, gradient)

    model = network()
    history = fit(model, Interrupted(model, 0.1), [delayed(0)] * 10)
    assert history.interrupted
    assert len(history.costs) == 4
    reference = network()
    fit(reference, SGD(reference, 0.1), [delayed(0)] * 4)
    assert_same(model.state_dict(), reference.state_dict())


@pytest.mark.parametrize("error", [RuntimeError("no more data"), FloatingPointError("exploded")])
@pytest.mark.parametrize("validation", [None, delayed(0)])
def test_an_error_leaves_the_best_parameters_too(error, validation, tmp_path):
    """Whatever happens, the file says. A gradient that explodes is the likeliest of all ends."""
    model, path = network(), tmp_path / "run.npz"
    optimizer = Adam(model)
    batches = raised_after(going_astray(optimizer, 15), error)
    with pytest.raises(type(error), match=str(error)):
        fit(model, optimizer, batches, checkpoint=path, validation=validation, every=1)
    found = checkpoints.read(path)
    assert found.steps == 15
    if validation is None:
        assert_same(found.last, model.state_dict())
        return
    assert found.history.best_step == 10
    expected = after(10, [delayed(0)] * 10, lr=0.01)
    assert_same(model.state_dict(), expected)
    assert_same(found.best, expected)


def test_a_checkpoint_that_cannot_be_written_shows_itself_before_the_training(tmp_path):
    model, path = network(), tmp_path / "nowhere" / "run.npz"
    with pytest.raises(FileNotFoundError, match="nowhere"):
        fit(model, Adam(model, 0.05), raised_after([], AssertionError), checkpoint=path)


def test_a_checkpoint_that_cannot_be_written_any_more_costs_no_training(tmp_path, capsys):
    batches = [delayed(seed) for seed in range(10)]
    folder = tmp_path / "here"
    for error in (None, KeyboardInterrupt):

        def going(error=error):
            for number, batch in enumerate(batches):
                if number == 7:
                    shutil.rmtree(folder)
                yield batch
            if error is not None:
                raise error

        folder.mkdir()
        model = network()
        with pytest.raises(FileNotFoundError, match="here"):
            fit(model, Adam(model, 0.05), going(), checkpoint=folder / "run.npz")
        assert_same(model.state_dict(), after(10, batches))
    assert "interrupted after 10 updates" in capsys.readouterr().err


def test_a_single_batch_is_not_a_sequence_of_batches():
    model = network()
    with pytest.raises(TypeError, match=r"\[\(xs, targets\), \.\.\.\]"):
        fit(model, SGD(model, 0.1), delayed(0))


# -- Ctrl-C, anywhere -------------------------------------------------------------------------------------------------


def test_ctrl_c_at_any_line_leaves_a_whole_number_of_updates():
    """Model, optimizer and history agree on how many updates there were, and on what was so after them."""
    xs, targets = np.random.default_rng(0).normal(size=(2, 6, 3, 1))
    batches = [(xs, targets)] * 4

    def start():
        model = RNN(1, 2, 1, rng=0)
        return model, Adam(model, lr=0.1)

    memories = []
    for n in range(len(batches) + 1):
        model, optimizer = start()
        if n:
            fit(model, optimizer, batches[:n], validation=(xs, targets))
        memories.append(optimizer.state_dict())
    files = {sys.modules[each.__module__].__file__ for each in (updating.Training, Optimizer, Adam)}
    lines = 0

    def count(frame, event, arg):
        nonlocal lines
        if frame.f_code.co_filename not in files or frame.f_code.co_name == "undisturbed":  # a real one waits there
            return None
        lines += event == "line"
        if lines == stop:
            lines += 1  # once
            raise KeyboardInterrupt
        return count

    seen = set()
    for stop in range(30, 700, 11):
        model, optimizer = start()
        lines = 0
        sys.settrace(count)
        try:
            history = fit(model, optimizer, batches, validation=(xs, targets))
        except KeyboardInterrupt:
            continue  # outside of the loop, where nothing is caught
        finally:
            sys.settrace(None)
        n = len(history.costs)
        seen.add(n)
        assert len(history.norms) == len(history.clipped) == len(optimizer.history) == n
        state = optimizer.state_dict()
        assert all(np.array_equal(state[key], memories[n][key]) for key in state), (stop, n)
    assert len(seen) > 3


# -- tasks ------------------------------------------------------------------------------------------------------------


def test_a_task_is_trained_on_as_its_batches_would_be():
    task, model, other = Delayed(), network(), network()
    history = fit(model, task, optimizer=Adam(model, 0.05), updates=9, batch=8, seed=3, every=4)
    rng = np.random.default_rng(3)
    batches = [task.batch(rng, 8) for _ in range(9)]
    expected = fit(other, Adam(other, 0.05), batches, validation=task.validation, every=4, compile=True)
    assert_same(model.state_dict(), other.state_dict())
    assert history.costs == expected.costs
    assert history.validation == expected.validation
    assert [step for step, _ in history.validation] == [4, 8, 9]
    assert fit(network(), task, updates=2, validation=False).validation == []


def test_a_task_that_counts_the_last_step_only():
    task, model = Last(), network()
    history = fit(model, task, updates=1, batch=8)
    xs, targets, weights = task.batch(np.random.default_rng(0), 8)
    run = unroll(network(), xs, targets, at="last", weights=weights)
    assert history.costs == [run.cost.item()]
    assert evaluate(network(), xs, targets, weights, at="last") == run.cost.item()


@pytest.mark.parametrize("shape", [(6,), (6, 4)])
@pytest.mark.parametrize("share", [0.3, 1.0])
def test_the_cost_a_step_is_the_mean_of_what_counts(shape, share):
    """Whatever the weights are: a series is validated along the whole of it, and most of its steps only warm up."""
    xs, targets, _ = delayed(0)
    xs, targets, model = xs[:, :4], targets[:, :4], network()
    rng = np.random.default_rng(1)
    weights = rng.uniform(0, 2, size=shape) * (rng.uniform(size=shape) < share)
    errors = np.mean((unroll(model, xs, targets).outputs - targets) ** 2, axis=2)
    each = np.broadcast_to(weights.reshape(6, -1), errors.shape)
    expected = np.average(errors, weights=each)
    assert evaluate(model, xs, targets, 0 * weights) == 0
    assert evaluate(model, xs, targets, weights) == pytest.approx(expected, rel=1e-12)
    batch = Batch(xs, targets, weights)
    history = fit(model, SGD(model, 1e-30), [batch], validation=batch, every=1)
    assert history.costs == [pytest.approx(expected, rel=1e-12)]
    assert history.validation == [(1, pytest.approx(expected, rel=1e-12))]


def test_windows_cut_the_gradient():
    xs, targets, _ = delayed(0)
    for k in (2, 6, 10):
        model, other = network(), network()
        history = fit(model, SGD(model, 0.1), [(xs, targets)], truncate=k)
        passed = truncated_bptt(other, xs, targets, windows=k)
        SGD(other, 0.1).step()
        assert_same(model.state_dict(), other.state_dict())
        assert history.costs == [passed.cost / 6]


def test_a_penalty_is_added_to_what_is_differentiated_and_to_nothing_else():
    xs, targets, _ = delayed(0)
    model, other = network(), network()
    options = {"validation": (xs, targets), "keep": "last"}
    history = fit(model, SGD(model, 0.1), [(xs, targets)], penalty=lambda run: 3.0 * omega(run), **options)
    run = unroll(other, xs, targets)
    assert history.costs == [run.cost.item() / 6]
    (run.cost + 3.0 * omega(run)).backward()
    SGD(other, 0.1).step()
    assert_same(model.state_dict(), other.state_dict())
    assert history.validation == [(1, evaluate(other, xs, targets))]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda m: fit(m, Delayed(), truncate=2, penalty=omega),
            "penalty= needs whole runs, and truncate= leaves none",
        ),
        (lambda m: fit(m), "write fit"),
        (lambda m: fit(m, SGD(m, 0.1)), "write fit"),
        (lambda m: fit(m, SGD(m, 0.1), [], updates=3), "write fit"),
        (lambda m: fit(m, Delayed(), []), "write fit"),
        (lambda m: fit(m, Delayed(), cost="cross_entropy"), "the task says what is trained on"),
        (lambda m: fit(m, [delayed(0)]), "the task says what is trained on"),
        (lambda m: fit(m, Delayed(), updates=0), "updates=0: a whole number of at least 1"),
        (lambda m: fit(m, Delayed(), batch=1.5), "batch=1.5: a whole number of at least 1"),
        (lambda m: fit(m, Delayed(), truncate=0), "truncate=0: a whole number of at least 1"),
        (lambda m: fit(m, Delayed(), patience=True), "patience=True: a whole number of at least 1"),
        (lambda m: fit(m, Delayed(), configuration={"f": np.tanh}), "the configuration is stored as JSON"),
        (lambda m: fit(m, SGD(m, 0.1), [(np.zeros((2, 1, 1)), None)]), "without targets"),
    ],
)
def test_what_cannot_be_trained(call, said):
    model = network()
    with pytest.raises((TypeError, ValueError), match=said):
        call(model)
    assert_same(model.state_dict(), network().state_dict())
