"""The walk: from a result back to everything it was made from, carrying cotangents.

`propagate` is the algorithm, reverse mode. Nothing in it recurses, and cotangents live in the walk, not on the tensors:
a second walk starts from nothing. Two doors lead to it: `backward` adds up in leaves, `gradients` returns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import SimpleNamespace
from typing import Any, TypeAlias

import numpy as np

from minigrad.engine.ancestors import ancestors, leading_to
from minigrad.engine.context import context, recording
from minigrad.engine.cotangents import dense, met, sum_to
from minigrad.engine.tables import primitives, spelled
from minigrad.engine.tensor import Array, Tensor

Tensors: TypeAlias = Sequence[Tensor]
Seeds: TypeAlias = Sequence[tuple[Tensor, Tensor]]
Observer: TypeAlias = Callable[[Tensor, int, Any], None]


def propagate(
    order: Tensors, pending: dict[int, Any], asked: set[int], recorded: bool, observers: Sequence[Any] = ()
) -> dict[int, Any]:
    """Reverse mode: the cotangents, by index, of the tensors that are ``asked`` for.

    ``order`` is what is visited, the youngest first: when a tensor's turn comes, everything that used it has already
    sent its share of the cotangent. ``pending`` holds what each has received so far; at first, what the outputs are
    given. The rules get tensors if the walk itself is to be ``recorded``, and arrays otherwise.
    """
    reached: dict[int, Any] = {}
    active = {tensor.index for tensor in order}
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
        for position, share in shares(tensor, g, active, recorded) if tensor.fn else ():
            argument = tensor.args[position]
            index, shape = argument.index, argument._data.shape
            if getattr(share, "shape", None) != shape:  # it was broadcast
                share = sum_to(share, shape, tensor.fn)
            for each in observers:
                each.crossed(tensor, position, share)
            pending[index] = met(pending[index], share) if index in pending else share
    return reached


def shares(tensor: Tensor, g: Any, active: set[int], recorded: bool) -> Iterator[tuple[int, Any]]:
    """What the rules of a call make of ``g``, the cotangent of its result: a share for each argument that is active."""
    known, args, kwargs = primitives[tensor.fn], tensor.args, tensor.kwargs
    y: Any = tensor if recorded else tensor._data
    primals = args if recorded else [a._data if type(a) is Tensor else a for a in args]
    rules = known.rules
    try:
        every = None if known.joint is None else known.joint(g, y, *primals, **kwargs)
        for position, argument in enumerate(args):
            if type(argument) is Tensor and argument.index in active:
                if every is None:
                    if (rule := rules[position]) is not None:
                        yield position, rule(g, y, *primals, **kwargs)
                elif every[position] is not None:
                    yield position, every[position]
    except Exception as error:
        error.add_note(f"in a derivative rule of {spelled(tensor.fn)}")
        raise


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
    """
    seeds = seeded(outputs, cotangents)
    if not any(output.requires_grad for output, _ in seeds):
        raise ValueError("nothing to differentiate: no tensor that requires grad went into the outputs")
    order = ancestors(output for output, _ in seeds)
    leaves = [tensor for tensor in order if tensor.fn is None]
    for leaf in leaves:
        if leaf.dtype.kind != "f":
            raise TypeError(f"{leaf!r} cannot have a gradient: only floating-point tensors can")
    reached = walk(order, seeds, leaves, observe=observe)
    for leaf in leaves:
        if leaf.index in reached:
            g = reached[leaf.index]
            leaf.grad = owned(g if leaf.grad is None else leaf.grad + g)


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
    """
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
        if given[i] is None and output.size != 1:
            raise ValueError(f"an output of shape {output.shape} is not one number: sum it, or pass a cotangent")
        seed = np.ones_like(output._data) if given[i] is None else given[i]
        given[i] = seed if isinstance(seed, Tensor) else Tensor(seed, dtype=output.dtype)
        if given[i].shape != output.shape:
            raise ValueError(f"a cotangent of shape {given[i].shape} was given for an output of shape {output.shape}")
    return list(zip(outputs, given, strict=True))


def walk(
    order: Tensors, seeds: Seeds, asked: Tensors, *, create_graph: bool = False, observe: Observer | None = None
) -> dict[int, Any]:
    """Start `propagate` from the ``seeds``."""
    pending: dict[int, Any] = {}
    for output, seed in seeds:
        g: Any = seed if create_graph else seed._data
        pending[output.index] = met(pending[output.index], g) if output.index in pending else g
    observers = [watch] if (watch := context.get().watch) else []
    if observe is not None:
        observers.append(SimpleNamespace(crossed=observe, reached=lambda tensor, cotangent: None))
    with recording(create_graph):
        return propagate(order, pending, {tensor.index for tensor in asked}, create_graph, observers)


def delivered(reached: dict[int, Any], wrt: Tensors, create_graph: bool) -> tuple[Any, ...]:
    """What a walk has reached for each of ``wrt``: arrays of their own, or tensors."""
    found = (reached[t.index] if t.index in reached else np.zeros_like(t._data) for t in wrt)
    if create_graph:
        return tuple(g if isinstance(g, Tensor) else Tensor(g) for g in found)
    return tuple(map(owned, found))


def owned(gradient: Any) -> Array:
    """A read-only copy that shares memory with nobody."""
    copy = np.array(gradient)
    copy.setflags(write=False)
    return copy
