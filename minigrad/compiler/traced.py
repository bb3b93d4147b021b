"""What stands in the place of arrays while a function is traced, and sees every call that is made on it.

The function is run as it always is, engine, rules and all: only its arrays are stand-ins, which call NumPy on what they
stand for and write the call down. So the program is what the function *did*, and comparisons, masks and indices are
calls like any other. What would make the program depend on values in a way that cannot be written down (``if x > 0``,
``float(x)``, ``np.nonzero(x)``) is refused, with the line that did it.
"""

from __future__ import annotations

import operator
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from minigrad.anomaly import calling_line
from minigrad.compiler.node import Differing, Node, same, walked
from minigrad.engine.standin import StandIn
from minigrad.engine.tables import spelled
from minigrad.engine.tensor import Tensor, astype


class Refused(TypeError):
    """The function does something that depends on values and cannot be written down as a program."""


class Unknown(Refused, AttributeError):
    """What arrays have, and stand-ins have not."""


def refuse(what: str) -> Refused:
    """``what`` it did, and where."""
    return Refused(f"mg.compile: {what}, at {calling_line()}")


SHAPE = {np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.common_type, np.min_scalar_type, np.isrealobj,
         np.iscomplexobj}  # fmt: skip
"""Functions of shapes and dtypes, which are the same at every run."""
COUNTING = {np.nonzero, np.flatnonzero, np.argwhere, np.unique, np.unique_all, np.unique_counts, np.unique_inverse,
            np.unique_values, np.union1d, np.intersect1d, np.setdiff1d, np.setxor1d, np.trim_zeros, np.extract,
            np.compress, np.place, np.putmask, np.copyto, np.put, np.put_along_axis, np.fill_diagonal, np.bincount,
            np.histogram, np.delete, np.insert}  # fmt: skip
"""Functions whose results have shapes that depend on values, or that write."""
METHODS = {
    name: getattr(np, name)
    for name in ("sum", "mean", "std", "var", "prod", "cumsum", "cumprod", "max", "min", "argmax", "argmin", "clip",
                 "round", "ravel", "squeeze", "swapaxes", "diagonal", "dot", "take", "repeat", "trace", "any",
                 "all", "argsort", "searchsorted", "nonzero", "copy", "conj")
}  # fmt: skip
METHODS |= {"flatten": np.ravel, "conjugate": np.conj}


class Tracer:
    """Writes down the calls that stand-ins see, in one thread and until it is ``closed``."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.checks: list[Node] = []
        self.lenient: dict[str, str] = {}
        self.asked: set[int] = set()
        self.uneven = False
        self.thread, self.closed = threading.get_ident(), False

    def node(self, fn: Any, args: Any, kwargs: Any, value: Any) -> Node:
        """One more node."""
        shape = value.shape if isinstance(value, np.ndarray) else None
        number = len(self.nodes)
        node = Node(fn, args, kwargs, number, shape, None if shape is None else value.dtype, recorded=number)
        node.in_order = shape is None or value.flags.c_contiguous
        self.nodes.append(node)
        return node

    def input(self, value: Any) -> Traced:
        """What the function is given."""
        array = _locked(np.asarray(value))
        return Traced(array, self.node(None, (), {}, array), self)

    def call(self, fn: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Make the call on what the stand-ins stand for, and write it down."""
        if self.closed or threading.get_ident() != self.thread:
            raise refuse("a value of a traced run was kept, and used after it or in another thread")
        if kwargs.get("out") is not None:
            raise refuse(f"{spelled(fn)}(..., out=...) changes an array in place")
        if fn in COUNTING or (fn is np.where and len(args) == 1):
            raise refuse(f"the shape of what {spelled(fn)} gives depends on values, or it changes an array")
        try:
            value = fn(*walked(_value, args), **walked(_value, kwargs))
        except ValueError as error:
            if not any(told in str(error) for told in ("read-only", "output array")):
                raise
            raise refuse(f"{spelled(fn)} changes an array in place") from error
        if fn in SHAPE:
            return value
        self.look_at_errors(np.geterr())
        args, kwargs = walked(_operand, args), walked(_operand, kwargs)
        if isinstance(value, (tuple, list)) and not isinstance(value, np.ndarray):
            whole = self.node(fn, args, kwargs, value)
            parts = [self.wrapped(part, self.node(operator.getitem, (whole, i), {}, np.asarray(part)))
                     for i, part in enumerate(value)]  # fmt: skip
            return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
        array = np.asarray(value)
        if array.dtype.kind not in "fiubc":
            raise refuse(f"{spelled(fn)} gave a {type(value).__name__}, which is no array")
        return self.wrapped(array, self.node(fn, args, kwargs, array))

    def look_at_errors(self, how: Any) -> None:
        """Whether the function has switched warnings off here: they are, then, in all of the program."""
        for what, told in how.items():
            if told == "ignore":
                self.lenient[what] = told
            elif told not in ("call", "warn"):
                raise refuse(f"np.errstate({what}={told!r}) holds for a part of a program: write it around the call")

    def wrapped(self, value: Any, node: Node) -> Traced:
        return Traced(_locked(np.asarray(value)), node, self)


