"""Elementwise rules where the table of calls does not reach: far out, very near, at NaN; and what is refused."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minigrad import Tensor, grad, gradients
from minigrad.engine.tables import name_of, primitives
from minigrad.rules.elementwise import logistic
from minigrad.testing import check_grads
from tests.rules.cases import grid, real
from tests.rules.cases.elementwise import BINARY

FLAT = [np.sign, np.floor, np.ceil, np.trunc, np.rint, np.round, np.around]


def grads(f, *values, cotangent=None):
    xs = [Tensor(value, requires_grad=True) for value in values]
    return gradients(f(*xs), xs, cotangent)


# -- digits -----------------------------------------------------------------------------------------------------------


def test_sinc_keeps_its_digits_to_third_order():
    """Near 0 against 1 - (πx)²/6 + (πx)⁴/120, and at whole numbers, where sin is 0 and cos is ±1."""
    slope, bend = grad(np.sinc), grad(grad(np.sinc))
    for x in (0.0, 1e-300, -1e-12, 1e-8, 1e-4):
        assert slope(x) == pytest.approx(-(math.pi**2) * x / 3, rel=1e-7)
        assert bend(x) == pytest.approx(-(math.pi**2) / 3, rel=1e-7)
        assert grad(grad(grad(np.sinc)))(x) == pytest.approx(math.pi**4 * x / 5, rel=1e-7)
    for n in (1, 2, 5, -3):
        assert slope(float(n)) == pytest.approx((-1) ** n / n, rel=1e-14)
        assert bend(float(n)) == pytest.approx(-2 * (-1) ** n / n**2, rel=1e-13)
    for x in (0.6, 1.3, 1.45, -2.5):
        assert slope(x) == pytest.approx((math.cos(math.pi * x) - np.sinc(x)) / x, rel=1e-14)
    far = np.array([1e200, 0.25])
    assert np.all(np.isfinite(grads(np.sinc, far, cotangent=np.ones(2))))  # and no warning of an overflow
    for f in (slope, bend):  # where the series hands over to the quotient
        assert f(math.nextafter(0.5, 0)) == pytest.approx(f(0.5), rel=1e-14)


EXACT = {  # slopes in terms of a, and on which side of 1 it lies
    np.arcsin: (-1, lambda a: 1 / ((1 - a) * (1 + a)).sqrt()),
    np.arccos: (-1, lambda a: -1 / ((1 - a) * (1 + a)).sqrt()),
    np.arctanh: (-1, lambda a: 1 / ((1 - a) * (1 + a))),
    np.arccosh: (1, lambda a: 1 / ((a - 1) * (a + 1)).sqrt()),
}


@pytest.mark.parametrize("fn", EXACT, ids=name_of)
@given(st.floats(1e-15, 0.5), st.sampled_from([-1, 1]))
def test_inverse_functions_keep_their_digits_at_the_edge_of_their_domain(fn, distance, sign):
    """Where 1 - a² has lost them: beside 1, in the numbers that are neither 1 nor a power of 2 away from it."""
    side, slope = EXACT[fn]
    a = (1 + side * distance) * (sign if side < 0 else 1)
    with localcontext(prec=50):
        exact = float(slope(Decimal(a)))
    assert grad(fn)(a) == pytest.approx(exact, rel=1e-15)


@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e200])
def test_radius_and_angle_never_square(scale):
    np.testing.assert_allclose(grads(np.hypot, 3 * scale, 4 * scale), [0.6, 0.8], rtol=1e-15)
    angle = grads(np.arctan2, 3 * scale, 4 * scale)
    np.testing.assert_allclose(angle, [0.16 / scale, -0.12 / scale], rtol=1e-15)


@given(st.floats(-700, 700))
def test_both_tails_of_these_keep_their_digits(x):
    e = math.exp(-abs(x))
    p, q = (1 / (1 + e), e / (1 + e)) if x >= 0 else (e / (1 + e), 1 / (1 + e))
    assert logistic(x) == pytest.approx(p, rel=1e-15, abs=0)
    assert grad(logistic)(x) == pytest.approx(p * q, rel=2e-15, abs=0)
    assert grad(grad(logistic))(x) == pytest.approx(p * q * (q - p), rel=1e-14, abs=4e-16 * p * q)
    assert grad(np.expm1)(x) == pytest.approx(math.exp(x), rel=1e-15, abs=0)


@given(st.floats(-1000, 1000))
def test_the_slope_of_tanh_has_the_digits_of_its_result(x):
    """And no more, as the page on conventions says."""
    e = math.exp(-2 * abs(x))
    assert grad(np.tanh)(x) == pytest.approx(4 * e / (1 + e) ** 2, rel=0, abs=7e-16)
    assert abs(x) < 20 or grad(np.tanh)(x) == 0


@given(st.floats(-1e15, 1e15), st.integers(-60, 60))
def test_sums_of_exponentials_are_shared_by_what_is_between_them(a, gap):
    b = a + gap
    for fn, unit in ((np.logaddexp, 1.0), (np.logaddexp2, math.log(2))):
        shares = logistic((a - b) * unit), logistic((b - a) * unit)
        np.testing.assert_allclose(grads(fn, a, b), shares, rtol=1e-14, atol=0)


@pytest.mark.parametrize("fn", [np.logaddexp, np.logaddexp2])
@given(a=st.sampled_from([-np.inf, -1.0, 3.0, np.inf]), b=st.sampled_from([-np.inf, 2.0, np.inf]))
def test_infinite_terms(fn, a, b):
    """The larger has it all, two infinities a half each, and two zeros nothing."""
    if np.isinf(a) or np.isinf(b):
        whole = 0.0 if a == b == -np.inf else 1.0
        expected = (whole / 2, whole / 2) if a == b else (float(a > b), float(b > a))
        assert grads(fn, a, b) == expected


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_slope_of_arctan_does_not_overflow(dtype):
    huge = np.finfo(dtype).max
    for x in (huge, -huge, np.sqrt(huge) * 2, np.inf):
        assert grads(np.arctan, np.array(x, dtype))[0] < np.finfo(dtype).tiny
    assert grad(grad(np.arctan))(1e200) == 0


@pytest.mark.parametrize("fn", [np.arcsinh, np.arccosh])
def test_far_out_these_are_logarithms(fn):
    assert grad(fn)(1e200) == pytest.approx(1e-200, rel=1e-15)


@given(st.floats(-1e3, 1e3), st.floats(1e-2, 10), st.sampled_from([-1, 1]))
def test_multiples_are_counted_as_in_exact_arithmetic(a, b, sign):
    """(a - y)/b is a whole number only up to rounding, which may be to either side of it."""
    multiples = Fraction(a) / Fraction(sign * b)
    assert grads(np.fmod, a, sign * b) == (1.0, -int(multiples))
    assert grads(np.remainder, a, sign * b) == (1.0, -math.floor(multiples))


def nested(f, i, j):
    """∂^(i+j) f / ∂x^i ∂y^j."""
    for argument in (0,) * i + (1,) * j:
        f = grad(f, argument)
    return f


def derivative_of_power(x, y, i, j):
    """∂^(i+j) x^y / ∂x^i ∂y^j = Σ C(j,k) p⁽ʲ⁻ᵏ⁾(y) logᵏ(x) x^(y-i) with p(y) = y (y-1) ... (y-i+1)."""
    p = np.polynomial.Polynomial.fromroots(range(i)) if i else np.polynomial.Polynomial([1])
    return sum(math.comb(j, k) * p.deriv(j - k)(y) * (np.log(x) if k else 1) ** k * x ** (y - i) for k in range(j + 1))


ORDERS = [(i, j) for i in range(4) for j in range(4 - i) if i + j]


@pytest.mark.parametrize("power", [np.power, np.float_power])
@pytest.mark.parametrize(("i", "j"), ORDERS)
@settings(max_examples=25)
@given(x=st.floats(0.1, 5), y=st.sampled_from([0.0, 1.0, 2.0, 3.0, -1.0]) | st.floats(-4, 4))
def test_every_derivative_of_a_power_to_third_order(power, i, j, x, y):
    exact, size = derivative_of_power(x, y, i, j), sum(abs(derivative_of_power(x, z, i, j)) for z in (y - 1, y, y + 1))
    assert nested(power, i, j)(x, y) == pytest.approx(exact, rel=1e-11, abs=1e-11 * size)


@pytest.mark.parametrize("i", [1, 2, 3])
@given(x=st.sampled_from([0.0, -2.0, -0.5, 3.0]), n=st.integers(0, 6))
def test_whole_exponents_of_any_base(i, x, n):
    """As a number, as an array, and as a variable that nobody differentiates by."""
    exact = math.perm(n, i) * x ** (n - i) if i <= n else 0
    for exponent in (n, float(n), np.array([n]), np.array([float(n)])):
        assert nested(lambda t, e=exponent: np.sum(t**e), i, 0)(x) == pytest.approx(exact, rel=1e-14)
    assert nested(np.power, i, 0)(x, float(n)) == pytest.approx(exact, rel=1e-14)


@pytest.mark.parametrize(("i", "j"), [(i, j) for i, j in ORDERS if j and i + j > 1])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@given(y=st.sampled_from([0.0, 0.5, 1.0, 1.5, 2.0, 3.0]))
def test_where_the_base_is_0_derivatives_are_exact_or_not_a_number(i, j, y):
    """Of xʸ at 0 they are 0 to the left of the poles of 0^(y-i) log(0)^j, at y > i, and infinite or nothing beyond."""
    for f in {nested(np.power, i, j), nested(lambda x, y: np.power(x, y), i, j)}:
        value = f(0.0, y)
        assert not np.isfinite(value) or (value == 0 and y > i)


def test_multiples_are_counted_exactly():
    """0.1 is a little more than a tenth: 1.0 / 0.1 rounds to 10, but only 9 of them go into 1."""
    assert grads(np.remainder, 1.0, 0.1) == grads(np.fmod, 1.0, 0.1) == (1.0, -9.0)
    assert grads(np.remainder, -7.0, 3.0) == (1.0, 3.0)
    assert grads(np.fmod, -7.0, 3.0) == (1.0, 2.0)


# -- what is not a number, or not finite ------------------------------------------------------------------------------


def test_fmax_and_fmin_pass_nan_over():
    a, b = np.array([np.nan, 1.0, 2.0, np.nan]), np.array([1.0, np.nan, 2.0, np.nan])
    for fn in (np.fmax, np.fmin):
        np.testing.assert_array_equal(
            grads(fn, a, b, cotangent=np.ones(4)), [[0.0, 1.0, 0.5, 0.0], [1.0, 0.0, 0.5, 0.0]]
        )


def test_nan_to_num_stops_what_it_replaced():
    x = np.array([np.nan, np.inf, -np.inf, 2.0])
    for options in ({}, {"nan": 1.0, "posinf": 5.0, "neginf": -5.0}):
        g = np.array([np.nan, np.inf, 3.0, 4.0])
        np.testing.assert_array_equal(
            grads(lambda t, o=options: np.nan_to_num(t, **o), x, cotangent=g), [[0.0, 0.0, 0.0, 4.0]]
        )


@pytest.mark.parametrize("fn", FLAT, ids=name_of)
def test_steps_are_flat_even_to_an_infinite_cotangent(fn):
    np.testing.assert_array_equal(grads(fn, np.array([0.5, 2.0]), cotangent=[np.inf, np.nan]), [[0.0, 0.0]])


def test_signs_that_only_negative_zero_has():
    assert grads(np.copysign, 3.0, -0.0) == (-1.0, 0.0)
    assert grads(np.copysign, -3.0, -0.0) == (1.0, 0.0)


# -- bounds -----------------------------------------------------------------------------------------------------------


def test_clip_by_tensors_and_in_all_spellings():
    x, low, high = np.array([-2.0, 0.5, 3.0]), np.array([-1.0, -1.0, -1.0]), 1.0
    expected = [0.0, 1.0, 0.0], [1.0, 0.0, 0.0], 1.0
    for call in (
        np.clip,
        lambda x, low, high: np.clip(x, a_min=low, a_max=high),
        lambda x, low, high: np.clip(x, min=low, max=high),
        lambda x, low, high: np.clip(a=x, min=low, max=high),
    ):
        for g, exact in zip(grads(call, x, low, high, cotangent=np.ones(3)), expected, strict=True):
            np.testing.assert_array_equal(g, exact)


@pytest.mark.parametrize("shape", [(), (2,)])
@pytest.mark.parametrize("fn", [np.maximum, np.minimum, np.fmax, np.fmin])
def test_a_bound_that_float32_rounds_is_met_all_the_same(fn, shape):
    x = np.full(shape, {np.maximum: 0.05, np.fmax: 0.05}.get(fn, 0.15), np.float32)
    bound = np.full(shape, 0.1)
    for scalar in (0.1, np.float32(0.1)):
        assert np.all(grads(lambda t, s=scalar: fn(t, s), x, cotangent=np.ones(shape))[0] == 0)
        assert np.all(grads(lambda t, s=scalar: fn(s, t), x, cotangent=np.ones(shape))[0] == 0)
        assert np.all(grads(lambda t, s=scalar: fn(t, s), x * 0 + scalar, cotangent=np.ones(shape))[0] == 0.5)
    assert [g.sum() for g in grads(fn, x, bound, cotangent=np.ones(shape))] == [0, x.size]


def test_clipping_to_no_bounds_gives_a_tensor_of_its_own():
    t = Tensor([1.0], requires_grad=True)
    y = np.clip(t, None, None)
    assert y is not t and y.fn is not None


def test_clip_refuses_bounds_in_two_spellings():
    t = Tensor([1.0], requires_grad=True)
    with pytest.raises(ValueError, match="not as both"):
        np.clip(t, 0, 1, max=2)
    with pytest.raises(ValueError, match="not as both"):
        np.clip(t, None, 1, min=0)


# -- spellings and refusals -------------------------------------------------------------------------------------------


def test_numpys_other_names():
    for fn in (np.abs, np.mod, np.pow, np.acos, np.acosh, np.asin, np.asinh, np.atan, np.atan2, np.atanh):
        assert primitives[fn].rules


@pytest.mark.parametrize("fn", [np.sort_complex, np.roots, np.linalg.eig, np.linalg.eigvals])
def test_functions_with_complex_results_have_no_rule(fn):
    with pytest.raises(TypeError, match=rf"np.*{name_of(fn)} has no derivative rule: its results are complex"):
        fn(Tensor([[1.0]], requires_grad=True))


def test_results_that_are_complex_are_refused():
    with pytest.raises(TypeError, match="complex"):
        np.sqrt(Tensor([1.0], requires_grad=True) * 1j)


@pytest.mark.parametrize("option", [{"where": np.array([True])}, {"dtype": np.float32}, {"casting": "no"}])
@pytest.mark.parametrize("call", [np.sinh, lambda t, **o: np.fmax(t, 0.0, **o), lambda t, **o: np.clip(t, 0, 1, **o)])
def test_options_without_a_derivative_are_refused_by_name(call, option):
    with pytest.raises(TypeError, match=next(iter(option))):
        call(Tensor([1.0], requires_grad=True), **option)


@pytest.mark.parametrize("call", [np.sinh, lambda t, **o: np.clip(t, 0, 1, **o), np.round])
def test_out_is_refused(call):
    with pytest.raises(TypeError, match="would overwrite an array"):
        call(Tensor([1.0], requires_grad=True), out=np.empty(1))


def test_nan_to_num_in_place_is_refused():
    with pytest.raises(TypeError, match="copy="):
        np.nan_to_num(Tensor([1.0], requires_grad=True), copy=False)


# -- shapes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fn", [*BINARY, np.where], ids=name_of)
@settings(max_examples=10)
@given(shapes_=hnp.mutually_broadcastable_shapes(num_shapes=3, min_side=0, max_side=3, max_dims=3))
def test_broadcasting_is_undone(fn, shapes_):
    a, b, condition = shapes_.input_shapes
    domains = BINARY.get(fn, (real, real))
    points = domains[0](grid(a)), domains[1](grid(b, 1))
    mask = grid(condition, 2) > 0
    call = (lambda x, y: np.where(mask, x, y)) if fn is np.where else fn
    assert check_grads(call, points, contract=False, directions=1)
