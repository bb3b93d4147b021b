"""A picture as LaTeX: TikZ that can be compiled as it is, and edited.

What Graphviz has laid out (its ``json0``: places, sizes and curves) becomes nodes with names, arrows between them and
one table of colours. Names are mathematics: h₃ is ``$h_{3}$``, ỹ is ``$\\tilde{y}$``. Lengths are in bp, Graphviz's
points.
"""

from __future__ import annotations

import html
import json
import re
import unicodedata
from collections.abc import Iterator
from itertools import pairwise
from math import dist
from typing import Any

Point = tuple[float, float]

SIGNS = {
    "…": r"\dots", "×": r"\times", "÷": r"\div", "−": "-", "∂": r"\partial", "≥": r"\geq", "≤": r"\leq", "‖": r"\|",
    "→": r"\to", "←": r"\gets", "∞": r"\infty", "·": r"\cdot", "↑": r"\uparrow", "≠": r"\neq", "±": r"\pm",
}  # fmt: skip
"""What is mathematics wherever it stands."""
ESCAPES = {
    **{sign: f"\\{sign}" for sign in "#$%&_{}"},
    "\\": r"\textbackslash{}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": "$<$", ">": "$>$",
    "|": "$|$", '"': "''", "\N{NO-BREAK SPACE}": "~",
}  # fmt: skip
ACCENTS = {"\u0303": r"\tilde", "\u0302": r"\hat", "\u0304": r"\bar", "\u0307": r"\dot", "\u0308": r"\ddot"}
TRANSPOSED = r"\top"
HEAD, BROAD = 10.0, 7.0  # an arrowhead of size 1
SAMPLES = 12  # of a piece of a curve that is drawn in several colours

_PREAMBLE = r"""\RequirePackage{fix-cm}
\documentclass[tikz]{standalone}
\usetikzlibrary{arrows.meta}
\pgfdeclarelayer{boxes}
\pgfdeclarelayer{lines}
\pgfsetlayers{boxes,lines,main}
"""


# -- words ------------------------------------------------------------------------------------------------------------


def tex(words: str) -> str:
    """Words as LaTeX writes them: names of one letter, signs and what stands above or below the line in mathematics."""
    return "".join(map(_word, re.split(r"([\s,;:()\[\]/@=+]+)", words)))


def _word(word: str) -> str:
    scripts = [(letter, unicodedata.decomposition(letter).split(" ")) for letter in word]
    marked = [(parts[0], chr(int(parts[1], 16))) for _, parts in scripts if parts[0] in ("<sub>", "<super>")]
    name = "".join(letter for letter, parts in scripts if parts[0] not in ("<sub>", "<super>"))
    plain = unicodedata.normalize("NFD", name)
    letters = [letter for letter in plain if letter.isalpha()]
    rest = [
        letter
        for letter in plain
        if not (letter.isalpha() or letter.isdecimal() or letter in ACCENTS or letter in "←→")
    ]
    if not marked and not (len(letters) == 1 and not rest):
        return "".join(map(_letter, word))
    found: list[str] = []
    for letter in plain:
        if letter in ACCENTS and found:
            found[-1] = f"{ACCENTS[letter]}{{{found[-1]}}}"
        else:
            found.append(_symbol(letter))
    body = "".join(found)
    math = rf"\mathrm{{{body}}}" if len(letters) > 1 else body or "{}"
    for kind, sign in (("<sub>", "_"), ("<super>", "^")):
        if inside := "".join(letter for which, letter in marked if which == kind):
            math += (
                sign + "{" + (TRANSPOSED if (kind, inside) == ("<super>", "T") else "".join(map(_symbol, inside))) + "}"
            )
    return f"${math}$"


def _symbol(letter: str) -> str:
    """A letter or sign within mathematics."""
    if letter in SIGNS:
        return SIGNS[letter] + " "
    if greek := _greek(letter):
        return greek + " "
    return letter if letter.isascii() and (letter.isalnum() or letter in "()+-=.") else rf"\mbox{{{_letter(letter)}}}"


def _letter(letter: str) -> str:
    """A letter or sign among words; of what LaTeX's fonts have not, the number."""
    if letter in ESCAPES:
        return ESCAPES[letter]
    if letter in SIGNS or _greek(letter):
        return f"${SIGNS.get(letter) or _greek(letter)}$"
    return letter if letter.isascii() or 0xC0 <= ord(letter) <= 0xFF else f"[{ord(letter):X}]"


