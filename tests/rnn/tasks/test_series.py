"""Series of one's own: the yearly sunspots, as the literature divides them, and files with gaps."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minigrad.rnn.cells import RNN
from minigrad.rnn.tasks.series import Series
from minigrad.rnn.unrolling import unroll
from minigrad.scopes import no_grad

SUNSPOTS = Path(__file__).parents[3] / "docs" / "data" / "sunspots.csv"
YEARS = (221, 35, 24)
"""1700-1920 for training, 1921-1955 and 1956-1979 held out (Weigend, Huberman, Rumelhart 1990)."""
ERRORS = {
    "constant": [1764.3497761190097, 4322.799354819721],
    "persistence": [638.310857142857, 1442.7616666666665],
    "linear": [559.5942857142854, 1029.9970833333334],
    "AR(1)": [580.1139899676463, 1400.399101131002],
    "AR(2)": [283.33658608038525, 674.0228498826053],
    "AR(9)": [189.19246476682136, 524.3822166359815],
    "AR(12)": [193.7677343900084, 550.21139619764],
}
"""Mean squared errors one step ahead of what was fitted to 1700-1920, by the mean of the training part, and by ordinary
least squares with an intercept; in 1921-1955 and in 1956-1979."""
AR2 = [13.390765443015386, 1.3488586746941458, -0.6566437767510924]
"""Intercept and coefficients."""


@pytest.fixture
def write(tmp_path):
    """Writes a file with a header, and says where."""

    def written(*cells, name="x"):
        path = tmp_path / "series.csv"
        path.write_text("\n".join([name, *map(str, cells)]) + "\n")
        return path

    return written


# -- sunspots ---------------------------------------------------------------------------------------------------------


def test_the_sunspots_are_those_that_were_counted():
    values = Series(SUNSPOTS, "SUNACTIVITY").column_read.values
    assert len(values) == 309
    assert values.mean() == pytest.approx(49.75210355987054, rel=1e-14)
    assert [values[0], values[-1]] == [5, 2.9]


def test_baselines_of_the_sunspots_are_the_reference_numbers():
    task = Series(SUNSPOTS, "SUNACTIVITY", parts=YEARS)
    assert task.scale.std[0] ** 2 == pytest.approx(1168.9094404291477, rel=1e-13)
    found = [task.baselines(task.validation), task.baselines()]
    assert found[0].keys() == ERRORS.keys()
    for name, expected in ERRORS.items():
        assert [each[name] for each in found] == pytest.approx(expected, rel=1e-9)
    intercept, *of_lags = task.coefficients[2][:, 0]
    mean, std = task.scale.mean[0], task.scale.std[0]
    assert [intercept * std + mean * (1 - sum(of_lags)), *of_lags] == pytest.approx(AR2, rel=1e-9)


def test_a_year_of_the_test_is_forecast_from_all_years_before_it():
    """A model's state is warm, and nothing before its part is judged."""
    task = Series(SUNSPOTS, "SUNACTIVITY", parts=YEARS)
    model, years = RNN(1, 4, 1), task.column_read.values
    with no_grad():
        outputs = unroll(model, task.test.xs).outputs
    assert len(task.test.xs) == 279
    forecasts = []
    for year in range(256, 280):
        with no_grad():
            run = unroll(model, ((years[:year] - task.scale.mean) / task.scale.std)[:, None])
        forecasts.append(task.own_units(run.outputs[-1])[0])
    assert task.score(outputs, task.test) == pytest.approx(np.mean((forecasts - years[256:280]) ** 2), rel=1e-12)


def test_what_follows_the_prompt_are_the_years_of_the_test():
    task = Series(SUNSPOTS, "SUNACTIVITY", parts=YEARS)
    years = task.column_read.values
    np.testing.assert_allclose(task.own_units(task.prompt)[:, 0, 0], years[:256], atol=1e-12)
    np.testing.assert_allclose(task.own_units(task.truth)[:, 0, 0], years[256:280], atol=1e-12)


# -- gaps -------------------------------------------------------------------------------------------------------------


def test_gaps_are_refused_with_their_place(write):
    path = write(*range(20), "", *range(30), "NaN", 5)
    with pytest.raises(
        ValueError, match=re.escape(f"{path}, line 22, column 'x': there is no value, here and in 1 oth")
    ):
        Series(path)


