"""What a function is given, and what it reads besides: found, told apart from other calls, and exchanged.

Arrays and tensors are what may differ from call to call: they are the program's inputs, wherever they stand: in nested
containers, in modules, in the closure of the function and among the global names that it uses. All else makes another
program: numbers, names, functions, by their values.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cached_property, lru_cache, partial
from typing import Any

import numpy as np

from minigrad.compiler.traced import Refused
from minigrad.containers import Keeper
from minigrad.engine.standin import StandIn
from minigrad.engine.tensor import Tensor
from minigrad.module import Module

PLAIN = {int, bool, str, bytes, complex, type(None), type(...), type(NotImplemented), range, types.CodeType}
BY_IDENTITY = (np.dtype, np.ufunc, type(np.sum), types.BuiltinFunctionType, types.ModuleType, type)
LIBRARIES = {"minigrad", "numpy", *sys.stdlib_module_names}


class Wrapper:
    """A function that is there for another one, ``f``."""

    f: Any


CODES: dict[int, Any] = {}  # code objects by identity, kept alive so that no other one gets their number


@dataclass(frozen=True, eq=False)
class Methods:
    """What a class of the user's has for its modules: methods, properties, and values that they share.

    Attributes
    ----------
    cls : type
    written : tuple of type
        It, and what it comes from, as far as that is the user's too.
    """

    cls: type
    written: tuple[type, ...]

    def attributes(self) -> dict[str, Any]:
        """By name. A method that uses what cannot be looked at, to save or to print perhaps, is not looked at."""
        found = {name: each for cls in reversed(self.written) for name, each in vars(cls).items()}
        return {
            name: each for name, each in found.items()
            if (not name.startswith("__") or (type(each) is types.FunctionType and name != "__init__"))
            and _openable(_inner(each))
        }  # fmt: skip

    def with_others(self, parts: list[Any]) -> Methods:
        """A class like this one, with these functions and values."""
        new = {
            name: _outer(old, part)
            for (name, old), part in zip(self.attributes().items(), parts, strict=True)
            if part is not _inner(old)
        }
        return Methods(type(self.cls)(self.cls.__name__, (self.cls,), new), self.written)


def methods(cls: type) -> Methods | None:
    """Those of a class of the user's; none where all is this package's."""
    found: Methods | None = _methods(cls)
    return found


@lru_cache(maxsize=256)
def _methods(cls: Any) -> Methods | None:
    written = tuple(each for each in cls.__mro__ if not of_a_library(each))
    return Methods(cls, written) if written else None


def _inner(attribute: Any) -> Any:
    """The function of a property or of a static, class's or cached method; another attribute is what it is."""
    for kind, name in ((property, "fget"), (cached_property, "func"), ((staticmethod, classmethod), "__func__")):
        if isinstance(attribute, kind):
            return getattr(attribute, name)
    return attribute


def _outer(attribute: Any, inner: Any) -> Any:
    """The same kind of attribute, with another function."""
    if isinstance(attribute, property):
        return attribute.getter(inner)
    if isinstance(attribute, cached_property):
        made = cached_property(inner)
        made.__set_name__(object, attribute.attrname or "")
        return made
    return type(attribute)(inner) if isinstance(attribute, (staticmethod, classmethod)) else inner


def _openable(value: Any) -> bool:
    """Whether it can be looked at, and all that it consists of."""
    try:
        for _ in inside([value], closed=Methods):
            pass
    except Refused:
        return False
    return True


def inside(values: list[Any], closed: type | tuple[()] = ()) -> Iterator[Any]:
    """What is opened in them, and in that, and so on, each once; all but what is ``closed``."""
    seen: dict[int, Any] = {}  # which keeps them, so that no other one gets their number
    open_ = list(values)
    while open_:
        value = open_.pop()
        if not is_leaf(value) and not isinstance(value, closed) and id(value) not in seen:
            seen[id(value)] = value
            yield value
            open_ += opened(value)[1]


class Found(list[Any]):
    """All arrays and tensors among the arguments of a function, and its ``keepers``."""

    def __init__(self) -> None:
        super().__init__()
        self.keepers: list[Keeper] = []


