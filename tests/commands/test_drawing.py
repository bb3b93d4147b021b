"""What ``demo``, ``unroll`` and ``draw`` write, and what they leave when something is in their way."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest

import minigrad as mg
from minigrad import demo
from minigrad.commands.common import Cell
from minigrad.rnn.experiments import CELLS
from tests.commands.calling import command


def test_an_out_that_cannot_be_written(tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file, not a folder")
    done = command("demo", "--quick", "--out", str(blocked / "pictures"))
    assert done.exit_code == 2
    assert str(blocked) in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["blocked"]


def test_without_any_graphviz(tmp_path: Path) -> None:
    """One missing picture does not cost the others."""
    done = command("demo", "--quick", "--out", str(tmp_path / "pictures"), MINIGRAD_DOT=str(tmp_path / "no-dot"))
    assert done.exit_code == 1
    told = re.sub(r"[\s│]", "", done.stdout)  # a table: words are broken anywhere
    assert "notdrawn:MINIGRAD_DOTnames" in told and "no-dot',whichdoesnotexist" in told
    written = {"trajectory.svg", "gradient_flow.svg", "spectrum.svg", "training.svg", "model.npz", "unrolled.dot"}
    assert {path.name for path in (tmp_path / "pictures").iterdir()} == written


@pytest.mark.parametrize("cell", list(Cell))
def test_unroll_draws_every_network(cell: str, here: Path) -> None:
    done = command("unroll", "--cell", cell, "--steps", "3", "--hidden", "4", "--out", "a.svg")
    assert (done.exit_code, done.stdout.strip()) == (0, "a.svg"), done.stderr
    ElementTree.parse(here / "a.svg")
    assert set(Cell) == set(CELLS)


def test_unroll_says_what_a_network_has_not(here: Path) -> None:
    done = command("unroll", "--cell", "lru", "--radius", "0.5")
    assert (done.exit_code, done.stderr) == (
        2,
        "minigrad: radius is said of W, and the cell 'lru' has none: leave it out\n",
    )
    assert not list(here.glob("*.svg"))


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


@pytest.mark.skipif(sys.platform == "win32", reason="sends a POSIX signal")
def test_ctrl_c_keeps_the_best_parameters_and_says_where(tmp_path: Path) -> None:
    running = subprocess.Popen(
        [sys.executable, "-m", "minigrad", "demo", "--out", str(tmp_path)],
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
