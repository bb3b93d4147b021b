"""Clipping against its definition: in exact arithmetic where floats would overflow, and by its properties."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minigrad as mg
from minigrad.engine.tensor import Tensor
from minigrad.engine.walk import gradients
from minigrad.optim.clipping import (
    clip_adaptively,
    clip_by_norm,
    clip_by_value,
    clip_cotangent,
    clip_each_by_norm,
    global_norm,
)

REFERENCE = json.loads((Path(__file__).parent / "clipping.json").read_text(encoding="utf-8"))
W, GRAD_W, B, GRAD_B = (np.array(REFERENCE[name]) for name in ("W", "grad_W", "b", "grad_b"))
DTYPES = (np.float16, np.float32, np.float64)
SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)


def vectors(largest=1e6):
    """Lists of gradients of all shapes, not all zero, whose entries are 0 or far from the subnormals."""
    sizes = st.floats(1e-6 * largest, largest)
    entries = st.one_of(st.just(0.0), sizes, sizes.map(lambda x: -x))
    arrays = hnp.arrays(np.float64, SHAPES, elements=entries)
    return st.lists(arrays, min_size=1, max_size=4).filter(lambda gs: any(g.any() for g in gs))


def strung(grads):
    """All gradients as one vector."""
    return np.concatenate([np.ravel(g) for g in grads])


def naive_norm(grads):
    """The norm by its definition, in exact arithmetic until the root."""
    squares = sum(Fraction(float(x)) ** 2 for x in strung(grads))
    shift = max(squares.numerator.bit_length() - squares.denominator.bit_length(), 0) // 2
    return math.ldexp(math.sqrt(squares / Fraction(4) ** shift), shift)


EPSILONS = st.floats(1e-3, 1e3)


# -- properties -------------------------------------------------------------------------------------------------------


@given(vectors(), EPSILONS)
def test_agrees_with_the_rule_written_down_naively(grads, epsilon):
    norm = naive_norm(grads)
    result = clip_by_norm(grads, epsilon)
    assert result.norm == pytest.approx(norm, rel=4e-16)
    expected = strung(grads) * (min(epsilon, norm) / norm)
    np.testing.assert_allclose(strung(result.grads), expected, rtol=1e-15, atol=0)
    assert result.scale == pytest.approx(min(epsilon, norm) / norm, rel=1e-15)


@given(vectors(), st.integers(-900, 0), st.integers(0, 900))
def test_powers_of_two_make_no_difference_to_the_bits(grads, epsilon, more):
    """Whether squares have room or not, and whether products of short gradients with an even shorter ε have."""
    expected = clip_by_norm(grads, 1e-6)
    result = clip_by_norm([np.ldexp(g, epsilon + more) for g in grads], math.ldexp(1e-6, epsilon))
    assert result.norm == math.ldexp(expected.norm, epsilon + more)
    np.testing.assert_array_equal(strung(result.grads), np.ldexp(strung(expected.grads), epsilon))


@given(vectors(), EPSILONS)
def test_is_never_longer_than_epsilon_but_for_rounding(grads, epsilon):
    result = clip_by_norm(grads, epsilon)
    assert naive_norm(result.grads) <= epsilon * (1 + 4e-16)
    if result.clipped:
        assert naive_norm(result.grads) >= epsilon * (1 - 4e-16)


@given(vectors(), EPSILONS)
def test_is_idempotent_to_an_ulp(grads, epsilon):
    once = clip_by_norm(grads, epsilon).grads
    twice = clip_by_norm(once, epsilon).grads
    np.testing.assert_array_max_ulp(strung(twice), strung(once), maxulp=2)


@given(vectors(), EPSILONS)
def test_keeps_the_direction_over_the_whole_list(grads, epsilon):
    before, after = strung(grads), strung(clip_by_norm(grads, epsilon).grads)
    largest = np.argmax(np.abs(before))
    np.testing.assert_allclose(after / after[largest], before / before[largest], rtol=1e-15, atol=0)
    np.testing.assert_array_equal(np.sign(after), np.sign(before))


@given(vectors(), EPSILONS, st.integers(-900, 900))
def test_commutes_exactly_with_powers_of_two(grads, epsilon, power):
    scaled = clip_by_norm([np.ldexp(g, power) for g in grads], math.ldexp(epsilon, power))
    plain = clip_by_norm(grads, epsilon)
    assert scaled.norm == math.ldexp(plain.norm, power)
    np.testing.assert_array_equal(strung(scaled.grads), np.ldexp(strung(plain.grads), power))


@given(vectors(), st.randoms(use_true_random=False))
def test_the_order_of_the_gradients_makes_no_difference(grads, random):
    order = list(range(len(grads)))
    random.shuffle(order)
    result, shuffled = clip_by_norm(grads, 1.0), clip_by_norm([grads[i] for i in order], 1.0)
    assert shuffled.norm == result.norm == global_norm(grads)
    for i, g in zip(order, shuffled.grads, strict=True):
        np.testing.assert_array_equal(g, result.grads[i])


@given(vectors(1e300))
def test_gradients_whose_squares_overflow(grads):
    result = clip_by_norm(grads, 1.0)
    assert result.norm == pytest.approx(naive_norm(grads), rel=4e-16)
    assert naive_norm(result.grads) == pytest.approx(1.0, rel=4e-16)


@given(hnp.arrays(np.float64, 3, elements=st.floats(allow_nan=False, allow_infinity=False)), st.floats(1e-300, 1e308))
def test_whatever_is_finite_stays_finite_and_within_epsilon(g, epsilon):
    with np.errstate(all="raise"):
        result = clip_by_norm([g], epsilon)
    assert np.all(np.isfinite(result.grads[0]))
    assert naive_norm(result.grads) <= epsilon * (1 + 4e-16)


@pytest.mark.parametrize("dtype", DTYPES)
@given(data=st.data())
def test_shape_and_dtype_are_kept_and_inputs_left_alone(dtype, data):
    grads = data.draw(st.lists(hnp.arrays(dtype, SHAPES, elements=st.floats(-100, 100, width=16)), max_size=3))
    before = [g.copy() for g in grads]
    for g in grads:
        g.setflags(write=False)  # as Tensor.grad is
    result = clip_by_norm(grads, 0.5)
    for g, old, new in zip(grads, before, result.grads, strict=True):
        assert (type(new), new.shape, new.dtype) == (np.ndarray, g.shape, dtype)
        np.testing.assert_array_equal(g, old)


# -- reference numbers ------------------------------------------------------------------------------------------------


def test_three_four_is_exact():
    result = clip_by_norm([np.array([3.0, 4.0])], 1.0)
    assert result.grads[0].tolist() == [0.6, 0.8]
    assert (result.norm, result.scale, result.clipped, result.skipped) == (5.0, 0.2, True, False)


def test_three_four_over_two_gradients():
    a, b = clip_by_norm([np.array(3.0), np.array([[4.0]])], 1.0).grads
    assert (a.tolist(), b.tolist()) == (0.6, [[0.8]])


@pytest.mark.parametrize("size", [1e200, 1e-200, 1e308, 1e-304])
def test_enormous_and_tiny_gradients_come_out_right(size):
    g, epsilon = np.array([size, size]), size / 1e3
    result = clip_by_norm([g], epsilon)
    assert result.norm == pytest.approx(math.sqrt(2) * size, rel=4e-16)
    np.testing.assert_allclose(result.grads[0], epsilon / math.sqrt(2), rtol=4e-16)


def test_enormous_gradient_at_epsilon_one():
    np.testing.assert_allclose(clip_by_norm([np.full(2, 1e200)], 1.0).grads[0], math.sqrt(0.5), rtol=4e-16)


def test_a_norm_beyond_the_largest_float_is_still_clipped():
    result = clip_by_norm([np.full(4, 1.5e308)], 1.0)
    assert result.norm == math.inf
    assert result.clipped
    assert not result.skipped
    assert result.grads[0].tolist() == [0.5] * 4
    assert result.scale == pytest.approx(0.5 / 1.5e308, rel=1e-10)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_half_and_single_precision_are_summed_in_double(dtype):
    largest = np.finfo(dtype).max  # its square is not of this dtype
    result = clip_by_norm([np.full(10_000, largest)], 1.0)
    assert result.norm == pytest.approx(100 * float(largest), rel=1e-15)
    np.testing.assert_array_equal(result.grads[0], dtype(0.01))


def test_a_numpy_epsilon_is_a_number_like_any_other():
    result = clip_by_norm([np.ldexp([3.0, 4.0], 600)], np.float32(1.0))  # no float32 is as long
    assert result.grads[0].tolist() == [0.6, 0.8]
    assert type(result.scale) is float


def test_equality_leaves_the_gradient_as_it_is():
    g = np.array([0.1, 0.7, -0.3])
    result = clip_by_norm([g], global_norm([g]))
    assert result.grads[0] is g
    assert not result.clipped
    assert result.scale == 1.0


@pytest.mark.parametrize("grads", [[], [None], [np.zeros(3)], [np.zeros((0, 3))], [None, np.zeros(())]])
def test_nothing_has_norm_zero_and_stays_as_it_is(grads):
    result = clip_by_norm(grads, 1e-300)
    assert global_norm(grads) == result.norm == 0.0
    assert all(new is old for new, old in zip(result.grads, grads, strict=True))
    assert result.scale == 1.0
    assert not result.clipped


def test_none_is_skipped_and_stays_none():
    first, second, third = clip_by_norm([None, np.array([3.0, 4.0]), None], 1.0).grads
    assert first is third is None
    assert second.tolist() == [0.6, 0.8]


def test_the_same_array_counts_once():
    shared = np.array([3.0])
    result = clip_by_norm([shared, np.array([4.0]), shared], 1.0)
    assert result.norm == global_norm([shared, np.array([4.0]), shared]) == 5.0
    assert [g.tolist() for g in result.grads] == [[0.6], [0.8], [0.6]]


def test_the_norm_is_that_of_the_whole_list():
    """Each alone is short enough, all together are not."""
    grads = [np.array([0.5]) for _ in range(16)]
    assert [g.tolist() for g in clip_by_norm(grads, 1.0).grads] == [[0.25]] * 16


def test_numpy_scalars_count_as_arrays_of_shape_empty():
    result = clip_by_norm([np.array(1.0) * 3, np.array([4.0])], 1.0)
    assert [type(g) for g in result.grads] == [np.ndarray] * 2
    assert [g.tolist() for g in result.grads] == [0.6, [0.8]]


def test_an_iterator_will_do():
    assert clip_by_norm((np.array([x]) for x in (3.0, 4.0)), 1.0).norm == 5.0
    assert global_norm(np.array([x]) for x in (3.0, 4.0)) == 5.0


def test_an_infinite_epsilon_only_measures():
    g = np.array([3e300, 4e300])
    result = clip_by_norm([g], math.inf)
    assert result.grads[0] is g
    assert result.norm == 5e300
    assert not result.clipped


# -- what is not a gradient -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("bad", "count"), [(math.nan, "1 NaN and 0 inf"), (-math.inf, "0 NaN and 1 inf")])
def test_nonfinite_raises_and_names_the_parameter(bad, count):
    grads = [np.ones(2), None, np.array([1.0, bad, 1.0])]
    with pytest.raises(FloatingPointError, match=rf"gradient of W \(3,\) holds {count}inite values among 3"):
        clip_by_norm(grads, 1.0, names=["b", "U", "W"])
    with pytest.raises(FloatingPointError, match="parameter 2"):
        clip_by_norm(grads, 1.0)


@given(vectors(), st.sampled_from([math.nan, math.inf, -math.inf]))
def test_nonfinite_skipped_gives_nothing_to_apply(grads, bad):
    result = clip_by_norm([*grads, np.array([1.0, bad])], 1.0, on_nonfinite="skip")
    assert result.grads == [None] * (len(grads) + 1)
    assert result.skipped
    assert not result.clipped
    assert result.scale == 0.0
    assert math.isnan(result.norm) if math.isnan(bad) else result.norm == math.inf


def test_nan_is_not_hidden_by_infinity_or_by_order():
    for grads in ([np.array([math.nan]), np.array([math.inf])], [np.array([math.inf]), np.array([math.nan])]):
        assert math.isnan(global_norm(grads))


@pytest.mark.parametrize("epsilon", [0.0, -1.0, -math.inf, math.nan])
def test_epsilon_has_to_be_positive(epsilon):
    with pytest.raises(ValueError, match=f"max_norm is {epsilon}"):
        clip_by_norm([np.ones(2)], epsilon)


def test_unknown_policy():
    with pytest.raises(ValueError, match=r"'ignore'.*'raise' or 'skip'"):
        clip_by_norm([np.ones(2)], 1.0, on_nonfinite="ignore")


def test_names_are_one_each():
    with pytest.raises(ValueError, match="2 gradients came with 1 names"):
        clip_by_norm([np.ones(2), None], 1.0, names=["W"])


@pytest.mark.parametrize(
    ("wrong", "said"), [(np.arange(3), "dtype int64"), (np.ones(2) * 1j, "complex128"), (Tensor([1.0]), "a Tensor")]
)
def test_what_is_not_a_gradient_is_named(wrong, said):
    for function in (lambda gs: clip_by_norm(gs, 1.0), global_norm):
        with pytest.raises(TypeError, match=f"gradient 1 is .*{said}"):
            function([np.ones(2), wrong])


@pytest.mark.parametrize("single", [np.ones(2), Tensor([1.0])])
def test_a_single_gradient_belongs_in_a_list(single):
    with pytest.raises(TypeError, match=r"write \[g\]"):
        clip_by_norm(single, 1.0)


@pytest.mark.parametrize("p", [0.5, math.nan, -1.0])
def test_p_norms_begin_at_1(p):
    with pytest.raises(ValueError, match=f"p is {p}; a p-norm has 1 <= p"):
        clip_by_norm([np.ones(2)], 1.0, p=p)


def test_a_dict_is_told_how_to_be_passed():
    grads = {"W": np.array([3.0, 4.0])}
    with pytest.raises(TypeError, match=r"write list\(grads.values\(\)\), and names=list\(grads\)"):
        clip_by_norm(grads, 1.0)
    assert clip_by_norm(list(grads.values()), 1.0, names=list(grads)).norm == 5


def test_an_iterator_that_was_gone_through_before_is_no_gradient_of_zero():
    for iterator in ((g for g in [np.ones(3)]), iter([np.ones(3)]), map(np.ones, [3])):
        assert global_norm(iterator) > 0
        with pytest.raises(ValueError, match="has been gone through before; pass a list"):
            clip_by_norm(iterator, 1.0)


def test_longdouble_keeps_its_digits_and_what_float64_cannot_hold_is_said():
    g = np.array([3, 4], np.longdouble) + np.longdouble(2) ** -60
    result = clip_by_norm([g], 1.0)
    assert result.grads[0].dtype == np.longdouble
    np.testing.assert_allclose(result.grads[0], [0.6, 0.8], rtol=1e-15)
    fine = np.array([4, 1 + np.finfo(np.longdouble).eps], np.longdouble)
    np.testing.assert_array_equal(clip_by_norm([fine], 2.0, p=math.inf).grads[0], fine / 2)
    if np.finfo(np.longdouble).max > np.finfo(float).max:
        huge = np.array([2], np.longdouble) ** 2000
        with pytest.raises(
            FloatingPointError, match=r"gradient of W \(1,\) holds 1.148.*e\+602, for which float64.*no room"
        ):
            clip_by_norm([huge], 1.0, names=["W"])
        assert clip_by_norm([huge], 1.0, on_nonfinite="skip").skipped


# -- relatives --------------------------------------------------------------------------------------------------------

P = st.one_of(st.floats(1, 8), st.just(math.inf))


@pytest.mark.parametrize("p", ["1", "2", "3", "inf"])
def test_p_norms_are_those_that_others_have_found(p):
    known = REFERENCE["clip_by_global_p_norm"]
    result = clip_by_norm([GRAD_W, GRAD_B], known["c"], p=float(p))
    assert result.norm == pytest.approx(REFERENCE["global_p_norms"][p], rel=1e-14)
    np.testing.assert_allclose(strung(result.grads), known["values"][p], rtol=1e-14)


@pytest.mark.parametrize("p", [1, 2, 3, math.inf])
def test_no_p_norm_overflows(p):
    for size, epsilon in ((1e300, 1e10), (1e-300, 1e-305), (1e300, 1e299)):
        result = clip_by_norm([np.full(4, size)], epsilon, p=p)
        assert result.norm == pytest.approx(size * 4 ** (1 / p), rel=1e-14)
        np.testing.assert_allclose(result.grads[0], epsilon / 4 ** (1 / p), rtol=1e-14)


@given(vectors(), EPSILONS, P)
def test_p_norms_by_their_definition(grads, epsilon, p):
    peak = np.abs(strung(grads)).max()
    naive = peak * np.sum((np.abs(strung(grads)) / peak) ** p) ** (1 / p) if p < math.inf else peak
    result = clip_by_norm(grads, epsilon, p=p)
    assert result.norm == global_norm(grads, p) == pytest.approx(naive, rel=1e-13)
    np.testing.assert_allclose(strung(result.grads), strung(grads) * min(1, epsilon / naive), rtol=1e-12)


@given(vectors(), EPSILONS, P)
def test_each_on_its_own_is_each_clipped_alone(grads, epsilon, p):
    result = clip_each_by_norm(grads, epsilon, p=p)
    alone = [clip_by_norm([g], epsilon, p=p) for g in grads]
    for new, single in zip(result.grads, alone, strict=True):
        np.testing.assert_array_equal(new, single.grads[0])
    assert result.clipped == any(single.clipped for single in alone)
    assert result.norm == global_norm(grads, p)
    assert result.scale == pytest.approx(global_norm(result.grads, p) / result.norm, rel=1e-12)


def test_by_value_is_what_others_have_found():
    result = clip_by_value([GRAD_W], REFERENCE["clip_by_value"]["c"])
    np.testing.assert_array_equal(result.grads[0], REFERENCE["clip_by_value"]["W"])


@given(vectors(), EPSILONS)
def test_by_value_leaves_no_larger_entry_and_no_smaller_one_changed(grads, limit):
    result = clip_by_value(grads, limit)
    before, after = strung(grads), strung(result.grads)
    np.testing.assert_array_equal(after, np.where(np.abs(before) > limit, np.sign(before) * limit, before))
    assert result.clipped == bool(np.any(np.abs(before) > limit))


def test_adaptive_clipping_is_what_others_have_found():
    known = REFERENCE["agc"]
    result = clip_adaptively([GRAD_W, GRAD_B], [W, B], known["lam"], least=known["eps"])
    np.testing.assert_allclose(result.grads[0], known["W_rows"], rtol=1e-14)
    np.testing.assert_allclose(result.grads[1], known["b"], rtol=1e-14)
    np.testing.assert_array_equal(np.any(result.grads[0] != GRAD_W, axis=1), known["clipped"])


@given(vectors(), st.floats(1e-3, 10), st.integers(0, 2**32 - 1))
def test_adaptive_clipping_leaves_no_unit_too_long(grads, factor, seed):
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=g.shape) * 10.0 ** rng.integers(-5, 2) for g in grads]
    result = clip_adaptively(grads, weights, factor)
    for g, w, old in zip(result.grads, weights, grads, strict=True):
        units = [(g, w, old)] if g.ndim < 2 else zip(g, w, old, strict=True)
        for a, b, before in units:
            longest = factor * max(global_norm([b]), 1e-3)
            assert global_norm([a]) <= longest * (1 + 1e-12)
            if global_norm([before]) <= longest:
                np.testing.assert_array_equal(a, before)


RELATIVES = pytest.mark.parametrize(
    "clip",
    [
        lambda grads, c=1.0, **o: clip_each_by_norm(grads, c, **o),
        lambda grads, c=1.0, **o: clip_by_value(grads, c, **o),
        lambda grads, c=1.0, **o: clip_adaptively(grads, [np.zeros(np.shape(g)) for g in grads], c, **o),
    ],
    ids=["each", "value", "adaptive"],
)


@RELATIVES
def test_relatives_share_the_manners_of_the_rule(clip):
    shared = np.array([3.0, 4.0])
    result = clip([shared, None, shared])
    assert result.grads[1] is None
    assert result.grads[0] is result.grads[2]
    assert (result.norm, result.clipped) == (5.0, True)
    small = np.full((2, 3), 1e-9)
    assert clip([small]).grads[0] is small
    assert not clip([small]).clipped
    assert clip([small]).scale == 1.0
    assert clip([np.full((2, 2), 3, np.float16)]).grads[0].dtype == np.float16
    assert np.all(np.isfinite(clip([np.full((2, 2), 1e300)]).grads[0]))
    assert clip([np.array([np.nan])], on_nonfinite="skip").skipped
    with pytest.raises(FloatingPointError, match="gradient of W"):
        clip([np.array([np.nan])], names=["W"])
    for wrong in (0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match=f"is {wrong}.*has to be above 0"):
            clip([small], wrong)


def test_adaptive_clipping_wants_the_weights_of_each():
    with pytest.raises(ValueError, match="1 gradients came with 0 weights"):
        clip_adaptively([np.ones(2)], [])
    with pytest.raises(ValueError, match=r"gradient 0 has shape \(2,\), its weights \(3,\)"):
        clip_adaptively([np.ones(2)], [np.ones(3)])


# -- at every step of time --------------------------------------------------------------------------------------------


def test_a_cotangent_is_shortened_row_by_row_and_the_value_untouched():
    x = Tensor([[1.0, 2.0], [0.0, 0.0], [1.0, 1.0]], requires_grad=True)
    y = clip_cotangent(x, 1.0)
    np.testing.assert_array_equal(y.data, x.data)
    (got,) = gradients([y], [x], [np.array([[3.0, 4.0], [0.3, 0.4], [1e200, 0.0]])])
    np.testing.assert_allclose(got, [[0.6, 0.8], [0.3, 0.4], [1.0, 0.0]], rtol=1e-15)
    number = Tensor(2.0, requires_grad=True)
    assert gradients(clip_cotangent(number, 0.5) * 7, [number])[0] == 0.5


def test_clipped_at_every_step_the_gradient_of_a_long_sequence_stays_short_and_is_of_no_cost():
    class Network(mg.rnn.RNN):
        def states(self, bound, x, carried):
            return super().states(bound, x, {role: clip_cotangent(h, 1e-2) for role, h in carried.items()})

    xs, norms = np.ones((60, 1)), {}
    for kind in (mg.rnn.RNN, Network):
        model = kind(1, 4, 1, f="identity", init="orthogonal", radius=1.5, rng=0)
        run = mg.rnn.unroll(model, xs, np.zeros((60, 1)))
        norms[kind] = mg.rnn.flow.gradient_norms(run, run["C"][-1])
    assert norms[mg.rnn.RNN][0] > 1e6
    np.testing.assert_allclose(norms[Network][:-1], 1.5 * 1e-2, rtol=1.0)
    with pytest.raises(ValueError, match="max_norm is 0"):
        clip_cotangent(np.ones(2), 0)
