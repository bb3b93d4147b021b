"""The pages that GitHub shows: every link leads somewhere, and whoever reads the name of a file can go there."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
CHAPTERS = sorted((ROOT / "docs" / "book").glob("*.md"))
LINK = re.compile(r"\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)\s]+)\)")
NAME = re.compile(r"`([^`\s]+)`|(?<![\w/`.-])([\w./-]+\.(?:cff|html|md|py|svg|toml)|LICENSE)\b")
FOLDERS = ("minigrad", "docs", "tests", ".ci")

every_page = pytest.mark.parametrize("page", [*PAGES, *CHAPTERS], ids=lambda page: page.name)


def prose(page: Path) -> str:
    """A page without its blocks of code."""
    text = re.sub(r"^( *)```.*?^\1```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)  # which nobody sees
    return re.sub(r"^    .*", "", text, flags=re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """What GitHub calls the headings of a page."""
    titles = [
        re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title) for title in re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    ]
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def file_named(name: str, page: Path) -> Path | None:
    """The file or folder of this project that a word in a page means, if it means one."""
    if not re.search(r"\w[/.]|^LICENSE$|^\.ci", name):
        return None
    for place in (ROOT / name, ROOT / "minigrad" / name, page.parent / name):
        path = place.resolve()
        if path.exists() and path.is_relative_to(ROOT):
            inside = path.relative_to(ROOT).parts
            if inside and (inside[0] in FOLDERS if len(inside) > 1 or path.is_dir() else path.is_file()):
                return path
    return None


@every_page
def test_every_link_leads_to_a_file(page: Path) -> None:
    targets = [target for _, target in LINK.findall(prose(page)) if not target.startswith(("http://", "https://"))]
    for target in targets:
        place, _, anchor = unquote(target).partition("#")
        path = (page.parent / place).resolve() if place else page
        assert path.exists(), f"{page.name} links to {target}"
        assert path.is_relative_to(ROOT), f"{page.name} links to {target}, out of the project"
        assert not anchor or anchor in anchors(path), f"{page.name} links to {target}: no such heading"


@every_page
def test_every_file_that_is_named_is_a_link(page: Path) -> None:
    words = re.sub(r"`[^`]*`", lambda span: "" if " " in span[0] else span[0], LINK.sub("", prose(page)))  # no commands
    found = {name for span in NAME.findall(words) for name in span if name and file_named(name, page)}
    assert found == set()


@every_page
def test_a_link_that_names_a_file_leads_to_it(page: Path) -> None:
    for text, target in LINK.findall(prose(page)):
        if named := file_named(text.strip("`"), page):
            assert (page.parent / target).resolve() == named, f"[{text}]({target})"


def test_readme_links_to_every_page() -> None:
    targets = {target for _, target in LINK.findall(prose(ROOT / "README.md"))}
    assert {page.relative_to(ROOT).as_posix() for page in PAGES} - targets == {"README.md"}


def test_files_that_the_source_names_are_there() -> None:
    """A module by its file name, ``walk.py``, in a docstring or comment; a page by its path."""
    places = [path for folder in ("minigrad", "tests", "docs") for path in (ROOT / folder).rglob("*.py")]
    sources = [path for path in places if "_build" not in path.parts]
    modules = {path.name for path in sources}
    gone = []
    for path in sources:
        text = path.read_text(encoding="utf-8")
        gone += [(path.name, name) for name in re.findall(r"(?<!`)`(\w+\.py)`(?!`)", text) if name not in modules]
        gone += [(path.name, page) for page in re.findall(r"\bdocs/\w+\.\w+", text) if not (ROOT / page).exists()]
    assert gone == []
