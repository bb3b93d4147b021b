"""The smallest call that is still wrong, and the lines that show it to whoever maintains the library."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from tests.benchmarks.elsewhere.cases import NAMES, Case, module_of, tree_text
from tests.benchmarks.elsewhere.checking import counted, pair_of, quiet

SECONDS = 8


def shrunk(case: Case, wrong: Callable[[Case], bool]) -> Case:
    """The case with as few options, elements and digits as it takes for ``wrong`` to hold.

    Greedy: every simpler case that is still wrong is taken, and one begins anew from there.
    """
    end = time.perf_counter() + SECONDS
    going = True
    while going and time.perf_counter() < end:
        going = False
        for simpler in _simpler(case):
            if time.perf_counter() > end:
                break
            if wrong(simpler):
                case, going = simpler, True
                break
    return case


def _simpler(case: Case) -> Iterator[Case]:
    """Each a step from this one; the large steps first."""
    for key in case.options:
        yield replace(case, options={k: v for k, v in case.options.items() if k != key})
    floats = case.floats
    for axis in range(max((x.ndim for x in floats), default=0)):
        sizes = {x.shape[axis] for x in floats if x.ndim > axis} - {1}
        for size in sizes:
            for keep in ([0], list(range(size // 2)), list(range(size - 1)), list(range(1, size))):
                if 0 < len(keep) < size:
                    yield case.with_floats([_kept(x, keep, axis, size) for x in floats])
    for i, x in enumerate(floats):
        for place in [(0,) * x.ndim] if x.ndim and x.size == 1 else []:
            yield case.with_floats([np.asarray(x[place]) if j == i else each for j, each in enumerate(floats)])
    if any(x.dtype == np.float32 for x in floats):
        yield case.with_floats([x.astype(np.float64) for x in floats])
    for digits in (0, 1, 2):
        rounded = [_rounded(x, digits) for x in floats]
        if any(np.any(a != b) for a, b in zip(rounded, floats, strict=True)):
            yield case.with_floats(rounded)
    for i, x in enumerate(floats):
        for place in np.ndindex(x.shape):
            for number in (1.0, 0.5, 2.0, _rounded(x[place], 0), _rounded(x[place], 1)):
                if _digits(number) < _digits(x[place]):
                    changed = [np.array(each) for each in floats]
                    changed[i][place] = number
                    yield case.with_floats(changed)


def _kept(x: Any, keep: Any, axis: int, size: int) -> Any:
    return np.take(x, keep, axis) if x.ndim > axis and x.shape[axis] == size else x


def _rounded(x: Any, digits: int) -> Any:
    """To so many digits behind the first one."""
    text = np.vectorize(lambda v: float(f"{v:.{digits}e}"), otypes=[float])
    return np.asarray(text(x), np.asarray(x).dtype) if np.size(x) else x


def _digits(number: Any) -> int:
    return len(repr(float(number)).replace("1.0", ""))


# -- as lines to paste ------------------------------------------------------------------------------------------------


def reproducer(case: Case, check: str, evidence: str) -> str:
    """Under ten lines that show it, by the adapters of minigrad; the last ends with what is right."""
    names = NAMES[: len(case.floats)]
    given, f = ", ".join(names), f"adapters.{case.library}(lambda {', '.join(names)}: {case.call})"
    lines = [*dict.fromkeys(["import numpy as np", f"import {case.library}", f"import {module_of(case.function)}"])]
    lines += [f"from minigrad.testing import adapters{', adjoint_report' * (check == 'adjoint')}"]
    lines += [*case.assignments, f"f = {f}"]
    if check == "adjoint":
        return "\n".join([*lines, f"print(adjoint_report(f.jvp, f.vjp, ({given},)))  # {evidence}"])
    with quiet():
        w = counted(case.adapted.forward(*case.floats))
        if check == "order 1":
            return "\n".join([*lines, f"print(f.vjp({tree_text(w)}, {given}))  # {evidence}"])
        u = counted(pair_of(case, "order 2").forward(w, *case.floats))
    return "\n".join([*lines, f"print(f.second({tree_text(u)}, {tree_text(w)}, {given}))  # {evidence}"])
