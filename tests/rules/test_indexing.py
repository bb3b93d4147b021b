"""Indices of all kinds: tensors as indices, ties in sorting, what is left out, and the cost of a sequence."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minigrad.engine.ancestors import ancestors
from minigrad.engine.tensor import Tensor
from minigrad.engine.walk import gradients
from minigrad.rules.indexing import Scatter, index_add
from minigrad.testing import check_grads
from tests.rules.cases import grid
from tests.rules.gradients import tensor


@settings(max_examples=60)
@given(hnp.array_shapes(min_dims=0, max_dims=3, max_side=4), st.data())
def test_basic_and_advanced_indices(shape, data):
    basic = hnp.basic_indices(shape, allow_newaxis=True, allow_ellipsis=True)
    advanced = hnp.integer_array_indices(shape) if shape else st.just(())
    index = data.draw(basic | advanced)
    assert check_grads(lambda x: np.sin(x)[index], (grid(shape),), contract=False, directions=1)


def test_indices_may_be_tensors_that_need_no_gradient():
    a, index = tensor(3), Tensor([2, 0])
    for y in (
        a[index],
        np.take(a, index),
        np.take_along_axis(arr=a, indices=index, axis=0),
        np.delete(a, obj=Tensor(1))[::-1],
    ):
        np.testing.assert_array_equal(y.data, a.data[[2, 0]])
        assert y.requires_grad


@pytest.mark.parametrize("sort", [np.sort, lambda a: np.partition(a, 1), lambda a: np.partition(a, 100)])
def test_equal_elements_keep_their_order(sort):
    """Of as many as NumPy's quick sort, left to itself, would mix."""
    a = Tensor(np.random.default_rng(0).integers(0, 10, 500), requires_grad=True, dtype=float)
    (g,) = gradients(sort(a), [a], np.arange(500.0))
    for value in range(10):
        assert np.all(np.diff(g[a.data == value]) > 0)


@pytest.mark.parametrize("fn", [np.sort, lambda a: np.partition(a, 2)])
def test_not_a_number_is_sorted_last(fn):
    a = Tensor([2.0, np.nan, 1.0, -np.inf, np.nan], requires_grad=True)
    np.testing.assert_array_equal(fn(a).data, fn(a.data))


@pytest.mark.parametrize("fn", [np.tril, np.triu, lambda a: np.pad(a[1:], 1), lambda a: np.select([a > 0], [a])])
def test_what_is_left_out_never_matters(fn):
    a = Tensor([[np.inf, np.nan], [1.0, 2.0]], requires_grad=True)
    y = fn(a)
    np.testing.assert_array_equal(y.data, fn(a.data))
    (g,) = gradients(y, [a], np.ones(y.shape))
    assert np.all(np.isfinite(g))


@settings(max_examples=100)
@given(hnp.array_shapes(min_dims=1, max_dims=3, max_side=4), st.data())
def test_index_add_is_add_at(shape, data):
    index = data.draw(hnp.basic_indices(shape, allow_newaxis=True) | hnp.integer_array_indices(shape))
    a, values = grid(shape), grid(np.shape(grid(shape)[index]), 1)
    expected = a.copy()
    np.add.at(expected, index, values)
    np.testing.assert_array_equal(index_add(a, index, values), expected, strict=True)
    np.testing.assert_array_equal(index_add(Tensor(a), index, Tensor(values)).data, expected, strict=True)


def test_index_add_leaves_its_arguments_alone_and_remembers_them():
    a, index, values = np.zeros(3), np.array([0, 0]), tensor(2)
    y = index_add(a, index, values)
    a[:], index[:] = 9, 2
    np.testing.assert_array_equal(y.data, [values.data.sum(), 0, 0])
    (g,) = gradients(y, [values], [1.0, 2.0, 3.0])
    np.testing.assert_array_equal(g, [1.0, 1.0])


def test_index_add_keeps_single_precision():
    assert index_add(tensor(3, dtype=np.float32), 0, 1.0).dtype == np.float32
    assert index_add(np.zeros(3, np.float32), [0, 0], [1.0, 2.0]).dtype == np.float64


@pytest.mark.parametrize(
    "index", [np.int64(1), (np.int64(1), True), np.array([True, False, True]), (slice(None), None)]
)
def test_indices_that_name_no_place_twice_need_no_add_at(index, monkeypatch):
    a = grid((3, 2))
    values = grid(a[index].shape, 1)
    expected = index_add(a, index, values)
    monkeypatch.setattr(np, "arange", None)  # what positions would be made with
    np.testing.assert_array_equal(index_add(a, index, values), expected)


def cost(steps, index):
    """How many numbers the graph of a sequence's gradient holds, and that of the gradient of the gradient."""
    xs = tensor(steps, 3)
    y = sum(np.sum(xs[index(t)] ** 3) for t in range(steps))
    (first,) = gradients(y, [xs], create_graph=True)
    (second,) = gradients(np.sum(first**2), [xs], create_graph=True)
    return [sum(t.size for t in ancestors([g])) for g in (first, second)]


@pytest.mark.parametrize("index", [lambda t: t, lambda t: np.int64(t), lambda t: ([t, t],)])
def test_a_sequence_costs_in_proportion_to_its_length(index):
    for short, long in zip(cost(10, index), cost(40, index), strict=True):
        assert long <= 4 * short


def test_all_steps_of_a_sequence_are_scattered_into_one_array(monkeypatch):
    combined = []
    combine = Scatter.combine
    counted = staticmethod(lambda parts: combined.append(len(parts)) or combine(parts))
    monkeypatch.setattr(Scatter, "combine", counted)
    made, zeros, xs = [], np.zeros, tensor(50, 3)
    monkeypatch.setattr(np, "zeros", lambda shape, *dtype: made.append(shape) or zeros(shape, *dtype))
    gradients(sum(np.sum(x**2) for x in xs), [xs])
    assert combined == [50] and made.count(xs.shape) == 1


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda a: np.take(a, 12), IndexError, "out of bounds"),
        (lambda a: np.take_along_axis(a, np.array([0]), 0), ValueError, "same number of dimensions"),
        (lambda a: np.sort(a, axis=2), ValueError, "out of bounds"),
        (lambda a: np.choose([0, 3, 0, 0], a), ValueError, "invalid entry"),
        (lambda a: np.diag(a[None]), ValueError, "1 or 2 dimensions"),
        (lambda a: np.pad(a, 1, "mean"), TypeError, r"mode='mean'.*np\.concatenate"),
        (lambda a: np.pad(a, 1, "reflect", reflect_type="odd"), TypeError, r"'odd'.*np\.concatenate"),
        (lambda a: np.repeat(a, a), TypeError, "would lose its gradient"),
        (lambda a: np.insert(a, a, 1.0), TypeError, "would lose its gradient"),
        (lambda a: np.take(a, a), TypeError, "would lose its gradient"),
        (lambda a: np.choose(a, [a, a]), TypeError, "would lose its gradient"),
        (lambda a: np.array([a, a]), TypeError, "would leave the graph"),
        (lambda a: np.asarray([a[0], a[1]]), TypeError, "would leave the graph"),
        (lambda a: np.array([a[0, 0], 1.0], dtype=float), TypeError, "would leave the graph"),
    ],
)
def test_refusals(call, error, message):
    with pytest.raises(error, match=message):
        call(tensor(3, 4))
