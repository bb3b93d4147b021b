"""Nested dicts, lists and tuples of arrays, as arguments and results of functions: walked in one fixed order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def mapped(f: Callable[[Any], Any], tree: Any) -> Any:
    """The same containers with ``f(leaf)`` in the place of every leaf."""
    if not isinstance(tree, (dict, list, tuple)):
        return f(tree)
    if isinstance(tree, dict):
        return {key: mapped(f, value) for key, value in tree.items()}
    if hasattr(tree, "_fields"):
        return type(tree)(*(mapped(f, value) for value in tree))
    return type(tree)(mapped(f, value) for value in tree)


def leaves(tree: Any) -> list[Any]:
    """All leaves, in the order of `mapped`."""
    if not isinstance(tree, (dict, list, tuple)):
        return [tree]
    parts = tree.values() if isinstance(tree, dict) else tree
    return [leaf for part in parts for leaf in leaves(part)]
