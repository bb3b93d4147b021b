"""README's code does what README says."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

README = Path(__file__).parent.parent / "README.md"


def test_every_code_block_prints_what_stands_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    failed, attempted = doctest.testfile(str(README), module_relative=False, encoding="utf-8")
    assert attempted > 10
    assert failed == 0
    assert (tmp_path / "unrolled.svg").read_text(encoding="utf-8").rstrip().endswith("</svg>")


def test_every_file_of_the_map_exists() -> None:
    rows = [line for line in README.read_text(encoding="utf-8").splitlines() if line.startswith("| `minigrad/")]
    assert len(rows) > 10
    for row in rows:
        first, *others = [name.strip(" `") for name in row.split("|")[1].split(",")]
        assert (README.parent / first).exists(), first
        for name in others:
            assert (README.parent / first).parent.joinpath(name).exists(), name
