"""What meets a tensor and is none: converted where its meaning is clear, refused otherwise, never remembered."""

from __future__ import annotations

import datetime
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from minigrad import Tensor, gradients


class Labelled:
    """As a Series or an xarray: an array with more about it, which gives the array when asked."""

    def __init__(self, values):
        self.values = np.asarray(values)

    def __array__(self, dtype=None, copy=None):
        return self.values if dtype is None else self.values.astype(dtype)


class OldLabelled(Labelled):
    """One that does not know NumPy 2's ``copy=``."""

    def __array__(self, dtype=None):
        return self.values


class Sparse:
    """As a sparse matrix: NumPy can make nothing of it but an object."""

    shape, ndim = (2, 2), 2


CALLS = {
    "multiply": lambda t, other: t * other,
    "reflected": lambda t, other: np.multiply(other, t),
    "matmul": lambda t, other: np.matmul(t, other),
    "dot": lambda t, other: np.dot(t, other),
    "where": lambda t, other: np.where(np.array([True, False]), t, other),
    "maximum": lambda t, other: np.maximum(t, other),
    "concatenate": lambda t, other: np.concatenate([t, other]),
    "einsum": lambda t, other: np.einsum("i,i->i", t, other),
}
NUMBERS = {
    "list": [3.0, -4.0],
    "tuple": (3, -4),
    "integers": np.array([3, -4]),
    "booleans": np.array([True, False]),
    "fractions": np.array([Fraction(3), Fraction(-4)]),
    "a list of fractions": [Fraction(3), Fraction(-4)],
    "decimals": np.array([Decimal(3), Decimal(-4)]),
    "objects": np.array([3.0, -4], dtype=object),
    "labelled": Labelled([3.0, -4.0]),
    "labelled objects": Labelled(np.array([3.0, -4.0], dtype=object)),
    "labelled as of old": OldLabelled([3.0, -4.0]),
    "memory-mapped": np.memmap,
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
@pytest.mark.parametrize("other", NUMBERS.values(), ids=NUMBERS.keys())
def test_numbers_are_converted(call, other, tmp_path):
    if other is np.memmap:
        other = np.memmap(tmp_path / "numbers", float, "w+", shape=2)
        other[:] = [3.0, -4.0]
    plain = np.asarray(other)
    plain = plain.astype(float) if plain.dtype == object else plain
    t, same = Tensor([1.0, 2.0], requires_grad=True), Tensor([1.0, 2.0], requires_grad=True)
    y, expected = call(t, other), call(same, plain)
    np.testing.assert_array_equal(y.data, expected.data, strict=True)
    (g,), (exact,) = gradients(np.sum(y * y), [t]), gradients(np.sum(expected * expected), [same])
    np.testing.assert_array_equal(g, exact)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
@pytest.mark.parametrize("make", [np.array, list, Labelled], ids=["array", "list", "labelled"])
def test_nothing_of_anybody_elses_is_remembered(call, make):
    other = make([3.0, -4.0])
    t = Tensor([1.0, 2.0], requires_grad=True)
    y = np.sum(call(t, other) * 2.0)
    (before,) = gradients(y, [t])
    changed = other.values if isinstance(other, Labelled) else other
    changed[0], changed[1] = 100.0, 200.0
    np.testing.assert_array_equal(gradients(y, [t])[0], before)


NO_NUMBERS = {
    "sparse": Sparse(),
    "nothing": None,
    "words": np.array(["a", "b"]),
    "digits": np.array(["3", "4"], dtype=object),
    "bytes": b"ab",
    "dates": np.array(["2020-01-01", "2020-01-02"], dtype="datetime64[D]"),
    "a date": datetime.date(2020, 1, 1),
    "durations": np.array([1, 2], dtype="timedelta64[D]"),
    "missing": np.array([1.0, None], dtype=object),
    "complex objects": np.array([1j, 2j], dtype=object),
    "masked": np.ma.array([1.0, 2.0], mask=[True, False]),
    "records": np.array([(1.0, 2.0)], dtype=[("a", float), ("b", float)]),
    "a dict": {"a": 1.0},
    "a set": {1.0, 2.0},
    "a function": np.sum,
}


@pytest.mark.parametrize("other", NO_NUMBERS.values(), ids=NO_NUMBERS.keys())
@pytest.mark.parametrize("call", [CALLS["multiply"], CALLS["reflected"], CALLS["maximum"]])
def test_what_is_no_array_of_numbers_is_refused(call, other):
    with pytest.raises(
        TypeError, match=r"np\.\w+ was given a .*, which is no plain array of numbers: convert it first"
    ):
        call(Tensor([1.0, 2.0], requires_grad=True), other)


@pytest.mark.parametrize("call", [CALLS[name] for name in ("multiply", "maximum", "where")])
def test_tensors_in_a_list_are_told_where_to_go(call):
    x = Tensor(1.0, requires_grad=True)
    with pytest.raises(TypeError, match=r"np\.stack"):
        call(Tensor([1.0, 2.0], requires_grad=True), [x, x])


def test_an_index_is_converted_too_and_not_remembered():
    place = Labelled(np.array([0, 0]))
    x = Tensor([1.0, 2.0], requires_grad=True)
    y = np.sum(x[place])
    place.values[:] = 1
    np.testing.assert_array_equal(gradients(y, [x])[0], [2.0, 0.0])


@pytest.mark.parametrize("value", ["3", b"3", None, 1j, np.datetime64("2020-01-01"), {"a": 1}, np.array("3")])
def test_data_that_is_no_real_number_is_not_assigned(value):
    x = Tensor(1.0, requires_grad=True)
    with pytest.raises(TypeError):
        x.data = value
    assert x.data == 1.0


@pytest.mark.parametrize("name", ["iadd", "isub", "imul", "itruediv", "ipow", "ifloordiv", "imod", "imatmul"])
def test_no_leaf_is_replaced_by_augmented_assignment(name):
    import operator

    W = Tensor(np.eye(2), requires_grad=True)
    augmented = getattr(operator, name)
    with pytest.raises(TypeError, match=r"a leaf is not changed in place: write p\.data = "):
        augmented(W, np.ones((2, 2)))
    y = W * 1.0
    assert augmented(y, np.ones((2, 2))).args[0] is y


METHODS = {
    "trace": lambda a: a.trace(),
    "cumprod": lambda a: a.cumprod(1),
    "ptp": lambda a: a.ptp(axis=0) if isinstance(a, Tensor) else np.ptp(a, axis=0),
    "copy": lambda a: a.copy(),
    "mT": lambda a: a.mT,
    "real": lambda a: a.real,
    "round": lambda a: a.round(1),
    "astype": lambda a: a.astype(np.float32, copy=False),
    "any": lambda a: a.any(axis=0),
    "all": lambda a: a.all(),
    "argsort": lambda a: a.argsort(axis=0),
    "nonzero": lambda a: a.nonzero(),
    "tolist": lambda a: a.tolist(),
    "item": lambda a: a.item(1, 0),
}


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS.keys())
def test_methods_that_arrays_have(method):
    a = np.array([[1.25, 0.0], [-3.5, 4.0]])
    ours, numpys = method(Tensor(a, requires_grad=True)), method(a)
    if isinstance(ours, Tensor):
        assert ours.requires_grad
        ours = ours.data
    assert type(ours) is type(numpys) or np.ndim(numpys) == 0
    np.testing.assert_array_equal(ours, numpys, strict=isinstance(numpys, np.ndarray))


def test_methods_say_what_they_are():
    assert Tensor.sum.__name__ == "sum" and "Sum of array elements" in Tensor.sum.__doc__
    assert Tensor.__add__.__qualname__ == "Tensor.__add__"
    with pytest.raises(TypeError) as caught:
        Tensor([1.0], requires_grad=True).sum(out=np.zeros(()))
    assert "sum" in [entry.name for entry in caught.traceback]
