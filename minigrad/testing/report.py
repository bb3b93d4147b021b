"""What a check found out, as data and as text that can be read in a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from minigrad.engine.tensor import Tensor

Verdict = Literal["pass", "fail", "inconclusive"]
SHOWN = 64  # arguments of up to so many numbers are written out in the reproducer


class GradCheckError(AssertionError):
    """A gradient is wrong; the message is the report, which is also in ``report``."""

    def __init__(self, report: GradReport) -> None:
        super().__init__(str(report))
        self.report = report


@dataclass(frozen=True)
class Row:
    """One comparison: what was compared, for which argument, and how it came out."""

    check: str
    argument: str
    verdict: Verdict
    analytic: float | None = None
    numerical: float | None = None
    error: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Finding:
    """What is wrong, and where.

    Attributes
    ----------
    check, argument : str
        The comparison that failed, and the argument as one writes it: ``args[0]["W"]``.
    index : tuple of int or None
        The element that bisection found.
    analytic, numerical, error : float or None
        Its claimed derivative, the numerical one, and the error bar of that.
    hint : str
        What may be the matter.
    """

    check: str
    argument: str
    index: tuple[int, ...] | None
    analytic: float | None
    numerical: float | None
    error: float | None
    hint: str

    @property
    def ratio(self) -> float | None:
        """Claimed over numerical: 2 for a derivative that is counted twice."""
        return self.analytic / self.numerical if self.numerical and self.analytic is not None else None

    def __str__(self) -> str:
        where = f"{self.argument}{list(self.index)}" if self.index else self.argument
        told = f"\n    {self.hint}"
        if self.analytic is None or self.numerical is None:
            return f"{self.check}, {where}:{told}"
        ratio = f", ratio {self.ratio:.6g}" if self.ratio is not None else ""
        return (
            f"{self.check}, {where}: claimed {self.analytic:.9g}, numerical {self.numerical:.9g}"
            f" ± {self.error:.1g}{ratio}{told}"
        )


@dataclass(frozen=True)
class GradReport:
    """The outcome of a check; true if it passed.

    Attributes
    ----------
    verdict : {"pass", "fail", "inconclusive"}
    reason : str
        One sentence.
    rows : tuple of Row
        All comparisons.
    findings : tuple of Finding
        What is wrong, the first order first.
    seed : int
        Of the random directions.
    reproducer : str
        Python to paste.
    """

    verdict: Verdict
    reason: str
    rows: tuple[Row, ...]
    findings: tuple[Finding, ...]
    seed: int
    reproducer: str

    def __bool__(self) -> bool:
        return self.verdict == "pass"

    def __str__(self) -> str:
        lines = [f"{self.verdict}: {self.reason}", ""]
        lines += _table(self.rows)
        if self.findings:
            lines += ["", *map(str, self.findings)]
        if self.verdict != "pass":
            lines += ["", f"To see it again (seed {self.seed}):", self.reproducer]
        return "\n".join(lines)


def report_of(rows: Sequence[Row], findings: Sequence[Finding], seed: int, reproducer: str) -> GradReport:
    uncertain = [row for row in rows if row.verdict == "inconclusive"]
    verdict: Verdict = "fail" if findings else "inconclusive" if uncertain else "pass"
    if findings:
        reason = f"{findings[0].argument}: {findings[0].hint}"
    elif uncertain:
        reason = f"{uncertain[0].check}, {uncertain[0].argument}: {uncertain[0].note}"
    else:
        reason = f"{len(rows)} comparisons agree"
    return GradReport(verdict, reason, tuple(rows), tuple(findings), seed, reproducer)


def raised(report: GradReport) -> GradReport:
    if report.verdict == "fail":
        raise GradCheckError(report)
    return report


def _table(rows: Sequence[Row]) -> Iterator[str]:
    """The comparisons as aligned text."""
    cells: list[tuple[str, ...]] = [("check", "of", "claimed", "numerical", "±", "verdict")]
    for row in rows:
        numbers = [("" if n is None else f"{n:.9g}") for n in (row.analytic, row.numerical)]
        error = "" if row.error is None else f"{row.error:.1g}"
        cells.append((row.check, row.argument, *numbers, error, f"{row.verdict} {row.note}".strip()))
    widths = [max(len(line[i]) for line in cells) for i in range(5)]
    for line in cells:
        yield "  ".join([*(text.ljust(width) for text, width in zip(line, widths, strict=False)), line[5]]).rstrip()


def reproducer(check: str, functions: Sequence[str], args: Sequence[Any], seed: int) -> str:
    """Python that runs the same check again; large arrays are described instead of written out."""

    def written(leaf: Any) -> str:
        if isinstance(leaf, (np.ndarray, np.generic, Tensor)):
            array = np.asarray(leaf.data if isinstance(leaf, Tensor) else leaf)
            if array.size > SHOWN:
                return f"...  # {array.dtype} {array.shape}"
            return f"np.array({array.tolist()!r}, dtype=np.{array.dtype})"
        return repr(leaf)

    lines = [f"    {_written(arg, written)}," for arg in args]
    call = f"print({check}({', '.join(functions)}, args, seed={seed}))"
    return "\n".join([f"from minigrad.testing import {check}", "args = (", *lines, ")", call])


def _written(tree: Any, written: Callable[[Any], str]) -> str:
    if isinstance(tree, dict):
        return "{" + ", ".join(f"{key!r}: {_written(value, written)}" for key, value in tree.items()) + "}"
    if isinstance(tree, (list, tuple)):
        inside = ", ".join(_written(value, written) for value in tree)
        return f"[{inside}]" if isinstance(tree, list) else f"({inside},)"
    return written(tree)
