"""What was measured, as Markdown: tables, and what was aimed at beside what was reached."""

from __future__ import annotations

import math
import statistics
import textwrap
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from tests.benchmarks.bptt.curves import cell
from tests.benchmarks.bptt.problem import DTYPES, operations
from tests.benchmarks.bptt.races import RACERS

NONE = "–"  # noqa: RUF001  # in a table: there is no figure
BEGIN, END = "<!-- measured -->", "<!-- as far as here -->"
COMPILED = ("compiled unroll", "compiled loop")


class Target(NamedTuple):
    """What was aimed at: no ratio above the limit."""

    what: str
    limit: float
    found: dict[str, float]
    unit: str = ""

    def line(self) -> str:
        worst = max(self.found, key=self.found.__getitem__)
        missed = sum(not value <= self.limit for value in self.found.values())
        where = f", {worst}" if worst else ""
        of = f" in {missed} of {len(self.found)}" if len(self.found) > 1 else ""
        value = self.found[worst]
        reached = f"{figure(value)}{self.unit}" if math.isfinite(value) else "not in time"
        verdict = f"**missed**{of}" if missed else "held"
        return f"| {self.what} | {self.limit:g}{self.unit} | {reached}{where} | {verdict} |"


# -- the whole --------------------------------------------------------------------------------------------------------


def written(path: Path, text: str) -> None:
    """The text between the marks of a page is replaced."""
    page = path.read_text(encoding="utf-8")
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{path} has no {BEGIN} with {END} after it: put them where the tables are to stand")
    path.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}", encoding="utf-8")


def section(found: dict[str, Any]) -> str:
    """All that was measured."""
    return "\n".join([
        wrapped(opening(found)), "",
        *(line for dtype in DTYPES for line in times(found, "RNN", dtype)),
        "### LSTM and GRU", "",
        wrapped(gated(found)), "",
        *(line for kind in ("LSTM", "GRU") for dtype in DTYPES for line in times(found, kind, dtype)),
        "### Aimed at, and reached", "",
        wrapped("Of both dtypes; what is worst, and where:"), "",
        *table(["", "at most", "reached", ""], [target.line() for target in targets(found)]),
        "### First calls", "",
        wrapped("Tracing, planning and a run, with B = 1, n_in = 2, n = 64, in float64:"), "",
        *first_calls(found),
        "### Memory", "",
        wrapped("What is there at the worst moment of a pass, without data and parameters, in MiB (float64): arrays and"
                " Python's objects as tracemalloc counts them, and the program's buffers:"), "",
        *memories(found),
        "### How it grows", "",
        cell(found["growth"]), "",
    ])  # fmt: skip


def wrapped(text: str) -> str:
    return textwrap.fill(" ".join(text.split()), 120, break_long_words=False, break_on_hyphens=False)


