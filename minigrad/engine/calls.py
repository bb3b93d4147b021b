"""A call as the rules expect it: arguments by position, options by keyword, and what is unknown refused.

A rule is written once, ``lambda g, y, a, axis=None, keepdims=False``, for all ways in which NumPy lets one call. An
option that it does not know would be ignored in silence, so it is an error unless it has its default value.
"""

from __future__ import annotations

import inspect
from functools import lru_cache
from typing import Any

from minigrad.engine.tables import Function, Primitive, spelled

INSTEAD: dict[str, str] = {}  # what to write instead of options that no rule knows: `minigrad.rules.refusals`
USUAL = {"where": True, "casting": "same_kind", "order": "K", "subok": True, "out": None, "dtype": None}  # of ufuncs


@lru_cache(maxsize=1024)  # to inspect a function takes longer than most calls of it
def face(fn: Function) -> tuple[dict[str, Any], int | None]:
    """The arguments of a function by name, with their defaults ("**" for any), and how many may stand by position."""
    try:
        parameters = inspect.signature(fn).parameters.values()
    except ValueError:  # of ufuncs and what is written in C, older releases of NumPy tell nothing
        return {**dict.fromkeys("012", inspect.Parameter.empty), **USUAL}, 3
    kinds = [p.kind for p in parameters]
    variadic = inspect.Parameter.VAR_POSITIONAL  # the kinds that may stand by position come before it
    count = None if variadic in kinds else sum(kind < variadic for kind in kinds)
    return {"**" if p.kind is p.VAR_KEYWORD else p.name: p.default for p in parameters}, count


def arranged(fn: Function, known: Primitive, args: Any, kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """How the rules of ``fn`` expect a call: ``np.sum(x, 0)`` and ``np.sum(a=x, axis=0)`` are ``(x,), {"axis": 0}``."""
    count, options = known.count, known.options
    if count in (None, len(args)) and (not kwargs or all(key in options for key in kwargs)):
        return args, kwargs  # the usual ways
    names = list(defaults := face(fn)[0])
    if count:  # arguments that were given by name take their places
        if missing := [name for name in names[len(args) : count] if name not in kwargs]:
            raise TypeError(f"{spelled(fn)} without {', '.join(missing)} has no derivative rule")
        args += tuple(kwargs[name] for name in names[len(args) : count])
        kwargs = {key: value for key, value in kwargs.items() if key not in names[:count]}
    if known.rewrite is not None:  # which may know more options than the rules do
        others, limit = face(known.rewrite)
        count, options = count or limit, (*options, *others)
    if count is not None and len(args) > count:  # options that were given by position get their names
        args, kwargs = args[:count], kwargs | dict(zip(names[count:], args[count:], strict=False))
    kwargs = {key: value for key, value in kwargs.items() if key in known.options or not usual(key, value, defaults)}
    for key in kwargs:
        if key not in options and "**" not in options:
            rest = ", ".join(dict.fromkeys(o for o in options if o not in names[: known.count or 1]))
            rest = f"only {rest}" if rest else "and no other option"
            raise TypeError(f"the derivative rule of {spelled(fn)} knows no {key}=, {rest}{INSTEAD.get(key, '')}")
    return args, kwargs


def usual(key: str, value: Any, defaults: dict[str, Any]) -> bool:
    """Whether an option has its default value, and so might as well have been left out."""
    default = defaults.get(key, inspect.Parameter.empty)
    same = value is default or (type(value) is type(default) in (str, int, bool, float) and value == default)
    return same or (key == "where" and value is True)
