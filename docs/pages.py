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


def docstring(lines: list[str]) -> list[str]:
    """A docstring as reStructuredText that shows what its reader sees in the source.

    |λ| is meant as it stands there, and f(*args) too; pages that NumPy's docstrings refer to are not here; and what is
    indented behind an empty line is a formula or code, line by line.
    """
    made: list[str] = []
    said, literal = "", 0  # the last line of text, and how far the block that is literal is indented
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if line.strip() and not (literal and indent >= literal):
            literal = 0
            if made and not made[-1].strip() and indent > len(said) - len(said.lstrip()):
                literal = indent
                made += [] if said.endswith("::") else [f"{' ' * (len(said) - len(said.lstrip()))}::", ""]
        said = line.rstrip() or said
        made.append(line if literal or line.lstrip().startswith((">>>", "...")) else _escaped(line))
    return made


def _escaped(line: str) -> str:
    line = re.sub(r":ref:`([^`<]+?)(?: <[^>]*>)?`", r"\1", line)
    parts = re.split(r"(``.*?``|`[^`]*`)", line)  # what is code stays as it is
    return "".join(p if p.startswith("`") else re.sub(r"\||(?<=\()\*(?=\w)", r"\\\g<0>", p) for p in parts)


def _show(app: Any, what: str, name: str, thing: object, options: Any, lines: list[str]) -> None:
    lines[:] = docstring(lines)


def setup(app: Any) -> dict[str, bool]:
    app.connect("source-read", _read)
    app.connect("autodoc-process-docstring", _show, priority=400)  # before numpydoc's sections are read
    app.connect("build-finished", _write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
