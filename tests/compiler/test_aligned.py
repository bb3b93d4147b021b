"""Where buffers begin."""

from __future__ import annotations

import numpy as np
import pytest

import minigrad as mg
from minigrad.compiler.aligned import LINE, empty


@pytest.mark.parametrize("dtype", ["float64", "float32", "bool", "int8", ">f8"])
@pytest.mark.parametrize("shape", [(), (0, 3), (1,), (7, 3), (33, 5, 2)])
def test_buffers_begin_with_a_line(shape: tuple[int, ...], dtype: str) -> None:
    for _ in range(10):
        found = empty(shape, dtype)
        assert (found.shape, found.dtype) == (shape, np.dtype(dtype))
        assert found.ctypes.data % LINE == 0 or not found.size
        assert found.flags.c_contiguous and found.flags.writeable
        found[...] = 1
        assert np.all(found == 1)


def test_matrices_of_long_loops_are_laid_out_in_one() -> None:
    """Once for both ways; where there are many rows, or few steps, it is not worth it."""
    model, rng = mg.rnn.RNN(2, 96, 1, rng=0), np.random.default_rng(0)
    slopes = mg.value_and_grad(lambda model, xs, ys: mg.rnn.unroll(model, xs, ys).cost)
    for shape, copies in (((200, 1), 1), ((200,), 1), ((6, 1), 0), ((200, 32), 1)):
        xs, ys = rng.normal(size=(*shape, 2)), rng.normal(size=(*shape, 1))
        step = mg.compile(slopes)
        found, expected = step(model, xs, ys), slopes(model, xs, ys)
        for name, gradient in expected[1].items():
            np.testing.assert_allclose(found[1][name], gradient, rtol=1e-10, atol=1e-12)
        listing = step.listing()
        assert listing.count("W_2[...] = W\n") + listing.count("WT_2[...] = WT\n") == copies
