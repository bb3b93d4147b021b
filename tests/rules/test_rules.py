"""Every derivative rule against differences: to first and to second order, for every shape that it may meet.

`CASES` holds calls of every function that has a rule, and a function without one fails the first test. The points are
numbers (k + ½)/16, or (k + ¼)/16 for a second argument, all different: no kink, no tie and no zero is ever nearer
than the steps of the numerical derivative reach.
"""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minigrad.engine.cotangents import Product
from minigrad.engine.tables import name_of, primitives
from minigrad.engine.tensor import Tensor, record
from minigrad.engine.walk import backward, gradients
from minigrad.testing import GradCheckError, check_grads
from tests.rules.cases import CASES, Case, grid, real
from tests.rules.cases.elementwise import BINARY
from tests.tables import known, ruled


def name(case):
    return f"{name_of(case.fn)}-{'-'.join(str(np.shape(x)) for x in case.points)}".replace(" ", "")


every_case = pytest.mark.parametrize("case", CASES, ids=name)


# -- every case -------------------------------------------------------------------------------------------------------


def leaves(points, dtype=None):
    return [Tensor(x, requires_grad=True, dtype=dtype) for x in points]


def value(y):
    return y.data if isinstance(y, Tensor) else np.asarray(y)


def drawn(shapes_, seed):
    """Directions and cotangents: random numbers below ½."""
    rng = np.random.default_rng(seed)
    return [rng.uniform(-0.5, 0.5, shape) for shape in shapes_]


def pulled(call, points, cotangent):
    """The gradients of ``cotangent`` · ``call(*points)``, as arrays."""
    xs = leaves(points)
    return gradients(call(*xs), xs, cotangent)


def test_every_rule_has_a_case():
    assert known("differentiable") | known("rewrite") == {case.fn for case in CASES}


@every_case
def test_derivatives(case):
    """To second order, along random directions, forward as well as back; and all that a pullback has to be besides."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # what NumPy says of the mean of nothing
        assert check_grads(case.call, case.points)


@every_case
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_value_shape_and_dtype(case, dtype):
    points = [np.asarray(x, dtype) for x in case.points]
    xs = leaves(points)
    y, expected = case.call(*xs), value(case.call(*points))
    assert isinstance(y, Tensor)
    ulps = (
        0 if primitives[case.fn].differentiable else 4
    )  # what is rewritten may add up in another order than NumPy does
    np.testing.assert_allclose(y.data, expected, rtol=ulps * np.finfo(dtype).eps, strict=True)
    (cotangent,) = drawn([y.shape], 2)
    grads = gradients(y, xs, cotangent)
    for g, x, exact in zip(grads, points, pulled(case.call, case.points, cotangent), strict=True):
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
    assert check_grads((lambda x, y: np.where(mask, x, y)) if fn is np.where else fn, points, contract=False)


@settings(max_examples=60)
@given(hnp.mutually_broadcastable_shapes(signature=np.matmul.signature, min_side=0, max_side=3, max_dims=2))
def test_matrix_products_of_all_shapes(shapes_):
    a, b = shapes_.input_shapes
    assert check_grads(np.matmul, (grid(a), grid(b, 1)), contract=False)


@settings(max_examples=60)
@given(hnp.array_shapes(min_dims=0, max_dims=3, max_side=3), st.data())
def test_reductions_over_all_axes(shape, data):
    fn = data.draw(st.sampled_from([np.sum, np.mean, np.max, np.min]))
    axis = data.draw(st.none() | hnp.valid_tuple_axes(len(shape)))
    keepdims = data.draw(st.booleans())
    assert check_grads(lambda x: fn(np.tanh(x), axis=axis, keepdims=keepdims), (grid(shape),), contract=False)


@settings(max_examples=60)
@given(hnp.array_shapes(min_dims=0, max_dims=3, max_side=4), st.data())
def test_basic_and_advanced_indices(shape, data):
    basic = hnp.basic_indices(shape, allow_newaxis=True, allow_ellipsis=True)
    advanced = hnp.integer_array_indices(shape) if shape else st.just(())
    index = data.draw(basic | advanced)
    assert check_grads(lambda x: np.sin(x)[index], (grid(shape),), contract=False)


# -- particular promises ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("f", [lambda W, x: W @ x, lambda W, x: x @ W.T, lambda W, x: x[None] @ W, np.dot])
def test_the_cotangent_of_a_matrix_stays_factored(f):
    W, x = Tensor(grid((3, 3)), requires_grad=True), Tensor(grid((3,), 1))
    shares = []
    y = f(W, x)
    backward(y, np.ones(y.shape), observe=lambda consumer, position, share: shares.append(share))
    assert any(isinstance(share, Product) for share in shares)


@pytest.mark.parametrize("call", [lambda x: np.vdot(x, 3.0), lambda x: np.vdot(3.0, x)])
def test_vdot_of_a_number(call):
    x = Tensor(2.0, requires_grad=True)
    assert gradients(call(x), [x]) == (3.0,)


def test_joining_takes_lists_tuples_and_tensors():
    x = Tensor(grid((2, 3)), requires_grad=True)
    for y in (np.concatenate((x[0], x[1])), np.concatenate(x), np.stack([x[0], x[1]]), np.stack(x)):
        (g,) = gradients(y, [x], np.ones(y.shape))
        np.testing.assert_array_equal(g, np.ones((2, 3)))


PLAIN = {
    **dict.fromkeys((np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal), (1.0,)),
    **dict.fromkeys((np.isclose, np.allclose, np.array_equal), (1.0,)),
    **dict.fromkeys((np.isfinite, np.isnan, np.isinf, np.signbit, np.argmax, np.argmin, np.any, np.all), ()),
    **dict.fromkeys(
        (
            np.argsort,
            np.count_nonzero,
            np.nonzero,
            np.flatnonzero,
            np.argwhere,
            np.shape,
            np.ndim,
            np.size,
            np.zeros_like,
            np.ones_like,
        ),
        (),
    ),
    np.empty_like: (),
    **dict.fromkeys((np.logical_and, np.logical_or, np.logical_xor), (True,)),
    np.logical_not: (),
    np.full_like: (2.0,),
    np.result_type: (),
}


@pytest.mark.parametrize("fn", sorted(known("plain"), key=name_of), ids=name_of)
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
    ruled(monkeypatch, curve, *RIGHT)
    assert check_grads(CURVE.call, CURVE.points)


@pytest.mark.parametrize("rules", WRONG.values(), ids=WRONG.keys())
def test_wrong_rules_fail(rules, monkeypatch):
    ruled(monkeypatch, curve, *rules)
    with pytest.raises(GradCheckError):
        check_grads(CURVE.call, CURVE.points, order=1)


@pytest.mark.parametrize("rules", HALF_WRONG.values(), ids=HALF_WRONG.keys())
def test_rules_that_are_wrong_in_second_order_only_fail_there(rules, monkeypatch):
    ruled(monkeypatch, curve, *rules)
    assert check_grads(CURVE.call, CURVE.points, order=1, method="reverse")
    with pytest.raises(GradCheckError):
        check_grads(CURVE.call, CURVE.points)
