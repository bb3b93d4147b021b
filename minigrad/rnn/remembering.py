"""Back-propagation through time, and what is remembered for it: at a price in memory, in time, or in exactness.

``unroll(...).cost.backward()`` keeps all that every step has computed. Here are other ways to the same gradient:

- `bptt` keeps some of the states and computes the steps between them again: √T of them, or as few as you like by the
  optimal schedule of Griewank and Walther (2000);
- `rtrl` (Williams, Zipser 1989) carries the derivative of the state forward, and keeps nothing of the past;

and one to another: `truncated_bptt` forgets what is further back than some steps. All of them add the gradient up in
the ``grad`` of the model's parameters, as `Tensor.backward` does.

Examples
--------
>>> import numpy as np
>>> from minigrad.rnn import RNN, bptt, rtrl, truncated_bptt
>>> model, xs, targets = RNN(1, 4, 1, rng=0), np.ones((50, 1)), np.zeros((50, 1))
>>> def gradient_by(method, **options):
...     model.zero_grad()
...     method(model, xs, targets, **options)
...     return model.W.grad
>>> whole = gradient_by(bptt)
>>> bool(np.allclose(gradient_by(rtrl), whole))
True
>>> bool(np.allclose(gradient_by(truncated_bptt, windows=50), whole))  # a window as long as the sequence
True
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minigrad.engine.tensor import Array, Tensor, owned
from minigrad.engine.walk import gradients
from minigrad.rnn.stepping import Model, State, Stepping, Whole, along
from minigrad.scopes import no_grad

Arrays = dict[str, Array]


@dataclass(frozen=True)
class Passed:
    """What a pass forward and back has found; the gradients are in the parameters.

    Attributes
    ----------
    cost : float
        Σ C_t, of the costs that were propagated back.
    initial : dict of str to ndarray
        The gradients of what the first step was given.
    final : dict of str to ndarray
        What a step T + 1 would be given: ``initial=passed.final`` goes on from there.
    again : int
        How many steps were computed without being recorded, besides the T that were.
    """

    cost: float
    initial: Arrays = field(repr=False)
    final: Arrays = field(repr=False)
    again: int


class Tape:
    """A sequence whose steps are recorded piece by piece; the gradients of the parameters add up."""

    def __init__(self, stepping: Stepping) -> None:
        if stepping.targets is None:
            raise ValueError("there is no cost to propagate back: pass targets")
        if isinstance(stepping.model, Whole):
            name = type(stepping.model).__name__
            raise TypeError(
                f"a {name} needs the whole sequence, and has no step: unroll(model, xs, targets) keeps it all"
            )
        self.stepping = stepping
        self.parameters = list(stepping.model.parameters().values())
        self.sums: list[Any] = [0.0] * len(self.parameters)
        self.cost, self.again = 0.0, 0
        self.final: Arrays = {}

    def advance(self, state: Arrays, done: int, until: int) -> Arrays:
        """The state after ``until`` steps, from that after ``done``; nothing is recorded, and nothing else is kept."""
        self.again += until - done
        with no_grad():
            for step in self.stepping.steps(dict(_leaves(state)), done + 1, until, costs=False):
                state = _arrays(step.following)
        return state

    def back(
        self, state: Arrays, done: int, until: int, g: Arrays | None = None, counted: int | None = None
    ) -> tuple[Arrays, Arrays]:
        """Record steps ``done`` + 1 ... ``until`` and go back through them.

        ``g`` is the cotangent of the state behind them, None for zero; only the costs of the last ``counted`` steps
        count. Returns the state behind them, and the cotangent of that before them.
        """
        first = _leaves(state)
        steps = list(self.stepping.steps(dict(first), done + 1, until))
        costs = [step.tensors["C"] for step in (steps if counted is None else steps[-counted:])]
        outputs, cotangents = [np.sum(np.stack(costs))], [np.ones((), costs[0].dtype)]
        self.cost += outputs[0].item()
        following = steps[-1].following
        for role, share in (g or {}).items():
            outputs.append(following[role])
            cotangents.append(share)
        found = gradients(outputs, [*self.parameters, *first.values()], cotangents)
        self.sums = [total + share for total, share in zip(self.sums, found, strict=False)]
        behind, before = _arrays(following), dict(zip(first, found[len(self.parameters) :], strict=True))
        if until == len(self.stepping):
            self.final = behind
        return behind, before

    def passed(self, initial: Arrays) -> Passed:
        """Hand the gradients over."""
        for parameter, g in zip(self.parameters, self.sums, strict=True):
            g = np.broadcast_to(np.asarray(g, parameter.dtype), parameter.shape)
            parameter.grad = owned(g if parameter.grad is None else parameter.grad + g, order="C")
        return Passed(self.cost, initial, self.final, self.again)


def bptt(
    model: Model,
    xs: Any,
    targets: Any,
    *,
    memory: str | int = "sqrt",
    initial: Mapping[str, Any] | None = None,
    **options: Any,
) -> Passed:
    """The gradient of Σ C_t, without keeping all that the steps have computed.

    Parameters
    ----------
    model, xs, targets, **options
        As for `minigrad.rnn.unroll`.
    memory : {"full", "sqrt"} or int
        What is kept: everything; the states after every √T steps, from which the steps between two are computed once
        more; or so many states at a time, the first included. With s of them and T ≤ C(s + r, s), no more than r T
        steps are computed again.
    initial : dict, optional
        As for `minigrad.rnn.unroll`.

    Returns
    -------
    Passed

    Raises
    ------
    ValueError
        If nothing, or less than one state, may be kept; and as `minigrad.rnn.unroll`.

    Notes
    -----
    A step must compute the same when it is computed again: random numbers need a seed of their own at every step.
    """
    if memory not in ("full", "sqrt") and (isinstance(memory, str) or memory < 1):
        raise ValueError(f"memory={memory!r}: choose 'full', 'sqrt', or how many states are kept, at least 1")
    tape = Tape(along(model, xs, targets, **options))
    T, state = len(tape.stepping), _arrays(tape.stepping.first(initial))
    if memory == "full":
        return tape.passed(tape.back(state, 0, T)[1])
    if memory == "sqrt":
        width = math.isqrt(T - 1) + 1
        starts = range(0, T, width)
        states = [state]
        for start in starts[1:]:
            states.append(tape.advance(states[-1], start - width, start))
        _, g = tape.back(states[-1], starts[-1], T)
        for start in reversed(starts[:-1]):
            _, g = tape.back(states[start // width], start, start + width, g)
        return tape.passed(g)
    return tape.passed(_revolve(tape, state, 0, T, int(memory), None))


def _revolve(tape: Tape, state: Arrays, done: int, until: int, slots: int, g: Arrays | None) -> Arrays:
    """Back from ``until`` to ``done``, whose state takes the first of the slots; the cotangent there.

    The state in between from which the later part is gone back first is chosen so that the fewest steps are computed
    again; it is given up before the earlier part, which has all slots again.
    """
    while until - done > 1:
        if slots == 1:
            start = until - 1
            _, g = tape.back(tape.advance(state, done, start), start, until, g)
        else:
            start = done + split(until - done, slots)
            g = _revolve(tape, tape.advance(state, done, start), start, until, slots - 1, g)
        until = start
    return tape.back(state, done, until, g)[1]


def split(steps: int, slots: int) -> int:
    """How many of some steps come before the next state that is kept (Griewank, Walther 2000, algorithm 799).

    With C(s, r) = (s + r)! / (s! r!) steps, each is computed again at most r times. The longer part, which keeps its
    slots, may have C(s, r - 1) of them, the other C(s - 1, r).
    """
    r = 0
    while math.comb(slots + r, slots) < steps:
        r += 1
    most = min(math.comb(slots + r - 1, slots), steps - math.comb(slots + r - 2, slots - 1))
    return max(1, min(most, steps - 1))


def truncated_bptt(
    model: Model,
    xs: Any,
    targets: Any,
    *,
    windows: int | None = None,
    per_cost: int | None = None,
    k1: int | None = None,
    k2: int | None = None,
    initial: Mapping[str, Any] | None = None,
    **options: Any,
) -> Passed:
    """A gradient that does not look further back than some steps, by one of three definitions.

    Parameters
    ----------
    model, xs, targets, initial, **options
        As for `minigrad.rnn.unroll`.
    windows : int, optional
        The sequence is cut into windows of so many steps: the state is carried over, the gradient is not.
    per_cost : int, optional
        Every C_t is propagated back through so many steps, t included.
    k1, k2 : int, optional
        After every ``k1`` steps, the last ``k1`` costs are propagated back through the last ``k2`` steps (Williams,
        Peng 1990). Costs behind the last multiple of ``k1`` are not used.

    Returns
    -------
    Passed

    Raises
    ------
    ValueError
        If not just one of the definitions is given, or a number below 1.

    Notes
    -----
    If the steps cover the sequence it is the whole gradient. It is no gradient of anything otherwise: what is cut away
    is not the small part where gradients explode.
    """
    given = [windows is not None, per_cost is not None, k1 is not None or k2 is not None]
    if sum(given) != 1 or (given[2] and None in (k1, k2)):
        raise ValueError("choose one definition: windows=, per_cost=, or k1= and k2= together")
    every, reach = (windows, windows) if windows is not None else (1, per_cost) if per_cost is not None else (k1, k2)
    if every is None or reach is None or every < 1 or reach < 1:
        raise ValueError(f"{every} and {reach} steps given: at least 1 is needed")
    tape = Tape(along(model, xs, targets, **options))
    T, state = len(tape.stepping), _arrays(tape.stepping.first(initial))
    ends = list(range(every, T + 1, every))
    if windows is not None and T % every:
        ends.append(T)
    kept, first = {0: state}, {role: np.zeros_like(value) for role, value in state.items()}
    for start, end in zip([0, *ends], ends, strict=False):
        begin = max(end - reach, 0)
        if begin not in kept:
            known = max(t for t in kept if t < begin)
            kept[begin] = tape.advance(kept[known], known, begin)
        behind, g = tape.back(kept[begin], begin, end, counted=end - start)
        if begin == 0:
            first = {role: first[role] + g[role] for role in g}
        kept = {t: value for t, value in kept.items() if t >= begin} | {end: behind}
    if (last := max(kept)) < T:
        tape.final = tape.advance(kept[last], last, T)
    return tape.passed(first)


def rtrl(model: Model, xs: Any, targets: Any, *, initial: Mapping[str, Any] | None = None, **options: Any) -> Passed:
    """The gradient of Σ C_t by real-time recurrent learning: forward only, with no memory of the past.

    S_t = ∂s_t/∂θ of the whole state s and all parameters θ is carried along, S_t = J_t S_{t-1} + ∂s_t/∂θ|direct. It
    costs a walk back for every number of the state at every step: small networks only.

    Parameters
    ----------
    model, xs, targets, initial, **options
        As for `minigrad.rnn.unroll`.

    Returns
    -------
    Passed
    """
    tape = Tape(along(model, xs, targets, **options))
    stepping, parameters = tape.stepping, tape.parameters
    state = _arrays(stepping.first(initial))
    count, width = sum(p.size for p in parameters), sum(v.size for v in state.values())
    carried = np.zeros((width, count + width))  # by the parameters, and by the first state
    carried[:, count:] = np.eye(width)
    total = np.zeros(count + width)
    for t in range(1, len(stepping) + 1):
        first = _leaves(state)
        (step,) = stepping.steps(dict(first), t, t)
        wrt, C = [*parameters, *first.values()], step.tensors["C"]
        tape.cost += C.item()
        total += _through(_joined(gradients(C, wrt)), carried, count)
        rows = []
        for tensor in step.following.values():
            for place in np.ndindex(tensor.shape):
                unit = np.zeros_like(tensor.data)
                unit[place] = 1.0
                outputs = [tensor] if tensor.requires_grad else []
                rows.append(_joined(gradients(outputs, wrt, [unit] if outputs else [])))
        carried = np.stack([_through(row, carried, count) for row in rows])
        state = _arrays(step.following)
    sizes = [*(parameter.size for parameter in parameters), *(value.size for value in state.values())]
    pieces = iter(np.split(total, np.cumsum(sizes)[:-1]))
    tape.sums = [next(pieces).reshape(parameter.shape) for parameter in parameters]
    tape.final = state
    return tape.passed({role: next(pieces).reshape(value.shape) for role, value in state.items()})


def _through(row: Array, carried: Array, count: int) -> Array:
    """A row of derivatives by (θ, s_{t-1}) as one by (θ, s_0)."""
    total: Array = row[count:] @ carried
    total[:count] += row[:count]
    return total


def _joined(arrays: Sequence[Array]) -> Array:
    return np.concatenate([np.ravel(array) for array in arrays])


def _arrays(state: State) -> Arrays:
    return {role: tensor.data for role, tensor in state.items()}


def _leaves(state: Arrays) -> State:
    """The same numbers as leaves, so that their gradient can be asked for."""
    return {role: Tensor(value, requires_grad=True, name=role) for role, value in state.items()}
