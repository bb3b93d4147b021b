"""Gradients, pullbacks and their kin: consistent with each other, in any structure, to any depth."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minigrad import Module, Tensor, grad, hessian, hvp, jacobian, jvp, no_grad, value_and_grad, vjp
from tests.numerical import assert_derivative

GRIDS = hnp.arrays(np.int64, hnp.array_shapes(min_dims=0, max_dims=2, max_side=3), elements=st.integers(-24, 23))
POINTS = GRIDS.map(lambda k: (k + 0.5) / 16)


def like(x, seed):
    return np.random.default_rng(seed).uniform(-0.5, 0.5, np.shape(x))


def bend(x):
    """An elementwise function with derivatives of all orders, and one that mixes the elements."""
    return np.tanh(x) * np.sin(x + 1) + np.sum(x * x) * np.cos(x)


def energy(x):
    return np.sum(bend(x) * np.exp(-x))


# -- properties -------------------------------------------------------------------------------------------------------


@given(POINTS)
def test_gradients_are_derivatives(x):
    v = like(x, 1)
    value, g = value_and_grad(energy)(x)
    assert value == energy(x)
    assert np.shape(g) == np.shape(x)
    assert_derivative(np.sum(g * v), energy, [x], [v])
    np.testing.assert_array_equal(grad(energy)(x), g)


@given(POINTS)
def test_jvp_and_vjp_are_adjoint(x):
    """⟨u, J v⟩ = ⟨Jᵀ u, v⟩."""
    u, v = like(x, 1), like(x, 2)
    y, pullback = vjp(bend, x)
    pushed_y, dy = jvp(bend, (x,), (v,))
    np.testing.assert_array_equal(y, bend(x))
    np.testing.assert_array_equal(pushed_y, y)
    (pulled,) = pullback(u)
    assert np.sum(u * dy) == pytest.approx(np.sum(pulled * v), rel=1e-11, abs=1e-13)
    assert_derivative(dy, bend, [x], [v])
    np.testing.assert_array_equal(pullback(u)[0], pulled)
    np.testing.assert_array_equal(pullback(2 * u)[0], 2 * pulled)


@given(POINTS)
def test_the_hessian_is_symmetric_and_the_derivative_of_the_gradient(x):
    u, v = like(x, 1), like(x, 2)
    (hu,), (hv,) = hvp(energy, (x,), (u,)), hvp(energy, (x,), (v,))
    assert np.sum(u * hv) == pytest.approx(np.sum(v * hu), rel=1e-11, abs=1e-13)
    assert_derivative(hv, grad(energy), [x], [v])
    np.testing.assert_allclose(jvp(grad(energy), (x,), (v,))[1], hv, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(grad(lambda t: np.sum(grad(energy)(t) * v))(x), hv, rtol=1e-11, atol=1e-13)


@given(POINTS, st.integers(1, 4))
def test_derivatives_of_derivatives(x, order):
    f = np.sin
    for _ in range(order):
        f = grad(f) if np.ndim(x) == 0 else (lambda t, f=f: vjp(f, t)[1](np.ones(np.shape(t)))[0])
    expected = (np.sin, np.cos, lambda t: -np.sin(t), lambda t: -np.cos(t))[order % 4](x)
    np.testing.assert_allclose(f(x), expected, rtol=1e-13, atol=1e-15)


# -- matrices of derivatives ------------------------------------------------------------------------------------------


@given(POINTS)
def test_products_with_the_jacobian(x):
    """jvp is J v and vjp is uᵀ J."""
    u, v = like(x, 1), like(x, 2)
    J = jacobian(bend)(x)
    assert J.shape == x.shape + x.shape
    np.testing.assert_allclose(jvp(bend, (x,), (v,))[1], np.tensordot(J, v, x.ndim), rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(vjp(bend, x)[1](u)[0], np.tensordot(u, J, x.ndim), rtol=1e-11, atol=1e-13)


@given(POINTS)
def test_products_with_the_hessian(x):
    """hvp is H v, and H is symmetric."""
    v = like(x, 1)
    H = hessian(energy)(x)
    assert H.shape == x.shape + x.shape
    np.testing.assert_allclose(hvp(energy, (x,), (v,))[0], np.tensordot(H, v, x.ndim), rtol=1e-11, atol=1e-13)
    square = np.reshape(H, (x.size, x.size))
    np.testing.assert_allclose(square, square.T, rtol=1e-11, atol=1e-13)


def test_jacobians_of_jacobians():
    """Σx³ has second derivatives 6 diag(x), and third ones 6 where all three indices agree."""
    x = np.array([0.5, -2.0])
    third = np.zeros((2, 2, 2))
    third[[0, 1], [0, 1], [0, 1]] = 6
    np.testing.assert_allclose(jacobian(hessian(lambda t: np.sum(t**3)))(x), third)
    np.testing.assert_allclose(jacobian(jacobian(jacobian(lambda t: np.sum(t**3))))(x), third)
    np.testing.assert_allclose(grad(lambda t: np.sum(jacobian(np.sin)(t)))(x), -np.sin(x))
    np.testing.assert_allclose(hessian(lambda t: np.sum(hessian(lambda s: np.sum(s**4))(t)))(x), 24 * np.eye(2))


def test_a_jacobian_within_another_function_is_not_confused():
    x = np.array([1.0, 2.0])
    np.testing.assert_allclose(jacobian(lambda t: jacobian(lambda s: s * t)(np.ones(2)) @ t)(x), np.diag(2 * x))


def test_jacobians_nest_as_value_then_argument():
    def f(p, s):
        return {"y": p["W"] @ p["b"] * s, "n": (np.sum(p["b"]), 3.0)}

    p = {"W": np.arange(6.0).reshape(2, 3), "b": np.array([1.0, -1.0, 2.0])}
    J = jacobian(f)(p, 2.0)
    assert {name: block.shape for name, block in J["y"].items()} == {"W": (2, 2, 3), "b": (2, 3)}
    np.testing.assert_array_equal(J["y"]["b"], 2 * p["W"])
    np.testing.assert_array_equal(J["y"]["W"], 2 * np.eye(2)[..., None] * p["b"])
    np.testing.assert_array_equal(J["n"][0]["b"], np.ones(3))
    np.testing.assert_array_equal(J["n"][1]["b"], np.zeros(3))  # a constant
    both = jacobian(f, (1, 0))(p, 2.0)
    assert type(both["y"]) is tuple
    np.testing.assert_array_equal(both["y"][0], p["W"] @ p["b"])
    np.testing.assert_array_equal(both["y"][1]["b"], J["y"]["b"])


def test_hessians_nest_as_argument_then_argument():
    def f(a, p):
        return np.sum(a * p[0]) * p[1]

    a, p = np.array([1.0, 2.0]), [np.array([3.0, 5.0]), 7.0]
    H = hessian(f, (0, 1))(a, p)
    np.testing.assert_array_equal(H[0][0], np.zeros((2, 2)))
    np.testing.assert_array_equal(H[0][1][0], 7 * np.eye(2))
    np.testing.assert_array_equal(H[1][0][0], 7 * np.eye(2))
    np.testing.assert_array_equal(H[0][1][1], p[0])
    np.testing.assert_array_equal(H[1][1][1][0], a)
    assert H[1][1][1][1] == 0.0


def test_jacobians_of_numbers_and_of_nothing():
    assert jacobian(lambda x: x**3)(2.0) == 12.0
    assert hessian(lambda x: x**3)(2.0) == 12.0
    assert type(hessian(lambda x: x**3)(2.0)) is np.float64
    assert jacobian(lambda x: x[:0])(np.ones(3)).shape == (0, 3)
    assert jacobian(lambda x: x * 2)(np.ones((0, 2), np.float32)).shape == (0, 2, 0, 2)
    assert jacobian(lambda x: np.ones(2))(np.ones(3)).shape == (2, 3)
    J = jacobian(lambda x: np.tanh(x) * 2.0)(np.ones(2, np.float32))
    assert J.dtype == np.float32
    assert J.flags.writeable
    assert jacobian(np.tanh).__name__ == "tanh"


def test_jacobians_are_tensors_where_somebody_may_ask_for_more():
    p, x = Tensor(2.0, requires_grad=True), np.array([1.0, 3.0])
    J = jacobian(lambda t: t * t * p)(x)
    assert isinstance(J, Tensor)
    J.sum().backward()
    assert p.grad == 8.0
    with no_grad():
        assert type(jacobian(lambda t: t * t * p)(x)) is np.ndarray


# -- derivatives within derivatives -----------------------------------------------------------------------------------


def test_perturbations_are_not_confused():
    """Siskind and Pearlmutter (2005): an inner derivative must not see the outer one's perturbation."""
    assert grad(lambda x: x * grad(lambda y: x + y)(1.0))(3.0) == 1.0
    assert grad(lambda x: x * grad(lambda y: x * y)(1.0))(3.0) == 6.0
    assert grad(lambda x: x * jvp(lambda y: x * y, (1.0,), (1.0,))[1])(3.0) == 6.0
    assert grad(lambda x: grad(lambda y: x * y * y)(x))(3.0) == 12.0  # 2xy at y = x is 2x²
    assert jvp(lambda x: x * jvp(lambda y: x + y, (1.0,), (1.0,))[1], (3.0,), (1.0,))[1] == 1.0


