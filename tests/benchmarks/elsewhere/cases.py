"""One call of one function of a library: what is checked, kept in a file, shrunk, and pasted by whoever hears of it."""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from types import ModuleType
from typing import Any

import numpy as np

from minigrad.containers import leaves, mapped
from minigrad.testing import adapters
from minigrad.testing.problem import is_float

NAMES = "xyzuvabcdefgh"
SYMMETRIC = {"cholesky", "cholesky_ex", "eigh", "eigvalsh", "sqrtm", "cho_factor", "eigh_tridiagonal", "ldl_factor"}
"""Of symmetric matrices, of which they read one half: given the symmetric part, they are functions of all of it."""


@cache
def resolved(path: str) -> Any:
    """What stands under a dotted name, importing as much of it as are modules."""
    parts = path.split(".")
    found: Any = importlib.import_module(parts[0])
    for i, part in enumerate(parts[1:], 2):
        if not hasattr(found, part):
            importlib.import_module(".".join(parts[:i]))
        found = getattr(found, part)
    return found


@cache
def module_of(path: str) -> str:
    """The longest part of a dotted name that has to be imported, and is not merely an attribute."""
    parts = path.split(".")
    for n in range(len(parts) - 1, 0, -1):
        if isinstance(resolved(".".join(parts[:n])), ModuleType):
            return ".".join(parts[:n])
    return parts[0]


@dataclass(frozen=True)
class Case:
    """A call.

    Attributes
    ----------
    library, function : str
        ``"torch"``, ``"torch.nn.functional.gelu"``.
    args : tuple
        As the call has them; floating-point arrays among them, in lists too, are what is differentiated by.
    options : dict
        By name; nothing is differentiated by them.
    variety : str
        What sort of point it is: generic, ties, ...
    """

    library: str
    function: str
    args: tuple[Any, ...]
    options: dict[str, Any] = field(default_factory=dict)
    variety: str = "generic"

    @property
    def floats(self) -> tuple[Any, ...]:
        return tuple(x for x in leaves(self.args) if isinstance(x, np.ndarray) and is_float(x))

    def with_floats(self, floats: Any) -> Case:
        given = iter(floats)
        fill = lambda x: next(given) if isinstance(x, np.ndarray) and is_float(x) else x
        return replace(self, args=mapped(fill, self.args))

    def called(self) -> Callable[..., Any]:
        """A function of the library's arrays, one for each of ``floats``."""
        function = resolved(self.function)
        options = {key: self._constant(value) for key, value in self.options.items()}
        args = mapped(lambda x: x if isinstance(x, np.ndarray) and is_float(x) else self._constant(x), self.args)

        def f(*floats: Any) -> Any:
            given = iter([self._symmetric(x) for x in floats[:1]] + list(floats[1:]))
            return function(*mapped(lambda x: next(given) if _differentiable(x) else x, args), **options)

        return f

    def _symmetric(self, x: Any) -> Any:
        if self.function.rpartition(".")[2] not in SYMMETRIC:
            return x
        if len(x.shape) < 2 or x.shape[-1] != x.shape[-2]:
            raise ValueError(f"a matrix of shape {x.shape} has no symmetric part")
        return (x + x.swapaxes(-1, -2)) / 2

    def _constant(self, x: Any) -> Any:
        """An array that is not differentiated by, as the library's own."""
        if isinstance(x, np.ndarray) and self.library in ("torch", "jax"):
            return resolved("torch.as_tensor" if self.library == "torch" else "jax.numpy.asarray")(x)
        return x

    @cached_property
    def adapted(self) -> adapters.Adapted:
        """Compiled once for all checks."""
        f = self.called()
        adapt: Callable[..., adapters.Adapted] = getattr(adapters, self.library)
        return adapt(resolved("jax.jit")(f) if self.library == "jax" else f)

    def value(self) -> Any:
        """The value, without compiling anything: for trying out whether this is a call at all."""
        adapt: Callable[..., adapters.Adapted] = getattr(adapters, self.library)
        return adapt(self.called()).forward(*self.floats)

    # -- as text ------------------------------------------------------------------------------------------------------

    @property
    def key(self) -> str:
        return f"{zlib.crc32(repr(self).encode()):08x}"

    @property
    def call(self) -> str:
        """``torch.cumsum(x, dim=0)``, without the numbers in x."""
        first = "(x + x.swapaxes(-1, -2)) / 2" if self.function.rpartition(".")[2] in SYMMETRIC else "x"
        names = iter([first, *NAMES[1:]])
        parts = [tree_text(arg, names) for arg in self.args]
        parts += [f"{key}={tree_text(value)}" for key, value in self.options.items()]
        call = f"{self.function}({', '.join(parts)})"
        own = {"torch": "torch.tensor(", "jax": "jax.numpy.array("}.get(self.library)
        return call.replace("np.array(", own) if own else call

    @property
    def assignments(self) -> list[str]:
        return [f"{name} = {array_text(x)}" for name, x in zip(NAMES, self.floats, strict=False)]

    def __repr__(self) -> str:
        return "; ".join([self.call, *self.assignments])


def _differentiable(x: Any) -> bool:
    return isinstance(x, np.ndarray) and is_float(x)


def tree_text(value: Any, names: Iterator[str] | None = None) -> str:
    if isinstance(value, np.ndarray):
        return next(names) if names and is_float(value) else array_text(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {tree_text(each, names)}" for key, each in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        inside = ", ".join(tree_text(each, names) for each in value)
        return f"[{inside}]" if isinstance(value, list) else f"({inside}{',' * (len(value) == 1)})"
    if isinstance(value, float) and not np.isfinite(value):
        return f"np.{value}" if value >= 0 or np.isnan(value) else f"-np.{-value}"
    return str(value) if type(value).__module__ == "torch" else repr(value)


def array_text(x: Any) -> str:
    dtype = "" if x.dtype in (np.float64, np.int64, np.bool_) else f", dtype=np.{x.dtype}"
    text = repr(x.tolist()).replace("nan", "np.nan").replace("inf", "np.inf")
    if x.size == 0:
        return f"np.zeros({x.shape}{dtype})"
    return f"np.array({text}{dtype})"
