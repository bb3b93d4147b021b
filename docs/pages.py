"""What the site makes of pages that were written for GitHub: an extension of Sphinx, see conf.py.

Links to folders, and links in headings, become plain text; chapters of the book can be downloaded as notebooks; where a
page says ``<!-- here: name -->`` there stands what the script of that name makes.
"""

from __future__ import annotations

import json
import re
from importlib import import_module
from pathlib import Path
from typing import Any

BOOK = "book/"
INSTALL = (
    'This notebook needs minigrad: in a clone of it, `pip install -e ".[all]" ipykernel` once, and then the kernel of'
    " that environment."
)
HEADING = re.compile(r"^(#+ .*?)\[([^\]]*)\]\([^)]*\)", re.MULTILINE)
FOLDER = re.compile(r"\[([^\]]*)\]\((?![a-z]+://)[^)\s]*/\)")
CELL = re.compile(r"^```\{code-cell\}[^\n]*\n(?P<options>(?::[^\n]*\n)*)(?P<code>.*?)^```\n?", re.MULTILINE | re.DOTALL)
FRONT = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
HERE = re.compile(r"<!-- here: (\w+) -->")
FOLD = re.compile(r"</?details>|<summary>(.*?)</summary>")


def cells(text: str) -> list[tuple[str, str]]:
    """A chapter as what is said and what is run: ("markdown", ...) and ("code", ...), in the order of the page."""
    text, found, end = FRONT.sub("", text), [], 0
    for cell in CELL.finditer(text):
        found += [("markdown", text[end : cell.start()]), ("code", cell["code"])]
        end = cell.end()
    return [(kind, source.strip()) for kind, source in [*found, ("markdown", text[end:])] if source.strip()]


def notebook(text: str) -> dict[str, Any]:
    """A chapter as a notebook (format 4.5) without outputs. It cannot fold across cells: solutions stand open."""
    made = []
    for number, (kind, source) in enumerate([("markdown", INSTALL), *cells(text)]):
        source = (
            FOLD.sub(lambda fold: f"**{fold[1]}**" if fold[1] else "", source).strip() if kind == "markdown" else source
        )
        if source:
            cell = {"cell_type": kind, "id": f"cell-{number}", "metadata": {}, "source": source}
            made.append(cell | ({"execution_count": None, "outputs": []} if kind == "code" else {}))
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}, "cells": made}


def is_chapter(name: str) -> bool:
    return name.startswith(BOOK) and name[len(BOOK) :][:2].isdigit()


def _read(app: Any, name: str, source: list[str]) -> None:
    text = HERE.sub(lambda here: str(import_module(here[1]).document()), source[0])
    text = FOLDER.sub(r"\1", HEADING.sub(r"\1\2", text))
    if is_chapter(name):
        file = name[len(BOOK) :] + ".ipynb"
        title = re.search(r"^# .*\n", text, re.MULTILINE)
        link = f'\n<p class="notebook"><a href="{file}" download>Download this chapter as a notebook</a></p>\n'
        text = text[: title.end()] + link + text[title.end() :]
    source[0] = text


def _write(app: Any, error: Exception | None) -> None:
    if error is None and app.builder.name == "html":
        for name in filter(is_chapter, app.env.found_docs):
            made = notebook(Path(app.env.doc2path(name)).read_text(encoding="utf-8"))
            (Path(app.outdir) / f"{name}.ipynb").write_text(json.dumps(made, indent=1), encoding="utf-8")


def _escape(app: Any, what: str, name: str, thing: object, options: Any, lines: list[str]) -> None:
    """Docstrings mean |λ| as it stands there, f(*args) too; and those of NumPy refer to pages that are not here."""
    for number, line in enumerate(lines):
        if not line.lstrip().startswith((">>>", "...")):
            line = re.sub(r":ref:`([^`<]+?)(?: <[^>]*>)?`", r"\1", line)
            parts = re.split(r"(``.*?``|`[^`]*`)", line)  # what is code stays as it is
            lines[number] = "".join(
                p if p.startswith("`") else re.sub(r"\||(?<=\()\*(?=\w)", r"\\\g<0>", p) for p in parts
            )


def setup(app: Any) -> dict[str, bool]:
    app.connect("source-read", _read)
    app.connect("autodoc-process-docstring", _escape, priority=400)  # before numpydoc's sections are read
    app.connect("build-finished", _write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
