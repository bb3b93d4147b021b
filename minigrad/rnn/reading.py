"""A loop that somebody wrote by hand, read back from its recorded graph: it is drawn and played like any other run.

`looping` tells the steps apart, `recurrence` what takes part in them. `run_of` makes a run of that, and says what it
has understood, or what to write so that it can.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np

from minigrad.engine.tensor import Tensor
from minigrad.graph import graph_of
from minigrad.module import Module
from minigrad.rnn.looping import Marks
from minigrad.rnn.recurrence import Recurrence
from minigrad.rnn.unrolling import Run

GIVEN = ("x", "target", "C")  # what a model does not compute


class Loop(Module):
    """In the place of a model, what was understood of a loop. Printed, it tells all of that.

    Attributes
    ----------
    roles, carried : tuple of str
        As those of a model; but what the steps computed is known, and not how: it cannot be unrolled again.
    called : dict of str to str
        How names are written that are another one in the loop, or that were told.
    """

    def __init__(
        self,
        roles: tuple[str, ...],
        carried: tuple[str, ...],
        parameters: dict[str, Tensor],
        dtype: np.dtype[Any],
        n_in: int,
    ) -> None:
        self.roles, self.carried, self.dtype, self.n_in = roles, carried, dtype, n_in
        self.called: dict[str, str] = {}
        self._parameters = list(parameters.values())
        self._names = list(parameters)
        self._said: list[str] = []

    def parameters(self) -> dict[str, Tensor]:
        """The leaves that require grad, by their names in the loop."""
        return dict(zip(self._names, self._parameters, strict=True))

    def __repr__(self) -> str:
        return "\n".join(self._said)

    def _refused(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("a loop that was read back cannot be run again: call your own once more, and read its new cost")

    bind = initial = step = _refused


def run_of(cost: Tensor, /, **roles: Any) -> Run:
    """Read a loop that was written by hand back from the graph of its cost, so that `draw` and `animate` show it.

    The steps are told apart by names that count (``h_3``, ``h3``, ``h[3]``), by scopes (``minigrad.scope("t=3")``), by
    lists that are passed here or, where there is nothing of that, by the operations that are repeated.

    Parameters
    ----------
    cost : Tensor
        What will be differentiated: a sum of the steps' costs, or any other number that was made from the steps.
    **roles : Tensor, list of Tensor or dict of int to Tensor
        What the loop computed, by the names that it shall have: ``h=hs``, a list of what all steps made (of shorter
        ones, the last) or a dict by the number of the step; or ``h=h``, what the last step has made. A leaf that
        requires grad is a parameter of this name. They need not lead to the cost.

    Returns
    -------
    Run
        ``print(run.model)`` says what was understood.

    Raises
    ------
    TypeError
        If ``cost`` is no tensor, or what is passed holds none.
    ValueError
        If nothing was recorded, no steps are found, one is missing among them, or two tensors have the same name in it.

    Notes
    -----
    What has no name is called as in the lecture: what is handed on h, what meets the target y, what adds up to the cost
    C. A plain array that changes from step to step is an input x or, beside the cost, a target. What the first step has
    where others have h_{t-1} is h_0. Steps of a loop that counts from 0 are drawn as 1 ... T.

    Examples
    --------
    >>> import numpy as np
    >>> import minigrad as mg
    >>> rng = np.random.default_rng(0)
    >>> W = mg.Tensor(rng.normal(size=(3, 3)), requires_grad=True, name="W")
    >>> U = mg.Tensor(rng.normal(size=(3, 2)), requires_grad=True, name="U")
    >>> h, cost = np.zeros(3), 0.0
    >>> for x in rng.normal(size=(4, 2)):
    ...     h = np.tanh(W @ h + U @ x)
    ...     cost = cost + np.sum(h**2)
    >>> run = mg.rnn.run_of(cost)
    >>> run.model
    A loop of 4 steps, told by the same 7 operations, again and again
      x (2,)   given
      h (3,)   from x and h before, with W, U; h_0 is given
      C ()     from h
    """
    if not isinstance(cost, Tensor):
        raise TypeError(f"cost is a {type(cost).__name__}: pass the Tensor that the loop has led to")
    if cost.fn is None:
        raise ValueError(
            "the cost was not recorded, so there is no graph to read: compute it from tensors with requires_grad=True,"
            " outside no_grad"
        )
    listed, last, parameters = _sorted(roles)
    graph = graph_of([cost, *(tensor for tensors in listed.values() for tensor in tensors.values()), *last.values()])
    recurrence = Recurrence(Marks.of(graph, listed, last), graph.numbers[cost.index])
    return _run(recurrence, cost, _names(recurrence, parameters))


def _sorted(roles: Mapping[str, Any]) -> tuple[dict[str, dict[int, Tensor]], dict[str, Tensor], dict[str, Tensor]]:
    """Of what is passed, what is of numbered steps, what is of the last one, and parameters."""
    listed: dict[str, dict[int, Tensor]] = {}
    last, parameters = dict[str, Tensor](), dict[str, Tensor]()
    counted: list[str] = []
    for role, value in roles.items():
        if isinstance(value, Tensor):
            (parameters if value.fn is None and value.requires_grad else last)[role] = value
            continue
        numbered = dict(enumerate(value)) if isinstance(value, (list, tuple)) else value
        known = isinstance(numbered, dict) and all(isinstance(step, int) for step in numbered)
        tensors = {step: each for step, each in numbered.items() if isinstance(each, Tensor)} if known else {}
        if not tensors:
            raise TypeError(
                f"{role} is a {type(value).__name__} without tensors: pass those of all steps, in a list or in a dict"
                " by the number of the step, or that of the last one; plain arrays are found where they are used"
            )
        listed[role] = tensors
        counted += [role] * (numbered is not value)
    longest = max((len(listed[role]) - _begins(listed[role]) for role in counted), default=0)
    for role in counted:  # the last of each is of the last step
        behind = longest - max(listed[role])
        listed[role] = {step + behind: tensor for step, tensor in listed[role].items()}
    return listed, last, parameters


def _begins(tensors: dict[int, Tensor]) -> int:
    """How many initial values a list begins with."""
    return sum(step < min((s for s, t in tensors.items() if t.fn is not None), default=0) for step in tensors)


def _names(recurrence: Recurrence, told: dict[str, Tensor]) -> dict[int, str]:
    """What parameters are called: as it is told, by their own names, or θ; one that is taken gets a number."""
    graph = recurrence.graph
    names = {graph.numbers[tensor.index]: name for name, tensor in told.items() if tensor.index in graph.numbers}
    for number in sorted(recurrence.parameters - names.keys()):
        if recurrence.marks.is_leaf(number):
            own, taken = graph.nodes[number].name or "θ", names.values()
            numbered = (f"{own}_{k}" if k > 1 else own for k in range(1, len(taken) + 2))
            names[number] = next(name for name in numbered if name not in taken)
    return names


def _run(found: Recurrence, cost: Tensor, names: dict[int, str]) -> Run:
    """All of it together."""
    marks, nodes = found.marks, found.graph.nodes
    if found.costs and "C" not in found.costs:
        found.call("C", min(found.costs))
    tensors = {label: nodes[number] for number, label in marks.labels.items()} | found.standing
    order = sorted(tensors, key=lambda place: (place[0] not in found.inputs, place[0] == "C", tensors[place].index))
    steps = [
        {role: tensors[role, t] for role, step in order if step == t and role != "target"}
        for t in range(1, marks.T + 1)
    ]
    handed = {
        marks.labels[met.source][0]
        for number, ways in found.ways.items()
        for _, met in ways
        if met.source in marks.labels and marks.labels[met.source][1] != marks.labels[number][1]
    }
    begun = [role for role, t in order if t == 0]
    passed = [role for role in [*begun, *(role for role, _ in order if role in handed)] if role not in GIVEN]
    roles = [role for role, t in order if t and role not in GIVEN]
    parameters = {names[number]: nodes[number] for number in names}
    n_in = int(steps[0]["x"].shape[-1]) if "x" in steps[0] and steps[0]["x"].ndim else 1
    model = Loop(tuple(dict.fromkeys(roles)), tuple(dict.fromkeys(passed)), parameters, cost.dtype, n_in)
    targets = [tensors["target", t] for t in range(1, marks.T + 1) if ("target", t) in tensors]
    compared = [t for t, step in enumerate(steps, 1) if "C" in step]
    wanted = targets if all(("target", t) in tensors for t in compared) and len(targets) == len(compared) else []
    given = [{role: tensors[role, 0] for role in begun}]
    given += [{role: step[role] for role in model.carried if role in step} for step in steps[:-1]]
    final = {role: steps[-1][role] for role in model.carried if role in steps[-1]}
    # of a path, layers.0.W, figures show what is needed
    told = [name for name, parameter in parameters.items() if name != parameter.name and "." not in name]
    model.called = {**found.called, **dict(zip(told, told, strict=True))}
    model._said = _said(found, names, steps, targets)
    forced = "target" in handed and len(wanted) == marks.T
    return Run(model, given, steps, cost, forced, wanted, final, found.operands)


# -- in words ---------------------------------------------------------------------------------------------------------


def _said(found: Recurrence, names: dict[int, str], steps: list[dict[str, Tensor]], targets: list[Tensor]) -> list[str]:
    """What was understood, a line for each role."""
    made, used = _ways(found)
    owners = {number: _owners(found, number, names) for number in found.parameters}
    everything = {role: step[role] for step in steps for role in step} | ({"target": targets[0]} if targets else {})
    width = max(len(f"{role} {tensor.shape}") for role, tensor in everything.items())
    lines = [f"A loop of {len(steps)} step{'s' * (len(steps) > 1)}, told by {' and '.join(found.marks.told_by)}"]
    begun = {role: number for number, (role, t) in found.labels.items() if t == 0}
    for role, tensor in everything.items():
        words = f"from {_listed(made[role])}" if made[role] else "given"
        by = {number: names[number] for node in used[role] for number in owners[node]}
        words += f", with {', '.join(by[number] for number in sorted(by))}" if by else ""
        there = len(targets) if role == "target" else sum(role in step for step in steps)
        words += f"; in {there} step{'s' * (there > 1)} only" if there < len(steps) else ""
        if (role, 0) in found.standing:
            words += f"; {role}_0 is given"
        elif role in begun:
            start = found.graph.nodes[begun[role]]
            words += f"; {role}_0 is {'computed' if start.fn else 'learnt' if start.requires_grad else 'given'}"
        words += f"; called {found.called[role]}" if role in found.called else ""
        lines.append(f"  {f'{role} {tensor.shape}':{width}}   {words}")
    return lines


def _ways(found: Recurrence) -> tuple[dict[str, list[str]], dict[str, set[int]]]:
    """What each role is made from: roles, x first and those of other steps last, and nodes that are parameters."""
    standing = {operand.at: (operand.role, operand.t) for operand in found.operands}
    made, used = defaultdict[str, set[tuple[int, str]]](set), defaultdict[str, set[int]](set)
    for number, ways in found.ways.items():
        role, t = found.labels[number]
        for _, met in ways:
            place = standing.get((found.graph.nodes[met.consumer].index, met.position))
            place = place or (None if met.source is None else found.labels.get(met.source))
            if place:
                made[role].add(((place[1] > t) - (place[1] < t), place[0]))
            elif met.source in found.parameters:
                used[role].add(met.source)
    after = {0: "", -1: " before", 1: " after"}
    order = {role: k for k, role in enumerate(dict.fromkeys(["x", *(role for role, _ in found.labels.values())]))}
    listed = {
        role: [f"{r}{after[way]}" for way, r in sorted(each, key=lambda e: (e[0] != 0, order.get(e[1], 99)))]
        for role, each in made.items()
    }
    return defaultdict(list, listed), used


def _owners(found: Recurrence, number: int, names: dict[int, str]) -> list[int]:
    """The parameters that a node was made from."""
    owners, open_ = set[int](), [number]
    while open_:
        node = open_.pop()
        owners |= {node} & names.keys()
        open_ += found.marks.sources(node)
    return sorted(owners)


def _listed(words: list[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last