def _greek(letter: str) -> str:
    found = re.fullmatch(r"GREEK (SMALL|CAPITAL) LETTER ([A-Z]+)", unicodedata.name(letter, ""))
    if found is None or found[2] in ("OMICRON", "SAN", "SHO", "HETA", "DIGAMMA", "KOPPA", "SAMPI", "STIGMA", "YOT"):
        return ""
    name = {"LAMDA": "lambda"}.get(found[2], found[2].lower())
    if found[1] == "SMALL":
        return f"\\{name}"
    latin = {"alpha": "A", "beta": "B", "epsilon": "E", "zeta": "Z", "eta": "H", "iota": "I", "kappa": "K", "mu": "M"}
    latin |= {"nu": "N", "rho": "P", "tau": "T", "chi": "X"}
    return rf"\mathrm{{{latin[name]}}}" if name in latin else f"\\{name.capitalize()}"


# -- the picture ------------------------------------------------------------------------------------------------------


def tikz(laid_out: bytes) -> str:
    """A LaTeX document of what Graphviz laid out, as ``json0`` tells it."""
    return _Page(json.loads(laid_out)).written()


class _Page:
    """A picture on its way to LaTeX."""

    def __init__(self, graph: dict[str, Any]) -> None:
        self.graph, self.colors, self.names = graph, dict[str, str](), dict[int, str]()
        viewport = [float(each) for each in graph.get("viewport", "").split(",") if each]
        self.scale = viewport[2] if len(viewport) > 2 else 1.0
        left, low, right, high = self.numbers(graph["bb"])
        half = [(viewport[i] if viewport else side) / 2 for i, side in enumerate((right - left, high - low))]
        middle = (left + right) / 2, (low + high) / 2
        self.frame = middle[0] - half[0], middle[1] - half[1], middle[0] + half[0], middle[1] + half[1]

    def numbers(self, text: str) -> list[float]:
        """Lengths as they are on paper."""
        return [float(each) * self.scale for each in text.split(",")]

    def written(self) -> str:
        """The whole document."""
        objects = self.graph.get("objects", [])
        boxes = [each for each in objects if "bb" in each and each.get("color") != "none"]
        boxes_of_words = [each for each in objects if "bb" in each]
        nodes = [each for each in objects if "pos" in each and "invis" not in each.get("style", "")]
        for node in nodes:
            safe = re.sub(r"[^A-Za-z0-9 _-]", "-", node["name"])
            self.names[node["_gvid"]] = safe if safe not in self.names.values() else f"{safe}-{node['_gvid']}"
        self.places = {node["_gvid"]: self.numbers(node["pos"]) for node in nodes}
        body = [line for node in nodes for line in self._node(node)]
        body += [line for each in boxes_of_words for line in self._title(each)]
        lines = [line for edge in self.graph.get("edges", []) for line in self._edge(edge)]
        frames = [line for box in boxes for line in self._frame(box)]
        left, low, right, high = self.frame
        colors = [rf"\definecolor{{{name}}}{{HTML}}{{{value[1:].upper()}}}" for value, name in self.colors.items()]
        return "\n".join(
            [
                f"{_PREAMBLE}{chr(10).join(colors)}",
                r"\begin{document}",
                r"\begin{tikzpicture}[x=1bp, y=1bp, line width=0.8bp, inner sep=0pt, align=center]",
                rf"\useasboundingbox ({left:.2f},{low:.2f}) rectangle ({right:.2f},{high:.2f});",
                *body,
                *(r"\begin{pgfonlayer}{boxes}", *frames, r"\end{pgfonlayer}"),
                *(r"\begin{pgfonlayer}{lines}", *lines, r"\end{pgfonlayer}"),
                r"\end{tikzpicture}",
                r"\end{document}",
                "",
            ]
        )

    def color(self, value: str) -> str:
        """A colour by its name in the table."""
        value = {"transparent": "white", "lightgrey": "#d3d3d3"}.get(value, value)
        if not value.startswith("#"):
            return value
        return self.colors.setdefault(value[:7].lower(), f"g{len(self.colors) + 1}")

    def _shares(self, colors: str) -> list[tuple[str, float]]:
        """A list of colours with their fractions; those without share what is left."""
        parts = [part.partition(";") for part in colors.split(":")]
        given = [float(share) for _, _, share in parts if share]
        rest = max(1.0 - sum(given), 0.0) / max(len(parts) - len(given), 1)
        return [(self.color(color), float(share) if share else rest) for color, _, share in parts]

    def _font(self, size: object) -> str:
        points = float(str(size)) * self.scale
        return rf"font=\fontsize{{{points:.1f}bp}}{{{1.2 * points:.1f}bp}}\selectfont"

    def _words(self, each: dict[str, Any]) -> str:
        label = each.get("label", r"\N").replace(r"\N", each["name"])
        lines = re.split(r"\\[nlr]", label.replace(r"\\", "\\\N{NULL}"))
        return r" \\ ".join(tex(html.unescape(line.replace("\N{NULL}", ""))) for line in lines if line)

    def _stroke(self, each: dict[str, Any]) -> list[str]:
        style = each.get("style", "")
        found = [look for look in ("dashed", "dotted") if look in style]
        width = float(each.get("penwidth", 1))
        return [*found, f"line width={width * self.scale:.2f}bp"]

    def _node(self, node: dict[str, Any]) -> Iterator[str]:
        shape, style, name = node.get("shape", "ellipse"), node.get("style", ""), self.names[node["_gvid"]]
        (x, y), (width, height) = (
            self.places[node["_gvid"]],
            (72 * self.scale * float(node[s]) for s in ("width", "height")),
        )
        fill, looks = node.get("fillcolor", ""), [self._font(node.get("fontsize", 14))]
        if color := node.get("fontcolor"):
            looks.append(f"text={self.color(color)}")
        round_ = shape in ("circle", "doublecircle", "ellipse", "point")
        if ("wedged" in style or "striped" in style) and ":" in fill:
            yield from self._parts(fill, x, y, width, height, round_)
            fill = ""
        if shape == "plaintext":
            looks += [f"fill={self.color(fill)}"] if "filled" in style and fill else []
        else:
            looks += [
                "circle" if round_ else "rectangle",
                f"minimum width={width:.1f}bp",
                f"minimum height={height:.1f}bp",
            ]
            looks += ["rounded corners=3bp"] if "rounded" in style and not round_ else []
            looks += [f"fill={self.color(fill or 'black')}"] if "filled" in style or shape == "point" else []
            if float(node.get("penwidth", 1)):
                looks += [f"draw={self.color(node.get('color', 'black'))}", *self._stroke(node)]
            twice = shape == "doublecircle" or str(node.get("peripheries")) == "2"
            looks += [f"double distance={3 * self.scale:.1f}bp"] if twice else []
        yield rf"\node[{', '.join(looks)}] ({name}) at ({x:.1f},{y:.1f}) {{{self._words(node)}}};"

    def _parts(self, fill: str, x: float, y: float, width: float, height: float, round_: bool) -> Iterator[str]:
        """Wedges of a pie, or stripes."""
        start = 0.0
        for color, share in self._shares(fill):
            a, b, r = 360 * start, 360 * (start + share), width / 2
            if round_:
                yield rf"\fill[{color}] ({x:.1f},{y:.1f}) -- +({a:.1f}:{r:.1f}) arc ({a:.1f}:{b:.1f}:{r:.1f}) -- cycle;"
            else:
                left, low = x + width * (start - 0.5), y - height / 2
                corner = f"({left + width * share:.1f},{low + height:.1f})"
                yield rf"\fill[{color}] ({left:.1f},{low:.1f}) rectangle {corner};"
            start += share

    def _frame(self, box: dict[str, Any]) -> Iterator[str]:
        left, low, right, high = self.numbers(box["bb"])
        looks = ["rounded corners=6bp"] if "rounded" in box.get("style", "") else []
        looks += [f"fill={self.color(box.get('fillcolor', 'lightgrey'))}"] if "filled" in box.get("style", "") else []
        looks += [f"draw={self.color(box.get('color', 'black'))}"]
        yield rf"\path[{', '.join(looks)}] ({left:.1f},{low:.1f}) rectangle ({right:.1f},{high:.1f});"

    def _title(self, box: dict[str, Any]) -> Iterator[str]:
        if box.get("label") and "lp" in box:
            x, y = self.numbers(box["lp"])
            look = f"{self._font(box.get('fontsize', 14))}, text={self.color(box.get('fontcolor', 'black'))}"
            yield rf"\node[{look}] at ({x:.1f},{y:.1f}) {{{self._words(box)}}};"

    # -- lines --------------------------------------------------------------------------------------------------------

    def _edge(self, edge: dict[str, Any]) -> Iterator[str]:
        if "invis" in edge.get("style", "") or "pos" not in edge:
            return
        tip, points = None, list[Point]()
        for part in edge["pos"].split():
            x, y = self.numbers(part.removeprefix("e,").removeprefix("s,"))
            if part.startswith("e,"):
                tip = x, y
            elif not part.startswith("s,"):
                points.append((x, y))
        looks = self._stroke(edge)
        size = float(edge.get("arrowsize", 1)) * self.scale
        head = f"-{{Triangle[length={HEAD * size:.1f}bp, width={BROAD * size:.1f}bp]}}"
        if tip is None or edge.get("dir") == "none":
            head = ""
        color = edge.get("color", "black")
        if ":" in color:
            yield from self._bar(color, [*_sampled(points), *([tip] if tip else [])], head, looks)
        else:
            path = self._straight(edge, points, tip) or _curve(points, tip)
            yield rf"\draw[{', '.join(filter(None, [head, self.color(color), *looks]))}] {path};"
        for words, where in (("label", "lp"), ("headlabel", "head_lp"), ("taillabel", "tail_lp")):
            if edge.get(words) and where in edge:
                x, y = self.numbers(edge[where])
                look = f"{self._font(edge.get('fontsize', 14))}, text={self.color(edge.get('fontcolor', 'black'))}"
                yield rf"\node[{look}] at ({x:.1f},{y:.1f}) {{{tex(html.unescape(edge[words]))}}};"

    def _straight(self, edge: dict[str, Any], points: list[Point], tip: Point | None) -> str:
        """From node to node, where that is the same: then it moves with them."""
        ends = [edge["tail"], edge["head"]]
        if tip is None or any(end not in self.places for end in ends):
            return ""
        a, b = (self.places[end] for end in ends)
        long = dist(a, b)
        if long < 1 or any(
            abs((b[0] - a[0]) * (y - a[1]) - (b[1] - a[1]) * (x - a[0])) > 0.5 * long for x, y in [*points, tip]
        ):
            return ""
        return f"({self.names[ends[0]]}) -- ({self.names[ends[1]]})"

    def _bar(self, color: str, points: list[Point], head: str, looks: list[str]) -> Iterator[str]:
        """A line in several colours, one after the other."""
        whole = sum(dist(a, b) for a, b in pairwise(points))
        shares, start = self._shares(color), 0.0
        for k, (name, share) in enumerate(shares):
            piece = _between(points, whole * start, whole * (start + share))
            look = [head if k == len(shares) - 1 else "", name, *looks]
            yield rf"\draw[{', '.join(filter(None, look))}] {' -- '.join(f'({x:.1f},{y:.1f})' for x, y in piece)};"
            start += share


