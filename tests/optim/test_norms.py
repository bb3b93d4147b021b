"""The norm of all gradients, where squares would be no floats; clipping's tests are about it as well."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.optim.norms import global_norm
from tests.optim.test_clipping import naive_norm, vectors


@given(vectors(), st.integers(-1000, 1000))
def test_it_is_that_of_exact_arithmetic_times_any_power_of_two(grads, power):
    assert global_norm(grads) == pytest.approx(naive_norm(grads), rel=4e-16)
    scaled = [np.ldexp(g, power) for g in grads]
    if all(np.array_equal(np.ldexp(s, -power), g) for s, g in zip(scaled, grads, strict=True)):
        assert global_norm(scaled) == math.ldexp(global_norm(grads), power)


def test_many_small_gradients_beside_a_large_one_are_not_lost():
    """Added one by one to 1, sixty-four times 2⁻⁵⁴ would be nothing."""
    grads = [np.array(1.0)] + [np.array(2.0**-27) for _ in range(64)]
    assert global_norm(grads) == global_norm(grads[::-1]) == 1.0 + 2.0**-49


def test_subnormal_gradients_have_a_norm_too():
    assert global_norm([np.array([3e-320, 4e-320])]) == pytest.approx(5e-320, rel=1e-3)


def test_equal_arrays_count_separately():
    assert global_norm([np.array([3.0]), np.array([3.0])]) == pytest.approx(math.sqrt(18))
