"""One wrong element among many is found in about log₂ n comparisons."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.testing.localize import bisect


@given(st.integers(1, 5000), st.data())
def test_the_wrong_element_is_found(size, data):
    wrong = data.draw(st.integers(0, size - 1))
    asked = []

    def is_wrong(part):
        asked.append(part)
        return part[wrong] != 0

    assert bisect(is_wrong, np.ones(size)) == (wrong,)
    assert len(asked) <= 2 * np.ceil(np.log2(size)) if size > 1 else not asked


def test_an_index_into_several_dimensions():
    v = np.ones((7, 11, 13))
    assert bisect(lambda part: part[3, 10, 5] != 0, v) == (3, 10, 5)


def test_elements_that_are_not_moved_are_not_blamed():
    v = np.array([0.0, 0.0, 1.0, 0.0])
    assert bisect(lambda part: bool(part.any()), v) == (2,)


@pytest.mark.parametrize("v", [np.array([0.5, -2.0, 1.0, 1.5]), np.array([[0.5, -1.0], [0.25, 0.125]])])
def test_where_only_all_together_are_wrong_enough_the_largest_is_named(v):
    index = bisect(lambda part: np.count_nonzero(part) == v.size, v)
    assert abs(v[index]) == abs(v).max()
