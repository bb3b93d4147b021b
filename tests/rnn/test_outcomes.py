"""Jobs and outcomes: told apart, stored and read again."""

from __future__ import annotations

import dataclasses
import json
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import minigrad as mg
from minigrad.rnn import outcomes
from minigrad.rnn.outcomes import Job, Outcome, arrays, perform, store, stored

PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
JOBS = st.builds(Job, st.dictionaries(st.text(min_size=1), PLAIN, max_size=4), st.integers(0, 2**64))
NAMES = st.text(max_size=10).filter(lambda name: "\0" not in name)  # at which the name of an entry would end
ARRAYS = hnp.arrays(
    st.sampled_from(["f8", "f4", "i8", "?", "c16", "U5"]), hnp.array_shapes(min_dims=0, max_dims=3, min_side=0)
)


def fresh(folder):
    return folder.mktemp("outcomes")


@given(job=JOBS, values=st.dictionaries(NAMES, ARRAYS, max_size=3), error=st.none() | st.text())
def test_what_is_stored_is_read_again_to_the_last_bit(tmp_path_factory, job, values, error):
    outcome = Outcome(job.options, job.seed, values, error)
    found = stored(store(outcome, fresh(tmp_path_factory)))
    assert found.job.key == job.key
    assert found.error == error
    assert list(found.values) == list(values)
    for name, array in values.items():
        assert (found.values[name].dtype, found.values[name].shape) == (array.dtype, array.shape)
        assert found.values[name].tobytes() == array.tobytes()


@given(st.lists(JOBS, unique_by=lambda job: job.key, max_size=8))
def test_every_job_has_a_file_of_its_own_that_any_system_can_name(jobs):
    names = [job.file for job in jobs]
    assert len({*map(str.lower, names)}) == len(jobs)
    assert all(len(name) < 150 and name.isascii() and not set(name) & set('/\\:*?"<>| \n\0') for name in names)


def test_a_file_tells_its_job():
    assert Job({"radius": 0.5, "clip": None}, 3).file.startswith("radius=0.5,clip=None,seed=3-")


def test_numbers_that_are_equal_and_not_the_same_are_different_jobs():
    keys = {Job({"n": n}, 0).key for n in (1, 1.0, True, "1", None)}
    assert len(keys) == 5
    assert Job({"a": 1, "b": 2}, 0).file[-21:] == Job({"b": 2, "a": 1}, 0).file[-21:]


def test_an_outcome_is_an_npz_without_pickles(tmp_path):
    path = store(Outcome({"n": 1}, 0, {"x": np.arange(3.0)}), tmp_path)
    with np.load(path) as archive:  # allow_pickle is False
        assert archive["values/x"].tolist() == [0, 1, 2]
        assert json.loads(archive["outcome"].item())["options"] == {"n": 1}


@dataclasses.dataclass
class Found:
    cost: float
    solved: bool


class Pair(NamedTuple):
    a: int
    b: Any


@pytest.mark.parametrize(
    ("found", "names"),
    [
        (2, ["value"]),
        (np.float32(1.5), ["value"]),
        ("word", ["value"]),
        (np.zeros((2, 0)), ["value"]),
        ({"cost": 1.0, "W": np.eye(2)}, ["cost", "W"]),
        (Found(0.5, True), ["cost", "solved"]),
        (Pair(1, [2, 3]), ["a", "b"]),
        ({}, []),
    ],
    ids=str,
)
def test_what_may_be_returned(found, names):
    taken = arrays(found)
    assert list(taken) == names
    assert all(type(value) is np.ndarray and not value.dtype.hasobject for value in taken.values())


def test_what_is_returned_is_copied():
    x = np.zeros(2)
    taken = arrays(x)
    x[:] = 1
    assert taken["value"].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (None, "NoneType for value: a number, a string or an array of these can be stored; for nothing, return NaN"),
        ({"model": mg.rnn.RNN(1, 2, 1)}, "RNN for model"),
        ({1: 2.0}, "a dict with the key 1"),
    ],
)
def test_what_may_not_be_returned_fails_its_job(found, message):
    outcome = perform(lambda seed: found, Job({}, 0))
    assert outcome.values == {}
    assert outcome.error.startswith("TypeError: train returned ")
    assert message in outcome.error


def test_an_error_is_a_line_with_its_place():
    def train(n, seed):
        return np.linalg.cholesky(np.full((2, 2), -n))

    outcome = perform(train, Job({"n": 2.0}, 0))
    assert outcome.error.startswith("numpy.linalg.LinAlgError: Matrix is not positive definite (")
    assert repr(outcome) == f"<Outcome of n=2.0, seed=0: {outcome.error}>"


@pytest.mark.parametrize("raised", [SystemExit("enough"), MemoryError(), RecursionError("deep\nand deeper")])
def test_whatever_is_raised_is_what_came_of_it(raised):
    def train(seed):
        raise raised

    error = perform(train, Job({}, 0)).error
    assert error.startswith(type(raised).__name__)
    assert "(test_outcomes.py, line " in error
    assert "\n" not in error


def test_ctrl_c_is_not_the_jobs_own():
    def train(seed):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        perform(train, Job({}, 0))


def test_other_files_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(outcomes, "VERSION", 9)
    path = store(Outcome({}, 0, {"x": np.arange(100.0)}), tmp_path)
    whole = path.read_bytes()
    monkeypatch.undo()
    for wrong in (b"", b"words", whole[: len(whole) // 2], whole):
        path.write_bytes(wrong)
        with pytest.raises(ValueError, match="is no outcome that a sweep wrote"):
            stored(path)
    np.savez(path, x=1)
    with pytest.raises(ValueError, match="is no outcome that a sweep wrote"):
        stored(path)
    with pytest.raises(FileNotFoundError):
        stored(tmp_path / "nothing.npz")
