"""What the tests of sweeps do in other processes, which can import this."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

import minigrad as mg


class Learnt(NamedTuple):
    """Of a short training."""

    W: np.ndarray
    costs: np.ndarray
    solved: bool


GRID = {"radius": np.linspace(0.5, 1.5, 3), "clip": [None, 1.0], "cell": ["RNN", "GRU"]}


def learn(radius, clip, cell, seed):
    """A few updates of a small network, whose weights hang on every digit."""
    rng = np.random.default_rng(seed)
    model = getattr(mg.rnn, cell)(1, 4, 1, rng=rng)
    for p in model.parameters().values():
        p.data = radius * p.data
    xs, ys = rng.normal(size=(2, 6, 3, 1))
    history = mg.rnn.fit(model, mg.optim.SGD(model, lr=0.1, max_norm=clip), [(xs, ys)] * 4)
    W = model.state_dict()[min(model.parameters())]
    return Learnt(W, np.array(history.costs), history.costs[-1] < history.costs[0])


def slow(n, folder, seed, seconds=0.03):
    """Leaves a mark of every call."""
    with (Path(folder) / "calls").open("a") as file:
        file.write(f"{n}\n")
    time.sleep(seconds)
    return {"square": n**2, "noise": np.random.default_rng(seed).normal(size=3)}


def fatal(n, folder, seed, once=True):
    """Kills its own process at n = 3: the first time, or always."""
    mark = Path(folder) / "killed"
    if n == 3 and not (once and mark.exists()):
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return slow(n, folder, seed)


def second_waits(folder):
    """The first process has the first job before another one, which is started meanwhile, asks for any."""
    try:
        (Path(folder) / "first").touch(exist_ok=False)
        time.sleep(0.5)
    except FileExistsError:
        time.sleep(1.5)


def always_fatal(n, folder, seed):
    return fatal(n, folder, seed, once=False)


def fails(n, seed):
    if n == 2:
        raise ValueError(f"n is {n},\nand that is too much")
    if n == 3:
        sys.exit("enough")
    return n / 2


if __name__ == "__main__":  # a sweep for somebody who kills it
    mg.rnn.sweep(slow, {"n": range(30), "folder": [sys.argv[1]]}, out=sys.argv[2])
