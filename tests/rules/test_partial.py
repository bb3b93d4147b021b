"""Reductions of a part are reductions of what is left; and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minigrad as mg
from minigrad.engine.tensor import Tensor
from tests.rules.cases import grid
from tests.rules.gradients import gradient, tensor

MASKS = hnp.arrays(bool, 6).filter(lambda mask: mask.sum() > 2)
FUNCTIONS = (np.sum, np.prod, np.mean, np.var, np.std)


@given(MASKS, st.sampled_from(FUNCTIONS))
def test_what_is_left_out_might_as_well_not_be_there(mask, fn):
    """Whatever it is: it receives exactly 0, and the others what they would without it."""
    a = np.where(mask, 1 + grid((6,)), np.nan)
    g = gradient(lambda x: fn(x, where=mask), a)
    np.testing.assert_array_equal(g[~mask], 0)
    np.testing.assert_allclose(g[mask], gradient(fn, a[mask]), rtol=1e-12)


@given(MASKS, st.sampled_from([*FUNCTIONS, np.max, np.min]))
def test_nan_is_passed_over_in_the_same_way(mask, fn):
    a = np.where(mask, 1 + grid((6,)), np.nan)
    g = gradient(getattr(np, f"nan{fn.__name__}"), a)
    np.testing.assert_array_equal(g[~mask], 0)
    np.testing.assert_allclose(g[mask], gradient(fn, a[mask]), rtol=1e-12)


@pytest.mark.parametrize("fn", [np.std, np.nanstd])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_constant_part_has_deviation_0_even_where_rounding_makes_it_deviate(fn, dtype):
    a = np.array([0.1, 0.1, 0.1, 5.0, 1.0, 2.0], dtype).reshape(2, 3).T
    mask = np.array([[True, False], [True, True], [True, True]])
    g = gradient(lambda x: fn(x, axis=0, where=mask), a)
    np.testing.assert_array_equal(g[:, 0], 0)
    np.testing.assert_allclose(g[:, 1], [0, -0.5, 0.5])


def test_an_initial_value_has_the_gradient_of_what_it_is_combined_with():
    x, i = tensor(3), Tensor(2.0, requires_grad=True)
    for fn, slope in ((np.sum, 1.0), (np.prod, np.prod(x.data)), (np.max, 1.0), (np.min, 0.0)):
        assert mg.gradients(fn(x, initial=i), [i]) == (slope,)


@pytest.mark.parametrize("fn", [np.max, np.nanmin, np.amax])
def test_an_extremum_of_a_part_needs_an_initial_value_as_in_numpy(fn):
    for x in (grid((3,)), tensor(3)):
        with pytest.raises(ValueError, match="initial"):
            fn(x, where=np.array([True, False, True]))


def test_ddof_and_correction_are_one_thing():
    for fn in (np.var, np.nanstd):
        with pytest.raises(ValueError, match="ddof and correction"):
            fn(tensor(3), ddof=1, correction=1)


@pytest.mark.parametrize("fn", [np.nanvar, np.nanstd])
def test_nothing_left_gives_nan_and_numpys_warning(fn):
    with pytest.warns(RuntimeWarning, match="Degrees of freedom"):
        y = fn(Tensor([np.nan, np.nan], requires_grad=True))
    assert np.isnan(y.data)


def test_running_sums_need_an_axis_or_a_single_one():
    if hasattr(np, "cumulative_sum"):
        with pytest.raises(ValueError, match="axis"):
            np.cumulative_sum(tensor(2, 3))
