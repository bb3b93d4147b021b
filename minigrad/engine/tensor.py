"""A Tensor is a NumPy array and the memory of how it was made.

NumPy offers two protocols through which a foreign object may take part in its calls: ``__array_ufunc__`` for ufuncs
(``np.tanh``) and ``__array_function__`` for the rest (``np.sum``). A `Tensor` answers both, and its operators, by doing
one thing, `record`: call the same NumPy function on the arrays, and remember the function and its arguments. That
memory *is* the graph; there is no other. `walk.py` walks it in reverse.

Two properties make the memory trustworthy. A tensor's array is read-only, so what was remembered cannot change. And
every tensor carries a running `index`, so arguments are always older than what was made from them; assigning `data`
renews the index, and that is how the walk notices that a parameter was changed after it was used.
"""

from __future__ import annotations

import operator
from itertools import count
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from minigrad.engine.context import context
from minigrad.engine.tables import Function, arranged, check_options, name_of, plain, rewrites, spelled, vjps

Array: TypeAlias = npt.NDArray[Any]

_next_index = count().__next__
_new = object.__new__
_NO_KWARGS: dict[str, Any] = {}  # shared: an empty dict for every call would be felt at a microsecond an operation


def _binary(ufunc: np.ufunc) -> tuple[Any, Any]:
    """An operator and its reflection; they go straight to the recorder, without the protocol's detour."""
    return lambda a, b: record(ufunc, (a, b)), lambda b, a: record(ufunc, (a, b))


def _augmented(ufunc: np.ufunc) -> Any:
    """``total += cost`` gives a name to a new tensor; ``W -= step`` would replace a parameter by one that is none."""

    def augmented(a: Tensor, b: Any) -> Tensor:
        if a.fn is None and a.requires_grad:
            raise TypeError("a leaf is not changed in place: write p.data = p.data - step, or y = y + x for a new one")
        return record(ufunc, (a, b))

    return augmented


def _comparison(ufunc: np.ufunc) -> Any:
    plain.add(ufunc)
    return lambda a, b: ufunc(_array(a), _array(b))


_unary: Any = lambda ufunc: lambda a: record(ufunc, (a,))
_method: Any = lambda fn: lambda self, *args, **kwargs: apply(fn, (self, *args), kwargs)


