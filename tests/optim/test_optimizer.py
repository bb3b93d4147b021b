"""What all optimizers share: clipping, names, states, and what they refuse."""

from __future__ import annotations

import math
from inspect import signature

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.engine.ancestors import StaleGraphError
from minigrad.engine.tensor import Tensor
from minigrad.optim import SGD, Adadelta, Adagrad, Adam, Adamax, AdamW, NAdam, Optimizer, RAdam, RMSProp, Step
from tests.optim.steps import EVERY, GRADIENTS, parameter, run

BOTH = pytest.mark.parametrize("make", [EVERY["momentum"], EVERY["Adam"]], ids=["SGD", "Adam"])
KINDS = (SGD, RMSProp, Adagrad, Adadelta, Adam, AdamW, Adamax, NAdam, RAdam)
ALL = pytest.mark.parametrize("make", EVERY.values(), ids=EVERY)


# -- what all share ---------------------------------------------------------------------------------------------------


@BOTH
def test_they_find_the_minimum_of_a_quadratic(make):
    p = parameter([3.0, -2.0])
    optimizer = make([p])
    for _ in range(300):
        optimizer.zero_grad()
        ((p - np.array([1.0, 2.0])) ** 2).sum().backward()
        optimizer.step()
    np.testing.assert_allclose(p.data, [1.0, 2.0], atol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_dtype_is_kept_even_with_numpy_hyperparameters(kind, dtype):
    p, s = parameter([1.0, 2.0], dtype=dtype), parameter(1.0, dtype=dtype)
    half = np.float64(0.5)  # not weak, as Python's 0.5 is
    options = {option: half for option in ("momentum", "alpha", "rho", "eps") if option in signature(kind).parameters}
    if "betas" in signature(kind).parameters:
        options["betas"] = (half, half)
    optimizer = kind([p, s], half, weight_decay=half, max_norm=half, **options)
    for _ in range(3):
        optimizer.zero_grad()
        (p * p * s).sum().backward()
        optimizer.step()
    assert p.data.dtype == s.data.dtype == dtype
    memory = dtype if kind is SGD else np.promote_types(dtype, np.float32)
    arrays = {key: a for key, a in optimizer.state.items() if not key.endswith((".t", ".product"))}
    assert arrays
    assert all(type(a) is np.ndarray and a.dtype == memory for a in arrays.values())


@ALL
def test_the_old_graph_is_stale_after_a_step(make):
    p = parameter([1.0, 2.0], "p")
    cost = (p * p).sum()
    cost.backward()
    make([p]).step()
    with pytest.raises(StaleGraphError, match="the data of p"):
        cost.backward()
    before = p.grad
    p.grad = None
    (p * p).sum().backward()
    np.testing.assert_array_equal(p.grad, 2 * p.data)
    assert not np.array_equal(p.grad, before)


def test_the_accumulated_gradient_is_clipped_not_its_parts():
    p = parameter([0.0, 0.0])
    optimizer = SGD([p], 1.0, max_norm=1.0)
    for part in ([3.0, 0.0], [0.0, 4.0]):
        (p * np.array(part)).sum().backward()
    assert optimizer.step() == Step(norm=5.0, scale=0.2, clipped=True, skipped=False)
    assert p.data.tolist() == [-0.6, -0.8]
    assert p.grad.tolist() == [3.0, 4.0]  # what was accumulated stays there to be looked at


def test_without_max_norm_the_norm_is_measured_all_the_same():
    p, q = parameter([0.0]), parameter([0.0])
    p.grad, q.grad = np.array([3.0]), np.array([4.0])
    optimizer = SGD([p, q], 1.0)
    assert optimizer.step() == Step(5.0, 1.0, False, False)
    assert (p.data.item(), q.data.item()) == (-3.0, -4.0)
    assert optimizer.history == [Step(5.0, 1.0, False, False)]
    assert optimizer.steps == 1


@ALL
def test_zero_grad_forgets(make):
    p = parameter([1.0])
    optimizer = make([p])
    p.grad = np.array([1.0])
    optimizer.zero_grad()
    assert p.grad is None
    assert optimizer.step().norm == 0.0
    assert p.data.tolist() == [1.0]


@ALL
@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("max_norm", [None, 1.0])
def test_a_nonfinite_gradient_touches_nothing(make, bad, max_norm):
    p, q = parameter([1.0, 2.0], "p"), parameter([3.0], "q")
    graph = (p * p).sum()
    for policy in ("skip", "raise"):
        optimizer = make([p, q], max_norm=max_norm, on_nonfinite=policy)
        p.grad, q.grad = np.array([1.0, 1.0]), np.array([1.0])
        optimizer.step()
        p.data = [1.0, 2.0]
        before, values, index = optimizer.state_dict(), (p.data, q.data), (p.index, q.index)
        q.grad = np.array([bad])
        if policy == "skip":
            step = optimizer.step()
            assert step.skipped
            assert not step.clipped
            assert step.scale == 0.0
            assert not math.isfinite(step.norm)
            assert optimizer.history[-1] is step
        else:
            with pytest.raises(FloatingPointError, match="the gradient of q"):
                optimizer.step()
        assert p.data is values[0]
        assert q.data is values[1]
        assert (p.index, q.index) == index
        after = optimizer.state_dict()
        assert before.keys() == after.keys()
        assert optimizer.steps == 1
        assert all(np.array_equal(before[key], after[key]) for key in before)
    with pytest.raises(StaleGraphError):
        graph.backward()


def test_a_skipped_step_leaves_the_graph_usable():
    p = parameter([1.0, 2.0])
    cost = (p * p).sum()
    p.grad = np.array([math.nan, 0.0])
    SGD([p], 0.1, on_nonfinite="skip").step()
    p.grad = None
    cost.backward()
    assert p.grad.tolist() == [2.0, 4.0]


@ALL
def test_a_parameter_listed_twice_counts_once(make):
    p, q = parameter([0.0], "shared"), parameter([0.0], "shared")
    once, twice = make([p]), make([q, q])
    p.grad = q.grad = np.array([2.0])
    assert once.step() == twice.step()
    assert once.step().norm == 2.0
    twice.step()
    np.testing.assert_array_equal(p.data, q.data)
    assert list(twice.parameters) == ["shared"]


# -- parameters -------------------------------------------------------------------------------------------------------


class Model:
    def __init__(self):
        self.W, self.b = parameter(np.eye(2), "not this name"), parameter(np.zeros(2))

    def parameters(self):
        return {"cell.W": self.W, "cell.b": self.b, "tied": self.W}


def test_parameters_of_a_module_and_of_a_mapping_keep_their_names():
    model = Model()
    for source in (model, model.parameters()):
        assert SGD(source, 0.1).parameters == {"cell.W": model.W, "cell.b": model.b}


def test_parameters_of_a_list_are_called_by_their_own_names_or_positions():
    tensors = [parameter(1.0, "W"), parameter(2.0), parameter(3.0, "W")]
    for source in (tensors, iter(tensors)):
        named = SGD(source, 0.1).parameters
        assert list(named) == ["W", "parameters[1]", "parameters[2]"]
        assert all(a is b for a, b in zip(named.values(), tensors, strict=True))


@pytest.mark.parametrize("nothing", [[], {}, iter(())])
def test_no_parameters(nothing):
    with pytest.raises(ValueError, match="no parameters to train"):
        SGD(nothing, 0.1)


def test_parameters_that_cannot_be_trained():
    with pytest.raises(ValueError, match="W does not require grad"):
        SGD([Tensor([1.0], name="W")], 0.1)
    with pytest.raises(ValueError, match="W was computed by multiply"):
        SGD({"W": parameter([1.0]) * 2}, 0.1)
    with pytest.raises(TypeError, match=r"parameters\[0\] is a ndarray"):
        SGD([np.ones(2)], 0.1)
    with pytest.raises(TypeError, match="W is a float"):
        Adam({"W": 1.0})
    with pytest.raises(TypeError, match=r"write \[p\]"):
        Adam(parameter([1.0, 2.0]))


@pytest.mark.parametrize("lr", [0.0, -0.1, math.inf, math.nan])
def test_learning_rate_out_of_range(lr):
    for make in EVERY.values():
        with pytest.raises(ValueError, match=f"lr is {lr}; it has to be a finite number above 0"):
            make([parameter(1.0)], lr)
    optimizer = SGD([parameter(1.0)], 0.1)
    with pytest.raises(ValueError, match=f"lr is {lr}"):
        optimizer.lr = lr
    assert optimizer.lr == 0.1


@pytest.mark.parametrize(
    ("kind", "option", "values"),
    [
        (SGD, "momentum", [-0.1, 1.0, math.nan]),
        (SGD, "max_norm", [0.0, -1.0, math.nan]),
        (Adam, "max_norm", [0.0, -1.0, math.nan]),
        (Adam, "betas", [(0.9, 1.0), (-0.1, 0.9), (math.nan, 0.9), (0.9,)]),
        (SGD, "on_nonfinite", ["ignore"]),
        (SGD, "dampening", [-0.1, 1.0, math.nan]),
        (SGD, "nesterov", [True]),  # without momentum
        *[(kind, "weight_decay", [-0.1, math.inf, math.nan]) for kind in KINDS],
        *[(kind, "eps", [0.0, -1e-8, math.inf, math.nan]) for kind in KINDS if kind is not SGD],
        *[(kind, "betas", [(0.9, 1.0), (0.9,)]) for kind in (AdamW, Adamax, NAdam, RAdam)],
        (RMSProp, "alpha", [-0.1, 1.0, math.nan]),
        (RMSProp, "momentum", [-0.1, 1.0, math.nan]),
        (Adagrad, "lr_decay", [-0.1, math.inf]),
        (Adagrad, "initial_accumulator_value", [-0.1, math.inf]),
        (Adadelta, "rho", [-0.1, 1.0]),
        (NAdam, "momentum_decay", [-0.1, math.inf]),
    ],
)
def test_options_out_of_range(kind, option, values):
    for value in values:
        with pytest.raises(ValueError, match=f"{option} is .*; it has to be"):
            kind([parameter(1.0)], 0.1, **{option: value})


def test_the_base_class_has_no_rule_of_its_own():
    p = parameter([1.0])
    p.grad = np.ones(1)
    with pytest.raises(NotImplementedError):
        Optimizer([p], 0.1).step()


# -- to go on later ---------------------------------------------------------------------------------------------------


@ALL
@given(gradients=GRADIENTS, pause=st.integers(0, 6))
def test_a_resumed_run_is_the_same_run(make, gradients, pause):
    p = parameter(np.zeros(3), "W")
    through = run(make([p]), p, gradients)

    q = parameter(np.zeros(3), "W")
    first = make([q])
    run(first, q, gradients[:pause])
    saved = first.state_dict()
    run(first, q, gradients)  # must not reach what was saved

    r = parameter(through[pause - 1] if pause else np.zeros(3), "W")
    second = make([r])
    second.load_state_dict(saved)
    assert second.steps == pause
    np.testing.assert_array_equal(run(second, r, gradients[pause:]).reshape(-1, 3), through[pause:])


def test_state_is_arrays_by_name():
    p = parameter(np.zeros((2, 3)), "W")
    assert SGD([p], 0.1).state_dict() == {"steps": 0}
    assert SGD([p], 0.1, momentum=0.9).state_dict().keys() == {"steps", "W.v"}
    shapes = {key: value.shape for key, value in Adam([p]).state_dict().items()}
    assert shapes == {"steps": (), "W.m": (2, 3), "W.v": (2, 3), "W.t": ()}


def test_a_saved_state_shares_no_memory_with_the_optimizer():
    p = parameter([1.0], "W")
    adam = Adam([p])
    saved = adam.state_dict()
    adam.load_state_dict(saved)
    for array in (*saved.values(), *adam.state_dict().values()):
        array[...] = 7
    assert all(value == 0 for value in adam.state.values())
    assert adam.steps == 0


def test_a_foreign_state_is_refused_whole():
    adam = Adam([parameter(np.zeros(2), "W")])
    foreign = Adam([parameter(np.zeros(2), "U")]).state_dict()
    with pytest.raises(ValueError, match=r"\['W.m', 'W.t', 'W.v'\] are missing and \['U.m', 'U.t', 'U.v'\] unknown"):
        adam.load_state_dict(foreign)
    other = Adam([parameter(np.zeros(3), "W")]).state_dict() | {"steps": np.array(7)}
    with pytest.raises(ValueError, match=r"W.m has shape \(3,\) in this state, and \(2,\) here"):
        adam.load_state_dict(other)
    assert adam.steps == 0
    assert adam.state["W.m"].shape == (2,)


# -- half a step is none ----------------------------------------------------------------------------------------------


@ALL
@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_a_step_that_is_interrupted_anywhere_changes_nothing(make, error, monkeypatch):
    parameters = {name: Tensor(np.ones(2), requires_grad=True) for name in "abc"}
    optimizer = make(parameters)
    for p in parameters.values():
        p.grad = np.ones(2)
    optimizer.step()
    before = optimizer.state_dict(), {name: p.data for name, p in parameters.items()}, list(optimizer.history)
    calls, update, last = [], type(optimizer).update, 0

    def interrupted(self, name, gradient):
        calls.append(name)
        found = update(self, name, gradient)
        if len(calls) == last:
            raise error
        return found

    monkeypatch.setattr(type(optimizer), "update", interrupted)
    for last in (1, 2, 3):  # noqa: B007  # `interrupted` reads it
        calls.clear()
        with pytest.raises(error):
            optimizer.step()
        after = optimizer.state_dict()
        assert after.keys() == before[0].keys()
        assert all(np.array_equal(after[key], before[0][key]) for key in after)
        assert all(np.array_equal(parameters[name].data, value) for name, value in before[1].items())
        assert optimizer.history == before[2]
    monkeypatch.undo()
    optimizer.step()
    assert optimizer.steps == 2
