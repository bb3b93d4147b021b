"""The command: what it prints, writes and returns, with good input and bad.

Commands run inside of this process, where a picture costs as long as it takes to draw and not a second more; those for
which a process is the point (its status, what it leaves of an error, Ctrl-C) stand at the end.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner, Result

import minigrad as mg
from minigrad import demo
from minigrad.cli import app

QUIET = {"COLUMNS": "100", "NO_COLOR": "1"}


def command(*arguments: str, **environment: str) -> Result:
    """What ``minigrad`` does with these arguments; an error that nobody caught is raised."""
    return CliRunner().invoke(app, arguments, env={**QUIET, **environment}, catch_exceptions=False)


def process(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The same in a process of its own."""
    start = [sys.executable, "-W", "error", "-m", "minigrad.cli"]
    environment = {**os.environ, **QUIET, "PYTHONIOENCODING": "utf-8"}
    return subprocess.run([*start, *arguments], capture_output=True, text=True, timeout=120, env=environment)


def test_help_explains_itself_with_an_example() -> None:
    for arguments in ((), ("demo",)):
        shown = command(*arguments, "--help")
        assert shown.exit_code == 0
        assert "Example: minigrad demo" in shown.stdout
    assert command("--version").stdout.strip() == mg.__version__


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("demo", "--seed", "-1"), "-1"),
        (("demo", "--seed", "many"), "many"),
        (("demmo",), "demmo"),
        (("demo", "--fast"), "--fast"),
    ],
)
def test_wrong_usage_is_named(arguments: tuple[str, ...], named: str) -> None:
    done = command(*arguments)
    assert done.exit_code == 2
    assert named in done.stderr


