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
def face(fn: Function) -> tuple[dict[str, Any], int]:
    """The arguments of a function with their defaults ("**" for any), and how many may stand by position."""
    try:
        parameters = inspect.signature(fn).parameters.values()
    except ValueError:  # of ufuncs and what is written in C, older releases of NumPy tell nothing
        return {**dict.fromkeys("012", inspect.Parameter.empty), **USUAL}, 3
    count = 1 << 30 if any(p.kind == 2 for p in parameters) else sum(p.kind < 2 for p in parameters)  # 2: *args
    return {"**" if p.kind is p.VAR_KEYWORD else p.name: p.default for p in parameters}, count


def arranged(fn: Function, known: Primitive, args: Any, kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """How the rules of ``fn`` expect a call: ``np.sum(x, 0)`` and ``np.sum(a=x, axis=0)`` are ``(x,), {"axis": 0}``."""
    others, limit = face(known.rewrite) if known.rewrite is not None else ({}, 1 << 30)
    if known.count == 0 and len(args) <= limit and kwargs.keys() <= others.keys():
        return args, kwargs
    defaults, names, count = face(fn)[0], [*face(fn)[0]], known.count or limit
    if missing := [name for name in names[len(args) : known.count or 0] if name not in kwargs]:
        raise TypeError(f"{spelled(fn)} without {', '.join(missing)} has no derivative rule")
    args += tuple(kwargs[name] for name in names[len(args) : known.count or 0])
    kwargs = {key: value for key, value in kwargs.items() if key not in names[: known.count or 0]}
    args, kwargs = args[:count], kwargs | dict(zip(names[count:], args[count:], strict=False))
    given = {}
    for key, value in kwargs.items():
        if key not in known.options:
            default = True if key == "where" else defaults.get(key, inspect.Parameter.empty)
            if value is default or (type(value) is type(default) in (str, int, bool, float) and value == default):
                continue
            if key not in others and "**" not in others:
                rest = dict.fromkeys(o for o in (*known.options, *others) if o not in names[: known.count or 1])
                hint = (f"only {', '.join(rest)}" if rest else "and no other option") + INSTEAD.get(key, "")
                raise TypeError(f"the derivative rule of {spelled(fn)} knows no {key}=, {hint}")
        given[key] = value
    return args, given
