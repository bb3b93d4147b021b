"""What may stand in the place of an array: whoever traces a computation sees every call that is made on it.

The engine computes with it as with an array, and knows no more of it than is said here (`minigrad.compiler` traces).
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

even: ContextVar[bool] = ContextVar("even", default=False)
"""Whether all steps of a sequence should do the same, be it for nothing, since they are to become a loop."""


class StandIn:
    """Base class: has an array's attributes, and answers NumPy's protocols."""

    __slots__ = ()
    dtype: Any
    tracing = 0  # how many traces are under way, in all threads: while there are none, nobody asks for stand-ins

    def setflags(self, write: bool | None = None) -> None:
        """Nobody changes it anyway."""

    def astype(self, dtype: Any, **options: Any) -> Any:
        """The same numbers in another dtype."""
        raise NotImplementedError

    def call(self, fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """``fn(*args, **kwargs)``, as one step."""
        raise NotImplementedError

    def uneven(self) -> None:
        """Be told that steps are unlike each other by their numbers, which a few of them need not show."""
        raise NotImplementedError

    def known(self) -> Any:
        """The numbers; a program has to be given the same at every run."""
        raise NotImplementedError

    def refuse(self, what: str) -> Exception:
        """The error to raise where something is done that depends on values in another way."""
        raise NotImplementedError

    def require(self, check: Callable[..., None], args: tuple[Any, ...]) -> None:
        """Call ``check(*args)`` whenever the computation runs."""
        raise NotImplementedError


def known(value: Any) -> Any:
    """``value`` as numbers that may be looked at; a program that is traced holds for them, and for no others."""
    return value.known() if isinstance(value, StandIn) else value


def stand_in(*trees: Any) -> StandIn | None:
    """The first one among arguments, in lists, tuples and dicts too."""
    for tree in trees:
        if isinstance(tree, StandIn):
            return tree
        if isinstance(tree, (list, tuple, dict)):
            found = stand_in(*(tree.values() if isinstance(tree, dict) else tree))
            if found is not None:
                return found
    return None


def require(check: Callable[..., None], *args: Any) -> None:
    """``check(*args)``, which raises an error or does nothing: now and, if this is traced, at every run."""
    for arg in args:
        if isinstance(arg, StandIn):
            return arg.require(check, args)
    return check(*args)


def uneven(sequence: Any) -> None:
    """Say, if this is traced, that a short run along it does not tell what a long one does."""
    if isinstance(sequence, StandIn):
        sequence.uneven()


def anywhere(mask: Any) -> bool:
    """Whether ``mask`` holds somewhere; of one that is not known yet, it may."""
    return isinstance(mask, StandIn) or bool(mask.any())
