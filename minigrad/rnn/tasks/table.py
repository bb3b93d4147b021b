"""One column of a CSV file as numbers; or one sentence that names file, line and column.

What is understood: commas, semicolons, tabs or bars between the cells; quotes; a header or none; decimal commas where
nothing else is meant; UTF-8, with a mark at the beginning or not, and UTF-16 with one. Empty cells, and words such as
NaN, are gaps. What could be read in two ways is refused: a wrong number looks like a right one.
"""

from __future__ import annotations

import codecs
import csv
import io
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.engine.tensor import Array

SEPARATORS = "\t;|,"
GAPS = {"", "nan", "na", "n/a", "null", "none"}
NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?", re.ASCII)
DATE = re.compile(r"[\d\-./:TZ +]*\d[\d\-./:TZ +]*", re.ASCII)
THOUSANDS = re.compile(r"[+-]?\d{1,3},\d{3}", re.ASCII)


@dataclass(frozen=True)
class Column:
    """A column of a file.

    Attributes
    ----------
    path : str
    name : str
        As its header says, or "column 2".
    values : ndarray (n,)
        NaN where there is a gap.
    lines : list of int
        Where each of them stands, counted from 1.
    """

    path: str
    name: str
    values: Array
    lines: list[int]

    @property
    def title(self) -> str:
        """What it is called in a sentence."""
        return f"{self.path}, {self.name}"

    def place(self, row: int) -> str:
        """Where a value stands, for a sentence."""
        return f"{self.path}, line {self.lines[row]}, {self.name}"


@dataclass(frozen=True)
class Given(Column):
    """Values that stand in no file."""

    @property
    def title(self) -> str:
        return self.path

    def place(self, row: int) -> str:
        """Where a value stands, for a sentence."""
        return f"{self.path}[{row}]"


def of_values(values: Any) -> Given:
    """Numbers (n,) as a column. NaN is a gap.

    Raises
    ------
    TypeError
        If they are no numbers, or complex ones.
    ValueError
        If they are no sequence of at least one number, or one of them is infinite.
    """
    array = np.asarray(values)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"data of dtype {array.dtype}: the path of a CSV file or a sequence of real numbers is needed")
    if array.ndim != 1 or not len(array):
        raise ValueError(f"data of shape {array.shape}: a series is (n,), a number for each time; pass one column")
    found = Given("data", "", array.astype(np.float64), [])
    infinite = np.flatnonzero(np.isinf(found.values))
    if len(infinite):
        raise ValueError(f"{found.place(infinite[0])} is {found.values[infinite[0]]}: expected finite numbers, or NaN")
    return found


@dataclass(frozen=True)
class Row:
    """The cells of a line, and its number."""

    line: int
    cells: list[str]


def read_column(path: str | os.PathLike[str], column: str | int | None = None) -> Column:
    """Read one column of a CSV file.

    Parameters
    ----------
    path : path-like
    column : str or int, optional
        Its name in the header, or its number, counted from 1. It may be left out where only one column holds numbers.

    Returns
    -------
    Column

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is no such file, there is no such column, or a cell of it is neither a number nor empty. The message
        names file, line and column.
    """
    name = os.fspath(path)
    rows = table(name, decoded(name, Path(path).read_bytes()))
    first = rows[0].cells
    header = rows.pop(0) if any(first) and not any(begins_data(cell) for cell in first) else None
    if not rows:
        raise ValueError(f"{name} has a header and no line of numbers")
    names = [f"column {k}" for k in range(1, len(rows[0].cells) + 1)]
    if header is not None:
        names = [f"column {cell!r}" if cell else names[k] for k, cell in enumerate(header.cells)]
    k = chosen(name, rows, header.cells if header else [""] * len(names), column)
    cells = [row.cells[k] for row in rows]
    found = Column(name, names[k], np.full(len(rows), np.nan), [row.line for row in rows])
    comma = decimal_commas(found, cells)
    for i, cell in enumerate(cells):
        if cell.lower() not in GAPS:
            found.values[i] = number(found, i, cell, comma)
    return found


def decoded(name: str, content: bytes) -> str:
    """The text of a file."""
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ValueError(f"{name}, line {line}: this is no text in UTF-8; save it as CSV in UTF-8") from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise ValueError(f"{name}, line {line}: there is a zero byte, so this is no text; save it as CSV in UTF-8")
    return text