def test_an_argument_given_twice_is_two_arguments():
    assert value_and_grad(lambda a, b: a * a * b, argnums=(0, 1))(3.0, 3.0) == (27.0, (18.0, 9.0))
    assert grad(lambda x: grad(lambda a, b: a * a * b)(x, x))(3.0) == 12.0


def test_values_of_inner_transforms_carry_the_outer_derivative():
    assert grad(lambda x: value_and_grad(lambda y: x * y)(2.0)[0])(3.0) == 2.0
    assert grad(lambda x: vjp(lambda y: x * y, 2.0)[0])(3.0) == 2.0
    assert grad(lambda x: jvp(lambda y: x * y, (2.0,), (1.0,))[0])(3.0) == 2.0
    assert grad(lambda x: hvp(lambda y: x * y**3, (2.0,), (1.0,))[0])(3.0) == 12.0


def test_results_are_differentiable_by_cotangents_tangents_and_vectors():
    """Jᵀu, Jv and Hv are linear in u, v: their gradients are the rows of J, Jᵀ and H."""
    x, w = np.array([0.5, -0.25]), np.array([3.0, 5.0])
    (pulled,), (curved,) = vjp(bend, x)[1](w), hvp(energy, (x,), (w,))
    by_cotangent = grad(lambda u: np.sum(vjp(bend, x)[1](u)[0] * w))(w)
    by_tangent = grad(lambda v: np.sum(jvp(bend, (x,), (v,))[1] * w))(w)
    by_vector = grad(lambda v: np.sum(hvp(energy, (x,), (v,))[0] * w))(w)
    np.testing.assert_allclose(Tensor(by_cotangent).data, jvp(bend, (x,), (w,))[1])
    np.testing.assert_allclose(Tensor(by_tangent).data, pulled)
    np.testing.assert_allclose(Tensor(by_vector).data, curved)


