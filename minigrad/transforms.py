"""Functions of functions: gradients, pullbacks and their kin, in terms of `walk` and `pushforward`.

Each of them gives its function fresh tensors for arguments, runs it, and walks back to them. An argument that is a
tensor already, because an outer transform passed it, is given a new identity first (``+x``, a node of its own): the
inner derivative is then taken with respect to that alone, and derivatives within derivatives are never confused.

Results are arrays; they are tensors when the computation also depends on some other tensor that requires grad, so
that transforms nest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any
from weakref import WeakSet

import numpy as np

from minigrad.containers import Parts, aligned, leaves, mapped, twin
from minigrad.engine.ancestors import ancestors, leading_to
from minigrad.engine.context import context, recording
from minigrad.engine.pushforward import pushforward
from minigrad.engine.standin import StandIn
from minigrad.engine.tables import name_of
from minigrad.engine.tensor import Tensor, record
from minigrad.engine.walk import delivered, gradients, seeded, walk


def grad(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """The function that computes the gradient of the number ``f(*args)``.

    Parameters
    ----------
    f : callable
        Returns one number. Its arguments may be arrays, floats, modules, or nested dicts, lists and tuples of them.
    argnums : int or sequence of int
        The positional arguments to differentiate with respect to.

    Returns
    -------
    callable
        With ``f``'s arguments; gives the gradient in the shape of the argument, or a tuple for a sequence of argnums.
        That of a module is a dict by its parameters' names.

    Examples
    --------
    >>> grad(lambda x: x**3)(2.0)
    np.float64(12.0)
    """
    both = value_and_grad(f, argnums)
    return wraps(f)(lambda *args, **kwargs: both(*args, **kwargs)[1])


def value_and_grad(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """Like `grad`, for the pair of ``f``'s value and its gradient.

    Raises
    ------
    ValueError
        If ``f`` does not return one number.

    Examples
    --------
    >>> import numpy as np
    >>> value, slope = value_and_grad(lambda x: np.sum(x**2))(np.array([1.0, 2.0]))
    >>> print(value, slope)
    5.0 [2. 4.]
    """

    @wraps(f)
    def value_and_gradient(*args: Any, **kwargs: Any) -> Any:
        y, inputs = _call(f, args, kwargs, argnums)
        if np.size(y) != 1:
            raise ValueError(f"a gradient needs a function that returns one number, got shape {np.shape(y)}: use vjp")
        order = ancestors(_tensors(y))
        nested = _nested(order, inputs)
        grads = _pull_back(leading_to(leaves(inputs), order), y, None, inputs, nested)
        return _lower(y, nested), grads[0] if isinstance(argnums, int) else grads

    return value_and_gradient


def jacobian(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """The function that computes all derivatives of everything in ``f(*args)``.

    Parameters
    ----------
    f : callable
        Its arguments and its value may be arrays, floats, or nested dicts, lists and tuples of them.
    argnums : int or sequence of int
        The positional arguments to differentiate with respect to.

    Returns
    -------
    callable
        With ``f``'s arguments. Where ``f`` maps an array x to an array y, it gives ∂y/∂x of shape
        ``y.shape + x.shape``: first the axes of the value, then those of the argument. Containers nest in the same
        order: the result has the structure of the value, and in the place of each array y in it the structure of the
        argument (a tuple of them for a sequence of argnums), with ∂y/∂x in the place of each array x.

    Notes
    -----
    A row of the matrix is one walk back, so it costs as many walks as the value has numbers. For a product with a
    vector use `jvp` or `vjp`, which never form the matrix.

    Examples
    --------
    >>> jacobian(lambda x: x * x)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """

    @wraps(f)
    def derivatives(*args: Any, **kwargs: Any) -> Any:
        y, inputs = _call(f, args, kwargs, argnums)
        asked = inputs[0] if isinstance(argnums, int) else tuple(inputs)

        def block(leaf: Any) -> Any:
            shape, size = np.shape(leaf), np.size(leaf)
            units = np.eye(size).reshape(size, *shape)
            order = ancestors(_tensors(leaf))
            nested, order = _nested(order, inputs), leading_to(leaves(asked), order)
            rows = [leaves(_pull_back(order, leaf, unit, (asked,), nested)) for unit in units]
            columns = iter(zip(*rows, strict=True))
            return mapped(lambda x: _stack(next(columns, ()), shape + x.shape, x.dtype), asked)

        return mapped(block, y)

    return derivatives


def hessian(f: Callable[..., Any], argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """The function that computes all second derivatives of the number ``f(*args)``: the Jacobian of its gradient.

    Parameters
    ----------
    f, argnums
        As for `grad`.

    Returns
    -------
    callable
        With ``f``'s arguments. For an array x it gives ∂²f/∂x∂x of shape ``x.shape + x.shape``. For nested arguments
        it gives, as `jacobian` does, the structure of the gradient, and in the place of each array x in it that
        structure again, with ∂²f/∂x∂x′ of shape ``x.shape + x′.shape`` in the place of each array x′. For a sequence
        of argnums, entry ``[i][j]`` belongs to the i-th and the j-th of them.

    Notes
    -----
    It costs as many walks as there are numbers in the arguments. For a product with a vector use `hvp`.

    Examples
    --------
    >>> hessian(lambda x: x[0] ** 2 * x[1])(np.array([3.0, 5.0]))
    array([[10.,  6.],
           [ 6.,  0.]])
    """
    return jacobian(grad(f, argnums), argnums)


def vjp(f: Callable[..., Any], *args: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """``f(*args)`` and its pullback, v ↦ (vᵀ ∂f/∂args₀, vᵀ ∂f/∂args₁, ...).

    The pullback takes a cotangent in the shape (or nested structure) of the value, any number of times.

    Examples
    --------
    >>> import numpy as np
    >>> A = np.array([[1.0, 2.0], [3.0, 4.0]])
    >>> y, pullback = vjp(lambda x: A @ x, np.array([1.0, 1.0]))
    >>> y, pullback(np.array([1.0, 0.0]))
    (array([3., 7.]), (array([1., 2.]),))
    """
    lifted = tuple(map(_lift, args))
    with recording(True):
        y = _floating(f, f(*lifted))

    def pullback(cotangent: Any) -> tuple[Any, ...]:
        order = ancestors(_tensors(y))  # anew: what f used besides its arguments may have changed since
        nested = _nested(order, lifted) or _any_requires_grad(cotangent)
        return _pull_back(leading_to(leaves(lifted), order), y, cotangent, lifted, nested)

    return _lower(y, _nested(ancestors(_tensors(y)), lifted)), pullback


def jvp(f: Callable[..., Any], args: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """``f(*args)`` and its derivative along ``tangents``, which have the structure and shapes of ``args``.

    The tangents go forward through the graph of ``f`` (`minigrad.pushforward`): about the cost of ``f`` once more,
    however many arguments and results it has.

    Examples
    --------
    >>> import numpy as np
    >>> y, dy = jvp(lambda x, a: a * np.sin(x), (0.0, 2.0), (1.0, 0.0))
    >>> print(y, dy)
    0.0 2.0
    """
    lifted = tuple(map(_lift, args))
    tangents = aligned(tangents, lifted)
    _check_like(tangents, lifted, "tangents")
    with recording(True):
        y = _floating(f, f(*lifted))
    order = ancestors(_tensors(y))
    outer = _nested(order, lifted)
    nested = outer or _any_requires_grad(tangents)
    along = {x.index: _like(t, x.dtype, nested) for x, t in zip(leaves(lifted), leaves(tangents), strict=True)}
    pushed = pushforward(order, along, create_graph=nested)

    def tangent(leaf: Any) -> Any:
        found = pushed.get(leaf.index) if isinstance(leaf, Tensor) else None
        found = np.zeros_like(_data(leaf)) * 1.0 if found is None else found
        return (found if isinstance(found, Tensor) else Tensor(found)) if nested else _own(found)

    return _lower(y, outer), mapped(tangent, y)


def hvp(f: Callable[..., Any], args: Sequence[Any], vectors: Sequence[Any]) -> tuple[Any, ...]:
    """The Hessian of the number ``f(*args)`` times ``vectors``, which have the structure and shapes of ``args``.

    The Hessian is symmetric, so its product is the pullback of the gradient (Pearlmutter 1994 computes the same by a
    forward pass): one gradient with its graph recorded, one walk back through it, and never a matrix.

    Examples
    --------
    >>> import numpy as np
    >>> hvp(lambda x: np.sum(x**3), [np.array([1.0, 2.0])], [np.array([1.0, 0.0])])
    (array([6., 0.]),)
    """
    lifted = tuple(map(_lift, args))
    vectors = aligned(vectors, lifted)
    _check_like(vectors, lifted, "vectors")
    with recording(True):
        y = _floating(f, f(*lifted))
        gradient = gradients(_tensors(y), leaves(lifted), create_graph=True)
    order = ancestors(gradient)
    nested = _nested(order, lifted) or _any_requires_grad(vectors)
    return _pull_back(leading_to(leaves(lifted), order), gradient, tuple(leaves(vectors)), lifted, nested)


def _call(
    f: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any], argnums: int | Sequence[int]
) -> tuple[Any, list[Any]]:
    """``f(*args, **kwargs)``, recorded, and the lifted arguments that ``argnums`` names."""
    positions = (argnums,) if isinstance(argnums, int) else argnums
    for position in positions:
        if not -len(args) <= position < len(args):
            raise ValueError(f"argnums names argument {position}, but the function was called with {len(args)}")
    chosen = {position % len(args) for position in positions}
    lifted = [_lift(arg) if i in chosen else arg for i, arg in enumerate(args)]
    with recording(True):
        return _floating(f, f(*lifted, **kwargs)), [lifted[position] for position in positions]


def _floating(f: Callable[..., Any], y: Any) -> Any:
    """``y``, which ``f`` returned, if all numbers in it can have a derivative."""
    for leaf in leaves(y):
        dtype = _data(leaf).dtype
        if dtype.kind != "f":
            what = f"numbers of dtype {dtype}" if dtype.kind in "iubc" else repr(leaf)
            raise TypeError(
                f"{name_of(f)} returned {what}, and only floating-point numbers have a derivative: return what is to be"
                " differentiated, and nothing else (an accuracy, say, is computed outside)"
            )
    return y


_lifted: WeakSet[Parts] = WeakSet()
"""Modules whose parameters are arguments of a transform that is being computed."""


def is_argument(value: Any) -> bool:
    """Whether a module's parameters are arguments of a transform that is being computed."""
    return isinstance(value, Parts) and value in _lifted


