"""How far a training is: told in lines, shown as a bar, or not at all."""

from __future__ import annotations

import importlib.util
import io
import re

import pytest

from minigrad.optim import SGD
from minigrad.rnn import progress
from minigrad.rnn.history import History
from minigrad.rnn.progress import reporting
from minigrad.rnn.training import fit
from tests.rnn.learning import delayed, network


class Terminal(io.StringIO):
    def isatty(self):
        return True


def reported(total, updates, done=0, shown=True):
    history = History(steps=done)
    with reporting(shown, total, done) as report:
        for _ in range(updates):
            history.note(0.5, 2.0, True)
            report(history)


@pytest.mark.parametrize(
    ("total", "updates", "done", "lines"),
    [
        (100, 100, 0, range(10, 101, 10)),
        (100, 55, 0, [10, 20, 30, 40, 50, 55]),
        (100, 30, 70, [80, 90, 100]),
        (3, 3, 0, [1, 2, 3]),
        (None, 7, 0, [7]),
        (100, 0, 0, []),
    ],
)
def test_there_is_a_line_for_every_tenth_and_for_the_last_update(total, updates, done, lines, capsys):
    reported(total, updates, done)
    out, err = capsys.readouterr()
    of = "" if total is None else f"/{total}"
    assert out == ""
    assert re.findall(r"training (\S+)  cost 5.00e-01  ‖g‖ 2.00e\+00  \d+ clipped", err) == [f"{n}{of}" for n in lines]


def test_there_is_a_line_when_there_was_none_for_a_while(capsys, monkeypatch):
    seconds = iter(range(0, 1000, 3))
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(seconds))
    reported(None, 40)
    assert 5 < capsys.readouterr().err.count("training") < 20


def test_silence(capsys):
    reported(10, 10, shown=False)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("sized", [True, False])
def test_a_bar_is_shown_where_somebody_looks(sized, monkeypatch):
    pytest.importorskip("rich")
    monkeypatch.setattr("sys.stderr", terminal := Terminal())
    model = network()
    batches = [delayed(seed) for seed in range(3)]
    fit(model, SGD(model, 0.1, max_norm=1e-6), batches if sized else iter(batches), progress=True)
    assert "3/3" in terminal.getvalue() or not sized
    assert "3 clipped" in terminal.getvalue()
    assert "\x1b[" in terminal.getvalue()


def test_without_rich_there_are_lines_there_too(monkeypatch):
    monkeypatch.setattr(progress, "find_spec", lambda name: None if name == "rich" else importlib.util.find_spec(name))
    monkeypatch.setattr("sys.stderr", terminal := Terminal())
    reported(10, 10)
    assert terminal.getvalue().count("\n") == 10
    assert "\x1b" not in terminal.getvalue()


def test_validation_is_told(capsys):
    model = network()
    fit(model, SGD(model, 0.1), [delayed(0)] * 4, validation=delayed(1), every=2, progress=True)
    lines = capsys.readouterr().err.splitlines()
    assert ["validation" in line for line in lines] == [False, False, True, True]
