"""Conventions of reductions at singular points, what they refuse, and what they do to nothing."""

from __future__ import annotations

import itertools
import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minigrad.engine.tensor import Tensor
from minigrad.engine.walk import gradients
from minigrad.testing import check_grads
from minigrad.transforms import jvp
from tests.rules.cases import grid
from tests.rules.gradients import gradient, hessian

FUNCTIONS = (np.sum, np.mean, np.max, np.min, np.var, np.std, np.prod, np.ptp, np.median, np.nanmean, np.average)


@settings(max_examples=100)
@given(hnp.array_shapes(min_dims=0, max_dims=3, max_side=3), st.data())
def test_reductions_over_all_axes(shape, data):
    fn = data.draw(st.sampled_from(FUNCTIONS))
    axis = data.draw(st.none() | hnp.valid_tuple_axes(len(shape)))
    keepdims = data.draw(st.booleans())
    assert check_grads(
        lambda x: fn(np.tanh(x), axis=axis, keepdims=keepdims), (grid(shape),), contract=False, directions=1
    )


# -- singular points --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", [0.0, 0.1, -7.3, 1e8, 1 / 3])
@pytest.mark.parametrize("n", [1, 3, 10, 1000])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_std_of_a_constant_has_gradient_0_even_where_rounding_makes_it_deviate(value, n, dtype):
    constant = np.full(n, value, dtype)
    np.testing.assert_array_equal(gradient(np.std, constant), np.zeros(n, dtype), strict=True)
    if n <= 10:  # of one element it is 0 everywhere, of more it has a kink
        np.testing.assert_array_equal(hessian(np.std, constant), np.full((n, n), 0 if n == 1 else np.nan))


def test_std_of_constant_rows_leaves_the_others_alone():
    a = np.array([[0.1, 0.1, 0.1], [1.0, 2.0, 4.0]])
    g = gradient(lambda x: np.sum(np.std(x, axis=1, ddof=1)), a)
    np.testing.assert_array_equal(g[0], 0)
    np.testing.assert_allclose(g[1], gradient(lambda x: np.std(x, ddof=1), a[1]))


@pytest.mark.parametrize("zeros", [[], [0], [2], [0, 3], [1, 2], [0, 1, 2, 3]])
def test_products_are_exact_with_any_number_of_zeros(zeros):
    a = np.array([3.0, 0.1, -7.0, 1.3])
    a[zeros] = 0
    others = [math.prod(np.delete(a, i)) for i in range(4)]
    pairs = [[0 if i == j else math.prod(np.delete(a, [i, j])) for j in range(4)] for i in range(4)]
    for prod in (np.prod, lambda x: np.prod(np.reshape(x, (2, 2)), axis=(1, 0)), lambda x: np.cumprod(x)[-1]):
        np.testing.assert_allclose(gradient(prod, a), others, rtol=1e-15, atol=0)
        np.testing.assert_allclose(hessian(prod, a), pairs, rtol=1e-15, atol=0)


@pytest.mark.parametrize("n", range(10))
def test_cumprod_of_every_length_with_zeros_anywhere(n):
    for zeros in itertools.combinations(range(n), min(n, 2)):
        a = 1 + grid((n,)) / 2
        a[list(zeros)] = 0
        assert check_grads(np.cumprod, (a,), contract=False, directions=1)


@pytest.mark.parametrize(
    ("a", "expected"),
    [
        ([3.0, 1.0, 2.0], [0, 0, 1]),
        ([4.0, 1.0, 2.0, 3.0], [0, 0, 0.5, 0.5]),
        ([2.0, 1.0, 2.0, 2.0, 5.0], [1 / 3, 0, 1 / 3, 1 / 3, 0]),  # ties share, as they do for the maximum
        ([1.0, 2.0, 2.0, 3.0, 3.0, 9.0], [0, 0.25, 0.25, 0.25, 0.25, 0]),
        ([1.0, np.inf, -np.inf], [1, 0, 0]),
    ],
)
def test_gradient_of_the_median(a, expected):
    np.testing.assert_allclose(gradient(np.median, a), expected)


def test_ptp_shares_among_ties_and_is_flat_for_a_constant():
    np.testing.assert_array_equal(gradient(np.ptp, [1.0, 3.0, 1.0, 2.0]), [-0.5, 1, -0.5, 0])
    np.testing.assert_array_equal(gradient(np.ptp, [5.0, 5.0]), [0, 0])


@pytest.mark.parametrize("fn", [np.max, np.min, np.median, np.mean, np.nanmean])
def test_float16_counts_further_than_it_reaches(fn):
    """70 000 is infinite in float16; their shares of a cotangent are not 0."""
    x = Tensor(np.full(70_000, 0.5, np.float16), requires_grad=True)
    (g,) = gradients(fn(x), [x], np.float16(30_000))
    assert g.dtype == np.float16
    np.testing.assert_array_equal(g, np.float16(30_000 / 70_000))


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")  # NumPy's own sum in float16
def test_deviations_in_float16():
    x = Tensor(np.resize(np.array([0.5, 1.5], np.float16), 70_000), requires_grad=True)
    (g,) = gradients(np.var(x, axis=0), [x], np.float16(30_000))
    np.testing.assert_array_equal(g[:2], np.float16([-3 / 7, 3 / 7]))


@pytest.mark.parametrize("fn", [np.var, np.std])
@pytest.mark.parametrize("x", [[2.0], [[2.0, 3.0]]])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_no_degrees_of_freedom_no_derivative(fn, x):
    """NumPy warns, and gives NaN, forward as well as back."""
    f = lambda x: fn(x, axis=0, ddof=1)
    assert np.all(np.isnan(gradient(f, np.array(x))))
    assert np.all(np.isnan(jvp(f, (np.array(x),), (np.ones(np.shape(x)),))[1]))


