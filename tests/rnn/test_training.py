"""Training: that it learns, what it keeps, what it reports, and how it ends when it is ended."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from minigrad.optim import SGD, Adam, Optimizer
from minigrad.rnn.cells import RNN, OutputFeedbackRNN
from minigrad.rnn.training import evaluate, fit
from minigrad.rnn.unrolling import unroll
from minigrad.scopes import no_grad


def delayed(seed, T=6, B=8):
    """Echo the input of the step before: it has to be remembered."""
    xs = np.random.default_rng(seed).uniform(-1, 1, size=(T, B, 1))
    return xs, np.concatenate([np.zeros_like(xs[:1]), xs[:-1]])


def network(**options):
    return RNN(1, 5, 1, rng=0, **options)


def raised_after(batches, error):
    yield from batches
    raise error


def going_astray(optimizer, updates, seed=0):
    """One batch over and over, with a learning rate that is far too large from the 11th update on."""
    for update in range(updates):
        optimizer.lr = 0.01 if update < 10 else 5.0
        yield delayed(seed)


def assert_same(state, expected):
    assert state.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(state[name], value)


def after(updates, batches, lr=0.05):
    """The parameters after some steps of a training loop without any comfort."""
    model = network()
    optimizer = Adam(model, lr)
    for xs, targets in batches[:updates]:
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
    xs, targets = delayed(0)
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
    assert_same(model.state_dict(), after(history.best_step, batches))


def test_without_validation_the_parameters_of_the_cheapest_batch_are_kept():
    model = network()
    optimizer = Adam(model)
    history = fit(model, optimizer, going_astray(optimizer, 15))
    assert history.best_cost == min(history.costs) < history.costs[-1]
    assert history.costs[history.best_step] == history.best_cost
    assert history.best_step == 10
    assert evaluate(model, *delayed(0)) == pytest.approx(history.best_cost, rel=1e-12)
    assert_same(model.state_dict(), after(10, [delayed(0)] * 10, lr=0.01))


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
    unroll(other, *delayed(0)).cost.backward()
    gradient = np.concatenate([parameter.grad.ravel() for parameter in other.parameters().values()])
    assert history.norms == [pytest.approx(np.linalg.norm(gradient), rel=1e-12)]


def test_no_batches_change_nothing():
    model = network()
    history = fit(model, SGD(model, 0.1), [])
    assert history.costs == []
    assert history.best_cost == np.inf
    assert_same(model.state_dict(), network().state_dict())


def test_windows_of_length_1_are_warned_of_once():
    """The gradient of W is Σ δ^z_t h_{t-1}ᵀ, and h_0 is 0."""
    model = network()
    batches = [delayed(seed, T=1) for seed in range(3)]
    with pytest.warns(UserWarning, match="length 1 .*gradient of exactly 0: use longer windows") as caught:
        fit(model, SGD(model, 0.1), batches)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    np.testing.assert_array_equal(model.W.grad, 0)
    np.testing.assert_array_equal(model.W.data, network().W.data)


def test_a_bar_shows_the_cost_on_standard_error(capsys):
    pytest.importorskip("rich")
    model = network()
    for batches in ([delayed(seed) for seed in range(3)], (delayed(seed) for seed in range(3))):
        history = fit(model, SGD(model, 0.1, max_norm=1e-6), batches, progress=True)
        out, err = capsys.readouterr()
        assert out == ""
        assert "training" in err
        assert "3/" in err
        assert len(history.costs) == 3


def test_without_a_bar_it_is_silent(capsys):
    model = network()
    fit(model, SGD(model, 0.1), [delayed(0)])
    assert capsys.readouterr() == ("", "")


# -- how it ends ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("progress", [False, True])
def test_ctrl_c_leaves_the_best_parameters_in_the_model_and_in_a_file(progress, tmp_path, capsys):
    if progress:
        pytest.importorskip("rich")
    batches = [delayed(seed) for seed in range(12)]
    model, path = network(), tmp_path / "best.npz"
    history = fit(
        model, Adam(model, 0.05), raised_after(batches, KeyboardInterrupt), checkpoint=path, progress=progress
    )
    assert history.interrupted
    assert len(history.costs) == len(history.norms) == len(history.clipped) == 12
    assert history.best_cost == min(history.costs)
    expected = after(history.best_step, batches)
    assert_same(model.state_dict(), expected)
    other = network()
    other.load(path)
    assert_same(other.state_dict(), expected)
    said = capsys.readouterr().err
    assert "interrupted after 12 updates" in said
    assert f"in the model and in {path}" in said
    assert f"after {history.best_step}, cost {history.best_cost:.4g}" in said


def test_ctrl_c_without_a_checkpoint(capsys):
    model = network()
    assert fit(model, SGD(model, 0.1), raised_after([delayed(0)], KeyboardInterrupt)).interrupted
    said = capsys.readouterr().err
    assert "interrupted after 1 updates" in said
    assert "in the model\n" in said


def test_ctrl_c_before_the_first_update(tmp_path):
    model, path = network(), tmp_path / "best.npz"
    history = fit(model, SGD(model, 0.1), raised_after([], KeyboardInterrupt), checkpoint=path)
    assert history.interrupted
    assert_same(model.state_dict(), network().state_dict())
    assert path.exists()


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
    assert evaluate(model, *delayed(0)) == pytest.approx(history.best_cost, rel=1e-12)


@pytest.mark.parametrize("error", [RuntimeError("no more data"), FloatingPointError("exploded")])
def test_an_error_leaves_the_best_parameters_too(error, tmp_path):
    """Whatever happens, the file says. A gradient that explodes is the likeliest of all ends."""
    model, path = network(), tmp_path / "best.npz"
    optimizer = Adam(model)
    with pytest.raises(type(error), match=str(error)):
        fit(model, optimizer, raised_after(going_astray(optimizer, 15), error), checkpoint=path)
    expected = after(10, [delayed(0)] * 10, lr=0.01)
    assert_same(model.state_dict(), expected)
    other = network()
    other.load(path)
    assert_same(other.state_dict(), expected)


def test_a_checkpoint_is_written_at_the_end(tmp_path):
    model, path = network(), tmp_path / "best.npz"
    fit(model, SGD(model, 0.1), [delayed(0)] * 3, checkpoint=str(path))
    other = RNN(1, 5, 1, rng=1)
    other.load(path)
    assert_same(other.state_dict(), model.state_dict())
    assert [file.name for file in tmp_path.iterdir()] == ["best.npz"]


def test_a_checkpoint_that_cannot_be_written_costs_no_training(tmp_path):
    batches = [delayed(seed) for seed in range(10)]
    model, path = network(), tmp_path / "nowhere" / "best.npz"
    with pytest.raises(FileNotFoundError, match="nowhere"):
        fit(model, Adam(model, 0.05), batches, checkpoint=path)
    reference = network()
    fit(reference, Adam(reference, 0.05), batches)
    assert_same(model.state_dict(), reference.state_dict())


def test_ctrl_c_with_a_checkpoint_that_cannot_be_written_says_where_the_parameters_are(tmp_path, capsys):
    model = network()
    with pytest.raises(FileNotFoundError, match="nowhere"):
        fit(
            model,
            SGD(model, 0.1),
            raised_after([delayed(0)] * 3, KeyboardInterrupt),
            checkpoint=tmp_path / "nowhere" / "best.npz",
        )
    assert "interrupted after 3 updates" in capsys.readouterr().err
    assert evaluate(model, *delayed(0)) < evaluate(network(), *delayed(0))


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
    files = {sys.modules[each.__module__].__file__ for each in (fit, Optimizer, Adam)}
    lines = 0

    def count(frame, event, arg):
        nonlocal lines
        if frame.f_code.co_filename not in files:
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
