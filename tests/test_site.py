"""The site as a browser without a network shows it, and that its reference is complete.

It is built by the command that CONTRIBUTING.md prints; where it is not, or older than a page, these tests are skipped.
"""

from __future__ import annotations

import json
import re
import zlib
from pathlib import Path
from urllib.parse import unquote

import pytest

from docs import pages
from tests.browser import complaints, in_a_browser
from tests.public import INSIDE, modules, public

DOCS = Path(__file__).resolve().parents[1] / "docs"
SITE = DOCS / "_build" / "html"


def up_to_date() -> bool:
    sources = [*DOCS.glob("*.md"), *DOCS.glob("book/*.md"), *DOCS.glob("reference/*.rst"), DOCS / "conf.py"]
    made = SITE / "objects.inv"
    return made.exists() and made.stat().st_mtime >= max(source.stat().st_mtime for source in sources)


built = pytest.mark.skipif(
    not up_to_date(), reason="the site is not built, or not anew: sphinx-build -W docs docs/_build/html"
)


def documented() -> set[str]:
    """The names in the site's inventory, whose format is Sphinx's: four lines, then a compressed list."""
    rest = (SITE / "objects.inv").read_bytes().split(b"\n", 4)[4]
    return {line.split(" ")[0] for line in zlib.decompress(rest).decode().splitlines() if " py:" in line}


def test_formulas_and_code_of_a_docstring_stay_line_by_line() -> None:
    told = [
        "As |v| in f(*args)",
        "",
        "    v ← |v|",
        "    p ← p − v",
        "",
        "with:",
        "",
        "    p",
        "",
        ">>> |x|",
        "",
        "So.",
    ]
    assert pages.docstring(told) == [
        r"As \|v\| in f(\*args)", "", "::", "", "    v ← |v|", "    p ← p − v", "", "with:", "", "::", "", "    p", "",
        ">>> |x|", "", "So.",
    ]  # fmt: skip
    section = ["Parameters", "----------", "x : array", "    Of any shape.", "", "    And more.", "y : float", ""]
    assert pages.docstring(section) == section


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
def test_every_link_leads_somewhere() -> None:
    pages = {page.resolve(): page.read_text(encoding="utf-8") for page in SITE.rglob("*.html")}
    places = {page: set(re.findall(r'\bid="([^"]+)"', text)) for page, text in pages.items()}
    dead = set()
    for page, text in pages.items():
        for link in set(re.findall(r'<a\b[^>]*\bhref="([^"]+)"', text)):
            if link.startswith("http"):
                continue
            name, _, anchor = unquote(link).partition("#")
            target = (page.parent / name).resolve() if name else page
            if not target.exists() or (anchor and target in places and anchor not in places[target]):
                dead.add((page.name, link))
    assert dead == set()
    assert len(pages) > 40


@built
def test_no_page_names_anything_to_be_loaded_from_elsewhere() -> None:
    loads = re.compile(r"<(?:script|img|iframe|link|source)\b[^>]*\b(?:src|href)=\"(?:https?:)?//[^\"]*\"[^>]*>")
    found = {page.name: loads.findall(page.read_text(encoding="utf-8")) for page in SITE.rglob("*.html")}
    assert {name: tags for name, tags in found.items() if tags} == {}


@built
@in_a_browser
@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 390])
def test_without_a_network_no_page_has_anything_to_complain_of(width: int, tmp_path: Path) -> None:
    shown = sorted(page.relative_to(SITE).as_posix() for page in SITE.rglob("*.html"))
    assert len(shown) > len(list(DOCS.rglob("*.md")))
    assert complaints(SITE, shown, tmp_path, width=width) == []


WRONG = {
    '<script src="https://example.org/mathjax.js"></script>': "502 example.org:443",
    '<img src="nowhere.png">': "404 /nowhere.png",
    '<img src="data:image/png;base64,AAAA">': "page.html: no picture",
    "<script>undefinedFunction()</script>": "undefinedFunction is not defined",
    '<p style="width: 500px">wide</p>': "page.html: wider than the page: <p",
    '<p class="math">\\(x^2\\)</p>': "page.html: not set",
    "<mjx-merror>Undefined control sequence</mjx-merror>": "page.html: no mathematics",
}


@in_a_browser
def test_what_is_wrong_with_a_page_is_noticed(tmp_path: Path) -> None:
    page = "<!doctype html><title>page</title><link rel=icon href=data:,><body><h1>Page</h1>{}"
    (tmp_path / "page.html").write_text(page.format("\n".join(WRONG)), encoding="utf-8")
    right = '<p style="overflow-x: auto"><span style="display: block; width: 500px">scrolls</span></p>'
    (tmp_path / "right.html").write_text(page.format(right), encoding="utf-8")
    (tmp_path / "empty.html").write_text(page.replace("<h1>Page</h1>", "").format(""), encoding="utf-8")
    found = complaints(tmp_path, ["right.html", "page.html", "empty.html"], tmp_path / "profile", width=390)
    for told in [*WRONG.values(), "empty.html: nothing there"]:
        assert any(told in each for each in found), told
    assert not any("right.html" in each for each in found)
