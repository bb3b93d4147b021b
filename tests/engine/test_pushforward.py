"""Forward mode: the same rules carry tangents, for every function that has one, to every order."""

from __future__ import annotations

from collections import defaultdict
from functools import cache

import numpy as np
import pytest

import minigrad as mg
from minigrad import Tensor, grad, jvp
from minigrad.engine.ancestors import ancestors
from minigrad.engine.pushforward import pushforward
from minigrad.engine.tables import name_of, primitives
from minigrad.engine.tensor import record
from minigrad.engine.walk import gradients
from minigrad.graph import graph_of
from tests.rules.cases import CASES


def named(case):
    return f"{name_of(case.fn)}-{'-'.join(str(np.shape(x)) for x in case.points)}".replace(" ", "")


def drawn(arrays, seed):
    rng = np.random.default_rng(seed)
    return tuple(rng.uniform(-0.5, 0.5, np.shape(x)) for x in arrays)


@pytest.mark.parametrize("case", CASES, ids=named)
def test_pushing_forward_keeps_the_dtype_and_can_be_recorded(case):
    """⟨w, J t⟩ = ⟨Jᵀw, t⟩ (see `minigrad.testing`) and, both being functions of x, their gradients agree."""
    tangents = drawn(case.points, 1)
    y, dy = jvp(case.call, [np.asarray(x, np.float32) for x in case.points], tangents)
    assert (np.shape(dy), dy.dtype) == (np.shape(y), y.dtype)
    (w,) = drawn([y], 2)
    argnums = tuple(range(len(case.points)))

    def forward(*xs):
        return np.sum(jvp(case.call, xs, tangents)[1] * w)

    def back(*xs):
        pulled = mg.vjp(case.call, *xs)[1](w)
        return sum(np.sum(g * t) for g, t in zip(pulled, tangents, strict=True))

    for one, other in zip(grad(forward, argnums)(*case.points), grad(back, argnums)(*case.points), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-9 * (1 + np.max(abs(other), initial=0)))


LINEAR = [fn for fn, known in primitives.items() if known.form in ("linear", "multilinear")]


@cache
def calls_in_the_cases():
    """All calls of every function, as tensors that were made by them."""
    calls = defaultdict(list)
    for case in CASES:
        for tensor in graph_of(case.call(*[Tensor(x, requires_grad=True) for x in case.points])).nodes:
            calls[tensor.fn].append(tensor)
    return calls


@pytest.mark.parametrize("fn", sorted(LINEAR, key=name_of), ids=name_of)
def test_what_is_called_linear_is_linear(fn):
    """f(x + t) = f(x) + J t, with nothing left over, in every call of ``fn`` among the cases.

    For products, in one argument after the other.
    """
    assert calls_in_the_cases()[fn]
    for call in calls_in_the_cases()[fn]:
        args = [
            Tensor(arg.data, requires_grad=arg.requires_grad) if isinstance(arg, Tensor) else arg for arg in call.args
        ]
        y = record(fn, tuple(args), call.kwargs)
        tracked = [arg for arg in args if isinstance(arg, Tensor) and arg.requires_grad]
        together = {arg.index: t for arg, t in zip(tracked, drawn(tracked, 1), strict=True)}
        apart = [{index: t} for index, t in together.items()]
        for tangents in [together] if primitives[fn].form == "linear" else apart:
            moved = fn(*[shifted(arg, tangents) for arg in args], **call.kwargs)
            pushed = pushforward(ancestors([y]), tangents)[y.index]
            np.testing.assert_allclose(moved, y.data + pushed, rtol=1e-13, atol=1e-13)


def shifted(arg, tangents):
    return arg.data + tangents.get(arg.index, 0) if isinstance(arg, Tensor) else arg


def test_it_goes_forward_once_and_forms_no_graph():
    """A chain of 10⁴ steps on which each value is used twice: by paths it would never end."""
    x = y = Tensor(0.3, requires_grad=True)
    for _ in range(10_000):
        y = np.sin(y) * 0.5 + y * 0.5
    slope = pushforward(ancestors([y]), {x.index: np.asarray(1.0)})[y.index]
    assert type(slope) is not Tensor
    np.testing.assert_allclose(slope, gradients(y, [x])[0], rtol=1e-11)


@pytest.mark.usefixtures("tables")
def test_nothing_is_pushed_where_nothing_leads():
    x, z = Tensor([1.0, 2.0], requires_grad=True), Tensor([3.0, 4.0], requires_grad=True)
    y = np.sin(z)
    assert y.index not in pushforward([y], {x.index: np.ones(2)})
    flat = mg.primitive(lambda a: np.floor(a) + 0.0)
    mg.defvjp(flat, None)
    np.testing.assert_array_equal(jvp(flat, (np.array([1.5]),), (np.ones(1),))[1], [0.0])
    assert grad(lambda a: np.sum(flat(a)))(np.array([1.5])) == 0.0


@pytest.mark.usefixtures("tables")
def test_a_users_primitive_needs_no_second_rule():
    cube = mg.primitive(lambda a: a**3)
    mg.defvjp(cube, lambda g, y, a: g * 3 * a**2)
    assert jvp(cube, (2.0,), (1.0,)) == (8.0, 12.0)
    assert jvp(lambda x: jvp(cube, (x,), (1.0,))[1], (2.0,), (1.0,)) == (12.0, 12.0)


def test_the_result_shares_no_memory_with_the_tangent():
    t = np.ones(3)
    _, dy = jvp(lambda x: x, (np.zeros(3),), (t,))
    _, moved = jvp(lambda x: x.reshape(3, 1), (np.zeros(3),), (t,))
    assert not np.shares_memory(t, dy) and not np.shares_memory(t, moved)