@given(st.lists(st.booleans(), min_size=60, max_size=60), st.integers(0, 2**32 - 1))
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_held_gaps_are_neither_learnt_nor_judged(write, gaps, seed):
    known = ~np.array([False, False, *gaps, False, False, *[False] * 10])
    values = np.arange(100.0, 174.0)
    task = Series(write(*np.where(known, values.astype(str), "")), missing="hold", T=6, parts=(40, 10, 10))
    assert task.scale.mean[0] == pytest.approx(np.mean(values[:40][known[:40]]))
    batch = task.batch(np.random.default_rng(seed), 50)
    told = task.own_units(batch.targets)[..., 0]
    weights = np.ones(told.shape) if batch.weights is None else batch.weights
    assert set(np.round(told[weights > 0])) <= set(values[known])
    last = [values[:i][known[:i]][-1] for i in range(1, 75)]
    np.testing.assert_allclose(task.own_units(task.record)[:, 0], last, rtol=1e-12)


def test_a_series_that_begins_with_a_gap_is_refused(write):
    with pytest.raises(ValueError, match="line 2, column 'x': the series begins with a gap"):
        Series(write("NaN", *range(30)), missing="hold", T=3)


# -- an array ---------------------------------------------------------------------------------------------------------


@given(st.lists(st.floats(-1e3, 1e3) | st.just(np.nan), min_size=60, max_size=60), st.sampled_from(["refuse", "hold"]))
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_array_is_the_file_with_the_same_numbers(write, values, missing):
    """Or it is refused for the same reason, in its own words."""

    def made(data):
        try:
            return Series(data, T=4, missing=missing)
        except ValueError as error:
            return re.sub(r"data\[\d+\]|.*series\.csv, (line \d+, )?column 'x'|^data", "…", str(error))

    of_file, of_array = made(write(*map(repr, values))), made(np.array(values))
    if isinstance(of_file, str):
        assert of_array == of_file
    else:
        np.testing.assert_array_equal(of_array.record, of_file.record)
        assert of_array.baselines() == of_file.baselines()


@pytest.mark.parametrize(
    ("data", "options", "error", "message"),
    [
        ([1.0, np.nan] * 30, {}, ValueError, "data[1]: there is no value, here and in 29 other places"),
        ([1.0, 2.0, -np.inf], {}, ValueError, "data[2] is -inf: expected finite numbers, or NaN"),
        (np.zeros((60, 1)), {}, ValueError, "data of shape (60, 1): a series is (n,)"),
        ([], {}, ValueError, "data of shape (0,)"),
        (["1", "2"], {}, TypeError, "data of dtype <U1: the path of a CSV file or a sequence of real numbers"),
        ([1j] * 60, {}, TypeError, "data of dtype complex128"),
        (None, {}, TypeError, "data of dtype object"),
        ([7] * 60, {}, ValueError, "data is constant, [7.0], in the training part"),
        (range(60), {"column": 1}, ValueError, "column=1 is that of a file: of an array pass the column itself"),
    ],
)
def test_an_array_that_cannot_be_trained_on_is_refused(data, options, error, message):
    with pytest.raises(error, match=re.escape(message)):
        Series(data, **options)


# -- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "options", "message"),
    [
        ([7] * 60, {}, "column 'x' is constant, [7.0], in the training part: there is nothing to learn"),
        (range(10), {}, "column 'x': of 10 rows the training part has 7, and a window takes 31"),
        ([1], {}, "column 'x': of 1 rows the training part has 1"),
        (range(60), {"parts": (50, 10, 10)}, "column 'x': parts=(50, 10, 10) are 70 rows, there are 60"),
        (["1e300", "-1e300"] * 40, {}, "column 'x' has numbers so large"),
        ([*range(50), "1e300"], {}, "column 'x' has a number, 1e+300, so far from those of the training part"),
        (range(60), {"missing": "guess"}, "missing='guess' is not known: choose 'refuse' or 'hold'"),
        (range(60), {"T": 0}, "T is 0"),
    ],
)
def test_what_cannot_be_trained_on_is_refused(write, cells, options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        Series(write(*cells), **options)


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False) | st.just("") | st.integers(-3, 3), max_size=60),
    st.sampled_from(["refuse", "hold"]),
)
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_the_numbers_are_they_are_trained_on_or_refused(write, cells, missing):
    path, task = write(*cells), None
    try:
        task = Series(path, T=4, missing=missing)
    except ValueError as error:
        refusal = str(error)
        assert refusal.startswith(str(path)) and "\n" not in refusal
    if task is not None:
        batch = task.batch(np.random.default_rng(0), 5)
        unroll(RNN(1, 3, 1), batch.xs, batch.targets, weights=batch.weights).cost.backward()
        assert np.isfinite(task.baselines()["persistence"])
