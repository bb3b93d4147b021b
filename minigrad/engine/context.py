"""What surrounds a computation: whether it is recorded, the names of the scopes that are open, and who watches."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ContextDecorator
from contextvars import ContextVar, Token
from typing import Any, NamedTuple


class Context(NamedTuple):
    recording: bool = True
    scope: tuple[str, ...] = ()
    watch: Any = None
    """Someone who is told ``made(tensor, fn, args)`` by the recorder, and ``reached(tensor, cotangent)`` and
    ``crossed(consumer, position, share)`` by a walk."""


# Threads and exceptions cannot mix up what a context variable holds.
context: ContextVar[Context] = ContextVar("minigrad", default=Context())  # noqa: B039  # a tuple never changes


class Within(ContextDecorator):
    """A ``with`` block, or a decorated function, with a `Context` of its own."""

    def __init__(self, inner: Callable[[Context], Context]) -> None:
        self.inner = inner
        self.tokens: list[Token[Context]] = []

    def __enter__(self) -> None:
        self.tokens.append(context.set(self.inner(context.get())))

    def __exit__(self, *exception: object) -> None:
        context.reset(self.tokens.pop())

    def _recreate_cm(self) -> Within:  # a decorated function needs one a call: it may call itself, or run in threads
        return Within(self.inner)


def recording(on: bool) -> Within:
    """Context manager and decorator: whether what is computed inside is recorded."""
    return Within(lambda outer: outer._replace(recording=on))


def no_grad() -> Within:
    """Context manager and decorator: what is computed inside is not recorded."""
    return recording(False)


def scope(name: str) -> Within:
    """Context manager: tensors made inside carry ``name`` in their `Tensor.scope`. Scopes nest; drawings box them."""
    return Within(lambda outer: outer._replace(scope=(*outer.scope, name)))
