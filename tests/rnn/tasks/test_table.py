"""Columns of files that people have: read as they are meant, or refused in one sentence that says where."""

from __future__ import annotations

import csv
import io
import re

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minigrad.rnn.tasks.table import decoded, read_column, separator_of

hostile = settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
finite = st.floats(allow_nan=False, allow_infinity=False)


@pytest.fixture
def write(tmp_path):
    """Writes a file and says where."""

    def written(content):
        path = tmp_path / "series.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return written


# -- what is meant ----------------------------------------------------------------------------------------------------


@hostile
@given(
    values=st.lists(st.none() | finite, min_size=1, max_size=30).filter(lambda v: any(x is not None for x in v)),
    separator=st.sampled_from(";\t|,"),
    header=st.booleans(),
    dates=st.booleans(),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    end=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    comma=st.booleans(),
    gap=st.sampled_from(["", "NaN", "n/a", " null "]),
    after=st.integers(0, 2),
)
def test_what_was_written_is_read(write, values, separator, header, dates, quoting, end, encoding, comma, gap, after):
    comma = comma and separator != "," and quoting == csv.QUOTE_ALL
    cells = [gap if x is None else f"{x:.17e}".replace(".", "," if comma else ".") for x in values]
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, quoting=quoting, lineterminator=end)
    if header:
        writer.writerow([*(["Datum"] if dates else []), "x y"])
    for i, cell in enumerate(cells):
        writer.writerow([*([f"20{i:02}-01-31"] if dates else []), cell])
    found = read_column(write((out.getvalue() + end * after).encode(encoding)), 1 + dates)
    expected = np.array([np.nan if x is None else x for x in values])
    if not dates:  # empty lines behind the end are no values
        expected = expected[: max(i for i, cell in enumerate(cells) if cell.strip()) + 1]
    np.testing.assert_array_equal(found.values, expected)
    assert found.lines == [1 + header + i for i in range(len(expected))]
    assert found.name == ("column 'x y'" if header else f"column {1 + dates}")


@pytest.mark.parametrize(
    ("text", "column", "expected"),
    [
        ('"YEAR","SUNACTIVITY"\n1700,5\n1701,11\n', "SUNACTIVITY", [5, 11]),
        ("date,x\n2020-01-01,1.5\n2020-01-02,-2e3\n", None, [1.5, -2000]),
        ("date;x\n01.02.2020;1,5\n02.02.2020;2\n", None, [1.5, 2]),
        ("2020-01-01 12:00\t1\n2020-01-01 13:00\t2\n", 2, [1, 2]),
        ("1\n2\n\n4\n\n\n", None, [1, 2, np.nan, 4]),
        (",x\n0,1\n1,2\n", "x", [1, 2]),  # as a table with an index without a name is written
        ("t,x\na,.5\nb,+5.\n", None, [0.5, 5]),
        ("x, y\n1 , 2 \n3 , 4\n", "y", [2, 4]),
        ("x;note\n1;a, b\n2;c, d\n", "x", [1, 2]),
        ('x,note\n1,"several\nlines"\n2,b\n', "x", [1, 2]),
        ("a,b\n1,2\n3,4\n", "2", [2, 4]),
        ("1,2\n1,5\n", "1", [1, 1]),
        ("1;1,5\n2;2,25\n", 2, [1.5, 2.25]),
    ],
)
def test_files_that_people_have(write, text, column, expected):
    found = read_column(write(text), column)
    np.testing.assert_array_equal(found.values, expected)


def test_a_column_without_dates_needs_no_name_and_lines_are_those_of_the_file(write):
    found = read_column(write('d,x\n"a\nb",1\nc,2\n'))
    assert found.lines == [3, 4]
    assert found.place(1).endswith("series.csv, line 4, column 'x'")


def test_commas_within_cells_separate_nothing_that_semicolons_do():
    assert separator_of("1;1,5\n2;2,5\n") == ";"
    assert separator_of("a,b\n1,x;y\n2,z\n") == ","


