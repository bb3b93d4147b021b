"""Which Graphviz draws: the user's own, the one inside pygraphviz, or none.

Everything above this file writes DOT text; here it becomes a picture. A `Digraph` is what `minigrad.rnn.draw` returns:
the class of the ``graphviz`` package, with its own ways out (`Digraph.render`, `Digraph.pipe`, display in notebooks).

Every Graphviz is a *command* that reads DOT from its standard input and writes a picture to its standard output, as
Graphviz's ``dot`` does. From pygraphviz, a library, such a command is made by a small Python process. That costs a
tenth of a second, and buys what a library call cannot give: a layout that hangs is killed, one that crashes does not
take the notebook along, what Graphviz prints can be shown, and Ctrl-C works.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import graphviz  # type: ignore[import-untyped]

from minigrad.files import writing
from minigrad.pictures.paper import dots, in_font, scaled, width_of, with_attributes

TIMEOUT = 60.0
"""Seconds that Graphviz may take, unless told otherwise."""
MAX_SIDE = 32_767
"""Pixels a side of the largest PNG: beyond, Graphviz silently shrinks the picture until nothing can be read."""
MAX_PIXELS = 100_000_000
"""Pixels of the largest PNG: 400 MB while it is being painted."""

_PICTURES = (".svg", ".png", ".pdf", ".eps")
_SOURCES = (".dot", ".gv")
_BITMAPS = ("png", "jpg", "jpeg", "jpe", "gif")
_DRIVERS = {"eps": "eps:cairo"}  # Graphviz's own PostScript embeds no fonts and knows no ₁
_ERROR = re.compile(r"^Error: ", re.MULTILINE)
_SVG_SIZE = re.compile(rb'<svg width="([\d.]+)pt" height="([\d.]+)pt"')

# The first graph in which a label is set decides, for the life of the process, that nodes without one stay empty; after
# a graph without labels they get their names, as they should. -K and -T are those of `dot`.
_DOT_FROM_PYGRAPHVIZ = """
import sys
try:
    from pygraphviz import AGraph
    AGraph(string="digraph {}").draw(format="svg", prog="dot")
    layout, format = (option[2:] for option in sys.argv[1:])
    graph = AGraph(string=sys.stdin.buffer.read().decode("utf-8"))
    sys.stdout.buffer.write(graph.draw(format=format, prog=layout))
except Exception as error:
    sys.exit(f"{type(error).__name__}: {error}")
