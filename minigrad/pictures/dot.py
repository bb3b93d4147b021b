"""DOT text becomes a picture: a file, bytes, or what a notebook shows.

A `Digraph` is what `minigrad.rnn.draw` returns: the class of the ``graphviz`` package, with its own ways out
(`Digraph.render`, `Digraph.pipe`, display in notebooks). Which Graphviz draws is told by `finding`.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

import graphviz  # type: ignore[import-untyped]

from minigrad.files import writing
from minigrad.pictures.embedded import embedded, sentence
from minigrad.pictures.finding import GraphvizError, NoGraphvizError, drawn
from minigrad.pictures.paper import dots, in_font, scaled, width_of, with_attributes
from minigrad.pictures.tikz import tikz

TIMEOUT = 60.0
"""Seconds that Graphviz may take, unless told otherwise."""
MAX_SIDE = 32_767
"""Pixels a side of the largest PNG: beyond, Graphviz silently shrinks the picture until nothing can be read."""
MAX_PIXELS = 100_000_000
"""Pixels of the largest PNG: 400 MB while it is being painted."""

_PICTURES = (".svg", ".png", ".pdf", ".eps", ".tex")
_SOURCES = (".dot", ".gv")
_BITMAPS = ("png", "jpg", "jpeg", "jpe", "gif")
_DRIVERS = {"eps": "eps:cairo"}  # Graphviz's own PostScript embeds no fonts and knows no ₁
_SVG, _BITMAP_TYPES = "image/svg+xml", {"image/png": "png", "image/jpeg": "jpeg"}
_SVG_SIZE = re.compile(rb'<svg width="([\d.]+)pt" height="([\d.]+)pt"')


def picture(
    source: str, format: str, layout: str = "dot", timeout: float | None = TIMEOUT, dpi: float | None = None
) -> bytes:
    """Draw DOT text.

    Parameters
    ----------
    source : str
        A graph in the DOT language. Its own attribute ``layout``, if it has one, goes before the argument: with
        ``layout=nop`` the nodes stay where their ``pos`` says.
    format : str
        ``"svg"``, ``"png"``, ``"pdf"`` or another one that it knows.
    layout : str
        ``"dot"``, ``"neato"`` or another one that it knows.
    timeout : float or None
        Seconds that one call of Graphviz may take; None for any time.
    dpi : float, optional
        Of a bitmap: dots an inch; 96 by default.

    Returns
    -------
    bytes
        The picture, as the contents of a file.

    Raises
    ------
    NoGraphvizError
        See `find_graphviz`.
    GraphvizError
        If Graphviz fails, crashes or takes too long; it shows what Graphviz said.
    ValueError
        If a bitmap would have more than `MAX_SIDE` pixels on a side or `MAX_PIXELS` in all.
    """
    if format.lower() in _BITMAPS:
        svg = drawn(source, "svg", layout, timeout)
        width, height = (points * (dpi or 96) / 72 for points in _size(svg))
        if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
            raise ValueError(
                f"a {format.upper()} of {width:.0f} x {height:.0f} pixels was asked for; at most {MAX_SIDE:,} a side"
                f" and {MAX_PIXELS:,} in all are drawn: render to .svg, which has no such limit"
            )
    if dpi:
        source = with_attributes(source, dpi=f"{dpi:g}")
    return drawn(source, _DRIVERS.get(format.lower(), format), layout, timeout)


def _size(svg: bytes) -> tuple[float, float]:
    """Width and height of an SVG in points.

    In a graph that sets dpi, these "points" are pixels already: its bitmap counts as a third too large.
    """
    size = _SVG_SIZE.search(svg)
    if size is None:
        raise GraphvizError("Graphviz gave an SVG without a size")
    return float(size[1]), float(size[2])


class Digraph(graphviz.Digraph):  # type: ignore[misc]  # the package has no types
    """A directed graph in the DOT language that draws itself with the Graphviz of `find_graphviz`.

    It is built like any `graphviz.Digraph`, and shows itself in a notebook.

    Attributes
    ----------
    title, alt : str
        What it is called, and what is to be seen, in words: on a page, for those who do not see it.
    """

    title = "graph"
    alt = "a graph"

    def render(
        self,
        outfile: str | os.PathLike[str],
        format: str | None = None,
        *,
        width: str | None = None,
        font: str | None = None,
        dpi: float | None = None,
        timeout: float | None = TIMEOUT,
    ) -> Path:
        """Write the picture, or the DOT text, to a file, whole or not at all.

        Parameters
        ----------
        outfile : path-like
            Where to. Its suffix tells the format: ``.svg``, ``.png``, ``.pdf``, ``.eps``; ``.tex`` for LaTeX that
            can be compiled and edited (TikZ); ``.dot`` or ``.gv`` for the DOT text, which needs no Graphviz.
        format : str, optional
            ``render("rnn", "svg")`` is ``render("rnn.svg")``.
        width : str, optional
            How wide the picture shall be in print, see `for_width`; by default as wide as it is.
        font : str, optional
            What its words are set in, of the fonts of this machine: ``"Helvetica"``. PDF and EPS embed it.
            LaTeX has its own.
        dpi : float, optional
            Dots an inch of a PNG: by default 96, and 300 if a width is told.
        timeout : float or None
            Seconds that one call of Graphviz may take; None for any time.

        Returns
        -------
        Path
            The file that was written.

        Raises
        ------
        ValueError
            If the suffix is another one, a PNG would be too large (see `picture`), dots are told of what has none, or
            the width is none, or too small for the text to be read.
        NoGraphvizError
            If there is no Graphviz. The DOT text is then written beside, with the suffix ``.dot``.
        GraphvizError
            If Graphviz fails, crashes or takes too long. Nothing is written then.
        OSError
            If the file cannot be written.
        """
        path = Path(outfile)
        if format is not None and path.suffix.lower() != f".{format.lower()}":
            path = path.with_name(f"{path.name}.{format}")
        suffix = path.suffix.lower()
        if suffix not in _PICTURES + _SOURCES:
            known = " ".join(_PICTURES + _SOURCES)
            raise ValueError(f"{str(path)!r} has the suffix {suffix!r}, which is none that can be drawn: use {known}")
        if font is not None and suffix == ".tex":
            raise ValueError(f"font={font!r} told of a .tex file, whose document chooses it: leave it")
        dpi = dots(dpi, suffix, None if width is None else width_of(width))
        graph = self if width is None else self.for_width(width, timeout=timeout)
        source = graph.source if font is None else in_font(graph.source, font)
        if suffix in _SOURCES:
            return _saved(source, path)
        try:
            with writing(path, "wb") as file:
                if suffix == ".tex":
                    file.write(tikz(picture(source, "json0", self.engine, timeout)).encode("utf-8"))
                else:
                    file.write(picture(source, suffix[1:], self.engine, timeout, dpi))
        except NoGraphvizError as error:
            raise NoGraphvizError(
                f"{error}; the DOT text is now in {_saved(source, path.with_suffix('.dot'))}"
            ) from None
        return path

    def for_width(self, width: str, *, timeout: float | None = TIMEOUT) -> Digraph:
        """The picture as wide as that in print, its text not below 7 points (14 on a slide).

        Parameters
        ----------
        width : str
            A length in in, cm, mm or pt, such as ``"3.4in"``; or ``"column"`` (3.4 in), ``"page"`` (7 in) or
            ``"slide"`` (12 in).
        timeout : float or None
            Seconds that one call of Graphviz may take; None for any time.

        Returns
        -------
        Digraph
            The same, shrunk. Of `minigrad.rnn.draw`, another one, laid out for that width.

        Raises
        ------
        ValueError
            If this is no width, or the text would be too small; it tells the least width.
        TypeError
            If the width has no unit.
        NoGraphvizError, GraphvizError
            See `picture`.
        """
        wanted = width_of(width)
        svg = drawn(self.source, "svg", self.engine, timeout)
        graph: Digraph = self.copy()
        graph.title, graph.alt = self.title, self.alt
        graph.attr(**scaled(svg.decode("utf-8"), _size(svg), wanted))
        return graph

    def pipe(
        self,
        format: str | None = None,
        *,
        engine: str | None = None,
        encoding: str | None = None,
        timeout: float | None = TIMEOUT,
    ) -> bytes | str:
        """The picture as bytes or, given an ``encoding``, as text; notebooks display what this returns.

        Parameters
        ----------
        format : str, optional
            ``"svg"``, ``"png"`` ...; by default the graph's own ``format``.
        engine : str, optional
            What the ``graphviz`` package calls so, the layout: ``"dot"``, ``"neato"`` ...; by default the graph's own.
        encoding : str, optional
            ``"utf-8"`` for SVG as text.
        timeout : float or None
            Seconds that one call of Graphviz may take; None for any time.

        Raises
        ------
        NoGraphvizError, GraphvizError, ValueError
            See `picture`.
        """
        shown = picture(self.source, format or self.format, engine or self.engine, timeout)
        return shown if encoding is None else shown.decode(encoding)

    def _repr_mimebundle_(
        self, include: Iterable[str] | None = None, exclude: Iterable[str] | None = None, **_: Any
    ) -> dict[str, bytes | str]:
        """What a notebook shows: the picture as part of the page, and as a file for those that show no HTML.

        If it cannot be drawn, a sentence says why.
        """
        wanted = {"text/html", _SVG} if include is None else set(include)
        wanted -= set(exclude or ())
        try:
            return self.bundle(wanted)
        except (NoGraphvizError, GraphvizError) as error:
            return {"text/html": sentence(error), "text/plain": str(error)}

    def bundle(self, wanted: Collection[str], timeout: float | None = TIMEOUT) -> dict[str, bytes | str]:
        """The picture by MIME type, of those that it has among ``wanted``; raises what `pipe` does."""
        made = {mime: self.pipe(format, timeout=timeout) for mime, format in _BITMAP_TYPES.items() if mime in wanted}
        if not {"text/html", _SVG}.isdisjoint(wanted):
            svg = str(self.pipe("svg", encoding="utf-8", timeout=timeout))
            made |= {_SVG: svg} if _SVG in wanted else {}
            made |= {"text/html": embedded(svg, self.title, self.alt)} if "text/html" in wanted else {}
        return made

    def save(self, filename: str | os.PathLike[str] | None = None) -> Path:
        """Write the DOT text to ``filename``, by default the graph's own `filepath`, whole or not at all."""
        return _saved(self.source, Path(self.filepath if filename is None else filename))

    def view(self) -> Path:
        """Draw into a temporary file, and open that with whatever this machine shows SVG with."""
        path = self.render(Path(tempfile.mkdtemp(prefix="minigrad-"), "graph.svg"))
        graphviz.view(path)
        return path


def _saved(source: str, path: Path) -> Path:
    with writing(path) as file:
        file.write(source)
    return path
