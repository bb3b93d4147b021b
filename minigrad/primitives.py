"""What minigrad knows about functions: three tables, and how to add to them.

A *primitive* is a function with derivative rules, most of them NumPy's own. The rules themselves stand in `rules`, as
lines of plain NumPy; the recorder (`tensor.py`) looks up here what it may record, the walk (`backward.py`) how to
differentiate it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeAlias

Function: TypeAlias = Callable[..., Any]
Rule: TypeAlias = Callable[..., Any]

vjps: dict[Function | None, Any] = {}
"""Derivative rules: one a positional argument, or a single one that returns the cotangents of all arguments."""
rewrites: dict[Function, Function] = {}
"""NumPy functions that are differentiated by being written in terms of others."""
plain: set[Function] = set()
"""NumPy functions whose results carry no gradient (comparisons, ``argmax``, ``shape``): they get and give arrays."""

_keywords: dict[Function, list[str]] = {}


def defvjp(fn: Function, *rules: Rule | None, joint: Rule | None = None) -> None:
    """Tell how ``fn`` is differentiated.

    Parameters
    ----------
    fn : callable
        A NumPy function, or one of your own that is called through `record`.
    *rules : callable or None
        One a positional argument: ``rule(g, y, *args, **kwargs)`` gives the cotangent of that argument from ``g``,
        the cotangent of the result ``y``. A rule is plain NumPy, mutates nothing and branches on shapes only: then
        it serves arrays and, for higher derivatives, tensors alike. It need not undo broadcasting. None stands for an
        argument that has no gradient.
    joint : callable, optional
        Instead of ``rules``: one rule that returns the cotangents of all arguments, for functions of any number of
        arguments, which would otherwise do the same work once an argument.

    Examples
    --------
    >>> import numpy as np
    >>> defvjp(np.sin, lambda g, y, a: g * np.cos(a))
    """
    if bool(rules) == (joint is not None):
        raise TypeError(f"defvjp({name_of(fn)}, ...) needs a rule for each argument, or joint=, and not both")
    vjps[fn] = rules if joint is None else joint
    known = next(rule for rule in (joint, *rules) if rule is not None)
    _keywords[fn] = list(inspect.signature(known).parameters)[2:]


def check_keywords(fn: Function, kwargs: dict[str, Any]) -> None:
    """Refuse keywords that the rules of ``fn`` would not see, and say what to write instead."""
    name = name_of(fn)
    if kwargs.get("out") is not None:
        raise TypeError(f"np.{name}(..., out=...) would overwrite what the graph remembers: write y = np.{name}(...)")
    for key in kwargs:
        if key not in _keywords[fn]:
            raise TypeError(f"np.{name}'s derivative rule knows no {key}=, only {', '.join(_keywords[fn])}")


def name_of(fn: Function | None) -> str:
    """What a function is called in messages and drawings."""
    return str(getattr(fn, "__name__", fn))
