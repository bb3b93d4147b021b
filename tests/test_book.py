"""The chapters of the book: their cells run in process, what they say was computed, and every exercise is solved."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from docs import pages
from tests.cells import not_computed, run

BOOK = Path(__file__).resolve().parents[1] / "docs" / "book"
CHAPTERS = sorted(BOOK.glob("[0-9]*.md"))

every_chapter = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)

pytestmark = pytest.mark.usefixtures("tables")


@every_chapter
def test_its_cells_run_and_its_numbers_are_theirs(chapter: Path, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    seen = run(chapter)
    assert not_computed(seen.cells, seen.text) == []
    assert [line for line in seen.text.splitlines() if len(line) > 88] == []  # which the page cuts off


@every_chapter
def test_every_exercise_has_a_solution_that_asserts(chapter: Path) -> None:
    _, *exercises = re.split(r"(?m)^### Exercise ", chapter.read_text(encoding="utf-8"))
    assert 4 <= len(exercises) <= 6
    for number, exercise in enumerate(exercises, 1):
        assert exercise.startswith(f"{number}\n")
        solution = re.search(r"(?s)\n<details><summary>Solution</summary>\n\n(.*)\n\n</details>\n", exercise)
        assert solution, f"exercise {number} has no folded solution"
        assert any(kind == "code" and "assert " in code for kind, code in pages.cells(solution[1])), number


@every_chapter
def test_as_a_notebook_it_has_the_same_cells(chapter: Path) -> None:
    text = chapter.read_text(encoding="utf-8")
    made = json.loads(json.dumps(pages.notebook(text)))
    code = [cell["source"] for cell in made["cells"] if cell["cell_type"] == "code"]
    assert code == [source for kind, source in pages.cells(text) if kind == "code"]
    assert text.count("```{code-cell}") == len(code)
    assert "<details>" not in str(made)
    assert "pip install" in made["cells"][0]["source"]


def test_the_sunspots_of_the_book_are_those_of_the_file() -> None:
    (chapter,) = (path for path in CHAPTERS if path.stem.endswith("forecasting"))
    counted = re.search(r'(?s)COUNTED = """\n(.*?)"""', chapter.read_text(encoding="utf-8"))
    _, *lines = (BOOK.parent / "data" / "sunspots.csv").read_text(encoding="utf-8").splitlines()
    assert counted is not None
    assert counted[1].split() == [line.split(",")[1] for line in lines][:280]


def test_the_book_has_the_chapters_that_its_page_lists() -> None:
    listed = re.findall(r"(?m)^book/(\d[\w-]*)$", (BOOK.parent / "index.md").read_text(encoding="utf-8"))
    assert listed == [chapter.stem for chapter in CHAPTERS]
