"""The public names, as users reach them."""

from __future__ import annotations

import inspect
import types
from collections.abc import Iterator
from typing import Any

import minigrad as mg

INSIDE = {
    "minigrad.clipping": "all that is public of it is in minigrad.optim",
    "minigrad.copies": "what copy, pickle and threads do with tensors; there is nothing to call",
    "minigrad.optim.clipping": "as above",
    "minigrad.optim.clips": "its classes are in minigrad.optim",
    "minigrad.rules": "docs/functions.md lists all rules",
}
"""Public modules without a page of their own, and why."""


def modules(module: Any = mg, name: str = "minigrad") -> Iterator[tuple[str, Any]]:
    """The public modules, by the names under which users reach them."""
    yield name, module
    for part in getattr(module, "__all__", ()):
        if isinstance(inner := getattr(module, part), types.ModuleType) and name not in INSIDE:
            yield from modules(inner, f"{name}.{part}")


def public() -> Iterator[tuple[str, Any]]:
    """The public classes and functions."""
    for name, module in modules():
        if name not in INSIDE:
            own = [each for each, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__]
            for each in getattr(module, "__all__", [each for each in own if not each.startswith("_")]):
                if inspect.isclass(value := getattr(module, each)) or inspect.isroutine(value):
                    yield f"{name}.{each}", value