def _lift(value: Any) -> Any:
    """Every number in ``value`` as a tensor with an identity of its own."""

    def fresh(leaf: Any) -> Tensor:
        if isinstance(leaf, Tensor) and leaf.requires_grad and context.get().recording:
            return record(np.positive, (leaf,))
        return new(leaf)

    def new(leaf: Any) -> Tensor:
        return Tensor(_data(leaf), requires_grad=True, name=getattr(leaf, "name", None) or "argument")

    def opened(f: Callable[[Any], Any], module: Parts) -> Parts:
        """A module's parameters always require grad; only those that an outer transform passed are part of its graph.

        One that has two names is one tensor still.
        """
        made = {id(leaf): (f if module in _lifted else new)(leaf) for leaf in module.parameters().values()}
        found: Parts = twin(lambda leaf: made[id(leaf)], module)
        _lifted.add(found)
        return found

    return mapped(fresh, value, opened)


def _pull_back(order: Sequence[Tensor], y: Any, cotangent: Any, inputs: Sequence[Any], nested: bool) -> tuple[Any, ...]:
    """The gradients of ``y`` in the structure of ``inputs``; ``order`` is what leads from these to ``y``."""
    if cotangent is not None:
        _check_like(cotangent, y, "cotangents")
        cotangent = [c for c, leaf in zip(leaves(cotangent), leaves(y), strict=True) if isinstance(leaf, Tensor)]
    asked = leaves(inputs)
    reached = walk(order, seeded(_tensors(y), cotangent), asked, create_graph=nested)
    grads = iter(delivered(reached, asked, nested))
    return tuple(mapped(lambda _: _own(next(grads)), value) for value in inputs)


