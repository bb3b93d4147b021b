"""Other frameworks' gradients, as the checker wants them: a function of arrays and its pullback.

    check_vjp(*adapters.torch(torch.nn.functional.gelu), (x,))

Each framework has its own idea of what an array is, and of what happens to an argument that is not used, to a result
that is an integer, to a cotangent of another dtype. All of that is settled here, once: `Adapted` speaks to the checker,
in nested containers of arrays, and to a framework, in plain lists of arrays that have derivatives. What a framework has
to say for itself is then four short methods. None of them is imported before it is asked for.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from typing import Any

import numpy as np

from minigrad.containers import leaves, mapped
from minigrad.testing.problem import is_float

Flat = Callable[..., list[Any]]  # of some arrays of a framework's, giving those of its results that have derivatives


def torch(f: Callable[..., Any]) -> Adapted:
    """A function of PyTorch tensors, as a pair of functions of arrays.

    Parameters
    ----------
    f : callable
        Of tensors, or nested dicts, lists and tuples of them; so is its value. Arrays become tensors, integer ones too;
        Python's integers, booleans and strings are passed on. Results that are integers, which have no derivative, are
        left out.

    Returns
    -------
    Adapted
        Which unpacks into (forward, vjp).

    Raises
    ------
    ModuleNotFoundError
        If PyTorch is not installed.
    """
    return _Torch(f, "torch")


def jax(f: Callable[..., Any]) -> Adapted:
    """The same for a function of JAX arrays; float64 is allowed while it runs (``jax.enable_x64``), and only then."""
    return _Jax(f, "jax")


def autograd(f: Callable[..., Any]) -> Adapted:
    """The same for a function written in ``autograd.numpy``."""
    return _Autograd(f, "autograd")


def mygrad(f: Callable[..., Any]) -> Adapted:
    """The same for a function of MyGrad's tensors; it has no forward mode, and no derivatives of derivatives."""
    return _Mygrad(f, "mygrad")