def test_the_outermost_result_is_no_tensor():
    """The variable of an inner transform is nobody's business once that transform is done."""
    v = 1.0
    for inner in (
        lambda x: grad(lambda y: x * y * y)(1.0),
        lambda x: value_and_grad(lambda y: x * y * y)(1.0)[0],
        lambda x: vjp(lambda y: x * y * y, 1.0)[0],
        lambda x: vjp(lambda y: x * y * y, 1.0)[1](v)[0],
        lambda x: jvp(lambda y: x * y * y, (1.0,), (v,))[0],
        lambda x: jvp(lambda y: x * y * y, (1.0,), (v,))[1],
        lambda x: hvp(lambda y: x * y**3, (1.0,), (v,))[0],
    ):
        value, g = value_and_grad(lambda x, inner=inner: inner(x) * x)(3.0)
        assert not isinstance(value, Tensor)
        assert not isinstance(g, Tensor)
        assert g == 2 * value / 3


def test_results_are_tensors_only_where_somebody_may_ask_for_more():
    p = Tensor(2.0, requires_grad=True)
    y, g = value_and_grad(lambda x: x * x * p)(3.0)
    assert isinstance(y, Tensor)
    assert isinstance(g, Tensor)
    (y + g).backward()
    assert p.grad == 9.0 + 6.0
    y, g = value_and_grad(lambda x: x * x)(3.0)
    assert not isinstance(y, Tensor)
    assert not isinstance(g, Tensor)
    with no_grad():
        y, g = value_and_grad(lambda x: x * x * p)(3.0)
    assert (y, g) == (18.0, 12.0)
    assert not isinstance(g, Tensor)


