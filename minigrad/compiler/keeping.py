"""What a program leaves behind: data and gradients of parameters, and what objects remember, such as optimizers.

A program computes what these become from what they were, as its last results. They are assigned when it has come to its
end, all of them or, if that is interrupted, none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.containers import Keeper

Effect = tuple[int, str]
"""The number of a tensor among the arguments, and "data" or "grad"; or -1 for the first keeper, -2 ..., and a name."""


def settle(found: Sequence[Any], keepers: Sequence[Keeper], effects: Sequence[Effect], values: Sequence[Any]) -> None:
    """Assign what a run has left: data and gradients of tensors, those of the last effects None, and to keepers."""
    left: list[dict[str, Any]] = [{} for _ in keepers]
    memories = [keeper.memory() for keeper in keepers]
    values = [*values, *[None] * (len(effects) - len(values))]
    before = [(tensor, tensor._data, tensor.grad) for tensor in {found[place] for place, _ in effects if place >= 0}]
    try:
        for (place, what), value in zip(effects, values, strict=True):
            if place < 0:
                left[-1 - place][what] = value
            elif what == "data":
                found[place].data = value
            else:
                found[place].grad = value if value is None else _read_only(value)
        for keeper, each in zip(keepers, left, strict=True):
            keeper.settle(each)
    except BaseException:
        for keeper, memory in zip(keepers, memories, strict=True):
            keeper.recall(memory)
        for tensor, data, grad in before:
            tensor.grad = grad
            if tensor._data is not data:
                tensor.data = data
        raise


def _read_only(value: Any) -> Any:
    array = np.asarray(value)
    array.setflags(write=False)
    return array
