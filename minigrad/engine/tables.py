"""What is known about functions: one table, and how to add to it.

A *primitive* is a function that is recorded as one step and has derivative rules; most are NumPy's own. Its rules say
how a cotangent comes back through it. (The *cotangent* of an array is the derivative of what is differentiated with
respect to it, and has its shape; the *primals* are the values at which one differentiates; and the map from the
cotangent of a function's result to those of its arguments is its *pullback*, or *vjp*, vector-Jacobian product,
v ↦ Jᵀv.) The rules themselves stand in `minigrad.rules`, as lines of plain NumPy; in this table the recorder
(`tensor`) and the walk (`walk`) look them up.
"""

from __future__ import annotations

import inspect
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

Function: TypeAlias = Callable[..., Any]
Rule: TypeAlias = Callable[..., Any]


@dataclass(slots=True)
class Primitive:
    """What is known about one function."""

    rules: tuple[Rule | None, ...] = ()  # one a positional argument, None where it has no gradient: see `defvjp`
    joint: Rule | None = None  # or one that returns the cotangents of all arguments
    count: int | None = 0  # how many positional arguments the rules expect; None for any number
    options: tuple[str, ...] = ()  # the keywords that they know
    form: str = ""  # "elementwise", "linear", "multilinear", "layer": forward mode is simpler then (`pushforward`)
    rewrite: Function | None = None  # differentiated by being written in terms of others: this is called in its place
    plain: bool = False  # results carry no gradient (comparisons, ``argmax``, ``shape``): it gets and gives arrays
    refused: str = ""  # why it is not differentiated, and what to write instead


primitives: defaultdict[Any, Primitive] = defaultdict(Primitive)


def defvjp(fn: Function, *rules: Rule | None, joint: Rule | None = None) -> None:
    """Tell how ``fn`` is differentiated.

    Parameters
    ----------
    fn : callable
        A NumPy function, or one of your own that `minigrad.primitive` decorates.
    *rules : callable or None
        One a positional argument: ``rule(g, y, *args, **kwargs)`` gives its cotangent from ``g``, the cotangent of the
        result ``y``. It is plain NumPy, mutates nothing and branches on shapes only: then it serves arrays and, for
        higher derivatives, tensors alike. It need not undo broadcasting. Parameters of the rule with a default are
        options of ``fn``. None stands for an argument that has no gradient.
    joint : callable, optional
        Instead: one rule that returns the cotangents of all arguments, of which there may be any number.

    Raises
    ------
    TypeError
        If there are neither rules nor ``joint``, or both, or not as many rules as the first of them takes
        arguments.

    Examples
    --------
    >>> from minigrad import primitive
    >>> sine = primitive(np.sin)
    >>> defvjp(sine, lambda g, y, a: g * np.cos(a))
    """
    if bool(rules) == (joint is not None):
        raise TypeError(f"defvjp({name_of(fn)}, ...) needs a rule for each argument, or joint=, and not both")
    some = next((rule for rule in (joint, *rules) if rule is not None), lambda g, y, *args: None)
    parameters = inspect.signature(some).parameters.values()
    options = tuple(p.name for p in parameters if p.default is not p.empty or p.kind is p.KEYWORD_ONLY)
    variadic = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    count = None if variadic else len(parameters) - 2 - len(options)
    if rules and count not in (None, len(rules)):
        raise TypeError(
            f"defvjp({name_of(fn)}, ...) got {len(rules)} rules, and the first takes {len(parameters) - len(options)}"
            " arguments: a rule takes g, y, then those of the function, and there is one for each of these, or None"
        )
    known = primitives[fn]
    known.rules, known.joint, known.options, known.count = rules, joint, options, count
    if isinstance(fn, np.ufunc) and fn.signature is None:
        known.form = "elementwise"


def linear(*fns: Function, form: str = "linear") -> None:
    """Say that ``fns`` are linear in all arguments that have a rule, taken together; "multilinear": in each of them.

    "layer": they are called ``fn(b, x, U, h, W ...)`` for b + x U + h W + ...
    """
    for fn in fns:
        primitives[fn].form = form


def rewrite(fn: Function, twin: Function) -> None:
    """Have ``fn`` differentiated by calling ``twin``, which computes the same by means of other functions."""
    primitives[fn].rewrite = twin


def plain(*fns: Function) -> None:
    """Say that the results of ``fns`` carry no gradient."""
    for fn in fns:
        primitives[fn].plain = True


def name_of(fn: Function | None) -> str:
    """What a function is called in messages and drawings."""
    owner: Any = getattr(fn, "__self__", None)  # of np.add.reduce
    return ("" if not isinstance(owner, np.ufunc) else f"{owner.__name__}.") + str(getattr(fn, "__name__", fn))


def spelled(fn: Function) -> str:
    """How one writes a function: NumPy's with the name of its module."""
    owner = getattr(np, name_of(fn).split(".")[0], None)
    module = getattr(fn, "__module__", None) or ("numpy" if owner in (fn, getattr(fn, "__self__", fn)) else "")
    return f"{module}.{name_of(fn)}".replace("numpy", "np", 1) if module.split(".")[0] == "numpy" else name_of(fn)
