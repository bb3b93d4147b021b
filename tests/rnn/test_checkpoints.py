"""Checkpoints come back as they were written, say what they belong to, and are refused if they are none."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import minigrad as mg
from minigrad.optim import SGD, Adam
from minigrad.rnn import checkpoints
from minigrad.rnn.checkpoints import Checkpoint, described, difference, read, write
from minigrad.rnn.history import History
from minigrad.rnn.training import fit
from tests.rnn.learning import Delayed, assert_same, network

FLOATS = st.floats(allow_nan=False)
STATES = st.dictionaries(
    st.text(min_size=1, max_size=8).filter(lambda name: "\0" not in name and name.isprintable()),
    st.lists(FLOATS, max_size=3).map(np.array),
    max_size=3,
)


@st.composite
def histories(draw):
    history = History(limit=4, last=draw(STATES))
    for _ in range(draw(st.integers(0, 9))):
        history.note(draw(FLOATS), draw(FLOATS), draw(st.booleans()))
        if draw(st.booleans()):
            history.judge(draw(st.floats()), draw(STATES.filter(bool)))
    return history


def some(path, **options):
    model = network()
    history = fit(model, Delayed(), optimizer=Adam(model, 0.05), updates=7, every=2, checkpoint=path, **options)
    return model, history


@given(histories(), STATES, st.none() | st.tuples(st.integers(0, 9), FLOATS))
def test_what_is_written_is_read(history, optimizer, closing):
    generator = np.random.default_rng(0).bit_generator.state
    configuration = {"cell": "rnn", "sizes": [1, 2], "ü": None}
    belongs = {"model": {"class": "RNN"}}
    with TemporaryDirectory() as folder:
        path = write(Path(folder, "c.npz"), Checkpoint(history, optimizer, generator, closing, belongs, configuration))
        found = read(path)
    for name, value in vars(history).items():
        if name in ("best", "last") and value is not None:
            assert_same(getattr(found.history, name), value)
        else:
            assert repr(getattr(found.history, name)) == repr(value)  # NaN is NaN
    assert_same(found.optimizer, optimizer)
    assert (found.generator, found.closing, found.belongs) == (generator, closing, belongs)
    assert (found.configuration, found.steps) == (configuration, history.steps)
    assert not any(value.flags.writeable for value in found.last.values())
    better = closing is not None and closing[1] < history.best_cost
    assert_same(found.parameters, history.last if better or history.best is None else history.best)


@pytest.mark.parametrize("steps", [1, 2, 6, 7])
def test_the_best_is_what_the_training_has_found(steps, tmp_path):
    model = network()
    history = fit(model, Delayed(), optimizer=Adam(model, 0.05), updates=steps, every=2, checkpoint=tmp_path / "c.npz")
    found = read(tmp_path / "c.npz")
    assert_same(found.parameters, model.state_dict())
    assert_same(found.best, history.best)
    other = network()
    other.load_state_dict(found.parameters)
    fit(other, Delayed(), updates=steps, validation=False, checkpoint=tmp_path / "d.npz")
    assert read(tmp_path / "d.npz").best is None


def test_numpy_reads_it_without_pickle(tmp_path):
    model, history = some(tmp_path / "c.npz")
    with np.load(tmp_path / "c.npz", allow_pickle=False) as file:
        about = json.loads(file["about"].item())
        np.testing.assert_array_equal(file["last/W"], history.last["W"])
        np.testing.assert_array_equal(file["history/costs"], history.costs)
    assert about["format"] == checkpoints.FORMAT
    assert about["model"] == described(model)


# -- what is none -----------------------------------------------------------------------------------------------------


@given(st.data())
def test_a_damaged_file_is_refused_in_a_sentence_or_is_what_it_was(data):
    with TemporaryDirectory() as folder:
        path = Path(folder, "c.npz")
        some(path)
        whole = path.read_bytes()
        at = data.draw(st.integers(0, len(whole) - 1))
        harm = data.draw(st.sampled_from(["cut", "flip", "zero"]))
        harmed = {
            "cut": whole[:at],
            "flip": whole[:at] + bytes([whole[at] ^ 0x41]) + whole[at + 1 :],
            "zero": whole[:at] + bytes(len(whole[at : at + 50])) + whole[at + 50 :],
        }[harm]
        path.write_bytes(harmed)
        try:
            found = read(path)
        except ValueError as error:
            assert str(error).startswith(f"{path} is no checkpoint that minigrad.rnn.fit wrote: ")  # noqa: PT017
        else:
            path.write_bytes(whole)
            assert_same(found.last, read(path).last)


def test_other_files_are_refused(tmp_path):
    path = network().save(tmp_path / "model.npz")
    with pytest.raises(
        ValueError, match=r"model\.npz is no checkpoint that minigrad\.rnn\.fit wrote: it has no 'about'"
    ):
        read(path)
    (tmp_path / "text").write_text("hello")
    with pytest.raises(ValueError, match="text is no checkpoint"):
        read(tmp_path / "text")
    with pytest.raises(FileNotFoundError):
        read(tmp_path / "nothing")


def test_a_newer_format_is_refused(tmp_path, monkeypatch):
    with monkeypatch.context() as later:
        later.setattr(checkpoints, "FORMAT", 2)
        some(tmp_path / "c.npz")
    with pytest.raises(ValueError, match="its format is 2, and this minigrad reads format 1"):
        read(tmp_path / "c.npz")


def test_what_is_no_json_leaves_nothing(tmp_path):
    with pytest.raises(TypeError):
        write(tmp_path / "c.npz", Checkpoint(History(), {}, configuration={"f": np.tanh}))
    assert [*tmp_path.iterdir()] == []


# -- descriptions -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Options:
    series: np.ndarray
    text: str = "a" * 500
    scale: float = 1.0


def test_objects_are_described_by_how_they_were_built():
    model = mg.rnn.Stacked([mg.rnn.LSTM(2, 3, peepholes=True), mg.rnn.RNN(3, 4, 1, f="relu", dtype=np.float32)][:1])
    assert described(model) == {
        "class": "Stacked",
        "layers": [
            {
                "class": "LSTM", "n_in": 2, "n_hidden": 3, "n_out": 3, "peepholes": True, "f": "tanh", "g": "unchanged",
                "layer_norm": False, "dropout": 0.0, "recurrent_dropout": 0.0, "dtype": "float64",
            }
        ],
    }  # fmt: skip
    found = described(SGD(network(), lr=0.1, momentum=0.5), without=("parameters", "lr"))
    assert {"class", "momentum", "max_norm"} <= found.keys()
    assert not {"lr", "parameters", "state", "history", "steps"} & found.keys()


@given(st.integers(0, 5), st.integers(0, 5), st.sampled_from(["series", "text", "scale"]))
def test_descriptions_are_equal_where_objects_were_built_alike(one, other, what):
    values = [{"series": np.arange(n + 1.0), "text": "b" * 300 + str(n), "scale": n / 7}[what] for n in (one, other)]
    first, second = (described(Options(**{"series": np.ones(3)} | {what: value})) for value in values)
    assert json.loads(json.dumps(first)) == first
    assert (difference(first, second) is None) == (one == other)


def test_what_differs_is_said():
    assert difference({"a": {"b": [1, 2]}}, {"a": {"b": [1, 3]}}) == "a.b.1 is 2 there and 3 here"
    assert difference({"a": None}, {"a": {"b": 1}}) == "a is null there and absent here"
    assert difference({"a": np.nan}, {"a": float("nan")}) is None
    assert difference({}, {"a": 1}) is not None