def opening(found: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    missing = f" Not installed, and left out: {', '.join(found['missing'])}." if found["missing"] else ""
    peaks = " and ".join(f"{found['peak'][dtype] / 1e9:.0f} ({dtype})" for dtype in DTYPES)
    return (
        f"{found['date']}, one core of {found['machine']}, load {found['load']:.1f} at the start; {versions}.{missing}"
        f" A large matrix product runs at {peaks} billion operations a second there, of which the last line is"
        " the share."
    )


def gated(found: dict[str, Any]) -> str:
    if "torch" not in found["versions"]:
        return "Over the eager engine's time, which stands in ms."
    return "Over the time of PyTorch's fused networks, which stands in ms; they have the same weights."


def table(heads: list[str], lines: Iterable[str]) -> list[str]:
    return [line(heads[0], heads[1:]), f"| --- {'| ---: ' * (len(heads) - 1)}|", *lines, ""]


def figure(value: float) -> str:
    """With two digits or three."""
    return f"{value:.{0 if value >= 100 else 1 if value >= 10 else 2 if value >= 0.1 else 3}f}"


def label(row: dict[str, Any]) -> str:
    return f"({', '.join(map(str, row['sizes']))})"


# -- tables -----------------------------------------------------------------------------------------------------------


def rows(found: dict[str, Any], kind: str, dtypes: tuple[str, ...] = DTYPES) -> list[dict[str, Any]]:
    return [row for row in found["rows"] if row["kind"] == kind and row["dtype"] in dtypes]


def ratios(of: list[dict[str, Any]], ours: str, peer: str) -> dict[str, float]:
    """Time over time, by row, where both took part."""
    return {
        f"{label(row)} {row['dtype']}": row["times"][ours]["seconds"] / row["times"][peer]["seconds"]
        for row in of
        if ours in row["times"] and peer in row["times"]
    }


def times(found: dict[str, Any], kind: str, dtype: str) -> list[str]:
    """Everybody's time over the first one's, which stands in ms."""
    reference = "NumPy" if kind == "RNN" else "torch.nn" if "torch" in found["versions"] else "eager unroll"
    of = rows(found, kind, (dtype,))
    base = [row["times"][reference]["seconds"] for row in of]
    lines = [line(f"{reference}, ms", [*(figure(seconds * 1e3) for seconds in base), ""])]
    for name in RACERS[kind]:
        if name == reference or not (shares := ratios(of, name, reference)):
            continue
        cells = [
            figure(row["times"][name]["seconds"] / b) if name in row["times"] else NONE
            for row, b in zip(of, base, strict=True)
        ]
        lines.append(line(name, [*cells, figure(statistics.geometric_mean(shares.values()))]))
    if kind == "RNN":
        lines.append(line("compiled loop, of the peak", [*(f"{peak_share(found, row):.1%}" for row in of), ""]))
    return table([f"{kind}, {dtype}", *map(label, of), "geometric mean"], lines)


def line(name: str, cells: list[str]) -> str:
    return f"| {name} | {' | '.join(cells)} |"


def peak_share(found: dict[str, Any], row: dict[str, Any]) -> float:
    return float(operations(row["sizes"]) / row["times"]["compiled loop"]["seconds"] / found["peak"][row["dtype"]])


def targets(found: dict[str, Any]) -> list[Target]:
    """Those of the compiled programs, and of the eager engine."""
    rnn, large = rows(found, "RNN"), ("(1000, 1, 2, 256)", "(200, 32, 32, 256)", "(1000, 32, 2, 128)")

    def mean(values: dict[str, float]) -> dict[str, float]:
        return {"": statistics.geometric_mean(values.values())} if values else {}

    def some(values: dict[str, float], kept: Callable[[bool], bool]) -> dict[str, float]:
        return {name: value for name, value in values.items() if kept(name.startswith(large))}

    every = []
    for name in COMPILED:
        by_numpy, fused, scan = (ratios(rnn, name, peer) for peer in ("NumPy", "torch.nn", "lax.scan"))
        every += [
            Target(f"{name}, of hand-written NumPy's time: geometric mean", 0.85, mean(by_numpy)),
            Target(f"{name}, of hand-written NumPy's time: any size", 1.05, by_numpy),
            Target(f"{name}, of `torch.nn.RNN`'s: any size", 1.0, fused),
            Target(f"{name}, of `lax.scan`'s: last three sizes", 1.0, some(scan, lambda is_large: is_large)),
            Target(f"{name}, of `lax.scan`'s: other sizes", 2.0, some(scan, lambda is_large: not is_large)),
        ]
    for kind in ("LSTM", "GRU"):
        fused = ratios(rows(found, kind), "compiled unroll", "torch.nn")
        every.append(Target(f"compiled {kind}, of the fused one's time: geometric mean", 1.0, mean(fused)))
    loops = ratios(rnn, "eager unroll", "torch loop of costs")
    every += [
        Target("eager unroll, of a torch loop's time: geometric mean", 0.7, mean(loops)),
        Target("eager unroll, of a torch loop's time: any size", 1.0, loops),
    ]
    for T, limit in ((1000, 1.5), (100_000, 5.0)):
        calls = {c["name"]: c["seconds"] or math.inf for c in found["first"] if c["T"] == T}
        every.append(Target(f"first call, T = {T:,}", limit, calls, " s"))
    shares = {label(row): row["bytes"]["compiled unroll"] / row["bytes"]["eager unroll"] for row in found["memory"]}
    every.append(Target("compiled unroll, of eager's memory: any size", 0.7, shares))
    return [target for target in every if target.found]


def first_calls(found: dict[str, Any]) -> list[str]:
    lines = [
        f"| {call['name']} | {call['T']:,} | "
        + (f"{figure(call['seconds'])} s |" if call["seconds"] else f"more than {call['patience']:.0f} s |")
        for call in found["first"]
    ]
    return table(["", "T", "first call"], lines)


def memories(found: dict[str, Any]) -> list[str]:
    names = list(found["memory"][0]["bytes"])
    lines = []
    for row in found["memory"]:
        cells = [figure(row["bytes"][name] / 2**20) for name in names]
        share = row["bytes"]["compiled unroll"] / row["bytes"]["eager unroll"]
        lines.append(f"| {label(row)} | {' | '.join(cells)} | {figure(share)} |")
    return table(["(T, B, n_in, n)", *names, "compiled, of eager's"], lines)
