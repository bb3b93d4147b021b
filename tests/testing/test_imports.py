"""The checker needs NumPy alone; what needs hypothesis says so."""

from __future__ import annotations

import subprocess
import sys

import pytest

WITHOUT = """
import sys
sys.modules["hypothesis"] = None  # as if it were not installed
import minigrad as mg
assert mg.testing.check_grads(abs, (1.0,))
"""


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", WITHOUT + code], capture_output=True, text=True)


def test_the_checker_needs_no_hypothesis() -> None:
    done = run("")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["strategies", "programs"])
def test_what_needs_it_says_so(name: str) -> None:
    last = run(f"mg.testing.{name}").stderr.splitlines()[-1]
    advice = 'run pip install ".[testing]" in a clone of minigrad'
    assert last == f"ModuleNotFoundError: minigrad.testing.{name} needs hypothesis: {advice}"


def test_other_names_are_not_there() -> None:
    assert "has no attribute 'strategy'" in run("mg.testing.strategy").stderr
