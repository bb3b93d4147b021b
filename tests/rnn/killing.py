"""A training in a process of its own, killed at random times (SIGKILL: nothing can be done about it), and resumed."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from minigrad.rnn import checkpoints
from tests.floors import ROOT

CODE = """
import sys
from pathlib import Path
from minigrad.optim import Adam
from minigrad.rnn import fit
from tests.rnn.learning import Delayed, network

path, steps, every = Path(sys.argv[1]), int(sys.argv[2]), 2
model = network()
how = {"resume": path} if path.exists() else {"checkpoint": path}
print("ready", flush=True)
fit(model, Delayed(T=20), optimizer=Adam(model, 0.01), updates=steps, every=every, **how)
print("done", flush=True)
"""


def started(path: Path, steps: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "error", "-c", CODE, str(path), str(steps)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def updates(path: Path) -> int:
    """How many there have been, according to a checkpoint; 0 if there is none."""
    return checkpoints.read(path).steps if path.exists() else 0


def killed_again_and_again(folder: Path, times: int, seed: int = 0) -> int:
    """Kill a training so many times, resume it each time, and compare its end with one that was left alone.

    Returns how many different numbers of updates the checkpoints were found at.
    """
    rng, path, steps, found = np.random.default_rng(seed), folder / "killed.npz", 40 * times, set()
    for _ in range(times):
        process = started(path, steps)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        if rng.random() < 0.75:  # the others are killed before they have done anything, perhaps
            before = updates(path)
            while updates(path) == before and process.poll() is None:
                time.sleep(0.005)
        time.sleep(rng.uniform(0.0, 0.05))
        process.kill()
        process.wait()
        process.stdout.close()
        if path.exists():
            found.add(checkpoints.read(path).steps)  # it is whole
    for name in (path, folder / "straight.npz"):
        process = started(name, steps)
        assert process.communicate()[0] == "ready\ndone\n"
    one, other = (checkpoints.read(folder / name) for name in ("killed.npz", "straight.npz"))
    assert one.steps == other.steps == steps
    assert one.history.costs == other.history.costs
    assert one.history.validation == other.history.validation
    assert one.generator == other.generator
    for ours, theirs in ((one.last, other.last), (one.best, other.best), (one.optimizer, other.optimizer)):
        assert ours is not None
        assert theirs is not None
        assert ours.keys() == theirs.keys()
        assert all(np.array_equal(ours[name], theirs[name]) for name in ours)
    return len(found)
