"""Nested dicts, lists and tuples of arrays, as arguments and results of functions: walked in one fixed order.

What has `Parts`, such as a `Module`, may stand among them: its leaves are its parameters. A `Keeper`, such as an
optimizer, is none of them, but takes part in programs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Self

CONTAINERS = dict, list, tuple


class Parts:
    """What has leaves by name, and can be made anew with other ones in their places."""

    def parameters(self) -> dict[str, Any]:
        """The leaves by name."""
        raise NotImplementedError

    def with_parameters(self, new: dict[str, Any]) -> Any:
        """The same with these leaves; what was there stays as it is."""
        raise NotImplementedError


class Keeper:
    """An object that keeps numbers from one call to the next: `minigrad.compile` writes programs that change them."""

    def kept(self) -> Mapping[str, Any]:
        """What it has in mind, arrays and numbers by name: a program is given them anew at every run."""
        raise NotImplementedError

    def fixed(self) -> Mapping[str, Any]:
        """All else that it consists of: it is looked at as other arguments are."""
        raise NotImplementedError

    def twin(self, kept: Mapping[str, Any], fixed: Mapping[str, Any]) -> Self:
        """One that is made of these, for a function that is traced."""
        raise NotImplementedError

    def left(self) -> Mapping[str, Any]:
        """Of a twin: what it has in mind when the function is over."""
        raise NotImplementedError

    def settle(self, left: Mapping[str, Any]) -> None:
        """Remember what a run has left of what a twin said."""
        raise NotImplementedError

    def memory(self) -> Any:
        """All that `settle` changes."""
        raise NotImplementedError

    def recall(self, memory: Any) -> None:
        """Forget what came after."""
        raise NotImplementedError


def named(f: Callable[[Any], Any], parts: Parts) -> dict[str, Any]:
    """``f(leaf)`` by the leaf's name."""
    return {name: f(leaf) for name, leaf in parts.parameters().items()}


def twin(f: Callable[[Any], Any], parts: Parts) -> Any:
    """The same object anew, with ``f(leaf)`` in the place of every leaf."""
    return parts.with_parameters(named(f, parts))


def mapped(f: Callable[[Any], Any], tree: Any, opened: Callable[[Any, Any], Any] = named) -> Any:
    """The same containers with ``f(leaf)`` in the place of every leaf; ``opened(f, parts)`` stands for what has parts.

    That is a dict by name unless told otherwise: the gradient of a module is one.
    """
    if isinstance(tree, Parts):
        return opened(f, tree)
    if not isinstance(tree, CONTAINERS):
        return f(tree)
    if isinstance(tree, dict):
        return {key: mapped(f, value, opened) for key, value in tree.items()}
    parts = [mapped(f, value, opened) if isinstance(value, (*CONTAINERS, Parts)) else f(value) for value in tree]
    return type(tree)(*parts) if hasattr(tree, "_fields") else type(tree)(parts)


def leaves(tree: Any) -> list[Any]:
    """All leaves, in the order of `mapped`."""
    if isinstance(tree, Parts):
        return list(tree.parameters().values())
    if not isinstance(tree, CONTAINERS):
        return [tree]
    found = []
    for part in tree.values() if isinstance(tree, dict) else tree:
        if isinstance(part, (*CONTAINERS, Parts)):
            found += leaves(part)
        else:
            found.append(part)
    return found


def aligned(tree: Any, like: Any) -> Any:
    """``tree``, given for ``like``: for what has parts, a dict by name has the order of their names."""
    if isinstance(like, Parts):
        known = like.parameters()
        given = tree.parameters() if isinstance(tree, Parts) else tree
        if not isinstance(given, dict) or given.keys() != known.keys():
            what = sorted(given) if isinstance(given, dict) else f"a {type(tree).__name__}"
            raise ValueError(f"{what} was given for a {type(like).__name__}: a dict with {sorted(known)} is needed")
        return {name: given[name] for name in known}
    if isinstance(like, (list, tuple)) and isinstance(tree, (list, tuple)) and len(tree) == len(like):
        return [aligned(part, other) for part, other in zip(tree, like, strict=True)]
    if isinstance(like, dict) and isinstance(tree, dict) and tree.keys() == like.keys():
        return {key: aligned(tree[key], other) for key, other in like.items()}
    return tree
