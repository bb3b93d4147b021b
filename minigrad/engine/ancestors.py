"""What a result was made from: the recorded graph as a list, put in order without a graph being kept anywhere.

An argument is older than what it was used for, so the running index is a topological order: it takes an explicit stack
and one sort, no recursion, and a tensor that was used twice is found once.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from minigrad.engine.tables import name_of
from minigrad.engine.tensor import Tensor


class StaleGraphError(RuntimeError):
    """A tensor's data was assigned after a recorded operation had used it."""


def ancestors(outputs: Iterable[Tensor], *, constants: bool = False) -> list[Tensor]:
    """All that ``outputs`` were made from, themselves included, the youngest first; ``constants`` too if asked for.

    The only way to break the order is to assign `Tensor.data` after the use, and a gradient of the new values through
    the old ones would be wrong: raises `StaleGraphError`.
    """
    found = {output.index: output for output in outputs if output.requires_grad or constants}
    stack = list(found.values())
    while stack:
        tensor = stack.pop()
        index = tensor.index
        for argument in tensor.args:
            if type(argument) is Tensor:
                if argument.index > index:
                    raise StaleGraphError(
                        f"the data of {argument.name or 'a tensor'} {argument.shape} was assigned after"
                        f" {name_of(tensor.fn)} had used it: compute the result again before going back through it"
                        " (a state that is carried over an optimizer's step is cut by state.detach())"
                    )
                if (argument.requires_grad or constants) and argument.index not in found:
                    found[argument.index] = argument
                    stack.append(argument)
    return [found[index] for index in sorted(found, reverse=True)]


def leading_to(asked: Iterable[Tensor], order: Sequence[Tensor]) -> list[Tensor]:
    """Those of ``order`` through which a cotangent can reach what is ``asked``: no other needs to be computed."""
    useful = {tensor.index for tensor in asked}
    for tensor in reversed(order):
        if any(type(a) is Tensor and a.index in useful for a in tensor.args):
            useful.add(tensor.index)
    return [tensor for tensor in order if tensor.index in useful]
