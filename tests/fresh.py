"""A Python of its own, for what depends on what is imported first, or on the environment."""

from __future__ import annotations

import os
import subprocess
import sys

METADATA = "Metadata-Version: 2.1\nName: hook\nVersion: 1\n"
HOOK = "[hypothesis]\nminigrad = minigrad.testing.entry:register\n"


def installed(folder):
    """The search path of a Python in which hypothesis finds the package's hook, as it does where that is installed."""
    metadata = folder / "hook-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(METADATA)
    (metadata / "entry_points.txt").write_text(HOOK)
    return os.pathsep.join([str(folder), *map(os.path.abspath, sys.path)])


def run(code, **environment):
    """What ``code`` prints, in a Python of its own."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("CI", "HYPOTHESIS"))}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=inherited | {key: value for key, value in environment.items() if value},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
