"""A Tensor is a NumPy array and the memory of how it was made.

NumPy has two protocols by which other objects take part in its calls: ``__array_ufunc__`` for ufuncs (``np.tanh``), and
``__array_function__`` for the rest (``np.sum``). A `Tensor` answers both, and its operators, by one thing, `record`:
call the function on the arrays, and remember it and its arguments. That memory *is* the graph.

Two properties make the memory trustworthy. A tensor's array is read-only, so what was remembered cannot change. And
every tensor carries a running `index`, so arguments are always older than what was made from them; assigning `data`
renews the index, and that is how the walk notices that a parameter was changed after it was used.
"""

from __future__ import annotations

import operator
from contextlib import suppress
from itertools import count
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from numpy.lib.mixins import NDArrayOperatorsMixin

from minigrad.engine.calls import arranged
from minigrad.engine.context import context
from minigrad.engine.standin import StandIn
from minigrad.engine.tables import Function, Primitive, name_of, primitives, spelled

Array: TypeAlias = npt.NDArray[Any]

_next_index = count().__next__
_new, _array, _scalar = object.__new__, np.asarray, np.generic  # looked up once
_NO_KWARGS: dict[str, Any] = {}  # shared: an empty dict for every call would be felt at a microsecond an operation

# Freed at once. Linux's malloc (glibc) learns from it to keep what a graph leaves, up to 64 MB, for the next one: else
# that goes back to the system, and is fetched again page by page, which may take as long as NumPy's own work.
np.empty((1 << 25) - (1 << 13), np.uint8)


def _called(name: str, like: Any, method: Any) -> Any:
    """``method`` under the name by which it is called, in tracebacks too, and with the documentation of its like."""
    method.__code__ = method.__code__.replace(co_name=name, co_qualname=f"Tensor.{name}")
    method.__name__, method.__qualname__ = name, f"Tensor.{name}"
    method.__doc__ = like.__doc__.partition("Notes\n")[0].partition("Examples\n")[0]  # which are about arrays
    return method


def _methods(*fns: Function) -> Any:
    """NumPy's functions as methods."""
    return [_called(f.__name__, f, lambda self, *args, fn=f, **kwargs: apply(fn, (self, *args), kwargs)) for f in fns]


def _binary(name: str, ufunc: np.ufunc) -> tuple[Any, Any]:
    """An operator and its reflection; they go straight to the recorder, without the protocol's detour."""
    return (
        _called(f"__{name}__", ufunc, lambda self, other: record(ufunc, (self, other))),
        _called(f"__r{name}__", ufunc, lambda self, other: record(ufunc, (other, self))),
    )


def _augmented(name: str, ufunc: np.ufunc) -> Any:
    """``total += cost`` gives a name to a new tensor; ``W -= step`` would replace a parameter by one that is none."""

    def augmented(self: Tensor, other: Any) -> Tensor:
        if self.fn is None and self.requires_grad:
            raise TypeError("a leaf is not changed in place: write p.data = p.data - step, or y = y + x for a new one")
        return record(ufunc, (self, other))

    return _called(f"__i{name}__", ufunc, augmented)


