"""The campaign against one library, in turns: every function once, then every function again, with another call."""

from __future__ import annotations

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import argparse
import importlib.metadata
import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.benchmarks.elsewhere import tables
from tests.benchmarks.elsewhere.cases import Case, resolved
from tests.benchmarks.elsewhere.catalogue import Operation, operations
from tests.benchmarks.elsewhere.checking import outcome, outcomes
from tests.benchmarks.elsewhere.judging import Judgement, judged
from tests.benchmarks.elsewhere.names import MODULES
from tests.benchmarks.elsewhere.shrinking import reproducer, shrunk

Record = dict[str, Any]
ENOUGH = 2  # times that the same is shrunk; after that it is only counted


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.elsewhere", description=__doc__)
    parser.add_argument("library", choices=[*MODULES, "tables"], help="or tables: only write what was found already")
    parser.add_argument("--seconds", type=float, default=1500.0, help="to stop after (default: %(default)s)")
    parser.add_argument("--turns", type=int, default=1000, help="to stop after (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="functions whose name contains this")
    parser.add_argument("--out", type=Path, default=Path("elsewhere"), help="a folder; what is there is continued")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    if options.library != "tables":
        run(options)
    (options.out / "elsewhere.md").write_text(tables.page(tables.read(options.out)), encoding="utf-8")


def run(options: argparse.Namespace) -> None:
    start, file = time.perf_counter(), options.out / f"{options.library}.jsonl"
    known = [record for record in tables.read(options.out) if record["library"] == options.library]
    done = {(record["function"], record["turn"], record["seed"]) for record in known}
    grounds = Counter(ground(record) for record in known if record["verdict"] in ("fail", "error"))
    if options.library == "torch":
        resolved("torch").set_num_threads(1)
    calls = options.out / f"{options.library}.calls.json"
    takes = json.loads(calls.read_text(encoding="utf-8")) if calls.exists() else {}
    every = []
    for operation in operations(options.library, takes):
        every += [operation] * (options.only in operation.function)
        calls.write_text(json.dumps(takes), encoding="utf-8")
    version = importlib.metadata.version(options.library)
    print(f"{options.library} {version}: {len(every)} functions, {len(known)} checks known", flush=True)
    with file.open("a", encoding="utf-8") as sink:
        for turn in range(options.turns):
            for operation in every:
                if time.perf_counter() - start > options.seconds:
                    return
                if (operation.function, turn, options.seed) in done:
                    continue
                for record in records(operation, turn, options.seed, grounds):
                    sink.write(json.dumps({**record, "version": version}) + "\n")
                    sink.flush()
            print(f"turn {turn}: {time.perf_counter() - start:.0f} s, {sum(grounds.values())} fails", flush=True)


def records(operation: Operation, turn: int, seed: int, grounds: Counter[tuple[str, ...]]) -> Iterator[Record]:
    """All checks of one case."""
    same: Record = {"library": operation.library, "function": operation.function, "turn": turn, "seed": seed}
    case = operation.drawn(turn, seed)
    if case is None:
        yield {**same, "check": "order 1", "verdict": "not drawn", "variety": "", "case": ""}
        return
    same |= {"case": repr(case)[:2000], "call": case.call, "variety": case.variety, "options": sorted(case.options)}
    for found in outcomes(case):
        record = {
            **same,
            "check": found.check,
            "verdict": found.verdict,
            "reason": found.reason,
            "seconds": round(found.seconds, 4),
        }
        if found.verdict in ("fail", "error"):
            grounds[ground(record)] += 1
            record |= followed(case, found.check, small=grounds[ground(record)] <= ENOUGH)
            if record["judged"] in ("false accusation", "convention") and "pullback raised" in found.reason:
                record["judged"] = "raises"
        yield record


def ground(record: Record) -> tuple[str, ...]:
    """What makes two accusations one and the same, for a start."""
    return record["function"], record["check"], record["reason"].partition(":")[2][:40]


def followed(case: Case, check: str, *, small: bool) -> Record:
    """What becomes of an accusation: how it is judged, and the least that shows it."""
    judgement = _judged(case, check)
    record: Record = {"judged": judgement.kind, "evidence": judgement.evidence}
    if judgement.kind in ("fault", "imprecise") and small:
        least = shrunk(case, lambda each: still(each, check, judgement.kind))
        evidence = _judged(least, check).evidence
        record |= {"least": repr(least), "evidence": evidence, "reproducer": reproducer(least, check, evidence)}
    return record


def still(case: Case, check: str, kind: str) -> bool:
    return outcome(case, check).verdict == "fail" and _judged(case, check).kind == kind


def _judged(case: Case, check: str) -> Judgement:
    try:
        return judged(case, check)
    except Exception as error:  # the library's, of a call that it refuses to differentiate, or of a step
        return Judgement("raises", f"{type(error).__name__}: {str(error)[:200]}")


if __name__ == "__main__":
    main()