class Adapted(ABC):
    """A framework's function and its derivatives, of arrays; ``forward, vjp = adapted``.

    Parameters
    ----------
    f : callable
        Of the framework's own arrays.
    library : str
        The name by which the framework is imported.
    """

    def __init__(self, f: Callable[..., Any], library: str) -> None:
        self._f, self._library = f, _imported(library)

    def __iter__(self) -> Iterator[Callable[..., Any]]:
        return iter((self.forward, self.vjp))

    def forward(self, *args: Any) -> Any:
        """The value, computed without recording anything."""
        with self._setting():
            return mapped(self._array, self._results(self._unrecorded(self._f, mapped(self._given, args))))

    def vjp(self, w: Any, *args: Any) -> Any:
        """The cotangents of all arguments, for one in the structure of the value; None for what is no float."""
        with self._setting():
            return self._sorted(self._pull(self._flat(args), self._floats(args), leaves(w)), args)

    def jvp(self, tangents: Sequence[Any], *args: Any) -> Any:
        """The tangent of the value, for a tuple of tangents in the structure of the arguments."""
        moved = [v for v, x in zip(leaves(tuple(tangents)), leaves(args), strict=True) if is_float(x)]
        with self._setting():
            xs = self._floats(args)
            vs = [_like(self._given(v), x) for v, x in zip(moved, xs, strict=True)]
            found = iter([self._array(dy) for dy in self._push(self._flat(args), xs, vs)])
        return mapped(lambda _: next(found), self.forward(*args))

    def second(self, u: Any, w: Any, *args: Any) -> tuple[Any, ...]:
        """The pullback of ``vjp`` as a function of ``(w, *args)``: their cotangents, for ``u`` as ``vjp`` gives it."""
        chosen = [g for g, x in zip(leaves(u), leaves(args), strict=True) if is_float(x)]
        with self._setting():
            found = self._pull_again(self._flat(args), self._floats(args), leaves(w), chosen)
            of_w, of_args = (iter([self._array(g) for g in part]) for part in found)
        return (
            mapped(lambda _: next(of_w), w),
            *(mapped(lambda x: next(of_args) if is_float(x) else None, arg) for arg in args),
        )

    # -- containers on one side, lists on the other -------------------------------------------------------------------

    def _floats(self, args: tuple[Any, ...]) -> list[Any]:
        return [self._given(x) for x in leaves(args) if is_float(x)]

    def _flat(self, args: tuple[Any, ...]) -> Flat:
        """The function as one of the floating-point arrays among the arguments alone, all else being as it is."""

        def flat(*xs: Any) -> list[Any]:
            given = iter(xs)
            y = self._f(*mapped(lambda x: next(given) if is_float(x) else self._given(x), args))
            return leaves(self._results(y))

        return flat

    def _sorted(self, found: Sequence[Any], args: tuple[Any, ...]) -> Any:
        """Cotangents in the containers of the arguments; of one argument it is one, of several a tuple."""
        given = iter([self._array(g) for g in found])
        each = tuple(mapped(lambda x: next(given) if is_float(x) else None, arg) for arg in args)
        return each[0] if len(each) == 1 else each

    def _results(self, y: Any) -> Any:
        """A function's value without the integers in it, as positions and counts, unless it is nothing else."""
        y = self._opened(y)
        if not isinstance(y, (dict, list, tuple)):
            return y
        items = y.items() if isinstance(y, dict) else enumerate(y)
        kept = {key: self._results(value) for key, value in items if not self._is_integer(self._opened(value))}
        if isinstance(y, dict):
            return kept
        return list(kept.values()) if isinstance(y, list) else tuple(kept.values())

    def _is_integer(self, y: Any) -> bool:
        """By the name of its dtype: what is being traced has no numbers yet."""
        dtype = getattr(y, "dtype", None) or np.asarray(None if isinstance(y, (dict, list, tuple)) else y).dtype
        return str(dtype).removeprefix("torch.").startswith(("int", "uint", "bool"))

    # -- what a framework may say differently -------------------------------------------------------------------------

    def _setting(self) -> AbstractContextManager[Any]:
        """Within which all of it happens."""
        return nullcontext()

    def _given(self, x: Any) -> Any:
        """An argument as the framework takes it: numbers with derivatives, and arrays; anything else is an option."""
        if is_float(x) or isinstance(x, np.ndarray):
            return self._tensor(np.array(x))  # a copy can be written to, and has no negative strides
        return x

    def _opened(self, y: Any) -> Any:
        """A result whose containers are Python's."""
        return y

    def _unrecorded(self, f: Callable[..., Any], args: Any) -> Any:
        return f(*args)

    def _array(self, y: Any) -> Any:
        """As an array that belongs to nobody else."""
        return np.array(y)

    # -- and what it has to -------------------------------------------------------------------------------------------

    @abstractmethod
    def _tensor(self, x: Any) -> Any:
        """An array as the framework's own, in the same dtype."""

    @abstractmethod
    def _pull(self, flat: Flat, xs: list[Any], ws: list[Any]) -> Sequence[Any]:
        """The cotangents of ``xs``, zeros among them, for cotangents of the results as NumPy arrays."""

    @abstractmethod
    def _push(self, flat: Flat, xs: list[Any], vs: list[Any]) -> Sequence[Any]:
        """The tangents of the results, for tangents like ``xs``."""

    @abstractmethod
    def _pull_again(self, flat: Flat, xs: list[Any], ws: list[Any], us: list[Any]) -> tuple[Sequence[Any], ...]:
        """The cotangents of ``ws`` and of ``xs``, for those of the cotangents of ``xs``."""


