"""What a function keeps for its next call: an attribute, a variable around it, an entry of a dict.

While it is traced, all of these hold stand-ins or are those of a twin, and a program knows nothing of them. A state
that a cell remembers in ``self.h`` would stay what it was at the first call: so it is looked for, and refused by name.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from types import CellType, FunctionType
from typing import Any

from minigrad.compiler.arguments import PLAIN, Methods, global_names
from minigrad.module import Module

NOTHING = object()
UNFILLED = CellType()
"""A cell equals it if there is nothing in it, whatever stands in others."""


class Held:
    """What functions, modules, classes and containers hold by names."""

    def __init__(self, values: Iterable[Any]) -> None:
        each = [cls for value in values for cls in (value.written if isinstance(value, Methods) else (value,))]
        self.before = [(value, _held(value)) for value in each]

    def put_back(self) -> list[str]:
        """They hold what they held. What was changed meanwhile, as ``"Cell.h"``."""
        changed = []
        for value, before in self.before:
            now = _held(value)
            names = [n for n in now | before if not _alike(before.get(n, NOTHING), now.get(n, NOTHING))]
            names = [n for n in names if not isinstance(getattr(type(value), str(n), None), cached_property)]
            if names:
                _put_back(value, before, names)
                changed += [_told(value, name) for name in names]
        return changed


def _held(value: Any) -> dict[Any, Any]:
    """Attributes; entries; variables around a function, and global ones that it uses."""
    if isinstance(value, FunctionType):
        cells = zip(value.__code__.co_freevars, value.__closure__ or (), strict=True)
        space = value.__globals__
        found = {name: space[name] for name in global_names(value.__code__) if name in space}
        return found | {name: cell.cell_contents for name, cell in cells if cell != UNFILLED}
    if isinstance(value, (Module, type)):
        return dict(vars(value))
    if isinstance(value, dict):
        return dict(value)
    return dict(enumerate(value)) if isinstance(value, list) else {}


def _alike(old: Any, new: Any) -> bool:
    """Whether nothing has changed; another number of the same value has not."""
    return old is new or (type(old) is type(new) and type(old) in {float, *PLAIN} and old == new)


def _put_back(value: Any, before: dict[Any, Any], names: list[Any]) -> None:
    if isinstance(value, list):
        value[:] = before.values()
        return
    cells: dict[str, CellType] = {}
    space = value if isinstance(value, dict) else None
    if isinstance(value, FunctionType):
        space = value.__globals__
        cells = dict(zip(value.__code__.co_freevars, value.__closure__ or (), strict=True))
    for name in names:
        if space is None or name in cells:
            owner, attribute = (cells[name], "cell_contents") if name in cells else (value, name)
            kind = type if isinstance(owner, type) else object
            kind.__setattr__(owner, attribute, before[name]) if name in before else kind.__delattr__(owner, attribute)
        elif name in before:
            space[name] = before[name]
        else:
            del space[name]


def _told(value: Any, name: Any) -> str:
    if isinstance(value, (Module, type)):
        return f"{(value if isinstance(value, type) else type(value)).__name__}.{name}"
    return f"[{name!r}] of a {type(value).__name__}" if isinstance(value, (dict, list)) else str(name)
