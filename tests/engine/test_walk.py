"""The walk: right sums over every path, each edge crossed once, nothing left behind, nothing shared, nothing stale."""

from __future__ import annotations

import gc
import math
import weakref
from contextlib import contextmanager
from functools import reduce

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from minigrad import StaleGraphError, Tensor, backward, gradients, no_grad, scope
from minigrad.engine.ancestors import ancestors
from minigrad.engine.context import context
from minigrad.engine.cotangents import Deferred, Sum, dense, met, sum_to
from minigrad.engine.tables import Primitive, primitives
from minigrad.rules.linalg import Product
from tests.numerical import assert_derivative
from tests.tables import ruled

RNG = np.random.default_rng(0)


def leaf(data, **options):
    return Tensor(data, requires_grad=True, **options)


def edges_of(outputs, wrt=None):
    """(consumer, position, share) of every edge that a walk crosses."""
    crossed = []
    observe = lambda *edge: crossed.append(edge)
    backward(outputs, observe=observe) if wrt is None else gradients(outputs, wrt, observe=observe)
    return crossed


@contextmanager
def without_the_cycle_collector():
    """Inside, memory is freed by reference counting or not at all; afterwards, no garbage may have been left."""
    gc.collect()
    gc.disable()
    try:
        yield
        assert gc.collect() == 0
    finally:
        gc.enable()


# -- any program ------------------------------------------------------------------------------------------------------

LEAVES = (np.array(0.71875), np.array([0.40625, -0.84375, 0.15625]), np.array([[0.53125], [-0.28125]]))
STEPS = (
    lambda a, b: a + b,
    lambda a, b: a - b,
    lambda a, b: np.tanh(a * b),
    lambda a, b: a / (2 + b * b),
    lambda a, b: np.sin(a) * b,
    lambda a, b: np.where(np.array([True, False, True]), a, b),
    lambda a, b: np.mean(a) + b * 0.5,
    lambda a, b: np.cos(a[..., :1] if np.ndim(a) else a) - np.sum(b) / 4,
)
PROGRAMS = st.lists(
    st.tuples(st.integers(0, len(STEPS) - 1), st.integers(0, 10**6), st.integers(0, 10**6)), min_size=1, max_size=12
)


def run(program, *leaves):
    """All intermediate results of a program, each step of which takes two earlier ones; some stay unused."""
    values = list(leaves)
    for step, i, j in program:
        a, b = values[i % len(values)], values[j % len(values)]
        values.append(STEPS[step](a, b))
    return values


def cost(program, *leaves):
    return sum(np.sum(np.sin(value)) for value in run(program, *leaves)[:-4:-1])


@given(PROGRAMS)
def test_the_gradient_of_any_program_is_its_derivative(program):
    leaves = [leaf(x) for x in LEAVES]
    grads = gradients(cost(program, *leaves), leaves)
    directions = [np.random.default_rng(1).uniform(-0.5, 0.5, x.shape) for x in LEAVES]
    along = sum(np.sum(g * v) for g, v in zip(grads, directions, strict=True))
    assert_derivative(along, lambda *xs: cost(program, *xs), LEAVES, directions)


@settings(max_examples=50)
@given(PROGRAMS)
def test_the_hessian_of_any_program_is_the_derivative_of_its_gradient(program):
    directions = [np.random.default_rng(1).uniform(-0.5, 0.5, x.shape) for x in LEAVES]

    def along(*xs, create_graph=False):
        leaves = [x if create_graph else leaf(x) for x in xs]
        grads = gradients(cost(program, *leaves), leaves, create_graph=create_graph)
        return sum(np.sum(g * v) for g, v in zip(grads, directions, strict=True))

    leaves = [leaf(x) for x in LEAVES]
    second = gradients(along(*leaves, create_graph=True), leaves)
    twice_along = sum(np.sum(g * v) for g, v in zip(second, directions, strict=True))
    assert_derivative(twice_along, along, LEAVES, directions)


@given(PROGRAMS)
def test_each_edge_is_crossed_once_and_its_shares_add_up(program):
    leaves = [leaf(x) for x in LEAVES]
    output = cost(program, *leaves)
    everything = ancestors([output])
    crossed = []
    totals = gradients(output, everything, observe=lambda *edge: crossed.append(edge))
    assert len({(consumer.index, position) for consumer, position, _ in crossed}) == len(crossed)
    assert len(crossed) == sum(isinstance(a, Tensor) and a.requires_grad for t in everything for a in t.args)
    sums = {tensor.index: np.zeros(tensor.shape) for tensor in everything}
    sums[output.index] = np.array(1.0)
    for consumer, position, share in crossed:
        source = consumer.args[position]
        assert share.shape == source.shape
        sums[source.index] = sums[source.index] + dense(share)
    for tensor, total in zip(everything, totals, strict=True):
        np.testing.assert_allclose(sums[tensor.index], total, rtol=1e-13, atol=1e-13)


