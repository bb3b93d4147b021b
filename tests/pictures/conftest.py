"""Machines without Graphviz, and with one that is a few lines of Python."""

from __future__ import annotations

import sys

import pytest


@pytest.fixture
def nothing_installed(tmp_path, monkeypatch):
    """A machine without any Graphviz; the folder for pictures is empty."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "out").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("MINIGRAD_DOT", raising=False)
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    return tmp_path


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


@pytest.fixture
def fake(tmp_path):
    """Make an executable called ``name`` on the PATH out of a few lines of Python."""

    def make(body, name="dot", folder="bin"):
        script = tmp_path / folder / name
        script.write_text(f"#!{sys.executable}\nimport os, sys, time\n{body}\n")
        script.chmod(0o755)
        return script

    return make
