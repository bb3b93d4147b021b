"""The command that checks gradients: ``check``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

import minigrad as mg
from minigrad.commands.common import (
    arguments_for,
    called_with,
    clear_errors,
    current_folder,
    domain_of,
    function_named,
    seed_of,
)
from minigrad.faults import told

if TYPE_CHECKING:  # the checker is imported when a gradient is checked
    from minigrad.testing import GradReport


def check(
    function: Annotated[str, typer.Argument(metavar="MODULE:FUNCTION", help="Of NumPy; whose gradient is checked.")],
    vjp: Annotated[
        str | None,
        typer.Option(
            metavar="MODULE:FUNCTION", help="Check this formula, vjp(cotangent, *args), not minigrad's gradient."
        ),
    ] = None,
    shape: Annotated[
        list[str] | None, typer.Option(metavar="3,4", help="Shape of an argument; once for each, () for a number.")
    ] = None,
    domain: Annotated[
        str | None,
        typer.Option(help="Where the numbers come from: real, bounded, positive, unit, nonzero ..., or between 0.5,2."),
    ] = None,
    order: Annotated[int, typer.Option(min=1, max=4, help="Up to which derivative.")] = 2,
    examples: Annotated[int, typer.Option(min=1, metavar="N", help="At how many points.")] = 10,
    seed: Annotated[int, typer.Option(parser=seed_of, metavar="N", help="Of the first point.")] = 0,
    strict: Annotated[
        bool, typer.Option("--strict", help="Only right is good enough: exit status 1, not 3, where it cannot be told.")
    ] = False,
) -> None:
    """Check the gradient of a function against the function itself, at several random points.

    Exit status 0: it is right. 1: it is wrong. 3: that could not be told. 2: the question was wrong, or the function
    cannot be imported or called; then one sentence says why, with file and line.
    """
    reports: dict[int, GradReport] = {}
    with clear_errors(), current_folder():
        f = function_named(function)
        formula = function_named(vjp) if vjp else None
        taken = arguments_for(f, shape, domain_of(domain))
        for number in range(seed, seed + examples):
            args = taken.drawn(np.random.default_rng(number))
            happening = f"{called_with(args)} (domain {taken.domain}, seed {number})"
            with told(happening, function, f), np.errstate(all="ignore"):  # the report says what is not finite
                reports[number] = (
                    mg.testing.vjp_report(f, formula, args, seed=number)
                    if formula
                    else mg.testing.grad_report(f, args, order=order, seed=number)
                )
                if (error := reports[number].error) is not None and reports[number].verdict == "inconclusive":
                    raise error
            if reports[number].verdict == "fail":
                break
        _show(function, reports)
    doubtful = [report for report in reports.values() if report.verdict != "pass"]
    wrong = [report for report in doubtful if strict or report.verdict == "fail"]
    wrong.sort(key=lambda report: report.verdict != "fail")  # what is known to be wrong is shown first
    if wrong:
        print(f"\n{wrong[0]}")
        raise typer.Exit(1)
    if doubtful:
        raise typer.Exit(3)


def _show(title: str, reports: dict[int, GradReport]) -> None:
    """The verdict at each point."""
    table = Table(title=title, title_justify="left")
    for column in ("seed", "verdict", "why"):
        table.add_column(column)
    for number, report in reports.items():
        table.add_row(str(number), report.verdict, Text(report.reason))
    Console().print(table)
