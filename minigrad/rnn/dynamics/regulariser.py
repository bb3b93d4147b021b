"""Pascanu's regulariser: a network is told to keep the length of its gradient from step to step.

It is a function of a gradient, so its own gradient is a second derivative. The paper did without, by treating states
and gradients as constants; here both are to be had.

References
----------
R. Pascanu, T. Mikolov, Y. Bengio (2013), "On the difficulty of training recurrent neural networks", ICML, section 3.3,
equations (9) and (10), and the code published with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.engine.ancestors import ancestors
from minigrad.engine.tensor import Tensor
from minigrad.engine.walk import delivered, gradients, seeded, walk
from minigrad.rnn.dynamics.shares import Between, states_of

if TYPE_CHECKING:
    from minigrad.rnn.unrolling import Run


def omega(run: Run, squared: bool = False, full: bool = True, of: Tensor | None = None, role: str = "h") -> Tensor:
    """Ω = Σ_{k=1}^{T-1} (‖d_{k+1} J_{k+1}‖ / ‖d_{k+1}‖ - 1)², with d_k = ∂C/∂h_k and J_{k+1} = ∂h_{k+1}/∂h_k.

    It is 0 where every step keeps the length of the gradient that goes back through it, as an orthogonal W does in a
    linear network. Add it to the cost: ``(run.cost + 4.0 * omega(run)).backward()``.

    Parameters
    ----------
    run : Run
        An unrolling with costs, or any if ``of`` is given.
    squared : bool
        Take the ratio of the squares of both norms, as the published code does, instead of the norms, as the paper.
    full : bool
        Differentiate through everything, which is the gradient of Ω; or keep all h_k and d_k as they are, as the paper
        does "for computational reasons": then only the J_{k+1} have a gradient.
    of : Tensor, optional
        C; by default Σ C_t.
    role : str
        Whose state: ``"h"``. Of a model that carries more than that, such as an LSTM, only what goes from h_k to
        h_{k+1} directly counts.

    Returns
    -------
    Tensor ()
        Of a batch, the mean over its sequences. Terms with d = 0 are left out: nothing is to be kept there.

    Raises
    ------
    ValueError
        If there is no cost, or nothing was recorded.
    """
    of = of if of is not None else run.cost
    if of is None or not of.requires_grad:
        raise ValueError("there is no recorded cost whose gradient could be kept: unroll with targets, outside no_grad")
    states = states_of(run, role)[-len(run) :]
    cotangents = gradients(of, states, create_graph=full)
    between, total = Between(states[1:], states), Tensor(0.0, dtype=of.dtype)
    for before, after, d in zip(states, states[1:], cotangents[1:], strict=False):
        (back,) = between.gradients(after, [before], d, create_graph=True)
        total = total + _term(back, d, squared)
    return total if full or not total.requires_grad else _immediate(total, run)


def _term(back: Any, d: Any, squared: bool) -> Any:
    """(‖back‖/‖d‖ - 1)², averaged over sequences; 0 for d = 0, and 1, with no slope, where nothing comes back.

    Both are brought near 1 by the same power of two, which the ratio does not see: a gradient that has vanished to
    1e-200 has no square.
    """
    known = d.data if isinstance(d, Tensor) else d
    exponents = np.frexp(np.max(np.abs(known), axis=-1, keepdims=True))[1]
    limit = np.finfo(known.dtype).maxexp - 2
    scale = np.ldexp(np.ones((), known.dtype), np.clip(-exponents, -limit, limit))
    back, d = back * scale, d * scale
    a, b = np.sum(back * back, axis=-1), np.sum(d * d, axis=-1)
    there = (a > 0) & (b > 0)
    ratio = np.where(there, a, 1.0) / np.where(there, b, 1.0)  # so that no root is taken of 0
    length = np.where(there, ratio if squared else np.sqrt(ratio), 0.0)
    return np.mean(np.where(b > 0, length - 1.0, 0.0) ** 2)


def _immediate(value: Tensor, run: Run) -> Tensor:
    """``value``, with the gradient that is left if all that the run computed is constant.

    The walk back from Ω meets what was recorded when gradients were taken, then what the run recorded; there it stops,
    but for the parameters and what was made of nothing else, such as Wᵀ.
    """
    parameters = list(run.model.parameters().values())
    last = max(tensor.index for step in run.steps for tensor in step.values())
    own, order = {parameter.index for parameter in parameters}, ancestors([value])
    for tensor in reversed(order):  # the oldest first
        data = [a for a in tensor.args if isinstance(a, (Tensor, np.ndarray))]
        if tensor.fn is not None and all(isinstance(a, Tensor) and a.index in own for a in data):
            own.add(tensor.index)
    order = [tensor for tensor in order if tensor.index > last or tensor.index in own]
    found = delivered(walk(order, seeded(value, None), parameters), parameters, False)
    fixed: Any = value.detach()
    for parameter, gradient in zip(parameters, found, strict=True):
        fixed = fixed + np.sum(gradient * (parameter - parameter.data))
    result: Tensor = fixed
    return result
