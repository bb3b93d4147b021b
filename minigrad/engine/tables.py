"""What minigrad knows about functions: five tables, and how to add to them.

A *primitive* is a function with derivative rules, most of them NumPy's own. The rules themselves stand in `rules`, as
lines of plain NumPy; the recorder (`tensor.py`) looks up here what it may record, the walk (`walk.py`) how to
differentiate it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

Function: TypeAlias = Callable[..., Any]
Rule: TypeAlias = Callable[..., Any]

vjps: dict[Function | None, Any] = {}
"""Derivative rules: one a positional argument, or a single one that returns the cotangents of all arguments."""
rewrites: dict[Function, Function] = {}
"""NumPy functions that are differentiated by being written in terms of others."""
linear: set[Function] = set()
"""Primitives that are linear in all arguments that have a rule, taken together: each is its own derivative."""
multilinear: set[Function] = set()
"""Primitives that are linear in each argument while the others stay: their derivatives follow the product rule."""
plain: set[Function] = set()
"""NumPy functions whose results carry no gradient (comparisons, ``argmax``, ``shape``): they get and give arrays."""

_forms: dict[Function, tuple[int | None, list[str]]] = {}  # how many arguments (None: any number), and which options


def defvjp(fn: Function, *rules: Rule | None, joint: Rule | None = None) -> None:
    """Tell how ``fn`` is differentiated.

    Parameters
    ----------
    fn : callable
        A NumPy function, or one of your own that is called through `record`.
    *rules : callable or None
        One a positional argument: ``rule(g, y, *args, **kwargs)`` gives the cotangent of that argument from ``g``,
        the cotangent of the result ``y``. A rule is plain NumPy, mutates nothing and branches on shapes only: then
        it serves arrays and, for higher derivatives, tensors alike. It need not undo broadcasting. Parameters of the
        rule with a default are options of ``fn``. None stands for an argument that has no gradient.
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
    some = next((rule for rule in (joint, *rules) if rule is not None), lambda g, y, *args: None)
    known = inspect.signature(some).parameters.values()
    options = [p.name for p in known if p.default is not p.empty]
    _forms[fn] = (None if any(p.kind is p.VAR_POSITIONAL for p in known) else len(known) - 2 - len(options), options)


INSTEAD = {
    "where": "select first: np.where(mask, a, 0) for a sum, a[mask] otherwise",
    "dtype": "convert first: a.astype(dtype)",
    "initial": "combine it with the result: np.sum(a) + initial, np.maximum(np.max(a), initial)",
    "correction": "write ddof=",
}
"""What to write instead of options that no rule knows."""


def unknown(fn: Function, key: str, options: Sequence[str]) -> TypeError:
    """The error about an option that the derivative of ``fn`` cannot take into account."""
    known = f"only {', '.join(options)}" if options else "and no other option"
    hint = f"; {INSTEAD[key]}" if key in INSTEAD else ""
    return TypeError(f"the derivative rule of {spelled(fn)} knows no {key}=, {known}{hint}")


def check_options(fn: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Refuse options of NumPy's ``fn`` that the function by which it is rewritten does not have."""
    if kwargs:
        parameters = inspect.signature(rewrites[fn]).parameters
        for key in kwargs:
            if key not in parameters and not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
                raise unknown(fn, key, list(parameters)[len(args) :])


def arranged(fn: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """A call as the rules of ``fn`` expect it: arguments by position, options by keyword.

    A rule ``lambda g, y, a, axis=None, keepdims=False`` says that there is one argument and two options; then both
    ``np.sum(x, 0)`` and ``np.sum(a=x, axis=0)`` become ``(x,), {"axis": 0}``.

    Raises `TypeError` for an option that the rules know nothing of, unless it has its default value.
    """
    count, options = _forms[fn]
    if (len(args) == count or count is None) and not kwargs:
        return args, kwargs
    parameters = {} if isinstance(fn, np.ufunc) else inspect.signature(fn).parameters
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
                raise unknown(fn, key, options)
            del kwargs[key]
    return args[:count], kwargs


def name_of(fn: Function | None) -> str:
    """What a function is called in messages and drawings."""
    return str(getattr(fn, "__name__", fn))


def spelled(fn: Function) -> str:
    """How one writes a function: NumPy's with the name of its module."""
    module = getattr(fn, "__module__", None) or "numpy"
    return f"{module}.{name_of(fn)}".replace("numpy", "np", 1) if module.split(".")[0] == "numpy" else name_of(fn)
