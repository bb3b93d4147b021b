"""The chapters of the book: their cells run in process, what they say was computed, and every exercise is solved."""

from __future__ import annotations

import ast
import contextlib
import io
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib
import pytest

from docs import pages

BOOK = Path(__file__).resolve().parents[1] / "docs" / "book"
CHAPTERS = sorted(BOOK.glob("[0-9]*.md"))
NUMBER = re.compile(r"(?<![\w.])\d+\.\d+(?:e-?\d+)?(?![\w.]*\d)")

every_chapter = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)

pytestmark = pytest.mark.usefixtures("tables")


def ran(cells: list[tuple[str, str]]) -> str:
    """Run the code of a chapter, and return what its reader sees of it: the code, what it prints, and last values."""
    names: dict[str, Any] = {"__name__": "__main__"}
    seen = io.StringIO()
    with contextlib.redirect_stdout(seen):
        for number, code in enumerate(source for kind, source in cells if kind == "code"):
            print(code)
            body = ast.parse(code).body
            last = body.pop() if isinstance(body[-1], ast.Expr) else None
            exec(compile(ast.Module(body, []), f"cell {number}", "exec"), names)
            if last is not None:
                value = eval(compile(ast.Expression(last.value), f"cell {number}", "eval"), names)
                if show := getattr(value, "_repr_mimebundle_", None):
                    show()
                elif value is not None:
                    print(repr(value))
    return seen.getvalue()


def said(cells: list[tuple[str, str]]) -> str:
    """The prose of a chapter, without its mathematics, code spans and links."""
    text = "\n".join(source for kind, source in cells if kind == "markdown")
    return re.sub(r"(?s)\$\$.*?\$\$|\$[^$]*\$|`[^`]*`|\]\([^)]*\)|^#.*?$", " ", text, flags=re.MULTILINE)


@cache
def outcome(chapter: Path) -> tuple[list[tuple[str, str]], str]:
    matplotlib.use("Agg")
    from matplotlib import pyplot

    cells = pages.cells(chapter.read_text(encoding="utf-8"))
    with matplotlib.rc_context():
        seen = ran(cells)
        pyplot.close("all")
    return cells, seen


def not_computed(cells: list[tuple[str, str]], seen: str) -> list[str]:
    shown = set(re.findall(r"\d+\.\d+(?:e-?\d+)?", seen))
    return [number for number in NUMBER.findall(said(cells)) if number not in shown]


@every_chapter
def test_its_cells_run_and_its_numbers_are_theirs(chapter: Path, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    assert not_computed(*outcome(chapter)) == []


def test_a_number_that_no_cell_shows_is_noticed() -> None:
    cells = [("markdown", "It is 2.5, $0.1$, [1.5](2.5), not 2.51 or 3."), ("code", "1.5 + 1\n"), ("code", "x = 2.5")]
    assert not_computed(cells, ran(cells)) == ["2.51"]


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


@every_chapter
def test_no_line_of_code_is_cut_off_on_the_page(chapter: Path) -> None:
    cells = pages.cells(chapter.read_text(encoding="utf-8"))
    lines = [line for kind, source in cells if kind == "code" for line in source.splitlines()]
    assert [line for line in lines if len(line) > 88] == []


def test_the_book_has_the_chapters_that_its_page_lists() -> None:
    listed = re.findall(r"(?m)^book/(\d[\w-]*)$", (BOOK.parent / "index.md").read_text(encoding="utf-8"))
    assert listed == [chapter.stem for chapter in CHAPTERS]
