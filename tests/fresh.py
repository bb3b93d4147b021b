"""A Python of its own, for what depends on what is imported first, or on the environment."""

from __future__ import annotations

import os
import subprocess
import sys


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
