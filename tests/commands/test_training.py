"""``train`` and ``generate``: what they print and write, and what they say to what does not go."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import minigrad as mg
from tests.commands.calling import QUIET, command

QUICK = ("--updates", "4", "--batch", "4", "--hidden", "4")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def csv(path: Path, values: list[str], header: str = "date;height") -> Path:
    path.write_text("\n".join([header, *(f"{1900 + i}-01-01;{value}" for i, value in enumerate(values))]) + "\n")
    return path


def heights(n: int = 120) -> list[str]:
    return [f"{np.sin(i / 3):.5f}" for i in range(n)]


def test_the_model_stands_beside_the_baselines(folder: Path) -> None:
    done = command("train", "adding", "--steps", "8", *QUICK, "--cell", "lstm", "--out", "here")
    assert done.exit_code == 0, done.stderr
    assert re.search(r"LSTM +\d\S*", done.stdout)
    assert re.search(r"constant 1 +0\.1\d+", done.stdout)
    assert "solved" in done.stdout
    assert {path.name for path in (folder / "here").iterdir()} == {"adding.npz", "training.svg"}
    assert str(Path("here") / "adding.npz") in done.stdout


def test_going_on_gives_what_was_not_interrupted_would_have_given(folder: Path) -> None:
    whole = command("train", "order", "--steps", "12", *QUICK, "--updates", "6", "--out", "whole")
    assert whole.exit_code == 0, whole.stderr
    first = command("train", "order", "--steps", "12", *QUICK, "--updates", "6", "--out", "a", "--patience", "1")
    assert first.exit_code == 0, first.stderr
    again = command("train", "order", "--steps", "12", *QUICK, "--out", "a")
    assert again.exit_code == 2
    assert "--resume" in again.stderr
    on = command("train", "order", "--resume", "a/order.npz", "--updates", "9", "--out", "a")
    assert on.exit_code == 0, on.stderr
    assert mg.rnn.checkpoints.read("a/order.npz").steps == 9
    other = command("train", "adding", "--resume", "a/order.npz")
    assert other.exit_code == 2
    assert "'order'" in other.stderr


def test_a_series_of_ones_own_is_trained_on_and_gone_on_with(folder: Path) -> None:
    path = csv(folder / "mine.csv", heights())
    done = command("train", "series", "--data", str(path), "--column", "height", *QUICK, "--out", "s")
    assert done.exit_code == 0, done.stderr
    for name in ("RNN", "persistence", "AR(9)", "closed loop"):
        assert name in done.stdout
    assert (folder / "s" / "forecast.svg").read_text(encoding="utf-8").rstrip().endswith("</svg>")
    on = command("generate", "s/series.npz", "--steps", "5", "--out", "f.svg")
    assert on.exit_code == 0, on.stderr
    assert "steps of 5" in on.stdout
    assert (folder / "f.svg").exists()


def test_a_text_goes_on(folder: Path) -> None:
    Path("text.txt").write_text("the cat sat on the mat. " * 60)
    done = command("train", "text", "--data", "text.txt", "--steps", "10", *QUICK, "--out", "t")
    assert done.exit_code == 0, done.stderr
    assert "bigram" in done.stdout
    assert "trigram" in done.stdout
    drawn = [command("generate", "t/text.npz", "--steps", "20", "--prompt", "the ", "--seed", s).stdout for s in "112"]
    assert drawn[0] == drawn[1] != drawn[2]
    assert all(text.startswith("the ") and len(text.rstrip("\n")) == 24 for text in drawn)
    bad = command("generate", "t/text.npz", "--prompt", "Ω")
    assert bad.exit_code == 2
    assert "'Ω' is not in the alphabet" in bad.stderr


def test_the_history_is_the_same_by_programs_and_by_the_engine(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = {}
    for way in ("--compile", "--no-compile"):
        done = command("train", "adding", "--steps", "12", "--hidden", "9", "--updates", "600", way, "--out", way[2:])
        assert done.exit_code == 0, done.stderr
        found[way] = mg.rnn.checkpoints.read(folder / way[2:] / "adding.npz").history
        monkeypatch.setattr("minigrad.rnn.slopes.compile", None)  # which the second one does not ask for
    one, other = found.values()
    assert one.costs == other.costs and len(one.costs) == 600
    assert one.norms == other.norms
    assert one.validation == other.validation


def test_the_mass_is_printed(folder: Path) -> None:
    done = command("train", "mass", "--updates", "60")
    assert done.exit_code == 0, done.stderr
    found = re.search(r"^m = ([\d.]+)$", done.stdout, re.MULTILINE)
    assert found is not None
    assert float(found[1]) == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("addition",), "choose one of adding"),
        (("adding", "--clip", "much"), "--clip much: a number is needed, or none"),
        (("adding", "--clip", "-1"), "max_norm is -1.0"),
        (("adding", "--lr", "0"), "lr is 0"),
        (("adding", "--column", "x"), "no option column"),
        (("adding", "--cell", "lru", "--init", "orthogonal"), "has none"),
        (("adding", "--init", "hopeful"), "hopeful"),
        (("series",), "--data series.csv"),
        (("series", "--data", "nowhere.csv"), "nowhere.csv"),
        (("series", "--data", "empty.csv"), "empty.csv"),
        (("series", "--data", "gaps.csv"), "gaps.csv, line 8, column 'height'"),
        (("series", "--data", "words.csv"), "words.csv, line 5, column 'height': 'about 3' is no number"),
        (("series", "--data", "same.csv"), "same.csv, column 'height'"),
        (("series", "--data", "good.csv", "--column", "depth"), "depth"),
        (("series", "--data", "good.csv", "--parts", "0.5,0.5"), "three numbers are needed"),
        (("adding", "--resume", "nothing.npz"), "nothing.npz"),
        (("adding", "--resume", "good.csv"), "good.csv is no checkpoint"),
    ],
)
def test_what_does_not_go_is_a_sentence_and_leaves_nothing(
    arguments: tuple[str, ...], named: str, folder: Path
) -> None:
    csv(folder / "good.csv", heights())
    csv(folder / "gaps.csv", [*heights(6), "", *heights()])
    csv(folder / "words.csv", [*heights(3), "about 3", *heights()])
    csv(folder / "same.csv", ["2.5"] * 100)
    (folder / "empty.csv").write_text("")
    before = {path.name for path in folder.iterdir()}
    done = command("train", *arguments, "--updates", "2")
    assert done.exit_code == 2, done.stdout
    assert named in done.stderr
    assert done.stderr.count("\n") == 1
    left = [path for path in folder.rglob("*") if path.is_file() and path.name not in before]
    assert left == []


def test_gaps_may_be_held(folder: Path) -> None:
    csv(folder / "gaps.csv", [*heights(6), "", *heights()])
    done = command("train", "series", "--data", "gaps.csv", "--missing", "hold", *QUICK)
    assert done.exit_code == 0, done.stderr


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("adding.npz",), "nothing can be generated"),
        (("model.npz",), "is no checkpoint that minigrad.rnn.fit wrote"),
        (("nowhere.npz",), "nowhere.npz"),
        (("sine.npz", "--prompt", "a"), "for texts"),
        (("sine.npz", "--steps", "100000"), "100000"),
    ],
)
def test_what_cannot_go_on_says_so(arguments: tuple[str, ...], named: str, folder: Path) -> None:
    for task in ("adding", "sine"):
        made = command("train", task, "--steps", "12", *QUICK, "--checkpoint", f"{task}.npz")
        assert made.exit_code == 0, made.stderr
    mg.rnn.RNN(1, 2, 1).save("model.npz")
    done = command("generate", *arguments)
    assert done.exit_code == 2, done.stdout
    assert named in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="sends a POSIX signal")
def test_ctrl_c_keeps_what_there_is_and_says_how_to_go_on(tmp_path: Path) -> None:
    running = subprocess.Popen(
        [sys.executable, "-m", "minigrad", "train", "adding", "--updates", "100000", "--out", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **QUIET, "PYTHONIOENCODING": "utf-8"},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    file, before = tmp_path / "adding.npz", time.monotonic()
    while time.monotonic() < before + 60 and not (file.exists() and mg.rnn.checkpoints.read(file).steps):
        time.sleep(0.2)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 130
    assert f"minigrad train adding --resume {file} goes on" in said
    assert "Traceback" not in said
    assert mg.rnn.checkpoints.read(file).steps > 0
