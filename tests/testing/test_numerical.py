"""Numerical derivatives: right within their error bars, everywhere, and uncertain where there is nothing to know."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.testing import near_kink, numerical_gradient, numerical_jvp, numerical_vjp

SLOPES = {  # function, point, derivative: ordinary, oscillating, steep, near poles and edges, badly scaled
    "sin": (np.sin, 1.0, np.cos(1.0)),
    "sin 100x": (lambda x: np.sin(100 * x), 1.0, 100 * np.cos(100.0)),
    "exp 20x": (lambda x: np.exp(20 * x), 1.0, 20 * np.exp(20.0)),
    "tanh 50x": (lambda x: np.tanh(50 * x), 0.01, 50 / np.cosh(0.5) ** 2),
    "log at 1e-6": (np.log, 1e-6, 1e6),
    "1/x at 1e-3": (np.reciprocal, 1e-3, -1e6),
    "sqrt at 1e-8": (np.sqrt, 1e-8, 0.5e4),
    "tan near its pole": (np.tan, np.pi / 2 - 1e-3, 1 / np.sin(1e-3) ** 2),
    "arcsin near 1": (np.arcsin, 1 - 1e-6, 1 / np.sqrt(1e-6 * (2 - 1e-6))),
    "|x - 1| near its kink": (lambda x: abs(x - 1), 1.001, 1.0),
    "|x - 1| nearer": (lambda x: abs(x - 1), 1 + 1e-5, 1.0),
    "a narrow peak": (lambda x: 1 / (1 + 1e6 * x * x), 0.5, -1e6 / (1 + 1e6 / 4) ** 2),
    "a large constant": (lambda x: 1e8 + x, 1.0, 1.0),
    "at 1e8": (np.square, 1e8, 2e8),
    "of size 1e-8": (lambda x: 1e-8 * np.sin(x), 2.0, 1e-8 * np.cos(2.0)),
    "flat": (np.square, 0.0, 0.0),
    "constant": (lambda x: 0 * x + 3, 1.0, 0.0),
}


@pytest.mark.parametrize(("f", "x", "slope"), SLOPES.values(), ids=SLOPES.keys())
def test_the_error_bar_is_honest_and_small(f, x, slope):
    estimate = numerical_jvp(f, (x,), (1.0,))
    assert abs(estimate.value - slope) <= 10 * estimate.error + 1e-9 * abs(slope)
    assert estimate.error <= 2e-5 * max(abs(slope), 1e-8)
    assert estimate.evaluations <= 1 + 11 * 10


def test_a_fixed_step_would_not_do():
    """The reason for all this: the best of fixed steps is off by a thousandth somewhere among the same functions."""
    for h in 10.0 ** np.arange(-9, -1):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            off = [abs((f(x + h) - f(x - h)) / (2 * h) - slope) / (abs(slope) or 1) for f, x, slope in SLOPES.values()]
        assert np.isnan(off).any() or max(off) > 1e-3


@given(st.lists(st.integers(-8, 8), min_size=1, max_size=5), st.integers(-16, 16).map(lambda k: (k + 0.5) / 8))
def test_polynomials_are_exact(coefficients, x):
    p = np.polynomial.Polynomial(np.array(coefficients, float))
    estimate, slope = numerical_jvp(p, (x,), (1.0,)), p.deriv()(x)
    assert abs(estimate.value - slope) <= 10 * estimate.error + 1e-12 * abs(slope)


@given(st.integers(0, 10**6))
def test_linear_in_the_tangent(seed):
    rng = np.random.default_rng(seed)
    x, v, u = rng.normal(size=(3, 4))
    W = rng.normal(size=(2, 4))
    f = lambda a: np.tanh(W @ a)
    dv, du, both = (numerical_jvp(f, (x,), (t,)) for t in (v, u, v - 2 * u))
    allowed = 10 * (both.error + dv.error + 2 * du.error) + 1e-12
    assert np.all(abs(both.value - (dv.value - 2 * du.value)) <= allowed)


@pytest.mark.parametrize(
    ("f", "x"),
    [(abs, 0.0), (np.sign, 0.0), (np.sqrt, 0.0), (np.cbrt, 0.0), (lambda x: np.maximum(x, 0), 0.0), (np.floor, 2.0)],
)
def test_kinks_jumps_cusps_and_edges_are_seen(f, x):
    assert near_kink(f, (x,), (1.0,))


@pytest.mark.parametrize(("f", "x", "slope"), SLOPES.values(), ids=SLOPES.keys())
def test_smooth_functions_have_no_kinks(f, x, slope):
    assert not near_kink(f, (x,), (1.0,))


def test_a_kink_along_one_direction_only():
    x = (np.array([0.0, 2.0]),)
    assert near_kink(abs, x, (np.array([1.0, 0.0]),))
    assert not near_kink(abs, x, (np.array([0.0, 1.0]),))


def test_beyond_the_edge_of_a_domain_the_error_is_infinite():
    estimate = numerical_jvp(np.sqrt, (np.array([0.0, 4.0]),), (np.ones(2),))
    assert estimate.error[0] == np.inf and not estimate.conclusive[0]
    assert estimate.conclusive[1]


def test_containers_and_integers_pass_through():
    args = ({"x": np.array([1.0, 2.0]), "n": 3}, [True])
    f = lambda d, flags: {"y": d["x"] ** d["n"], "sum": (d["x"].sum(),)} if flags[0] else None
    tangents = ({"x": np.array([1.0, -1.0]), "n": 0}, [False])
    found = numerical_jvp(f, args, tangents)
    np.testing.assert_allclose(found["y"].value, [3.0, -12.0], rtol=1e-11)
    assert abs(found["sum"][0].value) <= 10 * found["sum"][0].error
    gradient = numerical_vjp(f, args, {"y": np.array([1.0, 10.0]), "sum": (5.0,)})
    np.testing.assert_allclose(gradient[0]["x"].value, [8.0, 125.0], rtol=1e-11)
    assert gradient[0]["n"] is None and gradient[1] == [None]


def test_arguments_of_very_different_sizes():
    x = np.array([1e-8, 1e8, 0.0, 1.0])
    found = numerical_jvp(np.square, (x,), (np.ones(4),))
    assert np.all(abs(found.value - 2 * x) <= 10 * found.error + 1e-9 * 2 * x)
    (gradient,) = numerical_gradient(lambda x: np.sum(np.log(x)), (np.array([1e-8, 1.0, 1e8]),))
    np.testing.assert_allclose(gradient.value, [1e8, 1.0, 1e-8], rtol=1e-6)


def test_float32_is_moved_in_float64_and_tensors_are_welcome():
    seen = []

    def f(x):
        seen.append(x.dtype)
        return np.tanh(mg.Tensor(x))

    x = np.array([0.25, 0.5], np.float32)
    found = numerical_jvp(f, (x,), (np.ones(2, np.float32),))
    np.testing.assert_allclose(found.value, 1 - np.tanh(x.astype(float)) ** 2, rtol=1e-11)
    assert set(seen) == {np.dtype(np.float64)}


def test_a_complex_step_for_holomorphic_functions():
    found = numerical_jvp(lambda x: np.exp(np.sin(x)), (0.7,), (2.0,), holomorphic=True)
    assert found.evaluations == 2
    assert found.value == pytest.approx(2 * np.exp(np.sin(0.7)) * np.cos(0.7), rel=1e-15)


def test_size_0_and_no_direction():
    assert numerical_jvp(np.sin, (np.zeros((0, 3)),), (np.zeros((0, 3)),)).value.shape == (0, 3)
    still = numerical_jvp(np.sin, (1.0,), (0.0,))
    assert (still.value, still.error, still.evaluations) == (0.0, 0.0, 1)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: numerical_jvp(np.sin, (np.ones(2),), (np.ones(3),)), ValueError, r"\[\(3,\)\].*where \[\(2,\)\]"),
        (lambda: numerical_jvp(lambda x: x > 0, (1.0,), (1.0,)), TypeError, "type bool"),
        (lambda: numerical_jvp(lambda x: x * 1j, (1.0,), (1.0,)), TypeError, "type complex128"),
        (lambda: numerical_vjp(np.sin, (np.ones(2),), np.ones(3)), ValueError, "cotangents of shapes"),
        (lambda: numerical_gradient(np.sin, (np.ones(2),)), ValueError, r"one number, got shape \(2,\)"),
    ],
)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()
