"""How often the checker accuses what is right, lets pass what is wrong, and cannot tell: the table in docs/check.md.

    python -m tests.benchmarks.verdicts [SEEDS]

All pairs of `tests.testing.hard`, of twelve seeds unless told otherwise, each a verdict on a function at a point. The
right ones are checked with the contract. Wrong ones are made of those at generic points and of all scales; they are
checked without, since a factor breaks none. Evaluations and time are for each direction, the contract apart.
"""

from __future__ import annotations

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minigrad.containers import leaves, mapped
from minigrad.testing import vjp_report
from tests.testing.hard import WRONGS, hard, wrong
from tests.testing.pairs import Pair

TOLD_APART = ("generic", "scales")  # where wrong versions are made


@dataclass
class Tally:
    """What became of a group's pairs, and what it cost."""

    right: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    calls: int = 0
    seconds: float = 0.0
    directions: int = 0

    def cells(self) -> Iterator[str]:
        yield from (f"{self.right[verdict]:,}" for verdict in ("pass", "fail", "inconclusive"))
        yield from (f"{self.wrong[verdict]:,}" if self.wrong else "" for verdict in ("fail", "pass", "inconclusive"))
        yield f"{self.calls / self.directions:.0f}"
        yield f"{1e3 * self.seconds / self.directions:.1f}"


def measured(pair: Pair, tally: Tally) -> None:
    """The pair checked without its contract: how often the function is called, and how long it takes."""

    def counting(*args: Any) -> Any:
        tally.calls += 1
        return pair.forward(*args)

    start = time.process_time()
    report = vjp_report(counting, pair.vjp, pair.args, contract=False)
    tally.seconds += time.process_time() - start
    tally.directions += max(1, sum(row.check == "order 1" and row.error is not None for row in report.rows))


def slopes(pair: Pair) -> bool:
    """Whether a multiple of the gradient is another one: of zero, or of what rounding leaves of it, it is as right."""
    y, rng = pair.forward(*pair.args), np.random.default_rng(0)
    found = pair.vjp(mapped(lambda a: rng.normal(size=np.shape(a)), y), *pair.args)
    slope, size, reach = (max(float(np.max(np.abs(a))) for a in leaves(tree)) for tree in (found, y, pair.args))
    return slope > 1e-12 * size / reach


def tallied(seeds: Iterable[int], *, aloud: bool = True) -> dict[str, Tally]:
    """The tallies of all groups; whoever is accused or let pass is named."""
    tallies: dict[str, Tally] = defaultdict(Tally)
    for seed in seeds:
        for group, pairs in hard(seed).items():
            tally = tallies[group]
            for pair in pairs:
                report = vjp_report(pair.forward, pair.vjp, pair.args, seed=seed)
                tally.right[report.verdict] += 1
                measured(pair, tally)
                if aloud and report.verdict == "fail":
                    print(f"accused, seed {seed}, {group}: {pair.name}: {report.reason}", file=sys.stderr, flush=True)
                for one in [wrong(pair, how) for how in WRONGS if group in TOLD_APART and slopes(pair)]:
                    report = vjp_report(one.forward, one.vjp, one.args, seed=seed, contract=False)
                    tally.wrong[report.verdict] += 1
                    if aloud and report:
                        print(f"missed, seed {seed}, {group}: {one.name}", file=sys.stderr, flush=True)
    return tallies


def table(tallies: dict[str, Tally]) -> Iterator[str]:
    """As Markdown."""
    yield "| | right: pass | false alarm | inconclusive | wrong: found | missed | inconclusive | evaluations | ms |"
    yield "| --- " + "| ---: " * 8 + "|"
    for group, tally in tallies.items():
        yield f"| {group} | {' | '.join(tally.cells())} |"


if __name__ == "__main__":
    print("\n".join(table(tallied(range(int(sys.argv[1]) if len(sys.argv) > 1 else 12)))))
