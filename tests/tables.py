"""All that the tests have to know of how minigrad keeps what it knows of functions: that there are dicts and sets."""

from __future__ import annotations

import copy
from collections.abc import Callable

from minigrad.engine import tables


def remembered() -> Callable[[], None]:
    """Every table as it is now, down to its entries; calling what is returned makes it so again."""
    before = {
        name: {key: copy.copy(entry) for key, entry in table.items()} if isinstance(table, dict) else set(table)
        for name, table in vars(tables).items()
        if isinstance(table, (dict, set)) and not name.startswith("__")
    }

    def restored() -> None:
        for name, entries in before.items():
            table = getattr(tables, name)
            table.clear()
            table.update(entries)

    return restored
