"""Sums flat, products of concatenations apart: the same numbers up to rounding."""

from __future__ import annotations

import numpy as np

from minigrad import functions
from minigrad.compiler.algebra import flattened, lowered, mean_product, outer, parted, total, turned
from minigrad.compiler.node import Trace
from minigrad.compiler.simplify import simplified
from minigrad.rules.networks import affine, preactivation
from tests.compiler.test_simplify import calls
from tests.compiler.test_tracing import trace

X = np.ones((3, 2))


def rearranged(trace: Trace) -> Trace:
    """All of this module's passes, in the order in which a program is made."""
    return turned(flattened(parted(simplified(lowered(trace)))))


def test_a_sum_of_sums_is_one_unless_a_part_is_needed() -> None:
    flat = rearranged(simplified(trace(lambda x: (x + 2 * x) + (3 * x + 4 * x), X)))
    assert [len(node.args) for node in flat.nodes if node.fn is total] == [4]
    kept = rearranged(simplified(trace(lambda x: (lambda y: (y + 3 * x, y))(x + 2 * x), X)))
    assert [len(node.args) for node in kept.nodes if node.fn is total] == [2, 2]


def test_a_product_of_concatenations_is_the_total_of_its_terms() -> None:
    parts = rearranged(simplified(trace(lambda x: (np.concatenate([x, 2 * x]).T @ np.concatenate([x, 3 * x])).T, X)))
    assert calls(parts).count(outer) == 2 and calls(parts)[-1] is total
    term = next(node for node in parts.nodes if node.fn is outer and node.args[1].fn is np.multiply)
    assert term.args[0].args[0] == 3  # (LᵀR)ᵀ = RᵀL


def test_primitives_are_written_out() -> None:
    made = rearranged(simplified(trace(lambda x: functions.squared_error(x, functions.logistic(x)), X)))
    assert calls(made) == [np.negative, np.exp, np.add, np.divide, np.subtract, mean_product]
    made = rearranged(simplified(trace(lambda x: affine(1.0, preactivation(2.0, x, x.T, 3 * x, x.T), x), X)))
    found = [fn.__name__ for fn in calls(made) if fn is not np.transpose]
    assert found == ["matmul", "add", "multiply", "matmul", "add", "matmul", "add"]
