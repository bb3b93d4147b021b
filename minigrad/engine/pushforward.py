"""Forward mode: tangents carried along a recorded graph, from the arguments to the results.

The rules say how a cotangent comes back through a function, v ↦ Jᵀv, and no second set of rules is needed to say how a
tangent goes forward, t ↦ J t:

- An elementwise function has a diagonal Jacobian, Jᵀ = J: its rule serves both ways.
- A function that is linear in its arguments is its own derivative: it is called once more, on the tangents. One that
  is linear in each of them, as a product is, follows the product rule.
- For the rest, the rule is linear in the cotangent, and the transpose of a linear map is its derivative's pullback:
  ∂⟨Jᵀu, t⟩/∂u = J t. So the rule is recorded at u = 0 and walked back (the identity is J. Townsend's, 2017).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.engine.ancestors import history
from minigrad.engine.context import recording
from minigrad.engine.cotangents import dense, sum_to
from minigrad.engine.tables import linear, multilinear, vjps
from minigrad.engine.tensor import Tensor
from minigrad.engine.walk import backward


def pushforward(outputs: Sequence[Tensor], tangents: dict[int, Any], create_graph: bool = False) -> dict[int, Any]:
    """The tangents of all that was made from some tensors on the way to ``outputs``.

    Parameters
    ----------
    outputs : sequence of Tensor
        Where the way ends.
    tangents : dict of int to array_like
        Those it starts with, by `Tensor.index`, each of its tensor's shape and dtype.
    create_graph : bool
        Record the way, so that the tangents that are returned can be differentiated in turn. They are tensors then.

    Returns
    -------
    dict of int to array or Tensor
        Tangents by index. A tensor is missing if nothing reaches it, and its tangent is zero.
    """
    reached = {index: Tensor(t) if create_graph and not isinstance(t, Tensor) else t for index, t in tangents.items()}
    with recording(create_graph):
        for tensor in reversed(history(outputs)):
            if tensor.index not in tangents and (moved := _moved(tensor, reached)):
                tangent = _pushed(tensor, moved, create_graph)
                if tangent is not None:
                    dtype = tensor._data.dtype
                    reached[tensor.index] = tangent if tangent.dtype is dtype else tangent.astype(dtype)
    return reached


def _moved(tensor: Tensor, reached: dict[int, Any]) -> dict[int, Any]:
    """The tangents of a call's arguments, by position."""
    return {
        position: reached[argument.index]
        for position, argument in enumerate(tensor.args)
        if type(argument) is Tensor and argument.index in reached
    }


def _pushed(tensor: Tensor, moved: dict[int, Any], create_graph: bool) -> Any:
    """The tangent of one call's result from those of its arguments; None if they do not influence it."""
    fn, rules, kwargs = tensor.fn, vjps[tensor.fn], tensor.kwargs
    primals = tensor.args if create_graph else tuple(a._data if type(a) is Tensor else a for a in tensor.args)
    y: Any = tensor if create_graph else tensor._data
    if fn in linear:
        variable = [type(rules) is not tuple or (i < len(rules) and rules[i] is not None) for i in range(len(primals))]
        return fn(*(
            moved[i] if i in moved else np.zeros_like(primal) if variable[i] else primal
            for i, primal in enumerate(primals)
        ), **kwargs)  # fmt: skip
    if fn in multilinear:
        return sum(fn(*primals[:i], t, *primals[i + 1 :], **kwargs) for i, t in moved.items())
    if isinstance(fn, np.ufunc) and fn.signature is None:  # elementwise
        wide = {i: t if t.shape == y.shape else np.broadcast_to(t, y.shape) for i, t in moved.items()}
        return sum(rules[i](t, y, *primals, **kwargs) for i, t in wide.items())
    with recording(True):
        u = Tensor(np.zeros_like(tensor._data), requires_grad=True)
        if type(rules) is tuple:
            shares = {i: rules[i](u, y, *primals, **kwargs) for i in moved if rules[i] is not None}
        else:
            shares = dict(enumerate(rules(u, y, *primals, **kwargs)))
        pulled = {i: sum_to(dense(shares[i]), tensor.args[i].shape) for i in moved if shares.get(i) is not None}
    depending = {i: share for i, share in pulled.items() if isinstance(share, Tensor) and share.requires_grad}
    if not depending:
        return None
    (tangent,) = backward(
        list(depending.values()), [moved[i] for i in depending], wrt=[u], create_graph=create_graph
    ) or (None,)
    return tangent