def test_grads_of_leaves_are_left_alone():
    p = Tensor(2.0, requires_grad=True)
    value_and_grad(lambda x: x * p)(3.0)
    grad(lambda x: x * x)(p)
    hvp(lambda x: x**3 * p, (3.0,), (1.0,))
    jvp(lambda x: x * p, (3.0,), (1.0,))
    assert p.grad is None


def test_transforms_work_where_nothing_is_recorded():
    with no_grad():
        assert grad(lambda x: x**3)(2.0) == 12.0
        assert hvp(lambda x: x**3, (2.0,), (1.0,)) == (12.0,)
        assert jvp(lambda x: x**3, (2.0,), (1.0,)) == (8.0, 12.0)
        assert vjp(lambda x: x**3, 2.0)[1](1.0) == (12.0,)
        assert grad(grad(lambda x: x**3))(2.0) == 12.0


# -- structures -------------------------------------------------------------------------------------------------------


class State(NamedTuple):
    h: object
    c: object


def net(parameters, x):
    h = np.tanh(parameters["layers"][0] @ x + parameters["b"])
    return {"y": parameters["layers"][1] @ h, "state": State(h, (h * h,))}


def test_arguments_and_results_may_be_nested():
    rng = np.random.default_rng(0)
    parameters = {"layers": [rng.standard_normal((3, 2)), rng.standard_normal((1, 3))], "b": rng.standard_normal(3)}
    tangents = {"layers": [rng.standard_normal((3, 2)), rng.standard_normal((1, 3))], "b": rng.standard_normal(3)}
    x, dx = rng.standard_normal(2), rng.standard_normal(2)
    y, pullback = vjp(net, parameters, x)
    cotangent = {"y": np.array([2.0]), "state": State(rng.standard_normal(3), (rng.standard_normal(3),))}
    pulled, dx_pulled = pullback(cotangent)
    same, dy = jvp(net, (parameters, x), (tangents, dx))
    assert isinstance(dy["state"], State)
    assert isinstance(pulled["layers"], list)
    np.testing.assert_array_equal(y["state"].c[0], same["state"].c[0])
    forward = (
        dy["y"] @ cotangent["y"] + dy["state"].h @ cotangent["state"].h + dy["state"].c[0] @ cotangent["state"].c[0]
    )
    layers = zip(pulled["layers"], tangents["layers"], strict=True)
    backward = sum(np.sum(a * b) for a, b in layers) + pulled["b"] @ tangents["b"] + dx_pulled @ dx
    assert forward == pytest.approx(backward, rel=1e-12)
    by_name = grad(lambda p: np.sum(net(p, x)["y"]))(parameters)
    assert [g.shape for g in by_name["layers"]] == [(3, 2), (1, 3)]
    (second,) = hvp(lambda p: np.sum(net(p, x)["y"] ** 2), (parameters,), (tangents,))
    assert second["b"].shape == (3,)


def test_argnums_and_keywords():
    def f(a, b, *, power=1):
        return (a - b) ** power

    assert grad(f)(3.0, 1.0) == 1.0
    assert grad(f, 1)(3.0, 1.0, power=2) == -4.0
    assert grad(f, -1)(3.0, 1.0, power=2) == -4.0
    assert grad(f, (1, 0))(3.0, 1.0, power=2) == (-4.0, 4.0)
    assert grad(f, [0])(3.0, 1.0, power=3) == (12.0,)
    assert grad(f).__name__ == "f"
    assert grad(lambda x, n: x**n)(3.0, 2) == 6.0  # an integer that is not asked for may stay one