def look(value: Any, key: list[Any], found: Found, seen: dict[int, int]) -> None:
    """Add to ``found`` all arrays and tensors in ``value``, and to ``key`` what tells it from others."""
    kind = type(value)
    if kind is np.ndarray or kind is np.memmap:
        key += (kind, value.shape, _short(value.dtype))
        found.append(value)
    elif kind is Tensor:
        if (number := seen.get(id(value))) is not None:
            key.append(number)
            return
        seen[id(value)] = len(seen)
        data = value._data
        key += (kind, value.requires_grad, data.shape, _short(data.dtype))
        found.append(value)
    elif kind in PLAIN:
        key += (kind, value)
    elif kind is float:
        key += (kind, value.hex())
    elif isinstance(value, (np.generic, StandIn)):
        key += (kind,)
        found.append(value)
    elif isinstance(value, BY_IDENTITY) or (kind is types.FunctionType and _plain(value)):
        key.append(value)
    elif (number := seen.get(id(value))) is not None:
        key.append(number)
    elif isinstance(value, Keeper):
        seen[id(value)] = len(seen)
        found.keepers.append(value)
        kept, fixed = value.kept(), value.fixed()
        key += (kind, *kept, *fixed)
        own = methods(kind)
        for part in (*kept.values(), *fixed.values(), own):
            look(part, key, found, seen)
    else:
        seen[id(value)] = len(seen)
        names, parts = opened(value)
        key += (kind, len(parts), names)
        for part in parts:
            look(part, key, found, seen)


def is_leaf(value: Any) -> bool:
    """Whether there is nothing more to be found in it."""
    kind = type(value)
    if (
        kind in (np.ndarray, np.memmap, Tensor, float)
        or kind in PLAIN
        or isinstance(value, (np.generic, StandIn, *BY_IDENTITY))
    ):
        return True
    return kind is types.FunctionType and _plain(value)


def _short(dtype: Any) -> Any:
    """What tells a dtype from others, and is quickly compared."""
    return dtype.char if dtype.isnative and dtype.kind in "fiub" else dtype


def opened(value: Any) -> tuple[Any, list[Any]]:
    """What a container, module or function consists of: what is always so, and the parts to look at."""
    if isinstance(value, (list, tuple, set, frozenset)):
        return None, list(value) if not isinstance(value, (set, frozenset)) else sorted(value, key=repr)
    if isinstance(value, dict):
        return None, [part for item in value.items() for part in item]
    if isinstance(value, Module):
        own = methods(type(value))
        return tuple(vars(value)), [*vars(value).values(), *([own] if own else [])]
    if isinstance(value, Methods):
        found = value.attributes()
        return tuple(found), [_inner(each) for each in found.values()]
    if isinstance(value, types.FunctionType):
        hidden = [cell.cell_contents for cell in value.__closure__ or () if _filled(cell)]
        hidden += [value.__defaults__, value.__kwdefaults__]
        return _code(value.__code__), hidden + [value.__globals__[name] for name in _names(value)]
    if isinstance(value, Wrapper):
        return None, [value.f]
    if isinstance(value, types.MethodType):
        return None, [value.__func__, value.__self__]
    if isinstance(value, partial):
        return None, [value.func, value.args, value.keywords]
    if is_dataclass(value) and value.__dataclass_params__.frozen:  # type: ignore[union-attr]  # a class's own
        return None, [getattr(value, each.name) for each in fields(value)]
    if isinstance(value, slice):
        return None, [value.start, value.stop, value.step]
    raise Refused(_unknown(value))


def _unknown(value: Any) -> str:
    if isinstance(value, np.random.Generator):
        return "mg.compile: random numbers would be drawn once, while tracing: draw them outside, and pass them"
    return (
        f"mg.compile: the function uses a {type(value).__name__}, which may change unnoticed: pass the arrays that it"
        " needs, in dicts, lists, tuples or a Module"
    )


