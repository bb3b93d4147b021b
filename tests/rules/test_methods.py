"""Methods of ufuncs are loops of the ufunc."""

from __future__ import annotations

from functools import reduce

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.engine.tensor import Tensor
from tests.rules.cases import grid
from tests.rules.gradients import gradient, tensor

ASSOCIATIVE = (np.add, np.multiply, np.maximum, np.minimum, np.fmax, np.fmin, np.logaddexp, np.logaddexp2, np.hypot)


@given(st.sampled_from(ASSOCIATIVE), st.integers(1, 12))
def test_a_reduction_is_a_loop(ufunc, n):
    a = 1.5 + grid((n,)) / 2
    loop = lambda x: reduce(ufunc, list(x))
    np.testing.assert_allclose(ufunc.reduce(Tensor(a, requires_grad=True)).data, ufunc.reduce(a), rtol=1e-14)
    np.testing.assert_allclose(gradient(ufunc.reduce, a), gradient(loop, a), rtol=1e-12)


@given(st.sampled_from(ASSOCIATIVE), st.integers(1, 12))
def test_running_results_are_loops_too(ufunc, n):
    a = 1.5 + grid((n,)) / 2
    w = np.arange(1.0, 1 + n)
    loop = lambda x: sum(w[i] * reduce(ufunc, list(x[: i + 1])) for i in range(n))
    np.testing.assert_allclose(gradient(lambda x: w * ufunc.accumulate(x), a), gradient(loop, a), rtol=1e-12)


@pytest.mark.parametrize("call", [np.maximum.reduce, np.add.reduce, np.hypot.reduce, np.fmax.accumulate])
def test_out_is_refused(call):
    for options in ({"out": np.zeros(3)}, {}):
        with pytest.raises(TypeError, match="out="):
            call(tensor(3, 3), **options) if options else call(tensor(3, 3), 0, None, np.zeros(3))


def test_a_method_is_known_by_its_full_name():
    with pytest.raises(TypeError, match=r"np\.subtract\.reduce has no derivative rule: .* np\.sum"):
        np.subtract.reduce(tensor(3))
    with pytest.raises(TypeError, match=r"np\.copysign\.reduce has no derivative rule"):
        np.copysign.reduce(tensor(3))
