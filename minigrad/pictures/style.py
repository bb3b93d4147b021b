"""How gradients look: one colour scale for a whole picture, its legend, and the labels.

A gradient's size is drawn by colour and pen width over the logarithm of its RMS. A gradient that is exactly zero is not
a very small one: it is drawn dashed and grey.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import graphviz  # type: ignore[import-untyped]

# ColorBrewer's YlOrRd (Harrower, Brewer 2003) without its two palest colours: thin lines on white would not show.
COLORS = ((254, 217, 118), (254, 178, 76), (253, 141, 60), (252, 78, 42), (227, 26, 28), (189, 0, 38), (128, 0, 38))
ZERO = "#bbbbbb"
NONFINITE = "#8e24aa"  # a violet that is not on the scale, for NaN and infinity
DATA = "#eeeeee"
INK = "#555566"
PARAMETER = "#2b6cb0"
FONT = "Arial"
TIGHT = {"pad": "0.02", "margin": "0"}  # no white around a picture, but half the width of a line
ZERO_MEANS = "dashed grey: exactly 0"
NONFINITE_MEANS = "violet: NaN or infinite"
STRIPES, BAR = 14, 100.0  # of the legend under `dot`: how many colours, and how wide in points
NO_BREAK = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True)
class Scale:
    """Sizes from ``low`` to ``high``, both positive, onto colours and pen widths, by their logarithm."""

    low: float
    high: float

    @classmethod
    def covering(cls, sizes: Iterable[float | None]) -> Scale:
        """The scale that covers all finite positive ``sizes``, its ends rounded outwards to one digit."""
        positive = [size for size in sizes if size and math.isfinite(size)] or [1.0]
        low, high = _rounded(min(positive), math.floor), _rounded(max(positive), math.ceil)
        return cls(low if low < high else high / 10, high)

    def position(self, size: float) -> float:
        """Where between 0 (low) and 1 (high) a positive size lies."""
        return min(max(math.log(size / self.low) / math.log(self.high / self.low), 0.0), 1.0)

    def edge(self, size: float | None) -> dict[str, str]:
        """Attributes of an edge along which a gradient of this RMS flowed; None where no gradient was asked for."""
        if size is None:
            return {"color": INK, "penwidth": "0.8", "tooltip": "no gradient asked for"}
        if size == 0:
            return {"color": ZERO, "penwidth": "0.8", "style": "dashed", "tooltip": "gradient exactly 0"}
        if not math.isfinite(size):
            return {"color": NONFINITE, "penwidth": "3.6", "tooltip": f"gradient {size}"}
        at = self.position(size)
        return {"color": color(at), "penwidth": f"{0.8 + 2.8 * at:.2f}", "tooltip": f"gradient rms {size:.3g}"}

    def node(self, size: float | None) -> dict[str, str]:
        """Attributes of a node with a gradient of this RMS."""
        if size is None:
            return {"fillcolor": DATA, "fontcolor": "black"}
        if size == 0:
            return {"fillcolor": "white", "color": ZERO, "fontcolor": "#888888", "style": "filled,dashed"}
        if not math.isfinite(size):
            return {"fillcolor": NONFINITE, "fontcolor": "white"}
        at = self.position(size)
        return {"fillcolor": color(at), "fontcolor": readable_on(at)}


# What Unicode has as subscripts, and every Graphviz draws (HTML's <SUB> some drop).
LOW: dict[str, str] = dict(zip("0123456789+-=()aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ", strict=True))
_DOWN = {ord(letter): low for letter, low in LOW.items()}
_LETTERS = [
    "alpha",
    "beta",
    "gamma",
    "delta",
    "epsilon",
    "zeta",
    "eta",
    "theta",
    "iota",
    "kappa",
    "lambda",
    "mu",
    "nu",
    "xi",
    "omicron",
    "pi",
    "rho",
    "sigma",
    "tau",
    "upsilon",
    "phi",
    "chi",
    "psi",
    "omega",
]
GREEK = dict(zip(_LETTERS, "αβγδεζηθικλμνξοπρστυφχψω", strict=True))
GREEK |= {name.capitalize(): letter.upper() for name, letter in GREEK.items()}


def _rounded(size: float, towards: Callable[[float], int]) -> float:
    exponent = math.floor(math.log10(size))
    return float(f"{towards(round(size / 10.0**exponent, 9))}e{exponent}")


def _rgb(at: float) -> tuple[int, ...]:
    place = at * (len(COLORS) - 1)
    i = min(int(place), len(COLORS) - 2)
    return tuple(round(a + (b - a) * (place - i)) for a, b in zip(COLORS[i], COLORS[i + 1], strict=True))


def color(at: float) -> str:
    """The colour at 0 ... 1 of the scale."""
    return "#{:02x}{:02x}{:02x}".format(*_rgb(at))


def readable_on(at: float) -> str:
    """Black or white, whichever can be read on `color` (relative luminance, ITU-R BT.709)."""
    red, green, blue = _rgb(at)
    return "black" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 120 else "white"


def legend(
    graph: graphviz.Digraph, scale: Scale, title: str, right: float, top: float, nonfinite: bool = False
) -> None:
    """Draw the scale with its ends and middle, and what grey means, into a pinned graph; corner in points.

    With ``nonfinite`` it says what violet means too: of use in a picture that shows any.
    """
    cells, width, height = 12, 15.0, 11.0
    left = right - cells * width
    text(graph, "legend_title", title, left + cells * width / 2, top)
    for i in range(cells):
        at = (i + 0.5) / cells
        box = {"shape": "box", "style": "filled", "fillcolor": color(at), "color": color(at), "penwidth": "0.5"}
        pin(graph, f"legend_{i}", "", left + (i + 0.5) * width, top - 16, width=width, height=height, **box)
    middle = math.sqrt(scale.low) * math.sqrt(scale.high)
    for name, size, x in (("low", scale.low, 0.0), ("middle", middle, 0.5), ("high", scale.high, 1.0)):
        text(graph, f"legend_{name}", number(size), left + x * cells * width, top - 32, size=10)
    text(graph, "legend_zero", ZERO_MEANS, left + cells * width / 2, top - 48, size=10)
    if nonfinite:
        where = left + cells * width / 2, top - 64
        text(graph, "legend_nonfinite", NONFINITE_MEANS, *where, size=10, fontcolor=NONFINITE)


def key(graph: graphviz.Digraph, scale: Scale, title: str, zero: bool = False, nonfinite: bool = False) -> None:
    """Draw the scale with its ends into a graph that ``dot`` is going to lay out.

    It is a node striped in the colours, inside two frames without lines that hold the words above and below it: no
    HTML, which not every Graphviz draws.
    """
    notes = ", log scale" + f"\\n{ZERO_MEANS}" * zero + f"\\n{NONFINITE_MEANS}" * nonfinite
    stripes = ":".join(color((i + 0.5) / STRIPES) for i in range(STRIPES))
    low, high = number(scale.low), number(scale.high)
    # Figures are as wide as two spaces in the fonts that look like Arial: so many put the ends below the bar's ends.
    gap = NO_BREAK * max(2, round(2 * (BAR / 5 - len(low) - len(high))))
    frame = {"style": "", "color": "none", "fontcolor": INK, "fontname": FONT, "margin": "2"}
    with graph.subgraph(name="cluster_key") as outer:
        outer.attr(label=graphviz.nohtml(printed(title) + notes), tooltip="legend", fontsize="10", **frame)
        with outer.subgraph(name="cluster_key_bar") as inner:
            inner.attr(label=f"{low}{gap}{high}", labelloc="b", tooltip="legend", fontsize="9", **frame)
            size = {"width": f"{BAR / 72:.2f}", "height": "0.12", "fixedsize": "true", "penwidth": "0"}
            look = {"shape": "box", "style": "striped", "fillcolor": stripes, "tooltip": f"{low} … {high}"}
            inner.node("key", "", id="key", **size, **look)


def text(
    graph: graphviz.Digraph, name: str, label: str, x: float, y: float, size: float = 11, **attributes: str
) -> None:
    """A label without a frame, centred at (x, y) points of a pinned graph."""
    style = {"shape": "plaintext", "style": "", "fontsize": f"{size:g}", "fontcolor": INK, **attributes}
    pin(graph, name, label, x, y, width=6.2 * max(letters(label), 2) * size / 11, height=size + 4, **style)


def letters(label: str) -> float:
    """How long words are, in letters; an arrow before a name is longer than one."""
    return len(label) + 0.7 * len(re.findall(r"[→←](?=\w)", label))


def breadth(label: str) -> float:
    """How wide the longest line of a label is in Arial, in units of the font's size, or a little more."""
    return max(sum(map(_breadth, line)) for line in label.split("\n"))