def exchanged(value: Any, new: Iterator[Any], made: dict[int, Any]) -> Any:
    """The same with other arrays and tensors, ``new``, in the places of those that `look` found, in its order."""
    if type(value) in (np.ndarray, np.memmap) or isinstance(value, np.generic):
        return next(new)
    if id(value) in made:
        return made[id(value)]
    if type(value) is Tensor:
        made[id(value)] = next(new)
        return made[id(value)]
    if is_leaf(value):
        return value
    if isinstance(value, Keeper):
        kept, fixed = ({name: exchanged(part, new, made) for name, part in parts.items()}
                       for parts in (value.kept(), value.fixed()))  # fmt: skip
        for name, part in kept.items():
            part.node.name = name
        keeper = made[id(value)] = value.twin(kept, fixed)
        if own := methods(type(value)):
            keeper.__class__ = exchanged(own, new, made).cls
        return keeper
    if isinstance(value, Module):
        twin = made[id(value)] = object.__new__(type(value))
        vars(twin).update({name: exchanged(part, new, made) for name, part in vars(value).items()})
        if own := methods(type(value)):
            twin.__class__ = exchanged(own, new, made).cls
        return twin
    made[id(value)] = value  # of what contains itself
    _, parts = opened(value)
    others = [exchanged(part, new, made) for part in parts]
    if all(part is other for part, other in zip(parts, others, strict=True)):
        return value
    made[id(value)] = _assembled(value, others)
    return made[id(value)]


def _assembled(value: Any, parts: list[Any]) -> Any:
    """A container or function like ``value``, of these parts."""
    if isinstance(value, dict):
        twin = copy(value)  # of its own kind, such as a defaultdict
        twin.clear()
        for key, part in zip(parts[::2], parts[1::2], strict=True):
            twin[key] = part
        return twin
    if isinstance(value, types.FunctionType):
        cells = [types.CellType(parts.pop(0)) if _filled(cell) else cell for cell in value.__closure__ or ()]
        defaults, keywords, *others = parts
        names = dict(zip(_names(value), others, strict=True))
        space = value.__globals__ | names if names else value.__globals__
        made = types.FunctionType(value.__code__, space, value.__name__, defaults, tuple(cells))
        made.__kwdefaults__, made.__dict__ = keywords, vars(value)
        return made
    if isinstance(value, Methods):
        return value.with_others(parts)
    if isinstance(value, Wrapper):
        return parts[0]
    if isinstance(value, types.MethodType):
        return types.MethodType(*parts)
    if isinstance(value, partial):
        return partial(parts[0], *parts[1], **parts[2])
    if is_dataclass(value):  # of whatever class, which a type checker would have to know
        return replace(value, **dict(zip([each.name for each in fields(value)], parts, strict=True)))  # type: ignore[type-var]
    return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)


def _filled(cell: types.CellType) -> bool:
    try:
        return (cell.cell_contents, True)[1]
    except ValueError:
        return False


@lru_cache(maxsize=256)
def _plain(f: types.FunctionType) -> bool:
    """Whether a function is of a library, and has nothing of its own."""
    own = f.__closure__ or f.__defaults__ or f.__kwdefaults__
    return not own and of_a_library(f)


def of_a_library(value: Any) -> bool:
    """Whether a function or class was written there: `functools.wraps` gives it the module of another one."""
    space = getattr(value, "__globals__", {})
    return (space.get("__name__") or getattr(value, "__module__", None) or "").partition(".")[0] in LIBRARIES


def _code(code: types.CodeType) -> int:
    CODES[id(code)] = code
    return id(code)


def _names(f: types.FunctionType) -> list[str]:
    """The global names that a function of the user's uses."""
    if of_a_library(f):
        return []
    return [name for name in global_names(f.__code__) if name in f.__globals__]


@lru_cache(maxsize=256)
def global_names(code: types.CodeType) -> tuple[str, ...]:
    """All that a function, and those inside it, may look up."""
    inner = [name for each in code.co_consts if isinstance(each, types.CodeType) for name in global_names(each)]
    return tuple(dict.fromkeys([*code.co_names, *inner]))


def traced_already(found: list[Any]) -> bool:
    """Whether stand-ins are among the arguments: the function is part of one that is being traced."""
    return any(isinstance(each._data if type(each) is Tensor else each, StandIn) for each in found)