def test_dtype_is_kept():
    x = np.float32([1, 2])
    v = np.float32([0.5, 0.25])
    for result in (
        *value_and_grad(lambda t: np.mean(2.0 * t**2))(x),
        *jvp(lambda t: np.tanh(t) * 2.0, (x,), (v,)),
        *vjp(lambda t: np.tanh(t) * 2.0, x)[1](v),
        *hvp(lambda t: np.mean(t**3), (x,), (v,)),
    ):
        assert result.dtype == np.float32


def test_results_are_numbers_or_arrays_of_the_callers_own():
    """They may be written to, and nothing else changes: not an argument, not a cotangent, not a second result."""
    assert type(grad(lambda x: x * x)(3.0)) is np.float64
    x, v = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    same = lambda x: x + 0.0
    y, pullback = vjp(same, x)
    results = [*value_and_grad(lambda x: np.sum(x * x))(x)[1:], y, *pullback(v), *pullback(v), *jvp(same, (x,), (v,))]
    results += [jacobian(same)(x), hessian(lambda x: np.sum(x * x))(x), *hvp(lambda x: np.sum(x * x), (x,), (v,))]
    expected = [np.array(result) for result in results]
    for i, result in enumerate(results):
        assert type(result) is np.ndarray
        result[...] = np.nan
        expected[i][...] = np.nan
        for one, other in zip([x, v, *results], [[1.0, 2.0], [3.0, 4.0], *expected], strict=True):
            np.testing.assert_array_equal(one, other)


# -- constants and mistakes -------------------------------------------------------------------------------------------


def test_constant_functions_have_derivative_zero():
    x, v = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    for constant in (lambda x: 5.0, lambda x: np.sum(np.ones(2)), lambda x: Tensor(5.0), lambda x: np.argmax(x) * 5.0):
        np.testing.assert_array_equal(grad(constant)(x), [0.0, 0.0])
        np.testing.assert_array_equal(vjp(constant, x)[1](1.0)[0], [0.0, 0.0])
        assert jvp(constant, (x,), (v,))[1] == 0.0
        np.testing.assert_array_equal(hvp(constant, (x,), (v,))[0], [0.0, 0.0])


NO_FLOATS = {
    "argmax": lambda x: np.argmax(x),
    "a comparison": lambda x: x > 0,
    "an accuracy": lambda x: np.sum(np.sign(x.detach().data) == 1),
    "a count": lambda x: np.count_nonzero(x > 0),
    "an integer": lambda x: 2,
    "integers": lambda x: x.astype(int),
    "nothing": lambda x: None,
    "words": lambda x: "cost",
    "a complex number": lambda x: 1j,
    "one of two": lambda x: (np.sum(x), 3),
}


@pytest.mark.parametrize("f", NO_FLOATS.values(), ids=NO_FLOATS.keys())
def test_what_is_no_float_has_no_derivative(f):
    x, v = np.array([1.0, 2.0]), np.array([3.0, 4.0])
    for ask in (
        lambda: grad(f)(x),
        lambda: value_and_grad(f)(x),
        lambda: jacobian(f)(x),
        lambda: hessian(f)(x),
        lambda: vjp(f, x),
        lambda: jvp(f, (x,), (v,)),
        lambda: hvp(f, (x,), (v,)),
    ):
        with pytest.raises(TypeError, match=r"<lambda> returned .*, and only floating-point numbers have a derivative"):
            ask()


def test_results_may_hold_constants():
    y, dy = jvp(lambda x: (x * 2, 5.0), (3.0,), (1.0,))
    assert y == (6.0, 5.0)
    assert dy == (2.0, 0.0)
    assert vjp(lambda x: (x * 2, 5.0), 3.0)[1]((1.0, 1.0)) == (2.0,)


def test_linear_functions_have_hessian_zero():
    np.testing.assert_array_equal(hvp(np.sum, (np.ones(3),), (np.ones(3),))[0], np.zeros(3))
    assert grad(grad(lambda x: 3 * x))(2.0) == 0.0


