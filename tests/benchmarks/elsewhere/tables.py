"""What a campaign found, as Markdown."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

Record = dict[str, Any]
VERDICTS = ("pass", "fail", "inconclusive", "not supported", "error", "too slow")
KINDS = ("fault", "imprecise", "cut off", "raises", "convention", "false accusation", "undecided")


def read(folder: Path) -> list[Record]:
    """All checks of all campaigns in a folder."""
    lines = [line for file in sorted(folder.glob("*.jsonl")) for line in file.read_text(encoding="utf-8").splitlines()]
    return [json.loads(line) for line in lines]


def page(records: Sequence[Record]) -> str:
    """Counts, faults, and what somebody has to look at."""
    ran = [record for record in records if record["verdict"] != "not drawn"]
    libraries = sorted({record["library"] for record in ran})
    lines = ["| | operations | checks | " + " | ".join(VERDICTS) + " | minutes |", "| --- " + "| ---: " * 9 + "|"]
    for library in libraries:
        own = [record for record in ran if record["library"] == library]
        count = Counter(record["verdict"] for record in own)
        cells = [len({record["function"] for record in own}), len(own), *(count[verdict] for verdict in VERDICTS)]
        minutes = sum(record["seconds"] for record in own) / 60
        lines.append(f"| {library} {own[-1]['version']} | {' | '.join(map(str, cells))} | {minutes:.1f} |")
    accused = [record for record in ran if record["verdict"] in ("fail", "error")]
    lines += ["", "| accused | " + " | ".join(KINDS) + " |", "| --- " + "| ---: " * len(KINDS) + "|"]
    for library in libraries:
        count = Counter(record["judged"] for record in accused if record["library"] == library)
        lines.append(f"| {library} | {' | '.join(str(count[kind]) for kind in KINDS)} |")
    for kind in KINDS:
        lines += ["", f"## {kind}", *listed([record for record in accused if record["judged"] == kind])]
    return "\n".join(lines) + "\n"


def listed(records: Sequence[Record]) -> list[str]:
    """By function and check, the case with the shortest reproducer first."""
    groups: dict[tuple[str, ...], list[Record]] = defaultdict(list)
    for record in records:
        groups[record["library"], record["function"], record["check"]].append(record)
    lines = []
    for (_, function, check), group in sorted(groups.items()):
        best = min(group, key=lambda record: len(record.get("reproducer", record["case"] + "x" * 9999)))
        lines += [
            "",
            f"### {function}, {check} ({len(group)} times)",
            "",
            f"- {best['reason']}",
            f"- {best['evidence']}",
        ]
        lines += ["", *(f"    {line}" for line in best.get("reproducer", best["case"]).splitlines())]
    return lines
