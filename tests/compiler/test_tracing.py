"""From a function to its calls: what it did, under the names that its tensors have."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from minigrad import Tensor, value_and_grad
from minigrad.compiler.arguments import Found, look
from minigrad.compiler.node import Trace
from minigrad.compiler.traced import Refused
from minigrad.compiler.tracing import traced


def trace(f: Any, *args: Any) -> Trace:
    found = Found()
    look((f, args, {}), [], found, {})
    return traced(f, args, {}, found, [""] * len(found))[0]


def test_calls_are_written_down_in_order_and_by_name() -> None:
    def f(x: Any) -> Any:
        h = np.tanh(x)
        h.name = "h"
        return np.sum(h * (x > 0))

    made = trace(value_and_grad(f), np.ones(2))
    assert [node.fn for node in made.nodes[1:5]] == [np.tanh, np.greater, np.multiply, np.sum]
    assert {node.name for node in made.nodes} >= {"h", "dh"}
    assert made.outputs[0].fn is np.sum and made.nodes[0] is made.inputs[0]


def test_leaves_from_elsewhere_are_refused() -> None:
    class Holder:
        w = Tensor(np.ones(2), requires_grad=True, name="w")

    with pytest.raises(Refused, match=r"w \(2,\) comes from outside"):
        trace(lambda x: x * Holder.w, np.ones(2))


def test_a_value_that_was_kept_is_noticed() -> None:
    kept: list[Any] = []

    def f(x: Any) -> Any:
        class_kept = STORE
        class_kept.append(x)
        return class_kept[0] * 2

    STORE = kept
    with pytest.raises(TypeError, match=r"mg\.compile"):
        trace(f, np.ones(2))
        trace(f, np.ones(2))


def test_clocks_are_noticed() -> None:
    ticks = iter(range(100))

    class Clock:
        @staticmethod
        def now() -> float:
            return float(next(ticks))

    with pytest.raises(Refused, match="two runs differ"):
        trace(lambda x: x * Clock.now(), np.ones(2))
