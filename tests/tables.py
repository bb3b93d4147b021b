"""The one table of rules, as tests look at it and bend it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

import minigrad.rnn  # noqa: F401  # it has primitives of its own, which are to be there before all is remembered
from minigrad.engine.tables import Primitive, primitives


def ruled(monkeypatch: pytest.MonkeyPatch, fn: Any, *rules: Any) -> None:
    """Give ``fn`` other rules until the test, or the context of ``monkeypatch``, ends."""
    monkeypatch.setitem(primitives, fn, replace(primitives.get(fn, Primitive()), rules=rules, joint=None))


def known(trait: str) -> set[Any]:
    """The functions whose entry has a trait: ``rules``, ``joint``, ``rewrite`` or ``plain``."""
    return {fn for fn, entry in primitives.items() if getattr(entry, trait)}


def remembered() -> Callable[[], None]:
    """The table as it is now, down to its entries; calling what is returned makes it so again."""
    before = {fn: replace(entry) for fn, entry in primitives.items()}

    def restored() -> None:
        primitives.clear()
        primitives.update(before)

    return restored