"""


class NoGraphvizError(RuntimeError):
    """There is no Graphviz on this machine, or not where ``MINIGRAD_DOT`` says."""


class GraphvizError(RuntimeError):
    """Graphviz was called, and failed, crashed or did not come to an end."""


class Graphviz(NamedTuple):
    """A Graphviz: what it is called in messages, and the command that behaves like ``dot``."""

    name: str
    command: tuple[str, ...]


def find_graphviz() -> Graphviz:
    """The Graphviz that draws on this machine.

    In this order: the executable that the environment variable ``MINIGRAD_DOT`` names, ``dot`` on the ``PATH``, the
    Graphviz inside pygraphviz.

    Raises
    ------
    NoGraphvizError
        If there is none, or ``MINIGRAD_DOT`` names something that cannot be executed.
    """
    if wanted := os.environ.get("MINIGRAD_DOT"):
        if found := shutil.which(wanted):
            return Graphviz(found, (found,))
        problem = "is not executable" if os.path.exists(wanted) else "does not exist"
        raise NoGraphvizError(
            f"MINIGRAD_DOT names {wanted!r}, which {problem}: let it name Graphviz's dot, or unset it, and the PATH is"
            " searched"
        )
    if found := shutil.which("dot"):
        return Graphviz(found, (found,))
    if find_spec("pygraphviz"):
        # -P: a file of the user's called random.py, in the current folder, is not to be imported instead of Python's.
        return Graphviz("pygraphviz", (sys.executable, "-P", "-c", _DOT_FROM_PYGRAPHVIZ))
    raise NoGraphvizError(
        "there is no Graphviz to draw with: install Graphviz (https://graphviz.org/download),"
        ' run pip install ".[dot]" in a clone of minigrad, or open the .dot file, which render("graph.dot") writes,'
        " elsewhere"
    )


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
    tool = find_graphviz()
    if format.lower() in _BITMAPS:
        svg = _run(tool, source, "svg", layout, timeout)
        width, height = (points * (dpi or 96) / 72 for points in _size(svg, tool))
        if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
            raise ValueError(
                f"a {format.upper()} of {width:.0f} x {height:.0f} pixels was asked for; at most {MAX_SIDE:,} a side"
                f" and {MAX_PIXELS:,} in all are drawn: render to .svg, which has no such limit"
            )
    if dpi:
        source = with_attributes(source, dpi=f"{dpi:g}")
    return _run(tool, source, _DRIVERS.get(format.lower(), format), layout, timeout)


def _run(tool: Graphviz, source: str, format: str, layout: str, timeout: float | None) -> bytes:
    command = [*tool.command, f"-K{layout}", f"-T{format}"]
    try:
        done = subprocess.run(command, input=source.encode("utf-8"), capture_output=True, timeout=timeout)
    except subprocess.TimeoutExpired:
        raise GraphvizError(
            f"{tool.name} was stopped after {timeout:g} s without a picture of {len(source):,} characters of DOT:"
            " draw less, or allow more with timeout="
        ) from None
    except OSError as error:
        raise GraphvizError(f"{tool.name} could not be started ({error.strerror}): is it Graphviz's dot?") from error
    said = done.stderr.decode("utf-8", "replace").strip()
    # The library goes on after some errors, such as a pinned node without a position, and leaves out half the picture.
    if done.returncode != 0 or not done.stdout or _ERROR.search(said):
        end = f"crashed (signal {-done.returncode})" if done.returncode < 0 else f"failed (exit {done.returncode})"
        lines = said.splitlines()[:5] or ["(it said nothing)"]
        raise GraphvizError(f"{tool.name} {end} on drawing {format}; it said:\n" + "\n".join(lines))
    return done.stdout


def _size(svg: bytes, tool: Graphviz) -> tuple[float, float]:
    """Width and height of an SVG in points.

    In a graph that sets dpi, these "points" are pixels already: its bitmap counts as a third too large.
    """
    size = _SVG_SIZE.search(svg)
    if size is None:
        raise GraphvizError(f"{tool.name} gave an SVG without a size: is it Graphviz's dot?")
    return float(size[1]), float(size[2])


class Digraph(graphviz.Digraph):  # type: ignore[misc]  # the package has no types
    """A directed graph in the DOT language that draws itself with the Graphviz of `find_graphviz`.

    It is built like any `graphviz.Digraph`, and shows itself in a notebook.
    """

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
            Where to. Its suffix tells the format: ``.svg``, ``.png``, ``.pdf``, ``.eps``; ``.dot`` or ``.gv`` for the
            DOT text, which needs no Graphviz.
        format : str, optional
            ``render("rnn", "svg")`` is ``render("rnn.svg")``.
        width : str, optional
            How wide the picture shall be in print, see `for_width`; by default as wide as it is.
        font : str, optional
            What its words are set in, of the fonts of this machine: ``"Helvetica"``. PDF and EPS embed it.
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
        dpi = dots(dpi, suffix, None if width is None else width_of(width))
        graph = self if width is None else self.for_width(width, timeout=timeout)
        source = graph.source if font is None else in_font(graph.source, font)
        if suffix in _SOURCES:
            return _saved(source, path)
        try:
            with writing(path, "wb") as file:
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
        tool = find_graphviz()
        svg = _run(tool, self.source, "svg", self.engine, timeout)
        graph: Digraph = self.copy()
        graph.attr(**scaled(svg.decode("utf-8"), _size(svg, tool), wanted))
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
        drawn = picture(self.source, format or self.format, engine or self.engine, timeout)
        return drawn if encoding is None else drawn.decode(encoding)

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
