"""What is equal but for rounding passes, however much of it there is; what is not equal does not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.testing.exact import HUGE, compared, spread
from minigrad.testing.line import silence

seeds = st.integers(0, 10**6)


@pytest.fixture(autouse=True)
def silent():
    """As a check is."""
    with silence():
        yield


def cancelling(seed, extra=0.0):
    """λ Σ x in two orders, the sum being a millionth of a millionth of its terms."""
    x = np.random.default_rng(seed).normal(size=50)
    x = np.concatenate([x, -x + 1e-12, [extra]])
    left = lambda factor: np.sum(factor * x) / factor
    right = lambda factor: sum((factor * x[::-1]).tolist()) / factor
    return left, right, abs(np.sum(x))


@given(seeds)
def test_cancellation_passes(seed):
    assert compared(*cancelling(seed), 1e-9) == "pass"


def test_without_the_measured_rounding_it_would_not():
    off = [abs(left(1.0) - right(1.0)) > 1e-9 * size for left, right, size in map(cancelling, range(20))]
    assert any(off)


@given(seeds, st.sampled_from([1.001, 0.999, -1.0, 2.0, 0.0]))
def test_a_factor_does_not(seed, wrong):
    x, v = np.random.default_rng(seed).uniform(0.5, 1.0, (2, 20))
    left, right = (lambda factor, k=k: k * (factor * x) @ v / factor for k in (1.0, wrong))
    assert compared(left, right, float(x @ v), 1e-9) == "fail"


@given(seeds, st.sampled_from([np.square, np.abs, np.sin, lambda x: x + 1.0]))
def test_what_is_not_linear_has_no_excuse(seed, f):
    x = -np.random.default_rng(seed).uniform(0.5, 1.0, 5)
    assert spread(lambda factor: np.sum(f(factor * x)) / factor, 1.0) == 0 or f is np.abs
    assert compared(lambda factor: np.sum(f(factor * x)) / factor, lambda factor: np.sum(x), 1.0, 1e-9) == "fail"


@pytest.mark.parametrize("a", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("b", [np.inf, -np.inf, np.nan])
def test_of_what_is_not_finite_on_either_side_nothing_is_told(a, b):
    assert compared(lambda _: a, lambda _: b, 1.0, 1e-9) == "inconclusive"
    both = lambda first: lambda factor: np.array([first, 1.0])
    assert compared(both(a), both(b), 1.0, 1e-9) == "inconclusive"
    assert compared(both(a), lambda _: np.array([b, 2.0]), 1.0, 1e-9) == "fail"  # the other number is told


@pytest.mark.parametrize("b", [np.inf, -np.inf, np.nan])
def test_one_that_is_not_finite_beside_one_that_is_fails(b):
    assert compared(lambda _: 1.0, lambda _: b, 1.0, 1e-9) == "fail"
    assert compared(lambda _: b, lambda _: 1.0, 1.0, 1e-9) == "fail"


def test_unless_it_may_have_overflowed():
    assert compared(lambda _: 2 * HUGE, lambda _: np.inf, HUGE, 1e-9) == "inconclusive"


def test_arrays_are_compared_number_by_number():
    x = np.array([1.0, 2.0])
    assert compared(lambda _: x, lambda _: x, 1.0, 1e-9) == "pass"
    assert compared(lambda _: x, lambda _: x + np.array([0.0, 1e-6]), 1.0, 1e-9) == "fail"