def table(name: str, text: str) -> list[Row]:
    """The rows of a file, all with as many cells."""
    separator = separator_of(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows: list[Row] = []
    try:
        for cells in reader:
            rows.append(Row(reader.line_num, [cell.strip() for cell in cells]))
    except csv.Error as error:
        raise ValueError(f"{name}, line {reader.line_num}: {error}; look for a quote that is not closed") from None
    while rows and not any(rows[-1].cells):  # lines behind the end
        rows.pop()
    while rows and not rows[0].cells:
        rows.pop(0)
    if not rows:
        raise ValueError(f"{name} is empty: expected a line for each value, with a header or without")
    width = len(rows[0].cells)
    if width == 1:
        rows = [row if row.cells else Row(row.line, [""]) for row in rows]  # an empty line is a gap
    for row in rows:
        if len(row.cells) != width:
            sign = "a tab" if separator == "\t" else repr(separator)
            raise ValueError(
                f"{name}, line {row.line} has {len(row.cells)} cells, and line {rows[0].line} {width}, with {sign}"
                " between them: every line needs as many"
            )
    return rows


def separator_of(text: str) -> str:
    """What stands in most lines; of several, what is rarer within cells: tab, semicolon, bar, comma."""
    lines = [line for line in text.splitlines() if line.strip()]
    return max(SEPARATORS, key=lambda separator: sum(separator in line for line in lines))


def begins_data(cell: str) -> bool:
    """Whether a cell is a number, a date or a gap with a name, as no header is."""
    return bool(NUMBER.fullmatch(cell) or DATE.fullmatch(cell) or (cell and cell.lower() in GAPS))


def chosen(name: str, rows: list[Row], header: list[str], column: str | int | None) -> int:
    """The index of the column that is meant."""
    width = len(header)
    called = ", ".join(f"{k} {cell!r}" if cell else f"{k}" for k, cell in enumerate(header, 1))
    if column is None:
        numeric = [
            k for k in range(width)
            if any(NUMBER.fullmatch(row.cells[k]) for row in rows)
        ]  # fmt: skip
        if width == 1 or len(numeric) == 1:
            return numeric[0] if width > 1 else 0
        raise ValueError(
            f"{name} has {len(numeric)} columns with numbers: choose one of the columns {called} by its name or number"
        )
    if isinstance(column, str):
        if header.count(column.strip()) > 1:
            raise ValueError(f"{name} has {header.count(column.strip())} columns {column!r}: choose one by its number")
        if column.strip() in header and column.strip():
            return header.index(column.strip())
        if column.strip().isdecimal():
            column = int(column)
    if isinstance(column, str) or not 1 <= column <= width:
        raise ValueError(f"{name} has no column {column!r}: it has {called}, counted from 1")
    return column - 1


def decimal_commas(column: Column, cells: list[str]) -> bool:
    """Whether a comma in a number is a decimal one."""
    numbers = [(i, cell) for i, cell in enumerate(cells) if NUMBER.fullmatch(cell)]
    commas = [i for i, cell in numbers if "," in cell]
    points = [i for i, cell in numbers if "." in cell]
    if commas and points:
        raise ValueError(
            f"{column.place(commas[0])}: {cells[commas[0]]!r} has a comma, and {cells[points[0]]!r} in line"
            f" {column.lines[points[0]]} a point: write all numbers with a decimal point"
        )
    if commas and all(THOUSANDS.fullmatch(cells[i]) for i in commas):
        raise ValueError(
            f"{column.place(commas[0])}: {cells[commas[0]]!r} may be a decimal comma or one of thousands: write 1.234"
            " or 1234"
        )
    return bool(commas)


def number(column: Column, row: int, cell: str, comma: bool) -> float:
    """The number in a cell."""
    if not NUMBER.fullmatch(cell):
        shown = cell if len(cell) <= 40 else cell[:37] + "..."
        raise ValueError(f"{column.place(row)}: {shown!r} is no number; leave the cell empty if there is none")
    value = float(cell.replace(",", ".") if comma else cell)
    if not np.isfinite(value):
        raise ValueError(f"{column.place(row)}: {cell!r} is larger than any double; expected a finite number")
    return value
