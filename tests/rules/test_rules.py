"""Every derivative rule against differences: to first and to second order, for every shape that it may meet.

`CASES` holds calls of every function that has a rule, and a function without one fails the first test. The points are
numbers (k + ½)/16, or (k + ¼)/16 for a second argument, all different: no kink, no tie and no zero is ever nearer
than the steps of the numerical derivative reach.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minigrad.backward import backward
from minigrad.cotangents import Product
from minigrad.primitives import name_of, plain, rewrites, vjps
from minigrad.rules.shapes import concatenate, scatter, stack
from minigrad.tensor import Tensor, astype, record
from tests.numerical import assert_derivative, derivative


class Case(NamedTuple):
    """A call of ``fn`` as a function of some arrays of numbers."""

    fn: Callable[..., Any]
    call: Callable[..., Any]
    points: tuple[Any, ...]


def grid(shape, argument=0):
    """Distinct numbers near 0 (up to 65 of them), other ones for every argument."""
    k = np.random.default_rng([argument, *shape]).permutation(int(np.prod(shape))) % 65
    return ((k - min(k.size, 65) // 2 + (0.5, 0.25, 0.375)[argument]) / 16).reshape(shape)


def real(x):
    return x


def nonzero(x):
    return x + np.copysign(0.5, x)


def positive(x):
    return abs(x) + 0.5


UNARY = {
    np.negative: real,
    np.positive: real,
    np.absolute: real,
    np.sign: real,
    np.square: real,
    np.sqrt: positive,
    np.reciprocal: nonzero,
    np.exp: real,
    np.expm1: real,
    np.log: positive,
    np.log1p: lambda x: abs(x) - 0.5,
    np.sin: real,
    np.cos: real,
    np.tanh: real,
}
BINARY = {
    np.add: (real, real),
    np.subtract: (real, real),
    np.multiply: (real, real),
    np.divide: (real, nonzero),
    np.power: (positive, real),
    np.logaddexp: (real, real),
    np.maximum: (real, real),
    np.minimum: (real, real),
}


def elementwise():
    for (fn, domain), shape in product(UNARY.items(), [(), (1,), (0, 3), (2, 3)]):
        yield Case(fn, fn, (domain(grid(shape)),))
    for (fn, domains), shape in product(BINARY.items(), [(), (1,), (0, 3), (2, 3)]):
        yield Case(fn, fn, tuple(domain(grid(shape, i)) for i, domain in enumerate(domains)))
    for constant in (2.0, np.array([0.25, -1.5, 3.0]), Tensor([[2.0], [0.75]])):
        for fn in BINARY:
            yield Case(fn, lambda a, fn=fn, c=constant: fn(a, abs(c)), (positive(grid((2, 3))),))
            yield Case(fn, lambda b, fn=fn, c=constant: fn(abs(c), b), (positive(grid((2, 3))),))
    for exponent in (0, 1, 2, 3, -2, 2.0, np.array([0, 1, 2]), np.array([3.0, 0.0, -1.0])):
        yield Case(np.power, lambda a, n=exponent: a**n, (nonzero(grid((2, 3))),))
    for mask in (True, np.array([True, False, True]), Tensor([[True], [False]])):
        yield Case(np.where, lambda a, b, m=mask: np.where(m, a, b), (grid((2, 3)), grid((2, 3), 1)))
    yield Case(np.where, lambda a: np.where(np.array([True, False]), a, 0), (grid(()),))
    yield Case(np.where, lambda b: np.where(np.array([True, False]), 1.0, b), (grid((2, 1)),))
    for shape in ((), (0, 3), (2, 3)):
        yield Case(astype, lambda a: a.astype(np.float64), (grid(shape),))


def reductions():
    for fn, axis, keepdims in product(
        (np.sum, np.mean, np.max, np.min), (None, 0, -1, (0, 2), (1,), ()), (False, True)
    ):
        yield Case(fn, lambda a, f=fn, x=axis, k=keepdims: f(a, axis=x, keepdims=k), (grid((2, 3, 4)),))
        yield Case(fn, lambda a, f=fn, x=axis, k=keepdims: f(a, axis=x, keepdims=k), (grid((1, 4, 1)),))
    for fn in (np.sum, np.mean, np.max, np.min):
        yield Case(fn, fn, (grid(()),))
        yield Case(fn, lambda a, f=fn: f(a, 1), (grid((0, 3)),))
        yield Case(fn, lambda a, f=fn: f(a, -1, keepdims=True), (grid((2, 1)),))
    for shape, axis in product([(0, 3), (3, 0)], (None, 0, 1, (0, 1))):
        yield Case(np.sum, lambda a, x=axis: np.sum(a, axis=x), (grid(shape),))


def shapes():
    whole, empty, single, none = grid((2, 3, 4)), grid((0, 3)), grid((1, 3, 1)), grid(())
    for shape in ((4, 6), (-1,), [3, 8], 24, (2, 1, -1, 4)):
        yield Case(np.reshape, lambda a, s=shape: np.reshape(a, s), (whole,))
    yield Case(np.reshape, lambda a: np.reshape(a, shape=(6, 4)), (whole,))
    yield Case(np.reshape, lambda a: np.reshape(a, (3, 0, 2)), (empty,))
    yield Case(np.reshape, lambda a: np.reshape(a, (1, 1)), (none,))
    for x in (whole, empty, none):
        yield Case(np.ravel, np.ravel, (x,))
        yield Case(np.transpose, np.transpose, (x,))
        yield Case(np.squeeze, np.squeeze, (x,))
    for axis in (None, 0, -1, (0, 2)):
        yield Case(np.squeeze, lambda a, x=axis: np.squeeze(a, x), (single,))
        yield Case(np.squeeze, lambda a, x=axis: np.squeeze(a, axis=x), (single,))
    for axis in (0, -1, (0, 2), (1, -1)):
        yield Case(np.expand_dims, lambda a, x=axis: np.expand_dims(a, x), (whole,))
        yield Case(np.expand_dims, lambda a, x=axis: np.expand_dims(a, axis=x), (empty,))
    yield Case(np.expand_dims, lambda a: np.expand_dims(a, 0), (none,))
    for x, shape in (
        (none, (2, 3)),
        (single, (2, 1, 3, 5)),
        (empty, (2, 0, 3)),
        (grid((1, 3)), (0, 3)),
        (whole, (2, 3, 4)),
    ):
        yield Case(np.broadcast_to, lambda a, s=shape: np.broadcast_to(a, s), (x,))
    for axes in (None, (0, 1, 2), (2, 0, 1), [1, 2, 0], (-1, 0, 1), (0, -1, -2), (1, 2, -3)):
        yield Case(np.transpose, lambda a, x=axes: np.transpose(a, x), (whole,))
        yield Case(np.transpose, lambda a, x=axes: np.transpose(a, axes=x), (whole,))
    for axes in ((0, 1), (0, -1), (-2, 0), (1, 1)):
        yield Case(np.swapaxes, lambda a, x=axes: np.swapaxes(a, *x), (whole,))
    yield Case(np.swapaxes, lambda a: np.swapaxes(a, axis1=0, axis2=1), (empty,))


def sequences():
    a, b, none = grid((2, 3)), grid((2, 3), 1), grid(())
    for axis in (0, 1, -1, -2):
        yield Case(concatenate, lambda *xs, x=axis: np.concatenate(xs, x), (a, b))
        yield Case(np.concatenate, lambda *xs, x=axis: np.concatenate([*xs, np.ones((2, 3))], axis=x), (a, b))
    yield Case(concatenate, lambda *xs: np.concatenate(xs), (a, grid((0, 3)), grid((1, 3))))
    yield Case(concatenate, lambda *xs: np.concatenate(xs, axis=1), (grid((0, 3)), grid((0, 1))))
    yield Case(np.concatenate, lambda x: np.concatenate([x, x, 2 * x]), (a,))
    for axis in (0, 1, 2, -1, -3):
        yield Case(stack, lambda *xs, x=axis: np.stack(xs, x), (a, b))
        yield Case(np.stack, lambda *xs, x=axis: np.stack([np.ones((2, 3)), *xs], axis=x), (a, b))
    yield Case(stack, lambda *xs: np.stack([*xs, 1.0]), (none, grid((), 1)))
    yield Case(stack, lambda *xs: np.stack(xs), (grid((0, 3)), grid((0, 3), 1)))
    for index in (0, -1, (slice(None), 1), (..., None), slice(None, None, -2), [0, 0, 1], ([1, 1, 0], [2, 2, -1])):
        yield Case(operator.getitem, lambda x, i=index: x[i], (a,))
    yield Case(operator.getitem, lambda x: x[a > 0], (b,))
    yield Case(operator.getitem, lambda x: x[()], (none,))
    yield Case(operator.getitem, lambda x: x[1:], (grid((0, 3)),))
    two = {"indices": [(0,), (slice(None), 1)], "shape": (2, 3)}
    yield Case(scatter, lambda *xs: record(scatter, xs, two), (grid((3,)), grid((2,), 1)))
    one = {"indices": [([0, 0, 1], [2, 2, -1])], "shape": (2, 3)}
    yield Case(scatter, lambda *xs: record(scatter, xs, one), (grid((3,)),))


MATMUL = [
    *[((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 4)), ((2, 3), (3, 4)), ((5, 2, 3), (3,)), ((3,), (5, 3, 4))],
    *[((5, 2, 3), (3, 4)), ((2, 3), (5, 3, 4)), ((5, 2, 3), (5, 3, 4)), ((1, 2, 3), (5, 3, 4)), ((5, 2, 3), (1, 3, 4))],
    *[((6, 1, 2, 3), (5, 3, 4)), ((5, 2, 3), (6, 1, 3, 4)), ((2, 5, 2, 3), (3, 4)), ((2, 5, 2, 3), (3,))],
    *[((1, 3), (3, 1)), ((1,), (1, 1)), ((3,), (2, 5, 3, 4)), ((2, 1), (1, 4)), ((1, 1, 1), (1, 1, 1))],
    *[((80, 50), (50, 40)), ((4, 20, 50), (50, 40))],  # large enough to be multiplied at once
]
EMPTY_MATMUL = [
    *[((0,), (0,)), ((0, 3), (3,)), ((2, 0), (0,)), ((3,), (3, 0)), ((0,), (0, 4)), ((2, 0), (0, 4)), ((0, 3), (3, 4))],
    *[((2, 3), (3, 0)), ((5, 2, 0), (0, 4)), ((5, 2, 3), (3, 0)), ((0, 2, 3), (3, 4)), ((0, 2, 3), (3,))],
    *[((0, 2, 3), (0, 3, 4)), ((5, 0, 3), (3,)), ((3,), (5, 3, 0)), ((0,), (5, 0, 4)), ((5, 2, 0), (0,))],
]


def products():
    for a, b in MATMUL + EMPTY_MATMUL:
        yield Case(np.matmul, np.matmul, (grid(a), grid(b, 1)))
    for a, b in (
        ((3,), (3,)),
        ((2, 3), (3, 4)),
        ((5, 2, 3), (3,)),
        ((5, 2, 3), (3, 4)),
        ((), (2, 3)),
        ((2, 3), ()),
        ((), ()),
    ):
        yield Case(np.dot, np.dot, (grid(a), grid(b, 1)))
    for a, b in (((2, 3), (2, 3)), ((6,), (6,)), ((), ()), ((0, 3), (0, 3)), ((2, 3), (6,))):
        yield Case(np.vdot, np.vdot, (grid(a), grid(b, 1)))
    yield Case(np.matmul, lambda a: a @ np.transpose(a), (grid((2, 3)),))
    yield Case(np.matmul, lambda a: grid((4, 2), 1) @ a @ grid((3, 5), 1) @ grid((5,), 1), (grid((2, 3)),))
    yield Case(np.matmul, lambda b: grid((2, 3), 1) @ b, (grid((3, 4)),))
    yield Case(np.dot, lambda a: np.dot(np.array(2.0), a), (grid((2, 3)),))


CASES = [*elementwise(), *reductions(), *shapes(), *sequences(), *products()]


def name(case):
    return f"{name_of(case.fn)}-{'-'.join(str(np.shape(x)) for x in case.points)}".replace(" ", "")


every_case = pytest.mark.parametrize("case", CASES, ids=name)


# -- the checks, which wrong rules have to fail -----------------------------------------------------------------------


def leaves(points, dtype=None):
    return [Tensor(x, requires_grad=True, dtype=dtype) for x in points]


def value(y):
    return y.data if isinstance(y, Tensor) else np.asarray(y)


def drawn(shapes_, seed):
    """Directions and cotangents: random numbers below ½."""
    rng = np.random.default_rng(seed)
    return [rng.uniform(-0.5, 0.5, shape) for shape in shapes_]


def dot(xs, vs):
    return sum(np.sum(x * v) for x, v in zip(xs, vs, strict=True))


def pulled(call, points, cotangent):
    """The gradients of ``cotangent`` · ``call(*points)``, as arrays."""
    xs = leaves(points)
    return backward(call(*xs), cotangent, wrt=xs)


def check_first_order(case):
    """⟨∇(w·f), v⟩ is the derivative of w·f along v."""
    directions = drawn(map(np.shape, case.points), 1)
    (cotangent,) = drawn([value(case.call(*case.points)).shape], 2)
    gradients = pulled(case.call, case.points, cotangent)
    assert [g.shape for g in gradients] == [np.shape(x) for x in case.points]
    assert_derivative(
        dot(gradients, directions),
        lambda *xs: np.sum(cotangent * value(case.call(*xs))),
        case.points,
        directions,
    )


def check_second_order(case):
    """With G(x, w) = ⟨∇(w·f), u⟩, ⟨∇G, v⟩ is the derivative of G along v: in the point x and in the cotangent w."""
    xs = leaves(case.points)
    y = case.call(*xs)
    (cotangent,) = drawn([y.shape], 2)
    w = Tensor(cotangent, requires_grad=True)
    gradients = backward(y, w, wrt=xs, create_graph=True)
    for recorded, raw in zip(gradients, pulled(case.call, case.points, cotangent), strict=True):
        np.testing.assert_allclose(recorded.data, raw, rtol=1e-12, atol=1e-12, strict=True)
    weights = drawn([x.shape for x in xs], 3)
    second = backward(dot(gradients, weights), wrt=[*xs, w])
    assert [g.shape for g in second] == [x.shape for x in (*xs, w)]
    directions = drawn([x.shape for x in (*xs, w)], 4)
    assert_derivative(
        dot(second, directions),
        lambda *args: dot(pulled(case.call, args[:-1], args[-1]), weights),
        (*case.points, cotangent),
        directions,
    )


def test_every_rule_has_a_case():
    assert set(vjps) | set(rewrites) == {case.fn for case in CASES}


@every_case
def test_first_derivative(case):
    check_first_order(case)


@every_case
def test_second_derivative(case):
    check_second_order(case)


@every_case
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_value_shape_and_dtype(case, dtype):
    points = [np.asarray(x, dtype) for x in case.points]
    xs = leaves(points)
    y, expected = case.call(*xs), value(case.call(*points))
    assert isinstance(y, Tensor)
    np.testing.assert_array_equal(y.data, expected, strict=True)
    (cotangent,) = drawn([y.shape], 2)
    gradients = backward(y, cotangent, wrt=xs)
    for g, x, exact in zip(gradients, points, pulled(case.call, case.points, cotangent), strict=True):
        assert (g.shape, g.dtype) == (x.shape, dtype)
        tolerance = np.finfo(dtype).eps * 1000
        np.testing.assert_allclose(g, exact, rtol=tolerance, atol=tolerance * (1 + np.max(abs(exact), initial=0)))


@every_case
def test_twice_backward_is_twice_as_much_and_nothing_is_written_to(case):
    points = [np.array(x) for x in case.points]
    xs = leaves(points)
    y = case.call(*xs)
    (cotangent,) = drawn([y.shape], 2)
    before = [x.copy() for x in (*points, y.data, cotangent)]
    y.backward(cotangent)
    once = [x.grad for x in xs]
    y.backward(cotangent)
    for x, g in zip(xs, once, strict=True):
        np.testing.assert_array_equal(x.grad, 2 * g, strict=True)
    for x, copy in zip((*points, y.data, cotangent), before, strict=True):
        np.testing.assert_array_equal(x, copy)
    for x, copy in zip(xs, before, strict=False):
        np.testing.assert_array_equal(x.data, copy)


@every_case
def test_layout_does_not_matter(case):
    def scattered(x):
        x = np.asarray(x)
        wide = np.zeros([2 * n for n in x.shape])
        window = wide[(*[slice(None, None, -2)] * x.ndim, ...)]
        window[...] = x
        window.flags.writeable = False
        return window

    points = [scattered(x) for x in case.points]
    (cotangent,) = drawn([value(case.call(*case.points)).shape], 2)
    expected = pulled(case.call, case.points, cotangent)
    for g, right in zip(pulled(case.call, points, scattered(cotangent)), expected, strict=True):
        np.testing.assert_allclose(g, right, rtol=1e-12, atol=1e-12, strict=True)


# -- shapes drawn by hypothesis ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("fn", [*BINARY, np.where], ids=name_of)
@settings(max_examples=25)
@given(shapes_=hnp.mutually_broadcastable_shapes(num_shapes=3, min_side=0, max_side=3, max_dims=3))
def test_broadcasting_is_undone(fn, shapes_):
    a, b, condition = shapes_.input_shapes
    domains = BINARY.get(fn, (real, real))
    points = domains[0](grid(a)), domains[1](grid(b, 1))
    mask = grid(condition, 2) > 0
    check_first_order(Case(fn, (lambda x, y: np.where(mask, x, y)) if fn is np.where else fn, points))
    check_second_order(Case(fn, (lambda x, y: np.where(mask, x, y)) if fn is np.where else fn, points))


@settings(max_examples=60)
@given(hnp.mutually_broadcastable_shapes(signature=np.matmul.signature, min_side=0, max_side=3, max_dims=2))
def test_matrix_products_of_all_shapes(shapes_):
    a, b = shapes_.input_shapes
    case = Case(np.matmul, np.matmul, (grid(a), grid(b, 1)))
    check_first_order(case)
    check_second_order(case)


@settings(max_examples=60)
@given(hnp.array_shapes(min_dims=0, max_dims=3, max_side=3), st.data())
def test_reductions_over_all_axes(shape, data):
    fn = data.draw(st.sampled_from([np.sum, np.mean, np.max, np.min]))
    axis = data.draw(st.none() | hnp.valid_tuple_axes(len(shape)))
    keepdims = data.draw(st.booleans())
    check_second_order(Case(fn, lambda x: fn(np.tanh(x), axis=axis, keepdims=keepdims), (grid(shape),)))


@settings(max_examples=60)
@given(hnp.array_shapes(min_dims=0, max_dims=3, max_side=4), st.data())
def test_basic_and_advanced_indices(shape, data):
    basic = hnp.basic_indices(shape, allow_newaxis=True, allow_ellipsis=True)
    advanced = hnp.integer_array_indices(shape) if shape else st.just(())
    index = data.draw(basic | advanced)
    check_second_order(Case(operator.getitem, lambda x: np.sin(x)[index], (grid(shape),)))


# -- particular promises ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("f", [lambda W, x: W @ x, lambda W, x: x @ W.T, lambda W, x: x[None] @ W, np.dot])
def test_the_cotangent_of_a_matrix_stays_factored(f):
    W, x = Tensor(grid((3, 3)), requires_grad=True), Tensor(grid((3,), 1))
    shares = []
    y = f(W, x)
    backward(y, np.ones(y.shape), observe=lambda consumer, position, share: shares.append(share))
    assert any(isinstance(share, Product) for share in shares)


def test_dot_refuses_what_it_would_get_wrong():
    with pytest.raises(TypeError, match=r"3 dimensions.*np\.matmul"):
        np.dot(Tensor(grid((3,)), requires_grad=True), grid((2, 3, 4)))


@pytest.mark.parametrize("call", [lambda x: np.vdot(x, 3.0), lambda x: np.vdot(3.0, x)])
def test_vdot_of_a_number(call):
    x = Tensor(2.0, requires_grad=True)
    assert backward(call(x), wrt=[x]) == (3.0,)


def test_joining_takes_lists_tuples_and_tensors():
    x = Tensor(grid((2, 3)), requires_grad=True)
    for y in (np.concatenate((x[0], x[1])), np.concatenate(x), np.stack([x[0], x[1]]), np.stack(x)):
        (g,) = backward(y, np.ones(y.shape), wrt=[x])
        np.testing.assert_array_equal(g, np.ones((2, 3)))


PLAIN = {
    **dict.fromkeys((np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal), (1.0,)),
    **dict.fromkeys((np.isclose, np.allclose, np.array_equal), (1.0,)),
    **dict.fromkeys((np.isfinite, np.isnan, np.isinf, np.signbit, np.argmax, np.argmin, np.any, np.all), ()),
    **dict.fromkeys((np.argsort, np.count_nonzero, np.shape, np.ndim, np.size, np.zeros_like, np.ones_like), ()),
    np.empty_like: (),
    np.full_like: (2.0,),
    np.result_type: (),
}


@pytest.mark.parametrize("fn", sorted(plain, key=name_of), ids=name_of)
def test_plain_functions_give_arrays(fn):
    x, more = grid((2, 3)), PLAIN[fn]
    result, expected = fn(Tensor(x, requires_grad=True), *more), fn(x, *more)
    assert type(result) is type(expected)
    if fn is np.empty_like:
        assert (result.shape, result.dtype) == (expected.shape, expected.dtype)
    else:
        np.testing.assert_array_equal(result, expected)


# -- and the checks themselves ----------------------------------------------------------------------------------------


def curve(a, b):
    return np.sin(a) * b


RIGHT = (lambda g, y, a, b: g * b * np.cos(a), lambda g, y, a, b: g * np.sin(a))
WRONG = {
    "by a millionth": (lambda g, y, a, b: g * b * np.cos(a) * (1 + 1e-6), RIGHT[1]),
    "in one element": (lambda g, y, a, b: g * b * np.cos(a) + np.array([0, 0, 1e-6]), RIGHT[1]),
    "in sign": (RIGHT[0], lambda g, y, a, b: -RIGHT[1](g, y, a, b)),
    "by omission": (None, RIGHT[1]),
    "in place": (lambda g, y, a, b: (g * b * np.cos(a))[..., ::-1], RIGHT[1]),
}
HALF_WRONG = {
    "of a": (lambda g, y, a, b: g * b * np.cos(value(a)), RIGHT[1]),
    "of b": (lambda g, y, a, b: g * value(b) * np.cos(a), RIGHT[1]),
    "of g": (lambda g, y, a, b: value(g) * b * np.cos(a), RIGHT[1]),
    "of a in the other": (RIGHT[0], lambda g, y, a, b: g * np.sin(value(a))),
}
CURVE = Case(curve, lambda a, b: record(curve, (a, b)), (grid((2, 3)), grid((2, 3), 1)))


def test_right_rules_pass(monkeypatch):
    monkeypatch.setitem(vjps, curve, RIGHT)
    check_first_order(CURVE)
    check_second_order(CURVE)


@pytest.mark.parametrize("rules", WRONG.values(), ids=WRONG.keys())
def test_wrong_rules_fail(rules, monkeypatch):
    monkeypatch.setitem(vjps, curve, rules)
    with pytest.raises(AssertionError):
        check_first_order(CURVE)


@pytest.mark.parametrize("rules", HALF_WRONG.values(), ids=HALF_WRONG.keys())
def test_rules_that_are_wrong_in_second_order_only_fail_there(rules, monkeypatch):
    monkeypatch.setitem(vjps, curve, rules)
    check_first_order(CURVE)
    with pytest.raises(AssertionError):
        check_second_order(CURVE)


def test_numerical_derivatives_are_exact_to_ten_digits_and_know_it():
    x = np.linspace(0.25, 3.0, 12)
    for f, slope in ((np.sin, np.cos), (np.exp, np.exp), (np.log, np.reciprocal), (np.square, lambda x: 2 * x)):
        estimate, error = derivative(f, [x], [np.full(12, 0.5)])
        np.testing.assert_allclose(estimate, slope(x) / 2, rtol=1e-10)
        assert np.all(abs(estimate - slope(x) / 2) <= 10 * error + 1e-12)
        assert np.all(error < 1e-9)
    _, error = derivative(abs, [np.array(2e-5)], [np.array(0.5)])
    assert error > 1e-3  # a kink between the points is noticed
