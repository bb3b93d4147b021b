"""Where the gradient goes along a sequence: ‖∂C/∂h_t‖ for every t, and the Jacobians whose products it is made of.

Both come out of the engine: nothing here knows the formula of any network. Whose gradient it is, told cost by cost and
step by step, is in `shares`, and how to ask a network to keep it, in `regulariser`; both are found here, as
``minigrad.rnn.flow``.

Examples
--------
>>> import numpy as np
>>> from minigrad.rnn import RNN, flow, unroll
>>> run = unroll(RNN(1, 8, 1, radius=0.5, rng=0), np.ones((20, 1)), np.zeros((20, 1)))
>>> last = run["C"][-1]
>>> norms = flow.gradient_norms(run, last)
>>> print(f"{norms[0] / norms[-1]:.0e} is left after 20 steps: e^-{flow.decay_rate(norms):.2f} a step")
2e-09 is left after 20 steps: e^-1.08 a step
>>> flow.memory_horizon(norms, tol=0.01)
5
>>> found = flow.gradient_flow(run)
>>> found.total.shape, bool(found.indirect[-1] == 0)
((21,), True)
>>> flow.contributions(run).norms.shape
(20, 21)
>>> {name: each.shape for name, each in flow.parameter_contributions(run, last).items()}
{'W': (20,), 'U': (20,), 'V': (20,), 'b': (20,), 'c': (20,)}
>>> print(f"{flow.omega(run).item():.2f}")
11.02

The Jacobians of the steps, all at once or one by one; their product is as small as it likes to be:

>>> flow.state_slices(run), flow.hidden_jacobians(run).shape, flow.step_jacobians(run).shape
({'h': slice(0, 8, None)}, (20, 8, 8), (20, 8, 8))
>>> sum(1 for J in flow.each_jacobian(run))
20
>>> product = flow.jacobian_product(run, 0, 20)
>>> print(f"{product.log_norm / np.log(10):.1f}")  # log₁₀ ‖∂h_20/∂h_0‖
-8.8
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from minigrad.engine.tensor import Array, Tensor
from minigrad.engine.walk import gradients
from minigrad.rnn.dynamics.products import JacobianProduct
from minigrad.rnn.dynamics.regulariser import omega
from minigrad.rnn.dynamics.shares import (
    Contributions,
    Flow,
    contributions,
    decay_rate,
    gradient_flow,
    memory_horizon,
    parameter_contributions,
)

if TYPE_CHECKING:  # a run is read here, not made: what makes it stands above
    from minigrad.rnn.unrolling import Run

__all__ = [
    "Contributions",
    "Flow",
    "contributions",
    "decay_rate",
    "each_jacobian",
    "gradient_flow",
    "gradient_norms",
    "hidden_jacobians",
    "jacobian_product",
    "memory_horizon",
    "omega",
    "parameter_contributions",
    "state_slices",
    "step_jacobians",
]


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

    Raises
    ------
    ValueError
        If the run has no cost, and ``of`` is not told, or it was not recorded.
    """
    of = of if of is not None else run.cost
    if of is None:
        raise ValueError("the run has no cost to differentiate: unroll it with targets, or name a number with of=")
    if not of.requires_grad:
        raise ValueError("the run was not recorded: unroll it outside no_grad, so that there is a gradient to measure")
    grads = gradients(of, run[role])
    return np.array([np.linalg.norm(gradient) for gradient in grads])


def state_slices(run: Run) -> dict[str, slice]:
    """Which part of a run's state is which role, in the order in which the model carries them.

    With ``s = state_slices(run)`` and ``J = step_jacobians(run)``, the block ``J[:, s["h"], s["c"]]`` is ∂h_t/∂c_{t-1}.
    """
    found, end = dict[str, slice](), 0
    for role, tensor in run.carried[0].items():
        found[role] = slice(end, end + tensor.shape[-1])
        end = found[role].stop
    return found


def step_jacobians(run: Run, sample: int = 0) -> Array:
    """The Jacobians ∂s_t/∂s_{t-1} of a run's whole state, for one sequence of its batch.

    The state is everything that is carried, side by side: (h, c) of an LSTM, all layers of a stack, and (h, ỹ) or ỹ
    where the output is fed back. What the model hands on is one vector, and products of these matrices are how its
    perturbations travel: a single role's own block, such as ∂h_t/∂h_{t-1} of an LSTM, vanishes where the cell beside
    it keeps everything. `state_slices` tells the blocks.

    Each step is computed again with as many copies of the sequence as the state has components; one backward pass
    from all the copies, each asking for a row of its own, then gives the whole matrix. Dropout is left out.

    Parameters
    ----------
    run : Run
    sample : int
        Which sequence of the batch.

    Returns
    -------
    ndarray (T, n_state, n_state)
        J_1 ... J_T; `spectral.jacobian_products` follows their product. Columns are 0 where a step was not given what
        the one before computed: targets in the place of ỹ (teacher forcing), or what was detached. Behind the end of
        a sequence, where the state stays, J_t is the identity.
    """
    return np.stack(list(each_jacobian(run, sample)))


def each_jacobian(run: Run, sample: int = 0) -> Iterator[Array]:
    """The `step_jacobians` one by one, where a long run's would not fit into memory."""
    yield from _jacobians_between(run, 0, len(run), sample)