class _Torch(Adapted):
    def _tensor(self, x: Any) -> Any:
        return self._library.from_numpy(x)  # keeps the order of axes in memory, which a rule might mistake

    def _array(self, y: Any) -> Any:
        return np.array(y.detach().resolve_conj().resolve_neg().numpy() if isinstance(y, self._library.Tensor) else y)

    def _unrecorded(self, f: Callable[..., Any], args: Any) -> Any:
        with self._library.no_grad():
            return f(*args)

    def _cotangents(self, ws: list[Any], ys: list[Any]) -> list[Any]:
        return [self._given(w).to(y.dtype) for w, y in zip(ws, ys, strict=True)]

    def _gradients(self, ys: Sequence[Any], xs: Sequence[Any], ws: Sequence[Any], *, create_graph: bool = False) -> Any:
        """Of those outputs that were recorded; a constant has none, and asking for it would be an error."""
        some = [(y, w) for y, w in zip(ys, ws, strict=True) if y.requires_grad]
        if not some:
            return [self._library.zeros_like(x) for x in xs]
        pairs = zip(*some, strict=True)
        return _refusing(
            lambda: self._library.autograd.grad(
                *(next(pairs), xs, next(pairs)), create_graph=create_graph, allow_unused=True, materialize_grads=True
            )
        )

    def _pull(self, flat: Flat, xs: list[Any], ws: list[Any]) -> Sequence[Any]:
        xs = [x.requires_grad_() for x in xs]
        ys = flat(*xs)
        found: Sequence[Any] = self._gradients(ys, xs, self._cotangents(ws, ys))
        return found

    def _push(self, flat: Flat, xs: list[Any], vs: list[Any]) -> Sequence[Any]:
        forward_mode = self._library.autograd.forward_ad
        with forward_mode.dual_level():
            ys = _refusing(lambda: flat(*[forward_mode.make_dual(x, v) for x, v in zip(xs, vs, strict=True)]))
            parts = [(y, forward_mode.unpack_dual(y).tangent) for y in ys]
            return [self._library.zeros_like(y) if dy is None else dy for y, dy in parts]

    def _pull_again(self, flat: Flat, xs: list[Any], ws: list[Any], us: list[Any]) -> tuple[Sequence[Any], ...]:
        xs = [x.requires_grad_() for x in xs]
        ys = flat(*xs)
        ws = [w.requires_grad_() for w in self._cotangents(ws, ys)]
        gs = self._gradients(ys, xs, ws, create_graph=True)
        found = self._gradients(gs, [*ws, *xs], self._cotangents(us, gs))
        return found[: len(ws)], found[len(ws) :]


class _Jax(Adapted):
    def _setting(self) -> AbstractContextManager[Any]:
        setting: AbstractContextManager[Any] = self._library.enable_x64(True)
        return setting

    def _tensor(self, x: Any) -> Any:
        return self._library.numpy.asarray(x)

    def _cotangents(self, ws: list[Any], ys: list[Any]) -> list[Any]:
        return [_like(self._given(w), y) for w, y in zip(ws, ys, strict=True)]

    def _pull(self, flat: Flat, xs: list[Any], ws: list[Any]) -> Sequence[Any]:
        ys, pullback = _refusing(lambda: self._library.vjp(flat, *xs))
        found: Sequence[Any] = _refusing(lambda: pullback(self._cotangents(ws, ys)))
        return found

    def _push(self, flat: Flat, xs: list[Any], vs: list[Any]) -> Sequence[Any]:
        tangents: Sequence[Any] = _refusing(lambda: self._library.jvp(flat, xs, vs))[1]
        return tangents

    def _pull_again(self, flat: Flat, xs: list[Any], ws: list[Any], us: list[Any]) -> tuple[Sequence[Any], ...]:
        ws = self._cotangents(ws, flat(*xs))
        pulled = lambda ws, *xs: self._library.vjp(flat, *xs)[1](ws)
        gs, pullback = _refusing(lambda: self._library.vjp(pulled, ws, *xs))
        of_ws, *of_xs = _refusing(lambda: pullback(tuple(self._cotangents(us, gs))))
        return of_ws, of_xs


