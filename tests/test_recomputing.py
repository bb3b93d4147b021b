"""Computed again on the way back: the gradients are the same, to any order, and nothing is lost in silence."""

from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad.containers import leaves
from minigrad.engine.ancestors import ancestors
from minigrad.testing import check_grads, programs

W, X = np.random.default_rng(0).normal(size=(2, 3, 3))


def layer(p):
    return {"y": np.tanh(p["W"] @ p["x"]), "more": [np.sum(p["x"] ** 2)]}


def test_gradients_to_second_order_in_containers():
    f = mg.checkpoint(layer)
    assert check_grads(f, ({"W": W, "x": X},), order=3)
    plain, again = (mg.grad(lambda W, g=g: np.sum(g({"W": W, "x": X})["y"]))(W) for g in (layer, f))
    np.testing.assert_allclose(again, plain, rtol=1e-14)


@settings(max_examples=30)
@given(programs.programs())
def test_any_program_gives_its_own_gradients(program):
    args = [np.random.default_rng(i).normal(size=(2, 2)) for i, _ in enumerate(program.inputs)]
    floats = lambda *args: program(*args) + 0.0 * args[0]  # a program may be a whole number
    total = lambda f: lambda *args: np.sum(f(*args))
    plain, again = (mg.grad(total(f), argnums=(0, 1))(*args) for f in (floats, mg.checkpoint(floats)))
    for a, b in zip(plain, again, strict=True):
        np.testing.assert_allclose(b, a, rtol=1e-12, atol=1e-12)


def test_checkpoints_may_stand_in_each_other_and_in_a_chain():
    f = mg.checkpoint(lambda x: np.sin(mg.checkpoint(np.exp)(x)))
    x = mg.Tensor(X, requires_grad=True)
    y = x
    for _ in range(3):
        y = f(y)
    np.sum(y).backward()
    plain = lambda x: np.sum(np.sin(np.exp(np.sin(np.exp(np.sin(np.exp(x)))))))
    np.testing.assert_allclose(x.grad, mg.grad(plain)(X), rtol=1e-12)


def test_nothing_inside_is_kept():
    kept = []

    def f(x):
        y = np.sin(x)
        kept.append(weakref.ref(y)) if isinstance(y, mg.Tensor) else None
        return np.tanh(y)

    x = mg.Tensor(X, requires_grad=True)
    y = mg.checkpoint(f)(x)
    gc.collect()
    assert not kept or all(ref() is None for ref in kept)
    assert not any(node.fn is np.tanh for node in ancestors([y]))
    np.sum(y).backward()
    gc.collect()
    assert kept and all(ref() is None for ref in kept)


def test_what_is_used_besides_is_named_or_refused():
    model = mg.rnn.RNN(3, 2, 1)
    step = lambda x: model.g(np.tanh(x @ model.U.T + model.b) @ model.V.T)
    with pytest.raises(TypeError, match=r"besides its arguments.*checkpoint\(f, model\)"):
        np.sum(mg.checkpoint(step)(mg.Tensor(X, requires_grad=True))).backward()
    for f in (step, mg.checkpoint(step, model)):
        model.U.grad = model.b.grad = model.V.grad = None
        np.sum(f(X) ** 2).backward()
        if f is step:
            plain = model.U.grad, model.b.grad, model.V.grad
    for a, b in zip((model.U.grad, model.b.grad, model.V.grad), plain, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-14)
    with pytest.raises(TypeError, match="name the tensors"):
        mg.checkpoint(step, "model")


def test_a_parameter_that_was_changed_in_between_is_noticed():
    w = mg.Tensor(W, requires_grad=True)
    y = np.sum(mg.checkpoint(lambda x: w @ x, w)(X))
    w.data = 2 * w.data
    with pytest.raises(mg.StaleGraphError):
        y.backward()


def test_random_numbers_need_a_seed_of_their_own():
    rng = np.random.default_rng(0)
    y = np.sum(mg.checkpoint(lambda x: x * rng.normal(size=3))(mg.Tensor(X, requires_grad=True)))
    with pytest.raises(RuntimeError, match="give what is random in it a seed"):
        y.backward()


def test_integers_pass_through_and_integer_results_are_refused():
    power = mg.checkpoint(lambda x, n: x**n)
    np.testing.assert_allclose(mg.grad(lambda x: np.sum(power(x, 3)))(X), 3 * X**2)
    with pytest.raises(TypeError, match="dtype int64"):
        mg.checkpoint(lambda x: np.argsort(x))(X)


def test_precision_is_kept_where_results_differ_in_it():
    f = mg.checkpoint(lambda x: (np.sin(x), np.sum(x.astype(np.float64))))
    y, total = f(mg.Tensor(X.astype(np.float32), requires_grad=True))
    assert (y.dtype, total.dtype) == (np.float32, np.float64)


@settings(max_examples=15)
@given(st.integers(0, 99), st.sampled_from([0, 1, 3]), st.booleans())
def test_inside_of_a_program_it_gives_what_it_gives(seed, size, pair):
    """With other numbers than those it was traced with; the first gradient, and the second."""
    model = mg.rnn.RNN(2, 3, 1, rng=seed)

    def loss(model, xs):
        def steps(h, xs):
            for t in range(4):
                h = np.tanh(xs[t] @ model.U.T + h @ model.W.T + model.b)
            return (h, np.sum(h * h)) if pair else h

        h, total, part = np.zeros((size, 3)), 0.0, mg.checkpoint(steps, model)
        for k in range(3):
            found = part(h, xs[4 * k : 4 * k + 4])
            h, total = (found[0], total + found[1]) if pair else (found, total)
        return np.sum(h * model.V) + total

    def second(model, xs):
        return mg.hvp(
            lambda model: loss(model, xs), (model,), ({name: p.data for name, p in model.parameters().items()},)
        )

    draws = np.random.default_rng(seed).normal(size=(3, 12, size, 2))
    for f in (mg.value_and_grad(loss), second):
        exact, rolled = mg.compile(f, roll=False), mg.compile(f)
        for xs in draws:
            wanted = leaves(f(model, xs))
            for one, two, want in zip(leaves(exact(model, xs)), leaves(rolled(model, xs)), wanted, strict=True):
                np.testing.assert_array_equal(one, want)
                np.testing.assert_allclose(two, want, rtol=1e-9, atol=1e-12)
        assert exact.report().traced == 1
