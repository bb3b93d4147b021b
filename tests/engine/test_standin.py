"""What stands in for arrays while a function is traced, as the engine meets it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.engine.standin import StandIn, uneven
from minigrad.engine.tensor import frozen


@pytest.mark.parametrize("index", [np.array([0, 2, 2]), np.array([1, 1, 0])])
def test_an_index_that_is_traced_is_taken_anew_at_every_run(index: Any) -> None:
    def slope(x: Any, i: Any) -> Any:
        uneven(x)  # which says that short runs do not tell, and computes nothing
        assert (frozen(i) is i) == isinstance(i, StandIn)  # which nobody can change; arrays are copied
        return mg.grad(lambda w: np.sum(w[i] ** 3))(x)

    step, x = mg.compile(slope), np.array([1.0, 2.0, 3.0])
    for _ in range(2):
        step(x, np.array([0, 1, 2]))
        np.testing.assert_array_equal(step(x, index), slope(x, index))
    assert step.report().traced == 1
