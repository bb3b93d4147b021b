"""A series of one's own, a column of a CSV file or an array, to be forecast one step ahead."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from minigrad.engine.tensor import Array
from minigrad.rnn.tasks.forecast import Recorded
from minigrad.rnn.tasks.table import Column, of_values, read_column

MISSING = ("refuse", "hold")


@dataclass(eq=False)
class Series(Recorded):
    """The next value of a series, trained on windows, and judged along the whole of it.

    The first part of the file is for training, the second for validation, the last for the test. A held-out value is
    forecast from all that came before it, as AR(p) does it: a model runs along the series from the first value on, and
    what it says before its part begins is not judged.

    Parameters
    ----------
    data : path-like or array_like (n,)
        A CSV file, see `minigrad.rnn.tasks.table`; or the values, in which NaN is a gap.
    column : str or int, optional
        Of a file: name, or number from 1 on, of the column; not needed if only one holds numbers.
    missing : {"refuse", "hold"}
        What to do about gaps: refuse them, or put the last value there, which is given and never judged or learnt.
    T, parts, orders
        As in `Recorded`.

    Attributes
    ----------
    column_read : Column
        What was found, with its lines.

    Raises
    ------
    OSError
        If the file cannot be read.
    TypeError
        If the data are neither a path nor real numbers.
    ValueError
        If it is not understood, has gaps that are refused, is constant, or too short.
    """

    data: str | os.PathLike[str] | npt.ArrayLike
    column: str | int | None = None
    missing: str = "refuse"
    orders: tuple[int, ...] = field(default=(1, 2, 9, 12), kw_only=True)

    name = "series"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.missing not in MISSING:
            raise ValueError(f"missing={self.missing!r} is not known: choose 'refuse' or 'hold'")
        if isinstance(self.data, str | os.PathLike):
            self.column_read = found = read_column(self.data, self.column)
        elif self.column is None:
            self.column_read = found = of_values(self.data)
        else:
            raise ValueError(f"column={self.column!r} is that of a file: of an array pass the column itself")
        values, known = (found.values, None) if self.missing == "refuse" else held(found)
        gaps = np.flatnonzero(np.isnan(values))
        if len(gaps):
            raise ValueError(
                f"{found.place(gaps[0])}: there is no value, here and in {len(gaps) - 1} other places; fill the gaps,"
                ' or pass missing="hold", which repeats the last value there and judges nothing by it'
            )
        try:
            self.divide(values[:, None], found.title, warm=None, known=known)
        except ValueError as error:
            raise ValueError(str(error) if found.title in str(error) else f"{found.title}: {error}") from None


def held(column: Column) -> tuple[Array, Array | None]:
    """The values, with the last one in the place of a gap, and where there are values; None if that is everywhere."""
    known = ~np.isnan(column.values)
    if known.all():
        return column.values, None
    if not known[0]:
        raise ValueError(f"{column.place(0)}: the series begins with a gap, so that there is no value to hold; cut it")
    return column.values[np.maximum.accumulate(np.where(known, np.arange(len(known)), 0))], known
