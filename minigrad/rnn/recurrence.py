"""What a loop is made of, besides what its author has named: found in the graph, once the steps are told apart.

Costs are what adds up to the cost from different steps. What a step makes and another one uses is handed on; what the
first step has in its place is initial. Numbers that nothing has made, and that change from step to step, are inputs or,
beside a cost, targets: they may well be plain arrays, for which a tensor of the run then stands.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import numpy as np

from minigrad.engine.tables import name_of
from minigrad.engine.tensor import Tensor
from minigrad.rnn.looping import Label, Marks
from minigrad.rnn.retracing import Met, Path, Ways
from minigrad.rnn.unrolling import Operand

SUMS = {"add", "sum", "mean", "stack", "concatenate", "multiply", "divide", "reshape"}
"""Through these costs add up; plain numbers beside them do not matter."""
LINEAR = {"add", "subtract", "matmul", "multiply", "reshape", "transpose", "getitem", "affine", "preactivation"}
NUMBERS = (np.ndarray, np.generic, int, float)
Slot = dict[int, Met]
"""What is met in the same way in several steps."""


class Recurrence(Ways):
    """Labels for all that takes part in a loop; `Marks` are completed.

    Attributes
    ----------
    costs, inputs : set of str
        The roles that add up to the cost, and those that nothing has made.
    called : dict of str to str
        How the loop itself calls what is x, target or C here.
    ways : dict of int to list of (Path, Met)
        What places were made from.
    standing : dict of Label to Tensor
        What stands for plain numbers.
    operands : list of Operand
        And where these are used.
    """

    def __init__(self, marks: Marks, root: int) -> None:
        super().__init__(marks)
        self.costs: set[str] = set()
        self.inputs: set[str] = set()
        self.called: dict[str, str] = {}
        self.unnamed: set[str] = set()
        self.standing: dict[Label, Tensor] = {}
        self.operands: list[Operand] = []
        terms, self.sums = self._terms(root)
        self._label_handed_on()
        self._label_costs(terms)
        self._label_outputs()
        self._find_parameters()
        self._find_ways()
        self._label_initial()
        self._find_parameters()
        self._find_ways()
        self._label_data()
        self._find_ways()

    def _find_ways(self) -> None:
        places = sorted(n for n, (_, t) in self.labels.items() if t > 0 and not self._is_given(n))
        self.ways = {number: list(self.reached(number)) for number in places}

    # -- costs, and what is handed on ---------------------------------------------------------------------------------

    def _terms(self, root: int) -> tuple[list[int], set[int]]:
        """What adds up to the cost from different steps, and the sums on the way there."""
        marks, terms, sums = self.marks, set[int](), set[int]()
        open_ = [root]
        while open_:
            chain = [open_.pop()]
            while self._is_sum(chain[-1]) and chain[-1] not in self.labels and len(marks.sources(chain[-1])) == 1:
                chain += marks.sources(chain[-1])
            steps = {marks.when[source] for source in marks.sources(chain[-1])}
            if chain[-1] in self.labels:
                steps.discard(None)  # a penalty is part of C_t
            if self._is_sum(chain[-1]) and len(steps) > 1:
                sums |= {*chain}
                open_ += marks.sources(chain[-1])
                continue
            named = [k for k, number in enumerate(chain) if number in self.labels]
            begun = [k for k, number in enumerate(chain) if not self._adds_nothing(number)]
            k = [*named, *begun][0]
            terms.add(chain[k])
            sums |= {*chain[:k]}
        return sorted(terms), sums

    def _is_sum(self, number: int) -> bool:
        return name_of(self.graph.nodes[number].fn) in SUMS

    def _is_linear(self, number: int) -> bool:
        return name_of(self.graph.nodes[number].fn) in LINEAR

    def _adds_nothing(self, number: int) -> bool:
        """Whether it is 0 + C_1, with which a sum begins."""
        tensor = self.graph.nodes[number]
        beside = [a.data if isinstance(a, Tensor) else a for a in tensor.args if not getattr(a, "fn", None)]
        return tensor.fn is np.add and any(not np.any(value) for value in beside)

    def _label_handed_on(self) -> None:
        """Label what goes from step to step without a name: h, or h1, h2 ..."""
        own, turns = self.marks.own, self.marks.turns()
        places = {number: at for (_, at), number in turns.items()}
        found: set[int] = set()
        for number in own.keys() - self.sums:
            for source in self.marks.sources(number):
                if source in places.keys() - self.sums - self.labels.keys() - self.parameters - self.items:
                    found |= {places[source]} if own[source] != own[number] else set()
        several = len(found) > 1 or "h" in self.marks.roles
        names = (name for k in range(1, 99) if (name := f"h{k}" if several else "h") not in self.marks.roles)
        for at, name in zip(sorted(found), list(names)[: len(found)], strict=False):
            for t in range(1, self.marks.T + 1):
                if (t, at) in turns and turns[t, at] not in self.labels:
                    self.labels[turns[t, at]] = name, t
                    self.unnamed.add(name)

    def _label_costs(self, terms: list[int]) -> None:
        """Label costs without a name: C, and C2 for what else a step may add."""
        for number in self.sums & self.labels.keys():
            del self.labels[number]
        counts: dict[int, int] = defaultdict(int)
        for number in terms:
            if number not in self.labels and (t := self._step_of(number)) is not None:
                counts[t] += 1
                self.labels[number] = f"C{counts[t]}" if counts[t] > 1 else "C", t
        self.costs = {self.labels[number][0] for number in terms if number in self.labels}

    def _step_of(self, number: int) -> int | None:
        """The step of a term, if all that it was made from directly is of one."""
        if number in self.marks.own:
            return self.marks.own[number]
        near = {self.labels[met.source][1] for _, met in self.reached(number) if met.source in self.labels}
        return near.pop() if len(near) == 1 and not self.marks.is_leaf(number) else None

    def _label_outputs(self) -> None:
        """Label as y what meets numbers in the cost or is used after the loop, if nothing is called so."""
        if "y" in self.marks.roles:
            return
        found: dict[int, int] = {}
        for number, (role, t) in list(self.labels.items()):
            for _, met in self.reached(number) if role in self.costs and not self.marks.is_leaf(number) else ():
                beside = [source for source in self.marks.sources(met.consumer) if source != met.source]
                error = self.graph.nodes[met.consumer].fn is np.subtract
                if self._is_data(met) and len(beside) == 1 and (error or type(self._value(met)) not in (int, float)):
                    found.setdefault(beside[0], t)
        self._label_fed_back(found)
        for number in range(len(self.graph.nodes)):
            if self.marks.own and number not in self.marks.own.keys() | self.sums:
                found |= {s: self.marks.own[s] for s in self.marks.sources(number) if s in self.marks.own}
        steps: set[int] = set()
        for number, t in found.items():
            if self.marks.when[number] == t and t not in steps and not self._ends(number):
                self.labels[number] = "y", t
                steps.add(t)

    def _label_fed_back(self, outputs: dict[int, int]) -> None:
        """If what is handed on without a name is an output, and linear in what is behind it, call it y, and that h."""
        roles = {self.labels[number][0] for number in outputs if number in self.labels}
        if len(roles) != 1 or not roles <= self.unnamed or not all(map(self._is_linear, outputs)):
            return
        found: dict[int, int] = {}
        for number, t in outputs.items():
            behind = [number]
            for node in behind:  # which grows
                behind += [s for s in self.marks.sources(node) if not self._ends(s) and s not in behind]
            found |= {max(curved): t for curved in [[n for n in behind if not self._is_linear(n)]] if curved}
        if len(found) == len(outputs):
            self._rename(roles.pop(), "y")
            self.labels |= {number: ("h", t) for number, t in found.items()}

    # -- numbers ------------------------------------------------------------------------------------------------------

    def _is_data(self, met: Met) -> bool:
        """Whether it is numbers that nothing has made, and that nothing is known of yet."""
        if met.source is None:
            return isinstance(self._value(met), NUMBERS) or self._is_key(met)
        leaf = self.graph.nodes[met.source]
        return met.source not in self.labels and (
            met.source in self.items or (leaf.fn is None and not leaf.requires_grad)
        )

    def _is_key(self, met: Met) -> bool:
        """Whether it picks one element, as in p[3] or p[3, 0]."""
        value = self._value(met)
        return isinstance(value, tuple) and all(type(each) is int or isinstance(each, np.integer) for each in value)

    def _twins(self) -> dict[int, int]:
        """Leaves that hold the very numbers of a place: it was detached."""
        originals = {id(self.graph.nodes[n].data): n for n in self.labels if self.graph.nodes[n].requires_grad}
        return {
            number: originals[id(tensor.data)]
            for number, tensor in enumerate(self.graph.nodes)
            if tensor.fn is None and number not in self.labels and id(tensor.data) in originals
        }

    def _stand(self, role: str, t: int, met: Met) -> None:
        """Let a tensor of its own stand for plain numbers."""
        if (role, t) not in self.standing:
            self.standing[role, t] = Tensor(self._value(met), name=f"{role}_{t + self.marks.first - 1}")
        operand = Operand(role, t, self.graph.nodes[met.consumer], met.position)
        if operand.at not in {other.at for other in self.operands}:
            self.operands.append(operand)

    def _label_initial(self) -> None:
        """Label what stands in the first step where others have what the step before has made.

        Where steps go back in time, that is in the last one.
        """
        twins, T = self._twins(), self.marks.T
        known = {label: number for number, label in self.labels.items()}
        for number, ways in self.ways.items():
            role, t = self.labels[number]
            for path, met in ways:
                if met.source is None:
                    continue
                heard, step = self.labels.get(twins.get(met.source, met.source), ("", t))
                begun = known.get((role, 1 if t > step else T), number)
                if abs(t - step) != 1 or step == 0 or begun == number:
                    continue
                start = self._like(begun, path, met)
                if start is None:
                    continue
                if start.source is None:
                    if isinstance(self._value(start), NUMBERS):
                        self._stand(heard, 0, start)
                elif start.source not in self.labels.keys() | twins.keys() and (heard, 0) not in known:
                    known[heard, 0] = start.source
                    self.labels[start.source] = heard, 0

    def _label_data(self) -> None:
        """Label inputs, x, x2 ..., and targets, if nothing among what is named is data."""
        members: dict[str, list[int]] = defaultdict(list)
        for number, (role, _) in self.labels.items():
            members[role].append(number)
        data = {role for role, numbers in members.items() if all(map(self._is_given, numbers))}
        self._count_data_as_used(data)
        heard = {
            self.labels[met.source][0]
            for number, ways in self.ways.items()
            for _, met in ways
            if met.source in self.labels and self.labels[met.source][1] == self.labels[number][1]
            and self.labels[number][0] not in self.costs
        }  # fmt: skip
        slots = self._slots()
        for key, known, in_cost in (("x", data & heard, False), ("target", data - heard, True)):
            if known:
                self.call(key, key if key in known else min(known))
                self.inputs |= {key} if not in_cost else set()
                continue
            mine = [slot for (role, _), slot in slots.items() if (role in self.costs) == in_cost]
            groups = self._alike(mine, self._changes) or self._alike(mine, self._is_array)
            for k, group in enumerate(groups[:1] if in_cost else groups, 1):
                role = f"{key}{k if k > 1 else ''}"
                self.inputs |= {role} if not in_cost else set()
                for t, met in ((t, met) for slot in group for t, met in slot.items()):
                    if met.source is None:
                        self._stand(role, t, met)
                    else:
                        self.labels[met.source] = role, t

    def _count_data_as_used(self, roles: set[str]) -> None:
        """If data is counted otherwise than the steps, from 0 perhaps, its steps are those that use it."""
        used: dict[int, int] = {}
        for number, ways in self.ways.items():
            for source in (met.source for _, met in ways if met.source is not None):
                used[source] = min(self.labels[number][1], used.get(source, self.marks.T))
        for role in roles:
            mine = {n: t for n, (other, t) in self.labels.items() if other == role and n in used}
            if len(ahead := {used[number] - t for number, t in mine.items()}) == 1:
                self.labels |= {number: (role, t + min(ahead)) for number, t in mine.items()}

    def call(self, key: str, role: str) -> None:
        """Give a role the name by which models have it, and remember its own."""
        self.called |= {key: role} if key != role else {}
        self._rename(role, key)

    def _rename(self, role: str, name: str) -> None:
        for number, (other, t) in self.labels.items():
            if other == role:
                self.labels[number] = name, t

    def _slots(self) -> dict[tuple[str, Path], Slot]:
        """Where numbers are met, by the role that they lead to and the way there, for all steps."""
        begun = {operand.at for operand in self.operands}
        twins, uses = self._twins(), defaultdict[int | None, set[int]](set)
        slots: dict[tuple[str, Path], Slot] = defaultdict(dict)
        for number, ways in self.ways.items():
            role, t = self.labels[number]
            for path, met in ways:
                at = self.graph.nodes[met.consumer].index, met.position
                if self._is_data(met) and met.source not in twins and at not in begun:
                    slots[role, path][t] = met
                    uses[met.source].add(t)
        once = lambda met: met.source is None or len(uses[met.source]) == 1
        return {key: slot for key, slot in slots.items() if all(map(once, slot.values()))}

    def _alike(self, slots: list[Slot], wanted: Callable[[Slot], bool]) -> list[list[Slot]]:
        """Slots that hold the same numbers, together; those first that are used first."""
        groups: list[list[Slot]] = []
        for slot in sorted(filter(wanted, slots), key=lambda slot: min(met.consumer for met in slot.values())):
            for group in groups:
                shared = group[0].keys() & slot.keys()
                if shared and all(np.array_equal(self._value(group[0][t]), self._value(slot[t])) for t in shared):
                    group.append(slot)
                    break
            else:
                groups.append([slot])
        return groups

    def _changes(self, slot: Slot) -> bool:
        """Whether it holds other numbers in some steps; of those of a single step, whether they look like data."""
        values = [np.asarray(self._value(met)) for met in slot.values()]
        if any(value.dtype.kind not in "fiu" for value in values):
            return False
        if len(values) == 1:
            return self._is_array(slot) or any(isinstance(self._value(met), np.generic) for met in slot.values())
        return not all(np.array_equal(values[0], value) for value in values[1:])

    def _is_array(self, slot: Slot) -> bool:
        values = [(met, self._value(met)) for met in slot.values()]
        return all(isinstance(v, np.ndarray) and v.dtype.kind in "fiu" and (v.ndim or met.source) for met, v in values)
