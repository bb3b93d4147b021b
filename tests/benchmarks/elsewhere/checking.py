"""A case through the checker: first order, second, and both modes against each other.

What the checker can do is asked for in `checks` alone, so that another interface of it is another few lines here.
"""

from __future__ import annotations

import signal
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any, NamedTuple

import numpy as np

from minigrad.containers import mapped
from minigrad.testing import GradReport, adapters, adjoint_report, vjp_report
from tests.benchmarks.elsewhere.cases import Case, resolved

SECONDS = 20  # for one check
CHECKS = ("order 1", "order 2", "adjoint")


class Pair(NamedTuple):
    """What is compared: a function, its pullback, a point."""

    forward: Callable[..., Any]
    vjp: Callable[..., Any]
    args: tuple[Any, ...]


class Outcome(NamedTuple):
    """Of a check: pass, fail, inconclusive, not supported, error (an exception), or too slow."""

    check: str
    verdict: str
    reason: str
    seconds: float
    report: GradReport | None = None


def pair_of(case: Case, check: str) -> Pair:
    """The function that is differentiated: the case's own or, at second order, its pullback."""
    adapted = case.adapted
    if check != "order 2":
        return Pair(*adapted, case.floats)
    w = counted(adapted.forward(*case.floats))
    f, jax = case.called(), resolved("jax") if case.library == "jax" else None
    if jax and jax.tree.structure(jax.eval_shape(f, *case.floats)) == jax.tree.structure(w):
        # compiled once, not traced anew at every step
        return Pair(*adapters.jax(jax.jit(lambda w, *xs: jax.vjp(f, *xs)[1](w))), (w, *case.floats))
    return Pair(adapted.vjp, adapted.second, (w, *case.floats))


def counted(tree: Any) -> Any:
    """A cotangent that is easily written, and no two numbers of which are the same: 1, 2, 3 ..."""
    numbers = count(1.0)
    return mapped(lambda y: np.reshape([next(numbers) for _ in range(np.size(y))], np.shape(y)).astype(y.dtype), tree)


def report_of(case: Case, check: str, seed: int = 0) -> GradReport:
    """What the checker says."""
    if check == "adjoint":
        return adjoint_report(case.adapted.jvp, case.adapted.vjp, case.floats, seed=seed)
    return vjp_report(*pair_of(case, check), seed=seed, contract=check == "order 1")


def outcomes(case: Case) -> Iterator[Outcome]:
    """All checks of a case; of a wrong gradient, nothing further is asked."""
    for check in CHECKS[: 1 if case.library == "mygrad" else None]:
        found = outcome(case, check)
        yield found
        if found.verdict in ("fail", "error"):
            return


def outcome(case: Case, check: str) -> Outcome:
    start = time.perf_counter()
    report = None
    try:
        with quiet(), limited(SECONDS):
            report = report_of(case, check)
        verdict, reason = report.verdict, report.reason
    except NotImplementedError as error:
        verdict, reason = "not supported", str(error)
    except TimeoutError:
        verdict, reason = "too slow", ""
    except Exception as error:  # whatever a library raises
        verdict, reason = "error", f"{type(error).__name__}: {error}"
    return Outcome(check, verdict, reason.strip().partition("\n")[0][:300], time.perf_counter() - start, report)


@contextmanager
def quiet() -> Iterator[None]:
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def limited(seconds: int) -> Iterator[None]:
    """A TimeoutError after so many seconds."""

    def stop(*_: Any) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
