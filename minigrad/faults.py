"""What went wrong in code that is not ours, in one sentence that begins with its file and line.

The exit status of ``minigrad check`` is an answer about a gradient: 0 is right, 1 is wrong. But for an exception that
nobody catches Python's own status is 1 as well, and for ``sys.exit()`` it is 0. So whatever a user's module or function
raises is caught where it is called, or it would be taken for an answer.
"""

from __future__ import annotations

import importlib
import inspect
import os
import sysconfig
import textwrap
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

EXTRAS = {"distributed": "distributed", "hypothesis": "testing", "matplotlib": "plot", "pygraphviz": "dot"}
"""Which extra brings a module that a command, or a user's module, may miss."""
OURS = (*(os.path.join(Path(file).parent, "") for file in (__file__, importlib.__file__)), "<")  # <frozen importlib>
INSTALLED = tuple(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib"))
LONGEST = 400  # characters of somebody else's message that are shown


class Fault(Exception):
    """What went wrong in the user's code; the message is the sentence."""


@contextmanager
def told(happening: str, subject: str, of: Callable[..., Any] | None = None) -> Iterator[None]:
    """Everything that is raised in here becomes a `Fault`, ``sys.exit()`` too; only Ctrl-C stays what it is.

    Parameters
    ----------
    happening : str
        When it happened: "when mine was imported".
    subject : str
        What to name where no line can be blamed: C code has none.
    of : callable, optional
        The function that is called: where it stands is said if the error is about what it gave back.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        where = _line(error) or _definition(of) or subject
        raise Fault(f"{where}, {happening}: {_what(error)}") from None


def missing(error: ModuleNotFoundError) -> str:
    """Which module is needed, and how one gets it."""
    if error.name is None:
        return _what_it_says(error)
    extra = EXTRAS.get(str(error.name).partition(".")[0])
    how = f': run pip install ".[{extra}]" in a clone of minigrad' if extra else ", which is not installed"
    return f"this needs {error.name}{how}"


def _what(error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError):
        return missing(error)
    if isinstance(error, SystemExit):
        return f"sys.exit({_what_it_says(error)}) was called: put what a script does below if __name__ == '__main__'"
    return f"{type(error).__name__}: {_what_it_says(error)}".removesuffix(": ")


def _what_it_says(error: BaseException) -> str:
    """The message in one line, not longer than one reads."""
    try:
        message = error.msg or "" if isinstance(error, SyntaxError) else str(error)
        said = "; ".join([message, *getattr(error, "__notes__", ())])
    except Exception:  # it is the user's, and may be unable to say anything
        return ""
    return textwrap.shorten(said, LONGEST, placeholder=" ...")


def _line(error: BaseException) -> str | None:
    """Where it was raised: the innermost line of the user's own, or else of a library's that is not this one."""
    if isinstance(error, SyntaxError) and isinstance(error.filename, str) and Path(error.filename).is_file():
        return _written(error.filename, error.lineno)
    places = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    theirs = [place for place in places if not place[0].startswith(OURS)]
    own = [place for place in theirs if not place[0].startswith(INSTALLED)]
    return _written(*(own or theirs)[-1]) if theirs else None


def _definition(f: Any) -> str | None:
    """Where a function, or a class, begins."""
    try:
        return _written(inspect.getfile(f), inspect.getsourcelines(f)[1])
    except (TypeError, OSError):  # written in C, or not in a file
        return None


def _written(file: str, line: int | None) -> str:
    """As editors and terminals know it, with the whole path: the user's code may have changed the folder since."""
    return f"{os.path.abspath(file)}:{line or 1}"
