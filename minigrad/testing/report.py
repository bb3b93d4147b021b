"""What a check found out, as data and as text that can be read in a terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from minigrad.engine.tensor import Tensor

__tracebackhide__ = True  # pytest shows no line of this file where a user's test fails

Verdict = Literal["pass", "fail", "inconclusive", "not supported"]
Kind = Literal[
    "wrong", "precision", "shape", "raised", "contract", "stale",  # of what fails, WRONG below
    "kink", "pole", "domain", "noise", "random", "unsupported",  # of what cannot be told
]  # fmt: skip
WRONG = ("wrong", "precision", "shape", "raised", "contract", "stale")
REFUSALS = (
    "not implemented", "not supported", "unsupported", "not differentiable", "has no gradient", "derivative rule",
    "would leave the graph", "leave the graph", "would lose its gradient",
)  # fmt: skip
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
    kind: Kind | None = None


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
    kind : str
        Of what fails "wrong", "precision", "shape", "raised", "contract" or "stale"; of what cannot be told "kink",
        "pole", "domain" (the point is at an edge of it), "noise", "random" or "unsupported".
    """

    check: str
    argument: str
    index: tuple[int, ...] | None
    analytic: float | None
    numerical: float | None
    error: float | None
    hint: str
    kind: Kind | None = None

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
    verdict : {"pass", "fail", "inconclusive", "not supported"}
    reason : str
        One sentence.
    rows : tuple of Row
        All comparisons.
    findings : tuple of Finding
        What is wrong, the first order first, and then what could not be told.
    seed : int
        Of the random directions.
    reproducer : str
        Python to paste.
    error : Exception or None
        What the function itself raised.
    """

    verdict: Verdict
    reason: str
    rows: tuple[Row, ...]
    findings: tuple[Finding, ...]
    seed: int
    reproducer: str
    error: Exception | None = None

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


class TimeUp(Exception):
    """The budget of a check is used up."""


@dataclass
class Results:
    """What is known so far: all comparisons, and what of them is a finding."""

    rows: list[Row] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    deadline: float | None = None  # by `time.monotonic`
    late: bool = False  # it has passed before everything was compared
    error: Exception | None = None  # that the function itself raised
    point: str = ""  # which one, before the name of a comparison

    @property
    def broken(self) -> bool:
        """Whether something is wrong."""
        return any(row.verdict == "fail" for row in self.rows)

    def has(self, *kinds: Kind) -> bool:
        """Whether something of these kinds was found."""
        return any(finding.kind in kinds for finding in self.findings)

    def add(self, row: Row, finding: Finding | str = "") -> None:
        """A comparison; what did not pass is a finding, given or with a hint."""
        self.rows.append(replace(row, check=self.point + row.check))
        if row.verdict != "pass":
            if isinstance(finding, str):
                told = (
                    finding or row.note if row.verdict == "fail" else row.note or finding
                )  # a hint is of what is wrong
                finding = Finding(row.check, row.argument, None, row.analytic, row.numerical, row.error, told, row.kind)
            self.findings.append(replace(finding, check=self.point + finding.check))
        if self.deadline is not None and time.monotonic() > self.deadline:
            self.late = True
            raise TimeUp

    def extend(self, others: Results) -> None:
        """Those of another point."""
        self.rows += [replace(row, check=self.point + row.check) for row in others.rows]
        self.findings += [replace(finding, check=self.point + finding.check) for finding in others.findings]

    def mark(self) -> tuple[int, int]:
        """How far they go, for `since` and `back`."""
        return len(self.rows), len(self.findings)

    def since(self, mark: tuple[int, int]) -> list[Row]:
        return self.rows[mark[0] :]

    def back(self, mark: tuple[int, int]) -> None:
        """Forget what was added since."""
        del self.rows[mark[0] :], self.findings[mark[1] :]


def refused(name: str, error: Exception) -> tuple[Row, str]:
    """What it means that a pullback raised an error: it is wrong, unless it says that there is none."""
    told = f"{type(error).__name__}: {error}"
    if unsupported(error):
        return Row(name, "pullback", "not supported", note=told, kind="unsupported"), ""
    hint = f"the pullback raised {told}"
    hint += "; was an axis lost (keepdims), or a sum forgotten?" if "broadcast" in str(error) else ""
    return Row(name, "pullback", "fail", note="raised an error", kind="raised"), hint


def impossible(error: Exception) -> Row:
    """That the function itself raised an error."""
    refusal = unsupported(error)
    verdict: Verdict = "not supported" if refusal else "inconclusive"
    note = f"{type(error).__name__} was raised: {error}"
    return Row("value", "the function", verdict, note=note, kind="unsupported" if refusal else "domain")


def unsupported(error: BaseException) -> bool:
    """Whether somebody says that this is not there, or refuses to do it, rather than failing at it."""
    return isinstance(error, NotImplementedError) or any(word in str(error).lower() for word in REFUSALS)


def report_of(results: Results, seed: int, reproducer: str) -> GradReport:
    rows, found = results.rows, {row.verdict for row in results.rows}
    worst: tuple[Verdict, ...] = ("fail", "not supported", "inconclusive", "pass")
    verdict: Verdict = next((one for one in worst if one in found), "inconclusive" if results.late else "pass")
    findings = sorted(results.findings, key=lambda finding: finding.kind not in WRONG)  # a stable sort
    if verdict == "fail":
        reason = f"{findings[0].argument}: {findings[0].hint}"
    elif verdict != "pass":
        first = next(row for row in rows if row.verdict == verdict)
        reason = f"{first.check}, {first.argument}: {first.note}"
    else:
        reason = f"{len(rows)} comparisons agree"
    if results.late:
        reason += "; then the time was used up"
    return GradReport(verdict, reason, tuple(rows), tuple(findings), seed, reproducer, results.error)


def raised(report: GradReport, strict: bool = False) -> GradReport:
    """The report, unless it is an error."""
    if report.verdict in ("fail", "not supported") or (strict and report.verdict != "pass"):
        raise GradCheckError(report) from report.error
    if report.error is not None:
        raise report.error
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
