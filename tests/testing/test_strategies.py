"""What the strategies draw, shapes that fit, numbers off the edges, indices of every kind, and what it shrinks to."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import find, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minigrad as mg
from minigrad.testing import strategies as mst

FIXED = settings(derandomize=True, max_examples=3000)  # what something shrinks to is not left to chance


def smallest(strategy, condition=lambda value: True):
    return find(strategy, condition, settings=FIXED)


def drawn(strategy, count=300):
    """Examples, the same on every run."""
    seen = []

    @settings(max_examples=count, derandomize=True)
    @given(strategy)
    def see(value):
        seen.append(value)

    see()
    return seen


# -- shapes -----------------------------------------------------------------------------------------------------------


@given(st.data(), st.integers(0, 3), st.integers(0, 3), st.integers(0, 3), st.integers(0, 3))
def test_shapes_keep_within_their_limits(data, dims, more_dims, side, more_sides):
    shape = data.draw(mst.shapes(dims, dims + more_dims, side, side + more_sides))
    assert dims <= len(shape) <= dims + more_dims
    assert all(side <= n <= side + more_sides for n in shape)


def test_shapes_of_every_kind_are_drawn_and_only_some_are_empty():
    seen = drawn(mst.shapes())
    assert {(), (1,), (0,)} <= set(seen) and {len(shape) for shape in seen} == {0, 1, 2, 3}
    assert 0.02 < np.mean([0 in shape for shape in seen]) < 0.2


def test_shapes_shrink_to_axes_of_size_one():
    assert smallest(mst.shapes()) == ()
    assert smallest(mst.shapes(), lambda shape: len(shape) == 3) == (1, 1, 1)
    assert smallest(mst.shapes(), lambda shape: math.prod(shape) > 1) == (2,)
    assert smallest(mst.shapes(), lambda shape: 0 in shape) == (0,)


@pytest.mark.parametrize("limits", [(2, 1), (-1, 2), (0, 1, 3, 2)])
def test_limits_that_contradict_each_other_are_refused(limits):
    with pytest.raises(ValueError, match=r"leave no shape: take 0 <= min_(dims|side)"):
        smallest(mst.shapes(*limits))


@given(st.integers(1, 4).flatmap(lambda n: st.tuples(st.just(n), mst.broadcastable(n))))
def test_broadcastable_shapes_broadcast(case):
    n, (shapes, result) = case
    assert len(shapes) == n
    assert np.broadcast_shapes(*shapes) == result


def test_broadcastable_shapes_differ_in_every_way():
    pair = mst.broadcastable(2)
    assert smallest(pair).shapes == ((), ())
    other_rank = smallest(pair, lambda f: len(f.shapes[0]) != len(f.shapes[1]))
    assert math.prod(other_rank.result) == 1
    stretched = smallest(pair, lambda f: f.shapes[0] != f.shapes[1] and len(f.shapes[0]) == len(f.shapes[1]))
    assert math.prod(stretched.result) == 2
    crossed = smallest(pair, lambda f: f.result not in f.shapes)
    assert math.prod(crossed.result) <= 4
    assert smallest(pair, lambda f: 0 in f.result).result == (0,)


@given(mst.matmul_shapes())
def test_matmul_shapes_multiply(fitting):
    a, b = fitting.shapes
    assert (np.ones(a) @ np.ones(b)).shape == fitting.result


def test_matmul_shapes_are_of_every_kind():
    kinds = {tuple(map(len, fitting.shapes)) for fitting in drawn(mst.matmul_shapes())}
    assert {(1, 1), (1, 2), (2, 1), (2, 2)} <= kinds  # vectors and matrices, and stacks with each of them:
    assert all(any(sorted(map(min, kind, (3, 3))) == [n, 3] for kind in kinds) for n in (1, 2, 3))
    repeated = smallest(mst.matmul_shapes(), lambda f: len(f.shapes[0]) == len(f.shapes[1]) == 3 and f.result[0] == 2)
    assert math.prod(repeated.result) == 2
    assert smallest(mst.matmul_shapes(), lambda f: f.shapes[0][-1] == 0).shapes[1] in ((0,), (0, 1))


# -- numbers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("domain", [*mst.DOMAINS, (2.0, 3.0), (0, 0.01), (1e8, 2e8), (-1e-8, 1e-8)])
def test_values_stay_inside_their_domain_and_off_its_edges(domain):
    @given(mst.values(domain))
    def inside(x):
        intervals = mst.DOMAINS[domain] if isinstance(domain, str) else (domain,)
        assert any(low < x < high for low, high in intervals)
        assert x != 0
        assert isinstance(domain, tuple) or (x * 16 - 0.5).is_integer()

    inside()


def test_values_shrink_towards_zero_and_to_positive_ones():
    assert smallest(mst.values()) == 1 / 32
    assert smallest(mst.values(), lambda x: x < 0) == -1 / 32
    assert smallest(mst.values("nonzero")) == 17 / 32
    assert smallest(mst.values((3, 4))) == 97 / 32


@pytest.mark.parametrize(
    ("domain", "message"),
    [
        ("reals", "no domain is called 'reals': take one of real, bounded"),
        ((1.0, 1.0), "the lower one first"),
        ((0.0, np.inf), "finite"),
        ((1.0, np.nextafter(1.0, 2.0)), "there are no 1 numbers"),
    ],
)
def test_domains_that_hold_nothing_are_refused(domain, message):
    with pytest.raises(ValueError, match=message):
        mst.values(domain)


@given(mst.shapes(), st.sampled_from(sorted(mst.DOMAINS)), st.sampled_from([np.float64, np.float32]), st.data())
def test_tensors_are_what_was_asked_for(shape, domain, dtype, data):
    tensor = data.draw(mst.tensors(shape, domain, distinct=True, dtype=dtype))
    assert isinstance(tensor, mg.Tensor) and tensor.fn is None and tensor.requires_grad
    assert tensor.shape == shape and tensor.dtype == dtype
    assert len(np.unique(tensor.data)) == tensor.size and not np.any(tensor.data == 0)


def test_shape_and_dtype_may_be_strategies_and_a_shape_a_number():
    either = mst.tensors(mst.shapes(1, 1), dtype=st.sampled_from([np.float64, np.float32]), requires_grad=False)
    assert {tensor.dtype.name for tensor in drawn(either, 20)} == {"float32", "float64"}
    assert not any(tensor.requires_grad for tensor in drawn(either, 5))
    assert smallest(mst.tensors(3)).shape == (3,)


def test_many_different_numbers_of_a_small_domain_come_from_a_finer_grid():
    for array in drawn(mst.arrays((4, 5, 5), (0, 1), distinct=True), 10):
        assert len(np.unique(array)) == 100 and 0 < array.min() < array.max() < 1


def test_numbers_that_a_dtype_would_round_are_refused():
    with pytest.raises(ValueError, match="float32 is too coarse"):
        smallest(mst.arrays((2,), (1e8, 1e8 + 1), dtype=np.float32))


def test_arrays_shrink_to_the_first_numbers_of_the_grid():
    array = smallest(mst.arrays((2, 2), distinct=True), lambda a: a[0, 0] > a[0, 1])
    np.testing.assert_array_equal(array, [[1 / 32, -1 / 32], [3 / 32, -3 / 32]])


def test_ordinary_arrays_of_floats_are_full_of_ties_and_zeros():
    """Why there is a grid: without one, half of the arrays or more are at, or next to, a singular point."""
    ties = lambda arrays: np.mean([len(np.unique(a)) < a.size for a in arrays])
    zeros = lambda arrays: np.mean([np.any(a == 0) for a in arrays])
    some = hnp.array_shapes(max_dims=3, max_side=4)
    ordinary = drawn(hnp.arrays(np.float64, some, elements=st.floats(-8, 8)))
    assert ties(ordinary) > 0.5 and zeros(ordinary) > 0.25
    ours = drawn(mst.arrays(some, distinct=True))
    assert ties(ours) == zeros(ours) == 0


# -- axes and indices -------------------------------------------------------------------------------------------------

SHAPED = mst.shapes().flatmap(lambda shape: st.tuples(st.just(shape), mst.axes(shape)))
INDEXED = mst.shapes().flatmap(lambda shape: st.tuples(st.just(shape), mst.indices(shape)))


@given(SHAPED)
def test_axes_are_accepted_and_summed_over(case):
    shape, axis = case
    x = np.arange(1.0, 1 + math.prod(shape)).reshape(shape)
    tensor = mg.Tensor(x, requires_grad=True)
    total = np.sum(tensor, axis=axis)
    np.testing.assert_array_equal(total.data, np.sum(x, axis=axis))
    np.sum(total).backward()
    np.testing.assert_array_equal(tensor.grad, np.ones(shape))


def test_axes_are_of_every_kind():
    seen = set(drawn(mst.axes((2, 3, 4))))
    assert {0, 2, -1, -3, None, ()} <= seen
    assert any(isinstance(axis, tuple) and len(axis) == 3 for axis in seen)
    assert any(isinstance(axis, tuple) and min(axis, default=0) < 0 <= max(axis) for axis in seen if axis != ())
    assert {type(axis) for axis in drawn(mst.axes(2, tuples=False, none=False))} == {int}
    assert smallest(mst.axes(3)) is None and smallest(mst.axes(3), lambda axis: axis is not None) == 0
    with pytest.raises(ValueError, match="None or"):
        mst.axes((), tuples=False, none=False)


@given(INDEXED)
def test_indices_are_accepted_and_their_cotangents_find_home(case):
    shape, index = case
    x = np.arange(1.0, 1 + math.prod(shape)).reshape(shape)
    tensor = mg.Tensor(x, requires_grad=True)
    part = tensor[index]
    np.testing.assert_array_equal(part.data, x[index])
    part.backward(np.ones(part.shape))
    times = np.zeros(shape)
    np.add.at(times, index, 1.0)
    np.testing.assert_array_equal(tensor.grad, times)


def kind(index):
    """What an index is made of."""
    if isinstance(index, tuple):
        return frozenset(map(kind, index))
    if isinstance(index, np.ndarray):
        return f"{index.dtype.kind}{index.ndim}"
    return "negative" if isinstance(index, int) and index < 0 else type(index).__name__


def test_indices_are_of_every_kind():
    alone = {kind(index) for index in drawn(mst.indices((6,)), 600)}
    assert {"int", "negative", "slice", "list", "NoneType", "ellipsis", "i0", "i1", "i2", "b1"} <= alone
    seen = {kind(index) for index in drawn(mst.indices((2, 3)), 600)}
    assert "b2" in seen
    together = [each for each in seen if not isinstance(each, str)]
    for some in ({"slice", "i1"}, {"list", "b1"}, {"int", "NoneType"}, {"ellipsis", "b1"}, {"i1", "int"}):
        assert any(some <= each for each in together), some
    assert {kind(index) for index in drawn(mst.indices(()))} >= {"ellipsis", "NoneType", "b0", frozenset()}
    basic = drawn(mst.indices((2, 3), advanced=False))
    assert all(np.shares_memory(x := np.ones((2, 3)), x[i]) or x[i].size < 2 for i in basic)


def test_indices_shrink_to_simple_ones():
    assert smallest(mst.indices((3, 4))) == ()
    repeats = lambda index: isinstance(index, list) and len(index) > len(set(index))
    assert smallest(mst.indices((3, 4)), repeats) == [0, 0]
    backwards = smallest(mst.indices((3, 4)), lambda index: isinstance(index, slice) and (index.step or 1) < 0)
    assert backwards.step == -1
