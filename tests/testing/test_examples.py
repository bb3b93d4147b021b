"""Points to check a function at: off every edge, all different, the simplest first; what a function says it takes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.testing.examples import DOMAINS, Arguments, arguments, arguments_of, grid

NAMED = st.sampled_from(sorted(DOMAINS))
PAIR = st.tuples(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@given(NAMED | PAIR, st.integers(1, 300))
def test_there_are_as_many_numbers_as_asked_for_off_every_edge_and_the_simplest_first(domain, count):
    points = grid(domain, count)
    assert count <= len(points) == len(set(points))
    assert points == sorted(points, key=abs)
    for point in points:
        assert any(low < point < high for low, high in DOMAINS.get(domain, ()) or [domain])
        assert point != 0


@given(NAMED)
def test_numbers_of_a_named_domain_are_halves_of_sixteenths(domain):
    """Never a whole number, exact in single precision."""
    for point in grid(domain):
        assert (16 * point) % 1 == 0.5
        assert point % 1 != 0
        assert np.float32(point) == point


@given(st.lists(st.lists(st.integers(0, 3), max_size=3).map(tuple), min_size=1, max_size=3), NAMED, st.integers(0, 9))
def test_arguments_have_their_shapes_and_no_number_twice(shapes, domain, seed):
    taken = Arguments(tuple(shapes), domain)
    drawn = taken.drawn(np.random.default_rng(seed))
    assert [x.shape for x in drawn] == shapes
    numbers = np.concatenate([x.ravel() for x in drawn])
    assert len(set(numbers)) == numbers.size
    assert set(numbers) <= set(grid(domain, max(1, numbers.size)))
    for x, again in zip(drawn, taken.drawn(np.random.default_rng(seed)), strict=True):
        np.testing.assert_array_equal(x, again)


def test_what_is_given_goes_before_what_the_decorator_noted():
    @arguments((3, 4), 4, domain="positive")
    def f(W, x):
        return W @ x

    assert f.arguments == arguments_of(f) == Arguments(((3, 4), (4,)), "positive")
    assert arguments_of(f, [(2, 2), (2,)]) == Arguments(((2, 2), (2,)), "positive")
    assert arguments_of(f, domain=(1.0, 2.0)) == Arguments(((3, 4), (4,)), (1.0, 2.0))
    assert arguments_of(math.sin, [()]) == Arguments(((),), "bounded")


def test_what_is_not_known_is_asked_for():
    with pytest.raises(ValueError, match=r"what sin takes is not known: give a shape.*@minigrad\.testing\.arguments"):
        arguments_of(np.sin)
    with pytest.raises(ValueError, match="no domain is called 'large': take one of real, bounded"):
        arguments(3, domain="large")
    for domain in ((2.0, 1.0), (0.0, math.inf)):
        with pytest.raises(ValueError, match="a pair of finite numbers, the lower one first"):
            grid(domain)
    with pytest.raises(ValueError, match="there are no 2 numbers to choose from"):
        grid((1e16, 1e16 + 2), 2)
