"""What the commands have in common: one sentence for what goes wrong, and how words become numbers and functions."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from minigrad.faults import Fault, missing, told
from minigrad.pictures.finding import GraphvizError, NoGraphvizError

if TYPE_CHECKING:  # the checker is imported by the commands that need it
    from minigrad.engine.tensor import Array
    from minigrad.testing.examples import Arguments, Domain


Cell = StrEnum("Cell", ["rnn", "feedback", "lstm", "gru", "mingru", "lru"])
"""The networks that the commands know: those of `minigrad.rnn.experiments`, which is imported when one is built."""


@contextmanager
def clear_errors() -> Iterator[None]:
    """What is wrong with the input, the user's code or the machine becomes one sentence and exit status 2."""
    try:
        yield
    except ModuleNotFoundError as error:
        wrong = missing(error)
    except (Fault, ValueError, TypeError, OSError, FloatingPointError, GraphvizError, NoGraphvizError) as error:
        wrong = str(error)
    else:
        return
    print(f"minigrad: {wrong}", file=sys.stderr)
    raise typer.Exit(2)


@contextmanager
def current_folder() -> Iterator[Path]:
    """The folder that the command was called in: its modules are found as long as this lasts.

    That is longer than the import of one, since functions import others when they are called. What the user's code does
    to the search path and to the current folder is undone in the end.
    """
    folder, path = Path.cwd(), list(sys.path)
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()  # a module may be younger than what is remembered of the folder
    try:
        yield folder
    finally:
        sys.path[:] = path
        os.chdir(folder)


def function_named(name: str) -> Callable[..., Any]:
    """The function that ``package.module:function`` names; ``function`` may be ``Class.method``."""
    module, _, attribute = name.partition(":")
    if module.endswith(".py"):
        dotted = module.removesuffix(".py").replace(os.sep, ".")
        raise ValueError(f"{name!r} names a file: write {dotted}:{attribute or 'function'}")
    if not (attribute and all(part.isidentifier() for part in module.split("."))):
        raise ValueError(f"{name!r} names no function: write package.module:function")
    imported: Any = None
    with told(f"when {module} was imported", module):
        try:
            imported = importlib.import_module(module)
        except ModuleNotFoundError as error:
            if not f"{module}.".startswith(f"{error.name}."):
                raise  # the module is there, and needs another that is not
    if imported is None:
        raise ValueError(f"there is no module {module} here or among the installed ones")
    found = imported
    for part in attribute.split("."):
        with told(f"when asked for {attribute}", module):
            there = hasattr(found, part)
            found = getattr(found, part, None)
        if not there:
            file = getattr(imported, "__file__", None) or "built in"
            raise ValueError(f"module {module} ({file}) has no {attribute}")
    if not callable(found):
        raise ValueError(f"{name} is no function but of type {type(found).__name__}")
    function: Callable[..., Any] = found
    return function


def arguments_for(f: Callable[..., Any], shapes: list[str] | None, domain: Domain | None = None) -> Arguments:
    """What a function takes: what the options say, or else its decorator."""
    from minigrad.testing.examples import arguments_of

    return arguments_of(f, [shape_of(text) for text in shapes or ()], domain)


def called_with(args: Sequence[Array]) -> str:
    shapes = ", ".join(str(x.shape) for x in args)
    return f"when called with arrays of shape {shapes}" if args else "when called without arguments"


def seed_of(text: str) -> int:
    if not str(text).isdecimal():
        raise typer.BadParameter(f"{text!r} is not a seed: give a whole number of at least 0")
    return int(text)


def shape_of(text: str) -> tuple[int, ...]:
    inside = text.strip().removeprefix("(").removesuffix(")")
    sizes = [size.strip() for size in inside.split(",") if size.strip()]
    if not all(size.isdecimal() for size in sizes):
        raise ValueError(f"{text!r} is no shape: write 3,4 for a matrix, 3 for a vector, () for a number")
    return tuple(map(int, sizes))


def domain_of(text: str | None) -> Domain | None:
    low, comma, high = (text or "").partition(",")
    try:
        return (float(low), float(high)) if comma else text
    except ValueError:
        raise ValueError(f"{text!r} is no domain: write the name of one, or its ends, as in 0.5,2") from None
