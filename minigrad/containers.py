"""Nested dicts, lists and tuples of arrays, as arguments and results of functions: walked in one fixed order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

CONTAINERS = dict, list, tuple


def mapped(f: Callable[[Any], Any], tree: Any) -> Any:
    """The same containers with ``f(leaf)`` in the place of every leaf."""
    if not isinstance(tree, CONTAINERS):
        return f(tree)
    if isinstance(tree, dict):
        return {key: mapped(f, value) for key, value in tree.items()}
    parts = [mapped(f, value) if isinstance(value, CONTAINERS) else f(value) for value in tree]
    return type(tree)(*parts) if hasattr(tree, "_fields") else type(tree)(parts)


def leaves(tree: Any) -> list[Any]:
    """All leaves, in the order of `mapped`."""
    if not isinstance(tree, CONTAINERS):
        return [tree]
    found = []
    for part in tree.values() if isinstance(tree, dict) else tree:
        if isinstance(part, CONTAINERS):
            found += leaves(part)
        else:
            found.append(part)
    return found