def _breadth(letter: str) -> float:
    if unicodedata.combining(letter):
        return 0.0
    if unicodedata.decomposition(letter).startswith(("<sup", "<sub")):
        return 0.4
    if letter in "ijl.,:;'|!If()[]/tr- ":
        return 0.35
    if letter in "MWmw%@…" or unicodedata.east_asian_width(letter) in "WF" or unicodedata.category(letter) == "Sm":
        return 1.02
    return 0.8 if letter.isupper() else 0.6


def pin(
    graph: graphviz.Digraph, name: str, label: str, x: float, y: float, width: float, height: float, **attributes: str
) -> None:
    """A node of fixed size at a fixed place; all lengths in points. A label may have several lines."""
    sizes = {"width": f"{width / 72:.3f}", "height": f"{height / 72:.3f}"}
    words = graphviz.nohtml(graphviz.escape(label).replace("\n", "\\n"))
    graph.node(name, words, pos=f"{x:.1f},{y:.1f}", **sizes, **attributes)


def number(size: float) -> str:
    """A size to one digit: 0.003, 100, 4e-12."""
    return f"{float(f'{size:.1g}'):g}".replace("e-0", "e-").replace("e+0", "e").replace("e+", "e")


def subscript(number: int) -> str:
    """A number in Unicode subscripts."""
    return str(number).translate(_DOWN)