@given(PROGRAMS)
def test_a_second_walk_adds_exactly_the_same_again(program):
    leaves = [leaf(x) for x in LEAVES]
    output = cost(program, *leaves)
    output.backward()
    first = [x.grad for x in leaves]
    output.backward()
    for x, g in zip(leaves, first, strict=True):
        assert (x.grad is None) == (g is None)
        if g is not None:
            np.testing.assert_array_equal(x.grad, 2 * g)


# -- depth, paths, memory ---------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_million_operations_forward_backward_and_out_of_memory():
    with without_the_cycle_collector():
        x = leaf(0.25)
        y = early = 1.0 - x
        for _ in range(10**6 - 1):
            y = 1.0 - y
        ghost = weakref.ref(early)
        del early
        assert y.item() == 0.25
        y.backward()
        assert x.grad == 1.0
        assert ghost() is not None
        del y
        assert ghost() is None


def test_a_deep_chain_can_be_differentiated_twice():
    with without_the_cycle_collector():
        x = y = leaf(0.5)
        for _ in range(10**4):
            y = y * 1.0001
        (g,) = gradients(y * y, [x], create_graph=True)
        (h,) = gradients(g, [x])
        assert h == pytest.approx(2 * 1.0001**20000, rel=1e-9)
        ghost = weakref.ref(y)
        del y, g
        assert ghost() is None


def test_forty_doublings_cross_eighty_edges():
    x = y = leaf(1.0)
    for _ in range(40):
        y = y + y
    crossed = edges_of(y)
    assert len(crossed) == 80
    assert x.grad == 2.0**40


def test_a_graph_dies_with_its_last_name():
    def unroll(W, x):
        h = np.zeros(3)
        for t in range(5):
            h = np.tanh(W @ h + x[t])
        return h

    with without_the_cycle_collector():
        W, x = leaf(RNG.standard_normal((3, 3)), name="W"), leaf(RNG.standard_normal((5, 3)), name="x")
        h = unroll(W, x)
        ghosts = [weakref.ref(t) for t in ancestors([h]) if t.fn is not None]
        assert len(ghosts) == 20
        edges = edges_of(h.sum())
        del edges
        gradients(h.sum(), [W, x])
        (g,) = gradients(h.sum(), [W], create_graph=True)
        ghosts.append(weakref.ref(g))
        g.sum().backward()
        with pytest.raises(ValueError, match="not one number"):
            h.backward()
        del h, g
        assert [ghost() for ghost in ghosts] == [None] * len(ghosts)


def test_the_walk_needs_no_memory_for_cotangents_that_are_done(monkeypatch):
    made, alive = [], []

    def rule(g, y, a):
        share = -g
        made.append(weakref.ref(share))
        alive.append(sum(ghost() is not None for ghost in made))
        return share

    ruled(monkeypatch, np.negative, rule)
    y = leaf(np.ones(3))
    for _ in range(50):
        y = -y
    y.sum().backward()
    assert len(made) == 50
    assert max(alive) <= 3


# -- arguments that appear twice --------------------------------------------------------------------------------------


def test_an_argument_that_appears_twice_has_two_edges():
    x = leaf(3.0)
    y = x * x
    assert [(consumer, position) for consumer, position, _ in edges_of(y)] == [(y, 0), (y, 1)]
    assert x.grad == 6.0
    A = leaf(RNG.standard_normal((2, 3)))
    (A @ A.T).backward(np.ones((2, 2)))
    np.testing.assert_allclose(A.grad, np.tile(2 * A.data.sum(axis=0), (2, 1)))
    z = leaf([1.0, 2.0])
    np.concatenate([z, z, 3 * z]).backward(np.arange(6.0))
    np.testing.assert_array_equal(z.grad, [0 + 2 + 12, 1 + 3 + 15])


def test_an_output_that_is_asked_for_twice_counts_twice():
    x = leaf(3.0)
    y = x * x
    backward([y, y], [1.0, 10.0])
    assert x.grad == 66.0
    assert [float(g) for g in gradients([y, x], [x, y, x], [1.0, 10.0])] == [16.0, 1.0, 16.0]


# -- what is left out -------------------------------------------------------------------------------------------------


def test_unused_inputs_get_none_or_zeros():
    x, unused = leaf([1.0, 2.0]), leaf(np.ones((0, 3), np.float32))
    y = (x * x).sum()
    g = gradients(y, [unused, x])
    assert g[0].shape == (0, 3)
    assert g[0].dtype == np.float32
    np.testing.assert_array_equal(g[1], [2.0, 4.0])
    (zero,) = gradients(y, [leaf([5.0, 6.0])], create_graph=True)
    assert isinstance(zero, Tensor)
    np.testing.assert_array_equal(zero.data, [0.0, 0.0])
    y.backward()
    assert unused.grad is None


