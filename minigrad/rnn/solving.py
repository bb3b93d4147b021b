"""All states at once, by Newton's method: a nonlinear recurrence as a few linear ones.

s_t = F_t(s_{t-1}), t = 1 ... T, is one system of equations for the whole sequence. Linearised at a guess it is the
linear recurrence s_t = J_t s_{t-1} + b_t, which `scan` solves in parallel: that is one iteration. Whatever the guess,
after i of them the first i states are right, so that T are enough but for rounding. How many there are is told by the
largest Lyapunov exponent. Where it is negative the past is forgotten, so is the error of the guess, and a handful will
do however long the sequence is; where it is positive each step multiplies errors, and nothing is gained over going step
by step. So the number by which gradients vanish or explode decides this too.

References
----------
Y. H. Lim, Q. Zhu, J. Selfridge, M. F. Kasim (2024), "Parallelizing non-linear sequential models over the sequence
length", ICLR ("DEER").
X. Gonzalez, A. Warrington, J. T. H. Smith, S. W. Linderman (2024), "Towards scalable and stable parallelization of
nonlinear RNNs", NeurIPS.
X. Gonzalez, L. Kozachkov, D. M. Zoltowski, K. L. Clarkson, S. W. Linderman (2025), "Predictability enables
parallelization of nonlinear state space models".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad.engine.tensor import Array, Tensor
from minigrad.engine.walk import gradients
from minigrad.rnn.scanning import scan
from minigrad.rnn.stepping import Model, Whole, along

CHUNK = 2**21  # numbers of Jacobians at a time


@dataclass(frozen=True, eq=False)
class Solved:
    """What Newton's method has found.

    Attributes
    ----------
    states : dict of str to ndarray (T, ..., n)
        s_1 ... s_T by the roles that the model carries: ``solved.states["h"]``.
    residuals : (iterations + 1,) ndarray
        max |F_t(s_{t-1}) - s_t| over the sequence: of the guess, and after each iteration.
    converged : bool
        Whether the last of them is below the tolerance.
    """

    states: dict[str, Array]
    residuals: Array
    converged: bool

    @property
    def iterations(self) -> int:
        """How many linear recurrences were solved."""
        return len(self.residuals) - 1


def newton(
    model: Model,
    xs: Any,
    *,
    initial: Any = None,
    guess: dict[str, Any] | None = None,
    damping: float = 0.0,
    tol: float | None = None,
    max_iterations: int | None = None,
) -> Solved:
    """The states of ``model`` along the sequence ``xs``, all at once.

    Parameters
    ----------
    model : Model
        Anything with steps that can be unrolled, without dropout and without targets.
    xs : array_like (T, B, n_in) or (T, n_in)
    initial : dict or Run, optional
        As in `unroll`.
    guess : dict of str to array_like (T, ..., n), optional
        The states to start from; zeros otherwise.
    damping : float
        Between 0 and 1: the Jacobians are taken (1 - damping) times. Where Newton's own iterations overshoot, as they
        do in chaos, these go more slowly and more steadily; with 1 it is Picard's iteration, without Jacobians.
    tol : float, optional
        The residual to end with, relative to the largest state, if that is above 1; 100 units of rounding by default.
    max_iterations : int, optional
        T by default, after which all states are right but for rounding.

    Returns
    -------
    Solved
        States that are not finite are set back to 0 on the way (Gonzalez et al. 2024), so that they do not spread.

    Raises
    ------
    ValueError
        As `unroll` does, and for numbers out of range.
    TypeError
        For a model that needs the whole sequence.

    Notes
    -----
    Each iteration costs T Jacobians and a scan, O(T n³): more than T steps, but in O(log T) rounds. Nothing is
    recorded.

    Examples
    --------
    >>> import minigrad as mg
    >>> solved = newton(mg.rnn.RNN(1, 4, 1, radius=0.5, rng=0), np.ones((1000, 1)))
    >>> solved.converged, solved.iterations < 20
    (True, True)
    """
    if isinstance(model, Whole):
        raise TypeError(f"{type(model).__name__} has no steps of its own: apply newton to each of its cells")
    if not 0 <= damping <= 1:
        raise ValueError(f"damping is {damping!r}: expected a number between 0, Newton's method, and 1, Picard's")
    stepping = along(model, xs)
    xs, T, first = stepping.xs.data, len(stepping), stepping.first(initial)
    sizes = {role: value.shape[-1] for role, value in first.items()}
    start = np.concatenate([value.data for value in first.values()], axis=-1)
    states = np.zeros((T, *start.shape), start.dtype)
    if guess is not None:
        states = np.concatenate([np.broadcast_to(guess[role], (T, *first[role].shape)) for role in sizes], axis=-1)
    tol = 100 * float(np.finfo(start.dtype).eps) if tol is None else tol
    residuals, limit = list[float](), T if max_iterations is None else max_iterations
    with np.errstate(over="ignore", invalid="ignore"):
        while True:
            before = np.concatenate([start[None], states[:-1]])
            after, jacobians = _steps(model, xs, before, sizes)
            residuals.append(float(np.max(np.abs(after - states))))
            converged = residuals[-1] <= tol * max(1.0, float(np.max(np.abs(states))))
            if converged or len(residuals) > limit:
                break
            A = (1 - damping) * jacobians
            states = scan(A, after - np.squeeze(A @ before[..., None], -1), start)
            states = np.where(np.isfinite(states), states, 0.0).astype(start.dtype)
    parts = np.split(states, np.cumsum([*sizes.values()])[:-1], axis=-1)
    return Solved(dict(zip(sizes, parts, strict=True)), np.array(residuals), converged)


def _steps(model: Model, xs: Array, before: Array, sizes: dict[str, int]) -> tuple[Array, Array]:
    """F_t(s_{t-1}) (T, ..., n) and its Jacobians (T, ..., n, n) for all t: one step with all times as its batch.

    Every state stands there n times, each asking for a row of its own.
    """
    n, batch = before.shape[-1], before.shape[:-1]
    flat, inputs = before.reshape(-1, n), xs.reshape(-1, xs.shape[-1])
    after, jacobians = np.empty_like(flat), np.empty((len(flat), n, n), flat.dtype)
    bound, edges = model.bind(), np.cumsum([0, *sizes.values()])
    slices = {role: slice(a, b) for role, a, b in zip(sizes, edges, edges[1:], strict=False)}
    for i in range(0, len(flat), size := max(CHUNK // n**2, 1)):
        here = np.repeat(flat[i : i + size], n, axis=0)
        rows = np.tile(np.eye(n, dtype=flat.dtype), (len(here) // n, 1))
        carried = {role: Tensor(here[:, part], requires_grad=True) for role, part in slices.items()}
        step = model.step(bound, Tensor(np.repeat(inputs[i : i + size], n, axis=0)), carried)
        found = gradients([step[role] for role in slices], [*carried.values()], [rows[:, p] for p in slices.values()])
        after[i : i + size] = np.concatenate([step[role].data[::n] for role in slices], axis=-1)
        jacobians[i : i + size] = np.concatenate(found, axis=-1).reshape(-1, n, n)
    return after.reshape(before.shape), jacobians.reshape(*batch, n, n)
