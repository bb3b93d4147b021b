"""What surrounds a computation, said by its author: `no_grad`, and the names of scopes.

Each is a context manager and a decorator, of generators and coroutines too: then it holds while they run, and not while
they wait. (A context variable holds what surrounds a computation: `minigrad.engine.context`.)
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from functools import partial, wraps
from types import FrameType
from typing import Any

from minigrad.engine.context import Context, Within, context
from minigrad.engine.tensor import Tensor  # noqa: F401  # for the examples


class Around(Within):
    """A ``with`` block, or a decorated function, with a `Context` of its own."""

    def __call__(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """``fn`` inside the block. Every call has one of its own: it may call itself, or run in threads."""
        if inspect.isasyncgenfunction(fn):
            raise TypeError(
                f"{fn.__qualname__} is an asynchronous generator: write the with block inside, around steps"
            )
        if inspect.iscoroutinefunction(fn):

            @wraps(fn)
            async def surrounded(*args: Any, **kwargs: Any) -> Any:
                with Within(self.inner):
                    return await fn(*args, **kwargs)

        elif inspect.isgeneratorfunction(fn):

            @wraps(fn)
            def surrounded(*args: Any, **kwargs: Any) -> Any:
                generator = fn(*args, **kwargs)
                resume: Callable[[], Any] = partial(next, generator)
                while True:
                    try:
                        with Within(self.inner):
                            item = resume()
                    except StopIteration as stop:
                        return stop.value
                    try:
                        resume = partial(generator.send, (yield item))
                    except BaseException as error:  # thrown in, or the request to close
                        resume = partial(generator.throw, error)

        else:

            @wraps(fn)
            def surrounded(*args: Any, **kwargs: Any) -> Any:
                with Within(self.inner):
                    return fn(*args, **kwargs)

        return surrounded


class NoGrad(Around):
    """`no_grad`."""

    def __enter__(self) -> None:
        super().__enter__()
        frame = sys._getframe(1)
        if frame.f_code.co_flags & inspect.CO_GENERATOR and not _left_open_on_purpose(frame):
            context.set(context.get()._replace(recording=WhileRunning(frame)))


class WhileRunning:
    """In the place of ``recording=False``: nothing is recorded, but only while a generator's frame is running."""

    def __init__(self, frame: FrameType) -> None:
        self.frame = frame

    def __bool__(self) -> bool:
        return False

    def check(self) -> None:
        """Raise an error if the generator is paused, so that it is somebody else who computes."""
        running: FrameType | None = sys._getframe(1)
        while running is not None:
            if running is self.frame:
                return
            running = running.f_back
        code = self.frame.f_code
        raise RuntimeError(
            f"the generator {code.co_name} ({code.co_filename}:{self.frame.f_lineno}) has paused inside `with"
            " no_grad()`, so nothing is recorded here: decorate it with @no_grad() instead, or leave the block"
            " before it yields"
        )


def _left_open_on_purpose(frame: FrameType) -> bool:
    """Whether a generator is run by `contextlib.contextmanager`, or is a fixture: then its block surrounds others."""
    caller = frame.f_back
    return caller is not None and caller.f_globals.get("__name__") in ("contextlib", "_pytest.fixtures")


def no_grad() -> Around:
    """Context manager and decorator: what is computed inside is not recorded.

    Raises
    ------
    RuntimeError
        Later, when something is computed from a tensor that requires grad, while a generator has paused inside.

    Examples
    --------
    >>> x = Tensor(2.0, requires_grad=True)
    >>> with no_grad():
    ...     y = x * x
    >>> y.requires_grad
    False
    """
    return NoGrad(lambda outer: outer._replace(recording=False))


def scope(name: str) -> Around:
    """Context manager and decorator: tensors made inside carry ``name`` in their `Tensor.scope`.

    Scopes nest, and drawings box them.

    Examples
    --------
    >>> import numpy as np
    >>> x = Tensor(1.0, requires_grad=True)
    >>> with scope("t=1"):
    ...     y = np.sin(x)
    >>> y.scope
    ('t=1',)
    """
    return Around(lambda outer: Context(outer.recording, (*outer.scope, name), outer.watch))