def test_dropped_results_do_not_disturb():
    x = leaf([1.0, 2.0])
    first, _dropped = x * 3, np.exp(x) * x
    first.sum().backward()
    np.testing.assert_array_equal(x.grad, [3.0, 3.0])


def test_only_what_leads_to_wrt_is_computed():
    x, w = leaf(2.0), leaf(3.0)
    h = x * w
    y = h * h
    crossed = edges_of(y, wrt=[h])
    assert [(consumer, position) for consumer, position, _ in crossed] == [(y, 0), (y, 1)]
    crossed = edges_of(y, wrt=[w])
    assert [(consumer, position) for consumer, position, _ in crossed] == [(y, 0), (y, 1), (h, 1)]


def test_a_leaf_is_its_own_gradient():
    x = leaf(3.0)
    x.backward()
    x.backward(4)
    assert x.grad == 5.0
    v = leaf([1.0, 2.0])
    v.backward(np.array([5, 6]))
    np.testing.assert_array_equal(v.grad, np.array([5.0, 6.0]), strict=True)


def test_interior_tensors_keep_no_gradient():
    x = leaf(3.0)
    y = x * 2
    (y * y).backward()
    assert y.grad is None
    assert x.grad == 24.0


def test_wrt_leaves_every_grad_alone():
    x = leaf(3.0)
    y = x * x
    assert gradients(y, [x]) == (6.0,)
    assert x.grad is None
    assert y.backward() is None
    assert gradients(y, [x, y]) == (6.0, 1.0)
    assert x.grad == 6.0


# -- shapes and layouts -----------------------------------------------------------------------------------------------

