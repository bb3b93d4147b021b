"""A copy is a tensor of its own: by copy, deepcopy and pickle, in this process and in another."""

from __future__ import annotations

import copy
import math
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.copies import Recording
from minigrad.engine.ancestors import ancestors

COPIES = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    **{f"pickle {n}": lambda x, n=n: pickle.loads(pickle.dumps(x, n)) for n in range(pickle.HIGHEST_PROTOCOL + 1)},
}
every_way = pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES.keys())


def leaf(data, name=None):
    return mg.Tensor(data, requires_grad=True, name=name)


@every_way
def test_a_copy_of_a_leaf_is_another_leaf(copied):
    with mg.scope("inside"):
        a = leaf([1.0, 2.0], "a")
    a.backward([7.0, 7.0])
    b = copied(a)
    assert (b.name, b.scope, b.requires_grad, b.fn) == ("a", ("inside",), True, None)
    assert b.index > a.index
    np.testing.assert_array_equal(b.grad, a.grad)
    assert not np.shares_memory(a.grad, b.grad)
    assert not np.shares_memory(a.data, b.data)
    for array in (b.data, b.grad):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    a.grad = b.grad = None
    (np.sum(3 * a) + np.sum(5 * b)).backward()
    np.testing.assert_array_equal([a.grad, b.grad], [[3, 3], [5, 5]])


@every_way
def test_what_needs_no_gradient_needs_none_as_a_copy(copied):
    t = copied(mg.Tensor(np.arange(3)))
    assert (t.requires_grad, t.dtype) == (False, np.dtype(int))


def test_a_shallow_copy_of_a_result_was_made_from_the_same():
    x = leaf(0.5)
    y = np.tanh(x)
    twin = copy.copy(y)
    assert twin.args == y.args
    (2 * y + 3 * twin).backward()
    assert x.grad == pytest.approx(5 * (1 - math.tanh(0.5) ** 2))


def test_a_deep_copy_of_a_result_has_a_graph_of_its_own():
    x, c = leaf([0.5, 1.0], "x"), mg.Tensor([2.0, 3.0])
    h = x * c
    y, (h2, x2) = np.sum(h * h), copy.deepcopy([h, x])
    (again, h3) = copy.deepcopy((y, h))
    assert h2.args[0] is x2 is not x
    assert again.args[0].args[0] is h3 is not h
    again.backward()
    assert x.grad is None
    np.testing.assert_allclose(h3.args[0].grad, 2 * x.data * c.data**2)


class Net(mg.Module):
    def __init__(self):
        self.W = leaf(np.eye(2), "W")

    def __call__(self, x):
        return np.sum(np.tanh(self.W @ x))


@pytest.mark.parametrize("copied", [copy.deepcopy, COPIES["pickle 5"]])
def test_models_and_their_optimizers_stay_together(copied):
    """A moving average of a model, two of one architecture: what trains one leaves the other alone."""
    net = Net()
    optimizer = mg.optim.Adam(net, lr=0.1)
    twin, twins_optimizer = copied((net, optimizer))
    for _ in range(2):
        (net(np.ones(2)) + twin(np.array([1.0, -1.0]))).backward()
        before = twin.W.data
        optimizer.step()
        assert twin.W.data is before
        twins_optimizer.step()
        assert twin.W.data is not before
        optimizer.zero_grad()
        twins_optimizer.zero_grad()
    assert not np.allclose(net.W.data, twin.W.data)


def test_a_result_alone_is_not_pickled_and_the_way_out_is():
    y = np.tanh(leaf(1.0)) * 2
    with pytest.raises(TypeError, match=r"made by multiply cannot be pickled .*t\.detach\(\).*Recording"):
        pickle.dumps(y)
    assert pickle.loads(pickle.dumps(y.detach())).data == y.data


