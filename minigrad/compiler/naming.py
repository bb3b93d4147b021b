"""Values of a program by name, and constants, functions and arguments as text."""

from __future__ import annotations

import builtins
import keyword
import re
import sys
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad.compiler.node import same


@dataclass(eq=False)
class Value:
    """An array of the program: its name, and what it looks like.

    Attributes
    ----------
    array : ndarray or None
        One that is laid out alike, to try views on; None of several results.
    built : bool
        Whether it is there before the program runs: a buffer, a constant, or a view of one.
    homes : frozenset of str
        The buffers whose memory it may share.
    fresh : bool
        Whether it is an array of this run that shares memory with nothing.
    """

    name: str
    array: Any
    built: bool = False
    homes: frozenset[str] = frozenset()
    fresh: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        shape: tuple[int, ...] = self.array.shape
        return shape

    @property
    def dtype(self) -> Any:
        return self.array.dtype


def code_of(dtype: Any) -> str:
    """A dtype as text."""
    return str(dtype.name if dtype.isnative and dtype.kind in "fiubc" else dtype.str)


NUMBERS = {0.0: "zero", 1.0: "one", 2.0: "two", 0.5: "one_half", -1.0: "minus_one"}
"""What arrays without axes are called."""


class Naming:
    """The names of a program, each once."""

    def __init__(self) -> None:
        self.names = Counter(("start", "low", "high"))  # of blocks of steps
        self.imports: dict[str, set[str]] = {}
        self.space: dict[str, Any] = {}  # what the text cannot say
        self.functions: dict[Any, str] = {}  # of this house, by what they are called in the text
        self.constants: list[tuple[Any, Value]] = []

    def name(self, wish: str) -> str:
        """A name that nothing else has."""
        wish = re.sub(r"\W", "_", wish.replace("→", "fwd_").replace("←", "bwd_")) or "v"
        wish = f"v{wish}" if wish[0].isdigit() else wish
        if keyword.iskeyword(wish) or hasattr(builtins, wish) or hasattr(np, wish):
            wish += "_"
        self.names[wish] += 1
        if self.names[wish] == 1:
            return wish
        return self.name(f"{wish.rstrip('_')}_{self.names[wish]}")

    def function(self, fn: Any) -> str:
        """How a function is called in the text."""
        owner = getattr(fn, "__self__", None)
        if isinstance(owner, np.ufunc):
            return f"{self.function(owner)}.{fn.__name__}"
        name = str(getattr(fn, "__name__", "f"))
        if getattr(np, name, None) is fn:
            self.imports.setdefault("numpy", set()).add(name)
            return name
        module = str(getattr(fn, "__module__", None))
        ours = module.partition(".")[0] == "minigrad"
        if ours and name.isidentifier() and getattr(sys.modules.get(module), name, None) is fn:
            if fn not in self.functions:
                known = self.functions[fn] = self.name(name)
                self.imports.setdefault(module, set()).add(name if known == name else f"{name} as {known}")
            return self.functions[fn]
        for known, value in self.space.items():
            if value is fn:
                return known
        known = self.name(name if name.isidentifier() else "f")
        self.space[known] = fn
        return known

    def render(self, arg: Any) -> str:
        """An argument as text."""
        if type(arg) is Value:
            self.used(arg)
            return arg.name
        if isinstance(arg, (np.ndarray, np.generic)):
            return self.constant(arg).name
        if isinstance(arg, float) and not np.isfinite(arg):
            return f'float("{arg}")'
        if arg is None or arg is ... or type(arg) in (int, float, bool, str):
            return "..." if arg is ... else repr(arg)
        if type(arg) is slice:
            return f"slice({', '.join(self.render(each) for each in (arg.start, arg.stop, arg.step))})"
        if type(arg) is tuple:
            return f"({', '.join(map(self.render, arg))}{',' if len(arg) == 1 else ''})"
        if type(arg) is list:
            return f"[{', '.join(map(self.render, arg))}]"
        if type(arg) is dict:
            return "{" + ", ".join(f"{key!r}: {self.render(value)}" for key, value in arg.items()) + "}"
        if isinstance(arg, np.dtype):
            return repr(code_of(arg))
        return self.function(arg)

    def used(self, value: Value) -> None:
        """Called for every value that is written down."""

    def constant(self, array: Any) -> Value:
        """An array, or a number of NumPy's, that is the same at all runs."""
        for known, value in self.constants:
            if same(known, array):
                return value
        wish = NUMBERS.get(array.item(), "k") if isinstance(array, np.ndarray) and not array.ndim else "k"
        value = Value(self.name(wish), np.asarray(array), True)
        self.constants.append((array, value))
        return value

    def constant_text(self, array: Any) -> str:
        """How a constant is written."""
        if array.ndim > 1 and not array.flags.c_contiguous and array.flags.f_contiguous:
            return f"{self.constant_text(array.T)}.T"  # as it lies in memory: products depend on it, in the last bits
        code = code_of(array.dtype)
        plain = array.item() if isinstance(array, np.generic) else None
        if type(plain) in (int, float, bool):
            kind = code if plain is not True and plain is not False else "bool_"
            self.imports.setdefault("numpy", set()).add(kind)
            return f"{kind}({self.render(plain)})"
        dtype = "" if code == "float64" else f', "{code}"'
        if isinstance(array, np.ndarray) and not array.ndim and code in ("float64", "float32") and np.isfinite(array):
            self.imports.setdefault("numpy", set()).add("array")
            return f"array({array.item()!r}{dtype})"
        for fill, fn in ((0, "zeros"), (1, "ones")):
            if array.ndim and array.size and array.tobytes() == np.full(array.shape, fill, array.dtype).tobytes():
                self.imports.setdefault("numpy", set()).add(fn)
                return f"{fn}({array.shape}{dtype})"
        one: Any = array.flat[0].item() if array.ndim and array.size else None
        alike = type(one) in (int, float) and array.tobytes() == array.flat[0].tobytes() * array.size
        if alike and np.isfinite(one):
            self.imports.setdefault("numpy", set()).add("full")
            return f"full({array.shape}, {one!r}{dtype})"
        self.imports.setdefault("numpy", set()).add("frombuffer")
        shape = {0: "[0]", 1: ""}.get(array.ndim, f".reshape({array.shape})")
        return f'frombuffer(bytes.fromhex("{array.tobytes().hex()}"), "{code}"){shape}'
