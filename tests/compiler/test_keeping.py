"""A step of training is a program, whatever the optimizer and what it clips by; it has happened, or it has not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad import Module, Tensor, compile, optim, rnn, value_and_grad
from minigrad.compiler.compiled import Compiled
from minigrad.compiler.traced import Refused
from minigrad.optim import schedules

OPTIMIZERS: dict[str, Callable[..., optim.Optimizer]] = {
    "SGD": lambda p, **o: optim.SGD(p, **{"lr": 0.1} | o),
    "momentum": lambda p, **o: optim.SGD(p, **{"lr": 0.05} | o, momentum=0.9, dampening=0.5),
    "Nesterov": lambda p, **o: optim.SGD(p, **{"lr": 0.05} | o, momentum=0.5, nesterov=True),
    "Adam": lambda p, **o: optim.Adam(p, **o),
    "AMSGrad": lambda p, **o: optim.Adam(p, **o, amsgrad=True),
    "AdamW": lambda p, **o: optim.AdamW(p, **o),
    "NAdam": lambda p, **o: optim.NAdam(p, **o),
    "RAdam": lambda p, **o: optim.RAdam(p, **o, betas=(0.8, 0.9)),
    "Adamax": lambda p, **o: optim.Adamax(p, **o),
    "Adagrad": lambda p, **o: optim.Adagrad(p, **o, lr_decay=0.1),
    "Adadelta": lambda p, **o: optim.Adadelta(p, **o),
    "RMSProp": lambda p, **o: optim.RMSProp(p, **o, centered=True, momentum=0.5),
}
CLIPS: dict[str, Any] = {
    "none": None,
    "norm": optim.ByNorm(1.0),
    "norm, p = 1": optim.ByNorm(1.0, p=1),
    "each": optim.EachByNorm(0.5),
    "value": optim.ByValue(0.1),
    "adaptively": optim.AGC(0.1),
    "by percentile": optim.AutoClip(40),
    "of the last": optim.AutoClip(60, window=3),
}
RATES: dict[str, Any] = {
    "constant": 0.01,
    "schedule": schedules.Warmup(schedules.Cosine(0.02, 8), 3),
    "function": lambda n: 0.02 / (1 + n),
}
RNG = np.random.default_rng(0)
XS, YS = RNG.normal(size=(12, 6, 3, 2)), RNG.normal(size=(12, 6, 3, 1))


class Net(Module):
    """A parameter in two places, one without a gradient, and a tensor that is not trained."""

    def __init__(self, dtype: Any) -> None:
        self.rnn = rnn.RNN(2, 4, 1, rng=1, dtype=dtype)
        self.again, self.number = self.rnn.W, Tensor(0.5, True, dtype=dtype)
        self.unused, self.fixed = Tensor(np.ones(2), True, dtype=dtype), Tensor(np.ones((4, 4)), dtype=dtype)


class Trained:
    """A model, an optimizer, and an update."""

    def __init__(self, name: str, dtype: Any = "float64", **options: Any) -> None:
        model = self.model = Net(dtype)
        optimizer = self.optimizer = OPTIMIZERS[name](model, **options)

        def update(xs: Any, ys: Any, factor: Any) -> Any:
            optimizer.zero_grad()
            cost = rnn.unroll(model.rnn, xs, ys).cost + model.number * np.sum((model.fixed * model.again) ** 2)
            (factor * cost).backward()
            return cost, optimizer.step()

        self.update = update

    def state(self) -> dict[str, Any]:
        grads = {f"grad {name}": p.grad for name, p in self.model.parameters().items()}
        return self.model.state_dict() | grads | self.optimizer.state_dict()


def same(one: Trained, other: Trained, exact: bool, dtype: Any = "float64") -> None:
    a, b = one.state(), other.state()
    assert a.keys() == b.keys()
    for name, value in a.items():
        assert (value is None) == (b[name] is None)
        if value is not None:
            assert value.dtype == b[name].dtype and value.shape == b[name].shape
            if exact:
                np.testing.assert_array_equal(value, b[name], err_msg=name)
            else:
                np.testing.assert_allclose(value, b[name], rtol=1e-10 if dtype == "float64" else 1e-3, atol=1e-6)
    if exact:
        assert repr(one.optimizer.history) == repr(other.optimizer.history)  # NaN is not NaN
    assert [step.skipped for step in one.optimizer.history] == [step.skipped for step in other.optimizer.history]
    assert one.optimizer.norms == pytest.approx(other.optimizer.norms, rel=1e-5)
    assert all(type(norm) is float for norm in one.optimizer.norms)


def told(update: Any, *args: Any) -> tuple[Any, str]:
    """What it gives, or what error it raises."""
    try:
        return update(*args), ""
    except FloatingPointError as error:
        return None, str(error)


@settings(max_examples=settings.default.max_examples // 2)
@given(
    st.sampled_from(sorted(OPTIMIZERS)),
    st.sampled_from(sorted(CLIPS)),
    st.sampled_from(sorted(RATES)),
    st.sampled_from([0.0, 0.1]),
    st.booleans(),
    st.sampled_from(["float64", "float32"]),
    st.lists(st.sampled_from([0.01, 1.0, 1.0, 30.0, np.inf, np.nan]), min_size=2, max_size=11),
)
def test_training_by_programs_is_training(
    name: str, clip: str, rate: str, decay: float, roll: bool, dtype: Any, factors: list[float]
) -> None:
    """All bits of parameters, gradients and memory, the same errors, and steps that are skipped."""
    options = {"clip": CLIPS[clip], "lr": RATES[rate], "weight_decay": decay}
    options["on_nonfinite"] = "raise" if len(factors) % 2 else "skip"
    here, there = Trained(name, dtype, **options), Trained(name, dtype, **options)
    step = compile(here.update, roll=roll)
    with np.errstate(invalid="ignore", over="ignore", under="ignore"):
        for k, factor in enumerate([1.0, *factors]):
            args = XS[k].astype(dtype), YS[k].astype(dtype), np.array(factor, dtype)
            expected, error = told(there.update, *args)
            before = here.state()
            found, raised = told(step, *args)
            assert raised == error
            if error:
                assert repr(here.state()) == repr(before)  # nothing is left, and no gradients either
                for one, other in zip(here.model.parameters().values(), there.model.parameters().values(), strict=True):
                    one.grad = other.grad
            else:
                assert found[0] == pytest.approx(expected[0].item(), rel=1e-5)
                assert found[1].skipped == expected[1].skipped
            same(here, there, not roll, dtype)
    assert step.report().traced == 1


def clipped(clip: Callable[..., Any]) -> Callable[..., Any]:
    """An update that clips by hand."""

    def update(model: Any, xs: Any, ys: Any, factor: Any) -> Any:
        cost, grads = value_and_grad(lambda model: factor * rnn.unroll(model, xs, ys).cost)(model)
        found = clip([*grads.values(), None], [p.data for p in model.parameters().values()])
        for p, g in zip(model.parameters().values(), found.grads[:-1], strict=True):
            p.data = p.data - 0.1 * g
        return cost, found.norm, found.scale, found.clipped, optim.global_norm(grads.values(), p=3)

    return update


@pytest.mark.parametrize(
    "clip",
    [
        lambda grads, weights: optim.clip_by_norm(grads, 1.0),
        lambda grads, weights: optim.clip_each_by_norm(grads, 0.5, p=1),
        lambda grads, weights: optim.clip_by_value(iter(grads), 0.1),
        lambda grads, weights: optim.clip_adaptively(grads, [*weights, np.ones(1)], 0.1),
    ],
)
def test_clipping_decides_at_every_run(clip: Any) -> None:
    update, here, there = clipped(clip), rnn.RNN(2, 4, 1, rng=1), rnn.RNN(2, 4, 1, rng=1)
    step = compile(update, roll=False)
    for k, factor in enumerate(np.array([1.0, 0.01, 30.0, 0.001])):
        for found, expected in zip(step(here, XS[k], YS[k], factor), update(there, XS[k], YS[k], factor), strict=True):
            assert found == (expected.item() if isinstance(expected, Tensor) else expected)
    assert all(np.array_equal(value, there.state_dict()[name]) for name, value in here.state_dict().items())
    with pytest.raises(FloatingPointError, match="the gradient of parameter 0"):
        step(here, XS[0], YS[0], np.float64(np.nan))
    assert step.report().traced == 1


def test_an_interrupted_assignment_has_not_happened(monkeypatch: pytest.MonkeyPatch) -> None:
    here = Trained("Adam", clip=optim.AutoClip(50))
    step = compile(here.update)
    step(XS[0], YS[0], np.array(1.0))
    before, history = repr(here.state()), list(here.optimizer.history)

    def interrupted(self: Any, step: Any) -> None:
        note(self, step)
        raise KeyboardInterrupt

    note = optim.Optimizer._note
    with monkeypatch.context() as patched:
        patched.setattr(optim.Optimizer, "_note", interrupted)
        with pytest.raises(KeyboardInterrupt):
            step(XS[1], YS[1], np.array(1.0))
    assert repr(here.state()) == before and here.optimizer.history == history and here.optimizer.steps == 1
    there = Trained("Adam", clip=optim.AutoClip(50))
    for k in (0, 1):
        there.update(XS[k], YS[k], 1.0)
    step(XS[1], YS[1], np.array(1.0))
    same(here, there, exact=False)


def test_gradients_are_those_of_this_call_or_added_up_in_it() -> None:
    model = rnn.RNN(2, 4, 1)

    def twice(xs: Any, ys: Any) -> None:
        model.zero_grad()
        for _ in range(2):
            rnn.unroll(model, xs, ys).cost.backward()

    step = compile(twice)
    assert step(XS[0], YS[0]) is None
    found = {name: p.grad for name, p in model.parameters().items()}
    twice(XS[0], YS[0])
    for name, p in model.parameters().items():
        np.testing.assert_allclose(found[name], p.grad, rtol=1e-12)
        assert not found[name].flags.writeable  # type: ignore[union-attr]
    forgotten = compile(lambda x: model.zero_grad())
    forgotten(1.0)
    assert all(p.grad is None for p in model.parameters().values())
    with pytest.raises(Refused, match="to those of the call before"):
        compile(lambda xs, ys: rnn.unroll(model, xs, ys).cost.backward())(XS[0], YS[0])
    with pytest.raises(Refused, match="two runs"):
        compile(lambda x: x if model.W.grad is None else 2 * x)(np.ones(2))


def after(optimizer: Any, **changes: Any) -> Any:
    """An update, and then something else."""

    def update(xs: Any, ys: Any) -> Any:
        optimizer.zero_grad()
        cost = np.sum(optimizer.parameters["W"] @ xs[0, 0])
        cost.backward()
        optimizer.step()
        return changes["then"](optimizer, cost)

    return update


SCALE = np.array(0.5)


class Scaled(optim.SGD):
    def update(self, name: str, gradient: Any) -> Any:
        return gradient * SCALE


def test_an_optimizer_of_the_users_uses_what_it_uses_now() -> None:
    optimizer = Scaled({"W": Tensor(np.ones((2, 2)), True)}, lr=1.0)
    step = compile(after(optimizer, then=lambda o, c: c))
    for scale in (0.5, 0.25):
        SCALE[...] = scale
        before = optimizer.parameters["W"].data
        step(XS[0], YS[0])
        np.testing.assert_allclose(before - optimizer.parameters["W"].data, scale * optimizer.parameters["W"].grad)
    assert step.report().traced == 1


class Counting(optim.SGD):
    count = 0

    def update(self, name: str, gradient: Any) -> Any:
        self.count += 1
        return gradient


@pytest.mark.parametrize(
    ("made", "then", "told"),
    [
        (lambda p: optim.SGD(p, lr=0.1), lambda o, c: len(o.history), "optimizer.history is looked at"),
        (lambda p: optim.SGD(p, lr=0.1), lambda o, c: o.history[-1].norm, "optimizer.history is looked at"),
        (lambda p: optim.SGD(p, lr=0.1), lambda o, c: 1 if o.steps else 2, "optimizer.steps is looked at"),
        (lambda p: optim.SGD(p, lr=0.1), lambda o, c: setattr(o, "lr", 0.2), "the learning rate is assigned outside"),
        (lambda p: optim.SGD(p, lr=0.1), lambda o, c: o.observe(c), "optimizer.observe hears of a cost"),
        (lambda p: optim.SGD(p, lr=lambda n: 0.1), lambda o, c: o.step(), "a second step"),
        (lambda p: optim.SGD(p, lr=0.1, clip=optim.AutoClip()), lambda o, c: o.step(), "a second step"),
        (lambda p: Counting(p, lr=0.1), lambda o, c: None, "Counting.count was changed"),
    ],
)
def test_what_a_program_cannot_know_of_an_optimizer_is_refused(made: Any, then: Any, told: str) -> None:
    with pytest.raises(Refused, match=told):
        compile(after(made({"W": Tensor(np.ones((2, 2)), True)}), then=then))(XS[0], YS[0])


def test_two_steps_and_the_learning_rate_are_in_the_program() -> None:
    made = []
    for compiled in (True, False):
        optimizer = optim.Adam({"W": Tensor(np.eye(2), True)}, lr=0.1)
        update = after(optimizer, then=lambda o, c: (o.step(), o.lr)[1])
        made.append((optimizer, compile(update, roll=False) if compiled else update))
    for k in range(4):
        for optimizer, update in made:
            optimizer.lr = 0.1 / (1 + k)
            assert update(XS[k], YS[k]) == 0.1 / (1 + k)
    one, other = (optimizer for optimizer, _ in made)
    assert one.history == other.history and one.steps == other.steps == 8
    assert np.array_equal(one.parameters["W"].data, other.parameters["W"].data)
    step: Compiled = made[0][1]  # type: ignore[assignment]
    assert step.report().traced == 1
    one.weight_decay = 0.5
    step(XS[0], YS[0])
    assert step.report().traced == 2  # an option is part of the program
