"""Every method against reference trajectories, and against PyTorch itself where that is installed."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad import optim
from minigrad.engine.tensor import Tensor
from minigrad.optim import schedules
from tests.optim.steps import EVERY, parameter, run

REFERENCE = json.loads((Path(__file__).parent / "reference.json").read_text(encoding="utf-8"))
KINDS = {"RMSprop": "RMSProp", "AMSGrad": "Adam", "AdamW0.1": "AdamW"}
"""What methods are called here that begin with another name in the reference values."""


@pytest.mark.parametrize("name", REFERENCE["runs"])
def test_the_methods_go_the_ways_of_the_reference(name):
    reference, kind = REFERENCE["runs"][name], name.split("_")[0]
    clip = float(name.partition("_clipped")[2] or "inf")
    A, b = (np.array(REFERENCE[what]) for what in "Ab")
    p = parameter(REFERENCE["p0"])
    optimizer = getattr(optim, KINDS.get(kind, kind))([p], **reference["options"], max_norm=clip)
    for expected, norm in zip(reference["trajectory"], reference["norms_before_clipping"], strict=True):
        optimizer.zero_grad()
        (0.5 * p @ A @ p - b @ p).backward()
        assert optimizer.step().norm == pytest.approx(norm, rel=1e-13)
        np.testing.assert_allclose(p.data, expected, rtol=1e-13, atol=1e-13)
    assert any(step.clipped for step in optimizer.history) == (clip < 4)


# -- PyTorch ----------------------------------------------------------------------------------------------------------

SHARES, DECAYS = st.floats(0.05, 0.98), st.one_of(st.just(0.0), st.floats(1e-3, 0.1))
BETAS = st.tuples(st.floats(0, 0.98), st.floats(0.5, 0.9995))
EPS = st.floats(1e-10, 1e-3)
OPTIONS = {
    "SGD": st.one_of(
        st.fixed_dictionaries({}),
        st.fixed_dictionaries({"momentum": SHARES, "dampening": DECAYS}),
        st.fixed_dictionaries({"momentum": SHARES, "nesterov": st.just(True)}),
    ),
    "RMSprop": st.fixed_dictionaries(
        # a variance of little that is left of much has no more digits than its rounding
        {"alpha": st.floats(0.3, 0.99), "eps": EPS, "centered": st.booleans(), "momentum": DECAYS | SHARES}
    ),
    "Adagrad": st.fixed_dictionaries({"lr_decay": DECAYS, "initial_accumulator_value": DECAYS, "eps": EPS}),
    "Adadelta": st.fixed_dictionaries({"rho": SHARES, "eps": EPS}),
    "Adam": st.fixed_dictionaries({"betas": BETAS, "eps": EPS, "amsgrad": st.booleans()}),
    "AdamW": st.fixed_dictionaries({"betas": BETAS, "eps": EPS, "amsgrad": st.booleans()}),
    "Adamax": st.fixed_dictionaries({"betas": BETAS, "eps": EPS}),
    "NAdam": st.fixed_dictionaries({"betas": BETAS, "eps": EPS, "momentum_decay": DECAYS}),
    "RAdam": st.fixed_dictionaries({"betas": BETAS, "eps": EPS}),
}


@pytest.mark.parametrize("kind", OPTIONS)
@settings(max_examples=25)
@given(data=st.data(), seed=st.integers(0, 2**32 - 1), lr=st.floats(1e-4, 0.1), decay=DECAYS)
def test_the_methods_are_pytorchs_over_a_hundred_steps(kind, data, seed, lr, decay):
    """Where that is a question of rules: with gradients near 0, weight decay in units of them makes the way chaotic."""
    torch = pytest.importorskip("torch")
    torch.set_default_dtype(torch.float64)  # or its NAdam keeps the product in single precision
    options = data.draw(OPTIONS[kind]) | {"weight_decay": decay}
    rng = np.random.default_rng(seed)
    start, signs = rng.normal(size=4), rng.choice([-1.0, 1.0], size=(100, 4))
    gradients = signs * rng.uniform(0.5, 1.5, size=(100, 4)) * 10 ** rng.uniform(0, 3, size=4)
    p, q = parameter(start), torch.nn.Parameter(torch.tensor(start))
    ours, theirs = (
        getattr(optim, KINDS.get(kind, kind))([p], lr, **options),
        getattr(torch.optim, kind)([q], lr, **options),
    )
    expected = []
    for g in gradients:
        q.grad = torch.tensor(g)
        theirs.step()
        expected.append(q.detach().numpy().copy())
    scale = np.max(np.abs(expected), axis=0)
    assert np.max(np.abs(run(ours, p, gradients) - expected) / scale) < 1e-13


# -- weight decay, schedules, copies: what every method has -----------------------------------------------------------

ALL = pytest.mark.parametrize("make", EVERY.values(), ids=EVERY)


@ALL
def test_weight_decay_is_the_slope_of_a_penalty_unless_it_is_decoupled(make):
    rng = np.random.default_rng(0)
    start, slopes = rng.normal(size=3), rng.normal(size=(6, 3))
    p, q = parameter(start), parameter(start)
    decayed, penalised = make([p], weight_decay=0.1), make([q], weight_decay=0.0)
    for g in slopes:
        before = q.data
        p.grad, q.grad = g, g + (0 if decayed.decoupled else 0.1 * q.data)
        decayed.step(), penalised.step()
        if decayed.decoupled:
            q.data = q.data - penalised.lr * 0.1 * before
        np.testing.assert_allclose(p.data, q.data, rtol=1e-12)
    assert decayed.decoupled == isinstance(decayed, optim.AdamW)


@ALL
def test_weight_decay_is_not_clipped(make):
    """It is added to the clipped gradient: the norm is that of the gradient alone."""
    p, q = parameter([100.0, 0.0]), parameter([100.0, 0.0])
    clipped, given_so = make([p], weight_decay=0.5, max_norm=1.0), make([q], weight_decay=0.5)
    p.grad, q.grad = np.array([30.0, 40.0]), np.array([0.6, 0.8])
    assert clipped.step().norm == 50.0
    given_so.step()
    np.testing.assert_allclose(p.data, q.data, rtol=1e-15)


@ALL
def test_a_schedule_is_the_same_as_assigning_every_rate(make):
    rng = np.random.default_rng(1)
    gradients = rng.normal(size=(8, 3))
    p, q = parameter(np.zeros(3)), parameter(np.zeros(3))
    rates = [0.3, 0.2, 0.7, 0.1, 0.0, 0.5, 0.4, 0.9]
    scheduled, assigned = make([p], lambda n: rates[n]), make([q])
    for n, g in enumerate(gradients):
        assert scheduled.lr == rates[n]
        run(scheduled, p, [g])
        before = q.data
        assigned.lr = rates[n] or 1.0
        run(assigned, q, [g])
        if not rates[n]:  # remembered, though it leads nowhere; a number has to be above 0
            q.data = before
        np.testing.assert_array_equal(p.data, q.data)


@ALL
def test_a_scheduled_optimizer_is_pickled_with_its_schedule(make):
    optimizer = make([parameter([1.0, 2.0], "p")], schedules.Warmup(schedules.Cosine(0.1, steps=5), steps=3))
    for _ in range(4):
        optimizer.parameters["p"].grad = np.array([1.0, -1.0])
        optimizer.step()
    again = pickle.loads(pickle.dumps(optimizer))
    for each in (optimizer, again):
        each.parameters["p"].grad = np.array([0.5, 2.0])
        each.step()
    assert optimizer.lr == again.lr
    np.testing.assert_array_equal(optimizer.parameters["p"].data, again.parameters["p"].data)


def test_a_tensor_that_needs_no_step_is_not_decayed_either():
    p, q = Tensor([1.0], requires_grad=True), Tensor([1.0], requires_grad=True)
    for make in EVERY.values():
        p.data, q.data = [1.0], [1.0]
        p.grad, q.grad = np.array([1.0]), None
        make([p, q], weight_decay=0.5).step()
        assert p.data[0] != 1.0
        assert q.data[0] == 1.0