def superscript(number: int) -> str:
    """A number in Unicode superscripts, in parentheses: ⁽¹²⁾."""
    return "⁽" + str(number).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")) + "⁾"


def pretty(name: str) -> str:
    """``h_12`` as h₁₂, ``W_hh`` as Wₕₕ, ``h_{t-1}`` as hₜ₋₁, ``alpha`` as α.

    Letters become subscripts where there are few of them, behind a name as short as a symbol's, and Unicode has them.
    """
    base, _, low = name.rpartition("_")
    if not base or not low:
        return greek(name)
    if low.isascii() and low.isdigit():
        return greek(base) + subscript(int(low)) if len(low) < 10 else name
    symbol, braced = greek(base), low[0] == "{" and low[-1] == "}"
    low = low[1:-1] if braced else low
    if braced or len(symbol) <= 2:
        if low and set(low) <= LOW.keys() and (braced or len(low) <= 3):
            return symbol + low.translate(_DOWN)
        if low in GREEK:
            return f"{symbol}_{GREEK[low]}"
    return name


def greek(name: str) -> str:
    """``alpha`` as α, ``Delta`` as Δ; other names stay."""
    return GREEK.get(name, name)


def clean(name: object) -> str:
    """A name that can be shown anywhere: without characters that end lines, strings or XML documents."""
    if str(name).isprintable():
        return str(name)
    return "".join(map(_cleaned, str(name)))


def _cleaned(character: str) -> str:
    if character.isprintable() or character in "\N{NO-BREAK SPACE}\N{ZERO WIDTH JOINER}":
        return character
    code = ord(character)
    return chr(0x2400 + code) if code < 0x20 else " " if character.isspace() else "\N{REPLACEMENT CHARACTER}"


def printed(*lines: str) -> str:
    """Lines of text as a label in DOT that shows exactly them: no escapes, entities or HTML. Tooltips are `hint`."""
    escaped = [clean(line).replace("\\", "\\\\").replace('"', '\\"').replace("&", "&amp;") for line in lines]
    return graphviz.nohtml("\\n".join(escaped))  # type: ignore[no-any-return]


def hint(*lines: str) -> str:
    """Lines of text as a tooltip in DOT: there Graphviz (2.43 as well as 14.1) reads escapes twice."""
    return printed(*(line.replace("\\", "\\\\") for line in lines))