class Tensor:
    """An array that remembers how it was made.

    Parameters
    ----------
    data : array_like
        Copied.
    requires_grad : bool
        Whether `backward` shall leave this tensor's gradient in `grad`. Only for floating-point data.
    name : str, optional
        Used in drawings and in error messages.
    dtype : dtype, optional
        As in `numpy.array`.

    Attributes
    ----------
    data : ndarray
        The values, read-only. A leaf's may be assigned: ``p.data = p.data - 0.1 * p.grad``.
    grad : ndarray or None
        What `backward` accumulated: of this tensor's shape and dtype, read-only, shared with nobody. Set it to None
        to start anew.
    fn, args, kwargs
        The call that made this tensor; ``fn`` is None for a leaf.
    index : int
        Running number: younger than all of ``args``.
    scope : tuple of str
        The scopes that were open when it was made, outermost first.

    Raises
    ------
    TypeError
        If ``requires_grad`` is asked of integers, booleans, complex numbers or objects.
    """

    __slots__ = ("__weakref__", "_data", "args", "fn", "grad", "index", "kwargs", "name", "requires_grad", "scope")

    def __init__(
        self, data: Any, requires_grad: bool = False, name: str | None = None, dtype: npt.DTypeLike | None = None
    ) -> None:
        if isinstance(data, Tensor) and data.requires_grad:
            raise TypeError("a tensor made from one that requires grad would be cut off from it: write t.detach()")
        array = frozen(np.asarray(_array(data), dtype))
        if requires_grad and array.dtype.kind != "f":
            raise TypeError(
                f"requires_grad needs floating-point data, got dtype {array.dtype}: write Tensor(..., dtype=float)"
            )
        self._data: Array = array
        self.requires_grad: bool = requires_grad
        self.name = name
        self.grad: Array | None = None
        self.fn: Function | None = None
        self.args: tuple[Any, ...] = ()
        self.kwargs = _NO_KWARGS
        self.index, self.scope = _next_index(), context.get().scope

    def __init_subclass__(cls) -> None:
        raise TypeError("Tensor cannot be subclassed: the recorder knows it by its type. Hold one, or use a Module")

    # -- what it is ---------------------------------------------------------------------------------------------------

    @property
    def data(self) -> Array:
        return self._data

    @data.setter
    def data(self, value: Any) -> None:
        if self.fn is not None:
            raise TypeError(f"only a leaf's data can be assigned; {self!r} was computed by {name_of(self.fn)}")
        array = np.asarray(value, self.dtype)
        if array.shape != self.shape:
            raise ValueError(f"data of shape {array.shape} assigned to a tensor of shape {self.shape}: make a new one")
        self._data = frozen(array)
        self.index = _next_index()  # graphs that used the old values are stale from now on

    shape = property(lambda self: self._data.shape)
    ndim = property(lambda self: self._data.ndim)
    size = property(lambda self: self._data.size)
    dtype = property(lambda self: self._data.dtype)
    T = property(lambda self: record(np.transpose, (self,)))

    def item(self) -> Any:
        """The value of a tensor with one element, as a Python number."""
        return self._data.item()

    def detach(self) -> Tensor:
        """The same values, cut off from the graph."""
        twin = Tensor(0.0)
        twin._data = self._data  # shared, being read-only
        return twin

    def backward(self, cotangent: Any = None, **options: Any) -> None:
        """Accumulate the gradient of this tensor in the leaves it was made from: see `minigrad.backward`."""
        from minigrad.engine.walk import backward  # the next chapter, which needs this one

        backward(self, cotangent, **options)

    def __repr__(self) -> str:
        traits = [np.array2string(self._data, separator=", ", prefix="Tensor(")]
        traits += [f"dtype={self.dtype}"] if self.dtype != np.float64 else []
        traits += [f"name={self.name!r}"] if self.name else []
        traits += ["requires_grad=True"] if self.requires_grad else []
        return f"Tensor({', '.join(traits)})"

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else str(self)

    __len__ = lambda self: len(self._data)
    __bool__ = lambda self: bool(self._data)
    __int__ = lambda self: int(self._data)
    __iter__ = lambda self: (self[i] for i in range(len(self)))

    def __float__(self) -> float:
        if self.requires_grad:
            raise TypeError("float(t), and math's functions, leave the graph: write t.item(), or NumPy's function")
        return float(self._data)

    # -- NumPy's protocols, operators and methods ---------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method != "__call__":
            raise TypeError(f"np.{ufunc.__name__}.{method} has no derivative rule: write np.sum, np.prod, np.max ...")
        if not kwargs and ufunc in vjps:  # the usual case, np.tanh(x), in short
            return record(ufunc, inputs)
        return apply(ufunc, inputs, kwargs)

    def __array_function__(self, fn: Function, types: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        return apply(fn, args, kwargs)

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> Array:
        if self.requires_grad:
            raise TypeError(
                "an array would leave the graph: write t.detach() or t.data, or np.stack for a list of tensors"
            )
        return np.array(self._data, dtype, copy=copy)

    def __setitem__(self, key: Any, value: Any) -> None:
        raise TypeError("tensors are not changed in place: write np.where(mask, new, t), or p.data = array for a leaf")

    __getitem__ = lambda self, key: record(operator.getitem, (self, key))
    __add__, __radd__ = _binary(np.add)
    __sub__, __rsub__ = _binary(np.subtract)
    __mul__, __rmul__ = _binary(np.multiply)
    __truediv__, __rtruediv__ = _binary(np.divide)
    __floordiv__, __rfloordiv__ = _binary(np.floor_divide)
    __mod__, __rmod__ = _binary(np.remainder)
    __pow__, __rpow__ = _binary(np.power)
    __matmul__, __rmatmul__ = _binary(np.matmul)
    __iadd__, __isub__ = _augmented(np.add), _augmented(np.subtract)
    __imul__, __itruediv__ = _augmented(np.multiply), _augmented(np.divide)
    __neg__, __pos__, __abs__ = _unary(np.negative), _unary(np.positive), _unary(np.absolute)
    __lt__, __le__ = _comparison(np.less), _comparison(np.less_equal)
    __gt__, __ge__ = _comparison(np.greater), _comparison(np.greater_equal)
    __eq__, __ne__ = _comparison(np.equal), _comparison(np.not_equal)
    __hash__ = object.__hash__  # by identity, since `==` compares values, element by element

    sum, mean, max, min = _method(np.sum), _method(np.mean), _method(np.max), _method(np.min)
    ravel, squeeze, swapaxes, dot = _method(np.ravel), _method(np.squeeze), _method(np.swapaxes), _method(np.dot)
    argmax, argmin, prod, cumsum = _method(np.argmax), _method(np.argmin), _method(np.prod), _method(np.cumsum)
    var, std, clip, round = _method(np.var), _method(np.std), _method(np.clip), _method(np.round)
    flatten, take, repeat, diagonal = _method(np.ravel), _method(np.take), _method(np.repeat), _method(np.diagonal)
    reshape = lambda self, *shape: record(np.reshape, (self, shape[0] if len(shape) == 1 else shape))
    transpose = lambda self, *axes: record(np.transpose, (self, axes[0] if len(axes) == 1 else axes or None))
    astype = lambda self, dtype: record(astype, (self, dtype))


def record(fn: Function, args: tuple[Any, ...], kwargs: dict[str, Any] = _NO_KWARGS) -> Tensor:
    """Call ``fn`` on the arrays behind ``args`` and, if a gradient may be asked for, remember the call.

    This is all that a forward pass does besides NumPy's own work, so it is kept short.
    """
    raw = []
    tracked = loose = False
    for arg in args:
        if type(arg) is Tensor:
            raw.append(arg._data)
            tracked |= arg.requires_grad
        else:
            raw.append(arg)
            loose |= type(arg) is not float and type(arg) is not int
    if loose:  # raw arrays and index tuples belong to the caller, who may change them before the backward pass
        args = tuple([arg if type(arg) is Tensor else frozen(arg, not isinstance(fn, np.ufunc)) for arg in args])
        raw = [_array(arg) for arg in args]
    out = fn(*raw, **kwargs) if kwargs else fn(*raw)
    if type(out) is not np.ndarray:
        out = np.asarray(out)
    out.setflags(False)  # read-only; by position, which is faster
    recorded, names, watch = context.get()
    tensor = _new(Tensor)
    tensor._data = out
    tensor.scope = names
    tensor.name = tensor.grad = None
    tensor.index = _next_index()
    if tracked and recorded and _real(out, fn):
        tensor.requires_grad, tensor.fn, tensor.args, tensor.kwargs = True, fn, args, kwargs
    else:
        tensor.requires_grad, tensor.fn, tensor.args, tensor.kwargs = False, None, (), _NO_KWARGS
    if watch is not None:
        watch.made(tensor, fn, args)
    return tensor


def apply(fn: Function, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Answer a call that one of NumPy's protocols handed over."""
    if kwargs.get("out") is not None:
        raise TypeError(f"{spelled(fn)}(..., out=...) would overwrite an array: write y = {spelled(fn)}(...)")
    if fn in rewrites:
        check_options(fn, args, kwargs)
        return rewrites[fn](*args, **kwargs)
    if fn in vjps:
        args, kwargs = arranged(fn, args, kwargs)
        return record(fn, args, {key: frozen(value, True) for key, value in kwargs.items()} if kwargs else _NO_KWARGS)
    if fn in plain:
        return fn(*map(_array, args), **{key: _array(value) for key, value in kwargs.items()})
    raise TypeError(
        f"{spelled(fn)} has no derivative rule: add one with minigrad.defvjp({spelled(fn)}, ...), or call it outside"
        " the graph, on t.detach().data"
    )


def frozen(value: Any, lists_stay: bool = False) -> Any:
    """``value`` as something that nobody else can change: arrays are copied, even read-only ones.

    (A read-only array may share its memory with one that is not.)
    """
    if isinstance(value, np.ndarray) or (isinstance(value, list) and not lists_stay):
        value = np.array(value)
        value.setflags(write=False)
    elif isinstance(value, (list, tuple)):  # an index, where a list and a tuple mean different things
        value = type(value)(frozen(v, lists_stay) for v in value)
    elif type(value) is Tensor:
        if value.requires_grad:
            raise TypeError(f"{value!r} in a list, an index or an option would lose its gradient: pass it by position")
        value = value._data
    return value


def _real(out: Array, fn: Function) -> bool:
    """Whether a result can have a gradient: integers have none, and complex numbers are not for minigrad."""
    if out.dtype.kind == "c":
        raise TypeError(f"{name_of(fn)} gave complex numbers, which have no derivatives here: stay with real ones")
    return out.dtype.kind == "f"


def _array(value: Any) -> Any:
    return value._data if type(value) is Tensor else value


def astype(a: Array, dtype: npt.DTypeLike) -> Array:
    """``a`` in another dtype; a primitive, since the method of arrays is no NumPy function."""
    return a.astype(dtype)
