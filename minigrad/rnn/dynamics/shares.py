"""Who has which share in the gradient: every cost in every state, and every step in every parameter.

∂C/∂h_k is the sum of what the costs C_k, C_{k+1} ... send back, and ∂C/∂W the sum of what the steps contribute. What
vanishes is not the sum, but the shares of those that are far away.

References
----------
R. Pascanu, T. Mikolov, Y. Bengio (2013), "On the difficulty of training recurrent neural networks", ICML, equations
(3) to (5).
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from minigrad.engine.ancestors import ancestors, leading_to
from minigrad.engine.cotangents import dense
from minigrad.engine.tensor import Array, Tensor
from minigrad.engine.walk import delivered, gradients, seeded, walk
from minigrad.rnn.dynamics.incoming import real
from minigrad.rnn.dynamics.spectrum import spectral_radius

if TYPE_CHECKING:
    from minigrad.rnn.unrolling import Run


@dataclass(frozen=True, eq=False)
class Flow:
    """The norms of the gradient of Σ C_t along a sequence, and of its two parts.

    Attributes
    ----------
    total : (T + 1,) ndarray
        ‖∂C/∂h_k‖ for k = 0 ... T; 0 for k = 0 if h_0 is not given to the first step.
    direct : (T,) ndarray
        ‖∂C_k/∂h_k‖ for k = 1 ... T: by the cost of the same step.
    indirect : (T,) ndarray
        ‖Σ_{t>k} ∂C_t/∂h_k‖: by all later ones, through h_{k+1}.
    """

    total: Array
    direct: Array
    indirect: Array


@dataclass(frozen=True, eq=False)
class Contributions:
    """Which cost sends how much to which state.

    Attributes
    ----------
    norms : (T, T + 1) ndarray
        Row t - 1, column k: ‖∂C_t/∂h_k‖ for t = 1 ... T and k = 0 ... T; 0 for k > t.
    radius : float
        ρ(W), or NaN for a model that has no square W.
    """

    norms: Array
    radius: float

    @property
    def predicted(self) -> Array:
        """What the eigenvalue says, (T, T + 1): ‖∂C_t/∂h_t‖ ρ^(t-k), right for a linear network in the long run."""
        T = len(self.norms)
        lag = np.arange(1, T + 1)[:, None] - np.arange(T + 1)
        own = np.diagonal(self.norms, offset=1)
        with np.errstate(over="ignore", invalid="ignore"):  # 0 times infinity, of a cost without a gradient, is 0
            grown = own[:, None] * self.radius ** np.maximum(lag, 0.0)
        return np.where((lag >= 0) & (own[:, None] != 0), grown, 0.0)


class Between:
    """Walks between tensors of one run: what lies between is looked for once, and each walk sees its own part."""

    def __init__(self, outputs: Sequence[Tensor], wrt: Sequence[Tensor]) -> None:
        if not all(output.requires_grad for output in outputs):
            raise ValueError(
                "the run was not recorded: unroll it outside no_grad, so that there is a gradient to measure"
            )
        self.order = leading_to(wrt, ancestors(outputs))
        self.ages = [-tensor.index for tensor in self.order]

    def gradients(
        self, output: Tensor, wrt: Sequence[Tensor], cotangent: Any = None, create_graph: bool = False
    ) -> tuple[Any, ...]:
        """As `gradients` gives them, by tensors that are all as old as the first of ``wrt``, or younger."""
        part = self.order[bisect_left(self.ages, -output.index) : bisect_right(self.ages, -wrt[0].index)]
        reached = walk(part, seeded(output, cotangent), wrt, create_graph=create_graph)
        return delivered(reached, wrt, create_graph)


def gradient_flow(run: Run, role: str = "h") -> Flow:
    """How much of the gradient comes from the cost of the same step, and how much from the future.

    Parameters
    ----------
    run : Run
        An unrolling with a cost at every step. Norms are taken over its whole batch.
    role : str
        Whose gradient: ``"h"``, ``"c"`` ...

    Returns
    -------
    Flow
        By two walks in all, linear in T.
    """
    costs, states = _costs(run), states_of(run, role)
    total = gradients(_sum(costs), states)
    between, parts = Between(costs, states), []
    for cost, state, whole in zip(costs, run[role], total[-len(costs) :], strict=True):
        (own,) = between.gradients(cost, [state])
        parts.append((np.linalg.norm(own), np.linalg.norm(whole - own)))
    direct, indirect = np.array(parts).T
    return Flow(_with_start([np.linalg.norm(g) for g in total], len(costs)), direct, indirect)


def contributions(run: Run, role: str = "h") -> Contributions:
    """‖∂C_t/∂h_k‖ for all t and k: in which past state each cost still has a share (Pascanu et al. 2013, eq. 4).

    Parameters
    ----------
    run : Run
        An unrolling with a cost at every step. Norms are taken over its whole batch.
    role : str
        Whose gradient: ``"h"``, ``"c"`` ...

    Returns
    -------
    Contributions
        T walks, so T²/2 steps.
    """
    costs, states = _costs(run), states_of(run, role)
    between, first, T = Between(costs, states), len(states) - len(costs), len(costs)
    norms = np.zeros((T, T + 1))
    for t, cost in enumerate(costs):
        heard = states[: t + 1 + first]
        norms[t, 1 - first : t + 2] = [np.linalg.norm(g) for g in between.gradients(cost, heard)]
    W = run.model.parameters().get("W")
    square = W is not None and W.ndim == 2 and W.shape[0] == W.shape[1]
    return Contributions(norms, spectral_radius(W) if square else math.nan)


def parameter_contributions(run: Run, of: Tensor | None = None) -> dict[str, Array]:
    """What each step adds to the gradient of each parameter: ‖δ_t h_{t-1}ᵀ‖ for W, for example.

    Parameters
    ----------
    run : Run
        An unrolling with costs, or any if ``of`` is given.
    of : Tensor, optional
        The number to differentiate; Σ C_t by default.

    Returns
    -------
    dict of str to ndarray (T,)
        By the names of the parameters: the Frobenius norms of the shares of steps 1 ... T, whose sum is the gradient.

    Raises
    ------
    ValueError
        If the run has no cost, and ``of`` is not told.
    """
    of = of if of is not None else run.cost
    if of is None:
        raise ValueError("the run has no cost to differentiate: unroll it with targets, or name a number with of=")
    parameters, made_in = run.model.parameters(), _when(run)
    shares: list[dict[int, tuple[Tensor, Any]]] = [{} for _ in range(len(run))]

    def crossed(consumer: Tensor, position: int, share: Any) -> None:
        t, argument = made_in(consumer), consumer.args[position]
        if t is not None and made_in(argument) is None:  # what all steps share: a parameter, or something made of some
            known = shares[t - 1].get(argument.index)
            g = dense(share)
            shares[t - 1][argument.index] = argument, g if known is None else known[1] + g

    gradients(of, list(parameters.values()), observe=crossed)
    found = {name: np.zeros(len(run)) for name in parameters}
    for t, crossings in enumerate(shares):
        sources = [argument for argument, _ in crossings.values() if argument.requires_grad]
        cotangents = [g for argument, g in crossings.values() if argument.requires_grad]
        if sources:
            for name, g in zip(parameters, gradients(sources, [*parameters.values()], cotangents), strict=True):
                found[name][t] = np.linalg.norm(g)
    return found


def decay_rate(norms: npt.ArrayLike) -> float:
    """The slope of ln ‖∂C_T/∂h_k‖ against k, by least squares: so much is lost at each step back.

    Positive where gradients vanish, negative where they explode; of a linear network, -ln ρ in the long run.

    Parameters
    ----------
    norms : (T,) array_like
        Of one cost, as `gradient_norms` gives them. Zeros are left out.

    Returns
    -------
    float
        NaN if fewer than two are left.
    """
    norms = real("norms", norms)
    k = np.flatnonzero(norms)
    if len(k) < 2:
        return math.nan
    centred = k - k.mean()
    return float(centred @ np.log(norms[k]) / (centred @ centred))


def memory_horizon(norms: npt.ArrayLike, tol: float = 0.01) -> int:
    """After how many steps back less than ``tol`` of the last gradient is left for the first time.

    Parameters
    ----------
    norms : (T,) array_like
        Of one cost, as `gradient_norms` gives them.
    tol : float
        Between 0 and 1.

    Returns
    -------
    int
        At most T, if it is never less.

    Raises
    ------
    ValueError
        If ``tol`` is not between 0 and 1, or the norms are none.
    """
    if not 0 < tol < 1:
        raise ValueError(f"tol is {tol!r}; it is the share of the last gradient that still counts, between 0 and 1")
    norms = relative(norms)[::-1]
    below = np.flatnonzero(norms < tol)
    return int(below[0]) if len(below) else len(norms)


def relative(norms: npt.ArrayLike) -> Array:
    """Norms of a gradient along a sequence, divided by the last: it has to start there."""
    norms = real("norms", norms)
    if norms.ndim != 1 or not norms.size or norms[-1] <= 0:
        raise ValueError(
            f"norms {norms.shape} have to be those of the last step's cost, a row that ends above 0: of an earlier cost"
            " C_t, pass the first t of them"
        )
    with np.errstate(over="ignore", under="ignore"):
        shares: Array = norms / norms[-1]
    return shares


def _costs(run: Run) -> list[Tensor]:
    """C_1 ... C_T."""
    costs = run.costs
    if not costs:
        raise ValueError("the run has no costs to differentiate: unroll it with targets")
    if missing := [t for t in range(1, len(run) + 1) if t not in costs or not costs[t].requires_grad]:
        raise ValueError(
            f"C_{missing[0]} depends on nothing: every step's cost has to count, and the run has to be recorded,"
            " outside no_grad"
        )
    return list(costs.values())


def states_of(run: Run, role: str) -> list[Tensor]:
    """h_0, if it is given to the first step, and h_1 ... h_T."""
    first, states = run.carried[0].get(role), run[role]
    if len(states) < len(run):
        raise ValueError(
            f"only {len(states)} of the {len(run)} steps have a {role!r}: name a role that all of them have"
        )
    ages = [state.index for state in states]
    if ages != sorted(ages):
        raise ValueError(
            f"{role!r} was computed against the order of the steps, so that the cost of a step depends on later ones:"
            " name a role that goes forwards, or take gradient_norms, which asks for no order"
        )
    return [*([first] if first is not None and first.requires_grad else []), *states]


def _with_start(norms: Sequence[Any], T: int) -> Array:
    """With a 0 for what is not there."""
    return np.array([*[0.0] * (T + 1 - len(norms)), *norms], np.float64)


def _sum(costs: Sequence[Tensor]) -> Tensor:
    total: Tensor = np.sum(np.stack(costs))
    return total


def _when(run: Run) -> Callable[[Tensor], int | None]:
    """In which step t = 1 ... T a tensor was made, None if before or behind all of them.

    What `unroll` made has scopes that tell it. Of a loop by hand it is told by age: what is younger than all of step
    t - 1 and not younger than all of step t; what the first step made before its first named tensor is of no step then,
    which does no harm, since it is made of what all steps share.
    """
    made = [[tensor for tensor in step.values() if tensor.fn is not None] for step in run.steps]
    if all(_scoped(tensor) == t for t, tensors in enumerate(made, 1) for tensor in tensors):
        return _scoped
    starts, ends = ([end(tensor.index for tensor in tensors) for tensors in made] for end in (min, max))
    if any(start <= end for start, end in zip(starts[1:], ends, strict=False)):
        raise ValueError("the steps of this run were not computed one after the other, and have no scopes t=1, t=2 ...")
    return lambda tensor: bisect_left(ends, tensor.index) + 1 if starts[0] <= tensor.index <= ends[-1] else None


def _scoped(tensor: Tensor) -> int | None:
    for name in reversed(tensor.scope):
        if name.startswith("t=") and name[2:].isdigit():
            return int(name[2:])
    return None
