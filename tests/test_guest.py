"""NumPy as a guest: whatever stands on the other side of an operator, the result is NumPy's, with a gradient.

For every kind of guest, every operator and either side: the result is a tensor of the values, shape and dtype that
NumPy gives for the array in the tensor's place (NumPy 2 promotion: Python numbers are weak), and the gradient of the
tensor is the textbook's, in the tensor's dtype. Where NumPy refuses a pair, so does a tensor.
"""

from __future__ import annotations

import operator

import numpy as np
import pytest

from minigrad import Tensor, gradients

X = np.array([0.5, 1.5, 2.0])
GUESTS = {
    "ndarray": np.array([1.0, 2.0, 0.5]),
    "ndarray of float32": np.array([1.0, 2.0, 0.5], np.float32),
    "ndarray of integers": np.array([1, 2, 3]),
    "0-d array": np.array(2.0),
    "np.float32": np.float32(2.5),
    "np.float64": np.float64(2.5),
    "int": 3,
    "float": 1.5,
    "list": [1.0, 2.0, 0.5],
}
ARITHMETIC = {  # with the derivatives by the left and by the right operand
    operator.add: (lambda a, b: 1 + 0 * b, lambda a, b: 1 + 0 * a),
    operator.sub: (lambda a, b: 1 + 0 * b, lambda a, b: -1 + 0 * a),
    operator.mul: (lambda a, b: b + 0 * a, lambda a, b: a + 0 * b),
    operator.truediv: (lambda a, b: 1 / b + 0 * a, lambda a, b: -a / b**2),
    operator.pow: (lambda a, b: b * a ** (b - 1.0), lambda a, b: a**b * np.log(a)),
    operator.matmul: (lambda a, b: b, lambda a, b: a),
}
COMPARISONS = (operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne)
AUGMENTED = {
    operator.iadd: operator.add,
    operator.isub: operator.sub,
    operator.imul: operator.mul,
    operator.itruediv: operator.truediv,
    operator.ipow: operator.pow,
    operator.imatmul: operator.matmul,
}

every_guest = pytest.mark.parametrize("guest", GUESTS.values(), ids=GUESTS.keys())
both_sides = pytest.mark.parametrize("side", ["left", "right"])
both_dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])
every_shape = pytest.mark.parametrize("points", [X, X[1]], ids=["of a vector", "of a number"])


def named(operators):
    return {"ids": [op.__name__ for op in operators]}


def pair(op, x, guest, side):
    return op(guest, x) if side == "left" else op(x, guest)


@every_guest
@pytest.mark.parametrize("op", ARITHMETIC, **named(ARITHMETIC))
@both_sides
@both_dtypes
@every_shape
def test_arithmetic(op, guest, side, dtype, points):
    x = Tensor(points, requires_grad=True, dtype=dtype)
    like = np.array(guest) if isinstance(guest, list) else guest  # `list * 0-d array` is Python's repetition
    try:
        expected = pair(op, x.data, like, side)
    except (ValueError, TypeError) as refused:  # `@` of numbers
        assert op is operator.matmul
        with pytest.raises(type(refused)):
            pair(op, x, guest, side)
        return
    y = pair(op, x, guest, side)
    assert type(y) is Tensor
    np.testing.assert_array_equal(y.data, np.asarray(expected), strict=True)
    assert y.requires_grad
    (g,) = gradients(y, [x], np.ones(y.shape))
    assert (type(g), g.shape, g.dtype) == (np.ndarray, x.shape, dtype)
    by_left, by_right = ARITHMETIC[op]
    other = np.asarray(guest, float)
    slope = by_right(other, points) if side == "left" else by_left(points, other)
    if x.ndim == 0 and np.ndim(slope):
        slope = np.sum(slope)  # the number met every element
    single = np.float32 in (dtype, y.dtype)
    np.testing.assert_allclose(g, slope + np.zeros(x.shape), rtol=1e-6 if single else 2e-15)


@every_guest
@pytest.mark.parametrize("op", COMPARISONS, **named(COMPARISONS))
@both_sides
@every_shape
def test_comparisons_are_numpys(op, guest, side, points):
    result = pair(op, Tensor(points, requires_grad=True), guest, side)
    expected = pair(op, np.asarray(points), guest, side)
    assert type(result) is type(expected)
    np.testing.assert_array_equal(result, expected, strict=True)


@every_guest
@pytest.mark.parametrize("op", AUGMENTED, **named(AUGMENTED))
def test_augmented_assignment_to_a_guest(op, guest):
    """An array would be overwritten, and the graph lost: an error. Anything else is a new tensor under the old name."""
    x = Tensor(X, requires_grad=True)
    if isinstance(guest, np.ndarray):
        before = guest.copy()
        with pytest.raises((TypeError, ValueError), match=r"overwrite an array: write y = np\.|dimension"):
            op(guest, x)
        np.testing.assert_array_equal(guest, before, strict=True)
    elif op is operator.imatmul and not isinstance(guest, list):
        with pytest.raises(ValueError, match="matmul"):
            op(guest, x)
    else:
        before = list(guest) if isinstance(guest, list) else guest
        y = op(guest, x)
        assert type(y) is Tensor
        assert y.requires_grad
        np.testing.assert_array_equal(y.data, AUGMENTED[op](np.asarray(guest), X))
        assert guest == before


@every_guest
@pytest.mark.parametrize("op", AUGMENTED, **named(AUGMENTED))
def test_augmented_assignment_to_a_tensor_makes_a_new_one(op, guest):
    x = +Tensor(X, requires_grad=True)
    if op is operator.imatmul and np.ndim(guest) == 0:
        with pytest.raises(ValueError, match="matmul"):
            op(x, guest)
        return
    y = op(x, guest)
    assert y is not x
    assert y.args[0] is x
    np.testing.assert_array_equal(x.data, X)
    np.testing.assert_array_equal(y.data, AUGMENTED[op](X, guest))


@pytest.mark.parametrize("op", [*ARITHMETIC, *COMPARISONS], **named([*ARITHMETIC, *COMPARISONS]))
@both_sides
def test_strangers_are_refused(op, side):
    """What NumPy would put into an array of objects is no number."""
    if op in (operator.eq, operator.ne):
        return  # everything can be told from everything
    with pytest.raises((TypeError, ValueError)):
        pair(op, Tensor(X, requires_grad=True), None, side)


# -- traps of the protocols -------------------------------------------------------------------------------------------


def test_no_way_from_a_tensor_to_an_array_loses_the_graph_in_silence():
    x = Tensor(X, requires_grad=True)
    for way in (
        np.array,
        np.asarray,
        np.ascontiguousarray,
        lambda t: np.array([t, t]),
        lambda t: np.zeros(3).__iadd__(t),
    ):
        with pytest.raises(TypeError):
            way(x)
    hole = np.zeros(3)
    with pytest.raises(TypeError, match="an array would leave the graph"):
        hole[:] = x


def test_numpys_functions_find_the_tensor_wherever_it_stands():
    x = Tensor(X, requires_grad=True)
    for y in (np.sum(x), np.concatenate([X, x]), np.stack((x, X)), np.add(X, x), np.where(X > 1, X, x)):
        assert type(y) is Tensor
        assert y.requires_grad


def test_constants_are_guests_too():
    """A tensor without a gradient is an array to the operators, and becomes one on request."""
    x, c = Tensor(X, requires_grad=True), Tensor(X)
    assert (x * c).requires_grad
    assert not (c * X).requires_grad
    np.testing.assert_array_equal(np.asarray(c), X)
    with pytest.raises(TypeError, match="overwrite an array"):
        operator.iadd(X.copy(), c)
