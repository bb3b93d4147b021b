"""A claim along a direction: the worst of its parts counts, and why nothing was told is told."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.testing.judging import SMALLEST, Judge, evened, finite_only, flat, pole, product, weighed
from minigrad.testing.line import Line, silence
from minigrad.testing.problem import Problem

seeds = st.integers(0, 10**6)


def judge(forward, vjp, *args, seed=0):
    return Judge(Problem(forward, vjp, args, tuple(range(len(args)))), "order 1", np.random.default_rng(seed), 1e-9)


def judged(forward, vjp, x, v=None, seed=0):
    x = np.asarray(x, float)
    v = np.ones(x.shape) if v is None else np.asarray(v, float)
    with silence():
        w = np.ones(np.shape(forward(x)))
        return judge(forward, vjp, x, seed=seed).judged("args[0]", w, [v], [vjp(w, x)])


@given(seeds, st.sampled_from([1.0, 2.0, -1.0, 1.001, 0.0]))
def test_a_factor_is_told(seed, factor):
    x = np.random.default_rng(seed).uniform(0.5, 1.5, 3)
    row = judged(np.exp, lambda g, x: factor * g * np.exp(x), x, seed=seed).row
    assert row.verdict == ("pass" if factor == 1 else "fail") and row.kind == (None if factor == 1 else "wrong")


@pytest.mark.parametrize("place", [0, 1, 2])
def test_of_parts_of_different_sizes_the_wrong_one_counts(place):
    """The slopes are 1e-8, 1 and 1e8 of one another: in a sum the smallest would be lost."""
    x = np.array([1e-8, 1.0, 1e8])
    wrong = lambda g, x: g / x * np.where(np.arange(3) == place, 1.001, 1.0)
    found = judged(np.log, wrong, x)
    assert found.row.verdict == "fail" and np.flatnonzero(found.along[0]).tolist() == [place]
    assert judged(np.log, lambda g, x: g / x, x).row.verdict == "pass"


@pytest.mark.parametrize(
    ("forward", "vjp", "x", "kind"),
    [
        (np.abs, lambda g, x: 0.5 * g, [0.0], "kink"),
        (np.cbrt, lambda g, x: g, [0.0], "kink"),
        (np.sqrt, lambda g, x: g, [0.0], "domain"),
        (np.log, lambda g, x: g / x, [0.0], "pole"),
        (np.log, lambda g, x: g / x, [-1.0], "domain"),
        (lambda x: x + 1e-3 * np.sin(1e9 * x), lambda g, x: g, [0.5], "noise"),
        (np.sin, lambda g, x: g, [np.nan], "domain"),
        (np.median, lambda g, x: g * np.array([1.0, 0.0, 0.0]), [1.0, 1.0, 1.0], None),
    ],
)
def test_why_nothing_is_told(forward, vjp, x, kind):
    row = judged(forward, vjp, x, v=np.linspace(0.5, 1.0, len(x))).row
    assert row.verdict == "inconclusive" and row.note
    assert kind is None or row.kind == kind, row


def test_where_nothing_moves_nothing_is_wrong():
    row = judged(np.sin, lambda g, x: g, [1.0], v=[0.0]).row
    assert (row.verdict, row.analytic, row.numerical) == ("pass", 0.0, 0.0)


@pytest.mark.parametrize("wrong", [np.inf, -np.inf, np.nan])
def test_a_claim_that_is_not_finite_fails_where_the_slope_is(wrong):
    assert judged(np.sin, lambda g, x: g * wrong, [0.5]).row.verdict == "fail"


def test_the_rounding_of_a_claim_is_measured_and_what_is_not_linear_has_none():
    lossy = judge(np.sin, lambda g, x: (g * 1e10 + g * np.cos(x)) - g * 1e10, np.array([0.5, 1.0]))
    exact = judge(np.sin, lambda g, x: g, np.array([0.5, 1.0]))
    crooked = judge(np.sin, lambda g, x: g + 1e-3 * g * g, np.array([0.5, 1.0]))
    found = [each.rounding(np.ones(2), [np.array([1.0, 0.5])]) for each in (lossy, exact, crooked)]
    assert found[0] > 1e-8 and found[1] < 1e-14 and found[2] == 0


def test_slopes_that_do_not_add_up_are_no_derivative():
    """Of equal numbers the median moves along each line evenly, but not in the direction."""
    x, v = np.ones(3), np.array([0.5, 0.75, 1.0])
    for seed in range(5):
        found = judged(np.median, lambda g, x: g * np.array([1.0, 0.0, 0.0]), x, v, seed)
        assert found.row.verdict == "inconclusive", seed


# -- numbers in containers --------------------------------------------------------------------------------------------


def test_the_terms_of_a_product_are_of_what_moves():
    terms = product([np.array([np.nan, 2.0]), np.array(3.0), None], [np.array([0.0, 0.5]), None, np.ones(2)])
    np.testing.assert_array_equal(terms, [0.0, 1.0])


def test_weights_of_nothing_hide_what_is_not_finite():
    f = lambda x: np.log(x)
    w = finite_only(np.array([0.5, 1.0]), np.array([-np.inf, 0.0]))
    np.testing.assert_array_equal(w, [0.0, 1.0])
    line = Line(f, (np.array([0.0, 1.0]),), (np.ones(2),))
    with silence():
        assert weighed(line, line.direction, w)(0.0).tolist() == [0.0]


def test_a_value_of_another_size_than_at_the_point_is_no_number():
    line = Line(lambda x: x[x > 0], (np.array([0.5, 1.0]),), (np.array([-1.0, 0.0]),))
    line.at(0.0)
    phi = weighed(line, line.direction, np.ones(2))
    assert phi(0.0).tolist() == [1.5] and np.isnan(phi(0.6)).all()


@pytest.mark.parametrize(("y", "kind"), [([np.nan, 1.0], "domain"), ([np.inf, 1.0], "pole"), ([-np.inf], "pole")])
def test_poles_are_told_from_edges(y, kind):
    assert pole({"y": np.array(y)}) == kind


@given(st.lists(st.integers(-30, 30), min_size=2, max_size=6), seeds)
def test_evened_weights_are_no_larger_and_even_out(powers, seed):
    y = 10.0 ** np.array(powers)
    w = np.random.default_rng(seed).uniform(0.5, 1.0, y.shape)
    even = evened(w, y)
    assert np.all(even <= w)
    if even is not w:
        sizes = (even * y)[y >= SMALLEST]
        assert sizes.size == 0 or sizes.max() <= 2.001 * sizes.min()


def test_numbers_come_one_after_the_other():
    np.testing.assert_array_equal(flat({"a": np.array([[1.0, 2.0]]), "b": [np.array(3.0)]}), [1.0, 2.0, 3.0])
    assert flat([]).shape == (0,)
