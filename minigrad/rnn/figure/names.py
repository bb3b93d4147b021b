"""Names and sizes that both halves of the textbook figure use."""

from __future__ import annotations

from minigrad.pictures.style import clean, pretty
from minigrad.rnn.figure.wiring import Place

CIRCLE, COST = 37.4, 30.0  # diameters, in points
TARGET = 50.0, 24.0  # the size of the box of a target that is fed back


def safe(name: str) -> str:
    """A name as part of a DOT name: what is not a letter, a digit, "_" or "." becomes its code point."""
    return "".join(c if c.isalnum() or c in "_." else f"-{ord(c):x}-" for c in name)


def circle(place: Place) -> str:
    """The DOT name, and the id in the SVG, of a circle: ``h3``, or ``h1_3`` for the role h1."""
    role, t = place
    return f"{safe(role)}{'_' * (role[-1:] in '0123456789')}{t}"


def label(name: str) -> str:
    """A name as it is written: ``h_12`` as h₁₂."""
    return pretty(clean(name)).replace("&", "&amp;")


def short(name: str, most: int = 4) -> str:
    """A name that goes into a circle, or another small place; tooltips have the whole."""
    return name if len(name) <= most else name[: most - 1] + "…"


def box_width(name: str) -> float:
    """Of a parameter's box."""
    return max(30.0, 7.5 * len(short(name, 20)) + 12)
