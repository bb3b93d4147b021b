"""The walk: from a result back to everything it was made from, carrying cotangents.

It visits the recorded tensors, youngest first, so that when it reaches one, everything that used it has already sent
its share of the cotangent. Each share comes from a rule of one line (`defvjp`). Nothing recurses, and cotangents live
in the walk, not on the tensors: a second walk starts from nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.engine.ancestors import history, leading_to
from minigrad.engine.context import context, recording
from minigrad.engine.cotangents import dense, met, sum_to
from minigrad.engine.tables import vjps
from minigrad.engine.tensor import Tensor


def backward(
    outputs: Tensor | Sequence[Tensor],
    cotangents: Any = None,
    *,
    wrt: Sequence[Tensor] | None = None,
    create_graph: bool = False,
    observe: Callable[[Tensor, int, Any], None] | None = None,
) -> tuple[Any, ...] | None:
    """Back-propagate through everything that ``outputs`` were made from.

    Parameters
    ----------
    outputs : Tensor or sequence of Tensor
        What is differentiated.
    cotangents : array_like or sequence of array_like, optional
        One of each output's shape. Left out, every output has to have a single element, and its cotangent is 1.
    wrt : sequence of Tensor, optional
        Return the gradients with respect to these tensors, leaves or not, and leave every `Tensor.grad` alone.
        Without it, gradients are added to the `Tensor.grad` of all leaves that require grad.
    create_graph : bool
        Record the walk itself, so that the gradients are tensors and can be differentiated in turn. Needs ``wrt``.
    observe : callable, optional
        ``observe(consumer, position, share)`` is called for each edge that is crossed, with the share of the cotangent
        that ``consumer`` sends to its argument ``args[position]``; ``dense(share)`` is an array or tensor.

    Returns
    -------
    tuple or None
        With ``wrt``, one gradient each (read-only arrays, or tensors with ``create_graph``), zeros where nothing
        flowed.

    Raises
    ------
    StaleGraphError
        If the data of a tensor was assigned after it was used. No gradient has been touched then.
    ValueError
        If a cotangent is missing or has the wrong shape, or nothing requires grad, or one of ``wrt`` does not.
    """
    if isinstance(outputs, Tensor):
        outputs, cotangents = (outputs,), None if cotangents is None else (cotangents,)
    if create_graph and wrt is None:
        raise ValueError("create_graph=True returns its gradients as tensors: pass wrt=[...], the tensors you ask for")
    if wrt is not None and not all(tensor.requires_grad for tensor in wrt):
        raise ValueError("wrt names a tensor that does not require grad: it is a constant to everything made from it")
    if wrt is None and not any(output.requires_grad for output in outputs):
        raise ValueError("nothing to differentiate: no tensor that requires grad went into the outputs")
    order = history(outputs)
    if wrt is None:
        asked = {tensor.index for tensor in order if tensor.fn is None}
    else:
        asked = {tensor.index for tensor in wrt}
        order = leading_to(asked, order)
    active = {tensor.index for tensor in order}
    reached: dict[int, Any] = {}  # the whole cotangents of the tensors that were asked for, by index
    pending: dict[int, Any] = {}  # what other tensors have received so far
    for output, seed in zip(outputs, _seeds(outputs, cotangents, create_graph), strict=True):
        pending[output.index] = met(pending[output.index], seed) if output.index in pending else seed
    watch = context.get().watch
    observers = [each for each in (observe, watch and watch.crossed) if each is not None]
    with recording(create_graph):
        for tensor in order:
            g = pending.pop(tensor.index, None)
            if g is None:
                continue
            if type(g) is not np.ndarray:
                g = dense(g)
            if g.dtype is not tensor._data.dtype:
                g = g.astype(tensor._data.dtype)
            if watch is not None:
                watch.reached(tensor, g)
            if tensor.index in asked:
                reached[tensor.index] = g
            if tensor.fn is None:
                if tensor._data.dtype.kind != "f":
                    raise TypeError(f"{tensor!r} cannot have a gradient: only floating-point tensors can")
                continue
            y: Any = tensor if create_graph else tensor._data
            args, kwargs, rules = tensor.args, tensor.kwargs, vjps[tensor.fn]
            primals = args if create_graph else [a._data if type(a) is Tensor else a for a in args]
            shares = None if type(rules) is tuple else rules(g, y, *primals, **kwargs)
            for position, argument in enumerate(args):
                if type(argument) is not Tensor or argument.index not in active:
                    continue
                if shares is not None:
                    share = shares[position]
                else:
                    rule = rules[position]
                    share = None if rule is None else rule(g, y, *primals, **kwargs)
                if share is None:
                    continue
                if share.shape != argument._data.shape:
                    share = sum_to(share, argument._data.shape)
                for each in observers:
                    each(tensor, position, share)
                index = argument.index
                pending[index] = met(pending[index], share) if index in pending else share
    if wrt is None:
        for leaf in order:
            if leaf.index in reached:
                g = reached[leaf.index]
                leaf.grad = owned(g if leaf.grad is None else leaf.grad + g)
        return None
    gradients = (reached[t.index] if t.index in reached else np.zeros_like(t._data) for t in wrt)
    if create_graph:
        return tuple(g if isinstance(g, Tensor) else Tensor(g) for g in gradients)
    return tuple(map(owned, gradients))


def _seeds(outputs: Sequence[Tensor], cotangents: Any, create_graph: bool) -> list[Any]:
    """The cotangents that the walk starts with, one an output."""
    given = [None] * len(outputs) if cotangents is None else list(cotangents)
    if len(given) != len(outputs):
        raise ValueError(f"{len(outputs)} outputs need as many cotangents, got {len(given)}")
    for i, output in enumerate(outputs):
        if given[i] is None and output.size != 1:
            raise ValueError(f"an output of shape {output.shape} is not one number: sum it, or pass a cotangent")
        seed = np.ones_like(output._data) if given[i] is None else given[i]
        seed = seed if isinstance(seed, Tensor) else Tensor(seed, dtype=output.dtype)
        if seed.shape != output.shape:
            raise ValueError(f"a cotangent of shape {seed.shape} was given for an output of shape {output.shape}")
        given[i] = seed if create_graph else seed._data
    return given


def owned(gradient: Any) -> Any:
    """A read-only copy that shares memory with nobody."""
    gradient = np.array(gradient)
    gradient.setflags(write=False)
    return gradient
