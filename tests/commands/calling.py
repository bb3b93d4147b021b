"""Calling the command: inside of this process, where it takes as long as its work, and in one of its own."""

from __future__ import annotations

import os
import subprocess
import sys

from typer.testing import CliRunner, Result

from minigrad.cli import app

QUIET = {"COLUMNS": "100", "NO_COLOR": "1"}


def command(*arguments: str, **environment: str) -> Result:
    """What ``minigrad`` does with these arguments; an error that nobody caught is raised."""
    return CliRunner().invoke(app, arguments, env={**QUIET, **environment}, catch_exceptions=False)


def process(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The same in a process of its own."""
    start = [sys.executable, "-W", "error", "-m", "minigrad"]
    environment = {**os.environ, **QUIET, "PYTHONIOENCODING": "utf-8"}
    return subprocess.run([*start, *arguments], capture_output=True, text=True, timeout=120, env=environment)
