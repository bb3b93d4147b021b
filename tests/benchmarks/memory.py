"""What back-propagation through time costs, in memory and in time: everything kept, √T, revolve, truncated, forward.

    python -m tests.benchmarks.memory [--steps 100000] [--hidden 128]

Each way runs in a process of its own, so that its peak is its own; the figure is what it takes above an idle process
that has imported minigrad and holds the sequence. RTRL costs n times as much or more, so it has a smaller network, and
a row of everything kept beside it. Prints a table in Markdown.
"""

from __future__ import annotations

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import argparse
import platform
import resource
import subprocess
import sys
import time

import numpy as np

import minigrad as mg

WAYS = {
    "everything kept, `unroll(...).cost.backward()`": lambda *a: mg.rnn.unroll(*a).cost.backward(),
    '`bptt(memory="sqrt")`': lambda *a: mg.rnn.bptt(*a, memory="sqrt"),
    "`bptt(memory=8)`, revolve with 8 states": lambda *a: mg.rnn.bptt(*a, memory=8),
    "`truncated_bptt(windows=100)`": lambda *a: mg.rnn.truncated_bptt(*a, windows=100),
}
SMALL = {
    "everything kept": lambda *a: mg.rnn.unroll(*a).cost.backward(),
    "`rtrl`": lambda *a: mg.rnn.rtrl(*a),
}


def measured(way: str, steps: int, hidden: int) -> tuple[float, float]:
    """Seconds and megabytes."""
    command = [
        sys.executable,
        "-m",
        "tests.benchmarks.memory",
        "--steps",
        str(steps),
        "--hidden",
        str(hidden),
        "--way",
        way,
    ]
    seconds, megabytes = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return float(seconds), float(megabytes)


def peak() -> float:
    """The most memory that this process has ever had, in megabytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--hidden", type=int, default=128)
    parser.add_argument("--way", help="measure this one, in this process")
    options = parser.parse_args()
    if options.way:
        rng = np.random.default_rng(0)
        model = mg.rnn.RNN(2, options.hidden, 1, radius=0.9)
        xs, targets = rng.normal(size=(options.steps, 1, 2)), rng.normal(size=(options.steps, 1, 1))
        idle, start = peak(), time.perf_counter()
        (WAYS | SMALL)[options.way](model, xs, targets)
        print(time.perf_counter() - start, peak() - idle)
        return
    versions = f"Python {platform.python_version()}, NumPy {np.__version__}"
    print(f"{platform.machine()}, {platform.system()}, {versions}, one thread\n")
    for ways, steps, hidden in ((WAYS, options.steps, options.hidden), (SMALL, 500, 8)):
        print(f"| T = {steps:,}, n = {hidden} | time | of everything kept | memory |\n| --- | ---: | ---: | ---: |")
        whole = None
        for way in ways:
            seconds, megabytes = measured(way, steps, hidden)
            whole = whole or seconds
            print(f"| {way} | {seconds:.2f} s | {seconds / whole:.2f} | {megabytes:.0f} MB |", flush=True)
        print()


if __name__ == "__main__":
    main()
