"""Fewer calls, the same bits."""

from __future__ import annotations

from typing import Any

import numpy as np

from minigrad import primitive
from minigrad.compiler.node import Trace
from minigrad.compiler.simplify import simplified
from tests.compiler.test_tracing import trace


def calls(made: Trace) -> list[Any]:
    return [node.fn for node in made.nodes if node.fn is not None]


def test_what_is_equal_is_computed_once_and_what_is_unused_never() -> None:
    made = simplified(trace(lambda x: (np.tanh(x) + np.tanh(x), np.sin(x))[0], np.ones(2)))
    assert calls(made) == [np.tanh, np.add]
    assert made.nodes[2].args[0] is made.nodes[2].args[1]


def test_what_undoes_itself_is_gone() -> None:
    made = simplified(
        trace(lambda x: +np.negative(np.negative(x)).T.T + np.stack([x, x])[1] + x.reshape(2, 2), np.ones((2, 2)))
    )
    assert calls(made) == [np.add, np.add]


def test_constants_differ_by_type_and_sign() -> None:
    made = simplified(trace(lambda x: (x * 0.0, x * -0.0, x * 1, x * 1.0, x * np.float32(1)), np.ones(2)))
    assert calls(made) == [np.multiply] * 5


def test_functions_of_others_are_called_as_often_as_they_were() -> None:
    """They may be random, or count."""
    mine = primitive(lambda x: 2 * x)
    assert len(calls(simplified(trace(lambda x: mine(x) + mine(x), np.ones(2))))) == 3
