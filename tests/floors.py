"""The floors of the house, as import-linter is told of them in pyproject.toml."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def floors() -> dict[str, list[list[str]]]:
    """For each folder of the package (``"minigrad.engine"``) its floors from top to bottom: what stands on each."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found = defaultdict(list)
    for contract in settings["tool"]["importlinter"]["contracts"]:
        for container in contract.get("containers", [""]):
            for layer in contract["layers"]:
                paths = [f"{container}.{name.strip()}".strip(".").rpartition(".") for name in layer.split("|")]
                found[paths[0][0]].append([module for _, _, module in paths])
    return dict(found)
