"""Functions of your own as primitives: recorded as one call, and differentiated by the rules that you give."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from minigrad.engine.standin import StandIn, stand_in
from minigrad.engine.tensor import Tensor, apply


def primitive(fn: Callable[..., Any]) -> Callable[..., Any]:
    """Make a function of arrays a primitive: recorded as one step, and differentiated by what `defvjp` says of it.

    Do this where its derivative is simpler, more accurate or cheaper than that of its code (``docs/primitives.md``).

    Parameters
    ----------
    fn : callable
        Takes arrays by position and options by keyword, and returns one array or number. It sees raw arrays only.

    Returns
    -------
    callable
        The same for tensors too: this, not ``fn``, is what `defvjp` has to be given. It raises a TypeError if it has no
        rules, or gets an option that they do not know or that is a tensor which requires grad.

    Examples
    --------
    >>> import numpy as np
    >>> import minigrad as mg
    >>> @mg.primitive
    ... def wave(x, *, k=1.0):
    ...     return np.sin(k * x)
    >>> mg.defvjp(wave, lambda g, y, x, k=1.0: g * k * np.cos(k * x))
    >>> print(mg.grad(wave)(0.0), mg.grad(lambda x: wave(x, k=3.0))(0.0))
    1.0 3.0
    """

    @wraps(fn)
    def recorded(*args: Any, **kwargs: Any) -> Any:
        for arg in (*args, *kwargs.values()) if kwargs else args:
            if type(arg) is Tensor:
                return apply(recorded, args, kwargs)
        if StandIn.tracing and (found := stand_in(args, kwargs)) is not None:
            return found.call(recorded, args, kwargs)
        return fn(*args, **kwargs)

    return recorded
