"""A call as the rules expect it: arguments by position, options by keyword, and what is unknown refused.

A rule is written once, ``lambda g, y, a, axis=None, keepdims=False``, for all ways in which NumPy lets one call. An
option that it does not know would be ignored in silence, so it is an error unless it has its default value.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from minigrad.engine.tables import Function, Primitive, spelled

INSTEAD: dict[str, str] = {}
"""What to write instead of options that no rule knows; `minigrad.rules.refusals` fills it."""


@lru_cache(maxsize=1024)
def parameters_of(fn: Function) -> Mapping[str, inspect.Parameter]:
    """The parameters of a function; none are known of a ufunc. (To inspect one takes longer than most calls of it.)"""
    return {} if isinstance(fn, np.ufunc) else inspect.signature(fn).parameters


def arranged(fn: Function, known: Primitive, args: Any, kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """A call of ``fn`` as its rules expect it: ``np.sum(x, 0)`` and ``np.sum(a=x, axis=0)`` are ``(x,), {"axis": 0}``.

    Raises `TypeError` for an option that the rules know nothing of, unless it has its default value.
    """
    count, options = known.count, known.options
    if (count is None or len(args) == count) and (not kwargs or all(key in options for key in kwargs)):
        return args, kwargs
    parameters = parameters_of(fn)
    names = list(parameters)
    if count is not None:
        if missing := [name for name in names[len(args) : count] if name not in kwargs]:
            raise TypeError(f"{spelled(fn)} without {', '.join(missing)} has no derivative rule")
        args += tuple(kwargs[name] for name in names[len(args) : count])
        kwargs = {key: value for key, value in kwargs.items() if key not in names[:count]}
        kwargs |= zip(names[count:], args[count:], strict=False)
    for key, value in list(kwargs.items()):
        if key not in options:
            default = getattr(parameters.get(key), "default", inspect.Parameter.empty)
            if value is not default and not (type(value) is str and value == default):
                raise unknown_option(fn, key, options)
            del kwargs[key]
    return args[:count], kwargs


def check_options(fn: Function, twin: Function, args: Any, kwargs: dict[str, Any]) -> None:
    """Refuse options of NumPy's ``fn`` that its ``twin``, by which it is rewritten, does not have."""
    parameters = parameters_of(twin) if kwargs else {}
    for key in kwargs:
        if key not in parameters and not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
            raise unknown_option(fn, key, list(parameters)[len(args) :])


def unknown_option(fn: Function, key: str, options: Sequence[str]) -> TypeError:
    """The error about an option that the derivative of ``fn`` cannot take into account."""
    known = f"only {', '.join(options)}" if options else "and no other option"
    hint = f"; {INSTEAD[key]}" if key in INSTEAD else ""
    return TypeError(f"the derivative rule of {spelled(fn)} knows no {key}=, {known}{hint}")