@pytest.mark.parametrize("copied", [copy.deepcopy, COPIES["pickle 5"]])
def test_a_recording_is_a_graph_that_can_be_sent(copied):
    x = leaf(np.arange(4.0), "x")
    h = x[np.array([0, 0, 3])]
    y = np.sum(h.reshape(3, 1) * np.array([2.0, 3.0]), axis=0)
    h2, y2, x2 = copied(Recording.of([h, y, x])).tensors()
    np.testing.assert_array_equal(y2.data, y.data)
    (g, gh) = mg.gradients(y2, [x2, h2], np.ones(2))
    np.testing.assert_array_equal(g, [10, 0, 0, 5])
    np.testing.assert_array_equal(gh, [5, 5, 5])
    for tensor in ancestors([y2], constants=True):
        assert not tensor.data.flags.writeable
        assert all(not arg.flags.writeable for arg in tensor.args if isinstance(arg, np.ndarray))


def test_depth_is_no_obstacle():
    x = y = leaf(1.0)
    for _ in range(20_000):
        y = y * 1.0001
    for x2, y2 in (copy.deepcopy((x, y)), pickle.loads(pickle.dumps(Recording.of([x, y]))).tensors()):
        assert mg.gradients(y2, [x2])[0] == pytest.approx(1.0001**20_000)


def test_a_stale_graph_is_not_copied():
    W = leaf(2.0, "W")
    y = W * W
    W.data = 3.0
    with pytest.raises(mg.StaleGraphError, match=r"the data of W \(\) was assigned .* before copying it"):
        copy.deepcopy(y)


# -- any program, copied at any place ---------------------------------------------------------------------------------

OPERATIONS = {
    "add": (lambda a, b: a + b, lambda a, b: (1.0, 1.0)),
    "multiply": (lambda a, b: a * b, lambda a, b: (b, a)),
    "tanh": (lambda a, b: np.tanh(a) - b, lambda a, b: (1 - math.tanh(a) ** 2, -1.0)),
}
STEPS = st.lists(
    st.tuples(st.sampled_from([*OPERATIONS, "copy", "deepcopy", "recording"]), st.integers(0, 99), st.integers(0, 99)),
    min_size=2,
    max_size=25,
)


@given(STEPS)
def test_any_program_copied_at_any_place_has_the_gradients_of_the_formula(steps):
    """Slopes with respect to every leaf there is, carried along by hand; copies of leaves are leaves of their own."""
    leaves = [leaf(0.3), leaf(-0.7)]
    known = [(x, x.item(), {x.index: 1.0}) for x in leaves]
    for what, i, j in steps:
        (a, x, dx), (b, y, dy) = known[i % len(known)], known[j % len(known)]
        if what in OPERATIONS:
            f, partial = OPERATIONS[what]
            along = dict(zip("ab", partial(x, y), strict=True))
            slopes = {k: along["a"] * dx.get(k, 0.0) + along["b"] * dy.get(k, 0.0) for k in dx.keys() | dy.keys()}
            known.append((f(a, b), float(f(x, y)), slopes))
        elif what == "copy":
            twin = copy.copy(a)
            known.append((twin, x, {twin.index: 1.0} if a.fn is None else dx))
            leaves += [twin] if a.fn is None else []
        else:
            old = [t for t in ancestors([a, b]) if t.fn is None]
            everything = [a, b, *old]
            news = copy.deepcopy(everything) if what == "deepcopy" else sent(everything)
            leaves += news[2:]
            renamed = {t.index: new.index for t, new in zip(old, news[2:], strict=True)}
            known.append((news[0], x, {renamed[k]: slope for k, slope in dx.items()}))
            known.append((news[1], y, {renamed[k]: slope for k, slope in dy.items()}))
    for tensor, value, slopes in known:
        assert tensor.item() == pytest.approx(value, rel=1e-9, abs=1e-12)
        found = mg.gradients(tensor, leaves)
        np.testing.assert_allclose(found, [slopes.get(x.index, 0.0) for x in leaves], rtol=1e-9, atol=1e-12)


def sent(tensors):
    return pickle.loads(pickle.dumps(Recording.of(tensors))).tensors()


# -- other processes --------------------------------------------------------------------------------------------------


