"""Buffers that begin with a line of the cache, so that none of their rows of full lines is read in halves.

NumPy's own arrays begin wherever memory was free. A processor that reads 64 bytes at a time then needs two lines for
each: a product of a matrix and a vector takes up to twice the time, by luck.
"""

from __future__ import annotations

import math

import numpy as np

from minigrad.engine.tensor import Array

LINE = 64
"""Bytes of a line."""


def empty(shape: tuple[int, ...], dtype: str = "float64") -> Array:
    """As `numpy.empty`."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    memory = np.empty(size + LINE, np.uint8)
    first = -memory.ctypes.data % LINE
    found: Array = memory[first : first + size].view(dtype).reshape(shape)
    return found
