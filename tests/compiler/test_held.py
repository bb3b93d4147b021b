"""What a function keeps for its next call is refused, and is what it was before; its cell may be anybody's."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
import pytest

import minigrad as mg
from minigrad.compiler.held import Held
from minigrad.compiler.traced import Refused

STATE: Any = None
COUNT = 0


class Cell(mg.Module):
    shared = 1.0

    def __init__(self) -> None:
        self.W = mg.Tensor(np.eye(2) / 2, requires_grad=True, name="W")
        self.h, self.count, self.memory, self.past = np.zeros(2), 0, {"h": np.zeros(2)}, [np.zeros(2)]

    @cached_property
    def square(self) -> Any:
        return self.W.data @ self.W.data


def attribute(cell: Any, x: Any) -> Any:
    cell.h = np.tanh(cell.W @ cell.h + x)
    return cell.h


def new_attribute(cell: Any, x: Any) -> Any:
    before = cell.before if hasattr(cell, "before") else 0 * x
    cell.before = x
    return x - before


def counter(cell: Any, x: Any) -> Any:
    cell.count += 1
    return x / cell.count


def entry(cell: Any, x: Any) -> Any:
    cell.memory["h"] = cell.memory["h"] + x
    return cell.memory["h"]


def item(cell: Any, x: Any) -> Any:
    cell.past.append(x)
    return x + cell.past[-2]


def parameter(cell: Any, x: Any) -> Any:
    cell.W = mg.Tensor(2 * cell.W.data, requires_grad=True)
    return cell.W @ x


def trainable(cell: Any, x: Any) -> Any:
    cell.W.requires_grad = False
    return cell.W @ x


def of_the_class(cell: Any, x: Any) -> Any:
    type(cell).shared *= 0.5
    return cell.shared * x


def global_name(cell: Any, x: Any) -> Any:
    global STATE
    STATE = x if STATE is None else STATE + x
    return STATE


def global_count(cell: Any, x: Any) -> Any:
    global COUNT
    COUNT += 1
    return cell.h + x / COUNT


def around(first: Any, beside: Any) -> Callable[[Any, Any], Any]:
    h: Any = first
    memory: dict[str, Any] = {}

    def f(cell: Any, x: Any) -> Any:
        nonlocal h
        h = x + h
        return memory.setdefault("h", h) + h * beside

    return f


KEEPING: dict[str, Callable[[], Callable[[Any, Any], Any]]] = {
    "Cell.h was": lambda: attribute,
    "Cell.before was": lambda: new_attribute,
    "Cell.count was": lambda: counter,
    "['h'] of a dict was": lambda: entry,
    "[1] of a list was": lambda: item,
    "Cell.W was": lambda: parameter,
    "requires_grad of W was": lambda: trainable,
    "Cell.shared was": lambda: of_the_class,
    "STATE was": lambda: global_name,
    "COUNT was": lambda: global_count,
    "h was": lambda: around(0.0, 1.0),
    "mg.compile: h was": lambda: around(np.zeros(2), np.ones(2)),  # a twin of the function, since it has arrays
}


def outcomes(f: Any, cell: Any, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Of several calls, each of which goes on from the one before."""
    with monkeypatch.context() as patched:
        for name, value in (("STATE", None), ("COUNT", 0)):
            patched.setitem(globals(), name, value)
        patched.setattr(Cell, "shared", 1.0)
        return [np.asarray(getattr(y := f(cell, k * np.ones(2)), "data", y)).tolist() for k in (1.0, 2.0, 3.0)]


@pytest.mark.parametrize("told", KEEPING)
def test_what_is_kept_for_the_next_call_is_refused_and_put_back(told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    f, cell = KEEPING[told](), Cell()
    step = mg.compile(f)
    for _ in range(2):
        with pytest.raises(Refused, match=re.escape(told)):
            step(cell, np.ones(2))
    assert STATE is None and COUNT == 0 and Cell.shared == 1.0
    assert outcomes(f, cell, monkeypatch) == outcomes(KEEPING[told](), Cell(), monkeypatch)


def test_what_is_the_same_afterwards_is_not_kept() -> None:
    """Set for a while, set to what it was; and what a property has computed once."""

    def f(cell: Any, x: Any) -> Any:
        before, cell.h = cell.h, x
        cell.count = len([x]) - 1
        y = np.sum(cell.h @ cell.square)
        cell.h = before
        return y

    cell, x = Cell(), np.arange(2.0)
    assert mg.compile(f)(cell, x) == f(cell, x)


def test_cells_that_are_empty_or_become_so() -> None:
    def outer() -> Any:
        def inner() -> Any:
            return h

        if False:
            h = 1
        return inner

    inner = outer()
    held = Held([inner])
    inner.__closure__[0].cell_contents = 2
    assert held.put_back() == ["h"] and held.put_back() == []
    with pytest.raises(NameError):
        inner()
