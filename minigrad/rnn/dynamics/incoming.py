"""What comes in, looked at before anything is computed from it: single numbers, counts, matrices.

Every error names what was wrong, with its value, and what was expected.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.engine.tensor import Array, Tensor


def finite(name: str, value: float | Tensor) -> None:
    """Refuse what is not a single finite number."""
    raw = value.data if isinstance(value, Tensor) else value
    if np.ndim(raw) != 0:
        raise ValueError(f"{name} has shape {np.shape(raw)}: expected a single number, as in {name}=1.0")
    if not np.isfinite(raw):
        raise ValueError(f"{name} is {float(raw)}: expected a finite number, as in {name}=1.0")


def positive(name: str, value: float | Tensor) -> None:
    """Refuse what is not a single positive number."""
    finite(name, value)
    raw = value.data if isinstance(value, Tensor) else value
    if not raw > 0:
        raise ValueError(f"{name} is {float(raw)}: expected a positive number, as in {name}=0.1")


def count(name: str, value: int) -> int:
    """``value`` as a number of steps."""
    if not isinstance(value, (int, np.integer)) or value < 0:
        raise ValueError(f"{name} is {value!r}: expected a number of steps, an integer >= 0")
    return int(value)


def real(name: str, value: Any) -> Array:
    """``value`` as a float64 array that is known to be finite; of a tensor, its values."""
    array = np.asarray(value.data if isinstance(value, Tensor) else value)
    if array.dtype.kind not in "fiub":
        raise ValueError(f"{name} has dtype {array.dtype}: expected real numbers")
    given = array
    with np.errstate(over="ignore"):  # of extended precision
        array = array.astype(np.float64, copy=False)
    bad = ~np.isfinite(array)
    if bad.any():
        first = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ValueError(
            f"{name} holds {given[first]!s} at index {first} ({bad.sum()} of {array.size} entries are not finite):"
            " expected finite numbers; look for the step at which the run diverged"
        )
    return array


def square(name: str, value: Any) -> Array:
    """``value`` as a `real` matrix from states to states, (n, n) with n >= 1, whose norms are numbers."""
    matrix = real(name, value)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or matrix.size == 0:
        raise ValueError(f"{name} has shape {matrix.shape}: expected a square matrix, (n, n), from states to states")
    largest = float(np.max(np.abs(matrix)))
    if largest > 1e300 and np.linalg.norm(matrix / largest, 2) > np.finfo(float).max / largest:
        raise ValueError(
            f"{name} {matrix.shape} has entries as large as {largest:.3g}: its norm is beyond the largest float;"
            " divide it by a number, which divides its eigenvalues and norms alike"
        )
    return matrix
