"""Two directions: what stands at t may depend on what comes later.

That takes the whole sequence, so there is no single step to be unrolled. A `Bidirectional` says itself what happens
along all of it (`Bidirectional.whole`): one network goes from the first step to the last, another one back, and both
are heard at every step.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad.engine.tensor import Array, Tensor
from minigrad.module import Module
from minigrad.rnn.cells.cell import OUTPUTS, Function, Seed, choose, dtype_of
from minigrad.rnn.cells.composed import bound_of, inner_roles, inner_step
from minigrad.rnn.cells.initial import normal
from minigrad.rnn.stepping import State, Step, Stepping
from minigrad.rnn.unrolling import Run, unroll
from minigrad.scopes import scope

THERE, BACK = "→", "←"


class Bidirectional(Module):
    """Networks in pairs, one along the sequence and one against it (Schuster, Paliwal 1997).

        ỹ_t = g(V (→ỹ_t, ←ỹ_t) + c)

    where →ỹ_t is the output of the one (its h_t, if it was built without ``n_out``), which has heard x_1 ... x_t, and
    ←ỹ_t that of the other, which has heard x_T ... x_t. Several pairs are layers: both networks of each hear both
    outputs of the pair below.

    Roles have an arrow, and the number of their layer if there are several: ``run["→h"]``, ``run["←h2"]``.

    Parameters
    ----------
    *cells : models
        Forward and backward, the lowest layer first: ``Bidirectional(GRU(2, 8), GRU(2, 8), n_out=1)``.
    n_out : int, optional
        Size of ỹ_t; without it, ỹ_t is (→ỹ_t, ←ỹ_t).
    g : {"identity", "tanh", "logistic", "relu", "softmax"} or callable
        The outputs' function.
    rng : int or numpy.random.Generator
        Where V comes from.

    Attributes
    ----------
    cells : list of models
        Their parameters are called ``"cells.0.W"`` ...
    V : Tensor (n_out, sizes of →ỹ and ←ỹ together)
    c : Tensor (n_out,)

    Raises
    ------
    ValueError
        If cells are not in pairs, sizes do not go together, or dtypes differ.
    """

    def __init__(self, *cells: Any, n_out: int | None = None, g: str | Function = "identity", rng: Seed = 0) -> None:
        if not cells or len(cells) % 2:
            raise ValueError(f"{len(cells)} cells are no pairs: pass forward and backward, as in Bidirectional(f, b)")
        if len({id(cell) for cell in cells}) < len(cells):
            raise ValueError("the same cell stands in two places: build one for each")
        if n_out is not None and n_out < 1:
            raise ValueError(f"n_out must be at least 1, got {n_out}")
        self.cells = list(cells)
        self.n_in, self.dtype, size = cells[0].n_in, dtype_of(cells[0]), cells[0].n_in
        for k, (forward, backward) in enumerate(self._pairs(), 1):
            if not forward.n_in == backward.n_in == size:
                raise ValueError(
                    f"layer {k} is given {size} numbers, and its cells take n_in={forward.n_in} and {backward.n_in}"
                )
            if not (there := dtype_of(forward)) == (back := dtype_of(backward)) == self.dtype:
                raise ValueError(f"layer {k} has dtypes {there} and {back}: all must be {self.dtype}")
            size = forward.n_out + backward.n_out
        self.reads_out, self.n_out, self.g = (
            n_out is not None,
            size if n_out is None else n_out,
            choose("g", g, OUTPUTS),
        )
        if n_out is not None:
            V = normal((n_out, size), np.random.default_rng(rng))
            self.V = Tensor(V, requires_grad=True, name="V", dtype=self.dtype)
            self.c = Tensor(np.zeros(n_out), requires_grad=True, name="c", dtype=self.dtype)

    def _pairs(self) -> list[tuple[Any, Any]]:
        return list(zip(self.cells[::2], self.cells[1::2], strict=True))

    def _own(self, i: int, role: str) -> str:
        """What a role of cell i is called in the whole."""
        return f"{(THERE, BACK)[i % 2]}{role}{i // 2 + 1 if len(self.cells) > 2 else ''}"

    @property
    def roles(self) -> tuple[str, ...]:
        """Those of all cells, with arrows, and y."""
        return (*(self._own(i, role) for i, cell in enumerate(self.cells) for role in inner_roles(cell)), "y")

    @property
    def carried(self) -> tuple[str, ...]:
        """What is handed on by all cells, in their directions."""
        return tuple(self._own(i, role) for i, cell in enumerate(self.cells) for role in cell.carried)

    @property
    def called(self) -> dict[str, str]:
        """How figures write the parameters of the cells: with arrows and numbers, as the roles."""
        return {
            f"cells.{i}.{name}": self._own(i, name) for i, cell in enumerate(self.cells) for name in cell.parameters()
        }

    def initial(self, batch: tuple[int, ...]) -> dict[str, Array]:
        """What the cells start with: at t = 1 or, if they go back, at t = T."""
        return {
            self._own(i, role): value
            for i, cell in enumerate(self.cells)
            for role, value in cell.initial(batch).items()
        }

    def step(self, bound: Any, x: Any, carried: Any) -> Any:
        """There is none.

        Raises
        ------
        TypeError
            Always: it takes a whole sequence, see `unroll`.
        """
        raise TypeError("a Bidirectional needs the whole sequence, and has no step: write unroll(model, xs, targets)")

    def bind(self, batch: tuple[int, ...] = (), rng: np.random.Generator | None = None) -> tuple[Any, ...]:
        """What the cells compute once per unrolling; with ``rng``, those of this house draw their masks."""
        return bound_of(self.cells, batch, rng)

    def unroll(self, xs: Any, targets: Any = None, **options: Any) -> Run:
        """Run along the sequence ``xs`` and back: ``minigrad.rnn.unroll(model, xs, targets, ...)``.

        ``initial`` may name carried roles such as ``"→h"``, which starts at t = 1, and ``"←h"``, which starts at t = T
        or, with ``lengths``, at the end of its own sequence.
        """
        return unroll(self, xs, targets, **options)

    def whole(self, stepping: Stepping, first: State, bound: tuple[Any, ...]) -> tuple[list[Step], list[State], State]:
        """All steps, what each was given, and what is left at the ends: `unroll` asks for it in the place of steps."""
        count = range(len(stepping))
        found: list[dict[str, Tensor]] = [{"x": stepping.xs[t]} for t in count]
        given: list[dict[str, Tensor]] = [{} for _ in count]
        below, final = [each["x"] for each in found], dict(first)
        for k in range(0, len(self.cells), 2):
            there = self._sweep(stepping, k, bound[k], below, final, found, given, count)
            back = self._sweep(stepping, k + 1, bound[k + 1], below, final, found, given, count[::-1])
            for t, pair in enumerate(zip(there, back, strict=True)):
                with scope(f"t={t + 1}"):
                    both: Any = np.concatenate(pair, axis=-1)
                below[t] = both
        V, steps = self.V.T if self.reads_out else None, []
        for t, (tensors, heard) in enumerate(zip(found, below, strict=True), 1):
            with scope(f"t={t}"):
                tensors["y"] = heard if V is None else self.g(heard @ V + self.c)
                target = stepping.judge(t, tensors)
            for role, tensor in tensors.items():
                tensor.name = f"{role}_{t}"
            steps.append(Step(tensors, target, {}))
        return steps, [first, *given[1:]], final

    def _sweep(
        self,
        stepping: Stepping,
        i: int,
        bound: Any,
        below: list[Tensor],
        final: State,
        found: list[dict[str, Tensor]],
        given: list[dict[str, Tensor]],
        order: range,
    ) -> list[Tensor]:
        """Cell i along the steps in this order, from what is in ``final``; its outputs, the first step's first."""
        cell, outputs = self.cells[i], list[Tensor](below)
        carried = {role: final[self._own(i, role)] for role in cell.carried}
        for t in order:
            given[t].update({self._own(i, role): tensor for role, tensor in carried.items()})
            with scope(f"t={t + 1}"):
                step, outputs[t] = inner_step(cell, bound, below[t], carried)
                following = stepping.counting.kept(t + 1, {role: step[role] for role in cell.carried}, carried)
            found[t].update({self._own(i, role): tensor for role, tensor in step.items()})
            carried = following
        final.update({self._own(i, role): tensor for role, tensor in carried.items()})
        return outputs
