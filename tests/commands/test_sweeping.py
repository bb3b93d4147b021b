"""``sweep``: a table, a picture, a file for each job; and what is asked wrongly."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minigrad.commands.sweeping import numbers
from tests.commands.calling import command

QUICK = ("--updates", "3", "--batch", "4", "--hidden", "4", "--seeds", "2")


def test_a_sweep_is_a_table_and_a_picture_and_goes_on(tmp_path: Path) -> None:
    out = tmp_path / "study"
    asked = ("sweep", "order", "--clip", "none,1", "--steps", "12:20:2", *QUICK, "--out", str(out))
    done = command(*asked)
    assert done.exit_code == 0, done.stderr
    for said in ("clip", "none", "T = 12", "T = 20", "/2"):
        assert said in done.stdout
    files = {path: path.stat().st_mtime_ns for path in out.glob("*.npz")}
    assert len(files) == 8
    assert (out / "sweep.svg").read_text(encoding="utf-8").rstrip().endswith("</svg>")
    next(iter(files)).unlink()  # as if it had been interrupted before the last one
    again = command(*asked)
    assert again.stdout == done.stdout
    assert sum(path.stat().st_mtime_ns != before for path, before in files.items()) == 1


@pytest.mark.slow
def test_processes_find_the_same(tmp_path: Path) -> None:
    asked = ("sweep", "adding", "--cell", "rnn,gru", "--steps", "6", *QUICK)
    here = command(*asked, "--out", str(tmp_path / "a"))
    there = command(*asked, "--workers", "2", "--out", str(tmp_path / "b"))
    assert (here.exit_code, there.exit_code) == (0, 0), there.stderr
    for path in (tmp_path / "a").glob("*.npz"):
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


@pytest.mark.slow
def test_dasks_workers_find_the_same(tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    asked = ("sweep", "adding", "--cell", "rnn,gru", "--steps", "6", *QUICK)
    options = {"n_workers": 2, "threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}
    with distributed.LocalCluster(**options, protocol="tcp://") as cluster:
        there = command(*asked, "--scheduler", cluster.scheduler_address, "--out", str(tmp_path / "b"))
    here = command(*asked, "--out", str(tmp_path / "a"))
    assert (here.exit_code, there.exit_code) == (0, 0), there.stderr
    assert here.stdout.splitlines()[:-1] == there.stdout.splitlines()[:-1]
    for path in (tmp_path / "a").glob("*.npz"):
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()
    gone = command(*asked, "--scheduler", "tcp://127.0.0.1:1", "--out", str(tmp_path / "c"))
    assert gone.exit_code == 2
    assert "127.0.0.1:1" in gone.stderr


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("addition",), "choose one of adding"),
        (("sine",), "no right and wrong answers"),
        (("order", "--clip", "much"), "--clip much: numbers are needed"),
        (("order", "--radius", "0.5:1.5:x"), "--radius 0.5:1.5:x"),
        (("order", "--radius", "inf"), "--radius inf"),
        (("order", "--clip", "1,1"), "once is enough"),
        (("order", "--workers", "2", "--scheduler", "tcp://127.0.0.1:1"), "choose processes here"),
    ],
)
def test_what_does_not_go_is_a_sentence(arguments: tuple[str, ...], named: str, tmp_path: Path) -> None:
    done = command("sweep", *arguments, "--out", str(tmp_path / "out"))
    assert done.exit_code == 2, done.stdout
    assert named in done.stderr
    assert not list(tmp_path.rglob("*.npz"))


@given(st.integers(1, 30), st.integers(0, 1000), st.integers(1, 1000))
def test_a_range_has_both_ends(count: int, low: int, width: int) -> None:
    found = numbers("steps", f"{low}:{low + width}:{count}", whole=True)
    assert found == sorted(set(found))
    assert len(found) == min(count, len(found)) >= 1
    assert found[0] == low
    assert count == 1 or found[-1] == low + width
    assert all(isinstance(each, int) for each in found)


def test_lists_and_nothing() -> None:
    assert numbers("clip", "none, 1,0.5") == [None, 1.0, 0.5]
    assert numbers("clip", None) == []
    assert numbers("radius", "0.5:1.5:5") == [0.5, 0.75, 1.0, 1.25, 1.5]
