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
    times: dict[str, list[float]] = {program: [] for program in ("pass", *PROGRAMS.values())}
    for program in times:
        seconds(program)  # which writes the .pyc files, and counts for nothing
    for _ in range(repeats):
        for program, taken in times.items():
            taken.append(seconds(program))
    start = median(times["pass"])
    numpy = median(times[PROGRAMS["numpy"]]) - start
    print(f"Python alone: {1000 * start:.0f} ms; what importing takes on top of it, median of {repeats}:\n")
    for name, program in PROGRAMS.items():
        own = median(times[program]) - start
        print(f"{name:18} {1000 * own:5.0f} ms {own / numpy:6.2f} of NumPy's")


if __name__ == "__main__":
    main()