def _tensors(y: Any) -> list[Tensor]:
    return [leaf for leaf in leaves(y) if isinstance(leaf, Tensor)]


def _nested(order: Sequence[Tensor], inputs: Sequence[Any]) -> bool:
    """Whether somebody outside may ask for more: what lies in ``order`` depends on a leaf older than ``inputs``."""
    first = min((tensor.index for tensor in leaves(inputs)), default=0)
    return context.get().recording and any(t.fn is None and t.index < first for t in order)


def _any_requires_grad(values: Any) -> bool:
    return any(isinstance(value, Tensor) and value.requires_grad for value in leaves(values))


def _lower(y: Any, nested: bool) -> Any:
    """The value ``y`` for the caller: arrays, unless an outer transform needs the tensors."""
    return y if nested else mapped(lambda leaf: _own(_data(leaf)), y)


def _stack(rows: Sequence[Any], shape: tuple[int, ...], dtype: Any) -> Any:
    """A block of a Jacobian from its rows, arrays or tensors; it has none where the value is empty."""
    if not rows:
        return np.zeros(shape, dtype)
    return _own(np.reshape(np.stack(rows), shape))


def _own(value: Any) -> Any:
    """A result as its receiver's own: an array that can be written to; a number rather than one of no dimensions."""
    if not isinstance(value, np.ndarray):
        return value
    return np.array(value) if value.ndim else value[()]


def _like(value: Any, dtype: Any, nested: bool) -> Any:
    """A tangent in the dtype of what it belongs to; an array, unless an outer transform needs the tensor."""
    value = value if isinstance(value, Tensor) and nested else _data(value)
    return value if value.dtype == dtype else value.astype(dtype)


def _data(leaf: Any) -> Any:
    return leaf.data if isinstance(leaf, Tensor) else leaf if isinstance(leaf, StandIn) else np.asarray(leaf)


def _check_like(given: Any, wanted: Any, what: str) -> None:
    shapes = [np.shape(_data(leaf)) for leaf in leaves(given)], [np.shape(_data(leaf)) for leaf in leaves(wanted)]
    if shapes[0] != shapes[1]:
        raise ValueError(f"{what} of shapes {shapes[0]} were given where {shapes[1]} are needed")