def trained(model):
    """In another process: one step, with tensors that were made there before the model arrived."""
    [leaf(0.0) for _ in range(100)]
    model(np.ones(2)).backward()
    mg.optim.SGD(model, lr=0.5).step()
    return model


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_models_go_to_other_processes_and_come_back(method):
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {method} on this system")
    net = Net()
    with ProcessPoolExecutor(2, multiprocessing.get_context(method)) as executor:
        nets = list(executor.map(trained, [net, net]))
    assert not any(np.array_equal(other.W.data, net.W.data) for other in nets)
    for each in nets:
        each.zero_grad()
    (net(np.ones(2)) + nets[0](np.ones(2)) + 2 * nets[1](np.ones(2))).backward()
    np.testing.assert_allclose(nets[1].W.grad, 2 * nets[0].W.grad, rtol=1e-12)
    np.testing.assert_allclose(net.W.grad, 1 - np.tanh(1) ** 2 * np.ones((2, 2)), rtol=1e-12)


# -- what holds tensors -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def run():
    xs = np.random.default_rng(0).normal(size=(3000, 2))
    return mg.rnn.unroll(mg.rnn.RNN(2, 4, 1), xs, xs[:, :1].copy())


@pytest.mark.parametrize("copied", [copy.deepcopy, COPIES["pickle 5"]])
def test_a_run_keeps_its_graph_and_its_model(copied, run):
    if copied is copy.deepcopy:
        model, twin, last = copied((run.model, run, run["C"][-1]))
        assert last is twin["C"][-1]
    else:
        model, twin = copied((run.model, run))
    assert twin.model is model is not run.model
    assert repr(twin) == repr(run)
    assert twin.steps[0].keys() == run.steps[0].keys()
    np.testing.assert_array_equal(twin.outputs, run.outputs)
    parameters = [list(each.model.parameters().values()) for each in (run, twin)]
    ours, theirs = (mg.gradients(each.cost, some) for each, some in zip((run, twin), parameters, strict=True))
    for g, exact in zip(theirs, ours, strict=True):
        np.testing.assert_array_equal(g, exact)
    np.testing.assert_array_equal(mg.rnn.flow.gradient_norms(twin), mg.rnn.flow.gradient_norms(run))


@pytest.mark.parametrize("steps", [1, 4])
@pytest.mark.parametrize("hidden", [True, False])
def test_a_run_of_every_kind_is_pickled(steps, hidden):
    xs, targets = np.ones((steps, 2, 1)), np.zeros((steps, 2, 1))
    model = mg.rnn.OutputFeedbackRNN(1, 3, 1, hidden=hidden)
    for run in (mg.rnn.unroll(model, xs), mg.rnn.unroll(model, xs, targets, teacher_forcing=True)):
        twin = COPIES["pickle 5"](run)
        assert (twin.forced, len(twin.targets), twin.cost is None) == (run.forced, len(run.targets), run.cost is None)
        assert [step.keys() for step in twin.carried] == [step.keys() for step in run.carried]
        assert mg.rnn.draw(twin, color="none").source == mg.rnn.draw(run, color="none").source


@every_way
def test_networks_histories_and_reports_are_copied(copied):
    x, (xs, targets) = np.array([0.5, 1.0]), np.random.default_rng(0).normal(size=(2, 5, 2, 1))
    for f, g in (("tanh", "identity"), ("relu", "softmax"), ("logistic", "tanh"), ("identity", "relu")):
        model = mg.rnn.RNN(1, 2, 1, f=f, g=g)
        history = mg.rnn.fit(model, mg.optim.SGD(model, lr=0.1, momentum=0.5), [(xs, targets)] * 2)
        assert copied(history).costs == history.costs
        assert repr(copied(model)) == repr(model)
    for report in (
        mg.testing.grad_report(np.tanh, (x,)),
        mg.testing.vjp_report(np.sin, lambda g, x: g, (x,)),
        mg.rnn.spectral.classify(np.eye(2)),
        mg.rnn.spectral.expand(0.5 * np.eye(2), x),
    ):
        assert str(copied(report)) == str(report)