class _Autograd(Adapted):
    """Its ``make_vjp`` follows one value through the function: several have to be one of its own tuples."""

    def _tensor(self, x: Any) -> Any:
        return x

    def _opened(self, y: Any) -> Any:
        builtins = import_module("autograd.builtins")
        if isinstance(y, builtins.SequenceBox):
            return tuple(y[i] for i in range(len(y)))
        return {key: y[key] for key in y} if isinstance(y, builtins.DictBox) else y

    def _array(self, y: Any) -> Any:
        return np.array(import_module("autograd.tracer").getval(y))

    def _one(self, flat: Flat) -> Callable[[Any], Any]:
        return lambda xs: import_module("autograd.builtins").tuple(flat(*[xs[i] for i in range(len(xs))]))

    def _cotangents(self, ws: list[Any], ys: Sequence[Any]) -> Any:
        return tuple(np.asarray(w, np.asarray(y).dtype) for w, y in zip(ws, ys, strict=True))

    def _pull(self, flat: Flat, xs: list[Any], ws: list[Any]) -> Sequence[Any]:
        pullback, ys = import_module("autograd.core").make_vjp(self._one(flat), tuple(xs))
        found: Sequence[Any] = pullback(self._cotangents(ws, ys))
        return found

    def _push(self, flat: Flat, xs: list[Any], vs: list[Any]) -> Sequence[Any]:
        tangents: Sequence[Any] = import_module("autograd.core").make_jvp(self._one(flat), tuple(xs))(tuple(vs))[1]
        return tangents

    def _pull_again(self, flat: Flat, xs: list[Any], ws: list[Any], us: list[Any]) -> tuple[Sequence[Any], ...]:
        core, tuple_ = import_module("autograd.core"), import_module("autograd.builtins").tuple

        def pulled(both: Any) -> Any:
            n = len(ws)
            some = [both[i] for i in range(len(both))]
            return core.make_vjp(self._one(flat), tuple_(some[n:]))[0](tuple_(some[:n]))

        both = (*self._cotangents(ws, flat(*xs)), *xs)
        pullback, gs = core.make_vjp(pulled, both)
        found = pullback(self._cotangents(us, gs))
        return found[: len(ws)], found[len(ws) :]


class _Mygrad(Adapted):
    def _tensor(self, x: Any) -> Any:
        return self._library.tensor(x) if is_float(x) else x

    def _array(self, y: Any) -> Any:
        return np.array(y.data if isinstance(y, self._library.Tensor) else y)

    def _unrecorded(self, f: Callable[..., Any], args: Any) -> Any:
        with self._library.no_autodiff:
            return f(*args)

    def _pull(self, flat: Flat, xs: list[Any], ws: list[Any]) -> Sequence[Any]:
        ys = flat(*xs)
        terms = [(y * np.asarray(w, y.dtype)).sum() for y, w in zip(ys, ws, strict=True) if not y.constant]
        if terms:
            sum(terms[1:], start=terms[0]).backward()
        return [np.zeros_like(x.data) if x.grad is None else x.grad for x in xs]

    def _push(self, flat: Flat, xs: list[Any], vs: list[Any]) -> Sequence[Any]:
        raise NotImplementedError

    def _pull_again(self, flat: Flat, xs: list[Any], ws: list[Any], us: list[Any]) -> tuple[Sequence[Any], ...]:
        raise NotImplementedError

    @property
    def jvp(self) -> Any:
        raise NotImplementedError("MyGrad has no forward mode: there is no jvp to check")

    @property
    def second(self) -> Any:
        raise NotImplementedError("MyGrad has no derivatives of derivatives: check order 1")


REFUSALS = (
    "not implemented",
    "not supported",
    "does not support",
    "Reverse-mode differentiation does not work",
    "once_differentiable",
)
"""What PyTorch and JAX say, in errors of several types, of a function that they cannot differentiate."""


def _refusing(computed: Callable[[], Any]) -> Any:
    """The result, or a NotImplementedError if the framework has no such derivative; that is no mistake in one."""
    try:
        return computed()
    except (RuntimeError, ValueError, TypeError) as error:
        if isinstance(error, NotImplementedError) or not any(refusal in str(error) for refusal in REFUSALS):
            raise
        raise NotImplementedError(str(error)) from error


def _like(v: Any, x: Any) -> Any:
    """``v`` in the dtype of ``x``, both the framework's."""
    return v.astype(x.dtype) if hasattr(v, "astype") else v.to(x.dtype)


def _imported(library: str) -> Any:
    try:
        return import_module(library)
    except ModuleNotFoundError as missing:
        if missing.name != library:
            raise
        advice = f"minigrad.testing.adapters.{library} needs {library}: run pip install {library}"
        raise ModuleNotFoundError(advice, name=library) from None
