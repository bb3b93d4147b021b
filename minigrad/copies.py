"""Copies of tensors, by `copy`, `copy.deepcopy`, pickle and what is built on it: a copy is a tensor of its own.

What makes a tensor itself is its running index, by which the walk knows it. So a copy gets an index of its own, in this
process or in another one, and read-only data of its own:

- ``copy.copy`` of a leaf is another leaf; of a result, the same call's result once more, made from the same arguments.
- ``copy.deepcopy`` copies the graph behind a result too, down to the leaves, each tensor once: a model, its optimizer
  and a cost that are copied together belong together.
- pickle takes leaves, and with them models, optimizers and reports. A result is refused, because a pickle of it alone
  would be cut off from others of the same graph; `Recording` is how a `minigrad.rnn.Run` pickles all of its graph.

Graphs are long and thin, so nothing here recurses along them.
"""

from __future__ import annotations

import copyreg
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from minigrad.engine.ancestors import StaleGraphError, ancestors
from minigrad.engine.tables import name_of
from minigrad.engine.tensor import Array, Tensor, frozen


def made_again(tensor: Tensor, args: tuple[Any, ...]) -> Tensor:
    """A tensor like ``tensor``, younger than all others, made from ``args``."""
    twin = Tensor(tensor.detach(), name=tensor.name)
    twin.requires_grad, twin.fn, twin.args, twin.kwargs = tensor.requires_grad, tensor.fn, args, tensor.kwargs
    twin.grad, twin.scope = _read_only(tensor.grad), tensor.scope
    return twin


def copied(tensor: Tensor) -> Tensor:
    """What `copy.copy` gives."""
    return made_again(tensor, tensor.args)


def deeply_copied(tensor: Tensor, memo: dict[int, Any]) -> Tensor:
    """What `copy.deepcopy` gives; ``memo`` holds what it has copied already."""
    found, stack = {id(tensor): tensor}, [tensor]
    while stack:  # as `ancestors` does, but not beyond what is copied already
        consumer = stack.pop()
        for arg in consumer.args:
            if isinstance(arg, Tensor):
                if arg.index > consumer.index:
                    raise StaleGraphError(
                        f"the data of {arg.name or 'a tensor'} {arg.shape} was assigned after {name_of(consumer.fn)}"
                        " had used it: compute the result again before copying it"
                    )
                if id(arg) not in found and id(arg) not in memo:
                    found[id(arg)] = arg
                    stack.append(arg)
    for each in sorted(found.values(), key=lambda each: each.index):
        memo[id(each)] = made_again(each, tuple(memo[id(a)] if isinstance(a, Tensor) else a for a in each.args))
    twin: Tensor = memo[id(tensor)]
    return twin


def reduced(tensor: Tensor) -> tuple[Any, ...]:
    """What pickle stores of a leaf."""
    if tensor.fn is not None:
        raise TypeError(
            f"a tensor made by {name_of(tensor.fn)} cannot be pickled without the graph it belongs to: pickle"
            " t.detach() for its values, or a minigrad.copies.Recording of all tensors of the graph that you need"
        )
    return restored, (tensor.data, tensor.requires_grad, tensor.name, tensor.grad, tensor.scope)


def restored(data: Array, requires_grad: bool, name: str | None, grad: Array | None, scope: tuple[str, ...]) -> Tensor:
    """A leaf from what `reduced` stored."""
    tensor = Tensor(data, requires_grad, name)
    tensor.grad, tensor.scope = _read_only(grad), scope
    return tensor


class Place(int):
    """The number of a tensor in a `Recording`, leaves first."""


@dataclass(frozen=True)
class Recording:
    """Several tensors with the graph behind them as plain data, which can be pickled: no depth of it is recursion.

    Attributes
    ----------
    leaves : list of Tensor
    calls : list of tuple
        For each result what made it; a tensor among its arguments is a `Place`.
    wanted : list of Place
        Which of them are given back.
    """

    leaves: list[Tensor]
    calls: list[tuple[Any, ...]]
    wanted: list[Place]

    @classmethod
    def of(cls, tensors: Sequence[Tensor]) -> Recording:
        """Record ``tensors`` and all that they were made from."""
        order = ancestors(tensors, constants=True)[::-1]
        leaves, results = [t for t in order if t.fn is None], [t for t in order if t.fn is not None]
        places = {tensor.index: Place(i) for i, tensor in enumerate([*leaves, *results])}
        calls = [
            (
                t.fn,
                tuple(places[a.index] if isinstance(a, Tensor) else a for a in t.args),
                t.kwargs,
                t.data,
                t.name,
                t.grad,
                t.scope,
            )
            for t in results
        ]
        return cls(leaves, calls, [places[tensor.index] for tensor in tensors])

    def tensors(self) -> list[Tensor]:
        """The tensors again, in the order in which they were given."""
        all_: list[Tensor] = list(self.leaves)
        for fn, args, kwargs, data, name, grad, scope in self.calls:
            tensor = Tensor(data, name=name)
            tensor.requires_grad, tensor.fn = True, fn
            tensor.kwargs = {key: frozen(value) for key, value in kwargs.items()}
            tensor.args = tuple(all_[arg] if type(arg) is Place else frozen(arg) for arg in args)
            tensor.grad, tensor.scope = _read_only(grad), scope
            all_.append(tensor)
        return [all_[place] for place in self.wanted]


def _read_only(grad: Array | None) -> Array | None:
    copy: Array | None = frozen(grad)
    return copy


copyreg.pickle(Tensor, reduced)
Tensor.__copy__ = copied  # type: ignore[attr-defined]  # from here: the engine's text is about graphs, not about copies
Tensor.__deepcopy__ = deeply_copied  # type: ignore[attr-defined]  # likewise
