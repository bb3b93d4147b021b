"""How long `import minigrad` takes, beside NumPy's own import: `python -m tests.benchmarks.imports`.

Whole processes are timed, by turns, and Python's own start is taken off. What a process loads is tested elsewhere
(tests/test_house.py); this is the time it takes. At most twice NumPy's is what was set out for.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from statistics import median

PROGRAMS = {
    "numpy": "import numpy",
    "minigrad": "import minigrad",
    "minigrad.rnn": "import minigrad; minigrad.rnn.RNN",
    "drawing": "import minigrad; minigrad.draw",
    "drawing networks": "import minigrad; minigrad.rnn.draw",
    "checker": "import minigrad; minigrad.testing.check_grads",
    "everything": "from minigrad import *",
}


def seconds(program: str) -> float:
    """What a Python that runs ``program`` takes, from start to end."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", program], check=True)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=41, help="Runs of each program.")
    repeats = parser.parse_args().repeats
    for program in ("pass", *PROGRAMS.values()):
        seconds(program)  # which writes the .pyc files, and counts for nothing
    starts = []
    rounds: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    for _ in range(repeats):
        starts.append(seconds("pass"))
        for name, program in PROGRAMS.items():
            rounds[name].append(seconds(program) - starts[-1])
    print(f"Python alone: {1000 * median(starts):.0f} ms; importing, on top of it, medians of {repeats}:\n")
    for name, taken in rounds.items():
        ratio = median(own / numpy for own, numpy in zip(taken, rounds["numpy"], strict=True))
        print(f"{name:18} {1000 * median(taken):5.0f} ms {ratio:6.2f} of NumPy's")


if __name__ == "__main__":
    main()