def _curve(points: list[Point], tip: Point | None) -> str:
    written = [f"({x:.1f},{y:.1f})" for x, y in points]
    path = written[0]
    for k in range(1, len(written) - 2, 3):
        path += f" .. controls {written[k]} and {written[k + 1]} .. {written[k + 2]}"
    return path if tip is None else f"{path} -- ({tip[0]:.1f},{tip[1]:.1f})"


def _sampled(points: list[Point]) -> list[Point]:
    """Points along a Bézier curve."""
    found = points[:1]
    for k in range(0, len(points) - 3, 3):
        for i in range(1, SAMPLES + 1):
            t = i / SAMPLES
            weights = (1 - t) ** 3, 3 * (1 - t) ** 2 * t, 3 * (1 - t) * t**2, t**3
            x, y = (sum(w * p[axis] for w, p in zip(weights, points[k : k + 4], strict=True)) for axis in (0, 1))
            found.append((x, y))
    return found


def _between(points: list[Point], start: float, end: float) -> list[Point]:
    """A piece of a polyline, by the distance along it."""
    found, before = list[Point](), 0.0
    for a, b in pairwise(points):
        length = dist(a, b)
        for at in (start, end):
            if length and before <= at <= before + length + 1e-6:
                part = min((at - before) / length, 1.0)
                point = a[0] + (b[0] - a[0]) * part, a[1] + (b[1] - a[1]) * part
                if not found or dist(found[-1], point) > 1e-6:
                    found.append(point)
        if start < before + length < end and (not found or dist(found[-1], b) > 1e-6):
            found.append(b)
        before += length
    return found if len(found) > 1 else [*found, *found]
