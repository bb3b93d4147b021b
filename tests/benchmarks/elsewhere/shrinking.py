"""The smallest call that is still wrong, and the lines that show it to whoever maintains the library."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from tests.benchmarks.elsewhere.cases import NAMES, Case, array_text, module_of

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


def reproducer(case: Case, check: str) -> str:
    """Under ten lines that need the library alone, or, for what is not a plain gradient, the adapters of minigrad."""
    floats, names = case.floats, NAMES[: len(case.floats)]
    f, given = f"lambda {', '.join(names)}: {case.call}", ", ".join(names)
    imports = ["import numpy as np", f"import {module_of(case.function)}"]
    if check != "order 1" or len(floats) > 3:
        return "\n".join([*_by_adapter(case, check, imports, f, given)])
    index = ", ".join(str(i) for i in range(len(floats)))
    if case.library == "torch":
        made = [f"{n} = torch.tensor({array_text(x)}, requires_grad=True)" for n, x in zip(names, floats, strict=True)]
        tail = [f"print(torch.autograd.grad({case.call}.sum(), ({given},)))"]
    elif case.library == "jax":
        imports += ["import jax", 'jax.config.update("jax_enable_x64", True)']
        made, tail = (
            case.assignments,
            [f"f = {f}", f"print(jax.grad(lambda *args: f(*args).sum(), ({index},))({given}))"],
        )
    elif case.library == "autograd":
        made, tail = (
            case.assignments,
            [f"f = {f}", f"print(autograd.grad(lambda *args: autograd.numpy.sum(f(*args)), ({index},))({given}))"],
        )
        imports += ["import autograd"]
    else:
        made = [f"{n} = mygrad.tensor({array_text(x)})" for n, x in zip(names, floats, strict=True)]
        tail = [f"{case.call}.sum().backward()", f"print({', '.join(f'{n}.grad' for n in names)})"]
    return "\n".join([*dict.fromkeys(imports), *made, *tail])


def _by_adapter(case: Case, check: str, imports: list[str], f: str, given: str) -> Iterator[str]:
    yield from dict.fromkeys(imports)
    yield "from minigrad.testing import adapters, vjp_report" + ", check_adjoint" * (check == "adjoint")
    yield from case.assignments
    yield f"f = adapters.{case.library}({f})"
    if check == "adjoint":
        yield f"print(check_adjoint(f.jvp, f.vjp, ({given},)))"
    elif check == "order 2":
        yield f"print(vjp_report(f.vjp, f.second, (np.ones(np.shape(f.forward({given}))), {given})))"
    else:
        yield f"print(vjp_report(*f, ({given},)))"
