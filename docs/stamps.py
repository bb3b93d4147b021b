"""What a picture was made from, written into the picture: then it can be told whether it would be another one today.

Pictures themselves cannot be compared: every version of Graphviz draws a little differently. What it was given can,
and so its SHA-256 stands in a comment at the end of the file; for what others drew, who it was.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

NOTE = "<!-- made from {} -->"
NOTED = re.compile(NOTE.format("(.*)"))
DRAWING = re.compile(r"<svg.*?</svg>", re.DOTALL)
NUMBERS = re.compile(r'tooltip="[^"]*"|#[0-9a-f]{6}|-?[\d.⁻⁰¹²³⁴-⁹]+(e[+-]?\d+)?|"')


def source(picture: Any) -> str:
    """What decides what is seen: the DOT text of a graph; of a page, all but what Graphviz made of it."""
    return DRAWING.sub("", picture.html) if hasattr(picture, "html") else str(picture.source)


def wiring(text: str) -> str:
    """DOT text without its numbers and colours: those of a long training end in other digits on every machine."""
    return NUMBERS.sub("", text)


def digest(text: str) -> str:
    """As it is noted."""
    return f"text of SHA-256 {hashlib.sha256(text.encode()).hexdigest()}"


def stamp(file: Path, made_from: str) -> None:
    """Note in a file what it was made from, in the place of what was noted before."""
    text = NOTED.sub("", file.read_text(encoding="utf-8")).rstrip("\n")
    file.write_text(f"{text}\n{NOTE.format(made_from)}\n", encoding="utf-8")


def noted(file: Path) -> str:
    """What a file says that it was made from; empty if it does not say."""
    found = NOTED.findall(file.read_text(encoding="utf-8"))
    return found[-1] if found else ""
