"""The site as a browser without a network shows it, and that its reference is complete.

It is built by the command that CONTRIBUTING.md prints; where it is not, or older than a page, these tests are skipped.
"""

from __future__ import annotations

import inspect
import json
import re
import types
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import minigrad as mg
from docs import pages
from tests.browser import complaints, in_a_browser

DOCS = Path(__file__).resolve().parents[1] / "docs"
SITE = DOCS / "_build" / "html"
INSIDE = {
    "minigrad.clipping": "all that is public of it is in minigrad.optim",
    "minigrad.copies": "what copy, pickle and threads do with tensors; there is nothing to call",
    "minigrad.optim.clipping": "as above",
    "minigrad.optim.clips": "its classes are in minigrad.optim",
    "minigrad.rules": "docs/functions.md lists all rules",
}
"""Public modules without a page of their own, and why."""


def up_to_date() -> bool:
    sources = [*DOCS.glob("*.md"), *DOCS.glob("book/*.md"), *DOCS.glob("reference/*.rst"), DOCS / "conf.py"]
    made = SITE / "objects.inv"
    return made.exists() and made.stat().st_mtime >= max(source.stat().st_mtime for source in sources)


built = pytest.mark.skipif(
    not up_to_date(), reason="the site is not built, or not anew: sphinx-build -W docs docs/_build/html"
)


def modules(module: Any = mg, name: str = "minigrad") -> Iterator[tuple[str, Any]]:
    """The public modules, by the names under which users reach them."""
    yield name, module
    for part in getattr(module, "__all__", ()):
        if isinstance(inner := getattr(module, part), types.ModuleType) and name not in INSIDE:
            yield from modules(inner, f"{name}.{part}")


def public() -> Iterator[tuple[str, Any]]:
    """The public classes and functions."""
    for name, module in modules():
        if name not in INSIDE:
            own = [each for each, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__]
            for each in getattr(module, "__all__", [each for each in own if not each.startswith("_")]):
                if inspect.isclass(value := getattr(module, each)) or inspect.isroutine(value):
                    yield f"{name}.{each}", value


def documented() -> set[str]:
    """The names in the site's inventory, whose format is Sphinx's: four lines, then a compressed list."""
    rest = (SITE / "objects.inv").read_bytes().split(b"\n", 4)[4]
    return {line.split(" ")[0] for line in zlib.decompress(rest).decode().splitlines() if " py:" in line}


def test_every_public_name_has_a_docstring() -> None:
    assert [name for name, value in public() if not (value.__doc__ or "").strip()] == []


def test_every_public_module_is_in_the_reference() -> None:
    told = {line.split()[-1] for page in DOCS.glob("reference/*.rst") for line in page.read_text().splitlines()
            if line.startswith(".. automodule::")}  # fmt: skip
    assert {name for name, _ in modules()} - INSIDE.keys() - told == set()


def test_every_page_is_in_the_table_of_contents() -> None:
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    lines = {line for tree in re.findall(r"(?s)```\{toctree\}.*?```", index) for line in tree.splitlines()}
    listed = {line.rpartition("<")[2].rstrip(">") for line in lines}
    pages_there = [*DOCS.glob("*.md"), *DOCS.glob("book/*.md"), *DOCS.glob("reference/*.rst")]
    assert {page.relative_to(DOCS).with_suffix("").as_posix() for page in pages_there} - listed == {"index"}


@built
def test_every_public_name_is_in_the_reference() -> None:
    found = documented()
    known = {id(value) for name, value in public() if name in found}  # a name may be public in two places
    assert [name for name, value in public() if id(value) not in known] == []
    assert len(known) > 200


@built
def test_every_chapter_can_be_downloaded() -> None:
    for chapter in DOCS.glob("book/[0-9]*.md"):
        made = json.loads((SITE / "book" / f"{chapter.stem}.ipynb").read_text(encoding="utf-8"))
        assert made == json.loads(json.dumps(pages.notebook(chapter.read_text(encoding="utf-8"))))
        assert f'href="{chapter.stem}.ipynb"' in (SITE / "book" / f"{chapter.stem}.html").read_text(encoding="utf-8")


@built
def test_no_page_names_anything_to_be_loaded_from_elsewhere() -> None:
    loads = re.compile(r"<(?:script|img|iframe|link|source)\b[^>]*\b(?:src|href)=\"(?:https?:)?//[^\"]*\"[^>]*>")
    found = {page.name: loads.findall(page.read_text(encoding="utf-8")) for page in SITE.rglob("*.html")}
    assert {name: tags for name, tags in found.items() if tags} == {}


SHOWN = ["index", "engine", "gallery", "functions", "reference/rnn", "search"]


@built
@in_a_browser
@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("page", [*SHOWN, *(f"book/{path.stem}" for path in sorted(DOCS.glob("book/[0-9]*.md")))])
def test_a_page_without_a_network_has_nothing_to_complain_of(page: str, width: int, tmp_path: Path) -> None:
    assert complaints(SITE, f"{page}.html", tmp_path, width=width) == []


@in_a_browser
@pytest.mark.parametrize(
    "wrong",
    [
        '<script src="https://example.org/mathjax.js"></script>',
        '<img src="nowhere.png">',
        "<script>undefinedFunction()</script>",
    ],
)
def test_a_page_that_fails_is_noticed(wrong: str, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(f"<!doctype html><title>page</title><link rel=icon href=data:,>{wrong}", encoding="utf-8")
    assert complaints(tmp_path, "page.html", tmp_path / "profile", width=1280) != []