@pytest.mark.parametrize("fn", [np.max, np.min, np.median, np.ptp])
def test_an_extremum_that_is_nan_is_nobodys(fn):
    x = np.array([[1.0, np.nan, 3.0], [1.0, 2.0, 4.0]])
    g = gradient(lambda x: fn(x, axis=1), x)
    assert np.all(np.isnan(g[0]))
    np.testing.assert_array_equal(g[1:], gradient(lambda x: fn(x, axis=1), x[1:]))


def test_nans_receive_nothing():
    a = np.array([[1.0, np.nan], [3.0, 4.0]])
    np.testing.assert_array_equal(gradient(np.nansum, a), [[1, 0], [1, 1]])
    np.testing.assert_array_equal(gradient(np.nanmean, a), np.array([[1, 0], [1, 1]]) / 3)


# -- nothing: NumPy's value, NumPy's warnings, and a gradient of its shape --------------------------------------------


def cry(f, x):
    """What ``f(x)`` gives and warns of, or raises."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            y = f(x)
        except ValueError as error:
            return error, None
    return y, [str(w.message).replace("scalar ", "") for w in caught]


EMPTY = (np.sum, np.mean, np.var, np.std, np.prod, np.median, np.nansum, np.nanmean, np.max, np.ptp)
EMPTY += (np.linalg.norm, lambda x, axis: np.linalg.norm(x, np.inf, axis), lambda x, axis: np.linalg.norm(x, 1, axis))


@pytest.mark.parametrize("fn", EMPTY)
@pytest.mark.parametrize(("shape", "axis"), [((0,), None), ((0, 3), 0), ((3, 0), 1), ((0, 3), 1)])
def test_reductions_of_nothing(fn, shape, axis):
    x = Tensor(np.zeros(shape), requires_grad=True)
    expected, complaints = cry(lambda x: fn(x, axis=axis), np.zeros(shape))
    y, warned = cry(lambda x: fn(x, axis=axis), x)
    assert warned == complaints
    if isinstance(expected, ValueError):
        assert str(y) == str(expected)
        return
    np.testing.assert_array_equal(y.data, expected)
    (g,) = gradients(y, [x], np.ones(y.shape))  # without a warning: nobody is there to receive anything
    assert g.shape == shape


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("fn", [np.var, np.std])
def test_too_few_degrees_of_freedom_give_nan_for_value_and_gradient(fn):
    with pytest.warns(RuntimeWarning, match="Degrees of freedom"):
        y = fn(Tensor([1.0], requires_grad=True), ddof=1)
    assert np.isnan(y.data)
    assert np.isnan(gradient(lambda x: fn(x, ddof=1), [1.0]))


@pytest.mark.filterwarnings("ignore:Mean of empty slice")
def test_nanmean_of_nans_only():
    a = np.array([[np.nan, np.nan], [1.0, np.nan]])
    np.testing.assert_array_equal(gradient(lambda x: np.sum(np.nanmean(x, axis=1)), a), [[0, 0], [1, 0]])


# -- what is refused --------------------------------------------------------------------------------------------------

REFUSED = [
    *[(fn, {"out": np.zeros(())}, r"out=.*y = np\.") for fn in (np.sum, np.std, np.ptp, np.median, np.amax, np.prod)],
    *[(fn, {"mean": 1.0}, "mean=") for fn in (np.var, np.std, np.nanvar, np.nanstd)],
    *[(fn, {"overwrite_input": True}, "overwrite_input=") for fn in (np.median, np.nanmedian)],
    *[(fn, {"q": 0.5, "weights": np.ones(3)}, "weights=") for fn in (np.quantile, np.nanpercentile)],
]


@pytest.mark.parametrize(("fn", "options", "message"), REFUSED)
def test_options_without_a_rule_are_refused(fn, options, message):
    with pytest.raises(TypeError, match=message):
        fn(Tensor(np.arange(3.0), requires_grad=True), **options)


@pytest.mark.parametrize(
    "fn", [np.sum, np.var, np.prod, np.amax, np.ptp, np.cumsum, np.median, np.nanprod, np.nanmedian]
)
def test_out_by_position_is_refused(fn):
    out = np.zeros(3)
    before_out = 1 if fn in (np.amax, np.ptp, np.median, np.nanmedian) else 2
    with pytest.raises(TypeError, match="out="):
        fn(Tensor(np.ones((3, 3)), requires_grad=True), 0, *(None,) * (before_out - 1), out)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda x: np.average(x, weights=np.ones(3)), TypeError),
        (lambda x: np.average(x, axis=0, weights=np.ones(3)), ValueError),
        (lambda x: np.average(x, axis=(0,), weights=np.ones((3, 1))), ValueError),
        (lambda x: np.average(x, axis=1, weights=np.array([1.0, -1.0, 0.0])), ZeroDivisionError),
        (lambda x: np.sum(x, axis=2), np.exceptions.AxisError),
        (lambda x: np.prod(x, axis=(0, 0)), ValueError),
    ],
)
def test_wrong_arguments_are_wrong_for_tensors_too(call, error):
    x = Tensor(grid((2, 3)), requires_grad=True)
    for argument in (x.data, x):
        with pytest.raises(error):
            call(argument)


def test_integers_are_averaged_and_measured_as_numbers():
    for fn in (np.linalg.norm, np.median, np.ptp, np.std, lambda x: np.linalg.norm(x, 1)):
        y = fn(Tensor([1, 2, 4]))
        np.testing.assert_array_equal(y.data, fn(np.array([1, 2, 4])))
        assert y.dtype == fn(np.array([1, 2, 4])).dtype
