"""README's code does what README says."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

from tests.floors import ROOT, floors

README, HOUSE = ROOT / "README.md", ROOT / "minigrad"


def test_every_code_block_prints_what_stands_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    failed, attempted = doctest.testfile(str(README), module_relative=False, encoding="utf-8")
    assert attempted > 10
    assert failed == 0
    assert (tmp_path / "unrolled.svg").read_text(encoding="utf-8").rstrip().endswith("</svg>")


def rows() -> list[str]:
    """What the rows of README's map are about, as paths below minigrad/, from top to bottom."""
    return re.findall(r"^\| \[`([\w./]+)`\]\(minigrad/\1\) \|", README.read_text(encoding="utf-8"), re.MULTILINE)


def test_the_map_has_a_row_for_every_file_and_folder() -> None:
    found = {path for folder in (HOUSE, HOUSE / "rnn") for path in folder.iterdir()}
    named = {f"{path.relative_to(HOUSE).as_posix()}{'/' * path.is_dir()}" for path in found}
    told_by_their_folder = {"py.typed", "rnn/__init__.py"}
    assert sorted(rows()) == sorted({name for name in named if "__pycache__" not in name} - told_by_their_folder)


def test_the_map_is_in_reading_order() -> None:
    """Upwards through the floors that import-linter knows, and so is the list of what stands in the engine."""
    (engine,) = re.findall(r"^\| \[`engine/`\].*$", README.read_text(encoding="utf-8"), re.MULTILINE)
    modules = re.findall(r"\[`(\w+)`\]\(minigrad/engine/\1\.py\)", engine)
    for folder, names in (("", rows()), ("rnn/", rows()), ("engine/", [f"engine/{module}" for module in modules])):
        levels = reversed(floors()[f"minigrad/{folder}".strip("/").replace("/", ".")])
        height = {f"{folder}{name}": number for number, floor in enumerate(levels) for name in floor}
        heights = [height[name] for row in names if (name := row.strip("/").removesuffix(".py")) in height]
        assert heights == sorted(heights)
        assert set(heights) == set(height.values())