class Traced(StandIn, NDArrayOperatorsMixin):
    """An array that is known by the call that made it."""

    __slots__ = ("_array", "node", "tracer")

    def __init__(self, array: Any, node: Node, tracer: Tracer) -> None:
        self._array, self.node, self.tracer = array, node, tracer

    shape = property(lambda self: self._array.shape)
    ndim = property(lambda self: self._array.ndim)
    size = property(lambda self: self._array.size)
    dtype = property(lambda self: self._array.dtype)
    itemsize = property(lambda self: self._array.itemsize)
    nbytes = property(lambda self: self._array.nbytes)
    T = property(lambda self: self.tracer.call(np.transpose, (self,), {}))
    mT = property(lambda self: self.tracer.call(np.swapaxes, (self, -1, -2), {}))
    real = property(lambda self: self.tracer.call(np.real, (self,), {}) if self.dtype.kind == "c" else self)
    imag = property(lambda self: self.tracer.call(np.imag, (self,), {}))

    def call(self, fn: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        return self.tracer.call(fn, args, kwargs)

    def refuse(self, what: str) -> Refused:
        return refuse(what)

    def require(self, check: Callable[..., None], args: Any) -> None:
        check(*walked(_value, args))
        self.tracer.checks.append(self.tracer.node(check, walked(_operand, args), {}, None))

    def uneven(self) -> None:
        self.tracer.uneven = True

    def known(self) -> Any:
        self.tracer.checks.append(self.tracer.node(unchanged, (self.node, _operand(self._array)), {}, None))
        return self._array

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if Tensor in map(type, inputs):
            return NotImplemented  # its turn
        if method == "at":
            raise refuse(f"np.{ufunc.__name__}.at changes an array in place")
        return self.tracer.call(ufunc if method == "__call__" else getattr(ufunc, method), inputs, kwargs)

    def __array_function__(self, fn: Callable[..., Any], types: Any, args: Any, kwargs: Any) -> Any:
        return NotImplemented if Tensor in types else self.tracer.call(fn, args, kwargs)

    def __getattr__(self, name: str) -> Any:
        if name not in METHODS:
            raise Unknown(f"mg.compile: an array that is being traced has no .{name}, at {calling_line()}")
        return lambda *args, **kwargs: self.tracer.call(METHODS[name], (self, *args), kwargs)

    def reshape(self, *shape: Any, **options: Any) -> Any:
        return self.tracer.call(np.reshape, (self, shape[0] if len(shape) == 1 else shape), options)

    def transpose(self, *axes: Any) -> Any:
        if not axes or axes == (None,):
            return self.tracer.call(np.transpose, (self,), {})
        return self.tracer.call(np.transpose, (self, axes[0] if len(axes) == 1 else axes), {})

    def astype(self, dtype: Any, casting: str = "unsafe", copy: bool = True, **options: Any) -> Any:
        if np.dtype(dtype) == self.dtype:
            return self
        if not np.can_cast(self.dtype, dtype, casting):  # type: ignore[arg-type]  # or NumPy refuses it
            raise TypeError(f"cannot cast an array from {self.dtype} to {np.dtype(dtype)} by the rule {casting!r}")
        return self.tracer.call(astype, (self, np.dtype(dtype)), {})

    def __getitem__(self, key: Any) -> Any:
        keys = key if isinstance(key, tuple) else (key,)
        if any(isinstance(k, (Traced, Tensor)) and k.dtype == bool for k in keys):
            raise refuse("how many elements a mask selects depends on values: write np.where(mask, a, 0)")
        if any(isinstance(part, Traced) for k in keys if isinstance(k, slice) for part in (k.start, k.stop, k.step)):
            raise refuse("how many elements a slice has depends on values")
        return self.tracer.call(operator.getitem, (self, keys[0] if len(keys) == 1 else key), {})

    def __setitem__(self, key: Any, value: Any) -> None:
        raise refuse("an array is changed in place: write np.where(mask, new, a), or index_add of minigrad.rules")

    def __len__(self) -> int:
        self.tracer.asked.add(len(self._array))
        return len(self._array)

    def __iter__(self) -> Any:
        return (self[i] for i in range(len(self)))

    def __reversed__(self) -> Any:
        return (self[i] for i in reversed(range(len(self))))

    def __copy__(self) -> Traced:
        return self

    def __deepcopy__(self, memo: Any) -> Traced:
        return self

    def __repr__(self) -> str:
        return f"<traced {self.dtype} {self.shape}>"

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise refuse("an array leaves the computation: np.asarray, or a function that NumPy does not hand over")

    __hash__ = None  # type: ignore[assignment]


def _refusal(name: str, what: str) -> Any:
    def refused(self: Traced, *args: Any, **kwargs: Any) -> Any:
        raise refuse(f"{what} depends on values that will be others at the next run")

    refused.__name__ = name
    return refused


for _name, _what in {
    "__bool__": "a condition (if, while, and, or, not)",
    "__int__": "int(x)",
    "__float__": "float(x), or a function of math,",
    "__complex__": "complex(x)",
    "__index__": "an index, a range or a size",
    "__contains__": "whether something is in an array",
    "__format__": "a string",
    "item": "x.item()",
    "tolist": "x.tolist()",
    "tobytes": "x.tobytes()",
}.items():
    setattr(Traced, _name, _refusal(_name, _what))


def unchanged(array: Any, known: Any) -> None:
    """The numbers are those that the program was made for."""
    if not same(np.asarray(array), np.asarray(known)):
        raise Differing


def _locked(array: Any) -> Any:
    """The same numbers, which nobody can write to: a call that changes them in place is told so."""
    if not array.flags.writeable:
        return array
    array = array.view()
    array.setflags(write=False)
    return array


def _value(leaf: Any) -> Any:
    """What the call is made on."""
    if type(leaf) is Traced:
        return leaf._array
    if isinstance(leaf, Tensor):
        return leaf._data._array if isinstance(leaf._data, Traced) else leaf._data
    return _locked(leaf) if isinstance(leaf, np.ndarray) else leaf


def _operand(leaf: Any) -> Any:
    """What is written down: nodes, and constants that nobody else can change."""
    if type(leaf) is Traced:
        return leaf.node
    if isinstance(leaf, Tensor):
        return _operand(leaf._data)
    if isinstance(leaf, np.ndarray) and type(leaf) is not np.ndarray:
        raise refuse(f"a {type(leaf).__name__} takes part: NumPy's plain arrays are needed, np.asarray(a)")
    if isinstance(leaf, np.ndarray) and (leaf.flags.writeable or leaf.base is not None):
        leaf = leaf.copy("K")
        leaf.setflags(write=False)
    return leaf


_lock = threading.Lock()


class Open:
    """``with Open() as tracer``: a trace under way, without warnings: numbers of the first call are computed again."""

    def __enter__(self) -> Tracer:
        self.quiet = np.errstate(all="call", call=_unheard)  # told apart from whatever the function sets
        self.quiet.__enter__()
        with _lock:
            StandIn.tracing += 1
        self.tracer = Tracer()
        return self.tracer

    def __exit__(self, *exception: object) -> None:
        self.quiet.__exit__(None, None, None)
        with _lock:
            StandIn.tracing -= 1
        self.tracer.closed = True


def _unheard(kind: str, flag: int) -> None:
    """Nobody is told of an error in floating-point arithmetic."""
