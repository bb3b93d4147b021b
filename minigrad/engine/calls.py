"""A call as the rules expect it: arguments by position, options by keyword, and what is unknown refused.

NumPy lets one write ``np.sum(x, 0)``, ``np.sum(a=x, axis=0)`` and ``np.sum(x, dtype=None)``. A rule is written once,
``lambda g, y, a, axis=None, keepdims=False``, and an option that it does not know would be ignored in silence: so it is
an error, unless it has its default value and changes nothing.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from minigrad.engine.tables import Function, Primitive, spelled

INSTEAD: dict[str, str] = {}
"""What to write instead of options that no rule knows; `minigrad.rules.refusals` fills it."""
CONSTANTS = (str, int, bool, float)
USUAL = {
    "where": True,
    "casting": "same_kind",
    "order": "K",
    "subok": True,
    **dict.fromkeys(("out", "dtype", "signature")),
}
"""What ufuncs are given if nothing else is said."""


@lru_cache(maxsize=1024)
def parameters_of(fn: Function) -> Mapping[str, inspect.Parameter]:
    """The parameters of a function; none are known of a ufunc. (To inspect one takes longer than most calls of it.)"""
    return {} if isinstance(fn, np.ufunc) else inspect.signature(fn).parameters


@lru_cache(maxsize=1024)
def face(twin: Function) -> tuple[int, tuple[str, ...]]:
    """How many arguments a twin takes by position, and the names of all of them; "**" if it takes any."""
    kinds = [p.kind for p in parameters_of(twin).values()]
    count = sys.maxsize if inspect.Parameter.VAR_POSITIONAL in kinds else sum(kind <= 1 for kind in kinds)
    return count, (*parameters_of(twin), *["**"] * (inspect.Parameter.VAR_KEYWORD in kinds))


def arranged(fn: Function, known: Primitive, args: Any, kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """A call of ``fn`` as its rules expect it: ``np.sum(x, 0)`` and ``np.sum(a=x, axis=0)`` are ``(x,), {"axis": 0}``.

    Or as its twin does, if it has one. Raises `TypeError` for an option that neither knows, unless it has its default
    value.
    """
    parameters, count, options = parameters_of(fn), known.count, known.options
    names = list(parameters)
    if count:
        if missing := [name for name in names[len(args) : count] if name not in kwargs]:
            raise TypeError(f"{spelled(fn)} without {', '.join(missing)} has no derivative rule")
        args += tuple(kwargs[name] for name in names[len(args) : count])
        kwargs = {key: value for key, value in kwargs.items() if key not in names[:count]}
    if known.rewrite is not None:
        limit, others = face(known.rewrite)
        count, options = count or limit, (*options, *(name for name in others if name not in options))
    if count is not None and len(args) > count:
        args, kwargs = args[:count], kwargs | dict(zip(names[count:], args[count:], strict=False))
    given = {}
    for key, value in kwargs.items():
        default = getattr(parameters.get(key), "default", USUAL.get(key, inspect.Parameter.empty))
        same = value is default or (type(value) is type(default) in CONSTANTS and value == default)
        if key in known.options or not (same or (key == "where" and value is True)):
            given[key] = value
            if key not in options and "**" not in options:
                others = ", ".join(name for name in options if name not in names[: known.count or 1])
                hint = f"; {INSTEAD[key]}" if key in INSTEAD else ""
                raise TypeError(
                    f"the derivative of {spelled(fn)} knows no {key}=, only {others or 'its arguments'}{hint}"
                )
    return args, given
