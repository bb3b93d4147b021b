"""Pages whose cells are executed, the chapters of the book and others of docs/: in process, as the site runs them."""

from __future__ import annotations

import ast
import contextlib
import io
import re
from html import unescape
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

import matplotlib

from docs import pages

NUMBER = re.compile(r"(?<![\w.])\d+\.\d+(?:e-?\d+)?(?![\w.]*\d)")


class Seen(NamedTuple):
    """A page after its cells have run."""

    cells: list[tuple[str, str]]
    text: str  # the code, what it prints, and last values
    shown: list[str]  # what cells end with that shows itself, as HTML


def run(page: Path) -> Seen:
    """Run the code of a page in the current folder, in the lecture's or any other style, which is left behind."""
    matplotlib.use("Agg")
    from matplotlib import pyplot

    cells = pages.cells(page.read_text(encoding="utf-8"))
    with matplotlib.rc_context():
        text, shown = ran(cells)
        pyplot.close("all")
    return Seen(cells, text, shown)


def ran(cells: list[tuple[str, str]]) -> tuple[str, list[str]]:
    """Run the code of a page, and return what its reader sees of it."""
    names: dict[str, Any] = {"__name__": "__main__"}
    seen, shown = io.StringIO(), []
    with contextlib.redirect_stdout(seen):
        for number, code in enumerate(source for kind, source in cells if kind == "code"):
            print(code)
            body = ast.parse(code).body
            last = body.pop() if isinstance(body[-1], ast.Expr) and not code.endswith(";") else None
            exec(compile(ast.Module(body, []), f"cell {number}", "exec"), names)
            if last is not None:
                value = eval(compile(ast.Expression(last.value), f"cell {number}", "eval"), names)
                if bundle := getattr(value, "_repr_mimebundle_", None):
                    shown.append(bundle()["text/html"])
                elif html := getattr(value, "_repr_html_", None):
                    shown.append(html())
                elif value is not None:
                    print(repr(value))
    return seen.getvalue(), shown


def nodes(html: str) -> int:
    """How many circles and boxes there are in a picture of a graph, which has to be whole; none if it is no picture."""
    drawn = re.findall(r"(?s)<svg.*?</svg>", unescape(html) if html.startswith("<iframe") else html)
    parts = [part for svg in drawn for part in ElementTree.fromstring(svg).iter()]
    return sum(part.get("class", "").split(" ")[0] == "node" for part in parts)


def said(cells: list[tuple[str, str]]) -> str:
    """The prose of a page, without its mathematics, code spans, blocks of code and links."""
    text = "\n".join(source for kind, source in cells if kind == "markdown")
    text = re.sub(r"(?ms)^```.*?^```$", " ", text)
    return re.sub(r"(?s)\$\$.*?\$\$|\$[^$]*\$|`[^`]*`|\]\([^)]*\)|^#.*?$", " ", text, flags=re.MULTILINE)


def not_computed(cells: list[tuple[str, str]], text: str) -> list[str]:
    """The numbers with a decimal point that the prose tells and no cell shows."""
    shown = set(re.findall(r"\d+\.\d+(?:e-?\d+)?", text))
    return [number for number in NUMBER.findall(said(cells)) if number not in shown]