def test_wrong_requests_say_what_was_expected():
    with pytest.raises(ValueError, match=r"returns one number, got shape \(2,\): use vjp"):
        grad(np.tanh)(np.ones(2))
    with pytest.raises(ValueError, match="argnums names argument 2, but the function was called with 1"):
        grad(np.sum, 2)(np.ones(2))
    with pytest.raises(ValueError, match=r"returns one number, got shape \(2,\): use vjp"):
        hessian(np.tanh)(np.ones(2))
    with pytest.raises(ValueError, match="argnums names argument 1, but the function was called with 1"):
        jacobian(np.tanh, 1)(np.ones(2))
    with pytest.raises(TypeError, match="requires_grad needs floating-point data, got int64"):
        grad(lambda x: x * x)(np.array(3))
    with pytest.raises(ValueError, match=r"tangents of shapes \[\(3,\)\] were given where \[\(2,\)\] are needed"):
        jvp(np.tanh, (np.ones(2),), (np.ones(3),))
    with pytest.raises(ValueError, match=r"vectors of shapes \[\(\)\] were given where \[\(2,\)\] are needed"):
        hvp(np.sum, (np.ones(2),), (1.0,))
    with pytest.raises(ValueError, match=r"cotangents of shapes \[\(3,\)\] were given where \[\(2,\)\] are needed"):
        vjp(np.tanh, np.ones(2))[1](np.ones(3))


def test_the_pullback_of_an_empty_array():
    x = np.zeros((0, 3))
    assert grad(np.sum)(x).shape == (0, 3)
    assert jvp(np.tanh, (x,), (x,))[1].shape == (0, 3)


def test_a_known_hessian():
    """log Σ exp has the Hessian diag(p) - p pᵀ with p = softmax."""
    x = np.array([0.5, -1.0, 2.0])
    p = np.exp(x) / np.exp(x).sum()
    hessian = np.stack([hvp(lambda t: np.log(np.sum(np.exp(t))), (x,), (e,))[0] for e in np.eye(3)])
    np.testing.assert_allclose(hessian, np.diag(p) - np.outer(p, p), atol=1e-15)
    assert grad(lambda t: grad(grad(np.tanh))(t))(0.5) == pytest.approx(
        (6 * math.tanh(0.5) ** 2 - 2) * (1 - math.tanh(0.5) ** 2), rel=1e-14
    )


# -- modules as arguments ---------------------------------------------------------------------------------------------


class Line(Module):
    def __init__(self, shared=False):
        self.w = Tensor([0.5, -1.0], requires_grad=True, name="w")
        self.inner = {"b": Tensor(0.25, requires_grad=True), "rate": 3.0}
        if shared:
            self.again = self.w

    def cost(self, x):
        return np.sum(np.tanh(self.w * x + self.inner["b"]) ** 3) + np.sum(getattr(self, "again", 0.0) * x)


@given(st.booleans(), hnp.arrays(np.float64, 2, elements=st.floats(-1, 1)))
def test_the_gradient_of_a_module_is_that_which_backward_leaves_on_it(shared, x):
    line = Line(shared)
    value, found = value_and_grad(lambda line, x: line.cost(x))(line, x)
    assert all(type(g) is not Tensor for g in found.values()) and type(value) is not Tensor
    assert all(p.grad is None for p in line.parameters().values())
    line.cost(x).backward()
    assert list(found) == list(line.parameters())
    for name, p in line.parameters().items():
        np.testing.assert_array_equal(found[name], p.grad)


def test_transforms_of_modules_nest_and_agree():
    line, x = Line(), np.array([0.3, -0.7])
    vector = {"inner.b": np.array(0.5), "w": np.array([1.0, 2.0])}
    second = hessian(lambda line: line.cost(x))(line)
    (product,) = hvp(lambda line: line.cost(x), (line,), (vector,))
    for name in ("w", "inner.b"):
        expected = sum(np.tensordot(second[name][other], v, np.ndim(v)) for other, v in vector.items())
        np.testing.assert_allclose(product[name], expected, rtol=1e-12)
    slope = jvp(lambda line: line.cost(x), (line,), (vector,))[1]
    (pulled,) = vjp(lambda line: line.cost(x), line)[1](1.0)
    assert slope == pytest.approx(sum(np.sum(pulled[name] * v) for name, v in vector.items()), rel=1e-12)
    with pytest.raises(ValueError, match="was given for a Line"):
        hvp(lambda line: line.cost(x), (line,), ({"w": x},))