# -- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "column", "message"),
    [
        ("", None, " is empty: expected a line for each value"),
        ("\n\n \n", None, " is empty"),
        (b"\xef\xbb\xbf", None, " is empty"),
        ("x\n", None, " has a header and no line of numbers"),
        ("date,x\n", "x", " has a header and no line of numbers"),
        ("x\n1\nabc\n", None, ", line 3, column 'x': 'abc' is no number"),
        ("x\n1\n1_000\n", None, ", line 3, column 'x': '1_000' is no number"),
        ("x\n1\n\u0661\n", None, ", line 3, column 'x': '\u0661' is no number"),  # a digit, in Arabic
        ("x\n1\n1e999\n", None, ", line 3, column 'x': '1e999' is larger than any double"),
        ("x\n1\ninf\n", None, ", line 3, column 'x': 'inf' is no number"),
        ("a,b\n1,2\n3\n", "b", ", line 3 has 1 cells, and line 1 2, with ',' between them"),
        ("a\tb\n1\t2\n3\t4\t5\n", "b", ", line 3 has 3 cells, and line 1 2, with a tab between"),
        ("a,b\n1,2\n\n3,4\n", "b", ", line 3 has 0 cells"),
        ("x\n1,5\n2,5\n", "x", ", line 2 has 2 cells, and line 1 1"),
        ("a,b\n1,2\n3,4\n", None, " has 2 columns with numbers: choose one of the columns 1 'a', 2 'b' by its name"),
        ("a,b\nx,y\nz,w\n", None, " has 0 columns with numbers"),
        ("a,b\n1,2\n3,4\n", "c", " has no column 'c': it has 1 'a', 2 'b', counted from 1"),
        ("a,b\n1,2\n3,4\n", 0, " has no column 0: it has 1 'a', 2 'b', counted from 1"),
        ("a,b\n1,2\n3,4\n", "3", " has no column 3"),
        ("1,2\n3,4\n", "a", " has no column 'a': it has 1, 2, counted from 1"),
        ("a,a\n1,2\n3,4\n", "a", " has 2 columns 'a': choose one by its number"),
        ("a;b\n1;1,5\n2;1.5\n", "b", r", line 2, column 'b': '1,5' has a comma, and '1.5' in line 3 a point"),
        ("a;b\n1;1,500\n2;2,250\n", "b", ", line 2, column 'b': '1,500' may be a decimal comma or one of thousands"),
        ("a;b\n1;1.000,5\n", "b", ", line 2, column 'b': '1.000,5' is no number"),
        ('x\n1\n"2\n3\n', None, ", line 4: unexpected end of data; look for a quote that is not closed"),
        (b"x\n1\n\xff\n", None, ", line 3: this is no text in UTF-8"),
        (b"x\n1\n\0\n", None, ", line 3: there is a zero byte"),
        ("x\n" + "9" * 200_000 + "\n", None, ", line 2: field larger than field limit"),
    ],
)
def test_what_is_not_understood_is_refused(write, content, column, message):
    path = write(content)
    with pytest.raises(ValueError, match=re.escape(f"{path}{message}")) as refused:
        read_column(path, column)
    assert "\n" not in str(refused.value)


@hostile
@given(
    st.text(alphabet=st.sampled_from(list("0123456789.,;|\t\n\r\"'-+eE xNa/:\0é")), max_size=60)
    | st.text(max_size=30)
    | st.binary(max_size=40)
    | st.lists(st.sampled_from(["1", "2.5", "1,5", "", "NaN", "x", '"', "a,b", "1;2", "\r\n"])).map("\n".join),
    st.none() | st.integers(-1, 3) | st.sampled_from(["x", "a", "", "1"]),
)
def test_whatever_is_in_a_file_there_are_numbers_or_one_sentence(write, content, column):
    path = write(content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content)
    found, refusal = None, f"{path}, or numbers"
    try:
        found = read_column(path, column)
    except ValueError as error:
        refusal = str(error)
    assert refusal.startswith(str(path))
    assert "\n" not in refusal
    if found is not None:
        assert len(found.values) == len(found.lines) > 0
        assert not np.any(np.isinf(found.values))
        assert found.lines == sorted(found.lines)


def test_what_cannot_be_opened_is_an_oserror(tmp_path):
    for path in (tmp_path, tmp_path / "nothing.csv"):
        with pytest.raises(OSError, match=re.escape(str(path))):
            read_column(path)


def test_a_mark_at_the_beginning_is_no_part_of_the_first_name():
    assert decoded("it", "x".encode("utf-8-sig")) == decoded("it", "x".encode("utf-16")) == "x"
