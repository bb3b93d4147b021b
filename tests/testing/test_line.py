"""Lines through a point: what is moved, what is moved apart, and what cannot be moved."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.testing import numerical_jvp, vjp_report
from minigrad.testing.line import SPREAD, Line

sizes = st.integers(-12, 12).map(lambda k: 10.0**k)
NOT_FINITE = [np.nan, np.inf, -np.inf]


def line(x, v, f=np.sin):
    return Line(f, (np.asarray(x),), (np.asarray(v),))


@given(st.lists(st.one_of(sizes, st.just(0.0)), min_size=1, max_size=8), st.integers(0, 10**6))
def test_the_parts_are_the_whole_and_each_is_of_one_size(x, seed):
    v = np.random.default_rng(seed).choice([-1.0, 0.0, 0.5], len(x))
    groups = line(x, v).groups
    np.testing.assert_array_equal(sum((part for (part,), _ in groups), np.zeros(len(x))), v)
    for (part,), size in groups:
        moved = np.abs(np.asarray(x)[(part != 0) & (np.asarray(x) != 0)])
        assert moved.size == 0 or moved.max() <= SPREAD * moved.min()
        assert size > 0
    assert len(groups) == 0 or np.any(v)


def test_a_zero_moves_with_the_largest():
    (((part,), size),) = line([0.0, 8.0], [1.0, 2.0]).groups
    assert part.tolist() == [1.0, 2.0] and size == 4.0
    ((_, size),) = line([0.0], [1.0]).groups
    assert size == 1.0


@pytest.mark.parametrize("bad", NOT_FINITE)
def test_what_is_not_finite_is_not_moved(bad):
    stuck = line([bad, 1.0, 2.0], [1.0, 1.0, 0.5])
    (((part,), size),) = stuck.groups
    assert part.tolist() == [0.0, 1.0, 0.5] and size == 2.0 and stuck.stuck
    assert not line([bad, 1.0], [0.0, 1.0]).stuck
    assert line([bad], [1.0]).groups == []


@pytest.mark.parametrize("bad", NOT_FINITE)
def test_beside_it_slopes_are_known_and_by_it_they_are_not(bad):
    x = np.array([bad, 1.0, 2.0])
    beside, by = (numerical_jvp(np.arctan, (x,), (np.array(v),)) for v in ([0.0, 1.0, 0.0], [1.0, 1.0, 0.0]))
    assert beside.value[1] == pytest.approx(0.5, rel=1e-9) and beside.error[1] < 1e-9
    assert np.all(by.error == np.inf)


@pytest.mark.parametrize("bad", NOT_FINITE)
def test_a_check_there_is_inconclusive_and_beside_it_complete(bad):
    f, vjp = np.arctan, lambda g, x: g / (1 + x * x)
    report = vjp_report(f, vjp, (np.array([bad]),))
    assert (report.verdict, report.findings[0].kind) == ("inconclusive", "domain")
    twice = vjp_report(f, lambda g, x: 2 * vjp(g, x), (np.array([bad, 1.0]),))
    assert twice.verdict == "fail" and twice.findings[0].index == (1,)
    assert vjp_report(f, vjp, (np.array([bad, 1.0]),)).verdict == "inconclusive"


def test_only_floating_point_numbers_are_moved():
    seen = []

    def f(x, n, p):
        seen.append((x, n, p))
        return x * n + p["b"]

    one = Line(f, (np.ones(2), 3, {"b": np.zeros(2)}), (np.ones(2), 0, {"b": np.ones(2)}))
    np.testing.assert_allclose(one.at(0.5), 3 * 1.5 + 0.5)
    assert [v is None for v in one.direction] == [False, True, False] and seen[0][1] == 3


def test_a_step_out_of_the_domain_gives_nan_and_an_error_at_the_point_is_raised():
    def f(x):
        if x[0] > 1:
            raise ZeroDivisionError
        return np.stack([x[0], x[0] ** 2])

    one = line([1.0], [1.0], f)
    np.testing.assert_array_equal(one.at(0.0), [1.0, 1.0])
    assert np.isnan(one.at(0.1)).tolist() == [True, True]
    with pytest.raises(ZeroDivisionError):
        line([2.0], [1.0], f).at(0.0)


def test_a_buffer_that_is_used_again_is_copied():
    buffer = np.zeros(2)
    one = line([1.0, 2.0], [1.0, 1.0], lambda x: np.multiply(x, 2, out=buffer))
    before = one.at(0.0)
    one.at(1.0)
    np.testing.assert_array_equal(before, [2.0, 4.0])


def test_tensors_and_containers_become_numbers_one_after_the_other():
    f = lambda p: {"a": mg.Tensor(p["x"]) * 2, "b": [np.float64(1.0), p["x"].sum()]}
    one = Line(f, ({"x": np.array([1.0, 2.0])},), ({"x": np.ones(2)},))
    np.testing.assert_array_equal(one.at(1.0), [4.0, 6.0, 1.0, 5.0])


def test_bad_input():
    with pytest.raises(ValueError, match=r"tangents of shapes \[\(3,\)\]"):
        line(np.ones(2), np.ones(3))
    with pytest.raises(TypeError, match="numbers of type int64"):
        line(np.ones(2), np.ones(2), lambda x: x.astype(int)).at(0.0)
