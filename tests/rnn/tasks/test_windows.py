"""Windows of one record, which no border between its parts crosses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from minigrad.rnn.tasks.windows import parted, streams, windows

shares = st.tuples(*[st.floats(0.05, 1)] * 3).map(lambda s: tuple(x / sum(s) for x in s))


@st.composite
def divided(draw):
    """Rows, a gap, and their division."""
    n, gap, T = draw(st.integers(10, 400)), draw(st.integers(0, 20)), draw(st.integers(1, 20))
    try:
        return n, gap, T, parted(n, draw(shares), gap, T + 1)
    except ValueError:
        assume(False)


@given(divided(), st.integers(0, 2**32 - 1), st.integers(1, 9))
def test_windows_of_the_parts_have_no_row_in_common(found, seed, side):
    """Inputs, targets, and what they warm up on."""
    n, gap, T, parts = found
    training = windows(np.random.default_rng(seed), parts.training, T, 50)
    warm = max(gap - 1, 0)
    validation, _ = streams(parts.validation, side, warm)
    test, _ = streams(parts.test, side, warm)
    if gap:
        rows = [set(each.ravel()) for each in (training, validation, test)]
        assert not (rows[0] & rows[1] or rows[0] & rows[2] or rows[1] & rows[2])
    assert not set(training.ravel()) & {*parts.validation, *parts.test}
    assert set().union(*map(set, parts)) <= set(range(n))


@given(divided(), st.integers(1, 9), st.none() | st.integers(0, 20))
def test_each_row_is_a_target_once(found, side, warm):
    rows = found[3].test
    side = 1 if warm is None else side
    indices, weights = streams(rows, side, warm)
    assert indices.shape == (len(weights) + 1, min(side, len(rows)))
    np.testing.assert_array_equal(np.diff(indices, axis=0), 1)
    judged = indices[1:][weights > 0].ravel()
    assert len(set(judged)) == len(judged)
    assert set(judged) <= set(rows)
    assert len(rows) - len(judged) < min(side, len(rows))
    assert indices.min() >= 0
    if warm is None:
        assert indices[0, 0] == 0


@given(st.integers(0, 2**32 - 1), st.integers(1, 20), st.integers(0, 9), st.integers(1, 30))
def test_windows_stay_in_their_rows_and_reach_all_of_them(seed, steps, start, spare):
    rows = range(start, start + steps + spare)
    found = windows(np.random.default_rng(seed), rows, steps, 500)
    assert found.shape == (steps + 1, 500)
    np.testing.assert_array_equal(np.diff(found, axis=0), 1)
    assert set(found.ravel()) <= set(rows)
    assert {found.min(), found.max()} == {rows[0], rows[-1]}


@given(st.integers(3, 100), st.integers(1, 100), st.integers(1, 100))
def test_whole_numbers_are_rows(training, validation, test):
    found = parted(300, (training, validation, test))
    assert found == (
        range(training),
        range(training, training + validation),
        range(training + validation, training + validation + test),
    )


def test_shares_of_one_leave_nothing_over():
    for n in range(10, 200):
        assert parted(n, (0.7, 0.15, 0.15)).test.stop == n
    assert parted(100, (0.5, 0.1, 0.1)).test.stop == 70


@pytest.mark.parametrize(
    ("n", "parts", "gap", "message"),
    [
        (100, (0.5, 0.5), 0, "three shares"),
        (100, (0.7, 0.3, 0.3), 0, "three shares"),
        (100, (0.7, 0.3, 0.0), 0, "three shares"),
        (100, (0.7, np.nan, 0.1), 0, "three shares"),
        (100, (70, 20, 20), 0, r"are 110 rows, there are 100"),
        (5, (0.2, 0.4, 0.4), 0, "the training part has 1, and a window takes 2"),
        (100, (0.8, 0.1, 0.1), 5, "none is left for the validation part, beside the 10 that the windows warm up on"),
        (4, (0.9, 0.05, 0.05), 0, "none is left for the validation part"),
    ],
)
def test_what_cannot_be_is_refused(n, parts, gap, message):
    with pytest.raises(ValueError, match=message):
        parted(n, parts, gap)
