"""The walk: from a result back to everything it was made from, carrying cotangents.

`propagate` is the algorithm, reverse mode. Nothing in it recurses, and cotangents live in the walk, not on the tensors:
a second walk starts from nothing. Two doors lead to it: `backward` adds up in leaves, `gradients` returns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any, TypeAlias

import numpy as np

from minigrad.engine.ancestors import ancestors, leading_to
from minigrad.engine.context import context, recording
from minigrad.engine.cotangents import dense, met, sum_to
from minigrad.engine.tables import primitives, spelled
from minigrad.engine.tensor import Array, Tensor, owned, raw

Tensors: TypeAlias = Sequence[Tensor]
Seeds: TypeAlias = Sequence[tuple[Tensor, Array | Tensor]]
Observer: TypeAlias = Callable[[Tensor, int, Any], None]


def propagate(
    order: Tensors,
    pending: dict[int, Any],
    active: set[int],
    asked: set[int],
    recorded: bool,
    observers: Sequence[Any] = (),
) -> dict[int, Any]:
    """Reverse mode: the cotangents, by index, of the tensors that are ``asked`` for.

    ``order`` is what is visited, the youngest first: when a tensor's turn comes, everything that used it has already
    sent its share of the cotangent. ``pending`` holds what each has received so far; at first, what the outputs are
    given. Shares are computed for arguments that are ``active``. The rules get tensors if the walk itself is to be
    ``recorded``, and arrays otherwise.
    """
    reached: dict[int, Any] = {}
    for tensor in order:
        g = pending.pop(tensor.index, None)
        if g is None:  # nothing that is differentiated was made from it
            continue
        if type(g) is not np.ndarray:
            g = dense(g)
        if g.dtype is not tensor._data.dtype:
            g = g.astype(tensor._data.dtype)
        if tensor.index in asked:
            reached[tensor.index] = g
        for each in observers:
            each.reached(tensor, g)
        if tensor.fn is None:
            continue
        args, kwargs, known = tensor.args, tensor.kwargs, primitives[tensor.fn]
        primals = args if recorded else [a._data if type(a) is Tensor else a for a in args]
        call = (g, tensor if recorded else tensor._data, *primals)
        joint: Any = known.joint
        ways: Any = None if joint else known.rules
        for position, argument in enumerate(args):
            if type(argument) is not Tensor or (index := argument.index) not in active:
                continue
            try:
                if ways is None:
                    ways = joint(*call, **kwargs)
                if (way := ways[position]) is None:
                    continue
                share = way if joint else way(*call, **kwargs)
                if getattr(share, "shape", None) != argument._data.shape:  # it was broadcast
                    share = sum_to(share, argument._data.shape, tensor.fn)
            except Exception as error:
                error.add_note(f"in a derivative rule of {spelled(tensor.fn)}")
                raise
            for each in observers:
                each.crossed(tensor, position, share)
            pending[index] = met(pending[index], share) if index in pending else share
    return reached


def backward(outputs: Tensor | Tensors, cotangents: Any = None, *, observe: Observer | None = None) -> None:
    """Back-propagate through everything that ``outputs`` were made from, and add up gradients in the leaves.

    Parameters
    ----------
    outputs : Tensor or sequence of Tensor
    cotangents : array_like or sequence of array_like, optional
        One of each output's shape. Left out, every output has to have a single element, and its cotangent is 1.
    observe : callable, optional
        ``observe(consumer, position, share)`` is called for each edge that is crossed, with the share of the cotangent
        that ``consumer`` sends to its argument ``args[position]``; ``dense(share)`` is an array or tensor.

    Raises
    ------
    StaleGraphError
        If the data of a tensor was assigned after it was used. No gradient has been touched then.
    ValueError
        If a cotangent is missing or has the wrong shape, or nothing requires grad.
    TypeError
        If a leaf that is no longer of floats is reached.

    Examples
    --------
    >>> import numpy as np
    >>> x = Tensor([1.0, 2.0], requires_grad=True)
    >>> backward(np.sum(x**2))
    >>> x.grad
    array([2., 4.])
    """
    seeds = seeded(outputs, cotangents)
    if not any(output.requires_grad for output, _ in seeds):
        raise ValueError("nothing to differentiate: no tensor that requires grad went into the outputs")
    order = ancestors(output for output, _ in seeds)
    leaves = [tensor for tensor in order if tensor.fn is None]
    for leaf in leaves:
        if leaf._data.dtype.kind != "f":
            raise TypeError(f"{leaf!r} cannot have a gradient: only floating-point tensors can")
    reached = walk(order, seeds, leaves, observe=observe)
    for leaf in leaves:
        if leaf.index in reached:
            g = reached[leaf.index]
            leaf.grad = owned(g if leaf.grad is None else leaf.grad + g, order="C")


def gradients(
    outputs: Tensor | Tensors, wrt: Tensors, cotangents: Any = None, *, create_graph: bool = False, observe: Any = None
) -> tuple[Any, ...]:
    """The gradients of ``outputs`` with respect to ``wrt``; every `Tensor.grad` is left alone.

    Parameters
    ----------
    outputs, cotangents, observe
        As for `backward`, and so are the errors.
    wrt : sequence of Tensor
        Leaves or not, which require grad (else a ValueError). Only what lies between them and ``outputs`` is computed.
    create_graph : bool
        Record the walk itself: the gradients are tensors then, and can be differentiated in turn.

    Returns
    -------
    tuple
        One gradient each (read-only arrays, or tensors with ``create_graph``), zeros where nothing flowed.

    Raises
    ------
    TypeError
        If ``wrt`` is no sequence of tensors: a single one would be taken for its own rows.
    ValueError
        If a tensor of ``wrt`` does not require grad; and what `backward` raises.

    Examples
    --------
    >>> import numpy as np
    >>> x = Tensor(2.0, requires_grad=True)
    >>> (slope,) = gradients(x**3, [x], create_graph=True)
    >>> gradients(slope, [x])
    (array(12.),)
    """
    if isinstance(wrt, Tensor) or not all(isinstance(tensor, Tensor) for tensor in wrt):
        raise TypeError(f"wrt is a {type(wrt).__name__}: pass a list of tensors, [x] for a single one")
    if not all(tensor.requires_grad for tensor in wrt):
        raise ValueError("wrt names a tensor that does not require grad: it is a constant to everything made from it")
    seeds = seeded(outputs, cotangents)
    order = leading_to(wrt, ancestors(output for output, _ in seeds))
    return delivered(walk(order, seeds, wrt, create_graph=create_graph, observe=observe), wrt, create_graph)


def seeded(outputs: Tensor | Tensors, cotangents: Any) -> Seeds:
    """The outputs, and the cotangents that a walk starts with."""
    if isinstance(outputs, Tensor):
        outputs, cotangents = [outputs], None if cotangents is None else [cotangents]
    given: list[Any] = [None] * len(outputs) if cotangents is None else list(cotangents)
    if len(given) != len(outputs):
        raise ValueError(f"{len(outputs)} outputs need as many cotangents, got {len(given)}")
    for i, output in enumerate(outputs):
        if given[i] is None:
            if output._data.size != 1:
                raise ValueError(f"an output of shape {output.shape} is not one number: sum it, or pass a cotangent")
            given[i] = np.ones(output._data.shape, output._data.dtype)
        elif not isinstance(given[i], Tensor):
            given[i] = Tensor(given[i], dtype=output.dtype)._data
        if given[i].shape != output._data.shape:
            raise ValueError(f"a cotangent of shape {given[i].shape} was given for an output of shape {output.shape}")
    return list(zip(outputs, given, strict=True))


def walk(
    order: Tensors, seeds: Seeds, asked: Tensors, *, create_graph: bool = False, observe: Observer | None = None
) -> dict[int, Any]:
    """Start `propagate` from the ``seeds``."""
    pending: dict[int, Any] = {}
    for output, seed in seeds:
        g: Any = Tensor(seed) if create_graph and type(seed) is not Tensor else seed if create_graph else raw(seed)
        pending[output.index] = met(pending[output.index], g) if output.index in pending else g
    observers = [watch] if (watch := context.get().watch) else []
    if observe is not None:
        observers.append(SimpleNamespace(crossed=observe, reached=lambda tensor, cotangent: None))
    active, wanted = {tensor.index for tensor in order}, {tensor.index for tensor in asked}
    with recording(create_graph):
        return propagate(order, pending, active, wanted, create_graph, observers)


def delivered(reached: dict[int, Any], wrt: Tensors, create_graph: bool) -> tuple[Any, ...]:
    """What a walk has reached for each of ``wrt``: arrays of their own, or tensors."""
    found = (reached[t.index] if t.index in reached else np.zeros_like(t._data) for t in wrt)
    if create_graph:
        return tuple(g if isinstance(g, Tensor) else Tensor(g) for g in found)
    return tuple(owned(g, order="C") for g in found)
