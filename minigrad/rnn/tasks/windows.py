"""Windows of one long record, and its division into parts that no window crosses.

All of it is indices, of the rows of a record. A window of T steps has T + 1 rows: its targets are its inputs one row
later.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from minigrad.engine.tensor import Array


class Parts(NamedTuple):
    """The rows that may be the targets of each part, and, of the training, the inputs too."""

    training: range
    validation: range
    test: range


def parted(n: int, parts: tuple[float, float, float], gap: int = 0, shortest: int = 2, what: str = "rows") -> Parts:
    """Divide ``n`` rows, first to last.

    Parameters
    ----------
    n : int
    parts : (float, float, float)
        The shares of training, validation and test, of sum 1 at most; or three whole numbers of rows.
    gap : int
        So many rows are left out before validation and before test, of the validation's share: they are what its
        windows, and those of the test, warm up on, and nothing else. One more than the steps: each has a target too.
    shortest : int
        How many rows the training needs at least.
    what : str
        What a row is called in errors.

    Raises
    ------
    ValueError
        If that cannot be.
    """
    whole = all(isinstance(part, (int, np.integer)) for part in parts)
    if len(parts) != 3 or any(not part > 0 for part in parts) or (not whole and sum(parts) > 1 + 1e-9):
        raise ValueError(
            f"parts={parts}: training, validation and test are three shares, such as (0.7, 0.15, 0.15), or three whole"
            f" numbers of {what}"
        )
    lengths = [int(part) if whole else round(part * n) for part in parts]
    ends = [sum(lengths[: k + 1]) for k in range(3)]
    if not whole and sum(parts) > 1 - 1e-9:
        ends[-1] = n
    found = Parts(range(ends[0]), range(ends[0] + gap, ends[1] - gap), range(ends[1], ends[2]))
    if ends[-1] > n:
        raise ValueError(f"parts={parts} are {ends[-1]} {what}, there are {n}: make them shorter")
    if len(found.training) < shortest:
        raise ValueError(
            f"of {n} {what} the training part has {len(found.training)}, and a window takes {shortest}: shorter"
            f" windows, a smaller T, or more {what} are needed"
        )
    if not found.validation or not found.test:
        empty = "test" if found.validation else "validation"
        needed = f", beside the {2 * gap} that the windows warm up on" if gap and empty == "validation" else ""
        raise ValueError(
            f"of {n} {what} none is left for the {empty} part{needed}: more {what}, or another parts={parts}"
        )
    return found


def windows(rng: np.random.Generator, rows: range, steps: int, size: int) -> Array:
    """The rows (steps + 1, size) of windows that begin anywhere in ``rows``, and end there."""
    starts = rng.integers(rows.start, rows.stop - steps, size=size)
    return starts + np.arange(steps + 1)[:, None]


def streams(rows: range, count: int, warm: int | None) -> tuple[Array, Array]:
    """Windows side by side, of which each of ``rows`` is a target once (but for a remainder below ``count``).

    Parameters
    ----------
    rows : range
    count : int
        How many windows; fewer if there are not that many rows.
    warm : int or None
        How many steps each of them begins earlier, to warm up. None for all that there are: of a single window.

    Returns
    -------
    indices : ndarray of int (T + 1, B)
    weights : ndarray (T,)
        0 while they warm up, and then 1.
    """
    count = min(count, len(rows))
    each = len(rows) // count
    warm = rows.start - 1 if warm is None else min(warm, rows.start - 1)
    starts = rows.start + each * np.arange(count) - 1 - warm
    weights = np.ones(warm + each)
    weights[:warm] = 0.0
    return starts + np.arange(warm + each + 1)[:, None], weights
