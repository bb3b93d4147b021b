"""What is imported when it is first asked for, so that `import minigrad` takes no longer than it has to.

Pictures, networks and the checker take longer to import than all the rest, and many programs need none of them. A
package names them here; type checkers, which run nothing, are told of them by ordinary imports beside that.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any


def later(package: str, **homes: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The functions ``__getattr__`` and ``__dir__`` of a package some names of which are imported later (PEP 562).

    Parameters
    ----------
    package : str
        Its ``__name__``.
    **homes : str
        For each name the module that it is taken from; for a module itself, the package.
    """
    namespace = vars(sys.modules[package])

    def __getattr__(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        home = homes[name]
        found = import_module(f"{package}.{name}") if home == package else getattr(import_module(home), name)
        namespace[name] = found  # from now on it is found without this
        return found

    def __dir__() -> list[str]:
        return sorted({*namespace, *homes})

    return __getattr__, __dir__


def shown_by(module: str, function: str) -> Callable[..., Any]:
    """A method ``_repr_mimebundle_``, which notebooks ask for, that imports what shows the object when it is called."""

    def _repr_mimebundle_(self: Any, include: Any = None, exclude: Any = None) -> Any:
        return getattr(import_module(module), function)(self)

    return _repr_mimebundle_
