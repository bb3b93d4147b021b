"""Numbers between two others: their gradients are shares of the two ends."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.engine.tensor import Tensor
from tests.rules.gradients import leaf, tensor


@given(st.integers(2, 9), st.booleans())
def test_evenly_spaced_numbers_are_weighted_means_of_the_ends(n, endpoint):
    start, stop = leaf(-1.0), leaf(2.0)
    y = np.linspace(start, stop, n, endpoint)
    np.testing.assert_array_equal(y.data, np.linspace(-1.0, 2.0, n, endpoint))
    for k in range(n):
        share = k / (n - 1 if endpoint else n)
        np.testing.assert_allclose(mg.gradients(y[k], [start, stop]), [1 - share, share], atol=1e-15)


@given(st.integers(2, 6))
def test_geometric_ones_scale_with_both_ends(n):
    start, stop = leaf(0.5), leaf(3.0)
    y = np.geomspace(start, stop, n)
    gs, ge = mg.gradients(y, [start, stop], np.ones(n))
    assert gs * 0.5 + ge * 3.0 == pytest.approx(np.sum(y.data))  # Euler: homogeneous of degree 1


@pytest.mark.parametrize("ends", [(0.0, 1.0), (-1.0, 1.0)])
def test_no_geometric_way_leads_through_0(ends):
    with pytest.raises(ValueError, match="same sign"):
        np.geomspace(leaf(ends[0]), ends[1])


def test_integers_are_rounded_down_as_in_numpy():
    np.testing.assert_array_equal(np.linspace(Tensor(-1.0), 1, 4, dtype=int).data, np.linspace(-1.0, 1, 4, dtype=int))


def test_an_array_of_one_number_hands_all_of_its_gradient_to_it():
    value = leaf(2.0)
    assert mg.gradients(np.sum(np.full_like(tensor(2, 3), value)), [value]) == (6.0,)
    np.testing.assert_array_equal(np.full_like(tensor(2), 3), [3.0, 3.0])