class Tensor(NDArrayOperatorsMixin):  # which has the operators that are not spelled out below
    """An array that remembers how it was made.

    Parameters
    ----------
    data : array_like
        Of any shape. Copied.
    requires_grad : bool
        Whether `backward` shall leave this tensor's gradient in `grad`. Of other than floats: TypeError.
    name : str, optional
        Used in drawings and in error messages.
    dtype : dtype, optional

    Attributes
    ----------
    data : ndarray
        The values, read-only. A leaf's may be assigned: ``p.data = p.data - 0.1 * p.grad``.
    grad : ndarray or None
        What `backward` accumulated, read-only. Set it to None to start anew.
    fn, args, kwargs
        The call that made this tensor; ``fn`` is None for a leaf.
    index, scope
        A running number, younger than all of ``args``; and the names of the scopes that were open, outermost first.

    Raises
    ------
    TypeError
        If it is made from a tensor that requires grad (write ``t.detach()``), or other than floats shall
        require grad.
    """

    __slots__ = ("__weakref__", "_data", "args", "fn", "grad", "index", "kwargs", "name", "requires_grad", "scope")

    def __init__(self, data: Any, requires_grad: bool = False, name: str | None = None, dtype: Any = None) -> None:
        if isinstance(data, Tensor) and data.requires_grad:
            raise TypeError("a tensor made from one that requires grad would be cut off from it: write t.detach()")
        array = owned(raw(data), dtype)
        if requires_grad and array.dtype.kind != "f":
            raise TypeError(
                f"requires_grad needs floating-point data, got {array.dtype}: write Tensor(..., dtype=float)"
            )
        self._data: Array = array
        self.requires_grad: bool = requires_grad
        self.name = name
        self.grad: Array | None = None
        self.fn: Any = None
        self.args: tuple[Any, ...] = ()
        self.kwargs = _NO_KWARGS
        self.index, self.scope = _next_index(), context.get().scope

    def __init_subclass__(cls) -> None:
        raise TypeError("Tensor cannot be subclassed: the recorder knows it by its type. Hold one, or use a Module")

    @property
    def data(self) -> Array:
        return self._data

    @data.setter
    def data(self, value: Any) -> None:
        if self.fn is not None:
            raise TypeError(f"only a leaf's data can be assigned; {self!r} was computed by {name_of(self.fn)}")
        usual = type(value) is np.ndarray and value.dtype.kind in "fiub"
        given: Any = value if usual else operand(value, "an assignment")
        array = (given if isinstance(given, StandIn) else np.asarray(given)).astype(self.dtype, casting="same_kind")
        if array.shape != self.shape:
            raise ValueError(f"data of shape {array.shape} assigned to a tensor of shape {self.shape}: make a new one")
        array.setflags(write=False)
        self._data = array  # a copy
        self.index = _next_index()  # graphs that used the old values are stale from now on

    shape = property(operator.attrgetter("_data.shape"), doc="The lengths of its axes.")
    ndim = property(operator.attrgetter("_data.ndim"), doc="How many axes it has.")
    size = property(operator.attrgetter("_data.size"), doc="How many numbers it holds.")
    dtype = property(operator.attrgetter("_data.dtype"), doc="Their type.")
    T = property(lambda self: record(np.transpose, (self,)), doc="The tensor with its axes reversed.")
    mT = property(lambda self: record(np.swapaxes, (self, -1, -2)), doc="The tensor with its last two axes exchanged.")
    real = property(lambda self: self, doc="Itself: tensors hold real numbers.")
    item = property(operator.attrgetter("_data.item"), doc="``t.item()``, its only value as a Python number.")
    tolist = property(operator.attrgetter("_data.tolist"), doc="``t.tolist()``, its values in nested lists.")

    def detach(self) -> Tensor:
        """The same values, cut off from the graph."""
        twin = Tensor(0.0)
        twin._data = self._data  # shared, being read-only
        return twin

    def backward(self, cotangent: Any = None, **options: Any) -> None:
        """Accumulate the gradient of this tensor in the leaves it was made from: see `minigrad.backward`."""
        from minigrad.engine.walk import backward  # a later chapter, which needs this one

        backward(self, cotangent, **options)

    def __repr__(self) -> str:
        traits = [np.array2string(self._data, separator=", ", prefix="Tensor(")]
        traits += [f"dtype={self.dtype}"] if self.dtype != np.float64 else []
        traits += [f"name={self.name!r}"] if self.name else []
        traits += ["requires_grad=True"] if self.requires_grad else []
        return f"Tensor({', '.join(traits)})"

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else str(self)

    def __len__(self) -> int:
        return len(self._data)

    def __iter__(self) -> Any:
        return (self[i] for i in range(len(self)))

    def __bool__(self) -> bool:
        return bool(self._data)

    def __int__(self) -> int:
        return int(self._data)

    def __float__(self) -> float:
        if self.requires_grad:
            raise TypeError("float(t), and math's functions, leave the graph: write t.item(), or NumPy's function")
        return float(self._data)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method != "__call__":
            return apply(getattr(ufunc, method), inputs, kwargs)
        if not kwargs and (known := primitives.get(ufunc)) and known.rules:  # the usual case, np.tanh(x), in short
            return record(ufunc, inputs)
        return apply(ufunc, inputs, kwargs)

    def __array_function__(self, fn: Function, types: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        return apply(fn, args, kwargs)

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> Array:
        if self.requires_grad:
            raise TypeError("an array would leave the graph: write t.detach() or t.data, or np.stack")
        return np.array(self._data, dtype, copy=copy)

    def __setitem__(self, key: Any, value: Any) -> None:
        raise TypeError("tensors are not changed in place: write np.where(mask, new, t), or p.data = array for a leaf")

    def __getitem__(self, key: Any) -> Tensor:
        return record(operator.getitem, (self, key))

    __add__, __radd__ = _binary("add", np.add)
    __sub__, __rsub__ = _binary("sub", np.subtract)
    __mul__, __rmul__ = _binary("mul", np.multiply)
    __truediv__, __rtruediv__ = _binary("truediv", np.divide)
    __pow__, __rpow__ = _binary("pow", np.power)
    __matmul__, __rmatmul__ = _binary("matmul", np.matmul)
    __iadd__, __isub__ = _augmented("add", np.add), _augmented("sub", np.subtract)
    __imul__, __itruediv__ = _augmented("mul", np.multiply), _augmented("truediv", np.divide)
    __ipow__, __imatmul__ = _augmented("pow", np.power), _augmented("matmul", np.matmul)
    __imod__, __ifloordiv__ = _augmented("mod", np.remainder), _augmented("floordiv", np.floor_divide)
    __hash__ = object.__hash__  # by identity, since `==` compares values, element by element

    sum, mean, var, std, prod, cumsum = _methods(np.sum, np.mean, np.var, np.std, np.prod, np.cumsum)
    max, min, argmax, argmin, clip, round = _methods(np.max, np.min, np.argmax, np.argmin, np.clip, np.round)
    ravel, squeeze, swapaxes, diagonal = _methods(np.ravel, np.squeeze, np.swapaxes, np.diagonal)
    dot, take, repeat, trace, cumprod, ptp = _methods(np.dot, np.take, np.repeat, np.trace, np.cumprod, np.ptp)
    any, all, argsort, nonzero, searchsorted = _methods(np.any, np.all, np.argsort, np.nonzero, np.searchsorted)
    flatten = ravel  # an array's copies; nothing here is ever written to
    copy = _called("copy", np.copy, lambda self: record(np.positive, (self,)))

    def reshape(self, *shape: Any) -> Tensor:
        """The same numbers in another shape, ``t.reshape(2, 3)`` or ``t.reshape((2, 3))``."""
        return record(np.reshape, (self, shape[0] if len(shape) == 1 else shape))

    def transpose(self, *axes: Any) -> Tensor:
        """The axes in another order, ``t.transpose(1, 0)`` or ``t.transpose((1, 0))``; reversed without arguments."""
        return record(np.transpose, (self,), {"axes": axes[0] if len(axes) == 1 else axes or None})

    def astype(self, dtype: npt.DTypeLike, copy: bool = True) -> Tensor:
        """The same numbers in another dtype, as a tensor of their own (``copy`` makes no difference)."""
        return record(astype, (self, dtype))


def record(fn: Function, args: tuple[Any, ...], kwargs: dict[str, Any] = _NO_KWARGS) -> Tensor:
    """Call ``fn`` on the arrays behind ``args`` and, if a gradient may be asked for, remember the call.

    This is all that a forward pass does besides NumPy's own work, so it is kept short.
    """
    arrays = []
    tracked = loose = False
    for arg in args:
        if type(arg) is Tensor:
            arrays.append(arg._data)
            tracked |= arg.requires_grad
        else:
            arrays.append(arg)
            loose |= type(arg) is not float and type(arg) is not int
    if loose:  # raw arrays and index tuples belong to the caller, who may change them before the backward pass
        known = primitives.get(fn) or Primitive()
        pairs = zip(args, known.rules or [known.joint] * len(args), strict=True)
        args = tuple([a if type(a) is Tensor else operand(a, fn) if rule else frozen(a) for a, rule in pairs])
        arrays = [a._data if type(a) is Tensor else a for a in args]
    out = fn(*arrays, **kwargs) if kwargs else fn(*arrays)
    if type(out) is not np.ndarray:
        if isinstance(out, _scalar):
            out = _array(out)
        elif isinstance(out, (tuple, list)):
            raise TypeError(f"{spelled(fn)} gave {len(out)} results, a primitive gives one: np.stack them inside it")
        elif not isinstance(out, StandIn):
            out = _array(out)
    out.setflags(False)
    recorded, names, watch = context.get()
    tensor = _new(Tensor)
    tensor._data = out
    tensor.scope = names
    tensor.name = tensor.grad = None
    tensor.index = _next_index()
    if tracked and recorded and out.dtype.kind == "f":
        tensor.requires_grad, tensor.fn = True, fn
        tensor.args, tensor.kwargs = args, kwargs
    elif tracked and recorded and out.dtype.kind == "c":
        raise TypeError(f"{name_of(fn)} gave complex numbers, which have no derivatives here: stay with real ones")
    else:
        tensor.requires_grad, tensor.fn, tensor.args, tensor.kwargs = False, None, (), _NO_KWARGS
        if tracked and type(recorded) is not bool:
            recorded.check()
    if watch is not None:
        watch.made(tensor, fn, args)
    return tensor


def apply(fn: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Answer a call that one of NumPy's protocols handed over."""
    known = primitives.get(fn) or Primitive()
    if not kwargs and known.rules and len(args) == known.count:  # the usual cases, np.sum(x) and np.stack(xs), in short
        return record(fn, args)
    if not kwargs and known.rewrite and known.count == 0 and len(args) < 3:
        return known.rewrite(*args)
    if kwargs.get("out") is not None:
        raise TypeError(f"{spelled(fn)}(..., out=...) would overwrite an array: write y = {spelled(fn)}(...)")
    if not (known.rules or known.joint or known.rewrite):
        return fn(*bare(args, fn, known), **{key: bare(value, fn, known) for key, value in kwargs.items()})
    args, kwargs = arranged(fn, known, args, kwargs)
    if known.rewrite and (not (known.rules or known.joint) or any(key not in known.options for key in kwargs)):
        return known.rewrite(*args, **kwargs)
    return record(fn, args, {key: frozen(value) for key, value in kwargs.items()} if kwargs else _NO_KWARGS)


def bare(value: Any, fn: Function, known: Primitive) -> Any:
    """``value`` without tensors, for a ``fn`` whose results carry no gradient; else no tensor may need one."""
    if type(value) in (list, tuple):
        return type(value)([bare(each, fn, known) for each in value])
    if isinstance(value, Tensor) and value.requires_grad and not known.plain:
        advice = f"add one with minigrad.defvjp({spelled(fn)}, ...), or call it outside the graph, on t.detach().data"
        raise TypeError(f"{spelled(fn)} has no derivative rule: {known.refused or advice}")
    return raw(value)


def raw(value: Any) -> Any:
    """The array of a tensor; anything else as it is."""
    return value._data if type(value) is Tensor else value


def owned(array: Any, dtype: npt.DTypeLike | None = None, order: Any = "K") -> Any:
    """A read-only copy that shares memory with nobody; "C" lays it out row by row."""
    if type(array) is not np.ndarray and isinstance(array, StandIn):
        return array if dtype is None or array.dtype == dtype else array.astype(dtype)
    copy: Any = np.array(array, dtype, order=order)
    copy.setflags(False)  # read-only; by position, which is faster
    return copy


def operand(value: Any, fn: Any) -> Any:
    """What ``fn`` computes with, and is no tensor, as numbers that nobody else can change."""
    if type(value) is np.ndarray and value.dtype.kind in "fiub":  # the usual case
        return owned(value)
    if isinstance(value, (float, int, np.number, np.bool, StandIn)):
        return value
    array = np.asarray(value)
    if array.dtype.kind == "O" and not any(isinstance(each, (str, bytes, Tensor, type(None))) for each in array.flat):
        with suppress(TypeError, ValueError):
            array = array.astype(float)  # fractions, decimals, and what tables hold
    more = isinstance(value, np.ndarray) and type(value) not in (np.ndarray, np.memmap)  # a mask, units ...
    if array.dtype.kind not in "fiubc" or more:
        advice = "convert it first, with np.asarray(x), x.toarray(), x.filled(0) ..., or np.stack for a list of tensors"
        raise TypeError(
            f"{spelled(fn)} was given a {type(value).__name__}, which is no plain array of numbers: {advice}"
        )
    return frozen(array)


def frozen(value: Any) -> Any:
    """``value``, an argument that is no tensor, as something that nobody else can change.

    Arrays are copied, read-only ones too (others may write to their memory). Lists and tuples stay what they are: in an
    index they differ.
    """
    if type(value) is np.ndarray:
        return owned(value)
    if isinstance(value, StandIn):
        return value
    if hasattr(type(value), "__array__") and not isinstance(value, (Tensor, np.generic)):
        value = owned(np.asarray(value))
    elif isinstance(value, (list, tuple)):
        value = type(value)(frozen(v) for v in value)
    elif isinstance(value, Tensor):
        if value.requires_grad:
            raise TypeError(f"{value!r} in a list, an index or an option would lose its gradient: pass it by position")
        value = value._data
    return value


def astype(a: Array, dtype: npt.DTypeLike) -> Array:
    """``a`` in another dtype; a primitive, since the method of arrays is no NumPy function."""
    return a.astype(dtype)