def test_an_out_that_cannot_be_written(tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file, not a folder")
    done = command("demo", "--quick", "--out", str(blocked / "pictures"))
    assert done.exit_code == 2
    assert str(blocked) in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["blocked"]


def test_without_any_graphviz(tmp_path: Path) -> None:
    done = command("demo", "--quick", "--out", str(tmp_path / "pictures"), MINIGRAD_DOT=str(tmp_path / "no-dot"))
    assert done.exit_code == 2
    assert "MINIGRAD_DOT" in done.stderr
    assert "no-dot" in done.stderr
    assert list(tmp_path.iterdir()) == []


# -- unroll, draw, check ----------------------------------------------------------------------------------------------

MINE = """
import numpy as np
import minigrad as mg
from minigrad.testing import arguments

@arguments((3, 4), 4)
def layer(W, x):
    return np.tanh(W @ x)

def graph():
    W = mg.Tensor([[0.5, 1.0], [0.25, -0.5]], requires_grad=True, name="W")
    return np.sum(layer(W, np.ones(2)))

@arguments(4, domain="positive")
def logs(x):
    return np.log(x)

def right(g, x):
    return g / x

def twice(g, x):
    return 2 * g / x

def noise(x):
    return x + 0.001 * np.sin(1e9 * x)

nothing = 3
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a module of the user's, in which the command is run."""
    (tmp_path / "mine.py").write_text(MINE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "mine", raising=False)  # that of an earlier test
    return tmp_path


@pytest.mark.parametrize("arguments", [(), ("--cell", "feedback", "--forcing"), ("--radius", "0.5", "--last")])
@pytest.mark.parametrize("suffix", [".svg", ".dot", ".html"])
def test_unroll_draws(arguments: tuple[str, ...], suffix: str, here: Path) -> None:
    out = here / f"unrolled{suffix}"
    done = command("unroll", "--steps", "3", "--hidden", "4", "--out", str(out), *arguments)
    assert (done.exit_code, done.stdout.strip()) == (0, str(out)), done.stderr
    assert {".svg": "</svg>", ".dot": "digraph", ".html": "</html>"}[suffix] in out.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "arguments", [("mine:graph",), ("mine:layer",), ("mine:noise", "--shape", "3"), ("numpy:tanh", "--shape", "2,2")]
)
def test_draw_draws(arguments: tuple[str, ...], here: Path) -> None:
    done = command("draw", *arguments, "--out", "graph.svg", "--color", "value")
    assert (done.exit_code, done.stdout.strip()) == (0, "graph.svg"), done.stderr
    ElementTree.parse(here / "graph.svg")


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (("mine:layer",), 0, "pass"),
        (("mine:layer", "--shape", "2,2", "--shape", "2"), 0, "pass"),
        (("mine:logs", "--vjp", "mine:right"), 0, "pass"),
        (("mine:logs", "--domain", "0.5,2"), 0, "pass"),
        (("mine:logs", "--vjp", "mine:twice"), 1, "exactly twice"),
        (("mine:noise", "--shape", "3"), 3, "inconclusive"),
        (("mine:noise", "--shape", "3", "--strict"), 1, "To see it again"),
        (("mine:layer", "--strict"), 0, "pass"),
        (("mine:logs", "--vjp", "mine:twice", "--strict"), 1, "exactly twice"),
    ],
)
def test_check_checks(arguments: tuple[str, ...], status: int, says: str, here: Path) -> None:
    done = command("check", *arguments, "--examples", "2")
    assert done.exit_code == status, done.stdout + done.stderr
    assert says in done.stdout


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("unroll", "--out", "unrolled.bmp"), "'.bmp'"),
        (("unroll", "--out", "nowhere/unrolled.svg"), "there is no folder"),
        (("unroll", "--forcing"), "does not feed its output back"),
        (("unroll", "--cell", "lstm"), "lstm"),
        (("unroll", "--steps", "0"), "--steps"),
        (("draw", "mine"), "package.module:function"),
        (("draw", "mine:noise"), "missing"),
        (("draw", "mine:nothing"), "of type int"),
        (("draw", "yours:graph"), "no module yours"),
        (("check", "mine:nope"), "no nope"),
        (("check", "mine:noise"), "give a shape"),
        (("check", "mine:logs", "--shape", "3,x"), "3,x"),
        (("check", "mine:logs", "--domain", "large"), "'large'"),
        (("check", "mine:logs", "--domain", "1,x"), "'1,x' is no domain"),
        (("check", "mine:logs", "--domain", "2,1"), "the lower one first"),
        (("check", "mine:layer", "--shape", "3,4", "--shape", "5"), "size 5"),
    ],
)
def test_bad_questions_get_a_sentence_and_leave_nothing(arguments: tuple[str, ...], named: str, here: Path) -> None:
    done = command(*arguments)
    assert done.exit_code == 2, done.stdout
    assert named in done.stderr
    assert {path.name for path in here.iterdir()} <= {"mine.py", "__pycache__"}


# -- a process ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "status", "named"),
    [
        (("--version",), 0, mg.__version__),
        (("demo", "--seed", "many"), 2, "many"),
        (("check", "numpy:nope"), 2, "no nope"),
        (("check", "numpy:square", "--shape", "3", "--vjp", "numpy:multiply"), 1, "exactly half"),
    ],
)
def test_the_status_is_what_the_command_says_and_nothing_else_is_printed(
    arguments: tuple[str, ...], status: int, named: str
) -> None:
    done = process(*arguments)
    assert done.returncode == status
    assert named in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="sends a POSIX signal")
def test_ctrl_c_keeps_the_best_parameters_and_says_where(tmp_path: Path) -> None:
    running = subprocess.Popen(
        [sys.executable, "-m", "minigrad.cli", "demo", "--out", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    before = time.monotonic()
    while not (tmp_path / "model.npz").exists() and time.monotonic() < before + 60:
        time.sleep(0.1)
    time.sleep(2.0)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "interrupted after" in said
    assert str(tmp_path / "model.npz") in said
    assert "Traceback" not in said
    mg.rnn.RNN(2, demo.N_HIDDEN, 1).load(tmp_path / "model.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["model.npz"]
