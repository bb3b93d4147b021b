"""Which cases and which tests run which rule: only these are asked about a mistake in it."""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import numpy as np

ROOT = Path(__file__).parents[2]
RULES = ROOT / "minigrad" / "rules"
TABLE = "tests/rules/test_rules.py::test_a_case"
OPTIONS = ("-q", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning")
"""Of pytest, for runs inside of a process that has imported plugins already."""

Code = tuple[str, str, int]
"""A function: its file's name without suffix, its own, and its first line."""


class Runs(NamedTuple):
    """What runs each function: numbers of cases, the quickest first, and names of tests."""

    cases: dict[Code, list[int]]
    tests: dict[Code, list[str]]


@contextmanager
def traced(found: set[Code]) -> Iterator[None]:
    """Add the functions in `minigrad.rules` that are called inside."""

    def trace(frame: FrameType, event: str, arg: Any) -> None:
        code = frame.f_code
        if code.co_filename.startswith(str(RULES)):
            found.add((Path(code.co_filename).stem, code.co_name, code.co_firstlineno))

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)


def runs() -> Runs:
    """Run everything once. To be called in a process that ends with it."""
    return Runs(_by_code(_cases()), _by_code(_tests()))


def _by_code(found: Iterator[tuple[Any, set[Code]]]) -> dict[Code, list[Any]]:
    table: dict[Code, list[Any]] = defaultdict(list)
    for what, codes in found:
        for code in codes:
            table[code].append(what)
    return dict(table)


def _cases() -> Iterator[tuple[int, set[Code]]]:
    """Every case once forward, twice back, and once with tangents."""
    from minigrad import hvp, jvp
    from tests.rules.cases import CASES

    timed = []
    for number, case in enumerate(CASES):
        codes: set[Code] = set()
        start = time.perf_counter()
        with traced(codes), np.errstate(all="ignore"):
            jvp(case.call, case.points, case.points)
            _quietly(hvp, lambda *xs, call=case.call: np.sum(np.sin(call(*xs))), case.points, case.points)
        timed.append((time.perf_counter() - start, number, codes))
    yield from ((number, codes) for _, number, codes in sorted(timed, key=lambda row: row[:2]))


def _quietly(f: Callable[..., Any], *args: Any) -> None:
    with suppress(ValueError, np.linalg.LinAlgError):  # where there is no second derivative
        f(*args)


def _tests() -> Iterator[tuple[str, set[Code]]]:
    """Every test of rules but the table."""
    import pytest

    class Watch:
        found: dict[str, set[Code]] = {}  # noqa: RUF012

        @pytest.hookimpl(wrapper=True)
        def pytest_runtest_call(self, item: pytest.Item) -> Iterator[None]:
            with traced(self.found.setdefault(item.nodeid, set())):
                return (yield)

    pytest.main([*OPTIONS, "tests/rules", f"--deselect={TABLE}"], plugins=[Watch()])
    yield from Watch.found.items()