WHOLES = {
    "no dimensions": np.array(0.5),
    "one element": np.array([0.5]),
    "size-1 axes": np.array([[[0.5], [0.25]]]),
    "empty": np.zeros((0, 3)),
    "empty at the end": np.zeros((2, 0)),
    "strided": np.arange(24.0).reshape(4, 6)[::2, 1::2],
    "reversed": np.arange(6.0).reshape(2, 3)[::-1, ::-1],
    "transposed": np.arange(6.0).reshape(2, 3).T,
    "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "repeated": np.broadcast_to(np.arange(3.0), (2, 3)),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("x", WHOLES.values(), ids=WHOLES.keys())
def test_a_gradient_has_its_arguments_shape_and_dtype(x, dtype):
    x = x.astype(dtype, order="K") if x.base is None else x if dtype == np.float64 else x.astype(dtype)
    t, other = leaf(x), leaf(np.full((3, *x.shape), 2, dtype))
    y = np.tanh(t * other + 1.0).sum(axis=0) - t / 2
    weights = np.arange(1.0, 1 + x.size).reshape(x.shape)
    y.backward(weights)
    assert (t.grad.shape, t.grad.dtype) == (x.shape, dtype)
    assert (other.grad.shape, other.grad.dtype) == (other.shape, dtype)
    slope = 1 - np.tanh(2.0 * x + 1.0) ** 2
    np.testing.assert_allclose(t.grad, weights * (6 * slope - 0.5), rtol=1e-5 if dtype == np.float32 else 1e-13)


def test_slices_of_slices():
    x = leaf(np.arange(24.0).reshape(4, 6))
    y = x[::-1, ::2][1:3, ::-1].T
    y.backward(np.arange(1.0, 7.0).reshape(3, 2))
    expected = np.zeros((4, 6))
    expected[::-1, ::2][1:3, ::-1] = np.arange(1.0, 7.0).reshape(3, 2).T
    np.testing.assert_array_equal(x.grad, expected)


@given(hnp.mutually_broadcastable_shapes(num_shapes=2, min_side=0, max_side=3, max_dims=4))
def test_sum_to_is_the_adjoint_of_broadcasting(shapes):
    shape, result = shapes.input_shapes[0], shapes.result_shape
    g = np.arange(math.prod(result), dtype=float).reshape(result)
    x = np.arange(1.0, 1 + math.prod(shape)).reshape(shape)
    summed = sum_to(g, shape, np.add)
    assert summed.shape == shape
    assert np.sum(summed * x) == np.sum(g * np.broadcast_to(x, result))


# -- singular points and branches -------------------------------------------------------------------------------------


def gradient(f, x):
    t = leaf(x)
    f(t).sum().backward()
    return t.grad


def test_an_untaken_branch_gets_exactly_zero():
    taken = np.array([False, True, True, False])
    bad, good = leaf([0.0, 4.0, np.inf, np.nan]), leaf([np.nan, np.inf, 1.0, 1.0])
    weights = np.array([np.inf, np.nan, 2.0, -np.inf])
    np.where(taken, bad, good).backward(weights)
    np.testing.assert_array_equal(bad.grad, [0.0, np.nan, 2.0, 0.0])
    np.testing.assert_array_equal(good.grad, [np.inf, 0.0, 0.0, -np.inf])
    first = gradient(lambda t: np.where(taken, np.sqrt(np.where(taken, t, 1.0)), t), [0.0, 4.0, 16.0, -1.0])
    np.testing.assert_array_equal(first, [1.0, 0.25, 0.125, 1.0])


def test_where_with_a_scalar_branch_undoes_its_broadcasting():
    s, v = leaf(2.0), leaf([[1.0], [2.0]])
    np.where(np.array([True, False, False]), s, v).sum().backward()
    assert s.grad == 2.0
    np.testing.assert_array_equal(v.grad, [[2.0], [2.0]])


def test_extrema_do_not_let_the_losers_infinities_through():
    a, b = leaf([np.inf, -np.inf, 1.0]), leaf([1.0, 1.0, np.inf])
    (np.maximum(a, b) + np.minimum(a, b)).backward([2.0, 4.0, 8.0] * np.ones(3))
    np.testing.assert_array_equal(a.grad, [2.0, 4.0, 8.0])
    np.testing.assert_array_equal(b.grad, [2.0, 4.0, 8.0])


def test_ties_share():
    np.testing.assert_array_equal(gradient(lambda x: np.max(x) * 6, [1.0, 3.0, 3.0, 3.0]), [0, 2, 2, 2])
    rows = gradient(lambda x: np.min(x, axis=1), [[1.0, 1.0], [1.0, 2.0]])
    np.testing.assert_array_equal(rows, [[0.5, 0.5], [1, 0]])
    a, b = leaf([1.0, 2.0]), leaf([1.0, 1.0])
    np.maximum(a, b).sum().backward()
    np.testing.assert_array_equal([a.grad, b.grad], [[0.5, 1.0], [0.5, 0.0]])
    a.grad = b.grad = None
    np.minimum(a, b).sum().backward()
    np.testing.assert_array_equal([a.grad, b.grad], [[0.5, 0.0], [0.5, 1.0]])
    assert gradient(lambda x: np.maximum(x, x), 2.0) == 1.0
    assert gradient(abs, 0.0) == 0.0


@pytest.mark.parametrize("exponent", [0, 0.0, np.array([0, 1, 2, 3]), np.array([0.0, 1.0, 2.0, 3.0])])
def test_powers_at_zero(exponent):
    x = leaf(np.zeros(np.shape(exponent)))
    (g,) = gradients(np.sum(x**exponent), [x], create_graph=True)
    np.testing.assert_array_equal(g.data, np.equal(exponent, 1) * 1.0)
    (h,) = gradients(g.sum(), [x], create_graph=True)
    np.testing.assert_array_equal(h.data, np.equal(exponent, 2) * 2.0)
    (third,) = gradients(h.sum(), [x])
    np.testing.assert_array_equal(third, np.equal(exponent, 3) * 6.0)


def test_powers_of_zero():
    y = leaf([0.0, 0.5, 1.0, 2.0])
    (g,) = gradients(np.sum(0.0**y), [y], create_graph=True)
    np.testing.assert_array_equal(g.data, np.zeros(4))
    np.testing.assert_array_equal(gradients(g.sum(), [y])[0], [np.nan, 0, 0, 0])  # 0**y jumps at y = 0
    x, y = leaf(0.0), leaf(2.0)
    assert gradients(x**y, [x, y]) == (0.0, 0.0)
    x, y = leaf(0.0), leaf(0.0)
    assert gradients(x**y, [x, y]) == (0.0, 0.0)


# -- nothing is shared, nothing can be changed ------------------------------------------------------------------------


def test_gradients_share_memory_with_nobody():
    x, y, z = (leaf([1.0, 2.0]) for _ in range(3))
    seed = np.array([3.0, 4.0])
    s = x + y + np.reshape(z, (2,))
    s.backward(seed)
    grads = [x.grad, y.grad, z.grad, *gradients(s, [x, y, z, s, x], seed)]
    tensor_seed = Tensor(seed)
    grads += [*gradients(s, [s], tensor_seed), *gradients(x, [x], tensor_seed)]
    for i, g in enumerate(grads):
        np.testing.assert_array_equal(g, [3.0, 4.0])
        others = [seed, tensor_seed.data, x.data, y.data, z.data, s.data, *grads[:i]]
        assert not any(np.shares_memory(g, other) for other in others)
        with pytest.raises(ValueError, match="read-only"):
            g[0] = 9.0
    seed[:] = 9.0
    np.testing.assert_array_equal(x.grad, [3.0, 4.0])
    old = x.grad
    s.backward(seed)
    np.testing.assert_array_equal(old, [3.0, 4.0])
    np.testing.assert_array_equal(x.grad, [12.0, 13.0])
    assert not np.shares_memory(x.grad, y.grad)


def test_raw_arrays_may_change_after_their_use():
    x = leaf(np.array([1.0, 2.0, 3.0]))
    factor, listed, mask, place = np.array([2.0, 3.0, 4.0]), [5.0, 6.0, 7.0], np.array([True, False, True]), [0, 0, 2]
    index, mixed = np.array([2, 2, 0]), (np.array([1, 1, 1]),)
    axes, weights = np.array([1, 0]), np.eye(3)
    view = factor[:]
    view.flags.writeable = False
    results = [
        x * factor,
        x * view,
        np.multiply(x, listed),
        np.where(mask, x, 0.0),
        x[index],
        x[place],
        x[mixed],
        x[mask],
        np.transpose(x.reshape(1, 3), axes)[:, 0],
        x @ weights,
        np.concatenate([x[:1], factor[1:]]),
    ]
    twins = [gradients(y, [x], np.arange(1.0, 1 + y.size))[0] for y in results]
    factor[:], mask[:], index[:], weights[:], axes[:] = 9.0, False, 1, 9.0, 0
    mixed[0][:] = 0
    listed[:] = [9.0] * 3
    place[:] = [1, 1, 1]
    expected = [[2, 6, 12], [2, 6, 12], [5, 12, 21], [1, 0, 3], [3, 0, 3], [3, 0, 3], [0, 6, 0], [1, 0, 2]]
    expected += [[1, 2, 3], [1, 2, 3], [1, 0, 0]]
    for y, before, right in zip(results, twins, expected, strict=True):
        (after,) = gradients(y, [x], np.arange(1.0, 1 + y.size))
        np.testing.assert_array_equal(before, right)
        np.testing.assert_array_equal(after, right)


def test_a_frozen_array_with_a_view_that_is_not():
    x, array = leaf([1.0, 2.0]), np.array([2.0, 3.0])
    early = array[:]
    array.flags.writeable = False
    y = (x * array).sum()
    early[:] = 9.0
    y.backward()
    np.testing.assert_array_equal(x.grad, [2.0, 3.0])


# -- stale graphs -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("requires_grad", [True, False])
def test_data_assigned_after_its_use_makes_the_graph_stale(requires_grad):
    w, p = leaf([1.0, 2.0], name="w"), Tensor([3.0, 4.0], requires_grad=requires_grad, name="the culprit")
    fine = (w * p).sum()
    fine.backward()
    before = w.grad, p.grad
    h = w * p
    y = np.sum(np.tanh(h) * w)
    p.data = p.data
    for call in (y.backward, fine.backward, lambda: gradients(y, [w]), lambda: backward([fine, w.sum()])):
        with pytest.raises(StaleGraphError, match=r"the culprit \(2,\) was assigned after multiply had used it"):
            call()
    assert w.grad is before[0]
    assert p.grad is before[1]
    (w * p).sum().backward()
    np.testing.assert_array_equal(w.grad, [6.0, 8.0])


def test_an_index_tensor_can_make_the_graph_stale():
    x, i = leaf([1.0, 2.0]), Tensor([0, 0])
    y = x[i].sum()
    i.data = [1, 1]
    with pytest.raises(StaleGraphError):
        y.backward()


def test_data_assigned_before_its_use_is_fine():
    p = leaf(1.0)
    p.data = 2.0
    y = p * p
    y.backward()
    assert p.grad == 4.0
    p.data = 5.0
    (p * 3).backward()
    assert p.grad == 7.0


# -- exceptions -------------------------------------------------------------------------------------------------------


def test_an_exception_in_the_middle_of_a_walk_changes_nothing(monkeypatch):
    x, w = leaf(2.0), leaf(3.0)
    y = np.tanh(x) * w
    y.backward()
    before = x.grad, w.grad

    def broken(g, y, a):
        raise ZeroDivisionError

    def interrupted(consumer, position, share):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, scope("walk"):
        ruled(patch, np.tanh, broken)
        for call in (lambda: backward(y), lambda: gradients(y, [x]), lambda: gradients(y, [x], create_graph=True)):
            with pytest.raises(ZeroDivisionError):
                call()
    with pytest.raises(KeyboardInterrupt):
        backward(y, observe=interrupted)
    assert (x.grad, w.grad) == before
    assert context.get().recording
    assert context.get().scope == ()
    y.backward()
    assert w.grad == 2 * before[1]


def test_wrong_requests_say_what_was_expected():
    x = leaf([1.0, 2.0])
    y = x * 2
    with pytest.raises(ValueError, match=r"an output of shape \(2,\) is not one number: sum it, or pass a cotangent"):
        y.backward()
    with pytest.raises(ValueError, match=r"shape \(3,\) was given for an output of shape \(2,\)"):
        y.backward(np.ones(3))
    with pytest.raises(ValueError, match=r"shape \(\) was given for an output of shape \(2,\)"):
        y.backward(1.0)
    with pytest.raises(ValueError, match="2 outputs need as many cotangents, got 1"):
        backward([y, y], [np.ones(2)])
    with pytest.raises(ValueError, match="nothing to differentiate"):
        Tensor([1.0]).sum().backward()
    with no_grad(), pytest.raises(ValueError, match="nothing to differentiate"):
        (x * 2).sum().backward()
    assert x.grad is None


def test_a_cotangent_may_be_any_array_like():
    x = leaf([1.0, 2.0])
    y = x * 2
    for cotangent in (np.array([1, 3]), Tensor([1.0, 3.0]), np.float32([1, 3]), [1.0, 3.0]):
        (g,) = gradients(y, [x], cotangent)
        np.testing.assert_array_equal(g, np.array([2.0, 6.0]), strict=True)


def test_one_element_is_one_number():
    x = leaf([[2.0]])
    (x * x).backward()
    np.testing.assert_array_equal(x.grad, [[4.0]])


# -- higher derivatives -----------------------------------------------------------------------------------------------


def third_of_sin_tanh_exp(x):
    """(u eˣ)''' = (u + 3u' + 3u'' + u''') eˣ with u = sin x · tanh x, by Leibniz's rule."""
    s, c, t = math.sin(x), math.cos(x), math.tanh(x)
    t1 = 1 - t * t
    t2 = -2 * t * t1
    t3 = -2 * t1 * t1 - 2 * t * t2
    u = s * t, c * t + s * t1, -s * t + 2 * c * t1 + s * t2, -c * t - 3 * s * t1 + 3 * c * t2 + s * t3
    return (u[0] + 3 * u[1] + 3 * u[2] + u[3]) * math.exp(x)


def test_third_derivative():
    x = leaf(0.7)
    y = np.sin(x) * np.tanh(x) * np.exp(x)
    for _ in range(3):
        (y,) = gradients(y, [x], create_graph=True)
    assert third_of_sin_tanh_exp(0.7) == pytest.approx(-0.21394123257724, rel=1e-12)  # HIPS autograd's number
    assert y.item() == pytest.approx(third_of_sin_tanh_exp(0.7), rel=1e-13)


def test_a_recorded_walk_gives_the_same_numbers_and_can_be_differentiated_by_its_seed():
    W, x = leaf(RNG.standard_normal((3, 3))), leaf(RNG.standard_normal(3))
    seed = leaf(RNG.standard_normal(3))
    y = np.tanh(W @ np.tanh(W @ x))
    raw = gradients(y, [W, x], seed)
    recorded = gradients(y, [W, x], seed, create_graph=True)
    for a, b in zip(raw, recorded, strict=True):
        assert isinstance(a, np.ndarray)
        assert isinstance(b, Tensor)
        np.testing.assert_allclose(a, b.data, rtol=1e-13)
    v = RNG.standard_normal(3)
    (push,) = gradients(recorded[1], [seed], v)
    jacobian = np.stack([gradients(y, [x], e)[0] for e in np.eye(3)])
    np.testing.assert_allclose(push, jacobian @ v, rtol=1e-12)


def test_create_graph_records_even_where_nothing_else_is():
    x = leaf(2.0)
    y = x**3
    with no_grad():
        (g,) = gradients(y, [x], create_graph=True)
        assert not (x * 2).requires_grad
    assert gradients(g, [x]) == (12.0,)


# -- deferred shares --------------------------------------------------------------------------------------------------


class Scaled(Deferred):
    """A second kind of deferred share: k times an array."""

    def __init__(self, k, array):
        self.k, self.array, self.shape, self.size = k, array, array.shape, array.size

    @staticmethod
    def combine(parts):
        return sum(p.k * p.array for p in parts)


@st.composite
def shares_of_one_shape(draw):
    m, n = draw(st.integers(0, 3)), draw(st.integers(0, 3))
    kinds = draw(st.lists(st.sampled_from(["array", "product", "scaled"]), min_size=1, max_size=12))
    rng = np.random.default_rng(len(kinds))
    made = []
    for kind in kinds:
        rows = draw(st.integers(0, 3))
        array = rng.integers(-8, 9, (m, n)) / 4
        product = Product(rng.integers(-8, 9, (rows, m)) / 4, rng.integers(-8, 9, (rows, n)) / 4)
        made.append({"array": array, "product": product, "scaled": Scaled(2.0, array)}[kind])
    return made


@given(shares_of_one_shape(), st.integers(0, 40))
def test_deferred_shares_add_up_to_the_plain_sum(shares, limit):
    plain = []
    for share in shares:
        if isinstance(share, Product):
            plain.append(share.left.T @ share.right)
        else:
            plain.append(2.0 * share.array if isinstance(share, Scaled) else share)
    for one, array in zip(shares, plain, strict=True):
        np.testing.assert_array_equal(dense(one), array, strict=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Sum, "LIMIT", limit)
        total = reduce(met, shares)
        np.testing.assert_array_equal(dense(total), sum(plain), strict=True)  # quarters of integers: exact
        np.testing.assert_array_equal(dense(total), sum(plain), strict=True)


def test_dense_product_and_scatter_shares_meet_at_one_tensor():
    W = leaf(RNG.standard_normal((3, 3)))
    a, b = RNG.standard_normal(3), RNG.standard_normal((4, 3))
    terms = [
        (lambda W: (W @ a).sum()),
        (lambda W: np.tanh(W[1]).sum()),
        (lambda W: (b @ W).sum()),
        (lambda W: (W * W).sum()),
        (lambda W: W[[0, 0, 2], [1, 1, 2]].sum() * 2),
        (lambda W: a @ W @ a),
        (lambda W: (W.T @ W).sum()),
        (lambda W: W[-1, ::2].sum()),
    ]
    for order in (terms, terms[::-1], terms[::2] + terms[1::2]):
        apart = sum(gradients(term(W), [W])[0] for term in order)
        (together,) = gradients(sum(term(W) for term in order), [W])
        np.testing.assert_allclose(together, apart, rtol=1e-13)
        (recorded,) = gradients(sum(term(W) for term in order), [W], create_graph=True)
        np.testing.assert_allclose(recorded.data, apart, rtol=1e-13)


@pytest.mark.parametrize("limit", [0, 50, None])
def test_through_time_a_matrix_waits_for_all_its_shares(limit, monkeypatch):
    """The gradient of an unrolled network is Σ_t δ_t h_{t-1}ᵀ, in how many chunks it may be summed."""
    T, n = 20, 3
    if limit is not None:
        monkeypatch.setattr(Sum, "LIMIT", limit)
    chunks, combine = [], Product.combine
    monkeypatch.setattr(Product, "combine", staticmethod(lambda parts: chunks.append(len(parts)) or combine(parts)))
    W, xs = leaf(RNG.standard_normal((n, n)) / 2), RNG.standard_normal((T, n))
    hs = [np.zeros(n)]
    for x in xs:
        hs.append(np.tanh(W @ hs[-1] + x))
    hs[-1].sum().backward()
    delta, expected = np.ones(n), np.zeros((n, n))
    for h, before in zip(hs[:0:-1], hs[-2::-1], strict=True):
        delta = delta * (1 - h.data**2)
        expected += np.outer(delta, before.data if isinstance(before, Tensor) else before)
        delta = W.data.T @ delta
    np.testing.assert_allclose(W.grad, expected, rtol=1e-12)
    assert sum(chunks) >= T
    assert len(chunks) == 1 if limit is None else len(chunks) > 1


def test_factors_do_not_wait_without_bound(monkeypatch):
    rows, n, T = 64, 32, 600
    combined, combine = [], Product.combine

    def counting(parts):
        combined.append(sum(part.size for part in parts))
        return combine(parts)

    monkeypatch.setattr(Product, "combine", staticmethod(counting))
    total = reduce(met, (Product(np.full((rows, n), float(t)), np.ones((rows, n))) for t in range(T)))
    np.testing.assert_array_equal(dense(total), np.full((n, n), rows * T * (T - 1) / 2.0))
    assert sum(combined) == T * 2 * rows * n > 2 * Sum.LIMIT
    assert max(combined) <= Sum.LIMIT + 2 * rows * n * 2


def test_a_sequence_read_item_by_item_is_written_once(monkeypatch):
    xs = leaf(RNG.standard_normal((500, 4)))
    y = sum((t + 1.0) * xs[t].sum() for t in range(500))
    shares = [share for consumer, _, share in edges_of(y) if consumer.args[0] is xs]
    assert len(shares) == 500
    assert all(isinstance(share, Deferred) and share.size == 4 for share in shares)  # not 500 arrays of xs's size
    np.testing.assert_array_equal(xs.grad, np.repeat(np.arange(1.0, 501.0), 4).reshape(500, 4))
    (kind,) = {type(share) for share in shares}
    calls, combine = [], kind.combine
    monkeypatch.setattr(kind, "combine", staticmethod(lambda parts: calls.append(len(parts)) or combine(parts)))
    y.backward()
    assert calls == [500]


# -- indices ----------------------------------------------------------------------------------------------------------

INDICES = {
    "a number": 1,
    "a negative number": -1,
    "NumPy's number": np.int64(2),
    "a slice": slice(None, None, -2),
    "an ellipsis": (..., 0),
    "a new axis": (None, slice(1, None), None),
    "a list that repeats": [0, 0, 2, 0],
    "negatives that repeat": np.array([-1, 2, -1, 0]),
    "a matrix": np.array([[0, 0], [2, 0]]),
    "booleans": np.array([True, False, True]),
    "a boolean matrix": np.array([[True, False, True, False], [False] * 4, [True] * 4]),
    "a list of booleans": [True, False, True],
    "nothing": [],
    "no rows": np.zeros(3, bool),
    "True": True,
    "pairs": ([0, 0, 1], [1, 1, -1]),
    "mixed": ([0, 0, -3], slice(1, 3)),
    "mixed and apart": (slice(None), [1, 1, -3]),
    "a mask and a slice": (np.array([True, False, True]), slice(None, None, 2)),
    "broadcast": (np.array([[0], [2]]), np.array([1, 1])),
    "a tensor": Tensor([2, 2, 0]),
    "a tensor in a tuple": (slice(None), Tensor([2, 2, 0])),
}


@pytest.mark.parametrize("index", INDICES.values(), ids=INDICES.keys())
def test_indices_of_all_kinds(index):
    """y[k] = x[p(k)] for some table of places p, which indexing the places themselves gives."""
    x = leaf(np.arange(12.0).reshape(3, 4))
    plain = tuple(i.data if isinstance(i, Tensor) else i for i in index) if isinstance(index, tuple) else index
    plain = plain.data if isinstance(plain, Tensor) else plain
    places = np.arange(12).reshape(3, 4)[plain]
    y = x[index]
    np.testing.assert_array_equal(y.data, places, strict=False)
    weights = np.arange(1.0, 1 + places.size).reshape(places.shape)
    y.backward(weights)
    expected = np.bincount(places.ravel(), weights.ravel(), 12).reshape(3, 4)
    np.testing.assert_array_equal(x.grad, expected)
    (g,) = gradients((y * y * weights).sum(), [x], create_graph=True)
    np.testing.assert_array_equal(g.data, 2 * x.data * expected)
    (h,) = gradients((g * g).sum() / 2, [x])
    np.testing.assert_array_equal(h, 4 * x.data * expected**2)


@given(st.lists(st.integers(-5, 4), max_size=8), hnp.array_shapes(min_dims=0, max_dims=2, max_side=3))
def test_repeated_indices_add_up(index, rest):
    x = leaf(np.zeros((5, *rest)))
    weights = np.arange(1.0, 1 + len(index) * math.prod(rest)).reshape(len(index), *rest)
    x[np.array(index, int)].backward(weights)
    expected = np.zeros((5, *rest))
    for i, weight in zip(index, weights, strict=True):
        expected[i] += weight
    np.testing.assert_array_equal(x.grad, expected)


# -- what would be silently wrong is refused --------------------------------------------------------------------------


def test_a_rule_that_gives_the_wrong_shape_is_refused(monkeypatch):
    """Even where the number of elements is right, as for a transposed matrix."""
    ruled(monkeypatch, np.transpose, lambda g, y, a, axes=None: g)
    x = leaf(np.arange(6.0).reshape(2, 3))
    with pytest.raises(ValueError, match=r"gave shape \(3, 2\), its argument has \(2, 3\)"):
        np.sum(x.T * np.arange(6.0).reshape(3, 2)).backward()
    assert x.grad is None


def test_a_gradient_with_respect_to_a_constant_is_refused():
    x, constant = leaf(2.0), Tensor(3.0)
    with pytest.raises(ValueError, match="does not require grad"):
        gradients(x * constant, [x, constant])


def test_integers_have_no_gradient_even_if_they_ask_for_one_later():
    n = Tensor(2)
    n.requires_grad = True
    y = n * 0.5
    with pytest.raises(TypeError, match="only floating-point"):
        y.backward()
    assert n.grad is None


@pytest.mark.parametrize(
    "known", [Primitive((None, None)), Primitive(joint=lambda g, y, *args: [None, None], count=None)]
)
def test_an_argument_without_a_derivative_receives_nothing(known, monkeypatch):
    """Neither from the rule None nor from a joint rule that gives None; what is behind it is passed over."""
    monkeypatch.setitem(primitives, np.hypot, known)
    x, z = leaf(3.0), leaf(4.0)
    grads = gradients(np.hypot(np.sin(x), np.sin(z)) + z, [x, z])
    assert grads == (0.0, 1.0)
    np.hypot(x, z).backward()
    assert x.grad is z.grad is None


@pytest.mark.parametrize("wrt", [lambda x: x, lambda x: {"x": x}, lambda x: [x, x.data], lambda x: "x"])
def test_gradients_with_respect_to_what_is_no_sequence_of_tensors_are_refused(wrt):
    """A single tensor would be taken for its rows, which nothing was made from: zeros that look like a gradient."""
    x = leaf([1.0, 2.0])
    with pytest.raises(
        TypeError, match=r"^wrt is a (Tensor|dict|list|str): pass a list of tensors, \[x\] for a single"
    ):
        gradients((x * x).sum(), wrt(x))
