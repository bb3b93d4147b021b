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

TIMEOUT = 60.0
"""Seconds that Graphviz may take, unless told otherwise."""
MAX_SIDE = 32_767
"""Pixels a side of the largest PNG: beyond, Graphviz silently shrinks the picture until nothing can be read."""
MAX_PIXELS = 100_000_000
"""Pixels of the largest PNG: 400 MB while it is being painted."""

_PICTURES = (".svg", ".png", ".pdf")
_SOURCES = (".dot", ".gv")
_BITMAPS = ("png", "jpg", "jpeg", "jpe", "gif")
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


def picture(source: str, format: str, layout: str = "dot", timeout: float | None = TIMEOUT) -> bytes:
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
        _check_size(_run(tool, source, "svg", layout, timeout), tool, format)
    return _run(tool, source, format, layout, timeout)


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


def _check_size(svg: bytes, tool: Graphviz, format: str) -> None:
    """Refuse a bitmap that would be too large, from the size of the same picture in points."""
    size = _SVG_SIZE.search(svg)
    if size is None:
        raise GraphvizError(f"{tool.name} gave an SVG without a size: is it Graphviz's dot?")
    # 96 pixels an inch. (In a graph that sets dpi, the "points" are pixels already: it counts as a third too large.)
    width, height = (float(points) * 96 / 72 for points in size.groups())
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise ValueError(
            f"a {format.upper()} of {width:.0f} x {height:.0f} pixels was asked for; at most {MAX_SIDE:,} a side and"
            f" {MAX_PIXELS:,} in all are drawn: render to .svg, which has no such limit"
        )


class Digraph(graphviz.Digraph):  # type: ignore[misc]  # the package has no types
    """A directed graph in the DOT language that draws itself with the Graphviz of `find_graphviz`.

    It is built like any `graphviz.Digraph`, and shows itself in a notebook.
    """

    def render(
        self, outfile: str | os.PathLike[str], format: str | None = None, *, timeout: float | None = TIMEOUT
    ) -> Path:
        """Write the picture, or the DOT text, to a file, whole or not at all.

        Parameters
        ----------
        outfile : path-like
            Where to. Its suffix tells the format: ``.svg``, ``.png``, ``.pdf``; ``.dot`` or ``.gv`` for the DOT text,
            which needs no Graphviz.
        format : str, optional
            ``render("rnn", "svg")`` is ``render("rnn.svg")``.
        timeout : float or None
            Seconds that one call of Graphviz may take; None for any time.

        Returns
        -------
        Path
            The file that was written.

        Raises
        ------
        ValueError
            If the suffix is another one, or a PNG would be too large (see `picture`).
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
        if suffix in _SOURCES:
            return self.save(path)
        if suffix not in _PICTURES:
            known = " ".join(_PICTURES + _SOURCES)
            raise ValueError(f"{str(path)!r} has the suffix {suffix!r}, which is none that can be drawn: use {known}")
        try:
            with writing(path, "wb") as file:
                file.write(picture(self.source, suffix[1:], self.engine, timeout))
        except NoGraphvizError as error:
            raise NoGraphvizError(f"{error}; the DOT text is now in {self.save(path.with_suffix('.dot'))}") from None
        return path

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
        path = Path(self.filepath if filename is None else filename)
        with writing(path) as file:
            file.write(self.source)
        return path

    def view(self) -> Path:
        """Draw into a temporary file, and open that with whatever this machine shows SVG with."""
        path = self.render(Path(tempfile.mkdtemp(prefix="minigrad-"), "graph.svg"))
        graphviz.view(path)
        return path