def jacobian_product(run: Run, s: int, t: int, sample: int = 0) -> JacobianProduct:
    """∂s_t/∂s_s = J_t ... J_{s+1} of a run's whole state, as a matrix and the exponent of its scale.

    Parameters
    ----------
    run : Run
    s, t : int
        0 ≤ s ≤ t ≤ T; for s = t it is the identity.
    sample : int
        Which sequence of the batch.

    Returns
    -------
    JacobianProduct
        With ``matrix`` and ``exponent``, so that it may be as small or as large as it likes.

    Raises
    ------
    ValueError
        If s and t are not in this order, or not steps of the run.
    """
    if not 0 <= s <= t <= len(run):
        raise ValueError(f"s={s}, t={t}: of a run of {len(run)} steps, 0 <= s <= t <= {len(run)} is needed")
    product = JacobianProduct(np.eye(max(part.stop for part in state_slices(run).values())), 0)
    for jacobian in _jacobians_between(run, s, t, sample):
        product = product.then(jacobian)
    return product


def _jacobians_between(run: Run, first: int, last: int, sample: int) -> Iterator[Array]:
    """J_{first + 1} ... J_last."""
    slices = state_slices(run)
    n = max(part.stop for part in slices.values())
    bound = run.model.bind()
    rows = {role: np.eye(n, dtype=run.carried[0][role].dtype)[:, part] for role, part in slices.items()}
    for t in range(first, last):
        given, step = run.carried[t], run.steps[t]
        if _over(run, t, sample):
            yield np.concatenate([*rows.values()], axis=1)
            continue
        carried = {role: _copies(tensor, n, sample) for role, tensor in given.items()}
        after = run.model.step(bound, _copies(step["x"], n, sample), carried)
        grads = gradients([after[role] for role in slices], [*carried.values()], [rows[role] for role in slices])
        heard = [np.zeros_like(g) if _cut(run, t, role, sample) else g for role, g in zip(carried, grads, strict=True)]
        yield np.concatenate(heard, axis=1)


def hidden_jacobians(run: Run, sample: int = 0) -> Array:
    """The total derivatives ∂h_t/∂h_{t-1} of a run of which h_{t-1} tells everything, for one sequence of its batch.

    Where a network feeds its output back, h_{t-1} acts through ỹ_{t-1} as well: diag(f') (W + R diag(g') V). Two steps
    are therefore computed again for each t. Without feedback these are the `step_jacobians`.

    Parameters
    ----------
    run : Run
        An unrolling of a model that carries ``"h"``, ``"y"``, which it computes from h, or both.
    sample : int
        Which sequence of the batch.

    Returns
    -------
    ndarray (T, n_hidden, n_hidden)
        J_1 ... J_T. For t = 1 what is carried in is given, so that only h_0 itself counts. Behind the end of a
        sequence, where h stays, J_t is the identity.

    Raises
    ------
    ValueError
        If something else is carried beside them, such as an LSTM's cell: h_{t-1} alone does not tell h_t then.
    """
    if others := run.carried[0].keys() - {"h", "y"}:
        raise ValueError(
            f"{type(run.model).__name__} carries {', '.join(sorted(others))} too, so that h_(t-1) alone does not tell"
            " h_t: take step_jacobians, which are those of the whole state"
        )
    n, bound, found = run["h"][0].shape[-1], run.model.bind(), []
    for t, given in enumerate(run.carried):
        carried = {role: _copies(tensor, n, sample) for role, tensor in run.carried[max(t - 1, 0)].items()}
        before = carried.get("h")
        if _over(run, t, sample):
            found.append(np.eye(n, dtype=run["h"][0].dtype))
            continue
        if t > 0:
            step = run.model.step(bound, _copies(run["x"][t - 1], n, sample), carried)
            before = step["h"]
            carried = {r: _copies(v, n, sample) if _cut(run, t, r, sample) else step[r] for r, v in given.items()}
        after = run.model.step(bound, _copies(run["x"][t], n, sample), carried)["h"]
        if before is None:  # h_0 is not given to the first step
            found.append(np.zeros((n, n), after.dtype))
        else:
            found.append(*gradients(after, [before], np.eye(n)))
    return np.stack(found)


def _row(tensor: Tensor, sample: int) -> Array:
    return tensor.data[sample] if tensor.ndim == 2 else tensor.data


def _copies(tensor: Tensor, n: int, sample: int) -> Tensor:
    return Tensor(np.tile(_row(tensor, sample), (n, 1)), requires_grad=True)


def _over(run: Run, t: int, sample: int) -> bool:
    """Whether step t + 1 stands behind the end of the sequence: it hands on what it was given, not what it computed."""
    following = run.carried[t + 1] if t + 1 < len(run) else run.final
    return any(_differ(following[role], run.steps[t][role], sample) for role in following) and not any(
        _differ(following[role], run.carried[t][role], sample) for role in following
    )


def _cut(run: Run, t: int, role: str, sample: int) -> bool:
    """Whether step t + 1 was given something else than the role that the step before computed."""
    if t == 0:
        return False
    given, computed = run.carried[t][role], run.steps[t - 1][role]
    detached = computed.requires_grad and not given.requires_grad
    return detached or (run.forced and role == "y") or _differ(given, computed, sample)


def _differ(one: Tensor, other: Tensor, sample: int) -> bool:
    return one is not other and not np.array_equal(_row(one, sample), _row(other, sample), equal_nan=True)
