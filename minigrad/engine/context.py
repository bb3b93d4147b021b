"""What surrounds a computation: whether it is recorded, the names of the scopes that are open, and who watches."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar, Token
from typing import Any, NamedTuple


class Context(NamedTuple):
    recording: Any = True  # whether what is computed is recorded; if it is no bool, it is asked to ``check`` that
    scope: tuple[str, ...] = ()
    watch: Any = None  # told ``made(tensor, fn, args)`` by the recorder; ``reached(tensor, cotangent)`` and
    # ``crossed(consumer, position, share)`` by a walk


context: ContextVar[Context] = ContextVar("minigrad", default=Context())  # noqa: B039  # a tuple never changes


class Within:
    """A ``with`` block with a `Context` of its own."""

    __slots__ = ("inner", "tokens")

    def __init__(self, inner: Callable[[Context], Context]) -> None:
        self.inner = inner
        self.tokens: list[Token[Context]] = []

    def __enter__(self) -> None:
        self.tokens.append(context.set(self.inner(context.get())))

    def __exit__(self, *exception: object) -> None:
        context.reset(self.tokens.pop())


def recording(on: bool) -> Within:
    """Whether what is computed inside is recorded."""
    return Within(lambda outer: Context(on, outer.scope, outer.watch))
