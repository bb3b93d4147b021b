"""Forward mode: tangents carried along a recorded graph, from the arguments to the results.

The rules say how a cotangent comes back through a function, v ↦ Jᵀv, and no second set of rules is needed to say how a
tangent goes forward, t ↦ J t:

- An elementwise function has a diagonal Jacobian, Jᵀ = J: its rule serves both ways.
- A function that is linear in its arguments is its own derivative: it is called once more, on the tangents. One that
  is linear in each of them, as a product is, follows the product rule; a layer, which is linear in two groups of them,
  takes two calls.
- For the rest: a rule is linear in the cotangent, so ∂⟨Jᵀu, t⟩/∂u = J t. It is recorded at u = 0 and walked back (the
  identity is J. Townsend's, 2017).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.engine.context import recording
from minigrad.engine.cotangents import dense
from minigrad.engine.tables import primitives
from minigrad.engine.tensor import Tensor, raw
from minigrad.engine.walk import gradients, propagate


def pushforward(order: Sequence[Tensor], tangents: dict[int, Any], create_graph: bool = False) -> dict[int, Any]:
    """The tangents, by index, of all in ``order`` that was made from some tensors, whose own are given by index.

    ``order`` is what `ancestors` gives, the youngest first. A tensor is missing in the result if nothing reaches it:
    its tangent is zero. With ``create_graph`` the way is recorded, and tangents are tensors.
    """
    reached = {index: Tensor(t) if create_graph and not isinstance(t, Tensor) else t for index, t in tangents.items()}
    with recording(create_graph):
        for tensor in reversed(order):
            arguments = [(i, a) for i, a in enumerate(tensor.args) if isinstance(a, Tensor)]
            moved = {i: reached[a.index] for i, a in arguments if a.index in reached}
            if moved and tensor.index not in tangents:
                primals = tensor.args if create_graph else [raw(arg) for arg in tensor.args]
                tangent = FORMS[primitives[tensor.fn].form](tensor, primals, moved, create_graph)
                if tangent is not None:
                    dtype = tensor._data.dtype
                    reached[tensor.index] = tangent if tangent.dtype is dtype else tangent.astype(dtype)
    return reached


def by_symmetry(tensor: Tensor, primals: Sequence[Any], moved: dict[int, Any], recorded: bool) -> Any:
    """Jᵀt, where J is diagonal; of an argument that was broadcast, its tangent is."""
    y: Any = tensor if recorded else tensor._data
    rules: Any = primitives[tensor.fn].rules
    wide = {i: t if t.shape == y.shape else np.broadcast_to(t, y.shape) for i, t in moved.items()}
    return sum(rules[i](t, y, *primals, **tensor.kwargs) for i, t in wide.items())


def by_linearity(tensor: Tensor, primals: Sequence[Any], moved: dict[int, Any], recorded: bool) -> Any:
    """f(t): what does not move has the tangent 0, and what has no rule is no variable but part of the function."""
    known, args = primitives[tensor.fn], list(primals)
    for i, primal in enumerate(primals):
        if i in moved or known.joint or known.rules[i]:
            args[i] = moved[i] if i in moved else np.zeros_like(primal)
    return tensor.fn(*args, **tensor.kwargs)


def by_product_rule(tensor: Tensor, primals: Sequence[Any], moved: dict[int, Any], recorded: bool) -> Any:
    """f(t, b) + f(a, s)."""
    return sum(tensor.fn(*primals[:i], t, *primals[i + 1 :], **tensor.kwargs) for i, t in moved.items())


def by_groups(tensor: Tensor, primals: Sequence[Any], moved: dict[int, Any], recorded: bool) -> Any:
    """f(ḃ, ẋ, U, ḣ, W) + f(0, x, U̇, h, Ẇ): b + x U + h W is linear in b and the rows, and without b in the matrices."""
    rows, shares = {0, *range(1, len(primals), 2)}, []
    for group in (rows, set(range(len(primals))) - rows):
        if not group.isdisjoint(moved):
            still = [np.zeros_like(a) if i in group or i == 0 else a for i, a in enumerate(primals)]
            shares.append(tensor.fn(*(moved.get(i, a) if i in group else a for i, a in enumerate(still))))
    return sum(shares)


def by_transposition(tensor: Tensor, primals: Sequence[Any], moved: dict[int, Any], recorded: bool) -> Any:
    """∂⟨Jᵀu, t⟩/∂u; None if no argument that moves has an influence."""
    ways = {tensor.args[i].index: t for i, t in moved.items()}
    with recording(True):
        u = Tensor(np.zeros_like(tensor._data), requires_grad=True)
        pulled: dict[int, Any] = {tensor.index: u}
        propagate([tensor], pulled, set(ways), set(), recorded)  # which leaves there what the arguments receive
        pulled = {index: dense(share) for index, share in pulled.items()}
    depending = {i: s for i, s in pulled.items() if isinstance(s, Tensor) and s.requires_grad}
    if not depending:
        return None
    return gradients(list(depending.values()), [u], [ways[i] for i in depending], create_graph=recorded)[0]


FORMS: dict[str, Callable[..., Any]] = {"": by_transposition, "elementwise": by_symmetry}
FORMS |= {"linear": by_linearity, "multilinear": by_product_rule, "layer": by_groups}
