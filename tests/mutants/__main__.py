"""Break every derivative rule in every small way there is, and see whether the tests notice.

    python -m tests.mutants                    all of them, in an hour of one core
    python -m tests.mutants --only np.fmod     those whose name (file, function: before → after) has this in it
    python -m tests.mutants --list             what would be tried

A mistake survives if neither the cases of `tests.rules.cases` that run the function it is in nor any other test of
rules fails. Survivors are printed, and the exit status is then 1; those in `argued` are known and do not count. A
mistake there that is noticed after all is printed, too: its line can go.

Each is tried in a process of its own, forked from one in which everything but minigrad is imported already; there an
import hook gives the file with the mistake in the place of the file. Nothing here knows how rules are registered.
"""

from __future__ import annotations

import argparse
import importlib.util
import multiprocessing
import os
import resource
import signal
import sys
import warnings
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, NamedTuple

from tests.mutants.argued import ARGUED
from tests.mutants.mistakes import Mutant, mutants, mutated
from tests.mutants.tracing import OPTIONS, ROOT, RULES, Runs, runs

PATIENCE = 300  # seconds that the tests of one mistake may take: whoever hangs is noticed
MEMORY = 4 << 30  # bytes: a wrong shape may ask for all there is


class Outcome(NamedTuple):
    """A mistake, and what noticed it; empty if nothing did."""

    mutant: Mutant
    noticed: str


class Mistaken(MetaPathFinder, Loader):
    """Finds the module with the mistake where the right one is looked for."""

    def __init__(self, mutant: Mutant) -> None:
        self.name, self.path = f"minigrad.rules.{mutant.file}", RULES / f"{mutant.file}.py"
        self.tree = mutated(self.path.read_text(encoding="utf-8"), mutant)

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        return (
            importlib.util.spec_from_file_location(fullname, self.path, loader=self) if fullname == self.name else None
        )

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self.tree, str(self.path), "exec"), module.__dict__)


def alone() -> None:
    """Make this process one that has not imported minigrad, is silent, and cannot hurt the machine."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    for name in list(sys.modules):
        if name.split(".")[0] in ("minigrad", "tests") and not name.startswith("tests.mutants"):
            del sys.modules[name]
    signal.signal(signal.SIGALRM, lambda *_: (_ for _ in ()).throw(TimeoutError("it did not come to an end")))
    signal.alarm(PATIENCE)


def traced_runs(_: Any = None) -> Runs:
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        return runs()


def tried(task: tuple[Mutant, Sequence[int], Sequence[str]]) -> Outcome:
    """Run cases and tests against a mistake, until one of them notices."""
    mutant, cases, tests = task
    alone()
    number = -1
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                sys.meta_path.insert(0, Mistaken(mutant))
                from tests.rules import test_rules as table
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                for number in cases:
                    table.test_a_case(table.CASES[number])
        except Exception as error:
            what = "the import" if number < 0 else f"case {number}, {table.name(table.CASES[number])}"
            return Outcome(mutant, f"{what}: {type(error).__name__}")
        if not tests:
            return Outcome(mutant, "")
        import pytest

        watch = Failure()
        status = pytest.main(["-x", *OPTIONS, *tests], plugins=[watch])
        return Outcome(mutant, watch.name or ("" if status == 0 else f"pytest, exit {status}"))


class Failure:
    """Remembers which test failed."""

    name = ""

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            self.name = report.nodeid


def chosen(only: Sequence[str]) -> list[Mutant]:
    """All mistakes whose names have one of these in them."""
    files = sorted(path for path in RULES.glob("*.py") if path.stem != "__init__")
    found = [each for path in files for each in mutants(path.stem, path.read_text(encoding="utf-8"))]
    return [each for each in found if not only or any(part in each.name for part in only)]


def tasks(found: Sequence[Mutant], known: Runs) -> list[tuple[Mutant, list[int], list[str]]]:
    """What is asked about each: all that runs its function; all that runs its file, if that runs at import only."""
    everywhere = {mutant.file: ([], []) for mutant in found}  # type: dict[str, tuple[list[int], list[str]]]
    for part, table in enumerate(known):
        for code, users in table.items():
            if code[0] in everywhere:
                everywhere[code[0]][part].extend(users)
    asked = []
    for mutant in found:
        code = (mutant.file, *mutant.code)
        cases, tests = known.cases.get(code, []), known.tests.get(code, [])
        if not cases and not tests:
            cases, tests = (list(dict.fromkeys(users)) for users in everywhere[mutant.file])
        asked.append((mutant, list(cases), list(tests)))
    return asked


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", metavar="NAME", default=[], help="may be given several times")
    parser.add_argument("--list", action="store_true", help="print the mistakes and stop")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many at once")
    parser.add_argument("--verbose", action="store_true", help="print what noticed each mistake")
    given = parser.parse_args()
    found = chosen(given.only)
    if given.list:
        print(*(f"{each.kind:10} {each.name}" for each in found), sep="\n")
        return 0
    os.chdir(ROOT)
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    import hypothesis.extra.numpy  # noqa: F401  # so that no child has to
    import pytest  # noqa: F401

    fork = multiprocessing.get_context("fork")
    with fork.Pool(1, maxtasksperchild=1) as pool:
        known = pool.apply(traced_runs)
    survivors, stale = [], []
    with fork.Pool(given.jobs, maxtasksperchild=1) as pool:
        for done, outcome in enumerate(pool.imap_unordered(tried, tasks(found, known)), 1):
            mutant, noticed = outcome
            if given.verbose:
                print(f"{mutant.kind:10} {mutant.name}\n           {noticed or 'SURVIVED'}", flush=True)
            if not noticed and mutant.name not in ARGUED:
                survivors.append(mutant)
                print(
                    f"survived: minigrad/rules/{mutant.file}.py:{mutant.line}, {mutant.kind}\n  {mutant.name}",
                    flush=True,
                )
            elif noticed and mutant.name in ARGUED:
                stale.append(mutant)
            if done % 500 == 0:
                print(f"{done} of {len(found)} tried", file=sys.stderr, flush=True)
    gone = [] if given.only else sorted(ARGUED.keys() - {each.name for each in found})
    for mutant in stale:
        print(f"argued, but noticed: {mutant.name}")
    for name in gone:
        print(f"argued, but there is no such mistake: {name}")
    argued = sum(each.name in ARGUED for each in found) - len(stale)
    print(f"{len(found)} mistakes: {len(survivors)} survived, {argued} are argued, the others were noticed")
    return 1 if survivors or stale or gone else 0


if __name__ == "__main__":
    sys.exit(main())
