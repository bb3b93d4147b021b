"""How large a picture is on paper, on a slide or on a screen: its width, its least text, its font, its dots an inch.

A picture that is shrunk by whoever prints it ends with text of 3 points. So its width is told when it is drawn, and its
text stays readable at that width, or there is one sentence that says what to do. All of it works on DOT text.
"""

from __future__ import annotations

import math
import re
from typing import NamedTuple

READABLE = 7.0  # points: what journals ask for at least
LARGEST = 10.0 / 7.0  # of the least text: narrow pictures are not blown up further than that
PRINTED = 300.0  # dots an inch of a bitmap that has a width

UNITS = {"in": 72.0, "cm": 72 / 2.54, "mm": 72 / 25.4, "pt": 1.0}
_LENGTH = re.compile(r"\s*([-+]?[\d.]+(?:e[-+]?\d+)?)\s*([a-z]*)\s*", re.IGNORECASE)
_FONT = re.compile(r'\bfontname=(?:"(?:[^"\\]|\\.)*"|[^\s\],;]+)|"(?:[^"\\]|\\.)*"')
_TEXTS = re.compile(r'font-size="([\d.]+)"')


class Width(NamedTuple):
    """How wide a picture is, and the size of its least text, both in points; and how it was asked for."""

    points: float
    text: float
    asked: str


PRESETS = {
    "column": Width(3.4 * 72, READABLE, "column"),
    "page": Width(7.0 * 72, READABLE, "page"),
    "slide": Width(12.0 * 72, 2 * READABLE, "slide"),
}
"""A column of a page with two of them, the whole page, and a slide of 13.3 inches with some room at its sides."""


def width_of(asked: object) -> Width:
    """The width that ``"3.4in"``, ``"86mm"`` or ``"column"`` means.

    Raises
    ------
    ValueError
        If it is no positive length with a unit, nor one of `PRESETS`.
    TypeError
        If it is no text: a number has no unit.
    """
    ways = f"write a length such as '3.4in' ({', '.join(UNITS)}), or one of {', '.join(PRESETS)}"
    if not isinstance(asked, str):
        raise TypeError(f"width={asked!r} has no unit: {ways}")
    if asked in PRESETS:
        return PRESETS[asked]
    found = _LENGTH.fullmatch(asked)
    if found is None or found[2].lower() not in UNITS:
        raise ValueError(f"width={asked!r} is no width: {ways}")
    try:
        points = float(found[1]) * UNITS[found[2].lower()]
    except ValueError:
        raise ValueError(f"width={asked!r} is no width: {ways}") from None
    if not 0 < points < math.inf:
        raise ValueError(f"width={asked!r} is no width that a picture can have: {ways}")
    return Width(points, READABLE, asked.strip())


def scaled(svg: str, size: tuple[float, float], width: Width) -> dict[str, str]:
    """What makes a picture as wide as asked, from how it looks at its own size: attributes of the graph.

    It is shrunk, if its least text stays readable. A narrower one is not blown up: it stands in the middle.

    Raises
    ------
    ValueError
        If the text would be too small.
    """
    texts = [float(text) for text in _TEXTS.findall(svg)] or [width.text]
    scale = min(width.points / size[0], LARGEST * width.text / min(texts))
    if scale * min(texts) < width.text - 0.01:
        least = size[0] * width.text / min(texts) / 72
        raise ValueError(
            f"{width.asked} wide, its text would be {scale * min(texts):.1f} pt and could not be read (at least"
            f" {width.text:g} pt): draw less (fewer steps or nodes, closed scopes, another direction), or allow a"
            f" width of {math.ceil(10 * least) / 10:g}in"
        )
    return {"viewport": f"{width.points:.2f},{size[1] * scale:.2f},{scale:.5f}"}


def with_attributes(source: str, **attributes: str) -> str:
    """DOT text of a graph with further attributes; they go before those that it has."""
    head, brace, tail = source.rpartition("}")
    return head + "".join(f'\t{name}="{value}"\n' for name, value in attributes.items()) + brace + tail


def in_font(source: str, font: str) -> str:
    """DOT text with all its words in another font.

    Raises
    ------
    ValueError
        If that is no name of a font.
    """
    if not (isinstance(font, str) and font.strip() and font.isprintable()) or '"' in font or "\\" in font:
        raise ValueError(f"font={font!r} is no name of a font: name one that this machine has, such as 'Helvetica'")
    named = _FONT.sub(lambda found: f'fontname="{font}"' if found[0].startswith("fontname") else found[0], source)
    first = named.index("{") + 1  # what comes first holds for all that says nothing else
    default = "".join(f'\n\t{kind} [fontname="{font}"]' for kind in ("graph", "node", "edge"))
    return named[:first] + default + named[first:]


def dots(dpi: float | None, suffix: str, width: Width | None) -> float | None:
    """Dots an inch of a bitmap: as told, or as Graphviz would; with a width, those of a printer.

    Raises
    ------
    ValueError
        If they are told of what has none, or are no positive number.
    """
    if dpi is None:
        return PRINTED if width is not None and suffix == ".png" else None
    if suffix != ".png":
        raise ValueError(f"dpi={dpi!r} told of a {suffix} file, which has no dots: leave it, or render to .png")
    if not (isinstance(dpi, int | float) and 0 < dpi < math.inf):
        raise ValueError(f"dpi={dpi!r} is no number of dots an inch: give a positive one, such as 300")
    return float(dpi)
