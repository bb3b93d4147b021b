"""One forward and one backward pass of recurrent networks, by minigrad and its peers, side by side.

    python -m tests.benchmarks.bptt [--quick] [--page docs/speed.md] [--json FILE]
    python -m tests.benchmarks.bptt --from FILE [--page docs/speed.md]     writes what an earlier run has measured

Every contender computes the same numbers, which is checked first: Σ C_t of `squared_error` along T steps, and its
gradients by all parameters. Each has a process of its own; they take turns on one core, on which nothing else of this
runs meanwhile. A figure is the median of many passes' time on the processor: what others do on a shared machine makes
that longer too, by emptying caches, but by far less than the time on the clock. Who is not installed is left out.

Prints tables as Markdown, and a cell that draws how time and memory grow; with ``--page`` they replace those on a page.
Eight minutes or so, with all peers; the machine should have nothing else to do.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import os
import platform
import re
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

from tests.benchmarks.bptt import growth, page
from tests.benchmarks.bptt.problem import DTYPES, GRID
from tests.benchmarks.bptt.races import RACERS, Pace, race, said, workers
from tests.benchmarks.bptt.worker import CONTENDERS, installed

DISTRIBUTIONS = ("numpy", "torch", "jax", "autograd", "mygrad")


def measured(pace: Pace, save: Callable[[Any], None]) -> dict[str, Any]:
    """Everything, as plain data, which is saved whenever there is more of it."""
    found = surroundings()
    with workers(tuple(CONTENDERS)) as there:
        there["NumPy"].ask("make", kind="RNN", sizes=GRID[0], dtype="float64")
        found["peak"] = {dtype: there["NumPy"].ask("peak", dtype=dtype) for dtype in DTYPES}
        there["NumPy"].ask("end")
        for kind, dtype, sizes in product(RACERS, DTYPES, GRID):
            said(f"{kind} {sizes}, {dtype}")
            taken = race(there, kind, sizes, dtype, pace)
            found["rows"].append({"kind": kind, "sizes": sizes, "dtype": dtype, "times": taken})
            save(found)
        found["memory"] = growth.memories(there)
        growth.growth(there, pace, found["growth"])
        save(found)
    found["first"] = growth.first_calls()
    save(found)
    return found


def surroundings() -> dict[str, Any]:
    """The day, the machine, how busy it is, and who is there."""
    processor = platform.processor() or platform.machine()
    if Path("/proc/cpuinfo").exists():
        names = re.findall(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
        processor = names[0] if names else processor
    there = [name for name in DISTRIBUTIONS if any(installed(c) for c in CONTENDERS if CONTENDERS[c][2] == name)]
    versions = {"Python": platform.python_version()} | {name: importlib.metadata.version(name) for name in there}
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": f"{os.cpu_count()}, {processor}, {platform.system()}",
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0,
        "versions": versions,
        "missing": [name for name in CONTENDERS if not installed(name)],
        "rows": [],
        "growth": {},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer passes")
    parser.add_argument("--page", type=Path, help="the page whose tables are replaced")
    parser.add_argument("--json", type=Path, help="where all figures are written to")
    parser.add_argument("--from", dest="earlier", type=Path, help="a file that --json has written: nothing is measured")
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})

    def save(found: Any) -> None:
        if options.json:
            options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")

    if options.earlier:
        found = json.loads(options.earlier.read_text(encoding="utf-8"))
    else:
        found = measured(Pace(2, 0.05) if options.quick else Pace(), save)
    text = page.section(found)
    print(text)
    if options.page:
        page.written(options.page, text)


if __name__ == "__main__":
    main()
