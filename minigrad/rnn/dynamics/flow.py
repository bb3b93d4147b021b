"""Where the gradient goes along a sequence: ‖∂C/∂h_t‖ for every t, and the Jacobians whose products it is made of.

Both come out of the engine: nothing here knows the formula of any network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from minigrad.engine.tensor import Array, Tensor
from minigrad.engine.walk import gradients

if TYPE_CHECKING:  # a run is read here, not made: what makes it stands above
    from minigrad.rnn.unrolling import Run


def gradient_norms(run: Run, of: Tensor | None = None, role: str = "h") -> Array:
    """The norms of the gradient along an unrolled sequence.

    Parameters
    ----------
    run : Run
        An unrolling with costs, or any if ``of`` is given.
    of : Tensor, optional
        The number to differentiate, such as ``run["C"][-1]``; Σ C_t by default.
    role : str
        Whose gradient: ``"h"``, ``"z"``, ``"y"`` ...

    Returns
    -------
    ndarray (T,)
        ‖∂C/∂h_t‖₂ for t = 1 ... T, taken over the whole batch; exactly 0 where nothing arrives.
    """
    of = of if of is not None else run.cost
    if of is None:
        raise ValueError("the run has no cost to differentiate: unroll it with targets, or name a number with of=")
    if not of.requires_grad:
        raise ValueError("the run was not recorded: unroll it outside no_grad, so that there is a gradient to measure")
    grads = gradients(of, run[role])
    return np.array([np.linalg.norm(gradient) for gradient in grads])


def step_jacobians(run: Run, sample: int = 0) -> Array:
    """The Jacobians ∂h_t/∂h_{t-1} of a run, for one sequence of its batch.

    They are total derivatives: where a network feeds its output back, h_{t-1} acts through ỹ_{t-1} as well. Two steps
    are therefore computed again for each t, with as many copies of the sequence as there are hidden units; one
    backward pass from all the copies, each asking for a row of its own, then gives the whole matrix.

    Parameters
    ----------
    run : Run
        An unrolling of a model that carries ``"h"``, or computes it from the output it carries.
    sample : int
        Which sequence of the batch.

    Returns
    -------
    ndarray (T, n_hidden, n_hidden)
        J_1 ... J_T. For t = 1 what is carried in is given, so that only h_0 itself counts.
    """
    n = run["h"][0].shape[-1]
    bound = run.model.bind()

    def copies(tensor: Tensor) -> Tensor:
        row = tensor.data[sample] if tensor.ndim == 2 else tensor.data
        return Tensor(np.tile(row, (n, 1)), requires_grad=True)

    found = []
    for t in range(len(run)):
        carried: dict[str, Any] = {role: copies(tensor) for role, tensor in run.carried[max(t - 1, 0)].items()}
        before = carried.get("h")
        if t > 0:
            step = run.model.step(bound, copies(run["x"][t - 1]), carried)
            forced = {role for role in run.carried[t] if run.forced and role == "y"}
            carried = {r: copies(tensor) if r in forced else step[r] for r, tensor in run.carried[t].items()}
            before = step["h"]
        after = run.model.step(bound, copies(run["x"][t]), carried)["h"]
        if before is None:  # h_0 is not given to the first step
            found.append(np.zeros((n, n), after.dtype))
        else:
            (rows,) = gradients(after, [before], np.eye(n))
            found.append(rows)
    return np.stack(found)
