"""One claim against one estimate: pass, fail, or neither, and what is looked at when it fails."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from minigrad.testing.comparison import Comparison, elsewhere
from minigrad.testing.judging import evened, weights
from minigrad.testing.problem import Problem
from minigrad.testing.report import Results

X = np.array([0.5, -1.25, 2.0])


def compared(vjp, forward=np.sin, args=(X,), seed=0):
    rng = np.random.default_rng(seed)
    return Comparison(Problem(forward, vjp, args, tuple(range(len(args)))), "order 1", rng, 1e-9, Results())


def run(vjp, **options):
    comparison = compared(vjp, **options)
    if comparison.settled():
        comparison.run()
    return comparison.results


@settings(max_examples=30)
@given(st.floats(-0.5, 0.5), st.integers(0, 2**32))
def test_a_factor_is_told_from_one_whatever_it_is(off, seed):
    """Above a millionth, that is, whatever the random directions are."""
    assume(abs(off) > 1e-6 or off == 0)
    results = run(lambda g, x: (1 + off) * g * np.cos(x), seed=seed)
    assert {row.verdict for row in results.rows} == ({"fail"} if off else {"pass"})
    assert len(results.findings) == (off != 0)


@settings(max_examples=20)
@given(st.integers(0, 2), st.floats(0.01, 10), st.integers(0, 2**32))
def test_one_wrong_element_is_found_and_named(place, off, seed):
    unit = np.eye(3)[place]
    (finding,) = run(lambda g, x: g * np.cos(x) + off * g * unit, seed=seed).findings
    assert finding.index == (place,)
    assert finding.numerical is not None
    assert abs(finding.analytic - finding.numerical) > abs(finding.error)


def test_of_a_pullback_that_raises_nothing_else_is_asked():
    def broken(g, x):
        raise ValueError("operands could not be broadcast together")

    results = run(broken)
    (finding,) = results.findings
    assert "raised ValueError" in finding.hint and "a sum forgotten?" in finding.hint
    assert len(results.rows) == 1


def test_a_wrong_shape_is_a_finding_of_its_own():
    (finding,) = run(lambda g, x: np.sum(g * np.cos(x))).findings
    assert "has shape (), the argument (3,)" in finding.hint


def test_where_there_is_no_derivative_nothing_is_told():
    results = run(lambda g, x: g * np.sign(x), forward=abs, args=(np.array([0.0]),))
    assert [row.kind for row in results.rows] == ["kink"]
    results = run(lambda g, x: 0.9 * g, forward=abs, args=(np.array([0.0]),))
    assert [finding.kind for finding in results.findings] == ["kink"]


def test_ties_that_are_counted_too_often_are_seen_along_the_tie():
    x = np.array([1.0, 3.0, 3.0])
    share = lambda g, x: g * (x == 3.0) / 2
    whole = lambda g, x: g * (x == np.max(x)) * 1.0
    assert not run(share, forward=np.max, args=(x,)).broken
    *_, finding = run(whole, forward=np.max, args=(x,)).findings
    assert (finding.argument, "ties counted too often" in finding.hint) == ("all, ties kept", True)


def test_numbers_of_other_kinds_have_no_gradient():
    with pytest.raises(TypeError, match="numbers of type int64"):
        run(lambda g, x: g, forward=np.argsort)


def test_numbers_of_very_different_sizes_are_weighted_to_one_size():
    y = {"large": np.array([1e9, -2.0]), "small": np.array([1e-9, 0.0, np.inf])}
    w = {"large": np.array([0.5, -1.0]), "small": np.array([1.0, 0.5, 0.5])}
    even = evened(w, y)
    np.testing.assert_allclose(even["large"] * abs(y["large"]), 1e-9 * w["large"])
    np.testing.assert_allclose(even["small"], [1.0, 0.5e-18, 0.5e-18])
    assert evened(w, {"large": np.array([1e3, -2.0]), "small": np.ones(3)}) is w


def test_a_second_point_finds_what_is_remembered_from_the_first():
    kept = []

    def stale(g, x):
        kept.append(x)
        return g * np.cos(kept[0])

    comparison = compared(stale)
    comparison.run()
    assert not comparison.results.findings
    elsewhere(comparison)
    assert "stale" in comparison.results.findings[0].hint


def test_a_second_point_outside_of_the_domain_is_not_looked_at():
    def forward(x):
        if np.any(x != 1.0):
            raise ValueError("only at 1")
        return x

    comparison = compared(lambda g, x: g, forward=forward, args=(np.ones(2),))
    elsewhere(comparison)
    assert comparison.results.rows == []


@given(st.integers(0, 2**32))
def test_weights_are_of_either_sign_and_none_is_small(seed):
    w = weights({"a": np.zeros(100), "b": [np.zeros(())]}, np.random.default_rng(seed))
    assert np.all((abs(w["a"]) >= 0.5) & (abs(w["a"]) <= 1)) and 0 < np.sum(w["a"] > 0) < 100
    assert np.shape(w["b"][0]) == ()
